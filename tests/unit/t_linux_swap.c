// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Swap areas: which types are some, and which of their pages a kernel made by
 * hand has: in a swap file on zram, in the swap cache, all zeros. Extents that
 * lie end, and lead to no page. Entries of page tables of every such type.
 */
#include "linux_page.h"

#include <kco/page.h>

#include "linux_x86_64_pte.h"
#include "process_priv.h"
#include "unit.h"
#include "zrammake.h"

#define INFO ZM_FREE /* swap_info[] */
#define AREA (ZM_FREE + 0x200)
#define EXTENT(i) (ZM_FREE + 0x300 + 0x40 * (uint64_t)(i))
#define ZEROMAP (ZM_FREE + 0x500)
#define SPACES (ZM_FREE + 0x600)    /* swapper_spaces[] */
#define NR_SPACES (ZM_FREE + 0x700) /* nr_swapper_spaces[] */
#define SPACE (ZM_FREE + 0x800)
#define TABLES (ZM_FREE + 0x1000) /* four pages */
#define CACHED_PAGE 20u		  /* the page that the swap cache has */
#define AREA_TYPE 1u
#define AREA_MAX 100u
#define BLKDEV 0x40u

static struct zrammake kernel;
static const char *const *functions; /* that the kernel has */
static unsigned room;		     /* of swap_info[]; 0: its size is not known */

static enum kco_status swap_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				    struct kco_err *err)
{
	static const struct kco_symbol arrays[] = {
		{ .name = "swap_info", .addr = ZM_VIRT + INFO, .type = 'b' },
		{ .name = "swapper_spaces", .addr = ZM_VIRT + SPACES, .type = 'b' },
		{ .name = "nr_swapper_spaces", .addr = ZM_VIRT + NR_SPACES, .type = 'b' },
	};

	(void)src;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
		if (strcmp(name, arrays[i].name) != 0)
			continue;
		*ret = arrays[i];
		ret->size = i == 0 ? UINT64_C(8) * room : 0;
		return KCO_OK;
	}
	for (size_t i = 0; functions && functions[i]; i++) {
		if (strcmp(name, functions[i]) != 0)
			continue;
		*ret = (struct kco_symbol){ .name = functions[i], .addr = 0xffffffff81000000, .type = 'T' };
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol %s", name);
}

static const struct kco_symbol_source_ops swap_source_ops = {
	.name = "swap",
	.by_name = swap_by_name,
	.by_addr = vmamake_by_addr,
	.free = vmamake_source_free,
};
static struct kco_symbol_source swap_source = { .ops = &swap_source_ops, .last = UINT64_MAX };

static struct linux_pages *swap_pages(void)
{
	return linux_of(&kernel.s)->pages;
}

static void swap_open(void)
{
	assert_true(zrammake_open(&kernel));
	kco_symbols_add_take(kernel.s.symbols, &swap_source);
	swap_pages()->node_tag = 2;
	swap_pages()->value_tag = swap_pages()->value_shift = 1;
	swap_pages()->root = (struct kco_field){ .offset = 0, .size = 8 };
	swap_pages()->private = (struct kco_field){ .offset = 40, .size = 8 };
}

static void extent(unsigned i, uint64_t start, uint64_t n, uint64_t block, uint64_t left, uint64_t right)
{
	zrammake_put(&kernel, EXTENT(i) + 8, right ? ZM_VIRT + right : 0, 8);
	zrammake_put(&kernel, EXTENT(i) + 16, left ? ZM_VIRT + left : 0, 8);
	zrammake_put(&kernel, EXTENT(i) + 24, start, 8);
	zrammake_put(&kernel, EXTENT(i) + 32, n, 8);
	zrammake_put(&kernel, EXTENT(i) + 40, block, 8);
}

/* Area 1 is a file on the zram device, in three pieces: pages 0, 10 and 11, 20 are its pages 5, 1 and 2, 0. */
static void swap_init(void)
{
	zrammake_init(&kernel);
	functions = NULL;
	room = 0;
	zrammake_put(&kernel, INFO + UINT64_C(8) * AREA_TYPE, ZM_VIRT + AREA, 8);
	zrammake_put(&kernel, AREA + 8, AREA_MAX, 8);
	zrammake_put(&kernel, AREA + 16, ZM_VIRT + ZM_BDEV, 8);
	zrammake_put(&kernel, AREA + 40, ZM_VIRT + EXTENT(0), 8);
	extent(0, 10, 2, ZM_SAME, EXTENT(1), EXTENT(2));
	extent(1, 0, 1, ZM_ACROSS, 0, 0);
	extent(2, 20, 1, ZM_LZ4, 0, 0);
}

