// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a command writes its output to: text for people, or JSON Lines for
 * programs. A command asks kco_out_json() once and takes one of two ways, or
 * writes a table, which does both.
 *
 * Whatever text goes out is made safe, because names and logs of a dump are
 * hostile input: control characters, characters that reorder or hide text, and
 * bytes that are not UTF-8 leave as \x1b and the like. Only the literal part of
 * a format may hold newlines and tabs; what %s brings in is escaped. Colour goes
 * through kco_style(), never through text.
 *
 * Output errors (a closed pipe) are remembered and make every later call
 * return at once; the dispatcher looks at the end.
 */
#ifndef KCO_OUT_H
#define KCO_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_out;

bool kco_out_json(const struct kco_out *out);
/** True once nothing more is wanted (closed pipe, pager quit, Ctrl-C): loops may stop. */
bool kco_out_closed(const struct kco_out *out);
/** Columns of the terminal, or 0 when the output is not one. */
unsigned kco_out_width(const struct kco_out *out);

/**
 * The file descriptor behind the output, for bytes that are no text; what was
 * written before is in front of them. -1: nothing more is wanted. Not in JSON
 * mode, and what else the command writes would be mixed with them.
 */
int kco_out_stream(struct kco_out *out);

enum kco_style {
	KCO_STYLE_PLAIN,
	KCO_STYLE_HEAD,	 /* headings, task headers */
	KCO_STYLE_NAME,	 /* function and symbol names */
	KCO_STYLE_ADDR,	 /* addresses */
	KCO_STYLE_DIM,	 /* guesses, unreliable frames */
	KCO_STYLE_WARN,	 /* reasons why something is missing */
	KCO_STYLE_PANIC, /* the panic task, emergency log levels */
};

/**
 * Text; nothing in JSON mode. The conversions are those of printf() but for
 * %n and numbered arguments. A width of %s counts columns after escaping.
 */
void kco_text(struct kco_out *out, const char *fmt, ...) KCO_PRINTF(2, 3);
/** Raw bytes of the dump as text; newlines among them start a new line of @indent spaces, tabs stay. */
void kco_text_bytes(struct kco_out *out, const char *s, size_t n, unsigned indent);
/** Everything until the next call is in this style. Free of effect when colour is off. */
void kco_style(struct kco_out *out, enum kco_style style);

/**
 * Why the current row is incomplete (commands call kco_row_failed()). Text:
 * "  <not saved: why>" on a line of its own, or at the end of the table's
 * current row; JSON: the keys "error" and "why" in the innermost open object,
 * or in a row of their own.
 */
void kco_out_reason(struct kco_out *out, enum kco_status status, const char *why);

/* JSON: one object a row. All do nothing in text mode. Keys are literals. */
void kco_json_row(struct kco_out *out);			    /* { */
void kco_json_row_end(struct kco_out *out);		    /* } and a newline */
void kco_json_object(struct kco_out *out, const char *key); /* key NULL inside an array */
void kco_json_array(struct kco_out *out, const char *key);
void kco_json_end(struct kco_out *out);					/* of the innermost object or array */
void kco_json_str(struct kco_out *out, const char *key, const char *s); /* NULL gives null */
void kco_json_bytes(struct kco_out *out, const char *key, const char *s, size_t n);
void kco_json_int(struct kco_out *out, const char *key, int64_t v);
void kco_json_uint(struct kco_out *out, const char *key, uint64_t v);
void kco_json_addr(struct kco_out *out, const char *key, uint64_t v); /* "0x..." */
void kco_json_double(struct kco_out *out, const char *key, double v);
void kco_json_bool(struct kco_out *out, const char *key, bool v);
void kco_json_null(struct kco_out *out, const char *key);

/* Tables: the same call fills a text table (libsmartcols) or a JSON row. */
enum kco_col_flag {
	KCO_COL_RIGHT = 1 << 0,
	KCO_COL_TEXT_ONLY = 1 << 1, /* not in JSON */
	KCO_COL_JSON_ONLY = 1 << 2, /* not in text */
	KCO_COL_TRUNC = 1 << 3,	    /* may be cut to the terminal's width */
};

struct kco_col {
	const char *key;  /* JSON key */
	const char *head; /* text heading */
	unsigned flags;
};

struct kco_table;

/** A table of @n columns; columns must outlive it. NULL when memory is out. */
struct kco_table *kco_table_new(struct kco_out *out, const struct kco_col *cols, size_t n);
void kco_table_no_headings(struct kco_table *table);
/* Cells of the current row, from left to right, one call each; kco_table_row_end() ends it. */
void kco_cell_str(struct kco_table *table, const char *s); /* NULL: empty, null */
void kco_cell_bytes(struct kco_table *table, const char *s, size_t n);
void kco_cell_int(struct kco_table *table, int64_t v);
void kco_cell_uint(struct kco_table *table, uint64_t v);
void kco_cell_addr(struct kco_table *table, uint64_t v); /* text: plain hex as crash has it */
void kco_cell_double(struct kco_table *table, double v, unsigned decimals);
/** Text: @yes when true, else empty. */
void kco_cell_bool(struct kco_table *table, bool v, const char *yes);
void kco_cell_null(struct kco_table *table);
/** As kco_cell_int() with another text: "3.2G" for people, the number in JSON. */
void kco_cell_num_text(struct kco_table *table, int64_t v, const char *text);
void kco_table_row_end(struct kco_table *table);
/** Print what is buffered and free the table. */
void kco_table_end(struct kco_table *table);

#endif
