// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translation and translated reads over made-up page tables: what maps, what
 * does not and why, tables that loop, and reads across borders.
 */
#include <kco/mem.h>

#include <string.h>

#include "memimage.h"
#include "unit.h"

/* Physical memory: 0x1000 the root, tables from 0x2000, data from page 32. */
#define ROOT 0x1000
#define DATA(n) (UINT64_C(4096) * (32 + (n)))
#define KERNEL UINT64_C(0xffff888000000000)

struct fixture {
	struct memimage m;
	struct kco_space space;
	struct kco_mem *mem;
	struct kco_err err;
	struct kco_paddr pa;
};

static void fixture_init(struct fixture *f, unsigned levels)
{
	const struct kco_arch_ops *arch = kco_arch_by_machine(62);

	memset(f, 0, sizeof(*f));
	f->m.next_table = 2;
	f->space = (struct kco_space){
		.arch = arch,
		.form = arch->paging[levels - 4],
		.root = KCO_PADDR(ROOT),
		.addr_mask = arch->phys_mask,
		.id = 1,
	};
}

static void fixture_open(struct fixture *f)
{
	memimage_open(&f->m);
	assert_int_equal(kco_mem_new(f->m.image, &f->mem, NULL), KCO_OK);
}

static void fixture_fini(struct fixture *f)
{
	kco_mem_free(f->mem);
	kco_image_free(f->m.image);
}

static void map(struct fixture *f, uint64_t va, uint64_t leaf, unsigned level)
{
	memimage_map_at(&f->m, ROOT, f->space.form->levels, va, leaf, level);
}

static enum kco_status translate(struct fixture *f, uint64_t va, struct kco_walk *walk)
{
	f->err = KCO_ERR_INIT;
	f->pa = KCO_PADDR(0);
	return kco_translate(f->mem, &f->space, va, &f->pa, walk, &f->err);
}

static void each_form_and_page_size(unsigned levels)
{
	// One address for each page size, and the tables that it takes.
	static const struct {
		uint64_t va, leaf, size;
		unsigned level;
	} cases[] = {
		{ KERNEL + 0x5000, DATA(1) | 3, 4096, 1 },
		{ KERNEL + 0x40200000, UINT64_C(0x123400000) | 0x83, 2 << 20, 2 },
		{ KERNEL + UINT64_C(0x4000000000), UINT64_C(0x140000000) | 0x83, 1 << 30, 3 },
		{ 0x400000, DATA(2) | 7, 4096, 1 },
	};
	struct fixture f;
	struct kco_walk walk;

	fixture_init(&f, levels);
	for (size_t i = 0; i < 4; i++)
		map(&f, cases[i].va, cases[i].leaf, cases[i].level);
	fixture_open(&f);
	for (size_t i = 0; i < 4; i++) {
		uint64_t offset = 0xabc, want = (cases[i].leaf & ~UINT64_C(0xfff)) + 0xabc;

		if (cases[i].size > 4096) {
			offset += cases[i].size - 4096;
			want += cases[i].size - 4096;
		}
		assert_int_equal(translate(&f, cases[i].va + offset, &walk), KCO_OK);
		assert_int_equal(f.pa.v, want);
		assert_int_equal(walk.pa.v, want);
		assert_int_equal(walk.page_size, cases[i].size);
		assert_int_equal(walk.nr_steps, levels - cases[i].level + 1);
		assert_int_equal(walk.steps[0].level, levels);
		assert_int_equal(walk.steps[walk.nr_steps - 1].kind, KCO_PTE_PAGE);
		assert_int_equal(walk.steps[walk.nr_steps - 1].entry, cases[i].leaf);
		assert_int_equal(walk.steps[0].entry_pa.v & ~UINT64_C(0xfff), ROOT);
		// The same from the translation cache, by its next page too.
		assert_int_equal(translate(&f, cases[i].va + offset, NULL), KCO_OK);
		assert_int_equal(f.pa.v, want);
		assert_int_equal(translate(&f, cases[i].va, NULL), KCO_OK);
		assert_int_equal(f.pa.v, cases[i].leaf & ~UINT64_C(0xfff));
	}
	fixture_fini(&f);
}

static void test_translate__pages_of_all_sizes_by_4_and_5_levels(void **state)
{
	(void)state;
	each_form_and_page_size(4);
	each_form_and_page_size(5);
}

