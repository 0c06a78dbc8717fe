// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux's array of struct page: what it says of each page frame, and a walk over
 * that of all memory. What follows from it is its users' affair:
 *
 *   linux_filter.c     which pages a dump can do without
 *   linux_redact.c     which pages may be shown to others
 *   linux_memmap.c     members and numbers, one struct page
 *   linux_memscan.c    the walk
 */
#ifndef KCO_OS_LINUX_MEMMAP_H
#define KCO_OS_LINUX_MEMMAP_H

#include <kco/mem.h>
#include <kco/write.h>

#include "frameset.h"
#include "session.h"

#define LINUX_MEMMAP_NONE INT64_MIN /* a number that this kernel does not have */
#define LINUX_MEMMAP_PAGE_MAX 256u  /* bytes of a struct page */
#define LINUX_MEMMAP_ORDER_MAX 18   /* 1 GiB, the largest page; what is told by its first page only is no larger */

/** Where struct page has what, and this kernel's numbers. */
struct linux_memmap {
	struct kco_session *s;
	uint64_t vmemmap, size;							  /* the array; bytes of one */
	uint64_t flags, mapcount, mapping, private, compound_head, refcount;	  /* offsets */
	uint64_t slab_cache;							  /* of slab pages; 0 unknown */
	int64_t lru, pg_private, swapcache, swapbacked, slab, hwpoison, reserved; /* bits of flags */
	int64_t head_mask;
	int64_t buddy, offline, slab_type, hugetlb_type, zsmalloc_type,
		kmalloc_type; /* types, as _mapcount holds them */
	uint64_t max_order;
	int64_t dtor_hugetlb;
	struct kco_field order, dtor; /* of the second struct page of a compound page; size 0 unknown */
	bool order_in_flags;	      /* since v6.6: the low byte of struct folio's _flags_1 */
};

/** What is looked at of one struct page. */
struct linux_mempage {
	uint64_t flags, mapping, private, compound_head, slab_cache; /* the last of slab pages only */
	uint32_t mapcount, refcount;
	unsigned order; /* of a head; else 0 */
	bool hugetlb;
};

/** KCO_E_NOTYPE: members are missing. Numbers may be missing (LINUX_MEMMAP_NONE). */
enum kco_status linux_memmap_init(struct kco_session *s, struct linux_memmap *ret, struct kco_err *err) KCO_MUST_USE;
/** The page at @raw; what belongs to the second page of a compound one is at @raw + size, if @next. */
void linux_mempage_decode(const struct linux_memmap *map, const uint8_t *raw, bool next, uint64_t pfn,
			  struct linux_mempage *p);
/** The page of @pfn, read by @mem. false: it cannot be. */
bool linux_memmap_page(const struct linux_memmap *map, struct kco_mem *mem, uint64_t pfn, struct linux_mempage *p);
/** The head of the compound page that page @pfn, @p, is a tail of; of any other page itself. false: it leads nowhere.
 */
bool linux_memmap_head(const struct linux_memmap *map, struct kco_mem *mem, uint64_t pfn, const struct linux_mempage *p,
		       uint64_t *head_pfn, struct linux_mempage *head);
bool linux_mempage_flag(const struct linux_mempage *p, int64_t bit);
/** Is the page of this type? Since v6.12 the type is the high byte, with a number of its own below it. */
bool linux_mempage_type(const struct linux_mempage *p, int64_t type);
bool linux_mempage_slab(const struct linux_memmap *map, const struct linux_mempage *p);
/** Memory of processes by its mapping: PAGE_MAPPING_ANON, include/linux/page-flags.h. */
bool linux_mempage_anon(const struct linux_memmap *map, const struct linux_mempage *p);

/** What becomes of a page. */
struct linux_verdict {
	unsigned count; /* index of the number that it adds to */
	bool drop;
	uint64_t n; /* so many pages from this one on, at least 1 */
};

struct linux_memscan {
	const struct linux_memmap *map;
	const struct kco_write_source *src;
	/* Any thread, with its own @mem. */
	struct linux_verdict (*judge)(const void *arg, struct kco_mem *mem, uint64_t pfn,
				      const struct linux_mempage *p);
	/* The same of a frame whose struct page cannot be read, because of @why. */
	struct linux_verdict (*unknown)(const void *arg, enum kco_status why);
	const void *arg;
	struct kco_frameset *drop; /* to add to */
	uint64_t *counts;	   /* to add to, at most LINUX_MEMSCAN_COUNTS */
	size_t nr_counts;
};

#define LINUX_MEMSCAN_COUNTS 16u

/**
 * Judge each page frame of the source, on every core. Memory is looked at in
 * stretches of 2^18 pages. No compound page is larger (1 GiB), and all are aligned
 * to their size, so that none crosses their borders.
 */
enum kco_status linux_memscan(const struct linux_memscan *scan, struct kco_err *err) KCO_MUST_USE;

#endif
