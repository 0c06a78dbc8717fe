// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that are named together or not at all: whatever goes wrong, and
 * whenever, the folder is afterwards as it was.
 */
#include <kco/outfile.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kco/format.h>

#include "unit.h"

#define FILES 3

static struct kco_session *session;
static char folder[64], names[FILES][96];
static const char *paths[FILES];
static void (*meanwhile)(void); /* when the last file is being written */
static bool last_fails;

static enum kco_status memory_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				   size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	(void)addr;
	(void)err;
	memset(buf, 0, n);
	*done = n;
	return KCO_OK;
}

static const struct kco_segment_ops memory_ops = { .read = memory_read };

static int memory_probe(const struct kco_head *head)
{
	(void)head;
	return 100;
}

static enum kco_status memory_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	(void)opts;
	return kco_image_add_segment(img, KCO_PHYS, 0, 4096, &memory_ops, img, 0, err);
}

static const struct kco_format_ops memory = {
	.name = "memory", .description = "memory", .probe = memory_probe, .open = memory_open
};
static const struct kco_format_ops *const formats[] = { &memory, NULL };

static int setup(void **state)
{
	static const char *dumps[1];
	struct kco_session_options opts = { .dumps = dumps, .nr_dumps = 1, .formats = formats };

	(void)state;
	dumps[0] = unit_file("dump", 4);
	assert_int_equal(kco_session_open_new(&opts, &session, NULL), KCO_OK);
	strcpy(folder, "/tmp/kco-outfile-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < FILES; i++) {
		snprintf(names[i], sizeof(names[i]), "%s/out.%zu", folder, i + 1);
		paths[i] = names[i];
	}
	meanwhile = NULL;
	last_fails = false;
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	kco_session_free(session);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void assert_text(const char *path, const char *want)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(fgets(got, sizeof(got), f));
	assert_string_equal(got, want);
	fclose(f);
}

static size_t count(void)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; // not . and ..
}

static enum kco_status fill(void *arg, size_t i, int fd, struct kco_err *err)
{
	assert_ptr_equal(arg, folder);
	dprintf(fd, "new %zu", i);
	if (i == FILES - 1 && meanwhile)
		meanwhile();
	return i == FILES - 1 && last_fails ? kco_fail(err, KCO_E_IO, "the disk is full") : KCO_OK;
}

static enum kco_status write_all(bool replace, struct kco_err *err)
{
	return kco_session_write_files(session, paths, FILES, replace, fill, folder, err);
}

static void test_outfile__all_get_their_names(void **state)
{
	struct stat st;

	(void)state;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(write_all(again, NULL), KCO_OK);
		assert_int_equal(count(), FILES);
		assert_text(paths[0], "new 0");
		assert_text(paths[2], "new 2");
		assert_int_equal(stat(paths[1], &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		put(paths[0], "older");
	}
}

static void test_outfile__a_failure_leaves_none(void **state)
{
	struct kco_err err;

	(void)state;
	last_fails = true;
	assert_int_equal(write_all(false, &err), KCO_E_IO);
	assert_msg(&err, "out.3: the disk is full");
	assert_int_equal(count(), 0);
	put(paths[0], "old 0");
	assert_int_equal(write_all(true, &err), KCO_E_IO);
	assert_int_equal(count(), 1);
	assert_text(paths[0], "old 0");
}

static void test_outfile__one_that_exists_is_seen_before_the_work(void **state)
{
	struct kco_err err;

	(void)state;
	put(paths[2], "old 2");
	last_fails = true; // it is not come so far
	assert_int_equal(write_all(false, &err), KCO_E_USAGE);
	assert_msg(&err, "out.3 exists");
	assert_int_equal(count(), 1);
}

static void file_in_the_way(void)
{
	put(paths[1], "theirs");
}

static void folder_in_the_way(void)
{
	unlink(paths[1]);
	assert_int_equal(mkdir(paths[1], 0700), 0);
}

static void test_outfile__a_name_that_is_taken_meanwhile_takes_back_the_others(void **state)
{
	struct kco_err err;
	struct stat st;

	(void)state;
	meanwhile = file_in_the_way;
	assert_int_equal(write_all(false, &err), KCO_E_IO);
	assert_msg(&err, "out.2: naming it");
	assert_int_equal(count(), 1);
	assert_text(paths[1], "theirs");

	put(paths[0], "old 0");
	meanwhile = folder_in_the_way;
	assert_int_equal(write_all(true, &err), KCO_E_USAGE);
	assert_msg(&err, "out.2 is no regular file");
	assert_int_equal(count(), 2);
	assert_text(paths[0], "old 0");
	assert_int_equal(lstat(paths[1], &st), 0);
	assert_true(S_ISDIR(st.st_mode));
}

static void test_outfile__no_stream_into_what_is_read(void **state)
{
	int fds[2], fd = open(unit_file("x", 1), O_WRONLY), dump;
	struct kco_err err;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(kco_session_may_stream(session, fds[1], NULL), KCO_OK);
	assert_int_equal(kco_session_may_stream(session, fd, NULL), KCO_OK);
	dump = open(kco_session_image(session)->files[0]->name, O_WRONLY | O_APPEND);
	assert_true(dump >= 0);
	assert_int_equal(kco_session_may_stream(session, dump, &err), KCO_E_USAGE);
	assert_msg(&err, "is being read");
	close(dump);
	dump = posix_openpt(O_RDWR | O_NOCTTY);
	assert_int_equal(kco_session_may_stream(session, dump, &err), KCO_E_USAGE);
	assert_msg(&err, "terminal");
	close(dump);
	close(fd);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(kco_session_may_stream(session, fd, &err), KCO_E_IO);
}

static void test_outfile__every_failing_allocation_is_reported(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		enum kco_status st;

		unit_fault_arm(n);
		st = write_all(true, NULL);
		if (!unit_fault_fired()) {
			assert_int_equal(st, KCO_OK);
			break;
		}
		assert_int_equal(st, KCO_E_NOMEM);
		assert_int_equal(count(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_outfile__all_get_their_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outfile__a_failure_leaves_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outfile__one_that_exists_is_seen_before_the_work, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outfile__a_name_that_is_taken_meanwhile_takes_back_the_others,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_outfile__no_stream_into_what_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outfile__every_failing_allocation_is_reported, setup, teardown),
	};

	return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}
