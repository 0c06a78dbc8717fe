// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sharded page cache: up to 64 shards, each with a lock, a chained hash
 * table and a clock.
 *
 * A shard owns a fixed part of one mapping of the whole budget, which costs
 * memory only where pages were filled: a short question leaves a small
 * process. Huge pages are declined for the mapping, they would make 2 MiB
 * resident for each page touched. Eviction is CLOCK (second chance), and passes
 * by what is pinned.
 */
#include "cache.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CACHE_BYTES_DEFAULT ((uint64_t)32 << 20)
#define CACHE_SHARDS_MAX 64
#define CACHE_POPULATE 8	/* pages whose memory is made at once */
#define CACHE_SHARD_PAGES_MIN 8 /* fewer shards rather than smaller ones */

struct cache_shard {
	alignas(64) pthread_mutex_t lock;
	struct kco_cache_page *pages; /* capacity of them */
	uint32_t *buckets;	      /* index + 1 of the first page, 0 none */
	uint32_t used;		      /* pages[used..] were never touched */
	uint32_t spare;		      /* list of discarded pages, index + 1 */
	uint32_t hand;
	uint64_t hits, misses;
};

struct kco_page_cache {
	struct cache_shard *shards;
	uint32_t nr_shards;	/* a power of two */
	uint32_t shard_pages;	/* capacity of one */
	uint32_t shard_buckets; /* a power of two */
	uint32_t unit;
	struct kco_cache_page *pages; /* of all shards */
	uint32_t *buckets;
	void *data;
	size_t data_size;
	atomic_uint_fast64_t extra_hits;
};

/* The finaliser of MurmurHash3 (Austin Appleby, public domain): page numbers come in runs and strides. */
static uint64_t cache_hash(uint64_t key)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdULL;
	key ^= key >> 33;
	key *= 0xc4ceb9fe1a85ec53ULL;
	return key ^ key >> 33;
}

static struct cache_shard *cache_shard(struct kco_page_cache *cache, uint64_t hash)
{
	return &cache->shards[hash >> 58 & (cache->nr_shards - 1)];
}

static uint32_t *cache_bucket(const struct kco_page_cache *cache, struct cache_shard *shard, uint64_t hash)
{
	return &shard->buckets[hash & (cache->shard_buckets - 1)];
}

static enum kco_status cache_map(struct kco_page_cache *cache, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return KCO_E_NOMEM;
#ifdef MADV_NOHUGEPAGE
	(void)madvise(p, size, MADV_NOHUGEPAGE);
#endif
	cache->data = p;
	cache->data_size = size;
	return KCO_OK;
}

/* Choose the shape for a budget of @bytes. Never less than one shard of the minimum. */
static enum kco_status cache_shape(struct kco_page_cache *cache, uint64_t bytes)
{
	uint64_t pages = (bytes ? bytes : CACHE_BYTES_DEFAULT) / cache->unit;

	if (pages < CACHE_SHARD_PAGES_MIN)
		pages = CACHE_SHARD_PAGES_MIN;
	cache->nr_shards = CACHE_SHARDS_MAX;
	while (cache->nr_shards > 1 && pages / cache->nr_shards < CACHE_SHARD_PAGES_MIN)
		cache->nr_shards /= 2;
	pages /= cache->nr_shards;
	if (pages > UINT32_MAX / 4)
		return KCO_E_NOMEM;
	cache->shard_pages = (uint32_t)pages;
	for (cache->shard_buckets = 1; cache->shard_buckets < pages;)
		cache->shard_buckets *= 2;
	return KCO_OK;
}

static enum kco_status cache_allocate(struct kco_page_cache *cache)
{
	size_t pages, size;

	if (__builtin_mul_overflow((size_t)cache->shard_pages, cache->nr_shards, &pages) ||
	    __builtin_mul_overflow(pages, cache->unit, &size))
		return KCO_E_NOMEM;
	cache->pages = calloc(pages, sizeof(*cache->pages));
	cache->buckets = calloc((size_t)cache->shard_buckets * cache->nr_shards, sizeof(*cache->buckets));
	cache->shards = aligned_alloc(alignof(struct cache_shard), sizeof(*cache->shards) * cache->nr_shards);
	if (!cache->pages || !cache->buckets || !cache->shards)
		return KCO_E_NOMEM;
	return cache_map(cache, size);
}

