// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects of slab caches, and which of them are free.
 *
 *   slab.freelist            the first free object; of struct page before v5.17
 *   kmem_cache_cpu.freelist  the same of a slab that a CPU allocates from
 *   object + cache.offset    the next one; with CONFIG_SLAB_FREELIST_HARDENED xored with
 *                            cache.random and where it lies, since Linux 1ad53d9fa3f6
 *                            (v5.7) with its bytes swapped. What leads to an object of
 *                            the same slab is right.
 *   cache.red_left_pad       in front of the first object, where caches are debugged
 *
 * Lists are a dump's: each is followed for as many steps as its slab has objects.
 */
#include "linux_slub.h"

#include <stdlib.h>
#include <string.h>

#include "linux_page.h"

#define SLUB_SIZE_MAX (1u << 25) /* bytes of an object; no larger ones can be had */
#define SLUB_ORDER 10
#define SLUB_OBJECTS 32768 /* of a slab: slab.objects has 15 bits */
#define SLUB_HEADS_MAX (1u << 22)

struct slub {
	struct linux_slub_walk *walk;
	struct kco_session *s;
	struct kco_field size, object_size, offset, random, pad, cpu_slab; /* kmem_cache; random, pad: size 0 none */
	struct kco_field cpu_freelist, freelist;			   /* kmem_cache_cpu; struct slab or page */
	uint64_t *heads;						   /* CPUs' free objects, sorted */
	size_t nr_heads, cap_heads;
	struct kco_frameset slabs; /* page frames of slabs to look at */
	/* Of the slab that is looked at: */
	uint64_t base, end;
	uint64_t cache, stride, bytes, next, mix, first; /* as its cache has them; stride 0: it cannot be read */
	uint64_t free[SLUB_OBJECTS / 64];
};

static enum kco_status slub_layout(struct slub *w, struct kco_err *err)
{
	struct kco_session *s = w->s;
	enum kco_status st = os_field(s, "kmem_cache", &w->object_size, err, "object_size", NULL);

	if (!st)
		st = os_field(s, "kmem_cache", &w->size, err, "size", NULL);
	if (!st)
		st = os_field(s, "kmem_cache", &w->offset, err, "offset", NULL);
	if (!st)
		st = os_field(s, "kmem_cache", &w->cpu_slab, err, "cpu_slab", NULL);
	if (!st)
		st = os_field(s, "kmem_cache_cpu", &w->cpu_freelist, err, "freelist", NULL);
	if (!st && os_field(s, "slab", &w->freelist, NULL, "freelist", NULL))
		st = os_field(s, "page", &w->freelist, err, "freelist", NULL);
	if (os_field(s, "kmem_cache", &w->random, NULL, "random", NULL))
		w->random.size = 0;
	if (os_field(s, "kmem_cache", &w->pad, NULL, "red_left_pad", NULL))
		w->pad.size = 0;
	return st;
}

static enum kco_status slub_head_add(struct slub *w, uint64_t head, struct kco_err *err)
{
	if (w->nr_heads == w->cap_heads) {
		size_t cap = w->cap_heads ? w->cap_heads * 2 : 256;
		uint64_t *grown = cap > SLUB_HEADS_MAX ? NULL : reallocarray(w->heads, cap, sizeof(*grown));

		if (!grown)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		w->heads = grown;
		w->cap_heads = cap;
	}
	w->heads[w->nr_heads++] = head;
	return KCO_OK;
}

/* The free objects that each CPU keeps of a cache. */
static enum kco_status slub_cpus(struct slub *w, uint64_t cache, struct kco_err *err)
{
	uint64_t percpu, at, head;
	unsigned cpus;
	enum kco_status st = KCO_OK;

	if (kco_kread_field(w->s, cache, &w->cpu_slab, &percpu, NULL) || linux_cpu_count(w->s, &cpus, NULL))
		return KCO_OK;
	for (unsigned cpu = 0; !st && cpu < cpus; cpu++)
		if (!linux_percpu(w->s, percpu, cpu, &at, NULL) &&
		    !kco_kread_field(w->s, at, &w->cpu_freelist, &head, NULL) && head)
			st = slub_head_add(w, head, err);
	return st;
}

static int slub_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static enum kco_status slub_heads(struct slub *w, struct kco_err *err)
{
	const struct kco_addrset *caches = w->walk->caches;
	enum kco_status st = KCO_OK;

	for (size_t i = 0; !st && i < caches->cap; i++)
		if (caches->slots[i])
			st = slub_cpus(w, caches->slots[i], err);
	if (w->nr_heads)
		qsort(w->heads, w->nr_heads, sizeof(*w->heads), slub_compare);
	return st;
}

static struct linux_verdict slub_judge(const void *arg, struct kco_mem *mem, uint64_t pfn,
				       const struct linux_mempage *p)
{
	const struct linux_slub_walk *walk = arg;
	struct linux_mempage head;
	uint64_t first;

	return (struct linux_verdict){ 0,
				       linux_memmap_head(walk->map, mem, pfn, p, &first, &head) &&
					       kco_addrset_has(walk->caches, head.slab_cache),
				       1 };
}

static struct linux_verdict slub_unknown(const void *arg, enum kco_status why)
{
	(void)arg;
	(void)why;
	return (struct linux_verdict){ .n = 1 };
}

