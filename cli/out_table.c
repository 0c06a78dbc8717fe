// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables: libsmartcols finds the widths for people, each row is an object for
 * programs. A text table is printed when it ends, a JSON row when it is full.
 */
#include "out.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

struct kco_table {
	struct kco_out *out;
	const struct kco_col *cols;
	size_t n, at; /* columns, the next cell's */
	bool in_row, no_headings;
	struct libscols_table *text; /* NULL in JSON mode */
	struct libscols_line *line;  /* the current or last row */
	struct libscols_column *reasons;
	size_t *text_index; /* cols index -> column of the text table */
};

static void table_free(struct kco_table *t)
{
	if (t->out->table == t)
		t->out->table = NULL;
	scols_unref_table(t->text);
	free(t->text_index);
	free(t);
}

static bool table_add_column(struct kco_table *t, const char *head, unsigned flags)
{
	int fl = 0;
	struct libscols_column *col;

	if (flags & KCO_COL_RIGHT)
		fl |= SCOLS_FL_RIGHT;
	if (flags & KCO_COL_TRUNC)
		fl |= SCOLS_FL_TRUNC;
	col = scols_table_new_column(t->text, head, 0, fl);
	if (!col)
		return false;
	if (t->out->color)
		scols_cell_set_color(scols_column_get_header(col), kco_out_sgr(KCO_STYLE_HEAD));
	return true;
}

/* The text table: a column for each that people see, and a last one for reasons, hidden until there is one. */
static bool table_setup_text(struct kco_table *t)
{
	size_t next = 0;

	t->text = scols_new_table();
	t->text_index = calloc(t->n + 1, sizeof(*t->text_index));
	if (!t->text || !t->text_index)
		return false;
	scols_table_enable_noencoding(t->text, 1); // cells are safe already
	scols_table_enable_colors(t->text, t->out->color);
	scols_table_set_termforce(t->text, t->out->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (t->out->width)
		scols_table_set_termwidth(t->text, t->out->width);
	for (size_t i = 0; i < t->n; i++) {
		if (t->cols[i].flags & KCO_COL_JSON_ONLY)
			continue;
		t->text_index[i] = next++;
		if (!table_add_column(t, t->cols[i].head, t->cols[i].flags))
			return false;
	}
	t->text_index[t->n] = next;
	t->reasons = scols_table_new_column(t->text, "", 0, SCOLS_FL_HIDDEN);
	return t->reasons != NULL;
}

struct kco_table *kco_table_new(struct kco_out *out, const struct kco_col *cols, size_t n)
{
	struct kco_table *t = calloc(1, sizeof(*t));

	if (!t) {
		out->no_memory = true;
		return NULL;
	}
	t->out = out;
	t->cols = cols;
	t->n = n;
	if (!out->json && !table_setup_text(t)) {
		out->no_memory = true;
		table_free(t);
		return NULL;
	}
	out->table = t;
	return t;
}

void kco_table_no_headings(struct kco_table *t)
{
	if (t)
		t->no_headings = true;
}

/* The column of the next cell when it has a text there, else NULL; begins the row. */
static const struct kco_col *table_next(struct kco_table *t)
{
	if (!t || t->at >= t->n)
		return NULL;
	if (!t->in_row) {
		t->in_row = true;
		if (t->out->json)
			kco_json_row(t->out);
		else
			t->line = scols_table_new_line(t->text, NULL);
	}
	return &t->cols[t->at++];
}

/* The key of the next cell in JSON mode; NULL: not there. */
static const char *table_key(struct kco_table *t, const struct kco_col *col)
{
	return col && t->out->json && !(col->flags & KCO_COL_TEXT_ONLY) ? col->key : NULL;
}

static bool table_is_text(const struct kco_table *t, const struct kco_col *col)
{
	return col && !t->out->json && !(col->flags & KCO_COL_JSON_ONLY);
}

/* Text that is safe. */
static void table_set(struct kco_table *t, const struct kco_col *col, const char *text)
{
	size_t i = t->text_index[col - t->cols];

	if (!t->line || scols_line_set_data(t->line, i, text)) {
		t->out->no_memory = true;
		return;
	}
	if (t->out->color && t->out->style != KCO_STYLE_PLAIN)
		scols_cell_set_color(scols_line_get_cell(t->line, i), kco_out_sgr(t->out->style));
}

void kco_cell_bytes(struct kco_table *t, const char *s, size_t n)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);
	char *text;

	if (key)
		kco_json_bytes(t->out, key, s, n);
	if (!table_is_text(t, col))
		return;
	text = kco_escape_new(s, n, kco_out_escape_flags(t->out), NULL);
	if (text)
		table_set(t, col, text);
	else
		t->out->no_memory = true;
	free(text);
}

