// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ORC: the generations of struct orc_entry, every base and type, lookups at
 * the borders of rows and tables, and tables that are damaged.
 */
#include "orc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf.h"
#include "btfmake.h"
#include "unit.h"
#include "vmem.h"

#define TEXT UINT64_C(0xffffffff81000000)
#define IPS UINT64_C(0xffffffff82000000)
#define ROWS UINT64_C(0xffffffff82100000)

/* Kernels of v4.14, v4.18, v6.3, v6.4. */
enum gen { GEN_BARE, GEN_END, GEN_SIGNAL_END, GEN_TYPES, NR_GENS };

/* What a row says, whatever the generation. */
enum kind { CALL, REGS, PARTIAL, END, UNDEFINED };

struct row {
	uint64_t pc;
	enum kind kind;
	unsigned sp_reg, bp_reg;
	int sp, bp;
	bool signal;
};

struct fixture {
	struct vmem v;
	struct bytes ips, rows;
	struct kco_types *types;
	struct kco_unwind_tables tables;
	struct kco_orc_table table[4];
	struct kco_err err;
};

static struct kco_types *orc_types(enum gen gen)
{
	struct btfmake m;
	struct kco_types *t;
	uint32_t s16, u32;
	uint8_t *data;
	size_t n;

	btfmake_init(&m, NULL);
	s16 = btfmake_int(&m, "short", 2, 1, 16);
	s16 = btfmake_type(&m, "s16", 8, 0, 0, s16);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	btfmake_type(&m, "orc_entry", 4, 1, gen == GEN_BARE ? 5 : gen == GEN_SIGNAL_END ? 7 : 6, 6);
	btfmake_member(&m, "sp_offset", s16, 0, 0);
	btfmake_member(&m, "bp_offset", s16, 16, 0);
	btfmake_member(&m, "sp_reg", u32, 32, 4);
	btfmake_member(&m, "bp_reg", u32, 36, 4);
	btfmake_member(&m, "type", u32, 40, gen == GEN_TYPES ? 3 : 2);
	if (gen == GEN_TYPES)
		btfmake_member(&m, "signal", u32, 43, 1);
	if (gen == GEN_SIGNAL_END)
		btfmake_member(&m, "signal", u32, 42, 1);
	if (gen == GEN_END || gen == GEN_SIGNAL_END)
		btfmake_member(&m, "end", u32, gen == GEN_END ? 42 : 43, 1);
	data = btfmake_take(&m, &n);
	assert_int_equal(kco_btf_new_take(data, n, NULL, 8, &t, NULL), KCO_OK);
	btfmake_fini(&m);
	return t;
}

static void put_row(struct fixture *f, enum gen gen, const struct row *r)
{
	static const unsigned new_types[] = { 2, 3, 4, 1, 0 };
	unsigned bits, sp_reg = r->kind == END || r->kind == UNDEFINED ? 0 : r->sp_reg;

	if (gen == GEN_TYPES) {
		bits = new_types[r->kind] | r->signal << 3;
	} else {
		bits = r->kind <= PARTIAL ? r->kind : 0;
		if (gen == GEN_SIGNAL_END)
			bits |= r->signal << 2;
		if (r->kind == END && gen != GEN_BARE)
			bits |= gen == GEN_END ? 4 : 8;
	}
	bytes_uint(&f->ips, r->pc - (IPS + f->ips.n), 4);
	bytes_uint(&f->rows, (uint64_t)r->sp, 2);
	bytes_uint(&f->rows, (uint64_t)r->bp, 2);
	bytes_uint(&f->rows, sp_reg | r->bp_reg << 4 | bits << 8, 2);
}

