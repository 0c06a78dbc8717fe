// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel stacks without unwinding: as words, as the text addresses among them,
 * or only the question whether one overflowed.
 *
 * For the day when the unwinder is wrong: nothing here trusts a frame.
 */
#include "stackwords.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/unwind.h>

#define STACKWORDS_MAX (1U << 20) /* bytes: no kernel stack is larger */
#define STACKWORDS_CHUNK 512
#define STACKWORDS_PAGE 4096	    /* granularity of failures */
#define STACKWORDS_MAGIC 0x57ac6e9d /* STACK_END_MAGIC, Linux include/uapi/linux/magic.h */

struct stackwords {
	struct kco_cmd_ctx *ctx;
	const struct kco_task *task;
	enum kco_stackwords_mode mode;
	size_t nth;
};

/* A reason with the task it belongs to. */
static void stackwords_failed(struct kco_cmd_ctx *ctx, const struct kco_task *task, enum kco_status status,
			      const char *why)
{
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", task->tgid);
	kco_json_int(ctx->out, "tid", task->tid);
	kco_json_addr(ctx->out, "task", task->addr);
	kco_row_failed(ctx, status, why);
	kco_json_row_end(ctx->out);
}

static bool stackwords_is_text(const struct kco_symbol *sym)
{
	return strchr("tTwWvV", sym->type) != NULL;
}

/* What @word points to; false when nothing should be shown for it. */
static bool stackwords_symbol(struct stackwords *sw, uint64_t word, struct kco_symbol *sym)
{
	struct kco_symbols *syms = kco_session_symbols(sw->ctx->session);

	return syms && kco_symbols_by_addr(syms, word, sym, NULL) == KCO_OK;
}

static void stackwords_json(struct stackwords *sw, uint64_t addr, uint64_t word, const struct kco_symbol *sym)
{
	struct kco_out *out = sw->ctx->out;

	kco_json_row(out);
	kco_json_int(out, "pid", sw->task->tgid);
	kco_json_int(out, "tid", sw->task->tid);
	kco_json_addr(out, "task", sw->task->addr);
	kco_json_addr(out, "addr", addr);
	kco_json_addr(out, "value", word);
	if (sym) {
		kco_json_str(out, "symbol", sym->name);
		kco_json_uint(out, "offset", word - sym->addr);
		kco_json_str(out, "module", sym->module);
	} else {
		kco_json_null(out, "symbol");
	}
	kco_json_row_end(out);
}

static void stackwords_word(struct stackwords *sw, uint64_t addr, uint64_t word)
{
	struct kco_out *out = sw->ctx->out;
	char name[KCO_SYMBOL_NAME_MAX + 32];
	struct kco_symbol sym;
	bool known = stackwords_symbol(sw, word, &sym);

	if (sw->mode != KCO_STACKWORDS_RAW && (!known || !stackwords_is_text(&sym)))
		return;
	if (kco_out_json(out)) {
		stackwords_json(sw, addr, word, known ? &sym : NULL);
	} else if (sw->mode != KCO_STACKWORDS_RAW) {
		kco_text(out, "  [%016" PRIx64 "] ", addr);
		kco_style(out, KCO_STYLE_NAME);
		kco_text(out, "%s", sym.name);
		kco_style(out, KCO_STYLE_PLAIN);
		kco_text(out, " at %016" PRIx64, word);
		if (sym.module)
			kco_text(out, " [%s]", sym.module);
		kco_text(out, "\n");
	} else {
		if (sw->nth % 2 == 0)
			kco_text(out, "%016" PRIx64 ":  ", addr);
		if (!known)
			snprintf(name, sizeof(name), "%016" PRIx64, word);
		else if (word == sym.addr)
			snprintf(name, sizeof(name), "%s", sym.name);
		else
			snprintf(name, sizeof(name), "%s+%" PRIu64, sym.name, word - sym.addr);
		kco_text(out, "%-16s ", name);
		if (sw->nth++ % 2)
			kco_text(out, "\n");
	}
}

static void stackwords_range(struct stackwords *sw, uint64_t at, uint64_t end)
{
	struct kco_cmd_ctx *ctx = sw->ctx;
	uint8_t buf[STACKWORDS_CHUNK * 8];
	struct kco_err err = KCO_ERR_INIT;

	sw->nth = 0;
	while (at + 8 <= end && !kco_out_closed(ctx->out)) {
		size_t want = end - at < sizeof(buf) ? (size_t)(end - at) & ~(size_t)7 : sizeof(buf), got;
		enum kco_status status = kco_kread(ctx->session, at, buf, want, &got, &err);

		got = status == KCO_OK ? want : got & ~(size_t)7;
		for (size_t i = 0; i < got; i += 8) {
			uint64_t word;

			memcpy(&word, buf + i, 8);
			stackwords_word(sw, at + i, word);
		}
		at += got;
		if (status == KCO_OK)
			continue;
		if (sw->mode == KCO_STACKWORDS_RAW && sw->nth % 2)
			kco_text(ctx->out, "\n");
		stackwords_failed(ctx, sw->task, status, err.msg);
		sw->nth = 0;
		at = (at | (STACKWORDS_PAGE - 1)) + 1; // the rest of the stack may be there
	}
	if (sw->mode == KCO_STACKWORDS_RAW && sw->nth % 2)
		kco_text(ctx->out, "\n");
}

