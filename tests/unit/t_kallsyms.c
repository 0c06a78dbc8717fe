// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kallsyms in all its forms, from an encoder of the tests' own.
 */
#include "kallsyms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ksymmake.h"
#include "unit.h"

#define BASE KSYM_BASE
#define TABLES KSYM_TABLES

struct fixture {
	struct ksymmake k;
	struct vmem v;
	struct kco_symbol_source *src;
	struct kco_err err;
};

static void fixture_init(struct fixture *f, const struct ksym_shape *shape)
{
	memset(f, 0, sizeof(*f));
	ksymmake_usual(&f->k, ksym_has_percpu(shape));
	ksymmake_encode(&f->k, shape);
	vmem_add(&f->v, TABLES, f->k.image.p, f->k.image.n);
}

static enum kco_status open_source(struct fixture *f)
{
	// VMCOREINFO does not name the markers.
	struct kco_kallsyms_layout layout = f->k.layout;

	layout.markers = 0;
	f->err = KCO_ERR_INIT;
	return kco_kallsyms_new(f->v.mem, &f->v.space, &layout, &f->src, &f->err);
}

static void fixture_open(struct fixture *f, const struct ksym_shape *shape)
{
	fixture_init(f, shape);
	assert_true(vmem_open(&f->v));
	if (open_source(f))
		fail_msg("%s", f->err.msg);
}

static void fixture_fini(struct fixture *f)
{
	if (f->src)
		f->src->ops->free(f->src);
	vmem_close(&f->v);
	free(f->k.image.p);
}

static struct kco_symbol by_addr(struct fixture *f, uint64_t addr)
{
	struct kco_symbol sym = { 0 };

	if (f->src->ops->by_addr(f->src, addr, &sym, &f->err))
		fail_msg("%#" PRIx64 ": %s", addr, f->err.msg);
	return sym;
}

static struct kco_symbol by_name(struct fixture *f, const char *name)
{
	struct kco_symbol sym = { 0 };

	if (f->src->ops->by_name(f->src, name, &sym, &f->err))
		fail_msg("%s: %s", name, f->err.msg);
	return sym;
}

static void test_kallsyms__every_address_gives_the_first_alias_and_its_size(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_KSYM_SHAPES; s++) {
		struct fixture *f = malloc(sizeof(*f));

		fixture_open(f, &ksym_shapes[s]);
		for (uint32_t i = 0; i < f->k.n; i++) {
			uint32_t first = i, next = i;
			struct kco_symbol sym;

			if (f->k.syms[i].addr < BASE || f->k.syms[i].addr >= BASE + 0x20000)
				continue;
			while (first > 0 && f->k.syms[first - 1].addr == f->k.syms[i].addr)
				first--;
			while (f->k.syms[next].addr == f->k.syms[i].addr)
				next++;
			for (unsigned off = 0; off < 16; off += 15) {
				sym = by_addr(f, f->k.syms[i].addr + off);
				assert_string_equal(sym.name, f->k.syms[first].name);
				assert_int_equal(sym.addr, f->k.syms[i].addr);
				assert_int_equal(sym.size, f->k.syms[next].addr - f->k.syms[i].addr);
				assert_int_equal(sym.type, f->k.syms[first].type);
				assert_null(sym.module);
			}
		}
		fixture_fini(f);
		free(f);
	}
}

static void test_kallsyms__every_name_is_found_and_the_lowest_of_equals_wins(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_KSYM_SHAPES; s++) {
		struct fixture *f = malloc(sizeof(*f));
		struct kco_symbol sym;

		fixture_open(f, &ksym_shapes[s]);
		for (uint32_t i = 0; i < f->k.n; i++) {
			sym = by_name(f, f->k.syms[i].name);
			assert_string_equal(sym.name, f->k.syms[i].name);
			if (strcmp(sym.name, "twice") != 0) {
				assert_int_equal(sym.addr, f->k.syms[i].addr);
				assert_int_equal(sym.type, f->k.syms[i].type);
			}
		}
		assert_int_equal(by_name(f, "twice").addr, BASE + 0x110 + 60 * 0x40);
		for (const char *const *none =
			     (const char *const[]){ "nothing", "", "do_thing.", "do_thin", "zzz", NULL };
		     *none; none++)
			assert_int_equal(f->src->ops->by_name(f->src, *none, &sym, &f->err), KCO_E_NOSYM);
		assert_msg(&f->err, "\"zzz\"");
		fixture_fini(f);
		free(f);
	}
}

