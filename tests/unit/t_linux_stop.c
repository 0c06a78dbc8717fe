// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why threads stand still, and their signals, in a kernel made by hand
 * (stopmake.h): sound ones, and queues, pointers, numbers and system calls that
 * loop, lie or end in nothing.
 */
#include "linux_stop.h"

#include <kco/syscall.h>

#include "stopmake.h"
#include "unit.h"

#define NOWHERE UINT64_C(0xffff999900000000) /* where no memory is */
#define INFO (SM_STACK + 0x3000)	     /* where ptrace_stop() has a siginfo */

static struct stopmake kernel;
static struct kco_stop stop;
static struct kco_signals sigs;

static void expect_text(const char *text, const char *words)
{
	if (!text || !strstr(text, words))
		fail_msg("'%s' does not say '%s'", text ? text : "(none)", words);
}

static void open_kernel(void)
{
	assert_true(stopmake_open(&kernel, VMA_MEMORY));
}

static void get_signals(void)
{
	struct kco_err err = KCO_ERR_INIT;

	open_kernel();
	if (kco_signals_get(kernel.p, &kernel.tasks[1], &sigs, &err))
		fail_msg("%s", err.msg);
}

static void get_stop(char state)
{
	struct kco_err err = KCO_ERR_INIT;

	kernel.tasks[1].state = state;
	open_kernel();
	if (kco_stop_get(kernel.p, &kernel.tasks[1], &stop, &err))
		fail_msg("%s", err.msg);
	stopmake_close(&kernel);
}

/* With siginfo @signo, @code at @info, exit_code @exit_code. */
static void get_traced(uint64_t info, int signo, int code, uint32_t exit_code)
{
	stopmake_init(&kernel);
	stopmake_info(&kernel, INFO, signo, code, 0x1234, 0);
	stopmake_task(&kernel, SM_T_LAST_SIGINFO, info, 8);
	stopmake_task(&kernel, SM_T_EXIT_CODE, exit_code, 4);
	stopmake_task(&kernel, SM_T_MESSAGE, 101, 8);
	stopmake_put(&kernel, SM_REGS + SM_R_ORIG_RAX, UINT64_MAX, 8);
	get_stop('t');
}

static void test_signals__queues_and_handlers_are_read(void **state)
{
	(void)state;
	stopmake_init(&kernel);
	get_signals();
	assert_int_equal(sigs.private_pending.status, KCO_OK);
	assert_int_equal(sigs.private_pending.nr_queue, 3);
	assert_int_equal(sigs.shared_pending.nr_queue, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sigs.private_pending.queue[i].info.signo, 34 + i);
		assert_int_equal(sigs.private_pending.queue[i].info.value, 0x1000 + i);
		assert_int_equal(sigs.private_pending.queue[i].addr, SM_VIRT + SM_QUEUE + 0x40 * (unsigned)i);
	}
	assert_int_equal(sigs.nr_threads, 2);
	assert_int_equal(sigs.actions_status, KCO_OK);
	assert_int_equal(sigs.actions[9].handler, 0x401000);
	assert_int_equal(sigs.actions[9].kind, KCO_SIGACTION_HANDLER);
	assert_int_equal(sigs.actions[8].kind, KCO_SIGACTION_DEFAULT);
	stopmake_close(&kernel);
}

/* With @next in queue entry @entry, and no way back: so many entries, this status, these words. */
static void broken_queue(unsigned entry, uint64_t next, size_t n, enum kco_status status, const char *words)
{
	stopmake_init(&kernel);
	stopmake_put(&kernel, SM_QUEUE + 0x40 * entry, next, 8);
	stopmake_task(&kernel, SM_T_PENDING + 8, NOWHERE, 8);
	get_signals();
	assert_int_equal(sigs.private_pending.nr_queue, n);
	assert_int_equal(sigs.private_pending.status, status);
	expect_text(sigs.private_pending.why, words);
	assert_int_equal(sigs.private_pending.queue[0].info.signo, 34);
	// The other queue is whole.
	assert_int_equal(sigs.shared_pending.status, KCO_OK);
	assert_int_equal(sigs.shared_pending.nr_queue, 1);
	stopmake_close(&kernel);
}

static void test_signals__queues_that_loop_or_lead_nowhere_keep_what_is_there(void **state)
{
	(void)state;
	broken_queue(0, SM_VIRT + SM_QUEUE, 1, KCO_E_CORRUPT, "circle");
	broken_queue(2, SM_VIRT + SM_QUEUE + 0x40, 3, KCO_E_CORRUPT, "circle");
	broken_queue(1, NOWHERE, 2, KCO_E_RANGE, "queue of pending signals");
	broken_queue(1, 0, 2, KCO_E_CORRUPT, "pointer that is 0");
	broken_queue(0, UINT64_MAX - 7, 1, KCO_E_RANGE, "0xf");
}

