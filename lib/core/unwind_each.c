// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack traces of many tasks on every core, delivered in order (ordered.h).
 */
#include <kco/unwind.h>

#include <stdlib.h>

#include "bulk.h"
#include "ordered.h"
#include "session.h"

#define EACH_SLOTS_A_JOB 16
/* A second thread costs a tenth of a millisecond; a task whose pages are still to be read, 20 to 80 us. */
#define EACH_TASKS_A_JOB 30

struct each_slot {
	const struct kco_task *task;
	struct kco_trace trace;
};

struct each {
	struct kco_session *s;
	const struct kco_task *const *tasks;
	size_t n, next;
	bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace);
	void *arg;
};

static bool each_take(void *arg, void *slot)
{
	struct each *e = arg;

	if (e->next == e->n)
		return false;
	((struct each_slot *)slot)->task = e->tasks[e->next++];
	return true;
}

static void *each_worker_new(void *arg, struct kco_err *err)
{
	struct kco_unwinder *uw;

	return kco_unwinder_new(((struct each *)arg)->s, &uw, err) ? NULL : uw;
}

static void each_worker_free(void *worker)
{
	kco_unwinder_free(worker);
}

/* How it went is in the trace: one bad stack does not end the others. */
static void each_work(void *arg, void *worker, void *slot)
{
	struct each_slot *s = slot;
	enum kco_status st = kco_unwind_task(worker, s->task, &s->trace, NULL);

	(void)arg;
	(void)st;
}

static bool each_deliver(void *arg, void *slot)
{
	const struct each *e = arg;
	const struct each_slot *s = slot;

	return e->fn(e->arg, s->task, &s->trace);
}

static const struct kco_ordered_ops each_ops = {
	.take = each_take,
	.worker_new = each_worker_new,
	.worker_free = each_worker_free,
	.work = each_work,
	.deliver = each_deliver,
};

static unsigned each_jobs(const struct kco_session *s, size_t n)
{
	size_t jobs = kco_session_jobs(s);

	if (jobs > KCO_ORDERED_JOBS_MAX)
		jobs = KCO_ORDERED_JOBS_MAX;
	if (jobs > n / EACH_TASKS_A_JOB)
		jobs = n / EACH_TASKS_A_JOB;
	return jobs ? (unsigned)jobs : 1;
}

/*
 * What the personality loads on first use belongs to this thread: CPUs'
 * registers and stacks, and what any task needs (so the first one is asked
 * even when no task was running).
 */
static void each_prepare(struct each *e)
{
	struct kco_stack_range ranges[1];
	struct kco_regs regs;

	for (size_t i = 0; i < e->n; i++) {
		const struct kco_task *task = e->tasks[i];
		bool running = task->flags & KCO_TASK_ACTIVE && task->cpu >= 0;

		if (!running && i)
			continue;
		if (KCO_OS_SLOT(e->s->os, task_regs))
			(void)KCO_OS_SLOT(e->s->os, task_regs)(e->s, e->s->mem, task, &regs, NULL);
		if (running && KCO_OS_SLOT(e->s->os, cpu_stacks))
			(void)KCO_OS_SLOT(e->s->os, cpu_stacks)(e->s, (unsigned)task->cpu, ranges, 1);
	}
}

enum kco_status kco_unwind_each(struct kco_session *s, const struct kco_task *const *tasks, size_t n,
				bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace),
				void *arg, struct kco_err *err)
{
	struct each e = { .s = s, .tasks = tasks, .n = n, .fn = fn, .arg = arg };
	struct kco_ordered o = {
		.ops = &each_ops, .arg = &e, .jobs = each_jobs(s, n), .slot_size = sizeof(struct each_slot)
	};
	enum kco_status st;

	o.nr_slots = o.jobs > 1 ? (size_t)o.jobs * EACH_SLOTS_A_JOB : 1;
	o.slots = calloc(o.nr_slots, o.slot_size);
	if (!o.slots)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_session_need(s, KCO_NEED_OS, err);
	if (!st && o.jobs > 1)
		each_prepare(&e);
	if (!st)
		st = kco_ordered_run(s, &o, err);
	free(o.slots);
	return st;
}
