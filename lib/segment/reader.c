// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread's view of an image: its own segment trees and codec over the
 * shared page cache.
 *
 * Bytes come a page at a time. The last pages are kept pinned in a small
 * direct-mapped table, so that walking a structure takes no lock. A page that
 * cannot be read whole (a border of memory, a truncated file, one page frame
 * in a larger unit that was not saved) is not cached: the wanted bytes of it
 * are read directly.
 */
#include <kco/image.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define READER_L1 32

struct reader_slot {
	uint64_t key;
	const uint8_t *data;
	struct kco_cache_page *page; /* pinned; NULL when data is the reader's own page */
};

struct kco_reader {
	struct kco_image *img;
	struct kco_codec *codec;
	uint64_t unit_mask;
	unsigned unit_shift;
	uint64_t hits; /* of slots, not yet told to the cache */
	const struct kco_blank *blanks;
	size_t nr_blanks;
	uint8_t *own; /* for when all pages of the cache are pinned; made when that happens */
	struct kco_segtree trees[2];
	struct reader_slot slots[READER_L1];
};

enum kco_status kco_reader_new(struct kco_image *img, struct kco_reader **ret, struct kco_err *err)
{
	struct kco_reader *rd = calloc(1, sizeof(*rd));
	enum kco_status status;
	uint32_t unit = kco_page_cache_unit(img->cache);

	if (!rd)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	rd->img = img;
	rd->unit_mask = unit - 1;
	rd->unit_shift = (unsigned)__builtin_ctz(unit);
	for (size_t i = 0; i < READER_L1; i++)
		rd->slots[i].key = KCO_PAGE_KEY_NONE;
	rd->codec = kco_codec_new();
	if (!rd->codec) {
		kco_reader_free(rd);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	for (int kind = KCO_PHYS; kind <= KCO_VIRT; kind++) {
		status = kco_segtree_clone(&img->segments[kind], &rd->trees[kind], err);
		if (status != KCO_OK) {
			kco_reader_free(rd);
			return status;
		}
	}
	*ret = rd;
	return KCO_OK;
}

static void reader_slot_clear(struct reader_slot *slot)
{
	if (slot->page)
		kco_page_cache_put(slot->page);
	*slot = (struct reader_slot){ .key = KCO_PAGE_KEY_NONE };
}

void kco_reader_free(struct kco_reader *rd)
{
	if (!rd)
		return;
	for (size_t i = 0; i < READER_L1; i++)
		reader_slot_clear(&rd->slots[i]);
	kco_page_cache_count_hits(rd->img->cache, rd->hits);
	kco_segtree_fini(&rd->trees[KCO_PHYS]);
	kco_segtree_fini(&rd->trees[KCO_VIRT]);
	kco_codec_free(rd->codec);
	free(rd->own);
	free(rd);
}

struct kco_image *kco_reader_image(struct kco_reader *rd)
{
	return rd->img;
}

/* Neighbouring pages (a stack, an array) must not meet in a slot; page tables must not all meet in one. */
static struct reader_slot *reader_slot(struct kco_reader *rd, uint64_t key)
{
	return &rd->slots[(key ^ key >> 6 ^ key >> 13) % READER_L1];
}

/*
 * Without a free page in the cache: fill the reader's own. It backs one slot
 * at a time.
 */
static struct reader_slot *reader_fill_own(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t page_addr,
					   uint64_t key)
{
	size_t unit = (size_t)rd->unit_mask + 1;
	struct reader_slot *slot = reader_slot(rd, key);

	if (!rd->own)
		rd->own = malloc(unit);
	if (!rd->own)
		return NULL;
	for (size_t i = 0; i < READER_L1; i++)
		if (rd->slots[i].data == rd->own)
			reader_slot_clear(&rd->slots[i]);
	if (kco_segtree_read(&rd->trees[kind], rd->codec, page_addr, rd->own, unit, NULL, NULL) != KCO_OK)
		return NULL;
	reader_slot_clear(slot);
	*slot = (struct reader_slot){ .key = key, .data = rd->own };
	return slot;
}

/* The slot with this page, from the cache or the file; NULL when it cannot be had whole. */
static struct reader_slot *reader_fill(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t page_addr, uint64_t key)
{
	struct kco_page_cache *cache = rd->img->cache;
	struct kco_cache_page *page = kco_page_cache_get(cache, key, rd->hits);
	struct reader_slot *slot = reader_slot(rd, key);

