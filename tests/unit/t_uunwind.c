// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks over the stacks of a made-up process (uprocmake.h): chains of every
 * kind of frame, and stacks that lie.
 */
#include <kco/uunwind.h>

#include <string.h>

#include "unit.h"
#include "uprocmake.h"

#define STACK UPROC_STACK
#define STACK_END (UPROC_STACK + UPROC_STACK_SIZE)
#define ALT UPROC_ALT

static struct uproc u;

static unsigned word(void)
{
	return u.compat ? 4 : 8;
}

static void put(uint64_t va, uint64_t value)
{
	uint8_t *at = uproc_at(&u, va);

	assert_non_null(at);
	memcpy(at, &value, word());
}

/* Frame of two words at @sp, whose return address is @ra. Returns the caller's sp. */
static uint64_t put_frame(uint64_t sp, uint64_t ra)
{
	put(sp + word(), ra);
	return sp + 2 * (uint64_t)word();
}

/* What is at @fp when a frame pointer is there. */
static void put_fp(uint64_t fp, uint64_t saved, uint64_t ra)
{
	put(fp, saved);
	put(fp + word(), ra);
}

/* What a signal handler returns to finds at @uc, its sp. */
static void put_ucontext(uint64_t uc, uint64_t pc, uint64_t sp, uint64_t fp)
{
	put(uc + 120, fp);
	put(uc + 160, sp);
	put(uc + 168, pc);
}

static void put_sigcontext_32(uint64_t at, uint64_t pc, uint64_t sp, uint64_t fp)
{
	put(at + 24, fp);
	put(at + 28, sp);
	put(at + 56, pc);
}

static void begin(bool compat, uint64_t pc, uint64_t sp)
{
	uproc_init(&u, compat);
	kco_regs_set(&u.regs.regs, X86_64_RIP, pc);
	kco_regs_set(&u.regs.regs, X86_64_RSP, sp);
}

static enum kco_status walk(void)
{
	enum kco_status st;

	assert_true(uproc_open(&u));
	st = kco_unwind_user(u.p, &u.regs, &u.trace, &u.err);
	assert_int_equal(st, u.trace.status);
	assert_int_equal(u.err.code, st);
	assert_true((st != KCO_OK) == (u.trace.why[0] != '\0'));
	return st;
}

/* It ended early, and told why. */
static void walk_fails(enum kco_status status, const char *why)
{
	if (walk() != status || !strstr(u.trace.why, why))
		fail_msg("%s: '%s', not '%s'", kco_status_name(u.trace.status), u.trace.why, why);
}

#define frame_is(i, pc, sp, by) frame_is_at(i, pc, sp, by, __LINE__)
static void frame_is_at(size_t i, uint64_t pc, uint64_t sp, enum kco_frame_by by, int line)
{
	const struct kco_frame *f = &u.trace.frames[i];

	if (i >= u.trace.n || f->pc != pc || f->sp != sp || f->by != by)
		fail_msg("line %d: frame #%zu of %zu is %#llx at %#llx by %s", line, i, u.trace.n,
			 (unsigned long long)f->pc, (unsigned long long)f->sp, kco_frame_by_name(f->by));
}

static void interrupted_is(size_t i, bool other_stack)
{
	const struct kco_frame *f = &u.trace.frames[i];
	uint64_t pc;

	assert_int_equal(f->kind, KCO_FRAME_EXCEPTION);
	assert_non_null(f->regs);
	assert_true(kco_regs_get(f->regs, X86_64_RIP, &pc) && pc == f->pc);
	assert_true(other_stack ? f->stack && !strcmp(f->stack, "signal") : !f->stack);
}

/*
 * Sound stacks.
 */
