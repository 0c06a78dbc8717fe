// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DWARF: types and call frame information. The compiler that made the samples
 * is the judge: the same structures are part of this program.
 */
#include "debuginfo.h"

#include <elf.h>
#include <stddef.h>

#include <kco/arch.h>

#include "debuginfo_priv.h"
#include "kernel.h"
#include "samples.h"
#include "x86_64.h"

static struct kco_types *types_open(struct kco_debuginfo *di)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_types *types;

	if (kco_debuginfo_types_new(di, &types, &err))
		fail_msg("%s", err.msg);
	return types;
}

/* Types */

static void check_field(struct kco_types *types, const char *path, size_t offset, size_t size, bool is_signed)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_field field;

	if (kco_types_field(types, "sample_outer", path, &field, &err))
		fail_msg("%s: %s", path, err.msg);
	if (field.offset != offset || field.size != size || field.is_signed != is_signed || field.bit_size)
		fail_msg("%s: at %llu, %u bytes", path, (unsigned long long)field.offset, field.size);
}

#define CHECK_FIELD(types, path, is_signed)                                                                      \
	check_field(types, #path, offsetof(struct sample_outer, path), sizeof(((struct sample_outer *)0)->path), \
		    is_signed)

static void test_dwarf__members_lie_where_the_compiler_put_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_FORMS; i++) {
		struct kco_debuginfo *di = sample_open(sample_forms[i]);
		struct kco_types *types = types_open(di);
		uint64_t size;

		CHECK_FIELD(types, name, false);
		CHECK_FIELD(types, u1, true);
		CHECK_FIELD(types, u2, true);
		CHECK_FIELD(types, named, false);
		CHECK_FIELD(types, named.s1, true);
		CHECK_FIELD(types, named.nested.b, true);
		CHECK_FIELD(types, grid, false);
		check_field(types, "grid[4].b", offsetof(struct sample_outer, grid[1][1].b), 1, true);
		CHECK_FIELD(types, op, false);
		CHECK_FIELD(types, colour, false);
		CHECK_FIELD(types, fn, false);
		CHECK_FIELD(types, vc, true);
		CHECK_FIELD(types, real, false);
		CHECK_FIELD(types, flag, false);
		CHECK_FIELD(types, any, false);
		CHECK_FIELD(types, un.bytes, false);
		CHECK_FIELD(types, ptr, false);
		check_field(types, "none", offsetof(struct sample_outer, none), 0, false);
		check_field(types, "tail", offsetof(struct sample_outer, tail), 0, false);
		check_field(types, "tail[3]", offsetof(struct sample_outer, tail[3]), 8, false);
		assert_int_equal(kco_types_sizeof(types, "sample_outer", &size, NULL), KCO_OK);
		assert_int_equal(size, sizeof(struct sample_outer));
		assert_int_equal(kco_types_sizeof(types, "sample_inner_t", &size, NULL), KCO_OK);
		assert_int_equal(size, sizeof(struct sample_inner));
		kco_types_free(types);
		kco_debuginfo_free(di);
	}
}

static void test_dwarf__bit_fields_read_what_the_compiler_wrote(void **state)
{
	const struct sample_outer obj = {
		.name = "0123456789abcde", .low = 5, .mid = 99, .sign = -7, .wide = 0x123456789a, .u2 = -1
	};
	static const struct {
		const char *path;
		uint64_t value;
		bool is_signed;
	} want[] = { { "low", 5, false },
		     { "mid", 99, false },
		     { "sign", (uint64_t)-7, true },
		     { "wide", 0x123456789a, false } };

	(void)state;
	for (size_t i = 0; i < SAMPLE_FORMS; i++) {
		struct kco_debuginfo *di = sample_open(sample_forms[i]);
		struct kco_types *types = types_open(di);

		for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
			struct kco_err err = KCO_ERR_INIT;
			struct kco_field field;
			uint64_t value;

			if (kco_types_field(types, "sample_outer", want[k].path, &field, &err))
				fail_msg("%s: %s", want[k].path, err.msg);
			assert_true(kco_field_get(&field, &obj, sizeof(obj), &value));
			assert_int_equal(value, want[k].value);
			assert_int_equal(field.is_signed, want[k].is_signed);
		}
		kco_types_free(types);
		kco_debuginfo_free(di);
	}
}

