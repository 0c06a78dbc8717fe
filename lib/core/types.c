// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types: the wrappers around a source's table, and fields found by path.
 *
 * kco_types_field() is what everything that reads kernel structures calls, with
 * the same few paths for each task, so its answers (refusals too) are kept in
 * a hash table that lives with the source.
 *
 *   path   = step { "." name | "[" number "]" }     "se.avg", "[2].x", "a[3].b"
 *
 * A name is looked for among the members and, where a member is an anonymous
 * struct or union, inside it.
 */
#include <kco/type.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include <kco/arena.h>
#include <kco/endian.h>

#define TYPES_DEPTH 64	   /* typedefs and qualifiers */
#define TYPES_ANONYMOUS 16 /* anonymous members inside each other */
#define TYPES_VISITS 20000 /* members looked at for one path; task_struct has 300 */

struct kco_field_cache {
	struct kco_arena arena;
	struct types_memo {
		uint64_t hash;
		const char *name, *path; /* NULL: free */
		struct kco_field field;
		enum kco_status status;
		const char *msg; /* when status is not KCO_OK */
	} * slots;
	size_t n, cap;
};

void kco_types_free(struct kco_types *types)
{
	if (!types)
		return;
	if (types->fields) {
		kco_arena_fini(&types->fields->arena);
		free(types->fields->slots);
		free(types->fields);
		types->fields = NULL;
	}
	types->ops->free(types);
}

enum kco_status kco_types_find(struct kco_types *types, enum kco_type_kind kind, const char *name, struct kco_type *ret,
			       struct kco_err *err)
{
	*ret = (struct kco_type){ .types = types };
	return types->ops->find(types, kind, name, &ret->id, err);
}

enum kco_status kco_type_info(struct kco_type type, struct kco_type_info *info, struct kco_err *err)
{
	return type.types->ops->info(type.types, type.id, info, err);
}

enum kco_status kco_type_member(struct kco_type type, uint32_t index, struct kco_member *member, struct kco_err *err)
{
	return type.types->ops->member(type.types, type.id, index, member, err);
}

enum kco_status kco_type_enumerator(struct kco_type type, uint32_t index, const char **name, int64_t *value,
				    struct kco_err *err)
{
	return type.types->ops->enumerator(type.types, type.id, index, name, value, err);
}

/* kco_type_strip() that also gives what is known about the result. */
static enum kco_status types_strip(struct kco_type type, struct kco_type *ret, struct kco_type_info *info,
				   struct kco_err *err)
{
	for (unsigned depth = 0; depth < TYPES_DEPTH; depth++) {
		enum kco_status st = kco_type_info(type, info, err);

		if (st)
			return st;
		*ret = type;
		if (info->kind != KCO_TYPE_TYPEDEF && info->kind != KCO_TYPE_QUALIFIER)
			return KCO_OK;
		type = info->target;
	}
	return kco_fail(err, KCO_E_CORRUPT, "more than %d typedefs of typedefs", TYPES_DEPTH);
}

enum kco_status kco_type_strip(struct kco_type type, struct kco_type *ret, struct kco_err *err)
{
	struct kco_type_info info;

	return types_strip(type, ret, &info, err);
}

/* A struct, union, or typedef of one by its name, with a message in the words of whoever asks. */
static enum kco_status types_compound(struct kco_types *types, const char *name, struct kco_type *ret,
				      struct kco_type_info *info, struct kco_err *err)
{
	static const enum kco_type_kind kinds[] = { KCO_TYPE_STRUCT, KCO_TYPE_UNION, KCO_TYPE_TYPEDEF };
	struct kco_err first = KCO_ERR_INIT;
	enum kco_status st = KCO_E_NOTYPE;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && st == KCO_E_NOTYPE; i++)
		st = kco_types_find(types, kinds[i], name, ret, i ? NULL : &first);
	if (st == KCO_E_NOTYPE) {
		if (err)
			*err = first;
		return st;
	}
	if (!st)
		st = types_strip(*ret, ret, info, err);
	return st;
}

