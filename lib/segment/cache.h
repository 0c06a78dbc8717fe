// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page cache that all readers of an image share. Private to lib/segment.
 *
 * A page is pinned while somebody holds it and cannot be evicted then; its
 * bytes never change once it is published, so they are read without a lock.
 *
 *   reserve -> (fill data, no lock held) -> publish | discard
 *   get / publish -> pinned page -> put
 */
#ifndef KCO_SEGMENT_CACHE_H
#define KCO_SEGMENT_CACHE_H

#include <stdatomic.h>
#include <stdint.h>

#include <kco/image.h>

/** A key that no page has. Keys are page numbers with room for the kind: see kco_page_key(). */
#define KCO_PAGE_KEY_NONE UINT64_MAX

struct kco_cache_page {
	void *data;	  /* unit bytes */
	uint64_t key;	  /* KCO_PAGE_KEY_NONE while it is not in the table */
	uint32_t next;	  /* in its bucket or the free list: index + 1, 0 ends */
	atomic_uint pins; /* raised under the shard's lock, lowered without */
	bool used;	  /* since the clock hand passed */
};

static inline uint64_t kco_page_key(enum kco_addr_kind kind, uint64_t page_number)
{
	return page_number << 1 | kind;
}

/** @unit is the bytes of a page, a power of two >= 4096; @bytes the budget, 0 means the default. */
enum kco_status kco_page_cache_new(uint32_t unit, uint64_t bytes, struct kco_page_cache **ret,
				   struct kco_err *err) KCO_MUST_USE;
void kco_page_cache_free(struct kco_page_cache *cache);
uint32_t kco_page_cache_unit(const struct kco_page_cache *cache);

/** The page with this key, pinned; NULL when it is not cached. @hits more hits are counted (of an L1). */
struct kco_cache_page *kco_page_cache_get(struct kco_page_cache *cache, uint64_t key, uint64_t hits);
/** A page to fill for @key, pinned; NULL when every page that could serve is pinned. */
struct kco_cache_page *kco_page_cache_reserve(struct kco_page_cache *cache, uint64_t key);
/**
 * Put a reserved and filled page into the table. Returns the page to use,
 * pinned: another one when another thread was faster.
 */
struct kco_cache_page *kco_page_cache_publish(struct kco_page_cache *cache, uint64_t key, struct kco_cache_page *page);
/** Give a reserved page back unfilled. */
void kco_page_cache_discard(struct kco_page_cache *cache, uint64_t key, struct kco_cache_page *page);
/** Unpin. */
static inline void kco_page_cache_put(struct kco_cache_page *page)
{
	atomic_fetch_sub_explicit(&page->pins, 1, memory_order_release);
}

/** Count hits that never reached the cache. */
void kco_page_cache_count_hits(struct kco_page_cache *cache, uint64_t hits);
void kco_page_cache_stats(struct kco_page_cache *cache, struct kco_cache_stats *stats);

#endif
