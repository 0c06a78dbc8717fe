// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process detach: let a process go that `process attach` chose.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <string.h>

struct process_detach_opts {
	bool all;
};

static enum kco_status process_detach_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct process_detach_opts *opts = ctx->opts;
	struct kco_context *context = ctx->context;
	size_t at = context->nr_attached;
	enum kco_status st;
	int64_t pid;

	if (!context->nr_attached)
		return kco_fail(err, KCO_E_USAGE, "no process is attached");
	if (opts->all) {
		context->nr_attached = 0;
		context->task = 0;
		return KCO_OK;
	}
	pid = context->attached[at - 1].pid;
	if (ctx->argc) {
		st = kco_parse_int(ctx->argv[0], &pid, err);
		if (st)
			return st;
	}
	while (at && context->attached[at - 1].pid != pid)
		at--;
	if (!at)
		return kco_fail(err, KCO_E_USAGE, "process %" PRId64 " is not attached", pid);
	memmove(context->attached + at - 1, context->attached + at,
		(context->nr_attached - at) * sizeof(*context->attached));
	context->nr_attached--;
	// The one below is current again, with its thread; below the last, the task that panicked.
	context->task = context->nr_attached ? context->attached[context->nr_attached - 1].task : 0;
	kco_text(ctx->out, "Process %" PRId64 " detached\n", pid);
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", pid);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

static const struct kco_arg process_detach_args[] = { { KCO_WORD_TASK, "PID", .optional = true }, { 0 } };

static const struct kco_opt process_detach_optv[] = {
	{ 0, "all", KCO_OPT_FLAG, offsetof(struct process_detach_opts, all), .help = "every attached process" },
	{ 0 },
};

static const struct kco_json_field process_detach_json_fields[] = {
	{ "pid", "integer", "the process that was let go" },
	{ 0 },
};

const struct kco_cmd kco_cmd_process_detach = {
	.name = "process detach",
	.summary = "let go of an attached process",
	.description = "The current process, or PID. The one that was attached before it is current again; with none "
		       "left, commands are about the task that panicked.",
	.examples = "process detach\n    the current one\n"
		    "process detach --all\n    all of them\n",
	.args = process_detach_args,
	.opts = process_detach_optv,
	.opts_size = sizeof(struct process_detach_opts),
	.needs = KCO_NEED_IMAGE,
	.json = process_detach_json_fields,
	.run = process_detach_run,
};
