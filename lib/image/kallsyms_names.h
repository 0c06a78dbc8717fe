// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking names up in kallsyms. Private to kallsyms*.c.
 */
#ifndef KCO_KALLSYMS_NAMES_H
#define KCO_KALLSYMS_NAMES_H

#include "kallsyms_tables.h"

/** Zeroed is valid: nothing was looked for yet. */
struct kallsyms_names {
	bool tried;	   /* whether the kernel has seqs_of_names */
	uint64_t seqs;	   /* kallsyms_seqs_of_names, 0: none */
	unsigned seq_size; /* 3 big-endian bytes, or 4 little-endian ones */
	uint32_t *slots;   /* the hash table: tag << 24 | symbol number; see kallsyms_names.c */
	uint32_t mask;
	uint32_t nr_lost; /* blocks of names that could not be read */
};

/** The first symbol (the lowest address) with this name. KCO_E_NOSYM. */
enum kco_status kallsyms_names_find(struct kallsyms_names *names, struct kallsyms_tables *t, const char *name,
				    uint32_t *index, struct kco_err *err) KCO_MUST_USE;
void kallsyms_names_fini(struct kallsyms_names *names);

#endif
