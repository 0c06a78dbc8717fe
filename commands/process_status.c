// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process status: one process, or those named, as a debugger reports a stop.
 */
#include <kco/cmd.h>

#include "process.h"
#include "threadline.h"

struct process_status_opts {
	int64_t pid;
	bool has_pid;
};

static enum kco_status process_status_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct process_status_opts *opts = ctx->opts;
	struct kco_process **list = kco_arena_array(ctx->arena, (size_t)ctx->argc + 1, sizeof(struct kco_process *));
	size_t n = 0;
	enum kco_status st = KCO_OK;

	if (!list)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!ctx->argc || opts->has_pid)
		st = kco_current_process(ctx, opts->has_pid, opts->pid, &list[n++], err);
	for (int i = 0; !st && i < ctx->argc; i++) {
		int64_t pid;

		st = kco_parse_int(ctx->argv[i], &pid, err);
		if (!st)
			st = kco_process_get(ctx->session, pid, &list[n++], err);
	}
	for (size_t i = 0; !st && i < n; i++)
		kco_processline(ctx, list[i], true);
	return st;
}

static const struct kco_arg process_status_args[] = { { KCO_WORD_TASK, "PID", .optional = true, .repeat = true },
						      { 0 } };

static const struct kco_opt process_status_optv[] = { KCO_PROCESS_OPT(struct process_status_opts), { 0 } };

static const struct kco_json_field process_status_json_fields[] = { KCO_PROCESSLINE_JSON, { 0 } };

const struct kco_cmd kco_cmd_process_status = {
	.name = "process status",
	.summary = "why a process and its threads stand still",
	.description =
		"The attached process, or those named, with a line for each of its threads, as `process list` has them. "
		"JSON rows also tell the kernel function that each thread waits in.",
	.examples = "process status\n    the attached process\n"
		    "process status 1 108\n    these two\n",
	.args = process_status_args,
	.opts = process_status_optv,
	.opts_size = sizeof(struct process_status_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = process_status_json_fields,
	.run = process_status_run,
};
