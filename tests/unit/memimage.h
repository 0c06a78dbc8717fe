// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An image in memory for tests: physical pages as an array, with holes, and
 * page tables made on the way.
 */
#ifndef KCO_UNIT_MEMIMAGE_H
#define KCO_UNIT_MEMIMAGE_H

#include <stdint.h>
#include <string.h>

#include <kco/format.h>
#include <kco/image.h>

#include "unit.h"

#define MEMIMAGE_PAGES 64
#define MEMIMAGE_SIZE (MEMIMAGE_PAGES * 4096)

struct memimage {
	uint8_t bytes[MEMIMAGE_SIZE];	 /* physical memory from 0 */
	uint8_t missing[MEMIMAGE_PAGES]; /* 1: KCO_E_NOT_SAVED */
	uint64_t virt;			 /* also as virtual memory from here, 0 not */
	unsigned next_table;		 /* page number of the next table that memimage_map() makes */
	struct kco_image *image;
};

static inline enum kco_status memimage_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					    void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct memimage *m = seg->source;
	uint64_t pa = addr - seg->orig_first + seg->offset;

	(void)codec;
	for (*done = 0; *done < n; ++*done) {
		if (m->missing[(pa + *done) / 4096])
			return kco_fail(err, KCO_E_NOT_SAVED, "not saved");
		((uint8_t *)buf)[*done] = m->bytes[pa + *done];
	}
	return KCO_OK;
}

static const struct kco_segment_ops memimage_ops = { .read = memimage_read };
static struct memimage *memimage_opening;

static inline int memimage_probe(const struct kco_head *head)
{
	(void)head;
	return 100;
}

static inline enum kco_status memimage_format_open(struct kco_image *img, const struct kco_image_options *opts,
						   struct kco_err *err)
{
	struct memimage *m = memimage_opening;
	enum kco_status status = kco_image_add_segment(img, KCO_PHYS, 0, MEMIMAGE_SIZE, &memimage_ops, m, 0, err);

	(void)opts;
	if (!status && m->virt)
		status = kco_image_add_segment(img, KCO_VIRT, m->virt, MEMIMAGE_SIZE, &memimage_ops, m, 0, err);
	return status;
}

static const struct kco_format_ops memimage_format = {
	.name = "memory",
	.description = "an array of a test",
	.probe = memimage_probe,
	.open = memimage_format_open,
};

/** Open @m, whose fields are set, as an image. Its bytes may be changed before they are first read. */
static inline void memimage_open(struct memimage *m)
{
	static const struct kco_format_ops *const formats[] = { &memimage_format, NULL };
	const char *path = unit_file("memory", 6);
	struct kco_image_options opts = { 0 };
	struct kco_err err = KCO_ERR_INIT;

	memimage_opening = m;
	if (kco_image_open_new(&path, 1, formats, &opts, &m->image, &err))
		fail_msg("%s", err.msg);
}

static inline void memimage_put(struct memimage *m, uint64_t pa, uint64_t value)
{
	memcpy(m->bytes + pa, &value, 8);
}

static inline uint64_t memimage_get(const struct memimage *m, uint64_t pa)
{
	uint64_t value;

	memcpy(&value, m->bytes + pa, 8);
	return value;
}

/** Map @va by the @levels-level tables at @root with the entry @leaf in a table of @level (1: a 4 KiB page). */
static inline void memimage_map_at(struct memimage *m, uint64_t root, unsigned levels, uint64_t va, uint64_t leaf,
				   unsigned level)
{
	uint64_t table = root;

	for (unsigned l = levels; l > level; l--) {
		uint64_t at = table + 8 * (va >> (12 + 9 * (l - 1)) & 511);

		if (!memimage_get(m, at)) {
			assert_true(m->next_table < MEMIMAGE_PAGES);
			memimage_put(m, at, (uint64_t)m->next_table++ * 4096 | 3);
		}
		table = memimage_get(m, at) & UINT64_C(0x000ffffffffff000);
	}
	memimage_put(m, table + 8 * (va >> (12 + 9 * (level - 1)) & 511), leaf);
}

#endif
