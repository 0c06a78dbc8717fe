// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making text from a dump safe to show. See <kco/out.h> for what is escaped.
 */
#ifndef KCO_CLI_ESCAPE_H
#define KCO_CLI_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

enum kco_escape {
	KCO_ESCAPE_KEEP_NL = 1 << 0,  /* newlines stay */
	KCO_ESCAPE_KEEP_TAB = 1 << 1, /* tabs stay */
	KCO_ESCAPE_ASCII = 1 << 2,    /* for a terminal that is not UTF-8: every byte above 0x7e */
	KCO_ESCAPE_JSON = 1 << 3,     /* only bytes that are no UTF-8: JSON itself takes care of the rest */
};

/**
 * The longest piece at @s (of @n > 0 bytes) that is all safe or one unit to
 * escape; *@safe says which. Its length is returned, at least 1.
 */
size_t kco_escape_span(const char *s, size_t n, unsigned flags, bool *safe);

/** What kco_escape_span() calls unsafe, as text: \x1b for each of @n <= 4 bytes. Returns the length, at most 16. */
size_t kco_escape_unit(const char *s, size_t n, char buf[17]);

/** The same for JSON strings: \u202e, or two surrogates, for a character; \u00NN for a lone byte. At most 12 + NUL. */
size_t kco_escape_json(const char *s, size_t n, char buf[17]);

/** A new string, escaped; free() it. NULL when memory is out. *@len (may be NULL) is its length. */
char *kco_escape_new(const char *s, size_t n, unsigned flags, size_t *len);

/** Columns that valid UTF-8 text takes on a terminal. */
size_t kco_escape_columns(const char *s, size_t n);

#endif