static void test_translate__holes_say_where_and_why(void **state)
{
	struct kco_walk walk;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4);
	map(&f, KERNEL, DATA(0) | 3, 1);
	map(&f, KERNEL + 0x1000, 0x0dead000, 1);	    // not present, not empty
	map(&f, KERNEL + 0x40000000, 0x40202000 | 0x83, 2); // reserved bits
	map(&f, KERNEL + UINT64_C(0x8000000000), 0x83, 4);  // a leaf in the root
	map(&f, KERNEL + UINT64_C(0x10000000000), UINT64_C(0x777777000) | 3, 4);
	f.m.missing[31] = 1;
	map(&f, KERNEL + UINT64_C(0x18000000000), 31 * 4096 | 3, 4);
	fixture_open(&f);
	assert_int_equal(translate(&f, KERNEL + 0x2000, &walk), KCO_E_UNMAPPED);
	assert_msg(&f.err, "the PTE entry at 0x4010 is empty");
	assert_int_equal(walk.nr_steps, 4);
	assert_int_equal(f.err.addr, KERNEL + 0x2000);
	assert_int_equal(translate(&f, KERNEL + 0x200000, NULL), KCO_E_UNMAPPED);
	assert_msg(&f.err, "PMD entry");
	assert_int_equal(translate(&f, 0x1000, NULL), KCO_E_UNMAPPED);
	assert_msg(&f.err, "PGD entry at 0x1000 is empty");
	assert_int_equal(translate(&f, KERNEL + 0x1000, NULL), KCO_E_SWAPPED);
	assert_msg(&f.err, "0xdead000");
	assert_int_equal(translate(&f, KERNEL + 0x40000000, NULL), KCO_E_UNMAPPED);
	assert_msg(&f.err, "reserved bits");
	assert_int_equal(translate(&f, KERNEL + UINT64_C(0x8000000000), &walk), KCO_E_UNMAPPED);
	assert_msg(&f.err, "reserved bits");
	assert_int_equal(walk.nr_steps, 1);
	assert_int_equal(walk.steps[0].kind, KCO_PTE_BAD);
	// Tables outside of the dump, and tables that the dump lacks.
	assert_int_equal(translate(&f, KERNEL + UINT64_C(0x10000000000), &walk), KCO_E_RANGE);
	assert_msg(&f.err, "page table at 0x777777000 (PUD for 0xffff898000000000)");
	assert_int_equal(walk.nr_steps, 2);
	assert_int_equal(f.err.addr, KERNEL + UINT64_C(0x10000000000));
	assert_int_equal(translate(&f, KERNEL + UINT64_C(0x18000000000), NULL), KCO_E_NOT_SAVED);
	assert_msg(&f.err, "page table at 0x1f000");
	assert_msg(&f.err, "not saved");
	// Without an error object as well.
	assert_int_equal(kco_translate(f.mem, &f.space, 0x1000, &f.pa, NULL, NULL), KCO_E_UNMAPPED);
	fixture_fini(&f);
}

static void test_translate__not_canonical_is_refused_before_any_read(void **state)
{
	struct kco_walk walk;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4);
	map(&f, 0x800000000000 & 0xffffffffffff, DATA(0) | 3, 1);
	fixture_open(&f);
	assert_int_equal(translate(&f, 0x0000800000000000, &walk), KCO_E_UNMAPPED);
	assert_msg(&f.err, "0x800000000000 is not a canonical address");
	assert_int_equal(walk.nr_steps, 0);
	assert_int_equal(translate(&f, 0xffff800000000000, NULL), KCO_OK);
	assert_int_equal(translate(&f, 0xdead000000000100, NULL), KCO_E_UNMAPPED);
	fixture_fini(&f);
	fixture_init(&f, 5);
	map(&f, 0x800000000000, DATA(0) | 3, 1);
	fixture_open(&f);
	assert_int_equal(translate(&f, 0x800000000000, NULL), KCO_OK);
	fixture_fini(&f);
}

static void test_translate__tables_that_loop_end_after_the_last_level(void **state)
{
	struct kco_walk walk;
	struct fixture f;

	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++) {
		fixture_init(&f, levels);
		// Every entry of the root points to the root, which at last is taken for the page.
		for (unsigned i = 0; i < 512; i++)
			memimage_put(&f.m, ROOT + 8 * i, ROOT | 3);
		fixture_open(&f);
		assert_int_equal(translate(&f, KERNEL + 0x123456, &walk), KCO_OK);
		assert_int_equal(walk.nr_steps, levels);
		assert_int_equal(f.pa.v, ROOT + 0x456);
		fixture_fini(&f);
	}
}

