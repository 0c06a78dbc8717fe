// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bt: stack traces of tasks, in the kernel and in user mode.
 *
 * This file chooses the tasks and what to do with each trace; unwinding is
 * libkco's (every core works on kernel stacks), printing is shared/frames.c's
 * and userframes.c's, grouping and raw stacks have their own files.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <string.h>

#include <kco/unwind.h>

#include "cpulist.h"
#include "frames.h"
#include "lines.h"
#include "process.h"
#include "stackgroup.h"
#include "stackwords.h"
#include "userframes.h"

struct bt_opts {
	int64_t pid;
	bool has_pid;
	bool all, active, panic, threads, group, user, kernel;
	bool lines, words, symbolic, offsets, hex, decimal;
	bool text, text_all, raw, check;
	const char *cpus, *ref, *skip;
	uint64_t sp, ip;
};

struct bt_run {
	struct kco_cmd_ctx *ctx;
	const struct bt_opts *opts;
	struct kco_frames_style style;
	const char *ref_module; /* -R: a module, or NULL */
	uint64_t ref_symbol;	/* -R: where a function begins, or 0 */
	struct kco_stackgroups *groups;
	struct kco_user_stack *user; /* of the task at hand; NULL: not wanted */
	size_t shown;
	enum kco_status status;
	struct kco_err err;
};

struct bt_list {
	const struct kco_task **v;
	size_t n, cap;
};

static enum kco_status bt_add(struct kco_cmd_ctx *ctx, struct bt_list *list, const struct kco_task *task,
			      struct kco_err *err)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		const struct kco_task **v = kco_arena_array(ctx->arena, cap, sizeof(*v));

		if (!v)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		if (list->n)
			memcpy(v, list->v, list->n * sizeof(*v));
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = task;
	return KCO_OK;
}

/* -a, -c: the task that was on each of the CPUs. */
static enum kco_status bt_add_cpus(struct kco_cmd_ctx *ctx, struct bt_list *list, const char *cpus, struct kco_err *err)
{
	enum kco_status status;
	unsigned n;
	bool *set;

	status = kco_cpu_count(ctx->session, &n, err);
	if (status == KCO_OK)
		status = kco_cpulist_parse(ctx, cpus ? cpus : "all", n, &set, err);
	for (unsigned cpu = 0; status == KCO_OK && cpu < n; cpu++) {
		const struct kco_task *task = set[cpu] ? kco_task_on_cpu(ctx->session, (int)cpu) : NULL;

		if (task)
			status = bt_add(ctx, list, task, err);
		else if (set[cpu] && cpus && strcmp(cpus, "all") && strcmp(cpus, "a"))
			status = kco_fail(err, KCO_E_USAGE, "nobody knows which task was on CPU %u: it was not online",
					  cpu);
	}
	return status;
}

/* -g: all threads of each chosen task's group, the leader first. */
static enum kco_status bt_add_threads(struct kco_cmd_ctx *ctx, struct bt_list *list, const struct kco_task **chosen,
				      size_t n, const struct kco_task *all, size_t nr_all, struct kco_err *err)
{
	enum kco_status status = KCO_OK;

	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= chosen[k]->tgid == chosen[i]->tgid && chosen[k]->tgid;
		if (!chosen[i]->tgid)
			status = bt_add(ctx, list, chosen[i], err); // idle tasks share the pid 0, not a group
		for (int leader = 1; leader >= 0 && !seen && chosen[i]->tgid; leader--)
			for (size_t k = 0; status == KCO_OK && k < nr_all; k++)
				if (all[k].tgid == chosen[i]->tgid && (all[k].tid == all[k].tgid) == leader)
					status = bt_add(ctx, list, &all[k], err);
		if (status != KCO_OK)
			break;
	}
	return status;
}

