// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See fbsd_info.h.
 */
#include "fbsd_info.h"

#include <stdbool.h>
#include <string.h>

static bool info_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void kco_fbsd_text(char *to, size_t size, const char *text, size_t n)
{
	const char *end;

	if (*to)
		return;
	while (n && info_blank(*text)) {
		text++;
		n--;
	}
	n = strnlen(text, n);
	end = memchr(text, '\n', n);
	if (end)
		n = (size_t)(end - text);
	if (n > size - 1)
		n = size - 1;
	while (n && info_blank(text[n - 1]))
		n--;
	memcpy(to, text, n);
	to[n] = '\0';
}