static struct kco_type_info info_of(struct kco_type type)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_type_info info;

	if (kco_type_info(type, &info, &err))
		fail_msg("%s", err.msg);
	return info;
}

static struct kco_type find(struct kco_types *types, enum kco_type_kind kind, const char *name)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_type type;

	if (kco_types_find(types, kind, name, &type, &err))
		fail_msg("%s", err.msg);
	return type;
}

static void test_dwarf__kinds_and_what_they_point_to(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_types *types = types_open(di);
	struct kco_type_info info;
	struct kco_field field;
	struct kco_type type;

	(void)state;
	// sample_inner_ptr is a typedef of a pointer to a const typedef of a struct.
	info = info_of(find(types, KCO_TYPE_TYPEDEF, "sample_inner_ptr"));
	assert_int_equal(info.kind, KCO_TYPE_TYPEDEF);
	assert_int_equal(info.size, sizeof(void *));
	info = info_of(info.target);
	assert_int_equal(info.kind, KCO_TYPE_POINTER);
	assert_string_equal(info.name, "");
	info = info_of(info.target);
	assert_int_equal(info.kind, KCO_TYPE_QUALIFIER);
	info = info_of(info.target);
	assert_int_equal(info.kind, KCO_TYPE_TYPEDEF);
	assert_string_equal(info.name, "sample_inner_t");
	info = info_of(info.target);
	assert_int_equal(info.kind, KCO_TYPE_STRUCT);
	assert_string_equal(info.name, "sample_inner");
	assert_int_equal(info.nr_members, 2);

	assert_int_equal(kco_types_field(types, "sample_outer", "fn", &field, NULL), KCO_OK);
	info = info_of(info_of(field.type).target);
	assert_int_equal(info.kind, KCO_TYPE_FUNCTION);
	assert_int_equal(info_of(info.target).kind, KCO_TYPE_INT);
	assert_int_equal(kco_types_field(types, "sample_outer", "any", &field, NULL), KCO_OK);
	info = info_of(info_of(field.type).target);
	assert_int_equal(info.kind, KCO_TYPE_VOID);
	assert_int_equal(kco_types_field(types, "sample_outer", "real", &field, NULL), KCO_OK);
	assert_int_equal(info_of(field.type).kind, KCO_TYPE_FLOAT);
	assert_int_equal(kco_types_field(types, "sample_outer", "grid", &field, NULL), KCO_OK);
	info = info_of(field.type);
	assert_int_equal(info.kind, KCO_TYPE_ARRAY);
	assert_int_equal(info.nr_elements, 6);
	assert_int_equal(info.size, sizeof(((struct sample_outer *)0)->grid));
	info = info_of(find(types, KCO_TYPE_UNION, "sample_union"));
	assert_int_equal(info.kind, KCO_TYPE_UNION);
	assert_int_equal(info.size, sizeof(union sample_union));

	// Any kind will do when none is asked for, but no other than the one that is.
	assert_int_equal(info_of(find(types, KCO_TYPE_VOID, "sample_union")).kind, KCO_TYPE_UNION);
	assert_int_equal(info_of(find(types, KCO_TYPE_INT, "unsigned int")).is_signed, false);
	assert_int_equal(info_of(find(types, KCO_TYPE_INT, "int")).is_signed, true);
	assert_int_equal(kco_types_find(types, KCO_TYPE_STRUCT, "sample_union", &type, NULL), KCO_E_NOTYPE);
	assert_int_equal(kco_types_find(types, KCO_TYPE_FLOAT, "int", &type, NULL), KCO_E_NOTYPE);
	kco_types_free(types);
	kco_debuginfo_free(di);
}

