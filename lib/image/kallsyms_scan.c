// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding kallsyms in the kernel's memory without VMCOREINFO's help.
 *
 * The token table gives itself away: digits and letters occur in names, so
 * their codes stand for themselves, and "0\0001\0002\0..." is found in every
 * kernel. The table's own index, which follows it, proves it and tells where
 * it begins. Before it lie, aligned, num_syms, names and markers; names that
 * walk up to markers which say the same prove those. Last come the addresses,
 * on either side (kallsyms_tables.h has both orders).
 */
#include "kallsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "kallsyms_tables.h"

#define SCAN_CHUNK (256u * 1024)
#define SCAN_OVERLAP 64
#define SCAN_PAGE 4096u
#define SCAN_BEFORE (64u << 20)	      /* how far before the token table num_syms may lie */
#define SCAN_SPAN (UINT64_C(1) << 31) /* what a kernel's symbols may span */
#define SCAN_SYMS_MIN 256u	      /* a kernel has more */

static const char scan_digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009"; /* and the final NUL */

struct scan {
	struct kco_mem *mem;
	const struct kco_space *space;
	uint64_t first, end;
	struct kco_kallsyms_layout layout;
};

/* Read into @buf what can be read of [va, va+n); the rest, page by page, is zero. */
static void scan_read(const struct scan *s, uint64_t va, uint8_t *buf, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t got = 0, skip;
		enum kco_status st = kco_vread(s->mem, s->space, va + at, buf + at, n - at, &got, NULL);

		at += got;
		if (!st || at >= n)
			break;
		skip = SCAN_PAGE - (size_t)((va + at) % SCAN_PAGE);
		if (skip > n - at)
			skip = n - at;
		memset(buf + at, 0, skip);
		at += skip;
	}
}

/* Is the token of '0' at @zero? Then its index lies behind the 256th token. */
static bool scan_tokens(struct scan *s, uint64_t zero)
{
	char tail[(KALLSYMS_TOKENS - '0') * 64];
	uint8_t raw[KALLSYMS_TOKENS * 2];
	size_t got = 0, at = 0;

	(void)!kco_vread(s->mem, s->space, zero, tail, sizeof(tail), &got, NULL);
	for (unsigned i = '0'; i < KALLSYMS_TOKENS; i++) {
		const char *nul = memchr(tail + at, '\0', got - at);

		if (!nul)
			return false;
		at = (size_t)(nul - tail) + 1;
	}
	for (unsigned align = 8; align >= 4; align /= 2) {
		uint64_t index = (zero + at + align - 1) & ~(uint64_t)(align - 1);
		bool ascends = true;

		if (kco_vread(s->mem, s->space, index, raw, sizeof(raw), NULL, NULL) || kco_le16(raw) != 0)
			continue;
		for (unsigned i = 1; i < KALLSYMS_TOKENS; i++)
			ascends &= kco_le16(raw + i * 2) > kco_le16(raw + i * 2 - 2);
		s->layout.token_index = index;
		s->layout.token_table = zero - kco_le16(raw + '0' * 2);
		// The tokens from '0' to the last take as many bytes as were walked, but for the last one's own.
		if (ascends && kco_le16(raw + 510) - kco_le16(raw + '0' * 2) < (int)at &&
		    s->layout.token_table >= s->first)
			return true;
	}
	return false;
}

static bool scan_find_tokens(struct scan *s)
{
	uint8_t *buf = malloc(SCAN_CHUNK);
	bool found = false;

	for (uint64_t va = s->first; buf && !found && va < s->end; va += SCAN_CHUNK - SCAN_OVERLAP) {
		size_t n = s->end - va < SCAN_CHUNK ? (size_t)(s->end - va) : SCAN_CHUNK;
		const uint8_t *hit = buf;

		scan_read(s, va, buf, n);
		while (!found && (hit = memmem(hit, n - (size_t)(hit - buf), scan_digits, sizeof(scan_digits)))) {
			// A string that only ends in '0' does not count.
			if (hit == buf || hit[-1] == '\0')
				found = scan_tokens(s, va + (uint64_t)(hit - buf));
			hit++;
		}
	}
	free(buf);
	return found;
}

