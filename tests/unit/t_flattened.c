// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing flattened streams: what comes out is replayed here, record by record,
 * and read by the format's reader; both must give what was written. And the
 * stream below: pipes that are slow, closed, or read by nobody.
 */
#include "flattened_write.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <kco/format.h>

#include "unit.h"

#define INNER (UINT64_C(4) << 20)

extern const struct kco_format_ops kco_format_flattened;

static uint8_t want[INNER], got[INNER];
static struct kco_stream stream;
static struct kco_sink *sink;
static const char *path;

static int setup(void **state)
{
	(void)state;
	path = unit_file("", 0);
	memset(want, 0, sizeof(want));
	memset(got, 0, sizeof(got));
	stream = (struct kco_stream){ .fd = open(path, O_RDWR) };
	assert_true(stream.fd >= 0);
	assert_int_equal(kco_flattened_sink_new(&stream, &sink, NULL), KCO_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kco_sink_free(sink);
	close(stream.fd);
	return 0;
}

static void put(uint64_t off, const void *bytes, size_t n)
{
	memcpy(want + off, bytes, n);
	assert_int_equal(kco_sink_write(sink, bytes, n, off, NULL), KCO_OK);
}

/* The stream into got[], as the format is documented; the number of records, and where the last byte is. */
static size_t replay(uint64_t *end)
{
	uint64_t head[4], at = 4096;
	size_t records = 0;

	*end = 0;
	assert_int_equal(pread(stream.fd, head, sizeof(head), 0), sizeof(head));
	assert_memory_equal(head, "makedumpfile\0\0\0", 16);
	assert_int_equal(be64toh(head[2]), 1);
	assert_int_equal(be64toh(head[3]), 1);
	for (;; records++) {
		uint64_t off, size;

		assert_int_equal(pread(stream.fd, head, 16, (off_t)at), 16);
		off = be64toh(head[0]);
		size = be64toh(head[1]);
		at += 16;
		if (off == UINT64_MAX && size == UINT64_MAX)
			break;
		assert_true(size && size <= INNER && off <= INNER - size);
		assert_int_equal(pread(stream.fd, got + off, size, (off_t)at), size);
		at += size;
		if (off + size > *end)
			*end = off + size;
	}
	assert_int_equal(at, stream.written);
	return records;
}

/* Both readers agree with what was written, of @size bytes. */
static void check(uint64_t size)
{
	struct kco_io *io, *inner;
	uint64_t end;

	assert_int_equal(kco_sink_resize(sink, size, NULL), KCO_OK);
	assert_int_equal(kco_sink_end(sink, NULL), KCO_OK);
	replay(&end);
	assert_int_equal(end, size);
	assert_memory_equal(got, want, size);
	assert_int_equal(kco_io_open_new(path, &io, NULL), KCO_OK);
	assert_int_equal(kco_format_flattened.unwrap(io, NULL, &inner, NULL), KCO_OK);
	assert_int_equal(inner->size, size);
	memset(got, 0xee, size);
	assert_int_equal(kco_io_read(inner, got, size, 0, NULL, NULL), KCO_OK);
	assert_memory_equal(got, want, size);
	kco_io_unref(inner);
	kco_io_unref(io);
}

static void random_bytes(uint8_t *p, size_t n, uint64_t *seed)
{
	uint64_t r = unit_random(seed) | 1;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(r >> (i % 8 * 8)) ^ (uint8_t)i;
}

/* More places than there are lanes, and everywhere something that covers what still waits. */
static void test_flattened__later_writes_cover_earlier_ones(void **state)
{
	uint64_t seed = 1, places[6] = { 0, 1000000, 1000100, 2000000, 3000000, 3100000 };
	static uint8_t buf[150000];

	(void)state;
	for (int i = 0; i < 4000; i++) {
		uint64_t r = unit_random(&seed), *at = &places[r % 6];
		size_t n = (r >> 8) % 16 ? 1 + (r >> 16) % 3000 : 1 + (r >> 16) % sizeof(buf);

		if ((r >> 12) % 8 == 0)
			*at -= (r >> 40) % (*at / 2 + 1) % 5000;
		if (*at + n > INNER)
			*at = (r >> 20) % (INNER - n);
		random_bytes(buf, n, &seed);
		put(*at, buf, n);
		*at += n;
	}
	check(INNER);
}

static void test_flattened__small_writes_share_records(void **state)
{
	uint64_t descs = 4096, data = 1 << 20, seed = 2, end;
	uint8_t buf[100];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		random_bytes(buf, sizeof(buf), &seed);
		put(descs, buf, 24);
		put(data, buf, sizeof(buf));
		descs += 24;
		data += sizeof(buf);
	}
	assert_int_equal(kco_sink_end(sink, NULL), KCO_OK);
	assert_in_range(replay(&end), 1, (20000 * 124) / 65536 + 3);
	assert_int_equal(end, data);
	assert_memory_equal(got, want, data);
}

