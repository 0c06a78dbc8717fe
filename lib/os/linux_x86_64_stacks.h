// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stacks of a CPU on x86_64 other than the task's own.
 */
#ifndef KCO_OS_LINUX_X86_64_STACKS_H
#define KCO_OS_LINUX_X86_64_STACKS_H

#include <kco/os.h>

/** At most @max; the number is returned. What this kernel does not have is left out. On the session's thread. */
size_t linux_x86_64_stacks_load(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max);

#endif