/* --pid, and lldb's `bt all`: all threads of a process. */
static enum kco_status bt_add_process(struct kco_cmd_ctx *ctx, const struct bt_opts *opts, struct bt_list *list,
				      struct kco_err *err)
{
	struct kco_process *p;
	enum kco_status status = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);

	for (size_t i = 0; status == KCO_OK && i < p->nr_threads; i++)
		status = bt_add(ctx, list, p->threads[i], err);
	return status;
}

static enum kco_status bt_choose(struct kco_cmd_ctx *ctx, const struct bt_opts *opts, struct bt_list *list,
				 struct kco_err *err)
{
	const struct kco_task *all, **chosen;
	enum kco_status status;
	size_t nr_all, n;

	if (opts->all + opts->panic + opts->has_pid + (opts->active || opts->cpus) + (ctx->argc > 0) > 1)
		return kco_fail(err, KCO_E_USAGE,
				"choose tasks by one of: names, --all, --active, --cpus, --panic, --pid");
	status = kco_tasks_get(ctx->session, &all, &nr_all, err);
	if (status != KCO_OK)
		return status;
	if (opts->active || opts->cpus)
		return bt_add_cpus(ctx, list, opts->cpus, err);
	if (opts->panic) {
		const struct kco_task *task = kco_task_panic(ctx->session);

		return task ? bt_add(ctx, list, task, err)
			    : kco_fail(err, KCO_E_NOSYM, "nobody knows which task panicked");
	}
	if (opts->has_pid || (ctx->argc == 1 && !strcmp(ctx->argv[0], "all")))
		return bt_add_process(ctx, opts, list, err);
	// A group of one stack says nothing, and who looks for overflows does not know where.
	if (opts->all || ((opts->group || opts->check) && !ctx->argc)) {
		for (size_t i = 0; status == KCO_OK && i < nr_all; i++)
			status = bt_add(ctx, list, &all[i], err);
		ctx->failed_rows += kco_tasks_incomplete(ctx->session);
		return status;
	}
	status = kco_parse_tasks(ctx, ctx->argv, ctx->argc, &chosen, &n, err);
	if (status != KCO_OK)
		return status;
	if (opts->threads)
		return bt_add_threads(ctx, list, chosen, n, all, nr_all, err);
	*list = (struct bt_list){ .v = chosen, .n = n };
	return KCO_OK;
}

/* -R selects: a word that can be in no stack is the user's mistake. */
static enum kco_status bt_ref(struct bt_run *run, const char *ref, struct kco_err *err)
{
	struct kco_session *s = run->ctx->session;
	const struct kco_module *mods;
	struct kco_symbol sym;
	uint64_t addr;
	size_t n = 0;

	if (kco_parse_addr(s, ref, &addr, NULL) == KCO_OK && kco_session_symbols(s) &&
	    kco_symbols_by_addr(kco_session_symbols(s), addr, &sym, NULL) == KCO_OK)
		run->ref_symbol = sym.addr;
	if (kco_modules_get(s, &mods, &n, NULL) != KCO_OK)
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(mods[i].name, ref))
			run->ref_module = mods[i].name;
	if (run->ref_symbol || run->ref_module)
		return KCO_OK;
	return kco_fail(err, KCO_E_USAGE, "-R: '%.60s' is no function, module or address of this kernel", ref);
}

/* -R: is the function or the module in the trace? Functions that share a name are one. */
static bool bt_refers(struct bt_run *run, const struct kco_trace *trace)
{
	struct kco_symbol sym;
	uint64_t offset;

	for (size_t i = 0; i < trace->n; i++) {
		if (!kco_frame_symbol(run->ctx, &trace->frames[i], &sym, &offset))
			continue;
		if (sym.addr == run->ref_symbol || !strcmp(sym.name, run->opts->ref) ||
		    (run->ref_module && sym.module && !strcmp(sym.module, run->ref_module)))
			return true;
	}
	return false;
}

