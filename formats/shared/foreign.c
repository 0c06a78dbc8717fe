// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must hold before a file is given to libkdumpfile. See foreign.h.
 *
 * LKCD (lkcd's dump.h; libkdumpfile's lkcd.c), little-endian here:
 *   u64 magic | u32 version, header_size, level, page_size @20 | ... | pages
 *   from 64 KiB on (v9: u64 @734 says from where), each
 *   { u64 address, u32 size, u32 flags: 1 raw, 2 compressed, 4 end }, bytes
 * s390 (zipl's zfcpdump; s390dump.c), big-endian:
 *   u64 magic | u32 version, hdr_size @12, level, page_size @20 | u64 mem_size @24,
 *   start, end | u32 num_pages @48 | memory at hdr_size | "DUMP_END", u64 tod
 * SADUMP (crash's sadump.h; sadump.c): partition header, in a media backup at 4096:
 *   "sadump\0\0" wide | ... | u32 set_disk_set @152 | u64 used_device @160 |
 *   u32 magic chain from 168 to the end of the block, each 11 * (last + 7)
 *   then (disk set: its header, u32 blocks @0) the dump header:
 *   "sadump\0\0" | u32 version @8 | u32 block_size @40, sub_hdr_size @48,
 *   bitmap_blocks, dumpable_bitmap_blocks, max_mapnr @60, nr_cpus @80 | u64 max_mapnr @88
 *   then sub header | bitmap | dumpable bitmap | pages
 * Xen (xen's xc_core.h; elfdump.c): ELF sections .xen_pages with the pages and
 *   .xen_p2m (u64 pfn, gmfn) or .xen_pfn (u64 pfn) with an entry for each.
 */
#include "foreign.h"

#include <kco/endian.h>

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LKCD_MAGIC UINT64_C(0xa8190173618f23ed)
#define LKCD_MAGIC_LIVE UINT64_C(0xa8190173618f23cd)
#define S390_MAGIC UINT64_C(0xa8190173618f23fd)
#define LKCD_PAGES 65536u
#define FOREIGN_SECTIONS_MAX 1024u
#define FOREIGN_CPUS_MAX 65536u
#define SADUMP_PART_SIZE 168u

enum kco_foreign_kind kco_foreign_kind(const uint8_t *head, size_t n)
{
	if (n < sizeof(Elf64_Ehdr))
		return KCO_FOREIGN_NONE;
	if (kco_be64(head) == S390_MAGIC)
		return KCO_FOREIGN_S390;
	if (kco_le64(head) == LKCD_MAGIC || kco_le64(head) == LKCD_MAGIC_LIVE || kco_be64(head) == LKCD_MAGIC ||
	    kco_be64(head) == LKCD_MAGIC_LIVE)
		return KCO_FOREIGN_LKCD;
	if (!memcmp(head, "sadump\0", 8) || (n >= 4096 + 8 && !memcmp(head + 4096, "sadump\0", 8)))
		return KCO_FOREIGN_SADUMP;
	if (!memcmp(head, ELFMAG, SELFMAG) && head[EI_CLASS] == ELFCLASS64 && head[EI_DATA] == ELFDATA2LSB &&
	    kco_le16(head + 16) == ET_CORE && kco_le16(head + 56) == 0 && kco_le16(head + 60) != 0)
		return KCO_FOREIGN_XEN;
	return KCO_FOREIGN_NONE;
}

const char *kco_foreign_name(enum kco_foreign_kind kind)
{
	switch (kind) {
	case KCO_FOREIGN_LKCD:
		return "LKCD";
	case KCO_FOREIGN_S390:
		return "s390 dump";
	case KCO_FOREIGN_SADUMP:
		return "SADUMP";
	case KCO_FOREIGN_XEN:
		return "Xen core";
	case KCO_FOREIGN_NONE:
		break;
	}
	return "unknown";
}

/* [off, off+size) lies within @io. */
static enum kco_status foreign_within(struct kco_io *io, const char *what, uint64_t off, uint64_t size,
				      struct kco_err *err)
{
	uint64_t end;

	if (__builtin_add_overflow(off, size, &end) || end > io->size)
		return kco_fail(err, KCO_E_TRUNCATED,
				"%s: truncated: %s at %#" PRIx64 " has %" PRIu64 " bytes, the file ends at %" PRIu64,
				io->name, what, off, size, io->size);
	return KCO_OK;
}

static bool foreign_page_size_ok(uint32_t size)
{
	return size >= 4096 && size <= 65536 && (size & (size - 1)) == 0;
}

static enum kco_status foreign_lkcd(struct kco_io *io, struct kco_err *err)
{
	uint8_t raw[742];
	uint64_t off = LKCD_PAGES;
	uint32_t page_size;
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);

	if (status != KCO_OK)
		return status;
	if (kco_le64(raw) != LKCD_MAGIC && kco_le64(raw) != LKCD_MAGIC_LIVE)
		return kco_fail(err, KCO_E_UNSUPPORTED, "LKCD dump of a big-endian machine");
	if ((kco_le32(raw + 8) & 0x3fffffff) >= 9)
		off = kco_le64(raw + 734);
	page_size = kco_le32(raw + 20);
	if (!foreign_page_size_ok(page_size))
		return kco_fail(err, KCO_E_CORRUPT, "LKCD: page size %" PRIu32, page_size);
	for (;;) {
		uint8_t page[16];
		uint32_t size, flags;

		status = foreign_within(io, "a page header", off, sizeof(page), err);
		if (status == KCO_OK)
			status = kco_io_read(io, page, sizeof(page), off, NULL, err);
		if (status != KCO_OK)
			return status;
		size = kco_le32(page + 8);
		flags = kco_le32(page + 12);
		if (flags & 4)
			return KCO_OK;
		if ((flags & 3) == 1 ? size != page_size : size > page_size)
			return kco_fail(err, KCO_E_CORRUPT, "LKCD: page at %#" PRIx64 " claims %" PRIu32 " bytes", off,
					size);
		off += sizeof(page);
		status = foreign_within(io, "a page", off, size, err);
		if (status != KCO_OK)
			return status;
		off += size;
	}
}

static enum kco_status foreign_s390(struct kco_io *io, struct kco_err *err)
{
	uint8_t raw[56];
	uint64_t mem_size, end;
	uint32_t page_size, hdr_size;
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);

	if (status != KCO_OK)
		return status;
	hdr_size = kco_be32(raw + 12);
	page_size = kco_be32(raw + 20);
	mem_size = kco_be64(raw + 24);
	// libkdumpfile maps the whole main header.
	if (hdr_size < 4096 || page_size != 4096 || kco_be32(raw + 48) > mem_size / page_size)
		return kco_fail(err, KCO_E_CORRUPT,
				"s390 dump: header of %" PRIu32 " bytes, %" PRIu32 " pages of %" PRIu32
				" bytes, %#" PRIx64 " bytes of memory",
				hdr_size, kco_be32(raw + 48), page_size, mem_size);
	if (__builtin_add_overflow(mem_size, 16, &end))
		end = UINT64_MAX;
	return foreign_within(io, "the memory with its end mark", hdr_size, end, err);
}

/* How many bits are set in [off, off+size)? Any bit order. */
static enum kco_status foreign_popcount(struct kco_io *io, uint64_t off, uint64_t size, uint64_t *ret,
					struct kco_err *err)
{
	uint8_t buf[16384];

	*ret = 0;
	while (size) {
		size_t n = size < sizeof(buf) ? (size_t)size : sizeof(buf);
		enum kco_status status = kco_io_read(io, buf, n, off, NULL, err);

		if (status != KCO_OK)
			return status;
		for (size_t i = 0; i < n; i++)
			*ret += (uint64_t)__builtin_popcount(buf[i]);
		off += n;
		size -= n;
	}
	return KCO_OK;
}

/* The dump header, bitmaps and (if all pages are in this file) the pages. @used ends this disk's part. */
static enum kco_status foreign_sadump_header(struct kco_io *io, uint64_t at, uint32_t block, uint64_t used, bool alone,
					     struct kco_err *err)
{
	uint64_t max_mapnr, bitmap, dumpable, data, count;
	uint8_t raw[96];
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), at, NULL, err);

	if (status != KCO_OK)
		return status;
	max_mapnr = kco_le32(raw + 8) < 1 ? kco_le32(raw + 60) : kco_le64(raw + 88);
	bitmap = (uint64_t)kco_le32(raw + 52) * block;
	dumpable = (uint64_t)kco_le32(raw + 56) * block;
	if (memcmp(raw, "sadump\0", 8) || kco_le32(raw + 40) != block || kco_le32(raw + 80) == 0 ||
	    kco_le32(raw + 80) > FOREIGN_CPUS_MAX || max_mapnr > bitmap * 8 || max_mapnr > dumpable * 8 ||
	    bitmap > INT32_MAX || dumpable > INT32_MAX)
		return kco_fail(err, KCO_E_CORRUPT,
				"SADUMP: header at %#" PRIx64 " with blocks of %" PRIu32 " bytes, %" PRIu32
				" CPUs, %#" PRIx64 " pages",
				at, kco_le32(raw + 40), kco_le32(raw + 80), max_mapnr);
	data = at + block + (uint64_t)kco_le32(raw + 48) * block + bitmap + dumpable;
	status = foreign_within(io, "the headers and bitmaps", 0, data, err);
	if (status == KCO_OK && alone)
		status = foreign_popcount(io, data - dumpable, dumpable, &count, err);
	if (status != KCO_OK || !alone)
		return status;
	if (used < data || count > (used - data) / block)
		return kco_fail(err, KCO_E_TRUNCATED,
				"SADUMP: %" PRIu64 " pages are announced, there is room for %" PRIu64, count,
				used < data ? 0 : (used - data) / block);
	return foreign_within(io, "the page data", data, count * block, err);
}

