// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the parts of the kdump writer share: kdump_write.c (layout, bitmaps),
 * kdump_write_headers.c and kdump_write_pages.c.
 */
#ifndef KCO_KDUMP_WRITER_H
#define KCO_KDUMP_WRITER_H

#include "kdump_header.h"
#include "kdump_write.h"

#include <kco/endian.h>

#include <string.h>

struct kco_kdump_writer {
	const struct kco_write_source *src;
	const struct kco_kdump_ram *map; /* or NULL: the segments are the RAM */
	struct kco_sink *sink;
	uint32_t block_size;
	uint64_t max_mapnr;	       /* one past the highest frame that is RAM or wanted */
	struct kco_segtree ram;	       /* private copy of the source's physical tree */
	uint64_t notes_off, erase_off; /* 0: none */
	uint64_t notes_size;
	uint64_t vmcoreinfo_off;
	uint64_t bitmap1, bitmap_size, descs, data;
	uint64_t all;		     /* pages wanted ... */
	uint64_t count;		     /* ... and those of them that this file has */
	uint64_t start_pfn, end_pfn; /* it has the pages of these frames: all, or a part of a split set */
	uint64_t written;
	uint64_t at;   /* end of the page data so far */
	uint64_t zero; /* offset of the page of zeros, 0: none yet */
	uint32_t zero_size, zero_flags;
};

static inline uint64_t kco_kdump_round(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/** Bytes of the notes that will be written. */
uint64_t kco_kdump_notes_size(const struct kco_image *img);
/** Notes and eraseinfo; then w->vmcoreinfo_off is known, which the headers need. */
enum kco_status kco_kdump_put_notes(struct kco_kdump_writer *w, struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_kdump_put_headers(const struct kco_kdump_writer *w, struct kco_err *err) KCO_MUST_USE;
/** Descriptors and data of all pages of this file, from w->descs and w->data on. */
enum kco_status kco_kdump_put_pages(struct kco_kdump_writer *w, struct kco_err *err) KCO_MUST_USE;
/** The bit of a codec in descriptors and in the header's status. */
uint32_t kco_kdump_flag(enum kco_codec_id id);

#endif
