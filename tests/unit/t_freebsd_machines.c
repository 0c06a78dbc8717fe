// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD's registers, trap frames and stacks on i386, arm64 and RISC-V (amd64
 * is t_freebsd_regs.c's). Layouts are those of FreeBSD 12.1: struct pcb and
 * struct trapframe of sys/ARCH/include, and what sys/ARCH/ARCH/exception.S
 * leaves on the stack.
 */
#include <elf.h>
#include <stdint.h>

static uint64_t kernel_base;
#define FBSD_BASE kernel_base
#include <kco/unwind.h>

#include "fbsdmake.h"

#define STACK FBSD_AT(FBSD_STACKS)
#define THREAD FBSD_AT(FBSD_OBJECTS)
#define PCB FBSD_AT(FBSD_OBJECTS + 0x3000)

struct array {
	const char *name;
	uint32_t offset, size, n; /* n elements of size bytes; 0: no array */
};

static struct fbsd f;
static struct kco_trace trace;
static struct kco_unwinder *uw;
static struct kco_task task;
static unsigned word;

static void make_struct(struct btfmake *b, const uint32_t *ints, const char *name, uint32_t size,
			const struct array *members, unsigned n)
{
	struct fbsd_member made[16];

	for (unsigned i = 0; i < n; i++) {
		uint32_t type = ints[members[i].size];

		if (members[i].n)
			type = btfmake_array(b, type, members[i].n);
		made[i] = (struct fbsd_member){ members[i].name, type, members[i].offset };
	}
	fbsd_struct(b, name, size, made, n);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A thread that is asleep in a kernel of @machine; @call: the instruction that ends at FBSD_RET(). */
static void start(const struct freebsd_machine *machine, const struct array *pcb, unsigned nr_pcb,
		  const struct array *frame, unsigned nr_frame, const char *call, size_t nr_call)
{
	const struct array thread[] = { { "td_pcb", 8, machine->elf_machine == EM_386 ? 4 : 8, 0 } };
	const struct array *last_pcb = &pcb[nr_pcb - 1], *last_frame = &frame[nr_frame - 1];
	uint32_t ints[9] = { 0 };
	struct btfmake b;
	void *data;
	size_t n;

	kernel_base = machine->elf_machine == EM_386 ? 0xc1000000 : UINT64_C(0xffffffc000000000);
	fbsd_init(&f, false, 1);
	f.os.machine = machine;
	f.s.arch = kco_arch_by_machine(machine->elf_machine);
	assert_non_null(f.s.arch);
	word = f.s.arch->ptr_size;
	f.s.kernel = (struct kco_space){ .arch = f.s.arch, .addr_mask = f.s.arch->phys_mask, .id = 1 };
	btfmake_init(&b, NULL);
	ints[2] = btfmake_int(&b, "short", 2, 0, 16);
	ints[4] = btfmake_int(&b, "int", 4, 0, 32);
	ints[8] = btfmake_int(&b, "long long", 8, 0, 64);
	make_struct(&b, ints, "thread", 64, thread, 1);
	make_struct(&b, ints, "pcb", last_pcb->offset + last_pcb->size * (last_pcb->n ? last_pcb->n : 1) + 16, pcb,
		    nr_pcb);
	make_struct(&b, ints, "trapframe", last_frame->offset + last_frame->size * (last_frame->n ? last_frame->n : 1),
		    frame, nr_frame);
	data = btfmake_take(&b, &n);
	btfmake_fini(&b);
	assert_int_equal(kco_btf_new_take(data, n, NULL, word, &f.s.types, NULL), KCO_OK);
	f.s.lazy_types = fbsd_there(KCO_OK);
	for (int i = 0; i < 64; i++)
		memcpy(f.m.bytes + FBSD_TEXT + 64 * i + 32 - nr_call, call, nr_call);
	fbsd_symbol(&f, "btext", FBSD_FUNC(0), 64, 'T');
	fbsd_symbol(&f, "etext", FBSD_FUNC(64), 0, 'D');
	fbsd_symbol(&f, "some_function", FBSD_FUNC(1), 64, 'T');
	fbsd_symbol(&f, "another", FBSD_FUNC(9), 64, 'T');
	fbsd_symbol(&f, "fork_trampoline", FBSD_FUNC(11), 64, 'T');
	fbsd_symbol(&f, "what_follows", FBSD_FUNC(12), 64, 'T');
	fbsd_put(&f, THREAD + 8, PCB, word);
	task = (struct kco_task){ .addr = THREAD, .tid = 100005, .cpu = -1, .stack = STACK, .stack_size = 8192 };
}
#define START(machine, pcb, frame, call) start(machine, pcb, COUNT(pcb), frame, COUNT(frame), call, sizeof(call) - 1)

static int teardown(void **state)
{
	(void)state;
	kco_unwinder_free(uw);
	uw = NULL;
	fbsd_fini(&f);
	return 0;
}

static enum kco_status unwind(void)
{
	fbsd_open(&f);
	assert_int_equal(kco_unwinder_new(&f.s, &uw, NULL), KCO_OK);
	return kco_unwind_task(uw, &task, &trace, &f.err);
}

static void put(uint64_t va, uint64_t value)
{
	fbsd_put(&f, va, value, word);
}

static void frame(size_t i, enum kco_frame_kind kind, uint64_t pc, uint64_t sp, enum kco_frame_by by)
{
	assert_true(i < trace.n);
	assert_int_equal(trace.frames[i].kind, kind);
	assert_int_equal(trace.frames[i].pc, pc);
	assert_int_equal(trace.frames[i].sp, sp);
	assert_int_equal(trace.frames[i].by, by);
}

static void reg_is(const struct kco_regs *regs, const char *name, uint64_t value)
{
	int reg = kco_arch_reg(f.s.arch, name);
	uint64_t got = 0;

	assert_true(reg >= 0);
	assert_true(kco_regs_get(regs, (unsigned)reg, &got));
	assert_int_equal(got, value);
}

static void task_regs(struct kco_regs *regs)
{
	if (freebsd_task_regs(&f.s, f.s.mem, &task, regs, &f.err))
		fail_msg("%s", f.err.msg);
}

static const struct array i386_pcb[] = { { "pcb_edi", 0, 4, 0 },  { "pcb_esi", 4, 4, 0 },  { "pcb_ebp", 8, 4, 0 },
					 { "pcb_esp", 12, 4, 0 }, { "pcb_ebx", 16, 4, 0 }, { "pcb_eip", 20, 4, 0 } };
static const struct array i386_frame[] = {
	{ "tf_fs", 0, 4, 0 },	   { "tf_es", 4, 4, 0 },   { "tf_ds", 8, 4, 0 },   { "tf_edi", 12, 4, 0 },
	{ "tf_esi", 16, 4, 0 },	   { "tf_ebp", 20, 4, 0 }, { "tf_ebx", 28, 4, 0 }, { "tf_edx", 32, 4, 0 },
	{ "tf_ecx", 36, 4, 0 },	   { "tf_eax", 40, 4, 0 }, { "tf_eip", 52, 4, 0 }, { "tf_cs", 56, 4, 0 },
	{ "tf_eflags", 60, 4, 0 }, { "tf_esp", 64, 4, 0 }, { "tf_ss", 68, 4, 0 },
};
#define I386_FRAME_SIZE 72

static void start_i386(void)
{
	START(&freebsd_i386, i386_pcb, i386_frame, "\xe8\x20\0\0\0");
	fbsd_symbol(&f, "calltrap", FBSD_FUNC(8), 0, 'T');
	fbsd_symbol(&f, "Xapic_isr1", FBSD_FUNC(10), 0, 'T');
	put(PCB + 8, STACK + 0x200);  // ebp
	put(PCB + 12, STACK + 0x100); // esp
	put(PCB + 16, 0xbbb);
	put(PCB + 20, FBSD_RET(1));
}

static void put_i386_call(uint64_t fp, uint64_t saved, uint64_t ret)
{
	put(fp, saved);
	put(fp + 4, ret);
}

/* calltrap pushes one argument, interrupts' code two: the frame is behind them. The kernel's has no esp. */
static void test_freebsd_i386__a_stack_leads_through_traps_to_user_mode(void **state)
{
	uint64_t trap, user;

	(void)state;
	start_i386();
	trap = STACK + 0x800;
	user = STACK + 8192 - I386_FRAME_SIZE;
	put_i386_call(STACK + 0x200, trap - 16, FBSD_RET(2));
	put_i386_call(trap - 16, 0x1234, FBSD_RET(10));
	put(trap - 8, 48); // the interrupt's number
	put(trap - 4, trap);
	put(trap + 20, STACK + 0xa00);
	put(trap + 40, 0xaaa);
	put(trap + 52, FBSD_FUNC(20) + 7);
	put(trap + 56, 0x20);
	put_i386_call(STACK + 0xa00, user - 12, FBSD_RET(4));
	put_i386_call(user - 12, 0, FBSD_RET(8));
	put(user - 4, user);
	put(user + 52, 0x8048123);
	put(user + 56, 0x33);
	put(user + 64, 0xbfbfe000);
	assert_int_equal(unwind(), KCO_OK);
	frame(0, KCO_FRAME_CALL, FBSD_RET(1), STACK + 0x104, KCO_BY_REGS);
	frame(1, KCO_FRAME_CALL, FBSD_RET(2), STACK + 0x208, KCO_BY_FP);
	frame(2, KCO_FRAME_CALL, FBSD_RET(10), trap - 8, KCO_BY_FP);
	frame(3, KCO_FRAME_EXCEPTION, FBSD_FUNC(20) + 7, trap + 64, KCO_BY_REGS);
	reg_is(trace.frames[3].regs, "eax", 0xaaa);
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), STACK + 0xa08, KCO_BY_FP);
	frame(5, KCO_FRAME_CALL, FBSD_RET(8), user - 4, KCO_BY_FP);
	frame(6, KCO_FRAME_USER, 0x8048123, 0xbfbfe000, KCO_BY_REGS);
	assert_int_equal(trace.n, 7);
	assert_string_equal(trace.why, "");
}

