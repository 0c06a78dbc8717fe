// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF: every kind, names, split BTF, and bytes that lie.
 */
#include "btf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btfmake.h"
#include "unit.h"

enum { INT = 1, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR };
enum { DATASEC = 15, FLOAT, DECL_TAG, TYPE_TAG, ENUM64, KIND_NR };

static struct kco_err err;

static struct kco_types *open_ok(const struct btfmake *m, struct kco_types *base)
{
	struct kco_types *types;
	size_t n;
	uint8_t *data = btfmake_take(m, &n);

	err = KCO_ERR_INIT;
	if (kco_btf_new_take(data, n, base, 8, &types, &err))
		fail_msg("%s", err.msg);
	return types;
}

static struct kco_type_info info_of(struct kco_types *types, uint64_t id)
{
	struct kco_type_info info;

	if (kco_type_info((struct kco_type){ types, id }, &info, &err))
		fail_msg("type %d: %s", (int)id, err.msg);
	return info;
}

static void test_btf__every_kind_is_told_with_its_size_and_target(void **state)
{
	struct btfmake m;
	struct kco_types *t;
	struct kco_type_info i;
	uint32_t u32, s8, ptr, arr, arr2, fwd, td, vol, cst, res, proto, func, var, flt, dtag, ttag, dsec;

	(void)state;
	btfmake_init(&m, NULL);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	s8 = btfmake_int(&m, "char", 1, 1, 8);
	ptr = btfmake_type(&m, "", PTR, 0, 0, u32);
	arr = btfmake_array(&m, u32, 6);
	arr2 = btfmake_array(&m, arr, 5);
	fwd = btfmake_type(&m, "later", FWD, 1, 0, 0);
	td = btfmake_type(&m, "u32", TYPEDEF, 0, 0, u32);
	vol = btfmake_type(&m, "", VOLATILE, 0, 0, td);
	cst = btfmake_type(&m, "", CONST, 0, 0, vol);
	res = btfmake_type(&m, "", RESTRICT, 0, 0, ptr);
	proto = btfmake_type(&m, "", FUNC_PROTO, 0, 1, s8);
	btfmake_enumerator(&m, "arg", u32); // a parameter has the same two words
	func = btfmake_type(&m, "do_it", FUNC, 0, 1, proto);
	var = btfmake_type(&m, "a_var", VAR, 0, 0, td);
	bytes_uint(&m.types, 1, 4);
	dsec = btfmake_type(&m, ".data..percpu", DATASEC, 0, 1, 4096);
	btfmake_member(&m, "", var, 0, 4);
	flt = btfmake_type(&m, "double", FLOAT, 0, 0, 8);
	dtag = btfmake_type(&m, "tag", DECL_TAG, 0, 0, td);
	bytes_uint(&m.types, UINT32_MAX, 4);
	ttag = btfmake_type(&m, "user", TYPE_TAG, 0, 0, u32);
	t = open_ok(&m, NULL);

	i = info_of(t, 0);
	assert_int_equal(i.kind, KCO_TYPE_VOID);
	i = info_of(t, u32);
	assert_int_equal(i.kind, KCO_TYPE_INT);
	assert_string_equal(i.name, "unsigned int");
	assert_int_equal(i.size, 4);
	assert_false(i.is_signed);
	assert_true(info_of(t, s8).is_signed);
	i = info_of(t, ptr);
	assert_int_equal(i.kind, KCO_TYPE_POINTER);
	assert_int_equal(i.size, 8);
	assert_int_equal(i.target.id, u32);
	i = info_of(t, arr2);
	assert_int_equal(i.kind, KCO_TYPE_ARRAY);
	assert_int_equal(i.size, 120);
	assert_int_equal(i.nr_elements, 5);
	assert_int_equal(i.target.id, arr);
	assert_int_equal(info_of(t, fwd).kind, KCO_TYPE_FORWARD);
	i = info_of(t, td);
	assert_int_equal(i.kind, KCO_TYPE_TYPEDEF);
	assert_int_equal(i.size, 4);
	for (uint32_t id = vol; id <= res; id++) {
		i = info_of(t, id);
		assert_int_equal(i.kind, KCO_TYPE_QUALIFIER);
		assert_int_equal(i.target.id, id == res ? ptr : id - 1);
		assert_int_equal(i.size, id == res ? 8 : 4);
	}
	assert_int_equal(cst, vol + 1);
	for (uint32_t id = proto; id <= func; id++) {
		i = info_of(t, id);
		assert_int_equal(i.kind, KCO_TYPE_FUNCTION);
		assert_int_equal(i.target.id, s8);
	}
	i = info_of(t, flt);
	assert_int_equal(i.kind, KCO_TYPE_FLOAT);
	assert_int_equal(i.size, 8);
	assert_string_equal(info_of(t, ttag).name, "user");
	assert_int_equal(info_of(t, ttag).target.id, u32);
	// What is behind the odd ones was found at its place.
	assert_int_equal(dsec, var + 1);
	assert_int_equal(dtag, flt + 1);
	kco_types_free(t);
	btfmake_fini(&m);
}

