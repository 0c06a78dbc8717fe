// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types from DWARF, behind struct kco_types_ops.
 *
 * A type's id is where its DIE lies:
 *
 *   bit 62     in the file that .gnu_debugaltlink names
 *   the rest   offset in .debug_info; 0, which is no DIE, is void
 *
 * Where DWARF could say more than BTF the answer is BTF's, so that output is
 * the same from both: a declaration ("struct foo;") is answered for by the
 * complete definition when any unit has one, and int a[2][3] has six elements
 * in one dimension, as pahole writes it (array_type__nelems()).
 */
#include "dwarf_types.h"

#include <inttypes.h>
#include <string.h>

#include <dwarf.h>

#define ID_ALT ((uint64_t)1 << 62)
#define ID_OFFSET (ID_ALT - 1)

#define TYPES_DEPTH_MAX 64 /* typedefs of qualifiers of arrays of ... */
#define TYPES_MEMBERS_MAX 65536

static int types_name_kind(int tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		return KCO_DWARF_STRUCT;
	case DW_TAG_union_type:
		return KCO_DWARF_UNION;
	case DW_TAG_enumeration_type:
		return KCO_DWARF_ENUM;
	}
	return -1;
}

/* The DIE of @id; a declaration gives way to a definition. */
static enum kco_status types_die(struct kco_dwarf_types *t, uint64_t id, Dwarf_Die *die, struct kco_err *err)
{
	struct kco_debuginfo *di = t->di;
	enum kco_status st;
	Dwarf *dwarf;
	Dwarf_Die full;
	int kind;

	st = kco_debuginfo_dwarf(di, &dwarf, err);
	if (st)
		return st;
	if (id & ID_ALT)
		dwarf = dwarf_getalt(dwarf);
	if (!dwarf || !dwarf_offdie(dwarf, id & ID_OFFSET, die))
		return kco_fail(err, KCO_E_CORRUPT, "%s: no DIE at %#" PRIx64, di->path, id & ID_OFFSET);
	kind = types_name_kind(dwarf_tag(die));
	if (kind < 0 || !dwarf_hasattr(die, DW_AT_declaration) || !dwarf_diename(die))
		return KCO_OK;
	st = kco_dwarf_names_find(di, (enum kco_dwarf_name_kind)kind, dwarf_diename(die), &full, err);
	if (st == KCO_OK)
		*die = full;
	return st == KCO_E_NOTYPE ? KCO_OK : st;
}

enum kco_status kco_dwarf_type_id(struct kco_dwarf_types *t, Dwarf_Die *die, uint64_t *id, struct kco_err *err)
{
	uint64_t offset = dwarf_dieoffset(die);
	uint8_t unit_type;
	Dwarf_Half version;

	if (!offset || offset & ~ID_OFFSET)
		return kco_fail(err, KCO_E_CORRUPT, "%s: a DIE at %#" PRIx64, t->di->path, offset);
	if (dwarf_cu_info(die->cu, &version, &unit_type, NULL, NULL, NULL, NULL, NULL))
		return kco_dwarf_fail(t->di, err, "a unit");
	if (version < 5 && unit_type == DW_UT_type)
		return kco_fail(err, KCO_E_UNSUPPORTED, "%s has types in .debug_types, which is not read", t->di->path);
	*id = offset | (dwarf_cu_getdwarf(die->cu) == t->di->dwarf ? 0 : ID_ALT);
	return KCO_OK;
}

enum kco_status kco_dwarf_type_target(struct kco_dwarf_types *t, Dwarf_Die *die, Dwarf_Die *target, uint64_t *id,
				      struct kco_err *err)
{
	Dwarf_Attribute attr;

	*id = 0;
	if (!dwarf_attr_integrate(die, DW_AT_type, &attr))
		return KCO_OK;
	if (!dwarf_formref_die(&attr, target))
		return kco_dwarf_fail(t->di, err, "the type that a DIE refers to");
	return kco_dwarf_type_id(t, target, id, err);
}

/* The size that @die has of itself, or *@follow: its target's, @n times. */
static enum kco_status types_own_size(struct kco_dwarf_types *t, Dwarf_Die *die, uint64_t *n, bool *follow,
				      struct kco_err *err)
{
	*n = 0;
	*follow = false;
	switch (dwarf_tag(die)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		*n = kco_dwarf_pointer_size(die);
		return KCO_OK;
	case DW_TAG_array_type:
		*follow = true;
		return kco_dwarf_elements(t->di, die, n, err);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_base_type:
		kco_dwarf_uint(die, DW_AT_byte_size, n);
		return KCO_OK;
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return KCO_OK;
	}
	// Typedefs, qualifiers, and enums that leave it to their underlying type.
	*follow = !kco_dwarf_uint(die, DW_AT_byte_size, n);
	if (*follow)
		*n = 1;
	return KCO_OK;
}

