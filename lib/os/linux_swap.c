// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Swap: the areas, and where a page that was swapped out is now.
 *
 *   swap entry (type, offset)
 *     swapper_spaces[type]  -> still in memory: the swap cache
 *     swap_info[type]       -> all zeros: zeromap (since Linux 0ca0c24e3211, v6.12)
 *       zswap               -> compressed, in front of every area
 *       bdev                -> zram: compressed; else a disk, which is not in the dump
 *
 * Types from MAX_SWAPFILES on are no areas (include/linux/swap.h). From there
 * they are, each there or not as the kernel was configured:
 *
 *   hwpoison | migration (2 or 3) | device (2 to 4) | pte marker | swap-in error
 *
 * up to type 31. MAX_SWAPFILES is in no symbol or type. It is what is left of 32
 * after what a function of each feature proves to be built in, and it is no
 * more than there is room for in swap_info[], whose end kallsyms shows: the
 * two without such a function are counted from that.
 */
#include "linux_page.h"

#include <inttypes.h>
#include <stdlib.h>

#include "linux_process.h"
#include "linux_zram.h"

#define SWAP_TYPE_SHIFT 58 /* of a swp_entry_t: BITS_PER_XA_VALUE - MAX_SWAPFILES_SHIFT */
#define SWAP_OFFSET_MASK ((UINT64_C(1) << SWAP_TYPE_SHIFT) - 1)
#define SWAP_SPACE_SHIFT 14 /* SWAP_ADDRESS_SPACE_SHIFT: pages of one address_space */
#define SWAP_BLKDEV UINT64_C(0x40)
#define SWAP_FOLIO_MAX 512
#define SWAP_EXTENTS_DEPTH 128 /* steps down a tree of extents */

struct swap_area {
	struct kco_lazy lazy;
	uint64_t flags, max, bdev, zeromap, extents;
	const char *name;
};

struct linux_swap {
	unsigned max; /* MAX_SWAPFILES, and what comes from it on: */
	unsigned migration, device, device_shared, marker, error;
	uint64_t info, spaces, nr_spaces; /* arrays; 0 unknown */
	uint64_t space_size;
	struct kco_field flags, area_max, bdev, file, zeromap, extents; /* size 0: none */
	struct swap_area areas[LINUX_SWAP_TYPES];
};

void linux_swap_free(struct linux_swap *swap)
{
	free(swap);
}

static bool swap_has(struct kco_session *s, const char *name)
{
	struct kco_symbol sym;

	return !kco_symbols_by_name(s->symbols, name, &sym, NULL);
}

/* How many areas swap_info[] has room for. */
static unsigned swap_room(struct kco_session *s)
{
	struct kco_symbol sym;
	struct kco_type type;
	struct kco_type_info info;

	// DWARF (and the BTF of newer tools) has the array itself.
	if (!kco_types_variable(s->types, "swap_info", &type, NULL) && !kco_type_info(type, &info, NULL) &&
	    info.kind == KCO_TYPE_ARRAY && info.nr_elements <= LINUX_SWAP_TYPES)
		return (unsigned)info.nr_elements;
	if (kco_symbols_by_name(s->symbols, "swap_info", &sym, NULL) || !sym.size || sym.size / 8 > LINUX_SWAP_TYPES)
		return LINUX_SWAP_TYPES;
	return (unsigned)(sym.size / 8);
}

static void swap_types(struct kco_session *s, struct linux_swap *swap)
{
	unsigned poison = swap_has(s, "memory_failure"), migration = 0, device = 0, proved, room = swap_room(s);
	int64_t value;

	// Since Linux 6c287605fd56 (v5.19), with PG_anon_exclusive, "read exclusive" is a third.
	if (swap_has(s, "migrate_pages"))
		migration = kco_types_enumerator(s->types, "PG_anon_exclusive", &value, NULL) ? 2 : 3;
	swap->device_shared = 2;			// of these, private memory comes first
	if (swap_has(s, "make_device_exclusive_range")) // since Linux b756a3b5e7ea (v5.14)
		device = 4;
	else if (swap_has(s, "make_device_exclusive")) // one type for both since Linux c25465eb7630 (v6.15)
		device = 3;
	else if (swap_has(s, "device_private_entry_fault"))
		device = 2;
	proved = poison + migration + device;
	swap->max = LINUX_SWAP_TYPES - proved;
	if (room < swap->max && swap->max - room <= 2)
		swap->max = room;
	swap->migration = swap->max + poison;
	swap->device = swap->migration + migration;
	swap->device_shared += swap->device;
	swap->marker = swap->device + device;
	// v5.19 to v6.1 only; since, a marker says it.
	swap->error = swap->marker + 1;
}

