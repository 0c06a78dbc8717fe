// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack traces grouped: tasks with the same program counters in the same
 * order, in the kernel and in user mode, and the same end, make one row.
 */
#ifndef KCO_COMMANDS_STACKGROUP_H
#define KCO_COMMANDS_STACKGROUP_H

#include <kco/cmd.h>
#include <kco/unwind.h>

#include "frames.h"
#include "userframes.h"

struct kco_stackgroups;

/** Lives until freed or, its contents, until ctx->arena dies. */
enum kco_status kco_stackgroups_new(struct kco_cmd_ctx *ctx, struct kco_stackgroups **ret,
				    struct kco_err *err) KCO_MUST_USE;
void kco_stackgroups_free(struct kco_stackgroups *groups);
/**
 * @user (NULL: none) is the rest of the stack: its frames are the same when they are in the same places of the same
 * files. @status and @why: how the row ended, the trace's own or the task's.
 */
enum kco_status kco_stackgroups_add(struct kco_stackgroups *groups, const struct kco_task *task,
				    const struct kco_trace *trace, const struct kco_user_stack *user,
				    enum kco_status status, const char *why, struct kco_err *err) KCO_MUST_USE;
/** All groups, those with most tasks first. */
void kco_stackgroups_show(struct kco_stackgroups *groups, const struct kco_frames_style *style);

#endif