enum kco_status kco_types_sizeof(struct kco_types *types, const char *name, uint64_t *size, struct kco_err *err)
{
	struct kco_type_info info;
	struct kco_type type;
	enum kco_status st = types_compound(types, name, &type, &info, err);

	if (!st)
		*size = info.size;
	return st;
}

/* Where the walk along a path has come to. */
struct types_walk {
	struct kco_type type; /* stripped */
	struct kco_type_info info;
	uint64_t bit_offset;
	uint32_t bit_size;
	unsigned visits;
};

/* Find the member whose name is the @n bytes at @name in @type; *@offset is added to. KCO_E_NOTYPE: none. */
static enum kco_status types_member_find(struct types_walk *w, struct kco_type type, const struct kco_type_info *info,
					 const char *name, size_t n, unsigned depth, struct kco_member *ret,
					 struct kco_err *err)
{
	for (uint32_t i = 0; i < info->nr_members; i++) {
		struct kco_type_info inner_info;
		struct kco_type inner;
		struct kco_member m;
		enum kco_status st;

		if (++w->visits > TYPES_VISITS)
			return kco_fail(err, KCO_E_CORRUPT, "more than %d members", TYPES_VISITS);
		st = kco_type_member(type, i, &m, err);
		if (st)
			return st;
		if (m.name && m.name[0]) {
			if (strncmp(m.name, name, n) != 0 || m.name[n] != '\0')
				continue;
			*ret = m;
			return KCO_OK;
		}
		if (depth == 0 || types_strip(m.type, &inner, &inner_info, NULL) ||
		    (inner_info.kind != KCO_TYPE_STRUCT && inner_info.kind != KCO_TYPE_UNION))
			continue;
		st = types_member_find(w, inner, &inner_info, name, n, depth - 1, ret, err);
		if (!st)
			ret->bit_offset += m.bit_offset;
		if (st != KCO_E_NOTYPE)
			return st;
	}
	return KCO_E_NOTYPE;
}

static const char *types_word(enum kco_type_kind kind)
{
	return kind == KCO_TYPE_STRUCT ? "struct " : kind == KCO_TYPE_UNION ? "union " : "";
}

/* One ".name" of a path; *@pos moves behind it. @name is the outermost struct's, for messages. */
static enum kco_status types_step_member(struct types_walk *w, const char *name, const char *path, size_t *pos,
					 struct kco_err *err)
{
	size_t start = *pos, n = strcspn(path + start, ".[");
	struct kco_member m;
	enum kco_status st;

	if (n == 0)
		return kco_fail(err, KCO_E_USAGE, "\"%s\" is no path to a member", path);
	if (w->info.kind != KCO_TYPE_STRUCT && w->info.kind != KCO_TYPE_UNION)
		return kco_fail(err, KCO_E_NOTYPE, "%s: %.*s is no struct, so it has no %.*s", name,
				(int)(start ? start - 1 : 0), path, (int)n, path + start);
	st = types_member_find(w, w->type, &w->info, path + start, n, TYPES_ANONYMOUS, &m, err);
	if (st == KCO_E_NOTYPE && start == 0)
		return kco_fail(err, st, "%s%s has no member %.*s", types_word(w->info.kind), name, (int)n, path);
	if (st == KCO_E_NOTYPE && w->info.name && w->info.name[0])
		return kco_fail(err, st, "%s.%.*s (%s%s) has no member %.*s", name, (int)(start - 1), path,
				types_word(w->info.kind), w->info.name, (int)n, path + start);
	if (st == KCO_E_NOTYPE)
		return kco_fail(err, st, "%s.%.*s has no member %.*s", name, (int)(start - 1), path, (int)n,
				path + start);
	if (st)
		return st;
	*pos += n;
	w->bit_offset += m.bit_offset;
	w->bit_size = m.bit_size;
	return types_strip(m.type, &w->type, &w->info, err);
}

/* One "[number]" of a path. */
static enum kco_status types_step_index(struct types_walk *w, const char *name, const char *path, size_t *pos,
					struct kco_err *err)
{
	uint64_t bits, nr = w->info.nr_elements;
	unsigned long long index;
	char *end;
	enum kco_status st;

