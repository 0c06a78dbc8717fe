// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x86_64 as data and pure functions: registers, register sets, page table
 * entries, canonical addresses, call instructions.
 */
#include "x86_64.h"

#include <string.h>

#include <kco/arch.h>

#include "unit.h"

#define PRESENT 1
#define RW 2
#define USER 4
#define PSE 0x80
#define NX (UINT64_C(1) << 63)
#define ALL_ADDR UINT64_C(0x000ffffffffff000)

static const struct kco_arch_ops *arch(void)
{
	const struct kco_arch_ops *a = kco_arch_by_machine(62);

	assert_non_null(a);
	return a;
}

static void test_arch__is_found_by_machine(void **state)
{
	(void)state;
	assert_string_equal(arch()->name, "x86_64");
	assert_null(kco_arch_by_machine(40)); // 32-bit ARM
	assert_int_equal(kco_arch_reg(arch(), "rax"), X86_64_RAX);
	assert_int_equal(kco_arch_reg(arch(), "orig_rax"), X86_64_ORIG_RAX);
	assert_int_equal(kco_arch_reg(arch(), "eax"), -1);
	assert_int_equal(arch()->pc, kco_arch_reg(arch(), "rip"));
	assert_int_equal(arch()->sp, kco_arch_reg(arch(), "rsp"));
	assert_int_equal(arch()->fp, kco_arch_reg(arch(), "rbp"));
}

static void test_regs__dwarf_numbers_are_those_of_the_psabi(void **state)
{
	// In the order of DWARF numbers 0 to 16.
	static const char *const names[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
					     "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip" };

	(void)state;
	for (int i = 0; i < 17; i++)
		assert_int_equal(arch()->regs[kco_arch_reg(arch(), names[i])].dwarf, i);
	for (size_t i = 0; i < arch()->nr_regs; i++) {
		assert_non_null(arch()->regs[i].name);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(arch()->regs[i].name, arch()->regs[j].name);
			if (arch()->regs[i].dwarf >= 0)
				assert_int_not_equal(arch()->regs[i].dwarf, arch()->regs[j].dwarf);
		}
	}
}

static void test_regs__unknown_stays_unknown(void **state)
{
	struct kco_regs regs = { 0 };
	uint64_t v = 7;

	(void)state;
	assert_false(kco_regs_get(&regs, 0, &v));
	kco_regs_set(&regs, KCO_REGS_MAX - 1, 5);
	assert_true(kco_regs_get(&regs, KCO_REGS_MAX - 1, &v));
	assert_int_equal(v, 5);
	// Out of range does nothing, rather than write beyond.
	kco_regs_set(&regs, KCO_REGS_MAX, 5);
	kco_regs_set(&regs, 200, 5);
	assert_false(kco_regs_get(&regs, 200, &v));
}

static void test_regset__entries_do_not_overlap_and_fit(void **state)
{
	(void)state;
	for (size_t s = 0; s < arch()->nr_regsets; s++) {
		const struct kco_regset *set = &arch()->regsets[s];
		uint8_t used[512] = { 0 };

		for (size_t i = 0; i < set->nr_entries; i++) {
			const struct kco_regset_entry *e = &set->entries[i];

			assert_true(e->reg < arch()->nr_regs);
			assert_true(e->offset + e->size <= (int)set->desc_size);
			for (unsigned b = 0; b < e->size; b++)
				assert_int_equal(used[e->offset + b]++, 0);
		}
	}
}

static void test_regset__prstatus_and_qemu_decode(void **state)
{
	uint8_t desc[440];
	struct kco_regs regs = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(desc); i++)
		desc[i] = (uint8_t)(i / 8);
	// NT_PRSTATUS: rip is the 17th and rsp the 20th of 27 registers from 112.
	kco_regset_decode(&arch()->regsets[0], desc, 336, &regs);
	assert_int_equal(regs.v[X86_64_R15] & 0xff, 112 / 8);
	assert_int_equal(regs.v[X86_64_RIP] & 0xff, 112 / 8 + 16);
	assert_int_equal(regs.v[X86_64_RSP] & 0xff, 112 / 8 + 19);
	assert_int_equal(regs.v[X86_64_GS_BASE] & 0xff, 112 / 8 + 22);
	// Only 16 bits of a selector count.
	assert_int_equal(regs.v[X86_64_CS], 0x1f1f);
	assert_false(regs.known >> X86_64_CR3 & 1);
	regs = (struct kco_regs){ 0 };
	kco_regset_decode(&arch()->regsets[1], desc, 440, &regs);
	assert_int_equal(regs.v[X86_64_RIP] & 0xff, 136 / 8);
	assert_int_equal(regs.v[X86_64_CR3] & 0xff, 416 / 8);
	assert_int_equal(regs.v[X86_64_KERNEL_GS_BASE] & 0xff, 432 / 8);
	// A short note gives what it has.
	regs = (struct kco_regs){ 0 };
	kco_regset_decode(&arch()->regsets[1], desc, 144, &regs);
	assert_true(regs.known >> X86_64_RIP & 1);
	assert_false(regs.known >> X86_64_RFLAGS & 1);
}

