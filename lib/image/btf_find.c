// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding types in BTF by name.
 *
 * The first find makes, in one pass, a hash table of the names of complete
 * types and variables (functions, half of all types, have no place in it) and
 * a list of the enums. Enumerators are searched enum by enum: the dozen that a
 * session asks for does not pay for a table of thirty thousand.
 */
#include "btf_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include <kco/endian.h>

#define FIND_PROBES 256 /* crafted names may meet in one slot: bounded */

/* The kind that a find asks for when it means this type; VOID: not to be found by name. */
static enum kco_type_kind find_kind(const struct btf_type *t)
{
	switch (t->kind) {
	case BTF_INT:
		return KCO_TYPE_INT;
	case BTF_FLOAT:
		return KCO_TYPE_FLOAT;
	case BTF_STRUCT:
		return KCO_TYPE_STRUCT;
	case BTF_UNION:
		return KCO_TYPE_UNION;
	case BTF_ENUM:
	case BTF_ENUM64:
		return KCO_TYPE_ENUM;
	case BTF_TYPEDEF:
		return KCO_TYPE_TYPEDEF;
	}
	return KCO_TYPE_VOID;
}

static uint32_t find_hash(const char *name)
{
	return (uint32_t)XXH3_64bits(name, strlen(name));
}

static enum kco_status find_build(struct btf *b, struct kco_err *err)
{
	uint32_t cap = 64, nr_enums = 0;
	struct btf_type t;
	bool more;

	if (b->slots)
		return KCO_OK;
	while (cap < b->nr_named * UINT64_C(2))
		cap *= 2;
	b->slots = calloc(cap, sizeof(*b->slots));
	b->enums = malloc(((size_t)b->nr_enums + 1) * sizeof(*b->enums));
	if (!b->slots || !b->enums) {
		btf_find_fini(b);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	b->mask = cap - 1;
	more = btf_first(b, &t);
	for (uint32_t i = 0; more && i < b->nr; i++, more = btf_next(b, &t)) {
		const char *name;
		uint32_t slot;

		if (t.kind == BTF_ENUM || t.kind == BTF_ENUM64)
			b->enums[nr_enums++] = (uint32_t)(t.more - 12 - b->types);
		if (find_kind(&t) == KCO_TYPE_VOID && t.kind != BTF_VAR)
			continue;
		name = btf_name(b, t.name_off);
		if (!name[0])
			continue;
		slot = find_hash(name) & b->mask;
		for (unsigned probe = 0; b->slots[slot] && probe < FIND_PROBES; probe++)
			slot = (slot + 1) & b->mask;
		if (!b->slots[slot])
			b->slots[slot] = i + 1;
	}
	return KCO_OK;
}

/* The first type of @b itself with this name; @var: a variable, else a type of @kind (VOID: any). */
static bool find_own(const struct btf *b, enum kco_type_kind kind, bool var, const char *name, uint64_t *id,
		     struct btf_type *t)
{
	uint32_t slot = find_hash(name) & b->mask;

	for (unsigned probe = 0; b->slots[slot] && probe <= FIND_PROBES; probe++, slot = (slot + 1) & b->mask) {
		enum kco_type_kind found;

		*id = (uint64_t)b->first_id + b->slots[slot] - 1;
		if (btf_get(b, *id, NULL, t, NULL) || strcmp(btf_name(b, t->name_off), name) != 0)
			continue;
		found = find_kind(t);
		if (var ? t->kind == BTF_VAR : found != KCO_TYPE_VOID && (kind == KCO_TYPE_VOID || kind == found))
			return true;
	}
	return false;
}

static const char *find_word(enum kco_type_kind kind)
{
	switch (kind) {
	case KCO_TYPE_STRUCT:
		return "struct ";
	case KCO_TYPE_UNION:
		return "union ";
	case KCO_TYPE_ENUM:
		return "enum ";
	default:
		return "";
	}
}

static enum kco_status find_none(const struct btf *b, const char *what, const char *name, struct kco_err *err)
{
	if (b->why[0])
		return kco_fail(err, KCO_E_NOTYPE, "no %s%s in what could be read of the BTF: %s", what, name, b->why);
	return kco_fail(err, KCO_E_NOTYPE, "no %s%s in the BTF", what, name);
}

static enum kco_status find_in_chain(struct kco_types *types, enum kco_type_kind kind, bool var, const char *name,
				     uint64_t *id, struct btf_type *t, struct kco_err *err)
{
	for (struct btf *b = (struct btf *)types; b; b = (struct btf *)b->parent) {
		enum kco_status st = find_build(b, err);

		if (st)
			return st;
		if (find_own(b, kind, var, name, id, t))
			return KCO_OK;
	}
	return find_none((struct btf *)types, var ? "variable " : find_word(kind), name, err);
}

enum kco_status btf_find(struct kco_types *types, enum kco_type_kind kind, const char *name, uint64_t *id,
			 struct kco_err *err)
{
	struct btf_type t;

	return find_in_chain(types, kind, false, name, id, &t, err);
}

enum kco_status btf_find_variable(struct kco_types *types, const char *name, uint64_t *id, struct kco_err *err)
{
	struct btf_type t;
	enum kco_status st = find_in_chain(types, KCO_TYPE_VOID, true, name, id, &t, err);

	if (!st)
		*id = t.size_or_type;
	return st;
}

/* Whoever asks looks at all enums for most names: nothing but names is decoded on the way. */
static bool find_in_enum(const struct btf *b, const struct btf_type *t, const char *name, int64_t *value)
{
	size_t step = t->kind == BTF_ENUM64 ? 12 : 8;

	for (uint32_t k = 0; k < t->vlen; k++) {
		const char *found = btf_name(b, kco_le32(t->more + k * step));

		if (found[0] != name[0] || strcmp(found, name) != 0)
			continue;
		btf_enumerator_at(b, t, k, &found, value);
		return true;
	}
	return false;
}

enum kco_status btf_find_enumerator(struct kco_types *types, const char *name, int64_t *value, struct kco_err *err)
{
	for (struct btf *b = (struct btf *)types; b; b = (struct btf *)b->parent) {
		enum kco_status st = find_build(b, err);

		if (st)
			return st;
		for (uint32_t i = 0; i < b->nr_enums; i++) {
			struct btf_type t = { .next = b->enums[i] };

			if (!btf_next(b, &t))
				continue;
			if (find_in_enum(b, &t, name, value))
				return KCO_OK;
		}
	}
	return find_none((struct btf *)types, "enumerator ", name, err);
}

enum kco_status btf_each(struct kco_types *types, const char *prefix,
			 bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id), void *arg,
			 struct kco_err *err)
{
	size_t n = strlen(prefix);

	(void)err;
	for (const struct btf *b = (struct btf *)types; b; b = b->parent) {
		struct btf_type t;
		bool more = btf_first(b, &t);

		for (uint32_t i = 0; more && i < b->nr; i++, more = btf_next(b, &t)) {
			enum kco_type_kind kind = find_kind(&t);
			const char *name = btf_name(b, t.name_off);

			if (kind == KCO_TYPE_VOID || !name[0] || strncmp(name, prefix, n) != 0)
				continue;
			if (kind == KCO_TYPE_INT || kind == KCO_TYPE_FLOAT)
				continue;
			if (!fn(arg, kind, name, (uint64_t)b->first_id + i))
				return KCO_OK;
		}
	}
	return KCO_OK;
}

void btf_find_fini(struct btf *b)
{
	free(b->slots);
	free(b->enums);
	b->slots = NULL;
	b->enums = NULL;
}
