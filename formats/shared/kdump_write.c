// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kdump-compressed v6 file: 64-bit ABI, one shared page of zeros. Layout in
 * kdump_header.h.
 *
 *   header | sub header, notes, eraseinfo | bitmap 1 | bitmap 2 | descriptors | data
 *
 * Bitmap 1 (what is RAM) comes from the source image, its segments or, when it
 * is a kdump file itself, its bitmap 1: a page that is RAM but not written reads
 * "not saved" in the result and not "no memory".
 * Three passes over the wanted memory (highest, bitmap, data), so that memory
 * stays at one bitmap chunk however large the dump is.
 *
 * A file of a split set has the same but for the sub header, which says whose
 * pages it has, and the descriptors and data, which are of those only.
 */
#include "kdump_write.h"

#include "kdump_writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KDUMP_BITMAP_PIECE 4096u /* bytes of a bitmap that are made at a time */
#define KDUMP_PIECE_BITS (UINT64_C(8) * KDUMP_BITMAP_PIECE)

/* How many pages are wanted. Whoever splits a dump has counted them for all its files. */
static enum kco_status kdump_count(struct kco_kdump_writer *w, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	struct kco_write_run run;
	uint64_t addr = 0;

	if (w->src->part) {
		w->all = w->src->part->all;
		w->count = w->src->part->blocks;
		return KCO_OK;
	}
	while ((status = w->src->next(w->src->arg, addr, true, &run, err)) == KCO_OK) {
		w->count += (run.last - run.first + 1) >> __builtin_ctz(w->block_size);
		addr = run.last + 1;
		if (!addr)
			break;
	}
	w->all = w->count;
	return status == KCO_DONE || status == KCO_OK ? KCO_OK : kco_context(err, status, "listing the pages to write");
}

/* How many pages are wanted, and where does the last of RAM end, which they lie in? */
static enum kco_status kdump_survey(struct kco_kdump_writer *w, struct kco_err *err)
{
	unsigned shift = (unsigned)__builtin_ctz(w->block_size);
	enum kco_status status = kdump_count(w, err);
	const struct kco_segment *seg;
	uint64_t addr = 0;

	while (status == KCO_OK && (seg = kco_segtree_next(&w->ram, addr))) {
		uint64_t end = (seg->last >> shift) + 1;

		if (end > w->max_mapnr)
			w->max_mapnr = end;
		if (seg->last == UINT64_MAX)
			break;
		addr = seg->last + 1;
	}
	if (status != KCO_OK)
		return status;
	if (w->max_mapnr > UINT64_C(1) << (52 - shift))
		return kco_fail(err, KCO_E_RANGE, "a kdump file cannot hold page frame %#" PRIx64, w->max_mapnr - 1);
	w->end_pfn = w->max_mapnr;
	if (w->src->part) {
		w->start_pfn = w->src->part->first >> shift;
		if (w->src->part->last >> shift < w->max_mapnr)
			w->end_pfn = (w->src->part->last >> shift) + 1;
	}
	if (w->start_pfn >= w->end_pfn)
		return kco_fail(err, KCO_E_BUG, "a part without page frames, from %#" PRIx64, w->start_pfn);
	return KCO_OK;
}

static void kdump_layout(struct kco_kdump_writer *w)
{
	const struct kco_facts *facts = &w->src->image->facts;
	uint64_t at = w->block_size + KCO_KDUMP_SUB_SIZE;

	w->notes_size = kco_kdump_notes_size(w->src->image);
	if (w->notes_size)
		w->notes_off = at;
	at += w->notes_size;
	if (facts->eraseinfo_size)
		w->erase_off = at;
	at += facts->eraseinfo_size;
	w->bitmap1 = kco_kdump_round(at, w->block_size);
	w->bitmap_size = kco_kdump_round((w->max_mapnr + 7) / 8, w->block_size);
	w->descs = w->bitmap1 + 2 * w->bitmap_size;
	w->data = w->descs + w->count * KCO_KDUMP_DESC_SIZE;
}

static void kdump_set_bits(uint8_t *bits, uint64_t first, uint64_t last, uint64_t base)
{
	for (uint64_t pfn = first; pfn <= last; pfn++)
		bits[(pfn - base) / 8] |= (uint8_t)(1u << ((pfn - base) % 8));
}

