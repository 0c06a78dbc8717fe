// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CTF: every kind in every version, names, variables, children, archives,
 * bytes that lie, and the same answers as DWARF for one kernel.
 */
#include "ctf.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctfmake.h"
#include "samples.h"

static const enum ctfmake_version versions[] = { CTFMAKE_2, CTFMAKE_3, CTFMAKE_GNU };
#define VERSIONS 3

static struct kco_err err;
static const struct kco_ctf_elf no_elf = { .ptr_size = 8, .elf64 = true };

static enum kco_status open_bytes(const void *data, size_t n, const struct kco_types *parent, struct kco_types **ret)
{
	// A copy of its own, so that the sanitizer sees each byte too many.
	void *copy = malloc(n ? n : 1);
	enum kco_status st;

	memcpy(copy, data, n);
	err = KCO_ERR_INIT;
	st = kco_ctf_new(copy, n, &no_elf, parent, ret, &err);
	free(copy);
	return st;
}

static struct kco_types *open_elf(const struct ctfmake *m, const struct kco_ctf_elf *elf)
{
	struct kco_types *types;
	size_t n;
	uint8_t *data = ctfmake_take(m, &n);

	err = KCO_ERR_INIT;
	if (kco_ctf_new(data, n, elf, NULL, &types, &err))
		fail_msg("%s", err.msg);
	free(data);
	return types;
}

static struct kco_types *open_ok(const struct ctfmake *m)
{
	return open_elf(m, &no_elf);
}

static struct kco_type_info info_of(struct kco_types *types, uint64_t id)
{
	struct kco_type_info info;

	if (kco_type_info((struct kco_type){ types, id }, &info, &err))
		fail_msg("type %#x: %s", (unsigned)id, err.msg);
	return info;
}

static struct kco_member member_of(struct kco_types *types, uint64_t id, uint32_t index)
{
	struct kco_member member;

	if (kco_type_member((struct kco_type){ types, id }, index, &member, &err))
		fail_msg("member %u of %#x: %s", index, (unsigned)id, err.msg);
	return member;
}

static void check_kinds(enum ctfmake_version version)
{
	struct ctfmake m;
	struct kco_types *t;
	struct kco_type_info i;
	uint32_t u32, s8, none, ptr, vptr, row, grid, fwd, td, vol, cst, res, fn, args[3], flt, hole, st;

	ctfmake_init(&m, version);
	u32 = ctfmake_int(&m, "unsigned int", 4, 0, 32);
	s8 = ctfmake_int(&m, "char", 1, 3, 8);
	none = ctfmake_int(&m, "void", 0, 1, 0);
	ptr = ctfmake_type(&m, "", CTFMAKE_POINTER, 0, u32);
	vptr = ctfmake_type(&m, "", CTFMAKE_POINTER, 0, none);
	row = ctfmake_array(&m, u32, u32, 6);
	grid = ctfmake_array(&m, row, u32, 5);
	fwd = ctfmake_type(&m, "later", CTFMAKE_FORWARD, 0, 0);
	td = ctfmake_type(&m, "u32", CTFMAKE_TYPEDEF, 0, u32);
	vol = ctfmake_type(&m, "", CTFMAKE_VOLATILE, 0, td);
	cst = ctfmake_type(&m, "", CTFMAKE_CONST, 0, vol);
	res = ctfmake_type(&m, "", CTFMAKE_RESTRICT, 0, ptr);
	args[0] = u32;
	args[1] = ptr;
	args[2] = 0;
	fn = ctfmake_function(&m, s8, args, 3);
	flt = ctfmake_float(&m, "double", 8, 2);
	hole = ctfmake_type(&m, "", 0, 0, 0);
	st = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 2, 24);
	ctfmake_member(&m, "a", grid, 0);
	ctfmake_member(&m, "", vptr, 128);
	t = open_ok(&m);

	assert_int_equal(info_of(t, 0).kind, KCO_TYPE_VOID);
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
	assert_int_equal(info_of(t, vptr).target.id, 0);
	i = info_of(t, grid);
	assert_int_equal(i.kind, KCO_TYPE_ARRAY);
	assert_int_equal(i.nr_elements, 30);
	assert_int_equal(i.target.id, u32);
	assert_int_equal(i.size, 120);
	assert_int_equal(info_of(t, row).nr_elements, 6);
	i = info_of(t, fwd);
	assert_int_equal(i.kind, KCO_TYPE_FORWARD);
	assert_string_equal(i.name, "later");
	assert_int_equal(i.size, 0);
	i = info_of(t, td);
	assert_int_equal(i.kind, KCO_TYPE_TYPEDEF);
	assert_string_equal(i.name, "u32");
	assert_int_equal(i.size, 4);
	assert_int_equal(info_of(t, cst).kind, KCO_TYPE_QUALIFIER);
	assert_int_equal(info_of(t, cst).target.id, vol);
	assert_int_equal(info_of(t, vol).target.id, td);
	assert_int_equal(info_of(t, res).target.id, ptr);
	assert_int_equal(info_of(t, res).size, 8);
	i = info_of(t, fn);
	assert_int_equal(i.kind, KCO_TYPE_FUNCTION);
	assert_int_equal(i.target.id, s8);
	assert_int_equal(i.size, 0);
	assert_int_equal(info_of(t, flt).kind, KCO_TYPE_FLOAT);
	assert_int_equal(info_of(t, flt).size, 8);
	assert_int_equal(info_of(t, hole).kind, KCO_TYPE_VOID);
	i = info_of(t, st); // behind a function with an odd number of arguments
	assert_int_equal(i.kind, KCO_TYPE_STRUCT);
	assert_int_equal(i.nr_members, 2);
	assert_int_equal(member_of(t, st, 1).bit_offset, 128);
	assert_string_equal(member_of(t, st, 1).name, "");
	assert_int_equal(kco_type_info((struct kco_type){ t, st + 1 }, &i, &err), KCO_E_CORRUPT);
	assert_msg(&err, "there is no type");
	kco_types_free(t);
	ctfmake_fini(&m);
}

