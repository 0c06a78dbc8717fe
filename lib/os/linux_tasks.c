// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tasks of a Linux kernel.
 *
 *   per CPU:  runqueues.idle -> the idle tasks        runqueues.curr -> who was on the CPU
 *   init_task.tasks -> ... every thread group's leader
 *       leader->signal->thread_head -> signal_struct.thread_node -> every thread
 *   init_pid_ns.idr -> every task that has a pid, once more (linux_pids.c)
 *
 * The list and the tree are two accounts of the same; a task that only one of
 * them names is kept, marked, and reported: a list that was torn by the crash
 * must not make tasks vanish in silence.
 */
#include "linux.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "addrset.h"

/* The part of a task_struct that is read in one go. */
#define TASKS_WINDOW 16384
#define TASKS_PF_KTHREAD 0x00200000 /* PF_KTHREAD, unchanged since Linux 246bb0b1deb2 (v2.6.27) */

enum task_field {
	TF_PID,
	TF_TGID,
	TF_COMM,
	TF_STATE,
	TF_EXIT_STATE,
	TF_FLAGS,
	TF_STACK,
	TF_MM,
	TF_CPU,
	TF_PARENT,
	TF_LEADER,
	TF_SIGNAL,
	TF_START,
	TF_LAST_RUN,
	TF_UTIME,
	TF_STIME,
	TF_TASKS,
	TF_THREAD_NODE,
	TF_COUNT,
};

/* What a row needs of struct task_struct; without the required ones there are no tasks at all. */
static const struct {
	const char *paths[4];
	bool required;
} task_needs[TF_COUNT] = {
	[TF_PID] = { { "pid" }, true },
	[TF_TGID] = { { "tgid" }, true },
	[TF_COMM] = { { "comm" }, true },
	/* Since Linux 2f064a59a11f (v5.14) the field is __state. */
	[TF_STATE] = { { "__state", "state" }, true },
	[TF_EXIT_STATE] = { { "exit_state" }, false },
	[TF_FLAGS] = { { "flags" }, true },
	[TF_STACK] = { { "stack" }, true },
	[TF_MM] = { { "mm" }, true },
	/* Since Linux bcf9033e5449 (v5.16) always in thread_info, before it next to it. */
	[TF_CPU] = { { "thread_info.cpu", "cpu" }, false },
	[TF_PARENT] = { { "real_parent", "parent" }, false },
	[TF_LEADER] = { { "group_leader" }, false },
	[TF_SIGNAL] = { { "signal" }, false },
	[TF_START] = { { "start_boottime", "real_start_time", "start_time" }, false },
	[TF_LAST_RUN] = { { "sched_info.last_arrival" }, false },
	[TF_UTIME] = { { "utime" }, false },
	[TF_STIME] = { { "stime" }, false },
	[TF_TASKS] = { { "tasks.next" }, true },
	[TF_THREAD_NODE] = { { "thread_node.next", "thread_group.next" }, false },
};

struct tasks_walk {
	struct kco_session *s;
	struct kco_field f[TF_COUNT];
	bool has[TF_COUNT];
	uint64_t window; /* bytes of task_struct that cover every field */
	uint8_t *buf;
	struct kco_field thread_head; /* signal_struct.thread_head.next */
	bool has_thread_head;
	struct kco_field total_vm, rss[4];
	struct linux_states states;
	uint64_t stack_size;
	uint64_t *curr; /* of each CPU */
	uint64_t *idle;
	unsigned nr_cpus;
	int64_t panic_cpu;
	enum kco_status (*add)(void *arg, const struct kco_task *task);
	void *arg;
	struct kco_addrset seen;
	size_t listed;
	bool torn;     /* the task list breaks off */
	size_t broken; /* thread groups whose list breaks off */
	const char *first_broken;
};

