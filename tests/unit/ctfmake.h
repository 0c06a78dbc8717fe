// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An encoder of CTF for tests, written from ctf(5) of FreeBSD and illumos and
 * from what GNU as and ld put into .ctf: version 2 and 3 of .SUNW_ctf, GNU's
 * dictionaries and archives.
 */
#ifndef KCO_UNIT_CTFMAKE_H
#define KCO_UNIT_CTFMAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "vmem.h"

enum ctfmake_version { CTFMAKE_2 = 2, CTFMAKE_3 = 3, CTFMAKE_GNU = 4 };
enum ctfmake_kind {
	CTFMAKE_INTEGER = 1,
	CTFMAKE_FLOAT,
	CTFMAKE_POINTER,
	CTFMAKE_ARRAY,
	CTFMAKE_FUNCTION,
	CTFMAKE_STRUCT,
	CTFMAKE_UNION,
	CTFMAKE_ENUM,
	CTFMAKE_FORWARD,
	CTFMAKE_TYPEDEF,
	CTFMAKE_VOLATILE,
	CTFMAKE_CONST,
	CTFMAKE_RESTRICT,
	CTFMAKE_SLICE,
};

struct ctfmake {
	enum ctfmake_version version;
	struct bytes objects, functions, object_names, variables, types, strs;
	uint32_t id;   /* of the type begun last */
	uint64_t size; /* of the struct or union begun last */
	uint32_t parent_label, parent_name;
	bool child, not_root;
	uint8_t flags; /* 1: zlib; GNU: 8 dynamic symbols */
};

static inline void ctfmake_init(struct ctfmake *m, enum ctfmake_version version)
{
	memset(m, 0, sizeof(*m));
	m->version = version;
	bytes_uint(&m->strs, 0, 1);
}

static inline unsigned ctfmake_width(const struct ctfmake *m)
{
	return m->version == CTFMAKE_2 ? 2 : 4;
}

static inline uint32_t ctfmake_str(struct ctfmake *m, const char *s)
{
	uint32_t at = (uint32_t)m->strs.n;

	if (!s[0])
		return 0;
	bytes_put(&m->strs, s, strlen(s) + 1);
	return at;
}

/* The types of @parent are referred to by their numbers, its own have the highest bit. */
static inline void ctfmake_child(struct ctfmake *m, const char *parent)
{
	m->child = true;
	m->parent_label = ctfmake_str(m, "label");
	m->parent_name = ctfmake_str(m, parent);
}

/** Begin a type whose name is given as a reference. @size is the type that is referred to where one is. */
static inline uint32_t ctfmake_begin(struct ctfmake *m, uint32_t name, enum ctfmake_kind kind, uint32_t vlen,
				     uint64_t size)
{
	unsigned w = ctfmake_width(m);
	uint64_t most = w == 2 ? 0xfffe : 0xfffffffe;
	bool sized = kind == CTFMAKE_INTEGER || kind == CTFMAKE_FLOAT || kind == CTFMAKE_STRUCT ||
		     kind == CTFMAKE_UNION || kind == CTFMAKE_ENUM || kind == CTFMAKE_SLICE;

	bytes_uint(&m->types, name, 4);
	if (w == 2)
		bytes_uint(&m->types, (uint64_t)kind << 11 | (m->not_root ? 0u : 1u) << 10 | vlen, 2);
	else
		bytes_uint(&m->types, (uint64_t)kind << 26 | (m->not_root ? 0u : 1u) << 25 | vlen, 4);
	if (sized && size > most) {
		bytes_uint(&m->types, most + 1, w);
		bytes_uint(&m->types, size >> 32, 4);
		bytes_uint(&m->types, size & UINT32_MAX, 4);
	} else {
		bytes_uint(&m->types, size, w);
	}
	m->size = size;
	m->id++;
	return m->child ? m->id | (w == 2 ? 0x8000u : 0x80000000u) : m->id;
}

static inline uint32_t ctfmake_type(struct ctfmake *m, const char *name, enum ctfmake_kind kind, uint32_t vlen,
				    uint64_t size)
{
	return ctfmake_begin(m, ctfmake_str(m, name), kind, vlen, size);
}