	rd->hits = 0;
	if (!page) {
		page = kco_page_cache_reserve(cache, key);
		if (!page)
			return reader_fill_own(rd, kind, page_addr, key);
		// No message: whether the wanted bytes can be read is decided later.
		if (kco_segtree_read(&rd->trees[kind], rd->codec, page_addr, page->data, (size_t)rd->unit_mask + 1,
				     NULL, NULL) != KCO_OK) {
			kco_page_cache_discard(cache, key, page);
			return NULL;
		}
		page = kco_page_cache_publish(cache, key, page);
	}
	reader_slot_clear(slot);
	*slot = (struct reader_slot){ .key = key, .data = page->data, .page = page };
	return slot;
}

/*
 * A part of a page that is not there whole. Pages that the dump's filter left
 * out become zeros when the user asked for it: up to the end of the block, of
 * the segment or of the wish.
 */
static enum kco_status reader_direct(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, uint8_t *buf,
				     size_t n, size_t *done, struct kco_err *err)
{
	struct kco_segtree *tree = &rd->trees[kind];
	uint64_t block_mask = rd->img->facts.block_size - (uint64_t)1;
	enum kco_status status;
	size_t got = 0, part;

	for (;;) {
		const struct kco_segment *seg;
		uint64_t zeros;

		status = kco_segtree_read(tree, rd->codec, addr + got, buf + got, n - got, &part, err);
		got += part;
		if (status != KCO_E_NOT_SAVED || !rd->img->zero_excluded)
			break;
		seg = kco_segtree_find(tree, addr + got);
		if (!seg)
			break;
		zeros = block_mask - ((addr + got) & block_mask);
		if (zeros > seg->last - (addr + got))
			zeros = seg->last - (addr + got);
		if (zeros >= n - got - 1) {
			memset(buf + got, 0, n - got);
			got = n;
			status = KCO_OK;
			break;
		}
		memset(buf + got, 0, (size_t)zeros + 1);
		got += (size_t)zeros + 1;
	}
	*done = got;
	return status;
}

void kco_reader_blank(struct kco_reader *rd, const struct kco_blank *blanks, size_t n)
{
	rd->blanks = blanks;
	rd->nr_blanks = n;
}

/* The first blank that ends at or after @addr. */
static size_t reader_blank_at(const struct kco_reader *rd, uint64_t addr)
{
	size_t lo = 0, hi = rd->nr_blanks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (rd->blanks[mid].last < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool reader_has_blank(const struct kco_reader *rd, uint64_t first, uint64_t last)
{
	size_t i = rd->nr_blanks ? reader_blank_at(rd, first) : 0;

	return i < rd->nr_blanks && rd->blanks[i].first <= last;
}

/* The @n bytes of @addr at @buf, without what is to be blank. */
static void reader_wipe(const struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, uint8_t *buf, size_t n)
{
	if (!rd->nr_blanks || kind != KCO_PHYS || !n)
		return;
	for (size_t i = reader_blank_at(rd, addr); i < rd->nr_blanks && rd->blanks[i].first <= addr + (n - 1); i++) {
		uint64_t first = rd->blanks[i].first > addr ? rd->blanks[i].first : addr;
		uint64_t last = rd->blanks[i].last < addr + (n - 1) ? rd->blanks[i].last : addr + (n - 1);

		memset(buf + (first - addr), 0, (size_t)(last - first) + 1);
	}
}

static enum kco_status reader_fail(enum kco_status status, enum kco_addr_kind kind, uint64_t addr, struct kco_err *err)
{
	kco_context(err, status, "%s address 0x%" PRIx64, kind == KCO_VIRT ? "virtual" : "physical", addr);
	if (err)
		err->addr = addr;
	return status;
}

enum kco_status kco_reader_read_once(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, void *buf, size_t n,
				     size_t *done, struct kco_err *err)
{
	struct kco_image *img = rd->img;
	uint64_t unit = rd->unit_mask + 1;
	size_t got = 0;
	enum kco_status status = n ? reader_direct(rd, kind, addr, buf, n, &got, err) : KCO_OK;

	for (uint64_t at = addr & ~rd->unit_mask; img->touched && got && at < addr + got; at += unit)
		img->touched(img->touched_arg, kind, at, (uint32_t)unit);
	reader_wipe(rd, kind, addr, buf, got);
	if (done)
		*done = got;
	return status == KCO_OK ? KCO_OK : reader_fail(status, kind, addr + got, err);
}

enum kco_status kco_reader_read(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, void *buf, size_t n,
				size_t *done, struct kco_err *err)
{
	struct kco_image *img = rd->img;
	enum kco_status status = KCO_OK;
	size_t got = 0, part;

	while (got < n) {
		uint64_t at = addr + got, in_page = at & rd->unit_mask;
		uint64_t key = kco_page_key(kind, at >> rd->unit_shift);
		struct reader_slot *slot = reader_slot(rd, key);

		if (at < addr) {
			status = kco_fail(err, KCO_E_RANGE, "the address space ends there");
			break;
		}
		part = n - got;
		if (part > rd->unit_mask + 1 - in_page)
			part = (size_t)(rd->unit_mask + 1 - in_page);
		if (slot->key == key)
			rd->hits++;
		else
			slot = reader_fill(rd, kind, at - in_page, key);
		if (slot)
			memcpy((uint8_t *)buf + got, slot->data + in_page, part);
		else
			status = reader_direct(rd, kind, at, (uint8_t *)buf + got, part, &part, err);
		got += part;
		if (img->touched && part)
			img->touched(img->touched_arg, kind, at - in_page, (uint32_t)rd->unit_mask + 1);
		if (status != KCO_OK)
			break;
	}
	reader_wipe(rd, kind, addr, buf, got);
	if (done)
		*done = got;
	return status == KCO_OK ? KCO_OK : reader_fail(status, kind, addr + got, err);
}

enum kco_status kco_pread(struct kco_reader *rd, struct kco_paddr pa, void *buf, size_t n, size_t *done,
			  struct kco_err *err)
{
	return kco_reader_read(rd, KCO_PHYS, pa.v, buf, n, done, err);
}

enum kco_status kco_reader_translate(struct kco_reader *rd, uint64_t va, struct kco_segment_page *ret,
				     struct kco_err *err)
{
	const struct kco_segment *seg = kco_segtree_find(&rd->trees[KCO_VIRT], va);
	struct kco_segment here;

	if (!seg)
		return kco_fail(err, KCO_E_RANGE, "no memory at %#" PRIx64 " in the dump", va);
	if (!seg->ops->translate)
		return kco_fail(err, KCO_E_UNSUPPORTED, "%#" PRIx64 ": this dump does not tell where memory lies", va);
	here = *seg; // a callback that reads turns the tree
	return here.ops->translate(&here, rd->codec, va, ret, err);
}

enum kco_status kco_reader_saved(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr, uint64_t *first,
				 uint64_t *last, struct kco_err *err)
{
	struct kco_segtree *tree = &rd->trees[kind];
	const struct kco_segment *seg = kco_segtree_find(tree, addr);
	enum kco_status status;

	if (!seg)
		seg = kco_segtree_next(tree, addr);
	for (; seg; seg = kco_segtree_next(tree, seg->last + 1)) {
		struct kco_segment here = *seg; // a callback that reads turns the tree

		*first = here.first > addr ? here.first : addr;
		*last = here.last;
		status = here.ops->saved ? here.ops->saved(&here, *first, first, last, err) : KCO_OK;
		if (status != KCO_DONE || here.last == UINT64_MAX)
			return status;
		seg = kco_segtree_find(tree, here.first);
		if (!seg)
			break;
	}
	return KCO_DONE;
}

enum kco_status kco_reader_packed(struct kco_reader *rd, uint64_t addr, void *buf, size_t room, size_t *size,
				  enum kco_codec_id *id, struct kco_err *err)
{
	const struct kco_segment *seg = kco_segtree_find(&rd->trees[KCO_PHYS], addr);
	struct kco_segment here;

	if (!seg || !seg->ops->packed || seg->last - addr < rd->img->facts.block_size - UINT64_C(1))
		return kco_fail(err, KCO_E_UNSUPPORTED, "0x%" PRIx64 " is not stored in blocks", addr);
	if (reader_has_blank(rd, addr, addr + (rd->img->facts.block_size - 1)))
		return kco_fail(err, KCO_E_NOT_SAVED, "parts of 0x%" PRIx64 " are blank", addr);
	here = *seg;
	return here.ops->packed(&here, rd->codec, addr, buf, room, size, id, err);
}

const struct kco_segment *kco_reader_next(struct kco_reader *rd, enum kco_addr_kind kind, uint64_t addr)
{
	return kco_segtree_next(&rd->trees[kind], addr);
}
