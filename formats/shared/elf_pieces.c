// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pieces of an ELF core's PT_LOADs as segments.
 */
#include "elf_pieces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_SAMPLE 4096

static enum kco_status pieces_data_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					void *buf, size_t n, size_t *done, struct kco_err *err)
{
	(void)codec;
	return kco_io_read(seg->source, buf, n, seg->offset + (addr - seg->orig_first), done, err);
}

/* The source of a piece that is mapped. */
struct pieces_map {
	struct kco_io *io;
	uint64_t pa; /* of orig_first */
	bool write, exec;
	uint32_t page;
};

static enum kco_status pieces_mapped_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					  void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct pieces_map *map = seg->source;

	(void)codec;
	return kco_io_read(map->io, buf, n, seg->offset + (addr - seg->orig_first), done, err);
}

static enum kco_status pieces_mapped_translate(const struct kco_segment *seg, struct kco_codec *codec, uint64_t va,
					       struct kco_segment_page *ret, struct kco_err *err)
{
	const struct pieces_map *map = seg->source;

	(void)codec;
	(void)err;
	*ret = (struct kco_segment_page){
		.pa = { map->pa + (va - seg->orig_first) }, .size = map->page, .write = map->write, .exec = map->exec
	};
	return KCO_OK;
}

static enum kco_status pieces_unmapped_translate(const struct kco_segment *seg, struct kco_codec *codec, uint64_t va,
						 struct kco_segment_page *ret, struct kco_err *err)
{
	uint64_t size = PIECES_SAMPLE;

	(void)codec;
	// The largest block round it of which nothing is mapped, so that walks need not go by pages.
	while (size << 1 && (va & ~(2 * size - 1)) >= seg->first && (va | (2 * size - 1)) <= seg->last)
		size *= 2;
	*ret = (struct kco_segment_page){ .size = size };
	return kco_fail(err, KCO_E_UNMAPPED,
			"no page is mapped at %#" PRIx64 ": its entry of the kernel map is not valid", va);
}

static enum kco_status pieces_unmapped_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					    void *buf, size_t n, size_t *done, struct kco_err *err)
{
	struct kco_segment_page page;

	(void)buf;
	(void)n;
	*done = 0;
	return pieces_unmapped_translate(seg, codec, addr, &page, err);
}

static enum kco_status pieces_hole_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					void *buf, size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	(void)addr;
	(void)buf;
	(void)n;
	*done = 0;
	return kco_fail(err, KCO_E_NOT_SAVED, "no bytes in the dump: left out by its filter, or zero");
}

static enum kco_status pieces_hole_saved(const struct kco_segment *seg, uint64_t addr, uint64_t *first, uint64_t *last,
					 struct kco_err *err)
{
	(void)seg;
	(void)addr;
	(void)first;
	(void)last;
	(void)err;
	return KCO_DONE;
}

static const struct kco_segment_ops pieces_data_ops = { .read = pieces_data_read };
static const struct kco_segment_ops pieces_hole_ops = { .read = pieces_hole_read, .saved = pieces_hole_saved };
static const struct kco_segment_ops pieces_mapped_ops = { .read = pieces_mapped_read,
							  .translate = pieces_mapped_translate };
static const struct kco_segment_ops pieces_unmapped_ops = { .read = pieces_unmapped_read,
							    .saved = pieces_hole_saved,
							    .translate = pieces_unmapped_translate };

static bool pieces_has_data(const struct kco_segment *seg)
{
	return seg->ops == &pieces_data_ops || seg->ops == &pieces_mapped_ops;
}

static enum kco_status pieces_add_one(struct kco_image *img, struct kco_io *io, enum kco_addr_kind kind,
				      const struct kco_elf_piece *p, struct kco_err *err)
{
	const struct kco_segment_ops *ops = p->hole ? &pieces_hole_ops : &pieces_data_ops;
	struct pieces_map *map = NULL;

	if (p->mapped && p->hole && p->unmapped) {
		ops = &pieces_unmapped_ops;
	} else if (p->mapped && !p->hole) {
		map = kco_arena_alloc(&img->arena, sizeof(*map));
		if (!map)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		*map = (struct pieces_map){ io, p->pa, p->write, p->exec, p->page };
		ops = &pieces_mapped_ops;
	}
	return kco_image_add_segment(img, kind, p->first, p->size, ops, map ? (void *)map : io, p->offset, err);
}