static struct linux_swap *swap_get(struct kco_session *s, struct linux_pages *pages)
{
	struct linux_swap *swap = pages->swap;

	if (swap)
		return swap;
	pages->swap = swap = calloc(1, sizeof(*swap));
	if (!swap)
		return NULL;
	swap_types(s, swap);
	// What is not there costs what it leads to, and no more.
	if (os_symbol(s, &swap->info, NULL, "swap_info", NULL))
		swap->info = 0;
	if (os_symbol(s, &swap->spaces, NULL, "swapper_spaces", NULL) ||
	    os_symbol(s, &swap->nr_spaces, NULL, "nr_swapper_spaces", NULL) ||
	    kco_types_sizeof(s->types, "address_space", &swap->space_size, NULL))
		swap->spaces = 0;
	if (os_field(s, "swap_info_struct", &swap->flags, NULL, "flags", NULL) ||
	    os_field(s, "swap_info_struct", &swap->area_max, NULL, "max", NULL) ||
	    os_field(s, "swap_info_struct", &swap->bdev, NULL, "bdev", NULL) ||
	    os_field(s, "swap_info_struct", &swap->file, NULL, "swap_file", NULL))
		swap->info = 0;
	if (os_field(s, "swap_info_struct", &swap->zeromap, NULL, "zeromap", NULL))
		swap->zeromap.size = 0;
	if (os_field(s, "swap_info_struct", &swap->extents, NULL, "swap_extent_root.rb_node", NULL))
		swap->extents.size = 0;
	return swap;
}

enum linux_swap_kind linux_swap_kind(struct kco_session *s, struct linux_pages *pages, unsigned type)
{
	struct linux_swap *swap = swap_get(s, pages);

	if (!swap || type < swap->max)
		return LINUX_SWAP_AREA;
	if (type < swap->migration)
		return LINUX_SWAP_HWPOISON;
	if (type < swap->device)
		return LINUX_SWAP_MIGRATION;
	if (type < swap->marker)
		return type < swap->device_shared ? LINUX_SWAP_DEVICE : LINUX_SWAP_DEVICE_EXCLUSIVE;
	return type == swap->marker ? LINUX_SWAP_MARKER : LINUX_SWAP_ERROR;
}

static enum kco_status swap_area_load(struct kco_session *s, struct linux_swap *swap, unsigned type,
				      struct swap_area *area)
{
	struct kco_err *err = &area->lazy.err;
	const struct kco_file *file;
	uint64_t addr = 0, file_addr = 0;
	enum kco_status st;

	if (!swap->info)
		return kco_fail(err, KCO_E_NOSYM, "this kernel has no swap_info");
	st = kco_kread_uint(s, swap->info + UINT64_C(8) * type, 8, &addr, err);
	if (!st && !addr)
		st = kco_fail(err, KCO_E_CORRUPT, "there is no swap area %u", type);
	if (!st)
		st = kco_kread_field(s, addr, &swap->flags, &area->flags, err);
	if (!st)
		st = kco_kread_field(s, addr, &swap->area_max, &area->max, err);
	if (!st)
		st = kco_kread_field(s, addr, &swap->bdev, &area->bdev, err);
	if (!st)
		st = kco_kread_field(s, addr, &swap->file, &file_addr, err);
	if (!st && swap->zeromap.size)
		st = kco_kread_field(s, addr, &swap->zeromap, &area->zeromap, err);
	if (!st && swap->extents.size)
		st = kco_kread_field(s, addr, &swap->extents, &area->extents, err);
	if (st)
		return kco_context(err, st, "swap area %u", type);
	if (file_addr && !linux_file(s, file_addr, &file, NULL))
		area->name = file->path;
	return KCO_OK;
}

