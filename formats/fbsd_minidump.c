// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD minidumps: the pages that the kernel itself uses.
 *
 *   header page | message buffer | dump_avail | page bitmap | kernel map | pages
 *
 * each part rounded up to the page size. Bit n of the bitmap (least significant
 * first) stands for page frame n or, where the version has dump_avail, for the
 * n-th page of its ranges { u64 start, end } (the last has end 0); the pages
 * follow in the order of the bits. The kernel map is what its architecture makes
 * of it: page-directory entries whose tables are among the pages (amd64 since v2), or
 * a flat array of lowest-level entries.
 *
 * Sources: sys/ARCH/include/minidump.h and sys/ARCH/ARCH/minidump_machdep.c of
 * FreeBSD 12.1, checked on real dumps of it; dump_avail of later versions and the
 * page sizes of arm64 v3 by their headers. Little-endian.
 *
 * Nothing of a process is in there: neither its pages nor its page tables.
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bitrank.h"
#include "minidump.h"

#define MINIDUMP_MAGIC 24u
#define MINIDUMP_HEADER 96u
#define MINIDUMP_MSGBUF_MAX (UINT32_C(64) << 20)
#define MINIDUMP_AVAIL_MAX 4096u /* ranges; a kernel has as many as fit a page */

/* Where the fields of a header lie; 0: it has none. */
struct minidump_layout {
	const char *magic;
	uint16_t machine;
	uint8_t versions;    /* the highest one that is known */
	uint8_t avail_since; /* version */
	uint8_t word;	     /* bytes of kernbase */
	uint8_t kernbase, dmapphys, dmapbase, dmapend, avail, flags;
	uint8_t pae; /* i386: which entries the map has */
	const struct minidump_map *(*map)(uint32_t version, uint32_t pae);
};

static const struct minidump_map *minidump_amd64_map(uint32_t version, uint32_t pae)
{
	(void)pae;
	return version == 1 ? &kco_minidump_amd64_flat : &kco_minidump_amd64_directory;
}

static const struct minidump_map *minidump_arm64_map(uint32_t version, uint32_t pae)
{
	(void)version;
	(void)pae;
	return &kco_minidump_arm64;
}

static const struct minidump_map *minidump_riscv_map(uint32_t version, uint32_t pae)
{
	(void)version;
	(void)pae;
	return &kco_minidump_riscv;
}

static const struct minidump_map *minidump_i386_map(uint32_t version, uint32_t pae)
{
	(void)version;
	return pae ? &kco_minidump_i386_pae : &kco_minidump_i386;
}

static const struct minidump_layout minidump_layouts[] = {
	{ "minidump FreeBSD/amd64", EM_X86_64, 3, 3, 8, .kernbase = 40, .dmapbase = 48, .dmapend = 56, .avail = 64,
	  .map = minidump_amd64_map },
	{ "minidump FreeBSD/arm64", EM_AARCH64, 3, 2, 8, .kernbase = 40, .dmapphys = 48, .dmapbase = 56, .dmapend = 64,
	  .avail = 72, .flags = 76, .map = minidump_arm64_map },
	{ "minidump FreeBSD/riscv", EM_RISCV, 2, 2, 8, .kernbase = 40, .dmapphys = 48, .dmapbase = 56, .dmapend = 64,
	  .avail = 72, .map = minidump_riscv_map },
	{ "minidump FreeBSD/i386", EM_386, 2, 2, 4, .kernbase = 40, .avail = 48, .pae = 44, .map = minidump_i386_map },
};

#define MINIDUMP_LAYOUTS (sizeof(minidump_layouts) / sizeof(*minidump_layouts))

struct minidump_header {
	const struct minidump_layout *layout;
	uint32_t version, msgbuf, bitmap, map, avail, pae;
	uint64_t kernbase, dmapphys, dmapbase, dmapend;
	uint32_t page;
};

static bool minidump_is(const struct minidump_layout *l, const uint8_t *head)
{
	return !memcmp(head, l->magic, strlen(l->magic) + 1);
}