static enum kco_status foreign_sadump(struct kco_io *io, struct kco_err *err)
{
	uint8_t raw[4 + SADUMP_PART_SIZE];
	uint64_t part = 0, at, used;
	uint32_t set, last, magic, block, blocks = 0;
	enum kco_status status = kco_io_read(io, raw, 8, 0, NULL, err);

	if (status == KCO_OK && memcmp(raw, "sadump\0", 8))
		part = 4096;
	if (status == KCO_OK)
		status = kco_io_read(io, raw, sizeof(raw), part, NULL, err);
	if (status != KCO_OK)
		return status;
	set = part ? 0 : kco_le32(raw + 152);
	used = kco_le64(raw + 160);
	last = kco_le32(raw + SADUMP_PART_SIZE);
	// The block ends where the chain of magic numbers does.
	for (at = part + SADUMP_PART_SIZE + 4; at - part <= 65536; at += 4, last = magic) {
		uint8_t word[4];

		status = kco_io_read(io, word, sizeof(word), at, NULL, err);
		if (status != KCO_OK)
			return status;
		magic = kco_le32(word);
		if (magic != 11 * (last + 7))
			break;
	}
	block = (uint32_t)(at - part);
	if (block < 512 || block > 65536 || (block & (block - 1)))
		return kco_fail(err, KCO_E_CORRUPT, "SADUMP: the partition header has %" PRIu32 " bytes", block);
	status = foreign_within(io, "the disk's part", 0, used, err);
	if (set > 1)
		return status;
	if (set == 1) {
		status = kco_io_read(io, raw, 4, at, NULL, err);
		blocks = kco_le32(raw);
		if (status == KCO_OK && (blocks == 0 || blocks > 1024))
			status = kco_fail(err, KCO_E_CORRUPT, "SADUMP: disk set header of %" PRIu32 " blocks", blocks);
	}
	if (status != KCO_OK)
		return status;
	return foreign_sadump_header(io, at + (uint64_t)blocks * block, block, used, set == 0, err);
}

