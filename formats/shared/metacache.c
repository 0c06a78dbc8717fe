// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small shared cache of a file's index blocks. See metacache.h.
 */
#include "metacache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define METACACHE_SLOTS 128
#define METACACHE_BLOCK 4096

struct metacache_slot {
	pthread_mutex_t lock;
	uint64_t block; /* file offset / METACACHE_BLOCK */
	uint32_t id;
	uint32_t valid; /* bytes of data; 0: the slot is empty */
	uint8_t *data;	/* METACACHE_BLOCK, made when first needed */
};

struct kco_metacache {
	struct metacache_slot slots[METACACHE_SLOTS];
};

struct kco_metacache *kco_metacache_new(void)
{
	struct kco_metacache *cache = calloc(1, sizeof(*cache));

	for (size_t i = 0; cache && i < METACACHE_SLOTS; i++)
		pthread_mutex_init(&cache->slots[i].lock, NULL);
	return cache;
}

void kco_metacache_free(struct kco_metacache *cache)
{
	for (size_t i = 0; cache && i < METACACHE_SLOTS; i++) {
		pthread_mutex_destroy(&cache->slots[i].lock);
		free(cache->slots[i].data);
	}
	free(cache);
}

/* With the slot's lock held: make it hold block @block as far as the file goes. */
static enum kco_status metacache_fill(struct metacache_slot *slot, struct kco_io *io, uint32_t id, uint64_t block,
				      struct kco_err *err)
{
	enum kco_status status;
	size_t done = 0;

	slot->valid = 0;
	if (!slot->data)
		slot->data = malloc(METACACHE_BLOCK);
	if (!slot->data)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	status = kco_io_read(io, slot->data, METACACHE_BLOCK, block * METACACHE_BLOCK, &done, err);
	// The end of the file may lie inside of a block that is wanted only in part.
	if (done == 0)
		return status;
	slot->block = block;
	slot->id = id;
	slot->valid = (uint32_t)done;
	return KCO_OK;
}

enum kco_status kco_metacache_read(struct kco_metacache *cache, struct kco_io *io, uint32_t id, uint64_t off, void *buf,
				   size_t n, struct kco_err *err)
{
	while (n) {
		uint64_t block = off / METACACHE_BLOCK;
		size_t at = off % METACACHE_BLOCK;
		size_t take = n < METACACHE_BLOCK - at ? n : METACACHE_BLOCK - at;
		struct metacache_slot *slot = &cache->slots[(block + id * 37u) % METACACHE_SLOTS];
		enum kco_status status = KCO_OK;
		int direct = 0;

		pthread_mutex_lock(&slot->lock);
		if (!slot->valid || slot->block != block || slot->id != id)
			status = metacache_fill(slot, io, id, block, err);
		if (status == KCO_OK && at + take <= slot->valid)
			memcpy(buf, slot->data + at, take);
		else
			direct = 1;
		pthread_mutex_unlock(&slot->lock);
		// The plain read makes the error that fits these very bytes (or gets them after all).
		if (direct)
			return kco_io_read(io, buf, n, off, NULL, err);
		buf = (uint8_t *)buf + take;
		off += take;
		n -= take;
	}
	return KCO_OK;
}
