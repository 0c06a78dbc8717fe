// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols that a loader left in memory: found by shape, told from what looks
 * alike, read in part where memory is missing.
 */
#include "elf_memsyms.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vmem.h"

#define BASE UINT64_C(0xffffffff80200000)
#define SPAN 0x400000u
#define SYMBOLS 600u

static struct kco_err err;
static const char *const names[] = { "allproc", "panicstr", NULL };

/* Memory from BASE on: @at is where the loader put its table. */
struct fixture {
	struct vmem v;
	uint8_t *memory;
	bool elf64, cancel;
	struct kco_symbol_source *src;
	struct kco_memsyms_found found;
};

static void put_symbol(struct bytes *syms, struct bytes *strs, bool elf64, const char *name, unsigned info,
		       unsigned section, uint64_t value, uint64_t size)
{
	bytes_uint(syms, *name ? strs->n : 0, 4);
	if (*name)
		bytes_put(strs, name, strlen(name) + 1);
	if (!elf64) {
		bytes_uint(syms, value, 4);
		bytes_uint(syms, size, 4);
	}
	bytes_uint(syms, info, 1);
	bytes_uint(syms, 0, 1);
	bytes_uint(syms, section, 2);
	if (elf64) {
		bytes_uint(syms, value, 8);
		bytes_uint(syms, size, 8);
	}
}

/* A kernel's table, or that of another, at @at of the memory. */
static void put_table(struct fixture *f, size_t at, const char *marker)
{
	struct bytes syms = { 0 }, strs = { 0 }, b = { 0 };
	size_t word = f->elf64 ? 8 : 4;
	uint64_t base = f->elf64 ? BASE : 0xc0400000;
	char name[32];

	bytes_uint(&strs, 0, 1);
	put_symbol(&syms, &strs, f->elf64, "", 0, 0, 0, 0);
	put_symbol(&syms, &strs, f->elf64, "kern_a.c", ELF64_ST_INFO(STB_LOCAL, STT_FILE), SHN_ABS, 0, 0);
	put_symbol(&syms, &strs, f->elf64, "a_label", ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 1, base + 0x10, 0);
	for (unsigned i = 0; i < SYMBOLS; i++) {
		snprintf(name, sizeof(name), "%s_%u", i % 2 ? "object" : "function", i);
		put_symbol(&syms, &strs, f->elf64, name,
			   ELF64_ST_INFO(i % 3 ? STB_GLOBAL : STB_LOCAL, i % 2 ? STT_OBJECT : STT_FUNC), i % 2 ? 9 : 1,
			   base + (i % 2 ? 0x100000 : 0x1000) + i * 0x40, 0x40);
	}
	put_symbol(&syms, &strs, f->elf64, marker, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 9, base + 0x200000, word);
	put_symbol(&syms, &strs, f->elf64, "imported", ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), SHN_UNDEF, 0, 0);
	put_symbol(&syms, &strs, f->elf64, "constant", ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), SHN_ABS, 0x1234, 0);
	bytes_uint(&b, syms.n, word);
	bytes_put(&b, syms.p, syms.n);
	bytes_align(&b, word);
	bytes_uint(&b, strs.n, word);
	bytes_put(&b, strs.p, strs.n);
	memcpy(f->memory + at, b.p, b.n);
	free(syms.p);
	free(strs.p);
	free(b.p);
}

static void fixture_init(struct fixture *f, bool elf64)
{
	uint64_t seed = 7;

	memset(f, 0, sizeof(*f));
	f->elf64 = elf64;
	f->memory = malloc(SPAN);
	assert_non_null(f->memory);
	// Text and data: anything, and much of it small numbers and zeros.
	for (size_t i = 0; i < SPAN; i++) {
		uint64_t r = unit_random(&seed);

		f->memory[i] = (r & 0xf00) ? 0 : (uint8_t)r;
	}
	vmem_add(&f->v, BASE, f->memory, SPAN);
	assert_true(vmem_open(&f->v));
	err = KCO_ERR_INIT;
}

static void fixture_fini(struct fixture *f)
{
	if (f->src)
		f->src->ops->free(f->src);
	vmem_close(&f->v);
	free(f->memory);
}

static enum kco_status read_memory(void *arg, uint64_t addr, void *buf, size_t n, size_t *done, struct kco_err *e)
{
	struct fixture *f = arg;

	return kco_vread(f->v.mem, &f->v.space, addr, buf, n, done, e);
}

static bool is_cancelled(void *arg)
{
	struct fixture *f = arg;

	return f->cancel;
}

static enum kco_status look(struct fixture *f, uint64_t first, uint64_t end)
{
	struct kco_memsyms_request req = {
		.read = read_memory,
		.cancelled = is_cancelled,
		.arg = f,
		.first = first,
		.end = end,
		.names = names,
		.elf64 = f->elf64,
	};