static void test_translate__spaces_do_not_share_cached_pages(void **state)
{
	struct kco_space other;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4);
	map(&f, KERNEL, DATA(0) | 3, 1);
	other = f.space;
	other.root = KCO_PADDR(20 * 4096);
	other.id = 2;
	memimage_map_at(&f.m, 20 * 4096, 4, KERNEL, DATA(7) | 3, 1);
	fixture_open(&f);
	// So many that some fall on the same entry of the cache.
	for (other.id = 2; other.id < 4000; other.id++) {
		assert_int_equal(kco_translate(f.mem, &f.space, KERNEL, &f.pa, NULL, NULL), KCO_OK);
		assert_int_equal(f.pa.v, DATA(0));
		assert_int_equal(kco_translate(f.mem, &other, KERNEL, &f.pa, NULL, NULL), KCO_OK);
		assert_int_equal(f.pa.v, DATA(7));
	}
	fixture_fini(&f);
}

static void test_vread__crosses_pages_that_lie_apart(void **state)
{
	uint8_t buf[8192];
	struct fixture f;
	uint64_t v;
	size_t done;

	(void)state;
	fixture_init(&f, 4);
	map(&f, KERNEL, DATA(9) | 3, 1);
	map(&f, KERNEL + 0x1000, DATA(3) | 3, 1);
	memset(f.m.bytes + DATA(9), 0x11, 4096);
	memset(f.m.bytes + DATA(3), 0x22, 4096);
	fixture_open(&f);
	assert_int_equal(kco_vread(f.mem, &f.space, KERNEL, buf, 8192, &done, &f.err), KCO_OK);
	assert_int_equal(done, 8192);
	assert_int_equal(buf[4095], 0x11);
	assert_int_equal(buf[4096], 0x22);
	assert_int_equal(kco_vread_uint(f.mem, &f.space, KERNEL + 4092, 8, &v, &f.err), KCO_OK);
	assert_int_equal(v, UINT64_C(0x2222222211111111));
	assert_int_equal(kco_vread_uint(f.mem, &f.space, KERNEL + 4095, 2, &v, &f.err), KCO_OK);
	assert_int_equal(v, 0x2211);
	assert_int_equal(kco_vread_ptr(f.mem, &f.space, KERNEL, &v, &f.err), KCO_OK);
	assert_int_equal(kco_vread_uint(f.mem, &f.space, KERNEL, 3, &v, &f.err), KCO_E_BUG);
	fixture_fini(&f);
}

static void test_vread__prefix_is_kept_and_the_first_bad_address_named(void **state)
{
	uint8_t buf[8192];
	struct fixture f;
	size_t done = 0;

	(void)state;
	fixture_init(&f, 4);
	map(&f, KERNEL, DATA(0) | 3, 1);
	map(&f, KERNEL + 0x1000, DATA(1) | 3, 1);
	map(&f, KERNEL + 0x3000, UINT64_C(0x999999000) | 3, 1);
	map(&f, 0xfffffffffffff000, DATA(2) | 3, 1);
	f.m.missing[33] = 1;
	fixture_open(&f);
	assert_int_equal(kco_vread(f.mem, &f.space, KERNEL + 4000, buf, 200, &done, &f.err), KCO_E_NOT_SAVED);
	assert_int_equal(done, 96);
	assert_int_equal(f.err.addr, KERNEL + 4096);
	assert_msg(&f.err, "0xffff888000001000");
	assert_int_equal(kco_vread(f.mem, &f.space, KERNEL + 0x2000, buf, 200, &done, &f.err), KCO_E_UNMAPPED);
	assert_int_equal(done, 0);
	assert_int_equal(f.err.addr, KERNEL + 0x2000);
	assert_int_equal(kco_vread(f.mem, &f.space, KERNEL + 0x3000, buf, 8, &done, &f.err), KCO_E_RANGE);
	// The last page can be read to its end and no further.
	assert_int_equal(kco_vread(f.mem, &f.space, UINT64_MAX - 7, buf, 8, &done, &f.err), KCO_OK);
	assert_int_equal(kco_vread(f.mem, &f.space, UINT64_MAX - 7, buf, 9, &done, &f.err), KCO_E_RANGE);
	assert_int_equal(done, 8);
	fixture_fini(&f);
}

