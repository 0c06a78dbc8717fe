// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The headers of a kdump-compressed file, decoded. Shared by the reader and
 * the writer of kdump.c.
 *
 * Layout of the 64-bit ABI, little-endian, as makedumpfile writes it (its
 * IMPLEMENTATION file and diskdump_mod.h; checked on real dumps):
 *
 *   block 0     8 signature "KDUMP   " or "DISKDUMP" | i32 version 1..6 |
 *               6 x 65 utsname | pad | u64 sec, usec @408 | u32 status @424 |
 *               i32 block_size | i32 sub_hdr_size (blocks) | u32 bitmap_blocks |
 *               u32 max_mapnr | u32 total_ram, device, written blocks |
 *               u32 current_cpu | i32 nr_cpus @460
 *   block 1     sub header: u64 phys_base | i32 dump_level | i32 split |
 *               u64 start_pfn, end_pfn | u64 offset, size of vmcoreinfo (v3),
 *               notes (v4), eraseinfo (v5) | u64 start_pfn, end_pfn,
 *               max_mapnr (v6) in full width
 *   then        bitmap 1 (RAM), bitmap 2 (dumped), descriptors, page data
 *
 * In the 32-bit ABI longs have 4 bytes, so that the main header's fields move
 * up by 12 from the timestamp on; 64-bit fields are aligned to 4 on i386 and
 * to 8 elsewhere.
 */
#ifndef KCO_KDUMP_HEADER_H
#define KCO_KDUMP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/io.h>

#define KCO_KDUMP_SIG "KDUMP   "
#define KCO_KDUMP_SIG_OLD "DISKDUMP"

enum {
	KCO_KDUMP_HEADER_SIZE = 464,
	KCO_KDUMP_SUB_SIZE = 104,
	KCO_KDUMP_DESC_SIZE = 24, /* u64 offset, u32 size, u32 flags, u64 page_flags */
	KCO_KDUMP_UTS_LEN = 65,
	/* Byte offsets in the 64-bit main header. */
	KCO_KDUMP_VERSION = 8,
	KCO_KDUMP_UTS = 12,
	KCO_KDUMP_TIME = 408,
	KCO_KDUMP_STATUS = 424,
	KCO_KDUMP_BLOCK_SIZE = 428,
	KCO_KDUMP_SUB_BLOCKS = 432,
	KCO_KDUMP_BITMAP_BLOCKS = 436,
	KCO_KDUMP_MAX_MAPNR = 440,
	KCO_KDUMP_WRITTEN = 452,
	KCO_KDUMP_NR_CPUS = 460,
	/* Byte offsets in the 64-bit sub header. */
	KCO_KDUMP_PHYS_BASE = 0,
	KCO_KDUMP_LEVEL = 8,
	KCO_KDUMP_SPLIT = 12,
	KCO_KDUMP_START = 16,
	KCO_KDUMP_END = 24,
	KCO_KDUMP_VMCOREINFO = 32,
	KCO_KDUMP_NOTES = 48,
	KCO_KDUMP_ERASE = 64,
	KCO_KDUMP_START_64 = 80,
	KCO_KDUMP_END_64 = 88,
	KCO_KDUMP_MAX_MAPNR_64 = 96,
	/* status and page_desc.flags */
	KCO_KDUMP_ZLIB = 0x01,
	KCO_KDUMP_LZO = 0x02,
	KCO_KDUMP_SNAPPY = 0x04,
	KCO_KDUMP_INCOMPLETE = 0x08, /* status only */
	KCO_KDUMP_ZSTD = 0x20,
	KCO_KDUMP_CODECS = KCO_KDUMP_ZLIB | KCO_KDUMP_LZO | KCO_KDUMP_SNAPPY | KCO_KDUMP_ZSTD,
};

struct kco_kdump_area {
	uint64_t off, size; /* 0, 0: none */
};

struct kco_kdump_header {
	bool old;   /* DISKDUMP: no sub header that we know */
	bool abi32; /* the 32-bit layout */
	int32_t version;
	char uts[6][KCO_KDUMP_UTS_LEN]; /* sysname nodename release version machine domainname; NUL-terminated */
	uint64_t time;
	uint32_t status;
	uint32_t block_size;
	unsigned block_shift;
	uint32_t bitmap_blocks;
	uint64_t max_mapnr;
	uint32_t nr_cpus;
	uint64_t phys_base;
	int32_t dump_level;
	bool split;
	uint64_t start_pfn, end_pfn; /* the whole range unless split */
	struct kco_kdump_area vmcoreinfo, notes, erase;
	/* Where the parts are: derived and checked against the file's size. */
	uint64_t bitmap1; /* RAM present; equal to bitmap2 when the file has one bitmap */
	uint64_t bitmap2;
	uint64_t descs;
};

/** Read and check the headers of @io. */
enum kco_status kco_kdump_header_read(struct kco_io *io, struct kco_kdump_header *h, struct kco_err *err) KCO_MUST_USE;

/** A number that files of one split set have in common, and files of other dumps do not: of what a header says. */
uint64_t kco_kdump_header_set(const struct kco_kdump_header *h);

/** The EM_* number for a utsname.machine, 0 unknown. */
uint16_t kco_kdump_machine_elf(const char *machine);
/** The utsname.machine for an EM_* number, NULL unknown. */
const char *kco_kdump_elf_machine(uint16_t machine);

#endif
