// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stack trace as crash lays it out, and as JSON.
 *
 *      #4 [fffffe0000007ef0] asm_exc_nmi at ffffffff81c01b4a
 *         [exception RIP: mwait_idle+21]
 *         RIP: ...                                   interrupted registers
 *     --- <NMI exception stack> ---                  the stack that ends here
 *      #5 [ffffffff82803e48] mwait_idle at ffffffff81bb0a35
 *     ...
 *     #12 [ffffffff82803f50] entry_SYSCALL_64_after_hwframe at ffffffff81c00087
 *         RIP: ...                                   user registers
 *
 * Where this differs from crash: the interrupted function is always a frame of
 * its own (crash leaves it out when the stack stays the same), so that numbers
 * agree with the JSON and the function gets its source lines.
 */
#include "frames.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "regs.h"

#define FRAMES_WORDS_MAX 8192 /* of one frame: what a KASAN kernel's largest stack holds */
#define FRAMES_WORDS_CHUNK 256

/* The address to look @f up by. A call of a function that does not return may end its caller: then the return
 * address is already the next function's. */
static uint64_t frames_lookup_pc(const struct kco_frame *f)
{
	bool exact = f->kind != KCO_FRAME_CALL || (f->by == KCO_BY_REGS && !f->slot);

	return exact ? f->pc : f->pc - 1;
}

bool kco_frame_symbol(struct kco_cmd_ctx *ctx, const struct kco_frame *f, struct kco_symbol *sym, uint64_t *offset)
{
	struct kco_symbols *syms = kco_session_symbols(ctx->session);

	if (!syms || f->kind == KCO_FRAME_USER || kco_symbols_by_addr(syms, frames_lookup_pc(f), sym, NULL) != KCO_OK)
		return false;
	*offset = f->pc - sym->addr;
	return true;
}

/* crash's words for the stacks that os.h names. */
static void frames_switch_text(struct kco_out *out, const char *left)
{
	static const struct {
		const char *name, *text;
	} names[] = {
		{ "task", "task stack" },	    { "IRQ", "IRQ stack" },
		{ "NMI", "NMI exception stack" },   { "#DF", "DOUBLEFAULT exception stack" },
		{ "#DB", "DEBUG exception stack" }, { "#MC", "MCE exception stack" },
		{ "#VC", "VC exception stack" },    { "entry trampoline", "entry trampoline stack" },
	};
	const char *text = left;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, left))
			text = names[i].text;
	kco_text(out, "--- <%s> ---\n", text);
}

static void frames_function_text(struct kco_cmd_ctx *ctx, const struct kco_frame *f, bool offsets, bool hex)
{
	struct kco_out *out = ctx->out;
	struct kco_symbol sym;
	uint64_t offset;

	kco_style(out, f->by == KCO_BY_SCAN ? KCO_STYLE_DIM : KCO_STYLE_NAME);
	if (!kco_frame_symbol(ctx, f, &sym, &offset))
		kco_text(out, "(unknown)");
	else if (!offsets)
		kco_text(out, "%s", sym.name);
	else if (hex)
		kco_text(out, "%s+0x%" PRIx64, sym.name, offset);
	else
		kco_text(out, "%s+%" PRIu64, sym.name, offset);
	kco_style(out, KCO_STYLE_PLAIN);
}

static void frames_line_text(struct kco_cmd_ctx *ctx, size_t n, const struct kco_frame *f,
			     const struct kco_frames_style *style)
{
	struct kco_out *out = ctx->out;
	struct kco_symbol sym;
	uint64_t offset;

	kco_text(out, "%s#%zu ", n < 10 ? " " : "", n);
	if (!style->no_stack_addr)
		kco_text(out, "[%016" PRIx64 "] ", f->slot ? f->slot : f->sp);
	frames_function_text(ctx, f, style->offsets, style->hex);
	kco_text(out, " at %016" PRIx64, f->pc);
	if (kco_frame_symbol(ctx, f, &sym, &offset) && sym.module)
		kco_text(out, " [%s]", sym.module);
	kco_text(out, "%s\n", f->by == KCO_BY_SCAN ? " *" : "");
}