static int fbsd_minidump_probe(const struct kco_head *head)
{
	if (head->head_size < MINIDUMP_HEADER || memcmp(head->head, "minidump FreeBSD/", 17) != 0)
		return head->head_size >= 17 && !memcmp(head->head, "minidump FreeBSD/", 17) ? 60 : 0;
	return 100;
}

static uint64_t minidump_field(const uint8_t *raw, uint8_t at, size_t word)
{
	return at ? kco_le_uint(raw + at, word) : 0;
}

static enum kco_status minidump_header(struct kco_io *io, struct minidump_header *h, struct kco_err *err)
{
	uint8_t raw[MINIDUMP_HEADER];
	const struct minidump_layout *l = NULL;
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);

	if (status != KCO_OK)
		return kco_context(err, status, "minidump header");
	for (size_t i = 0; i < MINIDUMP_LAYOUTS; i++)
		if (minidump_is(&minidump_layouts[i], raw))
			l = &minidump_layouts[i];
	if (!l)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"a minidump of FreeBSD/%.*s: those of amd64, arm64, riscv and i386 are read",
				(int)strnlen((const char *)raw + 17, MINIDUMP_MAGIC - 17 + 8), (const char *)raw + 17);
	*h = (struct minidump_header){ .layout = l,
				       .version = kco_le32(raw + 24),
				       .msgbuf = kco_le32(raw + 28),
				       .bitmap = kco_le32(raw + 32),
				       .map = kco_le32(raw + 36),
				       .kernbase = minidump_field(raw, l->kernbase, l->word),
				       .dmapphys = minidump_field(raw, l->dmapphys, 8),
				       .dmapbase = minidump_field(raw, l->dmapbase, 8),
				       .dmapend = minidump_field(raw, l->dmapend, 8),
				       .pae = (uint32_t)minidump_field(raw, l->pae, 4),
				       .page = 4096 };
	if (h->version < 1 || h->version > l->versions)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"version %" PRIu32 " of FreeBSD/%s's minidumps: 1 to %u are known", h->version,
				l->magic + 17, l->versions);
	if (h->version >= l->avail_since)
		h->avail = (uint32_t)minidump_field(raw, l->avail, 4);
	// Since arm64's v3 the two lowest bits of flags are the page size.
	if (l->flags && h->version >= 3) {
		uint32_t size = (uint32_t)minidump_field(raw, l->flags, 4) & 3;

		if (size > 1)
			return kco_fail(err, KCO_E_UNSUPPORTED,
					"page size %" PRIu32 " of arm64: 4 KiB and 16 KiB are known", size);
		h->page = size ? 16384 : 4096;
	}
	if (h->avail / 16 > MINIDUMP_AVAIL_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "dump_avail has %" PRIu32 " bytes", h->avail);
	if (h->bitmap % 8)
		return kco_fail(err, KCO_E_CORRUPT, "a page bitmap of %" PRIu32 " bytes", h->bitmap);
	return KCO_OK;
}

/* The file offset of each part; what does not lie in the file is an error but for the pages themselves. */
static enum kco_status minidump_parts(struct kco_io *io, const struct minidump_header *h, struct minidump *md,
				      uint64_t *msgbuf, uint64_t *avail, struct kco_err *err)
{
	uint64_t page = h->page, at = page;
	uint64_t *const where[] = { msgbuf, avail, &md->bitmap_off, &md->map_off };
	const uint32_t sizes[] = { h->msgbuf, h->avail, h->bitmap, h->map };
	static const char *const names[] = { "message buffer", "dump_avail", "page bitmap", "kernel map" };

	for (size_t i = 0; i < 4; i++) {
		*where[i] = at;
		if (at > io->size || sizes[i] > io->size - at)
			return kco_fail(err, KCO_E_TRUNCATED,
					"truncated: the %s of %" PRIu32 " bytes at %#" PRIx64
					" ends behind the file, at %" PRIu64,
					names[i], sizes[i], at, io->size);
		at += (sizes[i] + page - 1) & ~(page - 1);
	}
	md->pages_off = at;
	return KCO_OK;
}

