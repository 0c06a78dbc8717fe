// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of addresses: open addressing, at most half full.
 */
#include "addrset.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ADDRSET_FIRST 1024

/* The slot that holds @addr, or the empty one where it belongs. */
static uint64_t *addrset_slot(uint64_t *slots, size_t cap, uint64_t addr)
{
	size_t i = XXH3_64bits(&addr, sizeof(addr)) & (cap - 1);

	while (slots[i] && slots[i] != addr)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static enum kco_status addrset_grow(struct kco_addrset *set)
{
	size_t cap = set->cap ? set->cap * 2 : ADDRSET_FIRST;
	uint64_t *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return KCO_E_NOMEM;
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i])
			*addrset_slot(slots, cap, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->cap = cap;
	return KCO_OK;
}

enum kco_status kco_addrset_add(struct kco_addrset *set, uint64_t addr)
{
	uint64_t *slot;

	if (!addr)
		return KCO_DONE;
	if (set->n * 2 >= set->cap && addrset_grow(set))
		return KCO_E_NOMEM;
	slot = addrset_slot(set->slots, set->cap, addr);
	if (*slot)
		return KCO_DONE;
	*slot = addr;
	set->n++;
	return KCO_OK;
}

bool kco_addrset_has(const struct kco_addrset *set, uint64_t addr)
{
	return addr && set->cap && *addrset_slot(set->slots, set->cap, addr);
}

void kco_addrset_fini(struct kco_addrset *set)
{
	free(set->slots);
	memset(set, 0, sizeof(*set));
}