/* How the row ended: a task that could not be read whole may have no stack to speak of. */
static enum kco_status bt_end(const struct kco_task *task, const struct kco_trace *trace, const char **why)
{
	*why = trace->why;
	if (trace->status != KCO_OK)
		return trace->status;
	*why = task->why ? task->why : "the task cannot be read";
	if (task->status != KCO_OK)
		return task->status;
	*why = "no frame was found";
	return trace->n || !task->stack ? KCO_OK : KCO_E_RANGE;
}

/* kco_frames_text() and kco_frames_json() tell why a trace ended; the rest is told here. */
static void bt_task_failed(struct bt_run *run, const struct kco_task *task, const struct kco_trace *trace)
{
	const char *why;
	enum kco_status status = bt_end(task, trace, &why);

	if (status != KCO_OK && trace->status == KCO_OK)
		kco_row_failed(run->ctx, status, why);
	else if (!trace->n && status == KCO_OK)
		kco_text(run->ctx->out, "  (no stack)\n"); // dead, and given back
}

/* The number of the first user frame: they go on from the kernel's. */
static size_t bt_user_first(const struct kco_trace *trace)
{
	return trace->n && trace->frames[trace->n - 1].kind == KCO_FRAME_USER ? trace->n - 1 : trace->n;
}

/* Who asked for user frames gets the reason why there are none; others get those that there are. */
static bool bt_user_wanted(struct bt_run *run)
{
	if (!run->user || !run->user->process)
		return false;
	return run->opts->user || kco_user_stack_readable(run->user);
}

static void bt_json(struct bt_run *run, const struct kco_task *task, const struct kco_trace *trace)
{
	struct kco_out *out = run->ctx->out;
	const char state[] = { task->state, '\0' };

	kco_json_row(out);
	kco_json_int(out, "pid", task->tgid);
	kco_json_int(out, "tid", task->tid);
	kco_json_str(out, "comm", task->comm);
	kco_json_str(out, "state", state);
	kco_json_known(out, "cpu", task->cpu);
	kco_json_addr(out, "task", task->addr);
	if (!run->opts->user) {
		kco_frames_json(run->ctx, task, trace, &run->style);
		bt_task_failed(run, task, trace);
	}
	if (bt_user_wanted(run))
		kco_user_stack_json(run->ctx, run->user, bt_user_first(trace), &run->style);
	kco_json_row_end(out);
}

static void bt_text(struct bt_run *run, const struct kco_task *task, const struct kco_trace *trace)
{
	struct kco_out *out = run->ctx->out;

	if (run->shown++)
		kco_text(out, "\n");
	kco_text_task_header(out, task);
	if (!run->opts->user) {
		kco_frames_text(run->ctx, task, trace, &run->style);
		bt_task_failed(run, task, trace);
	}
	if (run->user)
		kco_user_syscall_text(run->ctx, run->user);
	if (bt_user_wanted(run))
		kco_user_stack_text(run->ctx, run->user, bt_user_first(trace), &run->style);
	else if (run->opts->user)
		kco_text(out, "  (no user stack)\n");
}

static bool bt_trace(void *arg, const struct kco_task *task, const struct kco_trace *trace)
{
	struct bt_run *run = arg;
	struct kco_out *out = run->ctx->out;
	const char *why;

	if (kco_out_closed(out))
		return false;
	if (run->opts->ref && !bt_refers(run, trace))
		return true;
	if (run->user)
		kco_user_stack_get(run->ctx, task, run->user);
	if (run->groups) {
		enum kco_status status = run->opts->user ? KCO_OK : bt_end(task, trace, &why);

		run->status = kco_stackgroups_add(run->groups, task, trace, bt_user_wanted(run) ? run->user : NULL,
						  status, status ? why : "", &run->err);
		return run->status == KCO_OK;
	}
	if (kco_out_json(out))
		bt_json(run, task, trace);
	else
		bt_text(run, task, trace);
	return true;
}