static void test_uunwind__by_eh_frame(void **state)
{
	(void)state;
	for (int compat = 0; compat < 2; compat++) {
		const uint64_t step = compat ? 8 : 16;

		begin(compat, UPROC_FUNC(UPROC_PLAIN) + 5, STACK);
		put_frame(put_frame(put_frame(STACK, UPROC_RET(UPROC_PLAIN2)), UPROC_RET(UPROC_FP)), 0);
		kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x100);
		put_fp(STACK + 0x100, 0x1234, UPROC_RET(UPROC_OUTERMOST));
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, 4);
		frame_is(0, UPROC_FUNC(UPROC_PLAIN) + 5, STACK, KCO_BY_REGS);
		frame_is(1, UPROC_RET(UPROC_PLAIN2), STACK + step, KCO_BY_CFI);
		assert_true(u.trace.frames[1].slot == STACK + step / 2);
		frame_is(2, UPROC_RET(UPROC_FP), STACK + 2 * step, KCO_BY_CFI);
		frame_is(3, UPROC_RET(UPROC_OUTERMOST), STACK + 0x100 + step, KCO_BY_CFI);
		assert_true(u.trace.frames[3].fp == 0x1234);
		uproc_close(&u);
	}
}

static void test_uunwind__by_frame_pointers(void **state)
{
	(void)state;
	for (int compat = 0; compat < 2; compat++) {
		begin(compat, UPROC_CODE_FUNC(1) + 5, STACK);
		kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
		put_fp(STACK + 0x20, STACK + 0x80, UPROC_CODE_RET(2));
		put_fp(STACK + 0x80, 0, UPROC_CODE_RET(3));
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, 3);
		frame_is(1, UPROC_CODE_RET(2), STACK + 0x20 + 2 * word(), KCO_BY_FP);
		frame_is(2, UPROC_CODE_RET(3), STACK + 0x80 + 2 * word(), KCO_BY_FP);
		uproc_close(&u);
	}
}

/* In a prologue the frame pointer is still the caller's: it alone would skip a frame. */
static void test_uunwind__by_the_call_of_a_prologue(void **state)
{
	(void)state;
	// The call before RET(0) leads to the beginning of function 1; nothing was pushed.
	begin(false, UPROC_CODE_FUNC(1), STACK);
	kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
	put(STACK, UPROC_CODE_RET(0));
	put_fp(STACK + 0x20, 0, UPROC_CODE_RET(5));
	assert_int_equal(walk(), KCO_OK);
	frame_is(1, UPROC_CODE_RET(0), STACK + 8, KCO_BY_FP);
	frame_is(2, UPROC_CODE_RET(5), STACK + 0x30, KCO_BY_FP);
	uproc_close(&u);
	// The frame pointer was pushed, and not yet set.
	begin(false, UPROC_CODE_FUNC(1) + 1, STACK);
	kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
	put_fp(STACK, STACK + 0x20, UPROC_CODE_RET(0));
	put_fp(STACK + 0x20, 0, UPROC_CODE_RET(5));
	assert_int_equal(walk(), KCO_OK);
	frame_is(1, UPROC_CODE_RET(0), STACK + 16, KCO_BY_FP);
	frame_is(2, UPROC_CODE_RET(5), STACK + 0x30, KCO_BY_FP);
	uproc_close(&u);
	// A symbol tells that the function makes no frame at all.
	for (int framed = 0; framed < 2; framed++) {
		begin(false, UPROC_FUNC(UPROC_LEAF + framed) + 40, STACK);
		kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
		put(STACK, UPROC_CODE_RET(7));
		put_fp(STACK + 0x20, 0, UPROC_CODE_RET(5));
		assert_int_equal(walk(), KCO_OK);
		frame_is(1, framed ? UPROC_CODE_RET(5) : UPROC_CODE_RET(7), STACK + (framed ? 0x30 : 8), KCO_BY_FP);
		uproc_close(&u);
	}
}