static void test_dwarf__what_is_missing_is_named(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_types *types = types_open(di);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_member member;
	struct kco_type type;
	const char *name;
	int64_t value;

	(void)state;
	assert_int_equal(kco_types_find(types, KCO_TYPE_STRUCT, "no_such", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "no struct no_such in the DWARF");
	assert_int_equal(kco_types_enumerator(types, "NO_SUCH", &value, &err), KCO_E_NOTYPE);
	assert_msg(&err, "no enumerator NO_SUCH");
	assert_int_equal(kco_types_variable(types, "no_such", &type, &err), KCO_E_NOTYPE);
	assert_msg(&err, "no variable no_such");
	type = find(types, KCO_TYPE_STRUCT, "sample_inner");
	assert_int_equal(kco_type_member(type, 2, &member, &err), KCO_E_NOTYPE);
	assert_int_equal(kco_type_enumerator(type, 0, &name, &value, &err), KCO_E_NOTYPE);
	kco_types_free(types);
	kco_debuginfo_free(di);
}

static void test_dwarf__a_declaration_is_answered_for_by_the_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_FORMS; i++) {
		struct kco_debuginfo *di = sample_open(sample_forms[i]);
		struct kco_types *types = types_open(di);
		struct kco_type_info info;
		struct kco_member member;
		struct kco_field field;

		// kernel.c, which sample_outer is from, only declares sample_opaque.
		assert_int_equal(kco_types_field(types, "sample_outer", "op", &field, NULL), KCO_OK);
		info = info_of(info_of(field.type).target);
		assert_int_equal(info.kind, KCO_TYPE_STRUCT);
		assert_int_equal(info.size, 16);
		assert_int_equal(info.nr_members, 2);
		assert_int_equal(kco_type_member(info_of(field.type).target, 1, &member, NULL), KCO_OK);
		assert_string_equal(member.name, "next");
		assert_int_equal(member.bit_offset, 64);
		kco_types_free(types);
		kco_debuginfo_free(di);
	}
}

static void test_dwarf__of_two_structs_of_one_name_the_first_counts(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_types *types = types_open(di);
	struct kco_member member;

	(void)state;
	assert_int_equal(kco_type_member(find(types, KCO_TYPE_STRUCT, "sample_twice"), 0, &member, NULL), KCO_OK);
	assert_string_equal(member.name, "from_the_first_unit");
	kco_types_free(types);
	kco_debuginfo_free(di);
}

static void test_dwarf__enumerators_keep_sign_and_width(void **state)
{
	static const struct {
		const char *name;
		int64_t value;
	} want[] = {
		{ "SAMPLE_RED", SAMPLE_RED }, { "SAMPLE_GREEN", SAMPLE_GREEN }, { "SAMPLE_BLUE", SAMPLE_BLUE },
		{ "SAMPLE_LOW", SAMPLE_LOW }, { "SAMPLE_HIGH", SAMPLE_HIGH },	{ "SAMPLE_BIT", SAMPLE_BIT },
		{ "SAMPLE_TOP", SAMPLE_TOP },
	};

	(void)state;
	for (size_t i = 0; i < SAMPLE_FORMS; i++) {
		struct kco_debuginfo *di = sample_open(sample_forms[i]);
		struct kco_types *types = types_open(di);
		struct kco_type_info info;
		struct kco_type type;
		const char *name;
		int64_t value;

		for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
			assert_int_equal(kco_types_enumerator(types, want[k].name, &value, NULL), KCO_OK);
			assert_true(value == want[k].value);
		}
		type = find(types, KCO_TYPE_ENUM, "sample_level");
		info = info_of(type);
		assert_int_equal(info.nr_members, 2);
		assert_int_equal(info.size, sizeof(enum sample_level));
		assert_int_equal(kco_type_enumerator(type, 0, &name, &value, NULL), KCO_OK);
		assert_string_equal(name, "SAMPLE_LOW");
		assert_true(value == SAMPLE_LOW);
		// DWARF 2 does not say what type an enum is of.
		assert_true(info.is_signed || strstr(sample_forms[i], "kernel-2"));
		assert_false(info_of(find(types, KCO_TYPE_ENUM, "sample_colour")).is_signed);
		kco_types_free(types);
		kco_debuginfo_free(di);
	}
}