static void test_kallsyms__answers_only_between_the_first_symbol_and_end(void **state)
{
	static const uint64_t outside[] = { 0,
					    0x1000,
					    0x1800,
					    BASE - 1,
					    BASE + 0x20000,
					    BASE + 0x30000,
					    BASE + 0x1000000,
					    UINT64_C(0xffffffffc0000000),
					    UINT64_MAX };
	struct fixture *f = malloc(sizeof(*f));
	struct kco_symbol sym;

	(void)state;
	fixture_open(f, &ksym_shapes[4]);
	assert_int_equal(f->src->first, BASE);
	assert_int_equal(f->src->last, BASE + 0x20000 - 1);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		assert_int_equal(f->src->ops->by_addr(f->src, outside[i], &sym, &f->err), KCO_E_NOSYM);
	assert_string_equal(by_addr(f, BASE + 0x1ffff).name, "__x64_sys_number_699");
	fixture_fini(f);
	free(f);
}

struct collect {
	const struct fixture *f;
	uint32_t n, stop;
};

static bool collect(void *arg, const struct kco_symbol *sym)
{
	struct collect *c = arg;
	const struct ksym *want = &c->f->k.syms[c->n];
	uint32_t next = c->n;

	assert_true(c->n < c->f->k.n);
	assert_string_equal(sym->name, want->name);
	assert_int_equal(sym->addr, want->addr);
	assert_int_equal(sym->type, want->type);
	while (next < c->f->k.n && c->f->k.syms[next].addr == want->addr)
		next++;
	if (next < c->f->k.n)
		assert_int_equal(sym->size, c->f->k.syms[next].addr - want->addr);
	return ++c->n != c->stop;
}

static void test_kallsyms__each_gives_all_in_order_and_stops_when_told(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct collect c = { .f = f };

	(void)state;
	fixture_open(f, &ksym_shapes[7]);
	assert_int_equal(f->src->ops->each(f->src, collect, &c, &f->err), KCO_OK);
	assert_int_equal(c.n, f->k.n);
	c = (struct collect){ .f = f, .stop = 300 };
	assert_int_equal(f->src->ops->each(f->src, collect, &c, &f->err), KCO_OK);
	assert_int_equal(c.n, 300);
	fixture_fini(f);
	free(f);
}

static void test_kallsyms__scan_finds_what_vmcoreinfo_would_say(void **state)
{
	static const char digits[] = "\0000\0001\0002\0003\0004\0005\0006\0007\0008\0009\000:";

	(void)state;
	for (size_t s = 0; s < NR_KSYM_SHAPES; s++) {
		struct fixture *f = malloc(sizeof(*f));
		struct kco_kallsyms_layout l;
		uint8_t *before = calloc(1, 0x20000);

		// Ahead of the arrays: digits that are no token table.
		memcpy(before + 0x333, digits, sizeof(digits));
		vmem_add(&f->v, BASE, before, 0x20000);
		fixture_open(f, &ksym_shapes[s]);
		if (kco_kallsyms_scan(f->v.mem, &f->v.space, BASE, TABLES + f->k.image.n, &l, &f->err))
			fail_msg("shape %zu: %s", s, f->err.msg);
		assert_int_equal(l.num_syms, f->k.layout.num_syms);
		assert_int_equal(l.names, f->k.layout.names);
		assert_int_equal(l.markers, f->k.layout.markers);
		assert_int_equal(l.token_table, f->k.layout.token_table);
		assert_int_equal(l.token_index, f->k.layout.token_index);
		assert_int_equal(l.offsets, f->k.layout.offsets);
		assert_int_equal(l.relative_base, f->k.layout.relative_base);
		assert_int_equal(l.addresses, f->k.layout.addresses);
		fixture_fini(f);
		free(before);
		free(f);
	}
}

static void test_kallsyms__scan_says_what_is_missing(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct kco_kallsyms_layout l;
	uint64_t end;

	(void)state;
	fixture_open(f, &ksym_shapes[7]);
	end = TABLES + f->k.image.n;
	assert_int_equal(kco_kallsyms_scan(f->v.mem, &f->v.space, BASE, TABLES, &l, &f->err), KCO_E_NOSYM);
	assert_msg(&f->err, "no token table");
	// Without num_syms no names; without sorted offsets no addresses.
	memset(f->k.image.p + (f->k.layout.num_syms - TABLES), 0, 4);
	vmem_close(&f->v);
	assert_true(vmem_open(&f->v));
	assert_int_equal(kco_kallsyms_scan(f->v.mem, &f->v.space, BASE, end, &l, &f->err), KCO_E_NOSYM);
	assert_msg(&f->err, "no names");
	f->src->ops->free(f->src);
	f->src = NULL;
	fixture_fini(f);
	free(f);
}

/* Overwrite @n bytes at @va of the encoded arrays and open again. */
static enum kco_status open_damaged(const struct ksym_shape *shape, size_t which, uint64_t off, uint64_t value,
				    size_t n, char msg[256])
{
	struct fixture *f = malloc(sizeof(*f));
	const uint64_t *places;
	enum kco_status st;

	fixture_init(f, shape);
	places = (const uint64_t[]){ f->k.layout.num_syms, f->k.layout.token_index, f->k.layout.token_table,
				     f->k.layout.names,	   f->k.layout.offsets,	    f->k.layout.markers };
	for (size_t i = 0; i < n; i++)
		f->k.image.p[places[which] - TABLES + off + i] = (uint8_t)(value >> (8 * i));
	assert_true(vmem_open(&f->v));
	st = open_source(f);
	memcpy(msg, f->err.msg, 256);
	fixture_fini(f);
	free(f);
	return st;
}

