// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The headers of a kdump-compressed file, decoded. Layout in kdump_header.h.
 *
 * Which ABI wrote a file is not recorded: the layout whose block size, header
 * size and bitmap size make sense together is taken, the one of the machine's
 * name first.
 */
#include "kdump_header.h"

#include <kco/endian.h>

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#define KDUMP_BLOCK_MIN 4096u
#define KDUMP_BLOCK_MAX 65536u
#define KDUMP_SUB_BLOCKS_MAX 65536u
#define KDUMP_PHYS_BITS 52

/* In front of every field from the timestamp on the 32-bit layout saves this much. */
#define KDUMP_ABI32_SHIFT 12u

static const struct {
	const char *prefix; /* of utsname.machine; the first match wins */
	uint16_t elf;
	bool bits32;
	bool packed; /* 32-bit: u64 aligned to 4 */
} kdump_machines[] = {
	{ "x86_64", EM_X86_64, false, false }, { "i386", EM_386, true, true },
	{ "i486", EM_386, true, true },	       { "i586", EM_386, true, true },
	{ "i686", EM_386, true, true },	       { "aarch64", EM_AARCH64, false, false },
	{ "arm", EM_ARM, true, false },	       { "riscv", EM_RISCV, false, false },
	{ "loongarch64", 258, false, false },  { "ppc64", EM_PPC64, false, false },
	{ "ppc", EM_PPC, true, false },	       { "s390x", EM_S390, false, false },
	{ "mips64", EM_MIPS, false, false },   { "mips", EM_MIPS, true, false },
	{ "ia64", EM_IA_64, false, false },
};

#define KDUMP_NR_MACHINES (sizeof(kdump_machines) / sizeof(kdump_machines[0]))

uint16_t kco_kdump_machine_elf(const char *machine)
{
	for (size_t i = 0; i < KDUMP_NR_MACHINES; i++)
		if (!strncmp(machine, kdump_machines[i].prefix, strlen(kdump_machines[i].prefix)))
			return kdump_machines[i].elf;
	return 0;
}

const char *kco_kdump_elf_machine(uint16_t machine)
{
	// The table's prefixes are the full names but for i386, where any x86 of 32 bits will do.
	if (machine == EM_RISCV)
		return "riscv64";
	for (size_t i = 0; i < KDUMP_NR_MACHINES; i++)
		if (kdump_machines[i].elf == machine)
			return kdump_machines[i].prefix;
	return NULL;
}

static uint32_t kdump_field(const uint8_t *raw, unsigned off, bool abi32)
{
	return kco_le32(raw + off - (abi32 ? KDUMP_ABI32_SHIFT : 0));
}

static bool kdump_block_ok(uint32_t size)
{
	return size >= KDUMP_BLOCK_MIN && size <= KDUMP_BLOCK_MAX && (size & (size - 1)) == 0;
}

static bool kdump_plausible(const uint8_t *raw, bool abi32)
{
	uint32_t block = kdump_field(raw, KCO_KDUMP_BLOCK_SIZE, abi32);
	uint32_t sub = kdump_field(raw, KCO_KDUMP_SUB_BLOCKS, abi32);
	uint64_t bits = (uint64_t)kdump_field(raw, KCO_KDUMP_BITMAP_BLOCKS, abi32) * block * 8;

	return kdump_block_ok(block) && sub <= KDUMP_SUB_BLOCKS_MAX &&
	       kdump_field(raw, KCO_KDUMP_MAX_MAPNR, abi32) <= bits;
}

/* Walks the sub header, whose members' sizes and alignment depend on the ABI. */
struct kdump_cursor {
	const uint8_t *raw;
	size_t at;
	unsigned size_long, align_u64;
};

static uint64_t kdump_next(struct kdump_cursor *c, unsigned size)
{
	unsigned align = size == 8 ? c->align_u64 : size;
	uint64_t v;

	c->at = (c->at + align - 1) & ~(size_t)(align - 1);
	v = kco_le_uint(c->raw + c->at, size);
	c->at += size;
	return v;
}

