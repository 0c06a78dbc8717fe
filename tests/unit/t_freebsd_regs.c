// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose registers lie where in a FreeBSD kernel, and stacks that lead through
 * trap frames to user mode.
 */
#include <kco/unwind.h>

#include "fbsdmake.h"
#include "freebsd_process.h"
#include "x86_64.h"

#define STACK FBSD_AT(FBSD_STACKS)
#define TOP (STACK + 8192)
#define NMI FBSD_AT(FBSD_STACKS + 0x8000) /* a stack of one page */
#define PCB FBSD_AT(FBSD_OBJECTS + 0x3000)
#define DUMPPCB FBSD_AT(FBSD_OBJECTS + 0x3100)

static struct fbsd f;
static struct kco_trace trace;
static struct kco_unwinder *uw;
static struct kco_task task;
static uint64_t thread;

/* A thread that is asleep, on four CPUs of which the first two stopped. */
static void start(void)
{
	uint64_t end = FBSD_AT(FBSD_DATA + 64);

	fbsd_init(&f, true, 4);
	fbsd_code(&f);
	fbsd_symbol(&f, "cpu_switch", FBSD_FUNC(1), 64, 'T');
	fbsd_symbol(&f, "calltrap", FBSD_FUNC(8), 0, 'T');
	fbsd_symbol(&f, "trap_is_over", FBSD_FUNC(9), 0, 't');
	fbsd_symbol(&f, "fast_syscall_common", FBSD_FUNC(10), 0, 't');
	fbsd_symbol(&f, "fork_trampoline", FBSD_FUNC(11), 64, 'T');
	fbsd_symbol(&f, "Xapic_isr1", FBSD_FUNC(12), 0, 'T');
	fbsd_symbol(&f, "X_is_none", FBSD_FUNC(13), 64, 'T');
	fbsd_symbol(&f, "nmi_calltrap", FBSD_FUNC(14), 0, 't');
	fbsd_symbol(&f, "trap", FBSD_FUNC(15), 64 * 49, 'T');
	fbsd_symbol(&f, "dumppcb", DUMPPCB, PCB_SIZE, 'b');
	fbsd_symbol(&f, "stoppcbs", FBSD_AT(FBSD_STOPPCBS), 4 * PCB_SIZE, 'B');
	fbsd_variable(&f, "stopped_cpus", 3, 8);
	fbsd_variable(&f, "all_cpus", 15, 8);
	fbsd_variable(&f, "dumptid", 100009, 4);
	fbsd_variable(&f, "zombproc", 0, 8);
	fbsd_symbol(&f, "common_tss", FBSD_AT(FBSD_DATA + 0x800), 4 * TSS_SIZE, 'B');
	fbsd_put(&f, FBSD_AT(FBSD_DATA + 0x800) + TSS_IST2, NMI + 4096 - 32, 8);
	thread = fbsd_thread(&f, fbsd_proc(&f, &end, 5, "p"), 100005, "p");
	fbsd_put(&f, thread + TD_STATE, 1, 4);
	fbsd_put(&f, thread + TD_INHIBITORS, 2, 4);
	fbsd_put(&f, thread + TD_KSTACK, STACK, 8);
	fbsd_put(&f, thread + TD_KSTACK_PAGES, 2, 4);
	fbsd_put(&f, thread + TD_PCB, PCB, 8);
}

static void put_pcb(uint64_t pcb, uint64_t rip, uint64_t rsp, uint64_t rbp)
{
	fbsd_put(&f, pcb + PCB_RIP, rip, 8);
	fbsd_put(&f, pcb + PCB_RSP, rsp, 8);
	fbsd_put(&f, pcb + PCB_RBP, rbp, 8);
	fbsd_put(&f, pcb + PCB_RBX, 0xbbb, 8);
}

static void put_call(uint64_t fp, uint64_t saved, uint64_t ret)
{
	fbsd_put(&f, fp, saved, 8);
	fbsd_put(&f, fp + 8, ret, 8);
}

static void put_frame(uint64_t at, uint64_t rip, uint64_t cs, uint64_t rsp, uint64_t rbp)
{
	fbsd_put(&f, at + TF_RIP, rip, 8);
	fbsd_put(&f, at + TF_CS, cs, 8);
	fbsd_put(&f, at + TF_RSP, rsp, 8);
	fbsd_put(&f, at + TF_RBP, rbp, 8);
	fbsd_put(&f, at + TF_RAX, 0xaaa, 8);
}

