// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux's processes: the table of slots, and the page tables of an address
 * space, whose highest one is mm_struct.pgd.
 */
#include "linux_process.h"

#include <kco/mem.h>

#include "linux_page.h"
#include "linux_x86_64_thread.h"
#include "linux_x86_64_signal.h"

static enum kco_status linux_process_space(struct kco_process *p, struct kco_space *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_field pgd;
	struct kco_paddr root;
	uint64_t va;
	enum kco_status st = os_field(s, "mm_struct", &pgd, err, "pgd", NULL);

	if (!st)
		st = kco_kread_field(s, p->mm, &pgd, &va, err);
	if (!st)
		st = kco_translate(s->mem, &s->kernel, va, &root, NULL, err);
	if (st)
		return kco_context(err, st, "page tables of the address space");
	ret->form = s->kernel.form;
	ret->addr_mask = s->kernel.addr_mask;
	ret->root = root;
	return KCO_OK;
}

/* Kernel threads; what users started is shown. */
static bool linux_process_hidden(const struct kco_process *p)
{
	return (p->leader->flags & KCO_TASK_KTHREAD) != 0;
}

const struct kco_os_process_ops kco_os_linux_process = {
	.space = linux_process_space,
	.hidden = linux_process_hidden,
	.vmas = linux_vmas,
	.vma_flag = linux_vma_flag,
	.files = linux_files,
	.mm_info = linux_mm_info,
	.thread_regs = linux_x86_64_thread_regs,
	.stop = linux_stop,
	.wchan = linux_wchan,
	.breakpoints = linux_breakpoints,
	.signal_frame = linux_x86_64_signal_frame,
	.xstate = linux_x86_64_xstate,
	.debugregs = linux_x86_64_debugregs,
	.core_notes = linux_x86_64_core_notes,
	.syscall = linux_syscall,
	.signals = linux_signals,
	.signal_name = linux_signal_name,
	.signal_code_name = linux_signal_code_name,
	.page = linux_page,
	.page_read = linux_page_read,
	.file_read = linux_file_read,
};
