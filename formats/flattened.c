// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flattened stream that makedumpfile -F and QEMU's dump-guest-memory -z
 * write where they cannot seek: a wrapper around a kdump or an ELF core.
 *
 *   block 0    16 "makedumpfile" | be64 type 1 | be64 version 1 | pad to 4096
 *   records    be64 offset | be64 size | size bytes for that offset of the inner file
 *   end mark   be64 -1 | be64 -1
 *
 * Source: makedumpfile's IMPLEMENTATION file and makedumpfile.h. Records come
 * in any order and a later one overwrites (the header is sent again at the
 * end). One pass over the 16-byte headers makes an index: extents sorted by
 * inner offset, disjoint, later wins.
 *
 *   records   #1 [0,4096) #2 [8192,9000) #3 [0,464)
 *   extents   [0,464) of #3, [464,4096) of #1, [8192,9000) of #2
 *
 * What no record covers is zeros, as it is in the file that rearranging the
 * stream would give. But in a stream without end mark the missing records may
 * be those: there it is KCO_E_TRUNCATED.
 */
#include "flattened_write.h"

#include <kco/endian.h>
#include <kco/format.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLATTENED_HEADER 4096u
#define FLATTENED_RECORD 16u
/* 24 bytes each. QEMU sends up to 16 KiB a record, so this is half a TiB of its stream. */
#define FLATTENED_RECORDS_MAX (UINT32_C(1) << 25)
#define FLATTENED_WINDOW 4096u

struct flattened_extent {
	uint64_t dst, src, size;
};

struct flattened {
	struct flattened_extent *v;
	size_t n, cap;
	bool truncated; /* no end mark */
};

static int flattened_probe(const struct kco_head *head)
{
	if (head->head_size < 16 || memcmp(head->head, "makedumpfile\0\0\0", 16))
		return 0;
	return 100;
}

static enum kco_status flattened_push(struct flattened *fl, uint64_t dst, uint64_t src, uint64_t size,
				      struct kco_err *err)
{
	if (fl->n == fl->cap) {
		size_t cap = fl->cap ? fl->cap * 2 : 1024;
		struct flattened_extent *v = reallocarray(fl->v, cap, sizeof(*v));

		if (!v)
			return kco_fail(err, KCO_E_NOMEM, "out of memory for the index of %zu records", cap);
		fl->v = v;
		fl->cap = cap;
	}
	fl->v[fl->n++] = (struct flattened_extent){ dst, src, size };
	return KCO_OK;
}

/* A window on the stream: record headers are often a few KiB apart, then one read serves several. */
struct flattened_window {
	uint8_t buf[FLATTENED_WINDOW];
	uint64_t at;
	size_t n;
};

/* The record header at @pos; NULL: the stream ends before its last byte (or cannot be read). */
static const uint8_t *flattened_header(struct kco_io *io, struct flattened_window *w, uint64_t pos,
				       enum kco_status *status, struct kco_err *err)
{
	if (pos < w->at || pos + FLATTENED_RECORD > w->at + w->n) {
		w->at = pos;
		*status = kco_io_read(io, w->buf, sizeof(w->buf), pos, &w->n, err);
		if (*status == KCO_E_TRUNCATED)
			*status = KCO_OK;
		if (*status != KCO_OK || w->n < FLATTENED_RECORD)
			return NULL;
	}
	return w->buf + (pos - w->at);
}

/* All records of the stream, in its order. */
static enum kco_status flattened_scan(struct kco_io *io, struct flattened *fl, struct kco_err *err)
{
	struct flattened_window w = { .n = 0 };
	enum kco_status status = KCO_OK;
	uint64_t pos = FLATTENED_HEADER;

