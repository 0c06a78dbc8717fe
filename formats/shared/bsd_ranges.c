// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ranges of a NetBSD or OpenBSD dump: see bsd_ranges.h.
 *
 * The starts lie in an array of their own, so that a search touches few cache
 * lines: with the index 25 bytes a range in all.
 */
#include "bsd_ranges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define RANGES_ROW 16u
#define RANGES_BATCH 4096u
/* Two pages at least belong to each range and the gap behind it: enough for 128 GiB that alternate page by page. */
#define RANGES_MAX (UINT64_C(1) << 24)
#define RANGES_PHYS_BITS 52
#define RANGES_SEGMENTS_MAX 4096u
/* A dump of all memory has a table that fits into one block: with more ranges it is a sparse one. */
#define RANGES_FULL_MAX 30u
#define RANGES_HOLE (UINT64_C(1) << 30) /* as large as what devices have below 4 GiB */
_Static_assert(RANGES_MAX <= UINT64_C(1) << 4 * KCO_BSD_LEVELS, "the index has enough levels");

static enum kco_status ranges_grow(struct kco_bsd_ranges *r, struct kco_err *err)
{
	size_t cap = r->cap ? r->cap * 2 : 64;
	uint64_t *first;
	void *rest;

	if (r->n < r->cap)
		return KCO_OK;
	first = realloc(r->first, cap * sizeof(*r->first));
	if (first)
		r->first = first;
	rest = first ? realloc(r->rest, cap * sizeof(*r->rest)) : NULL;
	if (!rest)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu ranges", cap);
	r->rest = rest;
	r->cap = cap;
	return KCO_OK;
}

/* The row @raw, number @i of the table; the bytes of its range lie @r->bytes behind @data. */
static enum kco_status ranges_row(struct kco_bsd_ranges *r, const uint8_t *raw, uint64_t i, uint64_t data,
				  struct kco_err *err)
{
	uint64_t start = kco_le64(raw), size = kco_le64(raw + 8), limit = UINT64_C(1) << RANGES_PHYS_BITS;
	enum kco_status status;

	if (!size)
		return KCO_OK;
	if (start >= limit || size > limit - start)
		return kco_fail(err, KCO_E_CORRUPT,
				"range %" PRIu64 " is %#" PRIx64 " bytes from %#" PRIx64 ", beyond 2^%d", i, size,
				start, RANGES_PHYS_BITS);
	if (r->bytes > INT64_MAX - data - size)
		return kco_fail(err, KCO_E_CORRUPT, "the sizes of the first %" PRIu64 " ranges do not fit in any file",
				i + 1);
	if (r->n >= RANGES_MAX)
		return kco_fail(err, KCO_E_UNSUPPORTED, "more than %" PRIu64 " ranges of memory", RANGES_MAX);
	status = ranges_grow(r, err);
	if (status != KCO_OK)
		return status;
	r->first[r->n] = start;
	r->rest[r->n].last = start + size - 1;
	r->rest[r->n].offset = data + r->bytes;
	r->n++;
	r->bytes += size;
	return KCO_OK;
}

struct ranges_entry {
	uint64_t first, last, offset;
};

static int ranges_compare(const void *a, const void *b)
{
	const struct ranges_entry *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* By address, for a firmware's memory map need not be. */
static enum kco_status ranges_sort(struct kco_bsd_ranges *r, struct kco_err *err)
{
	struct ranges_entry *v;
	bool sorted = true;

	for (size_t i = 1; i < r->n && sorted; i++)
		sorted = r->first[i] > r->first[i - 1];
	if (sorted)
		return KCO_OK;
	v = malloc(r->n * sizeof(*v));
	if (!v)
		return kco_fail(err, KCO_E_NOMEM, "out of memory to sort %zu ranges", r->n);
	for (size_t i = 0; i < r->n; i++)
		v[i] = (struct ranges_entry){ r->first[i], r->rest[i].last, r->rest[i].offset };
	qsort(v, r->n, sizeof(*v), ranges_compare);
	for (size_t i = 0; i < r->n; i++) {
		r->first[i] = v[i].first;
		r->rest[i].last = v[i].last;
		r->rest[i].offset = v[i].offset;
	}
	free(v);
	return KCO_OK;
}

/* What a lower range has already is cut off, so that at most one range has an address. */
static void ranges_cut(struct kco_bsd_ranges *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		uint64_t first = r->first[i], last = r->rest[i].last, offset = r->rest[i].offset;

		if (n && first <= r->rest[n - 1].last) {
			r->overlaps++;
			if (last <= r->rest[n - 1].last)
				continue;
			offset += r->rest[n - 1].last + 1 - first;
			first = r->rest[n - 1].last + 1;
		}
		r->first[n] = first;
		r->rest[n].last = last;
		r->rest[n].offset = offset;
		n++;
	}
	r->n = n;
}

