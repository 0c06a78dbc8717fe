// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of a FreeBSD kernel module: where its sections were loaded, and its
 * symbols there.
 */
#ifndef KCO_ELF_MODFILE_H
#define KCO_ELF_MODFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/symbol.h>

#define KCO_MODFILE_SECTIONS_MAX 4096u

/** A section that was loaded. */
struct kco_modfile_section {
	const char *name;
	uint64_t addr, size;
};

struct kco_modfile;

/** A module of the dump, and what is to be its file. All is borrowed until it is closed. */
struct kco_modfile_request {
	const char *path; /* of the file, for messages */
	void *bytes;	  /* all of it; not written to */
	size_t size;
	uint16_t machine;
	uint64_t mod_base, mod_size; /* the module's memory */
	/* The sections as the dump has them, in the file's order; 0: they are where the loader's rule puts them. */
	const struct kco_modfile_section *sections;
	size_t nr_sections;
};

/**
 * Open it. KCO_E_BADFILE: no module of this machine. KCO_E_CORRUPT: it is not
 * the file that was loaded; the message says which section or size differs.
 */
enum kco_status kco_modfile_open_new(const struct kco_modfile_request *req, struct kco_modfile **ret,
				     struct kco_err *err) KCO_MUST_USE;
void kco_modfile_free(struct kco_modfile *file);
/** The sections that were loaded, with their addresses in the dump. */
const struct kco_modfile_section *kco_modfile_sections(const struct kco_modfile *file, size_t *n);
/** Has it debug information (DWARF)? */
bool kco_modfile_has_dwarf(const struct kco_modfile *file);
/**
 * A source of its symbols, which outlives the file. @module is borrowed by it.
 * @code_last: the last byte of a section of code, 0 when it has none. KCO_E_NOSYM: it has no symbols.
 */
enum kco_status kco_modfile_symbols_new(const struct kco_modfile *file, const char *module,
					struct kco_symbol_source **ret, uint64_t *code_last,
					struct kco_err *err) KCO_MUST_USE;

#endif