static enum kco_status swap_area_lazy(struct kco_session *s, struct linux_swap *swap, unsigned type,
				      struct kco_err *err)
{
	struct swap_area *area = &swap->areas[type];

	KCO_LAZY(area->lazy, swap_area_load(s, swap, type, area), err);
}

/* Is page (@type, @offset) in the address_space at @space under @index? The page must say that it is this one. */
static bool swap_cache_try(struct kco_session *s, const struct linux_pages *pages, uint64_t space, uint64_t index,
			   uint64_t entry, struct kco_paddr *pa)
{
	struct linux_slot slot;
	uint64_t head, private;

	if (kco_kread_field(s, space, &pages->root, &head, NULL) ||
	    linux_tree_load(s, pages, head, index, &slot, NULL) || slot.kind != LINUX_SLOT_POINTER ||
	    kco_kread_field(s, slot.v, &pages->private, &private, NULL) || entry - private >= SWAP_FOLIO_MAX ||
	    linux_page_pa(s, slot.v, pa, NULL))
		return false;
	pa->v += (entry - private) << LINUX_PAGE_SHIFT;
	return true;
}

static bool swap_cache(struct kco_session *s, const struct linux_pages *pages, const struct linux_swap *swap,
		       unsigned type, uint64_t offset, struct kco_paddr *pa)
{
	uint64_t spaces, nr, at = offset >> SWAP_SPACE_SHIFT, entry = (uint64_t)type << SWAP_TYPE_SHIFT | offset;

	if (!swap->spaces || kco_kread_uint(s, swap->spaces + UINT64_C(8) * type, 8, &spaces, NULL) || !spaces ||
	    kco_kread_uint(s, swap->nr_spaces + UINT64_C(4) * type, 4, &nr, NULL) || at >= nr)
		return false;
	spaces += at * swap->space_size;
	// In newer kernels each of the spaces counts from 0.
	return swap_cache_try(s, pages, spaces, offset & ((UINT64_C(1) << SWAP_SPACE_SHIFT) - 1), entry, pa) ||
	       swap_cache_try(s, pages, spaces, offset, entry, pa);
}

static bool swap_zero(struct kco_session *s, const struct swap_area *area, uint64_t offset)
{
	uint64_t byte;

	return area->zeromap && !kco_kread_uint(s, area->zeromap + offset / 8, 1, &byte, NULL) &&
	       byte >> (offset & 7) & 1;
}

/* Which page of the device has page *@offset of the area: by the extents of a swap file, sorted by start_page. */
static bool swap_block(struct kco_session *s, const struct swap_area *area, uint64_t *offset)
{
	struct kco_field start, count, block, left, right;
	uint64_t node = area->extents, first, n, at;

	// A device's only extent is all of it.
	if (area->flags & SWAP_BLKDEV)
		return true;
	// Since Linux 4efaceb1c5f8 (v5.3) extents are in a tree; the list before it is not looked at.
	if (os_field(s, "swap_extent", &start, NULL, "start_page", NULL) ||
	    os_field(s, "swap_extent", &count, NULL, "nr_pages", NULL) ||
	    os_field(s, "swap_extent", &block, NULL, "start_block", NULL) ||
	    os_field(s, "swap_extent", &left, NULL, "rb_node.rb_left", NULL) ||
	    os_field(s, "swap_extent", &right, NULL, "rb_node.rb_right", NULL))
		return false;
	// rb_node is the first member, so that nodes are extents.
	for (unsigned depth = 0; node && depth < SWAP_EXTENTS_DEPTH; depth++) {
		if (kco_kread_field(s, node, &start, &first, NULL) || kco_kread_field(s, node, &count, &n, NULL) ||
		    kco_kread_field(s, node, &block, &at, NULL))
			return false;
		if (*offset >= first && *offset - first < n) {
			if (at > UINT64_MAX - (*offset - first))
				return false; // around the end it would be another page
			*offset = at + (*offset - first);
			return true;
		}
		if (kco_kread_field(s, node, *offset < first ? &left : &right, &node, NULL))
			return false;
	}
	return false;
}

