// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source lines of addresses for commands: from a vmlinux, if there is one.
 *
 * A function that the compiler inlined has no frame of its own. Its row comes
 * before the frame's own line and says so:
 *
 *     include/linux/rcupdate.h: 823 (inlined rcu_read_unlock)
 *     drivers/tty/sysrq.c: 612
 */
#include "lines.h"

bool kco_lines_available(struct kco_cmd_ctx *ctx)
{
	struct kco_debuginfo *di;
	struct kco_err err = KCO_ERR_INIT;

	if (kco_debuginfo_get(ctx->session, &di, &err) == KCO_OK)
		return true;
	kco_session_warn(ctx->session, "no source lines: %s", err.msg);
	ctx->failed_rows++;
	return false;
}

size_t kco_lines_get(struct kco_cmd_ctx *ctx, uint64_t pc, struct kco_source_line *rows)
{
	struct kco_debuginfo *di;
	size_t n = 0;

	if (kco_debuginfo_get(ctx->session, &di, NULL) != KCO_OK ||
	    kco_debuginfo_lines(di, pc, rows, KCO_LINES_MAX, &n, NULL) != KCO_OK)
		return 0;
	return n;
}

void kco_lines_text(struct kco_cmd_ctx *ctx, uint64_t pc)
{
	struct kco_source_line rows[KCO_LINES_MAX];
	size_t n = kco_lines_get(ctx, pc, rows);

	for (size_t i = 0; i < n; i++) {
		kco_text(ctx->out, "    %s: %u", rows[i].file ? rows[i].file : "?", rows[i].line);
		if (rows[i].inlined)
			kco_text(ctx->out, " (inlined %s)", rows[i].function ? rows[i].function : "?");
		kco_text(ctx->out, "\n");
	}
}

void kco_lines_json(struct kco_cmd_ctx *ctx, uint64_t pc)
{
	struct kco_source_line rows[KCO_LINES_MAX];
	size_t n = kco_lines_get(ctx, pc, rows);

	kco_json_array(ctx->out, "lines");
	for (size_t i = 0; i < n; i++) {
		kco_json_object(ctx->out, NULL);
		kco_json_str(ctx->out, "function", rows[i].function);
		kco_json_str(ctx->out, "file", rows[i].file);
		kco_json_uint(ctx->out, "line", rows[i].line);
		kco_json_bool(ctx->out, "inlined", rows[i].inlined);
		kco_json_end(ctx->out);
	}
	kco_json_end(ctx->out);
}
