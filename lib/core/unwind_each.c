// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many tasks on every core, delivered in order.
 *
 *   next ----> taken by a worker -----> done -----> fn() ----> slot free again
 *         tickets, in order      ring of slots   calling thread, in order
 *
 * A ticket is the right to unwind one task into slot number ticket modulo the
 * ring's size; it is given while that slot is free. The calling thread takes
 * tickets too while the result it needs next is not done, so that `jobs`
 * threads work and none only waits. Nothing depends on how many there are.
 */
#include <kco/unwind.h>

#include <pthread.h>
#include <stdlib.h>

#include "bulk.h"
#include "session.h"

#define EACH_JOBS_MAX 64
#define EACH_SLOTS_A_JOB 16
/* A second thread costs a tenth of a millisecond; a task whose pages are still to be read, 20 to 80 us. */
#define EACH_TASKS_A_JOB 30

struct each_slot {
	bool done;
	struct kco_trace trace;
};

struct each {
	struct kco_session *s;
	const struct kco_task *const *tasks;
	size_t n;
	pthread_mutex_t lock;
	pthread_cond_t is_done; /* a slot was finished */
	pthread_cond_t is_free; /* half of the slots are free, or it is over */
	size_t next;		/* the next ticket */
	size_t delivered;	/* results handed to fn */
	bool over;
	size_t nr_slots;
	struct each_slot *slots;
};

/* Take the next ticket. False: none now (without @wait), or none ever. */
static bool each_take(struct each *e, bool wait, size_t *ret)
{
	bool taken = false;

	pthread_mutex_lock(&e->lock);
	while (wait && !e->over && e->next < e->n && e->next - e->delivered >= e->nr_slots)
		pthread_cond_wait(&e->is_free, &e->lock);
	if (!e->over && e->next < e->n && e->next - e->delivered < e->nr_slots) {
		*ret = e->next++;
		taken = true;
	}
	pthread_mutex_unlock(&e->lock);
	return taken;
}

/* How it went is in the trace: one bad stack does not end the others. */
static void each_unwind(struct kco_unwinder *uw, const struct kco_task *task, struct kco_trace *trace)
{
	enum kco_status st = kco_unwind_task(uw, task, trace, NULL);

	(void)st;
}

static void each_do(struct each *e, struct kco_unwinder *uw, size_t ticket)
{
	struct each_slot *slot = &e->slots[ticket % e->nr_slots];

	each_unwind(uw, e->tasks[ticket], &slot->trace);
	pthread_mutex_lock(&e->lock);
	slot->done = true;
	if (ticket == e->delivered)
		pthread_cond_signal(&e->is_done);
	pthread_mutex_unlock(&e->lock);
}

struct each_worker {
	struct each *each;
	struct kco_unwinder *uw;
	pthread_t thread;
};

static void *each_work(void *arg)
{
	struct each_worker *worker = arg;
	size_t ticket;

	while (!kco_session_cancelled(worker->each->s) && each_take(worker->each, true, &ticket))
		each_do(worker->each, worker->uw, ticket);
	return NULL;
}

/* On the calling thread: hand out results in order, and work while the next one is missing. */
static enum kco_status each_deliver(struct each *e, struct kco_unwinder *uw,
				    bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace),
				    void *arg, struct kco_err *err)
{
	while (e->delivered < e->n) {
		struct each_slot *slot = &e->slots[e->delivered % e->nr_slots];
		size_t ticket;
		bool done;

		if (kco_session_cancelled(e->s))
			return kco_fail(err, KCO_E_CANCELLED, "cancelled");
		pthread_mutex_lock(&e->lock);
		done = slot->done;
		pthread_mutex_unlock(&e->lock);
		if (!done && each_take(e, false, &ticket)) {
			each_do(e, uw, ticket);
			continue;
		}
		pthread_mutex_lock(&e->lock);
		while (!slot->done)
			pthread_cond_wait(&e->is_done, &e->lock);
		pthread_mutex_unlock(&e->lock);
		if (!fn(arg, e->tasks[e->delivered], &slot->trace))
			return KCO_OK;
		pthread_mutex_lock(&e->lock);
		slot->done = false;
		e->delivered++;
		// A thread woken for every slot would run for one task and wait again: that costs more than the task.
		if (e->next - e->delivered <= e->nr_slots / 2)
			pthread_cond_broadcast(&e->is_free);
		pthread_mutex_unlock(&e->lock);
	}
	return KCO_OK;
}

static enum kco_status each_inline(struct each *e, struct kco_unwinder *uw,
				   bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace),
				   void *arg, struct kco_err *err)
{
	struct kco_trace *trace = malloc(sizeof(*trace));
	enum kco_status st = KCO_OK;

	if (!trace)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < e->n; i++) {
		if (kco_session_cancelled(e->s)) {
			st = kco_fail(err, KCO_E_CANCELLED, "cancelled");
			break;
		}
		each_unwind(uw, e->tasks[i], trace);
		if (!fn(arg, e->tasks[i], trace))
			break;
	}
	free(trace);
	return st;
}

static unsigned each_jobs(const struct kco_session *s, size_t n)
{
	size_t jobs = kco_session_jobs(s);

	if (jobs > EACH_JOBS_MAX)
		jobs = EACH_JOBS_MAX;
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

/* Run with @jobs - 1 threads besides this one; fewer when the system refuses them. */
static enum kco_status each_threads(struct each *e, unsigned jobs, struct kco_unwinder *uw,
				    bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace),
				    void *arg, struct kco_err *err)
{
	struct each_worker workers[EACH_JOBS_MAX];
	enum kco_status st;
	unsigned started;

	each_prepare(e);
	for (started = 0; started < jobs - 1; started++) {
		struct each_worker *worker = &workers[started];

		worker->each = e;
		if (kco_unwinder_new(e->s, &worker->uw, NULL))
			break;
		if (pthread_create(&worker->thread, NULL, each_work, worker)) {
			kco_unwinder_free(worker->uw);
			break;
		}
	}
	st = each_deliver(e, uw, fn, arg, err);
	pthread_mutex_lock(&e->lock);
	e->over = true;
	pthread_cond_broadcast(&e->is_free);
	pthread_mutex_unlock(&e->lock);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		kco_unwinder_free(workers[i].uw);
	}
	return st;
}

enum kco_status kco_unwind_each(struct kco_session *s, const struct kco_task *const *tasks, size_t n,
				bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace),
				void *arg, struct kco_err *err)
{
	struct each e = { .s = s, .tasks = tasks, .n = n };
	unsigned jobs = each_jobs(s, n);
	struct kco_unwinder *uw;
	enum kco_status st = kco_unwinder_new(s, &uw, err);

	if (st)
		return st;
	e.nr_slots = (size_t)jobs * EACH_SLOTS_A_JOB;
	if (jobs > 1)
		e.slots = calloc(e.nr_slots, sizeof(*e.slots));
	if (!e.slots) {
		st = each_inline(&e, uw, fn, arg, err);
	} else {
		pthread_mutex_init(&e.lock, NULL);
		pthread_cond_init(&e.is_done, NULL);
		pthread_cond_init(&e.is_free, NULL);
		st = each_threads(&e, jobs, uw, fn, arg, err);
		pthread_cond_destroy(&e.is_free);
		pthread_cond_destroy(&e.is_done);
		pthread_mutex_destroy(&e.lock);
		free(e.slots);
	}
	kco_unwinder_free(uw);
	return st;
}
