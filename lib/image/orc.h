// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ORC unwind tables in the dump's own memory.
 *
 * Layout (Linux arch/x86/include/asm/orc_types.h, Documentation/arch/x86/
 * orc-unwinder.rst): __start_orc_unwind_ip[] of sorted s32, each relative to
 * its own address, and __start_orc_unwind[] of struct orc_entry. The bit-fields of
 * struct orc_entry and the meaning of its type values moved several times;
 * they are taken from the dump's own types (bit-field names and offsets) and
 * from what well-known rows of the table contain, never from a version.
 *
 * What the unwinder does with a row: arch/x86/kernel/unwind_orc.c.
 *
 * Tables are immutable after loading: any number of threads may look up, each
 * with its own kco_mem. Nothing is copied out: a lookup is a binary search
 * through the page cache.
 */
#ifndef KCO_ORC_H
#define KCO_ORC_H

#include <stddef.h>
#include <stdint.h>

#include <kco/mem.h>
#include <kco/type.h>

#include "unwind_row.h"

/** Meaning of struct orc_entry's bits in this dump. */
struct kco_orc_layout {
	struct kco_field sp_offset, bp_offset, sp_reg, bp_reg, type;
	struct kco_field signal; /* size 0: this kernel has none */
	struct kco_field end;	 /* size 0: none */
	uint32_t entry_size;
	/* Values of `type`; -1 when this kernel has no such value. */
	int type_undefined, type_end, type_call, type_regs, type_regs_partial;
	/* For each value of sp_reg: the CFA's rule, without its offset. UNDEFINED: no such base. */
	struct kco_rule regs[16];
	int sp_reg_sp;	     /* the value of sp_reg that means the stack pointer */
	int bp_cfa, bp_self; /* values of bp_reg: saved at CFA + offset, at *(bp + offset) */
	uint8_t fp;	     /* arch->fp */
	int32_t ra_offset;   /* of the return address from the CFA */
	/* General registers that are unknown in the caller of a call frame: ORC follows the frame pointer only. */
	uint8_t lost[16];
	uint8_t nr_lost;
};

/** One table: the kernel's or a module's. */
struct kco_orc_table {
	uint64_t ip;	  /* address of the first s32 */
	uint64_t entries; /* address of the first struct orc_entry */
	uint64_t count;
	/*
	 * Text it speaks for, inclusive. kco_orc_table_init() sets what its
	 * rows span; whoever knows the text's (or the module's) true bounds
	 * narrows it: the rows of a module's freed init text lie elsewhere, where
	 * another module may live now.
	 */
	uint64_t first_pc, last_pc;
};

/** All tables of a dump, sorted by first_pc; what kco_os_ops.unwind_tables returns. */
struct kco_unwind_tables {
	struct kco_orc_layout layout;
	struct kco_orc_table *tables; /* owned by the session's arena */
	size_t nr_tables;
};

/**
 * Fill the layout from @types: where the bit-fields are, and, by which of them
 * exist and how wide they are, what `type` means; kco_orc_calibrate() checks
 * that against a table. KCO_E_NOTYPE: no struct orc_entry, or not of a form
 * that is known; KCO_E_UNSUPPORTED: an architecture whose ORC is not known.
 */
enum kco_status kco_orc_layout_init(struct kco_orc_layout *layout, const struct kco_arch_ops *arch,
				    struct kco_types *types, struct kco_err *err) KCO_MUST_USE;
/**
 * Check a table's bounds and order at its ends and in samples; sets first_pc
 * and last_pc from its rows. Sizes in bytes. KCO_E_CORRUPT.
 */
enum kco_status kco_orc_table_init(struct kco_orc_table *table, const struct kco_orc_layout *layout,
				   struct kco_mem *mem, const struct kco_space *space, uint64_t ip, uint64_t ip_size,
				   uint64_t entries, uint64_t entries_size, struct kco_err *err) KCO_MUST_USE;
/**
 * Decide what the values of `type` mean from what rows of @table contain: the
 * great majority are call frames. For the kernel's own table, once. KCO_E_CORRUPT
 * when no known meaning fits; the layout is then left as it was.
 */
enum kco_status kco_orc_calibrate(struct kco_orc_layout *layout, const struct kco_orc_table *table, struct kco_mem *mem,
				  const struct kco_space *space, struct kco_err *err) KCO_MUST_USE;
/**
 * The row for @pc: that of the last table row at or below it. KCO_E_NOSYM: no
 * table speaks for it. A row that says "unknown" or "end of stack" is a row,
 * see row->kind. Any thread, with its own @mem.
 */
enum kco_status kco_orc_find(const struct kco_unwind_tables *tables, struct kco_mem *mem, const struct kco_space *space,
			     uint64_t pc, struct kco_unwind_row *row, struct kco_err *err) KCO_MUST_USE;

#endif
