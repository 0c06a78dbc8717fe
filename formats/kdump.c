// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kdump-compressed files ("KDUMP   ", v1 to v6), their old sibling diskdump
 * ("DISKDUMP"), and sets that makedumpfile --split wrote.
 *
 *   header | sub header, notes | bitmap 1: RAM | bitmap 2: dumped |
 *   descriptor[n] of the n-th bit in bitmap 2 | page data | eraseinfo
 *
 * The headers' layout and its source are in shared/kdump_header.h. A
 * descriptor is { u64 offset, u32 size, u32 flags, u64 page_flags }; flags
 * name one codec or none (raw), offset 0 marks a page that the writer had no
 * room left for. Pages may share data (zero pages do). Each file of a split set
 * has the whole bitmaps, and descriptors of its own pages [start, end) only.
 *
 * Nothing but headers and notes is read at open. A page that is in bitmap 1
 * but not in bitmap 2 was left out by the filter: KCO_E_NOT_SAVED; one in
 * neither is no RAM: KCO_E_RANGE.
 */
#include "kdump_header.h"
#include "kdump_write.h"

#include "bitrank.h"
#include "metacache.h"

#include <kco/endian.h>
#include <kco/format.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KDUMP_TEXT_MAX (UINT64_C(16) << 20)
/* Bitmaps up to this size (32 GiB of RAM) are counted at open, to see a truncated file then. */
#define KDUMP_COUNT_MAX (UINT64_C(1) << 20)

extern const struct kco_format_ops kco_format_kdump;

struct kdump_file {
	struct kco_io *io;
	struct kco_kdump_header h;
	struct kco_bitrank *rank;
};

struct kdump {
	size_t nr_files;
	uint32_t block_size;
	unsigned block_shift;
	struct kco_metacache *meta;
	struct kdump_file files[]; /* by start_pfn, disjoint */
};

struct kdump_desc {
	uint64_t offset;
	uint32_t size, flags;
};

static int kdump_probe(const struct kco_head *head)
{
	if (head->head_size < 8)
		return 0;
	return !memcmp(head->head, KCO_KDUMP_SIG, 8) || !memcmp(head->head, KCO_KDUMP_SIG_OLD, 8) ? 100 : 0;
}

/* Why page @pfn has no data in @f (the file whose range it is in, or any when there is none). */
static enum kco_status kdump_absent(struct kdump *kd, size_t i, bool in_set, uint64_t pfn, struct kco_err *err)
{
	const struct kdump_file *f = &kd->files[i];
	enum kco_status status;
	uint8_t byte;

	status = kco_metacache_read(kd->meta, f->io, (uint32_t)i, f->h.bitmap1 + pfn / 8, &byte, 1, err);
	if (status != KCO_OK)
		return kco_context(err, status, "page bitmap");
	if (!(byte >> (pfn % 8) & 1))
		return kco_fail(err, KCO_E_RANGE, "no memory there in the dumped machine");
	if (!in_set)
		return kco_fail(err, KCO_E_NOT_SAVED, "the page is in a file of the split set that was not given");
	return kco_fail(err, KCO_E_NOT_SAVED, "the page was left out by the dump's filter");
}

/* The file whose range holds @pfn, or the number of files. */
static size_t kdump_file_of(const struct kdump *kd, uint64_t pfn)
{
	size_t i;

	for (i = 0; i < kd->nr_files; i++)
		if (pfn >= kd->files[i].h.start_pfn && pfn < kd->files[i].h.end_pfn)
			break;
	return i;
}

static enum kco_status kdump_desc_get(struct kdump *kd, size_t i, uint64_t rank, struct kdump_desc *pd,
				      struct kco_err *err)
{
	struct kdump_file *f = &kd->files[i];
	uint8_t raw[KCO_KDUMP_DESC_SIZE];
	enum kco_status status;
	uint32_t codec;

	status = kco_metacache_read(kd->meta, f->io, (uint32_t)i, f->h.descs + rank * KCO_KDUMP_DESC_SIZE, raw,
				    sizeof(raw), err);
	if (status != KCO_OK)
		return kco_context(err, status, "page descriptor");
	*pd = (struct kdump_desc){ kco_le64(raw), kco_le32(raw + 8), kco_le32(raw + 12) };
	if (pd->offset == 0)
		return kco_fail(err, KCO_E_NOT_SAVED, "the page was lost: the dump's writer ran out of space");
	codec = pd->flags & KCO_KDUMP_CODECS;
	if (codec & (codec - 1))
		return kco_fail(err, KCO_E_CORRUPT, "the page claims two codecs (flags %#" PRIx32 ")", pd->flags);
	if (codec ? pd->size == 0 || pd->size > kd->block_size : pd->size != kd->block_size)
		return kco_fail(err, KCO_E_CORRUPT, "the page claims %" PRIu32 " bytes (flags %#" PRIx32 ")", pd->size,
				pd->flags);
	return KCO_OK;
}

