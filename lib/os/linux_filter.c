// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages of a Linux dump are free, page cache, or memory of processes: by
 * their struct page, with the rules and in the order of makedumpfile's
 * __exclude_unnecessary_pages() (makedumpfile.c), so that the same level leaves
 * out the same pages.
 *
 * Numbers come from VMCOREINFO, which the kernel writes for this; what it lacks
 * from the types. One rule differs: since Linux 46df8e73a4a3 (v6.10) a slab page
 * is told by its type, which makedumpfile before 1.7.6 does not know, so that it
 * takes some for memory of processes. Ours asks PAGE_SLAB_MAPCOUNT_VALUE.
 *
 * Memory is looked at in stretches of 2^18 pages, on every core. No compound page
 * is larger (1 GiB), and all are aligned to their size, so that none crosses
 * their borders.
 */
#include "linux_filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "bulk.h"
#include "linux_page.h"
#include "ordered.h"

#define FILTER_STRETCH (UINT64_C(1) << 18) /* page frames */
#define FILTER_BATCH 1024u		   /* struct pages that are read at once */
#define FILTER_PAGE_MAX 256u
#define FILTER_NONE INT64_MIN /* a number that this kernel does not have */

struct filter {
	struct kco_session *s;
	unsigned level;
	uint64_t vmemmap, size; /* the array of struct page; bytes of one */
	uint64_t flags, mapcount, mapping, private, compound_head, refcount; /* offsets */
	int64_t lru, pg_private, swapcache, swapbacked, slab, hwpoison;	     /* bits of flags */
	int64_t head_mask, buddy, offline, slab_type, hugetlb_type;
	uint64_t max_order;
	int64_t dtor_hugetlb;
	struct kco_field order, dtor; /* of the second struct page of a compound page; size 0 unknown */
	bool order_in_flags;	      /* since v6.6: the low byte of struct folio's _flags_1 */
	/* What is asked: runs of memory. */
	const struct kco_write_source *src;
	struct kco_write_run run;
	bool has_run, over;
	uint64_t addr;
	/* What comes out. */
	struct kco_frameset *drop;
	struct kco_filter_stats *stats;
	enum kco_status status;
	struct kco_err err;
};

struct filter_slot {
	uint64_t first, last; /* page frames, of one stretch */
	uint64_t *bits;	      /* of the stretch: left out */
	struct kco_filter_stats stats;
	enum kco_status status;
	struct kco_err err;
};

/* What is looked at of one struct page. */
struct filter_page {
	uint64_t flags, mapping, private, compound_head;
	uint32_t mapcount;
	unsigned order; /* of a head; else 0 */
	bool hugetlb;
};

static int64_t filter_number(struct kco_session *s, const char *name)
{
	char key[80];
	uint64_t v;
	int64_t e;

	snprintf(key, sizeof(key), "NUMBER(%s)", name);
	if (!kco_session_vmcoreinfo_uint(s, key, &v, NULL))
		return (int64_t)v;
	return !kco_types_enumerator(s->types, name, &e, NULL) ? e : FILTER_NONE;
}

static bool filter_offset(struct kco_session *s, const char *member, const char *path, uint64_t *ret)
{
	struct kco_field field;
	char key[80];

	snprintf(key, sizeof(key), "OFFSET(page.%s)", member);
	if (!kco_session_vmcoreinfo_uint(s, key, ret, NULL))
		return true;
	if (kco_types_field(s->types, "page", path, &field, NULL))
		return false;
	*ret = field.offset;
	return true;
}

/* Where the order of a compound page is kept, by the names that kernels had for it. */
static void filter_order(struct filter *f)
{
	struct kco_types *types = f->s->types;

	memset(&f->order, 0, sizeof(f->order));
	memset(&f->dtor, 0, sizeof(f->dtor));
	// Since Linux ebc1baf5c9b4 (v6.6): the low byte of the second page's flags.
	if (!kco_types_field(types, "folio", "_flags_1", &f->order, NULL)) {
		struct kco_field old;

		f->order_in_flags = kco_types_field(types, "folio", "_folio_order", &old, NULL) != KCO_OK &&
				    kco_types_field(types, "page", "compound_order", &old, NULL) != KCO_OK;
		if (f->order_in_flags)
			return;
		memset(&f->order, 0, sizeof(f->order));
	}
	if (!kco_types_field(types, "folio", "_folio_order", &f->order, NULL)) {
		// struct folio lies over the first two; fields of the second one count from the first.
		(void)!kco_types_field(types, "folio", "_folio_dtor", &f->dtor, NULL);
		return;
	}
	if (!kco_types_field(types, "page", "compound_order", &f->order, NULL)) {
		f->order.offset += f->size;
		if (!kco_types_field(types, "page", "compound_dtor", &f->dtor, NULL))
			f->dtor.offset += f->size;
	}
}

