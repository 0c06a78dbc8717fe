// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many pieces of work on every core, delivered in order: a ring of slots, one
 * lock, and threads that take what comes next.
 */
#include "ordered.h"

#include <pthread.h>
#include <stdlib.h>

struct ordered {
	struct kco_session *s;
	const struct kco_ordered *o;
	pthread_mutex_t lock;
	pthread_cond_t is_done; /* the piece that is delivered next was finished */
	pthread_cond_t is_free; /* half of the slots are free, or it is over */
	size_t next;		/* pieces taken */
	size_t delivered;	/* pieces delivered */
	bool ended;		/* there are no more to take */
	bool over;
	bool *done; /* of each slot */
};

struct ordered_worker {
	struct ordered *run;
	void *worker;
	pthread_t thread;
};

static void *ordered_slot(const struct ordered *run, size_t n)
{
	return (char *)run->o->slots + n % run->o->nr_slots * run->o->slot_size;
}

/* Take the next piece. False: none now (without @wait), or none ever. */
static bool ordered_take(struct ordered *run, bool wait, size_t *ret)
{
	bool taken = false;

	pthread_mutex_lock(&run->lock);
	while (wait && !run->over && !run->ended && run->next - run->delivered >= run->o->nr_slots)
		pthread_cond_wait(&run->is_free, &run->lock);
	if (!run->over && !run->ended && run->next - run->delivered < run->o->nr_slots) {
		taken = run->o->ops->take(run->o->arg, ordered_slot(run, run->next));
		if (taken)
			*ret = run->next++;
		else
			run->ended = true;
	}
	pthread_mutex_unlock(&run->lock);
	return taken;
}

static void ordered_do(struct ordered *run, void *worker, size_t n)
{
	run->o->ops->work(run->o->arg, worker, ordered_slot(run, n));
	pthread_mutex_lock(&run->lock);
	run->done[n % run->o->nr_slots] = true;
	if (n == run->delivered)
		pthread_cond_signal(&run->is_done);
	pthread_mutex_unlock(&run->lock);
}

static void *ordered_work(void *arg)
{
	struct ordered_worker *w = arg;
	size_t n;

	while (!kco_session_cancelled(w->run->s) && ordered_take(w->run, true, &n))
		ordered_do(w->run, w->worker, n);
	return NULL;
}

/* Wait until the next piece to deliver is done, working meanwhile. False: there is none. */
static bool ordered_await(struct ordered *run, void *worker)
{
	size_t n;

	for (;;) {
		bool done, any;

		pthread_mutex_lock(&run->lock);
		done = run->done[run->delivered % run->o->nr_slots];
		pthread_mutex_unlock(&run->lock);
		if (done)
			return true;
		if (!kco_session_cancelled(run->s) && ordered_take(run, false, &n)) {
			ordered_do(run, worker, n);
			continue;
		}
		pthread_mutex_lock(&run->lock);
		// Asked only now: others may have taken all there was room for since, which is no end.
		any = run->delivered < run->next;
		while (any && !run->done[run->delivered % run->o->nr_slots])
			pthread_cond_wait(&run->is_done, &run->lock);
		pthread_mutex_unlock(&run->lock);
		if (!any)
			return false;
	}
}

/* On the calling thread: deliver in order, and work while the next one is missing. */
static enum kco_status ordered_deliver(struct ordered *run, void *worker, struct kco_err *err)
{
	while (ordered_await(run, worker)) {
		if (kco_session_cancelled(run->s))
			return kco_fail(err, KCO_E_CANCELLED, "cancelled");
		if (!run->o->ops->deliver(run->o->arg, ordered_slot(run, run->delivered)))
			return KCO_OK;
		pthread_mutex_lock(&run->lock);
		run->done[run->delivered % run->o->nr_slots] = false;
		run->delivered++;
		// A thread woken for every slot would do one piece and wait again: that may cost more than the piece.
		if (run->next - run->delivered <= run->o->nr_slots / 2)
			pthread_cond_broadcast(&run->is_free);
		pthread_mutex_unlock(&run->lock);
	}
	return kco_session_cancelled(run->s) ? kco_fail(err, KCO_E_CANCELLED, "cancelled") : KCO_OK;
}

/* Start up to @n threads; the number of those that run. */
static unsigned ordered_start(struct ordered *run, struct ordered_worker *workers, unsigned n)
{
	const struct kco_ordered_ops *ops = run->o->ops;
	unsigned i;

	for (i = 0; i < n; i++) {
		workers[i].run = run;
		workers[i].worker = ops->worker_new(run->o->arg, NULL);
		if (!workers[i].worker)
			break;
		if (pthread_create(&workers[i].thread, NULL, ordered_work, &workers[i])) {
			ops->worker_free(workers[i].worker);
			break;
		}
	}
	return i;
}

enum kco_status kco_ordered_run(struct kco_session *s, const struct kco_ordered *o, struct kco_err *err)
{
	struct ordered_worker workers[KCO_ORDERED_JOBS_MAX];
	struct ordered run = { .s = s, .o = o };
	unsigned jobs = o->jobs < KCO_ORDERED_JOBS_MAX ? o->jobs : KCO_ORDERED_JOBS_MAX, started;
	enum kco_status st;
	void *own = o->ops->worker_new(o->arg, err);

	if (!own)
		return err && err->code ? err->code : KCO_E_NOMEM;
	run.done = calloc(o->nr_slots, sizeof(*run.done));
	if (!run.done) {
		o->ops->worker_free(own);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.is_done, NULL);
	pthread_cond_init(&run.is_free, NULL);
	started = ordered_start(&run, workers, jobs ? jobs - 1 : 0);
	st = ordered_deliver(&run, own, err);
	pthread_mutex_lock(&run.lock);
	run.over = true;
	pthread_cond_broadcast(&run.is_free);
	pthread_mutex_unlock(&run.lock);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		o->ops->worker_free(workers[i].worker);
	}
	o->ops->worker_free(own);
	pthread_cond_destroy(&run.is_free);
	pthread_cond_destroy(&run.is_done);
	pthread_mutex_destroy(&run.lock);
	free(run.done);
	return st;
}
