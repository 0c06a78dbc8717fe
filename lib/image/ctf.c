// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CTF as a type source: records of types and the answers of the types table.
 *
 * Records, one after the other, numbered from 1 (FreeBSD sys/sys/ctf.h and
 * ctf(5), illumos sys/ctf.h, binutils include/ctf.h). W is 2 bytes in version
 * 2, 4 in version 3 and GNU's:
 *
 *   u32 name (bit 31: in the ELF file's own strings)
 *   W   info: kind, root (to be found by its name), vlen
 *   W   size or type; as large as it can be: u32 high, u32 low of a size follow
 *
 *   INTEGER, FLOAT   u32 encoding:8, offset:8, bits:16
 *   ARRAY            W type, W type of its index, u32 elements
 *   FUNCTION         W for each argument (padded); type: the result's
 *   STRUCT, UNION    for each member: u32 name, W type, W offset in bits;
 *                    GNU: name, offset, type. From a size on offsets of 64 bits.
 *   ENUM             for each: u32 name, s32 value
 *   SLICE            (GNU) u32 type, u16 offset, u16 bits
 *   others           nothing
 *
 * Bit-fields: an INTEGER of fewer bits than its bytes, made for the member
 * (ctfconvert), or a slice. What CTF does not say: the width of a bit-field of
 * an enum before slices (inferred, see ctf_enum_bits()), and whether an enum
 * is signed.
 *
 * The bytes stay as they are. One pass checks that each type lies within them
 * and notes where every eighth begins; a damaged or unknown type ends it, and
 * what came before stays usable.
 */
#include "ctf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "ctf_priv.h"

#define CTF_DEPTH 64 /* typedefs, qualifiers, arrays of arrays */

static const struct {
	bool sized;	/* size_or_type is a size */
	uint8_t mapped; /* enum kco_type_kind; QUALIFIER for what only points on */
} ctf_kinds[CTF_KIND_NR] = {
	[CTF_UNKNOWN] = { true, KCO_TYPE_VOID },     [CTF_INTEGER] = { true, KCO_TYPE_INT },
	[CTF_FLOAT] = { true, KCO_TYPE_FLOAT },	     [CTF_POINTER] = { false, KCO_TYPE_POINTER },
	[CTF_ARRAY] = { true, KCO_TYPE_ARRAY },	     [CTF_FUNCTION] = { false, KCO_TYPE_FUNCTION },
	[CTF_STRUCT] = { true, KCO_TYPE_STRUCT },    [CTF_UNION] = { true, KCO_TYPE_UNION },
	[CTF_ENUM] = { true, KCO_TYPE_ENUM },	     [CTF_FORWARD] = { false, KCO_TYPE_FORWARD },
	[CTF_TYPEDEF] = { false, KCO_TYPE_TYPEDEF }, [CTF_VOLATILE] = { false, KCO_TYPE_QUALIFIER },
	[CTF_CONST] = { false, KCO_TYPE_QUALIFIER }, [CTF_RESTRICT] = { false, KCO_TYPE_QUALIFIER },
	[CTF_SLICE] = { true, KCO_TYPE_QUALIFIER },
};

uint32_t ctf_id_at(const struct ctf *c, const uint8_t *p)
{
	return c->form->id == 2 ? kco_le16(p) : kco_le32(p);
}

/* Bytes behind the common part. */
static uint64_t ctf_more_size(const struct ctf *c, const struct ctf_type *t)
{
	const struct ctf_form *f = c->form;
	uint64_t n = t->vlen;

	switch (t->kind) {
	case CTF_INTEGER:
	case CTF_FLOAT:
		return 4;
	case CTF_ARRAY:
		return 2u * f->id + 4;
	case CTF_FUNCTION:
		return (n * f->id + f->args_align - 1) / f->args_align * f->args_align;
	case CTF_STRUCT:
	case CTF_UNION:
		return n * (t->size < f->lstruct ? f->member.size : f->lmember.size);
	case CTF_ENUM:
	case CTF_SLICE:
		return t->kind == CTF_ENUM ? n * 8 : 8;
	}
	return 0;
}

/* Decode the type at @off. False when it is of no known kind or does not fit. */
static bool ctf_decode(const struct ctf *c, uint32_t off, struct ctf_type *t)
{
	const struct ctf_form *f = c->form;
	uint32_t common = 4 + 2u * f->id, info;
	const uint8_t *p = c->types;
	uint64_t more;

	if (off > c->type_len || c->type_len - off < common)
		return false;
	p += off;
	info = ctf_id_at(c, p + 4);
	*t = (struct ctf_type){
		.name = kco_le32(p),
		.kind = (uint8_t)(info >> f->kind_shift),
		.root = info >> (f->kind_shift - 1) & 1,
		.vlen = info & f->vlen_mask,
		.type = ctf_id_at(c, p + 4 + f->id),
		.more = p + common,
	};
	if (t->kind >= CTF_KIND_NR || (t->kind == CTF_SLICE && !f->gnu))
		return false;
	off += common;
	t->size = t->type;
	if (ctf_kinds[t->kind].sized && t->type == f->big) {
		if (c->type_len - off < 8)
			return false;
		t->size = (uint64_t)kco_le32(t->more) << 32 | kco_le32(t->more + 4);
		t->more += 8;
		off += 8;
	}
	more = ctf_more_size(c, t);
	if (more > c->type_len - off)
		return false;
	t->next = off + (uint32_t)more;
	return true;
}

bool ctf_first(const struct ctf *c, struct ctf_type *t)
{
	return c->nr > 0 && ctf_decode(c, 0, t);
}

bool ctf_next(const struct ctf *c, struct ctf_type *t)
{
	return ctf_decode(c, t->next, t);
}

enum kco_status ctf_get(const struct ctf *c, uint64_t id, const struct ctf **owner, struct ctf_type *t,
			struct kco_err *err)
{
	uint64_t local;

	if (c->parent && !(id & c->form->child))
		c = c->parent;
	local = c->child ? id & ~(uint64_t)c->form->child : id;
	if (!local || local > c->nr) {
		if (c->why[0])
			return kco_fail(err, KCO_E_CORRUPT, "CTF: there is no type %#" PRIx64 ": %s", id, c->why);
		return kco_fail(err, KCO_E_CORRUPT, "CTF: there is no type %#" PRIx64, id);
	}
	local--;
	if (!ctf_decode(c, c->index[local / CTF_STRIDE], t))
		return kco_fail(err, KCO_E_BUG, "CTF: type %#" PRIx64 " has changed", id);
	for (local %= CTF_STRIDE; local; local--)
		if (!ctf_next(c, t))
			return kco_fail(err, KCO_E_BUG, "CTF: type %#" PRIx64 " has changed", id);
	if (owner)
		*owner = c;
	return KCO_OK;
}

const char *ctf_name(const struct ctf *c, uint32_t ref)
{
	const struct kco_ctf_symtab *table = c->dynamic ? &c->elf.dynsym : &c->elf.symtab;
	uint32_t off = ref & 0x7fffffff;

	if (!(ref >> 31))
		return off < c->str_len ? c->strs + off : "";
	return off < table->strs_size ? table->strs + off : "";
}

void ctf_encoding(const struct ctf_type *t, uint32_t *bits, uint32_t *offset, uint32_t *encoding)
{
	uint32_t data = kco_le32(t->more);

	*bits = data & 0xffff;
	*offset = data >> 16 & 0xff;
	*encoding = data >> 24;
}

uint64_t ctf_void_is_0(const struct ctf *c, uint32_t id)
{
	const struct ctf *owner;
	struct ctf_type t;

	// A size of 0 is checked first: it spares the name of nearly all.
	if (!id || ctf_get(c, id, &owner, &t, NULL) || t.kind != CTF_INTEGER || t.size)
		return id;
	return strcmp(ctf_name(owner, t.name), "void") == 0 ? 0 : id;
}

/* The type of an array's element, and how many there are in all its dimensions. */
static enum kco_status ctf_array(const struct ctf *c, const struct ctf_type *array, uint32_t *id, uint64_t *n,
				 struct kco_err *err)
{
	struct ctf_type t = *array;

	*n = 1;
	for (unsigned depth = 0; depth < CTF_DEPTH; depth++) {
		*id = ctf_id_at(c, t.more);
		if (__builtin_mul_overflow(*n, kco_le32(t.more + 2u * c->form->id), n))
			return kco_fail(err, KCO_E_CORRUPT, "CTF: an array is larger than memory");
		if (!*id || ctf_get(c, *id, NULL, &t, NULL) || t.kind != CTF_ARRAY)
			return KCO_OK;
	}
	return kco_fail(err, KCO_E_CORRUPT, "CTF: arrays nested deeper than %d, or in a circle", CTF_DEPTH);
}

/* The size of type @id, looking through what has none of its own. */
static enum kco_status ctf_size(const struct ctf *c, uint64_t id, uint64_t *ret, struct kco_err *err)
{
	uint64_t factor = 1, size;

	for (unsigned depth = 0; depth < CTF_DEPTH; depth++) {
		struct ctf_type t;
		enum kco_status st;

		*ret = 0;
		if (id == 0)
			return KCO_OK;
		st = ctf_get(c, id, NULL, &t, err);
		if (st)
			return st;
		size = t.size;
		switch (t.kind) {
		case CTF_UNKNOWN:
		case CTF_FUNCTION:
		case CTF_FORWARD:
			return KCO_OK;
		case CTF_POINTER:
			size = c->elf.ptr_size;
			break;
		case CTF_ARRAY:
			if (__builtin_mul_overflow(factor, kco_le32(t.more + 2u * c->form->id), &factor))
				return kco_fail(err, KCO_E_CORRUPT, "CTF: an array is larger than memory");
			id = ctf_id_at(c, t.more);
			continue;
		case CTF_SLICE:
			id = kco_le32(t.more);
			continue;
		case CTF_TYPEDEF:
		case CTF_VOLATILE:
		case CTF_CONST:
		case CTF_RESTRICT:
			id = t.type;
			continue;
		}
		if (__builtin_mul_overflow(factor, size, ret))
			return kco_fail(err, KCO_E_CORRUPT, "CTF: an array is larger than memory");
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_CORRUPT, "CTF: types nested deeper than %d, or in a circle", CTF_DEPTH);
}

bool ctf_enum_signed(const struct ctf_type *t)
{
	for (uint32_t i = 0; i < t->vlen; i++)
		if ((int32_t)kco_le32(t->more + (size_t)i * 8 + 4) < 0)
			return true;
	return false;
}

static enum kco_status ctf_info(const struct kco_types *types, uint64_t id, struct kco_type_info *info,
				struct kco_err *err)
{
	const struct ctf *c = (const struct ctf *)types, *owner;
	uint32_t bits, offset, encoding, target = 0;
	struct ctf_type t;
	enum kco_status st;

	*info = (struct kco_type_info){ .name = "", .target = { .types = types } };
	if (id == 0)
		return KCO_OK;
	st = ctf_get(c, id, &owner, &t, err);
	if (!st)
		st = ctf_size(c, id, &info->size, err);
	if (st)
		return st;
	info->kind = ctf_kinds[t.kind].mapped;
	info->name = ctf_name(owner, t.name);
	switch (t.kind) {
	case CTF_INTEGER:
		ctf_encoding(&t, &bits, &offset, &encoding);
		info->is_signed = encoding & 1;
		break;
	case CTF_ENUM:
		info->is_signed = ctf_enum_signed(&t);
		info->nr_members = t.vlen;
		break;
	case CTF_STRUCT:
	case CTF_UNION:
		info->nr_members = t.vlen;
		break;
	case CTF_ARRAY:
		st = ctf_array(c, &t, &target, &info->nr_elements, err);
		break;
	case CTF_SLICE:
		target = kco_le32(t.more);
		break;
	case CTF_UNKNOWN:
	case CTF_FLOAT:
	case CTF_FORWARD:
		break;
	default:
		target = t.type;
	}
	info->target.id = ctf_void_is_0(c, target);
	return st;
}

/* Where member @index of @t lies, in bits, and its type's number. */
static uint64_t ctf_member_at(const struct ctf *c, const struct ctf_type *t, uint32_t index, uint32_t *name,
			      uint32_t *type)
{
	const struct ctf_member_form *m = t->size < c->form->lstruct ? &c->form->member : &c->form->lmember;
	const uint8_t *p = t->more + (size_t)index * m->size;

	*name = kco_le32(p);
	*type = ctf_id_at(c, p + m->type);
	if (m->offset_high)
		return (uint64_t)kco_le32(p + m->offset_high) << 32 | kco_le32(p + m->offset);
	return ctf_id_at(c, p + m->offset);
}

/* How many bits the enumerators need, in whole bytes. */
static uint32_t ctf_enum_needs(const struct ctf_type *t)
{
	uint32_t all = 0, bits;

	for (uint32_t i = 0; i < t->vlen; i++) {
		int32_t v = (int32_t)kco_le32(t->more + (size_t)i * 8 + 4);

		all |= (uint32_t)(v < 0 ? ~v : v);
	}
	bits = all ? 32 - (uint32_t)__builtin_clz(all) : 1;
	bits += ctf_enum_signed(t);
	return (bits + 7) / 8 * 8;
}

/*
 * Without slices the width of an enum's bit-field is nowhere. That it is one
 * shows when it begins within a byte, or the next member within it: it then
 * reaches to the next member, but no further than its enumerators need.
 */
static uint32_t ctf_enum_bits(const struct ctf *c, const struct ctf_type *t, uint32_t index, uint64_t offset,
			      const struct ctf_type *e)
{
	uint64_t next = t->size * 8, end = offset + e->size * 8, needs = ctf_enum_needs(e);
	uint32_t name, type;

	if (t->kind == CTF_STRUCT && index + 1 < t->vlen)
		next = ctf_member_at(c, t, index + 1, &name, &type);
	if (offset % 8 == 0 && (next >= end || next <= offset))
		return 0;
	if (next <= offset || next - offset > e->size * 8)
		next = end;
	next -= offset;
	return (uint32_t)(next < needs ? next : needs);
}

/* Is the member a bit-field by its type? Gives the type that it was declared with, as far as that is known. */
static void ctf_member_bits(const struct ctf *c, const struct ctf_type *owner, uint32_t index,
			    struct kco_member *member)
{
	uint64_t id = member->type.id;
	uint32_t bits, offset, encoding;
	struct ctf_type t;

	for (unsigned depth = 0; depth < CTF_DEPTH && id && !ctf_get(c, id, NULL, &t, NULL); depth++) {
		switch (t.kind) {
		case CTF_SLICE:
			member->bit_offset += kco_le16(t.more + 4);
			member->bit_size = kco_le16(t.more + 6);
			if (depth == 0)
				member->type.id = kco_le32(t.more);
			return;
		case CTF_INTEGER:
			ctf_encoding(&t, &bits, &offset, &encoding);
			if (bits && bits != t.size * 8) {
				member->bit_size = bits;
				member->bit_offset += offset;
			}
			return;
		case CTF_ENUM:
			member->bit_size = ctf_enum_bits(c, owner, index, member->bit_offset, &t);
			return;
		case CTF_TYPEDEF:
		case CTF_VOLATILE:
		case CTF_CONST:
		case CTF_RESTRICT:
			id = t.type;
			break;
		default:
			return;
		}
	}
}

static enum kco_status ctf_member(const struct kco_types *types, uint64_t id, uint32_t index, struct kco_member *member,
				  struct kco_err *err)
{
	const struct ctf *c = (const struct ctf *)types, *owner;
	uint32_t name, type;
	struct ctf_type t;
	enum kco_status st = ctf_get(c, id, &owner, &t, err);

	if (st)
		return st;
	if ((t.kind != CTF_STRUCT && t.kind != CTF_UNION) || index >= t.vlen)
		return kco_fail(err, KCO_E_NOTYPE, "CTF: type %#" PRIx64 " has no member %" PRIu32, id, index);
	*member = (struct kco_member){ .bit_offset = ctf_member_at(owner, &t, index, &name, &type) };
	member->name = ctf_name(owner, name);
	member->type = (struct kco_type){ types, ctf_void_is_0(c, type) };
	ctf_member_bits(c, &t, index, member);
	if (member->bit_offset > UINT64_MAX / 2)
		return kco_fail(err, KCO_E_CORRUPT, "CTF: member '%s' lies %#" PRIx64 " bits into its struct",
				member->name, member->bit_offset);
	return KCO_OK;
}

void ctf_enumerator_at(const struct ctf *owner, const struct ctf_type *t, uint32_t index, const char **name,
		       int64_t *value)
{
	const uint8_t *p = t->more + (size_t)index * 8;

	*name = ctf_name(owner, kco_le32(p));
	*value = (int32_t)kco_le32(p + 4);
}

static enum kco_status ctf_enumerator(const struct kco_types *types, uint64_t id, uint32_t index, const char **name,
				      int64_t *value, struct kco_err *err)
{
	const struct ctf *c = (const struct ctf *)types, *owner;
	struct ctf_type t;
	enum kco_status st = ctf_get(c, id, &owner, &t, err);

	if (st)
		return st;
	if (t.kind != CTF_ENUM || index >= t.vlen)
		return kco_fail(err, KCO_E_NOTYPE, "CTF: type %#" PRIx64 " has no enumerator %" PRIu32, id, index);
	ctf_enumerator_at(owner, &t, index, name, value);
	return KCO_OK;
}

enum kco_status ctf_scan(struct ctf *c, struct kco_err *err)
{
	uint32_t smallest = 4 + 2u * c->form->id, cap = c->type_len / smallest / CTF_STRIDE + 1, off = 0;
	struct ctf_type t;

	c->index = malloc((size_t)cap * sizeof(*c->index));
	if (!c->index)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	while (off < c->type_len && c->nr < c->form->child - 1 && ctf_decode(c, off, &t)) {
		if (c->nr % CTF_STRIDE == 0)
			c->index[c->nr / CTF_STRIDE] = off;
		c->nr++;
		off = t.next;
		c->nr_enums += t.kind == CTF_ENUM;
		switch (t.kind) {
		case CTF_INTEGER:
		case CTF_FLOAT:
		case CTF_STRUCT:
		case CTF_UNION:
		case CTF_ENUM:
		case CTF_TYPEDEF:
			c->nr_named++;
			c->roots |= t.root;
		}
	}
	if (off < c->type_len && c->type_len - off < smallest)
		snprintf(c->why, sizeof(c->why), "type %" PRIu32 " is cut off", c->nr + 1);
	else if (off < c->type_len)
		snprintf(c->why, sizeof(c->why),
			 "type %" PRIu32 " is cut off, or of a kind (%" PRIu32 ") that is not known", c->nr + 1,
			 ctf_id_at(c, c->types + off + 4) >> c->form->kind_shift);
	return KCO_OK;
}

void ctf_free(struct kco_types *types)
{
	struct ctf *c = (struct ctf *)types;

	ctf_find_fini(c);
	free(c->index);
	free(c->data);
	free(c);
}

const struct kco_types_ops ctf_ops = {
	.name = "ctf",
	.find = ctf_find,
	.info = ctf_info,
	.member = ctf_member,
	.enumerator = ctf_enumerator,
	.find_enumerator = ctf_find_enumerator,
	.find_variable = ctf_find_variable,
	.each = ctf_each,
	.free = ctf_free,
};
