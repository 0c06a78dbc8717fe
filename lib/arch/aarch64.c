// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arm64: registers, and paging with four levels of 4 KiB and of 16 KiB pages.
 *
 * Sources: DWARF numbers from "DWARF for the Arm 64-bit Architecture", table
 * "Mapping from DWARF register numbers"; frame records from AAPCS64, "The
 * Frame Pointer"; descriptors and instructions from the Arm Architecture
 * Reference Manual for A-profile, D8.3 (VMSAv8-64 descriptor formats) and C4.1.
 *
 * There are two roots, one for each half of the addresses (TTBR0_EL1,
 * TTBR1_EL1): a form says nothing of which one a space has.
 */
#include <elf.h>

#include <kco/arch.h>
#include <kco/endian.h>

#include "flags.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	AARCH64_X0,
	AARCH64_FP = 29,
	AARCH64_LR = 30,
	AARCH64_SP = 31,
	AARCH64_PC = 32,
	AARCH64_CPSR = 33,
	AARCH64_NR_REGS,
};
_Static_assert(AARCH64_NR_REGS <= KCO_REGS_MAX, "registers fit struct kco_regs");

#define X(n) [n] = { "x" #n, n, 8 }
static const struct kco_reg_desc aarch64_regs[AARCH64_NR_REGS] = {
	X(0),
	X(1),
	X(2),
	X(3),
	X(4),
	X(5),
	X(6),
	X(7),
	X(8),
	X(9),
	X(10),
	X(11),
	X(12),
	X(13),
	X(14),
	X(15),
	X(16),
	X(17),
	X(18),
	X(19),
	X(20),
	X(21),
	X(22),
	X(23),
	X(24),
	X(25),
	X(26),
	X(27),
	X(28),
	X(29),
	X(30),
	[AARCH64_SP] = { "sp", 31, 8 },
	[AARCH64_PC] = { "pc", 32, 8 },
	[AARCH64_CPSR] = { "cpsr", -1, 4 },
};
#undef X

#define PTE_VALID UINT64_C(1)
#define PTE_TABLE UINT64_C(2) /* of the lowest level: a page; reserved without it */
#define PTE_AP_USER (UINT64_C(1) << 6)
#define PTE_AP_RO (UINT64_C(1) << 7)
#define PTE_ADDR UINT64_C(0x0000fffffffff000)

/*
 * A form with pages of 2^@shift bytes, each table of which takes @bits. Blocks
 * are at levels 2 to @top: 2 MiB and 1 GiB, or 32 MiB only. Larger ones came
 * with addresses of 52 bits, whose descriptors are others.
 */
static enum kco_pte_kind aarch64_decode(uint64_t entry, unsigned level, uint64_t addr_mask, unsigned shift,
					unsigned bits, unsigned top, struct kco_paddr *pa)
{
	uint64_t low = (UINT64_C(1) << shift) - 1, size;

	if (entry == 0)
		return KCO_PTE_EMPTY;
	if (!(entry & PTE_VALID))
		return KCO_PTE_NOT_PRESENT;
	addr_mask &= PTE_ADDR & ~low;
	if (entry & PTE_TABLE) {
		*pa = KCO_PADDR(entry & addr_mask);
		return level == 1 ? KCO_PTE_PAGE : KCO_PTE_TABLE;
	}
	if (level == 1 || level > top)
		return KCO_PTE_BAD;
	size = UINT64_C(1) << (shift + bits * (level - 1));
	/* Bits 12 to 15 say other things in a block, 16 is nT. From there to its first address bit all is reserved. */
	if (entry & addr_mask & (size - 1) & ~UINT64_C(0x1ffff))
		return KCO_PTE_BAD;
	*pa = KCO_PADDR(entry & addr_mask & ~(size - 1));
	return KCO_PTE_PAGE;
}

static enum kco_pte_kind aarch64_4k_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	return aarch64_decode(entry, level, addr_mask, 12, 9, 3, pa);
}

static enum kco_pte_kind aarch64_16k_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	return aarch64_decode(entry, level, addr_mask, 14, 11, 2, pa);
}