/* -u: of those that have one; a task that was named is told of all the same. */
static enum kco_status bt_user_only(struct bt_run *run, const struct bt_list *list, struct kco_err *err)
{
	struct kco_trace *none = kco_arena_alloc(run->ctx->arena, sizeof(*none));

	if (!none)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < list->n; i++) {
		if (!kco_user_stack_possible(list->v[i]) && list->n > 1)
			continue;
		if (kco_session_cancelled(run->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		if (!bt_trace(run, list->v[i], none))
			break;
	}
	return KCO_OK;
}

/* -S, -I: one task from given registers. */
static enum kco_status bt_from_regs(struct bt_run *run, const struct kco_task *task, struct kco_err *err)
{
	const struct kco_arch_ops *arch = kco_session_arch(run->ctx->session);
	struct kco_trace *trace = kco_arena_alloc(run->ctx->arena, sizeof(*trace));
	struct kco_regs regs = { 0 };
	struct kco_unwinder *uw;
	struct kco_err ignored;
	enum kco_status status;

	if (!trace)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!run->opts->sp || !run->opts->ip)
		return kco_fail(err, KCO_E_USAGE, "-S and -I go together: where the stack is and what runs on it");
	kco_regs_set(&regs, arch->sp, run->opts->sp);
	kco_regs_set(&regs, arch->pc, run->opts->ip);
	status = kco_unwinder_new(run->ctx->session, &uw, err);
	if (status != KCO_OK)
		return status;
	status = kco_unwind_regs(uw, task, &regs, trace, &ignored);
	kco_unwinder_free(uw);
	if (status == KCO_E_CANCELLED || status == KCO_E_NOMEM)
		return kco_fail(err, status, "%s", ignored.msg);
	bt_trace(run, task, trace); // whose own status tells why it ended
	return KCO_OK;
}

static enum kco_status bt_unwind(struct bt_run *run, const struct bt_list *list, struct kco_err *err)
{
	enum kco_status status;

	if (run->opts->sp || run->opts->ip) {
		if (list->n != 1)
			return kco_fail(err, KCO_E_USAGE, "-S and -I take one task, not %zu", list->n);
		return bt_from_regs(run, list->v[0], err);
	}
	status = run->opts->user ? bt_user_only(run, list, err)
				 : kco_unwind_each(run->ctx->session, list->v, list->n, bt_trace, run, err);
	if (run->status != KCO_OK) {
		if (err)
			*err = run->err;
		return run->status;
	}
	return status;
}

/* -n idle: leave the idle tasks out. */
static enum kco_status bt_skip(const char *what, struct bt_list *list, struct kco_err *err)
{
	size_t kept = 0;

	if (strcmp(what, "idle"))
		return kco_fail(err, KCO_E_USAGE, "-n takes 'idle', not '%.40s'", what);
	for (size_t i = 0; i < list->n; i++)
		if (!(list->v[i]->flags & KCO_TASK_IDLE))
			list->v[kept++] = list->v[i];
	list->n = kept;
	return KCO_OK;
}

