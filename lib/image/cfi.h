// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Call frame information of user programs: .eh_frame with the search table in
 * its header, and .debug_frame. Read where it lies, a few hundred bytes for a
 * program counter; nothing of it is trusted.
 *
 *   cfi_read.c   bounded reading, LEB128, encoded pointers
 *   cfi.c        CIEs, FDEs, finding the FDE of a program counter
 *   cfi_row.c    DW_CFA_*: the row of a program counter
 *   cfi_expr.c   DW_OP_*, and applying a row to registers
 *
 * Sources: Linux Standard Base, "Exception Frames" (.eh_frame, .eh_frame_hdr,
 * augmentations, DW_EH_PE_*); DWARF 5, 6.4 (rows) and 2.5 (expressions); the
 * GNU extensions as in binutils' include/dwarf2.def.
 *
 * (The kernel's own CFI, from a vmlinux that the user gave, is dwarf_cfi.c's.)
 */
#ifndef KCO_CFI_H
#define KCO_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

#define KCO_CFI_REGS 17	       /* columns kept: x86-64's 0 to 16, i386's 0 to 8; others are passed over */
#define KCO_CFI_EXPR_BYTES 256 /* of all the expressions of one row */

/** One section of one image, in whatever address space read() knows. Caller's storage. */
struct kco_cfi {
	/* Bytes at @at into @buf; returns how many of the @n are valid from the front. */
	size_t (*read)(void *arg, uint64_t at, void *buf, size_t n);
	void *arg;
	uint8_t ptr_size;	/* 4 or 8 */
	bool debug_frame;	/* else .eh_frame */
	uint64_t start;		/* of the section, as read() has it; .eh_frame: 0 when only its header is known */
	uint64_t size;		/* 0: not known, .eh_frame ends with a terminator */
	uint64_t hdr, hdr_size; /* .eh_frame_hdr; 0: none */
	uint64_t bias;		/* of the image: what program counters have more than addresses in its file */
	const struct kco_cfi_index *index; /* used where there is no (good) table; NULL: the section is walked */
};

enum kco_cfi_how {
	KCO_CFI_UNSPECIFIED, /* no rule: by the ABI's convention unchanged, the stack pointer is the CFA */
	KCO_CFI_UNDEFINED,
	KCO_CFI_SAME,
	KCO_CFI_OFFSET,	    /* saved at CFA + offset */
	KCO_CFI_VAL_OFFSET, /* the value CFA + offset */
	KCO_CFI_REGISTER,   /* the value of reg (the CFA: reg + offset) */
	KCO_CFI_EXPR,	    /* saved at what the expression gives */
	KCO_CFI_VAL_EXPR,   /* the value that the expression gives */
};

struct kco_cfi_rule {
	uint8_t how;	   /* enum kco_cfi_how */
	uint8_t reg;	   /* DWARF number; KCO_CFI_REGS and up: one that is not kept */
	uint16_t expr_len; /* of EXPR and VAL_EXPR: bytes in the row's expr[] ... */
	uint16_t expr_at;  /* ... from here */
	int64_t offset;
};

struct kco_cfi_row {
	uint64_t first, end; /* program counters that it is for */
	struct kco_cfi_rule cfa, regs[KCO_CFI_REGS];
	uint8_t ra;	  /* column of the return address */
	bool signal;	  /* a signal frame: its caller was interrupted */
	bool debug_frame; /* addresses in expressions are without the image's bias */
	uint16_t expr_used;
	uint8_t expr[KCO_CFI_EXPR_BYTES];
};

/**
 * The row for @pc. KCO_E_NOSYM: nothing covers it. KCO_E_CORRUPT: what covers
 * it contradicts itself, or is longer than anything sane. KCO_E_UNSUPPORTED:
 * an encoding or an instruction that is not known. Or KCO_E_UNMAPPED: bytes
 * of it cannot be read.
 */
enum kco_status kco_cfi_find(const struct kco_cfi *cfi, uint64_t pc, struct kco_cfi_row *row,
			     struct kco_err *err) KCO_MUST_USE;

/**
 * Where each FDE lies, sorted, without the bias: good for every process that
 * maps the image. What follows damage in the section is left out; it is an
 * error only when nothing comes before. Owned by the caller.
 */
enum kco_status kco_cfi_index_new(const struct kco_cfi *cfi, struct kco_cfi_index **ret,
				  struct kco_err *err) KCO_MUST_USE;
void kco_cfi_index_free(struct kco_cfi_index *index);

struct kco_cfi_regs {
	uint64_t v[KCO_CFI_REGS]; /* by DWARF number */
	uint32_t known;
};

/** What rows and expressions are applied to. */
struct kco_cfi_target {
	/* A word of @size (1 to 8) bytes. */
	enum kco_status (*read)(void *arg, uint64_t va, size_t size, uint64_t *ret, struct kco_err *err);
	void *arg;
	uint8_t ptr_size;
	uint8_t sp; /* DWARF number */
	uint64_t bias;
};

/**
 * The caller's registers from those of a frame; the caller's program counter
 * is column row->ra (unknown in the outermost frame). Registers whose saved
 * value cannot be read are unknown; KCO_E_* when that is the CFA or the
 * return address.
 */
enum kco_status kco_cfi_step(const struct kco_cfi_row *row, const struct kco_cfi_target *t,
			     const struct kco_cfi_regs *regs, struct kco_cfi_regs *caller, uint64_t *cfa,
			     struct kco_err *err) KCO_MUST_USE;
/** Evaluate @n bytes of a DWARF expression; @initial (may be NULL) is on the stack before. */
enum kco_status kco_cfi_eval(const uint8_t *expr, size_t n, const struct kco_cfi_target *t,
			     const struct kco_cfi_regs *regs, const uint64_t *initial, uint64_t *ret,
			     struct kco_err *err) KCO_MUST_USE;

#endif
