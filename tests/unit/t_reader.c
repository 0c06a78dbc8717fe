// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Readers: bytes through the page cache. The "dump" is a file of
 * pseudo-random bytes; a test lays its segments out by a table.
 */
#include <kco/image.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <kco/format.h>

#include "unit.h"

#define FILE_SIZE (2 << 20)

struct layout {
	uint64_t first, size, offset;
	enum kco_addr_kind kind;
	bool excluded, striped;
};

static uint8_t *bytes;
static const char *path;
static const struct layout *layout;
static size_t layout_count;
static uint32_t layout_block;
static atomic_int calls;

static enum kco_status saved_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				  size_t n, size_t *done, struct kco_err *err)
{
	struct kco_image *img = seg->source;

	assert_non_null(codec);
	atomic_fetch_add(&calls, 1);
	return kco_io_read(img->files[0], buf, n, seg->offset + (addr - seg->orig_first), done, err);
}

static enum kco_status excluded_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				     size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	(void)addr;
	memset(buf, 0xbb, n); // must not be believed
	*done = 0;
	atomic_fetch_add(&calls, 1);
	return kco_fail(err, KCO_E_NOT_SAVED, "excluded by the dump's filter");
}

/* As a kdump file has it: one segment, in which every other block of 1024 is excluded. */
static enum kco_status striped_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				    size_t n, size_t *done, struct kco_err *err)
{
	for (*done = 0; *done < n;) {
		uint64_t at = addr + *done;
		size_t part = 1024 - at % 1024, got;
		enum kco_status status;

		if (at / 1024 % 2)
			return kco_fail(err, KCO_E_NOT_SAVED, "excluded by the dump's filter");
		if (part > n - *done)
			part = n - *done;
		status = saved_read(seg, codec, at, (char *)buf + *done, part, &got, err);
		*done += got;
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static const struct kco_segment_ops striped_ops = { .read = striped_read };
static const struct kco_segment_ops saved_ops = { .read = saved_read };
static const struct kco_segment_ops excluded_ops = { .read = excluded_read };

static int mem_probe(const struct kco_head *head)
{
	(void)head;
	return 100;
}

static enum kco_status mem_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	(void)opts;
	if (layout_block)
		img->facts.block_size = layout_block;
	for (size_t i = 0; i < layout_count; i++) {
		enum kco_status status = kco_image_add_segment(img, layout[i].kind, layout[i].first, layout[i].size,
							       layout[i].excluded  ? &excluded_ops
							       : layout[i].striped ? &striped_ops
										   : &saved_ops,
							       img, layout[i].offset, err);

		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static const struct kco_format_ops mem = {
	.name = "mem", .description = "memory", .probe = mem_probe, .open = mem_open
};
static const struct kco_format_ops *const formats[] = { &mem, NULL };

static struct kco_image *open_image(const struct layout *table, size_t n, uint32_t block, uint64_t cache_bytes)
{
	struct kco_image_options opts = { .cache_bytes = cache_bytes };
	struct kco_image *img;

	layout = table;
	layout_count = n;
	layout_block = block;
	atomic_store(&calls, 0);
	assert_int_equal(kco_image_open_new(&path, 1, formats, &opts, &img, NULL), KCO_OK);
	return img;
}

#define OPEN(table, block, cache_bytes) open_image(table, sizeof(table) / sizeof((table)[0]), block, cache_bytes)

static struct kco_reader *reader(struct kco_image *img)
{
	struct kco_reader *rd;

	assert_int_equal(kco_reader_new(img, &rd, NULL), KCO_OK);
	assert_ptr_equal(kco_reader_image(rd), img);
	return rd;
}

static int make_file(void **state)
{
	uint64_t seed = 5;

	(void)state;
	bytes = malloc(FILE_SIZE);
	for (size_t i = 0; i < FILE_SIZE; i += 8) {
		uint64_t v = unit_random(&seed);

		memcpy(bytes + i, &v, 8);
	}
	path = unit_file(bytes, FILE_SIZE);
	return 0;
}

static int free_file(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

static void read_randomly(struct kco_reader *rd, uint64_t seed, int rounds, size_t longest)
{
	uint8_t *buf = malloc(longest);

	while (rounds--) {
		uint64_t addr = unit_random(&seed) % FILE_SIZE;
		size_t n = unit_random(&seed) % longest, done;

		if (n > FILE_SIZE - addr)
			n = FILE_SIZE - addr;
		assert_int_equal(kco_pread(rd, KCO_PADDR(addr), buf, n, &done, NULL), KCO_OK);
		assert_int_equal(done, n);
		assert_memory_equal(buf, bytes + addr, n);
	}
	free(buf);
}

static void test_reader__any_range_is_the_files_bytes_for_every_block_size(void **state)
{
	// Borders at odd places, out of order, one laid over another.
	static const struct layout table[] = {
		{ .first = 0x100000, .size = 0x100000, .offset = 0x100000 },
		{ .first = 0, .size = 0x100000, .offset = 0 },
		{ .first = 0x1235, .size = 0x5001, .offset = 0x1235 },
	};
	static const uint32_t blocks[] = { 0, 512, 4096, 16384, 65536, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct kco_image *img = OPEN(table, blocks[i], 0);
		struct kco_reader *rd = reader(img);

		read_randomly(rd, i, 2000, 100);
		read_randomly(rd, i, 100, 200000);
		kco_reader_free(rd);
		kco_image_free(img);
	}
	kco_reader_free(NULL);
}

static void test_reader__second_read_does_not_touch_the_file(void **state)
{
	static const struct layout table[] = { { .first = 0, .size = FILE_SIZE } };
	struct kco_image *img = OPEN(table, 4096, 0);
	struct kco_reader *rd = reader(img), *other = reader(img);
	struct kco_cache_stats stats;
	uint64_t v;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(kco_pread(rd, KCO_PADDR(0x5008), &v, 8, NULL, NULL), KCO_OK);
	assert_int_equal(kco_pread(other, KCO_PADDR(0x5ff8), &v, 8, NULL, NULL), KCO_OK);
	assert_memory_equal(&v, bytes + 0x5ff8, 8);
	assert_int_equal(atomic_load(&calls), 1);
	kco_reader_free(rd);
	kco_reader_free(other);
	kco_image_cache_stats(img, &stats);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.hits, 10);
	assert_int_equal(stats.bytes, 4096);
	kco_image_free(img);
}

static void test_reader__holes_end_a_read_and_the_message_names_the_address(void **state)
{
	static const struct layout table[] = {
		{ .first = 0x1000, .size = 0x2800, .offset = 0x1000 },
		{ .first = 0x3900, .size = 0x700, .offset = 0x3900 },
		{ .first = 0x1000, .size = 0x1000, .offset = 0x7000, .kind = KCO_VIRT },
	};
	struct kco_image *img = OPEN(table, 4096, 0);
	struct kco_reader *rd = reader(img);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[0x4000];
	size_t done;

	(void)state;
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1000), buf, 0x4000, &done, &err), KCO_E_RANGE);
	assert_int_equal(done, 0x2800);
	assert_memory_equal(buf, bytes + 0x1000, done);
	assert_int_equal(err.addr, 0x3800);
	assert_msg(&err, "physical address 0x3800: ");
	// Both sides of the hole, in the page that is not whole.
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x3700), buf, 0x100, &done, &err), KCO_OK);
	assert_memory_equal(buf, bytes + 0x3700, 0x100);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x3900), buf, 0x700, &done, &err), KCO_OK);
	assert_memory_equal(buf, bytes + 0x3900, 0x700);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0), buf, 1, &done, &err), KCO_E_RANGE);
	assert_int_equal(done, 0);
	assert_msg(&err, "physical address 0x0: ");
	// The address spaces are apart.
	assert_int_equal(kco_reader_read(rd, KCO_VIRT, 0x1000, buf, 16, &done, &err), KCO_OK);
	assert_memory_equal(buf, bytes + 0x7000, 16);
	assert_int_equal(kco_reader_read(rd, KCO_VIRT, 0x2000, buf, 16, &done, &err), KCO_E_RANGE);
	assert_msg(&err, "virtual address 0x2000: ");
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1000), buf, 16, &done, &err), KCO_OK);
	assert_memory_equal(buf, bytes + 0x1000, 16);
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__truncated_end_gives_what_is_there(void **state)
{
	static const struct layout table[] = { { .first = 0, .size = 0x10000, .offset = FILE_SIZE - 0x1808 } };
	struct kco_image *img = OPEN(table, 4096, 0);
	struct kco_reader *rd = reader(img);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[0x3000];
	size_t done;

	(void)state;
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x800), buf, 0x3000, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 0x1008);
	assert_memory_equal(buf, bytes + FILE_SIZE - 0x1008, done);
	assert_msg(&err, "physical address 0x1808: ");
	assert_msg(&err, "truncated");
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1800), buf, 8, &done, &err), KCO_OK);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1801), buf, 8, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 7);
	kco_reader_free(rd);
	kco_image_free(img);
}