static enum kco_status filter_layout(struct filter *f, struct kco_err *err)
{
	struct kco_session *s = f->s;
	struct linux_pages *pages;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);
	uint64_t v;

	if (!st)
		st = linux_pages_get(s, &pages, err);
	if (st)
		return st;
	f->vmemmap = pages->vmemmap;
	f->size = pages->struct_page;
	if (f->size > FILTER_PAGE_MAX)
		return kco_fail(err, KCO_E_NOTYPE, "struct page has %" PRIu64 " bytes", f->size);
	if (!filter_offset(s, "flags", "flags", &f->flags) ||
	    !filter_offset(s, "_mapcount", "_mapcount", &f->mapcount) ||
	    !filter_offset(s, "mapping", "mapping", &f->mapping) ||
	    !filter_offset(s, "private", "private", &f->private) ||
	    !filter_offset(s, "compound_head", "compound_head", &f->compound_head))
		return kco_fail(err, KCO_E_NOTYPE,
				"struct page lacks flags, _mapcount, mapping, private or compound_head");
	if (f->flags + 8 > f->size || f->mapcount + 4 > f->size || f->mapping + 8 > f->size ||
	    f->private + 8 > f->size || f->compound_head + 8 > f->size)
		return kco_fail(err, KCO_E_CORRUPT, "members of struct page lie beyond its %" PRIu64 " bytes", f->size);
	f->lru = filter_number(s, "PG_lru");
	f->pg_private = filter_number(s, "PG_private");
	f->swapcache = filter_number(s, "PG_swapcache");
	f->swapbacked = filter_number(s, "PG_swapbacked");
	f->slab = filter_number(s, "PG_slab");
	f->hwpoison = filter_number(s, "PG_hwpoison");
	f->head_mask = filter_number(s, "PG_head_mask");
	f->buddy = filter_number(s, "PAGE_BUDDY_MAPCOUNT_VALUE");
	f->offline = filter_number(s, "PAGE_OFFLINE_MAPCOUNT_VALUE");
	f->slab_type = filter_number(s, "PAGE_SLAB_MAPCOUNT_VALUE");
	f->hugetlb_type = filter_number(s, "PAGE_HUGETLB_MAPCOUNT_VALUE");
	f->dtor_hugetlb = filter_number(s, "HUGETLB_PAGE_DTOR");
	f->max_order = kco_session_vmcoreinfo_uint(s, "LENGTH(zone.free_area)", &v, NULL) ? 11 : v;
	if (f->head_mask == FILTER_NONE) {
		int64_t bit = filter_number(s, "PG_head");

		f->head_mask = bit >= 0 && bit < 63 ? INT64_C(1) << bit : 0;
	}
	filter_order(f);
	if (f->level & KCO_FILTER_FREE && f->buddy == FILTER_NONE)
		return kco_fail(err, KCO_E_NOTYPE,
				"free pages cannot be told: VMCOREINFO has no NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
	if (f->level & (KCO_FILTER_CACHE | KCO_FILTER_CACHE_ALL) &&
	    (f->lru == FILTER_NONE || f->pg_private == FILTER_NONE))
		return kco_fail(err, KCO_E_NOTYPE, "page cache cannot be told: there is no PG_lru or PG_private");
	return KCO_OK;
}

static bool filter_flag(const struct filter_page *p, int64_t bit)
{
	return bit >= 0 && bit < 64 && p->flags >> bit & 1;
}

/* Is the page of this type? Since v6.12 the type is the high byte, with a number of its own below it. */
static bool filter_type(const struct filter_page *p, int64_t type)
{
	uint32_t want = (uint32_t)type;

	if (type == FILTER_NONE)
		return false;
	return p->mapcount == want || (!(want & 0xffffff) && (p->mapcount & 0xff000000) == want);
}

static bool filter_is_slab(const struct filter *f, const struct filter_page *p)
{
	return f->slab_type != FILTER_NONE ? filter_type(p, f->slab_type) : filter_flag(p, f->slab);
}

static bool filter_is_cache(const struct filter *f, const struct filter_page *p)
{
	return filter_flag(p, f->lru) ||
	       ((f->swapbacked == FILTER_NONE || filter_flag(p, f->swapbacked)) && filter_flag(p, f->swapcache));
}

