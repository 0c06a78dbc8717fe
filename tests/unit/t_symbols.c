// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The chain of symbol sources: order, ranges, what is remembered, and errors
 * that must not hide what another source knows.
 */
#include <kco/symbol.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

struct fake {
	struct kco_symbol_source source;
	struct kco_symbol sym;
	enum kco_status fails;
	unsigned asked, *freed;
};

static enum kco_status fake_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
				    struct kco_err *err)
{
	struct fake *f = (struct fake *)src;

	assert_true(addr >= src->first && addr <= src->last);
	f->asked++;
	if (f->fails)
		return kco_fail(err, f->fails, "%s cannot be read", f->sym.name);
	if (addr < f->sym.addr)
		return kco_fail(err, KCO_E_NOSYM, "not here");
	*ret = f->sym;
	ret->size = addr - f->sym.addr + 1; // tells the questions apart
	return KCO_OK;
}

static enum kco_status fake_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				    struct kco_err *err)
{
	struct fake *f = (struct fake *)src;

	f->asked++;
	if (f->fails)
		return kco_fail(err, f->fails, "%s cannot be read", f->sym.name);
	if (strcmp(name, f->sym.name) != 0)
		return kco_fail(err, KCO_E_NOSYM, "not here");
	*ret = f->sym;
	return KCO_OK;
}

static enum kco_status fake_each(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
				 void *arg, struct kco_err *err)
{
	struct fake *f = (struct fake *)src;

	if (f->fails)
		return kco_fail(err, f->fails, "%s cannot be read", f->sym.name);
	for (unsigned i = 0; i < 2; i++)
		if (!fn(arg, &f->sym))
			break;
	return KCO_OK;
}

static void fake_free(struct kco_symbol_source *src)
{
	struct fake *f = (struct fake *)src;

	if (f->freed)
		++*f->freed;
	free(f);
}

static const struct kco_symbol_source_ops fake_ops = {
	.name = "fake",
	.by_addr = fake_by_addr,
	.by_name = fake_by_name,
	.each = fake_each,
	.free = fake_free,
};

static struct fake *fake_add(struct kco_symbols *syms, uint64_t first, uint64_t last, const char *name,
			     const char *module)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->source.ops = &fake_ops;
	f->source.first = first;
	f->source.last = last;
	f->source.module = module;
	f->sym = (struct kco_symbol){ .addr = first + 0x10, .size = 0x20, .name = name, .module = module };
	kco_symbols_add_take(syms, &f->source);
	return f;
}

