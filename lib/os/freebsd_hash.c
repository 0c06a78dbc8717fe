// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pid hash: pidhashtbl is an array of pidhash + 1 (a power of two) list
 * heads, each a chain of struct proc by p_hash (sys/kern/kern_proc.c).
 *
 * It names every process that allproc does, so that a torn list is noticed and
 * made up for. Until FreeBSD 13 zombies leave it for the list zombproc; since
 * then they stay in it and are on no other list.
 */
#include "freebsd.h"

#include <inttypes.h>

#include "addrset.h"

#define HASH_BUCKETS_MAX (UINT64_C(1) << 20)

struct hash_walk {
	struct kco_session *s;
	const struct kco_field *next, *prev; /* of the chain */
	bool has_prev;
	freebsd_proc_fn *fn;
	void *arg;
	struct kco_addrset seen;
	struct kco_err *torn;
};

static void hash_torn(struct hash_walk *w, enum kco_status st, uint64_t bucket, const char *why)
{
	if (!w->torn->code)
		kco_fail(w->torn, st, "chain %" PRIu64 " of the pid hash: %s", bucket, why);
}

/* The chain whose head is at @head. An error ends the whole walk. */
static enum kco_status hash_chain(struct hash_walk *w, uint64_t bucket, uint64_t head)
{
	unsigned ptr = w->s->arch->ptr_size;
	struct kco_err err = KCO_ERR_INIT;
	uint64_t proc, slot = head, back;
	enum kco_status st = kco_kread_uint(w->s, head, ptr, &proc, &err);

	while (!st && proc) {
		st = kco_addrset_add(&w->seen, proc);
		if (st == KCO_DONE) {
			hash_torn(w, KCO_E_CORRUPT, bucket, "it comes back to a process that it named before");
			return KCO_OK;
		}
		if (st)
			return st;
		if (w->has_prev) {
			st = kco_kread_field(w->s, proc, w->prev, &back, &err);
			if (!st && back != slot) {
				hash_torn(w, KCO_E_CORRUPT, bucket, "a link does not lead back to where it came from");
				return KCO_OK;
			}
		}
		if (!st) {
			st = w->fn(w->arg, proc);
			if (st < 0)
				return st;
			slot = proc + w->next->offset;
			st = kco_kread_field(w->s, proc, w->next, &proc, &err);
		}
	}
	if (st)
		hash_torn(w, st, bucket, err.msg);
	return KCO_OK;
}

enum kco_status freebsd_hash_each(struct kco_session *s, const struct freebsd_layout *layout, freebsd_proc_fn *fn,
				  void *arg, struct kco_err *torn, struct kco_err *err)
{
	struct hash_walk w = {
		.s = s,
		.next = &layout->f[FB_P_HASH_NEXT],
		.prev = &layout->f[FB_P_HASH_PREV],
		.has_prev = layout->has[FB_P_HASH_PREV],
		.fn = fn,
		.arg = arg,
		.torn = torn,
	};
	uint64_t table, mask;
	enum kco_status st;

	if (!layout->has[FB_P_HASH_NEXT])
		return kco_fail(err, KCO_E_NOTYPE, "proc.p_hash is not known");
	st = os_variable(s, "pidhashtbl", 0, &table, err);
	if (!st)
		st = os_variable(s, "pidhash", 0, &mask, err);
	if (st)
		return st;
	if (mask >= HASH_BUCKETS_MAX || mask & (mask + 1))
		return kco_fail(err, KCO_E_CORRUPT, "a pid hash with the mask %#" PRIx64 " makes no sense", mask);
	for (uint64_t i = 0; i <= mask && !st; i++)
		st = hash_chain(&w, i, table + i * s->arch->ptr_size);
	kco_addrset_fini(&w.seen);
	return st ? kco_fail(err, st, "the pid hash: %s", kco_status_name(st)) : KCO_OK;
}
