// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Circular lists (struct list_head: next, prev).
 *
 * A list in a dump may be torn: an entry that was being unlinked, a page that
 * is not in the dump, a pointer that was overwritten. Where the way forward
 * ends, the list is walked backward from its head until it meets what is known
 * already or ends there, too: what one hole hides is one entry, not the rest.
 */
#include "linux.h"

#include <inttypes.h>

#define LIST_MAX (8u << 20)

/* One direction from @head; @link 0 is next, 8 prev. KCO_OK: came back to the head. */
static enum kco_status list_walk(struct kco_session *s, uint64_t head, unsigned link, linux_list_fn *fn, void *arg,
				 struct kco_err *torn, bool *stop)
{
	uint64_t node;
	enum kco_status st = kco_kread_uint(s, head + link, 8, &node, torn);

	for (uint32_t steps = 0; !st && node != head; steps++) {
		if (steps >= LIST_MAX)
			return kco_fail(torn, KCO_E_CORRUPT, "it does not end");
		if (!node)
			return kco_fail(torn, KCO_E_CORRUPT, "it breaks off in a pointer that is 0");
		st = fn(arg, node);
		if (st == KCO_DONE)
			return kco_fail(torn, KCO_E_CORRUPT, "it runs in a circle at 0x%" PRIx64, node);
		if (st) {
			*stop = true;
			return st;
		}
		st = kco_kread_uint(s, node + link, 8, &node, torn);
	}
	return st;
}

enum kco_status linux_list_each(struct kco_session *s, uint64_t head, linux_list_fn *fn, void *arg,
				struct kco_err *torn)
{
	struct kco_err backward = KCO_ERR_INIT;
	bool stop = false;
	enum kco_status st;

	*torn = KCO_ERR_INIT;
	st = list_walk(s, head, 0, fn, arg, torn, &stop);
	if (!st || stop)
		return st;
	st = list_walk(s, head, 8, fn, arg, &backward, &stop);
	return stop ? st : KCO_OK;
}
