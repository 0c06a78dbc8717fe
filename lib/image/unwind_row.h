// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One unwind row: how to find the caller from a program counter. What ORC and
 * DWARF CFI have in common, and all that the unwinder knows of either.
 */
#ifndef KCO_UNWIND_ROW_H
#define KCO_UNWIND_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/unwind.h>

enum kco_row_kind {
	KCO_ROW_CALL,	      /* a call frame: return address at ra_offset from the CFA */
	KCO_ROW_REGS,	      /* a whole trap frame at the CFA */
	KCO_ROW_REGS_PARTIAL, /* only the part that the CPU pushed, at the CFA */
	KCO_ROW_END,	      /* the outermost frame: nothing above */
	KCO_ROW_UNKNOWN,      /* the table says that it does not know */
};

/** How to compute an address or a saved register. */
enum kco_rule_kind {
	KCO_RULE_UNDEFINED, /* unknown in the caller */
	KCO_RULE_SAME,	    /* unchanged */
	KCO_RULE_REG,	    /* reg + offset */
	KCO_RULE_REG_DEREF, /* *(reg + offset): ORC's *_INDIRECT before type bits, CFI expressions */
	KCO_RULE_DEREF_REG, /* *(reg) + offset */
	KCO_RULE_CFA,	    /* saved at CFA + offset */
	KCO_RULE_CFA_VALUE, /* the value CFA + offset itself */
};

struct kco_rule {
	enum kco_rule_kind kind;
	uint8_t reg; /* index into arch->regs[] */
	int32_t offset;
};

#define KCO_ROW_SAVED_MAX 20

struct kco_unwind_row {
	enum kco_row_kind kind;
	enum kco_frame_by by; /* KCO_BY_ORC or KCO_BY_CFI */
	bool signal;	      /* pc is exact in the caller (an interrupted one), do not step back one byte */
	struct kco_rule cfa;
	int32_t ra_offset; /* from the CFA, x86: -8; or ... */
	bool ra_in_reg;	   /* ... still in a register (arm64, RISC-V: a function that has not saved it) */
	uint8_t ra_reg;	   /* index into arch->regs[] */
	uint8_t nr_saved;
	struct {
		uint8_t reg; /* index into arch->regs[] */
		struct kco_rule rule;
	} saved[KCO_ROW_SAVED_MAX]; /* callee-saved registers; those not named are unchanged */
};

#endif