/* What the rows say stands in for types that are not there. */
static void test_freebsd_i386__registers_without_types(void **state)
{
	struct kco_regs regs;

	(void)state;
	start_i386();
	kco_types_free(f.s.types);
	f.s.types = NULL;
	f.s.lazy_types = fbsd_there(KCO_E_NOTYPE);
	fbsd_variable(&f, "thread_off_td_pcb", 8, 4);
	fbsd_open(&f);
	task_regs(&regs);
	reg_is(&regs, "eip", FBSD_RET(1));
	reg_is(&regs, "esp", STACK + 0x104);
	reg_is(&regs, "ebp", STACK + 0x200);
	reg_is(&regs, "ebx", 0xbbb);
}

static void test_freebsd_i386__a_kernel_thread_ends_at_fork_trampoline(void **state)
{
	uint64_t first;

	(void)state;
	start_i386();
	first = STACK + 8192 - I386_FRAME_SIZE;
	put_i386_call(STACK + 0x200, 0, FBSD_RET(11));
	put(STACK + 0x208, FBSD_FUNC(30));
	put(STACK + 0x20c, THREAD);
	put(STACK + 0x210, first); // no frame in the middle of the stack: not right below it
	assert_int_equal(unwind(), KCO_OK);
	assert_int_equal(trace.n, 2);
	assert_string_equal(trace.why, "");
}

