// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text that a terminal may see: UTF-8 without what controls the terminal or
 * deceives the reader.
 *
 * Escaped, each byte as \xNN: bytes that are not well-formed UTF-8 (Unicode
 * 15.0, table 3-7), C0 and C1 controls and DEL, line and paragraph separators,
 * the characters that change the direction of text (UAX #9), interlinear
 * annotations, tag characters, byte order marks and noncharacters.
 */
#include "escape.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* The length of the well-formed UTF-8 sequence at @s, 0 if there is none; *@ret is the character. */
static size_t escape_decode(const unsigned char *s, size_t n, uint32_t *ret)
{
	unsigned char low = 0x80, high = 0xbf; // of the second byte
	size_t len;
	uint32_t c;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
		c = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		c = s[0] & 0x0f;
		if (s[0] == 0xe0)
			low = 0xa0; // shorter forms
		if (s[0] == 0xed)
			high = 0x9f; // surrogates
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		c = s[0] & 0x07;
		if (s[0] == 0xf0)
			low = 0x90;
		if (s[0] == 0xf4)
			high = 0x8f; // beyond U+10FFFF
	} else {
		return 0;
	}
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
		c = c << 6 | (s[i] & 0x3f);
	}
	*ret = c;
	return len;
}

static bool escape_is_safe(uint32_t c, unsigned flags)
{
	if (flags & KCO_ESCAPE_JSON)
		return true;
	if (c < 0x20)
		return (c == '\n' && (flags & KCO_ESCAPE_KEEP_NL)) || (c == '\t' && (flags & KCO_ESCAPE_KEEP_TAB));
	if (c < 0x7f)
		return true;
	if (c < 0xa0 || (flags & KCO_ESCAPE_ASCII))
		return false;
	if (c < 0x61c)
		return true;
	if (c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return false;
	if (c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfdd0 && c <= 0xfdef))
		return false;
	return (c & 0xfffe) != 0xfffe && !(c >= 0xe0000 && c <= 0xe007f);
}

size_t kco_escape_span(const char *s, size_t n, unsigned flags, bool *safe)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t at = 0;

	while (at < n) {
		uint32_t c = 0;
		size_t len = escape_decode(u + at, n - at, &c);

		if (len && escape_is_safe(c, flags)) {
			at += len;
			continue;
		}
		if (at)
			break;
		*safe = false;
		return len ? len : 1;
	}
	*safe = true;
	return at;
}

size_t kco_escape_unit(const char *s, size_t n, char buf[17])
{
	size_t len = 0;

	for (size_t i = 0; i < n && i < 4; i++)
		len += (size_t)snprintf(buf + len, 17 - len, "\\x%02x", (unsigned char)s[i]);
	return len;
}

size_t kco_escape_json(const char *s, size_t n, char buf[17])
{
	uint32_t c = 0;

	if (!escape_decode((const unsigned char *)s, n, &c))
		c = (unsigned char)s[0];
	if (c < 0x10000)
		return (size_t)snprintf(buf, 17, "\\u%04x", (unsigned)c);
	c -= 0x10000;
	return (size_t)snprintf(buf, 17, "\\u%04x\\u%04x", (unsigned)(0xd800 + (c >> 10)),
				(unsigned)(0xdc00 + (c & 0x3ff)));
}

char *kco_escape_new(const char *s, size_t n, unsigned flags, size_t *len)
{
	size_t used = 0, at = 0;
	char *text;

	// A byte grows to four at most.
	if (n > SIZE_MAX / 4 - 1)
		return NULL;
	text = malloc(n * 4 + 1);
	if (!text)
		return NULL;
	while (at < n) {
		char unit[17];
		bool safe;
		size_t span = kco_escape_span(s + at, n - at, flags, &safe);

		if (safe) {
			memcpy(text + used, s + at, span);
			used += span;
		} else {
			size_t grown = kco_escape_unit(s + at, span, unit);

			memcpy(text + used, unit, grown);
			used += grown;
		}
		at += span;
	}
	text[used] = '\0';
	if (len)
		*len = used;
	return text;
}

size_t kco_escape_columns(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t columns = 0;

	for (size_t at = 0; at < n;) {
		uint32_t c = 0;
		size_t len = escape_decode(u + at, n - at, &c);
		int width = len > 1 ? wcwidth((wchar_t)c) : 1;

		columns += width < 0 ? 1 : (size_t)width;
		at += len ? len : 1;
	}
	return columns;
}
