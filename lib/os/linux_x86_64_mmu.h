// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The address space of a Linux kernel on x86_64.
 */
#ifndef KCO_OS_LINUX_X86_64_MMU_H
#define KCO_OS_LINUX_X86_64_MMU_H

#include "linux.h"

/**
 * Set the session's kernel space from what VMCOREINFO (or --phys-base, --kaslr
 * and a vmlinux) says, and prove it: the kernel's text must translate to where
 * phys_base puts it. Also sets the KASLR offset. KCO_E_CORRUPT when it does not.
 */
enum kco_status linux_x86_64_space(struct kco_session *s, struct kco_err *err);

/** The virtual addresses of the kernel image that are mapped: where to scan for its tables. */
enum kco_status linux_x86_64_kernel_range(struct kco_session *s, uint64_t *first, uint64_t *end, struct kco_err *err);

#endif
