// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a FreeBSD kernel is found in a full dump, and what the system was.
 */
#include "debuginfo.h"
#include "fbsdmake.h"

#define KERNBASE UINT64_C(0xffffffff80000000)
#define KPML4 (KERNBASE + 0x200000 + 0x10) /* a variable of a kernel at 2 MiB */
#define VERSION (KERNBASE + 0x200000 + 0x100)
#define MEMORY (4 * UINT64_C(0x200000))

static struct fbsd f;

static int teardown(void **state)
{
	(void)state;
	fbsd_fini(&f);
	return 0;
}

static void test_freebsd_boot__what_the_system_was(void **state)
{
	const struct kco_system_info *info;
	uint64_t load = FBSD_AT(FBSD_DATA + 0x900);

	(void)state;
	fbsd_init(&f, true, 1);
	fbsd_symbol(&f, "version", fbsd_string(&f, "FreeBSD 12.1-RELEASE r1 GENERIC\n    root@x:/obj\n"), 64, 'D');
	fbsd_symbol(&f, "osrelease", fbsd_string(&f, "12.1-RELEASE"), 32, 'D');
	fbsd_symbol(&f, "machine", fbsd_string(&f, "amd64"), 6, 'D');
	fbsd_variable(&f, "panicstr", fbsd_string(&f, "page fault"), 8);
	fbsd_variable(&f, "time_uptime", 3661, 8);
	fbsd_variable(&f, "time_second", 1700000000, 8);
	fbsd_variable(&f, "physmem", 1000, 8);
	fbsd_variable(&f, "mp_ncpus", 1, 4);
	fbsd_symbol(&f, "averunnable", load, 24, 'D');
	fbsd_put(&f, load, 2048 * 3 / 2, 4);
	fbsd_put(&f, load + 4, 2048, 4);
	fbsd_put(&f, load + 8, 512, 4);
	fbsd_put(&f, load + 16, 2048, 8);
	fbsd_open(&f);
	assert_int_equal(kco_system_get(&f.s, &info, NULL), KCO_OK);
	assert_string_equal(info->release, "12.1-RELEASE");
	assert_string_equal(info->version, "FreeBSD 12.1-RELEASE r1 GENERIC root@x:/obj");
	assert_string_equal(info->machine, "amd64");
	assert_string_equal(info->panic, "page fault");
	assert_int_equal(info->uptime_ns, UINT64_C(3661000000000));
	assert_int_equal(info->wall_seconds, 1700000000);
	assert_int_equal(info->memory_bytes, 4096000);
	assert_true(info->has_load);
	assert_int_equal(info->load[0], 150);
	assert_int_equal(info->load[1], 100);
	assert_int_equal(info->load[2], 25);
}

/* `ticks` started ten minutes before it wraps. */
static void test_freebsd_boot__uptime_from_ticks_that_wrapped(void **state)
{
	const struct kco_system_info *info;

	(void)state;
	fbsd_init(&f, true, 1);
	fbsd_variable(&f, "ticks", (uint32_t)INT32_MAX - 1000 * 600 + 1000 * 700, 4);
	fbsd_variable(&f, "hz", 1000, 4);
	fbsd_open(&f);
	strcpy(f.s.image->facts.panic, "from the header");
	f.s.image->facts.dump_time = 1234;
	assert_int_equal(kco_system_get(&f.s, &info, NULL), KCO_OK);
	assert_int_equal(info->uptime_ns, UINT64_C(700000000000));
	assert_string_equal(info->panic, "from the header");
	assert_int_equal(info->wall_seconds, 1234);
	assert_string_equal(info->machine, "amd64");
}

/* A full dump: 8 MiB of physical memory, of which few pages are not zero. */
static struct dump {
	uint8_t *bytes;
	struct kco_session s;
	struct freebsd_os os;
	struct kco_image *image;
	struct kco_symbol symbols[8];
	size_t nr_symbols;
	struct kco_symbol_source source;
	uint64_t next_table;
	struct kco_err err;
} d;