/* Which count the page belongs to, or NULL: it is kept. */
static uint64_t *filter_class(const struct filter *f, const struct filter_page *p, struct kco_filter_stats *stats)
{
	// PAGE_MAPPING_ANON, include/linux/page-flags.h
	bool anon = p->mapping & 1 && !filter_is_slab(f, p), private = filter_flag(p, f->pg_private);

	if (f->level & KCO_FILTER_FREE && filter_type(p, f->buddy) && !filter_is_slab(f, p))
		return p->private < f->max_order ? &stats->free : NULL;
	if (f->level & (KCO_FILTER_CACHE | KCO_FILTER_CACHE_ALL) && filter_is_cache(f, p) && !anon &&
	    (!private || f->level & KCO_FILTER_CACHE_ALL))
		return private ? &stats->cache_private : &stats->cache;
	if (f->level & KCO_FILTER_USER && (anon || p->hugetlb))
		return &stats->user;
	if (filter_flag(p, f->hwpoison))
		return &stats->hwpoison;
	return filter_type(p, f->offline) ? &stats->offline : NULL;
}

/* The page at @raw; what belongs to the second page of a compound one is at @raw + size, if @next. */
static void filter_decode(const struct filter *f, const uint8_t *raw, bool next, uint64_t pfn, struct filter_page *p)
{
	uint64_t order = 0, dtor;

	*p = (struct filter_page){ .flags = kco_le64(raw + f->flags),
				   .mapping = kco_le64(raw + f->mapping),
				   .private = kco_le64(raw + f->private),
				   .compound_head = kco_le64(raw + f->compound_head),
				   .mapcount = kco_le32(raw + f->mapcount) };
	p->hugetlb = filter_type(p, f->hugetlb_type);
	if (!(p->flags & (uint64_t)f->head_mask) || !next || !f->order.size)
		return;
	(void)kco_field_get(&f->order, raw, 2 * f->size, &order);
	order &= f->order_in_flags ? 0xff : UINT64_MAX;
	if (order < 64 && !(pfn & ((UINT64_C(1) << order) - 1)))
		p->order = (unsigned)order;
	if (f->dtor.size && f->dtor_hugetlb != FILTER_NONE && kco_field_get(&f->dtor, raw, 2 * f->size, &dtor))
		p->hugetlb |= (int64_t)dtor == f->dtor_hugetlb;
	// Since Linux 9c5ccf2db04b (v6.6) it is a type of the second page.
	if (f->order_in_flags)
		p->hugetlb |= filter_type(&(struct filter_page){ .mapcount = kco_le32(raw + f->size + f->mapcount) },
					  f->hugetlb_type);
}

static void filter_drop(struct filter_slot *slot, uint64_t pfn, uint64_t n, uint64_t *count)
{
	uint64_t base = slot->first & ~(FILTER_STRETCH - 1);

	for (uint64_t i = pfn; i < pfn + n && i <= slot->last; i++) {
		slot->bits[(i - base) / 64] |= UINT64_C(1) << (i - base) % 64;
		++*count;
	}
}

/* @n struct pages from that of @pfn on, the one behind them too (@raw has room). Returns the frame to go on with. */
static uint64_t filter_batch(const struct filter *f, struct filter_slot *slot, const uint8_t *raw, uint64_t pfn,
			     size_t n, size_t have)
{
	uint64_t at = pfn;

	while (at < pfn + n) {
		size_t i = (size_t)(at - pfn);
		struct filter_page p;
		uint64_t *count, size;

		filter_decode(f, raw + i * f->size, i + 1 < have, at, &p);
		// Tails were left out with their head, or are kept with it.
		count = p.compound_head & 1 ? NULL : filter_class(f, &p, &slot->stats);
		size = !count ? 1 : UINT64_C(1) << (count == &slot->stats.free ? p.private : p.order);
		if (count)
			filter_drop(slot, at, size, count);
		else
			slot->stats.kept++;
		at += size;
	}
	return at;
}

static void filter_work(void *arg, void *worker, void *slot)
{
	const struct filter *f = arg;
	struct filter_slot *s = slot;
	uint8_t *raw;
	uint64_t pfn;

	if (s->status)
		return;
	raw = malloc((FILTER_BATCH + 1) * f->size);
	if (!raw) {
		s->status = kco_fail(&s->err, KCO_E_NOMEM, "out of memory");
		return;
	}
	for (pfn = s->first; pfn <= s->last;) {
		size_t n = s->last - pfn + 1 < FILTER_BATCH ? (size_t)(s->last - pfn + 1) : FILTER_BATCH, done, have;
		uint64_t va = f->vmemmap + pfn * f->size;

		(void)!kco_vread(worker, &f->s->kernel, va, raw, (n + 1) * f->size, &done, NULL);
		have = done / f->size;
		if (have < n)
			n = have;
		if (n) {
			pfn = filter_batch(f, s, raw, pfn, n, have);
			continue;
		}
		// Without its struct page nobody knows what it is: it stays. The array may go on a page further.
		s->stats.unknown++;
		pfn++;
	}
	free(raw);
}

