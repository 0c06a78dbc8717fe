// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 64-bit RISC-V: registers, and paging by Sv39 and Sv48.
 *
 * Sources: names and DWARF numbers from the RISC-V ELF psABI, "Integer
 * Register Convention" and "DWARF Register Numbers"; where a frame record lies,
 * the same, "Frame Pointer Convention"; page table entries from the privileged
 * architecture, "Sv39" and "Sv48" with Svnapot and Svpbmt; calls from the
 * unprivileged one, "Unconditional Jumps" and "C" (compressed instructions).
 */
#include <elf.h>

#include <kco/arch.h>
#include <kco/endian.h>

#include "flags.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	RISCV_ZERO,
	RISCV_RA = 1,
	RISCV_SP = 2,
	RISCV_T0 = 5,
	RISCV_S0 = 8,
	RISCV_PC = 32,
	RISCV_SSTATUS,
	RISCV_NR_REGS,
};
_Static_assert(RISCV_NR_REGS <= KCO_REGS_MAX, "registers fit struct kco_regs");

static const struct kco_reg_desc riscv64_regs[RISCV_NR_REGS] = {
	{ "zero", 0, 8 },
	{ "ra", 1, 8 },
	{ "sp", 2, 8 },
	{ "gp", 3, 8 },
	{ "tp", 4, 8 },
	{ "t0", 5, 8 },
	{ "t1", 6, 8 },
	{ "t2", 7, 8 },
	{ "s0", 8, 8 },
	{ "s1", 9, 8 },
	{ "a0", 10, 8 },
	{ "a1", 11, 8 },
	{ "a2", 12, 8 },
	{ "a3", 13, 8 },
	{ "a4", 14, 8 },
	{ "a5", 15, 8 },
	{ "a6", 16, 8 },
	{ "a7", 17, 8 },
	{ "s2", 18, 8 },
	{ "s3", 19, 8 },
	{ "s4", 20, 8 },
	{ "s5", 21, 8 },
	{ "s6", 22, 8 },
	{ "s7", 23, 8 },
	{ "s8", 24, 8 },
	{ "s9", 25, 8 },
	{ "s10", 26, 8 },
	{ "s11", 27, 8 },
	{ "t3", 28, 8 },
	{ "t4", 29, 8 },
	{ "t5", 30, 8 },
	{ "t6", 31, 8 },
	[RISCV_PC] = { "pc", -1, 8 },
	[RISCV_SSTATUS] = { "sstatus", -1, 8 },
};

#define PTE_V UINT64_C(1)
#define PTE_R UINT64_C(2)
#define PTE_W UINT64_C(4)
#define PTE_X UINT64_C(8)
#define PTE_U UINT64_C(16)
#define PTE_G UINT64_C(32)
#define PTE_A UINT64_C(64)
#define PTE_D UINT64_C(128)
#define PTE_PPN_SHIFT 10
#define PTE_PPN UINT64_C(0x003ffffffffffc00)
#define PTE_RESERVED (UINT64_C(0x1f) << 54) /* 59 and 60 are software's with Svrsw60t59b */
#define PTE_PBMT (UINT64_C(3) << 61)
#define PTE_N (UINT64_C(1) << 63)
/* What must be clear where the entry leads to a table. */
#define PTE_LEAF_ONLY (PTE_U | PTE_A | PTE_D | PTE_PBMT | PTE_N)
#define PADDR_MASK UINT64_C(0x00fffffffffff000)

static enum kco_pte_kind riscv64_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	uint64_t addr = (entry & PTE_PPN) >> PTE_PPN_SHIFT << 12, size;

	if (entry == 0)
		return KCO_PTE_EMPTY;
	if (!(entry & PTE_V))
		return KCO_PTE_NOT_PRESENT;
	if (entry & PTE_RESERVED || (entry & PTE_W && !(entry & PTE_R)) || (entry & PTE_PBMT) == PTE_PBMT)
		return KCO_PTE_BAD;
	*pa = KCO_PADDR(addr & addr_mask & PADDR_MASK);
	if (!(entry & (PTE_R | PTE_X)))
		return level == 1 || entry & PTE_LEAF_ONLY ? KCO_PTE_BAD : KCO_PTE_TABLE;
	/* Of 16 such entries each has the address of them all: what it maps takes the virtual address to know. */
	if (entry & PTE_N)
		return KCO_PTE_BAD;
	size = UINT64_C(1) << (12 + 9 * (level - 1));
	return addr & (size - 1) ? KCO_PTE_BAD : KCO_PTE_PAGE;
}