static enum kco_codec_id kdump_codec(uint32_t flags)
{
	switch (flags & KCO_KDUMP_CODECS) {
	case KCO_KDUMP_ZLIB:
		return KCO_CODEC_ZLIB;
	case KCO_KDUMP_LZO:
		return KCO_CODEC_LZO;
	case KCO_KDUMP_SNAPPY:
		return KCO_CODEC_SNAPPY;
	case KCO_KDUMP_ZSTD:
		return KCO_CODEC_ZSTD;
	}
	return KCO_CODEC_NONE;
}

/* The descriptor of page @pfn, and the file that has it. */
static enum kco_status kdump_find(struct kdump *kd, uint64_t pfn, size_t *file, struct kdump_desc *pd,
				  struct kco_err *err)
{
	size_t i = *file = kdump_file_of(kd, pfn);
	enum kco_status status;
	uint64_t rank;
	bool set;

	if (i == kd->nr_files)
		return kdump_absent(kd, 0, false, pfn, err);
	status = kco_bitrank_get(kd->files[i].rank, pfn, &set, &rank, err);
	if (status == KCO_OK && !set)
		return kdump_absent(kd, i, true, pfn, err);
	return status == KCO_OK ? kdump_desc_get(kd, i, rank, pd, err) : status;
}

/* @n bytes at @at of page @pfn. All of them or an error: a page is decoded whole or not at all. */
static enum kco_status kdump_page(struct kdump *kd, struct kco_codec *codec, uint64_t pfn, size_t at, void *buf,
				  size_t n, struct kco_err *err)
{
	struct kdump_desc pd = { 0 };
	size_t i;
	enum kco_status status = kdump_find(kd, pfn, &i, &pd, err);
	uint8_t *out;

	if (status != KCO_OK)
		return status;
	if (!(pd.flags & KCO_KDUMP_CODECS)) {
		uint64_t off;

		if (__builtin_add_overflow(pd.offset, at, &off))
			off = pd.offset;
		status = kco_io_read(kd->files[i].io, buf, n, off, NULL, err);
	} else {
		const void *in;

		out = n == kd->block_size ? buf : kco_codec_scratch(codec, kd->block_size);
		if (!out)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		status = kco_codec_input(codec, kd->files[i].io, pd.offset, pd.size, &in, err);
		if (status == KCO_OK)
			status = kco_codec_decompress(codec, kdump_codec(pd.flags), in, pd.size, out, kd->block_size,
						      err);
		if (status == KCO_OK && out != buf)
			memcpy(buf, out + at, n);
	}
	return status;
}

static enum kco_status kdump_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				  size_t n, size_t *done, struct kco_err *err)
{
	struct kdump *kd = seg->source;

	*done = 0;
	while (*done < n) {
		uint64_t pa = addr + *done;
		size_t at = pa & (kd->block_size - 1);
		size_t take = n - *done < kd->block_size - at ? n - *done : kd->block_size - at;
		enum kco_status status =
			kdump_page(kd, codec, pa >> kd->block_shift, at, (uint8_t *)buf + *done, take, err);

		if (status != KCO_OK)
			return status;
		*done += take;
	}
	return KCO_OK;
}

/* By bitmap 2: a page that its writer lost is found out when it is read. */
static enum kco_status kdump_saved(const struct kco_segment *seg, uint64_t addr, uint64_t *first, uint64_t *last,
				   struct kco_err *err)
{
	struct kdump *kd = seg->source;
	uint64_t pfn = addr >> kd->block_shift, from, end;

	for (size_t i = 0; i < kd->nr_files; i++) {
		enum kco_status status;

		if (pfn >= kd->files[i].h.end_pfn)
			continue;
		status = kco_bitrank_run(kd->files[i].rank, pfn, &from, &end, err);
		if (status == KCO_DONE)
			continue;
		if (status != KCO_OK)
			return status;
		*first = from << kd->block_shift > addr ? from << kd->block_shift : addr;
		*last = (end << kd->block_shift) - 1 < seg->last ? (end << kd->block_shift) - 1 : seg->last;
		return *first > seg->last ? KCO_DONE : KCO_OK;
	}
	return KCO_DONE;
}