	if (!isdigit((unsigned char)path[*pos + 1]))
		return kco_fail(err, KCO_E_USAGE, "\"%s\" is no path to a member", path);
	index = strtoull(path + *pos + 1, &end, 0);
	if (*end != ']')
		return kco_fail(err, KCO_E_USAGE, "\"%s\" is no path to a member", path);
	if (w->info.kind != KCO_TYPE_ARRAY)
		return kco_fail(err, KCO_E_NOTYPE, "%s.%.*s is no array", name, (int)*pos, path);
	// An array without a size is as long as whoever allocated it made it.
	if (nr && index >= nr)
		return kco_fail(err, KCO_E_NOTYPE, "%s.%.*s has %" PRIu64 " elements", name, (int)*pos, path, nr);
	st = types_strip(w->info.target, &w->type, &w->info, err);
	if (st)
		return st;
	if (__builtin_mul_overflow(w->info.size, index, &bits) || __builtin_mul_overflow(bits, UINT64_C(8), &bits) ||
	    __builtin_add_overflow(w->bit_offset, bits, &w->bit_offset))
		return kco_fail(err, KCO_E_CORRUPT, "%s.%s lies beyond all memory", name, path);
	w->bit_size = 0;
	*pos = (size_t)(end - path) + 1;
	return KCO_OK;
}

/* How to load a bit-field: the smallest load that holds it, moved forward where it would reach over the end. */
static enum kco_status types_bits(const struct types_walk *w, uint64_t struct_size, struct kco_field *field,
				  struct kco_err *err)
{
	uint64_t offset = w->bit_offset / 8;
	unsigned shift = w->bit_offset % 8, size = 1;

	while (size < 8 && shift + w->bit_size > size * 8)
		size *= 2;
	if (w->bit_size > 64 || shift + w->bit_size > size * 8)
		return kco_fail(err, KCO_E_UNSUPPORTED, "a bit-field of %" PRIu32 " bits over more than 8 bytes",
				w->bit_size);
	if (struct_size >= size && offset + size > struct_size && offset < struct_size) {
		shift += (unsigned)(offset - (struct_size - size)) * 8;
		offset = struct_size - size;
		if (shift + w->bit_size > size * 8)
			return kco_fail(err, KCO_E_CORRUPT, "a bit-field reaches over the end of its struct");
	}
	field->offset = offset;
	field->size = size;
	field->bit_shift = (uint8_t)shift;
	field->bit_size = (uint8_t)w->bit_size;
	return KCO_OK;
}

static enum kco_status types_resolve(struct kco_types *types, const char *name, const char *path,
				     struct kco_field *field, struct kco_err *err)
{
	struct types_walk w = { 0 };
	uint64_t struct_size;
	size_t pos = 0;
	enum kco_status st = types_compound(types, name, &w.type, &w.info, err);

	if (st)
		return st;
	struct_size = w.info.size;
	while (!st && (pos == 0 || path[pos])) {
		if (path[pos] == '[') {
			st = types_step_index(&w, name, path, &pos, err);
			continue;
		}
		if (pos)
			pos++;
		st = types_step_member(&w, name, path, &pos, err);
	}
	if (st)
		return st;
	*field = (struct kco_field){ .type = w.type, .is_signed = w.info.is_signed };
	if (w.bit_size)
		st = types_bits(&w, struct_size, field, err);
	else if (w.bit_offset % 8 || w.info.size > UINT32_MAX)
		st = kco_fail(err, KCO_E_CORRUPT, "%" PRIu64 " bytes at bit %" PRIu64, w.info.size, w.bit_offset);
	else
		*field = (struct kco_field){ .offset = w.bit_offset / 8,
					     .size = (uint32_t)w.info.size,
					     .type = w.type,
					     .is_signed = w.info.is_signed };
	return st ? kco_context(err, st, "%s.%s", name, path) : KCO_OK;
}