static void pte(uint64_t entry, unsigned level, uint64_t mask, enum kco_pte_kind kind, uint64_t pa)
{
	struct kco_paddr got = KCO_PADDR(0);

	assert_int_equal(arch()->paging[0]->decode(entry, level, mask, &got), kind);
	if (kind == KCO_PTE_PAGE || kind == KCO_PTE_TABLE)
		assert_int_equal(got.v, pa);
}

static void test_pte__tables_pages_and_holes(void **state)
{
	(void)state;
	pte(0, 4, ALL_ADDR, KCO_PTE_EMPTY, 0);
	pte(0x1234000 | PRESENT | RW, 4, ALL_ADDR, KCO_PTE_TABLE, 0x1234000);
	pte(0x1234000 | PRESENT | NX, 1, ALL_ADDR, KCO_PTE_PAGE, 0x1234000);
	// Bit 7 of the lowest level is PAT, no size.
	pte(0x1234000 | PRESENT | PSE, 1, ALL_ADDR, KCO_PTE_PAGE, 0x1234000);
	pte(0x1234000 | RW, 1, ALL_ADDR, KCO_PTE_NOT_PRESENT, 0);
	pte(NX, 2, ALL_ADDR, KCO_PTE_NOT_PRESENT, 0);
}

static void test_pte__large_pages_and_their_reserved_bits(void **state)
{
	(void)state;
	pte(0x40000000 | PRESENT | PSE, 3, ALL_ADDR, KCO_PTE_PAGE, 0x40000000);
	pte(0x40200000 | PRESENT | PSE, 2, ALL_ADDR, KCO_PTE_PAGE, 0x40200000);
	// Bit 12 is PAT there and no part of the address.
	pte(0x40201000 | PRESENT | PSE, 2, ALL_ADDR, KCO_PTE_PAGE, 0x40200000);
	pte(0x40202000 | PRESENT | PSE, 2, ALL_ADDR, KCO_PTE_BAD, 0);
	pte(0x40100000 | PRESENT | PSE, 2, ALL_ADDR, KCO_PTE_BAD, 0);
	pte(0x40200000 | PRESENT | PSE, 3, ALL_ADDR, KCO_PTE_BAD, 0);
	// No page is larger than 1 GiB.
	pte(UINT64_C(0x8000000000) | PRESENT | PSE, 4, ALL_ADDR, KCO_PTE_BAD, 0);
	pte(PRESENT | PSE, 5, ALL_ADDR, KCO_PTE_BAD, 0);
}

static void test_pte__encryption_bit_is_no_address(void **state)
{
	uint64_t c_bit = UINT64_C(1) << 47, mask = ALL_ADDR & ~c_bit;

	(void)state;
	pte(c_bit | 0x1234000 | PRESENT, 1, mask, KCO_PTE_PAGE, 0x1234000);
	pte(c_bit | 0x40200000 | PRESENT | PSE, 2, mask, KCO_PTE_PAGE, 0x40200000);
	pte(c_bit | 0x1234000 | PRESENT, 3, mask, KCO_PTE_TABLE, 0x1234000);
	pte(c_bit | 0x1234000 | PRESENT, 3, ALL_ADDR, KCO_PTE_TABLE, c_bit | 0x1234000);
}

static void flags(uint64_t entry, unsigned level, const char *text)
{
	char buf[128];

	arch()->paging[0]->flags(entry, level, buf, sizeof(buf));
	assert_string_equal(buf, text);
}

static void test_pte__flags_are_spelt(void **state)
{
	char small[9];

	(void)state;
	flags(0x1234000 | 0x67, 4, "PRESENT|RW|USER|ACCESSED|DIRTY");
	flags(NX | 0x1e3, 2, "PRESENT|RW|ACCESSED|DIRTY|PSE|GLOBAL|NX");
	flags(0x1000 | 0x81, 1, "PRESENT|PAT");
	flags(0x1000 | 0x81, 2, "PRESENT|PSE|PAT");
	flags(0x1000 | 0x1, 2, "PRESENT");
	flags(0xff0, 1, "");
	flags(0, 1, "");
	// A small buffer is cut at a whole word.
	arch()->paging[0]->flags(3, 1, small, sizeof(small));
	assert_string_equal(small, "PRESENT");
	arch()->paging[0]->flags(3, 1, small, 0);
}