static void runs_on(uint32_t cpu)
{
	fbsd_put(&f, thread + TD_STATE, 4, 4);
	fbsd_put(&f, thread + TD_ONCPU, cpu, 4);
}

static void open_task(void)
{
	const struct kco_task *tasks;
	size_t n;

	fbsd_open(&f);
	assert_int_equal(kco_tasks_get(&f.s, &tasks, &n, &f.err), KCO_OK);
	assert_int_equal(n, 1);
	task = tasks[0];
}

static enum kco_status unwind(void)
{
	open_task();
	assert_int_equal(kco_unwinder_new(&f.s, &uw, NULL), KCO_OK);
	return kco_unwind_task(uw, &task, &trace, &f.err);
}

static int teardown(void **state)
{
	(void)state;
	kco_unwinder_free(uw);
	uw = NULL;
	freebsd_process_fini(&f.s);
	fbsd_fini(&f);
	return 0;
}

static void regs_are(uint64_t rip, uint64_t rsp)
{
	struct kco_regs regs;

	open_task();
	if (freebsd_task_regs(&f.s, f.s.mem, &task, &regs, &f.err))
		fail_msg("%s", f.err.msg);
	assert_int_equal(regs.v[X86_64_RIP], rip);
	assert_int_equal(regs.v[X86_64_RSP], rsp);
	assert_int_equal(regs.v[X86_64_RBX], 0xbbb);
	assert_false(kco_regs_get(&regs, X86_64_RAX, &rip));
}

static void no_regs(const char *why)
{
	struct kco_regs regs;

	open_task();
	assert_int_equal(freebsd_task_regs(&f.s, f.s.mem, &task, &regs, &f.err), KCO_E_RANGE);
	assert_msg(&f.err, why);
}

static void test_freebsd_regs__asleep_they_are_in_the_pcb(void **state)
{
	(void)state;
	start();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, STACK + 0x200);
	regs_are(FBSD_RET(1), STACK + 0x108);
}

static void test_freebsd_regs__of_the_dumping_thread_in_dumppcb(void **state)
{
	(void)state;
	start();
	fbsd_put(&f, thread + TD_TID, 100009, 4);
	runs_on(3); // which never stopped
	put_pcb(DUMPPCB, FBSD_RET(2), STACK + 0x300, STACK + 0x400);
	regs_are(FBSD_RET(2), STACK + 0x308);
}

static void test_freebsd_regs__of_stopped_cpus_in_stoppcbs(void **state)
{
	(void)state;
	start();
	runs_on(1);
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, STACK + 0x200); // stale
	put_pcb(FBSD_AT(FBSD_STOPPCBS + PCB_SIZE), FBSD_RET(3), STACK + 0x500, STACK + 0x600);
	regs_are(FBSD_RET(3), STACK + 0x508);
}

/* What newer kernels have: the variable points to an array. */
static void test_freebsd_regs__stoppcbs_may_be_a_pointer(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < f.nr_symbols; i++)
		if (!strcmp(f.symbols[i].name, "stoppcbs"))
			f.symbols[i].name = "unused";
	fbsd_variable(&f, "stoppcbs", FBSD_AT(FBSD_STOPPCBS + 0x800), 8);
	runs_on(1);
	put_pcb(FBSD_AT(FBSD_STOPPCBS + 0x800 + PCB_SIZE), FBSD_RET(4), STACK + 0x500, STACK + 0x600);
	regs_are(FBSD_RET(4), STACK + 0x508);
}

static void test_freebsd_regs__a_cpu_that_ran_on_left_none(void **state)
{
	(void)state;
	start();
	runs_on(2);
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, STACK + 0x200);
	no_regs("CPU 2 did not stop when the kernel died: it left no registers");
}

static void test_freebsd_regs__a_cpu_that_stopped_without_is_told(void **state)
{
	(void)state;
	start();
	runs_on(0);
	no_regs("CPU 0 stopped without saving its registers");
}

