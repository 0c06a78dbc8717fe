// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many pieces of work on every core, delivered in order.
 *
 *   take ----> taken by a worker -----> done -----> deliver ----> slot free again
 *        pieces, in order       ring of slots     calling thread, in order
 *
 * A piece is taken into slot number n modulo the ring's size, while that slot is
 * free. The calling thread works, too, while the result it needs next is not
 * done, so that `jobs` threads work and none only waits. What comes out does not
 * depend on how many there are.
 */
#ifndef KCO_CORE_ORDERED_H
#define KCO_CORE_ORDERED_H

#include <stdbool.h>
#include <stddef.h>

#include "session.h"

#define KCO_ORDERED_JOBS_MAX 64

struct kco_ordered_ops {
	/* Fill @slot with the next piece; false: there are no more. One thread at a time, in order. */
	bool (*take)(void *arg, void *slot);
	/* What a thread needs for itself. Called on the calling thread. NULL when it cannot be had. */
	void *(*worker_new)(void *arg, struct kco_err *err);
	void (*worker_free)(void *worker);
	/* Any thread. How it went belongs into @slot. */
	void (*work)(void *arg, void *worker, void *slot);
	/* The calling thread, in the order of take. False ends it all. */
	bool (*deliver)(void *arg, void *slot);
};

struct kco_ordered {
	const struct kco_ordered_ops *ops;
	void *arg;
	unsigned jobs; /* threads, this one included; fewer when the system refuses them */
	void *slots;   /* an array of nr_slots, the caller's; nr_slots >= jobs */
	size_t nr_slots, slot_size;
};

/**
 * Run it all. KCO_E_CANCELLED when the session is cancelled; what worker_new
 * gave for the first worker. How pieces went is the caller's to know.
 */
enum kco_status kco_ordered_run(struct kco_session *s, const struct kco_ordered *o, struct kco_err *err) KCO_MUST_USE;

#endif
