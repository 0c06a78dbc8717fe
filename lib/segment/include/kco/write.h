// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a format's writer reads from: pages in ascending order, and the image
 * they come from for notes and facts.
 */
#ifndef KCO_WRITE_H
#define KCO_WRITE_H

#include <stdint.h>

#include <kco/image.h>

struct kco_write_source {
	const struct kco_image *image; /* notes, facts, block size */
	/*
	 * The first wanted page frame >= @pfn (in units of facts.block_size);
	 * KCO_DONE when there is none. May be called again for earlier frames
	 * (a writer makes its bitmap first and its pages then).
	 */
	enum kco_status (*next)(void *arg, uint64_t pfn, uint64_t *ret);
	/* The block_size bytes of page frame @pfn. */
	enum kco_status (*read)(void *arg, uint64_t pfn, void *buf, struct kco_err *err);
	void *arg;
};

#endif
