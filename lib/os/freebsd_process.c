// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD's processes: the table of slots, and the page tables of an address
 * space.
 *
 * With page-table isolation there are two tables: pm_cr3 maps all, pm_ucr3
 * only what user mode needs (sys/amd64/amd64/pmap.c). The lowest 12 bits of
 * CR3 are no address (the process-context id, and bits of caching).
 *
 * A minidump holds no page of a process and none of its page tables: why is
 * what the format says (kco_facts.no_user).
 */
#include "freebsd_process.h"

#include <inttypes.h>

#include <kco/mem.h>

#define PROCESS_PAGE_MASK UINT64_C(0xfff)

struct freebsd_process *freebsd_process_of(struct kco_session *s)
{
	struct freebsd_os *os = freebsd_of(s);

	if (!os->process)
		os->process = kco_arena_alloc(&s->arena, sizeof(*os->process));
	return os->process;
}

void freebsd_process_fini(struct kco_session *s)
{
	freebsd_vnodes_fini(s);
	freebsd_user_regs_fini(s);
}

enum kco_status freebsd_member(struct kco_session *s, const char *type, uint64_t addr, uint64_t *ret,
			       struct kco_err *err, const char *path, const char *older)
{
	struct kco_field field;
	enum kco_status st = os_field(s, type, &field, err, path, older, NULL);

	if (st)
		return st;
	st = kco_kread_field(s, addr, &field, ret, err);
	return st ? kco_context(err, st, "struct %s", type) : KCO_OK;
}

enum kco_status freebsd_proc_of(const struct kco_process *p, uint64_t *ret, struct kco_err *err)
{
	enum kco_status st = kco_session_need(p->session, KCO_NEED_TYPES, err);

	if (!st && !p->leader)
		return kco_fail(err, KCO_E_RANGE, "the process has no thread left");
	if (!st)
		st = freebsd_member(p->session, "thread", p->leader->addr, ret, err, "td_proc", NULL);
	if (!st && !*ret)
		return kco_fail(err, KCO_E_CORRUPT, "the thread at 0x%" PRIx64 " belongs to no process",
				p->leader->addr);
	return st;
}

/* The kernel's own address space is that of all its processes, and what a dead one has left. */
static bool process_is_kernel_space(struct kco_session *s, uint64_t vmspace)
{
	uint64_t vmspace0;

	return !os_symbol(s, &vmspace0, NULL, "vmspace0", NULL) && vmspace == vmspace0;
}

/* The physical address of the highest table: what CR3 would be, else by the table's own address. */
static enum kco_status process_root(struct kco_session *s, uint64_t vmspace, struct kco_paddr *root,
				    struct kco_err *err)
{
	uint64_t cr3, table;
	enum kco_status st = freebsd_member(s, "vmspace", vmspace, &cr3, NULL, "vm_pmap.pm_cr3", NULL);

	if (!st && cr3 && cr3 != UINT64_MAX) {
		*root = KCO_PADDR(cr3 & s->kernel.addr_mask & ~PROCESS_PAGE_MASK);
		return KCO_OK;
	}
	/* FreeBSD 13 put pm_pmltop in the place of pm_pml4, for 57-bit addresses. */
	st = freebsd_member(s, "vmspace", vmspace, &table, err, "vm_pmap.pm_pmltop", "vm_pmap.pm_pml4");
	return st ? st : kco_translate(s->mem, &s->kernel, table, root, NULL, err);
}

static enum kco_status process_space(struct kco_process *p, struct kco_space *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	const char *no_user = s->image->facts.no_user;
	struct kco_paddr root;
	enum kco_status st;

	if (process_is_kernel_space(s, p->mm))
		return kco_fail(err, KCO_E_UNMAPPED, "the process has no address space of its own");
	if (!s->kernel.form)
		return kco_fail(err, KCO_E_NOT_SAVED, "%s",
				no_user ? no_user : "this dump has no page tables of processes");
	st = kco_session_need(s, KCO_NEED_TYPES, err);
	if (!st)
		st = process_root(s, p->mm, &root, err);
	if (st)
		return kco_context(err, st, "page tables of the address space");
	ret->form = s->kernel.form;
	ret->addr_mask = s->kernel.addr_mask;
	ret->root = root;
	return KCO_OK;
}

static bool process_hidden(const struct kco_process *p)
{
	return (p->leader->flags & KCO_TASK_KTHREAD) != 0;
}

/* What it sleeps on: the channel's address; the symbol there, when it is a variable. */
static const char *process_wchan(struct kco_process *p, const struct kco_task *task, uint64_t *addr)
{
	uint64_t channel;

	if (freebsd_member(p->session, "thread", task->addr, &channel, NULL, "td_wchan", NULL))
		channel = 0;
	if (addr)
		*addr = channel;
	return task->wait;
}

const struct kco_os_process_ops kco_os_freebsd_process = {
	.space = process_space,
	.hidden = process_hidden,
	.vmas = freebsd_vmas,
	.vma_flag = freebsd_vma_flag,
	.files = freebsd_files,
	.mm_info = freebsd_mm_info,
	.thread_regs = freebsd_thread_regs,
	.wchan = process_wchan,
	.signal_name = freebsd_signal_name,
};