static struct kco_page page_of(unsigned type, uint64_t offset)
{
	struct kco_page page = { .swap_type = type, .swap_offset = offset, .size = 4096 };

	linux_swap_page(&kernel.s, swap_pages(), &page);
	return page;
}

static void page_is(uint64_t offset, const char *codec, const uint8_t *bytes)
{
	struct kco_page page = page_of(AREA_TYPE, offset);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];

	assert_int_equal(page.state, KCO_PAGE_ZRAM);
	assert_true(page.readable);
	assert_string_equal(page.codec, codec);
	if (linux_swap_read(&kernel.s, &page, buf, &err))
		fail_msg("page %u: %s", (unsigned)offset, err.msg);
	if (bytes)
		assert_memory_equal(buf, bytes, 4096);
	else
		assert_memory_equal(buf, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
}

static void on_disk(uint64_t offset)
{
	struct kco_page page = page_of(AREA_TYPE, offset);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[4096];

	assert_int_equal(page.state, KCO_PAGE_SWAP_FILE);
	assert_false(page.readable);
	assert_int_equal(page.status, KCO_E_SWAPPED);
	assert_int_not_equal(linux_swap_read(&kernel.s, &page, buf, &err), KCO_OK);
}

static void test_linux_swap__a_file_is_found_by_its_extents(void **state)
{
	(void)state;
	swap_init();
	swap_open();
	page_is(0, "lz4", kernel.page);
	page_is(10, "same-filled", NULL);
	page_is(11, "huge", kernel.page);
	page_is(20, "lz4", kernel.page);
	on_disk(1);
	on_disk(9);
	on_disk(12);
	on_disk(AREA_MAX - 1);
	zrammake_close(&kernel);
	// A device has one extent, which is not looked at.
	swap_init();
	zrammake_put(&kernel, AREA, BLKDEV, 8);
	swap_open();
	page_is(ZM_LZ4, "lz4", kernel.page);
	page_is(ZM_SAME, "same-filled", NULL);
	zrammake_close(&kernel);
}

static void test_linux_swap__extents_that_lie_lead_nowhere(void **state)
{
	(void)state;
	swap_init();
	extent(1, 0, 1, ZM_ACROSS, EXTENT(0), EXTENT(0));
	extent(2, 20, 1, ZM_LZ4, EXTENT(2), EXTENT(2));
	swap_open();
	on_disk(5); // from 1 to 0, and again
	on_disk(30);
	page_is(10, "same-filled", NULL);
	zrammake_close(&kernel);
	// Around the end of all blocks: not page 1.
	swap_init();
	extent(0, 0, UINT64_MAX, UINT64_MAX - 1, 0, 0);
	swap_open();
	on_disk(3);
	zrammake_close(&kernel);
	// Beyond the device.
	swap_init();
	extent(0, 0, AREA_MAX, ZM_NR_PAGES, 0, 0);
	swap_open();
	assert_false(page_of(AREA_TYPE, 0).readable);
	assert_int_equal(page_of(AREA_TYPE, 0).status, KCO_E_RANGE);
	zrammake_close(&kernel);
	// Outside of memory.
	swap_init();
	zrammake_put(&kernel, AREA + 40, UINT64_C(0xffffc90000000000), 8);
	swap_open();
	on_disk(10);
	zrammake_close(&kernel);
}

static void test_linux_swap__pages_beyond_an_area(void **state)
{
	static const uint64_t beyond[] = { AREA_MAX, AREA_MAX + 1, (UINT64_C(1) << 58) - 1, UINT64_MAX };

	(void)state;
	swap_init();
	swap_open();
	for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
		struct kco_page page = page_of(AREA_TYPE, beyond[i]);

		assert_int_equal(page.state, KCO_PAGE_UNKNOWN);
		assert_false(page.readable);
		assert_int_equal(page.status, KCO_E_CORRUPT);
		assert_non_null(strstr(page.why, "swap area 1 has 100 pages"));
	}
	assert_int_equal(page_of(2, 0).state, KCO_PAGE_UNKNOWN);
	assert_non_null(strstr(page_of(2, 0).why, "there is no swap area 2"));
	assert_int_equal(page_of(LINUX_SWAP_TYPES, 0).state, KCO_PAGE_SWAP_FILE);
	assert_false(page_of(UINT32_MAX, 0).readable);
	zrammake_close(&kernel);
}

