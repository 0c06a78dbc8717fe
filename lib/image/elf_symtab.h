// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table of ELF symbols in the making: from a file (elf_symbols.c) or from a
 * dump's memory (elf_memsyms.c).
 */
#ifndef KCO_ELF_SYMTAB_H
#define KCO_ELF_SYMTAB_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/symbol.h>

#define KCO_ELF_SYMBOLS_MAX ((size_t)16 << 20)

struct kco_elf_symtab;

/** A table with room for @cap symbols. */
enum kco_status kco_elf_symtab_new(size_t cap, struct kco_elf_symtab **ret, struct kco_err *err) KCO_MUST_USE;
/** Is it a symbol of code or data with a name of its own? */
bool kco_elf_symtab_wanted(unsigned type, uint16_t section, const char *name);
/** @name is borrowed; @type as nm has it. What is beyond the room is left out. */
void kco_elf_symtab_add(struct kco_elf_symtab *t, uint64_t addr, uint64_t size, const char *name, char type);
size_t kco_elf_symtab_count(const struct kco_elf_symtab *t);
/** The source: @t itself, for addresses from @first to @last. @owned (may be NULL) is what the names lie in, freed with
 * it. */
struct kco_symbol_source *kco_elf_symtab_finish(struct kco_elf_symtab *t, uint64_t first, uint64_t last, void *owned);
/** Only before it is finished; takes NULL. */
void kco_elf_symtab_free(struct kco_elf_symtab *t);

#endif
