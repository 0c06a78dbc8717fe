// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line of text that grows in a buffer of fixed size.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->used >= t->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	t->used = n < 0 || (size_t)n >= t->size - t->used ? t->size : t->used + (size_t)n;
}
