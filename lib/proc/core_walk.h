// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables read in order: runs of pages that are mapped to neighbouring
 * physical ones, and runs of nothing. One table is read once, as a whole, which
 * is what makes it faster than asking for page by page.
 */
#ifndef KCO_PROC_CORE_WALK_H
#define KCO_PROC_CORE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/mem.h>

enum core_run_kind {
	CORE_RUN_PRESENT, /* at pa, and on */
	CORE_RUN_EMPTY,	  /* entries that are zero: nothing was ever there */
	CORE_RUN_OTHER,	  /* one page that is elsewhere, or whose entry cannot be read */
};

struct core_run {
	enum core_run_kind kind;
	uint64_t size; /* bytes */
	struct kco_paddr pa;
};

struct core_walk {
	struct kco_mem *mem;
	const struct kco_space *space;
	uint64_t table_va; /* first address that table covers; 1: none */
	uint8_t table[4096];
};

void core_walk_init(struct core_walk *walk, struct kco_mem *mem, const struct kco_space *space);
/** What is at @va: a run that ends at @end at the latest. Both are multiples of 4096, @va < @end. */
void core_walk_next(struct core_walk *walk, uint64_t va, uint64_t end, struct core_run *ret);

#endif
