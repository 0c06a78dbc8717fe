// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of a page of a process.
 *
 *   page tables -> present              in the dump, excluded from it, beyond it; the zero page
 *               -> not present          PROT_NONE, a swap entry, or what looks like one
 *               -> empty -> the area    none: unmapped
 *                                       anonymous: never written, zeros
 *                                       a file: its page cache, --sysroot
 *                                       the kernel's own (vdso): where the kernel has it
 *
 * Private mappings of files show the file's page until one is written, which
 * puts a copy into the page tables (or into swap): what they do not have is the
 * file's.
 */
#include "linux_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux_process.h"

#define PAGE_MIGRATION_BITS(levels) ((levels) == 5 ? 52 - 12 : 46 - 12) /* MAX_PHYSMEM_BITS - PAGE_SHIFT */
/* enum of include/linux/swapops.h: why there is a marker in place of an entry */
#define PAGE_MARKER_UFFD_WP (1u << 0)
#define PAGE_MARKER_POISONED (1u << 1)

/* The zero pages: read-only, and shared by all that was read and never written. */
static void page_zero_pages(struct kco_session *s, struct linux_pages *pages)
{
	struct kco_paddr pa;
	uint64_t addr, v;

	if (!os_symbol(s, &addr, NULL, "empty_zero_page", NULL) &&
	    !kco_translate(s->mem, &s->kernel, addr, &pa, NULL, NULL))
		pages->zero_pa = pa.v;
	// Since Linux 3b77e8c8cde5 (v5.13) huge_zero_pfn; it is -1 as long as there is none.
	if (!os_variable(s, "huge_zero_pfn", 8, &v, NULL)) {
		if (v < UINT64_MAX >> LINUX_PAGE_SHIFT)
			pages->huge_zero_pa = v << LINUX_PAGE_SHIFT;
	} else if (!os_variable(s, "huge_zero_page", 8, &v, NULL) && v && !linux_page_pa(s, v, &pa, NULL)) {
		pages->huge_zero_pa = pa.v;
	}
}

static enum kco_status page_init(struct kco_session *s, struct linux_pages *pages)
{
	struct kco_err *err = &pages->lazy.err;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);
	uint64_t addr;

	if (!st)
		st = linux_pagecache_init(s, pages, err);
	if (st)
		return st;
	if (os_symbol(s, &pages->shmem_aops, NULL, "shmem_aops", NULL))
		pages->shmem_aops = 0;
	if (os_symbol(s, &pages->hugetlb_aops, NULL, "hugetlbfs_aops", NULL))
		pages->hugetlb_aops = 0;
	// Linux a08c7193e4f1 (v6.7) took this away, and made hugetlbfs count as all others do.
	pages->hugetlb_huge_index = !os_symbol(s, &addr, NULL, "hugetlb_basepage_index", "__basepage_index", NULL);
	if (os_field(s, "vm_area_struct", &pages->vm_ops, NULL, "vm_ops", NULL))
		pages->vm_ops.size = 0;
	if (os_field(s, "address_space", &pages->a_ops, NULL, "a_ops", NULL))
		pages->a_ops.size = 0;
	return KCO_OK;
}

static enum kco_status page_lazy(struct kco_session *s, struct linux_pages *pages, struct kco_err *err)
{
	KCO_LAZY(pages->lazy, page_init(s, pages), err);
}

enum kco_status linux_pages_get(struct kco_session *s, struct linux_pages **ret, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);
	enum kco_status st;

	if (!os->pages)
		os->pages = calloc(1, sizeof(*os->pages));
	if (!os->pages)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = page_lazy(s, os->pages, err);
	if (!st && !os->pages->zero_tried) {
		os->pages->zero_tried = true; // needs the rest
		page_zero_pages(s, os->pages);
	}
	*ret = os->pages;
	return st;
}

void linux_pages_fini(struct kco_session *s)
{
	struct linux_pages *pages = linux_of(s)->pages;

	if (!pages)
		return;
	linux_swap_free(pages->swap);
	free(pages);
}

const char *linux_page_why(struct linux_pages *pages, const struct kco_err *err)
{
	snprintf(pages->why, sizeof(pages->why), "%s", err->msg);
	return pages->why;
}

static void page_lost(struct kco_page *page, enum kco_page_state state, enum kco_status status, const char *why)
{
	page->state = state;
	page->readable = false;
	page->status = status;
	page->why = why;
}

void linux_page_zero(struct kco_page *page)
{
	page->state = KCO_PAGE_ZERO;
	page->readable = true;
	page->status = KCO_OK;
	page->why = NULL;
}