static enum kco_status kdump_packed(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				    size_t room, size_t *size, enum kco_codec_id *id, struct kco_err *err)
{
	struct kdump *kd = seg->source;
	struct kdump_desc pd = { 0 };
	size_t i;
	enum kco_status status = kdump_find(kd, addr >> kd->block_shift, &i, &pd, err);
	enum kco_codec_id wanted = *id;
	const void *in;

	if (status != KCO_OK)
		return status;
	*size = pd.size;
	*id = kdump_codec(pd.flags);
	if (*id != wanted)
		return KCO_OK;
	if (pd.size > room)
		status = kco_fail(err, KCO_E_BUG, "%" PRIu32 " bytes do not fit %zu", pd.size, room);
	if (status == KCO_OK)
		status = kco_codec_input(codec, kd->files[i].io, pd.offset, pd.size, &in, err);
	if (status != KCO_OK)
		return status;
	memcpy(buf, in, pd.size);
	return KCO_OK;
}

static const struct kco_segment_ops kdump_segment_ops = {
	.read = kdump_read,
	.saved = kdump_saved,
	.packed = kdump_packed,
};

/* A text area of the header into the image's arena; what cannot be had is warned of. */
static const char *kdump_text(struct kco_image *img, struct kco_io *io, const char *what, struct kco_kdump_area area)
{
	struct kco_err err = KCO_ERR_INIT;
	uint64_t end;
	char *text;

	if (area.size == 0 || area.off == 0)
		return NULL;
	if (area.size > KDUMP_TEXT_MAX || __builtin_add_overflow(area.off, area.size, &end) || end > io->size) {
		kco_image_warn(img, "%s: %" PRIu64 " bytes at %#" PRIx64 " do not lie within the file", what, area.size,
			       area.off);
		return NULL;
	}
	text = kco_arena_alloc(&img->arena, area.size);
	if (!text || kco_io_read(io, text, area.size, area.off, NULL, &err) != KCO_OK) {
		kco_image_warn(img, "%s: %s", what, text ? err.msg : "out of memory");
		return NULL;
	}
	return text;
}

static void kdump_facts(struct kco_image *img, struct kdump *kd)
{
	static const char *const names[] = { "zlib", "lzo", "snappy", "zstd" };
	static const uint32_t bits[] = { KCO_KDUMP_ZLIB, KCO_KDUMP_LZO, KCO_KDUMP_SNAPPY, KCO_KDUMP_ZSTD };
	const struct kco_kdump_header *h = &kd->files[0].h;
	struct kco_facts *facts = &img->facts;
	char *uts[6] = { facts->sysname, facts->nodename, facts->release,
			 facts->version, facts->machine,  facts->domainname };

	for (size_t i = 0; i < 6; i++)
		memcpy(uts[i], h->uts[i], KCO_KDUMP_UTS_LEN);
	facts->elf_machine = kco_kdump_machine_elf(h->uts[4]);
	facts->elf32 = h->abi32;
	facts->block_size = h->block_size;
	facts->max_pfn = h->max_mapnr;
	facts->phys_base = h->phys_base;
	facts->has_phys_base = !h->old && h->version >= 1;
	facts->dump_level = h->dump_level;
	facts->dump_time = h->time;
	facts->nr_cpus = h->nr_cpus;
	for (size_t i = 0; i < kd->nr_files; i++)
		facts->incomplete |= !h->old && (kd->files[i].h.status & KCO_KDUMP_INCOMPLETE);
	for (size_t i = 0; !h->old && i < 4; i++) {
		if (h->status & bits[i]) {
			strcat(facts->codecs, facts->codecs[0] ? "," : "");
			strcat(facts->codecs, names[i]);
		}
	}
	if (facts->incomplete)
		kco_image_warn(img, "incomplete dump: its writer ran out of space, some pages are lost");
}

static void kdump_notes(struct kco_image *img, struct kdump *kd)
{
	struct kdump_file *f = &kd->files[0];
	struct kco_facts *facts = &img->facts;
	struct kco_err err = KCO_ERR_INIT;

	if (f->h.notes.size && kco_image_add_notes(img, f->io, f->h.notes.off, f->h.notes.size, 4, &err) != KCO_OK)
		kco_image_warn(img, "notes: %s", err.msg);
	if (!facts->vmcoreinfo) {
		facts->vmcoreinfo = kdump_text(img, f->io, "vmcoreinfo", f->h.vmcoreinfo);
		facts->vmcoreinfo_size = facts->vmcoreinfo ? f->h.vmcoreinfo.size : 0;
	}
	if (!facts->eraseinfo) {
		facts->eraseinfo = kdump_text(img, f->io, "eraseinfo", f->h.erase);
		facts->eraseinfo_size = facts->eraseinfo ? f->h.erase.size : 0;
	}
}