static void fixture_open(struct fixture *f, enum gen gen, const struct row *rows, size_t n)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < n; i++)
		put_row(f, gen, &rows[i]);
	vmem_add(&f->v, IPS, f->ips.p, f->ips.n);
	vmem_add(&f->v, ROWS, f->rows.p, f->rows.n);
	assert_true(vmem_open(&f->v));
	f->types = orc_types(gen);
	f->tables.tables = f->table;
	f->tables.nr_tables = 1;
	if (kco_orc_layout_init(&f->tables.layout, f->v.space.arch, f->types, &f->err) ||
	    kco_orc_table_init(&f->table[0], &f->tables.layout, f->v.mem, &f->v.space, IPS, f->ips.n, ROWS, f->rows.n,
			       &f->err))
		fail_msg("%s", f->err.msg);
}

static void fixture_fini(struct fixture *f)
{
	kco_types_free(f->types);
	vmem_close(&f->v);
	free(f->ips.p);
	free(f->rows.p);
}

static struct kco_unwind_row find(struct fixture *f, uint64_t pc)
{
	struct kco_unwind_row row;

	memset(&row, 0xff, sizeof(row));
	if (kco_orc_find(&f->tables, f->v.mem, &f->v.space, pc, &row, &f->err))
		fail_msg("%s", f->err.msg);
	assert_int_equal(row.by, KCO_BY_ORC);
	return row;
}

/* One of everything. */
static const struct row everything[] = {
	{ TEXT, CALL, 5, 0, 8, 0, false },	     { TEXT + 0x10, CALL, 5, 1, 32, -16, false },
	{ TEXT + 0x20, CALL, 4, 1, 16, -16, false }, { TEXT + 0x30, CALL, 4, 4, 16, -40, false },
	{ TEXT + 0x40, CALL, 8, 1, -8, -16, false }, { TEXT + 0x50, CALL, 9, 0, 8, 0, false },
	{ TEXT + 0x60, CALL, 6, 1, 0, -16, false },  { TEXT + 0x70, CALL, 7, 0, 0, 0, false },
	{ TEXT + 0x80, PARTIAL, 2, 0, 8, 0, true },  { TEXT + 0x90, REGS, 3, 0, 0, 0, true },
	{ TEXT + 0xa0, REGS, 5, 0, 0, 0, true },     { TEXT + 0xb0, PARTIAL, 5, 0, 0x78, 0, true },
	{ TEXT + 0xc0, END, 0, 0, 0, 0, false },     { TEXT + 0xd0, UNDEFINED, 0, 0, 0, 0, false },
	{ TEXT + 0xe0, CALL, 15, 0, 8, 0, false },
};

#define NR_ROWS (sizeof(everything) / sizeof(*everything))

static void check_row(struct fixture *f, enum gen gen, const struct row *want, const struct kco_unwind_row *row)
{
	static const enum kco_row_kind kinds[] = { KCO_ROW_CALL, KCO_ROW_REGS, KCO_ROW_REGS_PARTIAL, KCO_ROW_END,
						   KCO_ROW_UNKNOWN };
	static const char *const regs[] = { 0, 0, "rdx", "rdi", "rbp", "rsp", "r10", "r13", "rbp", "rsp" };
	const struct kco_arch_ops *arch = f->v.space.arch;

	if (want->kind == UNDEFINED && gen == GEN_BARE) {
		assert_int_equal(row->kind, KCO_ROW_END); // it cannot tell them apart
		return;
	}
	if (want->sp_reg == 15) {
		assert_int_equal(row->kind, KCO_ROW_UNKNOWN); // no base has this number
		return;
	}
	assert_int_equal(row->kind, kinds[want->kind]);
	if (want->kind >= END)
		return;
	assert_int_equal(row->cfa.kind, want->sp_reg == 8   ? KCO_RULE_REG_DEREF
					: want->sp_reg == 9 ? KCO_RULE_DEREF_REG
							    : KCO_RULE_REG);
	assert_string_equal(arch->regs[row->cfa.reg].name, regs[want->sp_reg]);
	assert_int_equal(row->cfa.offset, want->sp);
	assert_int_equal(row->ra_offset, -8);
	assert_int_equal(row->signal, want->signal);
	if (want->bp_reg) {
		assert_int_equal(row->saved[0].reg, arch->fp);
		assert_int_equal(row->saved[0].rule.offset, want->bp);
		assert_int_equal(row->saved[0].rule.kind, want->bp_reg == 1 ? KCO_RULE_CFA : KCO_RULE_REG_DEREF);
	}
	// In a caller only the frame pointer is known; a trap frame has all registers.
	assert_int_equal(row->nr_saved, (want->bp_reg ? 1 : 0) + (want->kind == CALL ? 14 : 0));
	for (unsigned i = want->bp_reg ? 1 : 0; i < row->nr_saved; i++) {
		assert_int_equal(row->saved[i].rule.kind, KCO_RULE_UNDEFINED);
		assert_int_not_equal(row->saved[i].reg, arch->fp);
		assert_int_not_equal(row->saved[i].reg, arch->sp);
		assert_int_not_equal(row->saved[i].reg, arch->pc);
	}
}