/* Could num_syms lie at @va: do its names end where markers begin that agree? */
static bool scan_names(struct scan *s, uint64_t va, uint32_t n, unsigned align)
{
	uint64_t at = va + (align == 8 ? 8 : 4);
	uint8_t *buf = malloc(SCAN_CHUNK);
	uint32_t second = 0, offset = 0, left = n;
	uint8_t raw[16];
	bool ok = buf;

	s->layout.num_syms = va;
	s->layout.names = at;
	while (ok && left) {
		struct kallsyms_packed name;
		uint32_t pos = 0, before = left;
		size_t got = 0;

		(void)!kco_vread(s->mem, s->space, at + offset, buf, SCAN_CHUNK, &got, NULL);
		while (left && kallsyms_next_name(buf, (uint32_t)got, &pos, &name) && name.len) {
			left--;
			if (n - left == KALLSYMS_BLOCK)
				second = offset + pos;
		}
		ok = left < before && at + offset + pos <= s->layout.token_table;
		offset += pos;
	}
	free(buf);
	if (!ok)
		return false;
	s->layout.markers = (at + offset + align - 1) & ~(uint64_t)(align - 1);
	return !kco_vread(s->mem, s->space, s->layout.markers, raw, sizeof(raw), NULL, NULL) && kco_le32(raw) == 0 &&
	       (kco_le32(raw + 4) == second || (kco_le64(raw) == 0 && kco_le64(raw + 8) == second));
}

static bool scan_find_names(struct scan *s)
{
	uint64_t floor =
		s->layout.token_table - s->first > SCAN_BEFORE ? s->layout.token_table - SCAN_BEFORE : s->first;
	uint8_t *buf = malloc(SCAN_CHUNK + 8);
	bool found = false;

	for (uint64_t end = s->layout.token_table & ~UINT64_C(7); buf && !found && end > floor;) {
		size_t n = end - floor < SCAN_CHUNK ? (size_t)(end - floor) : SCAN_CHUNK;

		end -= n;
		scan_read(s, end, buf, n + 8);
		for (size_t i = n; !found && i >= 4; i -= 4) {
			uint32_t syms = kco_le32(buf + i - 4);
			uint64_t va = end + i - 4, room = s->layout.token_table - va;

			// Names take from 3 to 64 bytes and four more are a marker's or an index's.
			if (syms < SCAN_SYMS_MIN || syms > KALLSYMS_MAX || room < (uint64_t)syms * 3 ||
			    room > (uint64_t)syms * 64)
				continue;
			if (va % 8 == 0 && kco_le32(buf + i) == 0)
				found = scan_names(s, va, syms, 8);
			if (!found)
				found = scan_names(s, va, syms, 4);
		}
	}
	free(buf);
	return found;
}

/* Do @layout's addresses make sense: sorted, and the last in the kernel's image or its scratch space behind it? */
static bool scan_addresses_fit(struct scan *s, const struct kco_kallsyms_layout *layout)
{
	struct kallsyms_tables t;
	uint64_t last = 0;
	bool fit;

	fit = !kallsyms_tables_init(&t, s->mem, s->space, layout, NULL) &&
	      !kallsyms_addresses(&t, t.n - 1, 1, &last, NULL) && last >= s->first && last - s->first <= SCAN_SPAN;
	kallsyms_tables_fini(&t);
	return fit;
}

static bool scan_find_addresses(struct scan *s, uint32_t n)
{
	uint64_t behind = s->layout.token_index + KALLSYMS_TOKENS * 2;
	uint64_t offsets = (uint64_t)n * 4, padded = (offsets + 7) & ~UINT64_C(7);
	uint64_t before = s->layout.num_syms;
	const struct {
		uint64_t offsets, base, addresses;
	} places[] = {
		{ ((behind + 7) & ~UINT64_C(7)), ((behind + 7) & ~UINT64_C(7)) + padded, 0 },
		{ before - 8 - padded, before - 8, 0 },
		{ 0, 0, before - (uint64_t)n * 8 },
		{ 0, 0, (behind + 7) & ~UINT64_C(7) },
		{ ((behind + 3) & ~UINT64_C(3)), 0, 0 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct kco_kallsyms_layout layout = s->layout;

		layout.offsets = places[i].offsets;
		layout.relative_base = places[i].base;
		layout.addresses = places[i].addresses;
		if (!scan_addresses_fit(s, &layout))
			continue;
		s->layout = layout;
		return true;
	}
	return false;
}

enum kco_status kco_kallsyms_scan(struct kco_mem *mem, const struct kco_space *space, uint64_t first, uint64_t end,
				  struct kco_kallsyms_layout *layout, struct kco_err *err)
{
	struct scan s = { .mem = mem, .space = space, .first = first, .end = end };
	uint64_t n;
	enum kco_status st;

	if (!scan_find_tokens(&s))
		return kco_fail(err, KCO_E_NOSYM,
				"no kallsyms between %#" PRIx64 " and %#" PRIx64 ": no token table was found", first,
				end);
	if (!scan_find_names(&s))
		return kco_fail(err, KCO_E_NOSYM, "kallsyms has its tokens at %#" PRIx64 ", but no names were found",
				s.layout.token_table);
	st = kco_vread_uint(mem, space, s.layout.num_syms, 4, &n, err);
	if (st)
		return st;
	if (!scan_find_addresses(&s, (uint32_t)n))
		return kco_fail(err, KCO_E_NOSYM, "kallsyms has its names at %#" PRIx64 ", but no addresses were found",
				s.layout.names);
	*layout = s.layout;
	return KCO_OK;
}
