// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x86_64: registers, the register sets that notes carry, and paging with four
 * and five levels.
 *
 * Sources: DWARF numbers from the System V psABI for x86-64, figure 3.36;
 * paging from the Intel SDM volume 3, chapter 4 (4.5, tables 4-14 to 4-20);
 * NT_PRSTATUS is struct elf_prstatus of Linux include/linux/elfcore.h with
 * struct user_regs_struct; the QEMU note is struct QEMUCPUState in QEMU's
 * target/i386/arch_dump.c.
 */
#include "x86_64.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include <kco/arch.h>
#include <kco/endian.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct kco_reg_desc x86_64_regs[X86_64_NR_REGS] = {
	[X86_64_RAX] = { "rax", 0, 8 },
	[X86_64_RBX] = { "rbx", 3, 8 },
	[X86_64_RCX] = { "rcx", 2, 8 },
	[X86_64_RDX] = { "rdx", 1, 8 },
	[X86_64_RSI] = { "rsi", 4, 8 },
	[X86_64_RDI] = { "rdi", 5, 8 },
	[X86_64_RBP] = { "rbp", 6, 8 },
	[X86_64_RSP] = { "rsp", 7, 8 },
	[X86_64_R8] = { "r8", 8, 8 },
	[X86_64_R9] = { "r9", 9, 8 },
	[X86_64_R10] = { "r10", 10, 8 },
	[X86_64_R11] = { "r11", 11, 8 },
	[X86_64_R12] = { "r12", 12, 8 },
	[X86_64_R13] = { "r13", 13, 8 },
	[X86_64_R14] = { "r14", 14, 8 },
	[X86_64_R15] = { "r15", 15, 8 },
	[X86_64_RIP] = { "rip", 16, 8 },
	[X86_64_RFLAGS] = { "rflags", 49, 8 },
	[X86_64_CS] = { "cs", 51, 2 },
	[X86_64_SS] = { "ss", 52, 2 },
	[X86_64_DS] = { "ds", 53, 2 },
	[X86_64_ES] = { "es", 50, 2 },
	[X86_64_FS] = { "fs", 54, 2 },
	[X86_64_GS] = { "gs", 55, 2 },
	[X86_64_FS_BASE] = { "fs_base", 58, 8 },
	[X86_64_GS_BASE] = { "gs_base", 59, 8 },
	[X86_64_ORIG_RAX] = { "orig_rax", -1, 8 },
	[X86_64_KERNEL_GS_BASE] = { "kernel_gs_base", -1, 8 },
	[X86_64_CR0] = { "cr0", -1, 8 },
	[X86_64_CR2] = { "cr2", -1, 8 },
	[X86_64_CR3] = { "cr3", -1, 8 },
	[X86_64_CR4] = { "cr4", -1, 8 },
	[X86_64_IDT_BASE] = { "idt_base", -1, 8 },
};
_Static_assert(X86_64_NR_REGS <= KCO_REGS_MAX, "registers fit struct kco_regs");

static const struct kco_reg_narrow x86_64_narrow[] = {
	{ "eax", X86_64_RAX, 4 },
	{ "ebx", X86_64_RBX, 4 },
	{ "ecx", X86_64_RCX, 4 },
	{ "edx", X86_64_RDX, 4 },
	{ "edi", X86_64_RDI, 4 },
	{ "esi", X86_64_RSI, 4 },
	{ "ebp", X86_64_RBP, 4 },
	{ "esp", X86_64_RSP, 4 },
	{ "eip", X86_64_RIP, 4 },
	{ "eflags", X86_64_RFLAGS, 4 },
	{ "cs", X86_64_CS, 2 },
	{ "fs", X86_64_FS, 2 },
	{ "gs", X86_64_GS, 2 },
	{ "ss", X86_64_SS, 2 },
	{ "ds", X86_64_DS, 2 },
	{ "es", X86_64_ES, 2 },
	{ "fs_base", X86_64_FS_BASE, 4 },
	{ "gs_base", X86_64_GS_BASE, 4 },
	{ "orig_eax", X86_64_ORIG_RAX, 4 },
};

