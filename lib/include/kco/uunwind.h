// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User stacks: from a thread's registers in user mode to its first function.
 *
 * By .eh_frame (with its header's table), .debug_frame, frame pointers; through
 * signal frames and the vdso.
 */
#ifndef KCO_UUNWIND_H
#define KCO_UUNWIND_H

#include <kco/thread.h>
#include <kco/uimage.h>
#include <kco/unwind.h>

/**
 * Unwind a user stack from @regs into @trace; frames[].kind is KCO_FRAME_CALL,
 * or KCO_FRAME_EXCEPTION for the frame that a signal interrupted (its registers
 * are exact). Returns trace->status; a trace that ended early still holds what
 * was found. frames[].stack is "signal" in the frame at which a signal
 * handler's own stack was left. frames[].regs is set in interrupted frames.
 */
enum kco_status kco_unwind_user(struct kco_process *p, const struct kco_thread_regs *regs, struct kco_trace *trace,
				struct kco_err *err) KCO_MUST_USE;

#endif
