// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of page frames: bits in pieces of 4096 frames, in an array sorted by
 * frame. A sparse set of a huge machine costs what is in it.
 */
#ifndef KCO_CORE_FRAMESET_H
#define KCO_CORE_FRAMESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_frameset_piece;

/** Zeroed: empty. Belongs to one thread at a time. */
struct kco_frameset {
	struct kco_frameset_piece **pieces; /* by index */
	size_t n, cap, last;		    /* last: the piece that was used last; neighbours mostly meet there */
};

void kco_frameset_fini(struct kco_frameset *set);
/** Add the frames [first, last]. KCO_E_NOMEM: some may be missing. */
enum kco_status kco_frameset_add(struct kco_frameset *set, uint64_t first, uint64_t last) KCO_MUST_USE;
void kco_frameset_remove(struct kco_frameset *set, uint64_t frame);
bool kco_frameset_has(struct kco_frameset *set, uint64_t frame);
/** The first run of frames at or after @frame that are (@in) or are not in the set: [*first, *last]. False: none. */
bool kco_frameset_run(const struct kco_frameset *set, uint64_t frame, bool in, uint64_t *first, uint64_t *last);

#endif
