// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tasks grouped into processes, with a personality that knows nothing else.
 */
#include <kco/process.h>

#include <stdlib.h>
#include <string.h>

#include <kco/os_process.h>

#include "process_priv.h"
#include "unit.h"

#define MM UINT64_C(0x1000)

static const struct kco_task tasks[] = {
	{ .addr = 0x10, .flags = KCO_TASK_IDLE },
	{ .addr = 0x11, .flags = KCO_TASK_IDLE, .cpu = 1 },
	{ .addr = 0x20, .tgid = 300, .tid = 302, .mm = MM + 2 }, /* a thread that is listed before its leader */
	{ .addr = 0x21, .tgid = 300, .tid = 300, .mm = 0 },	 /* the leader has ended */
	{ .addr = 0x22, .tgid = 300, .tid = 301, .mm = MM + 2 },
	{ .addr = 0x30, .tgid = 2, .tid = 2, .flags = KCO_TASK_KTHREAD, .mm = MM }, /* using somebody's */
	{ .addr = 0x40, .tgid = -1, .tid = -1, .status = KCO_E_UNMAPPED },	    /* could not be read */
	{ .addr = 0x50, .tgid = 1, .tid = 1, .mm = MM + 1 },
	{ .addr = 0x60, .tgid = 400, .tid = 407, .mm = MM + 3 }, /* its leader is gone for good */
};
#define NR_TASKS (sizeof(tasks) / sizeof(tasks[0]))

static enum kco_status fake_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
				  void *arg, struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	(void)s;
	for (size_t i = 0; i < NR_TASKS && !st; i++)
		st = add(arg, &tasks[i]);
	return st ? kco_fail(err, st, "no more tasks") : KCO_OK;
}

static const struct kco_paging fake_form = { .name = "fake", .levels = 1 };

static enum kco_status fake_space(struct kco_process *p, struct kco_space *ret, struct kco_err *err)
{
	if (p->mm == MM + 3)
		return kco_fail(err, KCO_E_UNMAPPED, "its page tables cannot be read");
	ret->form = &fake_form;
	ret->root = KCO_PADDR(p->mm);
	return KCO_OK;
}

static const struct kco_os_process_ops fake_process = { .space = fake_space };
static const struct kco_os_ops fake_os = { .name = "fake", .process = &fake_process, .tasks = fake_tasks };

struct fixture {
	struct kco_session s;
	struct kco_process *const *list;
	size_t n;
};

static void fixture_init(struct fixture *f)
{
	const struct kco_lazy there = { .tried = true, .err = KCO_ERR_INIT };

	memset(f, 0, sizeof(*f));
	kco_arena_init(&f->s.arena);
	f->s.os = &fake_os;
	f->s.lazy_os = f->s.lazy_symbols = f->s.lazy_types = there;
}

static void fixture_fini(struct fixture *f)
{
	kco_session_processes_fini(&f->s);
	free(f->s.tasks);
	free(f->s.task_by_tid);
	free(f->s.task_by_addr);
	kco_arena_fini(&f->s.arena);
}