static const struct array arm64_pcb[] = { { "pcb_x", 0, 8, 31 }, { "pcb_pc", 248, 8, 0 }, { "pcb_sp", 256, 8, 0 } };
/* Since FreeBSD 14: sys/arm64/include/pcb.h */
static const struct array arm64_pcb_14[] = { { "pcb_x", 0, 8, 12 }, { "pcb_sp", 96, 8, 0 } };
static const struct array arm64_frame[] = {
	{ "tf_sp", 0, 8, 0 },	 { "tf_lr", 8, 8, 0 },	 { "tf_elr", 16, 8, 0 },
	{ "tf_spsr", 24, 4, 0 }, { "tf_esr", 28, 4, 0 }, { "tf_x", 32, 8, 30 },
};
#define ARM64_FRAME_SIZE 272
#define BL_NEXT "\x09\0\0\x94" /* bl, 36 bytes on: the next function's beginning */

static void start_arm64(void)
{
	START(&freebsd_arm64, arm64_pcb, arm64_frame, BL_NEXT);
	fbsd_symbol(&f, "handle_el1h_sync", FBSD_FUNC(8), 0, 'T');
	fbsd_symbol(&f, "handle_el0_sync", FBSD_FUNC(10), 0, 'T');
	put(PCB + 8 * 19, 0x1919);
	put(PCB + 8 * 29, STACK + 0x200);
	put(PCB + 8 * 30, FBSD_RET(1));
	put(PCB + 256, STACK + 0x100);
}

