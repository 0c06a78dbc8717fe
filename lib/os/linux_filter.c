// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages of a Linux dump are free, page cache, or memory of processes: by
 * their struct page, with the rules and in the order of makedumpfile's
 * __exclude_unnecessary_pages() (makedumpfile.c), so that the same level leaves
 * out the same pages.
 *
 * One rule differs: since Linux 46df8e73a4a3 (v6.10) a slab page is told by its
 * type, which makedumpfile before 1.7.6 does not know, so that it takes some for
 * memory of processes. Ours asks PAGE_SLAB_MAPCOUNT_VALUE.
 */
#include "linux_filter.h"

#include "linux_memmap.h"

struct filter {
	struct linux_memmap map;
	unsigned level;
};

/* An index of struct kco_filter_stats, which is nothing but counts. */
#define FILTER_COUNT(member) (offsetof(struct kco_filter_stats, member) / sizeof(uint64_t))
#define FILTER_KEPT FILTER_COUNT(kept)

static bool filter_is_cache(const struct linux_memmap *map, const struct linux_mempage *p)
{
	return linux_mempage_flag(p, map->lru) ||
	       ((map->swapbacked == LINUX_MEMMAP_NONE || linux_mempage_flag(p, map->swapbacked)) &&
		linux_mempage_flag(p, map->swapcache));
}

/* Which count the page belongs to. */
static unsigned filter_class(const struct filter *f, const struct linux_mempage *p)
{
	const struct linux_memmap *map = &f->map;
	bool anon = linux_mempage_anon(map, p), private = linux_mempage_flag(p, map->pg_private);

	if (f->level & KCO_FILTER_FREE && linux_mempage_type(p, map->buddy) && !linux_mempage_slab(map, p))
		return p->private < map->max_order ? FILTER_COUNT(free) : FILTER_KEPT;
	if (f->level & (KCO_FILTER_CACHE | KCO_FILTER_CACHE_ALL) && filter_is_cache(map, p) && !anon &&
	    (!private || f->level & KCO_FILTER_CACHE_ALL))
		return private ? FILTER_COUNT(cache_private) : FILTER_COUNT(cache);
	if (f->level & KCO_FILTER_USER && (anon || p->hugetlb))
		return FILTER_COUNT(user);
	if (linux_mempage_flag(p, map->hwpoison))
		return FILTER_COUNT(hwpoison);
	return linux_mempage_type(p, map->offline) ? FILTER_COUNT(offline) : FILTER_KEPT;
}

static struct linux_verdict filter_judge(const void *arg, struct kco_mem *mem, uint64_t pfn,
					 const struct linux_mempage *p)
{
	// Tails were left out with their head, or are kept with it.
	unsigned count = p->compound_head & 1 ? FILTER_KEPT : filter_class(arg, p);

	(void)mem;
	(void)pfn;
	if (count == FILTER_KEPT)
		return (struct linux_verdict){ .count = count, .n = 1 };
	return (struct linux_verdict){ count, true,
				       UINT64_C(1) << (count == FILTER_COUNT(free) ? p->private : p->order) };
}

/* Without its struct page nobody knows what it is: it stays. */
static struct linux_verdict filter_unknown(const void *arg, enum kco_status why)
{
	(void)arg;
	(void)why;
	return (struct linux_verdict){ .count = FILTER_COUNT(unknown), .n = 1 };
}

enum kco_status linux_filter(struct kco_session *s, const struct kco_write_source *src, unsigned level,
			     struct kco_frameset *drop, struct kco_filter_stats *stats, struct kco_err *err)
{
	struct filter f = { .level = level };
	struct linux_memscan scan = { .map = &f.map,
				      .src = src,
				      .judge = filter_judge,
				      .unknown = filter_unknown,
				      .arg = &f,
				      .drop = drop,
				      .counts = (uint64_t *)stats,
				      .nr_counts = sizeof(*stats) / sizeof(uint64_t) };
	enum kco_status st = linux_memmap_init(s, &f.map, err);

	if (st)
		return st;
	if (level & KCO_FILTER_FREE && f.map.buddy == LINUX_MEMMAP_NONE)
		return kco_fail(err, KCO_E_NOTYPE,
				"free pages cannot be told: VMCOREINFO has no NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
	if (level & (KCO_FILTER_CACHE | KCO_FILTER_CACHE_ALL) &&
	    (f.map.lru == LINUX_MEMMAP_NONE || f.map.pg_private == LINUX_MEMMAP_NONE))
		return kco_fail(err, KCO_E_NOTYPE, "page cache cannot be told: there is no PG_lru or PG_private");
	return linux_memscan(&scan, err);
}