static void test_dwarf__variables_have_types(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_types *types = types_open(di);
	struct kco_type_info info;
	struct kco_type type;

	(void)state;
	assert_int_equal(kco_types_variable(types, "sample_variable", &type, NULL), KCO_OK);
	assert_string_equal(info_of(type).name, "sample_outer");
	assert_int_equal(kco_types_variable(types, "sample_hidden", &type, NULL), KCO_OK);
	assert_int_equal(info_of(type).kind, KCO_TYPE_QUALIFIER);
	// Declared without a size, then defined with one.
	assert_int_equal(kco_types_variable(types, "sample_completed", &type, NULL), KCO_OK);
	info = info_of(type);
	assert_int_equal(info.nr_elements, 9);
	assert_int_equal(kco_types_variable(types, "sample_declared", &type, NULL), KCO_OK);
	assert_int_equal(kco_type_strip(type, &type, NULL), KCO_OK);
	assert_int_equal(info_of(type).nr_elements, 7);
#ifndef __clang__ // which says nothing of variables that are only declared
	assert_int_equal(kco_types_variable(types, "sample_assembled", &type, NULL), KCO_OK);
	assert_int_equal(kco_type_strip(type, &type, NULL), KCO_OK);
	assert_int_equal(info_of(type).nr_elements, 3);
#endif
	kco_types_free(types);
	kco_debuginfo_free(di);
}

struct seen {
	unsigned outer, inner, inner_t, all;
	unsigned stop_after;
	struct kco_types *types;
};

static bool see(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct seen *seen = arg;
	struct kco_type type = { seen->types, id };

	// The lock is not held: more may be asked for.
	assert_int_equal(info_of(type).kind, kind);
	assert_string_equal(info_of(type).name, name);
	if (strcmp(name, "sample_outer") == 0)
		seen->outer++;
	else if (strcmp(name, "sample_inner") == 0)
		seen->inner++;
	else if (strcmp(name, "sample_inner_t") == 0)
		seen->inner_t++;
	return ++seen->all != seen->stop_after;
}

static void test_dwarf__each_name_once_by_prefix(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct seen seen = { .types = types_open(di) };

	(void)state;
	assert_int_equal(kco_types_each(seen.types, "sample_i", see, &seen, NULL), KCO_OK);
	assert_int_equal(seen.outer, 0);
	assert_int_equal(seen.inner, 1);
	assert_int_equal(seen.inner_t, 1);
	assert_int_equal(seen.all, 3); // and sample_inner_ptr
	seen = (struct seen){ .types = seen.types, .stop_after = 2 };
	assert_int_equal(kco_types_each(seen.types, "", see, &seen, NULL), KCO_OK);
	assert_int_equal(seen.all, 2);
	kco_types_free(seen.types);
	kco_debuginfo_free(di);
}

/* The index of names */

static bool count_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	assert_true(done <= total);
	return ++*(unsigned *)arg < 100;
}

static bool give_up(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)what;
	(void)done;
	(void)total;
	return false;
}

static void test_dwarf__names_are_indexed_once_and_then_cached(void **state)
{
	unsigned told = 0;
	struct kco_debuginfo_request req = { .path = SAMPLE("kernel-5"),
					     .progress = count_progress,
					     .progress_arg = &told };
	struct kco_debuginfo *di;
	struct kco_types *types;

	(void)state;
	for (unsigned run = 0; run < 3; run++) {
		assert_int_equal(kco_debuginfo_open_new(&req, &di, NULL), KCO_OK);
		types = types_open(di);
		find(types, KCO_TYPE_STRUCT, "sample_outer");
		assert_int_equal(told, 1); // only when the index was made
		kco_types_free(types);
		kco_debuginfo_free(di);
	}
}

