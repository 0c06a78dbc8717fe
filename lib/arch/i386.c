// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i386: registers, and paging with two levels and with physical address
 * extension.
 *
 * Sources: DWARF numbers from the System V psABI for Intel386, table 2.14;
 * paging from the Intel SDM volume 3, chapter 4 (4.3 with tables 4-3 to 4-6,
 * 4.4 with tables 4-8 to 4-11).
 */
#include <elf.h>

#include <kco/arch.h>
#include <kco/endian.h>

#include "flags.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	I386_EAX,
	I386_ECX,
	I386_EDX,
	I386_EBX,
	I386_ESP,
	I386_EBP,
	I386_ESI,
	I386_EDI,
	I386_EIP,
	I386_EFLAGS,
	I386_ES,
	I386_CS,
	I386_SS,
	I386_DS,
	I386_FS,
	I386_GS,
	I386_CR0,
	I386_CR2,
	I386_CR3,
	I386_CR4,
	I386_NR_REGS,
};
_Static_assert(I386_NR_REGS <= KCO_REGS_MAX, "registers fit struct kco_regs");

static const struct kco_reg_desc i386_regs[I386_NR_REGS] = {
	[I386_EAX] = { "eax", 0, 4 },  [I386_ECX] = { "ecx", 1, 4 },	   [I386_EDX] = { "edx", 2, 4 },
	[I386_EBX] = { "ebx", 3, 4 },  [I386_ESP] = { "esp", 4, 4 },	   [I386_EBP] = { "ebp", 5, 4 },
	[I386_ESI] = { "esi", 6, 4 },  [I386_EDI] = { "edi", 7, 4 },	   [I386_EIP] = { "eip", 8, 4 },
	[I386_ES] = { "es", 40, 2 },   [I386_EFLAGS] = { "eflags", 9, 4 }, [I386_CS] = { "cs", 41, 2 },
	[I386_SS] = { "ss", 42, 2 },   [I386_DS] = { "ds", 43, 2 },	   [I386_FS] = { "fs", 44, 2 },
	[I386_GS] = { "gs", 45, 2 },   [I386_CR0] = { "cr0", -1, 4 },	   [I386_CR2] = { "cr2", -1, 4 },
	[I386_CR3] = { "cr3", -1, 4 }, [I386_CR4] = { "cr4", -1, 4 },
};

#define PTE_PRESENT UINT64_C(1)
#define PTE_PS (UINT64_C(1) << 7) /* of level 2; PAT at level 1 */
#define PTE_PAT_LARGE (UINT64_C(1) << 12)
#define PTE_ADDR UINT64_C(0xfffff000)
#define PAE_ADDR UINT64_C(0x000ffffffffff000)
/* An entry of the four in the root: all but present, PWT, PCD and what is the system's. */
#define PAE_ROOT_RESERVED UINT64_C(0xfff00000000001e6)
#define PAE_LARGE_RESERVED UINT64_C(0x1fe000)
/* Of a 4 MiB page: PSE-36 keeps bits 32 to 39 of its address in 13 to 20. */
#define PSE_ADDR UINT64_C(0xffc00000)
#define PSE_HIGH(entry) (((entry) >> 13 & 0xff) << 32)
#define PSE_RESERVED (UINT64_C(1) << 21)

static enum kco_pte_kind i386_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	if (entry == 0)
		return KCO_PTE_EMPTY;
	if (!(entry & PTE_PRESENT))
		return KCO_PTE_NOT_PRESENT;
	if (level == 1 || !(entry & PTE_PS)) {
		*pa = KCO_PADDR(entry & PTE_ADDR & addr_mask);
		return level == 1 ? KCO_PTE_PAGE : KCO_PTE_TABLE;
	}
	if (entry & PSE_RESERVED)
		return KCO_PTE_BAD;
	*pa = KCO_PADDR(((entry & PSE_ADDR) | PSE_HIGH(entry)) & addr_mask);
	return KCO_PTE_PAGE;
}

static enum kco_pte_kind i386_pae_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	addr_mask &= PAE_ADDR;
	if (entry == 0)
		return KCO_PTE_EMPTY;
	if (!(entry & PTE_PRESENT))
		return KCO_PTE_NOT_PRESENT;
	*pa = KCO_PADDR(entry & addr_mask);
	if (level == 3)
		return entry & PAE_ROOT_RESERVED ? KCO_PTE_BAD : KCO_PTE_TABLE;
	if (level == 1)
		return KCO_PTE_PAGE;
	if (!(entry & PTE_PS))
		return KCO_PTE_TABLE;
	if (entry & PAE_LARGE_RESERVED)
		return KCO_PTE_BAD;
	*pa = KCO_PADDR(entry & addr_mask & ~(PAE_LARGE_RESERVED | PTE_PAT_LARGE));
	return KCO_PTE_PAGE;
}

