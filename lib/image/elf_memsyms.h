// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbol tables in a dump's memory: the kernel's, that its boot loader left
 * there, and those of modules, which the kernel's linker keeps.
 */
#ifndef KCO_ELF_MEMSYMS_H
#define KCO_ELF_MEMSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/symbol.h>

struct kco_memsyms_request {
	/* As kco_vread(), of whatever memory is looked through. What cannot be read is skipped, page by page. */
	enum kco_status (*read)(void *arg, uint64_t addr, void *buf, size_t n, size_t *done, struct kco_err *err);
	void *arg;
	bool (*cancelled)(void *arg); /* may be NULL */
	uint64_t first, end;	      /* where to look */
	const char *const *names;     /* the table has one of them, or it is another's; NULL ends them */
	bool elf64;
};

struct kco_memsyms_found {
	uint64_t addr;	    /* of the word before the table */
	size_t symbols;	    /* in it */
	size_t missing;	    /* bytes of it and of its names that could not be read */
	uint64_t code_last; /* of a module's table: of its functions the last byte, 0: it has none */
};

/**
 * Look for a table and make a source of it. Linear in @end - @first: about a
 * GiB a second of memory that is in the cache. KCO_E_NOSYM: there is none.
 */
enum kco_status kco_elf_memsyms_new(const struct kco_memsyms_request *req, struct kco_symbol_source **ret,
				    struct kco_memsyms_found *found, struct kco_err *err) KCO_MUST_USE;

/** Where a module's table lies. */
struct kco_memsyms_table {
	uint64_t syms, symbols;	    /* address and number */
	uint64_t names, names_size; /* address and bytes */
	const char *module;	    /* its name, borrowed: must outlive the source */
	uint64_t first, last;	    /* its memory */
};

/**
 * Is there such a table? Looks at its ends and at the first symbols, so that
 * it may be asked for each place where one could be. Of @req only the way to
 * read and the class are used.
 */
bool kco_elf_memsyms_fits(const struct kco_memsyms_request *req, const struct kco_memsyms_table *t);
/**
 * A source for the module's memory. Whether values are addresses or lack the
 * module's base is told by what they give. KCO_E_CORRUPT: it is no symbol
 * table, or not this module's. found->addr is @t->syms.
 */
enum kco_status kco_elf_memsyms_at_new(const struct kco_memsyms_request *req, const struct kco_memsyms_table *t,
				       struct kco_symbol_source **ret, struct kco_memsyms_found *found,
				       struct kco_err *err) KCO_MUST_USE;

#endif