static void riscv64_flags(uint64_t entry, unsigned level, char *buf, size_t n)
{
	static const struct arch_flag flags[] = {
		{ PTE_V, "VALID" }, { PTE_R, "READ" },	 { PTE_W, "WRITE" },	{ PTE_X, "EXEC" },
		{ PTE_U, "USER" },  { PTE_G, "GLOBAL" }, { PTE_A, "ACCESSED" }, { PTE_D, "DIRTY" },
	};
	static const char *const types[] = { NULL, "NC", "IO", NULL };
	struct arch_words words = { .buf = buf, .n = n };
	const char *type = types[(entry & PTE_PBMT) >> 61];

	(void)level;
	arch_words_begin(&words);
	if (!(entry & PTE_V))
		return;
	arch_words_flags(&words, entry, flags, ARRAY_SIZE(flags));
	if (type)
		arch_words_add(&words, type);
	if (entry & PTE_N)
		arch_words_add(&words, "NAPOT");
}

static const struct kco_paging riscv64_sv39 = {
	.name = "RISC-V Sv39",
	.levels = 3,
	.bits = { 12, 9, 9, 9 },
	.level_names = { NULL, "L3", "L2", "L1" },
	.entry_size = 8,
	.decode = riscv64_decode,
	.flags = riscv64_flags,
};

static const struct kco_paging riscv64_sv48 = {
	.name = "RISC-V Sv48",
	.levels = 4,
	.bits = { 12, 9, 9, 9, 9 },
	.level_names = { NULL, "L3", "L2", "L1", "L0" },
	.entry_size = 8,
	.decode = riscv64_decode,
	.flags = riscv64_flags,
};

static const struct kco_paging *const riscv64_paging[] = { &riscv64_sv39, &riscv64_sv48, NULL };

/* Bits above the highest translated one must repeat it. */
static bool riscv64_canonical(uint64_t va, unsigned va_bits)
{
	uint64_t high;

	if (va_bits == 0 || va_bits >= 64)
		return true;
	high = va >> (va_bits - 1);
	return high == 0 || high == UINT64_MAX >> (va_bits - 1);
}

/* The register that an instruction of 32 bits leaves its successor's address in: ra, or t0 for millicode. */
static bool riscv64_links(uint32_t insn)
{
	unsigned rd = insn >> 7 & 31;

	return rd == RISCV_RA || rd == RISCV_T0;
}

static bool riscv64_is_jal(uint32_t insn)
{
	return (insn & 0x7f) == 0x6f && riscv64_links(insn);
}

static bool riscv64_is_jalr(uint32_t insn)
{
	return (insn & 0x707f) == 0x67 && riscv64_links(insn);
}

/* jal and jalr, and c.jalr of two bytes (c.jal is of 32-bit machines) */
static unsigned riscv64_call_before(const uint8_t *code, size_t n)
{
	if (n >= 4) {
		uint32_t insn = kco_le32(code + n - 4);

		if (riscv64_is_jal(insn) || riscv64_is_jalr(insn))
			return 4;
	}
	if (n >= 2) {
		uint16_t insn = kco_le16(code + n - 2);

		if ((insn & 0xf07f) == 0x9002 && insn & 0x0f80)
			return 2;
	}
	return 0;
}

/* @bits bits of two's complement */
static uint64_t riscv64_sign(uint64_t value, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	return (value ^ sign) - sign;
}

/* jal, or auipc and jalr through the same register: what compilers make of call. */
static bool riscv64_call_target(const uint8_t *code, size_t n, uint64_t ret, uint64_t *target)
{
	uint32_t insn, before;

	if (n < 4)
		return false;
	insn = kco_le32(code + n - 4);
	if (riscv64_is_jal(insn)) {
		uint64_t offset =
			(insn >> 21 & 0x3ff) << 1 | (insn >> 20 & 1) << 11 | (insn & 0xff000) | (insn >> 31) << 20;

		*target = ret - 4 + riscv64_sign(offset, 21);
		return true;
	}
	if (n < 8 || !riscv64_is_jalr(insn))
		return false;
	before = kco_le32(code + n - 8);
	if ((before & 0x7f) != 0x17 || (before >> 7 & 31) != (insn >> 15 & 31))
		return false;
	*target = ret - 8 + riscv64_sign(before & 0xfffff000, 32) + riscv64_sign(insn >> 20, 12);
	return true;
}

extern const struct kco_arch_ops kco_arch_riscv64;
const struct kco_arch_ops kco_arch_riscv64 = {
	.name = "riscv64",
	.elf_machine = EM_RISCV,
	.ptr_size = 8,
	.page_size = 4096,
	.regs = riscv64_regs,
	.nr_regs = RISCV_NR_REGS,
	.pc = RISCV_PC,
	.sp = RISCV_SP,
	.fp = RISCV_S0,
	.has_link = true,
	.link = RISCV_RA,
	.frame = { .fp = -16, .ra = -8, .sp = 0 },
	.paging = riscv64_paging,
	.phys_mask = PADDR_MASK,
	.canonical = riscv64_canonical,
	.call_before = riscv64_call_before,
	.call_target = riscv64_call_target,
};
