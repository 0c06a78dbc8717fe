// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breakpoints in a kernel made by hand (stopmake.h): sound ones of each kind,
 * and lists, trees and pointers that loop or lead nowhere.
 */
#include <kco/breakpoint.h>

#include <stdio.h>

#include "stopmake.h"
#include "unit.h"

#define NOWHERE UINT64_C(0xffff999900000000) /* where no memory is */
#define ROWS_MAX 512

static struct stopmake kernel;
static struct kco_breakpoint rows[ROWS_MAX];
static char why[ROWS_MAX][256];
static size_t nr_rows, nr_int3;

static bool take(void *arg, const struct kco_breakpoint *bp)
{
	(void)arg;
	assert_true(nr_rows < ROWS_MAX);
	// There is no page cache, which must be said once, and keeps nothing else from being told.
	if (bp->kind == KCO_BREAKPOINT_INT3) {
		assert_true(bp->status && strstr(bp->why, "pages of processes"));
		nr_int3++;
		return true;
	}
	if (bp->status)
		snprintf(why[nr_rows], sizeof(why[0]), "%s", bp->why);
	rows[nr_rows++] = *bp;
	return true;
}

static void get(void)
{
	struct kco_err err = KCO_ERR_INIT;

	nr_rows = nr_int3 = 0;
	assert_true(stopmake_open(&kernel, VMA_MEMORY));
	if (kco_breakpoints_each(&kernel.m.s, take, NULL, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(nr_int3, 1);
	stopmake_close(&kernel);
}

static size_t count(enum kco_breakpoint_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_rows; i++)
		n += rows[i].kind == kind && !rows[i].status;
	return n;
}

/* How many rows of @kind say why something is missing; each must say @words. */
static size_t failed(enum kco_breakpoint_kind kind, const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_rows; i++) {
		if (rows[i].kind != kind || !rows[i].status)
			continue;
		n++;
		if (!strstr(why[i], words))
			fail_msg("'%s' does not say '%s'", why[i], words);
	}
	return n;
}

/* With @v at @at: @good rows of @kind and @bad that say @words; the other kinds are whole. */
static void broken(uint64_t at, uint64_t v, enum kco_breakpoint_kind kind, size_t good, size_t bad, const char *words)
{
	static const size_t sound[] = { 1, 3, 3, 3 };

	stopmake_init(&kernel);
	stopmake_put(&kernel, at, v, 8);
	get();
	for (unsigned i = 0; i < 4; i++) {
		size_t want = i == kind ? good : sound[i];

		if (count(i) != want)
			fail_msg("%#llx at %#llx: %zu of %s, not %zu", (unsigned long long)v, (unsigned long long)at,
				 count(i), kco_breakpoint_kind_name(i), want);
		if (failed(i, i == kind ? words : "") != (i == kind ? bad : 0))
			fail_msg("%#llx at %#llx: %zu failures of %s", (unsigned long long)v, (unsigned long long)at,
				 failed(i, ""), kco_breakpoint_kind_name(i));
	}
}

static void test_breakpoints__each_kind_is_found(void **state)
{
	(void)state;
	stopmake_init(&kernel);
	get();
	assert_int_equal(nr_rows, 10);
	assert_int_equal(rows[0].kind, KCO_BREAKPOINT_PTRACE);
	assert_int_equal(rows[0].addr, 0x601000);
	assert_int_equal(rows[0].access, KCO_BREAKPOINT_WRITE);
	assert_int_equal(rows[0].len, 8);
	assert_int_equal(rows[0].cpu, -1);
	assert_int_equal(rows[0].task->tid, 100);
	assert_int_equal(rows[1].kind, KCO_BREAKPOINT_PERF);
	assert_int_equal(rows[1].addr, 0x602000);
	assert_int_equal(rows[3].addr, 0x604000);
	assert_null(rows[3].task);
	for (unsigned i = 4; i < 7; i++)
		assert_int_equal(rows[i].kind, KCO_BREAKPOINT_UPROBE);
	assert_int_equal(rows[4].offset, 0x1000);
	assert_int_equal(rows[4].inode, SM_VIRT + SM_ROOM);
	assert_int_equal(rows[7].kind, KCO_BREAKPOINT_KPROBE);
	assert_int_equal(rows[7].addr, SM_FN_NEW);
	assert_true(rows[7].enabled);
	assert_string_equal(rows[7].how, "int3");
	assert_false(rows[9].enabled);
	assert_string_equal(rows[9].how, "disabled");
}

static void test_breakpoints__debug_registers_that_point_nowhere_are_told(void **state)
{
	const uint64_t bps = SM_TASK + 0x400 + SM_T_BPS;

	(void)state;
	broken(bps, NOWHERE, KCO_BREAKPOINT_PTRACE, 0, 1, "a thread's debug register");
	broken(bps, UINT64_MAX - 3, KCO_BREAKPOINT_PTRACE, 0, 1, "a thread's debug register");
	broken(bps + 8, NOWHERE, KCO_BREAKPOINT_PTRACE, 1, 1, "a thread's debug register");
	broken(SM_PER_REG, NOWHERE, KCO_BREAKPOINT_PERF, 2, 1, "a CPU's debug register");
	// An event of another type is none, and is no failure.
	broken(SM_EVENT + SM_E_TYPE, 0, KCO_BREAKPOINT_PTRACE, 0, 0, "");
}