/* Which of the frames [@base, @base + KDUMP_PIECE_BITS) are RAM; false: none is. */
static bool kdump_ram_piece(struct kco_kdump_writer *w, uint64_t base, uint8_t ram[KDUMP_BITMAP_PIECE])
{
	unsigned shift = (unsigned)__builtin_ctz(w->block_size);
	uint64_t last = base + KDUMP_PIECE_BITS - 1;
	const struct kco_segment *seg;
	bool any = false;

	memset(ram, 0, KDUMP_BITMAP_PIECE);
	if (w->map) {
		uint64_t have = base < w->map->bits ? (w->map->bits - base + 7) / 8 : 0;
		size_t done = 0;

		// What of the source's map cannot be read counts as no RAM.
		if (have)
			(void)!kco_io_read(w->map->io, ram, have < KDUMP_BITMAP_PIECE ? have : KDUMP_BITMAP_PIECE,
					   w->map->off + base / 8, &done, NULL);
		if (have == done && w->map->bits % 8 && have && have <= KDUMP_BITMAP_PIECE)
			ram[have - 1] &= (uint8_t)(0xff >> (8 - w->map->bits % 8));
		return done != 0 && (ram[0] || memcmp(ram, ram + 1, KDUMP_BITMAP_PIECE - 1));
	}
	// The segment that began earlier and reaches in here first, then those that begin here.
	seg = kco_segtree_find(&w->ram, base << shift);
	if (!seg)
		seg = kco_segtree_next(&w->ram, base << shift);
	while (seg && seg->first >> shift <= last) {
		uint64_t from = seg->first >> shift, to = seg->last >> shift;

		kdump_set_bits(ram, from > base ? from : base, to < last ? to : last, base);
		any = true;
		if (to >= last || seg->last == UINT64_MAX)
			break;
		seg = kco_segtree_next(&w->ram, seg->last + 1);
	}
	return any;
}

/* The wanted frames of [@base, @base + KDUMP_PIECE_BITS) into @bits; *@run is the one that @base may lie in. */
static enum kco_status kdump_wanted_piece(struct kco_kdump_writer *w, uint64_t base, struct kco_write_run *run,
					  enum kco_status *next, uint8_t bits[KDUMP_BITMAP_PIECE], bool *any,
					  struct kco_err *err)
{
	unsigned shift = (unsigned)__builtin_ctz(w->block_size);
	uint64_t last = base + KDUMP_PIECE_BITS - 1;

	memset(bits, 0, KDUMP_BITMAP_PIECE);
	*any = false;
	while (*next == KCO_OK && run->first >> shift <= last) {
		uint64_t from = run->first >> shift, to = run->last >> shift;

		kdump_set_bits(bits, from > base ? from : base, to < last ? to : last, base);
		*any = true;
		if (to > last)
			break;
		*next = run->last == UINT64_MAX ? KCO_DONE : w->src->next(w->src->arg, run->last + 1, true, run, err);
	}
	return *next == KCO_OK || *next == KCO_DONE ? KCO_OK : kco_context(err, *next, "listing the pages to write");
}

/* Both bitmaps, piece by piece; a piece of zeros stays a hole in the file. */
static enum kco_status kdump_put_bitmaps(struct kco_kdump_writer *w, struct kco_err *err)
{
	uint8_t ram[KDUMP_BITMAP_PIECE], dumped[KDUMP_BITMAP_PIECE];
	enum kco_status next, status = KCO_OK;
	struct kco_write_run run;

	next = w->src->next(w->src->arg, 0, true, &run, err);
	for (uint64_t base = 0; status == KCO_OK && base < w->max_mapnr; base += KDUMP_PIECE_BITS) {
		bool any_ram = kdump_ram_piece(w, base, ram), any;

		status = kdump_wanted_piece(w, base, &run, &next, dumped, &any, err);
		for (size_t i = 0; any && i < sizeof(ram); i++)
			ram[i] |= dumped[i];
		if ((any_ram || any) && status == KCO_OK)
			status = kco_sink_write(w->sink, ram, sizeof(ram), w->bitmap1 + base / 8, err);
		if (any && status == KCO_OK)
			status = kco_sink_write(w->sink, dumped, sizeof(dumped), w->bitmap1 + w->bitmap_size + base / 8,
						err);
	}
	return status;
}

enum kco_status kco_kdump_write(const struct kco_write_source *src, const struct kco_kdump_ram *map,
				struct kco_sink *sink, struct kco_err *err)
{
	const struct kco_facts *facts = &src->image->facts;
	struct kco_kdump_writer *w;
	enum kco_status status;

	if (!src->image->segments[KCO_PHYS].root)
		return kco_fail(err, KCO_E_UNSUPPORTED, "a kdump file needs physical addresses, this dump has none");
	if (facts->block_size < 4096 || facts->block_size > 65536 || (facts->block_size & (facts->block_size - 1)))
		return kco_fail(err, KCO_E_UNSUPPORTED, "a kdump file cannot have blocks of %" PRIu32 " bytes",
				facts->block_size);
	w = calloc(1, sizeof(*w));
	if (!w)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	w->src = src;
	w->map = map;
	w->sink = sink;
	w->block_size = facts->block_size;
	kco_segtree_init(&w->ram);
	status = kco_segtree_clone(&src->image->segments[KCO_PHYS], &w->ram, err);
	if (status == KCO_OK)
		status = kdump_survey(w, err);
	if (status == KCO_OK) {
		kdump_layout(w);
		status = kco_kdump_put_notes(w, err);
	}
	if (status == KCO_OK)
		status = kco_kdump_put_headers(w, err);
	if (status == KCO_OK)
		status = kdump_put_bitmaps(w, err);
	if (status == KCO_OK)
		status = kco_kdump_put_pages(w, err);
	kco_segtree_fini(&w->ram);
	free(w);
	return status;
}