static enum kco_status dump_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				 size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	(void)err;
	memcpy(buf, d.bytes + addr, n);
	*done = n;
	return KCO_OK;
}

static const struct kco_segment_ops dump_ops = { .read = dump_read };

static enum kco_status dump_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	(void)opts;
	img->facts.elf_machine = 62;
	img->facts.elf_osabi = 255;
	return kco_image_add_segment(img, KCO_PHYS, 0, MEMORY, &dump_ops, NULL, 0, err);
}

static int dump_probe(const struct kco_head *head)
{
	(void)head;
	return 100;
}

static enum kco_status dump_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				    struct kco_err *err)
{
	(void)src;
	for (size_t i = 0; i < d.nr_symbols; i++) {
		if (!strcmp(d.symbols[i].name, name)) {
			*ret = d.symbols[i];
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
}

static const struct kco_symbol_source_ops dump_source_ops = { .name = "test", .by_name = dump_by_name };

static void dump_symbol(const char *name, uint64_t addr)
{
	d.symbols[d.nr_symbols++] = (struct kco_symbol){ .addr = addr, .name = name };
}

static uint64_t dump_word(uint64_t pa)
{
	uint64_t v;

	memcpy(&v, d.bytes + pa, 8);
	return v;
}

static void dump_put(uint64_t pa, uint64_t value)
{
	memcpy(d.bytes + pa, &value, 8);
}

/* Map 2 MiB at @va to @pa. */
static void dump_map(uint64_t root, unsigned levels, uint64_t va, uint64_t pa)
{
	uint64_t table = root;

	for (unsigned level = levels; level > 2; level--) {
		uint64_t at = table + 8 * (va >> (12 + 9 * (level - 1)) & 511);

		if (!dump_word(at)) {
			dump_put(at, d.next_table | 3);
			d.next_table += 4096;
		}
		table = dump_word(at) & ~UINT64_C(4095);
	}
	dump_put(table + 8 * (va >> 21 & 511), pa | 0x83);
}

static void dump_init(const char *root_name, unsigned levels, uint64_t kernel_pa)
{
	static const struct kco_format_ops format = {
		.name = "test", .description = "", .probe = dump_probe, .open = dump_open
	};
	static const struct kco_format_ops *const formats[] = { &format, NULL };
	const char *path = unit_file("dump", 4);
	struct kco_image_options opts = { 0 };

	memset(&d, 0, sizeof(d));
	d.bytes = calloc(1, MEMORY);
	assert_non_null(d.bytes);
	d.next_table = 0x11000;
	d.source = (struct kco_symbol_source){ .ops = &dump_source_ops, .last = UINT64_MAX };
	dump_symbol(root_name, KPML4);
	dump_symbol("version", VERSION);
	dump_symbol("kernbase", KERNBASE);
	dump_put(kernel_pa + 0x10, 0x10000);
	memcpy(d.bytes + kernel_pa + 0x100, "FreeBSD 14.1", 13);
	dump_map(0x10000, levels, KERNBASE + 0x200000, kernel_pa);
	assert_int_equal(kco_image_open_new(&path, 1, formats, &opts, &d.image, NULL), KCO_OK);
	kco_arena_init(&d.s.arena);
	d.s.os = &kco_os_freebsd;
	d.s.os_priv = &d.os;
	d.s.image = d.image;
	d.s.kernel_symbols = &d.source;
	d.s.debuginfo = (struct kco_debuginfo *)(void *)&d; // there, and never asked but for its symbols
	d.err = KCO_ERR_INIT;
	assert_int_equal(kco_mem_new(d.image, &d.s.mem, NULL), KCO_OK);
}

static int dump_fini(void **state)
{
	(void)state;
	kco_mem_free(d.s.mem);
	kco_image_free(d.image);
	kco_arena_fini(&d.s.arena);
	free(d.bytes);
	return 0;
}

static void dump_is_found(unsigned levels)
{
	char text[16];

	assert_int_equal(kco_os_freebsd.detect(&d.s), 80);
	if (freebsd_boot(&d.s, &d.err))
		fail_msg("%s", d.err.msg);
	assert_int_equal(d.s.kernel.root.v, 0x10000);
	assert_int_equal(d.s.kernel.form->levels, levels);
	assert_int_equal(d.os.levels, levels);
	assert_int_equal(kco_vread_str(d.s.mem, &d.s.kernel, VERSION, text, sizeof(text), NULL), KCO_OK);
	assert_string_equal(text, "FreeBSD 14.1");
}

static void test_freebsd_boot__a_kernel_where_it_was_linked(void **state)
{
	(void)state;
	dump_init("KPML4phys", 4, 0x200000);
	dump_is_found(4);
}

/* Since FreeBSD 13.1 the loader may put it anywhere. */
static void test_freebsd_boot__a_kernel_that_was_moved_is_searched(void **state)
{
	(void)state;
	dump_init("KPML4phys", 4, 0x600000);
	dump_is_found(4);
}

static void test_freebsd_boot__five_levels_have_a_root_of_their_own(void **state)
{
	(void)state;
	dump_init("KPML5phys", 5, 0x400000);
	dump_is_found(5);
}

/* What looks like a root and does not map itself is none. */
static void test_freebsd_boot__a_root_must_map_itself(void **state)
{
	(void)state;
	dump_init("KPML4phys", 4, 0x600000);
	dump_put(0x200000 + 0x10, 0x30000); // of tables that map the kernel, but this word is not its variable
	d.next_table = 0x31000;
	dump_map(0x30000, 4, KERNBASE + 0x200000, 0x600000);
	dump_put(0x400000 + 0x10, UINT64_C(0xfff0000000000000));
	dump_is_found(4);
}

/* An image of another kernel that was left in memory has no version there. */
static void test_freebsd_boot__a_root_must_lead_to_a_version(void **state)
{
	(void)state;
	dump_init("KPML4phys", 4, 0x600000);
	dump_put(0x200000 + 0x10, 0x20000);
	d.next_table = 0x21000;
	dump_map(0x20000, 4, KERNBASE + 0x200000, 0x200000);
	dump_is_found(4);
}

/* A dump's header that knows where the kernel lies needs no search, which takes the first that looks like one. */
static void test_freebsd_boot__the_header_says_which_of_two_it_is(void **state)
{
	(void)state;
	dump_init("KPML4phys", 4, 0x600000);
	memcpy(d.bytes + 0x200100, "FreeBSD 13.0", 13);
	dump_put(0x200000 + 0x10, 0x20000);
	d.next_table = 0x21000;
	dump_map(0x20000, 4, KERNBASE + 0x200000, 0x200000);
	d.image->facts.kernel_va = KERNBASE + 0x200000;
	d.image->facts.kernel_pa = 0x600000;
	d.image->facts.has_kernel_pa = true;
	dump_is_found(4);
}

/* A header that lies does no harm. */
static void test_freebsd_boot__a_header_that_is_wrong_is_searched_past(void **state)
{
	(void)state;
	dump_init("KPML4phys", 4, 0x600000);
	d.image->facts.kernel_va = 0x1234;
	d.image->facts.kernel_pa = UINT64_MAX;
	d.image->facts.has_kernel_pa = true;
	dump_is_found(4);
}

#define T(name) cmocka_unit_test_teardown(test_freebsd_boot__##name, teardown)
#define D(name) cmocka_unit_test_teardown(test_freebsd_boot__##name, dump_fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		D(a_kernel_where_it_was_linked),	 D(a_kernel_that_was_moved_is_searched),
		D(five_levels_have_a_root_of_their_own), D(a_root_must_map_itself),
		D(a_root_must_lead_to_a_version),	 T(what_the_system_was),
		D(the_header_says_which_of_two_it_is),	 D(a_header_that_is_wrong_is_searched_past),
		T(uptime_from_ticks_that_wrapped),
	};

	return cmocka_run_group_tests_name("freebsd_boot", tests, NULL, NULL);
}