static size_t ranges_padded(size_t n)
{
	return (n + KCO_BSD_FANOUT - 1) / KCO_BSD_FANOUT * KCO_BSD_FANOUT;
}

/* What is to be searched, and the levels above it. */
static enum kco_status ranges_index(struct kco_bsd_ranges *r, struct kco_err *err)
{
	size_t n = r->n;
	uint64_t *first = realloc(r->first, (ranges_padded(n) + KCO_BSD_FANOUT) * sizeof(*first));

	if (!first)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu ranges", n);
	r->first = r->levels[0] = first;
	for (size_t i = n; i < ranges_padded(n) + KCO_BSD_FANOUT; i++)
		first[i] = UINT64_MAX;
	for (r->nr_levels = 1; n > KCO_BSD_FANOUT; r->nr_levels++) {
		const uint64_t *below = r->levels[r->nr_levels - 1];
		size_t above = (n + KCO_BSD_FANOUT - 1) / KCO_BSD_FANOUT;
		uint64_t *level = malloc(ranges_padded(above) * sizeof(*level));

		if (!level)
			return kco_fail(err, KCO_E_NOMEM, "out of memory for an index of %zu ranges", r->n);
		r->levels[r->nr_levels] = level;
		for (size_t i = 0; i < ranges_padded(above); i++)
			level[i] = i < above ? below[i * KCO_BSD_FANOUT] : UINT64_MAX;
		n = above;
	}
	return KCO_OK;
}

static enum kco_status ranges_table(struct kco_bsd_ranges *r, uint64_t table, uint64_t n, uint64_t data,
				    struct kco_err *err)
{
	uint8_t *raw = malloc((size_t)RANGES_BATCH * RANGES_ROW);
	enum kco_status status = raw ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");

	for (uint64_t i = 0; status == KCO_OK && i < n; i += RANGES_BATCH) {
		uint64_t rows = n - i < RANGES_BATCH ? n - i : RANGES_BATCH;

		status = kco_io_read(r->io, raw, (size_t)rows * RANGES_ROW, table + i * RANGES_ROW, NULL, err);
		for (uint64_t k = 0; status == KCO_OK && k < rows; k++)
			status = ranges_row(r, raw + k * RANGES_ROW, i + k, data, err);
	}
	free(raw);
	return status;
}

enum kco_status kco_bsd_ranges_read_new(struct kco_io *io, uint64_t table, uint64_t n, uint64_t data,
					struct kco_bsd_ranges **ret, struct kco_err *err)
{
	struct kco_bsd_ranges *r = calloc(1, sizeof(*r));
	enum kco_status status;

	if (!r)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	r->io = io;
	// The table lies in front of the bytes: what claims more rows than there is room for was refused before.
	status = ranges_table(r, table, n, data, err);
	if (status == KCO_OK)
		status = ranges_sort(r, err);
	if (status == KCO_OK) {
		ranges_cut(r);
		status = ranges_index(r, err);
	}
	if (status != KCO_OK) {
		kco_bsd_ranges_free(r);
		return status;
	}
	*ret = r;
	return KCO_OK;
}

void kco_bsd_ranges_free(struct kco_bsd_ranges *r)
{
	if (!r)
		return;
	for (unsigned i = 1; i < KCO_BSD_LEVELS; i++)
		free(r->levels[i]);
	free(r->first);
	free(r->rest);
	free(r);
}