static void test_ctf__every_kind_is_told_with_its_size_and_target(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++)
		check_kinds(versions[v]);
}

/* Sizes and offsets that do not fit into the short records. */
static void test_ctf__large_structs_have_the_long_records(void **state)
{
	static const struct {
		uint64_t size, offset;
	} cases[] = {
		{ 8191, 65528 },
		{ 8192, 65536 },
		{ 65534, 524264 },
		{ 65535, 524272 },
		{ 65536, 524280 },
		{ 0x1fffffff, 0xfffffff0 },
		{ 0x20000000, 0x100000000 },
		{ 0xfffffffe, 0x700000000 },
		{ 0x1234567890, 0x9000000000 },
	};

	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct ctfmake m;
			struct kco_types *t;
			uint32_t u8, st, after;

			ctfmake_init(&m, versions[v]);
			u8 = ctfmake_int(&m, "u8", 1, 0, 8);
			st = ctfmake_type(&m, "big", CTFMAKE_STRUCT, 2, cases[i].size);
			ctfmake_member(&m, "first", u8, 0);
			ctfmake_member(&m, "last", u8, cases[i].offset);
			after = ctfmake_type(&m, "t", CTFMAKE_TYPEDEF, 0, st);
			t = open_ok(&m);
			assert_int_equal(info_of(t, st).size, cases[i].size);
			assert_int_equal(member_of(t, st, 1).bit_offset, cases[i].offset);
			assert_int_equal(member_of(t, st, 1).type.id, u8);
			assert_int_equal(info_of(t, after).target.id, st);
			kco_types_free(t);
			ctfmake_fini(&m);
		}
	}
}

static void check_bits(struct kco_types *t, uint64_t st, uint32_t index, uint64_t offset, uint32_t bits)
{
	struct kco_member member = member_of(t, st, index);

	assert_int_equal(member.bit_offset, offset);
	assert_int_equal(member.bit_size, bits);
}

static void test_ctf__bit_fields_by_narrow_integers_and_by_slices(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	uint32_t u32, td, three, st, slice, etype;

	(void)state;
	ctfmake_init(&m, CTFMAKE_2);
	u32 = ctfmake_int(&m, "unsigned int", 4, 0, 32);
	m.not_root = true;
	three = ctfmake_int(&m, "unsigned int", 4, 0, 3);
	m.not_root = false;
	st = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 3, 8);
	ctfmake_member(&m, "a", three, 0);
	ctfmake_member(&m, "b", three, 3);
	ctfmake_member(&m, "c", u32, 32);
	t = open_ok(&m);
	check_bits(t, st, 0, 0, 3);
	check_bits(t, st, 1, 3, 3);
	check_bits(t, st, 2, 32, 0);
	assert_string_equal(info_of(t, member_of(t, st, 1).type.id).name, "unsigned int");
	kco_types_free(t);
	ctfmake_fini(&m);

	ctfmake_init(&m, CTFMAKE_GNU);
	u32 = ctfmake_int(&m, "unsigned int", 4, 0, 32);
	td = ctfmake_type(&m, "u32", CTFMAKE_TYPEDEF, 0, u32);
	etype = ctfmake_type(&m, "e", CTFMAKE_ENUM, 1, 4);
	ctfmake_enumerator(&m, "E", 1);
	slice = ctfmake_slice(&m, td, 2, 5, 1);
	st = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 3, 8);
	ctfmake_member(&m, "a", slice, 32);
	ctfmake_member(&m, "b", ctfmake_width(&m) + 2 /* the next but this struct */, 40);
	ctfmake_member(&m, "c", etype, 0);
	ctfmake_slice(&m, etype, 0, 4, 1);
	t = open_ok(&m);
	check_bits(t, st, 0, 34, 5);
	assert_int_equal(member_of(t, st, 0).type.id, td); // as it was declared
	check_bits(t, st, 1, 40, 4);
	assert_int_equal(member_of(t, st, 1).type.id, etype);
	assert_int_equal(info_of(t, slice).kind, KCO_TYPE_QUALIFIER);
	assert_int_equal(info_of(t, slice).size, 4);
	kco_types_free(t);
	ctfmake_fini(&m);
}

