// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages of a Linux dump can be left out.
 */
#ifndef KCO_OS_LINUX_FILTER_H
#define KCO_OS_LINUX_FILTER_H

#include <kco/pagefilter.h>
#include <kco/write.h>

#include "frameset.h"
#include "session.h"

/** The slot page_filter of struct kco_os_ops. */
enum kco_status linux_filter(struct kco_session *s, const struct kco_write_source *src, unsigned level,
			     struct kco_frameset *drop, struct kco_filter_stats *stats, struct kco_err *err);

#endif
