// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a FreeBSD dump tells of its kernel without the kernel's file: symbols
 * that the loader left, in mapped and in physical memory, and the build-id.
 */
#include "freebsd_symbols.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vmem.h"

#define IMAGE UINT64_C(0xffffffff80200000)
#define PHYS UINT64_C(0xffffffff80000000)
#define SPAN 0x40000u
#define TABLE 0x20010u

static struct kco_err err;

static struct fixture {
	struct vmem v;
	uint8_t *memory;
	struct kco_session s;
} f;

static void put_symbol(struct bytes *syms, struct bytes *strs, const char *name, unsigned info, uint64_t value)
{
	bytes_uint(syms, strs->n, 4);
	bytes_put(strs, name, strlen(name) + 1);
	bytes_uint(syms, info, 1);
	bytes_uint(syms, 0, 1);
	bytes_uint(syms, 1, 2);
	bytes_uint(syms, value, 8);
	bytes_uint(syms, 8, 8);
}

static void put_table(const char *marker)
{
	struct bytes syms = { 0 }, strs = { 0 }, b = { 0 };
	char name[16];

	bytes_uint(&strs, 0, 1);
	for (unsigned i = 0; i < 24; i++)
		bytes_uint(&syms, 0, 1);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "function%u", i);
		put_symbol(&syms, &strs, name, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), IMAGE + 0x1000 + i * 16);
	}
	put_symbol(&syms, &strs, marker, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), IMAGE + 0x3000);
	bytes_uint(&b, syms.n, 8);
	bytes_put(&b, syms.p, syms.n);
	bytes_uint(&b, strs.n, 8);
	bytes_put(&b, strs.p, strs.n);
	memcpy(f.memory + TABLE, b.p, b.n);
	free(syms.p);
	free(strs.p);
	free(b.p);
}

/* The ELF header and the notes that a kernel's first segment begins with. */
static void put_header(uint64_t phoff, uint64_t notes)
{
	Elf64_Ehdr eh = { .e_phoff = phoff, .e_phnum = 2 };
	Elf64_Phdr ph[2] = { { .p_type = PT_LOAD, .p_vaddr = IMAGE },
			     { .p_type = PT_NOTE, .p_vaddr = notes, .p_memsz = 60, .p_filesz = 60 } };
	struct bytes b = { 0 };

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(f.memory, &eh, sizeof(eh));
	memcpy(f.memory + 64, ph, sizeof(ph));
	// Another note first.
	bytes_uint(&b, 8, 4);
	bytes_uint(&b, 4, 4);
	bytes_uint(&b, 1, 4);
	bytes_put(&b, "FreeBSD", 8);
	bytes_uint(&b, 1201000, 4);
	bytes_uint(&b, 4, 4);
	bytes_uint(&b, 20, 4);
	bytes_uint(&b, NT_GNU_BUILD_ID, 4);
	bytes_put(&b, "GNU", 4);
	for (unsigned i = 0; i < 20; i++)
		bytes_uint(&b, i + 1, 1);
	memcpy(f.memory + 0x400, b.p, b.n);
	free(b.p);
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	err = KCO_ERR_INIT;
	f.memory = calloc(1, SPAN);
	assert_non_null(f.memory);
	return 0;
}

static void open_memory(void)
{
	vmem_add(&f.v, IMAGE, f.memory, SPAN);
	f.v.phys = PHYS;
	assert_true(vmem_open(&f.v));
	f.s.image = f.v.image;
	f.s.mem = f.v.mem;
	f.s.kernel = f.v.space;
	f.s.arch = f.v.space.arch;
	f.s.image->facts.elf_machine = EM_X86_64;
}

static int teardown(void **state)
{
	(void)state;
	if (f.s.kernel_symbols)
		f.s.kernel_symbols->ops->free(f.s.kernel_symbols);
	vmem_close(&f.v);
	free(f.memory);
	return 0;
}