static void test_freebsd_regs__a_cpu_beyond_the_last_has_none(void **state)
{
	struct kco_regs regs;

	(void)state;
	start();
	open_task();
	task.flags |= KCO_TASK_ACTIVE;
	task.cpu = 4;
	assert_int_equal(freebsd_task_regs(&f.s, f.s.mem, &task, &regs, &f.err), KCO_E_RANGE);
	assert_msg(&f.err, "no CPU 4: there are 4");
	assert_int_equal(freebsd_cpu_regs(&f.s, UINT32_MAX, &regs, NULL), KCO_E_RANGE);
}

static void test_freebsd_regs__a_wild_pcb_is_an_error(void **state)
{
	struct kco_regs regs;

	(void)state;
	start();
	fbsd_put(&f, thread + TD_PCB, UINT64_MAX - 8, 8);
	open_task();
	assert_int_not_equal(freebsd_task_regs(&f.s, f.s.mem, &task, &regs, &f.err), KCO_OK);
	assert_non_null(strstr(f.err.msg, "pcb at 0xfffffffffffffff7"));
}

static void frame(size_t i, enum kco_frame_kind kind, uint64_t pc, uint64_t sp, enum kco_frame_by by)
{
	assert_true(i < trace.n);
	assert_int_equal(trace.frames[i].kind, kind);
	assert_int_equal(trace.frames[i].pc, pc);
	assert_int_equal(trace.frames[i].sp, sp);
	assert_int_equal(trace.frames[i].by, by);
}

/* sleep <- a function <- entered by an exception in the kernel <- a function <- a system call <- user mode */
static void test_freebsd_regs__a_stack_leads_through_traps_to_user_mode(void **state)
{
	uint64_t user = TOP - TF_SIZE - 64, trap = STACK + 0x800, rax;

	(void)state;
	start();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, STACK + 0x200);
	put_call(STACK + 0x200, trap - 16, FBSD_RET(2));
	put_call(trap - 16, 0x1234, FBSD_RET(8));
	put_frame(trap, FBSD_FUNC(20) + 7, 0x20, STACK + 0x900, STACK + 0xa00);
	put_call(STACK + 0xa00, user - 16, FBSD_RET(4));
	put_call(user - 16, 0x5678, FBSD_RET(10));
	put_frame(user, 0x800123456, 0x43, 0x7fffffffe000, 0x7fffffffe100);
	fbsd_put(&f, thread + TD_FRAME, user, 8);
	assert_int_equal(unwind(), KCO_OK);
	assert_int_equal(trace.n, 7);
	frame(0, KCO_FRAME_CALL, FBSD_RET(1), STACK + 0x108, KCO_BY_REGS);
	frame(1, KCO_FRAME_CALL, FBSD_RET(2), STACK + 0x210, KCO_BY_FP);
	frame(2, KCO_FRAME_CALL, FBSD_RET(8), trap, KCO_BY_FP);
	frame(3, KCO_FRAME_EXCEPTION, FBSD_FUNC(20) + 7, STACK + 0x900, KCO_BY_REGS);
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), STACK + 0xa10, KCO_BY_FP);
	frame(5, KCO_FRAME_CALL, FBSD_RET(10), user, KCO_BY_FP);
	frame(6, KCO_FRAME_USER, 0x800123456, 0x7fffffffe000, KCO_BY_REGS);
	assert_true(kco_regs_get(trace.frames[6].regs, X86_64_RAX, &rax));
	assert_int_equal(rax, 0xaaa);
	assert_string_equal(trace.why, "");
}

/* An interrupt of user mode: the entry's name begins with X. */
static void test_freebsd_regs__interrupt_entries_are_known_by_name(void **state)
{
	uint64_t user = TOP - TF_SIZE;

	(void)state;
	start();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, user - 16);
	put_call(user - 16, 0, FBSD_RET(12));
	put_frame(user, 0x400000, 0x43, 0x7fff0000, 0);
	assert_int_equal(unwind(), KCO_OK);
	assert_int_equal(trace.n, 3);
	frame(2, KCO_FRAME_USER, 0x400000, 0x7fff0000, KCO_BY_REGS);
}

