// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An encoder of BTF for tests, written from Documentation/bpf/btf.rst alone.
 */
#ifndef KCO_UNIT_BTFMAKE_H
#define KCO_UNIT_BTFMAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmem.h"

struct btfmake {
	struct bytes types, strs;
	uint32_t id; /* of the type begun last */
	uint32_t str_base;
};

/** @base: the BTF that a split one goes on from, or NULL. */
static inline void btfmake_init(struct btfmake *m, const struct btfmake *base)
{
	memset(m, 0, sizeof(*m));
	if (base) {
		m->id = base->id;
		m->str_base = base->str_base + (uint32_t)base->strs.n;
	} else {
		bytes_uint(&m->strs, 0, 1);
	}
}

static inline uint32_t btfmake_str(struct btfmake *m, const char *s)
{
	uint32_t at = m->str_base + (uint32_t)m->strs.n;

	if (!s[0])
		return 0;
	bytes_put(&m->strs, s, strlen(s) + 1);
	return at;
}

/** Begin a type; its members follow. Returns its id. */
static inline uint32_t btfmake_type(struct btfmake *m, const char *name, unsigned kind, unsigned flag, unsigned vlen,
				    uint32_t size_or_type)
{
	bytes_uint(&m->types, btfmake_str(m, name), 4);
	bytes_uint(&m->types, vlen | (uint32_t)kind << 24 | (uint32_t)flag << 31, 4);
	bytes_uint(&m->types, size_or_type, 4);
	return ++m->id;
}

/** An INT; @encoding 1 signed, 2 char, 4 bool. */
static inline uint32_t btfmake_int(struct btfmake *m, const char *name, uint32_t size, unsigned encoding, unsigned bits)
{
	uint32_t id = btfmake_type(m, name, 1, 0, 0, size);

	bytes_uint(&m->types, (uint32_t)encoding << 24 | bits, 4);
	return id;
}

static inline uint32_t btfmake_array(struct btfmake *m, uint32_t elem, uint32_t n)
{
	uint32_t id = btfmake_type(m, "", 3, 0, 0, 0);

	bytes_uint(&m->types, elem, 4);
	bytes_uint(&m->types, elem, 4);
	bytes_uint(&m->types, n, 4);
	return id;
}

/** A member of the struct or union begun last. @bits only in those begun with flag 1. */
static inline void btfmake_member(struct btfmake *m, const char *name, uint32_t type, uint32_t bit_offset,
				  unsigned bits)
{
	bytes_uint(&m->types, btfmake_str(m, name), 4);
	bytes_uint(&m->types, type, 4);
	bytes_uint(&m->types, bit_offset | (uint32_t)bits << 24, 4);
}

static inline void btfmake_enumerator(struct btfmake *m, const char *name, uint32_t value)
{
	bytes_uint(&m->types, btfmake_str(m, name), 4);
	bytes_uint(&m->types, value, 4);
}

static inline void btfmake_enumerator64(struct btfmake *m, const char *name, uint64_t value)
{
	bytes_uint(&m->types, btfmake_str(m, name), 4);
	bytes_uint(&m->types, value, 8);
}

/** The whole, malloc()ed. */
static inline uint8_t *btfmake_take(const struct btfmake *m, size_t *n)
{
	struct bytes b = { 0 };

	bytes_uint(&b, 0xeb9f, 2);
	bytes_uint(&b, 1, 1);
	bytes_uint(&b, 0, 1);
	bytes_uint(&b, 24, 4);
	bytes_uint(&b, 0, 4);
	bytes_uint(&b, m->types.n, 4);
	bytes_uint(&b, m->types.n, 4);
	bytes_uint(&b, m->strs.n, 4);
	bytes_put(&b, m->types.p, m->types.n);
	bytes_put(&b, m->strs.p, m->strs.n);
	*n = b.n;
	return b.p;
}

static inline void btfmake_fini(struct btfmake *m)
{
	free(m->types.p);
	free(m->strs.p);
}

#endif