/* struct { enum e a:8; short b; enum e c:5, d:2; int e; enum e f; }: CTF has the offsets only. */
static void test_ctf__widths_of_enums_are_inferred_where_they_must_be(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	uint32_t e, neg, i16, i32, st;

	(void)state;
	ctfmake_init(&m, CTFMAKE_2);
	i16 = ctfmake_int(&m, "short", 2, 1, 16);
	i32 = ctfmake_int(&m, "int", 4, 1, 32);
	e = ctfmake_type(&m, "e", CTFMAKE_ENUM, 2, 4);
	ctfmake_enumerator(&m, "E0", 0);
	ctfmake_enumerator(&m, "E10", 10);
	neg = ctfmake_type(&m, "neg", CTFMAKE_ENUM, 2, 4);
	ctfmake_enumerator(&m, "MINUS", -200);
	ctfmake_enumerator(&m, "PLUS", 1);
	st = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 8, 24);
	ctfmake_member(&m, "a", e, 0);
	ctfmake_member(&m, "b", i16, 16);
	ctfmake_member(&m, "c", e, 32);
	ctfmake_member(&m, "d", e, 37);
	ctfmake_member(&m, "e", i32, 64);
	ctfmake_member(&m, "f", e, 96);
	ctfmake_member(&m, "g", neg, 128);
	ctfmake_member(&m, "h", i16, 144);
	t = open_ok(&m);
	check_bits(t, st, 0, 0, 8); // the padding behind it is not its own
	check_bits(t, st, 2, 32, 5);
	check_bits(t, st, 3, 37, 8);
	check_bits(t, st, 5, 96, 0); // fills its four bytes
	check_bits(t, st, 6, 128, 16);
	kco_types_free(t);
	ctfmake_fini(&m);
}

static void test_ctf__enumerators_and_their_signs(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		struct ctfmake m;
		struct kco_types *t;
		uint32_t up, down;
		const char *name;
		int64_t value;

		ctfmake_init(&m, versions[v]);
		up = ctfmake_type(&m, "up", CTFMAKE_ENUM, 2, 4);
		ctfmake_enumerator(&m, "UP", 1);
		ctfmake_enumerator(&m, "TOP", INT32_MAX);
		down = ctfmake_type(&m, "down", CTFMAKE_ENUM, 1, 1);
		ctfmake_enumerator(&m, "DOWN", -7);
		t = open_ok(&m);
		assert_false(info_of(t, up).is_signed);
		assert_int_equal(info_of(t, up).nr_members, 2);
		assert_true(info_of(t, down).is_signed);
		assert_int_equal(info_of(t, down).size, 1);
		assert_int_equal(kco_type_enumerator((struct kco_type){ t, up }, 1, &name, &value, &err), KCO_OK);
		assert_string_equal(name, "TOP");
		assert_int_equal(value, INT32_MAX);
		assert_int_equal(kco_types_enumerator(t, "DOWN", &value, &err), KCO_OK);
		assert_int_equal(value, -7);
		assert_int_equal(kco_types_enumerator(t, "SIDEWAYS", &value, &err), KCO_E_NOTYPE);
		assert_msg(&err, "no enumerator SIDEWAYS in the CTF");
		assert_int_equal(kco_type_enumerator((struct kco_type){ t, up }, 2, &name, &value, &err), KCO_E_NOTYPE);
		kco_types_free(t);
		ctfmake_fini(&m);
	}
}

struct seen {
	unsigned n;
	char names[8][16];
};

static bool see(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct seen *s = arg;

	(void)kind;
	(void)id;
	snprintf(s->names[s->n++ % 8], sizeof(s->names[0]), "%s", name);
	return s->n < 8;
}

static void test_ctf__root_types_are_what_names_mean(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	struct kco_type type;
	struct seen seen = { 0 };
	uint32_t hidden, s, wide;

	(void)state;
	ctfmake_init(&m, CTFMAKE_3);
	m.not_root = true;
	hidden = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 0, 4);
	ctfmake_int(&m, "int", 4, 1, 5);
	m.not_root = false;
	wide = ctfmake_int(&m, "int", 4, 1, 32);
	s = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 0, 8);
	ctfmake_type(&m, "s", CTFMAKE_TYPEDEF, 0, s);
	ctfmake_type(&m, "other", CTFMAKE_UNION, 0, 8);
	t = open_ok(&m);
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "s", &type, &err), KCO_OK);
	assert_int_equal(type.id, s);
	assert_int_equal(info_of(t, hidden).size, 4);
	assert_int_equal(kco_types_find(t, KCO_TYPE_TYPEDEF, "s", &type, &err), KCO_OK);
	assert_int_equal(type.id, s + 1);
	assert_int_equal(kco_types_find(t, KCO_TYPE_INT, "int", &type, &err), KCO_OK);
	assert_int_equal(type.id, wide);
	assert_int_equal(kco_types_find(t, KCO_TYPE_UNION, "s", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "no union s in the CTF");
	assert_int_equal(kco_types_each(t, "", see, &seen, &err), KCO_OK);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.names[2], "other");
	kco_types_free(t);
	ctfmake_fini(&m);

	// OpenBSD's encoder marks none: all may be found, but no bit-field's integer.
	ctfmake_init(&m, CTFMAKE_2);
	m.not_root = true;
	ctfmake_int(&m, "int", 4, 1, 5);
	wide = ctfmake_int(&m, "int", 4, 1, 32);
	s = ctfmake_type(&m, "s", CTFMAKE_STRUCT, 0, 4);
	t = open_ok(&m);
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "s", &type, &err), KCO_OK);
	assert_int_equal(type.id, s);
	assert_int_equal(kco_types_find(t, KCO_TYPE_INT, "int", &type, &err), KCO_OK);
	assert_int_equal(type.id, wide);
	kco_types_free(t);
	ctfmake_fini(&m);
}

struct table {
	struct bytes syms, strs;
	bool elf64;
};

