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
	uint64_t names, token_table, token_index;
	uint64_t markers;	/* not in VMCOREINFO; derived when 0 */
	uint64_t offsets;	/* s32 relative to relative_base, or ... */
	uint64_t relative_base; /* address of the base; 0: none, offsets are relative to their own place */
	uint64_t addresses;	/* ... absolute u64 (old kernels) */
};

/**
 * A source from the arrays at @layout, for the range from the kernel's first
 * symbol to _end. Names stay compressed and where they are; only markers and
 * tokens are copied. Names are searched with the kernel's own index
 * (kallsyms_seqs_of_names) where it has one, else with a hash table made on
 * the first search by name. Symbols are relocated already: what lies in memory is
 * what the kernel used. Absolute per-CPU symbols stay as they are, and are found
 * by name only. KCO_E_CORRUPT when the arrays contradict each other. @mem and
 * @space must outlive the source.
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

#define KCO_MODULE_RANGES_MAX 8

/** What a module's own symbol table needs; addresses from struct module. */
struct kco_module_syms {
	const char *module;	 /* name, borrowed; must outlive the source */
	uint64_t symtab, strtab; /* Elf64_Sym[], char[] */
	uint64_t typetab;	 /* char[], 0 none */
	uint32_t num_symtab;
	uint64_t first, end; /* the module's memory */
	/*
	 * Where its memory is in several pieces (struct module.mem[] since
	 * Linux ac3b43283923, v6.4): each of them; a symbol covers addresses of its own piece
	 * only. None: one piece from first to end.
	 */
	struct {
		uint64_t first, end;
	} ranges[KCO_MODULE_RANGES_MAX];
	unsigned nr_ranges;
};
/**
 * A source from a module's kallsyms. Read on first use; a failure is given
 * again by later calls. Chooses as find_kallsyms_symbol() of Linux does.
 */
enum kco_status kco_module_syms_new(struct kco_mem *mem, const struct kco_space *space,
				    const struct kco_module_syms *syms, struct kco_symbol_source **ret,
				    struct kco_err *err) KCO_MUST_USE;

#endif
