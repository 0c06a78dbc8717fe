// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The error object: filling, prefixing, cutting, names.
 */
#include <kco/err.h>

#include <errno.h>
#include <string.h>

#include "unit.h"

static void test_err__fail_fills_and_returns_the_code(void **state)
{
	struct kco_err err = { .code = KCO_E_IO, .os_errno = 5, .addr = 7, .file_off = 9, .msg = "old" };

	(void)state;
	assert_int_equal(kco_fail(&err, KCO_E_CORRUPT, "page %d of %s", 3, "x"), KCO_E_CORRUPT);
	assert_int_equal(err.code, KCO_E_CORRUPT);
	assert_string_equal(err.msg, "page 3 of x");
	assert_int_equal(err.os_errno, 0);
	assert_int_equal(err.addr, 0);
	assert_int_equal(err.file_off, 0);
}

static void test_err__null_is_a_wish_for_no_message(void **state)
{
	(void)state;
	assert_int_equal(kco_fail(NULL, KCO_E_RANGE, "x"), KCO_E_RANGE);
	assert_int_equal(kco_fail_errno(NULL, ENOENT, "x"), KCO_E_IO);
	assert_int_equal(kco_context(NULL, KCO_E_NOSYM, "x"), KCO_E_NOSYM);
}

static void test_err__errno_text_is_appended(void **state)
{
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	assert_int_equal(kco_fail_errno(&err, ENOENT, "%s", "vmcore"), KCO_E_IO);
	assert_string_equal(err.msg, "vmcore: No such file or directory");
	assert_int_equal(err.os_errno, ENOENT);
}

static void test_err__context_prefixes_and_keeps_the_rest(void **state)
{
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	kco_fail(&err, KCO_E_NOT_SAVED, "excluded");
	err.addr = 0x1000;
	assert_int_equal(kco_context(&err, KCO_E_BUG, "task %d", 1), KCO_E_NOT_SAVED);
	assert_string_equal(err.msg, "task 1: excluded");
	assert_int_equal(err.addr, 0x1000);
	assert_int_equal(err.code, KCO_E_NOT_SAVED);
}

static void test_err__long_texts_are_cut_and_terminated(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	kco_fail(&err, KCO_E_BUG, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	kco_context(&err, KCO_E_BUG, "outer");
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_memory_equal(err.msg, "outer: aaa", 10);
	kco_context(&err, KCO_E_BUG, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	kco_fail_errno(&err, ENOENT, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void test_err__arguments_may_be_the_old_message(void **state)
{
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	kco_fail(&err, KCO_E_BUG, "inner");
	kco_fail(&err, KCO_E_CORRUPT, "outer of %s", err.msg);
	assert_string_equal(err.msg, "outer of inner");
	kco_context(&err, KCO_E_CORRUPT, "again %s", err.msg);
	assert_string_equal(err.msg, "again outer of inner: outer of inner");
}

static void test_err__every_code_has_its_own_name(void **state)
{
	(void)state;
	for (int a = KCO_E_BUG; a <= KCO_DONE; a++) {
		assert_string_not_equal(kco_status_name(a), "unknown status");
		for (int b = KCO_E_BUG; b < a; b++)
			assert_string_not_equal(kco_status_name(a), kco_status_name(b));
	}
	assert_string_equal(kco_status_name(KCO_E_NOT_SAVED), "not saved");
	assert_string_equal(kco_status_name(-100), "unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err__fail_fills_and_returns_the_code),
		cmocka_unit_test(test_err__null_is_a_wish_for_no_message),
		cmocka_unit_test(test_err__errno_text_is_appended),
		cmocka_unit_test(test_err__context_prefixes_and_keeps_the_rest),
		cmocka_unit_test(test_err__long_texts_are_cut_and_terminated),
		cmocka_unit_test(test_err__arguments_may_be_the_old_message),
		cmocka_unit_test(test_err__every_code_has_its_own_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
