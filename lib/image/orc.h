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
	/* arch->regs[] index for each value of sp_reg/bp_reg, and its kind of rule. */
	struct kco_rule regs[16];
};

/** One table: the kernel's or a module's. */
struct kco_orc_table {
	uint64_t ip;	  /* address of the first s32 */
	uint64_t entries; /* address of the first struct orc_entry */
	uint64_t count;
	uint64_t first_pc, last_pc; /* text it covers, inclusive */
};

/** All tables of a dump, sorted by first_pc; what kco_os_ops.unwind_tables returns. */
struct kco_unwind_tables {
	struct kco_orc_layout layout;
	struct kco_orc_table *tables; /* owned by the session's arena */
	size_t nr_tables;
};

/**
 * Fill the layout's fields from @types; then decide what the type values mean,
 * from the table itself, in kco_orc_calibrate(). KCO_E_NOTYPE: no struct orc_entry.
 */
enum kco_status kco_orc_layout_init(struct kco_orc_layout *layout, const struct kco_arch_ops *arch,
				    struct kco_types *types, struct kco_err *err) KCO_MUST_USE;
/** Check a table's bounds and order at its ends; sets first_pc from its first row. KCO_E_CORRUPT. */
enum kco_status kco_orc_table_init(struct kco_orc_table *table, const struct kco_orc_layout *layout,
				   struct kco_mem *mem, const struct kco_space *space, uint64_t ip, uint64_t ip_size,
				   uint64_t entries, uint64_t entries_size, struct kco_err *err) KCO_MUST_USE;
/** The row for @pc. KCO_E_NOSYM: no table covers it. Any thread. */
enum kco_status kco_orc_find(const struct kco_unwind_tables *tables, struct kco_mem *mem, const struct kco_space *space,
			     uint64_t pc, struct kco_unwind_row *row, struct kco_err *err) KCO_MUST_USE;

#endif
