// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module's symbols: the kernel's choice among them, and tables that lie.
 */
#include "kallsyms.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vmem.h"

#define MOD UINT64_C(0xffffffffc0100000)

struct module_fixture {
	Elf64_Sym syms[16];
	char strings[2048], types[16];
	char longest[KCO_SYMBOL_NAME_MAX + 1];
	size_t strings_n;
	uint32_t n;
	struct vmem v;
	struct kco_module_syms at;
	struct kco_symbol_source *src;
	struct kco_err err;
};

static void mod_sym(struct module_fixture *f, uint64_t value, uint16_t shndx, char type, const char *name)
{
	f->syms[f->n] = (Elf64_Sym){ .st_name = (uint32_t)f->strings_n, .st_value = value, .st_shndx = shndx };
	f->types[f->n++] = type;
	memcpy(f->strings + f->strings_n, name, strlen(name) + 1);
	f->strings_n += strlen(name) + 1;
}

static void module_open(struct module_fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->strings_n = 1;
	mod_sym(f, 0, 0, '?', "");
	mod_sym(f, MOD + 0x100, 1, 't', "second");
	mod_sym(f, MOD + 0x20, 1, 'T', "first");
	mod_sym(f, MOD + 0x100, 1, 't', "second_alias");
	mod_sym(f, MOD + 0x140, 0, 'U', "undefined");
	mod_sym(f, MOD + 0x150, 1, 't', "");
	mod_sym(f, MOD + 0x160, 1, 't', ".LC5");
	mod_sym(f, MOD + 0x170, 1, 't', "$d.1");
	mod_sym(f, MOD + 0x10010, 2, 'd', "data");
	mod_sym(f, 0x2a000, 3, 'd', "percpu");
	/* The kernel holds names of up to 511 characters: one of them is too long to be a symbol's. */
	memset(f->longest, 'x', KCO_SYMBOL_NAME_MAX);
	mod_sym(f, MOD + 0x180, 1, 't', f->longest);
	f->longest[KCO_SYMBOL_NAME_MAX - 1] = '\0';
	mod_sym(f, 0x2b000, 3, 'd', f->longest);
	f->at = (struct kco_module_syms){ .module = "mod",
					  .symtab = MOD + 0x20000,
					  .strtab = MOD + 0x21000,
					  .typetab = MOD + 0x22000,
					  .num_symtab = f->n,
					  .ranges = { { MOD, MOD + 0x1000 }, { MOD + 0x10000, MOD + 0x11000 } },
					  .nr_ranges = 2 };
	vmem_add(&f->v, MOD + 0x20000, f->syms, sizeof(f->syms));
	vmem_add(&f->v, MOD + 0x21000, f->strings, f->strings_n);
	vmem_add(&f->v, MOD + 0x22000, f->types, sizeof(f->types));
	assert_true(vmem_open(&f->v));
	assert_int_equal(kco_module_syms_new(f->v.mem, &f->v.space, &f->at, &f->src, &f->err), KCO_OK);
}

static void module_close(struct module_fixture *f)
{
	f->src->ops->free(f->src);
	vmem_close(&f->v);
}

