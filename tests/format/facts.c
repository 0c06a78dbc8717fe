// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See facts.h. The unit is a page of 4096 bytes whatever the format's block
 * is, so that all formats of one recipe give the same pieces.
 */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define PAGE 4096u

struct scan {
	struct kco_reader *rd;
	struct pieces *out;
	enum kco_addr_kind kind;
	void (*reason)(void *arg, const struct piece *piece, const struct kco_err *err);
	void *arg;
};

static bool all_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && !memcmp(p, p + 1, n - 1);
}

static enum kco_status keep(struct scan *s, uint64_t first, size_t n, enum kco_status status, const uint8_t *bytes,
			    const struct kco_err *why)
{
	struct pieces *out = s->out;
	struct piece *p;

	if (n == 0 || status == KCO_E_RANGE)
		return KCO_OK;
	if (out->n == out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 256;
		struct piece *v = realloc(out->v, cap * sizeof(*v));

		if (!v)
			return KCO_E_NOMEM;
		out->v = v;
		out->cap = cap;
	}
	p = &out->v[out->n++];
	*p = (struct piece){ .kind = s->kind, .first = first, .last = first + n - 1, .status = status };
	if (status == KCO_OK) {
		p->crc = (uint32_t)crc32(0, bytes, (uInt)n);
		p->zero = all_zero(bytes, n);
	} else if (s->reason) {
		s->reason(s->arg, p, why);
	}
	return KCO_OK;
}

/*
 * What [at, at+n) of one page gives: data up to a failure, then the failure up
 * to where something can be read again. The next segment's first address is
 * the only place where that can be.
 */
static enum kco_status scan_page(struct scan *s, uint64_t at, size_t n)
{
	while (n) {
		uint8_t buf[PAGE];
		struct kco_err why = KCO_ERR_INIT;
		size_t got = 0, skip;
		enum kco_status status = kco_reader_read(s->rd, s->kind, at, buf, n, &got, &why), kept;
		const struct kco_segment *next;

		if (got > n || (status == KCO_OK) != (got == n) || (status != KCO_OK && !why.msg[0]))
			return KCO_E_BUG;
		kept = keep(s, at, got, KCO_OK, buf, NULL);
		at += got;
		n -= got;
		if (kept != KCO_OK || !n)
			return kept;
		next = kco_reader_next(s->rd, s->kind, at + 1);
		skip = next && next->first - at < n ? (size_t)(next->first - at) : n;
		kept = keep(s, at, skip, status, NULL, &why);
		if (kept != KCO_OK)
			return kept;
		at += skip;
		n -= skip;
	}
	return KCO_OK;
}

static enum kco_status scan_kind(struct scan *s, uint64_t max_pages)
{
	const struct kco_segment *seg = kco_reader_next(s->rd, s->kind, 0);
	uint64_t done = 0, page = 0;
	bool any = false;

	while (seg) {
		uint64_t first = seg->first & ~(uint64_t)(PAGE - 1), last = seg->last;

		// The page of the last segment's end was read whole.
		if (any && first <= page)
			first = page + PAGE;
		for (uint64_t at = first; at <= last && at >= first; at += PAGE) {
			enum kco_status status = scan_page(s, at, PAGE);

			if (status != KCO_OK)
				return status;
			page = at;
			any = true;
			if (++done >= max_pages) {
				s->out->capped = true;
				return KCO_OK;
			}
		}
		if (last == UINT64_MAX)
			break;
		seg = kco_reader_next(s->rd, s->kind, last + 1);
	}
	return KCO_OK;
}

enum kco_status facts_read(struct kco_image *img, uint64_t max_pages, struct pieces *ret,
			   void (*reason)(void *arg, const struct piece *piece, const struct kco_err *err), void *arg,
			   struct kco_err *err)
{
	struct scan s = { .out = ret, .reason = reason, .arg = arg };
	enum kco_status status;

	*ret = (struct pieces){ 0 };
	status = kco_reader_new(img, &s.rd, err);
	if (status != KCO_OK)
		return status;
	for (s.kind = KCO_PHYS; status == KCO_OK && s.kind <= KCO_VIRT; s.kind++)
		status = scan_kind(&s, max_pages);
	kco_reader_free(s.rd);
	if (status == KCO_OK)
		return KCO_OK;
	facts_free(ret);
	return kco_fail(err, status, "reading all pages: %s", kco_status_name(status));
}

enum kco_status facts_read_range(struct kco_image *img, enum kco_addr_kind kind, uint64_t first, uint64_t last,
				 struct pieces *ret,
				 void (*reason)(void *arg, const struct piece *piece, const struct kco_err *err),
				 void *arg, struct kco_err *err)
{
	struct scan s = { .out = ret, .kind = kind, .reason = reason, .arg = arg };
	enum kco_status status;

	*ret = (struct pieces){ 0 };
	status = kco_reader_new(img, &s.rd, err);
	if (status != KCO_OK)
		return status;
	for (uint64_t at = first; status == KCO_OK && at >= first && at < last; at += PAGE)
		status = scan_page(&s, at, last - at < PAGE ? (size_t)(last - at) + 1 : PAGE);
	kco_reader_free(s.rd);
	if (status == KCO_OK)
		return KCO_OK;
	facts_free(ret);
	return kco_fail(err, status, "reading a range: %s", kco_status_name(status));
}

void facts_free(struct pieces *pieces)
{
	free(pieces->v);
	*pieces = (struct pieces){ 0 };
}