static void test_vread_str__is_always_terminated(void **state)
{
	struct fixture f;
	char buf[256];

	(void)state;
	fixture_init(&f, 4);
	map(&f, KERNEL, DATA(0) | 3, 1);
	memset(f.m.bytes + DATA(0), 'a', 4096);
	memcpy(f.m.bytes + DATA(0) + 16, "hello", 6);
	memcpy(f.m.bytes + DATA(0) + 4096 - 6, "world", 6);
	fixture_open(&f);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 16, buf, sizeof(buf), &f.err), KCO_OK);
	assert_string_equal(buf, "hello");
	// It ends with the page: nothing behind it is asked for.
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 4090, buf, sizeof(buf), &f.err), KCO_OK);
	assert_string_equal(buf, "world");
	// Cut, which is no error.
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 16, buf, 3, &f.err), KCO_OK);
	assert_string_equal(buf, "he");
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 16, buf, 1, &f.err), KCO_OK);
	assert_string_equal(buf, "");
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 32, buf, 200, &f.err), KCO_OK);
	assert_int_equal(strlen(buf), 199);
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 0x1000, buf, 200, &f.err), KCO_E_UNMAPPED);
	assert_string_equal(buf, "");
	fixture_fini(&f);
	// What could be read is kept.
	fixture_init(&f, 4);
	map(&f, KERNEL, DATA(0) | 3, 1);
	memset(f.m.bytes + DATA(0), 'a', 4096);
	fixture_open(&f);
	assert_int_equal(kco_vread_str(f.mem, &f.space, KERNEL + 4093, buf, 200, &f.err), KCO_E_UNMAPPED);
	assert_string_equal(buf, "aaa");
	fixture_fini(&f);
}

static void test_vread__without_tables_virtual_segments_answer(void **state)
{
	struct fixture f;
	size_t done;
	uint64_t v;

	(void)state;
	fixture_init(&f, 4);
	f.space.form = NULL;
	f.m.virt = KERNEL;
	memimage_put(&f.m, 0x5000, 0x1122334455667788);
	fixture_open(&f);
	assert_int_equal(kco_vread_uint(f.mem, &f.space, KERNEL + 0x5000, 8, &v, &f.err), KCO_OK);
	assert_int_equal(v, 0x1122334455667788);
	assert_int_equal(kco_vread(f.mem, &f.space, 0x5000, &v, 8, &done, &f.err), KCO_E_RANGE);
	assert_int_equal(done, 0);
	assert_int_equal(f.err.addr, 0x5000);
	assert_int_equal(translate(&f, KERNEL + 0x5000, NULL), KCO_E_UNSUPPORTED);
	assert_msg(&f.err, "no page tables");
	fixture_fini(&f);
}

static void test_mem__out_of_memory_is_an_error(void **state)
{
	struct kco_err err;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4);
	memimage_open(&f.m);
	for (long n = 1;; n++) {
		enum kco_status status;

		unit_fault_arm(n);
		err = KCO_ERR_INIT;
		status = kco_mem_new(f.m.image, &f.mem, &err);
		if (!unit_fault_fired()) {
			assert_int_equal(status, KCO_OK);
			break;
		}
		assert_int_equal(status, KCO_E_NOMEM);
		assert_int_equal(err.code, KCO_E_NOMEM);
	}
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translate__pages_of_all_sizes_by_4_and_5_levels),
		cmocka_unit_test(test_translate__holes_say_where_and_why),
		cmocka_unit_test(test_translate__not_canonical_is_refused_before_any_read),
		cmocka_unit_test(test_translate__tables_that_loop_end_after_the_last_level),
		cmocka_unit_test(test_translate__spaces_do_not_share_cached_pages),
		cmocka_unit_test(test_vread__crosses_pages_that_lie_apart),
		cmocka_unit_test(test_vread__prefix_is_kept_and_the_first_bad_address_named),
		cmocka_unit_test(test_vread_str__is_always_terminated),
		cmocka_unit_test(test_vread__without_tables_virtual_segments_answer),
		cmocka_unit_test(test_mem__out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
