// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads of a FreeBSD kernel: all that a row tells, and lists that are torn,
 * loop, or lead to what is no process.
 */
#include "fbsdmake.h"

static struct fbsd f;
static uint64_t end; /* where the pointer to the next process goes */

static void start(bool typed, unsigned cpus)
{
	fbsd_init(&f, typed, cpus);
	end = FBSD_AT(FBSD_DATA + 64);
}

static const struct kco_task *load(size_t n)
{
	const struct kco_task *tasks;
	size_t got;

	fbsd_open(&f);
	if (kco_tasks_get(&f.s, &tasks, &got, &f.err))
		fail_msg("%s", f.err.msg);
	assert_int_equal(got, n);
	return tasks;
}

static int teardown(void **state)
{
	(void)state;
	fbsd_fini(&f);
	return 0;
}

static void warned(const char *text)
{
	if (!strstr(f.warnings, text))
		fail_msg("no warning of '%s' in: %s", text, f.warnings);
}

/* proc0 with a thread that runs, init that sleeps, a program of two threads. */
static void test_freebsd_tasks__rows_tell_what_the_kernel_knows(void **state)
{
	uint64_t shell, init, proc0, td, vmspace = FBSD_AT(FBSD_DATA + 0x800), stats = FBSD_AT(FBSD_DATA + 0x840);
	const struct kco_task *t;

	(void)state;
	start(true, 4);
	fbsd_variable(&f, "zombproc", 0, 8);
	fbsd_variable(&f, "dumptid", 100002, 4);
	fbsd_variable(&f, "cpu_tick_frequency", 1000000000, 8);
	fbsd_variable(&f, "ticks", (uint32_t)INT32_MIN + 100, 4);
	fbsd_variable(&f, "hz", 100, 4);
	fbsd_symbol(&f, "vmspace0", FBSD_AT(FBSD_DATA + 0x900), 64, 'B');
	shell = fbsd_proc(&f, &end, 700, "sh");
	init = fbsd_proc(&f, &end, 1, "init");
	proc0 = fbsd_proc(&f, &end, 0, "kernel");
	fbsd_put(&f, shell + P_PPTR, init, 8);
	fbsd_put(&f, init + P_PPTR, proc0, 8);
	fbsd_put(&f, shell + P_VMSPACE, vmspace, 8);
	fbsd_put(&f, shell + P_STATS, stats, 8);
	fbsd_put(&f, init + P_VMSPACE, FBSD_AT(FBSD_DATA + 0x900), 8);
	fbsd_put(&f, proc0 + P_VMSPACE, vmspace, 8);
	fbsd_put(&f, proc0 + P_FLAG, 0x204, 4);
	fbsd_put(&f, vmspace + VM_SIZE, 100 * 4096, 8);
	fbsd_put(&f, vmspace + VM_RESIDENT, 37, 8);
	fbsd_put(&f, stats + 8, 12, 8);
	fbsd_put(&f, stats + 16, 345678, 8);
	td = fbsd_thread(&f, shell, 100101, "sh/reader");
	fbsd_put(&f, td + TD_STATE, 1, 4);
	fbsd_put(&f, td + TD_INHIBITORS, 2, 4);
	fbsd_put(&f, td + TD_FLAGS, 8, 4);
	fbsd_put(&f, td + TD_SLPTICK, INT32_MAX, 4); // 101 ticks ago, over the wrap
	fbsd_put(&f, td + TD_WCHAN, 1, 8);
	fbsd_put(&f, td + TD_WMESG, fbsd_string(&f, "ttyin"), 8);
	fbsd_put(&f, td + TD_LASTCPU, 3, 4);
	fbsd_put(&f, td + TD_KSTACK, FBSD_AT(FBSD_STACKS), 8);
	fbsd_put(&f, td + TD_KSTACK_PAGES, 2, 4);
	fbsd_put(&f, td + TD_FRAME, FBSD_AT(FBSD_STACKS + 0x1f00), 8);
	fbsd_put(&f, td + TD_RUNTIME, 5000000000, 8);
	fbsd_put(&f, td + TD_UTICKS, 3, 4);
	fbsd_put(&f, td + TD_STICKS, 1, 4);
	fbsd_put(&f, td + TD_ITICKS, 1, 4);
	td = fbsd_thread(&f, shell, 100102, "sh/writer");
	fbsd_put(&f, td + TD_STATE, 1, 4);
	fbsd_put(&f, td + TD_INHIBITORS, 8, 4);
	fbsd_put(&f, td + TD_LOCKNAME, fbsd_string(&f, "Giant"), 8);
	td = fbsd_thread(&f, init, 100050, "");
	fbsd_put(&f, td + TD_STATE, 1, 4);
	fbsd_put(&f, td + TD_INHIBITORS, 2, 4);
	fbsd_put(&f, td + TD_FRAME, FBSD_AT(FBSD_STACKS + 0x1f00), 8);
	td = fbsd_thread(&f, proc0, 100002, "swapper");
	fbsd_put(&f, td + TD_STATE, 4, 4);
	fbsd_put(&f, td + TD_ONCPU, 2, 4);
	fbsd_put(&f, td + TD_FRAME, FBSD_AT(FBSD_STACKS + 0x1f00), 8);

	t = load(4);
	// The newest process first, its threads in their order: kgdb's order.
	assert_int_equal(t[0].tid, 100101);
	assert_int_equal(t[1].tid, 100102);
	assert_int_equal(t[2].tid, 100050);
	assert_int_equal(t[3].tid, 100002);
	assert_int_equal(t[0].tgid, 700);
	assert_int_equal(t[0].ppid, 1);
	assert_int_equal(t[2].ppid, 0);
	assert_int_equal(t[3].ppid, 0);
	assert_int_equal(t[0].parent, t[2].addr);
	assert_int_equal(t[1].group_leader, t[0].addr);
	assert_string_equal(t[0].comm, "sh/reader");
	assert_string_equal(t[2].comm, "init"); // without a name of its own
	assert_int_equal(t[0].state, 'S');
	assert_int_equal(t[0].state_raw, 1 | 2 << 8);
	assert_int_equal(t[1].state, 'L');
	assert_int_equal(t[2].state, 'D');
	assert_int_equal(t[3].state, 'R');
	assert_string_equal(t[0].wait, "ttyin");
	assert_string_equal(t[1].wait, "*Giant");
	assert_null(t[2].wait);
	assert_int_equal(t[0].cpu, 3);
	assert_int_equal(t[0].stack, FBSD_AT(FBSD_STACKS));
	assert_int_equal(t[0].stack_size, 8192);
	assert_int_equal(t[0].mm, vmspace);
	assert_int_equal(t[0].vm_pages, 100);
	assert_int_equal(t[0].rss_pages, 37);
	assert_int_equal(t[2].mm, 0); // proc0's, as the dead have it
	assert_int_equal(t[3].mm, 0);
	assert_int_equal(t[0].start_time, UINT64_C(12345678000));
	assert_int_equal(t[0].utime, UINT64_C(3000000000));
	assert_int_equal(t[0].stime, UINT64_C(2000000000));
	assert_int_equal(t[0].flags, KCO_TASK_OWN_TID);
	assert_int_equal(t[3].flags, KCO_TASK_OWN_TID | KCO_TASK_KTHREAD | KCO_TASK_ACTIVE | KCO_TASK_PANIC);
	assert_int_equal(t[3].cpu, 2);
	assert_int_equal(freebsd_user_regs(&f.s, &t[0]), FBSD_AT(FBSD_STACKS + 0x1f00));
	assert_int_equal(freebsd_user_regs(&f.s, &t[1]), 0);
	assert_int_equal(freebsd_user_regs(&f.s, &t[3]), 0); // a thread of the kernel
	assert_string_equal(f.warnings, "");
	assert_false(kco_tasks_incomplete(&f.s));
}

