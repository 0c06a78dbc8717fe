// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stack trace as crash lays it out, and as JSON. What every command that
 * shows stacks prints them with.
 */
#ifndef KCO_COMMANDS_FRAMES_H
#define KCO_COMMANDS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/cmd.h>
#include <kco/unwind.h>

struct kco_frames_style {
	bool offsets;	    /* function+offset */
	bool hex;	    /* offsets in hexadecimal */
	bool lines;	    /* source lines and inlined functions, when a vmlinux is known */
	bool words;	    /* the stack words of each frame */
	bool symbolic;	    /* ... those that are addresses of symbols by name */
	bool no_stack_addr; /* no [sp]: the frames stand for several stacks */
};

/** The function that @f is in. A return address is looked up one byte earlier: the call belongs to the caller. */
bool kco_frame_symbol(struct kco_cmd_ctx *ctx, const struct kco_frame *f, struct kco_symbol *sym, uint64_t *offset);
/** The frames and why they end; no header. */
void kco_frames_text(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace,
		     const struct kco_frames_style *style);
/** "frames", "user" and, when the trace ended early, "error" and "why" of the open row. */
void kco_frames_json(struct kco_cmd_ctx *ctx, const struct kco_task *task, const struct kco_trace *trace,
		     const struct kco_frames_style *style);
/** The schema of what kco_frames_json() writes, to be spread into a command's table. */
#define KCO_FRAMES_JSON                                                                                                \
	{ "frames", "array", "the frames, innermost first; empty when the task has no stack any more" },               \
		{ "frames[].n", "integer", "number of the frame, 0 is innermost" },                                    \
		{ "frames[].pc", "address", "program counter; a return address but in frames that were interrupted" }, \
		{ "frames[].sp", "address", "stack pointer in this frame; not with --group" },                         \
		{ "frames[].function", "string|null", "name of the function" },                                        \
		{ "frames[].offset", "integer|null", "bytes from the function's start to pc" },                        \
		{ "frames[].module", "string|null", "module of the function, null for the kernel" },                   \
		{ "frames[].by", "string", "how the frame was found: regs, orc, cfi, fp, or scan (a guess)" },         \
		{ "frames[].slot", "address", "where on the stack pc lay; absent for registers" },                     \
		{ "frames[].stack", "string", "name of the stack, in the first frame on another one" },                \
		{ "frames[].kind", "string", "\"exception\" in a frame that was interrupted, else absent" },           \
		{ "frames[].regs", "object", "registers at the interruption, by name, as addresses" },                 \
		{ "frames[].lines", "array", "-l: source lines, innermost first; empty when none is known" },          \
		{ "frames[].lines[].function", "string|null", "the function: the frame's own, or one inlined there" }, \
		{ "frames[].lines[].file", "string|null", "its source file" },                                         \
		{ "frames[].lines[].line", "integer", "the line" },                                                    \
		{ "frames[].lines[].inlined", "boolean", "inlined into the function of the next row" },                \
		{ "frames[].words", "array", "-f, -F: the stack words of the frame" },                                 \
		{ "frames[].words[].addr", "address", "stack address" },                                               \
		{ "frames[].words[].value", "address", "the word there" },                                             \
		{ "frames[].words[].symbol", "string", "-F: what it points to; absent when it is no symbol's" },       \
		{ "user", "object", "the registers of user mode, when the stack reaches its boundary" },               \
		{ "user.pc", "address", "program counter in user mode" },                                              \
		{ "user.sp", "address", "stack pointer in user mode" },                                                \
	{                                                                                                              \
		"user.regs", "object", "registers by name, as addresses"                                               \
	}

#endif
