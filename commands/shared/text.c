// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pieces of text that several commands print alike.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>

void kco_row_failed(struct kco_cmd_ctx *ctx, enum kco_status status, const char *why)
{
	ctx->failed_rows++;
	kco_out_reason(ctx->out, status, why);
}

void kco_word_failed(struct kco_cmd_ctx *ctx, const char *word, enum kco_status status, const char *why)
{
	kco_text(ctx->out, "%s", word);
	kco_json_row(ctx->out);
	kco_json_str(ctx->out, "word", word);
	// The command was used well: it is the name that is not there.
	kco_row_failed(ctx, status == KCO_E_USAGE ? KCO_E_NOSYM : status, why);
	kco_json_row_end(ctx->out);
}

const char *kco_format_symbol(struct kco_cmd_ctx *ctx, uint64_t addr)
{
	struct kco_symbols *syms = kco_session_symbols(ctx->session);
	struct kco_symbol sym;
	const char *text;

	if (!syms || kco_symbols_by_addr(syms, addr, &sym, NULL) != KCO_OK)
		text = kco_arena_printf(ctx->arena, "%" PRIx64, addr);
	else if (sym.module)
		text = kco_arena_printf(ctx->arena, "%s+0x%" PRIx64 " [%s]", sym.name, addr - sym.addr, sym.module);
	else
		text = kco_arena_printf(ctx->arena, "%s+0x%" PRIx64, sym.name, addr - sym.addr);
	return text ? text : "?";
}

void kco_text_task_header(struct kco_out *out, const struct kco_task *task)
{
	char cpu[16] = "-";

	if (kco_out_json(out))
		return;
	if (task->cpu >= 0)
		snprintf(cpu, sizeof(cpu), "%d", task->cpu);
	kco_style(out, task->flags & KCO_TASK_PANIC ? KCO_STYLE_PANIC : KCO_STYLE_HEAD);
	if (task->flags & KCO_TASK_OWN_TID)
		kco_text(out, "PID: %-7" PRId64 "  TID: %-7" PRId64, task->tgid, task->tid);
	else
		kco_text(out, "PID: %-7" PRId64, task->tid);
	kco_text(out, "  TASK: %016" PRIx64 "  CPU: %-3s  COMMAND: \"%s\"", task->addr, cpu, task->comm);
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
}

void kco_json_known(struct kco_out *out, const char *key, int64_t v)
{
	if (v >= 0)
		kco_json_int(out, key, v);
	else
		kco_json_null(out, key);
}
