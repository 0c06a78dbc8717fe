// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages a dump can do without: makedumpfile's levels.
 */
#ifndef KCO_PAGEFILTER_H
#define KCO_PAGEFILTER_H

#include <stdint.h>

#include <kco/err.h>
#include <kco/session.h>

/** makedumpfile -d: the sum of what is left out. */
enum kco_filter_level {
	KCO_FILTER_ZERO = 1,	  /* pages of zeros */
	KCO_FILTER_CACHE = 2,	  /* page cache without private data */
	KCO_FILTER_CACHE_ALL = 4, /* page cache, all of it */
	KCO_FILTER_USER = 8,	  /* memory of processes */
	KCO_FILTER_FREE = 16,	  /* free pages */
	KCO_FILTER_MAX = 31,
	KCO_FILTER_REDACTED = 30, /* what a redacted dump lacks at the least */
};

/** Pages that each reason left out. */
struct kco_filter_stats {
	uint64_t zero, cache, cache_private, user, free, hwpoison, offline;
	uint64_t kept;	  /* looked at and kept, zeros not counted */
	uint64_t unknown; /* page frames without a struct page that can be read: kept */
};

#endif