/* The numbers of a slab's cache. */
static bool slub_cache(struct slub *w, uint64_t cache)
{
	struct kco_session *s = w->s;

	if (cache == w->cache)
		return w->stride != 0;
	w->cache = cache;
	w->mix = w->first = w->stride = 0;
	if (kco_kread_field(s, cache, &w->object_size, &w->bytes, NULL) ||
	    kco_kread_field(s, cache, &w->offset, &w->next, NULL) ||
	    (w->random.size && kco_kread_field(s, cache, &w->random, &w->mix, NULL)) ||
	    (w->pad.size && kco_kread_field(s, cache, &w->pad, &w->first, NULL)) ||
	    kco_kread_field(s, cache, &w->size, &w->stride, NULL) || w->stride < 8 || w->stride > SLUB_SIZE_MAX ||
	    w->bytes > w->stride || w->next > w->stride - 8 || w->first > w->stride)
		w->stride = 0;
	return w->stride != 0;
}

/* Which object of the slab is at @va; UINT64_MAX: none is. */
static uint64_t slub_index(const struct slub *w, uint64_t va)
{
	uint64_t first = w->base + w->first;

	if (va < first || va >= w->end || (va - first) % w->stride)
		return UINT64_MAX;
	return (va - first) / w->stride < SLUB_OBJECTS ? (va - first) / w->stride : UINT64_MAX;
}

/* The object behind the free one at @va: 0 at the end. false: what is there makes no sense. */
static bool slub_next(const struct slub *w, uint64_t va, uint64_t *ret)
{
	uint64_t at = va + w->next, raw, ways[3];

	if (kco_kread_uint(w->s, at, 8, &raw, NULL))
		return false;
	ways[0] = raw ^ w->mix ^ __builtin_bswap64(at);
	ways[1] = raw ^ w->mix ^ at;
	ways[2] = raw;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		// Without a mix there is only the last way.
		if (i < 2 && !w->random.size)
			continue;
		*ret = ways[i];
		if (!*ret || slub_index(w, *ret) != UINT64_MAX)
			return true;
	}
	return false;
}

/* Mark the free objects from @head on. */
static void slub_list(struct slub *w, uint64_t head)
{
	while (head) {
		uint64_t i = slub_index(w, head);

		if (i == UINT64_MAX || w->free[i / 64] >> i % 64 & 1) {
			w->walk->torn++;
			return;
		}
		w->free[i / 64] |= UINT64_C(1) << i % 64;
		if (!slub_next(w, head, &head)) {
			w->walk->torn++;
			return;
		}
	}
}

static void slub_lists(struct slub *w, uint64_t pfn)
{
	const struct linux_memmap *map = w->walk->map;
	size_t lo = 0, hi = w->nr_heads;
	uint64_t head;

	memset(w->free, 0, sizeof(w->free));
	if (!kco_kread_field(w->s, map->vmemmap + pfn * map->size, &w->freelist, &head, NULL))
		slub_list(w, head);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->heads[mid] < w->base)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < w->nr_heads && w->heads[lo] < w->end; lo++)
		slub_list(w, w->heads[lo]);
}

/* The slab of the page @page, unless it was that of the one before. */
static enum kco_status slub_slab(struct slub *w, uint64_t page)
{
	const struct linux_memmap *map = w->walk->map;
	struct linux_mempage p, any;
	uint64_t pfn;
	enum kco_status st = KCO_OK;

	if (!linux_memmap_page(map, w->s->mem, page, &any) ||
	    !linux_memmap_head(map, w->s->mem, page, &any, &pfn, &p) ||
	    w->base == w->walk->direct + (pfn << LINUX_PAGE_SHIFT) || !slub_cache(w, p.slab_cache))
		return KCO_OK;
	w->base = w->walk->direct + (pfn << LINUX_PAGE_SHIFT);
	w->end = w->base + (LINUX_PAGE_SIZE << (p.order < SLUB_ORDER ? p.order : SLUB_ORDER));
	slub_lists(w, pfn);
	for (uint64_t i = 0; !st && i < SLUB_OBJECTS; i++) {
		struct linux_slub_object obj = { .cache = w->cache,
						 .va = w->base + w->first + i * w->stride,
						 .size = w->bytes,
						 .next = w->next,
						 .free = w->free[i / 64] >> i % 64 & 1 };

		if (obj.va + w->stride - w->first > w->end)
			break;
		st = w->walk->fn(w->walk->arg, &obj);
	}
	return st;
}

static enum kco_status slub_walk(struct slub *w, struct kco_err *err)
{
	uint64_t count = 0, first = 0, last;
	struct linux_memscan scan = { .map = w->walk->map,
				      .src = w->walk->src,
				      .judge = slub_judge,
				      .unknown = slub_unknown,
				      .arg = w->walk,
				      .drop = &w->slabs,
				      .counts = &count,
				      .nr_counts = 1 };
	enum kco_status st = linux_memscan(&scan, err);

	while (!st && kco_frameset_run(&w->slabs, first, true, &first, &last)) {
		for (; !st && first <= last; first++)
			st = kco_session_cancelled(w->s) ? kco_fail(err, KCO_E_CANCELLED, "interrupted")
							 : slub_slab(w, first);
	}
	return st;
}

enum kco_status linux_slub_each(struct linux_slub_walk *walk, struct kco_err *err)
{
	struct slub *w = calloc(1, sizeof(*w));
	enum kco_status st;

	walk->torn = 0;
	if (!w)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	w->walk = walk;
	w->s = walk->map->s;
	st = slub_layout(w, err);
	if (!st)
		st = slub_heads(w, err);
	if (!st && walk->caches->n)
		st = slub_walk(w, err);
	free(w->heads);
	kco_frameset_fini(&w->slabs);
	free(w);
	return st;
}