void linux_page_at(struct kco_session *s, struct linux_pages *pages, enum kco_page_state state, struct kco_page *page)
{
	struct kco_err err = KCO_ERR_INIT;
	uint8_t byte;
	enum kco_status st = kco_pread(kco_mem_reader(s->mem), page->pa, &byte, 1, NULL, &err);

	page->state = state;
	page->readable = !st;
	page->status = st;
	page->why = NULL;
	if (!st)
		return;
	page->why = linux_page_why(pages, &err);
	if (st == KCO_E_NOT_SAVED)
		page->state = KCO_PAGE_NOT_SAVED;
	else if (page->vma && page->vma->flags & KCO_VMA_IO)
		page->state = KCO_PAGE_DEVICE;
	else if (st == KCO_E_RANGE || st == KCO_E_TRUNCATED)
		page->state = KCO_PAGE_BEYOND;
	else
		page->state = KCO_PAGE_UNKNOWN; // the dump itself is broken there
}

static bool page_is_zero_page(const struct linux_pages *pages, const struct kco_page *page)
{
	uint64_t in = page->pa.v - pages->huge_zero_pa;

	return (pages->zero_pa && page->pa.v == pages->zero_pa) ||
	       (pages->huge_zero_pa && in < page->size && page->size > LINUX_PAGE_SIZE);
}

/* The size of a page of the hugetlbfs that @file is on: the block size of its super block. */
static uint64_t page_huge_size(struct kco_session *s, const struct kco_file *file)
{
	struct kco_field blkbits;
	uint64_t bits;

	if (!os_field(s, "inode", &blkbits, NULL, "i_blkbits", NULL) && file->inode_addr &&
	    !kco_kread_field(s, file->inode_addr, &blkbits, &bits, NULL) && bits > LINUX_PAGE_SHIFT && bits <= 34)
		return UINT64_C(1) << bits;
	return UINT64_C(2) << 20;
}

/* The page at page->file_offset of @file. */
static void page_of_file(struct kco_session *s, struct linux_pages *pages, const struct kco_file *file,
			 struct kco_page *page)
{
	struct kco_err err = KCO_ERR_INIT;
	uint64_t ops = 0, below = 0, index = page->file_offset >> LINUX_PAGE_SHIFT;
	struct linux_slot slot;
	enum kco_status st;

	if (pages->lazy.err.code) {
		page_lost(page, KCO_PAGE_UNKNOWN, pages->lazy.err.code, linux_page_why(pages, &pages->lazy.err));
		return;
	}
	if (pages->a_ops.size && kco_kread_field(s, file->mapping, &pages->a_ops, &ops, NULL))
		ops = 0;
	if (ops && ops == pages->hugetlb_aops && pages->hugetlb_huge_index) {
		uint64_t small = page_huge_size(s, file) >> LINUX_PAGE_SHIFT;

		below = index % small;
		index /= small;
	}
	st = linux_mapping_load(s, pages, file->mapping, index, &slot, &page->pa, &err);
	if (st) {
		page_lost(page, KCO_PAGE_UNKNOWN, st, linux_page_why(pages, &err));
	} else if (slot.kind == LINUX_SLOT_POINTER) {
		page->pa.v += below << LINUX_PAGE_SHIFT;
		linux_page_at(s, pages, KCO_PAGE_CACHE, page);
	} else if (page->file_offset >= file->size) {
		page_lost(page, KCO_PAGE_FILE, KCO_E_UNMAPPED,
			  "it is beyond the end of its file: touching it is a bus error");
	} else if (slot.kind == LINUX_SLOT_VALUE && ops && ops == pages->shmem_aops) {
		linux_swap_value(s, pages, slot.v + (index - slot.first), page);
	} else if (ops && (ops == pages->shmem_aops || ops == pages->hugetlb_aops)) {
		linux_page_zero(page); // a hole: there is nothing else that it could hold
	} else {
		page_lost(page, KCO_PAGE_FILE, KCO_E_NOT_SAVED, "it is not in the page cache");
	}
}

/* The vdso, as the kernel has it in its own image: struct vdso_image of the address space. */
static bool page_vdso(struct kco_process *p, uint64_t va, struct kco_paddr *pa)
{
	struct kco_session *s = p->session;
	struct kco_field at, image, data, size;
	uint64_t start, addr, bytes, n;

	if (os_field(s, "mm_struct", &at, NULL, "context.vdso", NULL) ||
	    os_field(s, "mm_struct", &image, NULL, "context.vdso_image", NULL) ||
	    os_field(s, "vdso_image", &data, NULL, "data", NULL) ||
	    os_field(s, "vdso_image", &size, NULL, "size", NULL) || kco_kread_field(s, p->mm, &at, &start, NULL) ||
	    kco_kread_field(s, p->mm, &image, &addr, NULL) || !addr || kco_kread_field(s, addr, &data, &bytes, NULL) ||
	    kco_kread_field(s, addr, &size, &n, NULL))
		return false;
	return va >= start && va - start < n &&
	       !kco_translate(s->mem, &s->kernel, bytes + (va - start), pa, NULL, NULL);
}