/** @encoding 1 signed, 2 char, 4 bool. */
static inline uint32_t ctfmake_int(struct ctfmake *m, const char *name, uint32_t size, unsigned encoding, unsigned bits)
{
	uint32_t id = ctfmake_type(m, name, CTFMAKE_INTEGER, 0, size);

	bytes_uint(&m->types, (uint64_t)encoding << 24 | bits, 4);
	return id;
}

/** @encoding 1 float, 2 double, 6 long double. */
static inline uint32_t ctfmake_float(struct ctfmake *m, const char *name, uint32_t size, unsigned encoding)
{
	uint32_t id = ctfmake_type(m, name, CTFMAKE_FLOAT, 0, size);

	bytes_uint(&m->types, (uint64_t)encoding << 24 | size * 8, 4);
	return id;
}

static inline uint32_t ctfmake_array(struct ctfmake *m, uint32_t elem, uint32_t index, uint32_t n)
{
	uint32_t id = ctfmake_type(m, "", CTFMAKE_ARRAY, 0, 0);

	bytes_uint(&m->types, elem, ctfmake_width(m));
	bytes_uint(&m->types, index, ctfmake_width(m));
	bytes_uint(&m->types, n, 4);
	return id;
}

static inline uint32_t ctfmake_function(struct ctfmake *m, uint32_t result, const uint32_t *args, uint32_t n)
{
	uint32_t id = ctfmake_type(m, "", CTFMAKE_FUNCTION, n, result);

	for (uint32_t i = 0; i < n; i++)
		bytes_uint(&m->types, args[i], ctfmake_width(m));
	if (n & 1 && m->version != CTFMAKE_3)
		bytes_uint(&m->types, 0, ctfmake_width(m));
	return id;
}

/** A member of the struct or union begun last. */
static inline void ctfmake_member(struct ctfmake *m, const char *name, uint32_t type, uint64_t bit_offset)
{
	unsigned w = ctfmake_width(m);
	bool large = m->size >= (w == 2 ? 8192u : 536870912u);

	bytes_uint(&m->types, ctfmake_str(m, name), 4);
	if (m->version == CTFMAKE_GNU) {
		bytes_uint(&m->types, large ? bit_offset >> 32 : bit_offset, 4);
		bytes_uint(&m->types, type, 4);
		if (large)
			bytes_uint(&m->types, bit_offset & UINT32_MAX, 4);
		return;
	}
	bytes_uint(&m->types, type, w);
	if (large && w == 2)
		bytes_uint(&m->types, 0, 2);
	if (large) {
		bytes_uint(&m->types, bit_offset >> 32, 4);
		bytes_uint(&m->types, bit_offset & UINT32_MAX, 4);
	} else {
		bytes_uint(&m->types, bit_offset, w);
	}
}

static inline void ctfmake_enumerator(struct ctfmake *m, const char *name, int32_t value)
{
	bytes_uint(&m->types, ctfmake_str(m, name), 4);
	bytes_uint(&m->types, (uint32_t)value, 4);
}

/** GNU: @bits bits of @type, from @offset on. */
static inline uint32_t ctfmake_slice(struct ctfmake *m, uint32_t type, unsigned offset, unsigned bits, uint32_t size)
{
	uint32_t id = ctfmake_type(m, "", CTFMAKE_SLICE, 0, size);

	bytes_uint(&m->types, type, 4);
	bytes_uint(&m->types, offset, 2);
	bytes_uint(&m->types, bits, 2);
	return id;
}

/** The type of the next data object of the symbol table; 0: none is known. */
static inline void ctfmake_object(struct ctfmake *m, uint32_t type)
{
	bytes_uint(&m->objects, type, ctfmake_width(m));
}

/** The next function of the symbol table, without arguments. */
static inline void ctfmake_func(struct ctfmake *m, uint32_t result)
{
	bytes_uint(&m->functions, (uint64_t)CTFMAKE_FUNCTION << (m->version == CTFMAKE_2 ? 11 : 26), ctfmake_width(m));
	bytes_uint(&m->functions, result, ctfmake_width(m));
}

