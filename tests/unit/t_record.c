// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recording sessions. The "dump" is a file of pages: page n lies at n * 4096,
 * some are excluded, memory ends in the middle of the last. The writer is one
 * that puts down number and content of each page, so that what it was given
 * can be read back.
 */
#include <kco/record.h>
#include <kco/outfile.h>

#include <dirent.h>
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kco/format.h>
#include <kco/write.h>

#include "unit.h"

#define PAGE 4096
#define PAGES 20000 /* more than one piece of the bitmap */
#define SPARSE_AT (UINT64_C(1) << 40)
#define EXCLUDED 7
#define MEMORY_END ((PAGES - 1) * (uint64_t)PAGE + 1000)

static const char *path;
static bool write_fails, virtual_too;

static uint8_t byte_at(uint64_t addr)
{
	uint64_t page = addr / PAGE;

	return (uint8_t)(page * 31 + page / 256 + addr % PAGE);
}

static enum kco_status pages_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				  size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	for (*done = 0; *done < n; ++*done) {
		if ((addr + *done) / PAGE == EXCLUDED)
			return kco_fail(err, KCO_E_NOT_SAVED, "not saved");
		((uint8_t *)buf)[*done] = byte_at(addr + *done);
	}
	return KCO_OK;
}

static const struct kco_segment_ops pages_ops = { .read = pages_read };

static int pages_probe(const struct kco_head *head)
{
	(void)head;
	return 100;
}

static enum kco_status pages_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	enum kco_status st = kco_image_add_segment(img, KCO_PHYS, 0, MEMORY_END, &pages_ops, img, 0, err);

	(void)opts;
	img->facts.block_size = PAGE;
	if (!st)
		st = kco_image_add_segment(img, KCO_PHYS, SPARSE_AT, 16 * PAGE, &pages_ops, img, 0, err);
	if (!st && virtual_too)
		st = kco_image_add_segment(img, KCO_VIRT, 0xffff0000, PAGE, &pages_ops, img, 0, err);
	return st;
}

static enum kco_status pages_work(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				  struct kco_err *err)
{
	(void)arg;
	(void)worker;
	return kco_write_read(rd, piece, err);
}

struct pages_writer {
	struct kco_sink *sink;
	uint64_t at;
};

static enum kco_status pages_deliver(void *arg, struct kco_write_piece *piece, struct kco_err *err)
{
	struct pages_writer *w = arg;
	enum kco_status st = KCO_OK;

	for (size_t at = 0; at < piece->n; at += PAGE) {
		uint64_t pfn = (piece->addr + at) / PAGE;

		if (!st)
			st = kco_sink_write(w->sink, &pfn, 8, w->at, err);
		if (!st)
			st = kco_sink_write(w->sink, piece->bytes + at, PAGE, w->at + 8, err);
		w->at += 8 + PAGE;
	}
	return st;
}

/* u64 number, page, u64 number, page, ... */
static enum kco_status pages_write(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err)
{
	struct pages_writer w = { .sink = sink };
	struct kco_write_work work = { .whole_blocks = true, .arg = &w, .work = pages_work, .deliver = pages_deliver };
	enum kco_status st = src->each(src->arg, &work, err);

	return !st && write_fails ? kco_fail(err, KCO_E_IO, "the disk is full") : st;
}

static const struct kco_format_ops pages = {
	.name = "pages", .description = "pages", .probe = pages_probe, .open = pages_open, .write = pages_write
};
static const struct kco_format_ops readonly = {
	.name = "readonly", .description = "no writer", .probe = pages_probe, .open = pages_open
};
static const struct kco_format_ops *const formats[] = { &pages, &readonly, NULL };

static const struct kco_dump_target *to(const char *name, bool replace)
{
	static struct kco_dump_target target;

	target = (struct kco_dump_target){ .path = name, .replace = replace };
	return &target;
}

static struct kco_session *session(void)
{
	static const char *dumps[1];
	struct kco_session_options opts = { .dumps = dumps, .nr_dumps = 1, .formats = formats };
	struct kco_session *s;

	dumps[0] = path;
	assert_int_equal(kco_session_open_new(&opts, &s, NULL), KCO_OK);
	return s;
}

static struct kco_recording *recording(void)
{
	struct kco_session *s = session();
	struct kco_recording *rec;

	assert_int_equal(kco_recording_new(s, &rec, NULL), KCO_OK);
	kco_session_free(s); // a recording does not need it any more
	return rec;
}