static void put_record(uint64_t fp, uint64_t saved, uint64_t ret)
{
	put(fp, saved);
	put(fp + 8, ret);
}

static void put_arm64_frame(uint64_t at, uint64_t pc, uint32_t spsr, uint64_t sp, uint64_t lr, uint64_t fp)
{
	put(at, sp);
	put(at + 8, lr);
	put(at + 16, pc);
	fbsd_put(&f, at + 24, spsr, 4);
	put(at + 32, 0xaaa);
	put(at + 32 + 8 * 29, fp);
}

static void test_freebsd_arm64__a_stack_leads_through_traps_to_user_mode(void **state)
{
	uint64_t trap, user, resumed;

	(void)state;
	start_arm64();
	trap = STACK + 0x800;
	user = STACK + 8192 - ARM64_FRAME_SIZE - 16;
	put_record(STACK + 0x200, STACK + 0x300, FBSD_RET(2));
	put_record(STACK + 0x300, trap + ARM64_FRAME_SIZE, FBSD_RET(8));
	// Interrupted where x30 is an old call's, and the frame is made.
	resumed = trap + ARM64_FRAME_SIZE + 16;
	put_arm64_frame(trap, FBSD_FUNC(20) + 8, 0x60000005, resumed, FBSD_RET(40), resumed + 0x40);
	put_record(resumed + 0x40, STACK + 0xc00, FBSD_RET(4));
	put_record(STACK + 0xc00, user + ARM64_FRAME_SIZE, FBSD_RET(10));
	put_arm64_frame(user, 0x400123, 0x60000000, 0xfffffffe0000, 0x400000, 0);
	assert_int_equal(unwind(), KCO_OK);
	frame(0, KCO_FRAME_CALL, FBSD_RET(1), STACK + 0x100, KCO_BY_REGS);
	frame(1, KCO_FRAME_CALL, FBSD_RET(2), STACK + 0x210, KCO_BY_FP);
	frame(2, KCO_FRAME_CALL, FBSD_RET(8), STACK + 0x310, KCO_BY_FP);
	frame(3, KCO_FRAME_EXCEPTION, FBSD_FUNC(20) + 8, resumed, KCO_BY_REGS);
	reg_is(trace.frames[3].regs, "x0", 0xaaa);
	reg_is(trace.frames[3].regs, "x30", FBSD_RET(40));
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), resumed + 0x50, KCO_BY_FP);
	frame(5, KCO_FRAME_CALL, FBSD_RET(10), STACK + 0xc10, KCO_BY_FP);
	frame(6, KCO_FRAME_USER, 0x400123, 0xfffffffe0000, KCO_BY_REGS);
	assert_int_equal(trace.n, 7);
	assert_string_equal(trace.why, "");
}