static enum kco_status tasks_fields(struct tasks_walk *w, struct kco_err *err)
{
	for (size_t i = 0; i < TF_COUNT; i++) {
		const char *const *p = task_needs[i].paths;
		enum kco_status st = os_field(w->s, "task_struct", &w->f[i], err, p[0], p[1], p[1] ? p[2] : NULL, NULL);

		w->has[i] = !st;
		if (st && task_needs[i].required)
			return st;
		if (!st && w->f[i].offset + w->f[i].size > w->window)
			w->window = w->f[i].offset + w->f[i].size;
	}
	if (w->window > TASKS_WINDOW)
		return kco_fail(err, KCO_E_CORRUPT, "struct task_struct of %" PRIu64 " bytes makes no sense",
				w->window);
	w->buf = malloc(w->window);
	return w->buf ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

/*
 * Resident pages: struct mm_struct.rss_stat is an array of percpu_counter since
 * Linux f1a7941243c1 (v6.2), of atomic_long_t in count[] before.
 */
static void tasks_mm_fields(struct tasks_walk *w)
{
	static const char *const paths[][2] = {
		{ "rss_stat[0].count", "rss_stat.count[0].counter" },
		{ "rss_stat[1].count", "rss_stat.count[1].counter" },
		{ "rss_stat[2].count", "rss_stat.count[2].counter" }, /* swap entries: not resident, skipped */
		{ "rss_stat[3].count", "rss_stat.count[3].counter" },
	};

	if (os_field(w->s, "mm_struct", &w->total_vm, NULL, "total_vm", NULL))
		w->total_vm.size = 0;
	for (unsigned i = 0; i < 4; i++)
		if (os_field(w->s, "mm_struct", &w->rss[i], NULL, paths[i][0], paths[i][1], NULL))
			w->rss[i].size = 0;
}

static void tasks_cpus(struct tasks_walk *w)
{
	static const char *const panic_cpus[] = { "panic_cpu", "crashing_cpu" };
	struct kco_field curr, idle;
	uint64_t cpu;

	/* Both are -1 as long as nobody panics; a crash that panic() had no part in sets the second only. */
	w->panic_cpu = -1;
	for (size_t i = 0; i < 2 && w->panic_cpu < 0; i++)
		if (!os_variable(w->s, panic_cpus[i], 4, &cpu, NULL))
			w->panic_cpu = (int32_t)cpu;
	if (linux_cpu_count(w->s, &w->nr_cpus, NULL) || os_field(w->s, "rq", &curr, NULL, "curr", NULL) ||
	    os_field(w->s, "rq", &idle, NULL, "idle", NULL)) {
		w->nr_cpus = 0;
		return;
	}
	w->curr = calloc(w->nr_cpus, sizeof(uint64_t));
	w->idle = calloc(w->nr_cpus, sizeof(uint64_t));
	if (!w->curr || !w->idle) {
		w->nr_cpus = 0;
		return;
	}
	for (unsigned i = 0; i < w->nr_cpus; i++) {
		uint64_t rq;

		if (kco_percpu_addr(w->s, "runqueues", (int)i, &rq, NULL))
			continue;
		if (kco_kread_field(w->s, rq, &curr, &w->curr[i], NULL))
			w->curr[i] = 0;
		if (kco_kread_field(w->s, rq, &idle, &w->idle[i], NULL))
			w->idle[i] = 0;
	}
}

static uint64_t tasks_get(const struct tasks_walk *w, enum task_field i)
{
	uint64_t v = 0;

	if (w->has[i])
		(void)!kco_field_get(&w->f[i], w->buf, w->window, &v);
	return v;
}

static void tasks_read_mm(struct tasks_walk *w, struct kco_task *task)
{
	uint64_t v;

	if (!task->mm)
		return;
	if (w->total_vm.size && !kco_kread_field(w->s, task->mm, &w->total_vm, &v, NULL))
		task->vm_pages = v;
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2 || !w->rss[i].size || kco_kread_field(w->s, task->mm, &w->rss[i], &v, NULL))
			continue;
		/* Counters may be a little negative between updates. */
		if ((int64_t)v > 0)
			task->rss_pages += v;
	}
}

static void tasks_decode(struct tasks_walk *w, struct kco_task *task)
{
	uint64_t parent;

	task->tid = (int32_t)tasks_get(w, TF_PID);
	task->tgid = (int32_t)tasks_get(w, TF_TGID);
	memcpy(task->comm, w->buf + w->f[TF_COMM].offset,
	       w->f[TF_COMM].size < sizeof(task->comm) ? w->f[TF_COMM].size : sizeof(task->comm) - 1);
	task->state_raw = tasks_get(w, TF_STATE);
	task->state = linux_state_letter(&w->states, task->state_raw, tasks_get(w, TF_EXIT_STATE));
	task->flags |= tasks_get(w, TF_FLAGS) & TASKS_PF_KTHREAD ? KCO_TASK_KTHREAD : 0;
	task->stack = tasks_get(w, TF_STACK);
	task->stack_size = task->stack ? (uint32_t)w->stack_size : 0;
	task->mm = tasks_get(w, TF_MM);
	task->cpu = w->has[TF_CPU] ? (int32_t)tasks_get(w, TF_CPU) : -1;
	task->group_leader = tasks_get(w, TF_LEADER);
	task->parent = parent = tasks_get(w, TF_PARENT);
	task->start_time = tasks_get(w, TF_START);
	task->last_run = tasks_get(w, TF_LAST_RUN);
	task->utime = tasks_get(w, TF_UTIME);
	task->stime = tasks_get(w, TF_STIME);
	task->ppid = -1;
	if (parent && !kco_kread_field(w->s, parent, &w->f[TF_TGID], &parent, NULL))
		task->ppid = (int32_t)parent;
	tasks_read_mm(w, task);
}

