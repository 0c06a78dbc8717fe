// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Indices into the register table of x86_64, for the layouts that an
 * operating system makes of these registers (lib/os/OS_x86_64.c).
 */
#ifndef KCO_ARCH_X86_64_H
#define KCO_ARCH_X86_64_H

#include <kco/arch.h>

enum kco_x86_64_reg {
	X86_64_RAX,
	X86_64_RBX,
	X86_64_RCX,
	X86_64_RDX,
	X86_64_RSI,
	X86_64_RDI,
	X86_64_RBP,
	X86_64_RSP,
	X86_64_R8,
	X86_64_R9,
	X86_64_R10,
	X86_64_R11,
	X86_64_R12,
	X86_64_R13,
	X86_64_R14,
	X86_64_R15,
	X86_64_RIP,
	X86_64_RFLAGS,
	X86_64_CS,
	X86_64_SS,
	X86_64_DS,
	X86_64_ES,
	X86_64_FS,
	X86_64_GS,
	X86_64_FS_BASE,
	X86_64_GS_BASE,
	X86_64_ORIG_RAX, /* what the entry code saved: a system call number, an error code or a vector */
	X86_64_KERNEL_GS_BASE,
	X86_64_CR0,
	X86_64_CR2,
	X86_64_CR3,
	X86_64_CR4,
	X86_64_IDT_BASE,
	X86_64_NR_REGS,
};

/* x86_64_xregs.c */
extern const struct kco_xreg_desc x86_64_xregs[];

#endif
