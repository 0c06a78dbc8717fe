// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The source lines of addresses that were asked for once. Traces of one kernel
 * name the same few addresses over and over, in one run and in the next: the
 * answers are kept in memory and in the cache.
 */
#ifndef KCO_DWARF_MEMO_H
#define KCO_DWARF_MEMO_H

#include "debuginfo_priv.h"

struct kco_dwarf_answer {
	uint64_t pc;
	const struct kco_source_line *rows;
	uint32_t n;  /* 0: no line is known, which is an answer too */
	bool cached; /* from a file that someone may have made up */
};

struct kco_dwarf_memo;

/** From the cache when there is something of use, else empty. NULL: out of memory. */
struct kco_dwarf_memo *kco_dwarf_memo_new(const struct kco_debuginfo *di);
void kco_dwarf_memo_free(struct kco_dwarf_memo *memo);
/** What is known of @pc (before the bias), or NULL. */
const struct kco_dwarf_answer *kco_dwarf_memo_get(const struct kco_dwarf_memo *memo, uint64_t pc);
/** Remember. The rows are copied, their strings not. Forgets silently when memory is out. */
void kco_dwarf_memo_put(struct kco_dwarf_memo *memo, uint64_t pc, const struct kco_source_line *rows, size_t n);
/** Forget what came from the cache: it was found to be wrong. */
void kco_dwarf_memo_distrust(struct kco_dwarf_memo *memo);
/** To the cache, when there is something new. */
void kco_dwarf_memo_store(const struct kco_dwarf_memo *memo, const struct kco_debuginfo *di);

#endif
