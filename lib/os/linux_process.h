// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux's processes: what the files behind kco_os_linux_process give each other.
 *
 *   linux_process.c       the table, page-table roots
 */
#ifndef KCO_OS_LINUX_PROCESS_H
#define KCO_OS_LINUX_PROCESS_H

#include <kco/os_process.h>

#include "linux.h"

extern const struct kco_os_process_ops kco_os_linux_process;

#endif
