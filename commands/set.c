// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * set: the current task, which commands without a task named are about.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <string.h>

#include "process.h"

struct set_opts {
	int64_t cpu;
	bool has_cpu, panic;
};

static const struct kco_opt set_optv[] = {
	{ 'p', "panic", KCO_OPT_FLAG, offsetof(struct set_opts, panic), .help = "the task that panicked" },
	{ 'c', "cpu", KCO_OPT_INT, offsetof(struct set_opts, cpu), .metavar = "N", .word = KCO_WORD_NUMBER,
	  .seen = offsetof(struct set_opts, has_cpu), .help = "the task that was on this CPU" },
	{ 0 },
};

static const struct {
	char letter;
	const char *name;
} set_states[] = {
	{ 'R', "TASK_RUNNING" }, { 'S', "TASK_INTERRUPTIBLE" }, { 'D', "TASK_UNINTERRUPTIBLE" },
	{ 'T', "TASK_STOPPED" }, { 't', "TASK_TRACED" },	{ 'X', "EXIT_DEAD" },
	{ 'Z', "EXIT_ZOMBIE" },	 { 'P', "TASK_PARKED" },	{ 'I', "TASK_IDLE" },
};

static const char *set_state_name(char letter)
{
	for (size_t i = 0; i < sizeof(set_states) / sizeof(set_states[0]); i++)
		if (set_states[i].letter == letter)
			return set_states[i].name;
	return "(unknown)";
}

static void set_text(struct kco_out *out, const struct kco_task *t)
{
	kco_text(out, "    PID: %" PRId64 "\n", t->tid);
	kco_text(out, "COMMAND: \"%s\"\n", t->comm);
	kco_text(out, "   TASK: %" PRIx64 "\n", t->addr);
	if (t->cpu >= 0)
		kco_text(out, "    CPU: %d\n", t->cpu);
	else
		kco_text(out, "    CPU: unknown\n");
	kco_text(out, "  STATE: %s", set_state_name(t->state));
	if (t->flags & KCO_TASK_PANIC)
		kco_text(out, " (PANIC)");
	else if (t->flags & KCO_TASK_ACTIVE)
		kco_text(out, " (ACTIVE)");
	kco_text(out, "\n");
}

static void set_json(struct kco_out *out, const struct kco_task *t)
{
	char state[2] = { t->state, '\0' };

	kco_json_row(out);
	kco_json_int(out, "pid", t->tgid);
	kco_json_int(out, "tid", t->tid);
	kco_json_str(out, "comm", t->comm);
	kco_json_addr(out, "task", t->addr);
	kco_json_known(out, "cpu", t->cpu);
	kco_json_str(out, "state", state);
	kco_json_bool(out, "active", t->flags & KCO_TASK_ACTIVE);
	kco_json_bool(out, "panic", t->flags & KCO_TASK_PANIC);
	kco_json_row_end(out);
}

static enum kco_status set_choose(struct kco_cmd_ctx *ctx, const struct kco_task **ret, struct kco_err *err)
{
	const struct set_opts *opts = ctx->opts;
	const struct kco_task **tasks;
	enum kco_status st;
	size_t n;

	if (opts->panic + opts->has_cpu + (ctx->argc > 0) > 1)
		return kco_fail(err, KCO_E_USAGE, "one of -p, -c and a task, not several");
	if (opts->panic) {
		*ret = kco_task_panic(ctx->session);
		return *ret ? KCO_OK : kco_fail(err, KCO_E_RANGE, "nobody knows which task panicked");
	}
	if (opts->has_cpu) {
		if (opts->cpu >= 0 && opts->cpu <= INT32_MAX)
			*ret = kco_task_on_cpu(ctx->session, (int)opts->cpu);
		return *ret ? KCO_OK : kco_fail(err, KCO_E_USAGE, "no task is known for CPU %" PRId64, opts->cpu);
	}
	st = kco_parse_tasks(ctx, ctx->argv, ctx->argc, &tasks, &n, err);
	if (st)
		return st;
	if (n > 1)
		return kco_fail(err, KCO_E_USAGE, "'%.60s' names %zu tasks; take a pid or an address", ctx->argv[0], n);
	*ret = tasks[0];
	return KCO_OK;
}

/* Where processes are attached, the task's own is the current one from now on. */
static enum kco_status set_choice(struct kco_cmd_ctx *ctx, const struct kco_task *task, struct kco_err *err)
{
	struct kco_process *p;
	enum kco_status st;

	ctx->context->task = task->addr;
	if (!ctx->context->nr_attached || !(p = kco_process_of(ctx->session, task)))
		return KCO_OK;
	st = kco_attach(ctx, p, err);
	if (!st)
		kco_select_thread(ctx, p, task);
	return st;
}

static enum kco_status set_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct set_opts *opts = ctx->opts;
	const struct kco_task *task = NULL;
	enum kco_status st = set_choose(ctx, &task, err);

	if (st)
		return st;
	// Only to look at it is no choice: the panic task may become known later.
	if (ctx->argc || opts->panic || opts->has_cpu)
		st = set_choice(ctx, task, err);
	if (st)
		return st;
	if (kco_out_json(ctx->out))
		set_json(ctx->out, task);
	else
		set_text(ctx->out, task);
	if (task->status)
		kco_row_failed(ctx, task->status, task->why);
	return KCO_OK;
}

static const struct kco_arg set_args[] = {
	{ KCO_WORD_TASK, "PID|TASK|COMM", .optional = true },
	{ 0 },
};

static const struct kco_json_field set_json_fields[] = {
	{ "pid", "integer", "process id (thread group)" },
	{ "tid", "integer", "thread id" },
	{ "comm", "string", "command name" },
	{ "task", "address", "of the task structure" },
	{ "cpu", "integer|null", "that it runs on, or ran last" },
	{ "state", "string", "one letter, as ps has it" },
	{ "active", "boolean", "it was on a CPU when the machine stopped" },
	{ "panic", "boolean", "it is the one that panicked" },
	{ 0 },
};

const struct kco_cmd kco_cmd_set = {
	.name = "set",
	.summary = "show or choose the current task",
	.description =
		"The current task is what commands are about that are given no task: the one that panicked, until "
		"`set` chooses another. Where processes are attached (`process attach`), the task's process becomes the "
		"current one.",
	.examples = "set\n    the current task\n"
		    "set 1\n    choose pid 1\n"
		    "set -c 0\n    choose the task that was on CPU 0\n"
		    "set -p\n    back to the one that panicked\n",
	.args = set_args,
	.opts = set_optv,
	.opts_size = sizeof(struct set_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = set_json_fields,
	.run = set_run,
};