void kco_cell_null(struct kco_table *t)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);

	if (key)
		kco_json_null(t->out, key);
}

void kco_cell_str(struct kco_table *t, const char *s)
{
	if (s)
		kco_cell_bytes(t, s, strlen(s));
	else
		kco_cell_null(t);
}

void kco_cell_num_text(struct kco_table *t, int64_t v, const char *text)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);

	if (key)
		kco_json_int(t->out, key, v);
	if (table_is_text(t, col))
		table_set(t, col, text);
}

void kco_cell_int(struct kco_table *t, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	kco_cell_num_text(t, v, text);
}

void kco_cell_uint(struct kco_table *t, uint64_t v)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);
	char text[24];

	if (key)
		kco_json_uint(t->out, key, v);
	snprintf(text, sizeof(text), "%" PRIu64, v);
	if (table_is_text(t, col))
		table_set(t, col, text);
}

void kco_cell_addr(struct kco_table *t, uint64_t v)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);
	char text[24];

	if (key)
		kco_json_addr(t->out, key, v);
	snprintf(text, sizeof(text), "%" PRIx64, v);
	if (table_is_text(t, col))
		table_set(t, col, text);
}

void kco_cell_double(struct kco_table *t, double v, unsigned decimals)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);
	char text[64];

	if (key)
		kco_json_double(t->out, key, v);
	snprintf(text, sizeof(text), "%.*f", (int)(decimals < 17 ? decimals : 17), v);
	if (table_is_text(t, col))
		table_set(t, col, text);
}

void kco_cell_bool(struct kco_table *t, bool v, const char *yes)
{
	const struct kco_col *col = table_next(t);
	const char *key = table_key(t, col);

	if (key)
		kco_json_bool(t->out, key, v);
	if (v && table_is_text(t, col))
		table_set(t, col, yes);
}

void kco_table_row_end(struct kco_table *t)
{
	if (!t || !t->in_row)
		return;
	while (t->at < t->n)
		kco_cell_null(t);
	if (t->out->json)
		kco_json_row_end(t->out);
	t->at = 0;
	t->in_row = false;
}

bool kco_table_reason(struct kco_table *t, const char *text)
{
	char *safe;

	if (!t->line)
		return false;
	safe = kco_escape_new(text, strlen(text), kco_out_escape_flags(t->out), NULL);
	if (!safe || scols_line_set_data(t->line, t->text_index[t->n], safe))
		t->out->no_memory = true;
	free(safe);
	scols_column_set_flags(t->reasons, 0);
	if (t->out->color)
		scols_cell_set_color(scols_line_get_cell(t->line, t->text_index[t->n]), kco_out_sgr(KCO_STYLE_WARN));
	return true;
}

/* The table as libsmartcols made it, without the spaces that fill the last column. */
static void table_print(struct kco_table *t, const char *text)
{
	while (*text) {
		size_t line = strcspn(text, "\n"), n = line;

		while (n && text[n - 1] == ' ')
			n--;
		kco_out_raw(t->out, text, n);
		kco_out_raw(t->out, "\n", 1);
		text += line + (text[line] == '\n');
	}
}

void kco_table_end(struct kco_table *t)
{
	enum kco_style style;
	char *text = NULL;

	if (!t)
		return;
	kco_table_row_end(t);
	if (t->text && t->line) {
		style = t->out->style;
		kco_style(t->out, KCO_STYLE_PLAIN);
		scols_table_enable_noheadings(t->text, t->no_headings);
		if (scols_print_table_to_string(t->text, &text) == 0 && text)
			table_print(t, text);
		else
			t->out->no_memory = true;
		kco_style(t->out, style);
		free(text);
	}
	table_free(t);
}