static void test_orc__every_row_of_every_generation(void **state)
{
	(void)state;
	for (enum gen gen = 0; gen < NR_GENS; gen++) {
		struct fixture f;

		fixture_open(&f, gen, everything, NR_ROWS);
		for (size_t i = 0; i < NR_ROWS; i++)
			for (unsigned off = 0; off < 16; off += 15) {
				struct kco_unwind_row row;

				if (everything[i].pc + off > f.table[0].last_pc)
					continue;
				row = find(&f, everything[i].pc + off);
				check_row(&f, gen, &everything[i], &row);
			}
		fixture_fini(&f);
	}
}

static void test_orc__a_row_reaches_to_the_next_one_and_the_last_of_equals_counts(void **state)
{
	struct row rows[600];
	struct fixture f;
	struct kco_unwind_row row;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		rows[i] = (struct row){
			.pc = TEXT + (i / 2) * 0x100, .kind = i & 1 ? CALL : UNDEFINED, .sp_reg = 5, .sp = (int)i * 8
		};
	fixture_open(&f, GEN_TYPES, rows, 600);
	assert_int_equal(f.table[0].first_pc, TEXT);
	assert_int_equal(f.table[0].last_pc, TEXT + 299 * 0x100);
	for (unsigned i = 0; i < 300; i++)
		for (unsigned off = 0; off < 0x100; off += i == 299 ? 0x100 : 0xff) {
			row = find(&f, TEXT + i * 0x100 + off);
			assert_int_equal(row.kind, KCO_ROW_CALL);
			assert_int_equal(row.cfa.offset, (i * 2 + 1) * 8);
		}
	assert_int_equal(kco_orc_find(&f.tables, f.v.mem, &f.v.space, TEXT - 1, &row, &f.err), KCO_E_NOSYM);
	assert_int_equal(kco_orc_find(&f.tables, f.v.mem, &f.v.space, f.table[0].last_pc + 1, &row, &f.err),
			 KCO_E_NOSYM);
	assert_msg(&f.err, "no unwind table for 0xffffffff81012b01");
	fixture_fini(&f);
}

