// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line of text that grows in a buffer of fixed size: what does not fit is
 * cut, and the end is always there.
 */
#ifndef KCO_PROC_TEXT_H
#define KCO_PROC_TEXT_H

#include <stddef.h>

#include <kco/err.h>

struct text {
	char *buf;
	size_t size, used;
};

void text_add(struct text *t, const char *fmt, ...) KCO_PRINTF(2, 3);

#endif
