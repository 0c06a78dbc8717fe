// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON Lines: yajl makes each row, which leaves when it is complete, so that a
 * reader never sees half an object.
 *
 * Bytes that are no UTF-8 become the text \xNN (in JSON "\\xNN"), since JSON
 * has no way to hold them; docs/json.md tells readers.
 */
#include "out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

enum kco_status kco_out_init(struct kco_out *out, struct kco_writer *writer, const struct kco_out_options *opts,
			     struct kco_err *err)
{
	*out = (struct kco_out){
		.writer = writer,
		.json = opts->json,
		.color = opts->color && !opts->json,
		.ascii = opts->ascii,
		.width = opts->width,
	};
	if (opts->json) {
		out->gen = yajl_gen_alloc(NULL);
		if (!out->gen)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	return KCO_OK;
}

enum kco_status kco_out_fini(struct kco_out *out, enum kco_status status, const char *why, struct kco_err *err)
{
	while (out->depth > 1)
		kco_json_end(out);
	if (out->depth && status)
		kco_out_reason(out, status, why);
	kco_table_end(out->table);
	kco_json_row_end(out);
	if (out->style_shown != KCO_STYLE_PLAIN)
		kco_writer_put(out->writer, "\033[0m", 4);
	if (out->gen)
		yajl_gen_free(out->gen);
	out->gen = NULL;
	if (out->no_memory)
		return kco_fail(err, KCO_E_NOMEM, "out of memory: the output is not complete");
	return KCO_OK;
}

/* Is there a place for a value? Then its key is written. */
static bool json_key(struct kco_out *out, const char *key)
{
	if (!out->json || !out->depth || out->too_deep)
		return false;
	if (!out->is_array[out->depth]) {
		if (!key)
			key = "?";
		yajl_gen_string(out->gen, (const unsigned char *)key, strlen(key));
	}
	return true;
}

static void json_push(struct kco_out *out, bool is_array)
{
	if (is_array)
		yajl_gen_array_open(out->gen);
	else
		yajl_gen_map_open(out->gen);
	out->is_array[++out->depth] = is_array;
}

void kco_json_row(struct kco_out *out)
{
	if (!out->json)
		return;
	if (out->depth)
		kco_json_row_end(out);
	json_push(out, false);
}

/* How many bytes from @s on are printable ASCII, which is safe whatever the flags: rows are little else. */
static size_t json_ascii(const char *s, size_t n)
{
	size_t at = 0;

	while (at < n && (unsigned char)(s[at] - 0x20) < 0x7f - 0x20)
		at++;
	return at;
}

/*
 * The row as yajl made it. A terminal may be at the other end: what it would
 * not show as it is, and yajl let pass (it is JSON), leaves as \uNNNN, which
 * means the same. Such characters are in strings only.
 */
static void json_write(struct kco_out *out, const char *s, size_t n)
{
	while (n) {
		char unit[17];
		bool safe = true;
		size_t span = json_ascii(s, n);

		if (!span)
			span = kco_escape_span(s, n, kco_out_escape_flags(out), &safe);
		if (safe)
			kco_writer_put(out->writer, s, span);
		else
			kco_writer_put(out->writer, unit, kco_escape_json(s, span, unit));
		s += span;
		n -= span;
	}
	kco_writer_put(out->writer, "\n", 1);
}

void kco_json_row_end(struct kco_out *out)
{
	const unsigned char *text;
	size_t n;

	if (!out->json || !out->depth)
		return;
	out->too_deep = 0;
	while (out->depth)
		kco_json_end(out);
	if (yajl_gen_get_buf(out->gen, &text, &n) == yajl_gen_status_ok)
		json_write(out, (const char *)text, n);
	yajl_gen_clear(out->gen);
	yajl_gen_reset(out->gen, NULL);
}

static void json_open(struct kco_out *out, const char *key, bool is_array)
{
	if (out->depth == KCO_OUT_DEPTH_MAX) {
		out->too_deep++;
		return;
	}
	if (json_key(out, key))
		json_push(out, is_array);
}

void kco_json_object(struct kco_out *out, const char *key)
{
	json_open(out, key, false);
}

void kco_json_array(struct kco_out *out, const char *key)
{
	json_open(out, key, true);
}

void kco_json_end(struct kco_out *out)
{
	if (!out->json || !out->depth)
		return;
	if (out->too_deep) {
		out->too_deep--;
		return;
	}
	if (out->is_array[out->depth--])
		yajl_gen_array_close(out->gen);
	else
		yajl_gen_map_close(out->gen);
}

void kco_json_str(struct kco_out *out, const char *key, const char *s)
{
	if (s)
		kco_json_bytes(out, key, s, strlen(s));
	else
		kco_json_null(out, key);
}

void kco_json_bytes(struct kco_out *out, const char *key, const char *s, size_t n)
{
	bool safe = true;
	size_t len = n;
	char *text = NULL;

	if (!json_key(out, key))
		return;
	if (json_ascii(s, n) < n && (kco_escape_span(s, n, KCO_ESCAPE_JSON, &safe) < n || !safe)) {
		text = kco_escape_new(s, n, KCO_ESCAPE_JSON, &len);
		if (!text) {
			out->no_memory = true;
			yajl_gen_null(out->gen);
			return;
		}
	}
	yajl_gen_string(out->gen, (const unsigned char *)(text ? text : n ? s : ""), len);
	free(text);
}

static void json_number(struct kco_out *out, const char *key, const char *text)
{
	if (json_key(out, key))
		yajl_gen_number(out->gen, text, strlen(text));
}

void kco_json_int(struct kco_out *out, const char *key, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	json_number(out, key, text);
}

void kco_json_uint(struct kco_out *out, const char *key, uint64_t v)
{
	char text[24];

	kco_out_digits(text, v, 10);
	json_number(out, key, text);
}

void kco_json_addr(struct kco_out *out, const char *key, uint64_t v)
{
	char text[26] = "0x";
	size_t n = 2 + kco_out_digits(text + 2, v, 16);

	if (json_key(out, key))
		yajl_gen_string(out->gen, (const unsigned char *)text, n);
}

void kco_json_double(struct kco_out *out, const char *key, double v)
{
	char text[40];

	if (!isfinite(v)) {
		kco_json_null(out, key);
		return;
	}
	// As few digits as tell it from its neighbours. The locale's numbers stay those of C: main() sets LC_CTYPE
	// only.
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	json_number(out, key, text);
}

void kco_json_bool(struct kco_out *out, const char *key, bool v)
{
	if (json_key(out, key))
		yajl_gen_bool(out->gen, v);
}

void kco_json_null(struct kco_out *out, const char *key)
{
	if (json_key(out, key))
		yajl_gen_null(out->gen);
}