static void test_breakpoints__lists_of_events_that_loop_or_lead_nowhere_are_told(void **state)
{
	(void)state;
	broken(SM_TASK + 0x400 + SM_T_CTXP, NOWHERE, KCO_BREAKPOINT_PERF, 1, 1, "a task's perf events");
	broken(SM_EVENT + 0x80, SM_VIRT + SM_EVENT + 0x80, KCO_BREAKPOINT_PERF, 3, 1, "circle");
	broken(SM_EVENT + 0x100, SM_VIRT + SM_EVENT + 0x80, KCO_BREAKPOINT_PERF, 3, 1, "circle");
	broken(SM_EVENT + 0x100, NOWHERE, KCO_BREAKPOINT_PERF, 3, 1, "a task's perf events");
	// What is behind the hole is found from the other end.
	broken(SM_CTX + 8, NOWHERE, KCO_BREAKPOINT_PERF, 3, 1, "a task's perf events");
	// The list is whole, and an event of it is not.
	stopmake_init(&kernel);
	stopmake_list(&kernel, SM_CTX + 8, (const uint64_t[]){ SM_EVENT + 0x80, VMA_MEMORY - 16, SM_EVENT + 0x100 }, 3);
	get();
	assert_int_equal(count(KCO_BREAKPOINT_PERF), 3);
	assert_int_equal(failed(KCO_BREAKPOINT_PERF, "a task's perf events: struct perf_event"), 1);
	// A circle of events that are no breakpoints.
	stopmake_init(&kernel);
	for (unsigned i = 1; i < 3; i++)
		stopmake_put(&kernel, SM_EVENT + 0x80 * i + SM_E_TYPE, 1, 4);
	stopmake_put(&kernel, SM_EVENT + 0x100, SM_VIRT + SM_EVENT + 0x80, 8);
	get();
	assert_int_equal(count(KCO_BREAKPOINT_PERF), 1);
	assert_int_equal(failed(KCO_BREAKPOINT_PERF, "circle"), 1);
}

static void test_breakpoints__a_tree_of_uprobes_that_loops_or_ends_in_nothing_is_told(void **state)
{
	(void)state;
	broken(SM_TREE, NOWHERE, KCO_BREAKPOINT_UPROBE, 0, 1, "uprobe");
	broken(SM_TREE, 0, KCO_BREAKPOINT_UPROBE, 0, 0, "");
	broken(SM_UPROBE + 8, NOWHERE, KCO_BREAKPOINT_UPROBE, 2, 1, "uprobe");
	broken(SM_UPROBE + 8, UINT64_MAX - 15, KCO_BREAKPOINT_UPROBE, 2, 1, "uprobe");
	broken(SM_UPROBE + 8, SM_VIRT + SM_UPROBE, KCO_BREAKPOINT_UPROBE, 2, 1, "circle");
	broken(SM_UPROBE + 0x80 + 16, SM_VIRT + SM_UPROBE, KCO_BREAKPOINT_UPROBE, 3, 1, "circle");
}

static void test_breakpoints__a_tree_deeper_than_any_is_cut(void **state)
{
	const unsigned levels = 200;

	(void)state;
	stopmake_init(&kernel);
	stopmake_put(&kernel, SM_TREE, SM_VIRT + SM_ROOM, 8);
	// Down by the right child, which is looked at first; each level has a left one, too.
	for (unsigned i = 0; i < levels; i++) {
		uint64_t node = SM_ROOM + 0x50 * i;

		stopmake_put(&kernel, node + 8, SM_VIRT + node + 0x50, 8);
		stopmake_put(&kernel, node + 16, SM_VIRT + node + 0x28, 8);
	}
	get();
	assert_int_equal(failed(KCO_BREAKPOINT_UPROBE, "does not end"), 1);
	assert_in_range(count(KCO_BREAKPOINT_UPROBE), 100, levels);
	assert_int_equal(count(KCO_BREAKPOINT_KPROBE), 3);
}

static void test_breakpoints__lists_of_kprobes_that_loop_or_lead_nowhere_are_told(void **state)
{
	(void)state;
	broken(SM_TABLE + 8 * 5, NOWHERE, KCO_BREAKPOINT_KPROBE, 1, 1, "kprobe");
	broken(SM_KPROBE + 0x20, NOWHERE, KCO_BREAKPOINT_KPROBE, 3, 1, "kprobe");
	broken(SM_KPROBE + 0x20, UINT64_MAX - 7, KCO_BREAKPOINT_KPROBE, 3, 1, "kprobe");
	broken(SM_KPROBE + 0x20, SM_VIRT + SM_KPROBE, KCO_BREAKPOINT_KPROBE, 3, 1, "does not end");
	broken(SM_KPROBE + 0x40, SM_VIRT + SM_KPROBE + 0x40, KCO_BREAKPOINT_KPROBE, 3, 1, "does not end");
	// One list leads into another.
	broken(SM_KPROBE + 0x40, SM_VIRT + SM_KPROBE, KCO_BREAKPOINT_KPROBE, 3, 1, "does not end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_breakpoints__each_kind_is_found),
		cmocka_unit_test(test_breakpoints__debug_registers_that_point_nowhere_are_told),
		cmocka_unit_test(test_breakpoints__lists_of_events_that_loop_or_lead_nowhere_are_told),
		cmocka_unit_test(test_breakpoints__a_tree_of_uprobes_that_loops_or_ends_in_nothing_is_told),
		cmocka_unit_test(test_breakpoints__a_tree_deeper_than_any_is_cut),
		cmocka_unit_test(test_breakpoints__lists_of_kprobes_that_loop_or_lead_nowhere_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
