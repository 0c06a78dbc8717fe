// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Members and numbers of struct page. Numbers come from VMCOREINFO, which the
 * kernel writes for this; what it lacks from the types.
 */
#include "linux_memmap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/endian.h>

#include "linux_page.h"

static int64_t memmap_number(struct kco_session *s, const char *name)
{
	char key[80];
	uint64_t v;
	int64_t e;

	snprintf(key, sizeof(key), "NUMBER(%s)", name);
	if (!kco_session_vmcoreinfo_uint(s, key, &v, NULL))
		return (int64_t)v;
	return !kco_types_enumerator(s->types, name, &e, NULL) ? e : LINUX_MEMMAP_NONE;
}

/* A page type; where VMCOREINFO lacks it, the enumerator that it has had since Linux 4ffca5a96678 (v6.12). */
static int64_t memmap_type(struct kco_session *s, const char *name, const char *enumerator)
{
	int64_t v = memmap_number(s, name);

	if (v == LINUX_MEMMAP_NONE && !kco_types_enumerator(s->types, enumerator, &v, NULL))
		v = (int64_t)((uint64_t)v << 24);
	return v;
}

static bool memmap_offset(struct kco_session *s, const char *member, const char *path, uint64_t *ret)
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
static void memmap_order(struct linux_memmap *m)
{
	struct kco_types *types = m->s->types;

	memset(&m->order, 0, sizeof(m->order));
	memset(&m->dtor, 0, sizeof(m->dtor));
	// Since Linux ebc1baf5c9b4 (v6.6): the low byte of the second page's flags.
	if (!kco_types_field(types, "folio", "_flags_1", &m->order, NULL)) {
		struct kco_field old;

		m->order_in_flags = kco_types_field(types, "folio", "_folio_order", &old, NULL) != KCO_OK &&
				    kco_types_field(types, "page", "compound_order", &old, NULL) != KCO_OK;
		if (m->order_in_flags)
			return;
		memset(&m->order, 0, sizeof(m->order));
	}
	if (!kco_types_field(types, "folio", "_folio_order", &m->order, NULL)) {
		// struct folio lies over the first two; fields of the second one count from the first.
		(void)!kco_types_field(types, "folio", "_folio_dtor", &m->dtor, NULL);
		return;
	}
	if (!kco_types_field(types, "page", "compound_order", &m->order, NULL)) {
		m->order.offset += m->size;
		if (!kco_types_field(types, "page", "compound_dtor", &m->dtor, NULL))
			m->dtor.offset += m->size;
	}
}

enum kco_status linux_memmap_init(struct kco_session *s, struct linux_memmap *m, struct kco_err *err)
{
	struct linux_pages *pages;
	struct kco_field cache;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);
	uint64_t v;

	if (!st)
		st = linux_pages_get(s, &pages, err);
	if (st)
		return st;
	*m = (struct linux_memmap){ .s = s };
	m->vmemmap = pages->vmemmap;
	m->size = pages->struct_page;
	if (m->size > LINUX_MEMMAP_PAGE_MAX)
		return kco_fail(err, KCO_E_NOTYPE, "struct page has %" PRIu64 " bytes", m->size);
	if (!memmap_offset(s, "flags", "flags", &m->flags) ||
	    !memmap_offset(s, "_mapcount", "_mapcount", &m->mapcount) ||
	    !memmap_offset(s, "mapping", "mapping", &m->mapping) ||
	    !memmap_offset(s, "private", "private", &m->private) ||
	    !memmap_offset(s, "compound_head", "compound_head", &m->compound_head) ||
	    !memmap_offset(s, "_refcount", "_refcount", &m->refcount))
		return kco_fail(err, KCO_E_NOTYPE,
				"struct page lacks flags, _mapcount, _refcount, mapping, private or compound_head");
	if (m->flags + 8 > m->size || m->mapcount + 4 > m->size || m->refcount + 4 > m->size ||
	    m->mapping + 8 > m->size || m->private + 8 > m->size || m->compound_head + 8 > m->size)
		return kco_fail(err, KCO_E_CORRUPT, "members of struct page lie beyond its %" PRIu64 " bytes", m->size);
	// Since Linux d122019bf061 (v5.17) struct slab lies over struct page.
	if (!os_field(s, "slab", &cache, NULL, "slab_cache", NULL) ||
	    !os_field(s, "page", &cache, NULL, "slab_cache", NULL))
		m->slab_cache = cache.offset;
	if (m->slab_cache + 8 > m->size)
		m->slab_cache = 0;
	m->lru = memmap_number(s, "PG_lru");
	m->pg_private = memmap_number(s, "PG_private");
	m->swapcache = memmap_number(s, "PG_swapcache");
	m->swapbacked = memmap_number(s, "PG_swapbacked");
	m->slab = memmap_number(s, "PG_slab");
	m->hwpoison = memmap_number(s, "PG_hwpoison");
	m->reserved = memmap_number(s, "PG_reserved");
	m->head_mask = memmap_number(s, "PG_head_mask");
	m->buddy = memmap_type(s, "PAGE_BUDDY_MAPCOUNT_VALUE", "PGTY_buddy");
	m->offline = memmap_type(s, "PAGE_OFFLINE_MAPCOUNT_VALUE", "PGTY_offline");
	m->slab_type = memmap_type(s, "PAGE_SLAB_MAPCOUNT_VALUE", "PGTY_slab");
	m->hugetlb_type = memmap_type(s, "PAGE_HUGETLB_MAPCOUNT_VALUE", "PGTY_hugetlb");
	m->zsmalloc_type = memmap_type(s, "PAGE_ZSMALLOC_MAPCOUNT_VALUE", "PGTY_zsmalloc");
	m->kmalloc_type = memmap_type(s, "PAGE_LARGE_KMALLOC_MAPCOUNT_VALUE", "PGTY_large_kmalloc");
	m->dtor_hugetlb = memmap_number(s, "HUGETLB_PAGE_DTOR");
	m->max_order = kco_session_vmcoreinfo_uint(s, "LENGTH(zone.free_area)", &v, NULL) ? 11 : v;
	if (m->head_mask == LINUX_MEMMAP_NONE) {
		int64_t bit = memmap_number(s, "PG_head");

		m->head_mask = bit >= 0 && bit < 63 ? INT64_C(1) << bit : 0;
	}
	memmap_order(m);
	return KCO_OK;
}

