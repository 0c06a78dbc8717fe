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
 * stays at one bitmap chunk however large the dump is. In the third every core
 * compresses a piece (or takes the pages over as they are stored, when the codec
 * is the same); what they made is written in order, so that the file does not
 * depend on how many there are.
 */
#include "kdump_write.h"

#include "kdump_header.h"

#include <kco/endian.h>

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KDUMP_BITMAP_PIECE 4096u /* bytes of a bitmap that are made at a time */
#define KDUMP_PIECE_BITS (UINT64_C(8) * KDUMP_BITMAP_PIECE)
#define KDUMP_BLOCKS_MAX (KCO_WRITE_PIECE / 4096u) /* of a piece */
/* A page of zeros is this small in every codec; others rarely are. */
#define KDUMP_ZERO_PACKED 64u

struct kdump_writer {
	const struct kco_write_source *src;
	const struct kco_kdump_ram *map; /* or NULL: the segments are the RAM */
	struct kco_sink *sink;
	uint32_t block_size;
	uint64_t max_mapnr;	       /* one past the highest frame that is RAM or wanted */
	struct kco_segtree ram;	       /* private copy of the source's physical tree */
	uint64_t notes_off, erase_off; /* 0: none */
	uint64_t notes_size;
	uint64_t vmcoreinfo_off;
	uint64_t bitmap1, bitmap_size, descs, data;
	uint64_t all;		     /* pages wanted ... */
	uint64_t count;		     /* ... and those of them that this file has */
	uint64_t start_pfn, end_pfn; /* it has the pages of these frames: all, or a part of a split set */
	uint64_t written;
	uint64_t at;   /* end of the page data so far */
	uint64_t zero; /* offset of the page of zeros, 0: none yet */
	uint32_t zero_size, zero_flags;
};

/* What a worker made of a block; its bytes follow those of the block before. */
struct kdump_block {
	uint32_t size; /* 0: zeros */
	uint32_t flags;
};

/* At the beginning of piece->out: the blocks, then their bytes. */
struct kdump_packed {
	struct kdump_block blocks[KDUMP_BLOCKS_MAX];
	uint8_t bytes[];
};

struct kdump_worker {
	struct kco_encoder *encoder; /* NULL: pages are stored as they are */
	bool copy;		     /* the source's pages may be of the same codec */
};