static void test_uunwind__through_a_signal_frame_told_by_cfi(void **state)
{
	(void)state;
	begin(false, UPROC_FUNC(UPROC_PLAIN) + 5, ALT);
	// As in C libraries, the row begins a byte before what handlers return to.
	put_frame(ALT, UPROC_FUNC(UPROC_SIGNAL) + 1);
	put_ucontext(ALT + 16, UPROC_FUNC(UPROC_FP) + 9, STACK + 0x40, STACK + 0x60);
	put_fp(STACK + 0x60, 0, UPROC_RET(UPROC_OUTERMOST));
	assert_int_equal(walk(), KCO_OK);
	assert_int_equal(u.trace.n, 4);
	frame_is(1, UPROC_FUNC(UPROC_SIGNAL) + 1, ALT + 16, KCO_BY_CFI);
	frame_is(2, UPROC_FUNC(UPROC_FP) + 9, STACK + 0x40, KCO_BY_CFI);
	interrupted_is(2, true);
	frame_is(3, UPROC_RET(UPROC_OUTERMOST), STACK + 0x70, KCO_BY_CFI);
	uproc_close(&u);
}

static void test_uunwind__through_a_signal_frame_told_by_its_code(void **state)
{
	static const uint64_t returns[] = { UPROC_RT_64, UPROC_RT_64_SHORT };

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(false, UPROC_FUNC(UPROC_PLAIN) + 5, STACK);
		put_frame(STACK, UPROC_CODE + returns[i]);
		put_ucontext(STACK + 16, UPROC_FUNC(UPROC_PLAIN), STACK + 0x200, 0);
		put_frame(STACK + 0x200, UPROC_RET(UPROC_OUTERMOST));
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, 4);
		frame_is(2, UPROC_FUNC(UPROC_PLAIN), STACK + 0x200, KCO_BY_REGS);
		interrupted_is(2, false);
		frame_is(3, UPROC_RET(UPROC_OUTERMOST), STACK + 0x210, KCO_BY_CFI);
		uproc_close(&u);
	}
}

static void test_uunwind__through_signal_frames_of_i386(void **state)
{
	(void)state;
	for (int rt = 0; rt < 2; rt++) {
		const uint64_t uc = STACK + 0x80;

		begin(true, UPROC_FUNC(UPROC_PLAIN) + 5, ALT);
		put_frame(ALT, UPROC_CODE + (rt ? UPROC_RT_32 : UPROC_SIGRETURN_32));
		put(ALT + 16, uc);
		put_sigcontext_32(rt ? uc + 20 : ALT + 12, UPROC_FUNC(UPROC_FP) + 9, STACK + 0x100, STACK + 0x110);
		put_fp(STACK + 0x110, 0, UPROC_RET(UPROC_OUTERMOST));
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, 4);
		frame_is(1, UPROC_CODE + (rt ? UPROC_RT_32 : UPROC_SIGRETURN_32), ALT + 8, KCO_BY_CFI);
		frame_is(2, UPROC_FUNC(UPROC_FP) + 9, STACK + 0x100, KCO_BY_REGS);
		interrupted_is(2, true);
		frame_is(3, UPROC_RET(UPROC_OUTERMOST), STACK + 0x118, KCO_BY_CFI);
		uproc_close(&u);
	}
}

/* A handler without CFI: no call lies before what it returns to. */
static void test_uunwind__through_a_signal_frame_by_frame_pointer(void **state)
{
	(void)state;
	for (int scan = 0; scan < 2; scan++) {
		begin(false, UPROC_CODE_FUNC(1) + 5, ALT);
		if (!scan)
			kco_regs_set(&u.regs.regs, X86_64_RBP, ALT + 0x20);
		put_fp(ALT + 0x20, 0, UPROC_CODE + UPROC_RT_64);
		put_ucontext(ALT + 0x30, UPROC_FUNC(UPROC_PLAIN), STACK, 0);
		put_frame(STACK, UPROC_RET(UPROC_OUTERMOST));
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, 4);
		frame_is(1, UPROC_CODE + UPROC_RT_64, ALT + 0x30, scan ? KCO_BY_SCAN : KCO_BY_FP);
		frame_is(2, UPROC_FUNC(UPROC_PLAIN), STACK, scan ? KCO_BY_SCAN : KCO_BY_REGS);
		interrupted_is(2, true);
		uproc_close(&u);
	}
	// A handler that is a bad pointer.
	begin(false, 0, ALT);
	put(ALT, UPROC_CODE + UPROC_RT_64);
	put_ucontext(ALT + 8, UPROC_FUNC(UPROC_PLAIN), STACK, 0);
	put_frame(STACK, UPROC_RET(UPROC_OUTERMOST));
	assert_int_equal(walk(), KCO_OK);
	assert_int_equal(u.trace.n, 4);
	frame_is(2, UPROC_FUNC(UPROC_PLAIN), STACK, KCO_BY_REGS);
	uproc_close(&u);
}

