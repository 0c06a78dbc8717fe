// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which format a file has. Private to lib/segment.
 */
#ifndef KCO_SEGMENT_DETECT_H
#define KCO_SEGMENT_DETECT_H

#include <kco/format.h>

/**
 * Peel the wrappers off *@io (which is replaced, its reference handed over)
 * and find the format of what is inside. The peeled names go to @wrappers,
 * outermost first. *@io is valid in any case.
 */
enum kco_status kco_detect(struct kco_io **io, const struct kco_format_ops *const *formats,
			   const struct kco_image_options *opts, const struct kco_format_ops **ret, char *wrappers,
			   size_t wrappers_size, struct kco_err *err) KCO_MUST_USE;

#endif