static void test_dwarf__indexing_can_be_given_up(void **state)
{
	struct kco_debuginfo_request req = { .path = SAMPLE("kernel-5"), .progress = give_up };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_debuginfo *di;
	struct kco_types *types;
	struct kco_type type;

	(void)state;
	assert_int_equal(kco_debuginfo_open_new(&req, &di, NULL), KCO_OK);
	types = types_open(di);
	assert_int_equal(kco_types_find(types, KCO_TYPE_STRUCT, "sample_outer", &type, &err), KCO_E_CANCELLED);
	di->progress = NULL;
	find(types, KCO_TYPE_STRUCT, "sample_outer");
	kco_types_free(types);
	kco_debuginfo_free(di);
}

/* An index that is sound in itself, but lies: each entry leads to the DIE of the one after it. */
static void test_dwarf__a_cached_index_that_lies_is_made_anew(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_types *types = types_open(di);
	const uint64_t offset = (1ULL << 59) - 1;
	uint64_t *entries, first;
	size_t size, n;

	(void)state;
	find(types, KCO_TYPE_STRUCT, "sample_outer");
	kco_types_free(types);
	entries = kco_debuginfo_cache_load_new(di, "names", 1, &size);
	assert_non_null(entries);
	n = size / 16;
	assert_true(n > 20);
	first = entries[1] & offset;
	for (size_t i = 0; i < n; i++)
		entries[2 * i + 1] = (entries[2 * i + 1] & ~offset) | (i + 1 < n ? entries[2 * i + 3] & offset : first);
	kco_debuginfo_cache_store(di, "names", 1, entries, size);
	free(entries);
	kco_debuginfo_free(di);

	di = sample_open(SAMPLE("kernel-5"));
	types = types_open(di);
	CHECK_FIELD(types, named.nested.b, true);
	kco_types_free(types);
	kco_debuginfo_free(di);
}

/* CFI */

static struct kco_unwind_row row_at(struct kco_debuginfo *di, const char *symbol)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_unwind_row row;

	if (kco_debuginfo_cfi(di, kco_arch_by_machine(EM_X86_64), sample_symbol(di, symbol).addr, &row, &err))
		fail_msg("%s: %s", symbol, err.msg);
	assert_int_equal(row.by, KCO_BY_CFI);
	return row;
}

static const struct kco_rule *saved(const struct kco_unwind_row *row, unsigned reg)
{
	for (unsigned i = 0; i < row->nr_saved; i++)
		if (row->saved[i].reg == reg)
			return &row->saved[i].rule;
	return NULL;
}

static void check_rule(const struct kco_rule *rule, enum kco_rule_kind kind, unsigned reg, int offset)
{
	assert_non_null(rule);
	assert_int_equal(rule->kind, kind);
	if (kind != KCO_RULE_CFA && kind != KCO_RULE_UNDEFINED)
		assert_int_equal(rule->reg, reg);
	assert_int_equal(rule->offset, offset);
}

