// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process attach: choose the process that commands are about.
 */
#include <kco/cmd.h>

#include <inttypes.h>

#include "process.h"

static void process_attach_json(struct kco_cmd_ctx *ctx, const struct kco_process *p, const struct kco_task *thread)
{
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", p->pid);
	kco_json_str(ctx->out, "comm", p->pid && p->leader ? p->leader->comm : "kernel");
	kco_json_uint(ctx->out, "threads", p->nr_threads);
	if (thread)
		kco_json_int(ctx->out, "tid", thread->tid);
	else
		kco_json_null(ctx->out, "tid");
	kco_json_row_end(ctx->out);
}

static enum kco_status process_attach_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct kco_task *thread;
	struct kco_process *p;
	int64_t pid;
	enum kco_status st = kco_parse_int(ctx->argv[0], &pid, err);

	if (!st)
		st = kco_process_get(ctx->session, pid, &p, err);
	if (!st)
		st = kco_attach(ctx, p, err);
	if (st)
		return st;
	thread = kco_current_thread(ctx, p);
	// A tid names its process, and means that thread.
	if (pid != p->pid && kco_task_by_tid(ctx->session, pid)) {
		thread = kco_task_by_tid(ctx->session, pid);
		kco_select_thread(ctx, p, thread);
	}
	if (kco_out_json(ctx->out)) {
		process_attach_json(ctx, p, thread);
		return KCO_OK;
	}
	if (!p->pid)
		kco_text(ctx->out, "Process 0 (the kernel) attached: %zu threads\n", p->nr_threads);
	else
		kco_text(ctx->out, "Process %" PRId64 " (%s) attached: %zu thread%s, thread #%zu selected\n", p->pid,
			 p->leader->comm, p->nr_threads, p->nr_threads == 1 ? "" : "s", kco_thread_number(p, thread));
	return KCO_OK;
}

static const struct kco_arg process_attach_args[] = { { KCO_WORD_TASK, "PID", .optional = false }, { 0 } };

static const struct kco_json_field process_attach_json_fields[] = {
	{ "pid", "integer", "the process; 0 is the kernel" },
	{ "comm", "string", "name of its main thread" },
	{ "threads", "integer", "how many threads it has" },
	{ "tid", "integer|null", "the selected thread" },
	{ 0 },
};

const struct kco_cmd kco_cmd_process_attach = {
	.name = "process attach",
	.summary = "choose the process that commands are about",
	.description =
		"Commands that read processes (`maps`, `memory read`, `register read`, `image list`, `thread list`) are "
		"about the attached process, unless -p PID names another. Several may be attached at once: the last one "
		"is the current process, and attaching to one again makes it current with the thread that was selected "
		"in it. Process 0 is the kernel. PID may also be the number of a thread, which is selected then.\n\n"
		"Without any attached process the one of the current task is meant (`set`, or the task that "
		"panicked).",
	.examples = "process attach 1\n    pid 1\n"
		    "process attach 0\n    back to the kernel\n",
	.args = process_attach_args,
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = process_attach_json_fields,
	.run = process_attach_run,
};
