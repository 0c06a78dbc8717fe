// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of the user unwinder: one walk over the user stack of one thread.
 *
 *   uunwind.c         the walk: frames, stacks, signal frames, steps by CFI
 *   uunwind_rows.c    the CFI row of a program counter, memoised by file
 *   uunwind_guess.c   steps without a row: calls of bad pointers, frame pointers, scans
 *
 * Within one stack frames only go up; another stack is entered once; a signal
 * frame is passed once. So every walk ends.
 */
#ifndef KCO_PROC_UUNWIND_PRIV_H
#define KCO_PROC_UUNWIND_PRIV_H

#include <kco/uunwind.h>

#include "cfi.h"
#include "process_priv.h"

#define UUNWIND_STACKS_MAX 16
#define UUNWIND_SIGNALS_MAX 32 /* signal frames in one walk */

struct uunwind_walk {
	struct kco_process *p;
	const struct kco_arch_ops *arch;
	struct kco_trace *trace;
	const struct kco_thread_regs *from;
	struct kco_regs regs; /* of the last frame */
	bool compat;
	uint8_t ptr;  /* bytes of a stack slot */
	bool exact;   /* the last frame's pc is where it was interrupted; else a return address */
	bool guess;   /* it was guessed, and so is what follows */
	bool scanned; /* its pc lay somewhere on the stack */
	uint64_t stacks[UUNWIND_STACKS_MAX]; /* start addresses of their areas, in the order of entering */
	unsigned nr_stacks;
	uint64_t signals[UUNWIND_SIGNALS_MAX]; /* addresses of the signal frames passed */
	unsigned nr_signals;
};

enum uunwind_result {
	UUNWIND_NEXT, /* a frame was added */
	UUNWIND_END,
	UUNWIND_NONE, /* this way leads no further; the reason was noted, if there is one to tell */
};

/* uunwind.c */
enum uunwind_result uunwind_note(struct uunwind_walk *w, enum kco_status status, const char *fmt, ...) KCO_PRINTF(3, 4);
/** A word of the stack, silently. */
bool uunwind_word(struct uunwind_walk *w, uint64_t addr, uint64_t *ret);
/** The same; notes why a page that is mapped cannot be read. The first address behind a stack is no fault. */
bool uunwind_word_or_note(struct uunwind_walk *w, uint64_t addr, uint64_t *ret);
/** Is @addr in memory that may be executed? Yes, too, when nobody knows the areas. */
bool uunwind_is_code(struct uunwind_walk *w, uint64_t addr);
/** Could @addr be a return address: does a call end right before it, or do signal handlers return to it? */
bool uunwind_is_return(struct uunwind_walk *w, uint64_t addr);
/** Take @regs, whose pc was found at @slot, as a caller's; notes why not. */
enum uunwind_result uunwind_add_caller(struct uunwind_walk *w, const struct kco_regs *regs, enum kco_frame_by by,
				       uint64_t slot);

/* uunwind_rows.c */
/** The row for @pc; NULL: there is none. Lives until the session ends or, when memory is short, the next call. */
const struct kco_cfi_row *uunwind_find_row(struct uunwind_walk *w, uint64_t pc, const struct kco_uimage **image);

/* uunwind_guess.c */
enum uunwind_result uunwind_step_bad_call(struct uunwind_walk *w);
/** From the first instructions of a function without a row, which have not yet made its frame. */
enum uunwind_result uunwind_step_prologue(struct uunwind_walk *w);
enum uunwind_result uunwind_step_fp(struct uunwind_walk *w);
enum uunwind_result uunwind_step_scan(struct uunwind_walk *w);

#endif