static enum kco_status bt_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct bt_opts *opts = ctx->opts;
	struct bt_list list = { 0 };
	struct bt_run run = { .ctx = ctx, .opts = opts };
	enum kco_status status;

	if (opts->user && (opts->kernel || opts->sp || opts->ip || opts->ref))
		return kco_fail(err, KCO_E_USAGE, "-u shows user stacks only: it does not go with -k, -S, -I, -R");
	status = bt_choose(ctx, opts, &list, err);
	if (status == KCO_OK && opts->skip)
		status = bt_skip(opts->skip, &list, err);
	if (status != KCO_OK)
		return status;
	// Without symbols there are still addresses.
	if (kco_session_need(ctx->session, KCO_NEED_SYMS, err) != KCO_OK) {
		kco_session_warn(ctx->session, "no function names: %s", err ? err->msg : "no symbols");
		ctx->failed_rows++;
	}
	if (opts->ref)
		status = bt_ref(&run, opts->ref, err);
	if (status != KCO_OK)
		return status;
	if (opts->check)
		return kco_stackwords_check(ctx, list.v, list.n, err);
	if (opts->text || opts->text_all || opts->raw)
		return kco_stackwords_show(ctx, list.v, list.n,
					   opts->raw	    ? KCO_STACKWORDS_RAW
					   : opts->text_all ? KCO_STACKWORDS_TEXT_ALL
							    : KCO_STACKWORDS_TEXT,
					   err);
	run.style = (struct kco_frames_style){
		.offsets = opts->offsets,
		.hex = opts->hex && !opts->decimal,
		.lines = opts->lines && kco_lines_available(ctx),
		.words = (opts->words || opts->symbolic) && !opts->group,
		.symbolic = opts->symbolic,
		.no_stack_addr = opts->group,
	};
	if (!opts->kernel && !opts->sp && !opts->ip) {
		run.user = kco_arena_alloc(ctx->arena, sizeof(*run.user));
		if (!run.user)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	if (opts->group) {
		status = kco_stackgroups_new(ctx, &run.groups, err);
		if (status != KCO_OK)
			return status;
	}
	status = bt_unwind(&run, &list, err);
	if (status == KCO_OK && run.groups)
		kco_stackgroups_show(run.groups, &run.style);
	kco_stackgroups_free(run.groups);
	return status;
}

static const struct kco_arg bt_args[] = { { KCO_WORD_TASK, "PID|TASK|COMM", true, true }, { 0 } };

#define BT(field) offsetof(struct bt_opts, field)
static const struct kco_opt bt_optv[] = {
	{ 0, "all", KCO_OPT_FLAG, BT(all), .help = "every task (crash's `foreach bt`)" },
	{ 'a', "active", KCO_OPT_FLAG, BT(active), .help = "the task that was on each CPU" },
	{ 'c', "cpus", KCO_OPT_STRING, BT(cpus), "CPUS", KCO_WORD_NUMBER,
	  .help = "the task that was on each of these CPUs: 0,2-3 or all" },
	{ 'p', "panic", KCO_OPT_FLAG, BT(panic), .help = "the task that panicked" },
	{ 'g', "threads", KCO_OPT_FLAG, BT(threads), .help = "all threads of the chosen tasks' thread groups" },
	KCO_PROCESS_LONG_OPT(struct bt_opts),
	{ 'u', "user-stack", KCO_OPT_FLAG, BT(user), .help = "user stacks only" },
	{ 'k', "kernel-stack", KCO_OPT_FLAG, BT(kernel), .help = "kernel stacks only" },
	{ 0, "group", KCO_OPT_FLAG, BT(group), .help = "identical stacks once, with a count and the pids; all tasks" },
	{ 'l', "lines", KCO_OPT_FLAG, BT(lines), .help = "source lines and inlined functions (needs a vmlinux)" },
	{ 's', "offsets", KCO_OPT_FLAG, BT(offsets), .help = "function+offset" },
	{ 'x', "hex", KCO_OPT_FLAG, BT(hex), .help = "offsets in hexadecimal" },
	{ 'd', "decimal", KCO_OPT_FLAG, BT(decimal), .help = "offsets in decimal (the default)" },
	{ 'f', "words", KCO_OPT_FLAG, BT(words), .help = "the stack words of each frame" },
	{ 'F', "symbolic", KCO_OPT_FLAG, BT(symbolic), .help = "as -f, addresses of symbols by name" },
	{ 't', "text", KCO_OPT_FLAG, BT(text), .help = "no unwinding: every text address from the stack pointer up" },
	{ 'T', "text-all", KCO_OPT_FLAG, BT(text_all), .help = "no unwinding: every text address of the whole stack" },
	{ 'r', "raw", KCO_OPT_FLAG, BT(raw), .help = "no unwinding: the whole stack as words" },
	{ 'v', "check", KCO_OPT_FLAG, BT(check), .help = "no unwinding: look for stacks that overflowed" },
	{ 'R', "ref", KCO_OPT_STRING, BT(ref), "SYMBOL", KCO_WORD_SYMBOL,
	  .help = "only stacks with this function, address or module in them" },
	{ 'n', "skip", KCO_OPT_STRING, BT(skip), "idle", KCO_WORD_TEXT, .help = "leave idle tasks out (-n idle)" },
	{ 'S', "sp", KCO_OPT_ADDR, BT(sp), "SP", KCO_WORD_ADDR, .help = "start here on the stack; with -I" },
	{ 'I', "ip", KCO_OPT_ADDR, BT(ip), "IP", KCO_WORD_ADDR, .help = "start in this function; with -S" },
	{ 0 },
};

