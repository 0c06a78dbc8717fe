// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fields by path, what is remembered of them, and reading their values. The
 * types come from made-up BTF; a counting source tells what is asked twice.
 */
#include <kco/type.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf.h"
#include "btfmake.h"
#include "unit.h"

struct fixture {
	struct btfmake m;
	struct kco_types *t;
	struct kco_err err;
	struct kco_field f;
};

/*
 * struct inner { int a; short b; };
 * struct outer {
 *   char comm[16];                         0
 *   struct inner in;                      16
 *   union { u64 u; struct { int x, y; }; } 24, anonymous
 *   struct inner arr[3];                  32
 *   u64 grid[2][4];                       56
 *   unsigned low:4, high:12;             120 (packed bits at 120, 124)
 *   const struct inner_t *ptr;           128
 *   int flex[];                          136
 * };
 */
static void fixture_init(struct fixture *f)
{
	struct btfmake *m = &f->m;
	uint32_t i32, i16, u64, chr, inner, inner_t, xy, un, comm, arr, row, grid, ptr, flex, u32;

	memset(f, 0, sizeof(*f));
	btfmake_init(m, NULL);
	i32 = btfmake_int(m, "int", 4, 1, 32);
	i16 = btfmake_int(m, "short", 2, 1, 16);
	u64 = btfmake_int(m, "unsigned long", 8, 0, 64);
	u32 = btfmake_int(m, "unsigned int", 4, 0, 32);
	chr = btfmake_int(m, "char", 1, 1, 8);
	inner = btfmake_type(m, "inner", 4, 0, 2, 8);
	btfmake_member(m, "a", i32, 0, 0);
	btfmake_member(m, "b", i16, 32, 0);
	inner_t = btfmake_type(m, "inner_t", 8, 0, 0, inner);
	xy = btfmake_type(m, "", 4, 0, 2, 8);
	btfmake_member(m, "x", i32, 0, 0);
	btfmake_member(m, "y", i32, 32, 0);
	un = btfmake_type(m, "", 5, 0, 2, 8);
	btfmake_member(m, "u", u64, 0, 0);
	btfmake_member(m, "", xy, 0, 0);
	comm = btfmake_array(m, chr, 16);
	arr = btfmake_array(m, inner_t, 3);
	row = btfmake_array(m, u64, 4);
	grid = btfmake_array(m, row, 2);
	ptr = btfmake_type(m, "", 2, 0, 0, inner);
	flex = btfmake_array(m, i32, 0);
	btfmake_type(m, "outer", 4, 1, 9, 136);
	btfmake_member(m, "comm", comm, 0, 0);
	btfmake_member(m, "in", inner_t, 128, 0);
	btfmake_member(m, "", un, 192, 0);
	btfmake_member(m, "arr", arr, 256, 0);
	btfmake_member(m, "grid", grid, 448, 0);
	btfmake_member(m, "low", u32, 960, 4);
	btfmake_member(m, "high", i32, 964, 12);
	btfmake_member(m, "ptr", ptr, 1024, 0);
	btfmake_member(m, "flex", flex, 1088, 0);
	btfmake_type(m, "outer_t", 8, 0, 0, m->id);
	// As ORC's entry: bits in the last bytes of a packed struct.
	btfmake_type(m, "packed", 4, 1, 4, 6);
	btfmake_member(m, "first", i16, 0, 0);
	btfmake_member(m, "wide", u32, 16, 20);
	btfmake_member(m, "last", u32, 36, 12);
	btfmake_member(m, "late", u32, 26, 20);
	btfmake_type(m, "loop", 4, 0, 2, 8);
	btfmake_member(m, "", m->id, 0, 0);
	btfmake_member(m, "", m->id, 0, 0);
}

static void fixture_open(struct fixture *f)
{
	size_t n;
	uint8_t *data = btfmake_take(&f->m, &n);

	if (kco_btf_new_take(data, n, NULL, 8, &f->t, &f->err))
		fail_msg("%s", f->err.msg);
}

static void fixture_fini(struct fixture *f)
{
	kco_types_free(f->t);
	btfmake_fini(&f->m);
}

static void test_types_field__paths_lead_to_their_bytes(void **state)
{
	static const struct {
		const char *name, *path;
		uint64_t offset;
		uint32_t size;
		bool is_signed;
	} cases[] = {
		{ "outer", "comm", 0, 16, false },	  { "outer", "comm[3]", 3, 1, true },
		{ "outer", "in", 16, 8, false },	  { "outer", "in.b", 20, 2, true },
		{ "outer", "u", 24, 8, false },		  { "outer", "y", 28, 4, true },
		{ "outer", "arr[2].b", 52, 2, true },	  { "outer", "arr[1]", 40, 8, false },
		{ "outer", "grid[1][3]", 112, 8, false }, { "outer", "grid[1]", 88, 32, false },
		{ "outer", "ptr", 128, 8, false },	  { "outer", "flex", 136, 0, false },
		{ "outer", "flex[5]", 156, 4, true },	  { "outer_t", "in.a", 16, 4, true },
		{ "inner_t", "b", 4, 2, true },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_open(&f);
	// The second round comes from memory.
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			memset(&f.f, 0xff, sizeof(f.f));
			if (kco_types_field(f.t, cases[i].name, cases[i].path, &f.f, &f.err))
				fail_msg("%s", f.err.msg);
			assert_int_equal(f.f.offset, cases[i].offset);
			assert_int_equal(f.f.size, cases[i].size);
			assert_int_equal(f.f.is_signed, cases[i].is_signed);
			assert_int_equal(f.f.bit_size, 0);
			assert_ptr_equal(f.f.type.types, f.t);
		}
	fixture_fini(&f);
}

