// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of Linux threads on x86_64: slots of kco_os_linux_process.
 *
 *   linux_x86_64_thread.c   user mode's general registers
 *   linux_x86_64_fpu.c      floating-point and vector registers
 *   linux_x86_64_debug.c    debug registers
 *   linux_x86_64_core.c     all of these as notes of a core file
 */
#ifndef KCO_OS_LINUX_X86_64_THREAD_H
#define KCO_OS_LINUX_X86_64_THREAD_H

#include <kco/os_process.h>

enum kco_status linux_x86_64_thread_regs(struct kco_process *p, const struct kco_task *task,
					 struct kco_thread_regs *ret, struct kco_err *err);
enum kco_status linux_x86_64_xstate(struct kco_process *p, const struct kco_task *task, struct kco_xstate *ret,
				    struct kco_err *err);
/** Where the kernel saved them: @size bytes at @addr of its memory. Kernel threads have such memory, too. */
enum kco_status linux_x86_64_xstate_area(struct kco_session *s, const struct kco_task *task, uint64_t *addr,
					 uint64_t *size, struct kco_err *err);
enum kco_status linux_x86_64_debugregs(struct kco_process *p, const struct kco_task *task, uint64_t dr[8],
				       struct kco_err *err);
enum kco_status linux_x86_64_core_notes(struct kco_process *p,
					enum kco_status (*add)(void *arg, const char *name, uint32_t type,
							       const void *desc, size_t n),
					void *arg, bool *narrow, struct kco_core_stats *stats, struct kco_err *err);

#endif
