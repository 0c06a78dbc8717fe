// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zbud and z3fold: two or three objects in a page, whose header says how many
 * chunks of 64 bytes each has.
 *
 *   zbud     [header | first ... -> |        | <- ... last]
 *            the handle is the object's address
 *   z3fold   [header | first -> | middle | <- last]
 *            the handle points to a word: the page's address, + buddy, | size of the last << 2;
 *            an object that needs the whole page has an odd handle, and the page no header
 *
 * Sources: mm/zbud.c, mm/z3fold.c (both gone since v6.15).
 */
#include "linux_zpool.h"

#include <inttypes.h>

#define ZBUD_CHUNK 64u
#define ZBUD_OFFSET (LINUX_ZPAGE_SIZE - 1)
#define Z3FOLD_HEADLESS 1u

enum { Z3FOLD_FIRST = 1, Z3FOLD_MIDDLE, Z3FOLD_LAST };

static enum kco_status zbud_init(struct kco_session *s, struct linux_zbud *z, struct kco_err *err)
{
	struct kco_types *types;
	enum kco_status st = linux_zpool_types(s, "zbud_header", "zbud", &types, err);

	if (!st)
		st = kco_types_field(types, "zbud_header", "first_chunks", &z->first, err);
	if (!st)
		st = kco_types_field(types, "zbud_header", "last_chunks", &z->last, err);
	return st;
}

static enum kco_status zbud_lazy(struct kco_session *s, struct linux_zbud *z, struct kco_err *err)
{
	KCO_LAZY(z->lazy, zbud_init(s, z, &z->lazy.err), err);
}

static enum kco_status z3fold_init(struct kco_session *s, struct linux_z3fold *z, struct kco_err *err)
{
	struct kco_types *types;
	enum kco_status st = linux_zpool_types(s, "z3fold_header", "z3fold", &types, err);

	if (!st)
		st = kco_types_sizeof(types, "z3fold_header", &z->header, err);
	if (!st)
		st = kco_types_field(types, "z3fold_header", "first_chunks", &z->first, err);
	if (!st)
		st = kco_types_field(types, "z3fold_header", "middle_chunks", &z->middle, err);
	if (!st)
		st = kco_types_field(types, "z3fold_header", "last_chunks", &z->last, err);
	if (!st)
		st = kco_types_field(types, "z3fold_header", "start_middle", &z->start_middle, err);
	if (!st)
		st = kco_types_field(types, "z3fold_header", "first_num", &z->first_num, err);
	return st;
}

static enum kco_status z3fold_lazy(struct kco_session *s, struct linux_z3fold *z, struct kco_err *err)
{
	KCO_LAZY(z->lazy, z3fold_init(s, z, &z->lazy.err), err);
}

/* @n bytes of an object that has @chunks from @offset in the page at @page. */
static enum kco_status zbud_bytes(struct kco_session *s, uint64_t page, uint64_t offset, uint64_t chunks, size_t n,
				  void *buf, struct kco_err *err)
{
	if (offset >= LINUX_ZPAGE_SIZE || chunks > (LINUX_ZPAGE_SIZE - offset) / ZBUD_CHUNK || n > chunks * ZBUD_CHUNK)
		return kco_fail(err, KCO_E_CORRUPT,
				"%zu bytes do not fit into %" PRIu64 " chunks from %" PRIu64 " of their page", n,
				chunks, offset);
	return kco_kread(s, page + offset, buf, n, NULL, err);
}

enum kco_status linux_zbud_read(struct kco_session *s, uint64_t handle, size_t n, void *buf, struct kco_err *err)
{
	struct linux_zpools *zpools = linux_zpools_get(s);
	uint64_t page = handle & ~(uint64_t)ZBUD_OFFSET, offset = handle & ZBUD_OFFSET, first, last;
	enum kco_status st = zpools ? zbud_lazy(s, &zpools->zbud, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");

	if (!st)
		st = kco_kread_field(s, page, &zpools->zbud.first, &first, err);
	if (!st)
		st = kco_kread_field(s, page, &zpools->zbud.last, &last, err);
	if (!st && offset == ZBUD_CHUNK && first)
		st = zbud_bytes(s, page, offset, first, n, buf, err);
	else if (!st && last < LINUX_ZPAGE_SIZE / ZBUD_CHUNK && offset == LINUX_ZPAGE_SIZE - last * ZBUD_CHUNK)
		st = zbud_bytes(s, page, offset, last, n, buf, err);
	else if (!st)
		st = kco_fail(err, KCO_E_CORRUPT, "it is neither object of its page");
	return st ? kco_context(err, st, "zbud object %#" PRIx64, handle) : KCO_OK;
}

/* The word that a handle points to, decoded; then the bytes. */
static enum kco_status z3fold_buddy(struct kco_session *s, const struct linux_z3fold *z, uint64_t word, size_t n,
				    void *buf, struct kco_err *err)
{
	uint64_t page = word & ~(uint64_t)ZBUD_OFFSET, first_num, chunks, start = 0;
	unsigned buddy;
	enum kco_status st = kco_kread_field(s, page, &z->first_num, &first_num, err);

	if (st)
		return st;
	buddy = (unsigned)(word - first_num) & 3;
	switch (buddy) {
	case Z3FOLD_FIRST:
		st = kco_kread_field(s, page, &z->first, &chunks, err);
		start = (z->header + ZBUD_CHUNK - 1) / ZBUD_CHUNK;
		break;
	case Z3FOLD_MIDDLE:
		st = kco_kread_field(s, page, &z->middle, &chunks, err);
		if (!st)
			st = kco_kread_field(s, page, &z->start_middle, &start, err);
		break;
	case Z3FOLD_LAST:
		st = kco_kread_field(s, page, &z->last, &chunks, err);
		if (!st && chunks != (word & ZBUD_OFFSET) >> 2)
			return kco_fail(err, KCO_E_CORRUPT,
					"the last object has %" PRIu64 " chunks, its handle says %" PRIu64, chunks,
					(word & ZBUD_OFFSET) >> 2);
		start = LINUX_ZPAGE_SIZE / ZBUD_CHUNK - (st ? 0 : chunks);
		break;
	default:
		return kco_fail(err, KCO_E_CORRUPT, "its word %#" PRIx64 " names no object", word);
	}
	if (!st && start > LINUX_ZPAGE_SIZE / ZBUD_CHUNK)
		return kco_fail(err, KCO_E_CORRUPT, "the object starts at chunk %" PRIu64 " of its page", start);
	return st ? st : zbud_bytes(s, page, start * ZBUD_CHUNK, chunks, n, buf, err);
}

enum kco_status linux_z3fold_read(struct kco_session *s, uint64_t handle, size_t n, void *buf, struct kco_err *err)
{
	struct linux_zpools *zpools = linux_zpools_get(s);
	uint64_t word;
	enum kco_status st =
		zpools ? z3fold_lazy(s, &zpools->z3fold, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");

	if (!st && handle & Z3FOLD_HEADLESS) {
		st = zbud_bytes(s, handle & ~(uint64_t)ZBUD_OFFSET, 0, LINUX_ZPAGE_SIZE / ZBUD_CHUNK, n, buf, err);
	} else if (!st) {
		st = kco_kread_uint(s, handle, 8, &word, err);
		if (!st)
			st = z3fold_buddy(s, &zpools->z3fold, word, n, buf, err);
	}
	return st ? kco_context(err, st, "z3fold object %#" PRIx64, handle) : KCO_OK;
}