static void test_uunwind__call_of_a_bad_pointer(void **state)
{
	static const uint64_t bad[] = { 0, 0x10, UPROC_DATA + 8, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(false, bad[i], STACK);
		kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x40);
		put(STACK, UPROC_RET(UPROC_FP));
		put_fp(STACK + 0x40, 0, UPROC_RET(UPROC_OUTERMOST));
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, 3);
		frame_is(0, bad[i], STACK, KCO_BY_REGS);
		frame_is(1, UPROC_RET(UPROC_FP), STACK + 8, KCO_BY_FP);
		frame_is(2, UPROC_RET(UPROC_OUTERMOST), STACK + 0x50, KCO_BY_CFI);
		uproc_close(&u);
	}
}

static void test_uunwind__thread_that_has_just_begun(void **state)
{
	(void)state;
	for (int futex = 0; futex < 2; futex++) {
		begin(false, UPROC_CODE_FUNC(1) + 5, STACK);
		put(STACK + 0x40, UPROC_RET(UPROC_OUTERMOST)); // what its creator left there
		kco_regs_set(&u.regs.regs, X86_64_RAX, 0);
		u.regs.entry = KCO_ENTRY_SYSCALL;
		u.regs.syscall = futex ? UPROC_CLONE + 1 : UPROC_CLONE;
		assert_int_equal(walk(), KCO_OK);
		assert_int_equal(u.trace.n, futex ? 2 : 1);
		uproc_close(&u);
	}
}

static void test_uunwind__guesses_are_told(void **state)
{
	(void)state;
	begin(false, UPROC_CODE_FUNC(1) + 5, STACK + 3);
	put(STACK + 0x40, UPROC_FUNC(UPROC_PLAIN) + 16); // code, but no call lies before it
	put(STACK + 0x80, UPROC_RET(UPROC_PLAIN));
	put_frame(STACK + 0x88, UPROC_RET(UPROC_OUTERMOST));
	assert_int_equal(walk(), KCO_OK);
	assert_int_equal(u.trace.n, 3);
	frame_is(1, UPROC_RET(UPROC_PLAIN), STACK + 0x88, KCO_BY_SCAN);
	frame_is(2, UPROC_RET(UPROC_OUTERMOST), STACK + 0x98, KCO_BY_SCAN); // a row made of a guess
	uproc_close(&u);
}

/*
 * Signal frames that lie.
 */
static void test_uunwind__signal_frame_that_leads_to_itself(void **state)
{
	const uint64_t returns[] = { UPROC_FUNC(UPROC_SIGNAL) + 1, UPROC_CODE + UPROC_RT_64 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		// The handler's return interrupted, by the very same frame.
		begin(false, returns[i], STACK + 0x100);
		put_ucontext(STACK + 0x100, returns[i], STACK + 0x100, 0);
		walk_fails(KCO_E_CORRUPT, "leads to itself");
		assert_int_equal(u.trace.n, 2);
		uproc_close(&u);
		// Down, to code that returns to it again.
		begin(false, returns[i], STACK + 0x100);
		put_ucontext(STACK + 0x100, UPROC_FUNC(UPROC_PLAIN), STACK + 0xf0, 0);
		put_frame(STACK + 0xf0, returns[i]);
		walk_fails(KCO_E_CORRUPT, "leads to itself");
		assert_int_equal(u.trace.n, 3);
		interrupted_is(1, true);
		uproc_close(&u);
	}
}