static void test_orc__the_table_of_an_address_among_many_that_overlap(void **state)
{
	struct fixture f;
	struct kco_unwind_row row;

	(void)state;
	fixture_open(&f, GEN_TYPES, everything, NR_ROWS);
	// One table seen as four: a wide one, two inside it, and a gap.
	f.tables.nr_tables = 4;
	for (unsigned i = 1; i < 4; i++)
		f.table[i] = f.table[0];
	f.table[0].last_pc = TEXT + 0xd0;
	f.table[1].first_pc = TEXT + 0x20;
	f.table[1].last_pc = TEXT + 0x2f;
	f.table[2].first_pc = TEXT + 0x40;
	f.table[2].last_pc = TEXT + 0x4f;
	f.table[3].first_pc = TEXT + 0x1000;
	f.table[3].last_pc = TEXT + 0x1fff;
	assert_int_equal(find(&f, TEXT + 0x35).saved[0].rule.offset, -40);
	assert_int_equal(find(&f, TEXT + 0x2f).cfa.offset, 16);
	assert_int_equal(find(&f, TEXT + 0x51).cfa.kind, KCO_RULE_DEREF_REG);
	assert_int_equal(kco_orc_find(&f.tables, f.v.mem, &f.v.space, TEXT + 0xd1, &row, &f.err), KCO_E_NOSYM);
	assert_int_equal(kco_orc_find(&f.tables, f.v.mem, &f.v.space, TEXT + 0x2000, &row, &f.err), KCO_E_NOSYM);
	f.tables.nr_tables = 0;
	assert_int_equal(kco_orc_find(&f.tables, f.v.mem, &f.v.space, TEXT, &row, &f.err), KCO_E_NOSYM);
	fixture_fini(&f);
}

static void test_orc__what_types_mean_is_told_by_the_table(void **state)
{
	struct row rows[1000];

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		rows[i] = (struct row){ .pc = TEXT + i * 8, .kind = i % 10 ? CALL : REGS, .sp_reg = 5, .sp = 8 };
	for (enum gen gen = 0; gen < NR_GENS; gen++) {
		struct fixture f;

		fixture_open(&f, gen, rows, 1000);
		// Whatever was thought before.
		for (unsigned wrong = 0; wrong < 2; wrong++) {
			if (wrong)
				f.tables.layout.type_call = f.tables.layout.type_end = 7;
			if (kco_orc_calibrate(&f.tables.layout, &f.table[0], f.v.mem, &f.v.space, &f.err))
				fail_msg("%s", f.err.msg);
			assert_int_equal(f.tables.layout.type_call, gen == GEN_TYPES ? 2 : 0);
			assert_int_equal(f.tables.layout.type_regs, gen == GEN_TYPES ? 3 : 1);
			assert_int_equal(f.tables.layout.type_regs_partial, gen == GEN_TYPES ? 4 : 2);
			assert_int_equal(f.tables.layout.type_end, gen == GEN_TYPES ? 1 : -1);
		}
		fixture_fini(&f);
	}
}

static void test_orc__a_table_of_no_known_meaning_is_refused(void **state)
{
	struct row rows[100];
	struct fixture f;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		rows[i] = (struct row){ .pc = TEXT + i * 8, .kind = REGS, .sp_reg = 5, .sp = 8 };
	fixture_open(&f, GEN_TYPES, rows, 100);
	assert_int_equal(kco_orc_calibrate(&f.tables.layout, &f.table[0], f.v.mem, &f.v.space, &f.err), KCO_E_CORRUPT);
	assert_msg(&f.err, "of type 3, which is no call");
	assert_int_equal(f.tables.layout.type_call, 2);
	f.v.hole_first = ROWS;
	f.v.hole_end = ROWS + 0x100000;
	vmem_close(&f.v);
	assert_true(vmem_open(&f.v));
	assert_int_equal(kco_orc_calibrate(&f.tables.layout, &f.table[0], f.v.mem, &f.v.space, &f.err), KCO_E_CORRUPT);
	assert_msg(&f.err, "no row that could be read");
	fixture_fini(&f);
}

