// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * thread select: choose a thread of the current process.
 */
#include <kco/cmd.h>

#include <inttypes.h>

#include "process.h"

struct thread_select_opts {
	int64_t pid;
	bool has_pid, tid;
};

static enum kco_status thread_select_find(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_task **ret,
					  struct kco_err *err)
{
	const struct thread_select_opts *opts = ctx->opts;
	int64_t number;
	enum kco_status st = kco_parse_int(ctx->argv[0], &number, err);

	if (st)
		return st;
	for (size_t i = 0; i < p->nr_threads; i++)
		if (opts->tid ? p->threads[i]->tid == number : (int64_t)i + 1 == number) {
			*ret = p->threads[i];
			return KCO_OK;
		}
	if (opts->tid)
		return kco_fail(err, KCO_E_USAGE, "process %" PRId64 " has no thread with the tid %" PRId64, p->pid,
				number);
	return kco_fail(err, KCO_E_USAGE, "process %" PRId64 " has the threads #1 to #%zu, not #%" PRId64, p->pid,
			p->nr_threads, number);
}

static enum kco_status thread_select_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct thread_select_opts *opts = ctx->opts;
	const struct kco_task *task = NULL;
	struct kco_process *p;
	enum kco_status st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);

	if (!st)
		st = thread_select_find(ctx, p, &task, err);
	if (!st && opts->has_pid)
		st = kco_attach(ctx, p, err); // a thread of another process: that is current now
	if (st)
		return st;
	kco_select_thread(ctx, p, task);
	kco_text_task_header(ctx->out, task);
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", p->pid);
	kco_json_int(ctx->out, "tid", task->tid);
	kco_json_uint(ctx->out, "number", kco_thread_number(p, task));
	kco_json_addr(ctx->out, "task", task->addr);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

static const struct kco_arg thread_select_args[] = { { KCO_WORD_NUMBER, "NUMBER|TID", .optional = false }, { 0 } };

static const struct kco_opt thread_select_optv[] = {
	KCO_PROCESS_OPT(struct thread_select_opts),
	{ 't', "tid", KCO_OPT_FLAG, offsetof(struct thread_select_opts, tid),
	  .help = "the word is a tid, not the number that `thread list` gives" },
	{ 0 },
};

static const struct kco_json_field thread_select_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "tid", "integer", "the thread" },
	{ "number", "integer", "its number among the threads of the process" },
	{ "task", "address", "its task structure" },
	{ 0 },
};

const struct kco_cmd kco_cmd_thread_select = {
	.name = "thread select",
	.summary = "choose a thread of the current process",
	.description =
		"The thread becomes the current task: what `bt`, `register read` and others are about. Its number is the "
		"one that `thread list` shows.",
	.examples = "thread select 2\n    the second thread\n"
		    "thread select -t 131\n    the thread with the tid 131\n",
	.args = thread_select_args,
	.opts = thread_select_optv,
	.opts_size = sizeof(struct thread_select_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = thread_select_json_fields,
	.run = thread_select_run,
};
