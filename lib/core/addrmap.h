// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map from addresses to what was made of them: memos of walks that come by
 * the same structure again and again.
 */
#ifndef KCO_CORE_ADDRMAP_H
#define KCO_CORE_ADDRMAP_H

#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_addrmap {
	struct kco_addrmap_slot *slots; /* open addressing */
	size_t cap, n;
};

/** What was put in for @addr, or NULL. */
void *kco_addrmap_get(const struct kco_addrmap *map, uint64_t addr);
/** Replaces what was there. @value must not be NULL; it stays the caller's. KCO_E_NOMEM. */
enum kco_status kco_addrmap_put(struct kco_addrmap *map, uint64_t addr, void *value) KCO_MUST_USE;
/** A zeroed map is empty; this frees one (not its values) and makes it empty again. */
void kco_addrmap_fini(struct kco_addrmap *map);

#endif
