// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug registers of a Linux thread on x86_64, as its tracer would read them
 * (ptrace_get_debugreg() in arch/x86/kernel/ptrace.c): the addresses are those
 * of its four breakpoint events, DR7 is what the tracer wrote, and DR6 is
 * virtual: what the thread's own traps left. Breakpoints that the system at
 * large has (perf, kgdb) are not among them.
 */
#include "linux_x86_64_thread.h"

#include <stdio.h>

#include "linux.h"

#define DR6_RESERVED UINT64_C(0xffff0ff0) /* arch/x86/include/uapi/asm/debugreg.h */

static enum kco_status debug_address(struct kco_session *s, const struct kco_task *task, unsigned n, uint64_t *ret,
				     struct kco_err *err)
{
	struct kco_field field, address;
	uint64_t event;
	char path[32];
	enum kco_status st;

	snprintf(path, sizeof(path), "thread.ptrace_bps[%u]", n);
	st = kco_types_field(s->types, "task_struct", path, &field, err);
	if (!st)
		st = os_field(s, "perf_event", &address, err, "hw.info.address", "attr.bp_addr", NULL);
	if (!st)
		st = kco_kread_field(s, task->addr, &field, &event, err);
	if (st || !event)
		return st;
	return kco_kread_field(s, event, &address, ret, err);
}

enum kco_status linux_x86_64_debugregs(struct kco_process *p, const struct kco_task *task, uint64_t dr[8],
				       struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_field dr6, dr7;
	enum kco_status st = KCO_OK;

	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE))
		return kco_fail(err, KCO_E_RANGE, "a kernel thread has no debug registers of its own");
	for (unsigned n = 0; n < 4 && !st; n++)
		st = debug_address(s, task, n, &dr[n], err);
	if (!st)
		st = os_field(s, "task_struct", &dr7, err, "thread.ptrace_dr7", NULL);
	if (!st)
		st = kco_kread_field(s, task->addr, &dr7, &dr[7], err);
	if (st)
		return kco_context(err, st, "debug registers");
	// Since Linux d53d9bc0cf78 (v5.10) it is virtual_dr6, which has its reserved bits flipped; before debugreg6, as
	// is.
	if (!os_field(s, "task_struct", &dr6, NULL, "thread.virtual_dr6", NULL)) {
		st = kco_kread_field(s, task->addr, &dr6, &dr[6], err);
		dr[6] ^= DR6_RESERVED;
	} else {
		st = os_field(s, "task_struct", &dr6, err, "thread.debugreg6", NULL);
		if (!st)
			st = kco_kread_field(s, task->addr, &dr6, &dr[6], err);
	}
	return st ? kco_context(err, st, "debug registers") : KCO_OK;
}