static void test_btf__bit_fields_of_both_encodings(void **state)
{
	struct btfmake m;
	struct kco_types *t;
	struct kco_member mem;
	uint32_t u32, bits3, with_flag, without;

	(void)state;
	btfmake_init(&m, NULL);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	// The older encoding: a base type of three bits, at bit 5 of its unit.
	bits3 = btfmake_int(&m, "unsigned int", 4, 0, 3 | 5 << 16);
	with_flag = btfmake_type(&m, "new", STRUCT, 1, 2, 8);
	btfmake_member(&m, "plain", u32, 0, 0);
	btfmake_member(&m, "bits", u32, 37, 3);
	without = btfmake_type(&m, "old", STRUCT, 0, 2, 8);
	btfmake_member(&m, "plain", u32, 0x1000020, 0); // all 32 bits are the offset here
	btfmake_member(&m, "bits", bits3, 32, 0);
	t = open_ok(&m, NULL);
	for (uint32_t id = with_flag; id <= without; id++) {
		struct kco_type type = { t, id };

		assert_int_equal(kco_type_member(type, 0, &mem, &err), KCO_OK);
		assert_string_equal(mem.name, "plain");
		assert_int_equal(mem.bit_size, 0);
		assert_int_equal(mem.bit_offset, id == without ? 0x1000020 : 0);
		assert_int_equal(kco_type_member(type, 1, &mem, &err), KCO_OK);
		assert_int_equal(mem.bit_offset, 37);
		assert_int_equal(mem.bit_size, 3);
		assert_int_equal(kco_type_member(type, 2, &mem, &err), KCO_E_NOTYPE);
	}
	assert_int_equal(kco_type_member((struct kco_type){ t, u32 }, 0, &mem, &err), KCO_E_NOTYPE);
	kco_types_free(t);
	btfmake_fini(&m);
}

static void put_enums(struct btfmake *m, bool flags)
{
	btfmake_type(m, "plain", ENUM, 0, 3, 4);
	btfmake_enumerator(m, "ZERO", 0);
	btfmake_enumerator(m, "HIGH", 0x80000000);
	btfmake_enumerator(m, "ALL", UINT32_MAX);
	btfmake_type(m, "neg", ENUM, flags, 1, 4);
	btfmake_enumerator(m, "MINUS", (uint32_t)-5);
	btfmake_type(m, "wide", ENUM64, 0, 2, 8);
	btfmake_enumerator64(m, "WIDE", UINT64_C(0x123456789));
	btfmake_enumerator64(m, "WIDEST", UINT64_MAX);
}

static void test_btf__enumerators_and_their_signs(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 2; flags++) {
		struct btfmake m;
		struct kco_types *t;
		const char *name;
		int64_t v;

		btfmake_init(&m, NULL);
		put_enums(&m, flags);
		t = open_ok(&m, NULL);
		assert_int_equal(kco_types_enumerator(t, "MINUS", &v, &err), KCO_OK);
		assert_true(v == -5);
		// Where no enum says that it is signed, the encoder was too old to say so.
		assert_int_equal(kco_types_enumerator(t, "ALL", &v, &err), KCO_OK);
		assert_true(v == (flags ? (int64_t)UINT32_MAX : -1));
		assert_int_equal(info_of(t, 1).is_signed, !flags);
		assert_int_equal(info_of(t, 1).nr_members, 3);
		assert_int_equal(kco_types_enumerator(t, "WIDE", &v, &err), KCO_OK);
		assert_true(v == INT64_C(0x123456789));
		assert_int_equal(info_of(t, 3).kind, KCO_TYPE_ENUM);
		assert_int_equal(info_of(t, 3).size, 8);
		assert_int_equal(kco_type_enumerator((struct kco_type){ t, 1 }, 1, &name, &v, &err), KCO_OK);
		assert_string_equal(name, "HIGH");
		assert_int_equal(kco_type_enumerator((struct kco_type){ t, 1 }, 3, &name, &v, &err), KCO_E_NOTYPE);
		assert_int_equal(kco_types_enumerator(t, "NONE", &v, &err), KCO_E_NOTYPE);
		assert_msg(&err, "no enumerator NONE");
		kco_types_free(t);
		btfmake_fini(&m);
	}
}

