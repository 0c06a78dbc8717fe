// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types from DWARF, behind struct kco_types_ops.
 *
 * A type's id is where its DIE lies:
 *
 *   bit 62      in the file that .gnu_debugaltlink names
 *   bits 48-55  arrays: dimensions to skip (DWARF has one DIE for int a[2][3],
 *               BTF and C an array of arrays)
 *   bits 0-47   offset in .debug_info; 0, which is no DIE, is void
 *
 * A declaration ("struct foo;") is answered for by the complete definition
 * when any unit has one, which is what BTF's deduplication comes to.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <kco/arena.h>

#include "debuginfo_priv.h"

#define ID_ALT ((uint64_t)1 << 62)
#define ID_DIM_SHIFT 48
#define ID_DIM_MAX 255
#define ID_OFFSET (((uint64_t)1 << ID_DIM_SHIFT) - 1)

#define TYPES_DEPTH_MAX 64   /* typedefs of qualifiers of arrays of ... */
#define TYPES_MEMBERS_MAX 65536

/* The members or enumerators of a type, listed when first asked for. */
struct types_list {
	uint64_t id;
	Dwarf_Die *dies;
	uint32_t n;
	struct types_list *next; /* in its hash chain */
};

#define TYPES_CHAINS 1024

struct dwarf_types {
	struct kco_types base;
	struct kco_debuginfo *di;
	struct kco_arena arena;
	struct types_list *chains[TYPES_CHAINS];
};

static struct dwarf_types *types_of(const struct kco_types *base)
{
	return (struct dwarf_types *)base;
}

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
static enum kco_status types_die(struct dwarf_types *t, uint64_t id, Dwarf_Die *die, struct kco_err *err)
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

static enum kco_status types_id(struct dwarf_types *t, Dwarf_Die *die, uint64_t *id, struct kco_err *err)
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

/* What DW_AT_type of @die refers to; void when it has none. */
static enum kco_status types_target(struct dwarf_types *t, Dwarf_Die *die, Dwarf_Die *target, uint64_t *id,
				    struct kco_err *err)
{
	Dwarf_Attribute attr;

	*id = 0;
	if (!dwarf_attr_integrate(die, DW_AT_type, &attr))
		return KCO_OK;
	if (!dwarf_formref_die(&attr, target))
		return kco_dwarf_fail(t->di, err, "the type that a DIE refers to");
	return types_id(t, target, id, err);
}

static bool types_uint(Dwarf_Die *die, unsigned name, uint64_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &word))
		return false;
	*value = word;
	return true;
}

/* Elements of the dimension that subrange @die describes; 0 for int a[] and int a[0]. */
static uint64_t types_dimension(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	uint64_t n, lower = 0;

	if (types_uint(die, DW_AT_count, &n))
		return n;
	if (!types_uint(die, DW_AT_upper_bound, &n) || !dwarf_attr(die, DW_AT_upper_bound, &attr))
		return 0;
	// -1 is how compilers say "no element", at various widths (GCC: data4 or data8).
	if (n == UINT64_MAX || (dwarf_whatform(&attr) == DW_FORM_data4 && n == UINT32_MAX))
		return 0;
	types_uint(die, DW_AT_lower_bound, &lower);
	return n - lower + 1;
}

/* Of array @die: dimension @dim, how many there are, and elements from @dim on. */
static enum kco_status types_array(struct dwarf_types *t, Dwarf_Die *die, unsigned dim, unsigned *nr_dims,
				   uint64_t *nr_elements, uint64_t *total, struct kco_err *err)
{
	Dwarf_Die sub;
	unsigned n = 0;
	int r;

	*total = 1;
	*nr_elements = 0;
	for (r = dwarf_child(die, &sub); r == 0; r = kco_dwarf_next(&sub)) {
		int tag = dwarf_tag(&sub);
		uint64_t count;

		if (tag != DW_TAG_subrange_type && tag != DW_TAG_enumeration_type)
			continue;
		count = types_dimension(&sub);
		if (n == dim)
			*nr_elements = count;
		if (n >= dim && __builtin_mul_overflow(*total, count, total))
			return kco_fail(err, KCO_E_CORRUPT, "%s: an array that is too large", t->di->path);
		if (++n > ID_DIM_MAX)
			return kco_fail(err, KCO_E_CORRUPT, "%s: an array of too many dimensions", t->di->path);
	}
	if (r < 0)
		return kco_dwarf_fail(t->di, err, "an array's dimensions");
	if (n == 0) { // an array type without a range: as int a[]
		*total = 0;
		n = 1;
	}
	*nr_dims = n;
	if (dim >= n)
		return kco_fail(err, KCO_E_BUG, "dimension %u of an array of %u", dim, n);
	return KCO_OK;
}