static const struct layout with_excluded[] = {
	{ .first = 0, .size = 0x8000, .offset = 0 },
	{ .first = 0x2000, .size = 0x2000, .excluded = true },
	{ .first = 0x5400, .size = 0x200, .excluded = true }, // smaller than a block
};

static void test_reader__excluded_pages_are_errors_not_zeros(void **state)
{
	struct kco_image *img = OPEN(with_excluded, 4096, 0);
	struct kco_reader *rd = reader(img);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[0x8000];
	size_t done;

	(void)state;
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1ff0), buf, 0x100, &done, &err), KCO_E_NOT_SAVED);
	assert_int_equal(done, 0x10);
	assert_int_equal(err.addr, 0x2000);
	assert_msg(&err, "physical address 0x2000: excluded");
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x3000), buf, 8, &done, NULL), KCO_E_NOT_SAVED);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x5000), buf, 0x400, &done, NULL), KCO_OK);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x5600), buf, 0x400, &done, NULL), KCO_OK);
	assert_memory_equal(buf, bytes + 0x5600, 0x400);
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__excluded_pages_become_zeros_on_demand(void **state)
{
	struct kco_image *img = OPEN(with_excluded, 4096, 0);
	uint8_t buf[0x9000], want[0x8000];
	uint64_t seed = 9;
	struct kco_reader *rd;
	size_t done;

	(void)state;
	img->zero_excluded = true;
	rd = reader(img);
	memcpy(want, bytes, sizeof(want));
	memset(want + 0x2000, 0, 0x2000);
	memset(want + 0x5400, 0, 0x200);
	for (int i = 0; i < 3000; i++) {
		size_t at = unit_random(&seed) % 0x8000, n = unit_random(&seed) % (0x8000 - at + 1);

		memset(buf, 0xcc, sizeof(buf));
		assert_int_equal(kco_pread(rd, KCO_PADDR(at), buf, n, &done, NULL), KCO_OK);
		assert_int_equal(done, n);
		assert_memory_equal(buf, want + at, n);
		assert_int_equal(buf[n], 0xcc);
	}
	// Beyond the memory is still an error.
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1000), buf, 0x8000, &done, NULL), KCO_E_RANGE);
	assert_int_equal(done, 0x7000);
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__zeros_end_where_the_excluded_block_ends(void **state)
{
	static const struct layout table[] = { { .first = 0, .size = 0x4000, .striped = true } };
	struct kco_image *img = OPEN(table, 1024, 0);
	uint8_t buf[0x4000], want[0x4000];
	uint64_t seed = 10;
	struct kco_reader *rd;

	(void)state;
	img->zero_excluded = true;
	rd = reader(img);
	memcpy(want, bytes, sizeof(want));
	for (size_t at = 1024; at < sizeof(want); at += 2048)
		memset(want + at, 0, 1024);
	for (int i = 0; i < 2000; i++) {
		size_t at = unit_random(&seed) % sizeof(want), n = unit_random(&seed) % (sizeof(want) - at + 1);

		assert_int_equal(kco_pread(rd, KCO_PADDR(at), buf, n, NULL, NULL), KCO_OK);
		assert_memory_equal(buf, want + at, n);
	}
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__reads_at_the_end_of_the_address_space(void **state)
{
	static const struct layout table[] = {
		{ .first = 0, .size = 0x1000, .offset = 0 },
		{ .first = UINT64_MAX - 0xfff, .size = 0x1000, .offset = 0x1000 },
	};
	struct kco_image *img = OPEN(table, 4096, 0);
	struct kco_reader *rd = reader(img);
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[64];
	size_t done;

	(void)state;
	assert_int_equal(kco_pread(rd, KCO_PADDR(UINT64_MAX - 15), buf, 16, &done, &err), KCO_OK);
	assert_memory_equal(buf, bytes + 0x1ff0, 16);
	assert_int_equal(kco_pread(rd, KCO_PADDR(UINT64_MAX - 15), buf, 17, &done, &err), KCO_E_RANGE);
	assert_int_equal(done, 16);
	assert_msg(&err, "the address space ends there");
	kco_reader_free(rd);
	kco_image_free(img);
}

static uint64_t touched_pages[64];
static size_t touched_count;

static void touched(void *arg, enum kco_addr_kind kind, uint64_t page_addr, uint32_t size)
{
	assert_ptr_equal(arg, &touched_count);
	assert_int_equal(kind, KCO_PHYS);
	assert_int_equal(size, 4096);
	assert_true(touched_count < 64);
	touched_pages[touched_count++] = page_addr;
}

static void test_reader__recorder_hears_of_every_page_that_gave_bytes(void **state)
{
	struct kco_image *img = OPEN(with_excluded, 4096, 0);
	uint8_t buf[0x3000];
	struct kco_reader *rd;

	(void)state;
	img->touched = touched;
	img->touched_arg = &touched_count;
	touched_count = 0;
	rd = reader(img);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0xff8), buf, 16, NULL, NULL), KCO_OK);
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x1000), buf, 8, NULL, NULL), KCO_OK);		 // cached
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x5000), buf, 8, NULL, NULL), KCO_OK);		 // not whole
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x2000), buf, 8, NULL, NULL), KCO_E_NOT_SAVED); // nothing
	assert_int_equal(kco_pread(rd, KCO_PADDR(0x9000), buf, 8, NULL, NULL), KCO_E_RANGE);
	assert_int_equal(touched_count, 4);
	assert_int_equal(touched_pages[0], 0);
	assert_int_equal(touched_pages[1], 0x1000);
	assert_int_equal(touched_pages[2], 0x1000);
	assert_int_equal(touched_pages[3], 0x5000);
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__reading_once_is_the_same_but_for_the_cache(void **state)
{
	struct kco_image *img = OPEN(with_excluded, 4096, 0);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_cache_stats stats;
	uint8_t buf[0x3000];
	struct kco_reader *rd;
	size_t done;

	(void)state;
	img->touched = touched;
	img->touched_arg = &touched_count;
	touched_count = 0;
	rd = reader(img);
	assert_int_equal(kco_reader_read_once(rd, KCO_PHYS, 0xff8, buf, 0x3000, &done, &err), KCO_E_NOT_SAVED);
	assert_int_equal(done, 0x1008);
	assert_memory_equal(buf, bytes + 0xff8, done);
	assert_msg(&err, "physical address 0x2000: ");
	assert_int_equal(kco_reader_read_once(rd, KCO_PHYS, 0x6000, buf, 0x2000, &done, &err), KCO_OK);
	assert_int_equal(done, 0x2000);
	assert_memory_equal(buf, bytes + 0x6000, done);
	assert_int_equal(kco_reader_read_once(rd, KCO_PHYS, 0x9000, buf, 8, &done, &err), KCO_E_RANGE);
	assert_int_equal(kco_reader_read_once(rd, KCO_PHYS, 0x9000, buf, 0, &done, &err), KCO_OK);
	assert_int_equal(touched_count, 4);
	assert_int_equal(touched_pages[0], 0);
	assert_int_equal(touched_pages[1], 0x1000);
	assert_int_equal(touched_pages[2], 0x6000);
	assert_int_equal(touched_pages[3], 0x7000);
	kco_image_cache_stats(img, &stats);
	assert_int_equal(stats.bytes, 0);
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__works_when_every_page_of_the_cache_is_pinned(void **state)
{
	static const struct layout table[] = { { .first = 0, .size = FILE_SIZE } };
	struct kco_image *img = OPEN(table, 4096, 1); // eight pages, fewer than a reader pins
	struct kco_reader *one = reader(img), *two = reader(img);

	(void)state;
	read_randomly(one, 1, 2000, 10000);
	read_randomly(two, 2, 2000, 10000);
	read_randomly(one, 3, 2000, 10000);
	kco_reader_free(one);
	read_randomly(two, 4, 2000, 10000);
	kco_reader_free(two);
	kco_image_free(img);
}

/* Two readers, one read of the file: the page went through the cache. */
static void assert_cache_serves(struct kco_image *img, uint64_t addr)
{
	struct kco_reader *one = reader(img), *two = reader(img);
	uint64_t v;

	atomic_store(&calls, 0);
	assert_int_equal(kco_pread(one, KCO_PADDR(addr), &v, 8, NULL, NULL), KCO_OK);
	assert_int_equal(kco_pread(two, KCO_PADDR(addr), &v, 8, NULL, NULL), KCO_OK);
	assert_int_equal(atomic_load(&calls), 1);
	kco_reader_free(one);
	kco_reader_free(two);
}

static void test_reader__gives_its_pages_back(void **state)
{
	static const struct layout table[] = { { .first = 0, .size = FILE_SIZE } };
	struct kco_image *img = OPEN(table, 4096, 1);
	struct kco_reader *rd = reader(img);

	(void)state;
	read_randomly(rd, 1, 1000, 10000);
	kco_reader_free(rd);
	assert_cache_serves(img, 0x123000);
	kco_image_free(img);
}

static void test_reader__failed_reads_cost_no_pages_of_the_cache(void **state)
{
	struct kco_image *img = OPEN(with_excluded, 4096, 1);
	struct kco_reader *rd = reader(img);
	uint64_t v;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(kco_pread(rd, KCO_PADDR(0x2000), &v, 8, NULL, NULL), KCO_E_NOT_SAVED);
	assert_cache_serves(img, 0x1000);
	kco_reader_free(rd);
	kco_image_free(img);
}

static void test_reader__next_walks_the_segments(void **state)
{
	struct kco_image *img = OPEN(with_excluded, 4096, 0);
	struct kco_reader *rd = reader(img);
	static const uint64_t want[] = { 0, 0x2000, 0x4000, 0x5400, 0x5600 };
	const struct kco_segment *seg;
	uint64_t at = 0;
	size_t n = 0;

	(void)state;
	while ((seg = kco_reader_next(rd, KCO_PHYS, at))) {
		assert_true(n < 5);
		assert_int_equal(seg->first, want[n++]);
		at = seg->last + 1;
	}
	assert_int_equal(n, 5);
	assert_null(kco_reader_next(rd, KCO_VIRT, 0));
	kco_reader_free(rd);
	kco_image_free(img);
}

struct worker {
	pthread_t thread;
	struct kco_image *img;
	uint64_t seed;
	int wrong;
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct kco_reader *rd;
	uint8_t buf[9000];

	// Cloning at the same time is part of the test.
	if (kco_reader_new(w->img, &rd, NULL) != KCO_OK) {
		w->wrong = 1;
		return NULL;
	}
	for (int i = 0; i < 20000; i++) {
		uint64_t addr = unit_random(&w->seed) % (FILE_SIZE - sizeof(buf));
		size_t n = unit_random(&w->seed) % (i % 64 ? 64 : sizeof(buf)), done;

		if (kco_pread(rd, KCO_PADDR(addr), buf, n, &done, NULL) != KCO_OK || done != n ||
		    memcmp(buf, bytes + addr, n) != 0)
			w->wrong++;
	}
	kco_reader_free(rd);
	return NULL;
}

static void test_reader__many_threads_read_the_same_image(void **state)
{
	static struct layout table[512];
	struct worker w[6];
	struct kco_image *img;

	(void)state;
	for (size_t i = 0; i < 512; i++)
		table[i] = (struct layout){ .first = i * 4096, .size = 4096, .offset = i * 4096 };
	img = OPEN(table, 4096, 1 << 20); // half of the file: evictions all the time
	for (size_t i = 0; i < 6; i++) {
		w[i] = (struct worker){ .img = img, .seed = i };
		assert_int_equal(pthread_create(&w[i].thread, NULL, worker_run, &w[i]), 0);
	}
	for (size_t i = 0; i < 6; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].wrong, 0);
	}
	kco_image_free(img);
}