/* A stopped CPU: on the NMI's stack, which leads back to that of the thread. */
static void test_freebsd_regs__an_nmi_leads_back_to_the_thread(void **state)
{
	uint64_t frame_at = NMI + 4096 - 32 - TF_SIZE;

	(void)state;
	start();
	runs_on(0);
	put_pcb(FBSD_AT(FBSD_STOPPCBS), FBSD_RET(30), NMI + 0x100, frame_at - 16);
	put_call(frame_at - 16, 0, FBSD_RET(14));
	put_frame(frame_at, FBSD_FUNC(21) + 3, 0x20, STACK + 0x700, STACK + 0x720);
	put_call(STACK + 0x720, 0, FBSD_RET(5));
	assert_int_equal(unwind(), KCO_OK);
	frame(0, KCO_FRAME_CALL, FBSD_RET(30), NMI + 0x108, KCO_BY_REGS);
	assert_string_equal(trace.frames[0].stack, "NMI");
	frame(2, KCO_FRAME_EXCEPTION, FBSD_FUNC(21) + 3, STACK + 0x700, KCO_BY_REGS);
	assert_string_equal(trace.frames[2].stack, "task");
	frame(3, KCO_FRAME_CALL, FBSD_RET(5), STACK + 0x730, KCO_BY_FP);
	assert_int_equal(trace.n, 4);
}

/* A kernel thread begins with an empty frame: that is its end, not a fault. */
static void test_freebsd_regs__a_kernel_thread_ends_at_fork_trampoline(void **state)
{
	uint64_t first = TOP - TF_SIZE;

	(void)state;
	start();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, first - 16);
	put_call(first - 16, 0, FBSD_RET(11));
	assert_int_equal(unwind(), KCO_OK);
	assert_int_equal(trace.n, 2);
	assert_string_equal(trace.why, "");
}

static void test_freebsd_regs__a_thread_that_never_ran_is_about_to(void **state)
{
	uint64_t user = TOP - TF_SIZE;

	(void)state;
	start();
	put_pcb(PCB, FBSD_FUNC(11), user - 8, 0);
	put_frame(user, 0x400000, 0x43, 0x7fff0000, 0);
	assert_int_equal(unwind(), KCO_OK);
	assert_int_equal(trace.n, 2);
	frame(0, KCO_FRAME_CALL, FBSD_FUNC(11), user, KCO_BY_REGS);
	frame(1, KCO_FRAME_USER, 0x400000, 0x7fff0000, KCO_BY_REGS);
}

/* A frame whose stack pointer leads back would make the walk go round. */
static void test_freebsd_regs__trap_frames_that_lead_back_end_it(void **state)
{
	uint64_t trap = STACK + 0x800;

	(void)state;
	start();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, trap - 16);
	put_call(trap - 16, 0, FBSD_RET(8));
	put_frame(trap, FBSD_RET(1), 0x20, STACK + 0x100, trap - 16);
	assert_int_equal(unwind(), KCO_E_CORRUPT);
	assert_int_equal(trace.n, 3);
	assert_non_null(strstr(trace.why, "leads back"));
}

static void test_freebsd_regs__text_is_between_the_linkers_borders(void **state)
{
	(void)state;
	start();
	fbsd_open(&f);
	assert_true(freebsd_is_text(&f.s, FBSD_FUNC(0)));
	assert_true(freebsd_is_text(&f.s, FBSD_FUNC(64) - 1));
	assert_false(freebsd_is_text(&f.s, FBSD_FUNC(64)));
	assert_false(freebsd_is_text(&f.s, FBSD_FUNC(0) - 1));
	assert_true(freebsd_is_entry(&f.s, FBSD_RET(8), false));
	assert_true(freebsd_is_entry(&f.s, FBSD_FUNC(9), false)); // the byte before it is calltrap's
	assert_false(freebsd_is_entry(&f.s, FBSD_RET(9), false));
	assert_false(freebsd_is_entry(&f.s, FBSD_RET(8), true));
	assert_true(freebsd_is_entry(&f.s, FBSD_RET(12), false));
	assert_false(freebsd_is_entry(&f.s, FBSD_RET(13), false));
	assert_true(freebsd_is_entry(&f.s, FBSD_FUNC(11), true));
	assert_false(freebsd_is_entry(&f.s, FBSD_FUNC(11) + 1, true));
}