/* The section headers, all of them within the file; their names terminated. */
static enum kco_status foreign_xen(struct kco_io *io, struct kco_err *err)
{
	uint8_t ehdr[sizeof(Elf64_Ehdr)], sh[FOREIGN_SECTIONS_MAX * sizeof(Elf64_Shdr)], end;
	uint64_t pages = 0, frames = 0;
	uint32_t n, names;
	char name[16];
	enum kco_status status = kco_io_read(io, ehdr, sizeof(ehdr), 0, NULL, err);

	if (status != KCO_OK)
		return status;
	n = kco_le16(ehdr + 60);
	names = kco_le16(ehdr + 62);
	if (kco_le16(ehdr + 58) != sizeof(Elf64_Shdr) || n > FOREIGN_SECTIONS_MAX || names == 0 || names >= n)
		return kco_fail(err, KCO_E_CORRUPT, "ELF core without program headers, %" PRIu32 " sections", n);
	// The library calls the architecture's slot for .xen_prstatus without asking whether there is one.
	if (kco_le16(ehdr + 18) != EM_X86_64 && kco_le16(ehdr + 18) != EM_386)
		return kco_fail(err, KCO_E_UNSUPPORTED, "Xen core of a machine that is no x86");
	status = kco_io_read(io, sh, n * sizeof(Elf64_Shdr), kco_le64(ehdr + 40), NULL, err);
	for (uint32_t i = 0; status == KCO_OK && i < n; i++) {
		const uint8_t *s = sh + i * sizeof(Elf64_Shdr), *strs = sh + names * sizeof(Elf64_Shdr);
		uint64_t off = kco_le64(s + 24), size = kco_le64(s + 32);
		size_t got = 0;

		status = foreign_within(io, "a section", off, size, err);
		if (status != KCO_OK)
			break;
		memset(name, 0, sizeof(name));
		if (kco_le32(s) < kco_le64(strs + 32) &&
		    kco_io_read(io, name, sizeof(name) - 1, kco_le64(strs + 24) + kco_le32(s), &got, NULL) != KCO_OK)
			name[got < sizeof(name) ? got : sizeof(name) - 1] = '\0';
		if (!strcmp(name, ".xen_pages"))
			pages = size / 4096;
		else if (!strcmp(name, ".xen_p2m"))
			frames = size / 16;
		else if (!strcmp(name, ".xen_pfn"))
			frames = size / 8;
	}
	if (status != KCO_OK)
		return status;
	if (!pages || !frames || frames > pages)
		return kco_fail(err, frames > pages ? KCO_E_TRUNCATED : KCO_E_CORRUPT,
				"Xen core: %" PRIu64 " page frames, %" PRIu64 " pages", frames, pages);
	names *= sizeof(Elf64_Shdr);
	if (kco_le64(sh + names + 32) == 0)
		return kco_fail(err, KCO_E_CORRUPT, "Xen core: no section names");
	status = kco_io_read(io, &end, 1, kco_le64(sh + names + 24) + kco_le64(sh + names + 32) - 1, NULL, err);
	return status != KCO_OK || end == 0 ? status
					    : kco_fail(err, KCO_E_CORRUPT, "Xen core: section names do not end");
}

enum kco_status kco_foreign_check(enum kco_foreign_kind kind, struct kco_io *const *files, size_t n,
				  struct kco_err *err)
{
	enum kco_status status = KCO_OK;

	if (n > 1 && kind != KCO_FOREIGN_SADUMP)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but a %s is one file", n, kco_foreign_name(kind));
	for (size_t i = 0; status == KCO_OK && i < n; i++) {
		switch (kind) {
		case KCO_FOREIGN_LKCD:
			status = foreign_lkcd(files[i], err);
			break;
		case KCO_FOREIGN_S390:
			status = foreign_s390(files[i], err);
			break;
		case KCO_FOREIGN_SADUMP:
			status = foreign_sadump(files[i], err);
			break;
		case KCO_FOREIGN_XEN:
			status = foreign_xen(files[i], err);
			break;
		case KCO_FOREIGN_NONE:
			return kco_fail(err, KCO_E_BADFILE, "no format of this row");
		}
	}
	return status;
}