/* pr_reg begins at 112. Segment registers are stored as 8 bytes of which 2 count. */
static const struct kco_regset_entry x86_64_prstatus[] = {
	{ X86_64_R15, 112, 8 }, { X86_64_R14, 120, 8 },	    { X86_64_R13, 128, 8 },	{ X86_64_R12, 136, 8 },
	{ X86_64_RBP, 144, 8 }, { X86_64_RBX, 152, 8 },	    { X86_64_R11, 160, 8 },	{ X86_64_R10, 168, 8 },
	{ X86_64_R9, 176, 8 },	{ X86_64_R8, 184, 8 },	    { X86_64_RAX, 192, 8 },	{ X86_64_RCX, 200, 8 },
	{ X86_64_RDX, 208, 8 }, { X86_64_RSI, 216, 8 },	    { X86_64_RDI, 224, 8 },	{ X86_64_ORIG_RAX, 232, 8 },
	{ X86_64_RIP, 240, 8 }, { X86_64_CS, 248, 2 },	    { X86_64_RFLAGS, 256, 8 },	{ X86_64_RSP, 264, 8 },
	{ X86_64_SS, 272, 2 },	{ X86_64_FS_BASE, 280, 8 }, { X86_64_GS_BASE, 288, 8 }, { X86_64_DS, 296, 2 },
	{ X86_64_ES, 304, 2 },	{ X86_64_FS, 312, 2 },	    { X86_64_GS, 320, 2 },
};

/*
 * u32 version, u32 size, 18 registers, 10 segments of 24 bytes (u32 selector,
 * limit, flags, pad; u64 base): cs ds es fs gs ss ldt tr gdt idt, then cr[5]
 * and kernel_gs_base.
 */
#define QEMU_SEGMENT(n) (152 + 24 * (n))
#define QEMU_CR(n) (392 + 8 * (n))
static const struct kco_regset_entry x86_64_qemu[] = {
	{ X86_64_RAX, 8, 8 },
	{ X86_64_RBX, 16, 8 },
	{ X86_64_RCX, 24, 8 },
	{ X86_64_RDX, 32, 8 },
	{ X86_64_RSI, 40, 8 },
	{ X86_64_RDI, 48, 8 },
	{ X86_64_RSP, 56, 8 },
	{ X86_64_RBP, 64, 8 },
	{ X86_64_R8, 72, 8 },
	{ X86_64_R9, 80, 8 },
	{ X86_64_R10, 88, 8 },
	{ X86_64_R11, 96, 8 },
	{ X86_64_R12, 104, 8 },
	{ X86_64_R13, 112, 8 },
	{ X86_64_R14, 120, 8 },
	{ X86_64_R15, 128, 8 },
	{ X86_64_RIP, 136, 8 },
	{ X86_64_RFLAGS, 144, 8 },
	{ X86_64_CS, QEMU_SEGMENT(0), 2 },
	{ X86_64_DS, QEMU_SEGMENT(1), 2 },
	{ X86_64_ES, QEMU_SEGMENT(2), 2 },
	{ X86_64_FS, QEMU_SEGMENT(3), 2 },
	{ X86_64_FS_BASE, QEMU_SEGMENT(3) + 16, 8 },
	{ X86_64_GS, QEMU_SEGMENT(4), 2 },
	{ X86_64_GS_BASE, QEMU_SEGMENT(4) + 16, 8 },
	{ X86_64_SS, QEMU_SEGMENT(5), 2 },
	{ X86_64_IDT_BASE, QEMU_SEGMENT(9) + 16, 8 },
	{ X86_64_CR0, QEMU_CR(0), 8 },
	{ X86_64_CR2, QEMU_CR(2), 8 },
	{ X86_64_CR3, QEMU_CR(3), 8 },
	{ X86_64_CR4, QEMU_CR(4), 8 },
	{ X86_64_KERNEL_GS_BASE, QEMU_CR(5), 8 },
};
_Static_assert(QEMU_CR(5) + 8 == 440, "the QEMU note has 440 bytes");

