// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ps: the tasks, in crash's columns.
 *
 * The table itself is here; crash's other views of tasks (times, parents,
 * children, threads, last run) are in shared/taskviews.c.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpulist.h"
#include "taskviews.h"

struct ps_opts {
	bool kernel, user, leaders, active, sum, no_heading, stack_pointer;
	bool last_run, since, parents, children, times, threads;
	const char *states, *cpus, *policies;
};

struct ps_list {
	const struct kco_task **v;
	size_t n;
};

static bool ps_is_kernel(const struct kco_task *task)
{
	return (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE)) != 0;
}

/* Does the state filter, such as "D,R" or "un,ru", hold @task? */
static bool ps_state_wanted(const char *states, const struct kco_task *task)
{
	const char *two = kco_task_state_text(task->state);

	for (const char *p = states; *p;) {
		size_t n = strcspn(p, ",");

		if ((n == 1 && *p == task->state) || (n == 2 && !strncasecmp(p, two, 2)))
			return true;
		p += n;
		p += *p == ',';
	}
	return false;
}

static enum kco_status ps_states_check(const char *states, struct kco_err *err)
{
	for (const char *p = states; *p;) {
		size_t n = strcspn(p, ",");

		if (!(n == 1 && kco_task_state_known(*p)) && !(n == 2 && kco_task_state_by_text(p)))
			return kco_fail(
				err, KCO_E_USAGE,
				"'%.*s' is no task state; they are R S D T t Z X I P W N L, or crash's RU IN UN "
				"ST TR ZO DE ID PA WA NE LO",
				(int)n, p);
		p += n;
		p += *p == ',';
	}
	return KCO_OK;
}

/* The kernel's numbers (Linux include/uapi/linux/sched.h), crash's names. */
static const char *const ps_policy_names[] = { "NORMAL", "FIFO", "RR", "BATCH", "ISO", "IDLE", "DEADLINE", "EXT" };
#define PS_NR_POLICIES (sizeof(ps_policy_names) / sizeof(ps_policy_names[0]))

static enum kco_status ps_policies_parse(const char *words, unsigned *mask, struct kco_err *err)
{
	*mask = 0;
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, ","), i;

		for (i = 0; i < PS_NR_POLICIES; i++)
			if ((n == 1 && *p == (char)('0' + i)) ||
			    (strlen(ps_policy_names[i]) == n && !strncasecmp(ps_policy_names[i], p, n)))
				break;
		if (i == PS_NR_POLICIES)
			return kco_fail(err, KCO_E_USAGE,
					"'%.*s' is no scheduling policy; they are 0 NORMAL, 1 FIFO, 2 RR, 3 BATCH, "
					"4 ISO, 5 IDLE, 6 DEADLINE, 7 EXT",
					(int)n, p);
		*mask |= 1U << i;
		p += n;
		p += *p == ',';
	}
	return KCO_OK;
}

/* -y: keep the tasks with one of these policies. */
static enum kco_status ps_keep_policies(struct kco_cmd_ctx *ctx, const char *words, struct ps_list *list,
					struct kco_err *err)
{
	struct kco_field field;
	enum kco_status status;
	size_t kept = 0;
	unsigned mask;

	status = kco_cmd_check_os(ctx->session, KCO_FEATURE_POLICIES, "-y", err);
	if (status == KCO_OK)
		status = ps_policies_parse(words, &mask, err);
	if (status == KCO_OK)
		status = kco_session_need(ctx->session, KCO_NEED_TYPES, err);
	if (status == KCO_OK)
		status = kco_types_field(kco_session_types(ctx->session), "task_struct", "policy", &field, err);
	if (status != KCO_OK)
		return status;
	for (size_t i = 0; i < list->n; i++) {
		uint64_t policy;

		status = kco_kread_field(ctx->session, list->v[i]->addr, &field, &policy, err);
		if (status != KCO_OK) {
			kco_row_failed(ctx, status, err ? err->msg : "unreadable");
			continue;
		}
		if (policy < PS_NR_POLICIES && mask & 1U << policy)
			list->v[kept++] = list->v[i];
	}
	list->n = kept;
	return KCO_OK;
}

