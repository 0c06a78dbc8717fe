// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The session's table of tasks.
 *
 * The personality adds each task once (it is told KCO_DONE for an address that
 * is there already, which is how torn or looping lists are noticed); lookups
 * by tid and by address go through sorted index arrays.
 */
#include "tasks.h"

#include <stdlib.h>
#include <string.h>

#include <kco/os.h>

/* A machine may have 4 million pids; far more is a broken list. */
#define TASKS_MAX (8u << 20)

static int tasks_cmp_tid(const void *a, const void *b, void *arg)
{
	const struct kco_task *tasks = arg, *x = &tasks[*(const uint32_t *)a], *y = &tasks[*(const uint32_t *)b];

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static int tasks_cmp_addr(const void *a, const void *b, void *arg)
{
	const struct kco_task *tasks = arg, *x = &tasks[*(const uint32_t *)a], *y = &tasks[*(const uint32_t *)b];

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum kco_status tasks_add(void *arg, const struct kco_task *task)
{
	struct kco_session *s = arg;

	if (kco_session_cancelled(s))
		return KCO_E_CANCELLED;
	if (s->nr_tasks == s->cap_tasks) {
		size_t cap = s->cap_tasks ? s->cap_tasks * 2 : 128;
		struct kco_task *grown;

		if (cap > TASKS_MAX)
			return KCO_E_NOMEM;
		grown = realloc(s->tasks, cap * sizeof(*grown));
		if (!grown)
			return KCO_E_NOMEM;
		s->tasks = grown;
		s->cap_tasks = cap;
	}
	s->tasks[s->nr_tasks++] = *task;
	return KCO_OK;
}

static enum kco_status tasks_index(struct kco_session *s, struct kco_err *err)
{
	s->task_by_tid = calloc(s->nr_tasks + 1, sizeof(*s->task_by_tid));
	s->task_by_addr = calloc(s->nr_tasks + 1, sizeof(*s->task_by_addr));
	if (!s->task_by_tid || !s->task_by_addr)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu tasks", s->nr_tasks);
	for (uint32_t i = 0; i < s->nr_tasks; i++)
		s->task_by_tid[i] = s->task_by_addr[i] = i;
	qsort_r(s->task_by_tid, s->nr_tasks, sizeof(uint32_t), tasks_cmp_tid, s->tasks);
	qsort_r(s->task_by_addr, s->nr_tasks, sizeof(uint32_t), tasks_cmp_addr, s->tasks);
	return KCO_OK;
}

enum kco_status kco_session_tasks_load(struct kco_session *s, struct kco_err *err)
{
	enum kco_status st;

	if (!KCO_OS_SLOT(s->os, tasks))
		return kco_fail(err, KCO_E_UNSUPPORTED, "tasks are not known on %s", s->os->name);
	st = KCO_OS_SLOT(s->os, tasks)(s, tasks_add, s, err);
	if (st)
		return st;
	return tasks_index(s, err);
}

void kco_session_tasks_fini(struct kco_session *s)
{
	free(s->tasks);
	free(s->task_by_tid);
	free(s->task_by_addr);
}

enum kco_status kco_tasks_get(struct kco_session *s, const struct kco_task **tasks, size_t *n, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_TASKS, err);

	*tasks = st ? NULL : s->tasks;
	*n = st ? 0 : s->nr_tasks;
	return st;
}

const struct kco_task *kco_task_by_tid(struct kco_session *s, int64_t tid)
{
	size_t lo = 0, hi;

	if (kco_session_need(s, KCO_NEED_TASKS, NULL))
		return NULL;
	hi = s->nr_tasks;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->tasks[s->task_by_tid[mid]].tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->nr_tasks || s->tasks[s->task_by_tid[lo]].tid != tid)
		return NULL;
	return &s->tasks[s->task_by_tid[lo]];
}

const struct kco_task *kco_task_by_addr(struct kco_session *s, uint64_t addr)
{
	size_t lo = 0, hi;

	if (kco_session_need(s, KCO_NEED_TASKS, NULL))
		return NULL;
	hi = s->nr_tasks;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->tasks[s->task_by_addr[mid]].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->nr_tasks || s->tasks[s->task_by_addr[lo]].addr != addr)
		return NULL;
	return &s->tasks[s->task_by_addr[lo]];
}

static const struct kco_task *tasks_first(struct kco_session *s, uint32_t flag, int cpu)
{
	if (kco_session_need(s, KCO_NEED_TASKS, NULL))
		return NULL;
	for (size_t i = 0; i < s->nr_tasks; i++)
		if (s->tasks[i].flags & flag && (cpu < 0 || s->tasks[i].cpu == cpu))
			return &s->tasks[i];
	return NULL;
}

const struct kco_task *kco_task_panic(struct kco_session *s)
{
	return tasks_first(s, KCO_TASK_PANIC, -1);
}

const struct kco_task *kco_task_on_cpu(struct kco_session *s, int cpu)
{
	return tasks_first(s, KCO_TASK_ACTIVE, cpu);
}
