// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The writer behind kdump.c's table row: a kdump-compressed v6 file.
 */
#ifndef KCO_KDUMP_WRITE_H
#define KCO_KDUMP_WRITE_H

#include <kco/format.h>
#include <kco/write.h>

/** The bitmap of RAM that a source has in a file. */
struct kco_kdump_ram {
	struct kco_io *io;
	uint64_t off, bits;
};

/**
 * See the write slot of struct kco_format_ops. @map may be NULL: then the
 * source's segments say what is RAM. Same pages in, same bytes out.
 */
enum kco_status kco_kdump_write(const struct kco_write_source *src, const struct kco_kdump_ram *map,
				struct kco_sink *sink, struct kco_err *err);

#endif
