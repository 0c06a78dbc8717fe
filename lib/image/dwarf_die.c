// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What single DIEs say, read with libdw: numbers, array bounds, kinds of
 * types, values of enumerators; and the forms in which compilers say it.
 */
#include "debuginfo.h"

#include <inttypes.h>

#include <dwarf.h>

#include "debuginfo_priv.h"

enum kco_status kco_dwarf_fail(const struct kco_debuginfo *di, struct kco_err *err, const char *what)
{
	const char *why = dwarf_errmsg(-1);

	return kco_fail(err, KCO_E_CORRUPT, "%s: %s: %s", di->path, what, why ? why : "no reason given");
}

int kco_dwarf_next(Dwarf_Die *die)
{
	Dwarf_Die next;
	int r = dwarf_siblingof(die, &next);

	if (r)
		return r < 0 ? -1 : 1;
	if (next.cu != die->cu || (uintptr_t)next.addr <= (uintptr_t)die->addr)
		return -1;
	*die = next;
	return 0;
}

bool kco_dwarf_uint(Dwarf_Die *die, unsigned name, uint64_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &word))
		return false;
	*value = word;
	return true;
}

/* Elements of the dimension that subrange @die describes; 0 for int a[] and int a[0]. */
static uint64_t dwarf_die_dimension(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	uint64_t n, lower = 0;

	if (kco_dwarf_uint(die, DW_AT_count, &n))
		return n;
	if (!kco_dwarf_uint(die, DW_AT_upper_bound, &n) || !dwarf_attr(die, DW_AT_upper_bound, &attr))
		return 0;
	// -1 is how compilers say "no element", older ones in four bytes; of eight it comes out as 0 below.
	if (n == UINT32_MAX && dwarf_whatform(&attr) == DW_FORM_data4)
		return 0;
	kco_dwarf_uint(die, DW_AT_lower_bound, &lower);
	return n - lower + 1;
}

enum kco_status kco_dwarf_elements(const struct kco_debuginfo *di, Dwarf_Die *die, uint64_t *ret, struct kco_err *err)
{
	uint64_t n = 1;
	bool any = false;
	Dwarf_Die sub;
	int r;

	for (r = dwarf_child(die, &sub); r == 0; r = kco_dwarf_next(&sub)) {
		int tag = dwarf_tag(&sub);

		if (tag != DW_TAG_subrange_type && tag != DW_TAG_enumeration_type)
			continue;
		any = true;
		if (__builtin_mul_overflow(n, dwarf_die_dimension(&sub), &n))
			return kco_fail(err, KCO_E_CORRUPT, "%s: an array that is too large", di->path);
	}
	if (r < 0)
		return kco_dwarf_fail(di, err, "an array's dimensions");
	*ret = any ? n : 0;
	return KCO_OK;
}

uint64_t kco_dwarf_pointer_size(Dwarf_Die *die)
{
	uint64_t size;
	uint8_t address_size = 8;
	Dwarf_Die cu;

	if (kco_dwarf_uint(die, DW_AT_byte_size, &size))
		return size;
	dwarf_diecu(die, &cu, &address_size, NULL);
	return address_size;
}

enum kco_type_kind kco_dwarf_type_kind(Dwarf_Die *die)
{
	uint64_t encoding;

	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		if (kco_dwarf_uint(die, DW_AT_encoding, &encoding) &&
		    (encoding == DW_ATE_float || encoding == DW_ATE_complex_float || encoding == DW_ATE_decimal_float ||
		     encoding == DW_ATE_imaginary_float))
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

bool kco_dwarf_encoding_signed(uint64_t encoding)
{
	return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char || encoding == DW_ATE_signed_fixed;
}

enum kco_status kco_dwarf_enumerator_value(const struct kco_debuginfo *di, Dwarf_Die *die, int64_t *value,
					   struct kco_err *err)
{
	Dwarf_Attribute attr;
	Dwarf_Sword sword;
	Dwarf_Word word;
	int r;

	if (!dwarf_attr(die, DW_AT_const_value, &attr))
		return kco_dwarf_fail(di, err, "an enumerator's value");
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
	return r ? kco_dwarf_fail(di, err, "an enumerator's value") : KCO_OK;
}