static void test_uunwind__signal_frames_without_end(void **state)
{
	size_t told = 0;

	(void)state;
	// Each a little further down than the one before.
	begin(false, UPROC_CODE + UPROC_RT_64, STACK_END - 0x100);
	for (uint64_t at = STACK + 0x100; at < STACK_END; at += 0x100)
		put_ucontext(at, UPROC_CODE + UPROC_RT_64, at - 0x100, 0);
	walk_fails(KCO_E_RANGE, "signal frames");
	assert_int_equal(u.trace.n, 33);
	for (size_t i = 0; i < u.trace.n; i++)
		told += u.trace.frames[i].regs != NULL;
	assert_int_equal(told, sizeof(u.trace.regs) / sizeof(u.trace.regs[0]));
	uproc_close(&u);
}

static void test_uunwind__signal_frame_outside_of_memory(void **state)
{
	static const uint64_t wild[] = { 0, 0x10, 0xfffffff0, UPROC_STACK + UPROC_STACK_SIZE - 40 };

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		begin(true, UPROC_FUNC(UPROC_PLAIN) + 5, ALT);
		put_frame(ALT, UPROC_CODE + UPROC_RT_32);
		put(ALT + 16, wild[i]);
		walk_fails(KCO_E_UNMAPPED, "signal frame at 0x700008");
		assert_int_equal(u.trace.n, 2);
		uproc_close(&u);
	}
	// Not even the pointer is there.
	begin(true, UPROC_CODE + UPROC_RT_32, STACK_END - 8);
	walk_fails(KCO_E_UNMAPPED, "signal frame");
	assert_int_equal(u.trace.n, 1);
	uproc_close(&u);
	for (int cfi = 0; cfi < 2; cfi++) {
		begin(false, cfi ? UPROC_FUNC(UPROC_SIGNAL) + 1 : UPROC_CODE + UPROC_RT_64, STACK_END - 160);
		walk_fails(KCO_E_UNMAPPED, cfi ? "the caller of frame #0" : "signal frame");
		assert_int_equal(u.trace.n, 1);
		uproc_close(&u);
	}
}

/* What was interrupted may be anything, also a call of nothing. */
static void test_uunwind__signal_frame_of_wild_registers(void **state)
{
	(void)state;
	for (int cfi = 0; cfi < 2; cfi++) {
		begin(false, cfi ? UPROC_FUNC(UPROC_SIGNAL) + 1 : UPROC_CODE + UPROC_RT_64, STACK);
		put_ucontext(STACK, UINT64_MAX, UINT64_MAX - 3, UINT64_MAX - 7);
		walk_fails(KCO_E_UNMAPPED, "stack at 0xfffffffffffffffc");
		assert_int_equal(u.trace.n, 2);
		interrupted_is(1, true);
		uproc_close(&u);
	}
}

/*
 * Stacks that lie.
 */
static void test_uunwind__stack_that_loops(void **state)
{
	static const uint64_t saved[] = { STACK + 0x108, STACK + 0x107, STACK + 0xf8, STACK };

	(void)state;
	for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++) {
		// A frame, then one whose caller's sp is what the stack says.
		begin(false, UPROC_FUNC(UPROC_PLAIN), STACK + 0xf8);
		put_frame(STACK + 0xf8, UPROC_RET(UPROC_SP_SAVED));
		put(STACK + 0x108, saved[i]);
		put(STACK + 0x110, UPROC_RET(UPROC_SP_SAVED));
		walk_fails(KCO_E_CORRUPT, "the stack does not go up from 0x800108");
		assert_int_equal(u.trace.n, 2);
		uproc_close(&u);
	}
}

