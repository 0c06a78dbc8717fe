// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread that syncs a file while it is being written.
 */
#include "syncer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct kco_syncer {
	int fd;
	pthread_t thread;
	bool tried, running, ended; /* the thread: to start it; it has not been waited for; to end it */
	int failed;		    /* errno of the first sync that failed, which is the last, too */
	uint64_t written, begun, synced;
	pthread_mutex_t lock;
	pthread_cond_t more; /* to sync, or it has ended */
	pthread_cond_t less; /* is not on the disk */
};

struct kco_syncer *kco_syncer_new(int fd)
{
	struct kco_syncer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = fd;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	pthread_cond_init(&s->less, NULL);
	return s;
}

static void *syncer_work(void *arg)
{
	struct kco_syncer *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		int failed;

		while (!s->ended && s->written - s->begun < KCO_SYNCER_STEP)
			pthread_cond_wait(&s->more, &s->lock);
		if (s->ended)
			break;
		s->begun = s->written;
		pthread_mutex_unlock(&s->lock);
		failed = fdatasync(s->fd) ? errno : 0;
		pthread_mutex_lock(&s->lock);
		s->failed = failed;
		s->synced = s->begun;
		pthread_cond_broadcast(&s->less);
		if (failed)
			break;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Start the thread; where there is none to be had, all is left for the end. */
static void syncer_start(struct kco_syncer *s)
{
	s->tried = true;
	s->running = !pthread_create(&s->thread, NULL, syncer_work, s);
}

void kco_syncer_wrote(struct kco_syncer *s, uint64_t n)
{
	pthread_mutex_lock(&s->lock);
	s->written += n;
	if (s->written - s->begun >= KCO_SYNCER_STEP) {
		if (!s->tried)
			syncer_start(s);
		pthread_cond_signal(&s->more);
	}
	while (s->running && !s->failed && s->written - s->synced > KCO_SYNCER_BEHIND)
		pthread_cond_wait(&s->less, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

enum kco_status kco_syncer_end(struct kco_syncer *s, struct kco_err *err)
{
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->ended = true;
		pthread_cond_signal(&s->more);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
		s->running = false;
	}
	return s->failed ? kco_fail_errno(err, s->failed, "writing it out") : KCO_OK;
}

void kco_syncer_free(struct kco_syncer *s)
{
	if (!s)
		return;
	(void)!kco_syncer_end(s, NULL);
	pthread_cond_destroy(&s->less);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
