// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sinks: what reaches a terminal is harmless, what reaches a program is
 * JSON, and neither hides a failure.
 */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "escape.h"
#include "report.h"
#include "unit.h"

/* A sink into a file in memory, and what it has written. */
struct sink {
	struct kco_writer writer;
	struct kco_out out;
	int fd;
	char text[65536];
};

static struct sink sink;

static struct kco_out *sink_open(bool json, bool color, unsigned width)
{
	struct kco_out_options opts = { .json = json, .color = color, .width = width };

	sink.fd = memfd_create("sink", MFD_CLOEXEC);
	assert_true(sink.fd >= 0);
	assert_int_equal(kco_writer_init(&sink.writer, sink.fd, NULL), KCO_OK);
	assert_int_equal(kco_out_init(&sink.out, &sink.writer, &opts, NULL), KCO_OK);
	return &sink.out;
}

static const char *sink_close_with(enum kco_status status, const char *why)
{
	ssize_t n;

	assert_int_equal(kco_out_fini(&sink.out, status, why, NULL), KCO_OK);
	assert_int_equal(kco_writer_finish(&sink.writer, NULL), KCO_OK);
	n = pread(sink.fd, sink.text, sizeof(sink.text) - 1, 0);
	assert_true(n >= 0);
	sink.text[n] = '\0';
	close(sink.fd);
	return sink.text;
}

static const char *sink_close(void)
{
	return sink_close_with(KCO_OK, NULL);
}

