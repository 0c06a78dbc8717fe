// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a split set. Private to lib/segment.
 */
#ifndef KCO_SEGMENT_PARTS_H
#define KCO_SEGMENT_PARTS_H

#include <kco/format.h>

/**
 * When @img's one file, at @path, is a part of a split set: add the others to
 * its files, by their memory, and warn of it. They are the regular files in
 * the same folder whose names differ from its in the number at the end only,
 * of the same set, and with memory that none before them has. What cannot be
 * read is no part.
 */
enum kco_status kco_parts_add_beside(struct kco_image *img, const char *path,
				     const struct kco_format_ops *const *formats, const struct kco_image_options *opts,
				     struct kco_err *err) KCO_MUST_USE;

#endif