static void test_freebsd_tasks__letters_are_those_of_ps(void **state)
{
	static const struct {
		struct freebsd_run run;
		char letter;
	} cases[] = {
		{ { 1, 0, 4, 0, 0, 0 }, 'R' },	     { { 1, 0, 3, 0, 0, 0 }, 'R' },
		{ { 1, 0, 2, 0, 0, 0 }, 'R' },	     { { 1, 0x20000, 4, 0, 0, 0 }, 'R' },
		{ { 1, 0x20000, 1, 1, 0, 0 }, 'T' }, { { 1, 0x40000, 1, 2, 8, 0 }, 'T' },
		{ { 1, 0, 1, 2, 8, 9000 }, 'S' },    { { 1, 0, 1, 2, 8, 8000 }, 'I' },
		{ { 1, 0, 1, 2, 0, 0 }, 'D' },	     { { 1, 0, 1, 8, 0, 0 }, 'L' },
		{ { 1, 0, 1, 16, 0, 0 }, 'W' },	     { { 2, 0x20000, 4, 2, 8, 0 }, 'Z' },
		{ { 0, 0, 0, 0, 0, 0 }, 'N' },	     { { 1, 0, 1, 2, 8, 10001 }, 'S' }, // asleep in the future
		{ { 1, 0, 77, 0, 0, 0 }, 'W' },
	};
	const struct freebsd_states states = {
		.inhibited = 1, .can_run = 2, .runq = 3, .running = 4, .proc_zombie = 2, .ticks = 10000, .hz = 100
	};

	(void)state;
	start(true, 1);
	fbsd_open(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (freebsd_state_letter(&states, &cases[i].run) != cases[i].letter)
			fail_msg("case %zu is %c", i, freebsd_state_letter(&states, &cases[i].run));
}

/* Three processes with a thread each. */
static void three(uint64_t proc[3], uint64_t td[3])
{
	for (int i = 0; i < 3; i++) {
		proc[i] = fbsd_proc(&f, &end, 30 - i, "p");
		td[i] = fbsd_thread(&f, proc[i], 100030 - i, "t");
	}
}

static void test_freebsd_tasks__a_list_that_loops_ends(void **state)
{
	uint64_t proc[3], td[3];

	(void)state;
	start(true, 1);
	three(proc, td);
	fbsd_put(&f, proc[2] + P_LIST, proc[1], 8);
	fbsd_put(&f, proc[1] + P_LIST + 8, proc[2] + P_LIST, 8);
	load(1); // proc[1] does not lead back to proc[0] any more
	warned("allproc is torn after 1: the next entry does not lead back");
	assert_true(kco_tasks_incomplete(&f.s));
}

static void test_freebsd_tasks__a_ring_is_no_list(void **state)
{
	uint64_t proc;

	(void)state;
	start(true, 1);
	proc = fbsd_proc(&f, &end, 3, "p");
	fbsd_put(&f, proc + P_LIST, proc, 8);
	fbsd_put(&f, proc + P_LIST + 8, proc + P_LIST, 8);
	load(0);
	warned("allproc is torn after 0");
}

static void test_freebsd_tasks__wild_pointers_end_a_list(void **state)
{
	uint64_t proc[3], td[3];

	(void)state;
	start(true, 1);
	three(proc, td);
	fbsd_put(&f, proc[1] + P_LIST, UINT64_C(0xdeadbeefdeadbeef), 8);
	load(2);
	warned("allproc is torn after 2");
	assert_true(kco_tasks_incomplete(&f.s));
}

static void test_freebsd_tasks__what_is_no_process_is_none(void **state)
{
	uint64_t proc[3], td[3];

	(void)state;
	start(true, 1);
	three(proc, td);
	fbsd_put(&f, proc[1] + P_LIST, FBSD_AT(FBSD_STACKS), 8);
	load(2);
	warned("does not lead back to where it was named");
}

static void test_freebsd_tasks__threads_that_loop_end(void **state)
{
	uint64_t proc[3], td[3];
	const struct kco_task *t;

	(void)state;
	start(true, 1);
	three(proc, td);
	fbsd_put(&f, td[1] + TD_PLIST, td[1], 8);
	fbsd_put(&f, td[0] + TD_PLIST, td[2], 8); // of another process
	fbsd_put(&f, td[2] + TD_PLIST, UINT64_C(0x123), 8);
	t = load(3);
	for (int k = 0; k < 3; k++)
		assert_int_equal(t[k].tgid, 30 - k);
	warned("threads may be missing: those of 3 processes, the first of process 30");
	assert_true(kco_tasks_incomplete(&f.s));
}

static void test_freebsd_tasks__absurd_cpus_are_none(void **state)
{
	static const uint32_t cpus[] = { UINT32_MAX, 255, 4, INT32_MAX, (uint32_t)INT32_MIN, 3 };
	uint64_t proc;
	const struct kco_task *t;

	(void)state;
	start(true, 4);
	proc = fbsd_proc(&f, &end, 11, "idle");
	for (int i = 0; i < 6; i++) {
		uint64_t td = fbsd_thread(&f, proc, 100003 + i, "idle");

		fbsd_put(&f, td + TD_STATE, 4, 4);
		fbsd_put(&f, td + TD_ONCPU, cpus[i], 4);
		fbsd_put(&f, td + TD_LASTCPU, i == 0 ? 2 : 0x7fff, 4);
	}
	t = load(6);
	assert_int_equal(t[0].cpu, 2);
	for (int i = 0; i < 5; i++)
		assert_false(t[i].flags & KCO_TASK_ACTIVE);
	for (int i = 1; i < 5; i++)
		assert_int_equal(t[i].cpu, -1);
	assert_int_equal(t[5].cpu, 3);
	assert_true(t[5].flags & KCO_TASK_ACTIVE);
}

/* A hash of two chains, in memory behind the variables. */
static void hash(uint64_t first, uint64_t second)
{
	uint64_t table = FBSD_AT(FBSD_DATA + 0x1000);

	fbsd_variable(&f, "pidhashtbl", table, 8);
	fbsd_variable(&f, "pidhash", 1, 8);
	fbsd_put(&f, table, first, 8);
	fbsd_put(&f, table + 8, second, 8);
	if (first)
		fbsd_put(&f, first + P_HASH + 8, table, 8);
	if (second)
		fbsd_put(&f, second + P_HASH + 8, table + 8, 8);
}

static void test_freebsd_tasks__the_hash_has_zombies_and_what_a_list_lost(void **state)
{
	uint64_t proc[3], td[3], zombie, slot = FBSD_AT(FBSD_DATA + 0x900);
	const struct kco_task *t;

	(void)state;
	start(true, 1);
	three(proc, td);
	zombie = fbsd_proc(&f, &slot, 77, "dead");
	(void)fbsd_thread(&f, zombie, 100077, "dead");
	fbsd_put(&f, zombie + P_STATE, 2, 4);
	hash(proc[0], zombie);
	fbsd_put(&f, proc[0] + P_HASH, proc[1], 8);
	fbsd_put(&f, proc[1] + P_HASH + 8, proc[0] + P_HASH, 8);
	fbsd_put(&f, zombie + P_HASH, proc[2], 8);
	fbsd_put(&f, proc[2] + P_HASH + 8, zombie + P_HASH, 8);
	fbsd_put(&f, proc[1] + P_LIST, 8, 8); // torn: proc[2] is lost
	t = load(4);
	assert_int_equal(t[2].tid, 100077);
	assert_int_equal(t[2].state, 'Z');
	assert_false(t[2].flags & KCO_TASK_ORPHAN);
	assert_int_equal(t[3].tid, 100028);
	assert_true(t[3].flags & KCO_TASK_ORPHAN);
	warned("allproc is torn after 2");
	warned("not on the list allproc: 1");
	assert_false(kco_tasks_incomplete(&f.s)); // nothing is missing after all
}

static void test_freebsd_tasks__a_hash_that_loops_ends(void **state)
{
	uint64_t proc[3], td[3];

	(void)state;
	start(true, 1);
	three(proc, td);
	hash(proc[0], proc[1]);
	fbsd_put(&f, proc[0] + P_HASH, proc[0], 8);
	fbsd_put(&f, proc[1] + P_HASH, UINT64_C(0x8000000000000), 8);
	load(3);
	warned("chain 0 of the pid hash");
	assert_true(kco_tasks_incomplete(&f.s));
}

static void test_freebsd_tasks__a_hash_of_absurd_size_is_none(void **state)
{
	uint64_t proc[3], td[3];

	(void)state;
	start(true, 1);
	three(proc, td);
	fbsd_variable(&f, "pidhashtbl", 0x1000, 8);
	fbsd_variable(&f, "pidhash", UINT64_MAX, 8);
	load(3);
	warned("zombies may be missing: the pid hash cannot be read: a pid hash with the mask 0xffffffffffffffff");
	assert_false(kco_tasks_incomplete(&f.s));
}

static void test_freebsd_tasks__zombproc_comes_last(void **state)
{
	uint64_t proc[3], td[3], zombie, slot;
	const struct kco_task *t;

	(void)state;
	start(true, 1);
	three(proc, td);
	slot = fbsd_variable(&f, "zombproc", 0, 8);
	zombie = fbsd_proc(&f, &slot, 99, "z");
	(void)fbsd_thread(&f, zombie, 100099, "z");
	fbsd_put(&f, zombie + P_STATE, 2, 4);
	t = load(4);
	assert_int_equal(t[3].tid, 100099);
	assert_int_equal(t[3].state, 'Z');
	assert_string_equal(f.warnings, "");
}

static void test_freebsd_tasks__without_types_there_is_a_list(void **state)
{
	uint64_t proc[3], td[3];
	const struct kco_task *t;

	(void)state;
	start(false, 2);
	three(proc, td);
	fbsd_variable(&f, "proc_off_p_pid", P_PID, 4);
	fbsd_variable(&f, "proc_off_p_comm", P_COMM, 4);
	fbsd_variable(&f, "proc_off_p_list", P_LIST, 4);
	fbsd_variable(&f, "proc_off_p_threads", P_THREADS, 4);
	fbsd_variable(&f, "thread_off_td_tid", TD_TID, 4);
	fbsd_variable(&f, "thread_off_td_name", TD_NAME, 4);
	fbsd_variable(&f, "thread_off_td_oncpu", TD_ONCPU, 4);
	fbsd_variable(&f, "thread_off_td_pcb", TD_PCB, 4);
	fbsd_variable(&f, "thread_off_td_plist", TD_PLIST, 4);
	fbsd_put(&f, td[1] + TD_ONCPU, 1, 4);
	fbsd_put(&f, td[2] + TD_PCB, FBSD_AT(FBSD_STACKS + 0x3c00), 8);
	t = load(3);
	assert_int_equal(t[0].tid, 100030);
	assert_int_equal(t[0].tgid, 30);
	assert_int_equal(t[0].ppid, -1);
	assert_int_equal(t[0].state, '?');
	assert_int_equal(t[1].flags, KCO_TASK_OWN_TID | KCO_TASK_ACTIVE);
	assert_int_equal(t[1].cpu, 1);
	assert_int_equal(t[2].stack, FBSD_AT(FBSD_STACKS));
	assert_int_equal(t[2].stack_size, 0x3c00); // what lies from the pcb on is no stack
	warned("the kernel file has no types");
}

static void test_freebsd_tasks__absurd_constants_are_refused(void **state)
{
	const struct kco_task *tasks;
	size_t n;

	(void)state;
	start(false, 1);
	fbsd_variable(&f, "proc_off_p_list", 0xffffff00, 4);
	fbsd_open(&f);
	assert_int_equal(kco_tasks_get(&f.s, &tasks, &n, &f.err), KCO_E_CORRUPT);
	assert_msg(&f.err, "the list of threads: proc_off_p_list of 4294967040 makes no sense");
}

/* The page of a process is not in the dump: its row is lost, and that is said. */
static void test_freebsd_tasks__missing_pages_leave_a_reason(void **state)
{
	uint64_t proc[3], td[3];
	const struct kco_task *t;

	(void)state;
	start(true, 1);
	f.nr_objects = 7; // the second thread's page is the next one
	proc[0] = fbsd_proc(&f, &end, 5, "p");
	td[0] = fbsd_thread(&f, proc[0], 100005, "a");
	f.nr_objects = 16;
	td[1] = fbsd_thread(&f, proc[0], 100006, "b");
	assert_int_not_equal(td[0] / 4096, td[1] / 4096);
	f.m.missing[(td[1] - FBSD_BASE) / 4096] = 1;
	t = load(2);
	assert_int_equal(t[0].status, KCO_OK);
	assert_int_equal(t[1].status, KCO_E_NOT_SAVED);
	assert_non_null(strstr(t[1].why, "struct thread: "));
	assert_int_equal(t[1].tgid, 5);
	assert_true(kco_tasks_incomplete(&f.s));
	(void)proc;
}

#define T(name) cmocka_unit_test_teardown(test_freebsd_tasks__##name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rows_tell_what_the_kernel_knows),
		T(letters_are_those_of_ps),
		T(a_list_that_loops_ends),
		T(a_ring_is_no_list),
		T(wild_pointers_end_a_list),
		T(what_is_no_process_is_none),
		T(threads_that_loop_end),
		T(absurd_cpus_are_none),
		T(the_hash_has_zombies_and_what_a_list_lost),
		T(a_hash_that_loops_ends),
		T(a_hash_of_absurd_size_is_none),
		T(zombproc_comes_last),
		T(without_types_there_is_a_list),
		T(absurd_constants_are_refused),
		T(missing_pages_leave_a_reason),
	};

	return cmocka_run_group_tests_name("freebsd_tasks", tests, NULL, NULL);
}