	if (f->src)
		f->src->ops->free(f->src);
	return kco_elf_memsyms_new(&req, &f->src, &f->found, &err);
}

static void check_all(struct fixture *f)
{
	uint64_t base = f->elf64 ? BASE : 0xc0400000;
	struct kco_symbol sym;

	if (f->src->ops->by_name(f->src, "object_3", &sym, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(sym.addr, base + 0x100000 + 3 * 0x40);
	assert_int_equal(sym.size, 0x40);
	assert_int_equal(sym.type, 'd');
	assert_int_equal(f->src->ops->by_name(f->src, "function_2", &sym, &err), KCO_OK);
	assert_int_equal(sym.type, 'T');
	assert_int_equal(f->src->ops->by_name(f->src, "a_label", &sym, &err), KCO_OK);
	assert_int_equal(sym.type, 't'); // in the section that functions are in
	assert_int_equal(f->src->ops->by_name(f->src, "constant", &sym, &err), KCO_OK);
	assert_int_equal(sym.type, 'A');
	assert_int_equal(f->src->ops->by_name(f->src, "imported", &sym, &err), KCO_E_NOSYM);
	assert_int_equal(f->src->ops->by_name(f->src, "kern_a.c", &sym, &err), KCO_E_NOSYM);
	assert_int_equal(f->src->ops->by_addr(f->src, base + 0x1000 + 4 * 0x40 + 5, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "function_4");
	assert_int_equal(f->src->ops->by_addr(f->src, 0x1234, &sym, &err), KCO_E_NOSYM);
	assert_int_equal(f->src->first, base + 0x10);
	assert_int_equal(f->src->last, base + 0x200000 + (f->elf64 ? 7 : 3));
}

static void test_memsyms__a_kernels_table_is_found_wherever_it_lies(void **state)
{
	// The first word of a chunk, the last ones of one, and over its end.
	static const size_t at[] = { 8, 0x3210, 0xffff8, 0x100000, 0x100000 - 16, 0x1fffd0, 0x200008, 0x3f0000 };

	(void)state;
	for (int elf64 = 0; elf64 < 2; elf64++) {
		for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
			struct fixture f;

			fixture_init(&f, elf64);
			put_table(&f, at[i], "allproc");
			if (look(&f, BASE, BASE + 0x20000000))
				fail_msg("%s", err.msg);
			assert_int_equal(f.found.addr, BASE + at[i]);
			assert_int_equal(f.found.symbols, SYMBOLS + 6);
			assert_int_equal(f.found.missing, 0);
			check_all(&f);
			fixture_fini(&f);
		}
	}
}

static void test_memsyms__a_modules_table_is_no_kernels(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	put_table(&f, 0x8000, "a_module");
	assert_int_equal(look(&f, BASE, BASE + SPAN), KCO_E_NOSYM);
	assert_msg(&err, "no symbol table in memory from 0xffffffff80200000 to 0xffffffff80600000");
	fixture_fini(&f);
	fixture_init(&f, true);
	put_table(&f, 0x8000, "a_module");
	put_table(&f, 0x20000, "panicstr");
	assert_int_equal(look(&f, BASE, BASE + SPAN), KCO_OK);
	assert_int_equal(f.found.addr, BASE + 0x20000);
	// Outside of what is asked for.
	assert_int_equal(look(&f, BASE, BASE + 0x20000), KCO_E_NOSYM);
	assert_int_equal(look(&f, BASE + 0x20008, BASE + SPAN), KCO_E_NOSYM);
	fixture_fini(&f);
}

/* As a module's linker has it: the two arrays, whose places and sizes it knows. */
static void test_memsyms__a_modules_table_where_its_linker_says(void **state)
{
	(void)state;
	for (int elf64 = 0; elf64 < 2; elf64++) {
		uint64_t word = elf64 ? 8 : 4, base = elf64 ? BASE : 0xc0400000, size, names_size = 0;
		struct kco_memsyms_table t = { .syms = BASE + 0x8000 + word, .module = "m.ko" };
		struct kco_symbol sym;
		struct fixture f;
		struct kco_memsyms_request req = { .read = read_memory, .arg = &f, .elf64 = elf64 };

		fixture_init(&f, elf64);
		put_table(&f, 0x8000, "a_module");
		t.symbols = SYMBOLS + 6;
		size = t.symbols * (elf64 ? 24 : 16);
		memcpy(&names_size, f.memory + 0x8000 + word + size, word);
		t.names = t.syms + size + word;
		t.names_size = names_size;
		t.first = base;
		t.last = base + 0x2fffff;
		if (kco_elf_memsyms_at_new(&req, &t, &f.src, &f.found, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(f.src->ops->by_name(f.src, "function_2", &sym, &err), KCO_OK);
		assert_int_equal(sym.addr, base + 0x1000 + 2 * 0x40);
		assert_string_equal(sym.module, "m.ko");
		assert_int_equal(f.src->ops->by_name(f.src, "constant", &sym, &err), KCO_OK);
		assert_int_equal(sym.addr, 0x1234);
		assert_int_equal(f.src->ops->by_addr(f.src, base + 0x100000 + 5 * 0x40, &sym, &err), KCO_OK);
		assert_string_equal(sym.name, "object_5");
		assert_int_equal(f.found.code_last, base + 0x1000 + (SYMBOLS - 2) * 0x40 + 0x3f);
		f.src->ops->free(f.src);
		f.src = NULL;
		// Of a module that lies elsewhere: these values are neither its addresses nor lack its base.
		t.first += 0x10000000;
		t.last += 0x10000000;
		assert_int_equal(kco_elf_memsyms_at_new(&req, &t, &f.src, &f.found, &err), KCO_E_CORRUPT);
		// More than memory has.
		t.symbols = UINT64_MAX / 16;
		assert_int_equal(kco_elf_memsyms_at_new(&req, &t, &f.src, &f.found, &err), KCO_E_CORRUPT);
		assert_null(f.src);
		fixture_fini(&f);
	}
}

/* Each of these alone is no table. */
static void test_memsyms__what_only_looks_alike_is_passed_over(void **state)
{
	static const struct {
		size_t off, width;
		uint64_t value;
	} lies[] = {
		{ 0, 8, 24 * 3 },	  // too few
		{ 0, 8, 24 * 100 + 1 },	  // no multiple
		{ 0, 8, UINT64_MAX / 2 }, // too many
		{ 0, 8, 24 * 100 },	  // the second size lies elsewhere
		{ 8, 1, 1 },		  // the first symbol is not all zero
		{ 31, 1, 1 },
		{ 8 + 24 * 5, 4, 0x7fffffff }, // a name outside the names
		{ 8 + 24 * 5 + 4, 1, 0xf0 },   // a binding that there is not
		{ 8 + 24 * 5 + 4, 1, 0x0f },   // a type that there is not
		{ 8 + 24 * 5 + 5, 1, 0x40 },   // visibility
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct fixture f;

		fixture_init(&f, true);
		put_table(&f, 0x5000, "allproc");
		for (size_t k = 0; k < lies[i].width; k++)
			f.memory[0x5000 + lies[i].off + k] = (uint8_t)(lies[i].value >> (8 * k));
		assert_int_equal(look(&f, BASE, BASE + SPAN), KCO_E_NOSYM);
		assert_null(f.src);
		fixture_fini(&f);
	}
}

static void test_memsyms__what_is_missing_costs_its_symbols_only(void **state)
{
	struct kco_symbol sym;
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	put_table(&f, 0x5000, "allproc");
	f.v.hole_first = BASE + 0x7000;
	f.v.hole_end = BASE + 0x8000;
	if (look(&f, BASE, BASE + SPAN))
		fail_msg("%s", err.msg);
	assert_int_equal(f.found.missing, 0x1000);
	assert_int_equal(f.src->ops->by_name(f.src, "function_2", &sym, &err), KCO_OK);
	assert_int_equal(f.src->ops->by_name(f.src, "function_598", &sym, &err), KCO_OK);
	assert_int_equal(f.src->ops->by_name(f.src, "function_400", &sym, &err), KCO_E_NOSYM);
	fixture_fini(&f);
}

static void test_memsyms__the_search_can_be_interrupted(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	f.cancel = true;
	assert_int_equal(look(&f, BASE, BASE + SPAN), KCO_E_CANCELLED);
	fixture_fini(&f);
}

static void test_memsyms__memory_running_out_leaves_nothing_behind(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	put_table(&f, 0x5000, "allproc");
	assert_int_equal(look(&f, BASE, BASE + SPAN), KCO_OK); // pages are cached from here on
	for (long nth = 1;; nth++) {
		enum kco_status st;

		f.src->ops->free(f.src);
		f.src = NULL;
		unit_fault_arm(nth);
		st = look(&f, BASE, BASE + 0x20000);
		if (!unit_fault_fired()) {
			assert_int_equal(st, KCO_OK);
			break;
		}
		if (st)
			assert_true(st == KCO_E_NOMEM || st == KCO_E_NOSYM);
		if (!f.src)
			assert_int_equal(look(&f, BASE, BASE + 0x20000), KCO_OK);
	}
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memsyms__a_kernels_table_is_found_wherever_it_lies),
		cmocka_unit_test(test_memsyms__a_modules_table_is_no_kernels),
		cmocka_unit_test(test_memsyms__a_modules_table_where_its_linker_says),
		cmocka_unit_test(test_memsyms__what_only_looks_alike_is_passed_over),
		cmocka_unit_test(test_memsyms__what_is_missing_costs_its_symbols_only),
		cmocka_unit_test(test_memsyms__the_search_can_be_interrupted),
		cmocka_unit_test(test_memsyms__memory_running_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
