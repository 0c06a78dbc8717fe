// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of threads: the personality's answers, or that it has none.
 */
#include <kco/thread.h>

#include <string.h>

#include "process_priv.h"

enum kco_status kco_thread_regs_get(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				    struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process *, const struct kco_task *, struct kco_thread_regs *,
				struct kco_err *) = PROCESS_OS_SLOT(p->session, thread_regs);

	*ret = (struct kco_thread_regs){ .entry = KCO_ENTRY_UNKNOWN, .syscall = -1 };
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "user registers of %s on %s", p->session->os->name,
				p->session->arch->name);
	return slot(p, task, ret, err);
}

enum kco_status kco_thread_xstate_get(struct kco_process *p, const struct kco_task *task, struct kco_xstate *ret,
				      struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process *, const struct kco_task *, struct kco_xstate *, struct kco_err *) =
		PROCESS_OS_SLOT(p->session, xstate);

	memset(ret, 0, sizeof(*ret));
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "vector registers of %s on %s", p->session->os->name,
				p->session->arch->name);
	return slot(p, task, ret, err);
}

enum kco_status kco_thread_debugregs_get(struct kco_process *p, const struct kco_task *task, uint64_t dr[8],
					 struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process *, const struct kco_task *, uint64_t *, struct kco_err *) =
		PROCESS_OS_SLOT(p->session, debugregs);

	memset(dr, 0, 8 * sizeof(*dr));
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "debug registers of %s on %s", p->session->os->name,
				p->session->arch->name);
	return slot(p, task, dr, err);
}