enum kco_status kco_page_cache_new(uint32_t unit, uint64_t bytes, struct kco_page_cache **ret, struct kco_err *err)
{
	struct kco_page_cache *cache = calloc(1, sizeof(*cache));
	uint32_t i;

	if (!cache)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	cache->unit = unit;
	if (cache_shape(cache, bytes) != KCO_OK || cache_allocate(cache) != KCO_OK) {
		cache->nr_shards = 0; // no lock was made yet
		kco_page_cache_free(cache);
		return kco_fail(err, KCO_E_NOMEM, "out of memory for a page cache of %llu bytes",
				(unsigned long long)(bytes ? bytes : CACHE_BYTES_DEFAULT));
	}
	for (i = 0; i < cache->nr_shards; i++) {
		struct cache_shard *shard = &cache->shards[i];

		*shard = (struct cache_shard){
			.pages = cache->pages + (size_t)i * cache->shard_pages,
			.buckets = cache->buckets + (size_t)i * cache->shard_buckets,
		};
		pthread_mutex_init(&shard->lock, NULL);
	}
	*ret = cache;
	return KCO_OK;
}

void kco_page_cache_free(struct kco_page_cache *cache)
{
	uint32_t i;

	if (!cache)
		return;
	for (i = 0; i < cache->nr_shards; i++)
		pthread_mutex_destroy(&cache->shards[i].lock);
	if (cache->data)
		munmap(cache->data, cache->data_size);
	free(cache->shards);
	free(cache->buckets);
	free(cache->pages);
	free(cache);
}

uint32_t kco_page_cache_unit(const struct kco_page_cache *cache)
{
	return cache->unit;
}

static struct kco_cache_page *cache_lookup(const struct kco_page_cache *cache, struct cache_shard *shard, uint64_t key,
					   uint64_t hash)
{
	uint32_t i = *cache_bucket(cache, shard, hash);

	while (i && shard->pages[i - 1].key != key)
		i = shard->pages[i - 1].next;
	return i ? &shard->pages[i - 1] : NULL;
}

struct kco_cache_page *kco_page_cache_get(struct kco_page_cache *cache, uint64_t key, uint64_t hits)
{
	uint64_t hash = cache_hash(key);
	struct cache_shard *shard = cache_shard(cache, hash);
	struct kco_cache_page *page;

	pthread_mutex_lock(&shard->lock);
	page = cache_lookup(cache, shard, key, hash);
	shard->hits += hits;
	if (page) {
		atomic_fetch_add_explicit(&page->pins, 1, memory_order_relaxed);
		page->used = true;
		shard->hits++;
	} else {
		shard->misses++;
	}
	pthread_mutex_unlock(&shard->lock);
	return page;
}

static void cache_unlink(const struct kco_page_cache *cache, struct cache_shard *shard, struct kco_cache_page *page)
{
	uint32_t index = (uint32_t)(page - shard->pages) + 1;
	uint32_t *link = cache_bucket(cache, shard, cache_hash(page->key));

	while (*link != index)
		link = &shard->pages[*link - 1].next;
	*link = page->next;
	page->key = KCO_PAGE_KEY_NONE;
}

/* Two rounds: the first takes the second chances away, the second finds a victim unless all is pinned. */
static struct kco_cache_page *cache_evict(const struct kco_page_cache *cache, struct cache_shard *shard)
{
	uint64_t steps = 2 * (uint64_t)cache->shard_pages;

	while (steps--) {
		struct kco_cache_page *page = &shard->pages[shard->hand];

		if (++shard->hand == cache->shard_pages)
			shard->hand = 0;
		// Acquire: whoever unpinned it has finished reading before it is filled anew.
		if (page->key == KCO_PAGE_KEY_NONE || atomic_load_explicit(&page->pins, memory_order_acquire))
			continue;
		if (page->used) {
			page->used = false;
			continue;
		}
		cache_unlink(cache, shard, page);
		return page;
	}
	return NULL;
}

