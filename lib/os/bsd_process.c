// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes of NetBSD and OpenBSD: page tables and the registers of user mode.
 *
 *   struct vmspace { struct vm_map { struct pmap *pmap } vm_map } -> pm_pdirpa
 *
 * pm_pdirpa is the physical address of the highest table, in NetBSD an array
 * of which it is the first. With page-table isolation it is the table that
 * maps all; the one for user mode is another. A sparse dump of NetBSD has the
 * tables, but not the pages of programs.
 */
#include "bsd.h"

#include <inttypes.h>

#include <kco/mem.h>
#include <kco/os_process.h>

#include "x86_64.h"

#define PROCESS_PAGE_MASK UINT64_C(0xfff)
#define PROCESS_FRAME_MAX 1024

static enum kco_status process_space(struct kco_process *p, struct kco_space *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_field pmap, root;
	uint64_t addr, pa;
	enum kco_status st = kco_session_need(s, KCO_NEED_TYPES, err);

	if (!st)
		st = os_field(s, "vmspace", &pmap, err, "vm_map.pmap", NULL);
	if (!st)
		st = os_field(s, "pmap", &root, err, "pm_pdirpa[0]", "pm_pdirpa", NULL);
	if (!st)
		st = kco_kread_field(s, p->mm, &pmap, &addr, err);
	if (!st)
		st = kco_kread_field(s, addr, &root, &pa, err);
	if (!st && !(pa & s->kernel.addr_mask & ~PROCESS_PAGE_MASK))
		st = kco_fail(err, KCO_E_UNMAPPED, "struct pmap at %#" PRIx64 " has no table", addr);
	if (st)
		return kco_context(err, st, "page tables of the address space");
	ret->form = s->kernel.form;
	ret->addr_mask = s->kernel.addr_mask;
	ret->root = KCO_PADDR(pa & s->kernel.addr_mask & ~PROCESS_PAGE_MASK);
	return KCO_OK;
}

static bool process_hidden(const struct kco_process *p)
{
	return (p->leader->flags & KCO_TASK_KTHREAD) != 0;
}

/* md_regs is set by system calls and traps from user mode: of a thread that was on a CPU it may be of an earlier one.
 */
static enum kco_status process_thread_regs(struct kco_process *p, const struct kco_task *task,
					   struct kco_thread_regs *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	const struct kco_regset *set = bsd_trap_frame(s, false);
	const struct bsd_thread *thread = bsd_thread(s, task->addr);
	uint8_t bytes[PROCESS_FRAME_MAX];
	uint64_t base;
	enum kco_status st;

	if (task->flags & KCO_TASK_KTHREAD)
		return kco_fail(err, KCO_E_RANGE, "a thread of the kernel was never in user mode");
	if (!set || set->desc_size > sizeof(bytes) || !thread || !thread->user_regs)
		return kco_fail(err, KCO_E_RANGE, "nobody knows where its user registers are");
	if (task->flags & KCO_TASK_ACTIVE) {
		ret->bases_old = true;
		st = bsd_task_regs(s, s->mem, task, &ret->regs, NULL);
		if (!st && bsd_regs_user(s, &ret->regs)) {
			ret->entry = KCO_ENTRY_NONE;
			return KCO_OK;
		}
		ret->regs = (struct kco_regs){ 0 };
	}
	st = kco_kread(s, thread->user_regs, bytes, set->desc_size, NULL, err);
	if (st)
		return kco_context(err, st, "trap frame");
	kco_regset_decode(set, bytes, set->desc_size, &ret->regs);
	if (!bsd_regs_user(s, &ret->regs))
		return kco_fail(err, KCO_E_RANGE, "its trap frame at %#" PRIx64 " is not of user mode",
				thread->user_regs);
	ret->frame = thread->user_regs;
	// OpenBSD's name, NetBSD's.
	if (thread->pcb && (!os_read(s, "pcb", thread->pcb, "pcb_fsbase", &base, NULL) ||
			    !os_read(s, "pcb", thread->pcb, "pcb_fs", &base, NULL)))
		kco_regs_set(&ret->regs, X86_64_FS_BASE, base);
	if (thread->pcb && !os_read(s, "pcb", thread->pcb, "pcb_gs", &base, NULL))
		kco_regs_set(&ret->regs, X86_64_GS_BASE, base);
	return KCO_OK;
}

/* What it sleeps on: the channel's address. */
static const char *process_wchan(struct kco_process *p, const struct kco_task *task, uint64_t *addr)
{
	const struct bsd_flavour *f = bsd_of(p->session)->flavour;

	if (os_read(p->session, f->thread, task->addr, f->members[BSD_T_WCHAN].paths[0], addr, NULL))
		*addr = 0;
	return task->wait;
}

const struct kco_os_process_ops kco_os_bsd_process = {
	.space = process_space,
	.hidden = process_hidden,
	.thread_regs = process_thread_regs,
	.wchan = process_wchan,
};
