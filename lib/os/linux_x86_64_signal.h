// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames that Linux puts on a stack of user mode to run a signal handler.
 */
#ifndef KCO_OS_LINUX_X86_64_SIGNAL_H
#define KCO_OS_LINUX_X86_64_SIGNAL_H

#include <kco/os_process.h>

/** Slot signal_frame of struct kco_os_process_ops. */
enum kco_status linux_x86_64_signal_frame(struct kco_process *p, const struct kco_regs *regs, bool compat,
					  struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err);

#endif
