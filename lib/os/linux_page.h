// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of Linux's processes: what the files behind kco_page_get() give each other.
 *
 *   linux_page.c          decides what became of a page
 *   linux_x86_64_pte.c    entries that are not present
 *   linux_pagecache.c     struct page; what an address_space holds by index
 *   linux_swap.c          swap areas, the swap cache, swapped pages
 */
#ifndef KCO_OS_LINUX_PAGE_H
#define KCO_OS_LINUX_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/page.h>

#include "linux.h"
#include "linux_x86_64_pte.h"

#define LINUX_PAGE_SIZE UINT64_C(4096)
#define LINUX_PAGE_SHIFT 12

struct linux_swap;

/** How this kernel lays out what leads to pages. One a session, made on first use. */
struct linux_pages {
	struct kco_lazy lazy;
	/* struct page */
	uint64_t vmemmap, struct_page; /* its array's address, its size */
	struct kco_field index, private, compound_head, mapping;
	/* the tree of an address_space */
	struct kco_field root;	     /* its head in struct address_space */
	struct kco_field shift;	     /* of a node */
	uint64_t slots;		     /* offset of a node's array */
	unsigned slot_bits;	     /* log2 of its length */
	uint8_t node_tag, value_tag; /* low two bits of an entry */
	uint64_t value_shift;
	/* what pages are known by */
	uint64_t zero_pa, huge_zero_pa, huge_zero_size; /* 0 unknown */
	uint64_t shmem_aops, hugetlb_aops;
	bool hugetlb_huge_index;	/* hugetlbfs counts huge pages and not small ones */
	struct kco_field vm_ops, a_ops; /* vm_area_struct, address_space; size 0: none */
	bool zero_tried;
	struct linux_swap *swap;
	char why[256]; /* of the last struct kco_page */
};

/** The session's; fails with what the kernel lacks. */
enum kco_status linux_pages_get(struct kco_session *s, struct linux_pages **ret, struct kco_err *err);
void linux_pages_fini(struct kco_session *s);

/* linux_pagecache.c */
/** The layouts; for linux_pages_get(). */
enum kco_status linux_pagecache_init(struct kco_session *s, struct linux_pages *pages, struct kco_err *err);
/** The physical address of the page that the struct page (or struct folio) at @page stands for. */
enum kco_status linux_page_pa(struct kco_session *s, uint64_t page, struct kco_paddr *ret, struct kco_err *err);

/** What an xarray (or radix tree) has at an index. */
struct linux_slot {
	enum { LINUX_SLOT_EMPTY, LINUX_SLOT_POINTER, LINUX_SLOT_VALUE } kind;
	uint64_t v;	/* the pointer, or the value without its tag */
	uint64_t first; /* of the indices that the entry stands for */
};
/** Look @index up in the tree whose head has the value @head. KCO_E_CORRUPT for what is no tree. */
enum kco_status linux_tree_load(struct kco_session *s, const struct linux_pages *pages, uint64_t head, uint64_t index,
				struct linux_slot *ret, struct kco_err *err);
/**
 * What the address_space at @mapping has at @index. @slot as in the tree; when
 * it is a page, @pa is that of the 4096 bytes with this index, and it is
 * certain that the page is @mapping's.
 */
enum kco_status linux_mapping_load(struct kco_session *s, const struct linux_pages *pages, uint64_t mapping,
				   uint64_t index, struct linux_slot *slot, struct kco_paddr *pa, struct kco_err *err);

/* linux_swap.c */
enum linux_swap_kind {
	LINUX_SWAP_AREA,
	LINUX_SWAP_HWPOISON,
	LINUX_SWAP_MIGRATION,
	LINUX_SWAP_DEVICE,	     /* private: nothing that a CPU may read */
	LINUX_SWAP_DEVICE_EXCLUSIVE, /* ordinary memory that a device has borrowed */
	LINUX_SWAP_MARKER,
	LINUX_SWAP_ERROR, /* could not be read back */
};
/** What a swap entry of @type is. */
enum linux_swap_kind linux_swap_kind(struct kco_session *s, struct linux_pages *pages, unsigned type);
/** Fill what is known of the page of a swap area: name, state, where it is. page->swap_type and swap_offset are set. */
void linux_swap_page(struct kco_session *s, struct linux_pages *pages, struct kco_page *page);
/** The same for a value in the tree of shared memory: a swap entry as the kernel's own code has it. */
void linux_swap_value(struct kco_session *s, struct linux_pages *pages, uint64_t value, struct kco_page *page);
/** The bytes of a page that is ZRAM or ZSWAP. */
enum kco_status linux_swap_read(struct kco_session *s, const struct kco_page *page, void *buf, struct kco_err *err);
void linux_swap_free(struct linux_swap *swap);

/* linux_page.c */
/** Its bytes are at page->pa: is that in the dump? Fills the rest, @state if it is. */
void linux_page_at(struct kco_session *s, struct linux_pages *pages, enum kco_page_state state, struct kco_page *page);
void linux_page_zero(struct kco_page *page);
/** The text of an error for page->why. */
const char *linux_page_why(struct linux_pages *pages, const struct kco_err *err);

/* Slots of kco_os_linux_process */
enum kco_status linux_page(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err);
enum kco_status linux_page_read(struct kco_process *p, const struct kco_page *page, void *buf, struct kco_err *err);
/** What the page cache has of a file: @n bytes at @off, which do not cross a border of 4096 bytes. */
enum kco_status linux_file_read(struct kco_session *s, const struct kco_file *file, uint64_t off, void *buf, size_t n,
				struct kco_err *err);

#endif