static bool filter_take(void *arg, void *slot)
{
	struct filter *f = arg;
	struct filter_slot *s = slot;
	uint32_t block = f->s->image->facts.block_size;
	uint64_t last;

	s->status = KCO_OK;
	s->stats = (struct kco_filter_stats){ 0 };
	s->err = KCO_ERR_INIT;
	if (!f->has_run && !f->over) {
		s->status = f->src->next(f->src->arg, f->addr, true, &f->run, &s->err);
		f->has_run = s->status == KCO_OK;
		f->over = !f->has_run;
		if (s->status != KCO_OK && s->status != KCO_DONE)
			return true;
	}
	if (!f->has_run)
		return false;
	s->status = KCO_OK;
	s->first = f->run.first / block;
	last = f->run.last / block;
	s->last = s->first | (FILTER_STRETCH - 1);
	if (s->last > last)
		s->last = last;
	memset(s->bits, 0, FILTER_STRETCH / 8);
	f->addr = (s->last + 1) * block;
	f->run.first = f->addr;
	f->has_run = s->last < last;
	return true;
}

static bool filter_deliver(void *arg, void *slot)
{
	struct filter *f = arg;
	struct filter_slot *s = slot;
	uint64_t base = s->first & ~(FILTER_STRETCH - 1), *to = (uint64_t *)f->stats;
	const uint64_t *from = (const uint64_t *)&s->stats;

	for (uint64_t pfn = s->first; !s->status && pfn <= s->last; pfn++) {
		uint64_t end = pfn;

		while (end <= s->last && s->bits[(end - base) / 64] >> (end - base) % 64 & 1)
			end++;
		if (end > pfn && kco_frameset_add(f->drop, pfn, end - 1))
			s->status = kco_fail(&s->err, KCO_E_NOMEM, "out of memory");
		if (end > pfn)
			pfn = end;
	}
	for (size_t i = 0; i < sizeof(*f->stats) / sizeof(*to); i++)
		to[i] += from[i];
	f->status = s->status;
	f->err = s->err;
	return s->status == KCO_OK;
}

static void *filter_worker_new(void *arg, struct kco_err *err)
{
	struct kco_mem *mem;

	return kco_mem_new(((struct filter *)arg)->s->image, &mem, err) ? NULL : mem;
}

static void filter_worker_free(void *worker)
{
	kco_mem_free(worker);
}

static const struct kco_ordered_ops filter_ops = {
	.take = filter_take,
	.worker_new = filter_worker_new,
	.worker_free = filter_worker_free,
	.work = filter_work,
	.deliver = filter_deliver,
};

enum kco_status linux_filter(struct kco_session *s, const struct kco_write_source *src, unsigned level,
			     struct kco_frameset *drop, struct kco_filter_stats *stats, struct kco_err *err)
{
	struct filter f = { .s = s, .level = level, .src = src, .drop = drop, .stats = stats, .err = KCO_ERR_INIT };
	struct kco_ordered o = { .ops = &filter_ops, .arg = &f, .slot_size = sizeof(struct filter_slot) };
	struct filter_slot slots[2 * KCO_ORDERED_JOBS_MAX];
	enum kco_status st;
	uint64_t *bits;

	if (s->image->facts.block_size != LINUX_PAGE_SIZE)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"pages are filtered by 4096 bytes, this dump has blocks of %" PRIu32,
				s->image->facts.block_size);
	st = filter_layout(&f, err);
	if (st)
		return st;
	o.jobs = kco_session_jobs(s);
	if (o.jobs > KCO_ORDERED_JOBS_MAX)
		o.jobs = KCO_ORDERED_JOBS_MAX;
	o.nr_slots = 2 * (size_t)o.jobs;
	o.slots = slots;
	bits = calloc(o.nr_slots, FILTER_STRETCH / 8);
	if (!bits)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < o.nr_slots; i++)
		slots[i].bits = bits + i * (FILTER_STRETCH / 64);
	st = kco_ordered_run(s, &o, err);
	free(bits);
	if (!st && f.status && err)
		*err = f.err;
	return st ? st : f.status;
}