/*
 * The stack words of frame @i: from above its own return address to the
 * caller's, as crash divides a stack. The last frame has none (what lies above
 * it are the registers of user mode), nor has the last one on each stack,
 * unless the trace ended early: then all that is left is shown.
 */
static size_t frames_words_range(const struct kco_task *task, const struct kco_trace *trace, size_t i, uint64_t *first)
{
	const struct kco_frame *f = &trace->frames[i], *next = i + 1 < trace->n ? &trace->frames[i + 1] : NULL;
	uint64_t start = f->slot ? f->slot + 8 : f->sp, end = 0;

	if (next && !next->stack && next->kind != KCO_FRAME_USER)
		end = next->slot ? next->slot + 8 : next->sp;
	else if (!next && trace->status != KCO_OK && task->stack && start >= task->stack &&
		 start - task->stack < task->stack_size)
		end = task->stack + task->stack_size;
	*first = start;
	if (start & 7 || end <= start || (end - start) / 8 > FRAMES_WORDS_MAX)
		return 0;
	return (size_t)((end - start) / 8);
}

/* The name of the symbol that a stack word points into, or "". */
static const char *frames_word_symbol(struct kco_cmd_ctx *ctx, uint64_t word, char *buf, size_t size)
{
	struct kco_symbols *syms = kco_session_symbols(ctx->session);
	struct kco_symbol sym;

	buf[0] = '\0';
	if (!syms || kco_symbols_by_addr(syms, word, &sym, NULL) != KCO_OK)
		return buf;
	if (word == sym.addr)
		snprintf(buf, size, "%s", sym.name);
	else
		snprintf(buf, size, "%s+%" PRIu64, sym.name, word - sym.addr);
	return buf;
}

/* Calls @fn for each word of the frame that can be read; reports what cannot. */
static void
frames_words_each(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace, size_t i,
		  void (*fn)(struct kco_cmd_ctx *ctx, uint64_t addr, uint64_t word, size_t nth, bool symbolic),
		  bool symbolic)
{
	uint8_t buf[FRAMES_WORDS_CHUNK * 8];
	uint64_t at;
	size_t n = frames_words_range(task, trace, i, &at), nth = 0;

	while (n) {
		size_t want = n < FRAMES_WORDS_CHUNK ? n : FRAMES_WORDS_CHUNK, got = 0;
		enum kco_status st = kco_kread(ctx->session, at, buf, want * 8, &got, NULL);

		for (size_t k = 0; k < got / 8; k++) {
			uint64_t word;

			memcpy(&word, buf + k * 8, 8);
			fn(ctx, at + k * 8, word, nth++, symbolic);
		}
		if (st != KCO_OK)
			return; // the trace says why: it was unwound from the same words
		at += want * 8;
		n -= want;
	}
}

static void frames_word_text(struct kco_cmd_ctx *ctx, uint64_t addr, uint64_t word, size_t nth, bool symbolic)
{
	char name[KCO_SYMBOL_NAME_MAX + 32] = "";

	if (nth && nth % 2 == 0)
		kco_text(ctx->out, "\n");
	if (nth % 2 == 0)
		kco_text(ctx->out, "    %016" PRIx64 ": ", addr);
	if (symbolic && *frames_word_symbol(ctx, word, name, sizeof(name)))
		kco_text(ctx->out, "%-16s ", name);
	else
		kco_text(ctx->out, "%016" PRIx64 " ", word);
}

static void frames_words_text(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace,
			      size_t i, bool symbolic)
{
	uint64_t first;

	if (!frames_words_range(task, trace, i, &first))
		return;
	frames_words_each(ctx, task, trace, i, frames_word_text, symbolic);
	kco_text(ctx->out, "\n");
}

static void frames_exception_text(struct kco_cmd_ctx *ctx, const struct kco_frame *f, bool hex)
{
	kco_text(ctx->out, "    [exception RIP: ");
	frames_function_text(ctx, f, true, hex);
	kco_text(ctx->out, "]\n");
	if (f->regs)
		kco_regs_text(ctx->out, kco_session_arch(ctx->session), f->regs);
}