static void test_signals__what_is_behind_a_lost_entry_is_found_from_the_other_end(void **state)
{
	(void)state;
	stopmake_init(&kernel);
	stopmake_put(&kernel, SM_QUEUE, NOWHERE, 8);
	get_signals();
	assert_int_equal(sigs.private_pending.nr_queue, 3);
	assert_true(sigs.private_pending.status != KCO_OK);
	assert_int_equal(sigs.private_pending.queue[1].info.signo, 36);
	stopmake_close(&kernel);
	// The list is whole, and an entry of it is not.
	stopmake_init(&kernel);
	stopmake_list(&kernel, SM_TASK + 0x400 + SM_T_PENDING,
		      (const uint64_t[]){ SM_QUEUE, VMA_MEMORY - 16, SM_QUEUE + 0x40 }, 3);
	get_signals();
	assert_int_equal(sigs.private_pending.nr_queue, 2);
	assert_int_equal(sigs.private_pending.status, KCO_E_RANGE);
	expect_text(sigs.private_pending.why, "queue of pending signals");
	stopmake_close(&kernel);
}

static void test_signals__a_queue_without_end_is_cut(void **state)
{
	(void)state;
	stopmake_init(&kernel);
	stopmake_task(&kernel, SM_T_PENDING, SM_VIRT + SM_ROOM, 8);
	for (unsigned i = 0; i < KCO_SIGQUEUE_MAX + 20; i++)
		stopmake_put(&kernel, SM_ROOM + 16 * i, SM_VIRT + SM_ROOM + 16 * (i + 1), 8);
	get_signals();
	assert_int_equal(sigs.private_pending.nr_queue, KCO_SIGQUEUE_MAX);
	assert_int_equal(sigs.private_pending.status, KCO_E_RANGE);
	expect_text(sigs.private_pending.why, "more than 1024");
	stopmake_close(&kernel);
}

static void test_signals__handlers_out_of_reach_do_not_hide_the_queues(void **state)
{
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	stopmake_init(&kernel);
	stopmake_task(&kernel, SM_T_SIGHAND, NOWHERE, 8);
	stopmake_task(&kernel, SM_T_SIGNAL, UINT64_MAX - 3, 8);
	get_signals();
	assert_int_equal(sigs.private_pending.nr_queue, 3);
	assert_true(sigs.actions_status != KCO_OK);
	expect_text(sigs.actions_why, "handlers");
	assert_true(sigs.shared_pending.status != KCO_OK);
	expect_text(sigs.shared_pending.why, "pending signals");
	stopmake_close(&kernel);
	stopmake_init(&kernel);
	stopmake_task(&kernel, SM_T_SIGHAND, 0, 8);
	open_kernel();
	assert_int_equal(kco_signals_get(kernel.p, &kernel.tasks[1], &sigs, &err), KCO_E_RANGE);
	assert_msg(&err, "it has ended");
	stopmake_close(&kernel);
}

static void test_siginfo__every_layout_gives_its_own_fields_only(void **state)
{
	// The union holds 0x11 at 0, 0x22 at 4, 0x33 at 8, 0x44 at 12.
	static const struct {
		int signo, code;
		struct kco_siginfo want;
	} cases[] = {
		{ 15, 0, { .kind = KCO_SIGINFO_KILL, .pid = 0x11, .uid = 0x22 } },
		{ 15, -6, { .kind = KCO_SIGINFO_QUEUE, .pid = 0x11, .uid = 0x22, .value = 0x4400000033 } },
		{ 14, -2, { .kind = KCO_SIGINFO_TIMER, .timer = 0x11, .overrun = 0x22, .value = 0x4400000033 } },
		{ 29, 1, { .kind = KCO_SIGINFO_POLL, .band = 0x11, .fd = 0x33 } },
		{ 11, 1, { .kind = KCO_SIGINFO_FAULT, .addr = 0x2200000011 } },
		{ 17, 1, { .kind = KCO_SIGINFO_CHILD, .pid = 0x11, .uid = 0x22, .status = 0x33 } },
		{ 31, 1, { .kind = KCO_SIGINFO_SYS, .addr = 0x2200000011, .syscall = 0x33 } },
		{ 0, 0, { .kind = KCO_SIGINFO_KILL, .pid = 0x11, .uid = 0x22 } },
		{ 65, 77, { .kind = KCO_SIGINFO_KILL, .pid = 0x11, .uid = 0x22 } },
		{ INT32_MIN,
		  INT32_MIN,
		  { .kind = KCO_SIGINFO_QUEUE, .pid = 0x11, .uid = 0x22, .value = 0x4400000033 } },
	};
	uint8_t raw[48] = { [16] = 0x11, [20] = 0x22, [24] = 0x33, [28] = 0x44 };
	struct kco_siginfo got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kco_siginfo want = cases[i].want;

		memcpy(raw, &cases[i].signo, 4);
		memcpy(raw + 8, &cases[i].code, 4);
		linux_siginfo_decode(raw, sizeof(raw), &got);
		assert_int_equal(got.signo, cases[i].signo);
		assert_int_equal(got.code, cases[i].code);
		assert_int_equal(got.kind, want.kind);
		assert_int_equal(got.pid, want.pid);
		assert_int_equal(got.uid, want.uid);
		assert_int_equal(got.status, want.status);
		assert_true(got.addr == want.addr && got.value == want.value);
		assert_int_equal(got.timer, want.timer);
		assert_int_equal(got.overrun, want.overrun);
		assert_int_equal(got.band, want.band);
		assert_int_equal(got.fd, want.fd);
		assert_int_equal(got.syscall, want.syscall);
	}
}

