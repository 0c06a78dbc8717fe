// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files, memory and filters behind struct kco_io.
 */
#include <kco/io.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

static void test_io__file_reads_at_any_offset(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	uint8_t bytes[10000], buf[10000];
	struct kco_io *io;
	size_t done;
	int flags;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(kco_io_open_new(unit_file(bytes, sizeof(bytes)), &io, &err), KCO_OK);
	assert_int_equal(io->size, sizeof(bytes));
	assert_int_equal(kco_io_read(io, buf, sizeof(buf), 0, &done, &err), KCO_OK);
	assert_int_equal(done, sizeof(buf));
	assert_memory_equal(buf, bytes, sizeof(buf));
	assert_int_equal(kco_io_read(io, buf, 100, 9900, NULL, NULL), KCO_OK);
	assert_memory_equal(buf, bytes + 9900, 100);
	assert_int_equal(kco_io_read(io, buf, 0, 10000, &done, &err), KCO_OK);
	assert_true(kco_io_fd(io) >= 0);
	flags = fcntl(kco_io_fd(io), F_GETFD);
	assert_true(flags & FD_CLOEXEC);
	kco_io_unref(io);
}

static void test_io__reads_beyond_the_end_are_truncated_with_numbers(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io;
	char buf[16];
	size_t done = 99;

	(void)state;
	assert_int_equal(kco_io_open_new(unit_file("0123456789", 10), &io, &err), KCO_OK);
	assert_int_equal(kco_io_read(io, buf, 16, 4, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 6);
	assert_memory_equal(buf, "456789", 6);
	assert_msg(&err, "6 of 16 bytes at offset 0x4");
	assert_int_equal(err.file_off, 10);
	assert_int_equal(kco_io_read(io, buf, 1, 10, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 0);
	assert_int_equal(kco_io_read(io, buf, 16, UINT64_MAX - 3, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 0);
	kco_io_unref(io);
}

static void test_io__file_that_shrinks_is_truncated_not_zero(void **state)
{
	const char *path = unit_file("0123456789", 10);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io;
	char buf[10];
	size_t done;

	(void)state;
	assert_int_equal(kco_io_open_new(path, &io, &err), KCO_OK);
	assert_int_equal(truncate(path, 3), 0);
	assert_int_equal(kco_io_read(io, buf, 10, 0, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 3);
	assert_msg(&err, "shrunk");
	assert_int_equal(io->size, 10);
	kco_io_unref(io);
}

static void refused(const char *path, enum kco_status status, const char *text)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io = NULL;

	assert_int_equal(kco_io_open_new(path, &io, &err), status);
	assert_msg(&err, path);
	assert_msg(&err, text);
}

static void test_io__holes_are_zeros_and_data_behind_them_is_read(void **state)
{
	const size_t size = 1 << 20, data = 300 * 1024;
	uint8_t *buf = malloc(size);
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io;
	const char *path;
	size_t done;
	int fd;

	(void)state;
	assert_non_null(buf);
	path = unit_file("", 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, "data", 4, (off_t)data), 4);
	assert_int_equal(kco_io_open_new(path, &io, &err), KCO_OK);
	memset(buf, 0xff, size);
	assert_int_equal(kco_io_read(io, buf, size, 0, &done, &err), KCO_OK);
	assert_int_equal(done, size);
	assert_memory_equal(buf + data, "data", 4);
	memset(buf + data, 0, 4);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(buf[i], 0);
	// From the middle of a hole; up to the end, where nothing follows.
	memset(buf, 0xff, size);
	assert_int_equal(kco_io_read(io, buf, 100 * 1024, data - 50 * 1024 - 1, NULL, &err), KCO_OK);
	assert_int_equal(buf[0], 0);
	assert_memory_equal(buf + 50 * 1024 + 1, "data", 4);
	assert_int_equal(kco_io_read(io, buf, 200 * 1024, size - 200 * 1024, NULL, &err), KCO_OK);
	assert_int_equal(buf[200 * 1024 - 1], 0);
	// A hole that is not there any more is no zeros.
	assert_int_equal(ftruncate(fd, 700 * 1024), 0);
	assert_int_equal(kco_io_read(io, buf, 200 * 1024, size - 400 * 1024, &done, &err), KCO_E_TRUNCATED);
	assert_int_equal(done, 76 * 1024);
	close(fd);
	kco_io_unref(io);
	free(buf);
}

static void test_io__what_is_no_file_is_refused_by_name(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *fifo = unit_path(), *sock = unit_path();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	strncpy(sun.sun_path, sock, sizeof(sun.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	refused("/", KCO_E_BADFILE, "directory");
	refused(fifo, KCO_E_BADFILE, "pipe");
	refused(sock, KCO_E_BADFILE, "socket");
	refused("/dev/null", KCO_E_BADFILE, "character device");
	refused(unit_path(), KCO_E_IO, "No such file");
	refused("", KCO_E_IO, "No such file");
	close(fd);
}

static void test_io__memory_is_borrowed_or_taken(void **state)
{
	char bytes[] = "abcdef", buf[8];
	struct kco_io *io;
	size_t done;

	(void)state;
	assert_int_equal(kco_io_memory_new(bytes, 6, 0, "here", &io, NULL), KCO_OK);
	assert_string_equal(io->name, "here");
	assert_int_equal(kco_io_fd(io), -1);
	assert_int_equal(kco_io_read(io, buf, 3, 2, &done, NULL), KCO_OK);
	assert_memory_equal(buf, "cde", 3);
	assert_int_equal(kco_io_read(io, buf, 8, 2, &done, NULL), KCO_E_TRUNCATED);
	assert_int_equal(done, 4);
	kco_io_unref(io);
	// The leak checker tells when the taken one is not freed.
	assert_int_equal(kco_io_memory_new(strdup("abc"), 3, 1, NULL, &io, NULL), KCO_OK);
	assert_string_equal(io->name, "");
	kco_io_unref(io);
}

static int filter_closed;

static enum kco_status filter_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
				   struct kco_err *err)
{
	return kco_io_read(io->below, buf, n, off + 1, done, err);
}

static void filter_close(struct kco_io *io)
{
	// What is below is still there while a filter closes.
	assert_non_null(io->below);
	assert_true(io->below->size > 0);
	filter_closed++;
}

static const struct kco_io_ops filter_ops = { .name = "filter", .read = filter_read, .close = filter_close };

static void test_io__filter_keeps_what_is_below_alive(void **state)
{
	char bytes[] = "abcdef", buf[4];
	struct kco_io *io = NULL, *below;

	(void)state;
	assert_int_equal(kco_io_memory_new(bytes, 6, 0, "here", &below, NULL), KCO_OK);
	io = below;
	for (int i = 0; i < 3; i++) {
		struct kco_io *outer;

		assert_int_equal(kco_io_new(&filter_ops, io, io->size - 1, "f", NULL, &outer, NULL), KCO_OK);
		kco_io_unref(io);
		io = outer;
	}
	assert_int_equal(kco_io_read(io, buf, 3, 0, NULL, NULL), KCO_OK);
	assert_memory_equal(buf, "def", 3);
	kco_io_ref(io);
	kco_io_unref(io);
	assert_int_equal(filter_closed, 0);
	kco_io_unref(io);
	assert_int_equal(filter_closed, 3);
	kco_io_unref(NULL);
}

static void test_io__failing_system_calls_give_errors_and_leak_nothing(void **state)
{
	const char *path = unit_file("abc", 3);
	struct kco_err err;
	bool fired;

	(void)state;
	for (long n = 1;; n++) {
		enum kco_status status;
		struct kco_io *io;
		char buf[3];

		unit_fault_arm(n);
		err = KCO_ERR_INIT;
		status = kco_io_open_new(path, &io, &err);
		if (status == KCO_OK) {
			status = kco_io_read(io, buf, 3, 0, NULL, &err);
			kco_io_unref(io);
		}
		fired = unit_fault_fired();
		assert_int_equal(status, err.code);
		if (!fired)
			break;
		assert_true(status == KCO_E_NOMEM || (status == KCO_E_IO && err.os_errno == EIO));
	}
	assert_int_equal(err.code, KCO_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_io__file_reads_at_any_offset),
		cmocka_unit_test(test_io__reads_beyond_the_end_are_truncated_with_numbers),
		cmocka_unit_test(test_io__file_that_shrinks_is_truncated_not_zero),
		cmocka_unit_test(test_io__holes_are_zeros_and_data_behind_them_is_read),
		cmocka_unit_test(test_io__what_is_no_file_is_refused_by_name),
		cmocka_unit_test(test_io__memory_is_borrowed_or_taken),
		cmocka_unit_test(test_io__filter_keeps_what_is_below_alive),
		cmocka_unit_test(test_io__failing_system_calls_give_errors_and_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