void kco_frames_text(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace,
		     const struct kco_frames_style *style)
{
	const char *stack = "task";

	for (size_t i = 0; i < trace->n && !kco_out_closed(ctx->out); i++) {
		const struct kco_frame *f = &trace->frames[i];

		if (f->kind == KCO_FRAME_EXCEPTION)
			frames_exception_text(ctx, f, style->hex);
		if (f->stack && i)
			frames_switch_text(ctx->out, stack);
		if (f->stack)
			stack = f->stack;
		if (f->kind == KCO_FRAME_USER) {
			if (f->regs)
				kco_regs_text(ctx->out, kco_session_arch(ctx->session), f->regs);
			continue;
		}
		frames_line_text(ctx, i, f, style);
		if (style->lines)
			kco_lines_text(ctx, frames_lookup_pc(f));
		if (style->words)
			frames_words_text(ctx, task, trace, i, style->symbolic);
	}
	if (trace->status != KCO_OK)
		kco_row_failed(ctx, trace->status, trace->why);
}

static void frames_word_json(struct kco_cmd_ctx *ctx, uint64_t addr, uint64_t word, size_t nth, bool symbolic)
{
	char name[KCO_SYMBOL_NAME_MAX + 32] = "";

	(void)nth;
	kco_json_object(ctx->out, NULL);
	kco_json_addr(ctx->out, "addr", addr);
	kco_json_addr(ctx->out, "value", word);
	if (symbolic && *frames_word_symbol(ctx, word, name, sizeof(name)))
		kco_json_str(ctx->out, "symbol", name);
	kco_json_end(ctx->out);
}

static void frames_frame_json(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace,
			      size_t i, const struct kco_frames_style *style)
{
	const struct kco_frame *f = &trace->frames[i];
	struct kco_out *out = ctx->out;
	struct kco_symbol sym = { 0 };
	uint64_t offset;
	bool known = kco_frame_symbol(ctx, f, &sym, &offset);

	kco_json_object(out, NULL);
	kco_json_uint(out, "n", i);
	kco_json_addr(out, "pc", f->pc);
	if (!style->no_stack_addr)
		kco_json_addr(out, "sp", f->sp);
	kco_json_str(out, "function", known ? sym.name : NULL);
	if (known)
		kco_json_uint(out, "offset", offset);
	else
		kco_json_null(out, "offset");
	kco_json_str(out, "module", known ? sym.module : NULL);
	kco_json_str(out, "by", kco_frame_by_name(f->by));
	if (f->slot && !style->no_stack_addr)
		kco_json_addr(out, "slot", f->slot);
	if (f->stack)
		kco_json_str(out, "stack", f->stack);
	if (f->kind == KCO_FRAME_EXCEPTION) {
		kco_json_str(out, "kind", "exception");
		if (f->regs && !style->no_stack_addr)
			kco_regs_json(out, "regs", kco_session_arch(ctx->session), f->regs);
	}
	if (style->lines)
		kco_lines_json(ctx, frames_lookup_pc(f));
	if (style->words) {
		kco_json_array(out, "words");
		frames_words_each(ctx, task, trace, i, frames_word_json, style->symbolic);
		kco_json_end(out);
	}
	kco_json_end(out);
}

void kco_frames_json(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace,
		     const struct kco_frames_style *style)
{
	const struct kco_frame *user = NULL;

	kco_json_array(ctx->out, "frames");
	for (size_t i = 0; i < trace->n; i++) {
		if (trace->frames[i].kind == KCO_FRAME_USER)
			user = &trace->frames[i];
		else
			frames_frame_json(ctx, task, trace, i, style);
	}
	kco_json_end(ctx->out);
	if (user && !style->no_stack_addr) {
		kco_json_object(ctx->out, "user");
		kco_json_addr(ctx->out, "pc", user->pc);
		kco_json_addr(ctx->out, "sp", user->sp);
		if (user->regs)
			kco_regs_json(ctx->out, "regs", kco_session_arch(ctx->session), user->regs);
		kco_json_end(ctx->out);
	}
	if (trace->status != KCO_OK)
		kco_row_failed(ctx, trace->status, trace->why);
}
