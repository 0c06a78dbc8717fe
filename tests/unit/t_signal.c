// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * siginfo_t, names of signals and codes, and lines of text that are cut.
 */
#include <kco/signal.h>

#include <string.h>

#include "linux_process.h"
#include "text.h"
#include "unit.h"

static void signal_make(uint8_t raw[48], int32_t signo, int32_t code)
{
	memset(raw, 0, 48);
	memcpy(raw, &signo, 4);
	memcpy(raw + 8, &code, 4);
}

static void test_signal__the_code_decides_what_the_union_holds(void **state)
{
	static const struct {
		int signo, code;
		enum kco_siginfo_kind kind;
	} cases[] = {
		{ 10, 0, KCO_SIGINFO_KILL },	{ 10, -1, KCO_SIGINFO_QUEUE },	{ 14, -2, KCO_SIGINFO_TIMER },
		{ 11, 1, KCO_SIGINFO_FAULT },	{ 11, 0x80, KCO_SIGINFO_KILL }, { 17, 1, KCO_SIGINFO_CHILD },
		{ 29, 1, KCO_SIGINFO_POLL },	{ 40, -5, KCO_SIGINFO_POLL },	{ 31, 1, KCO_SIGINFO_SYS },
		{ 5, 0x305, KCO_SIGINFO_KILL }, { 40, 3, KCO_SIGINFO_POLL },	{ 40, 100, KCO_SIGINFO_KILL },
		{ -7, 12, KCO_SIGINFO_KILL },
	};
	struct kco_siginfo info;
	uint8_t raw[48];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		signal_make(raw, cases[i].signo, cases[i].code);
		linux_siginfo_decode(raw, sizeof(raw), &info);
		assert_int_equal(info.signo, cases[i].signo);
		assert_int_equal(info.code, cases[i].code);
		assert_int_equal(info.kind, cases[i].kind);
	}
}

static void test_signal__a_fault_has_an_address_and_no_sender(void **state)
{
	struct kco_siginfo info;
	uint64_t addr = 0x123456789abcdef0;
	uint8_t raw[48];

	(void)state;
	signal_make(raw, 11, 1);
	memcpy(raw + 16, &addr, 8);
	linux_siginfo_decode(raw, sizeof(raw), &info);
	assert_true(info.addr == addr);
	assert_int_equal(info.pid, 0);
	// What lies beyond the kernel's part is zeros in user memory.
	assert_memory_equal(info.raw, raw, sizeof(raw));
	assert_int_equal(info.raw[127], 0);
}

static void test_signal__numbers_out_of_range_have_no_name(void **state)
{
	(void)state;
	assert_string_equal(linux_signal_name(1), "SIGHUP");
	assert_string_equal(linux_signal_name(32), "SIGRTMIN");
	assert_string_equal(linux_signal_name(64), "SIGRTMAX");
	assert_null(linux_signal_name(0));
	assert_null(linux_signal_name(65));
	assert_null(linux_signal_name(-1));
	assert_string_equal(linux_signal_code_name(11, 2), "SEGV_ACCERR");
	assert_string_equal(linux_signal_code_name(9, -6), "SI_TKILL");
	assert_null(linux_signal_code_name(11, 77));
	assert_null(linux_signal_code_name(11, INT32_MIN));
}

static void test_signal__flags_without_a_name_are_a_number(void **state)
{
	char buf[64];

	(void)state;
	kco_sigaction_flags(0x10000004, buf, sizeof(buf));
	assert_string_equal(buf, "SA_SIGINFO|SA_RESTART");
	kco_sigaction_flags(0x00000110, buf, sizeof(buf));
	assert_string_equal(buf, "0x110");
}

static void test_signal__text_that_does_not_fit_is_cut(void **state)
{
	char buf[8];
	struct text t = { buf, sizeof(buf), 0 };

	(void)state;
	text_add(&t, "%s", "abcde");
	text_add(&t, "%s", "fghij");
	text_add(&t, "%s", "more");
	assert_string_equal(buf, "abcdefg");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal__the_code_decides_what_the_union_holds),
		cmocka_unit_test(test_signal__a_fault_has_an_address_and_no_sender),
		cmocka_unit_test(test_signal__numbers_out_of_range_have_no_name),
		cmocka_unit_test(test_signal__flags_without_a_name_are_a_number),
		cmocka_unit_test(test_signal__text_that_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