static uint64_t types_pointer_size(Dwarf_Die *die)
{
	uint64_t size;
	uint8_t address_size = 8;
	Dwarf_Die cu;

	if (types_uint(die, DW_AT_byte_size, &size))
		return size;
	dwarf_diecu(die, &cu, &address_size, NULL);
	return address_size;
}

/* sizeof. What has none is 0. */
static enum kco_status types_size(struct dwarf_types *t, Dwarf_Die die, unsigned dim, uint64_t *size,
				  struct kco_err *err)
{
	uint64_t factor = 1, n, count, id;
	enum kco_status st;
	unsigned nr_dims;

	*size = 0;
	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX; depth++) {
		int tag = dwarf_tag(&die);

		switch (tag) {
		case DW_TAG_pointer_type:
		case DW_TAG_reference_type:
		case DW_TAG_rvalue_reference_type:
			n = types_pointer_size(&die);
			break;
		case DW_TAG_array_type:
			st = types_array(t, &die, dim, &nr_dims, &n, &count, err);
			if (st)
				return st;
			if (__builtin_mul_overflow(factor, count, &factor))
				return kco_fail(err, KCO_E_CORRUPT, "%s: an array that is too large", t->di->path);
			dim = 0;
			goto follow;
		default:
			if (types_uint(&die, DW_AT_byte_size, &n))
				break;
			if (tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_subroutine_type)
				return KCO_OK;
			goto follow;
		}
		if (__builtin_mul_overflow(factor, n, size))
			return kco_fail(err, KCO_E_CORRUPT, "%s: a type that is too large", t->di->path);
		return KCO_OK;
follow:
		st = types_target(t, &die, &die, &id, err);
		if (!st && id)
			st = types_die(t, id, &die, err);
		if (st || !id)
			return st;
	}
	return kco_fail(err, KCO_E_CORRUPT, "%s: a type that is made of itself", t->di->path);
}

static enum kco_type_kind types_kind(Dwarf_Die *die)
{
	uint64_t encoding;

	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		if (types_uint(die, DW_AT_encoding, &encoding) &&
		    (encoding == DW_ATE_float || encoding == DW_ATE_complex_float ||
		     encoding == DW_ATE_decimal_float || encoding == DW_ATE_imaginary_float))
			return KCO_TYPE_FLOAT;
		return KCO_TYPE_INT;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return KCO_TYPE_POINTER;
	case DW_TAG_array_type:
		return KCO_TYPE_ARRAY;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		return dwarf_hasattr(die, DW_AT_declaration) ? KCO_TYPE_FORWARD : KCO_TYPE_STRUCT;
	case DW_TAG_union_type:
		return dwarf_hasattr(die, DW_AT_declaration) ? KCO_TYPE_FORWARD : KCO_TYPE_UNION;
	case DW_TAG_enumeration_type:
		return dwarf_hasattr(die, DW_AT_declaration) ? KCO_TYPE_FORWARD : KCO_TYPE_ENUM;
	case DW_TAG_typedef:
		return KCO_TYPE_TYPEDEF;
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_immutable_type:
	case DW_TAG_packed_type:
	case DW_TAG_shared_type:
		return KCO_TYPE_QUALIFIER;
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return KCO_TYPE_FUNCTION;
	}
	return KCO_TYPE_VOID;
}

static bool types_encoding_signed(uint64_t encoding)
{
	return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char || encoding == DW_ATE_signed_fixed;
}

