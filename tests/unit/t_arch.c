// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i386, arm64 and RISC-V as data and pure functions: registers, page table
 * entries, canonical addresses, calls. (x86_64 has a file of its own.)
 */
#include <elf.h>
#include <string.h>

#include <kco/arch.h>
#include <kco/endian.h>

#include "unit.h"

#define ALL UINT64_MAX

static const struct kco_arch_ops *arch(uint16_t machine)
{
	const struct kco_arch_ops *a = kco_arch_by_machine(machine);

	assert_non_null(a);
	return a;
}

static const struct kco_paging *form(uint16_t machine, const char *name)
{
	for (const struct kco_paging *const *p = arch(machine)->paging; *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	fail_msg("no form %s", name);
	return NULL;
}

static void maps(const struct kco_paging *f, uint64_t entry, unsigned level, enum kco_pte_kind kind, uint64_t pa)
{
	struct kco_paddr got = KCO_PADDR(0);

	assert_int_equal(f->decode(entry, level, ALL, &got), kind);
	assert_int_equal(got.v, pa);
}

static void is(const struct kco_paging *f, uint64_t entry, unsigned level, enum kco_pte_kind kind)
{
	struct kco_paddr got;

	assert_int_equal(f->decode(entry, level, ALL, &got), kind);
}

static void has_flags(const struct kco_paging *f, uint64_t entry, unsigned level, const char *text)
{
	char buf[128];

	f->flags(entry, level, buf, sizeof(buf));
	assert_string_equal(buf, text);
}

static void test_arch__rows_are_consistent(void **state)
{
	static const struct {
		uint16_t machine;
		const char *name, *pc, *sp, *fp, *link;
	} rows[] = {
		{ EM_386, "i386", "eip", "esp", "ebp", NULL },
		{ EM_AARCH64, "aarch64", "pc", "sp", "x29", "x30" },
		{ EM_RISCV, "riscv64", "pc", "sp", "s0", "ra" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kco_arch_ops *a = arch(rows[i].machine);

		assert_string_equal(a->name, rows[i].name);
		assert_int_equal(a->pc, kco_arch_reg(a, rows[i].pc));
		assert_int_equal(a->sp, kco_arch_reg(a, rows[i].sp));
		assert_int_equal(a->fp, kco_arch_reg(a, rows[i].fp));
		assert_int_equal(a->has_link, rows[i].link != NULL);
		assert_true(!rows[i].link || a->link == kco_arch_reg(a, rows[i].link));
		assert_int_equal(a->frame.ra - a->frame.fp, a->ptr_size);
		for (size_t r = 0; r < a->nr_regs; r++) {
			assert_non_null(a->regs[r].name);
			assert_int_equal(kco_arch_reg(a, a->regs[r].name), r);
			for (size_t other = 0; other < r; other++)
				assert_true(a->regs[r].dwarf < 0 || a->regs[other].dwarf != a->regs[r].dwarf);
		}
		for (const struct kco_paging *const *f = a->paging; *f; f++)
			for (unsigned level = 1; level <= (*f)->levels; level++)
				assert_non_null((*f)->level_names[level]);
	}
}

/* The psABIs' tables. */
static void test_arch__dwarf_numbers_are_those_of_the_abis(void **state)
{
	static const char *const i386[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags" };
	static const char *const riscv[] = { "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
					     "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
					     "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6" };
	const struct kco_arch_ops *a = arch(EM_386);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(a->regs[kco_arch_reg(a, i386[i])].dwarf, i);
	a = arch(EM_RISCV);
	for (int i = 0; i < 32; i++)
		assert_int_equal(a->regs[kco_arch_reg(a, riscv[i])].dwarf, i);
	a = arch(EM_AARCH64);
	assert_int_equal(a->regs[kco_arch_reg(a, "x0")].dwarf, 0);
	assert_int_equal(a->regs[kco_arch_reg(a, "x30")].dwarf, 30);
	assert_int_equal(a->regs[kco_arch_reg(a, "sp")].dwarf, 31);
}

static void test_i386__two_levels(void **state)
{
	const struct kco_paging *f = form(EM_386, "i386 2-level");

	(void)state;
	is(f, 0, 1, KCO_PTE_EMPTY);
	is(f, 0xfffffffe, 1, KCO_PTE_NOT_PRESENT);
	maps(f, 0x12345063, 1, KCO_PTE_PAGE, 0x12345000);
	maps(f, 0x123450e3, 1, KCO_PTE_PAGE, 0x12345000); // bit 7 is PAT there
	maps(f, 0x12345063, 2, KCO_PTE_TABLE, 0x12345000);
	maps(f, 0xffc000e3, 2, KCO_PTE_PAGE, 0xffc00000);
	maps(f, 0x004010e3, 2, KCO_PTE_PAGE, 0x400000);	   // with PAT
	maps(f, 0x0041e0e3, 2, KCO_PTE_PAGE, 0xf00400000); // PSE-36
	is(f, 0x006000e3, 2, KCO_PTE_BAD);		   // bit 21 is reserved
	has_flags(f, 0x004010e3, 2, "PRESENT|RW|ACCESSED|DIRTY|PS|PAT");
	has_flags(f, 0x0040108d, 1, "PRESENT|USER|PWT|PAT");
	has_flags(f, 0x004010e2, 2, "");
}

static void test_i386__physical_address_extension(void **state)
{
	const struct kco_paging *f = form(EM_386, "i386 PAE");

	(void)state;
	is(f, 0, 3, KCO_PTE_EMPTY);
	is(f, 2, 3, KCO_PTE_NOT_PRESENT);
	maps(f, 0xf12345001, 3, KCO_PTE_TABLE, 0xf12345000);
	is(f, 0xf12345003, 3, KCO_PTE_BAD); // no permissions in the root
	is(f, 0xf12345081, 3, KCO_PTE_BAD); // nor pages
	maps(f, UINT64_C(0x8000000f12345063), 1, KCO_PTE_PAGE, 0xf12345000);
	maps(f, 0xf12345063, 2, KCO_PTE_TABLE, 0xf12345000);
	maps(f, UINT64_C(0x8000000f122010e3), 2, KCO_PTE_PAGE, 0xf12200000);
	is(f, 0xf122020e3, 2, KCO_PTE_BAD);
	has_flags(f, UINT64_C(0x8000000f12345163), 1, "PRESENT|RW|ACCESSED|DIRTY|GLOBAL|NX");
	assert_true(arch(EM_386)->canonical(0xffffffff, 32));
	assert_false(arch(EM_386)->canonical(0x100000000, 32));
}

static void test_arm64__pages_of_4_kib(void **state)
{
	const struct kco_paging *f = form(EM_AARCH64, "arm64 4-level, 4 KiB pages");

	(void)state;
	is(f, 0, 1, KCO_PTE_EMPTY);
	is(f, 0x123456002, 1, KCO_PTE_NOT_PRESENT);
	maps(f, UINT64_C(0x0060000123456743), 1, KCO_PTE_PAGE, 0x123456000);
	is(f, 0x123456701, 1, KCO_PTE_BAD); // what is a block above is reserved
	for (unsigned level = 2; level <= 4; level++)
		maps(f, UINT64_C(0xffff923456789003), level, KCO_PTE_TABLE, UINT64_C(0x923456789000));
	maps(f, 0x40200701, 2, KCO_PTE_PAGE, 0x40200000);
	maps(f, 0x40000701, 3, KCO_PTE_PAGE, 0x40000000);
	is(f, 0x40220701, 2, KCO_PTE_BAD); // below 2 MiB
	is(f, 0x40200701, 3, KCO_PTE_BAD); // below 1 GiB
	is(f, UINT64_C(0x8000000701), 4, KCO_PTE_BAD);
	has_flags(f, UINT64_C(0x0060000123456783), 1, "VALID|PAGE|RO|AF|PXN|UXN|ISH|ATTR0");
}

static void test_arm64__words_of_descriptors(void **state)
{
	const struct kco_paging *f = form(EM_AARCH64, "arm64 4-level, 4 KiB pages");
	char buf[12];

	(void)state;
	has_flags(f, UINT64_C(0x0040000040200f45), 2, "VALID|BLOCK|RW|USER|AF|NG|UXN|ISH|ATTR1");
	has_flags(f, UINT64_C(0x1800000040201003), 2, "VALID|TABLE|PXNTABLE|UXNTABLE");
	has_flags(f, 0x40200f44, 2, "");
	// Whole words or none.
	f->flags(UINT64_C(0x0040000040200f45), 2, buf, sizeof(buf));
	assert_string_equal(buf, "VALID|BLOCK");
	f->flags(UINT64_C(0x0040000040200f45), 2, buf, sizeof(buf) - 1);
	assert_string_equal(buf, "VALID");
	f->flags(0x40200f45, 2, buf, 0);
}

static void test_arm64__pages_of_16_kib(void **state)
{
	const struct kco_paging *f = form(EM_AARCH64, "arm64 4-level, 16 KiB pages");

	(void)state;
	assert_int_equal(f->bits[0] + f->bits[1] + f->bits[2] + f->bits[3] + f->bits[4], 48);
	maps(f, 0x123454743, 1, KCO_PTE_PAGE, 0x123454000);
	maps(f, 0x123457743, 1, KCO_PTE_PAGE, 0x123454000); // bits 12 and 13 are no address
	maps(f, 0x123454003, 4, KCO_PTE_TABLE, 0x123454000);
	maps(f, 0x42000701, 2, KCO_PTE_PAGE, 0x42000000);
	is(f, 0x43000701, 2, KCO_PTE_BAD); // below 32 MiB
	is(f, UINT64_C(0x1000000701), 3, KCO_PTE_BAD);
	is(f, 0x123454701, 1, KCO_PTE_BAD);
}

/* Unlike on x86 each half has as many bits as are translated. */
static void test_arm64__halves_of_addresses(void **state)
{
	bool (*canonical)(uint64_t va, unsigned va_bits) = arch(EM_AARCH64)->canonical;

	(void)state;
	assert_true(canonical(UINT64_C(0x0000ffffffffffff), 48));
	assert_true(canonical(UINT64_C(0xffff000000000000), 48));
	assert_false(canonical(UINT64_C(0x0001000000000000), 48));
	assert_false(canonical(UINT64_C(0xfffeffffffffffff), 48));
}

static void riscv_form(const struct kco_paging *f)
{
	is(f, 0, 1, KCO_PTE_EMPTY);
	is(f, 0xfe, 1, KCO_PTE_NOT_PRESENT);
	maps(f, 0x20048ccf, 1, KCO_PTE_PAGE, 0x80123000);
	maps(f, 0x20048cc3, 1, KCO_PTE_PAGE, 0x80123000); // only to be read
	maps(f, 0x20048cc9, 1, KCO_PTE_PAGE, 0x80123000); // only to be executed
	is(f, 0x20048c05, 1, KCO_PTE_BAD);		  // written but not read
	is(f, 0x20048c01, 1, KCO_PTE_BAD);		  // a table below the lowest
	for (unsigned level = 2; level <= f->levels; level++) {
		maps(f, 0x20048c01, level, KCO_PTE_TABLE, 0x80123000);
		is(f, 0x20048c41, level, KCO_PTE_BAD); // accessed, which a table is not
		is(f, 0x20048ccf, level, KCO_PTE_BAD); // a large page in the middle of one
	}
	maps(f, 0x200800cf, 2, KCO_PTE_PAGE, 0x80200000);
	maps(f, 0x200000cf, 3, KCO_PTE_PAGE, 0x80000000);
	is(f, 0x200800cf, 3, KCO_PTE_BAD);
	maps(f, UINT64_C(0x003ffffffffffccf), 1, KCO_PTE_PAGE, UINT64_C(0x00fffffffffff000));
	is(f, UINT64_C(0x0040000020048ccf), 1, KCO_PTE_BAD);		    // reserved
	is(f, UINT64_C(0x6000000020048ccf), 1, KCO_PTE_BAD);		    // a memory type that is none
	maps(f, UINT64_C(0x4000000020048ccf), 1, KCO_PTE_PAGE, 0x80123000); // I/O
	is(f, UINT64_C(0x80000000200488cf), 1, KCO_PTE_BAD);		    // one of 16
}

static void test_riscv__entries(void **state)
{
	const struct kco_paging *sv48 = form(EM_RISCV, "RISC-V Sv48");

	(void)state;
	riscv_form(form(EM_RISCV, "RISC-V Sv39"));
	riscv_form(sv48);
	maps(sv48, UINT64_C(0x20000000cf), 4, KCO_PTE_PAGE, UINT64_C(0x8000000000));
	is(sv48, 0x200000cf, 4, KCO_PTE_BAD);
	has_flags(sv48, 0x200800cf, 2, "VALID|READ|WRITE|EXEC|ACCESSED|DIRTY");
	has_flags(sv48, UINT64_C(0xa000000020048c3b), 1, "VALID|READ|EXEC|USER|GLOBAL|NC|NAPOT");
	has_flags(sv48, 0x20048cce, 1, "");
}

static void test_riscv__canonical_addresses_repeat_their_highest_bit(void **state)
{
	bool (*canonical)(uint64_t va, unsigned va_bits) = arch(EM_RISCV)->canonical;

	(void)state;
	assert_true(canonical(UINT64_C(0x3fffffffff), 39));
	assert_false(canonical(UINT64_C(0x4000000000), 39));
	assert_true(canonical(UINT64_C(0xffffffc000000000), 39));
	assert_false(canonical(UINT64_C(0xffffffbfffffffff), 39));
	assert_true(canonical(UINT64_C(0xffff800000000000), 48));
}

struct call {
	uint8_t code[8];
	unsigned n, length;
	int64_t to; /* from the return address; 0: its code does not say */
};

static void calls(uint16_t machine, const struct call *rows, size_t n)
{
	const struct kco_arch_ops *a = arch(machine);

	for (size_t i = 0; i < n; i++) {
		const uint64_t ret = 0xc0001000;
		uint64_t target = 0;
		bool told = a->call_target(rows[i].code, rows[i].n, ret, &target);

		if (a->call_before(rows[i].code, rows[i].n) != rows[i].length)
			fail_msg("machine %u, row %zu: length %u", machine, i, a->call_before(rows[i].code, rows[i].n));
		assert_int_equal(told, rows[i].to != 0);
		assert_true(!told || target == ret + (uint64_t)rows[i].to);
	}
}
#define CALLS(machine, rows) calls(machine, rows, sizeof(rows) / sizeof((rows)[0]))

/* Encodings as the GNU and LLVM assemblers make them. */
static void test_arch__calls(void **state)
{
	static const struct call i386[] = {
		{ { 0xe8, 0x10, 0, 0, 0 }, 5, 5, 0x10 },
		{ { 0xe8, 0xf0, 0xff, 0xff, 0xff }, 5, 5, -0x10 },
		{ { 0xff, 0xd0 }, 2, 2, 0 },			     // call *%eax
		{ { 0xff, 0x53, 0x08 }, 3, 3, 0 },		     // call *8(%ebx)
		{ { 0xff, 0x15, 0x78, 0x56, 0x34, 0xc0 }, 6, 6, 0 }, // call *0xc0345678
		{ { 0xff, 0x14, 0x85, 0, 0, 0, 0xc0 }, 7, 7, 0 },    // call *0xc0000000(,%eax,4)
		{ { 0xff, 0xe0 }, 2, 0, 0 },			     // jmp *%eax
		{ { 0x10, 0, 0, 0 }, 4, 0, 0 },
	};
	static const struct call arm64[] = {
		{ { 0x04, 0, 0, 0x94 }, 4, 4, 12 },	   // bl .+16
		{ { 0xfe, 0xff, 0xff, 0x97 }, 4, 4, -12 }, // bl .-8
		{ { 0x00, 0x01, 0x3f, 0xd6 }, 4, 4, 0 },   // blr x8
		{ { 0x1f, 0x09, 0x3f, 0xd6 }, 4, 4, 0 },   // blraaz x8
		{ { 0x09, 0x09, 0x3f, 0xd7 }, 4, 4, 0 },   // blraa x8, x9
		{ { 0x00, 0x01, 0x1f, 0xd6 }, 4, 0, 0 },   // br x8
		{ { 0x04, 0, 0, 0x14 }, 4, 0, 0 },	   // b .+16
		{ { 0, 0, 0x94 }, 3, 0, 0 },
	};
	static const struct call riscv[] = {
		{ { 0xef, 0x00, 0x00, 0x01 }, 4, 4, 12 },			     // jal ra, .+16
		{ { 0xef, 0xf0, 0x9f, 0xff }, 4, 4, -12 },			     // jal ra, .-8
		{ { 0x97, 0x10, 0, 0, 0xe7, 0x80, 0x00, 0xff }, 8, 4, 0x1000 - 24 }, // auipc ra, 1; jalr -16(ra)
		{ { 0x97, 0x12, 0, 0, 0xe7, 0x80, 0x00, 0xff }, 8, 4, 0 },	     // auipc t0: of another
		{ { 0xe7, 0x80, 0x07, 0x00 }, 4, 4, 0 },			     // jalr a5
		{ { 0x82, 0x97 }, 2, 2, 0 },					     // c.jalr a5
		{ { 0x82, 0x87 }, 2, 0, 0 },					     // c.jr a5
		{ { 0x02, 0x90 }, 2, 0, 0 },					     // c.ebreak
		{ { 0x6f, 0x00, 0x00, 0x01 }, 4, 0, 0 },			     // j .+16
		{ { 0x67, 0x80, 0x00, 0x00 }, 4, 0, 0 },			     // ret
	};

	(void)state;
	CALLS(EM_386, i386);
	CALLS(EM_AARCH64, arm64);
	CALLS(EM_RISCV, riscv);
}

static void test_i386__frame_pointers_are_set_first(void **state)
{
	const struct kco_arch_ops *a = arch(EM_386);

	(void)state;
	assert_true(a->sets_fp((const uint8_t[]){ 0x55, 0x89, 0xe5 }, 3));
	assert_true(a->sets_fp((const uint8_t[]){ 0xf3, 0x0f, 0x1e, 0xfb, 0x55, 0x8b, 0xec }, 7));
	assert_false(a->sets_fp((const uint8_t[]){ 0x55, 0x57, 0x56 }, 3));
	assert_false(a->sets_fp((const uint8_t[]){ 0x55, 0x89 }, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arch__rows_are_consistent),
		cmocka_unit_test(test_arch__dwarf_numbers_are_those_of_the_abis),
		cmocka_unit_test(test_i386__two_levels),
		cmocka_unit_test(test_i386__physical_address_extension),
		cmocka_unit_test(test_arm64__pages_of_4_kib),
		cmocka_unit_test(test_arm64__words_of_descriptors),
		cmocka_unit_test(test_arm64__pages_of_16_kib),
		cmocka_unit_test(test_arm64__halves_of_addresses),
		cmocka_unit_test(test_riscv__entries),
		cmocka_unit_test(test_riscv__canonical_addresses_repeat_their_highest_bit),
		cmocka_unit_test(test_arch__calls),
		cmocka_unit_test(test_i386__frame_pointers_are_set_first),
	};

	return cmocka_run_group_tests_name("arch", tests, NULL, NULL);
}