/** GNU: an object by its name, or a variable. */
static inline void ctfmake_named(struct ctfmake *m, bool object, const char *name, uint32_t type)
{
	uint32_t ref = ctfmake_str(m, name);

	bytes_uint(object ? &m->object_names : &m->variables, ref, 4);
	bytes_uint(object ? &m->objects : &m->variables, type, 4);
}

static inline void ctfmake_compress(struct bytes *body)
{
	uLongf n = compressBound((uLong)body->n);
	uint8_t *p = malloc(n);

	if (!p || compress(p, &n, body->p, (uLong)body->n) != Z_OK)
		abort();
	free(body->p);
	*body = (struct bytes){ .p = p, .n = n };
}

/** The whole section, malloc()ed. */
static inline uint8_t *ctfmake_take(const struct ctfmake *m, size_t *n)
{
	const struct bytes *parts[] = {
		&m->objects, &m->functions, &m->object_names, &m->variables, &m->types, &m->strs,
	};
	struct bytes b = { 0 }, body = { 0 };
	uint64_t at[7] = { 0 };

	for (unsigned i = 0; i < 6; i++) {
		bytes_put(&body, parts[i]->p, parts[i]->n);
		at[i + 1] = body.n;
	}
	bytes_uint(&b, m->version == CTFMAKE_GNU ? 0xdff2 : 0xcff1, 2);
	bytes_uint(&b, m->version, 1);
	bytes_uint(&b, m->flags, 1);
	bytes_uint(&b, m->parent_label, 4);
	bytes_uint(&b, m->parent_name, 4);
	if (m->version == CTFMAKE_GNU)
		bytes_uint(&b, 0, 4); // the unit's name
	bytes_uint(&b, 0, 4);	      // labels
	bytes_uint(&b, at[0], 4);     // data objects
	bytes_uint(&b, at[1], 4);     // functions
	if (m->version == CTFMAKE_GNU) {
		bytes_uint(&b, at[2], 4); // names of objects
		bytes_uint(&b, at[3], 4); // names of functions
		bytes_uint(&b, at[3], 4); // variables
	}
	bytes_uint(&b, at[4], 4);
	bytes_uint(&b, at[5], 4);
	bytes_uint(&b, m->strs.n, 4);
	if (m->flags & 1)
		ctfmake_compress(&body);
	bytes_put(&b, body.p, body.n);
	free(body.p);
	*n = b.n;
	return b.p;
}

/** A GNU archive of one dictionary that all share and, @others times, one that they do not. */
static inline uint8_t *ctfmake_archive(const struct ctfmake *m, unsigned others, size_t *n)
{
	static const char names[] = ".ctf\0a.c";
	size_t dict_size, dict_room, nr = others + 1;
	uint8_t *dict = ctfmake_take(m, &dict_size);
	struct bytes b = { 0 };

	dict_room = (dict_size + 7) / 8 * 8;
	bytes_uint(&b, UINT64_C(0x8b47f2a4d7623eeb), 8);
	bytes_uint(&b, 2, 8); // LP64
	bytes_uint(&b, nr, 8);
	bytes_uint(&b, 40 + nr * 16 + nr * (8 + dict_room), 8);
	bytes_uint(&b, 40 + nr * 16, 8);
	for (size_t i = 0; i < nr; i++) {
		bytes_uint(&b, i == others ? 0 : 5, 8);
		bytes_uint(&b, i * (8 + dict_room), 8);
	}
	for (size_t i = 0; i < nr; i++) {
		bytes_uint(&b, dict_size, 8);
		bytes_put(&b, dict, dict_size);
		if (i != others) // nobody may look at those
			memset(b.p + b.n - dict_size, 0xee, dict_size);
		for (size_t k = dict_size; k < dict_room; k++)
			bytes_uint(&b, 0, 1);
	}
	bytes_put(&b, names, sizeof(names));
	free(dict);
	*n = b.n;
	return b.p;
}

static inline void ctfmake_fini(struct ctfmake *m)
{
	free(m->objects.p);
	free(m->functions.p);
	free(m->object_names.p);
	free(m->variables.p);
	free(m->types.p);
	free(m->strs.p);
}

#endif
