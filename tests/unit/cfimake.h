// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of .eh_frame and .debug_frame for tests and seeds: a length in four
 * bytes, then what the caller appends, padded.
 */
#ifndef KCO_UNIT_CFIMAKE_H
#define KCO_UNIT_CFIMAKE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vmem.h"

/** Returns what cfimake_end() wants. */
static inline size_t cfimake_begin(struct bytes *b)
{
	size_t at = b->n;

	bytes_uint(b, 0, 4);
	return at;
}

static inline void cfimake_end(struct bytes *b, size_t at)
{
	uint32_t n;

	while ((b->n - at) % 8 != 4)
		bytes_uint(b, 0, 1);
	n = (uint32_t)(b->n - at - 4);
	memcpy(b->p + at, &n, 4);
}

#endif