static void test_kallsyms__arrays_that_contradict_each_other_are_refused(void **state)
{
	const struct ksym_shape *shape = &ksym_shapes[7];
	char msg[256];

	(void)state;
	assert_int_equal(open_damaged(shape, 0, 0, 0, 4, msg), KCO_E_CORRUPT);
	assert_string_equal(msg, "kallsyms_num_syms is 0");
	assert_int_equal(open_damaged(shape, 0, 0, UINT32_MAX, 4, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "4294967295"));
	assert_int_equal(open_damaged(shape, 1, 2, 0, 2, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "kallsyms_token_index: entry 1"));
	assert_int_equal(open_damaged(shape, 2, 0, 'x', 1, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "token 0 does not end"));
	// Entry 0 of the offsets above the others.
	assert_int_equal(open_damaged(shape, 4, 0, 0x90000000, 4, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "below one before it"));
	// Damaged markers are made again from the names, and damaged names are refused when both are gone.
	assert_int_equal(open_damaged(shape, 5, 4, 1, 4, msg), KCO_OK);
	assert_int_not_equal(open_damaged(shape, 0, 0, 4000, 4, msg), KCO_OK);
}

static void test_kallsyms__many_symbols_claimed_in_a_small_dump_fail_soon(void **state)
{
	char msg[256];

	(void)state;
	assert_int_not_equal(open_damaged(&ksym_shapes[7], 0, 0, 0xffffff, 4, msg), KCO_OK);
	assert_true(msg[0]);
}

static void test_kallsyms__missing_pages_cost_their_own_symbols_only(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct kco_symbol sym;
	unsigned good = 0, bad = 0;

	(void)state;
	fixture_init(f, &ksym_shapes[4]);
	// The names of the second block are not in the dump.
	f->v.hole_first = (f->k.layout.names + 0xfff) & ~UINT64_C(0xfff);
	f->v.hole_end = f->v.hole_first + 0x1000;
	assert_true(f->v.hole_end < f->k.layout.markers);
	assert_true(vmem_open(&f->v));
	if (open_source(f))
		fail_msg("%s", f->err.msg);
	for (uint32_t i = 0; i < f->k.n; i++) {
		enum kco_status st = f->src->ops->by_name(f->src, f->k.syms[i].name, &sym, &f->err);

		if (st) {
			bad++;
			assert_int_equal(st, KCO_E_NOSYM);
			if (strlen(f->k.syms[i].name) < 100)
				assert_msg(&f->err, "names that could be read");
		} else {
			good++;
			assert_string_equal(sym.name, f->k.syms[i].name);
		}
	}
	assert_true(good > 100 && bad > 100);
	assert_int_equal(f->src->ops->by_addr(f->src, f->k.syms[300].addr, &sym, &f->err), KCO_E_NOT_SAVED);
	assert_msg(&f->err, "kallsyms_names");
	fixture_fini(f);
	free(f);
}

static void test_kallsyms__memory_running_out_leaves_nothing_behind(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	(void)state;
	fixture_open(f, &ksym_shapes[3]);
	f->src->ops->free(f->src);
	for (long n = 1;; n++) {
		struct kco_symbol sym;
		bool failed;

		f->src = NULL;
		unit_fault_arm(n);
		failed = open_source(f) || f->src->ops->by_name(f->src, "sys_number_5", &sym, &f->err) ||
			 f->src->ops->by_addr(f->src, BASE + 5, &sym, &f->err);
		if (failed)
			assert_int_equal(f->err.code, KCO_E_NOMEM);
		if (!unit_fault_fired()) {
			assert_false(failed);
			break;
		}
		if (f->src)
			f->src->ops->free(f->src);
	}
	fixture_fini(f);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kallsyms__every_address_gives_the_first_alias_and_its_size),
		cmocka_unit_test(test_kallsyms__every_name_is_found_and_the_lowest_of_equals_wins),
		cmocka_unit_test(test_kallsyms__answers_only_between_the_first_symbol_and_end),
		cmocka_unit_test(test_kallsyms__each_gives_all_in_order_and_stops_when_told),
		cmocka_unit_test(test_kallsyms__scan_finds_what_vmcoreinfo_would_say),
		cmocka_unit_test(test_kallsyms__scan_says_what_is_missing),
		cmocka_unit_test(test_kallsyms__arrays_that_contradict_each_other_are_refused),
		cmocka_unit_test(test_kallsyms__many_symbols_claimed_in_a_small_dump_fail_soon),
		cmocka_unit_test(test_kallsyms__missing_pages_cost_their_own_symbols_only),
		cmocka_unit_test(test_kallsyms__memory_running_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