static void table_add(struct table *t, const char *name, unsigned type, unsigned section, uint64_t value)
{
	uint32_t at = (uint32_t)t->strs.n;

	bytes_put(&t->strs, name, strlen(name) + 1);
	bytes_uint(&t->syms, *name ? at : 0, 4);
	if (!t->elf64) {
		bytes_uint(&t->syms, value, 4);
		bytes_uint(&t->syms, 8, 4);
	}
	bytes_uint(&t->syms, STB_GLOBAL << 4 | type, 1);
	bytes_uint(&t->syms, 0, 1);
	bytes_uint(&t->syms, section, 2);
	if (t->elf64) {
		bytes_uint(&t->syms, value, 8);
		bytes_uint(&t->syms, 8, 8);
	}
}

static void check_variables(enum ctfmake_version version, bool elf64)
{
	struct table tab = { .elf64 = elf64 };
	struct kco_ctf_elf elf = { .ptr_size = elf64 ? 8 : 4, .elf64 = elf64 };
	struct ctfmake m;
	struct kco_types *t;
	struct kco_type type;
	uint32_t i32, u64, external, mine;

	bytes_uint(&tab.strs, 0, 1);
	table_add(&tab, "", STT_NOTYPE, SHN_UNDEF, 0);
	table_add(&tab, "main", STT_FUNC, 1, 16);
	table_add(&tab, "first", STT_OBJECT, 2, 32);
	table_add(&tab, "imported", STT_OBJECT, SHN_UNDEF, 0);
	table_add(&tab, "", STT_OBJECT, 2, 40);
	table_add(&tab, "_START_", STT_OBJECT, 2, 40);
	table_add(&tab, "nothing", STT_OBJECT, SHN_ABS, 0);
	table_add(&tab, "typeless", STT_OBJECT, 2, 48);
	table_add(&tab, "label", STT_NOTYPE, 2, 48);
	table_add(&tab, "second", STT_OBJECT, SHN_ABS, 56);
	table_add(&tab, "beyond", STT_OBJECT, 2, 64);
	ctfmake_init(&m, version);
	i32 = ctfmake_int(&m, "int", 4, 1, 32);
	u64 = ctfmake_int(&m, "unsigned long", 8, 0, 64);
	// A name out of the ELF file's strings: "first" is at 7.
	external = ctfmake_begin(&m, 0x80000007, CTFMAKE_STRUCT, 0, 12);
	ctfmake_object(&m, i32);
	ctfmake_object(&m, 0);
	ctfmake_object(&m, u64);
	elf.symtab = (struct kco_ctf_symtab){ tab.syms.p, tab.syms.n, (char *)tab.strs.p, tab.strs.n };
	if (version == CTFMAKE_GNU && elf64) {
		elf.dynsym = elf.symtab;
		elf.symtab = (struct kco_ctf_symtab){ 0 };
		m.flags = 8;
	}
	t = open_elf(&m, &elf);
	assert_int_equal(kco_types_variable(t, "first", &type, &err), KCO_OK);
	assert_int_equal(type.id, i32);
	assert_int_equal(kco_types_variable(t, "second", &type, &err), KCO_OK);
	assert_int_equal(type.id, u64);
	assert_int_equal(kco_types_variable(t, "typeless", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "no variable typeless");
	assert_int_equal(kco_types_variable(t, "beyond", &type, &err), KCO_E_NOTYPE);
	assert_int_equal(kco_types_variable(t, "_START_", &type, &err), KCO_E_NOTYPE);
	assert_string_equal(info_of(t, external).name, "first");
	kco_types_free(t);

	// Strings that do not end are those up to the last that does.
	mine = (uint32_t)tab.strs.n - 2;
	if (m.flags)
		elf.dynsym.strs_size = mine;
	else
		elf.symtab.strs_size = mine;
	t = open_elf(&m, &elf);
	assert_int_equal(kco_types_variable(t, "second", &type, &err), KCO_OK);
	kco_types_free(t);
	ctfmake_fini(&m);
	free(tab.syms.p);
	free(tab.strs.p);
}

static void test_ctf__variables_follow_the_symbol_table(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		check_variables(versions[v], true);
		check_variables(versions[v], false);
	}
}

static void test_ctf__gnu_variables_have_names(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	struct kco_type type;
	uint32_t i32, u64;

	(void)state;
	ctfmake_init(&m, CTFMAKE_GNU);
	i32 = ctfmake_int(&m, "int", 4, 1, 32);
	u64 = ctfmake_int(&m, "unsigned long", 8, 0, 64);
	ctfmake_named(&m, true, "shared", u64);
	ctfmake_named(&m, true, "typeless", 0);
	ctfmake_named(&m, false, "local", i32);
	t = open_ok(&m);
	assert_int_equal(kco_types_variable(t, "shared", &type, &err), KCO_OK);
	assert_int_equal(type.id, u64);
	assert_int_equal(kco_types_variable(t, "local", &type, &err), KCO_OK);
	assert_int_equal(type.id, i32);
	assert_int_equal(kco_types_variable(t, "typeless", &type, &err), KCO_E_NOTYPE);
	kco_types_free(t);
	ctfmake_fini(&m);
}