static void test_btf__names_are_found_by_kind_and_the_first_wins(void **state)
{
	struct btfmake m;
	struct kco_types *t;
	struct kco_type type;
	uint32_t s1, u, e, td, i, var;

	(void)state;
	btfmake_init(&m, NULL);
	i = btfmake_int(&m, "long", 8, 1, 64);
	btfmake_type(&m, "same", FWD, 0, 0, 0);
	s1 = btfmake_type(&m, "same", STRUCT, 0, 0, 16);
	btfmake_type(&m, "same", STRUCT, 0, 0, 32);
	u = btfmake_type(&m, "same", UNION, 0, 0, 8);
	e = btfmake_type(&m, "same", ENUM, 0, 0, 4);
	td = btfmake_type(&m, "same", TYPEDEF, 0, 0, s1);
	btfmake_type(&m, "", STRUCT, 0, 0, 4);
	btfmake_type(&m, "same", FUNC, 0, 0, 0);
	var = btfmake_type(&m, "same", VAR, 0, 0, i);
	bytes_uint(&m.types, 0, 4);
	// Enough names for the table to have runs.
	for (unsigned k = 0; k < 3000; k++) {
		char name[32];

		snprintf(name, sizeof(name), "filler_%u", k);
		btfmake_type(&m, name, STRUCT, 0, 0, k);
	}
	t = open_ok(&m, NULL);
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "same", &type, &err), KCO_OK);
	assert_int_equal(type.id, s1);
	assert_ptr_equal(type.types, t);
	assert_int_equal(kco_types_find(t, KCO_TYPE_UNION, "same", &type, &err), KCO_OK);
	assert_int_equal(type.id, u);
	assert_int_equal(kco_types_find(t, KCO_TYPE_ENUM, "same", &type, &err), KCO_OK);
	assert_int_equal(type.id, e);
	assert_int_equal(kco_types_find(t, KCO_TYPE_TYPEDEF, "same", &type, &err), KCO_OK);
	assert_int_equal(type.id, td);
	assert_int_equal(kco_types_find(t, KCO_TYPE_INT, "long", &type, &err), KCO_OK);
	assert_int_equal(type.id, i);
	assert_int_equal(kco_types_variable(t, "same", &type, &err), KCO_OK);
	assert_int_equal(type.id, i);
	for (unsigned k = 0; k < 3000; k++) {
		char name[32];

		snprintf(name, sizeof(name), "filler_%u", k);
		assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, name, &type, &err), KCO_OK);
		assert_int_equal(type.id, var + 1 + k);
	}
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "long", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "no struct long");
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "", &type, &err), KCO_E_NOTYPE);
	assert_int_equal(kco_types_variable(t, "filler_1", &type, &err), KCO_E_NOTYPE);
	kco_types_free(t);
	btfmake_fini(&m);
}

struct each {
	unsigned n, stop;
	char names[256];
};

static bool each_name(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct each *e = arg;

	(void)id;
	snprintf(e->names + strlen(e->names), sizeof(e->names) - strlen(e->names), "%d:%s ", kind, name);
	return ++e->n != e->stop;
}

