// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * thread list: the threads of a process.
 */
#include <kco/cmd.h>

#include <inttypes.h>

#include "process.h"
#include "threadline.h"

struct thread_list_opts {
	int64_t pid;
	bool has_pid, wchan;
};

static enum kco_status thread_list_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct thread_list_opts *opts = ctx->opts;
	struct kco_process *p;
	enum kco_status st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);

	if (st)
		return st;
	kco_processline_text(ctx, p);
	for (size_t i = 0; i < p->nr_threads && !kco_out_closed(ctx->out); i++) {
		struct kco_threadline line;

		kco_threadline_get(ctx, p, p->threads[i], opts->wchan || kco_out_json(ctx->out), &line);
		kco_threadline_text(ctx, &line);
		if (opts->wchan && line.stop.wchan)
			kco_text(ctx->out, "    waits in %s\n", line.stop.wchan);
		kco_json_row(ctx->out);
		kco_json_int(ctx->out, "pid", p->pid);
		if (kco_out_json(ctx->out))
			kco_threadline_json(ctx, &line);
		kco_json_row_end(ctx->out);
		if (kco_session_cancelled(ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "cancelled");
	}
	ctx->failed_rows += !p->pid && kco_tasks_incomplete(ctx->session);
	return KCO_OK;
}

static const struct kco_opt thread_list_optv[] = {
	KCO_PROCESS_OPT(struct thread_list_opts),
	{ 'w', "wchan", KCO_OPT_FLAG, offsetof(struct thread_list_opts, wchan),
	  .help = "the kernel function that each waits in" },
	{ 0 },
};

static const struct kco_json_field thread_list_json_fields[] = { { "pid", "integer", "the process" },
								 KCO_THREADLINE_JSON(""),
								 { 0 } };

const struct kco_cmd kco_cmd_thread_list = {
	.name = "thread list",
	.summary = "the threads of a process, and why each stands still",
	.description =
		"A line for each thread of the attached process, or of that of -p, in LLDB's manner. The number is what "
		"`thread select` takes; `*` marks the selected one. The threads of process 0 are all tasks.",
	.examples = "thread list\n    of the attached process\n"
		    "thread list -p 112 -w\n    of another one, and where in the kernel they wait\n",
	.opts = thread_list_optv,
	.opts_size = sizeof(struct thread_list_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = thread_list_json_fields,
	.run = thread_list_run,
};