static const struct kco_regset x86_64_regsets[] = {
	{ "CORE", NT_PRSTATUS, 336, x86_64_prstatus, ARRAY_SIZE(x86_64_prstatus) },
	{ "QEMU", 0, 440, x86_64_qemu, ARRAY_SIZE(x86_64_qemu) },
};

#define PTE_PRESENT (UINT64_C(1) << 0)
#define PTE_PSE (UINT64_C(1) << 7) /* levels 2 and 3; PAT at level 1 */
#define PTE_PAT_LARGE (UINT64_C(1) << 12)
#define PTE_ADDR UINT64_C(0x000ffffffffff000)

static enum kco_pte_kind x86_64_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	uint64_t size_mask;

	addr_mask &= PTE_ADDR;
	if (entry == 0)
		return KCO_PTE_EMPTY;
	if (!(entry & PTE_PRESENT))
		return KCO_PTE_NOT_PRESENT;
	if (level == 1) {
		*pa = KCO_PADDR(entry & addr_mask);
		return KCO_PTE_PAGE;
	}
	if (!(entry & PTE_PSE)) {
		*pa = KCO_PADDR(entry & addr_mask);
		return KCO_PTE_TABLE;
	}
	// Only 2 MiB and 1 GiB pages exist: above, bit 7 is reserved.
	if (level > 3)
		return KCO_PTE_BAD;
	size_mask = (UINT64_C(1) << (12 + 9 * (level - 1))) - 1;
	// Between the PAT bit and the page's first address bit all is reserved.
	if (entry & addr_mask & size_mask & ~PTE_PAT_LARGE)
		return KCO_PTE_BAD;
	*pa = KCO_PADDR(entry & addr_mask & ~size_mask);
	return KCO_PTE_PAGE;
}

static void x86_64_flags(uint64_t entry, unsigned level, char *buf, size_t n)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} flags[] = {
		{ PTE_PRESENT, "PRESENT" },    { UINT64_C(1) << 1, "RW" },  { UINT64_C(1) << 2, "USER" },
		{ UINT64_C(1) << 3, "PWT" },   { UINT64_C(1) << 4, "PCD" }, { UINT64_C(1) << 5, "ACCESSED" },
		{ UINT64_C(1) << 6, "DIRTY" }, { PTE_PSE, NULL },	    { UINT64_C(1) << 8, "GLOBAL" },
		{ PTE_PAT_LARGE, "PAT" },      { UINT64_C(1) << 63, "NX" },
	};
	size_t used = 0;

	if (n == 0)
		return;
	buf[0] = '\0';
	// The bits of an entry that is not present belong to the operating system.
	if (!(entry & PTE_PRESENT))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const char *name = flags[i].name;
		int len;

		if (!(entry & flags[i].bit))
			continue;
		if (flags[i].bit == PTE_PSE)
			name = level == 1 ? "PAT" : "PSE";
		else if (flags[i].bit == PTE_PAT_LARGE && (level == 1 || !(entry & PTE_PSE)))
			continue; // an address bit there
		len = snprintf(buf + used, n - used, "%s%s", used ? "|" : "", name);
		if (len < 0 || (size_t)len >= n - used) {
			buf[used] = '\0'; // whole words only
			return;
		}
		used += (size_t)len;
	}
}

static const struct kco_paging x86_64_4level = {
	.name = "x86-64 4-level",
	.levels = 4,
	.bits = { 12, 9, 9, 9, 9 },
	.level_names = { NULL, "PTE", "PMD", "PUD", "PGD" },
	.entry_size = 8,
	.decode = x86_64_decode,
	.flags = x86_64_flags,
};

static const struct kco_paging x86_64_5level = {
	.name = "x86-64 5-level",
	.levels = 5,
	.bits = { 12, 9, 9, 9, 9, 9 },
	.level_names = { NULL, "PTE", "PMD", "PUD", "P4D", "PGD" },
	.entry_size = 8,
	.decode = x86_64_decode,
	.flags = x86_64_flags,
};

static const struct kco_paging *const x86_64_paging[] = { &x86_64_4level, &x86_64_5level, NULL };