static void test_stop__a_traced_thread_is_told_by_the_siginfo_on_its_stack(void **state)
{
	(void)state;
	get_traced(SM_VIRT + INFO, 11, 1, 11);
	assert_int_equal(stop.kind, KCO_STOP_TRACE_SIGNAL);
	assert_int_equal(stop.signo, 11);
	assert_int_equal(stop.lwp, 100);
	assert_int_equal(stop.addr, 0x1234);
	assert_string_equal(stop.text, "signal SIGSEGV (SEGV_MAPERR at 0x1234)");
	get_traced(SM_VIRT + INFO, 5, 0x305, 0);
	assert_int_equal(stop.kind, KCO_STOP_TRACE_CLONE);
	assert_string_equal(stop.trap, "TRAP_LWP");
	assert_int_equal(stop.child, 101);
	get_traced(SM_VIRT + INFO, 5, 0x8005, 0);
	assert_int_equal(stop.kind, KCO_STOP_TRACE_STOP);
	get_traced(SM_VIRT + INFO, 19, 0x8013, 0);
	assert_int_equal(stop.kind, KCO_STOP_GROUP);
	get_traced(0, 0, 0, 19);
	assert_int_equal(stop.kind, KCO_STOP_GROUP);
	assert_int_equal(stop.signo, 19);
}

static void test_stop__a_siginfo_that_is_none_is_not_believed(void **state)
{
	static const uint64_t wild[] = { NOWHERE,
					 1,
					 UINT64_MAX,
					 UINT64_MAX - 7,
					 SM_VIRT + SM_STACK - 8,
					 SM_VIRT + SM_STACK + SM_STACK_SIZE - 40,
					 SM_VIRT + SM_STACK + SM_STACK_SIZE,
					 SM_VIRT + SM_QUEUE + 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		get_traced(wild[i], 11, 1, 0x305);
		assert_false(stop.has_info);
		assert_int_equal(stop.kind, KCO_STOP_TRACE_CLONE);
		// exit_code is a plain signal: that it was one, not that it was a group stop.
		get_traced(wild[i], 11, 1, 10);
		assert_false(stop.has_info);
		assert_int_equal(stop.kind, KCO_STOP_TRACE_SIGNAL);
		assert_string_equal(stop.text, "signal SIGUSR1");
		get_traced(wild[i], 11, 1, 0);
		assert_string_equal(stop.text, "signal unknown");
	}
	// The last place where a whole one fits.
	get_traced(SM_VIRT + SM_STACK + SM_STACK_SIZE - 48, 0, 0, 0);
	assert_true(stop.has_info);
}

