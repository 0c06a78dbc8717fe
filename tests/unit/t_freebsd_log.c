// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD's message buffer: a ring that wrapped or not, priorities, and the
 * ring of a minidump's header without anything that says where it begins.
 */
#include "fbsdmake.h"

#define MSGBUF FBSD_AT(FBSD_DATA + 0x800)
#define RING FBSD_AT(FBSD_OBJECTS)

static struct fbsd f;
static char got[4096];
static size_t nr;

static void start(void)
{
	fbsd_init(&f, true, 1);
	got[0] = '\0';
	nr = 0;
}

static void ring(uint32_t size, uint32_t wseq)
{
	fbsd_variable(&f, "msgbufp", MSGBUF, 8);
	fbsd_put(&f, MSGBUF, RING, 8);
	fbsd_put(&f, MSGBUF + 8, 0x063062, 4);
	fbsd_put(&f, MSGBUF + 12, size, 4);
	fbsd_put(&f, MSGBUF + 16, wseq, 4);
	fbsd_put(&f, MSGBUF + 28, size * 16, 4);
}

static void text(uint64_t va, const char *bytes)
{
	for (; *bytes; bytes++)
		fbsd_put(&f, va++, (uint8_t)*bytes, 1);
}

static bool record(void *arg, const struct kco_log_record *rec)
{
	size_t n = strlen(got);

	(void)arg;
	assert_int_equal(rec->seq, nr++);
	assert_true(rec->no_time);
	if (rec->no_level)
		snprintf(got + n, sizeof(got) - n, "[%.*s]", (int)rec->text_len, rec->text);
	else
		snprintf(got + n, sizeof(got) - n, "[%u.%u:%.*s]", rec->facility, rec->level, (int)rec->text_len,
			 rec->text);
	return true;
}

static enum kco_status run(void)
{
	fbsd_open(&f);
	return kco_log_each(&f.s, record, NULL, &f.err);
}

static int teardown(void **state)
{
	(void)state;
	fbsd_fini(&f);
	return 0;
}

static void test_freebsd_log__lines_are_records(void **state)
{
	(void)state;
	start();
	ring(128, 60);
	text(RING, "Copyright\n\n<118>Starting devd.\n<6>arp: x\n<x>odd\n<>\nlast");
	assert_int_equal(run(), KCO_OK);
	assert_string_equal(got, "[Copyright][][14.6:Starting devd.][0.6:arp: x][<x>odd][<>][last]");
}

/* The oldest byte is where the next would go. */
static void test_freebsd_log__a_ring_that_wrapped_is_unwrapped(void **state)
{
	(void)state;
	start();
	ring(16, 16 * 5 + 6);
	text(RING, "third\nst\nsecond\n");
	assert_int_equal(run(), KCO_OK);
	assert_string_equal(got, "[st][second][third]");
}

static void test_freebsd_log__absurd_sequence_numbers_stay_in_the_ring(void **state)
{
	(void)state;
	start();
	ring(16, UINT32_MAX); // 15 modulo 16
	text(RING, "0123456789abcd\n!");
	assert_int_equal(run(), KCO_OK);
	assert_string_equal(got, "[!0123456789abcd]");
}

static void test_freebsd_log__absurd_sizes_are_refused(void **state)
{
	(void)state;
	start();
	ring(0, 3);
	assert_int_equal(run(), KCO_E_CORRUPT);
	assert_msg(&f.err, "a message buffer of 0 bytes makes no sense");
}

static void test_freebsd_log__huge_sizes_are_refused(void **state)
{
	(void)state;
	start();
	ring(UINT32_MAX, 3);
	assert_int_equal(run(), KCO_E_CORRUPT);
	assert_msg(&f.err, "a message buffer of 4294967295 bytes makes no sense");
}

static void test_freebsd_log__another_magic_number_is_no_buffer(void **state)
{
	(void)state;
	start();
	ring(16, 0);
	fbsd_put(&f, MSGBUF + 8, 0x063061, 4);
	assert_int_equal(run(), KCO_E_CORRUPT);
	assert_non_null(strstr(f.err.msg, "its magic number is 0x63061"));
}

/* What is left is given, and that some is missing is the result. */
static void test_freebsd_log__missing_pages_leave_a_gap(void **state)
{
	(void)state;
	start();
	ring(3 * 4096, 0);
	text(RING, "one\n");
	text(RING + 2 * 4096, "two\n");
	f.m.missing[(RING - FBSD_BASE) / 4096 + 1] = 1;
	assert_int_equal(run(), KCO_E_NOT_SAVED);
	assert_string_equal(got, "[one][two]");
	assert_non_null(strstr(f.err.msg, "4096 bytes of the log cannot be read"));
}

static void test_freebsd_log__a_wild_pointer_is_an_error(void **state)
{
	(void)state;
	start();
	ring(4096, 0);
	fbsd_put(&f, MSGBUF, UINT64_MAX - 100, 8);
	assert_int_not_equal(run(), KCO_OK);
	assert_string_equal(got, "");
}

static enum kco_status header(const char *bytes)
{
	fbsd_open(&f);
	f.s.image->facts.msgbuf = bytes;
	f.s.image->facts.msgbuf_size = strlen(bytes);
	return kco_log_each(&f.s, record, NULL, &f.err);
}

static void test_freebsd_log__without_symbols_the_header_has_it(void **state)
{
	(void)state;
	start();
	assert_int_equal(header("ting\npanic: x\nDumping 215 out of 983 MB:first\nsecond, wait"), KCO_OK);
	assert_string_equal(got, "[first][second, waitting][panic: x][Dumping 215 out of 983 MB:]");
	assert_string_equal(f.warnings, "");
}

static void test_freebsd_log__without_a_seam_that_is_told(void **state)
{
	(void)state;
	start();
	assert_int_equal(header("Dumping\nDumping 8 of 9\nx"), KCO_OK);
	assert_string_equal(got, "[Dumping][Dumping 8 of 9][x]");
	assert_non_null(strstr(f.warnings, "where the log begins is not known"));
}

static void test_freebsd_log__a_header_that_never_wrapped_ends_with_nuls(void **state)
{
	static const char bytes[32] = "begin\nend\n";

	(void)state;
	start();
	fbsd_open(&f);
	f.s.image->facts.msgbuf = bytes;
	f.s.image->facts.msgbuf_size = sizeof(bytes);
	assert_int_equal(kco_log_each(&f.s, record, NULL, &f.err), KCO_OK);
	assert_string_equal(got, "[begin][end]");
	assert_string_equal(f.warnings, "");
}

static void test_freebsd_log__a_dump_with_neither_has_none(void **state)
{
	(void)state;
	start();
	assert_int_equal(run(), KCO_E_NOSYM);
}

#define T(name) cmocka_unit_test_teardown(test_freebsd_log__##name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lines_are_records),
		T(a_ring_that_wrapped_is_unwrapped),
		T(absurd_sequence_numbers_stay_in_the_ring),
		T(absurd_sizes_are_refused),
		T(huge_sizes_are_refused),
		T(another_magic_number_is_no_buffer),
		T(missing_pages_leave_a_gap),
		T(a_wild_pointer_is_an_error),
		T(without_symbols_the_header_has_it),
		T(without_a_seam_that_is_told),
		T(a_header_that_never_wrapped_ends_with_nuls),
		T(a_dump_with_neither_has_none),
	};

	return cmocka_run_group_tests_name("freebsd_log", tests, NULL, NULL);
}