/* Bits above the highest translated one must repeat it. */
static bool x86_64_canonical(uint64_t va, unsigned va_bits)
{
	uint64_t high;

	if (va_bits == 0 || va_bits >= 64)
		return true;
	high = va >> (va_bits - 1);
	return high == 0 || high == UINT64_MAX >> (va_bits - 1);
}

/* Bytes from the opcode to the end of an FF-opcode instruction whose ModRM byte is at @modrm; sib follows it. */
static unsigned x86_64_ff_length(uint8_t modrm, uint8_t sib)
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

/*
 * E8 rel32, also with the CS prefix that pads calls of retpoline thunks; FF /2
 * in all its lengths, with an optional REX prefix. What the kernel patches a
 * thunk call into (lfence; call *reg) ends in FF /2 as well.
 */
static unsigned x86_64_call_before(const uint8_t *code, size_t n)
{
	if (n >= 5 && code[n - 5] == 0xe8)
		return n >= 6 && code[n - 6] == 0x2e ? 6 : 5;
	for (unsigned len = 2; len <= 7 && len <= n; len++) {
		const uint8_t *p = code + n - len;
		unsigned rex;

		if (p[0] != 0xff || (p[1] >> 3 & 7) != 2 || x86_64_ff_length(p[1], len > 2 ? p[2] : 0) != len)
			continue;
		rex = len < n && (p[-1] & 0xf0) == 0x40;
		return len + rex;
	}
	return 0;
}

static bool x86_64_call_target(const uint8_t *code, size_t n, uint64_t ret, uint64_t *target)
{
	if (n < 5 || code[n - 5] != 0xe8)
		return false;
	*target = ret + (uint64_t)(int64_t)(int32_t)kco_le32(code + n - 4);
	return true;
}

/* [endbr64/32] push %rbp; mov %rsp,%rbp in both encodings, and the same without REX for 32 bits. */
static bool x86_64_sets_fp(const uint8_t *code, size_t n)
{
	if (n >= 4 && code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e && (code[3] & 0xfe) == 0xfa) {
		code += 4;
		n -= 4;
	}
	if (n < 4 || code[0] != 0x55)
		return false;
	code += code[1] == 0x48 ? 2 : 1;
	return (code[0] == 0x89 && code[1] == 0xe5) || (code[0] == 0x8b && code[1] == 0xec);
}

/* The psABI for i386, table 2.14. */
static const uint8_t x86_64_i386_dwarf[] = { X86_64_RAX, X86_64_RCX, X86_64_RDX, X86_64_RBX, X86_64_RSP,
					     X86_64_RBP, X86_64_RSI, X86_64_RDI, X86_64_RIP };

static const struct kco_arch_compat x86_64_i386 = {
	.elf_machine = EM_386,
	.ptr_size = 4,
	.dwarf = x86_64_i386_dwarf,
	.nr_dwarf = ARRAY_SIZE(x86_64_i386_dwarf),
	.frame = { .fp = 0, .ra = 4, .sp = 8 },
};

extern const struct kco_arch_ops kco_arch_x86_64;
const struct kco_arch_ops kco_arch_x86_64 = {
	.name = "x86_64",
	.elf_machine = EM_X86_64,
	.ptr_size = 8,
	.page_size = 4096,
	.regs = x86_64_regs,
	.nr_regs = X86_64_NR_REGS,
	.pc = X86_64_RIP,
	.sp = X86_64_RSP,
	.fp = X86_64_RBP,
	.frame = { .fp = 0, .ra = 8, .sp = 16 },
	.narrow = x86_64_narrow,
	.nr_narrow = ARRAY_SIZE(x86_64_narrow),
	.xregs = x86_64_xregs,
	.regsets = x86_64_regsets,
	.nr_regsets = ARRAY_SIZE(x86_64_regsets),
	.paging = x86_64_paging,
	.phys_mask = PTE_ADDR,
	.canonical = x86_64_canonical,
	.call_before = x86_64_call_before,
	.call_target = x86_64_call_target,
	.sets_fp = x86_64_sets_fp,
	.compat = &x86_64_i386,
};
