// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading all of a source of pages, to know what cannot be read.
 */
#ifndef KCO_CORE_VERIFY_H
#define KCO_CORE_VERIFY_H

#include <kco/convert.h>

#include "pagesource.h"

/** kco_verify() of what @src wants. @ps->what is set. */
enum kco_status kco_verify_source(struct kco_pagesource *ps, const struct kco_write_source *src,
				  const struct kco_verify_options *opts, struct kco_verify_stats *stats,
				  struct kco_err *err) KCO_MUST_USE;

#endif