/* Read the task at @addr and hand it on; a row that cannot be read is a row with a reason. KCO_DONE: known already. */
static enum kco_status tasks_emit(struct tasks_walk *w, uint64_t addr, uint32_t flags)
{
	struct kco_task task = { .addr = addr, .flags = flags, .cpu = -1, .ppid = -1, .state = '?' };
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st;

	st = kco_addrset_add(&w->seen, addr);
	if (st)
		return st;
	st = kco_kread(w->s, addr, w->buf, w->window, NULL, &err);
	if (!st) {
		tasks_decode(w, &task);
		// A CPU's idle task is forked by whoever brings the CPU up, but is nobody's child (no list has it).
		if (flags & KCO_TASK_IDLE) {
			task.parent = 0;
			task.ppid = 0;
		}
	} else {
		task.tid = task.tgid = -1;
		task.status = st;
		task.why = kco_session_text(w->s, "task structure: %s", err.msg);
	}
	for (unsigned i = 0; i < w->nr_cpus; i++) {
		if (w->curr[i] != addr)
			continue;
		task.flags |= KCO_TASK_ACTIVE;
		task.cpu = (int32_t)i;
		if (w->panic_cpu == (int64_t)i)
			task.flags |= KCO_TASK_PANIC;
	}
	return w->add(w->arg, &task);
}

static enum kco_status tasks_idle(struct tasks_walk *w)
{
	enum kco_status st = KCO_OK;

	for (unsigned i = 0; i < w->nr_cpus && st >= 0; i++)
		if (w->idle[i])
			st = tasks_emit(w, w->idle[i], KCO_TASK_IDLE);
	return st < 0 ? st : KCO_OK;
}

struct tasks_group {
	struct tasks_walk *w;
	uint64_t leader;
};

static enum kco_status tasks_thread(void *arg, uint64_t node)
{
	struct tasks_group *g = arg;
	uint64_t addr = node - g->w->f[TF_THREAD_NODE].offset;
	enum kco_status st = tasks_emit(g->w, addr, 0);

	/* The leader was there before, as it must be. */
	return st == KCO_DONE && addr == g->leader ? KCO_OK : st;
}

/*
 * The threads of the group that @leader leads, itself included. The list goes
 * round through signal->thread_head; in kernels without that head (before
 * Linux 0c740d0afc3b, v3.14) through thread_group of the leader itself.
 */
static enum kco_status tasks_threads(struct tasks_walk *w, uint64_t leader)
{
	struct tasks_group g = { w, leader };
	struct kco_err torn = KCO_ERR_INIT;
	uint64_t signal, head = leader + w->f[TF_THREAD_NODE].offset;
	enum kco_status st;

	if (!w->has[TF_THREAD_NODE])
		return KCO_OK;
	if (w->has_thread_head) {
		st = kco_kread_field(w->s, leader, &w->f[TF_SIGNAL], &signal, &torn);
		/* A task that is almost gone has no signal structure any more, and no other threads. */
		if (!st && !signal)
			return KCO_OK;
		head = signal + w->thread_head.offset;
	}
	st = torn.code ? KCO_OK : linux_list_each(w->s, head, tasks_thread, &g, &torn);
	if (torn.code && !w->broken++)
		w->first_broken = kco_session_text(w->s, "task 0x%" PRIx64 ": %s", leader, torn.msg);
	return st;
}

static enum kco_status tasks_leader(void *arg, uint64_t node)
{
	struct tasks_walk *w = arg;
	uint64_t addr = node - w->f[TF_TASKS].offset;
	enum kco_status st = tasks_emit(w, addr, 0);

	return st ? st : tasks_threads(w, addr);
}