static void test_btf__split_goes_on_where_its_base_ends(void **state)
{
	struct btfmake base, split;
	struct kco_types *b, *s;
	struct kco_type type;
	struct kco_member mem;
	struct each e = { 0 };
	uint32_t i, td, own;
	int64_t v;

	(void)state;
	btfmake_init(&base, NULL);
	i = btfmake_int(&base, "int", 4, 1, 32);
	td = btfmake_type(&base, "mod_base", TYPEDEF, 0, 0, i);
	btfmake_type(&base, "shadowed", STRUCT, 0, 0, 4);
	put_enums(&base, true);
	btfmake_init(&split, &base);
	own = btfmake_type(&split, "mod_own", STRUCT, 0, 2, 8);
	btfmake_member(&split, "a", td, 0, 0);
	// A name that is in the base's strings.
	bytes_uint(&split.types, 1, 4);
	bytes_uint(&split.types, i, 4);
	bytes_uint(&split.types, 32, 4);
	btfmake_type(&split, "shadowed", STRUCT, 0, 0, 64);
	btfmake_type(&split, "own_enum", ENUM, 0, 1, 4);
	btfmake_enumerator(&split, "OWN", UINT32_MAX);
	b = open_ok(&base, NULL);
	s = open_ok(&split, b);

	assert_int_equal(kco_types_find(s, KCO_TYPE_STRUCT, "mod_own", &type, &err), KCO_OK);
	assert_int_equal(type.id, own);
	assert_int_equal(kco_type_member(type, 0, &mem, &err), KCO_OK);
	assert_string_equal(mem.name, "a");
	assert_int_equal(mem.type.id, td);
	assert_ptr_equal(mem.type.types, s);
	assert_string_equal(info_of(s, mem.type.id).name, "mod_base");
	assert_int_equal(info_of(s, mem.type.id).size, 4);
	assert_int_equal(kco_type_member(type, 1, &mem, &err), KCO_OK);
	assert_string_equal(mem.name, "int");
	// Its own come first; what it lacks is the base's.
	assert_int_equal(kco_types_find(s, KCO_TYPE_STRUCT, "shadowed", &type, &err), KCO_OK);
	assert_int_equal(info_of(s, type.id).size, 64);
	assert_int_equal(kco_types_find(b, KCO_TYPE_STRUCT, "shadowed", &type, &err), KCO_OK);
	assert_int_equal(info_of(b, type.id).size, 4);
	assert_int_equal(kco_types_find(s, KCO_TYPE_TYPEDEF, "mod_base", &type, &err), KCO_OK);
	assert_int_equal(type.id, td);
	assert_int_equal(kco_types_find(b, KCO_TYPE_STRUCT, "mod_own", &type, &err), KCO_E_NOTYPE);
	assert_int_equal(kco_types_enumerator(s, "MINUS", &v, &err), KCO_OK);
	assert_int_equal(kco_types_enumerator(s, "OWN", &v, &err), KCO_OK);
	// The base knows signed enums, so this one is unsigned.
	assert_true(v == (int64_t)UINT32_MAX);
	assert_int_equal(kco_types_each(s, "mod_", each_name, &e, &err), KCO_OK);
	assert_string_equal(e.names, "5:mod_own 8:mod_base ");
	e = (struct each){ .stop = 1 };
	assert_int_equal(kco_types_each(s, "", each_name, &e, &err), KCO_OK);
	assert_int_equal(e.n, 1);
	kco_types_free(s);
	kco_types_free(b);
	btfmake_fini(&split);
	btfmake_fini(&base);
}

static void test_btf__what_comes_before_an_unknown_kind_stays_usable(void **state)
{
	struct btfmake m;
	struct kco_types *t;
	struct kco_type type;
	struct kco_type_info info;

	(void)state;
	for (unsigned kind = 0; kind < 32; kind++) {
		if (kind > 0 && kind < KIND_NR)
			continue;
		btfmake_init(&m, NULL);
		btfmake_type(&m, "before", STRUCT, 0, 0, 24);
		btfmake_type(&m, "odd", kind, 0, 0, 0);
		btfmake_type(&m, "after", STRUCT, 0, 0, 48);
		t = open_ok(&m, NULL);
		assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "before", &type, &err), KCO_OK);
		assert_int_equal(info_of(t, type.id).size, 24);
		assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "after", &type, &err), KCO_E_NOTYPE);
		assert_msg(&err, "type 2 is of kind");
		assert_int_equal(kco_type_info((struct kco_type){ t, 3 }, &info, &err), KCO_E_CORRUPT);
		assert_msg(&err, "there is no type 3");
		kco_types_free(t);
		btfmake_fini(&m);
	}
}