/* A dump cut short is seen at its last descriptor; asked only where counting is cheap. */
static void kdump_check_size(struct kco_image *img, struct kdump *kd)
{
	for (size_t i = 0; i < kd->nr_files; i++) {
		struct kdump_file *f = &kd->files[i];
		uint64_t total, end;
		struct kco_err err;

		if ((f->h.end_pfn - f->h.start_pfn) / 8 > KDUMP_COUNT_MAX ||
		    kco_bitrank_total(f->rank, &total, &err) != KCO_OK || total == 0)
			continue;
		end = f->h.descs + total * KCO_KDUMP_DESC_SIZE;
		if (end > f->io->size) {
			kco_image_warn(img,
				       "truncated: the descriptors of %" PRIu64 " pages end at %" PRIu64
				       ", the file at %" PRIu64,
				       total, end, f->io->size);
		} else {
			uint8_t raw[KCO_KDUMP_DESC_SIZE];

			if (kco_io_read(f->io, raw, sizeof(raw), end - sizeof(raw), NULL, NULL) == KCO_OK &&
			    !__builtin_add_overflow(kco_le64(raw), kco_le32(raw + 8), &end) && end > f->io->size)
				kco_image_warn(img,
					       "truncated: the page data goes on to %" PRIu64
					       " at least, the file ends at %" PRIu64,
					       end, f->io->size);
		}
	}
}

static int kdump_by_start(const void *a, const void *b)
{
	const struct kdump_file *x = a, *y = b;

	return (x->h.start_pfn > y->h.start_pfn) - (x->h.start_pfn < y->h.start_pfn);
}

static enum kco_status kdump_part(struct kco_io *io, struct kco_part *ret, struct kco_err *err)
{
	struct kco_kdump_header h;
	enum kco_status status = kco_kdump_header_read(io, &h, err);

	if (status != KCO_OK)
		return status;
	// Without pages it has nothing to give.
	if (!h.split || h.start_pfn == h.end_pfn)
		return KCO_DONE;
	*ret = (struct kco_part){ kco_kdump_header_set(&h), h.start_pfn << h.block_shift,
				  (h.end_pfn << h.block_shift) - 1 };
	return KCO_OK;
}

/* One file of a split set alone: which memory it has, and what to do. */
static void kdump_warn_alone(struct kco_image *img, const struct kdump_file *f)
{
	uint64_t first = f->h.start_pfn << f->h.block_shift, end = f->h.end_pfn << f->h.block_shift;
	const char *name = f->io->name;

	if (f->h.start_pfn && f->h.end_pfn < f->h.max_mapnr)
		kco_image_warn(img,
			       "%s is a middle part of a split dump: the memory below %#" PRIx64 " and from %#" PRIx64
			       " on is missing; name all its parts",
			       name, first, end);
	else if (f->h.start_pfn)
		kco_image_warn(img,
			       "%s is the last part of a split dump: the memory below %#" PRIx64
			       " is missing; name all its parts",
			       name, first);
	else if (f->h.end_pfn < f->h.max_mapnr)
		kco_image_warn(img,
			       "%s is the first part of a split dump: the memory from %#" PRIx64
			       " on is missing; name all its parts",
			       name, end);
}

/* Do the files belong together, and what is missing? Sorts them. */
static enum kco_status kdump_check_set(struct kco_image *img, struct kdump *kd, struct kco_err *err)
{
	struct kdump_file *a = &kd->files[0];
	uint64_t at = 0;