static void test_dwarf__cfi_rows_of_either_section(void **state)
{
	static const char *const files[] = { SAMPLE("kernel-5"), SAMPLE("kernel-eh"), SAMPLE("kernel-2") };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct kco_debuginfo *di = sample_open(files[i]);
		struct kco_unwind_row row;

		kco_debuginfo_set_bias(di, i * 0x1000000);
		row = row_at(di, "cfi_entry");
		assert_int_equal(row.kind, KCO_ROW_CALL);
		assert_false(row.signal);
		check_rule(&row.cfa, KCO_RULE_REG, X86_64_RSP, 8);
		assert_int_equal(row.ra_offset, -8);
		// Callee-saved ones are unchanged so far, the others are the caller's loss.
		assert_null(saved(&row, X86_64_RBX));
		assert_null(saved(&row, X86_64_RBP));
		assert_null(saved(&row, X86_64_RSP));
		check_rule(saved(&row, X86_64_RAX), KCO_RULE_UNDEFINED, 0, 0);

		row = row_at(di, "cfi_pushed");
		check_rule(&row.cfa, KCO_RULE_REG, X86_64_RSP, 16);
		check_rule(saved(&row, X86_64_RBP), KCO_RULE_CFA, 0, -16);
		row = row_at(di, "cfi_frame");
		check_rule(&row.cfa, KCO_RULE_REG, X86_64_RBP, 16);
		row = row_at(di, "cfi_realigned");
		assert_int_equal(row.kind, KCO_ROW_CALL);
		check_rule(&row.cfa, KCO_RULE_REG_DEREF, X86_64_RBP, -24);
		check_rule(saved(&row, X86_64_RBX), KCO_RULE_REG_DEREF, X86_64_RBP, -40);
		check_rule(saved(&row, X86_64_RBP), KCO_RULE_CFA, 0, -16);
		row = row_at(di, "cfi_computed");
		assert_int_equal(row.kind, KCO_ROW_UNKNOWN);
		row = row_at(di, "cfi_end");
		assert_int_equal(row.kind, KCO_ROW_END);
		row = row_at(di, "cfi_signal");
		assert_int_equal(row.kind, KCO_ROW_CALL);
#ifdef __clang__ // LLVM marks signal frames in .eh_frame only
		assert_true(row.signal || !strstr(files[i], "kernel-eh"));
#else
		assert_true(row.signal);
#endif
		assert_int_equal(row.ra_offset, -40);
		check_rule(saved(&row, X86_64_RSP), KCO_RULE_CFA, 0, -16);
		kco_debuginfo_free(di);
	}
}

