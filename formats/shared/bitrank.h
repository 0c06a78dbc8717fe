// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bit n of a bitmap in a file, and how many bits before it are set.
 *
 * Dumps say with a bitmap which pages they hold, and the n-th set bit owns the
 * n-th page. Nothing is read when it is made: ranks are counted in chunks of
 * 2^16 bits, up to the highest chunk that anyone asked for.
 *
 *   bits   |  chunk 0   |  chunk 1   |  chunk 2  ...
 *   base   0            p0           p0+p1                u64 a chunk
 *   chunk  ranks of its rows of 512 bits; the bits        once asked for
 */
#ifndef KCO_BITRANK_H
#define KCO_BITRANK_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/io.h>

struct kco_bitrank;

/** Which bit of a byte comes first. */
enum kco_bit_order {
	KCO_LSB_FIRST,
	KCO_MSB_FIRST,
};

/**
 * Over the bits [@first, @end) of the bitmap whose bit 0 is at byte @off of
 * @io (borrowed). Ranks count from @first. KCO_E_TRUNCATED when the bitmap
 * does not lie within the file.
 */
enum kco_status kco_bitrank_new(struct kco_io *io, uint64_t off, uint64_t first, uint64_t end, enum kco_bit_order order,
				struct kco_bitrank **ret, struct kco_err *err) KCO_MUST_USE;
void kco_bitrank_free(struct kco_bitrank *br);

/**
 * Is bit @bit set, and how many of [first, @bit) are? @rank says so only if
 * @set is true. KCO_E_RANGE outside of [first, end). Any thread.
 */
enum kco_status kco_bitrank_get(struct kco_bitrank *br, uint64_t bit, bool *set, uint64_t *rank,
				struct kco_err *err) KCO_MUST_USE;

/**
 * The first run of set bits at or after @bit: [*first, *end). A run may be cut
 * at any place. KCO_DONE: there are no more. Any thread.
 */
enum kco_status kco_bitrank_run(struct kco_bitrank *br, uint64_t bit, uint64_t *first, uint64_t *end,
				struct kco_err *err) KCO_MUST_USE;

/** How many bits are set in all. Reads the whole bitmap once. */
enum kco_status kco_bitrank_total(struct kco_bitrank *br, uint64_t *ret, struct kco_err *err) KCO_MUST_USE;

#endif
