// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack traces.
 *
 * Unwinding touches no symbols: it gives program counters, stack pointers and
 * how each was found. Naming them is the caller's work (kco_symbols_by_addr).
 */
#ifndef KCO_UNWIND_H
#define KCO_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arch.h>
#include <kco/err.h>
#include <kco/mem.h>
#include <kco/task.h>

#define KCO_FRAMES_MAX 512 /* per stack; deeper ends with a reason */

/** How a frame was found. */
enum kco_frame_by {
	KCO_BY_REGS, /* the registers themselves: exact */
	KCO_BY_ORC,
	KCO_BY_CFI,
	KCO_BY_FP,
	KCO_BY_SCAN, /* a guess: a return address that lay on the stack, or what the rows make of one */
};

enum kco_frame_kind {
	KCO_FRAME_CALL,	     /* an ordinary frame; pc is a return address (unless first or by regs) */
	KCO_FRAME_EXCEPTION, /* pc was interrupted: exact, and regs holds the interrupted registers */
	KCO_FRAME_USER,	     /* the kernel/user boundary: pc is the user's, regs the user registers */
};

struct kco_frame {
	enum kco_frame_kind kind;
	enum kco_frame_by by;
	uint64_t pc;
	uint64_t sp;	   /* the stack pointer in this frame */
	uint64_t fp;	   /* the frame pointer register in this frame, 0 unknown */
	uint64_t slot;	   /* stack address that held pc, 0 for registers */
	const char *stack; /* name of the stack when this frame is the first on another one ("NMI", "IRQ"), else NULL */
	const struct kco_regs *regs; /* EXCEPTION and USER, else NULL; lives as long as the trace */
};

/** A trace: caller's storage, about 32 KiB; reusable. */
struct kco_trace {
	struct kco_frame frames[KCO_FRAMES_MAX];
	size_t n;
	struct kco_regs regs[16]; /* what frames[].regs points to */
	size_t nr_regs;
	enum kco_status status; /* KCO_OK: ended where a stack ends; else why it ended early */
	char why[160];		/* for people, "" when status is KCO_OK */
};

/** One thread's unwinder: memory access and memoised unwind rows. */
struct kco_unwinder;

enum kco_status kco_unwinder_new(struct kco_session *s, struct kco_unwinder **ret, struct kco_err *err) KCO_MUST_USE;
void kco_unwinder_free(struct kco_unwinder *uw);

/**
 * Unwind the kernel stack of @task into @trace. Returns trace->status; a trace
 * that ended early still holds what was found. @err gives the same reason.
 * A task whose stack is gone (the dead) has no frames and is KCO_OK. One that
 * was running, of whose CPU the dump has no registers, is KCO_E_RANGE, and its
 * frames (KCO_BY_SCAN) are what its stack still tells.
 */
enum kco_status kco_unwind_task(struct kco_unwinder *uw, const struct kco_task *task, struct kco_trace *trace,
				struct kco_err *err) KCO_MUST_USE;
/** The same from given registers (pc and sp at least), on @task's stacks. */
enum kco_status kco_unwind_regs(struct kco_unwinder *uw, const struct kco_task *task, const struct kco_regs *regs,
				struct kco_trace *trace, struct kco_err *err) KCO_MUST_USE;

/**
 * Unwind many tasks on every core and hand the traces to @fn in the order of
 * @tasks, on the calling thread, whatever the number of workers. Stops early
 * when @fn returns false or the session is cancelled (KCO_E_CANCELLED).
 */
enum kco_status kco_unwind_each(struct kco_session *s, const struct kco_task *const *tasks, size_t n,
				bool (*fn)(void *arg, const struct kco_task *task, const struct kco_trace *trace),
				void *arg, struct kco_err *err) KCO_MUST_USE;

/** A stable word for `by` in JSON: "regs", "orc", "cfi", "fp", "scan". */
const char *kco_frame_by_name(enum kco_frame_by by);

#endif