static void test_freebsd_regs__cpus_and_their_data(void **state)
{
	uint64_t addr;
	unsigned n;

	(void)state;
	start();
	fbsd_symbol(&f, "__start_set_pcpu", FBSD_AT(0x3000), 0, 'D');
	fbsd_symbol(&f, "__stop_set_pcpu", FBSD_AT(0x3100), 0, 'D');
	fbsd_symbol(&f, "dpcpu_off", FBSD_AT(FBSD_DATA + 0xa00), 32, 'B');
	fbsd_put(&f, FBSD_AT(FBSD_DATA + 0xa08), 0x1000, 8);
	fbsd_open(&f);
	assert_int_equal(kco_cpu_count(&f.s, &n, NULL), KCO_OK);
	assert_int_equal(n, 4);
	assert_true(kco_cpu_online(&f.s, 3));
	assert_false(kco_cpu_online(&f.s, 4));
	assert_int_equal(freebsd_percpu(&f.s, FBSD_AT(0x3010), 1, &addr, NULL), KCO_OK);
	assert_int_equal(addr, FBSD_AT(0x4010));
	assert_int_equal(freebsd_percpu(&f.s, FBSD_AT(0x3010), 2, &addr, NULL), KCO_E_NOSYM);
	assert_int_equal(freebsd_percpu(&f.s, FBSD_AT(0x3100), 1, &addr, NULL), KCO_E_RANGE);
	assert_int_equal(freebsd_percpu(&f.s, FBSD_AT(0x3010), 4, &addr, NULL), KCO_E_RANGE);
}

static void test_freebsd_regs__an_absurd_number_of_cpus_is_refused(void **state)
{
	unsigned n;

	(void)state;
	start();
	fbsd_put(&f, FBSD_AT(FBSD_DATA), UINT32_MAX, 4);
	fbsd_open(&f);
	assert_int_equal(kco_cpu_count(&f.s, &n, &f.err), KCO_E_CORRUPT);
	assert_msg(&f.err, "mp_maxid of 4294967295 makes no sense");
}

static enum kco_status user_regs(struct kco_thread_regs *ret)
{
	struct kco_process p = { .session = &f.s, .pid = 5, .leader = &task };

	open_task();
	*ret = (struct kco_thread_regs){ .entry = KCO_ENTRY_UNKNOWN, .syscall = -1 };
	return freebsd_thread_regs(&p, &task, ret, &f.err);
}

/* What td_frame names is of an earlier system call. */
static void stale_frame(void)
{
	put_frame(TOP - TF_SIZE, 0x400000, 0x43, 0x7fff0000, 0);
	fbsd_put(&f, thread + TD_FRAME, TOP - TF_SIZE, 8);
}

static void test_freebsd_regs__of_user_mode_are_what_the_nmi_interrupted(void **state)
{
	uint64_t frame_at = NMI + 4096 - 32 - TF_SIZE;
	struct kco_thread_regs regs;

	(void)state;
	start();
	runs_on(0);
	stale_frame();
	put_pcb(FBSD_AT(FBSD_STOPPCBS), FBSD_RET(30), NMI + 0x100, frame_at - 16);
	put_call(frame_at - 16, 0, FBSD_RET(14));
	put_frame(frame_at, 0x500000, 0x43, 0x7fff8000, 0);
	assert_int_equal(user_regs(&regs), KCO_OK);
	assert_int_equal(regs.regs.v[X86_64_RIP], 0x500000);
	assert_int_equal(regs.frame, frame_at);
	assert_int_equal(regs.entry, KCO_ENTRY_NONE);
	assert_true(regs.bases_old);
}

/* The NMI interrupted the kernel, which an interrupt had taken out of user mode: td_frame knows nothing of it. */
static void test_freebsd_regs__of_user_mode_lie_below_what_the_nmi_interrupted(void **state)
{
	uint64_t frame_at = NMI + 4096 - 32 - TF_SIZE, user = TOP - 2 * TF_SIZE;
	struct kco_thread_regs regs;

	(void)state;
	start();
	runs_on(0);
	stale_frame();
	put_pcb(FBSD_AT(FBSD_STOPPCBS), FBSD_RET(30), NMI + 0x100, frame_at - 16);
	put_call(frame_at - 16, 0, FBSD_RET(14));
	put_frame(frame_at, FBSD_FUNC(21) + 3, 0x20, STACK + 0x700, user - 16);
	put_call(user - 16, 0, FBSD_RET(12));
	put_frame(user, 0x500000, 0x43, 0x7fff8000, 0);
	assert_int_equal(user_regs(&regs), KCO_OK);
	assert_int_equal(regs.regs.v[X86_64_RIP], 0x500000);
	assert_int_equal(regs.frame, user);
	assert_int_equal(regs.entry, KCO_ENTRY_UNKNOWN);
}

