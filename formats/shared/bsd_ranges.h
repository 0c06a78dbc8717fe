// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory of a NetBSD or OpenBSD dump: ranges of physical addresses whose
 * bytes follow each other in the file, in the order of a table.
 *
 *   header | u64 start, u64 size | u64 start, u64 size | ... | bytes of range 0 | bytes of range 1 | ...
 *
 * A sparse dump of NetBSD has a range for each run of pages that are in it: a
 * million on a big machine. They are not a million segments: sorted once, they
 * are searched by the read callback of a few segments that cover all of them.
 *
 * The search goes down levels of samples, each a sixteenth of the one below:
 * a million ranges take five steps of two cache lines, of which the upper ones
 * are always near.
 */
#ifndef KCO_FORMATS_BSD_RANGES_H
#define KCO_FORMATS_BSD_RANGES_H

#include <kco/image.h>

#define KCO_BSD_FANOUT 16u
#define KCO_BSD_LEVELS 6u

struct kco_bsd_ranges {
	struct kco_io *io;
	size_t n, cap;
	uint64_t *first; /* ascending; up to the next multiple of KCO_BSD_FANOUT what is no address follows */
	struct {
		uint64_t last;	 /* inclusive */
		uint64_t offset; /* of first, in the file */
	} * rest;
	uint64_t *levels[KCO_BSD_LEVELS]; /* [0] is first; of [i] each KCO_BSD_FANOUTth is in [i + 1] */
	unsigned nr_levels;		  /* of the highest all are looked at */
	uint64_t bytes;			  /* sum of all sizes */
	size_t overlaps;		  /* how many ranges were cut short because a lower one has their addresses */
};

/**
 * Read a table of @n rows at @table of @io; the bytes of the first range lie
 * at @data. KCO_E_CORRUPT: a range beyond what physical addresses can be, or
 * sizes whose sum wraps. Empty ranges are left out.
 */
enum kco_status kco_bsd_ranges_read_new(struct kco_io *io, uint64_t table, uint64_t n, uint64_t data,
					struct kco_bsd_ranges **ret, struct kco_err *err) KCO_MUST_USE;
void kco_bsd_ranges_free(struct kco_bsd_ranges *ranges);

/** The file offset of @pa, and how many bytes from there on belong to the same range; false: it is in none. */
bool kco_bsd_ranges_find(const struct kco_bsd_ranges *ranges, uint64_t pa, uint64_t *offset, uint64_t *left);

/** Make segments of all ranges, which must outlive @img's segments, and set facts.max_pfn. Says what is odd. */
enum kco_status kco_bsd_ranges_add(struct kco_image *img, struct kco_bsd_ranges *ranges,
				   struct kco_err *err) KCO_MUST_USE;

#endif