static bool ps_wanted(const struct ps_opts *opts, const struct kco_task *task)
{
	if (opts->kernel && !ps_is_kernel(task))
		return false;
	if (opts->user && ps_is_kernel(task))
		return false;
	if (opts->leaders && task->tid != task->tgid)
		return false;
	if (opts->active && !(task->flags & KCO_TASK_ACTIVE))
		return false;
	return !opts->states || ps_state_wanted(opts->states, task);
}

static enum kco_status ps_choose(struct kco_cmd_ctx *ctx, const struct ps_opts *opts, struct ps_list *list,
				 struct kco_err *err)
{
	const struct kco_task *all, **chosen;
	size_t n, kept = 0;
	enum kco_status status;

	status = opts->states ? ps_states_check(opts->states, err) : KCO_OK;
	if (status == KCO_OK)
		status = kco_tasks_get(ctx->session, &all, &n, err);
	if (status != KCO_OK)
		return status;
	if (ctx->argc || ((opts->parents || opts->children || opts->threads) && !opts->states)) {
		// crash asks these three of the current task when none is named.
		status = kco_parse_tasks(ctx, ctx->argv, ctx->argc, &chosen, &n, err);
		if (status != KCO_OK)
			return status;
	} else {
		chosen = kco_arena_array(ctx->arena, n ? n : 1, sizeof(*chosen));
		if (!chosen)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		for (size_t i = 0; i < n; i++)
			chosen[i] = &all[i];
		ctx->failed_rows += kco_tasks_incomplete(ctx->session);
	}
	for (size_t i = 0; i < n; i++)
		if (ps_wanted(opts, chosen[i]))
			chosen[kept++] = chosen[i];
	*list = (struct ps_list){ chosen, kept };
	return opts->policies ? ps_keep_policies(ctx, opts->policies, list, err) : KCO_OK;
}

struct ps_table {
	struct kco_cmd_ctx *ctx;
	uint64_t total_pages; /* of memory, 0 unknown */
	uint64_t page_kb;
	bool stack_pointer;
	struct kco_field sp; /* task_struct.thread.sp */
	int wait_width;	     /* of the column WAIT; 0: the OS does not tell what tasks wait for */
};

static enum kco_status ps_table_init(struct ps_table *t, struct kco_cmd_ctx *ctx, const struct ps_opts *opts,
				     struct kco_err *err)
{
	const struct kco_system_info *info;
	const struct kco_arch_ops *arch = kco_session_arch(ctx->session);
	enum kco_status status;

	*t = (struct ps_table){ .ctx = ctx, .page_kb = arch->page_size / 1024, .stack_pointer = opts->stack_pointer };
	if (kco_system_get(ctx->session, &info, NULL) == KCO_OK)
		t->total_pages = info->memory_bytes / arch->page_size;
	if (!opts->stack_pointer)
		return KCO_OK;
	status = kco_cmd_check_os(ctx->session, KCO_FEATURE_THREAD_SP, "-s", err);
	if (status == KCO_OK)
		status = kco_session_need(ctx->session, KCO_NEED_TYPES, err);
	if (status != KCO_OK)
		return status;
	return kco_types_field(kco_session_types(ctx->session), "task_struct", "thread.sp", &t->sp, err);
}