/* Where the task's registers say that its stack is used from; the start frame for text. */
static uint64_t stackwords_start(struct stackwords *sw, struct kco_unwinder *uw, struct kco_trace *trace)
{
	const struct kco_task *task = sw->task;
	const struct kco_frame *f = &trace->frames[0];
	struct kco_symbol sym;

	if (kco_unwind_task(uw, task, trace, NULL) != KCO_OK && !trace->n)
		return task->stack;
	if (f->kind != KCO_FRAME_USER && stackwords_symbol(sw, f->pc, &sym))
		kco_text(sw->ctx->out, "              START: %s at %016" PRIx64 "\n", sym.name, f->pc);
	// A task on another stack (interrupt, exception) has used all of its own up to there; show all of it.
	if (f->sp < task->stack || f->sp - task->stack >= task->stack_size)
		return task->stack;
	return f->sp & ~UINT64_C(7);
}

enum kco_status kco_stackwords_show(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				    enum kco_stackwords_mode mode, struct kco_err *err)
{
	struct kco_trace *trace = kco_arena_alloc(ctx->arena, sizeof(*trace));
	struct kco_unwinder *uw;
	enum kco_status status;

	if (!trace)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	status = kco_unwinder_new(ctx->session, &uw, err);
	if (status != KCO_OK)
		return status;
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		struct stackwords sw = { ctx, tasks[i], mode, 0 };
		uint64_t start = tasks[i]->stack;

		if (i)
			kco_text(ctx->out, "\n");
		kco_text_task_header(ctx->out, tasks[i]);
		if (!tasks[i]->stack || !tasks[i]->stack_size || tasks[i]->stack_size > STACKWORDS_MAX) {
			stackwords_failed(ctx, tasks[i], KCO_E_RANGE, "the task has no kernel stack any more");
			continue;
		}
		if (mode == KCO_STACKWORDS_TEXT)
			start = stackwords_start(&sw, uw, trace);
		stackwords_range(&sw, start, tasks[i]->stack + tasks[i]->stack_size);
	}
	kco_unwinder_free(uw);
	return KCO_OK;
}

/*
 * The word below which nothing may be pushed. Kernels that keep thread_info on
 * the stack have it above that structure.
 */
static uint64_t stackwords_end_offset(struct kco_cmd_ctx *ctx)
{
	struct kco_types *types;
	struct kco_field field;
	uint64_t size;

	if (kco_session_need(ctx->session, KCO_NEED_TYPES, NULL) != KCO_OK)
		return 0;
	types = kco_session_types(ctx->session);
	if (kco_types_field(types, "task_struct", "thread_info", &field, NULL) == KCO_OK ||
	    kco_types_sizeof(types, "thread_info", &size, NULL) != KCO_OK)
		return 0;
	return size;
}

static void stackwords_overflow(struct kco_cmd_ctx *ctx, const struct kco_task *task, uint64_t addr, uint64_t word)
{
	if (kco_out_json(ctx->out)) {
		kco_json_row(ctx->out);
		kco_json_int(ctx->out, "pid", task->tgid);
		kco_json_int(ctx->out, "tid", task->tid);
		kco_json_str(ctx->out, "comm", task->comm);
		kco_json_addr(ctx->out, "task", task->addr);
		kco_json_addr(ctx->out, "addr", addr);
		kco_json_addr(ctx->out, "value", word);
		kco_json_row_end(ctx->out);
		return;
	}
	kco_text_task_header(ctx->out, task);
	kco_style(ctx->out, KCO_STYLE_WARN);
	kco_text(ctx->out, "  stack overflow: the end mark at %016" PRIx64 " is %016" PRIx64 "\n", addr, word);
	kco_style(ctx->out, KCO_STYLE_PLAIN);
}

enum kco_status kco_stackwords_check(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				     struct kco_err *err)
{
	uint64_t offset = stackwords_end_offset(ctx), word;
	size_t found = 0;

	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		enum kco_status status;

		if (!tasks[i]->stack)
			continue; // a zombie gave its stack back
		status = kco_kread_uint(ctx->session, tasks[i]->stack + offset, 8, &word, err);
		if (status != KCO_OK) {
			kco_text_task_header(ctx->out, tasks[i]);
			stackwords_failed(ctx, tasks[i], status, err ? err->msg : "unreadable");
		} else if (word != STACKWORDS_MAGIC) {
			stackwords_overflow(ctx, tasks[i], tasks[i]->stack + offset, word);
			found++;
		}
	}
	if (!found && !ctx->failed_rows)
		kco_text(ctx->out, "No stack overflows detected\n");
	return KCO_OK;
}
