// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compressed swap in a kernel made by hand: pages of every kind are read, and
 * bookkeeping that lies is told and never believed.
 */
#include "linux_zram.h"

#include "unit.h"
#include "zrammake.h"

static struct zrammake kernel;

static enum kco_status zram_page(uint64_t index, uint8_t *buf, struct kco_err *err)
{
	struct linux_zpage zp;
	enum kco_status st = linux_zram_find(&kernel.s, ZM_VIRT + ZM_BDEV, index, &zp, err);

	return st ? st : linux_zpage_read(&kernel.s, &zp, buf, err);
}

static enum kco_status zswap_page(uint64_t offset, uint8_t *buf, struct kco_err *err)
{
	struct linux_zpage zp;
	enum kco_status st = linux_zswap_find(&kernel.s, 0, offset, &zp, err);

	return st ? st : linux_zpage_read(&kernel.s, &zp, buf, err);
}

/* With @n bytes of @v at @at, page @index of the device must fail with @want and a text that has @words. */
static void broken(uint64_t at, uint64_t v, unsigned n, uint64_t index, enum kco_status want, const char *words)
{
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];

	zrammake_init(&kernel);
	zrammake_put(&kernel, at, v, n);
	assert_true(zrammake_open(&kernel));
	assert_int_equal(index < 10 ? zram_page(index, buf, &err) : zswap_page(index, buf, &err), want);
	if (!strstr(err.msg, words))
		fail_msg("'%s' does not say '%s'", err.msg, words);
	zrammake_close(&kernel);
}

static void test_zram__pages_of_every_kind_are_read(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];

	(void)state;
	zrammake_init(&kernel);
	assert_true(zrammake_open(&kernel));
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned pages[] = { ZM_LZ4, ZM_PLAIN, ZM_ACROSS };

		memset(buf, 0xee, sizeof(buf));
		if (zram_page(pages[i], buf, &err))
			fail_msg("page %u: %s", pages[i], err.msg);
		assert_memory_equal(buf, kernel.page, 4096);
	}
	assert_int_equal(zram_page(ZM_SAME, buf, &err), KCO_OK);
	for (unsigned i = 0; i < 4096; i += 8)
		assert_memory_equal(buf + i, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	zrammake_close(&kernel);
}

static void test_zswap__pages_of_zbud_and_z3fold_are_read(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];

	(void)state;
	zrammake_init(&kernel);
	assert_true(zrammake_open(&kernel));
	for (unsigned i = 10; i < 12; i++) {
		memset(buf, 0xee, sizeof(buf));
		if (zswap_page(i, buf, &err))
			fail_msg("page %u: %s", i, err.msg);
		assert_memory_equal(buf, kernel.page, 4096);
	}
	assert_int_equal(zswap_page(12, buf, &err), KCO_OK);
	assert_memory_equal(buf + 4088, "HGFEDCBA", 8);
	assert_int_equal(zswap_page(13, buf, &err), KCO_DONE);
	zrammake_close(&kernel);
}

static void test_zram__what_is_not_in_memory_is_said(void **state)
{
	(void)state;
	broken(ZM_TEXT + 0x80, 0, 1, ZM_WB, KCO_E_SWAPPED, "page 3 of zram0: it was written back");
	broken(ZM_TEXT + 0x80, 0, 1, ZM_EMPTY, KCO_E_UNMAPPED, "page 4 of zram0: nothing is stored");
	broken(ZM_TEXT + 0x80, 0, 1, ZM_NR_PAGES, KCO_E_RANGE, "page 6 of zram0: it has 6");
	broken(ZM_DISK, 'n', 1, ZM_LZ4, KCO_DONE, "");
}

static void test_zram__a_device_that_lies_is_not_believed(void **state)
{
	(void)state;
	broken(ZM_ZRAM + 16, ZM_VIRT, 8, ZM_LZ4, KCO_E_CORRUPT, "its disk is");
	broken(ZM_ZRAM, UINT64_MAX - 7, 8, ZM_LZ4, KCO_E_RANGE, "page 0 of zram0");
	broken(ZM_ZRAM, UINT64_MAX - 7, 8, ZM_SAME, KCO_E_CORRUPT, "table cannot be so long");
	broken(ZM_TABLE + 8, 4097, 4, ZM_LZ4, KCO_E_CORRUPT, "4097 bytes");
	broken(ZM_TABLE + 8, 0, 4, ZM_LZ4, KCO_E_CORRUPT, "0 bytes");
	broken(ZM_TABLE + 8, 3300, 4, ZM_LZ4, KCO_E_CORRUPT, "room for 3256 bytes, not for 3300");
	broken(ZM_TABLE + 8, 1000, 4, ZM_LZ4, KCO_E_CORRUPT, "lz4");
	broken(ZM_ZRAM + 32, 'x', 1, ZM_LZ4, KCO_E_UNSUPPORTED, "'xz4'");
	broken(ZM_TABLE, 8, 8, ZM_LZ4, KCO_E_RANGE, "zsmalloc object 0x8");
}