static void test_uunwind__frame_pointers_that_loop(void **state)
{
	(void)state;
	begin(false, UPROC_CODE_FUNC(1) + 5, STACK);
	kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
	put_fp(STACK + 0x20, STACK + 0x20, UPROC_CODE_RET(2)); // to itself
	walk_fails(KCO_E_NOSYM, "nothing leads on from 0x5000a0 (frame #1)");
	assert_int_equal(u.trace.n, 2);
	uproc_close(&u);
	begin(false, UPROC_CODE_FUNC(1) + 5, STACK);
	kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
	put_fp(STACK + 0x20, STACK + 0x60, UPROC_CODE_RET(2));
	put_fp(STACK + 0x60, STACK + 0x20, UPROC_CODE_RET(3)); // back to the first
	walk_fails(KCO_E_NOSYM, "nothing leads on from 0x5000e0 (frame #2)");
	assert_int_equal(u.trace.n, 3);
	uproc_close(&u);
}

static void test_uunwind__frame_pointers_that_lead_nowhere(void **state)
{
	static const uint64_t wild[] = { STACK + 0x21, ALT, STACK_END - 8, STACK_END, UINT64_MAX - 7, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		begin(false, UPROC_CODE_FUNC(1) + 5, STACK);
		kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
		put_fp(STACK + 0x20, wild[i], UPROC_CODE_RET(2));
		put_fp(ALT, 0, UPROC_CODE_RET(3));
		walk_fails(KCO_E_NOSYM, "nothing leads on");
		assert_int_equal(u.trace.n, 2);
		uproc_close(&u);
	}
}

static void test_uunwind__cfa_that_does_not_grow(void **state)
{
	(void)state;
	// vfork() takes its return address off the stack: where it was interrupted, once.
	begin(false, UPROC_FUNC(UPROC_STILL), STACK + 0x100);
	put(STACK + 0xf8, UPROC_RET(UPROC_STILL));
	walk_fails(KCO_E_CORRUPT, "the stack does not go up from 0x800100 to 0x800100");
	assert_int_equal(u.trace.n, 2);
	uproc_close(&u);
	begin(false, UPROC_FUNC(UPROC_DOWN), STACK + 0x100);
	put(STACK + 0xe8, UPROC_RET(UPROC_DOWN));
	walk_fails(KCO_E_CORRUPT, "the stack does not go up from 0x800100 to 0x8000f0");
	assert_int_equal(u.trace.n, 1);
	uproc_close(&u);
}

static void test_uunwind__stack_entered_twice(void **state)
{
	(void)state;
	begin(false, UPROC_FUNC(UPROC_SWITCH), STACK);
	put(STACK, ALT + 0x40);
	put(ALT + 0x38, UPROC_RET(UPROC_SWITCH));
	put(ALT + 0x40, STACK + 0x80);
	put(STACK + 0x78, UPROC_RET(UPROC_SWITCH));
	walk_fails(KCO_E_CORRUPT, "the stack at 0x800000 would be entered again at 0x800080");
	assert_int_equal(u.trace.n, 2);
	frame_is(1, UPROC_RET(UPROC_SWITCH), ALT + 0x40, KCO_BY_CFI);
	uproc_close(&u);
}

static void test_uunwind__stacks_without_end(void **state)
{
	const uint64_t first = UPROC_STACK + 0x100000;

	(void)state;
	// Beyond those that are remembered two could lead to each other for ever.
	begin(false, UPROC_FUNC(UPROC_SWITCH), STACK);
	put(STACK, first + 0x10);
	for (uint64_t i = 0; i < 20; i++)
		uproc_area(&u, first + 0x2000 * i, 1, KCO_VMA_WRITE);
	for (uint64_t i = 0; i < 20; i++)
		for (uint64_t at = 0x10; at < 0x1000; at += 0x10) {
			put(first + 0x2000 * i + at - 8, UPROC_RET(UPROC_SWITCH));
			put(first + 0x2000 * i + at, first + 0x2000 * (i < 19 ? i + 1 : 18) + at + 0x10 * (i > 18));
		}
	walk_fails(KCO_E_RANGE, "more than 16 stacks");
	assert_int_equal(u.trace.n, 16);
	uproc_close(&u);
}