/*
 * The memory of a shard's page @index is about to be filled for the first time:
 * have the kernel make some of its neighbours' as well, one call instead of a
 * fault for each. Not at the shard's beginning, so that a short question stays small.
 */
static void cache_populate(struct kco_page_cache *cache, const struct kco_cache_page *page, uint32_t index)
{
#ifdef MADV_POPULATE_WRITE
	uint32_t n = cache->shard_pages - index;

	if (index < CACHE_POPULATE || index % CACHE_POPULATE)
		return;
	if (n > CACHE_POPULATE)
		n = CACHE_POPULATE;
	// Kernels before 5.14 refuse, which is as well.
	(void)madvise((char *)cache->data + (size_t)(page - cache->pages) * cache->unit, (size_t)n * cache->unit,
		      MADV_POPULATE_WRITE);
#else
	(void)cache;
	(void)page;
	(void)index;
#endif
}

struct kco_cache_page *kco_page_cache_reserve(struct kco_page_cache *cache, uint64_t key)
{
	struct cache_shard *shard = cache_shard(cache, cache_hash(key));
	struct kco_cache_page *page = NULL;

	pthread_mutex_lock(&shard->lock);
	if (shard->spare) {
		page = &shard->pages[shard->spare - 1];
		shard->spare = page->next;
	} else if (shard->used < cache->shard_pages) {
		page = &shard->pages[shard->used];
		cache_populate(cache, page, shard->used++);
		page->key = KCO_PAGE_KEY_NONE;
		page->data = (char *)cache->data + (size_t)(page - cache->pages) * cache->unit;
	} else {
		page = cache_evict(cache, shard);
	}
	if (page)
		atomic_store_explicit(&page->pins, 1, memory_order_relaxed);
	pthread_mutex_unlock(&shard->lock);
	return page;
}

static void cache_give_back(struct cache_shard *shard, struct kco_cache_page *page)
{
	atomic_store_explicit(&page->pins, 0, memory_order_relaxed);
	page->next = shard->spare;
	shard->spare = (uint32_t)(page - shard->pages) + 1;
}

struct kco_cache_page *kco_page_cache_publish(struct kco_page_cache *cache, uint64_t key, struct kco_cache_page *page)
{
	uint64_t hash = cache_hash(key);
	struct cache_shard *shard = cache_shard(cache, hash);
	struct kco_cache_page *there;

	pthread_mutex_lock(&shard->lock);
	there = cache_lookup(cache, shard, key, hash);
	if (there) {
		atomic_fetch_add_explicit(&there->pins, 1, memory_order_relaxed);
		cache_give_back(shard, page);
		page = there;
	} else {
		uint32_t *bucket = cache_bucket(cache, shard, hash);

		page->key = key;
		page->next = *bucket;
		*bucket = (uint32_t)(page - shard->pages) + 1;
	}
	page->used = true;
	pthread_mutex_unlock(&shard->lock);
	return page;
}

void kco_page_cache_discard(struct kco_page_cache *cache, uint64_t key, struct kco_cache_page *page)
{
	struct cache_shard *shard = cache_shard(cache, cache_hash(key));

	pthread_mutex_lock(&shard->lock);
	cache_give_back(shard, page);
	pthread_mutex_unlock(&shard->lock);
}

void kco_page_cache_count_hits(struct kco_page_cache *cache, uint64_t hits)
{
	atomic_fetch_add_explicit(&cache->extra_hits, hits, memory_order_relaxed);
}

void kco_page_cache_stats(struct kco_page_cache *cache, struct kco_cache_stats *stats)
{
	uint32_t i;

	*stats = (struct kco_cache_stats){
		.hits = atomic_load_explicit(&cache->extra_hits, memory_order_relaxed),
	};
	for (i = 0; i < cache->nr_shards; i++) {
		struct cache_shard *shard = &cache->shards[i];

		pthread_mutex_lock(&shard->lock);
		stats->hits += shard->hits;
		stats->misses += shard->misses;
		stats->bytes += (uint64_t)shard->used * cache->unit;
		pthread_mutex_unlock(&shard->lock);
	}
}
