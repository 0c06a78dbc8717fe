// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of addresses: what a walk over the dump's lists has seen already.
 */
#ifndef KCO_CORE_ADDRSET_H
#define KCO_CORE_ADDRSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_addrset {
	uint64_t *slots; /* open addressing, 0 empty */
	size_t cap, n;
};

/** Add @addr. KCO_OK: it is new; KCO_DONE: it was there; KCO_E_NOMEM. Address 0 is never new. */
enum kco_status kco_addrset_add(struct kco_addrset *set, uint64_t addr) KCO_MUST_USE;
/** Any thread, while nobody adds. */
bool kco_addrset_has(const struct kco_addrset *set, uint64_t addr);
/** A zeroed set is empty; this frees one and makes it empty again. */
void kco_addrset_fini(struct kco_addrset *set);

#endif
