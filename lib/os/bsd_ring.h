// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Message buffers of the BSDs: a ring of text without records. Bytes never
 * written are NUL. Lines are the records here; one that syslog(3) or log(9)
 * wrote begins with "<N>", N = facility * 8 + level, as dmesg(8) knows it. The
 * kernel's own have no level.
 */
#ifndef KCO_OS_BSD_RING_H
#define KCO_OS_BSD_RING_H

#include "session.h"

struct bsd_ring {
	char *bytes; /* the oldest first; the caller's */
	size_t n;
	size_t lost; /* bytes that cannot be read, NUL in bytes[] */
	struct kco_err why;
};

/** Turn @ring of @n bytes so that what was at @first (less than @n) comes first. */
void bsd_ring_unwrap(const char *ring, char *bytes, size_t n, size_t first);
/** Read as much as there is: a page that is not in the dump leaves a gap of its size, which @text counts. */
void bsd_ring_read(struct kco_session *s, uint64_t addr, char *buf, size_t n, struct bsd_ring *text);
/** Each line. @clocked: "[ 12.3456789] " in front of one is the time since boot, and no part of the text. */
void bsd_ring_lines(const struct bsd_ring *text, bool clocked, bool (*fn)(void *arg, const struct kco_log_record *rec),
		    void *arg);

#endif
