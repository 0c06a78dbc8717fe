// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kallsyms: the kernel's own symbol table, as symbol sources.
 */
#ifndef KCO_KALLSYMS_H
#define KCO_KALLSYMS_H

#include <stdint.h>

#include <kco/mem.h>
#include <kco/symbol.h>

/** Where the arrays lie, as VMCOREINFO or a scan says; 0 unknown. */
struct kco_kallsyms_layout {
	uint64_t num_syms; /* address of the u32 (u64 in old kernels: told by content) */
	uint64_t names, markers, token_table, token_index;
	uint64_t offsets;	/* s32 relative to relative_base, or ... */
	uint64_t relative_base; /* address of the base; 0: none */
	uint64_t addresses;	/* ... absolute u64 (old kernels) */
};

/**
 * A source from the arrays at @layout. Names are kept compressed (about 2
 * MiB are copied out of the dump, and made an index on first search by name).
 * Symbols are relocated already: what lies in memory is what the kernel used.
 * Absolute per-CPU symbols stay as they are. KCO_E_CORRUPT when the arrays
 * contradict each other.
 */
enum kco_status kco_kallsyms_new(struct kco_mem *mem, const struct kco_space *space,
				 const struct kco_kallsyms_layout *layout, struct kco_symbol_source **ret,
				 struct kco_err *err) KCO_MUST_USE;

/**
 * Find the arrays without anyone's help, in the kernel image [first, end) of
 * virtual memory (kernels whose VMCOREINFO does not name them: before Linux
 * 5fd8fea935a1, v6.0): by the token table's shape and its neighbours.
 * KCO_E_NOSYM when there is none.
 */
enum kco_status kco_kallsyms_scan(struct kco_mem *mem, const struct kco_space *space, uint64_t first, uint64_t end,
				  struct kco_kallsyms_layout *layout, struct kco_err *err) KCO_MUST_USE;

/** What a module's own symbol table needs; addresses from struct module. */
struct kco_module_syms {
	const char *module;	 /* name, borrowed; must outlive the source */
	uint64_t symtab, strtab; /* Elf64_Sym[], char[] */
	uint64_t typetab;	 /* char[], 0 none */
	uint32_t num_symtab;
	uint64_t first, end; /* the module's memory */
};
/** A source from a module's kallsyms. Read on first use. */
enum kco_status kco_module_syms_new(struct kco_mem *mem, const struct kco_space *space,
				    const struct kco_module_syms *syms, struct kco_symbol_source **ret,
				    struct kco_err *err) KCO_MUST_USE;

#endif