/* BSD's kernels name what a thread waits for; the column is as wide as the longest of all tasks' words. */
static void ps_wait_width(struct ps_table *t)
{
	const struct kco_task *all;
	size_t n;

	if (kco_tasks_get(t->ctx->session, &all, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		int width = all[i].wait ? (int)strnlen(all[i].wait, 32) : 0;

		if (width && width < (int)sizeof("WAIT") - 1)
			width = (int)sizeof("WAIT") - 1;
		if (width > t->wait_width)
			t->wait_width = width;
	}
}

/* A kernel thread may borrow an address space (vhost does); like /proc, do not count that as its own. */
static uint64_t ps_pages(const struct kco_task *task, uint64_t pages)
{
	return ps_is_kernel(task) ? 0 : pages;
}

static double ps_percent(const struct ps_table *t, const struct kco_task *task)
{
	return 100.0 * (double)ps_pages(task, task->rss_pages) / (double)t->total_pages;
}

/* The saved stack pointer of a task that is not running; 0 otherwise. */
static uint64_t ps_stack_pointer(const struct ps_table *t, const struct kco_task *task)
{
	uint64_t sp;

	if (task->flags & KCO_TASK_ACTIVE || kco_kread_field(t->ctx->session, task->addr, &t->sp, &sp, NULL) != KCO_OK)
		return 0;
	return sp;
}

static void ps_row_json(const struct ps_table *t, const struct kco_task *task)
{
	struct kco_out *out = t->ctx->out;
	const char state[] = { task->state, '\0' };

	kco_json_row(out);
	kco_json_int(out, "pid", task->tgid);
	kco_json_int(out, "tid", task->tid);
	kco_json_known(out, "ppid", task->ppid);
	kco_json_known(out, "cpu", task->cpu);
	kco_json_addr(out, "task", task->addr);
	kco_json_str(out, "state", state);
	kco_json_str(out, "comm", task->comm);
	if (t->wait_width)
		kco_json_str(out, "wait", task->wait);
	kco_json_bool(out, "active", (task->flags & KCO_TASK_ACTIVE) != 0);
	kco_json_bool(out, "kernel", ps_is_kernel(task));
	kco_json_bool(out, "panic", (task->flags & KCO_TASK_PANIC) != 0);
	if (t->total_pages)
		kco_json_double(out, "mem_percent", ps_percent(t, task));
	else
		kco_json_null(out, "mem_percent");
	kco_json_uint(out, "vsz_kb", ps_pages(task, task->vm_pages) * t->page_kb);
	kco_json_uint(out, "rss_kb", ps_pages(task, task->rss_pages) * t->page_kb);
	kco_json_uint(out, "start_ns", task->start_time);
	kco_json_uint(out, "last_run_ns", task->last_run);
	kco_json_uint(out, "utime_ns", task->utime);
	kco_json_uint(out, "stime_ns", task->stime);
	if (t->stack_pointer)
		kco_json_addr(out, "kstackp", ps_stack_pointer(t, task));
	if (task->flags & KCO_TASK_ORPHAN)
		kco_json_bool(out, "orphan", true);
	if (task->status != KCO_OK)
		kco_row_failed(t->ctx, task->status, task->why);
	kco_json_row_end(out);
}

static void ps_row_text(const struct ps_table *t, const struct kco_task *task)
{
	struct kco_out *out = t->ctx->out;
	bool kernel = ps_is_kernel(task);
	char ppid[24] = "-", cpu[16] = "-";
	uint64_t sp;

	if (task->ppid >= 0)
		snprintf(ppid, sizeof(ppid), "%" PRId64, task->ppid);
	if (task->cpu >= 0)
		snprintf(cpu, sizeof(cpu), "%d", task->cpu);
	if (task->flags & KCO_TASK_PANIC)
		kco_style(out, KCO_STYLE_PANIC);
	kco_text(out, "%s ", task->flags & KCO_TASK_ACTIVE ? ">" : " ");
	if (task->flags & KCO_TASK_OWN_TID)
		kco_text(out, "%7" PRId64 " ", task->tgid);
	kco_text(out, "%7" PRId64 " %7s %3s  ", task->tid, ppid, cpu);
	sp = t->stack_pointer ? ps_stack_pointer(t, task) : task->addr;
	if (sp)
		kco_text(out, "%016" PRIx64, sp);
	else
		kco_text(out, "       --       ");
	kco_text(out, "  %s ", kco_task_state_text(task->state));
	if (t->total_pages)
		kco_text(out, "%5.1f", ps_percent(t, task));
	else
		kco_text(out, "    ?");
	kco_text(out, " %8" PRIu64 " %8" PRIu64 "  ", ps_pages(task, task->vm_pages) * t->page_kb,
		 ps_pages(task, task->rss_pages) * t->page_kb);
	if (t->wait_width)
		kco_text(out, "%-*s  ", t->wait_width, task->wait ? task->wait : "-");
	kco_text(out, kernel ? "[%s]" : "%s", task->comm);
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
	if (task->status != KCO_OK)
		kco_row_failed(t->ctx, task->status, task->why);
}

/* crash's heading, in which CPU stands one column off its numbers. */
static void ps_heading(const struct ps_table *t)
{
	kco_style(t->ctx->out, KCO_STYLE_HEAD);
	kco_text(t->ctx->out, "      PID%s    PPID  CPU %s  ST  %%MEM      VSZ      RSS  ",
		 kco_session_os(t->ctx->session)->own_tids ? "     TID" : "",
		 t->stack_pointer ? "     KSTACKP    " : "      TASK      ");
	if (t->wait_width)
		kco_text(t->ctx->out, "%-*s  ", t->wait_width, "WAIT");
	kco_text(t->ctx->out, "COMM");
	kco_style(t->ctx->out, KCO_STYLE_PLAIN);
	kco_text(t->ctx->out, "\n");
}

static enum kco_status ps_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct ps_opts *opts = ctx->opts;
	struct ps_list list = { 0 };
	struct ps_table table;
	enum kco_status status;

	if (opts->kernel && opts->user)
		return kco_fail(err, KCO_E_USAGE, "-k and -u leave no task");
	if (opts->sum + opts->last_run + opts->since + opts->parents + opts->children + opts->times + opts->threads > 1)
		return kco_fail(err, KCO_E_USAGE, "choose one of -S, -l, -m, -p, -c, -t and -g");
	if (opts->cpus && !opts->last_run && !opts->since)
		return kco_fail(err, KCO_E_USAGE, "-C goes with -l or -m");
	status = ps_choose(ctx, opts, &list, err);
	if (status != KCO_OK)
		return status;
	if (opts->sum)
		return kco_taskview_sum(ctx, list.v, list.n, err);
	if (opts->last_run || opts->since)
		return kco_taskview_last_run(ctx, list.v, list.n, opts->since, opts->cpus, err);
	if (opts->parents)
		return kco_taskview_parents(ctx, list.v, list.n, err);
	if (opts->children)
		return kco_taskview_children(ctx, list.v, list.n, err);
	if (opts->threads)
		return kco_taskview_threads(ctx, list.v, list.n, err);
	if (opts->times)
		return kco_taskview_times(ctx, list.v, list.n, err);
	status = ps_table_init(&table, ctx, opts, err);
	if (status != KCO_OK)
		return status;
	ps_wait_width(&table);
	if (!opts->no_heading)
		ps_heading(&table);
	for (size_t i = 0; i < list.n && !kco_out_closed(ctx->out); i++) {
		if (kco_out_json(ctx->out))
			ps_row_json(&table, list.v[i]);
		else
			ps_row_text(&table, list.v[i]);
	}
	return KCO_OK;
}

