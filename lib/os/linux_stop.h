// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the files behind kco_stop_get() give each other.
 *
 *   linux_stop.c         the decision
 *   linux_stop_trace.c   stops for a tracer, by their siginfo
 *   linux_stop_stack.c   what a kernel stack tells: who stopped the CPU, which exception is handled
 */
#ifndef KCO_OS_LINUX_STOP_H
#define KCO_OS_LINUX_STOP_H

#include <kco/unwind.h>

#include "linux_process.h"

enum stop_field {
	STOP_EXIT_CODE,
	STOP_JOBCTL,
	STOP_PTRACE,
	STOP_PTRACE_MESSAGE,
	STOP_LAST_SIGINFO,
	STOP_VFORK_DONE,
	STOP_IN_IOWAIT,
	STOP_PARENT,
	STOP_SIGNAL,
	STOP_FLAGS,
	STOP_DR6,
	STOP_TRAP_NR,
	STOP_ERROR_CODE,
	STOP_CR2,
	STOP_FIELDS,
};

struct linux_stops {
	struct kco_field f[STOP_FIELDS]; /* of task_struct; size 0: this kernel has none */
	struct kco_field signal_flags, group_exit_code;
	uint32_t siginfo_size; /* of the kernel's structure */
	uint64_t sched_start, sched_end;
	struct {
		struct kco_field vma, address, real_address;
		uint64_t size; /* 0: unknown */
	} vmf;
	struct kco_unwinder *unwinder; /* made when first needed */
	struct kco_trace *trace;
};

struct linux_stops *linux_stops_load(struct kco_session *s);
/** A field of the task, 0 when there is none or it cannot be read. */
uint64_t linux_stop_field(struct kco_session *s, const struct kco_task *task, enum stop_field f);
/** Read the siginfo at kernel address @va into @ret. */
enum kco_status linux_siginfo_read(struct kco_session *s, uint64_t va, struct kco_siginfo *ret, struct kco_err *err);

/* linux_stop_trace.c */
/** The task is stopped for its tracer. @regs may be NULL. */
void linux_stop_traced(struct kco_process *p, const struct kco_task *task, const struct kco_thread_regs *regs,
		       struct kco_stop *stop);

/* linux_stop_stack.c */
/** What the frames of a task on a CPU say: kinds NMI, EXCEPTION, or nothing changed. */
void linux_stop_stack_running(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop);
/** The task waits inside an exception: which, and for a page fault where. */
void linux_stop_stack_waiting(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop);

#endif
