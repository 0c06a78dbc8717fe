// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages of a Linux dump may be shown to others: those that are certain to
 * be the kernel's own, by their struct page or since it maps them.
 *
 *   slab objects                     stay, but for large buffers (linux_redact_slab.c)
 *   page tables                      stay, by their type and since tables lead to them
 *   other types                      go (free, hugetlb, zsmalloc, ...), but for large kmalloc()s
 *   a mapping, the LRU, swap cache   memory of processes or of files: go
 *   mapped by a process              goes
 *   reserved                         stay: the image, what was taken at boot
 *   the kernel's by its page tables  stay: stacks, modules, per-CPU data (linux_redact_tables.c)
 *   anything else                    goes: pipes, network buffers, zbud, ...
 *
 * On kernels before v6.15 large kmalloc()s cannot be told from other buffers.
 *
 * Each page is asked for itself, or by its head: an order that is wrong may make
 * too much go, never too much stay.
 */
#include "linux_redact.h"

#include <inttypes.h>

#include "linux_page.h"

/* _mapcount of a page without a type is how often it is mapped, less one; types are far below that. */
#define REDACT_TYPED (-128)

/* An index of struct kco_redact_stats, which is nothing but counts: of pages up to registers. */
#define REDACT_COUNT(member) (offsetof(struct kco_redact_stats, member) / sizeof(uint64_t))

static struct linux_verdict redact_drop(unsigned count)
{
	return (struct linux_verdict){ count, true, 1 };
}

static struct linux_verdict redact_stay(unsigned count)
{
	return (struct linux_verdict){ count, false, 1 };
}

static bool redact_is_kernels(const struct linux_redact *r, uint64_t pfn)
{
	uint64_t first, last;

	return kco_frameset_run(&r->kernel, pfn, true, &first, &last) && first == pfn;
}

static struct linux_verdict redact_typed(const struct linux_redact *r, uint64_t pfn, const struct linux_mempage *p)
{
	const struct linux_memmap *map = &r->map;
	struct linux_verdict verdict = redact_drop(REDACT_COUNT(free));

	if (linux_mempage_type(p, map->buddy)) {
		if (p->private < map->max_order)
			verdict.n = UINT64_C(1) << p->private;
		return verdict;
	}
	if (linux_mempage_type(p, map->offline))
		return redact_drop(REDACT_COUNT(lost));
	if (linux_mempage_type(p, map->zsmalloc_type))
		return redact_drop(REDACT_COUNT(compressed));
	if (linux_mempage_type(p, map->kmalloc_type))
		return redact_stay(REDACT_COUNT(slab));
	return redact_is_kernels(r, pfn) ? redact_stay(REDACT_COUNT(tables)) : redact_drop(REDACT_COUNT(buffers));
}

/* @p is the page of @pfn, or the head of the compound page that it is in. */
static struct linux_verdict redact_class(const struct linux_redact *r, uint64_t pfn, const struct linux_mempage *p)
{
	const struct linux_memmap *map = &r->map;
	int32_t mapcount = (int32_t)p->mapcount;

	if (linux_mempage_flag(p, map->hwpoison))
		return redact_drop(REDACT_COUNT(lost));
	if (linux_mempage_slab(map, p))
		return kco_addrset_has(&r->caches, p->slab_cache) && !redact_is_kernels(r, pfn)
			       ? redact_drop(REDACT_COUNT(buffers))
			       : redact_stay(REDACT_COUNT(slab));
	if (p->hugetlb)
		return redact_drop(REDACT_COUNT(user));
	if (mapcount <= REDACT_TYPED)
		return redact_typed(r, pfn, p);
	switch (p->mapping & 3) {
	case 0:
		if (p->mapping || linux_mempage_flag(p, map->lru))
			return redact_drop(REDACT_COUNT(cache));
		break;
	case 2: // PAGE_MAPPING_MOVABLE
		return redact_drop(REDACT_COUNT(compressed));
	default: // PAGE_MAPPING_ANON, PAGE_MAPPING_KSM
		return redact_drop(REDACT_COUNT(user));
	}
	if (linux_mempage_flag(p, map->reserved))
		return redact_stay(REDACT_COUNT(reserved));
	if (mapcount >= 0 || linux_mempage_flag(p, map->swapcache))
		return redact_drop(REDACT_COUNT(user));
	if (redact_is_kernels(r, pfn))
		return redact_stay(REDACT_COUNT(mapped));
	return redact_drop(p->refcount ? REDACT_COUNT(buffers) : REDACT_COUNT(free));
}