static const struct kco_arg ps_args[] = { { KCO_WORD_TASK, "PID|TASK|COMM", true, true }, { 0 } };

#define PS(field) offsetof(struct ps_opts, field)
static const struct kco_opt ps_optv[] = {
	{ 'k', "kernel", KCO_OPT_FLAG, PS(kernel), .help = "kernel threads only" },
	{ 'u', "user", KCO_OPT_FLAG, PS(user), .help = "user tasks only" },
	{ 'G', "leaders", KCO_OPT_FLAG, PS(leaders), .help = "thread group leaders only" },
	{ 'A', "active", KCO_OPT_FLAG, PS(active), .help = "only the task that was on each CPU" },
	{ 0, "state", KCO_OPT_STRING, PS(states), "STATES", KCO_WORD_TEXT,
	  .help = "only tasks in these states: D,R or UN,RU" },
	{ 'y', "policy", KCO_OPT_STRING, PS(policies), "POLICIES", KCO_WORD_TEXT,
	  .help = "only tasks with these scheduling policies: FIFO,RR or 1,2" },
	{ 's', "kstackp", KCO_OPT_FLAG, PS(stack_pointer), .help = "the kernel stack pointer instead of the task" },
	{ 'H', "no-heading", KCO_OPT_FLAG, PS(no_heading), .help = "no line of headings" },
	{ 'S', "sum", KCO_OPT_FLAG, PS(sum), .help = "how many tasks are in each state" },
	{ 'l', "last-run", KCO_OPT_FLAG, PS(last_run), .help = "sorted by when they last ran, with that time" },
	{ 'm', "since", KCO_OPT_FLAG, PS(since), .help = "as -l, how long before the crash" },
	{ 'C', "cpus", KCO_OPT_STRING, PS(cpus), "CPUS", KCO_WORD_NUMBER,
	  .help = "with -l or -m: by CPU, these CPUs: 0,2-3 or all" },
	{ 'p', "parents", KCO_OPT_FLAG, PS(parents), .help = "the parents of each task, the oldest first" },
	{ 'c', "children", KCO_OPT_FLAG, PS(children), .help = "the children of each task" },
	{ 'g', "threads", KCO_OPT_FLAG, PS(threads), .help = "the threads of each task's thread group" },
	{ 't', "times", KCO_OPT_FLAG, PS(times), .help = "run time, start time, user and system time" },
	{ 0 },
};