static void test_linux_swap__what_is_in_memory_comes_first(void **state)
{
	struct kco_page page;

	(void)state;
	swap_init();
	zrammake_put(&kernel, AREA + 32, ZM_VIRT + ZEROMAP, 8);
	zrammake_put(&kernel, ZEROMAP + 1, 1u << 2, 1);
	zrammake_put(&kernel, SPACES + 8 * AREA_TYPE, ZM_VIRT + SPACE, 8);
	zrammake_put(&kernel, NR_SPACES + 4 * AREA_TYPE, 1, 4);
	zrammake_put(&kernel, SPACE, ZM_VIRT + ZM_VMEMMAP + 64 * CACHED_PAGE, 8);
	zrammake_put(&kernel, ZM_VMEMMAP + 64 * CACHED_PAGE + 40, (uint64_t)AREA_TYPE << 58, 8);
	swap_open();
	page = page_of(AREA_TYPE, 0);
	assert_int_equal(page.state, KCO_PAGE_SWAP_CACHE);
	assert_true(page.readable);
	assert_int_equal(page.pa.v, CACHED_PAGE * 4096);
	page = page_of(AREA_TYPE, 10);
	assert_int_equal(page.state, KCO_PAGE_ZERO);
	assert_true(page.readable);
	page_is(11, "huge", kernel.page);
	zrammake_close(&kernel);
	// A page that says that it is another's is not believed.
	zrammake_put(&kernel, ZM_VMEMMAP + 64 * CACHED_PAGE + 40, (uint64_t)AREA_TYPE << 58 | 77, 8);
	memset(&kernel.v, 0, sizeof(kernel.v));
	memset(&kernel.s, 0, sizeof(kernel.s));
	swap_open();
	page_is(0, "lz4", kernel.page);
	zrammake_close(&kernel);
}

static const char *const all[] = { "memory_failure", "migrate_pages", "make_device_exclusive_range", NULL };
static const char *const no_device[] = { "memory_failure", "migrate_pages", NULL };
static const char *const newest[] = { "memory_failure", "migrate_pages", "make_device_exclusive", NULL };

static void test_linux_swap__types_are_areas_or_say_what_became_of_a_page(void **state)
{
	static const struct {
		const char *const *functions;
		unsigned room;
		const char *kinds; /* of the types from the first that is no area */
	} kernels[] = {
		{ NULL, 0, "" },
		{ all, 22, "pmmmddxxke" }, // 6.1
		{ all, 23, "pmmmddxxk" },
		{ all, 24, "pmmmddxx" },
		{ newest, 24, "pmmmddxk" }, // since 6.15
		{ no_device, 27, "pmmmk" },
		// A size that cannot be: three less than there is room for.
		{ all, 21, "pmmmddxx" },
		{ all, 0, "pmmmddxx" },
	};
	static const char letters[] = {
		[LINUX_SWAP_AREA] = 'a',   [LINUX_SWAP_HWPOISON] = 'p',		[LINUX_SWAP_MIGRATION] = 'm',
		[LINUX_SWAP_DEVICE] = 'd', [LINUX_SWAP_DEVICE_EXCLUSIVE] = 'x', [LINUX_SWAP_MARKER] = 'k',
		[LINUX_SWAP_ERROR] = 'e'
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		size_t special = strlen(kernels[i].kinds);

		swap_init();
		functions = kernels[i].functions;
		room = kernels[i].room;
		swap_open();
		for (unsigned type = 0; type < LINUX_SWAP_TYPES; type++) {
			size_t areas = LINUX_SWAP_TYPES - special;
			char want = type < areas ? 'a' : kernels[i].kinds[type - areas];
			char is = letters[linux_swap_kind(&kernel.s, swap_pages(), type)];

			if (is != want)
				fail_msg("kernel %zu: type %u is '%c', not '%c'", i, type, is, want);
		}
		zrammake_close(&kernel);
	}
}

static void test_linux_swap__values_of_shared_memory(void **state)
{
	struct kco_page page = { .size = 4096 };

	(void)state;
	swap_init();
	functions = all;
	room = 23;
	swap_open();
	linux_swap_value(&kernel.s, swap_pages(), (uint64_t)AREA_TYPE << 58 | 20, &page);
	assert_int_equal(page.state, KCO_PAGE_ZRAM);
	assert_int_equal(page.swap_offset, 20);
	page = (struct kco_page){ .size = 4096 };
	linux_swap_value(&kernel.s, swap_pages(), UINT64_C(23) << 58 | 20, &page);
	assert_int_equal(page.state, KCO_PAGE_POISONED);
	assert_false(page.readable);
	zrammake_close(&kernel);
}

