// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of threads: the personality's answers, or that it has none.
 */
#include <kco/thread.h>

#include <string.h>

#include <kco/os.h>

#include "process_priv.h"

enum kco_status kco_thread_regs_get(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				    struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process *, const struct kco_task *, struct kco_thread_regs *,
				struct kco_err *) = PROCESS_OS_SLOT(p->session, thread_regs);

	*ret = (struct kco_thread_regs){ .entry = KCO_ENTRY_UNKNOWN, .syscall = -1 };
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "user registers of %s on %s", p->session->os->title,
				p->session->arch->name);
	return slot(p, task, ret, err);
}

enum kco_status kco_thread_kernel_regs_get(struct kco_session *s, const struct kco_task *task, struct kco_regs *ret,
					   struct kco_err *err)
{
	*ret = (struct kco_regs){ 0 };
	if (!KCO_OS_SLOT(s->os, task_regs))
		return kco_fail(err, KCO_E_UNSUPPORTED, "kernel registers of %s on %s", s->os->title, s->arch->name);
	return KCO_OS_SLOT(s->os, task_regs)(s, s->mem, task, ret, err);
}

enum kco_status kco_thread_xstate_get(struct kco_process *p, const struct kco_task *task, struct kco_xstate *ret,
				      struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process *, const struct kco_task *, struct kco_xstate *, struct kco_err *) =
		PROCESS_OS_SLOT(p->session, xstate);

	memset(ret, 0, sizeof(*ret));
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "vector registers of %s on %s", p->session->os->title,
				p->session->arch->name);
	return slot(p, task, ret, err);
}

size_t kco_xstate_register(const struct kco_xstate *x, const struct kco_xreg_desc *reg, uint8_t value[64])
{
	size_t n = 0;

	for (size_t i = 0; i < KCO_XREG_PIECES_MAX && reg->pieces[i].size; i++) {
		unsigned component = reg->pieces[i].component;
		size_t at;

		if (component >= KCO_XSTATE_COMPONENTS || !(x->features >> component & 1))
			return 0;
		at = x->offset[component] + reg->pieces[i].offset;
		if (at > x->size || reg->pieces[i].size > x->size - at || n + reg->pieces[i].size > 64)
			return 0;
		memcpy(value + n, x->area + at, reg->pieces[i].size);
		n += reg->pieces[i].size;
	}
	return n;
}

enum kco_status kco_thread_debugregs_get(struct kco_process *p, const struct kco_task *task, uint64_t dr[8],
					 struct kco_err *err)
{
	enum kco_status (*slot)(struct kco_process *, const struct kco_task *, uint64_t *, struct kco_err *) =
		PROCESS_OS_SLOT(p->session, debugregs);

	memset(dr, 0, 8 * sizeof(*dr));
	if (!slot)
		return kco_fail(err, KCO_E_UNSUPPORTED, "debug registers of %s on %s", p->session->os->title,
				p->session->arch->name);
	return slot(p, task, dr, err);
}