/* sizeof. What has none is 0. */
static enum kco_status types_size(struct kco_dwarf_types *t, Dwarf_Die die, uint64_t *size, struct kco_err *err)
{
	uint64_t factor = 1, n, id;
	enum kco_status st;
	bool follow;

	*size = 0;
	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX; depth++) {
		st = types_own_size(t, &die, &n, &follow, err);
		if (st)
			return st;
		if (__builtin_mul_overflow(factor, n, &factor))
			return kco_fail(err, KCO_E_CORRUPT, "%s: a type that is too large", t->di->path);
		if (!follow) {
			*size = factor;
			return KCO_OK;
		}
		st = kco_dwarf_type_target(t, &die, &die, &id, err);
		if (!st && id)
			st = types_die(t, id, &die, err);
		if (st || !id)
			return st;
	}
	return kco_fail(err, KCO_E_CORRUPT, "%s: a type that is made of itself", t->di->path);
}

/* Compilers give an enum its underlying type (DW_AT_type) or its encoding. */
static bool types_enum_signed(struct kco_dwarf_types *t, Dwarf_Die *die)
{
	Dwarf_Die target = *die;
	uint64_t encoding, id;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX; depth++) {
		if (kco_dwarf_uint(&target, DW_AT_encoding, &encoding))
			return kco_dwarf_encoding_signed(encoding);
		if (kco_dwarf_type_target(t, &target, &target, &id, NULL) || !id)
			return false;
	}
	return false;
}

static bool types_in_list(int parent, int tag, Dwarf_Die *die)
{
	if (parent == DW_TAG_enumeration_type)
		return tag == DW_TAG_enumerator;
	// A C++ static member is a member with DW_AT_external (DWARF 2-4).
	return tag == DW_TAG_member && !dwarf_hasattr(die, DW_AT_external);
}

static enum kco_status types_list_fill(struct kco_dwarf_types *t, Dwarf_Die *type, struct kco_dwarf_list *list,
				       struct kco_err *err)
{
	int r, parent = dwarf_tag(type);
	Dwarf_Die die;

	for (int pass = 0; pass < 2; pass++) {
		uint32_t n = 0;

		for (r = dwarf_child(type, &die); r == 0; r = kco_dwarf_next(&die)) {
			if (!types_in_list(parent, dwarf_tag(&die), &die))
				continue;
			if (pass)
				list->dies[n] = die;
			if (++n > TYPES_MEMBERS_MAX)
				return kco_fail(err, KCO_E_CORRUPT, "%s: type '%s' has more than %d members",
						t->di->path, dwarf_diename(type), TYPES_MEMBERS_MAX);
		}
		if (r < 0)
			return kco_dwarf_fail(t->di, err, "the members of a type");
		list->n = n;
		if (pass || !n)
			break;
		list->dies = kco_arena_array(&t->arena, n, sizeof(*list->dies));
		if (!list->dies)
			return kco_fail(err, KCO_E_NOMEM, "members of a type: out of memory");
	}
	return KCO_OK;
}

static enum kco_status types_list_get(struct kco_dwarf_types *t, Dwarf_Die *type, const struct kco_dwarf_list **ret,
				      struct kco_err *err)
{
	struct kco_dwarf_list **chain, *list;
	enum kco_status st;
	uint64_t id;

	st = kco_dwarf_type_id(t, type, &id, err);
	if (st)
		return st;
	chain = &t->chains[(id ^ id >> 10 ^ id >> 20) % KCO_DWARF_CHAINS];
	for (list = *chain; list; list = list->next) {
		if (list->id == id) {
			*ret = list;
			return KCO_OK;
		}
	}
	list = kco_arena_alloc(&t->arena, sizeof(*list));
	if (!list)
		return kco_fail(err, KCO_E_NOMEM, "members of a type: out of memory");
	list->id = id;
	st = types_list_fill(t, type, list, err);
	if (st)
		return st;
	list->next = *chain;
	*chain = list;
	*ret = list;
	return KCO_OK;
}

enum kco_status kco_dwarf_type_info(struct kco_dwarf_types *t, uint64_t id, struct kco_type_info *info,
				    struct kco_err *err)
{
	const struct kco_dwarf_list *list;
	enum kco_status st;
	uint64_t encoding;
	Dwarf_Die die, target;
	const char *name;

