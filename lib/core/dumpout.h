// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dump on its way out: the file, files or stream that a kco_dump_target
 * names, and the sinks that a format's writer fills.
 */
#ifndef KCO_CORE_DUMPOUT_H
#define KCO_CORE_DUMPOUT_H

#include <kco/outfile.h>
#include <kco/sink.h>

#include "session.h"

struct kco_dump_out {
	const struct kco_session *session;
	const struct kco_dump_target *to;
	/* Fill part @i (from 0; the only one unless to->parts says more). Ending and freeing @sink is not its affair.
	 */
	enum kco_status (*fill)(void *arg, size_t i, struct kco_sink *sink, struct kco_err *err);
	void *arg;
	/* Is there room at @fd, a file? Asked before fill. NULL: not asked. */
	enum kco_status (*room)(void *arg, int fd, struct kco_err *err);
};

/** Write it. *@size is how many bytes that took, of all files. */
enum kco_status kco_dump_write(const struct kco_dump_out *out, uint64_t *size, struct kco_err *err) KCO_MUST_USE;

#endif