/* As much of arm64 as its tables speak of: no number of a register is the code's own. */
static void test_dwarf__cfi_with_a_link_register(void **state)
{
	static const struct kco_reg_desc regs[] = {
		{ "pc", -1, 8 },
		{ "x29", 29, 8 },
		{ "x30", 30, 8 },
		{ "sp", 31, 8 },
	};
	static const struct kco_arch_ops arch = {
		.name = "arm64",
		.elf_machine = EM_AARCH64,
		.ptr_size = 8,
		.regs = regs,
		.nr_regs = 4,
		.sp = 3,
		.fp = 1,
	};
	struct kco_err err = KCO_ERR_INIT;
	struct kco_unwind_row row;
	struct kco_debuginfo *di;
	unsigned char *bytes;
	uint64_t start;
	size_t n;

	(void)state;
	bytes = sample_read(SAMPLE("lr"), &n);
	bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	di = sample_open(sample_write("lr", bytes, n));
	free(bytes);
	start = sample_symbol(di, "lr_start").addr;
	if (kco_debuginfo_cfi(di, &arch, start, &row, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(row.kind, KCO_ROW_CALL);
	assert_true(row.ra_in_reg);
	assert_int_equal(row.ra_reg, 2);
	assert_int_equal(row.cfa.kind, KCO_RULE_REG);
	assert_int_equal(row.cfa.reg, 3);
	assert_int_equal(row.cfa.offset, 0);
	assert_int_equal(kco_debuginfo_cfi(di, &arch, start + 4, &row, &err), KCO_OK);
	assert_int_equal(row.kind, KCO_ROW_CALL);
	assert_false(row.ra_in_reg);
	assert_int_equal(row.ra_offset, -24);
	assert_int_equal(row.cfa.offset, 32);
	assert_true(row.nr_saved >= 1);
	for (unsigned i = 0; i < row.nr_saved; i++)
		if (row.saved[i].reg == 1)
			assert_int_equal(row.saved[i].rule.offset, -32);
	kco_debuginfo_free(di);
}

static void test_dwarf__cfi_that_is_not_there(void **state)
{
	static const struct kco_arch_ops other = { .name = "sparc", .elf_machine = 43 };
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_err err = KCO_ERR_INIT;
	struct kco_unwind_row row;

	(void)state;
	assert_int_equal(kco_debuginfo_cfi(di, kco_arch_by_machine(EM_X86_64), 1, &row, &err), KCO_E_NOSYM);
	assert_msg(&err, "no CFI for 0x1");
	assert_int_equal(kco_debuginfo_cfi(di, &other, 1, &row, &err), KCO_E_CORRUPT);
	assert_msg(&err, "not sparc");
	kco_debuginfo_free(di);
	di = sample_open(SAMPLE("kernel-stripped"));
	assert_int_equal(kco_debuginfo_cfi(di, kco_arch_by_machine(EM_X86_64), 1, &row, &err), KCO_E_NOSYM);
	assert_msg(&err, "neither .eh_frame nor .debug_frame");
	kco_debuginfo_free(di);
}

/* Bad input */

static void check_hostile(struct kco_types *types, enum kco_type_kind kind, const char *name, const char *why)
{
	struct kco_type type = find(types, kind, name);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_type_info info;

	assert_int_equal(kco_type_info(type, &info, &err), KCO_E_CORRUPT);
	assert_msg(&err, why);
	assert_int_equal(kco_type_strip(type, &type, &err), KCO_E_CORRUPT);
}

static void test_dwarf__types_that_cannot_be_are_corrupt(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("hostile"));
	struct kco_types *types = types_open(di);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_member member;
	struct kco_type type;
	int64_t value;

	(void)state;
	check_hostile(types, KCO_TYPE_TYPEDEF, "loop", "made of itself");
	check_hostile(types, KCO_TYPE_TYPEDEF, "selfarray", "made of itself");
	check_hostile(types, KCO_TYPE_TYPEDEF, "hugearray", "too large");
	check_hostile(types, KCO_TYPE_TYPEDEF, "nowhere", "the type that a DIE refers to");
	type = find(types, KCO_TYPE_STRUCT, "odd");
	assert_int_equal(info_of(type).nr_members, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(kco_type_member(type, i, &member, &err), KCO_E_CORRUPT);
	assert_int_equal(kco_types_enumerator(types, "VALUELESS", &value, &err), KCO_E_CORRUPT);
	kco_types_free(types);
	kco_debuginfo_free(di);
}

static void test_dwarf__a_sibling_that_leads_backwards_ends_the_unit(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("hostile"));
	struct kco_types *types = types_open(di);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_type type;
	size_t size;

	(void)state;
	find(types, KCO_TYPE_STRUCT, "before");
	assert_int_equal(kco_types_find(types, KCO_TYPE_STRUCT, "after", &type, &err), KCO_E_CORRUPT);
	assert_msg(&err, "is damaged");
	assert_null(kco_debuginfo_cache_load_new(di, "names", 1, &size)); // half an index is not kept
	kco_types_free(types);
	kco_debuginfo_free(di);
}

static bool touch(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	struct kco_types *types = arg;
	struct kco_type_info info;
	struct kco_member member;
	const char *text;
	int64_t value;

	(void)kind;
	(void)name;
	if (types->ops->info(types, id, &info, NULL))
		return true;
	for (uint32_t i = 0; i < info.nr_members; i++) {
		(void)types->ops->member(types, id, i, &member, NULL);
		(void)types->ops->enumerator(types, id, i, &text, &value, NULL);
	}
	return true;
}

/* Ask for all there is to ask for, whatever the answers. */
static void touch_everything(const char *path)
{
	static const char *const symbols[] = { "pc_innermost", "pc_plain", "cfi_frame", "cfi_realigned" };
	struct kco_debuginfo_request req = { .path = path };
	uint64_t pcs[8] = { 0xffffffff81000010, 0xffffffff81000025, 0xffffffff81000040, 0xffffffff81000050 };
	struct kco_source_line rows[4];
	struct kco_symbol_source *src;
	struct kco_unwind_row row;
	struct kco_debuginfo *di;
	struct kco_types *types;
	struct kco_symbol sym;
	struct kco_err err;
	size_t n, nr_pcs = 4;

	if (kco_debuginfo_open_new(&req, &di, &err))
		return;
	if (!kco_debuginfo_symbols_new(di, &src, &err)) {
		for (size_t i = 0; i < 4; i++)
			if (!src->ops->by_name(src, symbols[i], &sym, &err))
				pcs[nr_pcs++] = sym.addr;
		(void)src->ops->by_addr(src, pcs[0], &sym, &err);
		src->ops->free(src);
	}
	if (!kco_debuginfo_types_new(di, &types, &err)) {
		(void)!kco_types_each(types, "", touch, types, &err);
		kco_types_free(types);
	}
	for (size_t i = 0; i < nr_pcs; i++) {
		(void)!kco_debuginfo_lines(di, pcs[i], rows, 4, &n, &err);
		(void)!kco_debuginfo_cfi(di, kco_arch_by_machine(EM_X86_64), pcs[i], &row, &err);
	}
	kco_debuginfo_free(di);
}

static void test_dwarf__flipped_bits_never_crash(void **state)
{
	static const char *const files[] = { SAMPLE("kernel-5"), SAMPLE("kernel-2"), SAMPLE("kernel-eh") };
	uint64_t seed = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t n;
		unsigned char *bytes = sample_read(files[i], &n);

		for (unsigned round = 0; round < 400; round++) {
			unsigned flips = 1 + round % 5;
			size_t at[5];
			unsigned char was[5];

			for (unsigned k = 0; k < flips; k++) {
				// Not the padding in front of .text.
				at[k] = 0x2000 + unit_random(&seed) % (n - 0x2000);
				was[k] = bytes[at[k]];
				bytes[at[k]] = round % 3 ? (unsigned char)(was[k] ^ 1u << unit_random(&seed) % 8)
							 : (unsigned char)unit_random(&seed);
			}
			touch_everything(sample_write("flipped", bytes, n));
			while (flips--)
				bytes[at[flips]] = was[flips];
		}
		free(bytes);
	}
}