static const struct kco_json_field ps_json_fields[] = {
	{ "pid", "integer", "the process: thread group id" },
	{ "tid", "integer", "the thread, which the kernel and the text output call pid" },
	{ "ppid", "integer|null", "the parent process" },
	{ "cpu", "integer|null", "CPU it runs or last ran on" },
	{ "task", "address",
	  "its structure in the kernel: struct task_struct, struct thread, struct lwp, struct proc" },
	{ "state", "string", "R S D T t Z X I P W N L, or ? when unreadable" },
	{ "comm", "string", "command name" },
	{ "wait", "string|null", "BSD: what it waits for (wmesg), or *LOCK" },
	{ "active", "boolean", "was on a CPU when the machine stopped" },
	{ "kernel", "boolean", "a kernel thread or a CPU's idle task" },
	{ "panic", "boolean", "the task that panicked" },
	{ "mem_percent", "number|null", "resident memory in percent of the machine's, whose size may be unknown" },
	{ "vsz_kb", "integer", "size of the address space, KiB" },
	{ "rss_kb", "integer", "resident memory, KiB" },
	{ "start_ns", "integer", "start, ns after boot" },
	{ "last_run_ns", "integer", "when it last got a CPU, ns of the scheduler's clock; 0 unknown" },
	{ "utime_ns", "integer", "time in user mode" },
	{ "stime_ns", "integer", "time in the kernel" },
	{ "kstackp", "address", "-s: saved kernel stack pointer, 0x0 for a task that runs" },
	{ "orphan", "boolean", "true when only the pid tree knows the task, the task list does not" },
	{ "error", "string", "why the row is incomplete, as a fixed word" },
	{ "why", "string", "the same in words" },
	{ "count", "integer", "-S: tasks in this state; the row has state and count only" },
	{ "since_ns", "integer", "-m: how long before the crash it last ran" },
	{ "parents", "array", "-p: its parents, the oldest first" },
	{ "parents[].pid", "integer", "process" },
	{ "parents[].tid", "integer", "thread" },
	{ "parents[].cpu", "integer|null", "CPU" },
	{ "parents[].task", "address", "task_struct" },
	{ "parents[].state", "string", "state" },
	{ "parents[].comm", "string", "command name" },
	{ "children", "array", "-c: its children" },
	{ "children[].pid", "integer", "process" },
	{ "children[].tid", "integer", "thread" },
	{ "children[].cpu", "integer|null", "CPU" },
	{ "children[].task", "address", "task_struct" },
	{ "children[].state", "string", "state" },
	{ "children[].comm", "string", "command name" },
	{ "threads", "array", "-g: the other threads of its group" },
	{ "threads[].pid", "integer", "process" },
	{ "threads[].tid", "integer", "thread" },
	{ "threads[].cpu", "integer|null", "CPU" },
	{ "threads[].task", "address", "task_struct" },
	{ "threads[].state", "string", "state" },
	{ "threads[].comm", "string", "command name" },
	{ "run_ns", "integer", "-t: time since its start" },
	{ 0 },
};

const struct kco_cmd kco_cmd_ps = {
	.name = "ps",
	.summary = "the tasks",
	.description =
		"One line for each task (thread) in crash's columns. `>` marks the task that was on a CPU when the "
		"machine stopped. Kernel threads stand in brackets. VSZ and RSS are in KiB.\n\n"
		"States: RU running or runnable, IN interruptible sleep, UN uninterruptible sleep, ST stopped, TR "
		"traced, ZO zombie, DE dead, ID idle kernel thread, PA parked, WA waking, NE new.\n\n"
		"PPID is the process that getppid() would have given. Tasks come from the task list and are compared "
		"with the pid tree, whose tasks are shown as well when the list has lost them.",
	.examples = "ps\n    all tasks\n"
		    "ps -A\n    what was on each CPU\n"
		    "ps --state D\n    who hangs\n"
		    "ps -m -u\n    user tasks by how long ago they ran\n"
		    "ps --json | jq -r 'select(.rss_kb > 100000) | .comm'\n    the large ones, in a script\n",
	.args = ps_args,
	.opts = ps_optv,
	.opts_size = sizeof(struct ps_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = ps_json_fields,
	.run = ps_run,
};