static enum kco_status read_at(struct kco_recording *rec, uint64_t addr, size_t n)
{
	static uint8_t buf[64 * PAGE];

	assert_true(n <= sizeof(buf));
	return kco_pread(kco_mem_reader(kco_session_mem(kco_recording_session(rec))), KCO_PADDR(addr), buf, n, NULL,
			 NULL);
}

/* The numbers of the pages in the file, whose contents must be right; @end is where memory ends. */
static size_t written(const char *file, uint64_t *numbers, size_t max)
{
	static uint8_t buf[8 + PAGE];
	FILE *f = fopen(file, "rb");
	size_t n = 0;

	assert_non_null(f);
	while (fread(buf, sizeof(buf), 1, f) == 1) {
		uint64_t pfn;

		memcpy(&pfn, buf, 8);
		assert_true(n < max);
		numbers[n++] = pfn;
		for (uint64_t i = 0; i < PAGE; i++) {
			uint64_t addr = pfn * PAGE + i;

			assert_int_equal(buf[8 + i], addr < MEMORY_END || addr >= SPARSE_AT ? byte_at(addr) : 0);
		}
	}
	fclose(f);
	return n;
}

static void test_record__writes_the_pages_that_were_read_and_no_others(void **state)
{
	struct kco_recording *rec = recording();
	struct kco_recording_stats stats;
	const char *file = unit_path();
	uint64_t numbers[64];
	struct stat st;

	(void)state;
	assert_int_equal(read_at(rec, 12345 * PAGE + 5, 1), KCO_OK);
	assert_int_equal(read_at(rec, 3 * PAGE - 1, 2), KCO_OK);
	assert_int_equal(read_at(rec, SPARSE_AT + 15 * PAGE, 8), KCO_OK);
	assert_int_equal(read_at(rec, 3 * PAGE, 8), KCO_OK); // cached by now, and still noted
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), &stats, NULL), KCO_OK);
	assert_int_equal(written(file, numbers, 64), 4);
	assert_int_equal(numbers[0], 2);
	assert_int_equal(numbers[1], 3);
	assert_int_equal(numbers[2], 12345);
	assert_int_equal(numbers[3], SPARSE_AT / PAGE + 15);
	assert_int_equal(stats.pages, 4);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(stats.page_size, PAGE);
	assert_int_equal(stats.file_size, 4 * (8 + PAGE));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 077, 0); // memory is nobody else's business
	kco_recording_free(rec);
}

static void test_record__what_another_session_has_cached_is_noted_all_the_same(void **state)
{
	struct kco_session *s = session();
	struct kco_recording *rec;
	const char *file = unit_path();
	uint64_t numbers[64];
	uint8_t byte;

	(void)state;
	assert_int_equal(kco_pread(kco_mem_reader(kco_session_mem(s)), KCO_PADDR(0), &byte, 1, NULL, NULL), KCO_OK);
	assert_int_equal(kco_recording_new(s, &rec, NULL), KCO_OK);
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	// The first session's own reads are no part of it.
	assert_int_equal(kco_pread(kco_mem_reader(kco_session_mem(s)), KCO_PADDR(9 * PAGE), &byte, 1, NULL, NULL),
			 KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, NULL), KCO_OK);
	assert_int_equal(written(file, numbers, 64), 1);
	assert_int_equal(numbers[0], 0);
	kco_recording_free(rec);
	kco_session_free(s);
}

static void test_record__excluded_pages_are_not_written(void **state)
{
	struct kco_recording *rec = recording();
	struct kco_recording_stats stats;
	const char *file = unit_path();
	uint64_t numbers[64];

	(void)state;
	assert_int_equal(read_at(rec, (EXCLUDED - 1) * PAGE, 3 * PAGE), KCO_E_NOT_SAVED);
	assert_int_equal(read_at(rec, (EXCLUDED + 1) * PAGE, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), &stats, NULL), KCO_OK);
	assert_int_equal(written(file, numbers, 64), 2);
	assert_int_equal(numbers[0], EXCLUDED - 1);
	assert_int_equal(numbers[1], EXCLUDED + 1);
	kco_recording_free(rec);
}

static void test_record__a_page_in_which_memory_ends_is_filled_with_zeros(void **state)
{
	struct kco_recording *rec = recording();
	const char *file = unit_path();
	uint64_t numbers[64];

	(void)state;
	assert_int_equal(read_at(rec, MEMORY_END - 1, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, NULL), KCO_OK);
	assert_int_equal(written(file, numbers, 64), 1); // which checks the contents
	assert_int_equal(numbers[0], PAGES - 1);
	kco_recording_free(rec);
}

