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

enum kco_foreign_kind kco_foreign_kind(const uint8_t *head, size_t n)
{
	if (n < sizeof(Elf64_Ehdr))
		return KCO_FOREIGN_NONE;
	if (kco_be64(head) == S390_MAGIC)
		return KCO_FOREIGN_S390;
	if (kco_le64(head) == LKCD_MAGIC || kco_le64(head) == LKCD_MAGIC_LIVE || kco_be64(head) == LKCD_MAGIC ||
	    kco_be64(head) == LKCD_MAGIC_LIVE)
		return KCO_FOREIGN_LKCD;
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
				"truncated: %s at %#" PRIx64 " has %" PRIu64 " bytes, the file ends at %" PRIu64, what,
				off, size, io->size);
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

enum kco_status kco_foreign_check(enum kco_foreign_kind kind, struct kco_io *io, struct kco_err *err)
{
	switch (kind) {
	case KCO_FOREIGN_LKCD:
		return foreign_lkcd(io, err);
	case KCO_FOREIGN_S390:
		return foreign_s390(io, err);
	case KCO_FOREIGN_XEN:
		return foreign_xen(io, err);
	case KCO_FOREIGN_NONE:
		break;
	}
	return kco_fail(err, KCO_E_BADFILE, "none of the formats of this row");
}
