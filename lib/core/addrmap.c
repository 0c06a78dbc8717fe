// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map from addresses: open addressing, at most half full. A slot without a
 * value is empty, so that any address, 0 as well, may be a key.
 */
#include "addrmap.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ADDRMAP_FIRST 128

struct kco_addrmap_slot {
	uint64_t addr;
	void *value;
};

/* The slot that holds @addr, or the empty one where it belongs. */
static struct kco_addrmap_slot *addrmap_slot(const struct kco_addrmap *map, uint64_t addr)
{
	size_t i = XXH3_64bits(&addr, sizeof(addr)) & (map->cap - 1);

	while (map->slots[i].value && map->slots[i].addr != addr)
		i = (i + 1) & (map->cap - 1);
	return &map->slots[i];
}

void *kco_addrmap_get(const struct kco_addrmap *map, uint64_t addr)
{
	return map->cap ? addrmap_slot(map, addr)->value : NULL;
}

static enum kco_status addrmap_grow(struct kco_addrmap *map)
{
	struct kco_addrmap grown = { .cap = map->cap ? map->cap * 2 : ADDRMAP_FIRST, .n = map->n };

	grown.slots = calloc(grown.cap, sizeof(*grown.slots));
	if (!grown.slots)
		return KCO_E_NOMEM;
	for (size_t i = 0; i < map->cap; i++)
		if (map->slots[i].value)
			*addrmap_slot(&grown, map->slots[i].addr) = map->slots[i];
	free(map->slots);
	*map = grown;
	return KCO_OK;
}

enum kco_status kco_addrmap_put(struct kco_addrmap *map, uint64_t addr, void *value)
{
	struct kco_addrmap_slot *slot;

	if (map->n * 2 >= map->cap && addrmap_grow(map))
		return KCO_E_NOMEM;
	slot = addrmap_slot(map, addr);
	map->n += !slot->value;
	*slot = (struct kco_addrmap_slot){ addr, value };
	return KCO_OK;
}

void kco_addrmap_fini(struct kco_addrmap *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}
