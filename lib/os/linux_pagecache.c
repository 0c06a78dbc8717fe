// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a page is: struct page -> physical address, and the page cache, which
 * finds pages by (struct address_space, index).
 *
 *   address_space.i_pages.xa_head
 *     -> entry: tag in the low two bits (lib/xarray.c, include/linux/xarray.h)
 *          00  pointer to a struct page or folio
 *          10  node, or (small numbers) a sibling of an earlier slot, retry, zero
 *          x1  value: a shadow of a page that left, or a swap entry (shmem)
 *     node: shift, slots[64]
 *
 * An entry that stands for more than one index has one slot filled and siblings
 * behind it. Before Linux f8d5d0cc145c (v4.20) the same tree was a radix tree,
 * with 01 for nodes and 10 for values.
 *
 * The tree is a dump's: levels must descend, and a page that was found must
 * name the address_space that it was found in.
 */
#include "linux_page.h"

#include <inttypes.h>

#define PAGECACHE_SPECIAL 4096 /* internal entries up to there are no nodes */
#define PAGECACHE_LEVELS 16
#define PAGECACHE_FOLIO_MAX (UINT64_C(1) << 18) /* pages of 1 GiB */

/* VMEMMAP_START where it is no variable (arch/x86/include/asm/pgtable_64_types.h). */
static uint64_t pagecache_vmemmap(struct kco_session *s)
{
	uint64_t addr;

	if (!os_variable(s, "vmemmap_base", 8, &addr, NULL))
		return addr;
	return linux_of(s)->levels == 5 ? UINT64_C(0xffd4000000000000) : UINT64_C(0xffffea0000000000);
}

static enum kco_status pagecache_tree(struct kco_session *s, struct linux_pages *pages, struct kco_err *err)
{
	struct kco_type_info info;
	struct kco_type type;
	struct kco_field slots;
	const char *node = "xa_node";
	enum kco_status st = os_field(s, "address_space", &pages->root, err, "i_pages.xa_head", NULL);

	pages->node_tag = 2;
	pages->value_tag = 1;
	pages->value_shift = 1;
	if (st) {
		// Since Linux b93b016313b3 (v4.17) page_tree is i_pages.
		if (os_field(s, "address_space", &pages->root, NULL, "i_pages.rnode", "page_tree.rnode", NULL))
			return st;
		node = "radix_tree_node";
		pages->node_tag = 1;
		pages->value_tag = 2;
		pages->value_shift = 2;
	}
	st = os_field(s, node, &pages->shift, err, "shift", NULL);
	if (!st)
		st = os_field(s, node, &slots, err, "slots", NULL);
	if (!st)
		st = kco_type_strip(slots.type, &type, err);
	if (!st)
		st = kco_type_info(type, &info, err);
	if (st)
		return st;
	if (info.kind != KCO_TYPE_ARRAY || info.nr_elements < 2 || info.nr_elements > 4096 ||
	    info.nr_elements & (info.nr_elements - 1))
		return kco_fail(err, KCO_E_NOTYPE, "%s.slots is no array as expected", node);
	pages->slots = slots.offset;
	pages->slot_bits = (unsigned)__builtin_ctzll(info.nr_elements);
	return KCO_OK;
}

enum kco_status linux_pagecache_init(struct kco_session *s, struct linux_pages *pages, struct kco_err *err)
{
	enum kco_status st = kco_types_sizeof(s->types, "page", &pages->struct_page, err);

	if (!st && pages->struct_page < 32)
		st = kco_fail(err, KCO_E_NOTYPE, "struct page has %" PRIu64 " bytes", pages->struct_page);
	// Since Linux acc53a0b4c15 (v6.16) page.index is __folio_index; struct folio has one since 7b230db3b8d3
	// (v5.16).
	if (!st)
		st = os_field(s, "page", &pages->index, err, "index", "__folio_index", "pgoff", NULL);
	if (!st)
		st = os_field(s, "page", &pages->private, err, "private", NULL);
	if (!st)
		st = os_field(s, "page", &pages->mapping, err, "mapping", NULL);
	if (!st)
		st = os_field(s, "page", &pages->compound_head, err, "compound_head", NULL);
	if (!st)
		st = pagecache_tree(s, pages, err);
	if (st)
		return kco_context(err, st, "page cache");
	pages->vmemmap = pagecache_vmemmap(s);
	return KCO_OK;
}

static enum kco_status pagecache_pa(const struct linux_pages *pages, uint64_t page, uint64_t tail,
				    struct kco_paddr *ret, struct kco_err *err)
{
	uint64_t at = page - pages->vmemmap, pfn = at / pages->struct_page;

	if (page < pages->vmemmap || at % pages->struct_page || pfn + tail > UINT64_MAX >> LINUX_PAGE_SHIFT)
		return kco_fail(err, KCO_E_CORRUPT, "%#" PRIx64 " is no struct page", page);
	*ret = KCO_PADDR((pfn + tail) << LINUX_PAGE_SHIFT);
	return KCO_OK;
}

enum kco_status linux_page_pa(struct kco_session *s, uint64_t page, struct kco_paddr *ret, struct kco_err *err)
{
	struct linux_pages *pages;
	enum kco_status st = linux_pages_get(s, &pages, err);