static void test_flattened__zeros_at_the_end_count(void **state)
{
	(void)state;
	put(100, "text", 4);
	check(123456);
}

static void test_flattened__offsets_beyond_any_file(void **state)
{
	(void)state;
	assert_int_equal(kco_sink_write(sink, "x", 1, INT64_MAX, NULL), KCO_E_RANGE);
	assert_int_equal(kco_sink_write(sink, "x", 1, UINT64_MAX, NULL), KCO_E_RANGE);
	assert_int_equal(kco_sink_resize(sink, UINT64_MAX, NULL), KCO_E_RANGE);
}

static void test_flattened__failing_allocation(void **state)
{
	struct kco_sink *other;

	(void)state;
	unit_fault_arm(1);
	assert_int_equal(kco_flattened_sink_new(&stream, &other, NULL), KCO_E_NOMEM);
	assert_true(unit_fault_fired());
}

static void test_stream__a_full_disk(void **state)
{
	struct kco_stream full = { .fd = open("/dev/full", O_WRONLY) };
	struct kco_sink *none = NULL;
	struct kco_err err;

	(void)state;
	assert_true(full.fd >= 0);
	assert_int_equal(kco_flattened_sink_new(&full, &none, &err), KCO_E_IO);
	assert_int_equal(err.os_errno, ENOSPC);
	assert_null(none);
	close(full.fd);
}

static void test_stream__a_reader_that_went_away(void **state)
{
	struct kco_stream s = { .fd = -1 };
	struct kco_err err;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	s.fd = fds[1];
	assert_int_equal(kco_stream_write(&s, "head", 4, "body", 4, NULL), KCO_OK);
	close(fds[0]);
	assert_int_equal(kco_stream_write(&s, "head", 4, "body", 4, &err), KCO_E_IO);
	assert_int_equal(err.os_errno, EPIPE);
	assert_int_equal(s.written, 8);
	close(fds[1]);
}

static void *slow_reader(void *arg)
{
	size_t n = 0;

	for (ssize_t r; n < INNER && (r = read(*(int *)arg, got + n, INNER - n < 5000 ? INNER - n : 5000)) > 0;)
		n += (size_t)r;
	return NULL;
}

/* Short writes and, with O_NONBLOCK, waits of our own. */
static void test_stream__a_slow_reader(void **state)
{
	(void)state;
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		struct kco_stream s = { .fd = -1 };
		uint64_t seed = 3;
		pthread_t thread;
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		assert_int_equal(fcntl(fds[1], F_SETFL, flags), 0);
		s.fd = fds[1];
		random_bytes(want, INNER, &seed);
		assert_int_equal(pthread_create(&thread, NULL, slow_reader, &fds[0]), 0);
		assert_int_equal(kco_stream_write(&s, want, 100000, want + 100000, INNER - 100000, NULL), KCO_OK);
		assert_int_equal(s.written, INNER);
		pthread_join(thread, NULL);
		assert_memory_equal(got, want, INNER);
		close(fds[0]);
		close(fds[1]);
	}
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static bool enough_alarms(void *arg)
{
	return alarms >= *(int *)arg;
}

/* One signal, which comes when the pipe took a part; and one before that is nobody's wish to stop. */
static void test_stream__a_signal_ends_the_wait_for_nobody(void **state)
{
	struct sigaction act = { .sa_handler = on_alarm };

	(void)state;
	sigaction(SIGALRM, &act, NULL);
	for (int i = 0; i < 4; i++) {
		int fds[2], enough = 1 + i / 2;
		struct itimerval timer = { { 0, enough == 1 ? 0 : 30000 }, { 0, 30000 } }, never = { 0 };
		struct kco_stream s = { .cancelled = enough_alarms, .arg = &enough };

		assert_int_equal(pipe(fds), 0);
		assert_int_equal(fcntl(fds[1], F_SETFL, i % 2 ? O_NONBLOCK : 0), 0);
		s.fd = fds[1];
		alarms = 0;
		setitimer(ITIMER_REAL, &timer, NULL);
		assert_int_equal(kco_stream_write(&s, want, 16, want, INNER, NULL), KCO_E_CANCELLED);
		setitimer(ITIMER_REAL, &never, NULL);
		assert_true(alarms >= enough);
		close(fds[0]);
		close(fds[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flattened__later_writes_cover_earlier_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flattened__small_writes_share_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flattened__zeros_at_the_end_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flattened__offsets_beyond_any_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flattened__failing_allocation, setup, teardown),
		cmocka_unit_test(test_stream__a_full_disk),
		cmocka_unit_test(test_stream__a_reader_that_went_away),
		cmocka_unit_test(test_stream__a_slow_reader),
		cmocka_unit_test(test_stream__a_signal_ends_the_wait_for_nobody),
	};

	return cmocka_run_group_tests_name("flattened", tests, NULL, NULL);
}