static void test_paging__forms_add_up(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		const struct kco_paging *form = arch()->paging[f];
		unsigned bits = 0;

		assert_int_equal(form->levels, 4 + f);
		for (unsigned l = 0; l <= form->levels; l++)
			bits += form->bits[l];
		assert_int_equal(bits, f ? 57 : 48);
		assert_string_equal(form->level_names[form->levels], "PGD");
		assert_string_equal(form->level_names[1], "PTE");
	}
	assert_null(arch()->paging[2]);
}

static void test_canonical__sign_extension(void **state)
{
	bool (*canonical)(uint64_t va, unsigned va_bits) = arch()->canonical;

	(void)state;
	assert_true(canonical(0, 48));
	assert_true(canonical(0x7fffffffffff, 48));
	assert_false(canonical(0x800000000000, 48));
	assert_false(canonical(0xffff7fffffffffff, 48));
	assert_true(canonical(0xffff800000000000, 48));
	assert_true(canonical(UINT64_MAX, 48));
	assert_true(canonical(0x800000000000, 57));
	assert_false(canonical(0x0100000000000000, 57));
	assert_true(canonical(0xff00000000000000, 57));
	assert_false(canonical(0xfe00000000000000, 57));
}

static void call(const char *bytes, size_t n, unsigned length)
{
	assert_int_equal(arch()->call_before((const uint8_t *)bytes, n), length);
}
#define CALL(bytes, length) call(bytes, sizeof(bytes) - 1, length)

static void test_call__all_forms(void **state)
{
	(void)state;
	CALL("\x90\x90\x90\xe8\x01\x02\x03\x04", 5);
	CALL("\x90\x90\x2e\xe8\x01\x02\x03\x04", 6); // call __x86_indirect_thunk_rax, padded
	CALL("\x90\xff\xd0", 2);		     // call *%rax
	CALL("\x41\xff\xd3", 3);		     // call *%r11
	CALL("\x0f\xae\xe8\xff\xd0", 2);	     // lfence; call *%rax
	CALL("\x90\xff\x10", 2);		     // call *(%rax)
	CALL("\x90\xff\x50\x08", 3);		     // call *8(%rax)
	CALL("\x41\xff\x54\x24\x08", 5);	     // call *8(%r12)
	CALL("\x90\xff\x14\x24", 3);		     // call *(%rsp)
	CALL("\x90\xff\x15\x01\x02\x03\x04", 6);     // call *x(%rip)
	CALL("\x90\xff\x90\x01\x02\x03\x04", 6);     // call *x(%rax)
	CALL("\x90\xff\x14\xc5\x01\x02\x03\x04", 7); // call *table(,%rax,8)
	CALL("\x90\xff\x94\x24\x01\x02\x03\x04", 7); // call *x(%rsp)
}

static void test_call__what_is_none(void **state)
{
	(void)state;
	CALL("\x90\x90\x90\xe9\x01\x02\x03\x04", 0); // jmp
	CALL("\x90\xff\xe0", 0);		     // jmp *%rax
	CALL("\x90\xff\x15\x01\x02\x03", 0);	     // one byte short
	CALL("\x90\xff\x14\x04\x90", 0);
	CALL("\xff\xd8", 0);
	CALL("\xd0", 0);
	CALL("", 0);
	CALL("\xe8\x01\x02\x03", 0);
}

static void test_call__target_of_a_direct_one(void **state)
{
	const uint8_t back[] = { 0x90, 0xe8, 0xfb, 0xff, 0xff, 0xff }, indirect[] = { 0x90, 0x41, 0xff, 0xd3 };
	uint64_t target = 1;

	(void)state;
	assert_true(arch()->call_target(back, sizeof(back), 0xffffffff81000005, &target));
	assert_int_equal(target, 0xffffffff81000000);
	assert_false(arch()->call_target(indirect, sizeof(indirect), 0xffffffff81000005, &target));
	assert_false(arch()->call_target(back + 2, 4, 0xffffffff81000005, &target));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arch__is_found_by_machine),
		cmocka_unit_test(test_regs__dwarf_numbers_are_those_of_the_psabi),
		cmocka_unit_test(test_regs__unknown_stays_unknown),
		cmocka_unit_test(test_regset__entries_do_not_overlap_and_fit),
		cmocka_unit_test(test_regset__prstatus_and_qemu_decode),
		cmocka_unit_test(test_pte__tables_pages_and_holes),
		cmocka_unit_test(test_pte__large_pages_and_their_reserved_bits),
		cmocka_unit_test(test_pte__encryption_bit_is_no_address),
		cmocka_unit_test(test_pte__flags_are_spelt),
		cmocka_unit_test(test_paging__forms_add_up),
		cmocka_unit_test(test_canonical__sign_extension),
		cmocka_unit_test(test_call__all_forms),
		cmocka_unit_test(test_call__what_is_none),
		cmocka_unit_test(test_call__target_of_a_direct_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