static void test_stop__a_code_that_a_process_made_up_is_no_event(void **state)
{
	static const struct {
		int signo, code;
	} cases[] = {
		{ 10, 0x305 },	{ 10, 0x30a },	   { 5, 0x805 },	{ 5, 0xff05 },	  { 5, 0x30305 },
		{ 10, 0x8005 }, { 5, 0x7fffff05 }, { 0, 0x100 },	{ 65, 0x8041 },	  { -1, 0x81ff },
		{ 5, 0x385 },	{ 11, 0x10b },	   { INT32_MAX, 0xff }, { INT32_MIN, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		get_traced(SM_VIRT + INFO, cases[i].signo, cases[i].code, 0x105);
		if (stop.kind != KCO_STOP_TRACE_SIGNAL)
			fail_msg("%d, %#x: %s", cases[i].signo, (unsigned)cases[i].code, kco_stop_kind_name(stop.kind));
		assert_int_equal(stop.signo, cases[i].signo);
		assert_int_equal(stop.child, 0);
	}
	get_traced(SM_VIRT + INFO, 65, 0, 0);
	expect_text(stop.text, "signal 65 (SI_USER");
	get_traced(SM_VIRT + INFO, -1, 0x77, 0);
	expect_text(stop.text, "signal -1 (code 119");
}

static void test_stop__watched_addresses_come_from_events_that_can_be_read(void **state)
{
	static const uint64_t events[] = { SM_VIRT + SM_EVENT, NOWHERE, UINT64_MAX - 3, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		stopmake_init(&kernel);
		stopmake_info(&kernel, INFO, 5, 4, 0, 0);
		stopmake_task(&kernel, SM_T_LAST_SIGINFO, SM_VIRT + INFO, 8);
		stopmake_task(&kernel, SM_T_DR6, 1, 8);
		stopmake_task(&kernel, SM_T_BPS, events[i], 8);
		get_stop('t');
		assert_int_equal(stop.kind, KCO_STOP_WATCHPOINT);
		assert_int_equal(stop.has_addr, i == 0);
		assert_string_equal(stop.text, i ? "watchpoint" : "watchpoint at 0x601000");
	}
}

static void test_stop__job_control_and_status_of_any_value(void **state)
{
	static const struct {
		char state;
		uint64_t jobctl;
		uint32_t exit_code;
		const char *text;
	} cases[] = {
		{ 'T', 19, 0, "signal SIGSTOP, group stop" },
		{ 'T', UINT64_MAX, 0, "signal 65535, group stop" },
		{ 'T', 0, 0, "signal unknown, group stop" },
		{ 'T', 65, 0, "signal 65, group stop" },
		{ 'Z', 0, 0x0300, "zombie, status 3" },
		{ 'Z', 0, 0x8b, "zombie, killed by signal SIGSEGV, core dumped" },
		{ 'Z', 0, 0x7f, "zombie, killed by signal 127" },
		{ 'X', 0, UINT32_MAX, "dead, killed by signal 127, core dumped" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		stopmake_init(&kernel);
		stopmake_task(&kernel, SM_T_JOBCTL, cases[i].jobctl, 8);
		stopmake_task(&kernel, SM_T_EXIT_CODE, cases[i].exit_code, 4);
		get_stop(cases[i].state);
		assert_string_equal(stop.text, cases[i].text);
	}
}

/* With @number in orig_rax, @compat: made by int $0x80. */
static void get_call(uint64_t number, bool compat, const char *text)
{
	stopmake_init(&kernel);
	stopmake_put(&kernel, SM_REGS + SM_R_ORIG_RAX, number, 8);
	stopmake_task(&kernel, SM_T_STATUS, compat ? 2 : 0, 4);
	get_stop('S');
	expect_text(stop.text, text);
}

static void test_stop__system_calls_of_any_number(void **state)
{
	(void)state;
	get_call(0, false, "syscall read(");
	assert_int_equal(stop.nr_args, 3);
	// A 64-bit program may use the 32-bit entry.
	get_call(1, true, "syscall exit(");
	assert_true(stop.compat);
	get_call(1, false, "syscall write(");
	assert_false(stop.compat);
	get_call(100000, false, "syscall syscall_100000(");
	assert_int_equal(stop.syscall, 100000);
	get_call(INT32_MAX, true, "syscall syscall_2147483647(");
	// A negative one is no system call.
	get_call((uint64_t)INT64_MIN | UINT32_MAX, false, "");
	assert_int_equal(stop.kind, KCO_STOP_EXCEPTION);
	assert_int_equal(stop.syscall, -1);
}

static void test_syscalls__numbers_out_of_the_tables_are_none(void **state)
{
	static const struct {
		bool compat;
		int64_t number;
		const char *name;
	} cases[] = {
		{ false, 0, "read" },
		{ false, 459, "newer" },
		{ true, 459, "newer" },
		{ true, 1, "exit" },
		{ false, 0x40000001, "write" },
		{ false, 458, NULL },
		{ false, 460, NULL },
		{ true, 460, NULL },
		{ false, 1023, NULL },
		{ false, 1024, NULL },
		{ true, 1024, NULL },
		{ true, 0x40000001, NULL },
		{ false, -1, NULL },
		{ true, -1, NULL },
		{ false, INT64_MIN, NULL },
		{ true, INT64_MIN, NULL },
		{ false, INT64_MAX, NULL },
		{ true, INT64_MAX, NULL },
		{ false, INT64_C(1) << 32, NULL },
	};
	const struct kco_syscall *call;

	(void)state;
	stopmake_init(&kernel);
	open_kernel();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kco_err err = KCO_ERR_INIT;
		enum kco_status st = kco_syscall_get(&kernel.m.s, cases[i].compat, cases[i].number, &call, &err);

		if (!cases[i].name && st != KCO_E_NOSYM)
			fail_msg("%lld: %s", (long long)cases[i].number, call->name);
		if (!cases[i].name) {
			assert_msg(&err, "no system call has the number");
			continue;
		}
		assert_int_equal(st, KCO_OK);
		assert_string_equal(call->name, cases[i].name);
	}
	stopmake_close(&kernel);
}

/* Number 459 with @n bytes of @v at @at: does metadata describe it? */
static void describe(uint64_t at, uint64_t v, unsigned n, bool described)
{
	const struct kco_syscall *call;

	stopmake_init(&kernel);
	stopmake_put(&kernel, at, v, n);
	open_kernel();
	assert_int_equal(kco_syscall_get(&kernel.m.s, false, 459, &call, NULL), KCO_OK);
	assert_string_equal(call->name, "newer");
	assert_int_equal(call->described, described);
	assert_int_equal(call->nr_args, described ? 1 : KCO_SYSCALL_ARGS);
	if (described) {
		assert_string_equal(call->args[0].type, "int");
		assert_string_equal(call->args[0].name, "fd");
	}
	stopmake_close(&kernel);
}

static void test_syscalls__metadata_that_lies_describes_nothing(void **state)
{
	(void)state;
	describe(SM_ROOM, 0, 8, true);
	describe(SM_META + 8, 458, 4, false);
	describe(SM_META + 12, 7, 4, false);
	describe(SM_META + 12, UINT32_MAX, 4, false);
	describe(SM_META + 12, 6, 4, false); // one has a name
	describe(SM_META + 16, NOWHERE, 8, false);
	describe(SM_META + 24, UINT64_MAX - 3, 8, false);
	describe(SM_META_ARGS, NOWHERE, 8, false);
	describe(SM_TEXT, 0x7f, 1, false);
	describe(SM_METAS + 8 * 459, NOWHERE, 8, false);
	describe(SM_METAS_AT, NOWHERE, 8, false);
}

static void test_syscalls__no_call_has_more_than_six_arguments(void **state)
{
	(void)state;
	for (unsigned n = 6; n <= 8; n++) {
		const struct kco_syscall *call;

		stopmake_init(&kernel);
		stopmake_put(&kernel, SM_META + 12, n, 4);
		stopmake_put(&kernel, SM_META + 16, SM_VIRT + SM_ROOM, 8);
		stopmake_put(&kernel, SM_META + 24, SM_VIRT + SM_ROOM, 8);
		for (unsigned i = 0; i < n; i++)
			stopmake_put(&kernel, SM_ROOM + 8 * i, SM_VIRT + SM_TEXT, 8);
		open_kernel();
		assert_int_equal(kco_syscall_get(&kernel.m.s, false, 459, &call, NULL), KCO_OK);
		assert_int_equal(call->nr_args, 6);
		assert_int_equal(call->described, n == 6);
		stopmake_close(&kernel);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals__queues_and_handlers_are_read),
		cmocka_unit_test(test_signals__queues_that_loop_or_lead_nowhere_keep_what_is_there),
		cmocka_unit_test(test_signals__what_is_behind_a_lost_entry_is_found_from_the_other_end),
		cmocka_unit_test(test_signals__a_queue_without_end_is_cut),
		cmocka_unit_test(test_signals__handlers_out_of_reach_do_not_hide_the_queues),
		cmocka_unit_test(test_siginfo__every_layout_gives_its_own_fields_only),
		cmocka_unit_test(test_stop__a_traced_thread_is_told_by_the_siginfo_on_its_stack),
		cmocka_unit_test(test_stop__a_siginfo_that_is_none_is_not_believed),
		cmocka_unit_test(test_stop__a_code_that_a_process_made_up_is_no_event),
		cmocka_unit_test(test_stop__watched_addresses_come_from_events_that_can_be_read),
		cmocka_unit_test(test_stop__job_control_and_status_of_any_value),
		cmocka_unit_test(test_stop__system_calls_of_any_number),
		cmocka_unit_test(test_syscalls__numbers_out_of_the_tables_are_none),
		cmocka_unit_test(test_syscalls__metadata_that_lies_describes_nothing),
		cmocka_unit_test(test_syscalls__no_call_has_more_than_six_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