static void test_record__goes_on_after_writing(void **state)
{
	struct kco_recording *rec = recording();
	const char *file = unit_path();
	uint64_t numbers[64];

	(void)state;
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, NULL), KCO_OK);
	assert_int_equal(read_at(rec, PAGE, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, true), NULL, NULL), KCO_OK);
	assert_int_equal(written(file, numbers, 64), 2);
	kco_recording_free(rec);
}

/* Files in the scratch folder whose names begin with that of @file. */
static unsigned files_like(const char *file)
{
	char *dir = strdup(file), *base = strdup(file);
	const char *name = basename(base);
	DIR *d = opendir(dirname(dir));
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += !strncmp(e->d_name, name, strlen(name));
	closedir(d);
	free(dir);
	free(base);
	return n;
}

static void test_record__an_existing_file_stays_unless_it_is_to_be_replaced(void **state)
{
	struct kco_recording *rec = recording();
	const char *file = unit_file("precious", 8);
	struct kco_err err = KCO_ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, &err), KCO_E_USAGE);
	assert_msg(&err, "exists");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, true), NULL, &err), KCO_OK);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 8 + PAGE);
	assert_int_equal(files_like(file), 1);
	kco_recording_free(rec);
}

static void test_record__what_is_being_read_is_never_replaced(void **state)
{
	struct kco_recording *rec = recording();
	const char *other_name = unit_path();
	struct kco_err err = KCO_ERR_INIT;
	struct stat before, after;

	(void)state;
	assert_int_equal(link(path, other_name), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(path, true), NULL, &err), KCO_E_USAGE);
	assert_msg(&err, "is being read");
	assert_int_equal(kco_recording_write(rec, "pages", to(other_name, true), NULL, &err), KCO_E_USAGE);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, before.st_size);
	kco_recording_free(rec);
}

static void test_record__only_regular_files_are_replaced(void **state)
{
	struct kco_recording *rec = recording();
	const char *fifo = unit_path(), *dangling = unit_path(), *to_file = unit_path(),
		   *file = unit_file("precious", 8);
	const char *const refused[] = { fifo, dangling, to_file, "/dev/full" };
	struct kco_err err = KCO_ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink("/nowhere/at/all", dangling), 0);
	assert_int_equal(symlink(file, to_file), 0);
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	// Asked only, lest a broken check costs the machine its device.
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(kco_session_may_write(kco_recording_session(rec), refused[i], true, &err),
				 KCO_E_USAGE);
		assert_msg(&err, "no regular file");
	}
	assert_int_equal(kco_recording_write(rec, "pages", to(fifo, true), NULL, &err), KCO_E_USAGE);
	assert_int_equal(lstat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	kco_recording_free(rec);
}

static void test_record__an_error_names_the_file_that_was_asked_for(void **state)
{
	struct kco_recording *rec = recording();
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to("/nowhere/x", false), NULL, &err), KCO_E_IO);
	assert_string_equal(err.msg, "/nowhere/x: No such file or directory");
	kco_recording_free(rec);
}

static void test_record__a_failing_writer_leaves_nothing_behind(void **state)
{
	struct kco_recording *rec = recording();
	const char *file = unit_path(), *old = unit_file("precious", 8);
	struct kco_err err = KCO_ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	write_fails = true;
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, &err), KCO_E_IO);
	assert_msg(&err, "the disk is full");
	assert_int_equal(kco_recording_write(rec, "pages", to(old, true), NULL, &err), KCO_E_IO);
	write_fails = false;
	assert_int_equal(files_like(file), 0);
	assert_int_equal(files_like(old), 1);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, 8);
	kco_recording_free(rec);
}

static void test_record__refuses_what_it_cannot_write(void **state)
{
	struct kco_recording *rec = recording();
	const char *file = unit_path();
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, &err), KCO_E_USAGE);
	assert_msg(&err, "no page was read");
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	assert_int_equal(kco_recording_write(rec, "nosuch", to(file, false), NULL, &err), KCO_E_UNSUPPORTED);
	assert_msg(&err, "nosuch");
	assert_int_equal(kco_recording_write(rec, "readonly", to(file, false), NULL, &err), KCO_E_UNSUPPORTED);
	assert_msg(&err, "no writer");
	kco_recording_free(rec);

	virtual_too = true;
	rec = recording();
	virtual_too = false;
	assert_int_equal(read_at(rec, 0, 1), KCO_OK);
	assert_int_equal(kco_reader_read(kco_mem_reader(kco_session_mem(kco_recording_session(rec))), KCO_VIRT,
					 0xffff0000, &(uint8_t){ 0 }, 1, NULL, NULL),
			 KCO_OK);
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, &err), KCO_E_UNSUPPORTED);
	assert_msg(&err, "virtual memory");
	assert_int_equal(files_like(file), 0);
	kco_recording_free(rec);
}