static void test_orc__sizes_and_order_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		uint64_t ip_size, entries_size;
	} sizes[] = { { 0, 0 }, { 60, 84 }, { 61, 90 }, { 60, 96 }, { UINT64_C(1) << 40, UINT64_C(3) << 39 } };
	struct row rows[NR_ROWS];
	struct fixture f;
	struct kco_orc_table t;

	(void)state;
	fixture_open(&f, GEN_TYPES, everything, NR_ROWS);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		assert_int_equal(kco_orc_table_init(&t, &f.tables.layout, f.v.mem, &f.v.space, IPS, sizes[i].ip_size,
						    ROWS, sizes[i].entries_size, &f.err),
				 KCO_E_CORRUPT);
	assert_int_equal(kco_orc_table_init(&t, &f.tables.layout, f.v.mem, &f.v.space, 0x1000, 60, ROWS, 90, &f.err),
			 KCO_E_RANGE);
	fixture_fini(&f);
	memcpy(rows, everything, sizeof(rows));
	rows[0].pc = TEXT + 0x10000;
	memset(&f, 0, sizeof(f));
	for (size_t i = 0; i < NR_ROWS; i++)
		put_row(&f, GEN_TYPES, &rows[i]);
	vmem_add(&f.v, IPS, f.ips.p, f.ips.n);
	assert_true(vmem_open(&f.v));
	f.types = orc_types(GEN_TYPES);
	assert_int_equal(kco_orc_layout_init(&f.tables.layout, f.v.space.arch, f.types, &f.err), KCO_OK);
	assert_int_equal(kco_orc_table_init(&t, &f.tables.layout, f.v.mem, &f.v.space, IPS, 60, ROWS, 90, &f.err),
			 KCO_E_CORRUPT);
	assert_msg(&f.err, "comes behind");
	fixture_fini(&f);
}

static void test_orc__pages_that_are_missing_give_their_reason(void **state)
{
	struct fixture f;
	struct kco_unwind_row row;

	(void)state;
	fixture_open(&f, GEN_TYPES, everything, NR_ROWS);
	f.v.hole_first = ROWS;
	f.v.hole_end = ROWS + 0x1000;
	assert_int_equal(kco_orc_find(&f.tables, f.v.mem, &f.v.space, TEXT, &row, &f.err), KCO_E_NOT_SAVED);
	assert_msg(&f.err, "ORC table");
	fixture_fini(&f);
}

static void test_orc__types_without_orc_entry_or_with_another_one(void **state)
{
	const struct kco_arch_ops *arch = kco_arch_by_machine(62);
	struct kco_orc_layout layout;
	struct kco_err err;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct btfmake m;
		struct kco_types *t;
		uint32_t u64;
		uint8_t *data;
		size_t n;

		btfmake_init(&m, NULL);
		u64 = btfmake_int(&m, "unsigned long", 8, 0, 64);
		if (i > 0) {
			btfmake_type(&m, "orc_entry", 4, 0, i == 1 ? 1 : 5, i == 1 ? 8 : 6);
			btfmake_member(&m, "sp_offset", u64, 0, 0);
		}
		for (const char *const *p = (const char *const[]){ "bp_offset", "sp_reg", "bp_reg", "type", NULL };
		     i == 2 && *p; p++)
			btfmake_member(&m, *p, u64, 0, 0);
		data = btfmake_take(&m, &n);
		assert_int_equal(kco_btf_new_take(data, n, NULL, 8, &t, NULL), KCO_OK);
		assert_int_equal(kco_orc_layout_init(&layout, arch, t, &err), KCO_E_NOTYPE);
		assert_msg(&err, i == 0 ? "no struct orc_entry" : i == 1 ? "has no member bp_offset" : "no known form");
		kco_types_free(t);
		btfmake_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orc__every_row_of_every_generation),
		cmocka_unit_test(test_orc__a_row_reaches_to_the_next_one_and_the_last_of_equals_counts),
		cmocka_unit_test(test_orc__the_table_of_an_address_among_many_that_overlap),
		cmocka_unit_test(test_orc__what_types_mean_is_told_by_the_table),
		cmocka_unit_test(test_orc__a_table_of_no_known_meaning_is_refused),
		cmocka_unit_test(test_orc__sizes_and_order_that_make_no_sense_are_refused),
		cmocka_unit_test(test_orc__pages_that_are_missing_give_their_reason),
		cmocka_unit_test(test_orc__types_without_orc_entry_or_with_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