static void test_types_field__what_is_missing_is_named(void **state)
{
	static const struct {
		const char *name, *path;
		enum kco_status status;
		const char *msg;
	} cases[] = {
		{ "nothing", "x", KCO_E_NOTYPE, "no struct nothing" },
		{ "outer", "z", KCO_E_NOTYPE, "struct outer has no member z" },
		{ "outer", "com", KCO_E_NOTYPE, "struct outer has no member com" },
		{ "outer", "in.z", KCO_E_NOTYPE, "outer.in (struct inner) has no member z" },
		{ "outer", "arr[2].z.q", KCO_E_NOTYPE, "outer.arr[2] (struct inner) has no member z" },
		{ "outer", "u.z", KCO_E_NOTYPE, "outer: u is no struct, so it has no z" },
		{ "outer", "ptr.a", KCO_E_NOTYPE, "outer: ptr is no struct" },
		{ "outer", "arr[3]", KCO_E_NOTYPE, "outer.arr has 3 elements" },
		{ "outer", "u[0]", KCO_E_NOTYPE, "outer.u is no array" },
		{ "outer", "", KCO_E_USAGE, "no path" },
		{ "outer", "in.", KCO_E_USAGE, "no path" },
		{ "outer", "arr[x]", KCO_E_USAGE, "no path" },
		{ "outer", "arr[1", KCO_E_USAGE, "no path" },
		{ "outer", "arr[-1]", KCO_E_USAGE, "no path" },
		{ "outer", "flex[0xffffffffffffffff]", KCO_E_CORRUPT, "beyond all memory" },
		{ "int", "x", KCO_E_NOTYPE, "no struct int" },
		{ "loop", "x", KCO_E_CORRUPT, "more than 20000 members" },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_open(&f);
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			f.err = KCO_ERR_INIT;
			assert_int_equal(kco_types_field(f.t, cases[i].name, cases[i].path, &f.f, &f.err),
					 cases[i].status);
			assert_int_equal(f.err.code, cases[i].status);
			assert_msg(&f.err, cases[i].msg);
		}
	fixture_fini(&f);
}

static uint64_t get(struct fixture *f, const char *name, const char *path, const void *obj, size_t n)
{
	uint64_t v = 0;

	if (kco_types_field(f->t, name, path, &f->f, &f->err))
		fail_msg("%s", f->err.msg);
	assert_true(kco_field_get(&f->f, obj, n, &v));
	// It needs all its bytes and no more.
	assert_false(kco_field_get(&f->f, obj, f->f.offset + f->f.size - 1, &v));
	return v;
}

static void test_field_get__values_signs_and_bit_fields(void **state)
{
	uint8_t obj[136] = { 0 };
	/* first = 0x2211, wide = 20 bits from bit 16, last = 12 bits from bit 36 */
	static const uint8_t packed[6] = { 0x11, 0xa2, 0x33, 0x44, 0xf5, 0x66 };
	struct fixture f;
	uint64_t v;

	(void)state;
	fixture_init(&f);
	fixture_open(&f);
	obj[20] = 0xfe;
	obj[21] = 0xff;
	assert_int_equal(get(&f, "outer", "in.b", obj, sizeof(obj)), UINT64_MAX - 1);
	obj[120] = 0x5c;
	obj[121] = 0xff;
	assert_int_equal(get(&f, "outer", "low", obj, sizeof(obj)), 0xc);
	assert_int_equal(get(&f, "outer", "high", obj, sizeof(obj)), (uint64_t)(int64_t)-11);
	obj[121] = 0x0f;
	assert_int_equal(get(&f, "outer", "high", obj, sizeof(obj)), 0xf5);
	memset(obj + 24, 0x81, 8);
	assert_int_equal(get(&f, "outer", "u", obj, sizeof(obj)), UINT64_C(0x8181818181818181));
	assert_int_equal(get(&f, "packed", "first", packed, 6), (uint64_t)(int64_t)(int16_t)0xa211);
	// A load of four bytes from where the bits begin; the last ones' load must not reach over the end.
	assert_int_equal(get(&f, "packed", "wide", packed, 6), 0x54433);
	assert_true(f.f.offset + f.f.size <= 6);
	assert_int_equal(get(&f, "packed", "last", packed, 6), 0x66f);
	assert_true(f.f.offset + f.f.size <= 6);
	assert_int_equal(get(&f, "packed", "late", packed, 6), 0x9bd51);
	assert_int_equal(f.f.offset, 2);
	// A struct has no single value.
	assert_int_equal(kco_types_field(f.t, "outer", "comm", &f.f, &f.err), KCO_OK);
	assert_false(kco_field_get(&f.f, obj, sizeof(obj), &v));
	fixture_fini(&f);
}