static bool page_is_anonymous(struct kco_session *s, const struct linux_pages *pages, const struct kco_vma *vma)
{
	uint64_t ops;

	if (!vma->file)
		return true;
	// A private mapping of /dev/zero has a file, and yet is anonymous (vma_is_anonymous()).
	return vma->addr && pages->vm_ops.size && !kco_kread_field(s, vma->addr, &pages->vm_ops, &ops, NULL) && !ops;
}

/* The page tables have nothing: it is as its area says. */
static void page_empty(struct kco_process *p, struct linux_pages *pages, struct kco_page *page)
{
	const struct kco_vma *vma = page->vma;

	if (!vma) {
		page_lost(page, KCO_PAGE_UNMAPPED, KCO_E_UNMAPPED, "no area holds it");
	} else if (vma->kind == KCO_VMA_VDSO) {
		if (page_vdso(p, page->va, &page->pa))
			linux_page_at(p->session, pages, KCO_PAGE_CACHE, page);
		else
			page_lost(page, KCO_PAGE_UNKNOWN, KCO_E_UNMAPPED,
				  "it is the kernel's own, and this process never touched it");
	} else if (page_is_anonymous(p->session, pages, vma)) {
		linux_page_zero(page);
	} else if (vma->flags & KCO_VMA_IO) {
		page_lost(page, KCO_PAGE_DEVICE, KCO_E_RANGE, "it is a device's");
	} else if (!vma->file->mapping) {
		page_lost(page, KCO_PAGE_UNKNOWN, KCO_E_UNMAPPED, "its file's page cache is not known");
	} else {
		page_of_file(p->session, pages, vma->file, page);
	}
}

/* Where an entry for page->size bytes at @base puts the 4096 bytes at page->va. */
static struct kco_paddr page_part(const struct kco_page *page, uint64_t base)
{
	return KCO_PADDR(base + (page->va & (page->size - 1)));
}

/* An entry that is a swap entry by its form. */
static void page_swap_entry(struct kco_process *p, struct linux_pages *pages, const struct linux_entry *entry,
			    struct kco_page *page)
{
	struct kco_session *s = p->session;
	uint64_t pfn = entry->swap_offset & ((UINT64_C(1) << PAGE_MIGRATION_BITS(linux_of(s)->levels)) - 1);

	switch (linux_swap_kind(s, pages, entry->swap_type)) {
	case LINUX_SWAP_AREA:
		page->swap_type = entry->swap_type;
		page->swap_offset = entry->swap_offset + ((page->va & (page->size - 1)) >> LINUX_PAGE_SHIFT);
		linux_swap_page(s, pages, page);
		return;
	case LINUX_SWAP_MIGRATION:
		page->pa = page_part(page, pfn << LINUX_PAGE_SHIFT);
		linux_page_at(s, pages, KCO_PAGE_MIGRATION, page);
		return;
	case LINUX_SWAP_DEVICE_EXCLUSIVE:
		page->pa = page_part(page, pfn << LINUX_PAGE_SHIFT);
		linux_page_at(s, pages, KCO_PAGE_PRESENT, page);
		return;
	case LINUX_SWAP_DEVICE:
		page_lost(page, KCO_PAGE_DEVICE, KCO_E_RANGE, "it is in a device's own memory");
		return;
	case LINUX_SWAP_HWPOISON:
		page_lost(page, KCO_PAGE_POISONED, KCO_E_UNMAPPED, "its memory is broken (hardware poison)");
		return;
	case LINUX_SWAP_ERROR:
		page_lost(page, KCO_PAGE_POISONED, KCO_E_SWAPPED, "it could not be read back from swap");
		return;
	case LINUX_SWAP_MARKER:
		break;
	}
	if (entry->swap_offset & ~(uint64_t)PAGE_MARKER_UFFD_WP)
		page_lost(page, KCO_PAGE_POISONED, KCO_E_UNMAPPED,
			  entry->swap_offset & PAGE_MARKER_POISONED ? "it was lost, and is marked as poisoned"
								    : "it is a guard page");
	else
		page_empty(p, pages, page); // only a note that it was write-protected when it was there
}

/* The walk ended at @step, whose entry is not present and not empty. */
static void page_not_present(struct kco_process *p, struct linux_pages *pages, const struct kco_walk_step *step,
			     struct kco_page *page)
{
	const struct linux_variant *variant = linux_of(p->session)->variant;
	struct linux_entry (*decode)(uint64_t, unsigned, uint64_t) =
		variant && variant->entry ? variant->entry : linux_x86_64_entry;
	struct linux_entry entry = decode(step->entry, step->level, p->space.addr_mask);