	fl->truncated = true;
	while (status == KCO_OK) {
		const uint8_t *raw = flattened_header(io, &w, pos, &status, err);
		uint64_t dst, size;

		if (!raw)
			break;
		dst = kco_be64(raw);
		size = kco_be64(raw + 8);
		if (dst == UINT64_MAX) {
			fl->truncated = false;
			break;
		}
		if (dst > INT64_MAX || size > INT64_MAX - dst)
			return kco_fail(err, KCO_E_CORRUPT,
					"flattened stream: record at %#" PRIx64 " is for offset %#" PRIx64
					", size %#" PRIx64,
					pos, dst, size);
		pos += FLATTENED_RECORD;
		if (size > io->size - pos) {
			size = io->size - pos;
			if (size)
				status = flattened_push(fl, dst, pos, size, err);
			break;
		}
		if (size)
			status = flattened_push(fl, dst, pos, size, err);
		pos += size;
		if (status == KCO_OK && fl->n > FLATTENED_RECORDS_MAX)
			return kco_fail(err, KCO_E_NOMEM,
					"more than %" PRIu32
					" records in the flattened stream; rearrange it with makedumpfile -R",
					FLATTENED_RECORDS_MAX);
	}
	return status;
}

/* By inner offset; src, which grows along the stream, tells earlier from later. */
static int flattened_by_dst(const void *a, const void *b)
{
	const struct flattened_extent *x = a, *y = b;

	if (x->dst != y->dst)
		return x->dst < y->dst ? -1 : 1;
	return (x->src > y->src) - (x->src < y->src);
}

/* A heap of extents, latest on top: those that cover the sweep's place. */
struct flattened_heap {
	const struct flattened_extent **v;
	size_t n;
};