/* A process whose page tables have @entry for its page 1: what is said of that page. Close with entry_close(). */
static struct kco_page entry_page(uint64_t entry)
{
	static const struct kco_os_ops os = { .name = "test" };
	const struct kco_lazy there = { .tried = true, .err = KCO_ERR_INIT };
	struct kco_session *s = &kernel.s;
	struct kco_process *const *list;
	struct kco_page page = { 0 };
	size_t n;

	swap_init();
	functions = all;
	room = 22;
	for (unsigned i = 0; i < 3; i++)
		zrammake_put(&kernel, TABLES + 0x1000 * i, (TABLES + 0x1000 * (i + 1)) | 7, 8);
	zrammake_put(&kernel, TABLES + 0x3000 + 8, entry, 8);
	swap_open();
	linux_of(s)->levels = 4;
	s->os = &os;
	s->lazy_os = s->lazy_symbols = s->lazy_types = s->lazy_tasks = there;
	assert_int_equal(kco_processes_get(s, &list, &n, NULL), KCO_OK);
	list[0]->space = (struct kco_space){
		.arch = s->arch, .root = KCO_PADDR(TABLES), .addr_mask = UINT64_C(0x000ffffffffff000), .id = 2
	};
	for (size_t k = 0; s->arch->paging[k]; k++)
		if (s->arch->paging[k]->levels == 4)
			list[0]->space.form = s->arch->paging[k];
	assert_int_equal(linux_page(list[0], 0x1008, &page, NULL), KCO_OK);
	assert_int_equal(page.pte, entry);
	assert_int_equal(page.va, 0x1000);
	return page;
}

static void entry_close(void)
{
	kco_session_processes_fini(&kernel.s);
	zrammake_close(&kernel);
}

/* x86-64: the type in bits 59 to 63, the offset inverted in 9 to 58. */
static uint64_t swap_entry(unsigned type, uint64_t offset)
{
	return (uint64_t)type << 59 | (~offset << 9 & ((UINT64_C(1) << 59) - 512));
}

static void test_linux_swap__entries_of_page_tables(void **state)
{
	// Of the kernel with 22 areas above.
	static const struct {
		unsigned type;
		uint64_t offset;
		enum kco_page_state want;
		const char *why;
	} entries[] = {
		{ AREA_TYPE, 20, KCO_PAGE_ZRAM, NULL },
		{ AREA_TYPE, AREA_MAX, KCO_PAGE_UNKNOWN, "swap area 1 has 100 pages" },
		{ 22, 5, KCO_PAGE_POISONED, "hardware poison" },
		{ 23, 8, KCO_PAGE_MIGRATION, NULL },
		{ 25, UINT64_C(3) << 40 | 8, KCO_PAGE_MIGRATION, NULL }, // flags above the address
		{ 24, UINT64_C(1) << 30, KCO_PAGE_BEYOND, "" },
		{ 26, 8, KCO_PAGE_DEVICE, "device's own memory" },
		{ 28, 8, KCO_PAGE_PRESENT, NULL },
		{ 30, 1, KCO_PAGE_UNMAPPED, "no area holds it" }, // a note of userfaultfd alone
		{ 30, 2, KCO_PAGE_POISONED, "marked as poisoned" },
		{ 30, 4, KCO_PAGE_POISONED, "guard page" },
		{ 31, 0, KCO_PAGE_POISONED, "could not be read back" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		struct kco_page page = entry_page(swap_entry(entries[i].type, entries[i].offset));

		if (page.state != entries[i].want)
			fail_msg("type %u: '%s'", entries[i].type, kco_page_state_name(page.state));
		assert_int_equal(page.readable, !entries[i].why);
		if (entries[i].why && (!page.why || !strstr(page.why, entries[i].why)))
			fail_msg("type %u: '%s'", entries[i].type, page.why ? page.why : "(nothing)");
		if (entries[i].want == KCO_PAGE_MIGRATION || entries[i].want == KCO_PAGE_PRESENT)
			assert_int_equal(page.pa.v, 0x8000);
		entry_close();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux_swap__a_file_is_found_by_its_extents),
		cmocka_unit_test(test_linux_swap__extents_that_lie_lead_nowhere),
		cmocka_unit_test(test_linux_swap__pages_beyond_an_area),
		cmocka_unit_test(test_linux_swap__what_is_in_memory_comes_first),
		cmocka_unit_test(test_linux_swap__types_are_areas_or_say_what_became_of_a_page),
		cmocka_unit_test(test_linux_swap__values_of_shared_memory),
		cmocka_unit_test(test_linux_swap__entries_of_page_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