static void test_ctf__a_child_goes_on_from_its_parent(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		struct ctfmake p, c;
		struct kco_types *parent, *child, *none;
		struct kco_type type;
		uint32_t i32, own;
		uint8_t *data;
		int64_t value;
		size_t n;

		ctfmake_init(&p, versions[v]);
		i32 = ctfmake_int(&p, "int", 4, 1, 32);
		ctfmake_type(&p, "e", CTFMAKE_ENUM, 1, 4);
		ctfmake_enumerator(&p, "IN_PARENT", 3);
		parent = open_ok(&p);
		ctfmake_init(&c, versions[v]);
		ctfmake_child(&c, "kernel");
		own = ctfmake_type(&c, "own", CTFMAKE_STRUCT, 1, 4);
		ctfmake_member(&c, "x", i32, 0);
		data = ctfmake_take(&c, &n);

		assert_int_equal(open_bytes(data, n, NULL, &none), KCO_E_UNSUPPORTED);
		assert_msg(&err, "goes on from the types of 'kernel'");
		assert_int_equal(open_bytes(data, n, parent, &child), KCO_OK);
		assert_int_equal(kco_types_find(child, KCO_TYPE_STRUCT, "own", &type, &err), KCO_OK);
		assert_int_equal(type.id, own);
		assert_int_equal(member_of(child, own, 0).type.id, i32);
		assert_string_equal(info_of(child, i32).name, "int");
		assert_int_equal(kco_types_find(child, KCO_TYPE_INT, "int", &type, &err), KCO_OK);
		assert_int_equal(type.id, i32);
		assert_int_equal(kco_types_enumerator(child, "IN_PARENT", &value, &err), KCO_OK);
		kco_types_free(child);
		free(data);

		// What is complete in itself is nobody's child.
		data = ctfmake_take(&p, &n);
		assert_int_equal(open_bytes(data, n, parent, &none), KCO_E_CORRUPT);
		assert_msg(&err, "no child");
		free(data);
		kco_types_free(parent);
		ctfmake_fini(&p);
		ctfmake_fini(&c);
	}
}

static void test_ctf__the_dictionary_that_all_share_is_taken_from_an_archive(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	struct kco_type type;
	uint8_t *data;
	size_t n;

	(void)state;
	ctfmake_init(&m, CTFMAKE_GNU);
	ctfmake_type(&m, "s", CTFMAKE_STRUCT, 0, 4);
	data = ctfmake_archive(&m, 2, &n);
	assert_int_equal(open_bytes(data, n, NULL, &t), KCO_OK);
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "s", &type, &err), KCO_OK);
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "differs", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "2 files have types of their own");
	kco_types_free(t);
	for (size_t cut = 0; cut < n; cut++)
		if (!open_bytes(data, cut, NULL, &t))
			kco_types_free(t);
	for (size_t off = 8; off < 40 + 3 * 16; off++) {
		uint8_t was = data[off];

		data[off] = 0xff;
		if (!open_bytes(data, n, NULL, &t))
			kco_types_free(t);
		data[off] = was;
	}
	free(data);
	ctfmake_fini(&m);
}

static void put_some(struct ctfmake *m)
{
	uint32_t i32 = ctfmake_int(m, "int", 4, 1, 32), arr = ctfmake_array(m, i32, i32, 4), args[2] = { i32, arr };

	ctfmake_type(m, "s", CTFMAKE_STRUCT, 2, 20);
	ctfmake_member(m, "x", arr, 0);
	ctfmake_member(m, "y", i32, 128);
	ctfmake_function(m, i32, args, 2);
	ctfmake_type(m, "e", CTFMAKE_ENUM, 1, 4);
	ctfmake_enumerator(m, "E", 5);
	ctfmake_type(m, "last", CTFMAKE_TYPEDEF, 0, i32);
}

static void test_ctf__compressed_is_the_same(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		struct ctfmake m;
		struct kco_types *t;
		uint64_t size;
		uint8_t *data;
		size_t n;

		ctfmake_init(&m, versions[v]);
		put_some(&m);
		m.flags = 1;
		data = ctfmake_take(&m, &n);
		assert_int_equal(open_bytes(data, n, NULL, &t), KCO_OK);
		assert_int_equal(kco_types_sizeof(t, "s", &size, &err), KCO_OK);
		assert_int_equal(size, 20);
		assert_null(kco_ctf_torn(t));
		kco_types_free(t);
		for (size_t cut = 0; cut < n; cut++) {
			assert_int_not_equal(open_bytes(data, cut, NULL, &t), KCO_OK);
			assert_null(t);
		}
		data[n - 6] ^= 0x40;
		assert_int_equal(open_bytes(data, n, NULL, &t), KCO_E_CORRUPT);
		assert_msg(&err, "zlib");
		free(data);
		ctfmake_fini(&m);
	}
}

/* The size of the strings is the last word of the header: what the body should inflate to hangs on it. */
static void test_ctf__bombs_are_not_inflated(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	uint8_t *data;
	size_t n;

	(void)state;
	ctfmake_init(&m, CTFMAKE_3);
	put_some(&m);
	m.flags = 1;
	data = ctfmake_take(&m, &n);
	for (unsigned shift = 20; shift < 32; shift++) {
		for (unsigned k = 0; k < 4; k++)
			data[32 + k] = (uint8_t)(UINT32_C(1) << shift >> (8 * k));
		assert_int_equal(open_bytes(data, n, NULL, &t), KCO_E_CORRUPT);
		assert_msg(&err, "claims");
	}
	// A stream that gives more than it should: it ends where it should.
	for (unsigned k = 0; k < 4; k++)
		data[32 + k] = k == 0;
	assert_int_equal(open_bytes(data, n, NULL, &t), KCO_E_CORRUPT);
	free(data);
	ctfmake_fini(&m);
}