	page->size = LINUX_PAGE_SIZE << (9 * (step->level - 1));
	if (!entry.present) {
		page_swap_entry(p, pages, &entry, page);
		return;
	}
	page->pa = page_part(page, entry.pa.v);
	linux_page_at(p->session, pages, KCO_PAGE_PROTNONE, page);
}

static void page_present(struct kco_process *p, struct linux_pages *pages, struct kco_page *page)
{
	linux_page_at(p->session, pages, KCO_PAGE_PRESENT, page);
	if (!page_is_zero_page(pages, page))
		return;
	// Read or not, it is known what is in it.
	linux_page_zero(page);
}

enum kco_status linux_page(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_err why = KCO_ERR_INIT;
	struct kco_walk walk = { 0 };
	struct linux_pages *pages;
	const struct kco_walk_step *last;
	enum kco_status st = linux_pages_get(s, &pages, err);

	if (st == KCO_E_NOMEM)
		return st;
	*ret = (struct kco_page){ .va = va & ~(LINUX_PAGE_SIZE - 1), .size = LINUX_PAGE_SIZE };
	ret->vma = kco_vma_at(p, va);
	if (ret->vma && ret->vma->file)
		ret->file_offset = ret->vma->offset + (ret->va - ret->vma->start);
	if (p->pid && va >> 63 && !ret->vma) {
		page_lost(ret, KCO_PAGE_UNMAPPED, KCO_E_UNMAPPED, "it is an address of the kernel");
		return KCO_OK;
	}
	if (!p->space.form) {
		page_lost(ret, KCO_PAGE_UNMAPPED, KCO_E_UNMAPPED, "the process has no address space");
		return KCO_OK;
	}
	st = kco_translate(s->mem, &p->space, ret->va, &ret->pa, &walk, &why);
	last = walk.nr_steps ? &walk.steps[walk.nr_steps - 1] : NULL;
	if (last)
		ret->pte = last->entry;
	if (!st) {
		ret->size = walk.page_size;
		page_present(p, pages, ret);
	} else if (last && last->kind == KCO_PTE_EMPTY && st == KCO_E_UNMAPPED) {
		page_empty(p, pages, ret);
	} else if (last && last->kind == KCO_PTE_NOT_PRESENT && st == KCO_E_SWAPPED) {
		page_not_present(p, pages, last, ret);
	} else {
		page_lost(ret, st == KCO_E_UNMAPPED && !last ? KCO_PAGE_UNMAPPED : KCO_PAGE_UNKNOWN, st,
			  linux_page_why(pages, &why));
	}
	return KCO_OK;
}

static enum kco_status page_bytes(struct kco_session *s, const struct kco_page *page, void *buf, struct kco_err *err)
{
	if (page->state == KCO_PAGE_ZERO) {
		memset(buf, 0, LINUX_PAGE_SIZE);
		return KCO_OK;
	}
	if (page->state == KCO_PAGE_ZRAM || page->state == KCO_PAGE_ZSWAP)
		return linux_swap_read(s, page, buf, err);
	return kco_pread(kco_mem_reader(s->mem), page->pa, buf, LINUX_PAGE_SIZE, NULL, err);
}

enum kco_status linux_page_read(struct kco_process *p, const struct kco_page *page, void *buf, struct kco_err *err)
{
	return page_bytes(p->session, page, buf, err);
}

enum kco_status linux_file_read(struct kco_session *s, const struct kco_file *file, uint64_t off, void *buf, size_t n,
				struct kco_err *err)
{
	struct kco_page page = { .file_offset = off & ~(LINUX_PAGE_SIZE - 1), .size = LINUX_PAGE_SIZE };
	uint64_t in = off - page.file_offset;
	uint8_t bytes[LINUX_PAGE_SIZE];
	struct linux_pages *pages;
	enum kco_status st = linux_pages_get(s, &pages, err);

	if (st)
		return st;
	if (off >= file->size || n > file->size - off)
		return kco_fail(err, KCO_E_RANGE, "%s ends at %#" PRIx64, file->path, file->size);
	if (n > LINUX_PAGE_SIZE - in)
		return kco_fail(err, KCO_E_BUG, "%zu bytes at %#" PRIx64 " of a file are in two pages", n, off);
	if (!file->mapping)
		return kco_fail(err, KCO_E_UNMAPPED, "the page cache of %s is not known", file->path);
	page_of_file(s, pages, file, &page);
	st = page.readable ? page_bytes(s, &page, bytes, err)
	     : page.state == KCO_PAGE_FILE
		     ? kco_fail(err, KCO_E_UNMAPPED, "%s at %#" PRIx64 " is not in memory", file->path,
				page.file_offset)
		     : kco_fail(err, page.status, "%s at %#" PRIx64 ": %s", file->path, page.file_offset, page.why);
	if (!st)
		memcpy(buf, bytes + in, n);
	return st;
}