static void test_process__the_kernel_first_then_by_pid(void **state)
{
	static const int64_t pids[] = { 0, 1, 2, 300, 400 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(kco_processes_get(&f.s, &f.list, &f.n, NULL), KCO_OK);
	assert_int_equal(f.n, 5);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(f.list[i]->pid, pids[i]);
	// The kernel has every task for a thread, also the one that could not be read.
	assert_int_equal(f.list[0]->nr_threads, NR_TASKS);
	assert_int_equal(f.list[0]->threads[0]->addr, 0x10);
	assert_true(f.list[2]->hidden);
	assert_false(f.list[1]->hidden);
	fixture_fini(&f);
}

static void test_process__main_thread_first_and_the_others_by_tid(void **state)
{
	struct kco_process *p;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(kco_process_get(&f.s, 300, &p, NULL), KCO_OK);
	assert_int_equal(p->nr_threads, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(p->threads[i]->tid, 300 + i);
	assert_int_equal(p->leader->tid, 300);
	assert_int_equal(kco_process_get(&f.s, 400, &p, NULL), KCO_OK);
	assert_int_equal(p->leader->tid, 407);
	fixture_fini(&f);
}

static void test_process__address_space_of_a_leader_that_ended_is_its_threads(void **state)
{
	struct kco_process *p, *other;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(kco_process_get(&f.s, 300, &p, NULL), KCO_OK);
	assert_true(p->mm == MM + 2);
	assert_ptr_equal(p->space.form, &fake_form);
	assert_true(p->space.root.v == MM + 2);
	// Each space has an id of its own: it tags translations.
	assert_int_equal(kco_process_get(&f.s, 1, &other, NULL), KCO_OK);
	assert_int_not_equal(p->space.id, other->space.id);
	// A kernel thread has none, whatever it borrows.
	assert_int_equal(kco_process_get(&f.s, 2, &p, NULL), KCO_OK);
	assert_true(p->mm == 0 && !p->space.form);
	// Tables that cannot be read leave a process without a space, not a list without a process.
	assert_int_equal(kco_process_get(&f.s, 400, &p, NULL), KCO_OK);
	assert_null(p->space.form);
	fixture_fini(&f);
}

static void test_process__found_by_pid_by_tid_and_by_task(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_process *p;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(kco_process_get(&f.s, 302, &p, NULL), KCO_OK);
	assert_int_equal(p->pid, 300);
	assert_int_equal(kco_process_get(&f.s, 0, &p, NULL), KCO_OK);
	assert_int_equal(p->pid, 0);
	assert_int_equal(kco_process_get(&f.s, 299, &p, &err), KCO_E_USAGE);
	assert_msg(&err, "no process has the pid 299");
	assert_int_equal(kco_process_get(&f.s, -1, &p, NULL), KCO_E_USAGE);
	assert_int_equal(kco_process_of(&f.s, kco_task_by_addr(&f.s, 0x22))->pid, 300);
	assert_int_equal(kco_process_of(&f.s, kco_task_by_addr(&f.s, 0x11))->pid, 0);
	assert_null(kco_process_of(&f.s, kco_task_by_addr(&f.s, 0x40)));
	fixture_fini(&f);
}

static void test_process__parts_are_freed_with_the_session(void **state)
{
	struct kco_process *p;
	struct fixture f;
	int freed = 0;

	(void)state;
	fixture_init(&f);
	assert_int_equal(kco_process_get(&f.s, 1, &p, NULL), KCO_OK);
	assert_null(process_part(p, PROCESS_VMAS));
	process_part_set(p, PROCESS_VMAS, malloc(16), free);
	process_part_set(p, PROCESS_OS, &freed, NULL);
	assert_ptr_equal(process_part(p, PROCESS_OS), &freed);
	fixture_fini(&f); // the sanitizer would tell
}

static void test_process__memory_that_runs_out_is_an_error(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct kco_err err = KCO_ERR_INIT;
		enum kco_status st;
		struct fixture f;

		fixture_init(&f);
		unit_fault_arm(n);
		st = kco_processes_get(&f.s, &f.list, &f.n, &err);
		if (!unit_fault_fired()) {
			assert_int_equal(st, KCO_OK);
			fixture_fini(&f);
			break;
		}
		assert_int_equal(st, KCO_E_NOMEM);
		fixture_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process__the_kernel_first_then_by_pid),
		cmocka_unit_test(test_process__main_thread_first_and_the_others_by_tid),
		cmocka_unit_test(test_process__address_space_of_a_leader_that_ended_is_its_threads),
		cmocka_unit_test(test_process__found_by_pid_by_tid_and_by_task),
		cmocka_unit_test(test_process__parts_are_freed_with_the_session),
		cmocka_unit_test(test_process__memory_that_runs_out_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
