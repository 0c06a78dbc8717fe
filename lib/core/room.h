// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the disk large enough for a dump that is about to be written?
 */
#ifndef KCO_CORE_ROOM_H
#define KCO_CORE_ROOM_H

#include <kco/format.h>

#include "pagesource.h"

/**
 * Would what @format makes of @src (@ps->total bytes of memory) fit the file
 * system of @fd? Where even all of it would, nothing is read. KCO_E_IO, with the
 * numbers: it would not, by a sample of its pages, and surely so: what may fit is
 * tried. A file system that does not tell, or no regular file, has room.
 */
enum kco_status kco_room_check(struct kco_pagesource *ps, const struct kco_write_source *src,
			       const struct kco_format_ops *format, int fd, struct kco_err *err) KCO_MUST_USE;

#endif