static void test_btf__truncated_anywhere_never_reads_beyond_and_keeps_what_is_whole(void **state)
{
	struct btfmake m;
	uint8_t *whole;
	size_t n;

	(void)state;
	btfmake_init(&m, NULL);
	btfmake_int(&m, "int", 4, 1, 32);
	put_enums(&m, true);
	btfmake_type(&m, "s", STRUCT, 0, 1, 8);
	btfmake_member(&m, "x", 1, 0, 0);
	whole = btfmake_take(&m, &n);
	// The sections shrink with the file (as a partial copy, strings kept).
	for (size_t cut = 0; cut <= m.types.n; cut++) {
		struct btfmake part = m;
		struct kco_types *t;
		struct kco_type type;
		struct kco_member mem;
		uint8_t *data;
		size_t part_n;

		part.types.n = cut;
		data = btfmake_take(&part, &part_n);
		if (kco_btf_new_take(data, part_n, NULL, 8, &t, &err)) {
			assert_int_equal(err.code, KCO_E_CORRUPT);
			assert_true(cut > 0 && cut < 16);
			continue;
		}
		assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "s", &type, &err),
				 cut == m.types.n ? KCO_OK : KCO_E_NOTYPE);
		if (cut == m.types.n)
			assert_int_equal(kco_type_member(type, 0, &mem, &err), KCO_OK);
		kco_types_free(t);
	}
	// The file is shorter than its header says.
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *data = malloc(cut + 1);
		struct kco_types *t;

		memcpy(data, whole, cut);
		assert_int_equal(kco_btf_new_take(data, cut, NULL, 8, &t, &err), KCO_E_CORRUPT);
	}
	free(whole);
	btfmake_fini(&m);
}