static void test_ctf__truncated_anywhere_never_reads_beyond_and_keeps_what_is_whole(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		struct ctfmake m;
		uint8_t *whole;
		size_t n;

		ctfmake_init(&m, versions[v]);
		put_some(&m);
		whole = ctfmake_take(&m, &n);
		for (size_t cut = 0; cut < m.types.n; cut++) {
			struct ctfmake part = m;
			struct kco_types *t;
			struct kco_type type;
			uint8_t *data;
			size_t part_n;

			part.types.n = cut;
			data = ctfmake_take(&part, &part_n);
			if (open_bytes(data, part_n, NULL, &t)) {
				assert_int_equal(err.code, KCO_E_CORRUPT);
				assert_true(cut < 16);
			} else {
				assert_int_equal(kco_types_find(t, KCO_TYPE_TYPEDEF, "last", &type, &err),
						 KCO_E_NOTYPE);
				assert_true(kco_ctf_torn(t) || strstr(err.msg, "in the CTF"));
				assert_int_equal(kco_types_find(t, KCO_TYPE_INT, "int", &type, &err), KCO_OK);
				kco_types_free(t);
			}
			free(data);
		}
		for (size_t cut = 0; cut < n; cut++) {
			struct kco_types *t;

			assert_int_not_equal(open_bytes(whole, cut, NULL, &t), KCO_OK);
			assert_null(t);
		}
		free(whole);
		ctfmake_fini(&m);
	}
}

static void test_ctf__headers_that_lie_are_refused_with_a_reason(void **state)
{
	static const struct {
		enum ctfmake_version version;
		size_t off, width;
		uint32_t value;
		enum kco_status status;
		const char *msg;
	} cases[] = {
		{ CTFMAKE_2, 0, 2, 0xf1cf, KCO_E_UNSUPPORTED, "big-endian" },
		{ CTFMAKE_2, 0, 2, 0x1234, KCO_E_CORRUPT, "0x1234" },
		{ CTFMAKE_2, 2, 1, 1, KCO_E_UNSUPPORTED, "version 1" },
		{ CTFMAKE_2, 2, 1, 4, KCO_E_UNSUPPORTED, "version 4" },
		{ CTFMAKE_GNU, 2, 1, 2, KCO_E_UNSUPPORTED, "version 2" },
		{ CTFMAKE_GNU, 2, 1, 6, KCO_E_UNSUPPORTED, "version 6" },
		{ CTFMAKE_2, 12, 4, UINT32_MAX, KCO_E_CORRUPT, "out of order" },
		{ CTFMAKE_2, 16, 4, UINT32_MAX, KCO_E_CORRUPT, "out of order" },
		{ CTFMAKE_2, 20, 4, UINT32_MAX, KCO_E_CORRUPT, "out of order" },
		{ CTFMAKE_2, 24, 4, UINT32_MAX, KCO_E_CORRUPT, "out of order" },
		{ CTFMAKE_2, 28, 4, UINT32_MAX, KCO_E_CORRUPT, "claims" },
		{ CTFMAKE_2, 28, 4, 0, KCO_E_CORRUPT, "out of order" },
		{ CTFMAKE_3, 32, 4, UINT32_MAX, KCO_E_CORRUPT, "claims" },
		{ CTFMAKE_3, 32, 4, 1000000, KCO_E_CORRUPT, "reach to" },
		{ CTFMAKE_3, 32, 4, 3, KCO_E_CORRUPT, "does not end" },
		{ CTFMAKE_GNU, 36, 4, UINT32_MAX, KCO_E_CORRUPT, "out of order" },
		{ CTFMAKE_GNU, 48, 4, UINT32_MAX, KCO_E_CORRUPT, "claims" },
		{ CTFMAKE_3, 8, 4, 1, KCO_E_UNSUPPORTED, "goes on from" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ctfmake m;
		struct kco_types *t;
		uint8_t *data;
		size_t n;

		ctfmake_init(&m, cases[i].version);
		ctfmake_object(&m, 1);
		ctfmake_int(&m, "int", 4, 1, 32);
		data = ctfmake_take(&m, &n);
		for (size_t k = 0; k < cases[i].width; k++)
			data[cases[i].off + k] = (uint8_t)(cases[i].value >> (8 * k));
		assert_int_equal(open_bytes(data, n, NULL, &t), cases[i].status);
		assert_msg(&err, cases[i].msg);
		free(data);
		ctfmake_fini(&m);
	}
}

static void test_ctf__circles_and_giants_end_with_an_error(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		struct ctfmake m;
		struct kco_types *t;
		struct kco_type_info info;
		struct kco_type strip;
		struct kco_field field;
		uint32_t u64, a, b, ring, giant, more, self;

		ctfmake_init(&m, versions[v]);
		u64 = ctfmake_int(&m, "unsigned long", 8, 0, 64);
		a = ctfmake_type(&m, "a", CTFMAKE_TYPEDEF, 0, 3);
		b = ctfmake_type(&m, "b", CTFMAKE_TYPEDEF, 0, 2);
		ring = ctfmake_array(&m, 4, u64, 2);
		giant = ctfmake_array(&m, u64, u64, UINT32_MAX);
		more = ctfmake_array(&m, giant, u64, UINT32_MAX);
		more = ctfmake_array(&m, more, u64, UINT32_MAX);
		self = ctfmake_type(&m, "self", CTFMAKE_STRUCT, 1, 8);
		ctfmake_member(&m, "", self, 0);
		t = open_ok(&m);
		assert_int_equal(a, 2);
		assert_int_equal(kco_type_info((struct kco_type){ t, b }, &info, &err), KCO_E_CORRUPT);
		assert_msg(&err, "in a circle");
		assert_int_equal(kco_type_strip((struct kco_type){ t, b }, &strip, &err), KCO_E_CORRUPT);
		assert_int_equal(kco_type_info((struct kco_type){ t, ring }, &info, &err), KCO_E_CORRUPT);
		assert_int_equal(info_of(t, giant).size, UINT32_MAX * UINT64_C(8));
		assert_int_equal(kco_type_info((struct kco_type){ t, more }, &info, &err), KCO_E_CORRUPT);
		assert_msg(&err, "larger than memory");
		assert_int_not_equal(kco_types_field(t, "self", "x", &field, &err), KCO_OK);
		kco_types_free(t);
		ctfmake_fini(&m);
	}
}