static void test_symbols__earlier_sources_win_and_ranges_are_kept(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	struct kco_symbol sym;
	struct kco_err err;

	(void)state;
	kco_symbols_add_take(s, NULL);
	fake_add(s, 0x1000, 0x1fff, "one", NULL);
	fake_add(s, 0x1800, UINT64_MAX, "two", NULL);
	fake_add(s, 0x1000, 0x1fff, "one", "other");
	assert_int_equal(kco_symbols_by_addr(s, 0x1900, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "one");
	assert_int_equal(kco_symbols_by_addr(s, 0x2000, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "two");
	assert_int_equal(kco_symbols_by_addr(s, UINT64_MAX, &sym, &err), KCO_OK);
	assert_int_equal(kco_symbols_by_addr(s, 0xfff, &sym, &err), KCO_E_NOSYM);
	assert_string_equal(err.msg, "no symbol at 0xfff");
	assert_int_equal(kco_symbols_by_name(s, "one", &sym, &err), KCO_OK);
	assert_null(sym.module);
	assert_int_equal(kco_symbols_by_name(s, "three", &sym, &err), KCO_E_NOSYM);
	assert_string_equal(err.msg, "no symbol \"three\"");
	kco_symbols_free(s);
}

static void test_symbols__an_address_is_asked_for_once(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	struct fake *f = fake_add(s, 0x1000, 0x1fffff, "one", NULL);
	struct kco_symbol sym;
	struct kco_err err;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(kco_symbols_by_addr(s, 0x1900, &sym, &err), KCO_OK);
		assert_int_equal(sym.addr, 0x1010);
		// Refusals too.
		assert_int_equal(kco_symbols_by_addr(s, 0x1005, &sym, &err), KCO_E_NOSYM);
		assert_string_equal(err.msg, "no symbol at 0x1005");
	}
	assert_int_equal(f->asked, 2);
	// A new source may know what none knew.
	fake_add(s, 0x0, 0x1fff, "two", NULL);
	assert_int_equal(kco_symbols_by_addr(s, 0x1005, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "two");
	// Many addresses push each other out and stay right.
	for (uint64_t a = 0x2000; a < 0x100000; a += 16) {
		assert_int_equal(kco_symbols_by_addr(s, a, &sym, &err), KCO_OK);
		assert_int_equal(sym.size, a - 0x1010 + 1);
	}
	assert_int_equal(kco_symbols_by_addr(s, 0x1900, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "one");
	kco_symbols_free(s);
}

static void test_symbols__a_name_is_asked_for_once(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	struct fake *f = fake_add(s, 0x1000, 0x1fff, "one", NULL);
	struct kco_symbol sym;
	struct kco_err err;
	char name[80];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(kco_symbols_by_name(s, "one", &sym, &err), KCO_OK);
		assert_int_equal(sym.addr, 0x1010);
	}
	assert_int_equal(f->asked, 1);
	// What is unknown may become known, in a source that was there or a new one.
	assert_int_equal(kco_symbols_by_name(s, "two", &sym, &err), KCO_E_NOSYM);
	assert_string_equal(err.msg, "no symbol \"two\"");
	f->sym.name = "two";
	assert_int_equal(kco_symbols_by_name(s, "two", &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, 0x1010);
	f->sym.name = "one";
	fake_add(s, 0x2000, 0x2fff, "two", NULL);
	assert_int_equal(kco_symbols_by_name(s, "two", &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, 0x2010);
	// A read that failed may succeed later.
	f->fails = KCO_E_IO;
	assert_int_equal(kco_symbols_by_name(s, "one", &sym, &err), KCO_E_IO);
	f->fails = KCO_OK;
	assert_int_equal(kco_symbols_by_name(s, "one", &sym, &err), KCO_OK);
	// Many names push each other out and stay right, and so do long ones and none.
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%0*u", (int)(i % 64) + 1, i);
		assert_int_equal(kco_symbols_by_name(s, name, &sym, &err), KCO_E_NOSYM);
		assert_int_equal(kco_symbols_by_name(s, i % 2 ? "one" : "two", &sym, &err), KCO_OK);
		assert_string_equal(sym.name, i % 2 ? "one" : "two");
	}
	assert_int_equal(kco_symbols_by_name(s, "", &sym, &err), KCO_E_NOSYM);
	kco_symbols_free(s);
}

static void test_symbols__a_module_in_front_asks_that_module_only(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	struct fake *kernel = fake_add(s, 0x1000, 0x1fff, "init", NULL), *mod_a, *mod_b, *many;
	struct kco_symbol sym;
	struct kco_err err;

	(void)state;
	mod_a = fake_add(s, 0x2000, 0x2fff, "init", "a");
	mod_b = fake_add(s, 0x3000, 0x3fff, "init", "b");
	// A source of several modules, which knows the whole spelling.
	many = fake_add(s, 0x4000, 0x4fff, "c:init", NULL);
	many->sym.module = "c";
	assert_int_equal(kco_symbols_by_name(s, "b:init", &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, 0x3010);
	assert_int_equal(mod_a->asked, 0);
	assert_int_equal(kco_symbols_by_name(s, "c:init", &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, 0x4010);
	mod_b->asked = 0;
	assert_int_equal(kco_symbols_by_name(s, "vmlinux:init", &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, 0x1010);
	assert_int_equal(mod_b->asked, 0);
	assert_int_equal(kco_symbols_by_name(s, "d:init", &sym, &err), KCO_E_NOSYM);
	assert_string_equal(err.msg, "no symbol \"init\" in d");
	assert_int_equal(kco_symbols_by_name(s, ":init", &sym, &err), KCO_E_NOSYM);
	assert_int_equal(kco_symbols_by_name(s, "a:", &sym, &err), KCO_E_NOSYM);
	assert_true(kernel->asked > 0);
	kco_symbols_free(s);
}

static void test_symbols__a_source_that_fails_hides_nothing_and_is_not_hidden(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	struct fake *bad = fake_add(s, 0x1000, 0x1fff, "bad", NULL);
	struct kco_symbol sym;
	struct kco_err err;

	(void)state;
	bad->fails = KCO_E_NOT_SAVED;
	fake_add(s, 0x1000, 0x1fff, "good", NULL);
	assert_int_equal(kco_symbols_by_addr(s, 0x1900, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "good");
	assert_int_equal(kco_symbols_by_name(s, "good", &sym, &err), KCO_OK);
	// Nobody knows, but one could not look: that is the answer, and it is not remembered.
	assert_int_equal(kco_symbols_by_addr(s, 0x1005, &sym, &err), KCO_E_NOT_SAVED);
	assert_string_equal(err.msg, "bad cannot be read");
	assert_int_equal(kco_symbols_by_name(s, "none", &sym, &err), KCO_E_NOT_SAVED);
	assert_string_equal(err.msg, "bad cannot be read");
	bad->fails = KCO_OK;
	assert_int_equal(kco_symbols_by_addr(s, 0x1005, &sym, &err), KCO_E_NOSYM);
	kco_symbols_free(s);
}

static bool count(void *arg, const struct kco_symbol *sym)
{
	unsigned *left = arg;

	(void)sym;
	return --*left > 0;
}

static void test_symbols__each_goes_over_all_sources_until_told_to_stop(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	struct fake *bad;
	struct kco_err err;
	unsigned left = 100;

	(void)state;
	fake_add(s, 0, 1, "one", NULL);
	bad = fake_add(s, 0, 1, "bad", NULL);
	fake_add(s, 0, 1, "two", NULL);
	assert_int_equal(kco_symbols_each(s, count, &left, &err), KCO_OK);
	assert_int_equal(left, 100 - 6);
	left = 3;
	assert_int_equal(kco_symbols_each(s, count, &left, &err), KCO_OK);
	assert_int_equal(left, 0);
	bad->fails = KCO_E_TRUNCATED;
	left = 100;
	assert_int_equal(kco_symbols_each(s, count, &left, &err), KCO_E_TRUNCATED);
	assert_int_equal(left, 100 - 4);
	kco_symbols_free(s);
}

static void test_symbols__sources_are_freed_once(void **state)
{
	struct kco_symbols *s = kco_symbols_new();
	unsigned freed = 0;

	(void)state;
	fake_add(s, 0, 1, "one", NULL)->freed = &freed;
	fake_add(s, 0, 1, "two", NULL)->freed = &freed;
	kco_symbols_free(s);
	assert_int_equal(freed, 2);
	kco_symbols_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols__earlier_sources_win_and_ranges_are_kept),
		cmocka_unit_test(test_symbols__an_address_is_asked_for_once),
		cmocka_unit_test(test_symbols__a_name_is_asked_for_once),
		cmocka_unit_test(test_symbols__a_module_in_front_asks_that_module_only),
		cmocka_unit_test(test_symbols__a_source_that_fails_hides_nothing_and_is_not_hidden),
		cmocka_unit_test(test_symbols__each_goes_over_all_sources_until_told_to_stop),
		cmocka_unit_test(test_symbols__sources_are_freed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
