// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Views of tasks other than the table of ps, and the words for task states.
 */
#ifndef KCO_COMMANDS_TASKVIEWS_H
#define KCO_COMMANDS_TASKVIEWS_H

#include <stdbool.h>

#include <kco/cmd.h>

/** crash's two letters for a state letter: "RU", "IN", ...; "??" unknown. */
const char *kco_task_state_text(char state);
bool kco_task_state_known(char state);
/** Is it one of crash's words, in either case? Looks at two characters. */
bool kco_task_state_by_text(const char *text);

/** How many of the tasks are in each state. */
enum kco_status kco_taskview_sum(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				 struct kco_err *err) KCO_MUST_USE;
/** By when they last ran, the latest first; with @since as the time before the crash. @cpus: in blocks by CPU. */
enum kco_status kco_taskview_last_run(struct kco_cmd_ctx *ctx, const struct kco_task **tasks, size_t n, bool since,
				      const char *cpus, struct kco_err *err) KCO_MUST_USE;
/** Each task below its parents. */
enum kco_status kco_taskview_parents(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				     struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_taskview_children(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				      struct kco_err *err) KCO_MUST_USE;
/** The thread group of each task, every group once. */
enum kco_status kco_taskview_threads(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				     struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_taskview_times(struct kco_cmd_ctx *ctx, const struct kco_task *const *tasks, size_t n,
				   struct kco_err *err) KCO_MUST_USE;

#endif
