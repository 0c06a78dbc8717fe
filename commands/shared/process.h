// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that a command is about: that of -p PID, the attached one, or
 * the one that the current task belongs to.
 */
#ifndef KCO_COMMANDS_PROCESS_H
#define KCO_COMMANDS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/cmd.h>
#include <kco/process.h>

/** The row `-p PID` of an options table, for an options struct with `int64_t pid; bool has_pid;`. */
#define KCO_PROCESS_OPT(type)                                                               \
	{                                                                                   \
		'p', "pid", KCO_OPT_INT, offsetof(type, pid), "PID", KCO_WORD_TASK,         \
			.help = "the process (or the one of this thread); 0 is the kernel", \
			.seen = offsetof(type, has_pid)                                     \
	}
/** The same for commands whose -p means something else: --pid only. */
#define KCO_PROCESS_LONG_OPT(type)                                                          \
	{                                                                                   \
		0, "pid", KCO_OPT_INT, offsetof(type, pid), "PID", KCO_WORD_TASK,           \
			.help = "the process (or the one of this thread); 0 is the kernel", \
			.seen = offsetof(type, has_pid)                                     \
	}

/** The process meant: @pid when @has_pid, else the attached one, else the current task's. */
enum kco_status kco_current_process(struct kco_cmd_ctx *ctx, bool has_pid, int64_t pid, struct kco_process **ret,
				    struct kco_err *err) KCO_MUST_USE;
/**
 * The selected thread of @p: the current task when it is one of its threads,
 * else the one selected when @p was attached, else its main one. NULL: it has
 * none.
 */
const struct kco_task *kco_current_thread(struct kco_cmd_ctx *ctx, struct kco_process *p);
/** The number of @task among @p's threads, as `thread list` has it: 1 and up; 0: it is none. */
size_t kco_thread_number(const struct kco_process *p, const struct kco_task *task);
/** Attach to @p (again): it becomes the current process, and its selected thread the current task. */
enum kco_status kco_attach(struct kco_cmd_ctx *ctx, struct kco_process *p, struct kco_err *err) KCO_MUST_USE;
/** Make @task, a thread of @p, the selected one. */
void kco_select_thread(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_task *task);
/**
 * An address as users type it, kco_parse_addr() with the symbols of @p before
 * the kernel's: SYMBOL+OFFSET, IMAGE`SYMBOL+OFFSET. KCO_E_USAGE.
 */
enum kco_status kco_parse_process_addr(struct kco_process *p, const char *word, uint64_t *ret,
				       struct kco_err *err) KCO_MUST_USE;

#endif