static void kdump_sub_parse(struct kco_kdump_header *h, const uint8_t *raw, bool packed)
{
	struct kdump_cursor c = { raw, 0, h->abi32 ? 4 : 8, h->abi32 && packed ? 4 : 8 };
	unsigned l = c.size_long;

	h->phys_base = h->abi32 ? (uint64_t)(int64_t)(int32_t)kdump_next(&c, l) : kdump_next(&c, l);
	h->dump_level = (int32_t)kdump_next(&c, 4);
	h->split = kdump_next(&c, 4) != 0 && h->version >= 2;
	h->start_pfn = kdump_next(&c, l);
	h->end_pfn = kdump_next(&c, l);
	if (h->version >= 3) {
		h->vmcoreinfo.off = kdump_next(&c, 8);
		h->vmcoreinfo.size = kdump_next(&c, l);
	}
	if (h->version >= 4) {
		h->notes.off = kdump_next(&c, 8);
		h->notes.size = kdump_next(&c, l);
	}
	if (h->version >= 5) {
		h->erase.off = kdump_next(&c, 8);
		h->erase.size = kdump_next(&c, l);
	}
	if (h->version >= 6) {
		uint64_t max;

		h->start_pfn = kdump_next(&c, 8);
		h->end_pfn = kdump_next(&c, 8);
		max = kdump_next(&c, 8);
		if (max)
			h->max_mapnr = max;
	}
}

static enum kco_status kdump_main_parse(struct kco_kdump_header *h, const uint8_t *raw, bool *packed,
					struct kco_err *err)
{
	bool bits32 = false;
	uint32_t version = kco_le32(raw + KCO_KDUMP_VERSION);

	*h = (struct kco_kdump_header){ .old = !memcmp(raw, KCO_KDUMP_SIG_OLD, 8), .dump_level = -1 };
	if (!h->old && memcmp(raw, KCO_KDUMP_SIG, 8))
		return kco_fail(err, KCO_E_BADFILE, "no kdump signature");
	if (version > 0xffffff && kco_be32(raw + KCO_KDUMP_VERSION) <= 6)
		return kco_fail(err, KCO_E_UNSUPPORTED, "kdump file of a big-endian machine");
	h->version = (int32_t)version;
	if (h->version < 0 || h->version > 6)
		return kco_fail(err, KCO_E_UNSUPPORTED, "kdump header version %" PRId32 " (1 to 6 are known)",
				h->version);
	for (size_t i = 0; i < 6; i++)
		memcpy(h->uts[i], raw + KCO_KDUMP_UTS + i * KCO_KDUMP_UTS_LEN, KCO_KDUMP_UTS_LEN - 1);
	for (size_t i = 0; i < KDUMP_NR_MACHINES; i++) {
		if (!strncmp(h->uts[4], kdump_machines[i].prefix, strlen(kdump_machines[i].prefix))) {
			bits32 = kdump_machines[i].bits32;
			*packed = kdump_machines[i].packed;
			break;
		}
	}
	h->abi32 = kdump_plausible(raw, bits32) ? bits32 : kdump_plausible(raw, !bits32) ? !bits32 : bits32;
	h->time = h->abi32 ? kco_le32(raw + KCO_KDUMP_TIME - 4) : kco_le64(raw + KCO_KDUMP_TIME);
	h->status = kdump_field(raw, KCO_KDUMP_STATUS, h->abi32);
	h->block_size = kdump_field(raw, KCO_KDUMP_BLOCK_SIZE, h->abi32);
	h->bitmap_blocks = kdump_field(raw, KCO_KDUMP_BITMAP_BLOCKS, h->abi32);
	h->max_mapnr = kdump_field(raw, KCO_KDUMP_MAX_MAPNR, h->abi32);
	h->nr_cpus = kdump_field(raw, KCO_KDUMP_NR_CPUS, h->abi32);
	if (!kdump_block_ok(h->block_size))
		return kco_fail(err, KCO_E_CORRUPT,
				"kdump header: block size %" PRIu32 " is no power of two from 4096 to 65536",
				h->block_size);
	h->block_shift = (unsigned)__builtin_ctz(h->block_size);
	return KCO_OK;
}