/* Interrupted before its frame is made: who called is in x30 only, and the frame pointer is the caller's own. */
static void test_freebsd_arm64__the_caller_of_a_leaf_is_in_the_link_register(void **state)
{
	uint64_t trap, resumed;

	(void)state;
	start_arm64();
	trap = STACK + 0x800;
	resumed = trap + ARM64_FRAME_SIZE + 16;
	put_record(STACK + 0x200, trap + ARM64_FRAME_SIZE, FBSD_RET(8));
	put_arm64_frame(trap, FBSD_FUNC(21) + 4, 5, resumed, FBSD_RET(20), resumed + 0x40);
	put_record(resumed + 0x40, 0, FBSD_RET(4));
	assert_int_equal(unwind(), KCO_OK);
	frame(2, KCO_FRAME_EXCEPTION, FBSD_FUNC(21) + 4, resumed, KCO_BY_REGS);
	frame(3, KCO_FRAME_CALL, FBSD_RET(20), resumed, KCO_BY_FP);
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), resumed + 0x50, KCO_BY_FP);
	assert_int_equal(trace.n, 5);
}

/* The same once the frame is made: not twice. */
static void test_freebsd_arm64__a_caller_in_both_places_is_one(void **state)
{
	uint64_t trap, resumed;

	(void)state;
	start_arm64();
	trap = STACK + 0x800;
	resumed = trap + ARM64_FRAME_SIZE + 16;
	put_record(STACK + 0x200, trap + ARM64_FRAME_SIZE, FBSD_RET(8));
	put_arm64_frame(trap, FBSD_FUNC(21) + 8, 5, resumed, FBSD_RET(20), resumed);
	put_record(resumed, 0, FBSD_RET(20));
	assert_int_equal(unwind(), KCO_OK);
	frame(3, KCO_FRAME_CALL, FBSD_RET(20), resumed + 16, KCO_BY_FP);
	assert_int_equal(trace.n, 4);
}

/* A call of a null pointer left where it came from in x30. */
static void test_freebsd_arm64__a_bad_call_came_from_the_link_register(void **state)
{
	uint64_t trap, resumed;

	(void)state;
	start_arm64();
	trap = STACK + 0x800;
	resumed = trap + ARM64_FRAME_SIZE + 16;
	put_record(STACK + 0x200, trap + ARM64_FRAME_SIZE, FBSD_RET(8));
	put_arm64_frame(trap, 0, 5, resumed, FBSD_RET(30), resumed + 0x40);
	put(resumed, FBSD_RET(33)); // on x86 it would be this
	put_record(resumed + 0x40, 0, FBSD_RET(4));
	assert_int_equal(unwind(), KCO_OK);
	frame(3, KCO_FRAME_CALL, FBSD_RET(30), resumed, KCO_BY_ORC);
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), resumed + 0x50, KCO_BY_FP);
}

static void test_freebsd_arm64__registers_of_both_forms_of_the_pcb(void **state)
{
	struct kco_regs regs;

	(void)state;
	start_arm64();
	fbsd_open(&f);
	task_regs(&regs);
	reg_is(&regs, "x19", 0x1919);
	reg_is(&regs, "x29", STACK + 0x200);
	reg_is(&regs, "pc", FBSD_RET(1));
	reg_is(&regs, "sp", STACK + 0x100);
	teardown(NULL);

	START(&freebsd_arm64, arm64_pcb_14, arm64_frame, BL_NEXT);
	put(PCB, 0x1919);
	put(PCB + 80, STACK + 0x200);
	put(PCB + 88, FBSD_RET(1));
	put(PCB + 96, STACK + 0x100);
	fbsd_open(&f);
	task_regs(&regs);
	reg_is(&regs, "x19", 0x1919);
	reg_is(&regs, "x29", STACK + 0x200);
	reg_is(&regs, "pc", FBSD_RET(1));
	reg_is(&regs, "sp", STACK + 0x100);
}

/* Where threads begin the frame pointer is cleared: the end, not a fault. */
static void test_freebsd_arm64__a_kernel_thread_ends_at_fork_trampoline(void **state)
{
	(void)state;
	start_arm64();
	put_record(STACK + 0x200, 0, FBSD_RET(11));
	assert_int_equal(unwind(), KCO_OK);
	assert_int_equal(trace.n, 2);
	assert_string_equal(trace.why, "");
}