static void test_zsmalloc__metadata_that_contradicts_itself_is_corrupt(void **state)
{
	(void)state;
	// A class beyond the pool's; a zspage without magic, or of another pool.
	broken(ZM_ZSPAGE, 9 << 3 | 0x58 << 15, 4, ZM_LZ4, KCO_E_CORRUPT, "class 9 of 4");
	broken(ZM_ZSPAGE, 0x57 << 15, 4, ZM_LZ4, KCO_E_CORRUPT, "no magic");
	broken(ZM_ZSPAGE + 16, ZM_VIRT, 8, ZM_LZ4, KCO_E_CORRUPT, "another pool");
	// Sizes that cannot be.
	broken(ZM_CLASS, 0, 4, ZM_LZ4, KCO_E_CORRUPT, "objects of 0 bytes");
	broken(ZM_CLASS, 8192, 4, ZM_LZ4, KCO_E_CORRUPT, "objects of 8192 bytes");
	broken(ZM_CLASS + 4, 6, 4, ZM_LZ4, KCO_E_CORRUPT, "6 objects");
	broken(ZM_CLASS + 8, 1000, 4, ZM_LZ4, KCO_E_CORRUPT, "1000 pages");
	// Object 7 of 5.
	broken(ZM_HANDLE, ZM_CHAIN / 4096 << 24 | 7 << 1, 8, ZM_LZ4, KCO_E_CORRUPT, "object 7 of a zspage of 5");
	// The object names another handle.
	broken(ZM_CHAIN, 0x1235, 8, ZM_LZ4, KCO_E_CORRUPT, "its handle is 0x1235");
	broken(ZM_VMEMMAP + ZM_HUGE / 64 + 32, 0x77, 8, ZM_PLAIN, KCO_E_CORRUPT, "its handle is 0x77");
	// The page says that it belongs to a zspage, whose chain does not lead to it.
	broken(ZM_HANDLE + 8, (uint64_t)(ZM_CHAIN / 4096 + 1) << 24 | 1 << 1, 8, ZM_ACROSS, KCO_E_CORRUPT, "chained");
	// A chain in a circle: what goes on in the "next" page is not what was compressed.
	broken(ZM_VMEMMAP + ZM_CHAIN / 64 + 32, ZM_VIRT + ZM_VMEMMAP + ZM_CHAIN / 64, 8, ZM_ACROSS, KCO_E_CORRUPT,
	       "lz4");
	// A chain that ends too early.
	broken(ZM_VMEMMAP + ZM_CHAIN / 64 + 32, 0, 8, ZM_ACROSS, KCO_E_CORRUPT, "is no struct page");
}

static void test_zswap__trees_and_pools_that_lie_are_not_believed(void **state)
{
	(void)state;
	// The root's left son is the root.
	broken(ZM_ENTRY + 0x80 + 16, ZM_VIRT + ZM_ENTRY + 0x80, 8, 10, KCO_E_CORRUPT, "does not end");
	broken(ZM_ENTRY + 32, 5000, 4, 10, KCO_E_CORRUPT, "5000 bytes");
	broken(ZM_ENTRY + 48, ZM_VIRT + ZM_ZBUD + 65, 8, 10, KCO_E_CORRUPT, "neither object");
	broken(ZM_ZBUD, 20, 4, 10, KCO_E_CORRUPT, "do not fit into 20 chunks");
	broken(ZM_ZBUD, 64, 4, 10, KCO_E_CORRUPT, "chunks from 64");
	broken(ZM_ZBUD + 64, 99, 8, 10, KCO_E_CORRUPT, "those of swap entry 0x63");
	broken(ZM_Z3FOLD + 4, 51, 2, 11, KCO_E_CORRUPT, "51 chunks, its handle says 50");
	broken(ZM_Z3FOLD + 8, 3, 2, 11, KCO_E_CORRUPT, "names no object");
	broken(ZM_Z3FOLD + 8, 1, 2, 11, KCO_E_CORRUPT, "do not fit into 0 chunks");
	broken(ZM_TEXT, 'y', 1, 10, KCO_E_UNSUPPORTED, "'ybud'");
	broken(ZM_ZSWAP_POOL + 8, 'y', 1, 10, KCO_E_UNSUPPORTED, "'yz4'");
}

static void test_zram__says_what_it_holds(void **state)
{
	struct linux_zram_info info;

	(void)state;
	zrammake_init(&kernel);
	zrammake_put(&kernel, ZM_ZRAM + 64, 7000, 8);
	zrammake_put(&kernel, ZM_ZRAM + 72, 1, 8);
	zrammake_put(&kernel, ZM_ZRAM + 80, 2, 8);
	zrammake_put(&kernel, ZM_ZRAM + 88, 5, 8);
	zrammake_put(&kernel, ZM_ZS_POOL + 32, 6, 8);
	assert_true(zrammake_open(&kernel));
	assert_int_equal(linux_zram_info(&kernel.s, ZM_VIRT + ZM_BDEV, &info, NULL), KCO_OK);
	assert_string_equal(info.name, "zram0");
	assert_string_equal(info.codec, "lz4");
	assert_int_equal(info.disksize, ZM_NR_PAGES * 4096);
	assert_int_equal(info.compressed, 7000);
	assert_int_equal(info.same, 1);
	assert_int_equal(info.huge, 2);
	assert_int_equal(info.pages, 5);
	assert_int_equal(info.pool_pages, 6);
	zrammake_close(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zram__pages_of_every_kind_are_read),
		cmocka_unit_test(test_zswap__pages_of_zbud_and_z3fold_are_read),
		cmocka_unit_test(test_zram__what_is_not_in_memory_is_said),
		cmocka_unit_test(test_zram__a_device_that_lies_is_not_believed),
		cmocka_unit_test(test_zsmalloc__metadata_that_contradicts_itself_is_corrupt),
		cmocka_unit_test(test_zswap__trees_and_pools_that_lie_are_not_believed),
		cmocka_unit_test(test_zram__says_what_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