/*
 * One more range: it owns a bit for each page that it touches. Two that meet
 * within a page both have one for it; the kernel marks it in the lower range
 * (vm_page_dump_add() of sys/vm/vm_page.h takes the first range that has the page's first byte).
 */
static void minidump_avail_add(struct minidump *md, uint64_t start, uint64_t end, uint64_t *bit)
{
	uint64_t mask = (uint64_t)md->page - 1, first = start & ~mask, last = (end + mask) & ~mask;
	uint64_t free = md->nr_ranges ? md->ranges[md->nr_ranges - 1].end : 0, skip = 0;

	if (first < free)
		skip = free - first;
	if (first + skip < last)
		md->ranges[md->nr_ranges++] = (struct minidump_range){ first + skip, last, *bit + skip / md->page };
	*bit += (last - first) / md->page;
}

/* The ranges of dump_avail, and the bit that each begins with. */
static enum kco_status minidump_avail(struct kco_io *io, const struct minidump_header *h, uint64_t off,
				      struct minidump *md, struct kco_err *err)
{
	uint64_t bit = 0, before = 0;
	size_t most = h->avail / 16;

	for (size_t i = 0;; i++) {
		uint8_t raw[16];
		uint64_t start, end;
		enum kco_status status;

		if (i == most)
			return kco_fail(err, KCO_E_CORRUPT, "dump_avail does not end within its %" PRIu32 " bytes",
					h->avail);
		status = kco_io_read(io, raw, sizeof(raw), off + i * sizeof(raw), NULL, err);
		if (status != KCO_OK)
			return kco_context(err, status, "dump_avail");
		start = kco_le64(raw);
		end = kco_le64(raw + 8);
		if (!end)
			break;
		if (end <= start || start < before || end > UINT64_MAX - h->page)
			return kco_fail(err, KCO_E_CORRUPT,
					"dump_avail has a range from %#" PRIx64 " to %#" PRIx64 " behind %#" PRIx64,
					start, end, before);
		before = end;
		minidump_avail_add(md, start, end, &bit);
	}
	if (bit > (uint64_t)h->bitmap * 8)
		return kco_fail(err, KCO_E_CORRUPT, "dump_avail has %" PRIu64 " pages, the bitmap %" PRIu64 " bits",
				bit, (uint64_t)h->bitmap * 8);
	return KCO_OK;
}

/* A dump cut short, or one whose bitmap grew while it was written (FreeBSD then begins again, a few times). */
static void minidump_check_size(struct kco_image *img, const struct minidump *md)
{
	uint64_t total, want;

	if (kco_bitrank_total(md->rank, &total, NULL) != KCO_OK)
		return;
	if (__builtin_mul_overflow(total, (uint64_t)md->page, &want) || want > md->io->size - md->pages_off)
		kco_image_warn(img, "truncated: %" PRIu64 " pages are in the bitmap, the file has %" PRIu64, total,
			       (md->io->size - md->pages_off) / md->page);
}

static enum kco_status minidump_segments(struct kco_image *img, struct minidump *md, const struct minidump_header *h,
					 struct kco_err *err)
{
	uint64_t entries = h->map / md->map->entry, span;
	enum kco_status status = KCO_OK;

	for (size_t i = 0; status == KCO_OK && i < md->nr_ranges; i++) {
		status = kco_image_add_segment(img, KCO_PHYS, md->ranges[i].start,
					       md->ranges[i].end - md->ranges[i].start, &kco_minidump_phys_ops, md, 0,
					       err);
		if (md->ranges[i].end / md->page > img->facts.max_pfn)
			img->facts.max_pfn = md->ranges[i].end / md->page;
	}
	if (__builtin_mul_overflow(entries, md->map->span ? md->map->span : md->page, &span) || span > -h->kernbase)
		span = -h->kernbase; // up to where addresses end
	if (h->layout->word == 4 && span > (UINT64_C(1) << 32) - h->kernbase)
		span = (UINT64_C(1) << 32) - h->kernbase;
	md->kernbase = h->kernbase;
	if (status == KCO_OK)
		status = kco_image_add_segment(img, KCO_VIRT, h->kernbase, span, &kco_minidump_kernel_ops, md, 0, err);
	// Later, and so in front: on arm64 and RISC-V the direct map lies within the other's range.
	md->dmapbase = h->dmapbase;
	md->dmapphys = h->dmapphys;
	if (status == KCO_OK && h->dmapend > h->dmapbase)
		status = kco_image_add_segment(img, KCO_VIRT, h->dmapbase, h->dmapend - h->dmapbase,
					       &kco_minidump_direct_ops, md, 0, err);
	return status;
}