static const struct array riscv_pcb[] = { { "pcb_ra", 0, 8, 0 },  { "pcb_sp", 8, 8, 0 }, { "pcb_gp", 16, 8, 0 },
					  { "pcb_tp", 24, 8, 0 }, { "pcb_t", 32, 8, 7 }, { "pcb_s", 88, 8, 12 },
					  { "pcb_a", 184, 8, 8 } };
static const struct array riscv_frame[] = {
	{ "tf_ra", 0, 8, 0 },	     { "tf_sp", 8, 8, 0 },	{ "tf_gp", 16, 8, 0 },	    { "tf_tp", 24, 8, 0 },
	{ "tf_t", 32, 8, 7 },	     { "tf_s", 88, 8, 12 },	{ "tf_a", 184, 8, 8 },	    { "tf_sepc", 248, 8, 0 },
	{ "tf_sstatus", 256, 8, 0 }, { "tf_stval", 264, 8, 0 }, { "tf_scause", 272, 8, 0 },
};
#define RISCV_FRAME_SIZE 280
#define JAL_NEXT "\xef\x00\x40\x02" /* jal ra, 36 bytes on */

static void start_riscv(void)
{
	START(&freebsd_riscv, riscv_pcb, riscv_frame, JAL_NEXT);
	fbsd_symbol(&f, "cpu_exception_handler_supervisor", FBSD_FUNC(8), 0, 'T');
	fbsd_symbol(&f, "cpu_exception_handler_user", FBSD_FUNC(10), 0, 'T');
	put(PCB, FBSD_RET(1));
	put(PCB + 8, STACK + 0x100);
	put(PCB + 88, STACK + 0x200);
	put(PCB + 96, 0x515);
}

/* A frame pointer is where the caller's stack pointer was; both words are below it. */
static void put_riscv_call(uint64_t fp, uint64_t saved, uint64_t ret)
{
	put(fp - 16, saved);
	put(fp - 8, ret);
}

static void put_riscv_frame(uint64_t at, uint64_t pc, uint64_t sstatus, uint64_t sp, uint64_t ra, uint64_t s0)
{
	put(at, ra);
	put(at + 8, sp);
	put(at + 88, s0);
	put(at + 184, 0xaaa);
	put(at + 248, pc);
	put(at + 256, sstatus);
}

static void test_freebsd_riscv__a_stack_leads_through_traps_to_user_mode(void **state)
{
	uint64_t trap, user, resumed;

	(void)state;
	start_riscv();
	trap = STACK + 0x800;
	user = STACK + 8192 - RISCV_FRAME_SIZE - 8;
	resumed = trap + RISCV_FRAME_SIZE;
	put_riscv_call(STACK + 0x200, trap, FBSD_RET(2));
	put_riscv_call(trap, 0x77, FBSD_RET(8));
	put_riscv_frame(trap, FBSD_FUNC(20) + 8, 0x100, resumed, FBSD_RET(40), STACK + 0xc00);
	put_riscv_call(STACK + 0xc00, user, FBSD_RET(4));
	put_riscv_call(user, 0, FBSD_RET(10));
	put_riscv_frame(user, 0x10123, 0, 0x3fffffe000, 0x10000, 0);
	assert_int_equal(unwind(), KCO_OK);
	frame(0, KCO_FRAME_CALL, FBSD_RET(1), STACK + 0x100, KCO_BY_REGS);
	frame(1, KCO_FRAME_CALL, FBSD_RET(2), STACK + 0x200, KCO_BY_FP);
	frame(2, KCO_FRAME_CALL, FBSD_RET(8), trap, KCO_BY_FP);
	frame(3, KCO_FRAME_EXCEPTION, FBSD_FUNC(20) + 8, resumed, KCO_BY_REGS);
	reg_is(trace.frames[3].regs, "a0", 0xaaa);
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), STACK + 0xc00, KCO_BY_FP);
	frame(5, KCO_FRAME_CALL, FBSD_RET(10), user, KCO_BY_FP);
	frame(6, KCO_FRAME_USER, 0x10123, 0x3fffffe000, KCO_BY_REGS);
	assert_int_equal(trace.n, 7);
	assert_string_equal(trace.why, "");
}

