// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The arrays of kallsyms as they lie in the dump: reading one symbol's address
 * or name. What scripts/kallsyms.c of Linux writes; private to kallsyms*.c.
 *
 *   num_syms       u32 (u64 before Linux 80ffbaa5b1bd, v5.0: the low half says it)
 *   names          for each symbol a length (ULEB128 of at most two bytes
 *                  since 73bbb94466fd, v6.1; one byte before) and that many
 *                  bytes, each the number of a token; the first character of
 *                  the text is the symbol's type
 *   markers        offset into names of each 256th symbol, u32 (u64 before v5.0)
 *   token_table    256 NUL-terminated strings
 *   token_index    256 u16 offsets into token_table
 *   offsets        s32 for each symbol, sorted by address; see enum kallsyms_form
 *   relative_base  u64
 *   seqs_of_names  3 big-endian bytes for each symbol, sorted by name
 *                  (since 60443c88f3a8, v6.2; also in stable kernels)
 *
 * In memory they follow each other in one of two orders, aligned to 8:
 *   (addresses | offsets relative_base) num_syms names markers [seqs] token_table token_index
 *   num_syms names markers token_table token_index (offsets relative_base | addresses) seqs
 */
#ifndef KCO_KALLSYMS_TABLES_H
#define KCO_KALLSYMS_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kallsyms.h"

#define KALLSYMS_TOKENS 256
#define KALLSYMS_BLOCK 256 /* symbols between two markers */
#define KALLSYMS_MAX ((1u << 24) - 1)
/* A name's bytes are at most its characters, plus two of length. */
#define KALLSYMS_NAME_BYTES (KCO_SYMBOL_NAME_MAX + 2)
/* The upper half of the address space; below it only per-CPU symbols are sorted. */
#define KALLSYMS_KERNEL_HALF (UINT64_C(1) << 47)

/** How a symbol's address is spelt. Told by the data. */
enum kallsyms_form {
	KALLSYMS_ABSOLUTE,	 /* u64 */
	KALLSYMS_FROM_BASE,	 /* base + u32 */
	KALLSYMS_PERCPU_OR_BASE, /* >= 0: itself (per-CPU); < 0: base - 1 - s32. CONFIG_KALLSYMS_ABSOLUTE_PERCPU */
	KALLSYMS_FROM_PLACE,	 /* the entry's own address + s32: kernels without a relative_base */
};

struct kallsyms_tables {
	struct kco_mem *mem;
	const struct kco_space *space;
	struct kco_kallsyms_layout at;
	uint32_t n;
	enum kallsyms_form form;
	uint64_t base;
	uint32_t *markers; /* of nr_blocks + 1: the last is where the names end */
	uint32_t nr_blocks;
	unsigned align;	    /* of the arrays: 8, or 4 where the tables say so */
	uint64_t gap_first; /* between markers and token_table; 0: nothing lies there */
	char *tokens;	    /* a copy of token_table */
	uint16_t token[KALLSYMS_TOKENS];
	uint8_t token_len[KALLSYMS_TOKENS];
	/* The names of one block, as read last. */
	uint8_t *block;
	uint32_t block_nr; /* UINT32_MAX: none */
};

/**
 * Read and check what is small; the rest is read when asked for. at.markers
 * may be 0: they are derived. KCO_E_CORRUPT when the arrays contradict each
 * other. @t must be freed by kallsyms_tables_fini() also after a failure.
 */
enum kco_status kallsyms_tables_init(struct kallsyms_tables *t, struct kco_mem *mem, const struct kco_space *space,
				     const struct kco_kallsyms_layout *layout, struct kco_err *err) KCO_MUST_USE;
void kallsyms_tables_fini(struct kallsyms_tables *t);

/** Addresses of symbols [index, index + n), n at most KALLSYMS_BLOCK. */
enum kco_status kallsyms_addresses(struct kallsyms_tables *t, uint32_t index, uint32_t n, uint64_t *ret,
				   struct kco_err *err) KCO_MUST_USE;
/** The first symbol at or above @addr, t->n when there is none. */
enum kco_status kallsyms_lower_bound(struct kallsyms_tables *t, uint64_t addr, uint32_t *ret,
				     struct kco_err *err) KCO_MUST_USE;

/** A compressed name: @len token numbers at @data, borrowed until another block is read. */
struct kallsyms_packed {
	const uint8_t *data;
	uint32_t len;
};
/** Make block @nr the current one and give its bytes. */
enum kco_status kallsyms_block(struct kallsyms_tables *t, uint32_t nr, const uint8_t **data, uint32_t *size,
			       struct kco_err *err) KCO_MUST_USE;
/** Take the name at *@pos of @data; moves *@pos behind it. False at or over the end. */
bool kallsyms_next_name(const uint8_t *data, uint32_t size, uint32_t *pos, struct kallsyms_packed *ret);
/** The text of a name, cut to KCO_SYMBOL_NAME_MAX - 1 characters, always terminated. Returns its type. */
char kallsyms_expand(const struct kallsyms_tables *t, const struct kallsyms_packed *name,
		     char buf[KCO_SYMBOL_NAME_MAX]);
/** Name and type of symbol @index. */
enum kco_status kallsyms_name(struct kallsyms_tables *t, uint32_t index, char buf[KCO_SYMBOL_NAME_MAX], char *type,
			      struct kco_err *err) KCO_MUST_USE;

#endif