static void test_dwarf__every_allocation_may_fail(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		char path[128];

		assert_true(n < 2000);
		// Nothing cached: the index is made each time.
		snprintf(path, sizeof(path), "%s/cache%ld", sample_scratch, n);
		setenv("XDG_CACHE_HOME", path, 1);
		unit_fault_arm(n);
		touch_everything(SAMPLE("kernel-5"));
		if (!unit_fault_fired())
			break;
		// With what was cached, if it was.
		unit_fault_arm(n);
		touch_everything(SAMPLE("kernel-5"));
		unit_fault_fired();
	}
}

#define T(name) cmocka_unit_test_setup_teardown(test_dwarf__##name, sample_setup, sample_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(members_lie_where_the_compiler_put_them),
		T(bit_fields_read_what_the_compiler_wrote),
		T(kinds_and_what_they_point_to),
		T(what_is_missing_is_named),
		T(a_declaration_is_answered_for_by_the_definition),
		T(of_two_structs_of_one_name_the_first_counts),
		T(enumerators_keep_sign_and_width),
		T(variables_have_types),
		T(each_name_once_by_prefix),
		T(names_are_indexed_once_and_then_cached),
		T(indexing_can_be_given_up),
		T(a_cached_index_that_lies_is_made_anew),
		T(cfi_rows_of_either_section),
		T(cfi_with_a_link_register),
		T(cfi_that_is_not_there),
		T(types_that_cannot_be_are_corrupt),
		T(a_sibling_that_leads_backwards_ends_the_unit),
		T(flipped_bits_never_crash),
		T(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