static void kdump_put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void kdump_put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static uint64_t kdump_round(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/* How many pages of @run belong into this file. */
static uint64_t kdump_of_part(const struct kdump_writer *w, const struct kco_write_run *run)
{
	const struct kco_write_run *part = w->src->part;
	uint64_t first = part && part->first > run->first ? part->first : run->first;
	uint64_t last = part && part->last < run->last ? part->last : run->last;

	return first > last ? 0 : (last - first + 1) >> __builtin_ctz(w->block_size);
}

/* How many pages are wanted, and where does the last of RAM and them end? */
static enum kco_status kdump_survey(struct kdump_writer *w, struct kco_err *err)
{
	unsigned shift = (unsigned)__builtin_ctz(w->block_size);
	const struct kco_segment *seg;
	enum kco_status status;
	struct kco_write_run run;
	uint64_t addr = 0;

	while ((seg = kco_segtree_next(&w->ram, addr))) {
		uint64_t end = (seg->last >> shift) + 1;

		if (end > w->max_mapnr)
			w->max_mapnr = end;
		if (seg->last == UINT64_MAX)
			break;
		addr = seg->last + 1;
	}
	addr = 0;
	while ((status = w->src->next(w->src->arg, addr, true, &run, err)) == KCO_OK) {
		w->all += (run.last - run.first + 1) >> shift;
		w->count += kdump_of_part(w, &run);
		addr = run.last + 1;
		if ((run.last >> shift) + 1 > w->max_mapnr)
			w->max_mapnr = (run.last >> shift) + 1;
		if (!addr)
			break;
	}
	if (status != KCO_DONE && status != KCO_OK)
		return kco_context(err, status, "listing the pages to write");
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

static bool kdump_is_vmcoreinfo(const struct kco_facts *facts, const struct kco_note *note)
{
	return facts->vmcoreinfo && note->desc == (const void *)facts->vmcoreinfo;
}

/* The image's notes; behind them VMCOREINFO if the image has it from elsewhere. */
static bool kdump_note(const struct kco_image *img, size_t i, struct kco_note *ret)
{
	if (i < img->nr_notes) {
		*ret = img->notes[i];
		return true;
	}
	*ret = (struct kco_note){ "VMCOREINFO", 0, (uint32_t)img->facts.vmcoreinfo_size, img->facts.vmcoreinfo };
	if (i > img->nr_notes || !img->facts.vmcoreinfo || img->facts.vmcoreinfo_size > UINT32_MAX)
		return false;
	for (size_t k = 0; k < img->nr_notes; k++)
		if (kdump_is_vmcoreinfo(&img->facts, &img->notes[k]))
			return false;
	return true;
}

static uint64_t kdump_notes_size(const struct kco_image *img)
{
	struct kco_note note;
	uint64_t size = 0;

	for (size_t i = 0; kdump_note(img, i, &note); i++)
		size += 12 + kdump_round(strlen(note.name) + 1, 4) + kdump_round(note.size, 4);
	return size;
}

static void kdump_layout(struct kdump_writer *w)
{
	const struct kco_facts *facts = &w->src->image->facts;
	uint64_t at = w->block_size + KCO_KDUMP_SUB_SIZE;

	w->notes_size = kdump_notes_size(w->src->image);
	if (w->notes_size)
		w->notes_off = at;
	at += w->notes_size;
	if (facts->eraseinfo_size)
		w->erase_off = at;
	at += facts->eraseinfo_size;
	w->bitmap1 = kdump_round(at, w->block_size);
	w->bitmap_size = kdump_round((w->max_mapnr + 7) / 8, w->block_size);
	w->descs = w->bitmap1 + 2 * w->bitmap_size;
	w->data = w->descs + w->count * KCO_KDUMP_DESC_SIZE;
}

/* The notes, each padded to 4 bytes; finds out where the text of VMCOREINFO goes. */
static enum kco_status kdump_put_notes(struct kdump_writer *w, struct kco_err *err)
{
	const struct kco_image *img = w->src->image;
	uint8_t *buf = calloc(1, w->notes_size ? w->notes_size : 1), *p = buf;
	enum kco_status status;
	struct kco_note note;

	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for the notes");
	for (size_t i = 0; kdump_note(img, i, &note); i++) {
		size_t name = strlen(note.name) + 1;

		kdump_put32(p, (uint32_t)name);
		kdump_put32(p + 4, note.size);
		kdump_put32(p + 8, note.type);
		memcpy(p + 12, note.name, name);
		p += 12 + kdump_round(name, 4);
		if (kdump_is_vmcoreinfo(&img->facts, &note))
			w->vmcoreinfo_off = w->notes_off + (uint64_t)(p - buf);
		if (note.size)
			memcpy(p, note.desc, note.size);
		p += kdump_round(note.size, 4);
	}
	status = kco_sink_write(w->sink, buf, w->notes_size, w->notes_off, err);
	free(buf);
	if (status == KCO_OK && w->erase_off)
		status = kco_sink_write(w->sink, img->facts.eraseinfo, img->facts.eraseinfo_size, w->erase_off, err);
	return status;
}

/* The value of "KEY=value" in VMCOREINFO, up to the end of its line; false when there is none. */
static bool kdump_info(const struct kco_facts *facts, const char *key, char *buf, size_t size)
{
	const char *p = facts->vmcoreinfo, *end = p ? p + facts->vmcoreinfo_size : NULL;
	size_t len = strlen(key);

	while (p && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t line = (size_t)((nl ? nl : end) - p);

		if (line > len && !memcmp(p, key, len) && p[len] == '=') {
			size_t n = line - len - 1 < size - 1 ? line - len - 1 : size - 1;

			memcpy(buf, p + len + 1, n);
			buf[n] = '\0';
			return true;
		}
		p = nl ? nl + 1 : NULL;
	}
	return false;
}

/* The bit of a codec in descriptors and in the header's status. */
static uint32_t kdump_flag(enum kco_codec_id id)
{
	switch (id) {
	case KCO_CODEC_ZLIB:
		return KCO_KDUMP_ZLIB;
	case KCO_CODEC_LZO:
		return KCO_KDUMP_LZO;
	case KCO_CODEC_SNAPPY:
		return KCO_KDUMP_SNAPPY;
	case KCO_CODEC_ZSTD:
		return KCO_KDUMP_ZSTD;
	default:
		return 0;
	}
}

/* Readers choose the architecture by utsname, and skip one without a sysname: fill what the source lacks. */
static void kdump_put_uts(const struct kco_facts *facts, uint8_t *raw)
{
	const char *machine = kco_kdump_elf_machine(facts->elf_machine);
	const char *have[6] = { facts->sysname, facts->nodename, facts->release,
				facts->version, facts->machine,	 facts->domainname };
	char release[KCO_KDUMP_UTS_LEN] = "";
	const char *spare[6] = { "Linux", "(none)", release, "#1", machine ? machine : "", "(none)" };

	kdump_info(facts, "OSRELEASE", release, sizeof(release));
	for (size_t i = 0; i < 6; i++) {
		const char *s = have[i][0] ? have[i] : spare[i];

		memcpy(raw + KCO_KDUMP_UTS + i * KCO_KDUMP_UTS_LEN, s, strnlen(s, KCO_KDUMP_UTS_LEN - 1));
	}
}

static enum kco_status kdump_put_headers(struct kdump_writer *w, struct kco_err *err)
{
	const struct kco_facts *facts = &w->src->image->facts;
	uint8_t raw[KCO_KDUMP_HEADER_SIZE] = KCO_KDUMP_SIG, sub[KCO_KDUMP_SUB_SIZE] = { 0 };
	uint64_t phys_base = facts->phys_base;
	enum kco_status status;
	char number[32];

	if (!facts->has_phys_base && kdump_info(facts, "NUMBER(phys_base)", number, sizeof(number)))
		phys_base = (uint64_t)strtoll(number, NULL, 10);
	kdump_put32(raw + KCO_KDUMP_VERSION, 6);
	kdump_put_uts(facts, raw);
	kdump_put64(raw + KCO_KDUMP_TIME, facts->dump_time);
	kdump_put32(raw + KCO_KDUMP_STATUS, kdump_flag(w->src->codec) | (facts->incomplete ? KCO_KDUMP_INCOMPLETE : 0));
	kdump_put32(raw + KCO_KDUMP_BLOCK_SIZE, w->block_size);
	kdump_put32(raw + KCO_KDUMP_SUB_BLOCKS, (uint32_t)(w->bitmap1 / w->block_size - 1));
	kdump_put32(raw + KCO_KDUMP_BITMAP_BLOCKS, (uint32_t)(2 * w->bitmap_size / w->block_size));
	kdump_put32(raw + KCO_KDUMP_MAX_MAPNR, w->max_mapnr < UINT32_MAX ? (uint32_t)w->max_mapnr : UINT32_MAX);
	kdump_put32(raw + KCO_KDUMP_WRITTEN, w->all < UINT32_MAX ? (uint32_t)w->all : UINT32_MAX);
	kdump_put32(raw + KCO_KDUMP_NR_CPUS, facts->nr_cpus ? facts->nr_cpus : 1);
	status = kco_sink_write(w->sink, raw, sizeof(raw), 0, err);
	if (status != KCO_OK)
		return status;

	kdump_put64(sub + KCO_KDUMP_PHYS_BASE, phys_base);
	kdump_put32(sub + KCO_KDUMP_LEVEL, facts->dump_level > 0 ? (uint32_t)facts->dump_level : 0);
	// Nothing of this is in the main header, which readers want to be the same in all files of a set.
	if (w->src->part) {
		kdump_put32(sub + KCO_KDUMP_SPLIT, 1);
		kdump_put64(sub + KCO_KDUMP_START, (uint32_t)w->start_pfn);
		kdump_put64(sub + KCO_KDUMP_END, (uint32_t)w->end_pfn);
		kdump_put64(sub + KCO_KDUMP_START_64, w->start_pfn);
		kdump_put64(sub + KCO_KDUMP_END_64, w->end_pfn);
	}
	if (w->vmcoreinfo_off) {
		kdump_put64(sub + KCO_KDUMP_VMCOREINFO, w->vmcoreinfo_off);
		kdump_put64(sub + KCO_KDUMP_VMCOREINFO + 8, facts->vmcoreinfo_size);
	}
	if (w->notes_off) {
		kdump_put64(sub + KCO_KDUMP_NOTES, w->notes_off);
		kdump_put64(sub + KCO_KDUMP_NOTES + 8, w->notes_size);
	}
	if (w->erase_off) {
		kdump_put64(sub + KCO_KDUMP_ERASE, w->erase_off);
		kdump_put64(sub + KCO_KDUMP_ERASE + 8, facts->eraseinfo_size);
	}
	kdump_put64(sub + KCO_KDUMP_MAX_MAPNR_64, w->max_mapnr);
	return kco_sink_write(w->sink, sub, sizeof(sub), w->block_size, err);
}

static void kdump_set_bits(uint8_t *bits, uint64_t first, uint64_t last, uint64_t base)
{
	for (uint64_t pfn = first; pfn <= last; pfn++)
		bits[(pfn - base) / 8] |= (uint8_t)(1u << ((pfn - base) % 8));
}

/* Which of the frames [@base, @base + KDUMP_PIECE_BITS) are RAM; false: none is. */
static bool kdump_ram_piece(struct kdump_writer *w, uint64_t base, uint8_t ram[KDUMP_BITMAP_PIECE])
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
		return done != 0;
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
static enum kco_status kdump_wanted_piece(struct kdump_writer *w, uint64_t base, struct kco_write_run *run,
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
static enum kco_status kdump_put_bitmaps(struct kdump_writer *w, struct kco_err *err)
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

static bool kdump_is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && !memcmp(p, p + 1, n - 1);
}

static void kdump_worker_free(void *worker)
{
	struct kdump_worker *k = worker;

	kco_encoder_free(k->encoder);
	free(k);
}

static void *kdump_worker_new(void *arg, struct kco_err *err)
{
	const struct kdump_writer *w = arg;
	struct kdump_worker *k = calloc(1, sizeof(*k));

	if (!k) {
		(void)!kco_fail(err, KCO_E_NOMEM, "out of memory");
		return NULL;
	}
	k->copy = w->src->codec != KCO_CODEC_NONE;
	if (w->src->codec == KCO_CODEC_NONE || !kco_encoder_new(w->src->codec, w->src->level, &k->encoder, err))
		return k;
	free(k);
	return NULL;
}

/* Take block @i over as the source stores it; false: it has to be made. */
static bool kdump_copy(const struct kdump_writer *w, struct kdump_worker *k, struct kco_reader *rd,
		       const struct kco_write_piece *piece, size_t i, uint8_t *to, struct kdump_block *block)
{
	enum kco_codec_id id;
	enum kco_status status;
	size_t size;

	if (!k->copy)
		return false;
	status = kco_reader_packed(rd, piece->addr + i * w->block_size, to, w->block_size, &size, &id, NULL);
	if (status == KCO_E_UNSUPPORTED)
		k->copy = false;
	if (status != KCO_OK || id != w->src->codec || size <= KDUMP_ZERO_PACKED)
		return false;
	*block = (struct kdump_block){ (uint32_t)size, kdump_flag(id) };
	return true;
}

/* Compress the block at @from when that saves bytes. */
static enum kco_status kdump_pack(const struct kdump_writer *w, struct kdump_worker *k, const uint8_t *from,
				  uint8_t *to, struct kdump_block *block, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	size_t size = 0;

	*block = (struct kdump_block){ 0 };
	if (kdump_is_zero(from, w->block_size))
		return KCO_OK;
	if (k->encoder)
		status = kco_encoder_compress(k->encoder, from, w->block_size, to, w->block_size - 1, &size, err);
	*block = (struct kdump_block){ (uint32_t)size, kdump_flag(w->src->codec) };
	if (!size) {
		memcpy(to, from, w->block_size);
		*block = (struct kdump_block){ w->block_size, 0 };
	}
	return status;
}

/* Block @i of the piece, packed at @to; @read: its bytes are not there yet. */
static enum kco_status kdump_make(const struct kdump_writer *w, struct kdump_worker *k, struct kco_reader *rd,
				  const struct kco_write_piece *piece, size_t i, bool read, uint8_t *to,
				  struct kdump_block *block, struct kco_err *err)
{
	struct kco_write_piece one = { .addr = piece->addr + i * w->block_size,
				       .n = w->block_size,
				       .bytes = piece->bytes + i * w->block_size };
	enum kco_status status = read ? kco_write_read(rd, &one, err) : KCO_OK;

	*block = (struct kdump_block){ 0 };
	return status == KCO_OK ? kdump_pack(w, k, one.bytes, to, block, err) : status;
}

static enum kco_status kdump_work(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				  struct kco_err *err)
{
	const struct kdump_writer *w = arg;
	struct kdump_packed *packed = (struct kdump_packed *)piece->out;
	struct kdump_worker *k = worker;
	size_t n = piece->n / w->block_size, at = 0;
	enum kco_status status = KCO_OK;
	bool whole = !k->copy;

	// Nothing to take over: the whole piece is read at once.
	if (whole)
		status = kco_write_read(rd, piece, err);
	for (size_t i = 0; status == KCO_OK && i < n; i++) {
		struct kdump_block *block = &packed->blocks[i];
		uint8_t *to = packed->bytes + at;

		if (whole || !kdump_copy(w, k, rd, piece, i, to, block))
			status = kdump_make(w, k, rd, piece, i, !whole, to, block, err);
		at += block->size;
	}
	piece->out_size = at;
	return status;
}

/* The page that all pages of zeros share. */
static enum kco_status kdump_put_zero(struct kdump_writer *w, struct kco_err *err)
{
	uint8_t *zero = calloc(2, w->block_size), *packed = zero ? zero + w->block_size : NULL;
	struct kco_encoder *encoder = NULL;
	enum kco_status status = zero ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
	size_t size = 0;

	if (status == KCO_OK && w->src->codec != KCO_CODEC_NONE)
		status = kco_encoder_new(w->src->codec, w->src->level, &encoder, err);
	if (status == KCO_OK && encoder)
		status = kco_encoder_compress(encoder, zero, w->block_size, packed, w->block_size - 1, &size, err);
	if (status == KCO_OK) {
		w->zero = w->at;
		w->zero_size = size ? (uint32_t)size : w->block_size;
		w->zero_flags = size ? kdump_flag(w->src->codec) : 0;
		status = kco_sink_write(w->sink, size ? packed : zero, w->zero_size, w->at, err);
		w->at += w->zero_size;
	}
	kco_encoder_free(encoder);
	free(zero);
	return status;
}

static enum kco_status kdump_deliver(void *arg, struct kco_write_piece *piece, struct kco_err *err)
{
	struct kdump_writer *w = arg;
	const struct kdump_packed *packed = (const struct kdump_packed *)piece->out;
	size_t n = piece->n / w->block_size;
	uint64_t index = piece->before / w->block_size, at;
	uint8_t descs[KDUMP_BLOCKS_MAX * KCO_KDUMP_DESC_SIZE];
	enum kco_status status = KCO_OK;

	if (index + n > w->count)
		return kco_fail(err, KCO_E_BUG, "the list of pages to write grew while it was written");
	for (size_t i = 0; status == KCO_OK && !w->zero && i < n; i++)
		if (!packed->blocks[i].size)
			status = kdump_put_zero(w, err);
	at = w->at;
	for (size_t i = 0; i < n; i++) {
		const struct kdump_block *block = &packed->blocks[i];
		uint8_t *desc = descs + i * KCO_KDUMP_DESC_SIZE;

		kdump_put64(desc, block->size ? at : w->zero);
		kdump_put32(desc + 8, block->size ? block->size : w->zero_size);
		kdump_put32(desc + 12, block->size ? block->flags : w->zero_flags);
		kdump_put64(desc + 16, 0);
		at += block->size;
	}
	if (status == KCO_OK)
		status = kco_sink_write(w->sink, packed->bytes, piece->out_size, w->at, err);
	if (status == KCO_OK)
		status = kco_sink_write(w->sink, descs, n * KCO_KDUMP_DESC_SIZE, w->descs + index * KCO_KDUMP_DESC_SIZE,
					err);
	w->at = at;
	w->written += n;
	return status;
}

static enum kco_status kdump_put_pages(struct kdump_writer *w, struct kco_err *err)
{
	struct kco_write_work work = {
		.whole_blocks = true,
		.room = sizeof(struct kdump_packed) + KCO_WRITE_PIECE,
		.arg = w,
		.worker_new = kdump_worker_new,
		.worker_free = kdump_worker_free,
		.work = kdump_work,
		.deliver = kdump_deliver,
	};
	enum kco_status status;

	w->at = w->data;
	status = w->src->each(w->src->arg, &work, err);
	if (status == KCO_OK && w->written != w->count)
		status =
			kco_fail(err, KCO_E_BUG, "%" PRIu64 " of %" PRIu64 " pages were written", w->written, w->count);
	// Also when nothing follows the bitmaps: readers check that the file reaches that far.
	return status == KCO_OK ? kco_sink_resize(w->sink, w->at, err) : status;
}

enum kco_status kco_kdump_write(const struct kco_write_source *src, const struct kco_kdump_ram *map,
				struct kco_sink *sink, struct kco_err *err)
{
	const struct kco_facts *facts = &src->image->facts;
	struct kdump_writer *w;
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
		status = kdump_put_notes(w, err);
	}
	if (status == KCO_OK)
		status = kdump_put_headers(w, err);
	if (status == KCO_OK)
		status = kdump_put_bitmaps(w, err);
	if (status == KCO_OK)
		status = kdump_put_pages(w, err);
	kco_segtree_fini(&w->ram);
	free(w);
	return status;
}
