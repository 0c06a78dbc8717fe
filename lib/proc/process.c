// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The platform: tasks grouped into processes, each with its address space.
 *
 * One array of processes, sorted by pid, the kernel first; one array of thread
 * pointers, which the processes share in slices.
 */
#include <kco/process.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/os.h>

#include "process_priv.h"

struct process {
	struct kco_process base;
	struct {
		void *data;
		void (*fini)(void *data);
	} parts[PROCESS_PARTS];
};

struct kco_platform {
	struct process *all;
	struct kco_process **list; /* pointers to them, which is what callers get */
	size_t n;
	const struct kco_task **threads; /* sorted by (pid, not main, tid): slices of it are the processes' */
	const struct kco_task **every;	 /* in the tasks' own order: the kernel's threads */
	struct kco_lazy lazy;
};

void *process_part(struct kco_process *p, enum process_part part)
{
	return ((struct process *)p)->parts[part].data;
}

void process_part_set(struct kco_process *p, enum process_part part, void *data, void (*fini)(void *data))
{
	struct process *process = (struct process *)p;

	process->parts[part].data = data;
	process->parts[part].fini = fini;
}

void kco_session_processes_fini(struct kco_session *s)
{
	struct kco_platform *platform = s->platform;

	if (!platform)
		return;
	for (size_t i = 0; i < platform->n; i++)
		for (int part = PROCESS_PARTS - 1; part >= 0; part--)
			if (platform->all[i].parts[part].fini)
				platform->all[i].parts[part].fini(platform->all[i].parts[part].data);
	free(platform->all);
	free(platform->list);
	free(platform->threads);
	free(platform->every);
	free(platform);
	s->platform = NULL;
}

/* Idle tasks are the kernel's; all others belong to their thread group. */
static int64_t process_pid_of(const struct kco_task *task)
{
	return task->flags & KCO_TASK_IDLE ? 0 : task->tgid;
}

static int process_compare(const void *a, const void *b)
{
	const struct kco_task *x = *(const struct kco_task *const *)a, *y = *(const struct kco_task *const *)b;
	int64_t px = process_pid_of(x), py = process_pid_of(y);

	if (px != py)
		return px < py ? -1 : 1;
	if ((x->tid == x->tgid) != (y->tid == y->tgid))
		return x->tid == x->tgid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum kco_status process_space(struct kco_session *s, struct kco_process *p, struct kco_err *err)
{
	enum kco_status (*space)(struct kco_process * p, struct kco_space * ret, struct kco_err * err) =
		PROCESS_OS_SLOT(s, space);

	p->space = (struct kco_space){ .arch = s->arch };
	if (!p->mm || !space)
		return KCO_OK;
	p->space.id = ++s->next_space_id;
	return space(p, &p->space, err);
}

/* The process whose threads are list[0 .. n). */
static enum kco_status process_init(struct kco_session *s, struct kco_process *p, const struct kco_task **list,
				    size_t n, struct kco_err *err)
{
	bool (*hidden)(const struct kco_process *p) = PROCESS_OS_SLOT(s, hidden);
	struct kco_err why = KCO_ERR_INIT;

	*p = (struct kco_process){
		.session = s, .pid = list[0]->tgid, .leader = list[0], .threads = list, .nr_threads = n
	};
	// A main thread that has ended gave its address space back; its other threads still live in it.
	for (size_t i = 0; i < n && !p->mm; i++)
		if (!(list[i]->flags & KCO_TASK_KTHREAD))
			p->mm = list[i]->mm;
	p->space_status = process_space(s, p, &why);
	if (p->space_status) {
		p->space.form = NULL;
		p->space_why = kco_arena_strndup(&s->arena, why.msg, sizeof(why.msg));
		if (!p->space_why)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	p->hidden = hidden ? hidden(p) : (p->leader->flags & KCO_TASK_KTHREAD) != 0;
	return KCO_OK;
}

static enum kco_status process_make(struct kco_session *s, struct kco_platform *platform, struct kco_err *err)
{
	const struct kco_task *tasks;
	size_t n, first = 0, count = 1;
	enum kco_status st = kco_tasks_get(s, &tasks, &n, err);

	if (st)
		return st;
	platform->threads = calloc(n + 1, sizeof(*platform->threads));
	platform->every = calloc(n + 1, sizeof(*platform->every));
	if (!platform->threads || !platform->every)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		platform->threads[i] = platform->every[i] = &tasks[i];
	qsort(platform->threads, n, sizeof(*platform->threads), process_compare);
	// Rows that could not be read have no pid, and are in no process but the kernel.
	while (first < n && process_pid_of(platform->threads[first]) <= 0)
		first++;
	for (size_t i = first; i < n; i++)
		count += i == first || platform->threads[i]->tgid != platform->threads[i - 1]->tgid;
	platform->all = calloc(count, sizeof(*platform->all));
	platform->list = calloc(count, sizeof(struct kco_process *));
	if (!platform->all || !platform->list)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	platform->all[0].base = (struct kco_process){ .session = s,
						      .leader = n ? &tasks[0] : NULL,
						      .threads = platform->every,
						      .nr_threads = n,
						      .space = s->kernel };
	platform->n = 1;
	for (size_t i = first, end; i < n; i = end) {
		for (end = i + 1; end < n && platform->threads[end]->tgid == platform->threads[i]->tgid; end++)
			;
		st = process_init(s, &platform->all[platform->n++].base, platform->threads + i, end - i, err);
		if (st)
			return st;
	}
	for (size_t i = 0; i < platform->n; i++)
		platform->list[i] = &platform->all[i].base;
	return KCO_OK;
}

static enum kco_status process_load(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->platform->lazy, process_make(s, s->platform, &s->platform->lazy.err), err);
}

enum kco_status kco_processes_get(struct kco_session *s, struct kco_process *const **ret, size_t *n,
				  struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_TASKS, err);

	if (!st && !s->platform)
		s->platform = calloc(1, sizeof(*s->platform));
	if (!st && !s->platform)
		st = kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!st)
		st = process_load(s, err);
	if (st)
		return st;
	*ret = s->platform->list;
	*n = s->platform->n;
	return KCO_OK;
}

static struct kco_process *process_find(const struct kco_platform *platform, int64_t pid)
{
	size_t low = 0, high = platform->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (platform->list[mid]->pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < platform->n && platform->list[low]->pid == pid ? platform->list[low] : NULL;
}

enum kco_status kco_process_get(struct kco_session *s, int64_t pid, struct kco_process **ret, struct kco_err *err)
{
	struct kco_process *const *list;
	const struct kco_task *task;
	size_t n;
	enum kco_status st = kco_processes_get(s, &list, &n, err);

	if (st)
		return st;
	*ret = pid >= 0 ? process_find(s->platform, pid) : NULL;
	if (!*ret && pid > 0) {
		task = kco_task_by_tid(s, pid);
		*ret = task ? process_find(s->platform, task->tgid) : NULL;
	}
	return *ret ? KCO_OK : kco_fail(err, KCO_E_USAGE, "no process has the pid %" PRId64, pid);
}

struct kco_process *kco_process_of(struct kco_session *s, const struct kco_task *task)
{
	struct kco_process *const *list;
	size_t n;

	if (kco_processes_get(s, &list, &n, NULL))
		return NULL;
	return process_find(s->platform, process_pid_of(task));
}
