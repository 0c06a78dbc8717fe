// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables read in order: runs of pages that are mapped to neighbouring
 * physical ones, and runs of nothing. One table is read once, as a whole, which
 * is what makes it faster than asking for page by page.
 */
#ifndef KCO_PAGEWALK_H
#define KCO_PAGEWALK_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/mem.h>

enum kco_pagerun_kind {
	KCO_PAGERUN_PRESENT, /* at pa, and on */
	KCO_PAGERUN_EMPTY,   /* entries that are zero: nothing was ever there */
	KCO_PAGERUN_OTHER,   /* one page that is elsewhere, or whose entry cannot be read */
};

struct kco_pagerun {
	enum kco_pagerun_kind kind;
	uint64_t size; /* bytes */
	struct kco_paddr pa;
};

struct kco_pagewalk {
	struct kco_mem *mem;
	const struct kco_space *space;
	uint64_t table_va; /* first address that table covers; 1: none */
	uint8_t table[4096];
};

/** The bytes that one entry of a table of @level (1 lowest) maps. */
uint64_t kco_paging_span(const struct kco_paging *form, unsigned level);
void kco_pagewalk_init(struct kco_pagewalk *walk, struct kco_mem *mem, const struct kco_space *space);
/** What is at @va: a run that ends at @end at the latest. Both are multiples of 4096, @va < @end. */
void kco_pagewalk_next(struct kco_pagewalk *walk, uint64_t va, uint64_t end, struct kco_pagerun *ret);

#endif
