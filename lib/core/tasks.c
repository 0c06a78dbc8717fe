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

/* What a task is looked up by, in an order that unsigned numbers have. */
static uint64_t tasks_tid_key(const struct kco_task *task)
{
	return (uint64_t)task->tid ^ UINT64_C(1) << 63;
}

static uint64_t tasks_addr_key(const struct kco_task *task)
{
	return task->addr;
}

struct tasks_order {
	const struct kco_task *tasks;
	uint64_t (*key)(const struct kco_task *task);
};

/* Equal keys (idle tasks are all tid 0) stay in the order of the list. */
static int tasks_cmp(const void *a, const void *b, void *arg)
{
	const struct tasks_order *order = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	uint64_t x = order->key(&order->tasks[i]), y = order->key(&order->tasks[k]);

	if (x != y)
		return x < y ? -1 : 1;
	return (i > k) - (i < k);
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
	s->tasks[s->nr_tasks] = *task;
	if (s->os->own_tids)
		s->tasks[s->nr_tasks].flags |= KCO_TASK_OWN_TID;
	s->nr_tasks++;
	return KCO_OK;
}

static uint32_t *tasks_index_new(struct kco_session *s, uint64_t (*key)(const struct kco_task *task))
{
	struct tasks_order order = { s->tasks, key };
	uint32_t *index = calloc(s->nr_tasks + 1, sizeof(*index));

	if (!index)
		return NULL;
	for (uint32_t i = 0; i < s->nr_tasks; i++)
		index[i] = i;
	qsort_r(index, s->nr_tasks, sizeof(*index), tasks_cmp, &order);
	return index;
}

enum kco_status kco_session_tasks_load(struct kco_session *s, struct kco_err *err)
{
	enum kco_status st;

	if (!KCO_OS_SLOT(s->os, tasks))
		return kco_fail(err, KCO_E_UNSUPPORTED, "tasks are not known on %s", s->os->title);
	st = KCO_OS_SLOT(s->os, tasks)(s, tasks_add, s, err);
	if (st)
		return st;
	s->task_by_tid = tasks_index_new(s, tasks_tid_key);
	s->task_by_addr = tasks_index_new(s, tasks_addr_key);
	if (!s->task_by_tid || !s->task_by_addr)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu tasks", s->nr_tasks);
	return KCO_OK;
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

bool kco_tasks_incomplete(struct kco_session *s)
{
	return !kco_session_need(s, KCO_NEED_TASKS, NULL) && s->tasks_incomplete;
}

/* The first task whose key is @want. */
static const struct kco_task *tasks_find(struct kco_session *s, const uint32_t *index,
					 uint64_t (*key)(const struct kco_task *task), uint64_t want)
{
	size_t lo = 0, hi = s->nr_tasks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (key(&s->tasks[index[mid]]) < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nr_tasks && key(&s->tasks[index[lo]]) == want ? &s->tasks[index[lo]] : NULL;
}

const struct kco_task *kco_task_by_tid(struct kco_session *s, int64_t tid)
{
	const struct kco_task like = { .tid = tid };

	if (kco_session_need(s, KCO_NEED_TASKS, NULL))
		return NULL;
	return tasks_find(s, s->task_by_tid, tasks_tid_key, tasks_tid_key(&like));
}

const struct kco_task *kco_task_by_addr(struct kco_session *s, uint64_t addr)
{
	if (kco_session_need(s, KCO_NEED_TASKS, NULL))
		return NULL;
	return tasks_find(s, s->task_by_addr, tasks_addr_key, addr);
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
