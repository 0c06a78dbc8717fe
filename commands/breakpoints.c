// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * breakpoints: those that were alive in the crashed system.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>

#include <kco/breakpoint.h>
#include <kco/uimage.h>

enum { BP_KIND, BP_PID, BP_TID, BP_NAME, BP_CPU, BP_ADDR, BP_LEN, BP_ACCESS, BP_STATE, BP_WHERE, BP_COLS };

static const struct kco_col breakpoints_cols[] = {
	{ "kind", "KIND", 0 },
	{ "pid", "PID", KCO_COL_RIGHT },
	{ "tid", "TID", KCO_COL_RIGHT | KCO_COL_JSON_ONLY },
	{ "comm", "COMM", 0 },
	{ "cpu", "CPU", KCO_COL_RIGHT | KCO_COL_JSON_ONLY },
	{ "addr", "ADDRESS", KCO_COL_RIGHT },
	{ "len", "LEN", KCO_COL_RIGHT },
	{ "access", "ACCESS", 0 },
	{ "enabled", "", KCO_COL_JSON_ONLY },
	{ "how", "STATE", 0 },
	{ "symbol", "WHERE", 0 },
	{ "path", "", KCO_COL_JSON_ONLY },
	{ "offset", "", KCO_COL_JSON_ONLY },
	{ "original", "", KCO_COL_JSON_ONLY },
	{ "object", "", KCO_COL_JSON_ONLY },
};

struct breakpoints_run {
	struct kco_cmd_ctx *ctx;
	struct kco_table *table;
	size_t n;
};

/* What is at its address, by name; a place in a file for a uprobe. */
static const char *breakpoints_where(struct kco_cmd_ctx *ctx, const struct kco_breakpoint *bp)
{
	struct kco_process *p = bp->task ? kco_process_of(ctx->session, bp->task) : NULL;
	struct kco_usymbol sym;

	if (bp->kind == KCO_BREAKPOINT_UPROBE)
		return kco_arena_printf(ctx->arena, "%s+0x%" PRIx64, bp->path ? bp->path : "?", bp->offset);
	if (bp->addr >> 63)
		return kco_format_symbol(ctx, bp->addr);
	if (p && !kco_usymbol_by_addr(p, bp->addr, &sym, NULL))
		return kco_arena_printf(ctx->arena, "%s+0x%" PRIx64, sym.name, bp->addr - sym.addr);
	if (bp->path)
		return kco_arena_printf(ctx->arena, "%s+0x%" PRIx64, bp->path, bp->offset);
	return NULL;
}

static const char *breakpoints_access(unsigned access)
{
	static const char *const names[] = { "", "r", "w", "rw", "x", "rx", "wx", "rwx" };

	return names[access & 7];
}

static bool breakpoints_row(void *arg, const struct kco_breakpoint *bp)
{
	struct breakpoints_run *run = arg;
	struct kco_table *t = run->table;

	kco_cell_str(t, kco_breakpoint_kind_name(bp->kind));
	if (bp->task) {
		kco_cell_int(t, bp->task->tgid);
		kco_cell_int(t, bp->task->tid);
		kco_cell_str(t, bp->task->comm);
	} else {
		kco_cell_null(t);
		kco_cell_null(t);
		kco_cell_null(t);
	}
	if (bp->cpu >= 0)
		kco_cell_int(t, bp->cpu);
	else
		kco_cell_null(t);
	if (bp->kind == KCO_BREAKPOINT_UPROBE || bp->status)
		kco_cell_null(t);
	else
		kco_cell_addr(t, bp->addr);
	kco_cell_uint(t, bp->len);
	kco_cell_str(t, breakpoints_access(bp->access));
	kco_cell_bool(t, bp->enabled, "enabled");
	kco_cell_str(t, bp->how ? bp->how : bp->enabled ? "enabled" : "disabled");
	kco_cell_str(t, bp->status ? NULL : breakpoints_where(run->ctx, bp));
	kco_cell_str(t, bp->path);
	kco_cell_uint(t, bp->offset);
	if (bp->kind == KCO_BREAKPOINT_INT3)
		kco_cell_uint(t, bp->original);
	else
		kco_cell_null(t);
	kco_cell_addr(t, bp->object);
	if (bp->status)
		kco_row_failed(run->ctx, bp->status, bp->why);
	kco_table_row_end(t);
	run->n++;
	return !kco_out_closed(run->ctx->out);
}

static enum kco_status breakpoints_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	struct breakpoints_run run = { .ctx = ctx };
	enum kco_status st;

	run.table = kco_table_new(ctx->out, breakpoints_cols, sizeof(breakpoints_cols) / sizeof(*breakpoints_cols));
	if (!run.table)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_breakpoints_each(ctx->session, breakpoints_row, &run, err);
	kco_table_end(run.table);
	return st;
}

static const struct kco_json_field breakpoints_json_fields[] = {
	{ "kind", "string", "ptrace, perf, uprobe, kprobe or int3" },
	{ "pid", "integer|null", "the process that it stops; null: any" },
	{ "tid", "integer|null", "the thread" },
	{ "comm", "string|null", "its command name" },
	{ "cpu", "integer|null", "perf: on this CPU only" },
	{ "addr", "address|null", "watched, or of the instruction; null for uprobes, whose place is path and offset" },
	{ "len", "integer", "bytes" },
	{ "access", "string", "what it waits for: r, w, x" },
	{ "enabled", "boolean", "would it stop anybody" },
	{ "how", "string", "enabled, disabled; of kprobes: int3, ftrace, optimized, disabled, gone" },
	{ "symbol", "string|null", "function and offset; path and offset of uprobes" },
	{ "path", "string|null", "uprobe, int3: the file" },
	{ "offset", "integer", "uprobe, int3: place in the file" },
	{ "original", "integer|null", "int3: the byte that the file has there" },
	{ "object", "address", "the kernel's structure, 0x0 none" },
	{ 0 },
};

const struct kco_cmd kco_cmd_breakpoints = {
	.name = "breakpoints",
	.summary = "breakpoints that were alive in the crashed system",
	.description =
		"Debug registers that tracers set (ptrace) and perf's (perf), uprobes, kprobes, and breakpoint instructions "
		"that a debugger wrote into the text of a process (int3): bytes 0xcc in private copies of text pages where "
		"the page cache has another byte. An int3 in a page whose file page is no longer in the page cache is not "
		"found.",
	.examples = "breakpoints\n    all\n",
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_SYMS | KCO_NEED_TYPES | KCO_NEED_TASKS,
	.features = KCO_FEATURE_BREAKPOINTS,
	.json = breakpoints_json_fields,
	.run = breakpoints_run,
};