	for (size_t i = 0; i < kd->nr_files; i++) {
		struct kdump_file *b = &kd->files[i];

		if (kd->nr_files > 1 && !b->h.split)
			return kco_fail(err, KCO_E_USAGE, "%s is a whole dump, not one of a split set", b->io->name);
		if (kco_kdump_header_set(&a->h) != kco_kdump_header_set(&b->h))
			return kco_fail(err, KCO_E_USAGE, "%s and %s are parts of different dumps", a->io->name,
					b->io->name);
	}
	if (kd->nr_files == 1) {
		kdump_warn_alone(img, a);
		return KCO_OK;
	}
	qsort(kd->files, kd->nr_files, sizeof(kd->files[0]), kdump_by_start);
	for (size_t i = 0; i < kd->nr_files; i++) {
		struct kdump_file *f = &kd->files[i];

		if (f->h.start_pfn < at)
			return kco_fail(err, KCO_E_USAGE, "%s and %s both have the pages from %#" PRIx64,
					f[-1].io->name, f->io->name, f->h.start_pfn << kd->block_shift);
		if (f->h.start_pfn > at)
			kco_image_warn(
				img, "the file of the split set with the pages %#" PRIx64 " to %#" PRIx64 " is missing",
				at << kd->block_shift, (f->h.start_pfn << kd->block_shift) - 1);
		at = f->h.end_pfn;
	}
	if (at < a->h.max_mapnr)
		kco_image_warn(img, "the file of the split set with the pages from %#" PRIx64 " is missing",
			       at << kd->block_shift);
	return KCO_OK;
}

static void kdump_free(struct kdump *kd)
{
	for (size_t i = 0; i < kd->nr_files; i++)
		kco_bitrank_free(kd->files[i].rank);
	kco_metacache_free(kd->meta);
	free(kd);
}

static enum kco_status kdump_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	struct kdump *kd = calloc(1, sizeof(*kd) + img->nr_files * sizeof(kd->files[0]));
	enum kco_status status = KCO_OK;

	(void)opts;
	if (!kd)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	kd->nr_files = img->nr_files;
	kd->meta = kco_metacache_new();
	if (!kd->meta)
		status = kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; status == KCO_OK && i < kd->nr_files; i++) {
		kd->files[i].io = img->files[i];
		status = kco_kdump_header_read(img->files[i], &kd->files[i].h, err);
		if (status != KCO_OK && kd->nr_files > 1)
			kco_context(err, status, "%s", img->files[i]->name);
	}
	if (status == KCO_OK) {
		kd->block_size = kd->files[0].h.block_size;
		kd->block_shift = kd->files[0].h.block_shift;
		status = kdump_check_set(img, kd, err);
	}
	for (size_t i = 0; status == KCO_OK && i < kd->nr_files; i++) {
		struct kdump_file *f = &kd->files[i];

		status = kco_bitrank_new(f->io, f->h.bitmap2, f->h.start_pfn, f->h.end_pfn, KCO_LSB_FIRST, &f->rank,
					 err);
	}
	if (status == KCO_OK)
		status = kco_image_add_segment(img, KCO_PHYS, 0, kd->files[0].h.max_mapnr << kd->block_shift,
					       &kdump_segment_ops, kd, 0, err);
	if (status != KCO_OK) {
		kdump_free(kd);
		return status;
	}
	img->priv = kd;
	kdump_facts(img, kd);
	kdump_notes(img, kd);
	kdump_check_size(img, kd);
	return KCO_OK;
}

static void kdump_close(struct kco_image *img)
{
	kdump_free(img->priv);
}

/* Bitmap 1. */
static enum kco_status kdump_ram(struct kco_image *img, uint64_t *ret, struct kco_err *err)
{
	const struct kdump *kd = img->priv;
	const struct kdump_file *f = &kd->files[0];
	struct kco_bitrank *ram;
	enum kco_status status = kco_bitrank_new(f->io, f->h.bitmap1, 0, f->h.max_mapnr, KCO_LSB_FIRST, &ram, err);

	if (status != KCO_OK)
		return status;
	status = kco_bitrank_total(ram, ret, err);
	*ret <<= kd->block_shift;
	kco_bitrank_free(ram);
	return status;
}

static enum kco_status kdump_write(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err)
{
	const struct kdump *kd = src->image->priv;
	struct kco_kdump_ram map;

	if (src->image->format != &kco_format_kdump)
		return kco_kdump_write(src, NULL, sink, err);
	// This image's one segment spans the holes between its RAM too; its bitmap 1 knows better.
	map = (struct kco_kdump_ram){ kd->files[0].io, kd->files[0].h.bitmap1, kd->files[0].h.max_mapnr };
	return kco_kdump_write(src, &map, sink, err);
}

const struct kco_format_ops kco_format_kdump = {
	.name = "kdump",
	.description = "kdump-compressed (makedumpfile, QEMU, virsh), whole or split; diskdump",
	.probe = kdump_probe,
	.open = kdump_open,
	.close = kdump_close,
	.part = kdump_part,
	.ram = kdump_ram,
	.write = kdump_write,
	.write_packs = true,
	.write_parts = true,
};