/* Where bitmaps and descriptors are, and whether that can be. */
static enum kco_status kdump_extents(struct kco_io *io, struct kco_kdump_header *h, uint32_t sub_blocks,
				     struct kco_err *err)
{
	uint64_t bits = (uint64_t)h->bitmap_blocks * h->block_size * 8;

	if (sub_blocks > KDUMP_SUB_BLOCKS_MAX || (sub_blocks == 0 && !h->old && h->version >= 1))
		return kco_fail(err, KCO_E_CORRUPT, "kdump header: sub header of %" PRId32 " blocks",
				(int32_t)sub_blocks);
	if (h->max_mapnr > (UINT64_C(1) << KDUMP_PHYS_BITS) >> h->block_shift)
		return kco_fail(err, KCO_E_CORRUPT, "kdump header: %#" PRIx64 " pages are more than %d address bits",
				h->max_mapnr, KDUMP_PHYS_BITS);
	if (h->max_mapnr > bits)
		return kco_fail(err, KCO_E_CORRUPT,
				"kdump header: the bitmaps of %" PRIu32 " blocks cannot hold %#" PRIx64 " pages",
				h->bitmap_blocks, h->max_mapnr);
	h->bitmap1 = (UINT64_C(1) + sub_blocks) * h->block_size;
	h->descs = h->bitmap1 + (uint64_t)h->bitmap_blocks * h->block_size;
	// A full dump by the old diskdump has one bitmap only; then it does not fit twice.
	h->bitmap2 = h->bitmap1;
	if (h->max_mapnr <= bits / 2)
		h->bitmap2 += (uint64_t)(h->bitmap_blocks / 2) * h->block_size;
	if (h->descs > io->size)
		return kco_fail(err, KCO_E_TRUNCATED,
				"truncated: the page bitmaps end at %#" PRIx64 ", the file at %#" PRIx64, h->descs,
				io->size);
	if (!h->split) {
		h->start_pfn = 0;
		h->end_pfn = h->max_mapnr;
	}
	if (h->end_pfn > h->max_mapnr)
		h->end_pfn = h->max_mapnr;
	if (h->start_pfn > h->end_pfn)
		return kco_fail(err, KCO_E_CORRUPT, "kdump header: pages %#" PRIx64 " to %#" PRIx64 " of a split set",
				h->start_pfn, h->end_pfn);
	return KCO_OK;
}

enum kco_status kco_kdump_header_read(struct kco_io *io, struct kco_kdump_header *h, struct kco_err *err)
{
	uint8_t raw[KCO_KDUMP_HEADER_SIZE], sub[KCO_KDUMP_SUB_SIZE];
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);
	bool packed = false;

	if (status != KCO_OK)
		return kco_context(err, status, "kdump header");
	status = kdump_main_parse(h, raw, &packed, err);
	if (status == KCO_OK && !h->old && h->version >= 1) {
		status = kco_io_read(io, sub, sizeof(sub), h->block_size, NULL, err);
		if (status != KCO_OK)
			return kco_context(err, status, "kdump sub header");
		kdump_sub_parse(h, sub, packed);
	}
	if (status != KCO_OK)
		return status;
	return kdump_extents(io, h, kdump_field(raw, KCO_KDUMP_SUB_BLOCKS, h->abi32), err);
}

/* FNV-1a of @n bytes, going on from @hash. */
static uint64_t kdump_hash(uint64_t hash, const void *bytes, size_t n)
{
	for (const uint8_t *p = bytes; n--; p++)
		hash = (hash ^ *p) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t kco_kdump_header_set(const struct kco_kdump_header *h)
{
	const uint64_t said[] = { (uint64_t)h->version, h->time, h->max_mapnr, h->block_size, h->bitmap_blocks };

	return kdump_hash(kdump_hash(UINT64_C(0xcbf29ce484222325), said, sizeof(said)), h->uts, sizeof(h->uts));
}