static struct linux_verdict redact_judge(const void *arg, struct kco_mem *mem, uint64_t pfn,
					 const struct linux_mempage *p)
{
	const struct linux_redact *r = arg;
	struct linux_verdict verdict;
	struct linux_mempage head;
	uint64_t first;

	// A tail's own members are the compound page's.
	if (!linux_memmap_head(&r->map, mem, pfn, p, &first, &head))
		return redact_drop(REDACT_COUNT(lost));
	if (first != pfn) {
		verdict = redact_class(r, pfn, &head);
		verdict.n = 1;
		return verdict;
	}
	verdict = redact_class(r, pfn, p);
	// Of a slab each page is asked for itself: one may be the kernel's by other means.
	if (verdict.drop && verdict.n == 1 && !p->slab_cache)
		verdict.n = UINT64_C(1) << p->order;
	return verdict;
}

static struct linux_verdict redact_unknown(const void *arg, enum kco_status why)
{
	(void)arg;
	// The kernel has no struct page for it, and so never gave it to anybody.
	return why == KCO_E_UNMAPPED ? redact_stay(REDACT_COUNT(unmanaged)) : redact_drop(REDACT_COUNT(lost));
}

static enum kco_status redact_init(struct linux_redact *r, struct kco_err *err)
{
	enum kco_status st;

	if (linux_of(r->s)->variant)
		return kco_fail(err, KCO_E_UNSUPPORTED, "not on this port of %s", r->s->os->title);
	st = linux_memmap_init(r->s, &r->map, err);
	if (!st)
		st = linux_direct_map(r->s, &r->direct, err);
	if (st)
		return st;
	// A rule that cannot be asked would let its pages stay.
	if (r->map.buddy == LINUX_MEMMAP_NONE || r->map.lru == LINUX_MEMMAP_NONE ||
	    r->map.swapcache == LINUX_MEMMAP_NONE)
		return kco_fail(err, KCO_E_NOTYPE,
				"pages cannot be told apart: no number of buddy pages, of PG_lru or of PG_swapcache");
	if (r->map.reserved == LINUX_MEMMAP_NONE ||
	    (r->map.slab == LINUX_MEMMAP_NONE && r->map.slab_type == LINUX_MEMMAP_NONE))
		return kco_fail(err, KCO_E_NOTYPE,
				"the kernel's pages cannot be told: there is no PG_reserved or PG_slab");
	return KCO_OK;
}

enum kco_status linux_redact_blank(struct linux_redact *r, uint64_t va, uint64_t n, struct kco_err *err)
{
	while (n) {
		uint64_t part = LINUX_PAGE_SIZE - (va & (LINUX_PAGE_SIZE - 1));
		struct kco_paddr pa;
		enum kco_status st;

		if (part > n)
			part = n;
		// Where the kernel itself finds nothing, there is nothing to blank.
		if (!kco_translate(r->s->mem, &r->s->kernel, va, &pa, NULL, NULL)) {
			st = kco_blanks_add(r->what->blanks, pa.v, part, err);
			if (st)
				return st;
		}
		va += part;
		n -= part;
	}
	return KCO_OK;
}

enum kco_status linux_redact(struct kco_session *s, struct kco_redact *what, struct kco_err *err)
{
	struct linux_redact r = { .s = s, .what = what };
	struct linux_memscan scan = { .map = &r.map,
				      .src = what->src,
				      .judge = redact_judge,
				      .unknown = redact_unknown,
				      .arg = &r,
				      .drop = what->drop,
				      .counts = (uint64_t *)what->stats,
				      .nr_counts = REDACT_COUNT(registers) };
	enum kco_status st = redact_init(&r, err);

	if (!st)
		st = linux_redact_tables(&r, err);
	if (!st)
		st = linux_redact_slabs(&r, err);
	// Before the pages: the source is asked while all of it is still there.
	if (!st)
		st = linux_redact_secrets(&r, err);
	if (!st && what->names)
		st = linux_redact_names(&r, err);
	if (!st)
		st = linux_memscan(&scan, err);
	kco_frameset_fini(&r.kernel);
	kco_addrset_fini(&r.caches);
	return st;
}
