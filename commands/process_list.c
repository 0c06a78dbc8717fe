// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process list: every process with its threads, and why each stands still.
 */
#include <kco/cmd.h>

#include "threadline.h"

struct process_list_opts {
	bool all;
};

static enum kco_status process_list_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct process_list_opts *opts = ctx->opts;
	bool all = opts->all || (ctx->context && ctx->context->show_hidden);
	struct kco_process *const *list;
	size_t n;
	enum kco_status st = kco_processes_get(ctx->session, &list, &n, err);

	if (st)
		return st;
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		if (!list[i]->pid ? all : all || !list[i]->hidden)
			kco_processline(ctx, list[i], false);
		if (kco_session_cancelled(ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "cancelled");
	}
	// Tasks that cannot be read are in no process but the kernel.
	for (size_t i = 0; !all && n && i < list[0]->nr_threads; i++)
		if (list[0]->threads[i]->status)
			kco_row_failed(ctx, list[0]->threads[i]->status, list[0]->threads[i]->why);
	ctx->failed_rows += kco_tasks_incomplete(ctx->session);
	return KCO_OK;
}

static const struct kco_opt process_list_optv[] = {
	{ 'a', "all", KCO_OPT_FLAG, offsetof(struct process_list_opts, all),
	  .help = "kernel threads, helpers and the kernel itself (process 0) as well" },
	{ 0 },
};

static const struct kco_json_field process_list_json_fields[] = { KCO_PROCESSLINE_JSON, { 0 } };

const struct kco_cmd kco_cmd_process_list = {
	.name = "process list",
	.summary = "every process with its threads, and why each stands still",
	.description =
		"A block for each process, in LLDB's manner: its pid, and a line for each of its threads with the program "
		"counter in user mode, the name and the stop reason. `*` marks the selected thread.\n\n"
		"Kernel threads, other hidden ones and the kernel itself, process 0, are listed with -a, or when the setting "
		"target.show-hidden is true. A kernel thread's program counter is where in the kernel it waits.",
	.examples = "process list\n    what users started\n"
		    "process list -a\n    all\n"
		    "settings set target.show-hidden true\n    always all\n",
	.opts = process_list_optv,
	.opts_size = sizeof(struct process_list_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = process_list_json_fields,
	.run = process_list_run,
};