static void test_ctf__an_unknown_kind_ends_the_types(void **state)
{
	struct ctfmake m;
	struct kco_types *t;
	struct kco_type type;

	(void)state;
	ctfmake_init(&m, CTFMAKE_2);
	ctfmake_int(&m, "int", 4, 1, 32);
	ctfmake_type(&m, "odd", 31, 0, 4);
	ctfmake_type(&m, "lost", CTFMAKE_STRUCT, 0, 4);
	t = open_ok(&m);
	assert_non_null(kco_ctf_torn(t));
	assert_int_equal(kco_types_find(t, KCO_TYPE_INT, "int", &type, &err), KCO_OK);
	assert_int_equal(kco_types_find(t, KCO_TYPE_STRUCT, "lost", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "of a kind (31) that is not known");
	kco_types_free(t);
	ctfmake_fini(&m);

	// Slices are GNU's alone.
	ctfmake_init(&m, CTFMAKE_3);
	ctfmake_int(&m, "int", 4, 1, 32);
	ctfmake_slice(&m, 1, 0, 3, 1);
	t = open_ok(&m);
	assert_non_null(kco_ctf_torn(t));
	kco_types_free(t);
	ctfmake_fini(&m);
}

static void test_ctf__names_outside_the_strings_are_empty(void **state)
{
	struct ctfmake m;
	struct kco_types *t;

	(void)state;
	ctfmake_init(&m, CTFMAKE_2);
	ctfmake_begin(&m, 0x7fffffff, CTFMAKE_STRUCT, 0, 4);
	ctfmake_begin(&m, 0xffffffff, CTFMAKE_STRUCT, 0, 4);
	t = open_ok(&m);
	assert_string_equal(info_of(t, 1).name, "");
	assert_string_equal(info_of(t, 2).name, "");
	kco_types_free(t);
	ctfmake_fini(&m);
}

static void test_ctf__memory_running_out_leaves_nothing_behind(void **state)
{
	struct ctfmake m;
	uint8_t *data;
	size_t n;

	(void)state;
	ctfmake_init(&m, CTFMAKE_3);
	put_some(&m);
	m.flags = 1;
	data = ctfmake_take(&m, &n);
	for (long nth = 1;; nth++) {
		struct kco_types *t = NULL;
		bool failed;
		int64_t v;

		unit_fault_arm(nth);
		failed = kco_ctf_new(data, n, &no_elf, NULL, &t, &err) || kco_types_enumerator(t, "E", &v, &err);
		if (failed)
			assert_int_equal(err.code, KCO_E_NOMEM);
		kco_types_free(t);
		if (!unit_fault_fired()) {
			assert_false(failed);
			break;
		}
	}
	free(data);
	ctfmake_fini(&m);
}

/* Two sources of one program's types. */
struct pair {
	struct kco_types *a, *b; /* DWARF, CTF */
	unsigned compared;
	bool gnu;
};

static void compare_members(struct pair *p, struct kco_type a, struct kco_type b, uint32_t n, unsigned depth);

static void compare(struct pair *p, struct kco_type a, struct kco_type b, unsigned depth)
{
	struct kco_type_info x, y;

	if (kco_type_strip(a, &a, &err) || kco_type_strip(b, &b, &err) || kco_type_info(a, &x, &err) ||
	    kco_type_info(b, &y, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(x.kind, y.kind);
	assert_string_equal(x.name ? x.name : "", y.name ? y.name : "");
	assert_int_equal(x.size, y.size);
	assert_int_equal(x.nr_elements, y.nr_elements);
	assert_int_equal(x.nr_members, y.nr_members);
	// CTF does not say whether an enum is signed: 0xf0000000 is taken for a number below 0.
	if (strcmp(x.name, "sample_mask") != 0)
		assert_int_equal(x.is_signed, y.is_signed);
	p->compared++;
	if (depth < 4 && (x.kind == KCO_TYPE_POINTER || x.kind == KCO_TYPE_ARRAY || x.kind == KCO_TYPE_FUNCTION))
		compare(p, x.target, y.target, depth + 1);
	if (depth < 4)
		compare_members(p, a, b, x.nr_members, depth + 1);
}

static void compare_members(struct pair *p, struct kco_type a, struct kco_type b, uint32_t n, unsigned depth)
{
	for (uint32_t i = 0; i < n; i++) {
		struct kco_member x, y;
		const char *xname, *yname;
		int64_t xvalue, yvalue;

		if (kco_type_member(a, i, &x, NULL)) {
			assert_int_equal(kco_type_enumerator(a, i, &xname, &xvalue, &err), KCO_OK);
			assert_int_equal(kco_type_enumerator(b, i, &yname, &yvalue, &err), KCO_OK);
			assert_string_equal(xname, yname);
			assert_int_equal((uint32_t)xvalue, (uint32_t)yvalue);
			continue;
		}
		if (kco_type_member(b, i, &y, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(x.name, y.name);
		assert_int_equal(x.bit_offset, y.bit_offset);
		assert_int_equal(x.bit_size, y.bit_size);
		compare(p, x.type, y.type, depth);
	}
}

static bool compare_named(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct pair *p = arg;
	struct kco_type other;

	// GCC leaves out enumerators that its CTF cannot say.
	if (p->gnu && strcmp(name, "sample_mask") == 0)
		return true;
	// Two files mean different structs by this name: ld keeps both from the dictionary that all share.
	if (p->gnu && strcmp(name, "sample_twice") == 0) {
		assert_int_equal(kco_types_find(p->b, kind, name, &other, &err), KCO_E_NOTYPE);
		assert_msg(&err, "2 files have types of their own");
		return true;
	}
	if (kco_types_find(p->b, kind, name, &other, &err))
		fail_msg("%s", err.msg);
	compare(p, (struct kco_type){ p->a, id }, other, 0);
	return true;
}

static void test_ctf__says_of_a_kernel_what_dwarf_says(void **state)
{
	static const struct {
		const char *dwarf, *ctf;
		bool variables;
	} kernels[] = {
		{ SAMPLE("kernel-5"), SAMPLE("kernel-ctf2"), true },
		{ SAMPLE("kernel-5"), SAMPLE("kernel-ctf3"), true },
		{ SAMPLE("kernel-gctf"), SAMPLE("kernel-gctf"), false }, // ld keeps only what a dynamic table exports
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		struct kco_debuginfo *dwarf = sample_open(kernels[i].dwarf), *ctf = sample_open(kernels[i].ctf);
		struct pair p = { .gnu = !kernels[i].variables };
		struct kco_type x, y;

		assert_int_equal(kco_debuginfo_types_new(dwarf, &p.a, &err), KCO_OK);
		if (kco_debuginfo_ctf_new(ctf, &p.b, &err))
			fail_msg("%s", err.msg);
		assert_string_equal(p.b->ops->name, "ctf");
		assert_int_equal(kco_types_each(p.a, "", compare_named, &p, &err), KCO_OK);
		assert_true(p.compared > 60);
		if (kernels[i].variables) {
			assert_int_equal(kco_types_variable(p.a, "sample_variable", &x, &err), KCO_OK);
			assert_int_equal(kco_types_variable(p.b, "sample_variable", &y, &err), KCO_OK);
			compare(&p, x, y, 0);
			assert_int_equal(kco_types_variable(p.b, "sample_nowhere", &y, &err), KCO_E_NOTYPE);
		}
		kco_types_free(p.a);
		kco_types_free(p.b);
		kco_debuginfo_free(dwarf);
		kco_debuginfo_free(ctf);
	}
}

static void test_ctf__a_kernel_without_any_says_so(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_types *t;

	(void)state;
	assert_int_equal(kco_debuginfo_ctf_new(di, &t, &err), KCO_E_NOTYPE);
	assert_msg(&err, "has no CTF (no section .SUNW_ctf or .ctf)");
	assert_null(t);
	kco_debuginfo_free(di);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ctf__every_kind_is_told_with_its_size_and_target),
		cmocka_unit_test(test_ctf__large_structs_have_the_long_records),
		cmocka_unit_test(test_ctf__bit_fields_by_narrow_integers_and_by_slices),
		cmocka_unit_test(test_ctf__widths_of_enums_are_inferred_where_they_must_be),
		cmocka_unit_test(test_ctf__enumerators_and_their_signs),
		cmocka_unit_test(test_ctf__root_types_are_what_names_mean),
		cmocka_unit_test(test_ctf__variables_follow_the_symbol_table),
		cmocka_unit_test(test_ctf__gnu_variables_have_names),
		cmocka_unit_test(test_ctf__a_child_goes_on_from_its_parent),
		cmocka_unit_test(test_ctf__the_dictionary_that_all_share_is_taken_from_an_archive),
		cmocka_unit_test(test_ctf__compressed_is_the_same),
		cmocka_unit_test(test_ctf__bombs_are_not_inflated),
		cmocka_unit_test(test_ctf__truncated_anywhere_never_reads_beyond_and_keeps_what_is_whole),
		cmocka_unit_test(test_ctf__headers_that_lie_are_refused_with_a_reason),
		cmocka_unit_test(test_ctf__circles_and_giants_end_with_an_error),
		cmocka_unit_test(test_ctf__an_unknown_kind_ends_the_types),
		cmocka_unit_test(test_ctf__names_outside_the_strings_are_empty),
		cmocka_unit_test(test_ctf__memory_running_out_leaves_nothing_behind),
		cmocka_unit_test_setup_teardown(test_ctf__says_of_a_kernel_what_dwarf_says, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_ctf__a_kernel_without_any_says_so, sample_setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