static void test_freebsd_riscv__registers_and_a_frame_at_the_end_of_the_stack(void **state)
{
	struct kco_regs regs;

	(void)state;
	start_riscv();
	put_riscv_call(STACK + 0x200, STACK + 8192, FBSD_RET(2));
	put_riscv_call(STACK + 8192, 0, FBSD_RET(3)); // the frame pointer is behind the stack, its words are not
	assert_int_equal(unwind(), KCO_OK);
	frame(2, KCO_FRAME_CALL, FBSD_RET(3), STACK + 8192, KCO_BY_FP);
	task_regs(&regs);
	reg_is(&regs, "pc", FBSD_RET(1));
	reg_is(&regs, "s0", STACK + 0x200);
	reg_is(&regs, "s1", 0x515);
}

static void test_freebsd_riscv__the_caller_of_a_leaf_is_in_the_link_register(void **state)
{
	uint64_t trap, resumed;

	(void)state;
	start_riscv();
	trap = STACK + 0x800;
	resumed = trap + RISCV_FRAME_SIZE;
	put_riscv_call(STACK + 0x200, 0, FBSD_RET(8));
	put_riscv_call(trap, 0, FBSD_RET(8));
	put(PCB + 88, trap);
	put_riscv_frame(trap, FBSD_FUNC(21) + 4, 0x100, resumed, FBSD_RET(20), STACK + 0xc00);
	put_riscv_call(STACK + 0xc00, 0, FBSD_RET(4));
	assert_int_equal(unwind(), KCO_OK);
	frame(2, KCO_FRAME_EXCEPTION, FBSD_FUNC(21) + 4, resumed, KCO_BY_REGS);
	frame(3, KCO_FRAME_CALL, FBSD_RET(20), resumed, KCO_BY_FP);
	frame(4, KCO_FRAME_CALL, FBSD_RET(4), STACK + 0xc00, KCO_BY_FP);
}

/* Every register that a machine's row names must exist: a missing one would be left out without a word. */
static void test_freebsd_machines__all_registers_are_known(void **state)
{
	static const struct freebsd_machine *const machines[] = { &freebsd_amd64, &freebsd_i386, &freebsd_arm64,
								  &freebsd_riscv };

	(void)state;
	for (size_t i = 0; i < COUNT(machines); i++) {
		const struct kco_arch_ops *arch = kco_arch_by_machine(machines[i]->elf_machine);
		bool listed = false;

		assert_non_null(arch);
		for (size_t r = 0; r < machines[i]->nr_pcb; r++)
			assert_true(kco_arch_reg(arch, machines[i]->pcb[r].name) >= 0);
		for (size_t r = 0; r < machines[i]->nr_frame; r++)
			assert_true(kco_arch_reg(arch, machines[i]->frame[r].name) >= 0);
		assert_true(kco_arch_reg(arch, machines[i]->mode) >= 0);
		for (const char *const *name = kco_os_freebsd.archs; *name; name++)
			listed |= !strcmp(*name, arch->name);
		assert_true(listed);
	}
}

#define T(name) cmocka_unit_test_teardown(test_freebsd_##name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(i386__a_stack_leads_through_traps_to_user_mode),
		T(i386__registers_without_types),
		T(i386__a_kernel_thread_ends_at_fork_trampoline),
		T(arm64__a_stack_leads_through_traps_to_user_mode),
		T(arm64__the_caller_of_a_leaf_is_in_the_link_register),
		T(arm64__a_caller_in_both_places_is_one),
		T(arm64__a_bad_call_came_from_the_link_register),
		T(arm64__registers_of_both_forms_of_the_pcb),
		T(arm64__a_kernel_thread_ends_at_fork_trampoline),
		T(riscv__a_stack_leads_through_traps_to_user_mode),
		T(riscv__registers_and_a_frame_at_the_end_of_the_stack),
		T(riscv__the_caller_of_a_leaf_is_in_the_link_register),
		cmocka_unit_test(test_freebsd_machines__all_registers_are_known),
	};

	return cmocka_run_group_tests_name("freebsd_machines", tests, NULL, NULL);
}
