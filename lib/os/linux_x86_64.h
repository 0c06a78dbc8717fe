// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Linux lays out on x86_64: registers of tasks and CPUs, the stacks of a
 * CPU, trap frames. Slots of kco_os_linux.
 */
#ifndef KCO_OS_LINUX_X86_64_H
#define KCO_OS_LINUX_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/os.h>

struct linux_x86_64;

/**
 * The registers of an active task's CPU, else of its switch frame. Those of a
 * CPU are loaded by the first call for it, which belongs to the session's
 * thread; later calls may come from any thread. KCO_E_RANGE: the dump has none.
 */
enum kco_status linux_x86_64_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
				       struct kco_regs *regs, struct kco_err *err);
/** The same rule for threads. */
size_t linux_x86_64_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max);
enum kco_status linux_x86_64_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err);
const struct kco_regset *linux_x86_64_trap_frame(struct kco_session *s, bool hardware_part_only);
uint64_t linux_x86_64_user_regs(struct kco_session *s, const struct kco_task *task);
bool linux_x86_64_regs_user(struct kco_session *s, const struct kco_regs *regs);
void linux_x86_64_fini(struct kco_session *s);

#endif
