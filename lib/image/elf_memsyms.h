// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel's symbol table that its boot loader left in memory.
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
	uint64_t addr;	/* of the word before the table */
	size_t symbols; /* in it */
	size_t missing; /* bytes of it and of its names that could not be read */
};

/**
 * Look for a table and make a source of it. Linear in @end - @first: about a
 * GiB a second of memory that is in the cache. KCO_E_NOSYM: there is none.
 */
enum kco_status kco_elf_memsyms_new(const struct kco_memsyms_request *req, struct kco_symbol_source **ret,
				    struct kco_memsyms_found *found, struct kco_err *err) KCO_MUST_USE;

#endif