static void test_freebsd_regs__of_user_mode_are_not_made_up(void **state)
{
	struct kco_thread_regs regs;

	(void)state;
	start();
	runs_on(2); // which never stopped
	stale_frame();
	assert_int_equal(user_regs(&regs), KCO_E_RANGE);
	assert_msg(&f.err, "CPU 2 did not stop when the kernel died: it left no registers, and td_frame may be of an "
			   "earlier visit to the kernel");
}

/* The NMI's frame is not of user mode, and nothing leads on from what it interrupted. */
static void test_freebsd_regs__a_stack_that_ends_early_leads_to_no_user_mode(void **state)
{
	uint64_t frame_at = NMI + 4096 - 32 - TF_SIZE;
	struct kco_thread_regs regs;

	(void)state;
	start();
	runs_on(0);
	stale_frame();
	put_pcb(FBSD_AT(FBSD_STOPPCBS), FBSD_RET(30), NMI + 0x100, frame_at - 16);
	put_call(frame_at - 16, 0, FBSD_RET(14));
	put_frame(frame_at, FBSD_FUNC(21) + 3, 0x20, STACK + 0x700, 0);
	assert_int_equal(user_regs(&regs), KCO_E_RANGE);
	assert_non_null(strstr(f.err.msg, "earlier visit"));
}

/* Asleep: its stack tells; where it does not, td_frame does. */
static void test_freebsd_regs__of_a_sleeper_are_on_its_stack(void **state)
{
	uint64_t user = TOP - 2 * TF_SIZE;
	struct kco_thread_regs regs;

	(void)state;
	start();
	stale_frame();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, user - 16);
	put_call(user - 16, 0, FBSD_RET(12));
	put_frame(user, 0x500000, 0x43, 0x7fff8000, 0);
	assert_int_equal(user_regs(&regs), KCO_OK);
	assert_int_equal(regs.frame, user);
	assert_false(regs.bases_old);
}

static void test_freebsd_regs__of_a_sleeper_may_be_at_td_frame(void **state)
{
	struct kco_thread_regs regs;

	(void)state;
	start();
	stale_frame();
	put_pcb(PCB, FBSD_RET(1), STACK + 0x100, 0);
	assert_int_equal(user_regs(&regs), KCO_OK);
	assert_int_equal(regs.frame, TOP - TF_SIZE);
	assert_int_equal(regs.regs.v[X86_64_RIP], 0x400000);
}

#define T(name) cmocka_unit_test_teardown(test_freebsd_regs__##name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(asleep_they_are_in_the_pcb),
		T(of_the_dumping_thread_in_dumppcb),
		T(of_stopped_cpus_in_stoppcbs),
		T(stoppcbs_may_be_a_pointer),
		T(a_cpu_that_ran_on_left_none),
		T(a_cpu_that_stopped_without_is_told),
		T(a_cpu_beyond_the_last_has_none),
		T(a_wild_pcb_is_an_error),
		T(a_stack_leads_through_traps_to_user_mode),
		T(interrupt_entries_are_known_by_name),
		T(an_nmi_leads_back_to_the_thread),
		T(a_kernel_thread_ends_at_fork_trampoline),
		T(a_thread_that_never_ran_is_about_to),
		T(trap_frames_that_lead_back_end_it),
		T(text_is_between_the_linkers_borders),
		T(cpus_and_their_data),
		T(an_absurd_number_of_cpus_is_refused),
		T(of_user_mode_are_what_the_nmi_interrupted),
		T(of_user_mode_lie_below_what_the_nmi_interrupted),
		T(of_user_mode_are_not_made_up),
		T(a_stack_that_ends_early_leads_to_no_user_mode),
		T(of_a_sleeper_are_on_its_stack),
		T(of_a_sleeper_may_be_at_td_frame),
	};

	return cmocka_run_group_tests_name("freebsd_regs", tests, NULL, NULL);
}
