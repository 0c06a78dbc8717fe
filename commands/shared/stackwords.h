// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel stacks without unwinding: as words, as the text addresses among them,
 * or only the question whether one overflowed.
 */
#ifndef KCO_COMMANDS_STACKWORDS_H
#define KCO_COMMANDS_STACKWORDS_H

#include <kco/cmd.h>

enum kco_stackwords_mode {
	KCO_STACKWORDS_TEXT,	 /* text addresses from the stack pointer up */
	KCO_STACKWORDS_TEXT_ALL, /* text addresses of the whole stack */
	KCO_STACKWORDS_RAW,	 /* every word */
};

enum kco_status kco_stackwords_show(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				    enum kco_stackwords_mode mode, struct kco_err *err) KCO_MUST_USE;
/** Whose lowest stack word is not the kernel's magic any more, or whose stack pointer left the stack? */
enum kco_status kco_stackwords_check(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				     struct kco_err *err) KCO_MUST_USE;

#endif