/* Is the page compressed somewhere? KCO_DONE: no. Both the allocators and the codecs are asked only for its bytes. */
static enum kco_status swap_compressed(struct kco_session *s, const struct swap_area *area, const struct kco_page *page,
				       enum kco_page_state *state, struct linux_zpage *zp, struct kco_err *err)
{
	uint64_t block = page->swap_offset;
	enum kco_status st = linux_zswap_find(s, page->swap_type, page->swap_offset, zp, err);

	*state = KCO_PAGE_ZSWAP;
	if (st != KCO_DONE)
		return st;
	*state = KCO_PAGE_ZRAM;
	return area->bdev && swap_block(s, area, &block) ? linux_zram_find(s, area->bdev, block, zp, err) : KCO_DONE;
}

static void swap_stored(struct kco_session *s, struct linux_pages *pages, const struct swap_area *area,
			struct kco_page *page)
{
	struct kco_err err = KCO_ERR_INIT;
	enum kco_page_state state;
	struct linux_zpage zp;
	enum kco_status st = swap_compressed(s, area, page, &state, &zp, &err);

	if (st == KCO_DONE)
		return;
	page->status = st;
	page->why = NULL;
	// What zram wrote back is on a disk like any other.
	if (st != KCO_E_SWAPPED)
		page->state = state;
	if (st) {
		page->why = linux_page_why(pages, &err);
		return;
	}
	page->readable = true;
	page->codec = zp.codec;
}

enum kco_status linux_swap_read(struct kco_session *s, const struct kco_page *page, void *buf, struct kco_err *err)
{
	struct linux_swap *swap = swap_get(s, linux_of(s)->pages);
	enum kco_page_state state;
	struct linux_zpage zp;
	enum kco_status st;

	if (!swap || page->swap_type >= LINUX_SWAP_TYPES)
		return kco_fail(err, KCO_E_BUG, "no swap area %u", page->swap_type);
	st = swap_area_lazy(s, swap, page->swap_type, err);
	if (!st)
		st = swap_compressed(s, &swap->areas[page->swap_type], page, &state, &zp, err);
	if (st == KCO_DONE)
		return kco_fail(err, KCO_E_SWAPPED, "it is in a swap area, which the dump does not hold");
	return st ? st : linux_zpage_read(s, &zp, buf, err);
}

void linux_swap_page(struct kco_session *s, struct linux_pages *pages, struct kco_page *page)
{
	struct linux_swap *swap = swap_get(s, pages);
	unsigned type = page->swap_type;
	struct swap_area *area;
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st;

	page->state = KCO_PAGE_SWAP_FILE;
	page->status = KCO_E_SWAPPED;
	page->why = "it is in a swap area, which the dump does not hold";
	if (!swap || type >= LINUX_SWAP_TYPES)
		return;
	area = &swap->areas[type];
	st = swap_area_lazy(s, swap, type, &err);
	if (!st)
		page->swap_name = area->name;
	if (!st && page->swap_offset >= area->max)
		st = kco_fail(&err, KCO_E_CORRUPT, "swap area %u has %" PRIu64 " pages, this would be page %" PRIu64,
			      type, area->max, page->swap_offset);
	if (st) {
		page->state = KCO_PAGE_UNKNOWN;
		page->status = st;
		page->why = linux_page_why(pages, &err);
	} else if (swap_cache(s, pages, swap, type, page->swap_offset, &page->pa)) {
		linux_page_at(s, pages, KCO_PAGE_SWAP_CACHE, page);
	} else if (swap_zero(s, area, page->swap_offset)) {
		linux_page_zero(page);
	} else {
		swap_stored(s, pages, area, page);
	}
}

void linux_swap_value(struct kco_session *s, struct linux_pages *pages, uint64_t value, struct kco_page *page)
{
	page->swap_type = (unsigned)(value >> SWAP_TYPE_SHIFT) % LINUX_SWAP_TYPES;
	page->swap_offset = value & SWAP_OFFSET_MASK;
	if (linux_swap_kind(s, pages, page->swap_type) == LINUX_SWAP_AREA) {
		linux_swap_page(s, pages, page);
		return;
	}
	// Poison, or an error on the way back: what was there is gone.
	page->state = KCO_PAGE_POISONED;
	page->status = KCO_E_SWAPPED;
	page->why = "its memory is broken, or could not be read back from swap";
}
