// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What FreeBSD's dump header says of the machine, wherever it is kept.
 */
#ifndef KCO_FBSD_INFO_H
#define KCO_FBSD_INFO_H

#include <stddef.h>

/** The first line of @text (up to NUL or @n bytes) into the @size bytes at @to, unless there is something already. */
void kco_fbsd_text(char *to, size_t size, const char *text, size_t n);

#endif