bool linux_mempage_flag(const struct linux_mempage *p, int64_t bit)
{
	return bit >= 0 && bit < 64 && p->flags >> bit & 1;
}

bool linux_mempage_type(const struct linux_mempage *p, int64_t type)
{
	uint32_t want = (uint32_t)type;

	if (type == LINUX_MEMMAP_NONE)
		return false;
	return p->mapcount == want || (!(want & 0xffffff) && (p->mapcount & 0xff000000) == want);
}

bool linux_mempage_slab(const struct linux_memmap *m, const struct linux_mempage *p)
{
	return m->slab_type != LINUX_MEMMAP_NONE ? linux_mempage_type(p, m->slab_type) : linux_mempage_flag(p, m->slab);
}

bool linux_mempage_anon(const struct linux_memmap *m, const struct linux_mempage *p)
{
	return p->mapping & 1 && !linux_mempage_slab(m, p);
}

void linux_mempage_decode(const struct linux_memmap *m, const uint8_t *raw, bool next, uint64_t pfn,
			  struct linux_mempage *p)
{
	uint64_t order = 0, dtor;

	*p = (struct linux_mempage){ .flags = kco_le64(raw + m->flags),
				     .mapping = kco_le64(raw + m->mapping),
				     .private = kco_le64(raw + m->private),
				     .compound_head = kco_le64(raw + m->compound_head),
				     .mapcount = kco_le32(raw + m->mapcount),
				     .refcount = kco_le32(raw + m->refcount) };
	p->hugetlb = linux_mempage_type(p, m->hugetlb_type);
	if (m->slab_cache && linux_mempage_slab(m, p))
		p->slab_cache = kco_le64(raw + m->slab_cache);
	if (!(p->flags & (uint64_t)m->head_mask) || !next || !m->order.size)
		return;
	(void)kco_field_get(&m->order, raw, 2 * m->size, &order);
	order &= m->order_in_flags ? 0xff : UINT64_MAX;
	if (order <= LINUX_MEMMAP_ORDER_MAX && !(pfn & ((UINT64_C(1) << order) - 1)))
		p->order = (unsigned)order;
	if (m->dtor.size && m->dtor_hugetlb != LINUX_MEMMAP_NONE && kco_field_get(&m->dtor, raw, 2 * m->size, &dtor))
		p->hugetlb |= (int64_t)dtor == m->dtor_hugetlb;
	// Since Linux 9c5ccf2db04b (v6.6) it is a type of the second page.
	if (m->order_in_flags)
		p->hugetlb |= linux_mempage_type(
			&(struct linux_mempage){ .mapcount = kco_le32(raw + m->size + m->mapcount) }, m->hugetlb_type);
}

bool linux_memmap_page(const struct linux_memmap *map, struct kco_mem *mem, uint64_t pfn, struct linux_mempage *p)
{
	uint8_t raw[2 * LINUX_MEMMAP_PAGE_MAX];
	size_t done;

	(void)!kco_vread(mem, &map->s->kernel, map->vmemmap + pfn * map->size, raw, 2 * map->size, &done, NULL);
	if (done < map->size)
		return false;
	linux_mempage_decode(map, raw, done == 2 * map->size, pfn, p);
	return true;
}

bool linux_memmap_head(const struct linux_memmap *map, struct kco_mem *mem, uint64_t pfn, const struct linux_mempage *p,
		       uint64_t *head_pfn, struct linux_mempage *head)
{
	uint64_t at = p->compound_head - 1 - map->vmemmap;

	*head_pfn = pfn;
	*head = *p;
	if (!(p->compound_head & 1))
		return true;
	if (p->compound_head - 1 < map->vmemmap || at % map->size || at / map->size >= pfn)
		return false;
	*head_pfn = at / map->size;
	return linux_memmap_page(map, mem, *head_pfn, head) && !(head->compound_head & 1);
}
