// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user part of a task's stack: the boundary with the system call's name
 * and arguments, and the frames of user mode.
 */
#ifndef KCO_COMMANDS_USERFRAMES_H
#define KCO_COMMANDS_USERFRAMES_H

#include <kco/cmd.h>
#include <kco/uunwind.h>

#include "frames.h"

/** Caller's storage, about 32 KiB. */
struct kco_user_stack {
	struct kco_process *process; /* NULL: it has none */
	const struct kco_task *task;
	enum kco_status regs_status; /* KCO_OK: regs are known, and trace is what they lead to */
	char why[160];		     /* why they are not, else "" */
	struct kco_thread_regs regs;
	struct kco_trace trace;
};

/** Unwind @task's user stack. */
void kco_user_stack_get(struct kco_cmd_ctx *ctx, const struct kco_task *task, struct kco_user_stack *ret);
/** Has @task a user mode at all? Kernel threads and the dead have none. */
bool kco_user_stack_possible(const struct kco_task *task);
/**
 * Is there anything to show to who did not ask for it? Not so when the dump
 * leaves user memory out: what is known then are the registers.
 */
bool kco_user_stack_readable(const struct kco_user_stack *u);
/** What a frame is in every process that has the file: its inode (0: none), and *@pc in it. */
uint64_t kco_user_frame_file(const struct kco_user_stack *u, const struct kco_frame *f, uint64_t *pc);
/** The boundary, the frames, numbered from @first, and why they end, which counts as a failed row. */
void kco_user_stack_text(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, size_t first,
			 const struct kco_frames_style *style);
/** "    SYSCALL: futex(...)", when the thread is in one. */
void kco_user_syscall_text(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u);
/** "syscall", "user_frames" and, when these end early, "user_error" and "user_why" of the open row. */
void kco_user_stack_json(struct kco_cmd_ctx *ctx, const struct kco_user_stack *u, size_t first,
			 const struct kco_frames_style *style);

/** The schema of what kco_user_stack_json() writes. */
#define KCO_USER_STACK_JSON                                                                                           \
	{ "syscall", "object", "the system call that the thread is in; absent when it is in none" },                  \
		{ "syscall.number", "integer", "its number" },                                                        \
		{ "syscall.text", "string", "the call with its arguments" },                                          \
		{ "user_frames", "array", "the frames of user mode, innermost first; absent when none can be read" }, \
		{ "user_frames[].n", "integer", "number of the frame, on from the kernel's" },                        \
		{ "user_frames[].pc", "address", "program counter, as in frames" },                                   \
		{ "user_frames[].sp", "address", "stack pointer in this frame; not with --group" },                   \
		{ "user_frames[].function", "string|null", "name of the function" },                                  \
		{ "user_frames[].offset", "integer|null", "bytes from the function's start to pc" },                  \
		{ "user_frames[].image", "string|null", "path of the program or library; null: in none" },            \
		{ "user_frames[].by", "string", "how the frame was found: regs, cfi, fp, or scan (a guess)" },        \
		{ "user_frames[].slot", "address", "where on the stack pc lay; absent for registers" },               \
		{ "user_frames[].stack", "string", "\"signal\" where a signal handler's own stack was left" },        \
		{ "user_frames[].kind", "string", "\"signal\" in a frame that a signal interrupted, else absent" },   \
		{ "user_frames[].regs", "object", "registers there, by name, as addresses" },                         \
		{ "user_error", "string", "why the user stack ends early, as a fixed word; else absent" },            \
	{                                                                                                             \
		"user_why", "string", "the same in words"                                                             \
	}

#endif