/* Compilers give an enum its underlying type (DW_AT_type) or its encoding. */
static bool types_enum_signed(struct dwarf_types *t, Dwarf_Die *die)
{
	Dwarf_Die target = *die;
	uint64_t encoding, id;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX; depth++) {
		if (types_uint(&target, DW_AT_encoding, &encoding))
			return types_encoding_signed(encoding);
		if (types_target(t, &target, &target, &id, NULL) || !id)
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

static enum kco_status types_list_fill(struct dwarf_types *t, Dwarf_Die *type, struct types_list *list,
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

static enum kco_status types_list_get(struct dwarf_types *t, Dwarf_Die *type, const struct types_list **ret,
				      struct kco_err *err)
{
	struct types_list **chain, *list;
	enum kco_status st;
	uint64_t id;

	st = types_id(t, type, &id, err);
	if (st)
		return st;
	chain = &t->chains[(id ^ id >> 10 ^ id >> 20) % TYPES_CHAINS];
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

static enum kco_status types_info(struct dwarf_types *t, uint64_t id, struct kco_type_info *info, struct kco_err *err)
{
	unsigned dim = (id >> ID_DIM_SHIFT) & ID_DIM_MAX, nr_dims;
	const struct types_list *list;
	enum kco_status st;
	uint64_t n, encoding;
	Dwarf_Die die, target;

	st = types_die(t, id, &die, err);
	if (st)
		return st;
	info->kind = types_kind(&die);
	info->name = dwarf_diename(&die);
	st = types_size(t, die, dim, &info->size, err);
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
		info->is_signed = types_uint(&die, DW_AT_encoding, &encoding) && types_encoding_signed(encoding);
		return KCO_OK;
	case KCO_TYPE_ARRAY:
		st = types_array(t, &die, dim, &nr_dims, &info->nr_elements, &n, err);
		if (st)
			return st;
		if (dim + 1 < nr_dims) {
			info->target.id = (id & ~((uint64_t)ID_DIM_MAX << ID_DIM_SHIFT)) |
					  (uint64_t)(dim + 1) << ID_DIM_SHIFT;
			return KCO_OK;
		}
		break;
	case KCO_TYPE_POINTER:
	case KCO_TYPE_TYPEDEF:
	case KCO_TYPE_QUALIFIER:
	case KCO_TYPE_FUNCTION:
		break;
	default:
		return KCO_OK;
	}
	return types_target(t, &die, &target, &info->target.id, err);
}

/* Where a member begins, in bits. Unions' members have no location: 0. */
static enum kco_status types_member_offset(struct dwarf_types *t, Dwarf_Die *die, struct kco_member *member,
					   struct kco_err *err)
{
	uint64_t bytes = 0, bits, storage;
	Dwarf_Attribute attr;
	Dwarf_Word word;
	Dwarf_Op *ops;
	size_t n;

	if (types_uint(die, DW_AT_data_bit_offset, &member->bit_offset))
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
	if (!member->bit_size || !types_uint(die, DW_AT_bit_offset, &bits))
		return KCO_OK;
	// DWARF 2 and 3 count from the most significant bit of a storage unit, which may be the type's.
	if (!types_uint(die, DW_AT_byte_size, &storage)) {
		Dwarf_Die type;
		uint64_t id;
		enum kco_status st = types_target(t, die, &type, &id, err);

		if (!st && id)
			st = types_size(t, type, 0, &storage, err);
		if (st || !id)
			return st;
	}
	if (storage > 64 || bits > storage * 8 || member->bit_size > storage * 8 - bits)
		return kco_fail(err, KCO_E_CORRUPT, "%s: bit-field '%s' lies outside its storage", t->di->path,
				member->name);
	member->bit_offset += storage * 8 - bits - member->bit_size;
	return KCO_OK;
}

static enum kco_status types_list_at(struct dwarf_types *t, uint64_t id, bool enumerators, uint32_t index,
				     Dwarf_Die *ret, struct kco_err *err)
{
	const struct types_list *list;
	enum kco_status st;
	Dwarf_Die die;
	int kind;

	st = types_die(t, id, &die, err);
	if (st)
		return st;
	kind = types_name_kind(dwarf_tag(&die));
	if (kind < 0 || (kind == KCO_DWARF_ENUM) != enumerators)
		return kco_fail(err, KCO_E_USAGE, "type %#" PRIx64 " has no %s", id,
				enumerators ? "enumerators" : "members");
	st = types_list_get(t, &die, &list, err);
	if (st)
		return st;
	if (index >= list->n)
		return kco_fail(err, KCO_E_USAGE, "member %u of '%s', which has %u", index, dwarf_diename(&die),
				list->n);
	*ret = list->dies[index];
	return KCO_OK;
}

static enum kco_status types_member(struct dwarf_types *t, uint64_t id, uint32_t index, struct kco_member *member,
				    struct kco_err *err)
{
	Dwarf_Die die, target;
	enum kco_status st;
	const char *name;
	uint64_t bits;

	st = types_list_at(t, id, false, index, &die, err);
	if (st)
		return st;
	name = dwarf_diename(&die);
	member->name = name ? name : "";
	if (types_uint(&die, DW_AT_bit_size, &bits)) {
		if (bits > 128)
			return kco_fail(err, KCO_E_CORRUPT, "%s: bit-field '%s' of %" PRIu64 " bits", t->di->path,
					member->name, bits);
		member->bit_size = (uint32_t)bits;
	}
	st = types_member_offset(t, &die, member, err);
	if (st)
		return st;
	return types_target(t, &die, &target, &member->type.id, err);
}

static enum kco_status types_enumerator_value(struct dwarf_types *t, Dwarf_Die *die, int64_t *value,
					      struct kco_err *err)
{
	Dwarf_Attribute attr;
	Dwarf_Sword sword;
	Dwarf_Word word;
	int r;

	if (!dwarf_attr(die, DW_AT_const_value, &attr))
		return kco_dwarf_fail(t->di, err, "an enumerator's value");
	// Of fixed width: GCC's for what is not negative. libdw would extend their sign.
	switch (dwarf_whatform(&attr)) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata:
		r = dwarf_formudata(&attr, &word);
		*value = (int64_t)word;
		break;
	default:
		r = dwarf_formsdata(&attr, &sword);
		*value = sword;
		break;
	}
	return r ? kco_dwarf_fail(t->di, err, "an enumerator's value") : KCO_OK;
}

/* The operations: each takes the lock. */

static enum kco_status types_op_find(struct kco_types *base, enum kco_type_kind kind, const char *name, uint64_t *id,
				     struct kco_err *err)
{
	struct dwarf_types *t = types_of(base);
	enum kco_dwarf_name_kind what;
	enum kco_status st;
	Dwarf_Die die;

	switch (kind) {
	case KCO_TYPE_STRUCT:
		what = KCO_DWARF_STRUCT;
		break;
	case KCO_TYPE_UNION:
		what = KCO_DWARF_UNION;
		break;
	case KCO_TYPE_ENUM:
		what = KCO_DWARF_ENUM;
		break;
	case KCO_TYPE_TYPEDEF:
		what = KCO_DWARF_TYPEDEF;
		break;
	case KCO_TYPE_INT:
	case KCO_TYPE_FLOAT:
		what = KCO_DWARF_BASE;
		break;
	default:
		return kco_fail(err, KCO_E_USAGE, "types of that kind have no names");
	}
	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_names_find(t->di, what, name, &die, err);
	if (!st && what == KCO_DWARF_BASE && types_kind(&die) != kind)
		st = kco_fail(err, KCO_E_NOTYPE, "%s: '%s' is a type of another kind", t->di->path, name);
	if (!st)
		st = types_id(t, &die, id, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status types_op_info(const struct kco_types *base, uint64_t id, struct kco_type_info *info,
				     struct kco_err *err)
{
	struct dwarf_types *t = types_of(base);
	enum kco_status st;

	*info = (struct kco_type_info){ .kind = KCO_TYPE_VOID, .target.types = base };
	if (!id)
		return KCO_OK;
	pthread_mutex_lock(&t->di->lock);
	st = types_info(t, id, info, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status types_op_member(const struct kco_types *base, uint64_t id, uint32_t index,
				       struct kco_member *member, struct kco_err *err)
{
	struct dwarf_types *t = types_of(base);
	enum kco_status st;

	*member = (struct kco_member){ .name = "", .type.types = base };
	pthread_mutex_lock(&t->di->lock);
	st = types_member(t, id, index, member, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status types_op_enumerator(const struct kco_types *base, uint64_t id, uint32_t index, const char **name,
					   int64_t *value, struct kco_err *err)
{
	struct dwarf_types *t = types_of(base);
	enum kco_status st;
	Dwarf_Die die;

	pthread_mutex_lock(&t->di->lock);
	st = types_list_at(t, id, true, index, &die, err);
	if (!st) {
		*name = dwarf_diename(&die);
		st = types_enumerator_value(t, &die, value, err);
	}
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status types_op_find_enumerator(struct kco_types *base, const char *name, int64_t *value,
						struct kco_err *err)
{
	struct dwarf_types *t = types_of(base);
	enum kco_status st;
	Dwarf_Die die;

	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_names_find(t->di, KCO_DWARF_ENUMERATOR, name, &die, err);
	if (!st)
		st = types_enumerator_value(t, &die, value, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status types_op_find_variable(struct kco_types *base, const char *name, uint64_t *id,
					      struct kco_err *err)
{
	struct dwarf_types *t = types_of(base);
	enum kco_status st;
	Dwarf_Die die, target;

	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_names_find(t->di, KCO_DWARF_VARIABLE, name, &die, err);
	if (!st)
		st = types_target(t, &die, &target, id, err);
	if (!st && !*id)
		st = kco_fail(err, KCO_E_NOTYPE, "%s: variable '%s' has no type", t->di->path, name);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status types_op_each(struct kco_types *base, const char *prefix,
				     bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id),
				     void *arg, struct kco_err *err)
{
	static const enum kco_type_kind kinds[] = {
		[KCO_DWARF_STRUCT] = KCO_TYPE_STRUCT,
		[KCO_DWARF_UNION] = KCO_TYPE_UNION,
		[KCO_DWARF_ENUM] = KCO_TYPE_ENUM,
		[KCO_DWARF_TYPEDEF] = KCO_TYPE_TYPEDEF,
	};
	struct dwarf_types *t = types_of(base);
	size_t cursor = 0, n = strlen(prefix);
	enum kco_dwarf_name_kind kind;
	enum kco_status st;
	const char *name;
	Dwarf_Die die;
	uint64_t id;

	for (;;) {
		// Not locked while @fn runs: it may ask for more.
		pthread_mutex_lock(&t->di->lock);
		do {
			st = kco_dwarf_names_next(t->di, &cursor, &kind, &die, err);
			name = st ? NULL : dwarf_diename(&die);
		} while (name && strncmp(name, prefix, n) != 0);
		if (!st && name)
			st = types_id(t, &die, &id, err);
		pthread_mutex_unlock(&t->di->lock);
		if (st)
			return st == KCO_DONE ? KCO_OK : st;
		if (name && !fn(arg, kinds[kind], name, id))
			return KCO_OK;
	}
}

static void types_op_free(struct kco_types *base)
{
	struct dwarf_types *t = types_of(base);

	kco_arena_fini(&t->arena);
	free(t);
}

static const struct kco_types_ops dwarf_types_ops = {
	.name = "dwarf",
	.find = types_op_find,
	.info = types_op_info,
	.member = types_op_member,
	.enumerator = types_op_enumerator,
	.find_enumerator = types_op_find_enumerator,
	.find_variable = types_op_find_variable,
	.each = types_op_each,
	.free = types_op_free,
};

enum kco_status kco_debuginfo_types_new(struct kco_debuginfo *di, struct kco_types **ret, struct kco_err *err)
{
	struct dwarf_types *t;
	enum kco_status st;
	Dwarf *dwarf;

	*ret = NULL;
	pthread_mutex_lock(&di->lock);
	st = kco_debuginfo_dwarf(di, &dwarf, err);
	pthread_mutex_unlock(&di->lock);
	if (st == KCO_E_NOSYM) {
		if (err)
			err->code = KCO_E_NOTYPE;
		return KCO_E_NOTYPE;
	}
	if (st)
		return st;
	t = calloc(1, sizeof(*t));
	if (!t)
		return kco_fail(err, KCO_E_NOMEM, "types from DWARF: out of memory");
	t->base.ops = &dwarf_types_ops;
	t->di = di;
	kco_arena_init(&t->arena);
	*ret = &t->base;
	return KCO_OK;
}
