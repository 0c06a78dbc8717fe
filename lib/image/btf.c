// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF as a type source: parsing and the answers of the types table.
 *
 * Layout (Linux Documentation/bpf/btf.rst, include/uapi/linux/btf.h):
 *
 *   header   u16 magic 0xeb9f, u8 version 1, u8 flags, u32 hdr_len,
 *            u32 type_off, type_len, str_off, str_len (from the header's end)
 *   types    one after the other, numbered from 1 (a split BTF goes on where
 *            its base ends): u32 name_off; u32 info = vlen:16, kind at bit 24
 *            (5 bits), kind_flag bit 31; u32 size or type; then what the kind needs
 *   strings  NUL-terminated, the first one empty
 *
 * The bytes stay as they are. One pass checks that each type lies within them
 * and notes where every eighth begins; a damaged or unknown type ends it, and
 * what came before stays usable. Finding by name is in btf_find.c.
 */
#include "btf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "btf_priv.h"

#define BTF_MAGIC 0xeb9f
#define BTF_HEADER 24
#define BTF_SIZE_MAX (256u << 20)
#define BTF_DEPTH 64 /* typedefs, qualifiers, arrays of arrays */

static const struct {
	uint8_t fixed;	/* bytes behind the common 12 */
	uint8_t each;	/* bytes for each of vlen */
	uint8_t mapped; /* enum kco_type_kind; QUALIFIER for what only points on */
} btf_kinds[BTF_KIND_NR] = {
	[BTF_INT] = { 4, 0, KCO_TYPE_INT },
	[BTF_PTR] = { 0, 0, KCO_TYPE_POINTER },
	[BTF_ARRAY] = { 12, 0, KCO_TYPE_ARRAY },
	[BTF_STRUCT] = { 0, 12, KCO_TYPE_STRUCT },
	[BTF_UNION] = { 0, 12, KCO_TYPE_UNION },
	[BTF_ENUM] = { 0, 8, KCO_TYPE_ENUM },
	[BTF_FWD] = { 0, 0, KCO_TYPE_FORWARD },
	[BTF_TYPEDEF] = { 0, 0, KCO_TYPE_TYPEDEF },
	[BTF_VOLATILE] = { 0, 0, KCO_TYPE_QUALIFIER },
	[BTF_CONST] = { 0, 0, KCO_TYPE_QUALIFIER },
	[BTF_RESTRICT] = { 0, 0, KCO_TYPE_QUALIFIER },
	[BTF_FUNC] = { 0, 0, KCO_TYPE_FUNCTION },
	[BTF_FUNC_PROTO] = { 0, 8, KCO_TYPE_FUNCTION },
	[BTF_VAR] = { 4, 0, KCO_TYPE_QUALIFIER },
	[BTF_DATASEC] = { 0, 12, KCO_TYPE_FORWARD },
	[BTF_FLOAT] = { 0, 0, KCO_TYPE_FLOAT },
	[BTF_DECL_TAG] = { 4, 0, KCO_TYPE_QUALIFIER },
	[BTF_TYPE_TAG] = { 0, 0, KCO_TYPE_QUALIFIER },
	[BTF_ENUM64] = { 0, 12, KCO_TYPE_ENUM },
};

/* Decode the type at @off. False when it is of no known kind or does not fit. */
static bool btf_decode(const struct btf *b, uint32_t off, struct btf_type *t)
{
	const uint8_t *p = b->types + off;
	uint32_t info, size;

	if (off > b->type_len || b->type_len - off < 12)
		return false;
	info = kco_le32(p + 4);
	*t = (struct btf_type){
		.name_off = kco_le32(p),
		.kind = info >> 24 & 0x1f,
		.flag = info >> 31,
		.vlen = info & 0xffff,
		.size_or_type = kco_le32(p + 8),
		.more = p + 12,
	};
	if (t->kind == 0 || t->kind >= BTF_KIND_NR)
		return false;
	size = 12 + btf_kinds[t->kind].fixed + btf_kinds[t->kind].each * t->vlen;
	if (size > b->type_len - off)
		return false;
	t->next = off + size;
	return true;
}

bool btf_first(const struct btf *b, struct btf_type *t)
{
	return b->nr > 0 && btf_decode(b, 0, t);
}

bool btf_next(const struct btf *b, struct btf_type *t)
{
	return btf_decode(b, t->next, t);
}

/* The BTF, this one or its base, in which @id is numbered. */
static const struct btf *btf_owner(const struct btf *b, uint64_t id)
{
	while (b->parent && id < b->first_id)
		b = b->parent;
	return b;
}

enum kco_status btf_get(const struct btf *b, uint64_t id, const struct btf **owner, struct btf_type *t,
			struct kco_err *err)
{
	uint64_t local;

	b = btf_owner(b, id);
	if (id < b->first_id || id - b->first_id >= b->nr) {
		if (b->why[0])
			return kco_fail(err, KCO_E_CORRUPT, "BTF: there is no type %" PRIu64 ": %s", id, b->why);
		return kco_fail(err, KCO_E_CORRUPT, "BTF: there is no type %" PRIu64, id);
	}
	local = id - b->first_id;
	if (!btf_decode(b, b->index[local / BTF_STRIDE], t))
		return kco_fail(err, KCO_E_BUG, "BTF: type %" PRIu64 " has changed", id);
	for (local %= BTF_STRIDE; local; local--)
		if (!btf_next(b, t))
			return kco_fail(err, KCO_E_BUG, "BTF: type %" PRIu64 " has changed", id);
	if (owner)
		*owner = b;
	return KCO_OK;
}

const char *btf_name(const struct btf *b, uint32_t off)
{
	while (b->parent && off < b->str_base)
		b = b->parent;
	off -= b->str_base;
	return off < b->str_len ? b->strs + off : "";
}

/* The size of type @id, looking through what has none of its own. */
static enum kco_status btf_size(const struct btf *b, uint64_t id, uint64_t *ret, struct kco_err *err)
{
	uint64_t factor = 1, size;

	for (unsigned depth = 0; depth < BTF_DEPTH; depth++) {
		struct btf_type t;
		enum kco_status st;

		*ret = 0;
		if (id == 0)
			return KCO_OK;
		st = btf_get(b, id, NULL, &t, err);
		if (st)
			return st;
		switch (t.kind) {
		case BTF_PTR:
			size = b->ptr_size;
			break;
		case BTF_ARRAY:
			if (__builtin_mul_overflow(factor, kco_le32(t.more + 8), &factor))
				return kco_fail(err, KCO_E_CORRUPT, "BTF: an array is larger than memory");
			id = kco_le32(t.more);
			continue;
		case BTF_TYPEDEF:
		case BTF_VOLATILE:
		case BTF_CONST:
		case BTF_RESTRICT:
		case BTF_TYPE_TAG:
		case BTF_VAR:
			id = t.size_or_type;
			continue;
		case BTF_FUNC:
		case BTF_FUNC_PROTO:
		case BTF_FWD:
		case BTF_DECL_TAG:
			return KCO_OK;
		default:
			size = t.size_or_type;
		}
		if (__builtin_mul_overflow(factor, size, ret))
			return kco_fail(err, KCO_E_CORRUPT, "BTF: an array is larger than memory");
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_CORRUPT, "BTF: types nested deeper than %d, or in a circle", BTF_DEPTH);
}

static bool btf_enum_signed(const struct btf *owner, const struct btf_type *t)
{
	// Encoders set the flag since libbpf v0.8 (pahole 1.24); before that all enums look unsigned.
	return t->flag || !(owner->enum_signs || (owner->parent && owner->parent->enum_signs));
}

static enum kco_status btf_info(const struct kco_types *types, uint64_t id, struct kco_type_info *info,
				struct kco_err *err)
{
	const struct btf *b = (const struct btf *)types, *owner;
	struct btf_type t;
	enum kco_status st;

	*info = (struct kco_type_info){ .name = "", .target = { .types = types } };
	if (id == 0)
		return KCO_OK;
	st = btf_get(b, id, &owner, &t, err);
	if (!st)
		st = btf_size(b, id, &info->size, err);
	if (st)
		return st;
	info->kind = btf_kinds[t.kind].mapped;
	info->name = btf_name(owner, t.name_off);
	switch (t.kind) {
	case BTF_INT:
		info->is_signed = kco_le32(t.more) >> 24 & 1;
		break;
	case BTF_ENUM:
	case BTF_ENUM64:
		info->is_signed = btf_enum_signed(owner, &t);
		info->nr_members = t.vlen;
		break;
	case BTF_STRUCT:
	case BTF_UNION:
		info->nr_members = t.vlen;
		break;
	case BTF_ARRAY:
		info->target.id = kco_le32(t.more);
		info->nr_elements = kco_le32(t.more + 8);
		break;
	case BTF_FUNC:
		// Its type is the prototype, whose type is the result.
		st = btf_get(b, t.size_or_type, NULL, &t, err);
		info->target.id = t.kind == BTF_FUNC_PROTO ? t.size_or_type : 0;
		break;
	case BTF_FWD:
	case BTF_DATASEC:
	case BTF_FLOAT:
		break;
	default:
		info->target.id = t.size_or_type;
	}
	return st;
}

/*
 * Before kind_flag, a bit-field's width was in a base type made for it: an
 * INT of fewer bits than its bytes, with an offset of its own.
 */
static void btf_legacy_bits(const struct btf *b, struct kco_member *member)
{
	uint64_t id = member->type.id;
	struct btf_type t;

	for (unsigned depth = 0; depth < BTF_DEPTH && id && !btf_get(b, id, NULL, &t, NULL); depth++) {
		if (t.kind == BTF_INT) {
			uint32_t data = kco_le32(t.more), bits = data & 0xff;

			if (bits && bits != (uint64_t)t.size_or_type * 8) {
				member->bit_size = bits;
				member->bit_offset += data >> 16 & 0xff;
			}
			return;
		}
		if (t.kind != BTF_TYPEDEF && t.kind != BTF_CONST && t.kind != BTF_VOLATILE && t.kind != BTF_RESTRICT &&
		    t.kind != BTF_TYPE_TAG)
			return;
		id = t.size_or_type;
	}
}

static enum kco_status btf_member(const struct kco_types *types, uint64_t id, uint32_t index, struct kco_member *member,
				  struct kco_err *err)
{
	const struct btf *b = (const struct btf *)types, *owner;
	const uint8_t *p;
	struct btf_type t;
	uint32_t offset;
	enum kco_status st = btf_get(b, id, &owner, &t, err);

	if (st)
		return st;
	if ((t.kind != BTF_STRUCT && t.kind != BTF_UNION) || index >= t.vlen)
		return kco_fail(err, KCO_E_NOTYPE, "BTF: type %" PRIu64 " has no member %" PRIu32, id, index);
	p = t.more + (size_t)index * 12;
	offset = kco_le32(p + 8);
	*member = (struct kco_member){
		.name = btf_name(owner, kco_le32(p)),
		.type = { types, kco_le32(p + 4) },
		.bit_offset = t.flag ? offset & 0xffffff : offset,
		.bit_size = t.flag ? offset >> 24 : 0,
	};
	if (!t.flag)
		btf_legacy_bits(b, member);
	return KCO_OK;
}

void btf_enumerator_at(const struct btf *owner, const struct btf_type *t, uint32_t index, const char **name,
		       int64_t *value)
{
	const uint8_t *p = t->more + (size_t)index * (t->kind == BTF_ENUM64 ? 12 : 8);

	*name = btf_name(owner, kco_le32(p));
	if (t->kind == BTF_ENUM64)
		*value = (int64_t)((uint64_t)kco_le32(p + 8) << 32 | kco_le32(p + 4));
	else if (btf_enum_signed(owner, t))
		*value = (int32_t)kco_le32(p + 4);
	else
		*value = kco_le32(p + 4);
}

static enum kco_status btf_enumerator(const struct kco_types *types, uint64_t id, uint32_t index, const char **name,
				      int64_t *value, struct kco_err *err)
{
	const struct btf *b = (const struct btf *)types, *owner;
	struct btf_type t;
	enum kco_status st = btf_get(b, id, &owner, &t, err);

	if (st)
		return st;
	if ((t.kind != BTF_ENUM && t.kind != BTF_ENUM64) || index >= t.vlen)
		return kco_fail(err, KCO_E_NOTYPE, "BTF: type %" PRIu64 " has no enumerator %" PRIu32, id, index);
	btf_enumerator_at(owner, &t, index, name, value);
	return KCO_OK;
}

static void btf_free(struct kco_types *types)
{
	struct btf *b = (struct btf *)types;

	btf_find_fini(b);
	free(b->index);
	free(b->data);
	free(b);
}

static const struct kco_types_ops btf_ops = {
	.name = "btf",
	.find = btf_find,
	.info = btf_info,
	.member = btf_member,
	.enumerator = btf_enumerator,
	.find_enumerator = btf_find_enumerator,
	.find_variable = btf_find_variable,
	.each = btf_each,
	.free = btf_free,
};

static enum kco_status btf_header(struct btf *b, size_t size, struct kco_err *err)
{
	uint32_t hdr_len, type_off, str_off;
	size_t room;

	if (size < BTF_HEADER || size > BTF_SIZE_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "BTF: %zu bytes", size);
	if (kco_le16(b->data) != BTF_MAGIC) {
		if (b->data[0] == BTF_MAGIC >> 8 && b->data[1] == (BTF_MAGIC & 0xff))
			return kco_fail(err, KCO_E_UNSUPPORTED, "BTF: big-endian types are not supported");
		return kco_fail(err, KCO_E_CORRUPT, "BTF: begins with %#x instead of its magic", kco_le16(b->data));
	}
	if (b->data[2] != 1)
		return kco_fail(err, KCO_E_UNSUPPORTED, "BTF: version %u", b->data[2]);
	hdr_len = kco_le32(b->data + 4);
	type_off = kco_le32(b->data + 8);
	b->type_len = kco_le32(b->data + 12);
	str_off = kco_le32(b->data + 16);
	b->str_len = kco_le32(b->data + 20);
	if (hdr_len < BTF_HEADER || hdr_len > size)
		return kco_fail(err, KCO_E_CORRUPT, "BTF: a header of %" PRIu32 " bytes in %zu", hdr_len, size);
	room = size - hdr_len;
	if (type_off > room || b->type_len > room - type_off || str_off > room || b->str_len > room - str_off)
		return kco_fail(err, KCO_E_CORRUPT,
				"BTF: types %" PRIu32 "+%" PRIu32 " or strings %" PRIu32 "+%" PRIu32
				" reach over its end at %zu",
				type_off, b->type_len, str_off, b->str_len, room);
	b->types = b->data + hdr_len + type_off;
	b->strs = (char *)b->data + hdr_len + str_off;
	if (b->str_len && b->strs[b->str_len - 1] != '\0')
		return kco_fail(err, KCO_E_CORRUPT, "BTF: the last string does not end");
	return KCO_OK;
}

/* Walk all types once: count them, note where each eighth begins, and what else is worth knowing. */
static enum kco_status btf_scan(struct btf *b, struct kco_err *err)
{
	uint32_t cap = b->type_len / 12 / BTF_STRIDE + 1, off = 0;
	uint32_t *index = malloc((size_t)cap * sizeof(*index));
	struct btf_type t;

	if (!index)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	b->index = index;
	while (off < b->type_len && btf_decode(b, off, &t)) {
		if (b->nr % BTF_STRIDE == 0)
			index[b->nr / BTF_STRIDE] = off;
		b->nr++;
		off = t.next;
		switch (t.kind) {
		case BTF_ENUM:
		case BTF_ENUM64:
			b->nr_enums++;
			b->enum_signs |= t.flag;
			b->nr_named++;
			break;
		case BTF_INT:
		case BTF_STRUCT:
		case BTF_UNION:
		case BTF_TYPEDEF:
		case BTF_VAR:
		case BTF_FLOAT:
			b->nr_named++;
		}
	}
	if (off < b->type_len && b->type_len - off < 12)
		snprintf(b->why, sizeof(b->why), "type %" PRIu32 " is cut off", b->first_id + b->nr);
	else if (off < b->type_len)
		snprintf(b->why, sizeof(b->why), "type %" PRIu32 " is of kind %u or too long", b->first_id + b->nr,
			 b->types[off + 7] & 0x1fu);
	index = realloc(b->index, ((size_t)b->nr / BTF_STRIDE + 1) * sizeof(*index));
	if (index)
		b->index = index;
	return KCO_OK;
}

enum kco_status kco_btf_new_take(void *data, size_t size, struct kco_types *base, unsigned ptr_size,
				 struct kco_types **ret, struct kco_err *err)
{
	struct btf *b = calloc(1, sizeof(*b));
	enum kco_status st;

	if (!b) {
		free(data);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	b->base.ops = &btf_ops;
	b->data = data;
	b->ptr_size = ptr_size;
	b->first_id = 1;
	if (base && base->ops != &btf_ops) {
		btf_free(&b->base);
		return kco_fail(err, KCO_E_USAGE, "BTF: the base of split BTF is no BTF");
	}
	if (base) {
		b->parent = (struct btf *)base;
		b->first_id = b->parent->first_id + b->parent->nr;
		b->str_base = b->parent->str_base + b->parent->str_len;
	}
	st = btf_header(b, size, err);
	if (!st && base && b->parent->why[0])
		st = kco_fail(err, KCO_E_CORRUPT, "BTF: its base is incomplete: %s", b->parent->why);
	if (!st)
		st = btf_scan(b, err);
	if (!st && b->nr == 0 && b->why[0])
		st = kco_fail(err, KCO_E_CORRUPT, "BTF: %s", b->why);
	if (st) {
		btf_free(&b->base);
		return st;
	}
	*ret = &b->base;
	return KCO_OK;
}

const char *kco_btf_torn(const struct kco_types *types)
{
	const struct btf *b = (const struct btf *)types;

	return b->why[0] ? b->why : NULL;
}