static int pieces_by_first(const void *a, const void *b)
{
	const struct kco_elf_piece *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int pieces_by_prio(const void *a, const void *b)
{
	const struct kco_elf_piece *x = a, *y = b;

	return (x->prio > y->prio) - (x->prio < y->prio);
}

/* QEMU's paging mode lists each mapping of a page: is this one here already, from the same file offset? */
static bool pieces_same(struct kco_image *img, const struct kco_elf_piece *p, enum kco_addr_kind kind)
{
	const struct kco_segment *seg = kco_segtree_find(&img->segments[kind], p->first);

	return seg && pieces_has_data(seg) && seg->last - p->first >= p->size - 1 &&
	       seg->offset + (p->first - seg->orig_first) == p->offset;
}

/* Do two places of the file hold the same @n bytes? */
static bool pieces_equal(struct kco_io *io, uint64_t a, uint64_t b, size_t n)
{
	uint8_t x[PIECES_SAMPLE], y[PIECES_SAMPLE];

	return !kco_io_read(io, x, n, a, NULL, NULL) && !kco_io_read(io, y, n, b, NULL, NULL) && !memcmp(x, y, n);
}

/*
 * A kexec'd kernel's vmcore has the kernel image twice: among the machine's RAM,
 * and on its own with its virtual address. That is the same memory and nothing
 * to warn of. So: wherever @p meets what is there, do both ends of the common part agree?
 */
static bool pieces_repeats(struct kco_image *img, const struct kco_elf_piece *p, enum kco_addr_kind kind)
{
	uint64_t last = p->first + (p->size - 1);
	const struct kco_segment *seg = kco_segtree_find(&img->segments[kind], p->first);
	bool any = false;

	if (!seg)
		seg = kco_segtree_next(&img->segments[kind], p->first);
	while (seg && seg->first <= last) {
		uint64_t from = seg->first > p->first ? seg->first : p->first;
		uint64_t to = seg->last < last ? seg->last : last;
		uint64_t mine = p->offset - p->first, theirs = seg->offset - seg->orig_first;
		size_t n = to - from < PIECES_SAMPLE - 1 ? (size_t)(to - from) + 1 : PIECES_SAMPLE;

		if (pieces_has_data(seg)) {
			if (!pieces_equal(img->files[0], mine + from, theirs + from, n) ||
			    !pieces_equal(img->files[0], mine + to - (n - 1), theirs + to - (n - 1), n))
				return false;
			any = true;
		}
		if (to == UINT64_MAX)
			break;
		seg = kco_segtree_next(&img->segments[kind], to + 1);
	}
	return any;
}

enum kco_status kco_elf_pieces_add(struct kco_image *img, struct kco_io *io, enum kco_addr_kind kind,
				   struct kco_elf_piece *v, size_t n, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	bool overlap = false;

	qsort(v, n, sizeof(*v), pieces_by_first);
	for (size_t i = 1; i < n && !overlap; i++)
		overlap = v[i].first - v[i - 1].first < v[i - 1].size;
	if (overlap)
		qsort(v, n, sizeof(*v), pieces_by_prio);
	for (size_t i = 0; status == KCO_OK && i < n; i++) {
		size_t overlaps = img->segments[kind].overlaps;
		bool repeats;

		if (overlap && !v[i].hole && pieces_same(img, &v[i], kind))
			continue;
		repeats = overlap && !v[i].hole && pieces_repeats(img, &v[i], kind);
		status = pieces_add_one(img, io, kind, &v[i], err);
		if (repeats)
			img->segments[kind].overlaps = overlaps;
	}
	return status;
}