#define THREADS 4

struct many {
	struct kco_recording *rec;
	unsigned nth;
	bool ok;
};

/* Each thread its own pages, neighbours of the others': a note that gets lost is not made again by another. */
static void *read_many(void *arg)
{
	struct many *many = arg;
	struct kco_reader *rd;
	uint8_t byte;

	if (kco_reader_new(kco_session_image(kco_recording_session(many->rec)), &rd, NULL) != KCO_OK)
		return NULL;
	many->ok = true;
	// Backwards: pieces of the bitmap come in before others.
	for (uint64_t page = PAGES - THREADS + many->nth; many->ok && page > EXCLUDED + THREADS; page -= THREADS)
		many->ok = kco_pread(rd, KCO_PADDR(page * PAGE), &byte, 1, NULL, NULL) == KCO_OK;
	kco_reader_free(rd);
	return NULL;
}

static void test_record__readers_of_several_threads_are_noted(void **state)
{
	static uint64_t numbers[PAGES];
	struct kco_recording *rec = recording();
	const char *file = unit_path();
	struct many many[THREADS];
	pthread_t threads[THREADS];
	size_t n;

	(void)state;
	for (unsigned t = 0; t < THREADS; t++) {
		many[t] = (struct many){ .rec = rec, .nth = t };
		assert_int_equal(pthread_create(&threads[t], NULL, read_many, &many[t]), 0);
	}
	for (unsigned t = 0; t < THREADS; t++) {
		pthread_join(threads[t], NULL);
		assert_true(many[t].ok);
	}
	assert_int_equal(kco_recording_write(rec, "pages", to(file, false), NULL, NULL), KCO_OK);
	n = written(file, numbers, PAGES);
	assert_int_equal(numbers[n - 1], PAGES - 1);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(numbers[i], numbers[i - 1] + 1);
	assert_true(n > PAGES - 20);
	kco_recording_free(rec);
}

static void test_record__every_failing_allocation_or_read_is_reported(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct kco_session *s = session();
		struct kco_recording *rec = NULL;
		const char *file = unit_path();
		enum kco_status st;
		bool fired;

		unit_fault_arm(n);
		st = kco_recording_new(s, &rec, NULL);
		if (!st)
			st = read_at(rec, 0, 1);
		if (!st)
			st = read_at(rec, SPARSE_AT, 1);
		if (!st)
			st = kco_recording_write(rec, "pages", to(file, false), NULL, NULL);
		fired = unit_fault_fired();
		if (!fired)
			assert_int_equal(st, KCO_OK);
		// A fault that was survived (a cache that is not there) must not have cost a page.
		if (st == KCO_OK) {
			uint64_t numbers[8];

			assert_int_equal(written(file, numbers, 8), 2);
		} else {
			assert_int_equal(files_like(file), 0);
		}
		kco_recording_free(rec);
		kco_session_free(s);
		if (!fired)
			break;
		assert_true(n < 10000);
	}
}

static int make_file(void **state)
{
	(void)state;
	path = unit_file("any", 3);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record__writes_the_pages_that_were_read_and_no_others),
		cmocka_unit_test(test_record__what_another_session_has_cached_is_noted_all_the_same),
		cmocka_unit_test(test_record__excluded_pages_are_not_written),
		cmocka_unit_test(test_record__a_page_in_which_memory_ends_is_filled_with_zeros),
		cmocka_unit_test(test_record__goes_on_after_writing),
		cmocka_unit_test(test_record__an_existing_file_stays_unless_it_is_to_be_replaced),
		cmocka_unit_test(test_record__what_is_being_read_is_never_replaced),
		cmocka_unit_test(test_record__only_regular_files_are_replaced),
		cmocka_unit_test(test_record__an_error_names_the_file_that_was_asked_for),
		cmocka_unit_test(test_record__a_failing_writer_leaves_nothing_behind),
		cmocka_unit_test(test_record__refuses_what_it_cannot_write),
		cmocka_unit_test(test_record__readers_of_several_threads_are_noted),
		cmocka_unit_test(test_record__every_failing_allocation_or_read_is_reported),
	};

	return cmocka_run_group_tests(tests, make_file, NULL);
}