static void aarch64_flags(uint64_t entry, unsigned level, char *buf, size_t n)
{
	static const struct arch_flag leaf[] = {
		{ PTE_AP_USER, "USER" },      { UINT64_C(1) << 10, "AF" },   { UINT64_C(1) << 11, "NG" },
		{ UINT64_C(1) << 51, "DBM" }, { UINT64_C(1) << 52, "CONT" }, { UINT64_C(1) << 53, "PXN" },
		{ UINT64_C(1) << 54, "UXN" },
	};
	static const struct arch_flag table[] = {
		{ UINT64_C(1) << 59, "PXNTABLE" },
		{ UINT64_C(1) << 60, "UXNTABLE" },
		{ UINT64_C(1) << 63, "NSTABLE" },
	};
	static const char *const attributes[] = {
		"ATTR0", "ATTR1", "ATTR2", "ATTR3", "ATTR4", "ATTR5", "ATTR6", "ATTR7"
	};
	static const char *const shared[] = { "NSH", "SH1", "OSH", "ISH" };
	struct arch_words words = { .buf = buf, .n = n };

	arch_words_begin(&words);
	if (!(entry & PTE_VALID))
		return;
	arch_words_add(&words, "VALID");
	if (level > 1 && entry & PTE_TABLE) {
		arch_words_add(&words, "TABLE");
		arch_words_flags(&words, entry, table, ARRAY_SIZE(table));
		return;
	}
	arch_words_add(&words, level > 1 ? "BLOCK" : "PAGE");
	arch_words_add(&words, entry & PTE_AP_RO ? "RO" : "RW");
	arch_words_flags(&words, entry, leaf, ARRAY_SIZE(leaf));
	arch_words_add(&words, shared[entry >> 8 & 3]);
	arch_words_add(&words, attributes[entry >> 2 & 7]);
}

static const struct kco_paging aarch64_4k = {
	.name = "arm64 4-level, 4 KiB pages",
	.levels = 4,
	.bits = { 12, 9, 9, 9, 9 },
	.level_names = { NULL, "L3", "L2", "L1", "L0" },
	.entry_size = 8,
	.decode = aarch64_4k_decode,
	.flags = aarch64_flags,
};

static const struct kco_paging aarch64_16k = {
	.name = "arm64 4-level, 16 KiB pages",
	.levels = 4,
	.bits = { 14, 11, 11, 11, 1 },
	.level_names = { NULL, "L3", "L2", "L1", "L0" },
	.entry_size = 8,
	.decode = aarch64_16k_decode,
	.flags = aarch64_flags,
};

static const struct kco_paging *const aarch64_paging[] = { &aarch64_4k, &aarch64_16k, NULL };

/* Each half has all the bits that are translated; above they are all clear or all set. */
static bool aarch64_canonical(uint64_t va, unsigned va_bits)
{
	uint64_t high;

	if (va_bits == 0 || va_bits >= 64)
		return true;
	high = va >> va_bits;
	return high == 0 || high == UINT64_MAX >> va_bits;
}

/* bl, blr, and blr with authentication (FEAT_PAuth: blraaz, blrabz, blraa, blrab) */
static unsigned aarch64_call_before(const uint8_t *code, size_t n)
{
	uint32_t insn;

	if (n < 4)
		return 0;
	insn = kco_le32(code + n - 4);
	if ((insn & 0xfc000000) == 0x94000000 || (insn & 0xfffffc1f) == 0xd63f0000 ||
	    (insn & 0xfffff81f) == 0xd63f081f || (insn & 0xfffff800) == 0xd73f0800)
		return 4;
	return 0;
}

static bool aarch64_call_target(const uint8_t *code, size_t n, uint64_t ret, uint64_t *target)
{
	uint64_t words;
	uint32_t insn;

	if (n < 4)
		return false;
	insn = kco_le32(code + n - 4);
	if ((insn & 0xfc000000) != 0x94000000)
		return false;
	words = insn & 0x3ffffff;
	if (words & 0x2000000)
		words |= ~UINT64_C(0x3ffffff);
	*target = ret - 4 + words * 4;
	return true;
}

extern const struct kco_arch_ops kco_arch_aarch64;
const struct kco_arch_ops kco_arch_aarch64 = {
	.name = "aarch64",
	.elf_machine = EM_AARCH64,
	.ptr_size = 8,
	.page_size = 4096,
	.regs = aarch64_regs,
	.nr_regs = AARCH64_NR_REGS,
	.pc = AARCH64_PC,
	.sp = AARCH64_SP,
	.fp = AARCH64_FP,
	.has_link = true,
	.link = AARCH64_LR,
	.frame = { .fp = 0, .ra = 8, .sp = 16 },
	.paging = aarch64_paging,
	.phys_mask = PTE_ADDR,
	.canonical = aarch64_canonical,
	.call_before = aarch64_call_before,
	.call_target = aarch64_call_target,
};