	st = types_die(t, id, &die, err);
	if (st)
		return st;
	info->kind = kco_dwarf_type_kind(&die);
	name = dwarf_diename(&die);
	info->name = name ? name : "";
	st = types_size(t, die, &info->size, err);
	if (st)
		return st;
	switch (info->kind) {
	case KCO_TYPE_STRUCT:
	case KCO_TYPE_UNION:
	case KCO_TYPE_ENUM:
		st = types_list_get(t, &die, &list, err);
		if (st)
			return st;
		info->nr_members = list->n;
		info->is_signed = info->kind == KCO_TYPE_ENUM && types_enum_signed(t, &die);
		return KCO_OK;
	case KCO_TYPE_INT:
		info->is_signed =
			kco_dwarf_uint(&die, DW_AT_encoding, &encoding) && kco_dwarf_encoding_signed(encoding);
		return KCO_OK;
	case KCO_TYPE_ARRAY:
		st = kco_dwarf_elements(t->di, &die, &info->nr_elements, err);
		if (st)
			return st;
		break;
	case KCO_TYPE_POINTER:
	case KCO_TYPE_TYPEDEF:
	case KCO_TYPE_QUALIFIER:
	case KCO_TYPE_FUNCTION:
		break;
	default:
		return KCO_OK;
	}
	return kco_dwarf_type_target(t, &die, &target, &info->target.id, err);
}

/* Where a member begins, in bits. Unions' members have no location: 0. */
static enum kco_status types_member_offset(struct kco_dwarf_types *t, Dwarf_Die *die, struct kco_member *member,
					   struct kco_err *err)
{
	uint64_t bytes = 0, bits, storage;
	Dwarf_Attribute attr;
	Dwarf_Word word;
	Dwarf_Op *ops;
	size_t n;

	if (kco_dwarf_uint(die, DW_AT_data_bit_offset, &member->bit_offset))
		return KCO_OK;
	if (dwarf_attr(die, DW_AT_data_member_location, &attr)) {
		if (dwarf_formudata(&attr, &word) == 0)
			bytes = word;
		else if (dwarf_getlocation(&attr, &ops, &n) == 0 && n == 1 && ops[0].atom == DW_OP_plus_uconst)
			bytes = ops[0].number; // DWARF 2 writes an expression
		else
			return kco_fail(err, KCO_E_UNSUPPORTED, "%s: where member '%s' lies is computed", t->di->path,
					member->name);
	}
	if (bytes > UINT64_MAX / 16)
		return kco_fail(err, KCO_E_CORRUPT, "%s: member '%s' at %#" PRIx64, t->di->path, member->name, bytes);
	member->bit_offset = bytes * 8;
	if (!member->bit_size || !kco_dwarf_uint(die, DW_AT_bit_offset, &bits))
		return KCO_OK;
	// DWARF 2 and 3 count from the most significant bit of a storage unit, which may be the type's.
	if (!kco_dwarf_uint(die, DW_AT_byte_size, &storage)) {
		Dwarf_Die type;
		uint64_t id;
		enum kco_status st = kco_dwarf_type_target(t, die, &type, &id, err);

		if (!st && id)
			st = types_size(t, type, &storage, err);
		if (st || !id)
			return st;
	}
	if (storage > 64 || bits > storage * 8 || member->bit_size > storage * 8 - bits)
		return kco_fail(err, KCO_E_CORRUPT, "%s: bit-field '%s' lies outside its storage", t->di->path,
				member->name);
	member->bit_offset += storage * 8 - bits - member->bit_size;
	return KCO_OK;
}

enum kco_status kco_dwarf_type_list_at(struct kco_dwarf_types *t, uint64_t id, bool enumerators, uint32_t index,
				       Dwarf_Die *ret, struct kco_err *err)
{
	const struct kco_dwarf_list *list;
	enum kco_status st;
	Dwarf_Die die;
	int kind;

	st = types_die(t, id, &die, err);
	if (st)
		return st;
	kind = types_name_kind(dwarf_tag(&die));
	if (kind < 0 || (kind == KCO_DWARF_ENUM) != enumerators)
		return kco_fail(err, KCO_E_NOTYPE, "DWARF: type %#" PRIx64 " has no %s", id,
				enumerators ? "enumerators" : "members");
	st = types_list_get(t, &die, &list, err);
	if (st)
		return st;
	if (index >= list->n)
		return kco_fail(err, KCO_E_NOTYPE, "DWARF: type %#" PRIx64 " has no member %u, only %u", id, index,
				list->n);
	*ret = list->dies[index];
	return KCO_OK;
}

enum kco_status kco_dwarf_type_member(struct kco_dwarf_types *t, uint64_t id, uint32_t index, struct kco_member *member,
				      struct kco_err *err)
{
	Dwarf_Die die, target;
	enum kco_status st;
	const char *name;
	uint64_t bits;

	st = kco_dwarf_type_list_at(t, id, false, index, &die, err);
	if (st)
		return st;
	name = dwarf_diename(&die);
	member->name = name ? name : "";
	if (kco_dwarf_uint(&die, DW_AT_bit_size, &bits)) {
		if (bits > 128)
			return kco_fail(err, KCO_E_CORRUPT, "%s: bit-field '%s' of %" PRIu64 " bits", t->di->path,
					member->name, bits);
		member->bit_size = (uint32_t)bits;
	}
	st = types_member_offset(t, &die, member, err);
	if (st)
		return st;
	return kco_dwarf_type_target(t, &die, &target, &member->type.id, err);
}