static void i386_flags(uint64_t entry, unsigned level, char *buf, size_t n)
{
	static const struct arch_flag flags[] = {
		{ PTE_PRESENT, "PRESENT" },    { UINT64_C(1) << 1, "RW" },     { UINT64_C(1) << 2, "USER" },
		{ UINT64_C(1) << 3, "PWT" },   { UINT64_C(1) << 4, "PCD" },    { UINT64_C(1) << 5, "ACCESSED" },
		{ UINT64_C(1) << 6, "DIRTY" }, { UINT64_C(1) << 8, "GLOBAL" }, { UINT64_C(1) << 63, "NX" },
	};
	struct arch_words words = { .buf = buf, .n = n };

	arch_words_begin(&words);
	/* The bits of an entry that is not present belong to the operating system. */
	if (!(entry & PTE_PRESENT))
		return;
	arch_words_flags(&words, entry, flags, ARRAY_SIZE(flags));
	if (level == 1 && entry & PTE_PS)
		arch_words_add(&words, "PAT");
	if (level == 2 && entry & PTE_PS) {
		arch_words_add(&words, "PS");
		if (entry & PTE_PAT_LARGE)
			arch_words_add(&words, "PAT");
	}
}

static const struct kco_paging i386_2level = {
	.name = "i386 2-level",
	.levels = 2,
	.bits = { 12, 10, 10 },
	.level_names = { NULL, "PTE", "PDE" },
	.entry_size = 4,
	.decode = i386_decode,
	.flags = i386_flags,
};

static const struct kco_paging i386_pae = {
	.name = "i386 PAE",
	.levels = 3,
	.bits = { 12, 9, 9, 2 },
	.level_names = { NULL, "PTE", "PDE", "PDPTE" },
	.entry_size = 8,
	.decode = i386_pae_decode,
	.flags = i386_flags,
};

static const struct kco_paging *const i386_paging[] = { &i386_2level, &i386_pae, NULL };

/* There are no bits above those that are translated. */
static bool i386_canonical(uint64_t va, unsigned va_bits)
{
	(void)va_bits;
	return va <= UINT32_MAX;
}

/* Bytes from the opcode to the end of an FF-opcode instruction; the address forms of 32 bits. */
static unsigned i386_ff_length(uint8_t modrm, uint8_t sib)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;
	bool has_sib = mod != 3 && rm == 4;
	unsigned len = 2 + has_sib;

	if (mod == 1)
		len += 1;
	else if (mod == 2 || (mod == 0 && (rm == 5 || (has_sib && (sib & 7) == 5))))
		len += 4;
	return len;
}

/* E8 rel32, and FF /2 in all its lengths. */
static unsigned i386_call_before(const uint8_t *code, size_t n)
{
	if (n >= 5 && code[n - 5] == 0xe8)
		return 5;
	for (unsigned len = 2; len <= 7 && len <= n; len++) {
		const uint8_t *p = code + n - len;

		if (p[0] == 0xff && (p[1] >> 3 & 7) == 2 && i386_ff_length(p[1], len > 2 ? p[2] : 0) == len)
			return len;
	}
	return 0;
}

static bool i386_call_target(const uint8_t *code, size_t n, uint64_t ret, uint64_t *target)
{
	if (n < 5 || code[n - 5] != 0xe8)
		return false;
	*target = (uint32_t)(ret + kco_le32(code + n - 4));
	return true;
}

/* [endbr32] push %ebp; mov %esp,%ebp in both encodings. */
static bool i386_sets_fp(const uint8_t *code, size_t n)
{
	if (n >= 4 && kco_le32(code) == 0xfb1e0ff3) {
		code += 4;
		n -= 4;
	}
	return n >= 3 && code[0] == 0x55 &&
	       ((code[1] == 0x89 && code[2] == 0xe5) || (code[1] == 0x8b && code[2] == 0xec));
}

extern const struct kco_arch_ops kco_arch_i386;
const struct kco_arch_ops kco_arch_i386 = {
	.name = "i386",
	.elf_machine = EM_386,
	.ptr_size = 4,
	.page_size = 4096,
	.regs = i386_regs,
	.nr_regs = I386_NR_REGS,
	.pc = I386_EIP,
	.sp = I386_ESP,
	.fp = I386_EBP,
	.frame = { .fp = 0, .ra = 4, .sp = 8 },
	.paging = i386_paging,
	.phys_mask = PAE_ADDR,
	.canonical = i386_canonical,
	.call_before = i386_call_before,
	.call_target = i386_call_target,
	.sets_fp = i386_sets_fp,
};