/* How many of the KCO_BSD_FANOUT ascending @keys are not beyond @pa? Without a branch, for none can be foreseen. */
static size_t ranges_rank(const uint64_t *keys, uint64_t pa)
{
	size_t rank = 0;

	for (unsigned i = 0; i < KCO_BSD_FANOUT; i++)
		rank += keys[i] <= pa;
	return rank;
}

bool kco_bsd_ranges_find(const struct kco_bsd_ranges *r, uint64_t pa, uint64_t *offset, uint64_t *left)
{
	size_t i = 0;

	if (!r->n || pa < r->first[0])
		return false;
	for (unsigned level = r->nr_levels; level-- > 0;)
		i = i * KCO_BSD_FANOUT + ranges_rank(r->levels[level] + i * KCO_BSD_FANOUT, pa) - 1;
	if (pa > r->rest[i].last)
		return false;
	*offset = r->rest[i].offset + (pa - r->first[i]);
	*left = r->rest[i].last - pa + 1;
	return true;
}

static enum kco_status ranges_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				   size_t n, size_t *done, struct kco_err *err)
{
	const struct kco_bsd_ranges *r = seg->source;

	(void)codec;
	for (*done = 0; *done < n;) {
		uint64_t offset, left;
		enum kco_status status;
		size_t got, part = n - *done;

		if (!kco_bsd_ranges_find(r, addr + *done, &offset, &left))
			return kco_fail(err, KCO_E_NOT_SAVED,
					"not saved: a sparse dump leaves out free pages and those of user processes");
		if (left < part)
			part = (size_t)left;
		status = kco_io_read(r->io, (uint8_t *)buf + *done, part, offset, &got, err);
		*done += got;
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static const struct kco_segment_ops ranges_segment_ops = {
	.read = ranges_read,
};

/*
 * Gaps from this size on part segments. Of a sparse dump, smaller ones are
 * pages that were left out, and reading says so; no more segments are made
 * than there may be.
 */
static uint64_t ranges_gap(const struct kco_bsd_ranges *r)
{
	size_t of_size[RANGES_PHYS_BITS + 1] = { 0 }, n = 0;
	unsigned bit = RANGES_PHYS_BITS + 1;

	if (r->n <= RANGES_FULL_MAX)
		return 1;
	for (size_t i = 1; i < r->n; i++) {
		uint64_t gap = r->first[i] - r->rest[i - 1].last - 1;

		if (gap)
			of_size[63 - __builtin_clzll(gap)]++;
	}
	while (bit > 0 && n + of_size[bit - 1] < RANGES_SEGMENTS_MAX)
		n += of_size[--bit];
	return UINT64_C(1) << bit < RANGES_HOLE ? RANGES_HOLE : UINT64_C(1) << bit;
}

enum kco_status kco_bsd_ranges_add(struct kco_image *img, struct kco_bsd_ranges *r, struct kco_err *err)
{
	uint64_t gap = ranges_gap(r), there = 0;
	enum kco_status status = KCO_OK;

	for (size_t i = 0, end; status == KCO_OK && i < r->n; i = end) {
		for (end = i + 1; end < r->n && r->first[end] - r->rest[end - 1].last - 1 < gap; end++)
			;
		status = kco_image_add_segment(img, KCO_PHYS, r->first[i], r->rest[end - 1].last - r->first[i] + 1,
					       &ranges_segment_ops, r, 0, err);
	}
	if (status != KCO_OK)
		return status;
	if (r->n)
		img->facts.max_pfn = r->rest[r->n - 1].last / img->facts.block_size + 1;
	if (r->overlaps)
		kco_image_warn(img, "%zu of the dump's ranges of memory overlap others: the lower ones are taken",
			       r->overlaps);
	// The last range in the file need not be the highest one.
	for (size_t i = 0; i < r->n; i++)
		if (r->rest[i].offset + (r->rest[i].last - r->first[i]) >= there)
			there = r->rest[i].offset + (r->rest[i].last - r->first[i]) + 1;
	if (there > r->io->size)
		kco_image_warn(img, "truncated: %" PRIu64 " of %" PRIu64 " bytes", r->io->size, there);
	return KCO_OK;
}