static void test_module_syms__choose_as_the_kernel_does(void **state)
{
	static const struct {
		uint64_t addr;
		const char *name; /* NULL: none */
		uint64_t size;
	} cases[] = {
		{ MOD, NULL, 0 },
		{ MOD + 0x1f, NULL, 0 },
		{ MOD + 0x20, "first", 0xe0 },
		{ MOD + 0xff, "first", 0xe0 },
		{ MOD + 0x100, "second", 0xf00 },
		{ MOD + 0x165, "second", 0xf00 },
		{ MOD + 0xfff, "second", 0xf00 },
		{ MOD + 0x1000, NULL, 0 },
		{ MOD + 0x10000, NULL, 0 }, /* the other piece of memory: the first one's symbols do not count */
		{ MOD + 0x10020, "data", 0xff0 },
		{ MOD + 0x11000, NULL, 0 },
		{ 0x2a000, NULL, 0 },
	};
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	assert_int_equal(f.src->first, MOD);
	assert_int_equal(f.src->last, MOD + 0x10fff);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum kco_status st = f.src->ops->by_addr(f.src, cases[i].addr, &sym, &f.err);

		if (!cases[i].name) {
			assert_int_equal(st, KCO_E_NOSYM);
			continue;
		}
		assert_int_equal(st, KCO_OK);
		assert_string_equal(sym.name, cases[i].name);
		assert_string_equal(sym.module, "mod");
		assert_int_equal(sym.size, cases[i].size);
	}
	assert_int_equal(f.src->ops->by_name(f.src, "second_alias", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.addr, MOD + 0x100);
	assert_int_equal(sym.type, 't');
	assert_int_equal(f.src->ops->by_name(f.src, "percpu", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.addr, 0x2a000);
	assert_int_equal(f.src->ops->by_name(f.src, ".LC5", &sym, &f.err), KCO_E_NOSYM);
	assert_int_equal(f.src->ops->by_name(f.src, "undefined", &sym, &f.err), KCO_E_NOSYM);
	module_close(&f);
}

static void test_module_syms__a_table_that_cannot_be_read_fails_each_time_with_its_reason(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	f.v.hole_first = MOD + 0x20000;
	f.v.hole_end = MOD + 0x21000;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(f.src->ops->by_addr(f.src, MOD + 0x20, &sym, &f.err), KCO_E_NOT_SAVED);
		assert_msg(&f.err, "symbols of module mod");
	}
	module_close(&f);
	module_open(&f);
	f.src->ops->free(f.src);
	f.at.num_symtab = UINT32_MAX;
	assert_int_equal(kco_module_syms_new(f.v.mem, &f.v.space, &f.at, &f.src, &f.err), KCO_OK);
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_E_CORRUPT);
	module_close(&f);
}

static void test_module_syms__names_outside_the_strings_do_not_count(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	f.syms[2].st_name = (uint32_t)f.strings_n + 5;
	// Nothing can be read behind the strings: the kernel's memory ends there.
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_E_RANGE);
	module_close(&f);
	module_open(&f);
	f.syms[2].st_name = 0x7fffffff;
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_E_CORRUPT);
	module_close(&f);
}

static void test_module_syms__types_of_kernels_without_typetab_are_in_st_info(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	f.src->ops->free(f.src);
	f.at.typetab = 0;
	f.syms[1].st_info = 'T';
	assert_int_equal(kco_module_syms_new(f.v.mem, &f.v.space, &f.at, &f.src, &f.err), KCO_OK);
	assert_int_equal(f.src->ops->by_name(f.src, "second", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.type, 'T');
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.type, '?');
	module_close(&f);
}

static bool module_name_fits(void *arg, const struct kco_symbol *sym)
{
	size_t *n = arg;

	assert_true(strlen(sym->name) < KCO_SYMBOL_NAME_MAX);
	++*n;
	return true;
}

static void test_module_syms__names_longer_than_the_kernels_are_no_symbols(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;
	size_t n = 0;

	(void)state;
	module_open(&f);
	assert_int_equal(f.src->ops->each(f.src, module_name_fits, &n, &f.err), KCO_OK);
	assert_int_equal(n, 6);
	assert_int_equal(f.src->ops->by_name(f.src, f.longest, &sym, &f.err), KCO_OK);
	assert_int_equal(sym.addr, 0x2b000);
	module_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_module_syms__choose_as_the_kernel_does),
		cmocka_unit_test(test_module_syms__a_table_that_cannot_be_read_fails_each_time_with_its_reason),
		cmocka_unit_test(test_module_syms__names_outside_the_strings_do_not_count),
		cmocka_unit_test(test_module_syms__names_longer_than_the_kernels_are_no_symbols),
		cmocka_unit_test(test_module_syms__types_of_kernels_without_typetab_are_in_st_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
