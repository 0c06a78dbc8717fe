// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink that is a file, and what gets it to the disk while it is written:
 * errors that the disk tells only once, and disks that do not keep up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <kco/sink.h>

#include "syncer.h"
#include "unit.h"

#define PART ((size_t)1 << 20)

static atomic_uint syncs;	 /* calls of fdatasync */
static atomic_uint failing;	 /* the one that fails; 0: none */
static atomic_bool slow;	 /* the disk lets writers run as far ahead as they can */
static atomic_uint_fast64_t put; /* bytes that slow writers told of */
static atomic_uint_fast64_t most, synced;

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* In the place of libc's. */
int fdatasync(int fd)
{
	unsigned n = atomic_fetch_add(&syncs, 1) + 1;

	(void)fd;
	if (slow) {
		uint64_t begun = put, at;

		// Until nobody has written for 20 ms: they have finished, or wait.
		do {
			at = put;
			for (int i = 0; i < 20; i++)
				nap();
		} while (at != put);
		if (at - synced > most)
			most = at - synced;
		synced = begun;
	}
	if (n != failing)
		return 0;
	errno = EIO;
	return -1;
}

static int setup(void **state)
{
	(void)state;
	syncs = failing = 0;
	slow = false;
	put = most = synced = 0;
	return 0;
}

/* @parts pieces of 1 MiB, each of bytes of its own. */
static int fill(const char *path, struct kco_sink **sink, unsigned parts)
{
	uint8_t *bytes = malloc(PART);
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0 && bytes);
	assert_int_equal(kco_sink_file_new(fd, sink, NULL), KCO_OK);
	for (unsigned i = 0; i < parts; i++) {
		memset(bytes, (int)i + 1, PART);
		assert_int_equal(kco_sink_write(*sink, bytes, PART, i * PART, NULL), KCO_OK);
	}
	free(bytes);
	return fd;
}

static void test_sink__a_large_file_is_synced_meanwhile(void **state)
{
	const unsigned parts = 3 * KCO_SYNCER_STEP / PART;
	struct kco_sink *sink;
	int fd = fill(unit_file("", 0), &sink, parts);
	struct stat st;
	uint8_t byte;

	(void)state;
	for (int i = 0; i < 10000 && !syncs; i++)
		nap();
	assert_int_equal(kco_sink_end(sink, NULL), KCO_OK);
	kco_sink_free(sink);
	assert_true(syncs >= 1 && syncs <= 3);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, parts * PART);
	for (unsigned i = 0; i < parts; i++) {
		assert_int_equal(pread(fd, &byte, 1, (off_t)(i * PART + i)), 1);
		assert_int_equal(byte, i + 1);
	}
	close(fd);
}

static void test_sink__a_small_file_is_left_alone(void **state)
{
	struct kco_sink *sink;
	int fd = fill(unit_file("", 0), &sink, KCO_SYNCER_STEP / PART - 1);

	(void)state;
	assert_int_equal(kco_sink_end(sink, NULL), KCO_OK);
	kco_sink_free(sink);
	assert_int_equal(syncs, 0);
	close(fd);
}

/* The kernel tells of a lost page once: who asks next, fsync() at the end, hears that all is well. */
static void test_sink__what_failed_meanwhile_is_told_at_the_end(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_sink *sink;
	int fd;

	(void)state;
	failing = 1;
	fd = fill(unit_file("", 0), &sink, 2 * KCO_SYNCER_STEP / PART);
	for (int i = 0; i < 10000 && !syncs; i++)
		nap();
	// Nor are writers stopped by a thread that gave up.
	for (uint64_t n = 0; n < 2 * KCO_SYNCER_BEHIND; n += PART)
		assert_int_equal(kco_sink_write(sink, "x", 1, n, NULL), KCO_OK);
	assert_int_equal(kco_sink_end(sink, &err), KCO_E_IO);
	assert_int_equal(err.os_errno, EIO);
	kco_sink_free(sink);
	assert_int_equal(syncs, 1);
	close(fd);
}

static void test_sink__given_up_in_the_middle(void **state)
{
	struct kco_sink *sink;
	int fd = fill(unit_file("", 0), &sink, 2 * KCO_SYNCER_STEP / PART);

	(void)state;
	kco_sink_free(sink);
	close(fd);
}

static void test_sink__a_slow_disk_holds_writers_up(void **state)
{
	struct kco_syncer *syncer = kco_syncer_new(0);

	(void)state;
	assert_non_null(syncer);
	slow = true;
	for (uint64_t n = 0; n < 3 * KCO_SYNCER_BEHIND; n += PART) {
		put += PART;
		kco_syncer_wrote(syncer, PART);
	}
	assert_int_equal(kco_syncer_end(syncer, NULL), KCO_OK);
	kco_syncer_free(syncer);
	assert_in_range(most, KCO_SYNCER_BEHIND, KCO_SYNCER_BEHIND + PART);
}

static void test_sink__failing_allocation(void **state)
{
	struct kco_sink *sink = NULL;

	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		unit_fault_arm(n);
		assert_int_equal(kco_sink_file_new(0, &sink, NULL), KCO_E_NOMEM);
		assert_true(unit_fault_fired());
		assert_null(sink);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sink__a_large_file_is_synced_meanwhile, setup),
		cmocka_unit_test_setup(test_sink__a_small_file_is_left_alone, setup),
		cmocka_unit_test_setup(test_sink__what_failed_meanwhile_is_told_at_the_end, setup),
		cmocka_unit_test_setup(test_sink__given_up_in_the_middle, setup),
		cmocka_unit_test_setup(test_sink__a_slow_disk_holds_writers_up, setup),
		cmocka_unit_test_setup(test_sink__failing_allocation, setup),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