static void test_out__hostile_arguments_are_escaped(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\nPID: 1\tx", "a\\x0aPID: 1\\x09x" },
		{ "\033]0;title\a", "\\x1b]0;title\\x07" },
		{ "\x7f", "\\x7f" },
		{ "caf\xc3\xa9 \xe6\x97\xa5", "caf\xc3\xa9 \xe6\x97\xa5" },
		{ "\xc2\x9b"
		  "31m",
		  "\\xc2\\x9b31m" }, /* CSI as C1 */
		{ "\x9b"
		  "31m",
		  "\\x9b31m" }, /* the same, bare */
		{ "\xe2\x80\xae"
		  "txt",
		  "\\xe2\\x80\\xaetxt" },	       /* right-to-left override */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* isolate */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* line separator */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond Unicode */
		{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
		{ "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81" }, /* tag */
		{ "cut \xe6\x97", "cut \\xe6\\x97" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[128];

		kco_text(sink_open(false, false, 0), "<%s>\t\n", rows[i].in);
		snprintf(want, sizeof(want), "<%s>\t\n", rows[i].out);
		assert_string_equal(sink_close(), want);
	}
}

static void test_out__terminal_without_utf8_gets_ascii(void **state)
{
	(void)state;
	sink_open(false, false, 80)->ascii = true;
	// In Latin-1 the second byte would be a control character.
	kco_text(&sink.out, "%s", "\xc3\x9b");
	assert_string_equal(sink_close(), "\\xc3\\x9b");
}

static void test_out__conversions_are_those_of_printf(void **state)
{
	char want[1024];
	struct kco_out *out = sink_open(false, false, 0);

	(void)state;
#define SAME(...)                                                    \
	do {                                                         \
		size_t at = strlen(want);                            \
		snprintf(want + at, sizeof(want) - at, __VA_ARGS__); \
		kco_text(out, __VA_ARGS__);                          \
	} while (0)
	want[0] = '\0';
	SAME("%d|%5d|%-5d|%05d|%+d|% d|%.3d\n", -1, 2, 3, -4, 5, 6, 7);
	SAME("%u|%#x|%#o|%X|%016lx|%llu\n", 4000000000u, 255u, 8u, 0xabcu, 0xffffffff81000000ul,
	     18446744073709551615ull);
	SAME("%hhd|%hhx|%hd|%hu|%ld|%lld\n", (signed char)-1, (unsigned char)0x80, (short)-2, (unsigned short)65535,
	     -3L, -4LL);
	SAME("%zu|%zd|%jd|%ju|%td\n", (size_t)1, (ssize_t)-1, (intmax_t)-9, (uintmax_t)9, (ptrdiff_t)-7);
	SAME("%*d|%-*d|%.*d|%*s|%.*s\n", 6, 1, 6, 2, 4, 3, 5, "ab", 2, "abcdef");
	SAME("%s|%8s|%-8s|%.2s|%8.3s|%c|%3c|%%\n", "x", "right", "left", "cut", "abcdef", 'c', 'd');
	SAME("%f|%.1f|%8.3f|%e|%g|%.0f\n", 1.5, 99.95, -3.14159, 12345.678, 0.0001, 2.5);
	SAME("%p\n", (void *)0x1234);
#undef SAME
	assert_string_equal(sink_close(), want);
}

static void test_out__precision_bounds_the_read(void **state)
{
	char *five = malloc(5);

	(void)state;
	assert_non_null(five);
	memcpy(five, "abcde", 5);
	// Address sanitizer sees a sixth byte read.
	kco_text(sink_open(false, false, 0), "%.*s", 5, five);
	assert_string_equal(sink_close(), "abcde");
	free(five);
}

static void test_out__width_counts_columns(void **state)
{
	(void)state;
	kco_text(sink_open(false, false, 0), "[%-4s][%4s][%-6s]", "\xc3\xa9", "\xe6\x97\xa5", "\001");
	assert_string_equal(sink_close(), "[\xc3\xa9   ][  \xe6\x97\xa5][\\x01  ]");
}

static void test_out__bytes_indent_further_lines(void **state)
{
	static const char text[] = "one\ntwo\t2\r\nthree\0four\n";

	(void)state;
	kco_text_bytes(sink_open(false, false, 0), text, sizeof(text) - 1, 4);
	assert_string_equal(sink_close(), "one\n    two\t2\\x0d\n    three\\x00four\n");
}

static void test_out__styles_become_sgr_only_with_colour(void **state)
{
	(void)state;
	for (int color = 0; color < 2; color++) {
		struct kco_out *out = sink_open(false, color, 80);

		kco_style(out, KCO_STYLE_NAME);
		kco_text(out, "name");
		kco_style(out, KCO_STYLE_PLAIN);
		kco_text(out, " plain ");
		kco_style(out, KCO_STYLE_PANIC);
		kco_text(out, "panic");
		assert_string_equal(sink_close(),
				    color ? "\033[36mname\033[0m plain \033[1;31mpanic\033[0m" : "name plain panic");
	}
}

static void test_out__json_rows_nest(void **state)
{
	struct kco_out *out = sink_open(true, true, 0);

	(void)state;
	kco_json_row(out);
	kco_json_int(out, "int", INT64_MIN);
	kco_json_uint(out, "uint", UINT64_MAX);
	kco_json_addr(out, "addr", 0xffffffff81000000);
	kco_json_addr(out, "zero", 0);
	kco_json_double(out, "tenth", 0.1);
	kco_json_double(out, "third", 1.0 / 3);
	kco_json_double(out, "nan", NAN);
	kco_json_bool(out, "yes", true);
	kco_json_str(out, "null", NULL);
	kco_json_array(out, "list");
	kco_json_object(out, NULL);
	kco_json_str(out, "s", "a\"b\\c\n/");
	kco_json_end(out);
	kco_json_int(out, NULL, 7);
	kco_json_end(out);
	kco_json_object(out, "empty");
	kco_json_end(out);
	kco_json_row_end(out);
	kco_json_row(out);
	kco_json_row_end(out);
	kco_text(out, "no text in JSON");
	assert_string_equal(sink_close(), "{\"int\":-9223372036854775808,\"uint\":18446744073709551615,"
					  "\"addr\":\"0xffffffff81000000\",\"zero\":\"0x0\",\"tenth\":0.1,"
					  "\"third\":0.3333333333333333,\"nan\":null,\"yes\":true,\"null\":null,"
					  "\"list\":[{\"s\":\"a\\\"b\\\\c\\n/\"},7],\"empty\":{}}\n{}\n");
}

static void test_out__json_bytes_that_are_no_utf8_become_text(void **state)
{
	struct kco_out *out = sink_open(true, false, 0);

	(void)state;
	kco_json_row(out);
	kco_json_bytes(out, "a", "x\xff\xc3\xa9\0\x80", 6);
	kco_json_bytes(out, "b", NULL, 0);
	kco_json_row_end(out);
	assert_string_equal(sink_close(), "{\"a\":\"x\\\\xff\xc3\xa9\\u0000\\\\x80\",\"b\":\"\"}\n");
}

static void test_out__json_does_not_control_a_terminal(void **state)
{
	struct kco_out *out = sink_open(true, false, 80);

	(void)state;
	kco_json_row(out);
	kco_json_str(out, "a", "\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\033\xc3\xa9");
	kco_json_row_end(out);
	assert_string_equal(sink_close(), "{\"a\":\"\\u007f\\u009b\\u202e\\udb40\\udc41\\u001B\xc3\xa9\"}\n");
}

static void test_out__json_ends_what_a_failed_command_left_open(void **state)
{
	struct kco_out *out = sink_open(true, false, 0);

	(void)state;
	kco_json_row(out);
	kco_json_array(out, "frames");
	kco_json_object(out, NULL);
	kco_json_int(out, "n", 0);
	assert_string_equal(sink_close_with(KCO_E_NOT_SAVED, "page 5"),
			    "{\"frames\":[{\"n\":0}],\"error\":\"not saved\",\"why\":\"page 5\"}\n");
}

static void test_out__json_too_deep_stays_well_formed(void **state)
{
	struct kco_out *out = sink_open(true, false, 0);
	const char *text;
	int depth = 0;

	(void)state;
	kco_json_row(out);
	for (int i = 0; i < 100; i++)
		kco_json_array(out, "a");
	kco_json_int(out, "lost", 1);
	for (int i = 0; i < 100; i++)
		kco_json_end(out);
	kco_json_int(out, "kept", 2);
	kco_json_row_end(out);
	text = sink_close();
	for (const char *c = text; *c; c++)
		depth += *c == '[' || *c == '{' ? 1 : *c == ']' || *c == '}' ? -1 : 0;
	assert_int_equal(depth, 0);
	assert_non_null(strstr(text, "\"kept\":2}\n"));
	assert_null(strstr(text, "lost"));
}

static void test_out__reasons(void **state)
{
	struct kco_out *out = sink_open(true, false, 0);

	(void)state;
	kco_out_reason(out, KCO_E_UNMAPPED, "no page");
	kco_json_row(out);
	kco_json_array(out, "list");
	kco_out_reason(out, KCO_E_NOSYM, NULL);
	kco_json_end(out);
	kco_out_reason(out, KCO_E_CORRUPT, "loop");
	kco_json_row_end(out);
	assert_string_equal(sink_close(), "{\"error\":\"unmapped\",\"why\":\"no page\"}\n"
					  "{\"list\":[{\"error\":\"no symbol\",\"why\":null}],"
					  "\"error\":\"corrupt\",\"why\":\"loop\"}\n");
	out = sink_open(false, false, 0);
	kco_out_reason(out, KCO_E_NOT_SAVED, "page\n5");
	kco_out_reason(out, KCO_E_CORRUPT, NULL);
	assert_string_equal(sink_close(), "  <not saved: page\\x0a5>\n  <corrupt>\n");
}

static const struct kco_col cols[] = {
	{ "pid", "PID", KCO_COL_RIGHT }, { "mark", "M", KCO_COL_TEXT_ONLY }, { "active", "?", KCO_COL_JSON_ONLY },
	{ "comm", "COMM", 0 },		 { "size", "SIZE", KCO_COL_RIGHT },  { "share", "%MEM", 0 },
};

static void fill_table(struct kco_out *out)
{
	struct kco_table *t = kco_table_new(out, cols, sizeof(cols) / sizeof(cols[0]));

	kco_cell_int(t, 1);
	kco_cell_str(t, ">");
	kco_cell_bool(t, true, "yes");
	kco_cell_str(t, "in\nit\xc3\xa9");
	kco_cell_num_text(t, 3435973836, "3.2G");
	kco_cell_double(t, 0.25, 1);
	kco_table_row_end(t);
	kco_cell_int(t, 12345);
	kco_cell_null(t);
	kco_cell_bool(t, false, "yes");
	kco_cell_bytes(t, "\xe6\x97\xa5\xff", 4);
	kco_out_reason(out, KCO_E_NOT_SAVED, "task\n");
	kco_table_row_end(t);
	kco_table_end(t);
}

static void test_out__table_aligns_and_ends_rows_with_reasons(void **state)
{
	(void)state;
	fill_table(sink_open(false, false, 0));
	assert_string_equal(sink_close(), "  PID M COMM      SIZE %MEM\n"
					  "    1 > in\\x0ait\xc3\xa9 3.2G 0.2\n"
					  "12345   \xe6\x97\xa5\\xff              <not saved: task\\x0a>\n");
}

static void test_out__table_is_json_rows(void **state)
{
	(void)state;
	fill_table(sink_open(true, false, 0));
	assert_string_equal(
		sink_close(),
		"{\"pid\":1,\"active\":true,\"comm\":\"in\\nit\xc3\xa9\",\"size\":3435973836,\"share\":0.25}\n"
		"{\"pid\":12345,\"active\":false,\"comm\":\"\xe6\x97\xa5\\\\xff\",\"error\":\"not saved\","
		"\"why\":\"task\\n\",\"size\":null,\"share\":null}\n");
}

static void test_out__table_left_open_is_printed(void **state)
{
	struct kco_table *t = kco_table_new(sink_open(false, false, 0), cols, 1);

	(void)state;
	kco_cell_int(t, 1);
	assert_string_equal(sink_close_with(KCO_E_CORRUPT, "x"), "PID\n  1\n");
}

static void test_out__table_fits_the_terminal(void **state)
{
	static const struct kco_col two[] = { { "a", "A", 0 }, { "b", "B", KCO_COL_TRUNC } };
	struct kco_table *t = kco_table_new(sink_open(false, false, 20), two, 2);

	(void)state;
	kco_cell_str(t, "key");
	kco_cell_str(t, "a text that is longer than the screen");
	kco_table_row_end(t);
	kco_table_end(t);
	assert_string_equal(sink_close(), "A   B\nkey a text that is l\n");
}

static void test_out__failed_writes_are_told(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_out_options opts = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(kco_writer_init(&sink.writer, fd, NULL), KCO_OK);
	assert_int_equal(kco_out_init(&sink.out, &sink.writer, &opts, NULL), KCO_OK);
	kco_text(&sink.out, "x");
	assert_false(kco_out_closed(&sink.out));
	kco_writer_flush(&sink.writer);
	assert_true(kco_out_closed(&sink.out));
	assert_int_equal(kco_out_fini(&sink.out, KCO_OK, NULL, NULL), KCO_OK);
	assert_int_equal(kco_writer_finish(&sink.writer, &err), KCO_E_IO);
	assert_msg(&err, "No space left");
	assert_int_equal(err.os_errno, ENOSPC);
	close(fd);
}

static void test_out__reader_that_leaves_closes_without_an_error(void **state)
{
	struct kco_out_options opts = { 0 };
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(kco_writer_init(&sink.writer, fds[1], NULL), KCO_OK);
	assert_int_equal(kco_out_init(&sink.out, &sink.writer, &opts, NULL), KCO_OK);
	for (int i = 0; i < 100000; i++)
		kco_text(&sink.out, "many lines\n");
	assert_true(kco_out_closed(&sink.out));
	assert_int_equal(kco_out_fini(&sink.out, KCO_OK, NULL, NULL), KCO_OK);
	assert_int_equal(kco_writer_finish(&sink.writer, NULL), KCO_OK);
	close(fds[1]);
}

static void test_out__reports_wait_for_the_pager(void **state)
{
	int fd = memfd_create("terminal", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	ssize_t n;

	(void)state;
	assert_true(fd >= 0 && saved >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(kco_writer_init(&sink.writer, fd, NULL), KCO_OK);
	kco_writer_page(&sink.writer, "sleep 0.3; sed s/^/paged/ >&2", 10, 3);
	kco_writer_put(&sink.writer, "1\n", 2);
	assert_int_equal(sink.writer.child, 0);
	kco_writer_put(&sink.writer, "a line of two rows\n", 19);
	assert_int_not_equal(sink.writer.child, 0);
	kco_writer_flush(&sink.writer);
	kco_report("late");
	assert_int_equal(kco_writer_finish(&sink.writer, NULL), KCO_OK);
	kco_report("later");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	n = pread(fd, sink.text, sizeof(sink.text) - 1, 0);
	sink.text[n > 0 ? n : 0] = '\0';
	close(fd);
	assert_string_equal(sink.text, "paged1\npageda line of two rows\nkcodbg: late\nkcodbg: later\n");
}

static void test_out__memory_that_runs_out_is_told(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++)
		for (long n = 1;; n++) {
			struct kco_out_options opts = { .json = json };
			enum kco_status st, finish;
			int fd = memfd_create("sink", MFD_CLOEXEC);
			bool fired;

			unit_fault_arm(n);
			st = kco_writer_init(&sink.writer, fd, NULL);
			if (!st) {
				st = kco_out_init(&sink.out, &sink.writer, &opts, NULL);
				if (!st) {
					fill_table(&sink.out);
					st = kco_out_fini(&sink.out, KCO_OK, NULL, NULL);
				}
				finish = kco_writer_finish(&sink.writer, NULL);
				assert_int_equal(finish, KCO_OK);
			}
			fired = unit_fault_fired();
			close(fd);
			assert_int_equal(st, fired ? KCO_E_NOMEM : KCO_OK);
			if (!fired)
				break;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out__hostile_arguments_are_escaped),
		cmocka_unit_test(test_out__terminal_without_utf8_gets_ascii),
		cmocka_unit_test(test_out__conversions_are_those_of_printf),
		cmocka_unit_test(test_out__precision_bounds_the_read),
		cmocka_unit_test(test_out__width_counts_columns),
		cmocka_unit_test(test_out__bytes_indent_further_lines),
		cmocka_unit_test(test_out__styles_become_sgr_only_with_colour),
		cmocka_unit_test(test_out__json_rows_nest),
		cmocka_unit_test(test_out__json_bytes_that_are_no_utf8_become_text),
		cmocka_unit_test(test_out__json_does_not_control_a_terminal),
		cmocka_unit_test(test_out__json_ends_what_a_failed_command_left_open),
		cmocka_unit_test(test_out__json_too_deep_stays_well_formed),
		cmocka_unit_test(test_out__reasons),
		cmocka_unit_test(test_out__table_aligns_and_ends_rows_with_reasons),
		cmocka_unit_test(test_out__table_is_json_rows),
		cmocka_unit_test(test_out__table_left_open_is_printed),
		cmocka_unit_test(test_out__table_fits_the_terminal),
		cmocka_unit_test(test_out__failed_writes_are_told),
		cmocka_unit_test(test_out__reader_that_leaves_closes_without_an_error),
		cmocka_unit_test(test_out__reports_wait_for_the_pager),
		cmocka_unit_test(test_out__memory_that_runs_out_is_told),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