static void minidump_facts(struct kco_image *img, const struct minidump_header *h, uint64_t msgbuf)
{
	struct kco_facts *facts = &img->facts;
	void *ring = h->msgbuf && h->msgbuf <= MINIDUMP_MSGBUF_MAX ? kco_arena_alloc(&img->arena, h->msgbuf) : NULL;

	facts->elf_machine = h->layout->machine;
	facts->elf32 = h->layout->word == 4;
	facts->block_size = h->page;
	strcpy(facts->sysname, "FreeBSD");
	facts->no_user = "a minidump holds no memory of processes, nor their page tables; a full dump does (sysctl "
			 "debug.minidump=0)";
	if (ring && kco_io_read(img->files[0], ring, h->msgbuf, msgbuf, NULL, NULL) == KCO_OK) {
		facts->msgbuf = ring;
		facts->msgbuf_size = h->msgbuf;
	} else if (h->msgbuf) {
		kco_image_warn(img, "the message buffer of %" PRIu32 " bytes cannot be read", h->msgbuf);
	}
}

static void minidump_free(struct minidump *md)
{
	kco_bitrank_free(md->rank);
	kco_metacache_free(md->meta);
	free(md);
}

static enum kco_status fbsd_minidump_open(struct kco_image *img, const struct kco_image_options *opts,
					  struct kco_err *err)
{
	struct kco_io *io = img->files[0];
	struct minidump_header h = { 0 };
	uint64_t msgbuf = 0, avail = 0;
	struct minidump *md;
	enum kco_status status;

	(void)opts;
	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but a minidump is one file", img->nr_files);
	status = minidump_header(io, &h, err);
	if (status != KCO_OK)
		return status;
	md = calloc(1, sizeof(*md) + (1 + h.avail / 16) * sizeof(md->ranges[0]));
	if (!md)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	md->io = io;
	md->page = h.page;
	md->map = h.layout->map(h.version, h.pae);
	md->map_size = h.map;
	status = minidump_parts(io, &h, md, &msgbuf, &avail, err);
	if (status == KCO_OK && h.version >= h.layout->avail_since)
		status = minidump_avail(io, &h, avail, md, err);
	else if (status == KCO_OK)
		md->ranges[md->nr_ranges++] = (struct minidump_range){ 0, (uint64_t)h.bitmap * 8 * h.page, 0 };
	if (status == KCO_OK)
		status = kco_bitrank_new(io, md->bitmap_off, 0, (uint64_t)h.bitmap * 8, KCO_LSB_FIRST, &md->rank, err);
	if (status == KCO_OK && !(md->meta = kco_metacache_new()))
		status = kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (status == KCO_OK)
		status = minidump_segments(img, md, &h, err);
	if (status != KCO_OK) {
		minidump_free(md);
		return status;
	}
	img->priv = md;
	minidump_facts(img, &h, msgbuf);
	minidump_check_size(img, md);
	return KCO_OK;
}

static void fbsd_minidump_close(struct kco_image *img)
{
	minidump_free(img->priv);
}

const struct kco_format_ops kco_format_fbsd_minidump = {
	.name = "fbsd-minidump",
	.description = "FreeBSD minidump of amd64, arm64, riscv or i386",
	.probe = fbsd_minidump_probe,
	.open = fbsd_minidump_open,
	.close = fbsd_minidump_close,
};
