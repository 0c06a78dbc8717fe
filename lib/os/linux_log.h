// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log of kernels before the printk_ringbuffer.
 */
#ifndef KCO_OS_LINUX_LOG_H
#define KCO_OS_LINUX_LOG_H

#include "linux.h"

enum kco_status linux_log_old(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			      struct kco_err *err);

#endif