static void test_uunwind__more_frames_than_fit(void **state)
{
	(void)state;
	begin(false, UPROC_FUNC(UPROC_PLAIN), STACK);
	for (uint64_t sp = STACK; sp < STACK_END;)
		sp = put_frame(sp, UPROC_RET(UPROC_PLAIN));
	walk_fails(KCO_E_RANGE, "more than 512 frames");
	assert_int_equal(u.trace.n, KCO_FRAMES_MAX);
	frame_is(KCO_FRAMES_MAX - 1, UPROC_RET(UPROC_PLAIN), STACK + 16 * (KCO_FRAMES_MAX - 1), KCO_BY_CFI);
	uproc_close(&u);
}

static void test_uunwind__return_address_in_data(void **state)
{
	static const uint64_t wild[] = { UPROC_DATA + 32, STACK + 0x40, 1, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		begin(false, UPROC_FUNC(UPROC_PLAIN), STACK);
		put_frame(put_frame(STACK, UPROC_RET(UPROC_PLAIN)), wild[i]);
		walk_fails(KCO_E_CORRUPT, "of frame #1 is no code");
		assert_int_equal(u.trace.n, 2);
		uproc_close(&u);
		// Frame pointers and scans pass it over, whatever bytes lie before it.
		begin(false, UPROC_CODE_FUNC(1) + 5, STACK);
		uproc_functions(uproc_at(&u, UPROC_DATA));
		kco_regs_set(&u.regs.regs, X86_64_RBP, STACK + 0x20);
		put_fp(STACK + 0x20, 0, wild[i]);
		walk_fails(KCO_E_NOSYM, "nothing leads on");
		assert_int_equal(u.trace.n, 1);
		uproc_close(&u);
	}
}

/*
 * Stacks that cannot be read.
 */
static void test_uunwind__hole_in_the_stack(void **state)
{
	const uint64_t hole = STACK + 0x1000;

	(void)state;
	// By rows: the frames before it are kept.
	begin(false, UPROC_FUNC(UPROC_PLAIN), hole - 32);
	u.hole = hole;
	put_frame(put_frame(hole - 32, UPROC_RET(UPROC_PLAIN)), UPROC_RET(UPROC_PLAIN));
	walk_fails(KCO_E_SWAPPED, "the caller of frame #2: ");
	assert_non_null(strstr(u.trace.why, "not in the dump"));
	assert_int_equal(u.trace.n, 3);
	uproc_close(&u);
	// By frame pointers, the last of which lies in it.
	begin(false, UPROC_CODE_FUNC(1) + 5, hole - 64);
	u.hole = hole;
	kco_regs_set(&u.regs.regs, X86_64_RBP, hole - 32);
	put_fp(hole - 32, hole + 32, UPROC_CODE_RET(2));
	put_fp(hole + 32, 0, UPROC_CODE_RET(3));
	walk_fails(KCO_E_SWAPPED, "stack at 0x801000: ");
	assert_int_equal(u.trace.n, 2);
	uproc_close(&u);
	// All of it.
	begin(false, UPROC_CODE_FUNC(1) + 5, hole + 64);
	u.hole = hole;
	walk_fails(KCO_E_SWAPPED, "stack at 0x801040: ");
	assert_int_equal(u.trace.n, 1);
	uproc_close(&u);
}

