// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User-Mode Linux: what differs from Linux on a machine, whose personality is
 * the base of this one.
 *
 *   uml.c          the table row, finding the kernel, tasks
 *   uml_regs.c     registers of tasks and threads
 *   uml_paging.c   page tables of guest processes
 */
#ifndef KCO_OS_UML_H
#define KCO_OS_UML_H

#include <kco/os_process.h>

#include "linux.h"

#define UML_JUMP_REGS 8

/** Hangs on struct linux_os, in the session's arena. */
struct uml {
	uint64_t first, end;		 /* addresses of the kernel's image */
	uint64_t notes, notes_size;	 /* its ELF notes, 0 none */
	const struct kco_paging *paging; /* of processes; NULL unknown */
	struct kco_lazy lazy_fields;
	struct kco_field jump[UML_JUMP_REGS]; /* in task_struct: what switching away saved */
	struct kco_field gp, syscall;	      /* in task_struct: the user's registers, and the call's number */
};

static inline struct uml *uml_of(struct kco_session *s)
{
	return linux_of(s)->uml;
}

/* uml_paging.c */
/** The form that the kernel was built with, by its types; NULL: none that is known. */
const struct kco_paging *uml_paging_of(struct kco_session *s);
/** An entry that is not present; see struct linux_variant. */
struct linux_entry uml_entry(uint64_t entry, unsigned level, uint64_t addr_mask);

/* uml_regs.c */
/** Where registers lie in struct task_struct. On the session's thread, before any other slot of this file. */
enum kco_status uml_fields_load(struct kco_session *s, struct kco_err *err);
enum kco_status uml_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
			      struct kco_regs *regs, struct kco_err *err);
const struct kco_regset *uml_trap_frame(struct kco_session *s, bool hardware_part_only);
uint64_t uml_user_regs(struct kco_session *s, const struct kco_task *task);
bool uml_regs_user(struct kco_session *s, const struct kco_regs *regs);
enum kco_status uml_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err);
enum kco_status uml_thread_regs(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				struct kco_err *err);

#endif