static struct types_memo *types_memo_slot(const struct kco_field_cache *c, uint64_t hash, const char *name,
					  const char *path)
{
	size_t i = hash & (c->cap - 1);

	while (c->slots[i].name &&
	       (c->slots[i].hash != hash || strcmp(c->slots[i].name, name) != 0 || strcmp(c->slots[i].path, path) != 0))
		i = (i + 1) & (c->cap - 1);
	return &c->slots[i];
}

static bool types_memo_grow(struct kco_field_cache *c)
{
	size_t cap = c->cap ? c->cap * 2 : 128;
	struct types_memo *old = c->slots;
	size_t old_cap = c->cap;

	if (c->n < c->cap / 2)
		return true;
	c->slots = calloc(cap, sizeof(*c->slots));
	if (!c->slots) {
		c->slots = old;
		return false;
	}
	c->cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].name)
			*types_memo_slot(c, old[i].hash, old[i].name, old[i].path) = old[i];
	free(old);
	return true;
}

/* Keep an answer. When memory is out it is not kept, which is no error. */
static void types_memo_put(struct kco_types *types, const struct types_memo *answer)
{
	struct kco_field_cache *c = types->fields;
	struct types_memo m = *answer;

	m.name = kco_arena_strndup(&c->arena, m.name, strlen(m.name));
	m.path = kco_arena_strndup(&c->arena, m.path, strlen(m.path));
	if (m.status)
		m.msg = kco_arena_strndup(&c->arena, m.msg, strlen(m.msg));
	if (!m.name || !m.path || (m.status && !m.msg) || !types_memo_grow(c))
		return;
	*types_memo_slot(c, m.hash, m.name, m.path) = m;
	c->n++;
}

enum kco_status kco_types_field(struct kco_types *types, const char *name, const char *path, struct kco_field *field,
				struct kco_err *err)
{
	struct types_memo answer = { .name = name, .path = path };
	struct kco_err e = KCO_ERR_INIT;

	if (!types->fields) {
		types->fields = calloc(1, sizeof(*types->fields));
		if (!types->fields)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		kco_arena_init(&types->fields->arena);
	}
	answer.hash = XXH3_64bits_withSeed(path, strlen(path), XXH3_64bits(name, strlen(name)));
	if (types->fields->cap) {
		const struct types_memo *m = types_memo_slot(types->fields, answer.hash, name, path);

		if (m->name && m->status)
			return kco_fail(err, m->status, "%s", m->msg);
		if (m->name) {
			*field = m->field;
			return KCO_OK;
		}
	}
	answer.status = types_resolve(types, name, path, &answer.field, &e);
	answer.msg = e.msg;
	// Out of memory now is no answer for ever.
	if (answer.status != KCO_E_NOMEM)
		types_memo_put(types, &answer);
	if (!answer.status)
		*field = answer.field;
	else if (err)
		*err = e;
	return answer.status;
}

enum kco_status kco_types_enumerator(struct kco_types *types, const char *name, int64_t *value, struct kco_err *err)
{
	return types->ops->find_enumerator(types, name, value, err);
}

enum kco_status kco_types_variable(struct kco_types *types, const char *name, struct kco_type *ret, struct kco_err *err)
{
	*ret = (struct kco_type){ .types = types };
	return types->ops->find_variable(types, name, &ret->id, err);
}

enum kco_status kco_types_each(struct kco_types *types, const char *prefix,
			       bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id), void *arg,
			       struct kco_err *err)
{
	return types->ops->each(types, prefix, fn, arg, err);
}

bool kco_field_get(const struct kco_field *field, const void *obj, size_t n, uint64_t *ret)
{
	unsigned bits = field->bit_size ? field->bit_size : field->size * 8;
	uint64_t v;

	if (field->offset > n || field->size > n - field->offset)
		return false;
	if (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8)
		return false;
	v = kco_le_uint((const uint8_t *)obj + field->offset, field->size) >> field->bit_shift;
	if (bits < 64) {
		v &= (UINT64_C(1) << bits) - 1;
		if (field->is_signed && v >> (bits - 1))
			v |= ~UINT64_C(0) << bits;
	}
	*ret = v;
	return true;
}
