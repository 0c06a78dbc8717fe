// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers that threads have in user mode: the trap frame of the last entry
 * into the kernel.
 *
 * thread.td_frame is set by system calls, by traps and on the way out (trap(),
 * amd64_syscall(), ast(), all in sys/kern/subr_trap.c and sys/amd64/amd64/trap.c),
 * and not by interrupts: of a thread that an interrupt took out of user mode,
 * the NMI that stops CPUs among them, it is of an earlier visit. What is true is
 * the frame that its stack leads to; td_frame does for a thread that was asleep
 * and whose stack does not tell, for interrupts seldom put one to sleep.
 */
#include "freebsd_process.h"

#include <inttypes.h>
#include <string.h>

#include <kco/mem.h>
#include <kco/unwind.h>

#define USERREGS_FRAME_MAX 4096

struct freebsd_user_walk {
	struct kco_unwinder *unwinder;
	struct kco_trace trace;
};

static struct freebsd_user_walk *userregs_walk(struct kco_session *s, struct kco_err *err)
{
	struct freebsd_process *process = freebsd_process_of(s);

	if (process && !process->walk)
		process->walk = kco_arena_alloc(&s->arena, sizeof(*process->walk));
	if (!process || !process->walk) {
		(void)!kco_fail(err, KCO_E_NOMEM, "out of memory");
		return NULL;
	}
	if (!process->walk->unwinder && kco_unwinder_new(s, &process->walk->unwinder, err))
		return NULL;
	return process->walk;
}

void freebsd_user_regs_fini(struct kco_session *s)
{
	struct freebsd_process *process = freebsd_of(s)->process;

	if (process && process->walk) {
		kco_unwinder_free(process->walk->unwinder);
		process->walk->unwinder = NULL;
	}
}

/* The frame that the stack of @task leads to. A guess is none. */
static enum kco_status userregs_stack(struct kco_session *s, const struct kco_task *task, struct kco_thread_regs *ret,
				      struct kco_err *err)
{
	struct freebsd_user_walk *walk = userregs_walk(s, err);
	const struct kco_frame *last;
	const struct kco_trace *trace;
	enum kco_status st;

	if (!walk)
		return err ? err->code : KCO_E_NOMEM;
	trace = &walk->trace;
	st = kco_unwind_task(walk->unwinder, task, &walk->trace, err);
	last = trace->n ? &trace->frames[trace->n - 1] : NULL;
	if (st && (!last || last->kind != KCO_FRAME_USER))
		return st;
	if (!last || last->kind != KCO_FRAME_USER || !last->regs)
		return kco_fail(err, KCO_E_RANGE, "its stack does not lead to user mode");
	if (last->by == KCO_BY_SCAN)
		return kco_fail(err, KCO_E_RANGE, "how its stack leads to user mode can only be guessed");
	ret->regs = *last->regs;
	ret->frame = last->slot;
	/* Its CPU was in user mode when the NMI stopped it: no other frame has registers. */
	if (task->flags & KCO_TASK_ACTIVE && (trace->n == 1 || (trace->nr_regs == 1 && trace->frames[0].stack &&
								!strcmp(trace->frames[0].stack, "NMI"))))
		ret->entry = KCO_ENTRY_NONE;
	return KCO_OK;
}

/* The frame that td_frame names. */
static enum kco_status userregs_frame(struct kco_session *s, const struct kco_task *task, struct kco_thread_regs *ret,
				      struct kco_err *err)
{
	const struct kco_regset *set = freebsd_trap_frame(s, false);
	uint64_t frame = freebsd_user_regs(s, task);
	uint8_t bytes[USERREGS_FRAME_MAX];
	enum kco_status st;

	if (!set || set->desc_size > sizeof(bytes) || !frame)
		return kco_fail(err, KCO_E_RANGE, "nobody knows where its user registers are");
	st = kco_kread(s, frame, bytes, set->desc_size, NULL, err);
	if (st)
		return kco_context(err, st, "trap frame");
	ret->regs = (struct kco_regs){ 0 };
	kco_regset_decode(set, bytes, set->desc_size, &ret->regs);
	if (!freebsd_regs_user(s, &ret->regs))
		return kco_fail(err, KCO_E_RANGE, "its trap frame at 0x%" PRIx64 " is not of user mode", frame);
	ret->frame = frame;
	return KCO_OK;
}

/* What switching away saved beside the frame. */
static void userregs_base(struct kco_session *s, uint64_t pcb, const char *name, const char *member,
			  struct kco_regs *regs)
{
	int reg = kco_arch_reg(s->arch, name);
	uint64_t value;

	if (reg >= 0 && !freebsd_member(s, "pcb", pcb, &value, NULL, member, NULL))
		kco_regs_set(regs, (unsigned)reg, value);
}

enum kco_status freebsd_thread_regs(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				    struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st;
	uint64_t pcb;

	if (task->flags & KCO_TASK_KTHREAD)
		return kco_fail(err, KCO_E_RANGE, "a thread of the kernel was never in user mode");
	ret->bases_old = (task->flags & KCO_TASK_ACTIVE) != 0;
	st = userregs_stack(s, task, ret, &why);
	if (st && task->flags & KCO_TASK_ACTIVE)
		return kco_fail(err, st == KCO_E_NOMEM ? st : KCO_E_RANGE,
				"%s, and td_frame may be of an earlier visit to the kernel", why.msg);
	if (st)
		st = userregs_frame(s, task, ret, err);
	if (st)
		return st;
	if (!freebsd_member(s, "thread", task->addr, &pcb, NULL, "td_pcb", NULL)) {
		userregs_base(s, pcb, "fs_base", "pcb_fsbase", &ret->regs);
		userregs_base(s, pcb, "gs_base", "pcb_gsbase", &ret->regs);
	}
	return KCO_OK;
}