static void test_types_sizeof__structs_unions_and_their_typedefs(void **state)
{
	struct fixture f;
	uint64_t size;

	(void)state;
	fixture_init(&f);
	fixture_open(&f);
	assert_int_equal(kco_types_sizeof(f.t, "outer", &size, &f.err), KCO_OK);
	assert_int_equal(size, 136);
	assert_int_equal(kco_types_sizeof(f.t, "inner_t", &size, &f.err), KCO_OK);
	assert_int_equal(size, 8);
	assert_int_equal(kco_types_sizeof(f.t, "absent", &size, &f.err), KCO_E_NOTYPE);
	assert_msg(&f.err, "no struct absent");
	fixture_fini(&f);
}

/* A source that counts what it is asked. */

static unsigned finds;

static enum kco_status counting_find(struct kco_types *types, enum kco_type_kind kind, const char *name, uint64_t *id,
				     struct kco_err *err)
{
	(void)types;
	finds++;
	if (kind != KCO_TYPE_STRUCT || strncmp(name, "no", 2) == 0)
		return kco_fail(err, KCO_E_NOTYPE, "no struct %s", name);
	*id = 1;
	return KCO_OK;
}

static enum kco_status counting_info(const struct kco_types *types, uint64_t id, struct kco_type_info *info,
				     struct kco_err *err)
{
	(void)types;
	(void)err;
	*info = (struct kco_type_info){ .name = "s", .kind = id == 1 ? KCO_TYPE_STRUCT : KCO_TYPE_INT };
	info->size = id == 1 ? 4000 : 4;
	info->nr_members = id == 1 ? 1000 : 0;
	return KCO_OK;
}

static enum kco_status counting_member(const struct kco_types *types, uint64_t id, uint32_t index,
				       struct kco_member *member, struct kco_err *err)
{
	static char name[32];

	(void)err;
	(void)id;
	snprintf(name, sizeof(name), "m%u", index);
	*member = (struct kco_member){ .name = name, .type = { types, 2 }, .bit_offset = (uint64_t)index * 32 };
	return KCO_OK;
}

static void counting_free(struct kco_types *types)
{
	free(types);
}

static const struct kco_types_ops counting_ops = {
	.name = "counting",
	.find = counting_find,
	.info = counting_info,
	.member = counting_member,
	.free = counting_free,
};

static void test_types_field__each_path_is_resolved_once(void **state)
{
	struct kco_types *t = calloc(1, sizeof(*t));
	struct kco_field field;
	struct kco_err err;
	char path[32];

	(void)state;
	t->ops = &counting_ops;
	finds = 0;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(path, sizeof(path), "m%u", i);
			assert_int_equal(kco_types_field(t, "s", path, &field, &err), KCO_OK);
			assert_int_equal(field.offset, i * 4);
		}
		// The same path of another struct is another question, and refusals are kept too.
		assert_int_equal(kco_types_field(t, "s2", "m7", &field, &err), KCO_OK);
		assert_int_equal(kco_types_field(t, "none", "m7", &field, &err), KCO_E_NOTYPE);
		assert_string_equal(err.msg, "no struct none");
	}
	// "none" is asked for as a struct, a union and a typedef.
	assert_int_equal(finds, 1000 + 1 + 3);
	kco_types_free(t);
}

static void test_types_field__memory_running_out_is_not_remembered(void **state)
{
	(void)state;
	for (long nth = 1;; nth++) {
		struct fixture f;
		enum kco_status st;

		fixture_init(&f);
		fixture_open(&f);
		unit_fault_arm(nth);
		st = kco_types_field(f.t, "outer", "in.b", &f.f, &f.err);
		if (st)
			assert_int_equal(st, KCO_E_NOMEM);
		assert_int_equal(kco_types_field(f.t, "outer", "in.b", &f.f, &f.err), KCO_OK);
		assert_int_equal(f.f.offset, 20);
		if (!unit_fault_fired()) {
			assert_int_equal(st, KCO_OK);
			fixture_fini(&f);
			break;
		}
		fixture_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_field__paths_lead_to_their_bytes),
		cmocka_unit_test(test_types_field__what_is_missing_is_named),
		cmocka_unit_test(test_field_get__values_signs_and_bit_fields),
		cmocka_unit_test(test_types_sizeof__structs_unions_and_their_typedefs),
		cmocka_unit_test(test_types_field__each_path_is_resolved_once),
		cmocka_unit_test(test_types_field__memory_running_out_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