	return st ? st : pagecache_pa(pages, page, 0, ret, err);
}

/* One node: the slot for @index, siblings followed to the entry that they belong to. */
static enum kco_status pagecache_step(struct kco_session *s, const struct linux_pages *pages, uint64_t node,
				      unsigned shift, uint64_t index, uint64_t *entry, uint64_t *first,
				      struct kco_err *err)
{
	uint64_t mask = (UINT64_C(1) << pages->slot_bits) - 1, at = index >> shift & mask;
	enum kco_status st = kco_kread_uint(s, node + pages->slots + at * 8, 8, entry, err);
	uint64_t sibling = st ? mask : *entry >> 2;

	if (!st && pages->node_tag == 2 && (*entry & 3) == 2 && sibling < mask) {
		if (sibling >= at)
			return kco_fail(err, KCO_E_CORRUPT,
					"slot %" PRIu64 " of node %#" PRIx64 " is a sibling of %" PRIu64, at, node,
					sibling);
		at = sibling;
		st = kco_kread_uint(s, node + pages->slots + at * 8, 8, entry, err);
	}
	*first = (index & ~(mask << shift | ((UINT64_C(1) << shift) - 1))) | at << shift;
	return st;
}

enum kco_status linux_tree_load(struct kco_session *s, const struct linux_pages *pages, uint64_t head, uint64_t index,
				struct linux_slot *ret, struct kco_err *err)
{
	unsigned above = 64 + pages->slot_bits;
	uint64_t entry = head;

	*ret = (struct linux_slot){ .kind = LINUX_SLOT_EMPTY, .first = index };
	for (int level = 0; level < PAGECACHE_LEVELS && (entry & 3) == pages->node_tag; level++) {
		uint64_t node = entry - pages->node_tag, shift;
		enum kco_status st;

		if (node < PAGECACHE_SPECIAL)
			break;
		st = kco_kread_field(s, node, &pages->shift, &shift, err);
		if (st)
			return kco_context(err, st, "page cache node");
		// Each level must be below the one above it: this is what ends the walk of whatever is there.
		if (shift % pages->slot_bits || shift + pages->slot_bits > above || shift >= 64)
			return kco_fail(err, KCO_E_CORRUPT, "page cache node %#" PRIx64 " has the shift %" PRIu64, node,
					shift);
		if (level == 0 && shift + pages->slot_bits < 64 && index >> (shift + pages->slot_bits))
			return KCO_OK; // above all that it holds
		above = (unsigned)shift;
		st = pagecache_step(s, pages, node, (unsigned)shift, index, &entry, &ret->first, err);
		if (st)
			return kco_context(err, st, "page cache node");
		if (shift == 0)
			break;
	}
	if (entry == head && index > 0)
		return KCO_OK; // one entry, for index 0
	if (!entry || (pages->node_tag == 2 && (entry & 3) == 2 && entry < PAGECACHE_SPECIAL))
		return KCO_OK;
	if ((entry & 3) == pages->node_tag)
		return kco_fail(err, KCO_E_CORRUPT, "page cache node %#" PRIx64 " is one too deep", entry);
	ret->kind = LINUX_SLOT_POINTER;
	ret->v = entry;
	if (entry & pages->value_tag) {
		ret->kind = LINUX_SLOT_VALUE;
		ret->v = entry >> pages->value_shift;
	}
	return KCO_OK;
}

/* The page of the folio at @folio that has @index, after its owner @mapping was found to be right. */
static enum kco_status pagecache_page(struct kco_session *s, const struct linux_pages *pages, uint64_t mapping,
				      uint64_t folio, uint64_t index, struct kco_paddr *pa, struct kco_err *err)
{
	uint64_t owner, first, head, tail = 0;
	enum kco_status st = kco_kread_field(s, folio, &pages->compound_head, &head, err);

	if (st)
		return st;
	// Before Linux 6b24ca4a1a8d (v5.17) trees may hold tail pages, each at its own index.
	if (!(head & 1)) {
		st = kco_kread_field(s, folio, &pages->mapping, &owner, err);
		if (!st)
			st = kco_kread_field(s, folio, &pages->index, &first, err);
		if (st)
			return st;
		tail = index - first;
		if (owner != mapping || tail >= PAGECACHE_FOLIO_MAX)
			return kco_fail(err, KCO_E_CORRUPT,
					"the page cache has %#" PRIx64 " at index %#" PRIx64
					", which says that it belongs to %#" PRIx64 " at %#" PRIx64,
					folio, index, owner, first);
	}
	return pagecache_pa(pages, folio, tail, pa, err);
}

enum kco_status linux_mapping_load(struct kco_session *s, const struct linux_pages *pages, uint64_t mapping,
				   uint64_t index, struct linux_slot *slot, struct kco_paddr *pa, struct kco_err *err)
{
	uint64_t head;
	enum kco_status st = kco_kread_field(s, mapping, &pages->root, &head, err);

	if (!st)
		st = linux_tree_load(s, pages, head, index, slot, err);
	if (!st && slot->kind == LINUX_SLOT_POINTER)
		st = pagecache_page(s, pages, mapping, slot->v, index, pa, err);
	return st;
}