static void test_btf__headers_that_lie_are_refused_with_a_reason(void **state)
{
	static const struct {
		size_t off, width;
		uint32_t value;
		enum kco_status status;
		const char *msg;
	} cases[] = {
		{ 0, 2, 0x9feb, KCO_E_UNSUPPORTED, "big-endian" },  { 0, 2, 0x1234, KCO_E_CORRUPT, "0x1234" },
		{ 2, 1, 2, KCO_E_UNSUPPORTED, "version 2" },	    { 4, 4, 23, KCO_E_CORRUPT, "header of 23" },
		{ 4, 4, UINT32_MAX, KCO_E_CORRUPT, "header of" },   { 8, 4, UINT32_MAX, KCO_E_CORRUPT, "reach over" },
		{ 12, 4, UINT32_MAX, KCO_E_CORRUPT, "reach over" }, { 16, 4, UINT32_MAX, KCO_E_CORRUPT, "reach over" },
		{ 20, 4, UINT32_MAX, KCO_E_CORRUPT, "reach over" }, { 20, 4, 2, KCO_E_CORRUPT, "does not end" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct btfmake m;
		struct kco_types *t;
		uint8_t *data;
		size_t n;

		btfmake_init(&m, NULL);
		btfmake_int(&m, "int", 4, 1, 32);
		data = btfmake_take(&m, &n);
		for (size_t k = 0; k < cases[i].width; k++)
			data[cases[i].off + k] = (uint8_t)(cases[i].value >> (8 * k));
		assert_int_equal(kco_btf_new_take(data, n, NULL, 8, &t, &err), cases[i].status);
		assert_msg(&err, cases[i].msg);
		btfmake_fini(&m);
	}
}

static void test_btf__circles_and_giants_end_with_an_error(void **state)
{
	struct btfmake m;
	struct kco_types *t;
	struct kco_type_info info;
	struct kco_type strip;
	uint32_t a, huge, big, deep;

	(void)state;
	btfmake_init(&m, NULL);
	// Two typedefs of each other, an array of itself, and arrays larger than memory.
	btfmake_type(&m, "a", TYPEDEF, 0, 0, 2);
	btfmake_type(&m, "b", TYPEDEF, 0, 0, 1);
	a = btfmake_array(&m, 3, 2);
	big = btfmake_type(&m, "big", STRUCT, 0, 0, UINT32_MAX);
	huge = btfmake_array(&m, btfmake_array(&m, big, UINT32_MAX), UINT32_MAX);
	btfmake_type(&m, "", PTR, 0, 0, 12345);
	btfmake_type(&m, "", CONST, 0, 0, 12345);
	deep = btfmake_int(&m, "char", 1, 1, 8);
	for (unsigned i = 0; i < 20; i++)
		deep = btfmake_type(&m, "", CONST, 0, 0, btfmake_array(&m, deep, 2));
	t = open_ok(&m, NULL);
	// Deep is not too deep.
	assert_int_equal(info_of(t, deep).size, 1 << 20);
	assert_int_equal(kco_type_info((struct kco_type){ t, 1 }, &info, &err), KCO_E_CORRUPT);
	assert_msg(&err, "in a circle");
	assert_int_equal(kco_type_strip((struct kco_type){ t, 1 }, &strip, &err), KCO_E_CORRUPT);
	assert_int_equal(kco_type_info((struct kco_type){ t, a }, &info, &err), KCO_E_CORRUPT);
	assert_int_equal(kco_type_info((struct kco_type){ t, huge }, &info, &err), KCO_E_CORRUPT);
	assert_msg(&err, "larger than memory");
	// A pointer to nowhere is a pointer all the same; a qualified nothing is not.
	assert_int_equal(info_of(t, huge + 1).target.id, 12345);
	assert_int_equal(kco_type_info((struct kco_type){ t, huge + 2 }, &info, &err), KCO_E_CORRUPT);
	assert_msg(&err, "no type 12345");
	kco_types_free(t);
	btfmake_fini(&m);
}

static void test_btf__names_outside_the_strings_are_empty(void **state)
{
	struct btfmake m;
	struct kco_types *t;

	(void)state;
	btfmake_init(&m, NULL);
	btfmake_type(&m, "x", STRUCT, 0, 0, 4);
	memcpy(m.types.p, &(uint32_t){ 0x7fffffff }, 4);
	t = open_ok(&m, NULL);
	assert_string_equal(info_of(t, 1).name, "");
	kco_types_free(t);
	btfmake_fini(&m);
}

static void test_btf__a_base_that_is_cut_off_or_none_is_refused(void **state)
{
	static const struct kco_types_ops other = { .name = "other" };
	struct kco_types no_btf = { .ops = &other };
	struct btfmake m;
	struct kco_types *b, *t;
	uint8_t *data;
	size_t n;

	(void)state;
	btfmake_init(&m, NULL);
	btfmake_type(&m, "x", STRUCT, 0, 0, 4);
	data = btfmake_take(&m, &n);
	assert_int_equal(kco_btf_new_take(data, n, &no_btf, 8, &t, &err), KCO_E_USAGE);
	btfmake_type(&m, "odd", 31, 0, 0, 4);
	b = open_ok(&m, NULL);
	data = btfmake_take(&m, &n);
	// Type numbers behind the odd one are unknown, so a split BTF means nothing.
	assert_int_equal(kco_btf_new_take(data, n, b, 8, &t, &err), KCO_E_CORRUPT);
	assert_msg(&err, "base is incomplete");
	kco_types_free(b);
	btfmake_fini(&m);
}

static void test_btf__memory_running_out_leaves_nothing_behind(void **state)
{
	struct btfmake m;

	(void)state;
	btfmake_init(&m, NULL);
	put_enums(&m, true);
	for (long nth = 1;; nth++) {
		struct kco_types *t = NULL;
		size_t n;
		uint8_t *data = btfmake_take(&m, &n);
		bool failed;
		int64_t v;

		unit_fault_arm(nth);
		failed = kco_btf_new_take(data, n, NULL, 8, &t, &err) || kco_types_enumerator(t, "WIDE", &v, &err);
		if (failed)
			assert_int_equal(err.code, KCO_E_NOMEM);
		kco_types_free(t);
		if (!unit_fault_fired()) {
			assert_false(failed);
			break;
		}
	}
	btfmake_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_btf__every_kind_is_told_with_its_size_and_target),
		cmocka_unit_test(test_btf__bit_fields_of_both_encodings),
		cmocka_unit_test(test_btf__enumerators_and_their_signs),
		cmocka_unit_test(test_btf__names_are_found_by_kind_and_the_first_wins),
		cmocka_unit_test(test_btf__split_goes_on_where_its_base_ends),
		cmocka_unit_test(test_btf__what_comes_before_an_unknown_kind_stays_usable),
		cmocka_unit_test(test_btf__truncated_anywhere_never_reads_beyond_and_keeps_what_is_whole),
		cmocka_unit_test(test_btf__headers_that_lie_are_refused_with_a_reason),
		cmocka_unit_test(test_btf__circles_and_giants_end_with_an_error),
		cmocka_unit_test(test_btf__names_outside_the_strings_are_empty),
		cmocka_unit_test(test_btf__a_base_that_is_cut_off_or_none_is_refused),
		cmocka_unit_test(test_btf__memory_running_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
