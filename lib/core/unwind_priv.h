// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of the unwinder: one walk over the stacks of one task.
 *
 *   unwind.c        unwinders, starting registers, the loop, frames and stacks
 *   unwind_step.c   one step by an unwind row (ORC, CFI): calls and trap frames
 *   unwind_guess.c  steps without a row: frame pointers, calls of bad pointers, scans
 *   unwind_each.c   many tasks on every core
 *
 * A step takes the registers of the last frame to those of its caller. Steps
 * within a stack go up, and each stack is entered once: every walk ends.
 */
#ifndef KCO_CORE_UNWIND_PRIV_H
#define KCO_CORE_UNWIND_PRIV_H

#include <kco/os.h>
#include <kco/unwind.h>

#include "session.h"
#include "unwind_row.h"

#define UNWIND_STACKS_MAX 20
#define UNWIND_NOWHERE UNWIND_STACKS_MAX /* on no stack that is known */

struct unwind_memo;

struct kco_unwinder {
	struct kco_session *s;
	struct kco_mem *mem;
	const struct kco_os_ops *os;
	const struct kco_arch_ops *arch;
	const struct kco_space *space;
	const struct kco_unwind_tables *tables; /* NULL: the dump has none */
	struct kco_debuginfo *di;		/* NULL: not asked */
	struct unwind_memo *memo;
};

struct unwind_walk {
	struct kco_unwinder *uw;
	const struct kco_task *task;
	struct kco_trace *trace;
	struct kco_regs regs; /* of the last frame */
	bool exact;	      /* its pc is where it was interrupted; else a return address */
	bool guess;	      /* it was guessed, and so is all that follows from it */
	unsigned stack;	      /* index into stacks[] of where it lies */
	uint32_t visited;     /* bit i: stacks[i] was entered */
	size_t nr_stacks;
	struct kco_stack_range stacks[UNWIND_STACKS_MAX];
};

enum unwind_result {
	UNWIND_NEXT, /* a frame was added */
	UNWIND_END,  /* the outermost frame was reached, or nothing more can be told */
	UNWIND_NONE, /* this way leads no further; the reason was noted */
};

/* unwind.c */
/** Note why the walk is not what it should be. The first reason stays; returns UNWIND_NONE. */
enum unwind_result unwind_note(struct unwind_walk *w, enum kco_status status, const char *fmt, ...) KCO_PRINTF(3, 4);
/** A word at @addr; false notes why not. */
bool unwind_read(struct unwind_walk *w, uint64_t addr, uint64_t *ret);
/** The index of the stack on which @addr lies, or UNWIND_NOWHERE. */
unsigned unwind_find_stack(const struct unwind_walk *w, uint64_t addr);
/** May the walk go on to @sp with a frame at @addr? Only upwards, or to a stack not seen before. False notes why not.
 */
bool unwind_may_enter(struct unwind_walk *w, uint64_t addr, uint64_t sp);
/** Take @regs as those of a new frame whose pc was found at @slot, and that lies on the stack of @addr. */
enum unwind_result unwind_add(struct unwind_walk *w, const struct kco_regs *regs, enum kco_frame_kind kind,
			      enum kco_frame_by by, uint64_t slot, uint64_t addr);
/** Could @addr be what a call left: is it code, and (@strict, or when no symbol says so) is a call before it? */
bool unwind_is_return(struct unwind_walk *w, uint64_t addr, bool strict);
/** Is @addr kernel text by its address? */
bool unwind_is_text(struct unwind_walk *w, uint64_t addr);
/** Was the CPU in user mode with @regs? */
bool unwind_regs_user(const struct unwind_walk *w, const struct kco_regs *regs);
/** Decode the trap frame at @addr, the whole or the part the CPU pushed. False notes why not. */
bool unwind_read_trap(struct unwind_walk *w, uint64_t addr, bool hardware_part_only, struct kco_regs *regs);
/** Add the frame that a trap frame at @addr interrupted: the kernel's (go on) or the user's (end). */
enum unwind_result unwind_add_trap(struct unwind_walk *w, const struct kco_regs *regs, enum kco_frame_by by,
				   uint64_t addr);
/** The outermost kernel frame was reached: add the user's registers if the task has some. Always UNWIND_END. */
enum unwind_result unwind_finish(struct unwind_walk *w);

/* unwind_step.c */
struct unwind_memo *unwind_memo_new(void);
void unwind_memo_free(struct unwind_memo *memo);
/** The row for @pc, memoised; NULL when there is none. Valid until the next call. */
const struct kco_unwind_row *unwind_find_row(struct kco_unwinder *uw, uint64_t pc);
enum unwind_result unwind_step_row(struct unwind_walk *w, const struct kco_unwind_row *row);

/* unwind_guess.c */
/** By the frame pointer. Notes nothing when it is not plausible. */
enum unwind_result unwind_step_fp(struct unwind_walk *w);
/**
 * From a pc that is no code: somebody called a bad pointer, and the return address is on top of the stack, or in the
 * link register.
 */
enum unwind_result unwind_step_bad_call(struct unwind_walk *w);
/**
 * From entry code, which only ORC describes: what it calls returns to where a
 * trap frame is on top of the stack. Notes nothing when there is none.
 */
enum unwind_result unwind_step_entry(struct unwind_walk *w);
/**
 * From entry code that the personality knows, to what its trap frame interrupted. False: the last frame is none.
 */
bool unwind_step_known_entry(struct unwind_walk *w, enum unwind_result *result);
/**
 * From a function that the tables leave out, to a return address whose call
 * leads into it: a scan, but for one certain address, which counts as found by
 * the frame pointer where that leads to it, too. Notes nothing.
 */
enum unwind_result unwind_step_caller(struct unwind_walk *w);
/** To the next word of the stack that could be a return address. */
enum unwind_result unwind_step_scan(struct unwind_walk *w);

/**
 * Without registers: fill the trace with the longest chain of return addresses
 * on the task's own stack that the rows lead to its end. All of it is a guess.
 */
void unwind_guess_chain(struct unwind_walk *w);

#endif