static void test_freebsd_symbols__a_minidump_has_those_that_the_loader_left(void **state)
{
	struct kco_symbols *syms = kco_symbols_new();
	struct kco_symbol sym;

	(void)state;
	put_table("allproc");
	open_memory();
	if (freebsd_symbols(&f.s, syms, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(kco_symbols_by_name(syms, "allproc", &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, IMAGE + 0x3000);
	assert_int_equal(kco_symbols_by_addr(syms, IMAGE + 0x1000 + 7 * 16 + 3, &sym, &err), KCO_OK);
	assert_string_equal(sym.name, "function7");
	kco_symbols_free(syms);
}

static void test_freebsd_symbols__a_dump_without_any_says_where_it_looked(void **state)
{
	struct kco_symbols *syms = kco_symbols_new();

	(void)state;
	put_table("mod_init");
	open_memory();
	assert_int_equal(freebsd_symbols(&f.s, syms, &err), KCO_E_NOSYM);
	assert_msg(&err, "no symbol table in memory from 0xffffffff80200000");
	kco_symbols_free(syms);
}

static void test_freebsd_symbols__a_full_dump_is_looked_through_by_physical_address(void **state)
{
	static const char *const names[] = { "KPML4phys", "allproc", NULL }, *const none[] = { "nothing", NULL };
	struct kco_symbols *syms = kco_symbols_new();
	struct kco_symbol sym;

	(void)state;
	put_table("allproc");
	open_memory();
	f.s.image->facts.max_pfn = (IMAGE - PHYS + SPAN) / 4096;
	if (freebsd_symbols_phys(&f.s, &err))
		fail_msg("%s", err.msg);
	// init() finds the page tables by them ...
	assert_int_equal(kco_session_kernel_symbol(&f.s, names, &sym, &err), KCO_OK);
	assert_int_equal(sym.addr, IMAGE + 0x3000);
	assert_int_equal(kco_session_kernel_symbol(&f.s, none, &sym, &err), KCO_E_NOSYM);
	assert_msg(&err, "the kernel has no symbol 'nothing'");
	// ... and they become the session's.
	assert_int_equal(freebsd_symbols(&f.s, syms, &err), KCO_OK);
	assert_null(f.s.kernel_symbols);
	assert_int_equal(kco_symbols_by_name(syms, "function99", &sym, &err), KCO_OK);
	kco_symbols_free(syms);
}

static void test_freebsd_symbols__the_build_id_is_in_the_images_notes(void **state)
{
	uint8_t id[64];
	size_t n = sizeof(id);

	(void)state;
	put_header(64, IMAGE + 0x400);
	open_memory();
	assert_int_equal(freebsd_build_id(&f.s, id, &n, &err), KCO_OK);
	assert_int_equal(n, 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(id[i], i + 1);
	// No room for it is none.
	n = 19;
	assert_int_equal(freebsd_build_id(&f.s, id, &n, &err), KCO_E_NOSYM);
	assert_msg(&err, "no build-id");
}

static void test_freebsd_symbols__headers_that_lie_give_no_build_id(void **state)
{
	static const struct {
		uint64_t phoff, notes;
	} lies[] = {
		{ UINT64_MAX, IMAGE + 0x400 }, { 960, IMAGE + 0x400 }, { 64, 0 },
		{ 64, IMAGE + SPAN },	       { 64, UINT64_MAX },
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		uint8_t id[64];
		size_t n = sizeof(id);

		put_header(lies[i].phoff, lies[i].notes);
		open_memory();
		assert_int_equal(freebsd_build_id(&f.s, id, &n, &err), KCO_E_NOSYM);
		teardown(state);
		setup(state);
	}
	open_memory();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_freebsd_symbols__a_minidump_has_those_that_the_loader_left),
		TEST(test_freebsd_symbols__a_dump_without_any_says_where_it_looked),
		TEST(test_freebsd_symbols__a_full_dump_is_looked_through_by_physical_address),
		TEST(test_freebsd_symbols__the_build_id_is_in_the_images_notes),
		TEST(test_freebsd_symbols__headers_that_lie_give_no_build_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
