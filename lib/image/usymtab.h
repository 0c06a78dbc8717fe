// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols of an image of processes, from any of its tables, without the bias.
 *
 * Of several names for one address the choice is always the same: with a size
 * before without, functions and objects before plain labels, global before
 * local before weak, fewer leading underscores, then by name.
 */
#ifndef KCO_USYMTAB_H
#define KCO_USYMTAB_H

#include <stddef.h>
#include <stdint.h>

#include "uelf.h"

struct kco_usym {
	uint64_t addr, size; /* size 0 unknown */
	uint64_t reach;	     /* the highest end of this symbol and all before it */
	const char *name;    /* lives as long as the table */
	uint16_t rank;	     /* lower is better among those of one address */
	char type;	     /* as nm has it */
	bool old;	     /* a version for programs that were linked long ago */
};

struct kco_usymtab {
	struct kco_usym *v;
	size_t n, cap;
	char **strings; /* string tables that names point into */
	size_t nr_strings;
	uint32_t *slots; /* hash table of names: indices + 1; made when first needed */
	size_t mask;
	bool sorted;
};

void kco_usymtab_fini(struct kco_usymtab *tab);
/**
 * Add the @n_syms bytes of raw symbols at @syms that belong to @elf's segments;
 * other ones, and those without an address or a name, are left out. @strings
 * (@n_strings bytes and a NUL) is malloc()ed and taken, also on failure.
 * @file has the sections that symbols are in, or is NULL.
 */
enum kco_status kco_usymtab_add(struct kco_usymtab *tab, const struct kco_uelf *elf, const struct kco_uelf *file,
				const void *syms, size_t n_syms, char *strings, size_t n_strings,
				struct kco_err *err) KCO_MUST_USE;
/** .dynsym of an image, found by PT_DYNAMIC. KCO_E_NOSYM: it has none. */
enum kco_status kco_usymtab_add_dynamic(struct kco_usymtab *tab, const struct kco_uelf *elf,
					struct kco_err *err) KCO_MUST_USE;
/**
 * The section of @type (SHT_SYMTAB, SHT_DYNSYM) of a file, whose addresses are
 * those of @image. KCO_E_NOSYM: it has none.
 */
enum kco_status kco_usymtab_add_section(struct kco_usymtab *tab, const struct kco_uelf *elf,
					const struct kco_uelf *image, uint32_t type, struct kco_err *err) KCO_MUST_USE;
/** Once all are in. */
void kco_usymtab_sort(struct kco_usymtab *tab);
/** The best symbol that covers @vaddr, or NULL. One without a size reaches to the next, within its segment. */
const struct kco_usym *kco_usymtab_by_addr(const struct kco_usymtab *tab, const struct kco_uelf *image, uint64_t vaddr);
/** By name: what others can see first, then the lowest address. NULL: none, or out of memory. */
const struct kco_usym *kco_usymtab_by_name(struct kco_usymtab *tab, const char *name);

#endif