static void test_reader__failing_calls_give_errors_and_no_wrong_bytes(void **state)
{
	static const struct layout table[] = { { .first = 0, .size = FILE_SIZE } };

	(void)state;
	for (long n = 1;; n++) {
		struct kco_image *img = OPEN(table, 4096, 1);
		struct kco_reader *rd = NULL;
		struct kco_err err = KCO_ERR_INIT;
		enum kco_status status;
		int failed = 0;
		bool fired;

		unit_fault_arm(n);
		status = kco_reader_new(img, &rd, &err);
		for (uint64_t page = 0; page < 12 && rd; page++) {
			uint8_t buf[16];
			size_t done;

			status = kco_pread(rd, KCO_PADDR(page * 4096 + 4088), buf, 16, &done, &err);
			assert_memory_equal(buf, bytes + page * 4096 + 4088, done);
			failed += status != KCO_OK;
		}
		fired = unit_fault_fired();
		kco_reader_free(rd);
		kco_image_free(img);
		if (!fired) {
			assert_non_null(rd);
			assert_int_equal(failed, 0);
			break;
		}
		// A page that could not be cached is read directly, so a fault need not be an error.
		assert_true(failed <= 1);
		assert_true(rd || err.code == KCO_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader__any_range_is_the_files_bytes_for_every_block_size),
		cmocka_unit_test(test_reader__second_read_does_not_touch_the_file),
		cmocka_unit_test(test_reader__holes_end_a_read_and_the_message_names_the_address),
		cmocka_unit_test(test_reader__truncated_end_gives_what_is_there),
		cmocka_unit_test(test_reader__excluded_pages_are_errors_not_zeros),
		cmocka_unit_test(test_reader__excluded_pages_become_zeros_on_demand),
		cmocka_unit_test(test_reader__zeros_end_where_the_excluded_block_ends),
		cmocka_unit_test(test_reader__reads_at_the_end_of_the_address_space),
		cmocka_unit_test(test_reader__recorder_hears_of_every_page_that_gave_bytes),
		cmocka_unit_test(test_reader__reading_once_is_the_same_but_for_the_cache),
		cmocka_unit_test(test_reader__works_when_every_page_of_the_cache_is_pinned),
		cmocka_unit_test(test_reader__gives_its_pages_back),
		cmocka_unit_test(test_reader__failed_reads_cost_no_pages_of_the_cache),
		cmocka_unit_test(test_reader__next_walks_the_segments),
		cmocka_unit_test(test_reader__many_threads_read_the_same_image),
		cmocka_unit_test(test_reader__failing_calls_give_errors_and_no_wrong_bytes),
	};

	return cmocka_run_group_tests(tests, make_file, free_file);
}