static void flattened_heap_push(struct flattened_heap *h, const struct flattened_extent *e)
{
	size_t i = h->n++;

	while (i && h->v[(i - 1) / 2]->src < e->src) {
		h->v[i] = h->v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->v[i] = e;
}

static void flattened_heap_pop(struct flattened_heap *h)
{
	const struct flattened_extent *e = h->v[--h->n];
	size_t i = 0, kid;

	while ((kid = 2 * i + 1) < h->n) {
		if (kid + 1 < h->n && h->v[kid + 1]->src > h->v[kid]->src)
			kid++;
		if (h->v[kid]->src <= e->src)
			break;
		h->v[i] = h->v[kid];
		i = kid;
	}
	h->v[i] = e;
}

/* [at, end) is @e's; grows the extent before it when both lie side by side in the stream. */
static enum kco_status flattened_emit(struct flattened *out, const struct flattened_extent *e, uint64_t at,
				      uint64_t end, struct kco_err *err)
{
	uint64_t src = e->src + (at - e->dst);
	struct flattened_extent *last = out->n ? &out->v[out->n - 1] : NULL;

	if (last && last->dst + last->size == at && last->src + last->size == src) {
		last->size += end - at;
		return KCO_OK;
	}
	return flattened_push(out, at, src, end - at, err);
}

/* Sorted but overlapping extents to disjoint ones, by a sweep from low to high. */
static enum kco_status flattened_sweep(struct flattened *fl, struct kco_err *err)
{
	struct flattened out = { .truncated = fl->truncated };
	struct flattened_heap heap = { .v = calloc(fl->n, sizeof(*heap.v)) };
	enum kco_status status = KCO_OK;
	uint64_t at = 0;
	size_t i = 0;

	if (!heap.v)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for the index of %zu records", fl->n);
	while (status == KCO_OK && (i < fl->n || heap.n)) {
		const struct flattened_extent *top;
		uint64_t end;

		if (!heap.n)
			at = fl->v[i].dst;
		while (i < fl->n && fl->v[i].dst == at)
			flattened_heap_push(&heap, &fl->v[i++]);
		while (heap.n && heap.v[0]->dst + heap.v[0]->size <= at)
			flattened_heap_pop(&heap);
		if (!heap.n)
			continue;
		top = heap.v[0];
		end = top->dst + top->size;
		// The next one to begin may be later and take over.
		if (i < fl->n && fl->v[i].dst < end)
			end = fl->v[i].dst;
		status = flattened_emit(&out, top, at, end, err);
		at = end;
	}
	free(heap.v);
	if (status != KCO_OK) {
		free(out.v);
		return status;
	}
	free(fl->v);
	*fl = out;
	return KCO_OK;
}

static enum kco_status flattened_index(struct flattened *fl, struct kco_err *err)
{
	bool sorted = true, overlap = false;

	for (size_t i = 1; i < fl->n && sorted; i++)
		sorted = fl->v[i - 1].dst <= fl->v[i].dst;
	if (!sorted)
		qsort(fl->v, fl->n, sizeof(fl->v[0]), flattened_by_dst);
	for (size_t i = 1; i < fl->n && !overlap; i++)
		overlap = fl->v[i - 1].dst + fl->v[i - 1].size > fl->v[i].dst;
	return overlap ? flattened_sweep(fl, err) : KCO_OK;
}

/* The first extent that ends behind @off, or fl->n. */
static size_t flattened_find(const struct flattened *fl, uint64_t off)
{
	size_t lo = 0, hi = fl->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (fl->v[mid].dst + fl->v[mid].size <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static enum kco_status flattened_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
				      struct kco_err *err)
{
	const struct flattened *fl = io->priv;
	size_t i = flattened_find(fl, off);

	*done = 0;
	while (*done < n) {
		const struct flattened_extent *e = i < fl->n ? &fl->v[i] : NULL;
		uint64_t at = off + *done;
		size_t take = n - *done, got;

		if (e && at >= e->dst) {
			uint64_t left = e->dst + e->size - at;
			enum kco_status status;

			take = left < take ? (size_t)left : take;
			status =
				kco_io_read(io->below, (uint8_t *)buf + *done, take, e->src + (at - e->dst), &got, err);
			*done += got;
			if (status != KCO_OK)
				return status;
			i++;
			continue;
		}
		if (fl->truncated)
			return kco_fail(err, KCO_E_TRUNCATED,
					"truncated: the stream ends before the record for offset %#" PRIx64, at);
		if (e && e->dst - at < take)
			take = (size_t)(e->dst - at);
		memset((uint8_t *)buf + *done, 0, take);
		*done += take;
	}
	return KCO_OK;
}

static void flattened_free(struct flattened *fl)
{
	free(fl->v);
	free(fl);
}

static void flattened_close(struct kco_io *io)
{
	flattened_free(io->priv);
}

static const struct kco_io_ops flattened_io_ops = {
	.name = "flattened",
	.read = flattened_read,
	.close = flattened_close,
};

static void flattened_warn(const struct kco_image_options *opts, const char *fmt, ...) KCO_PRINTF(2, 3);

static void flattened_warn(const struct kco_image_options *opts, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!opts || !opts->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	opts->warn(opts->warn_arg, text);
}

static enum kco_status flattened_unwrap(struct kco_io *io, const struct kco_image_options *opts, struct kco_io **ret,
					struct kco_err *err)
{
	struct flattened *fl;
	enum kco_status status;
	uint8_t raw[32];
	uint64_t size;

	status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);
	if (status != KCO_OK)
		return kco_context(err, status, "flattened header");
	if (kco_be64(raw + 16) != 1 || kco_be64(raw + 24) != 1)
		return kco_fail(err, KCO_E_UNSUPPORTED, "flattened stream of type %" PRIu64 ", version %" PRIu64,
				kco_be64(raw + 16), kco_be64(raw + 24));
	fl = calloc(1, sizeof(*fl));
	if (!fl)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	status = flattened_scan(io, fl, err);
	if (status == KCO_OK && fl->n == 0)
		status = kco_fail(err, KCO_E_TRUNCATED, "a flattened stream without a record");
	if (status == KCO_OK)
		status = flattened_index(fl, err);
	if (status == KCO_OK) {
		size = fl->v[fl->n - 1].dst + fl->v[fl->n - 1].size;
		status = kco_io_new(&flattened_io_ops, io, size, io->name, fl, ret, err);
	}
	if (status != KCO_OK) {
		flattened_free(fl);
		return status;
	}
	if (fl->truncated)
		flattened_warn(opts, "truncated: the flattened stream ends at %" PRIu64 " without its end mark",
			       io->size);
	return KCO_OK;
}

const struct kco_format_ops kco_format_flattened = {
	.name = "flattened",
	.description =
		"makedumpfile's flattened stream around another format (makedumpfile -F, QEMU, convert --flatten)",
	.probe = flattened_probe,
	.unwrap = flattened_unwrap,
	.wrap = kco_flattened_sink_new,
};