/* The return address can be read, where the stack goes on cannot. */
static void test_uunwind__unknown_stack_pointer(void **state)
{
	const uint64_t hole = STACK + 0x1000;

	(void)state;
	begin(false, UPROC_FUNC(UPROC_SP_SAVED), hole + 0x1000 - 8);
	u.hole = hole;
	put(hole + 0x1000, UPROC_RET(UPROC_PLAIN));
	walk_fails(KCO_E_RANGE, "the stack pointer of the caller of frame #0 is not known");
	assert_int_equal(u.trace.n, 1);
	uproc_close(&u);
	begin(false, UPROC_FUNC(UPROC_PLAIN), STACK);
	u.regs.regs.known &= ~(UINT64_C(1) << X86_64_RSP);
	walk_fails(KCO_E_RANGE, "is not known");
	assert_int_equal(u.trace.n, 0);
	uproc_close(&u);
}

static void test_uunwind__stack_at_the_end_of_the_address_space(void **state)
{
	static const uint64_t wild[] = { UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 15, UINT64_C(1) << 63, 0, 1 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(wild) / sizeof(wild[0]); i++) {
		begin(false, i & 1 ? UPROC_CODE_FUNC(1) : UPROC_FUNC(UPROC_PLAIN), wild[i / 2]);
		kco_regs_set(&u.regs.regs, X86_64_RBP, wild[i / 2]);
		walk_fails(KCO_E_UNMAPPED, i & 1 ? "stack at " : "the caller of frame #0");
		assert_int_equal(u.trace.n, 1);
		uproc_close(&u);
	}
}

static void test_uunwind__memory_that_runs_out(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		enum kco_status st;

		begin(false, UPROC_FUNC(UPROC_PLAIN) + 5, STACK);
		put_frame(STACK, UPROC_RET(UPROC_OUTERMOST));
		assert_true(uproc_open(&u));
		unit_fault_arm(n);
		st = kco_unwind_user(u.p, &u.regs, &u.trace, &u.err);
		if (!unit_fault_fired()) {
			assert_int_equal(st, KCO_OK);
			assert_int_equal(u.trace.n, 2);
			uproc_close(&u);
			return;
		}
		assert_true(u.trace.n >= 1);
		uproc_close(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uunwind__by_eh_frame),
		cmocka_unit_test(test_uunwind__by_frame_pointers),
		cmocka_unit_test(test_uunwind__by_the_call_of_a_prologue),
		cmocka_unit_test(test_uunwind__through_a_signal_frame_told_by_cfi),
		cmocka_unit_test(test_uunwind__through_a_signal_frame_told_by_its_code),
		cmocka_unit_test(test_uunwind__through_signal_frames_of_i386),
		cmocka_unit_test(test_uunwind__through_a_signal_frame_by_frame_pointer),
		cmocka_unit_test(test_uunwind__call_of_a_bad_pointer),
		cmocka_unit_test(test_uunwind__thread_that_has_just_begun),
		cmocka_unit_test(test_uunwind__guesses_are_told),
		cmocka_unit_test(test_uunwind__signal_frame_that_leads_to_itself),
		cmocka_unit_test(test_uunwind__signal_frames_without_end),
		cmocka_unit_test(test_uunwind__signal_frame_outside_of_memory),
		cmocka_unit_test(test_uunwind__signal_frame_of_wild_registers),
		cmocka_unit_test(test_uunwind__stack_that_loops),
		cmocka_unit_test(test_uunwind__frame_pointers_that_loop),
		cmocka_unit_test(test_uunwind__frame_pointers_that_lead_nowhere),
		cmocka_unit_test(test_uunwind__cfa_that_does_not_grow),
		cmocka_unit_test(test_uunwind__stack_entered_twice),
		cmocka_unit_test(test_uunwind__stacks_without_end),
		cmocka_unit_test(test_uunwind__more_frames_than_fit),
		cmocka_unit_test(test_uunwind__return_address_in_data),
		cmocka_unit_test(test_uunwind__hole_in_the_stack),
		cmocka_unit_test(test_uunwind__unknown_stack_pointer),
		cmocka_unit_test(test_uunwind__stack_at_the_end_of_the_address_space),
		cmocka_unit_test(test_uunwind__memory_that_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