static const struct kco_json_field bt_json_fields[] = {
	{ "pid", "integer", "the process: thread group id" },
	{ "tid", "integer", "the thread, which the kernel calls pid" },
	{ "comm", "string", "command name" },
	{ "state", "string", "R S D T t Z X I P, or ? when unreadable" },
	{ "cpu", "integer|null", "CPU it runs or last ran on" },
	{ "task", "address", "its task_struct" },
	KCO_FRAMES_JSON,
	KCO_USER_STACK_JSON,
	{ "error", "string", "why the stack ends early, as a fixed word; absent when it ends where stacks end" },
	{ "why", "string", "the same in words" },
	{ "count", "integer", "--group: tasks with this stack; instead of pid to task" },
	{ "pids", "array", "--group: their tids" },
	{ "comms", "array", "--group: their command names, in the order of pids" },
	{ "addr", "address", "-t, -T, -r: stack address" },
	{ "value", "address", "-t, -T, -r: the word there" },
	{ "symbol", "string|null", "-t, -T, -r: what the word points to" },
	{ "offset", "integer", "-t, -T, -r: bytes from the symbol to the word" },
	{ "module", "string|null", "-t, -T, -r: module of the symbol, null for the kernel" },
	{ 0 },
};

const struct kco_cmd kco_cmd_bt = {
	.name = "bt",
	.aliases = (const char *const[]){ "thread backtrace", NULL },
	.summary = "stack traces, in the kernel and in user mode",
	.description =
		"Shows the stack of the current task (the one that panicked, unless `set` chose another), of the "
		"tasks named, or of all.\n\n"
		"Each frame is `#N [stack address] function at address [module]`. The stack address is where the "
		"return address lies, or the stack pointer in a frame that came from registers. Stacks are unwound by "
		"the kernel's own ORC tables, else by a vmlinux's call frame information, else by frame pointers. Where "
		"none of them knows, text addresses found on the stack are shown with a trailing `*`: guesses.\n\n"
		"An interrupted function shows `[exception RIP: ...]` with its registers, then its frame. "
		"`--- <NMI exception stack> ---` and the like stand where one stack ends and the one it interrupted "
		"goes on. The last registers are those of user mode. A stack that ends early says why.\n\n"
		"Below them come the system call that the task is in, with its arguments, and the frames of user mode, "
		"`#N [stack address] function at address [program or library]`, as far as the dump holds user memory. "
		"They are unwound by the images' own call frame information, else by frame pointers; what a signal "
		"interrupted shows `[signal RIP: ...]` with its registers.",
	.examples = "bt\n    the task that panicked\n"
		    "bt -a\n    what each CPU was doing\n"
		    "bt --all --group\n    every distinct stack once, the most frequent first\n"
		    "bt -u --pid 108\n    the user stacks of all threads of a process\n"
		    "bt -l 1\n    with source lines and inlined functions\n"
		    "bt -R mutex_lock --all\n    who waits for a mutex\n",
	.args = bt_args,
	.opts = bt_optv,
	.opts_size = sizeof(struct bt_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = bt_json_fields,
	.run = bt_run,
};