static enum kco_status tasks_list(struct tasks_walk *w, struct kco_err *err)
{
	struct kco_err torn = KCO_ERR_INIT;
	uint64_t init;
	enum kco_status st = os_symbol(w->s, &init, err, "init_task", NULL);

	if (st)
		return st;
	/* init_task is CPU 0's idle task, which the run queue names; without run queues it still counts. */
	st = tasks_emit(w, init, KCO_TASK_IDLE);
	if (st >= 0)
		st = linux_list_each(w->s, init + w->f[TF_TASKS].offset, tasks_leader, w, &torn);
	if (st < 0)
		return kco_fail(err, st, "the task list was left after %zu tasks: %s", w->seen.n, kco_status_name(st));
	w->torn = torn.code != KCO_OK;
	if (w->torn)
		kco_session_warn(w->s, "tasks may be missing: the task list is torn: %s", torn.msg);
	if (w->broken)
		kco_session_warn(w->s, "threads may be missing: the lists of %zu groups are torn, the first of %s",
				 w->broken, w->first_broken);
	w->listed = w->seen.n;
	return KCO_OK;
}

struct tasks_check {
	struct tasks_walk *w;
	size_t in_tree, orphans;
};

static enum kco_status tasks_check_one(void *arg, uint64_t nr, uint64_t addr)
{
	struct tasks_check *check = arg;
	enum kco_status st = tasks_emit(check->w, addr, KCO_TASK_ORPHAN);

	(void)nr;
	check->in_tree++;
	check->orphans += st == KCO_OK;
	return st < 0 ? st : KCO_OK;
}

/* The pid tree names every task but the idle ones. */
static enum kco_status tasks_cross_check(struct tasks_walk *w, struct kco_err *err)
{
	struct tasks_check check = { .w = w };
	struct kco_err mine = KCO_ERR_INIT;
	size_t idle = 0;
	enum kco_status st = linux_pids_each(w->s, tasks_check_one, &check, &mine);

	if (st == KCO_E_CANCELLED || st == KCO_E_NOMEM)
		return kco_fail(err, st, "%s", st == KCO_E_CANCELLED ? "interrupted" : "too many tasks");
	if (st) {
		kco_session_warn(w->s, "the pid tree cannot be read, so the task list is not checked: %s", mine.msg);
		w->s->tasks_incomplete = w->torn || w->broken;
		return KCO_OK;
	}
	for (unsigned i = 0; i < w->nr_cpus; i++)
		idle += w->idle[i] != 0;
	if (check.orphans)
		kco_session_warn(w->s, "tasks in the pid tree that are not on the task list: %zu; they are shown too",
				 check.orphans);
	if (w->listed > idle + check.in_tree)
		kco_session_warn(w->s, "tasks on the task list that are not in the pid tree: %zu",
				 w->listed - idle - check.in_tree);
	return KCO_OK;
}

/* THREAD_SIZE is a macro, but init_task's stack is a union of exactly that size. */
static void tasks_stack_size(struct tasks_walk *w)
{
	struct kco_symbol sym;

	w->stack_size = 16384;
	if (!kco_types_sizeof(w->s->types, "thread_union", &w->stack_size, NULL))
		return;
	/* To its end another symbol may follow inside of it: __top_init_kernel_stack. */
	if (!kco_symbols_by_name(w->s->symbols, "init_stack", &sym, NULL) && sym.size > 4096 && sym.size <= 65536)
		w->stack_size = (sym.size + 4095) & ~UINT64_C(4095);
}

enum kco_status linux_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
			    void *arg, struct kco_err *err)
{
	struct tasks_walk w = { .s = s, .add = add, .arg = arg };
	enum kco_status st = tasks_fields(&w, err);

	if (!st) {
		w.has_thread_head =
			w.has[TF_SIGNAL] && !os_field(s, "signal_struct", &w.thread_head, NULL, "thread_head", NULL);
		tasks_mm_fields(&w);
		linux_states_init(s, &w.states);
		tasks_stack_size(&w);
		tasks_cpus(&w);
		st = tasks_idle(&w);
		if (st)
			st = kco_fail(err, st, "idle tasks: %s", kco_status_name(st));
	}
	if (!st)
		st = tasks_list(&w, err);
	if (!st)
		st = tasks_cross_check(&w, err);
	free(w.buf);
	free(w.curr);
	free(w.idle);
	kco_addrset_fini(&w.seen);
	return st;
}
