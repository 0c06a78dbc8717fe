// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text output. kco_text() takes its format apart, so that only the format's
 * own newlines and tabs get through: a task named "x\nPID: 1" stays on its line.
 */
#include "out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "interrupt.h"

#define TEXT_WIDTH_MAX 400 /* of a converted number; a %s may be longer */

bool kco_out_json(const struct kco_out *out)
{
	return out->json;
}

bool kco_out_closed(const struct kco_out *out)
{
	return out->writer->closed || out->writer->error || kco_interrupt_pending();
}

int kco_out_stream(struct kco_out *out)
{
	kco_writer_flush(out->writer);
	return kco_out_closed(out) ? -1 : out->writer->fd;
}

unsigned kco_out_width(const struct kco_out *out)
{
	return out->width;
}

unsigned kco_out_escape_flags(const struct kco_out *out)
{
	return out->ascii ? KCO_ESCAPE_ASCII : 0;
}

const char *kco_out_sgr(enum kco_style style)
{
	switch (style) {
	case KCO_STYLE_PLAIN:
		return "";
	case KCO_STYLE_HEAD:
		return "\033[1m";
	case KCO_STYLE_NAME:
		return "\033[36m";
	case KCO_STYLE_ADDR:
		return "\033[33m";
	case KCO_STYLE_DIM:
		return "\033[2m";
	case KCO_STYLE_WARN:
		return "\033[35m";
	case KCO_STYLE_PANIC:
		return "\033[1;31m";
	}
	return "";
}

void kco_style(struct kco_out *out, enum kco_style style)
{
	out->style = style;
}

void kco_out_raw(struct kco_out *out, const char *s, size_t n)
{
	if (!n)
		return;
	if (out->color && out->style != out->style_shown) {
		const char *sgr = kco_out_sgr(out->style);

		if (out->style_shown != KCO_STYLE_PLAIN)
			kco_writer_put(out->writer, "\033[0m", 4);
		kco_writer_put(out->writer, sgr, strlen(sgr));
		out->style_shown = out->style;
	}
	kco_writer_put(out->writer, s, n);
}

size_t kco_out_digits(char buf[24], uint64_t v, unsigned base)
{
	char text[24];
	size_t at = sizeof(text), n;

	do {
		text[--at] = "0123456789abcdef"[base == 16 ? v & 15 : v % 10];
		v = base == 16 ? v >> 4 : v / 10;
	} while (v);
	n = sizeof(text) - at;
	memcpy(buf, text + at, n);
	buf[n] = '\0';
	return n;
}

static void text_spaces(struct kco_out *out, size_t n)
{
	static const char spaces[] = "                                ";

	while (n) {
		size_t part = n < sizeof(spaces) - 1 ? n : sizeof(spaces) - 1;

		kco_out_raw(out, spaces, part);
		n -= part;
	}
}

/* Text from elsewhere; the columns it takes are returned. */
static size_t text_escaped(struct kco_out *out, const char *s, size_t n, unsigned flags, bool measure_only)
{
	size_t columns = 0;

	for (size_t at = 0; at < n;) {
		char unit[17];
		bool safe;
		size_t span = kco_escape_span(s + at, n - at, flags, &safe);
		const char *piece = safe ? s + at : unit;
		size_t len = safe ? span : kco_escape_unit(s + at, span, unit);

		columns += kco_escape_columns(piece, len);
		if (!measure_only)
			kco_out_raw(out, piece, len);
		at += span;
	}
	return columns;
}

/* One conversion of a format. */
struct text_spec {
	char flags[8];
	int width;     /* 0: none */
	int precision; /* -1: none */
	char length;   /* 'H' hh, 'h', 'l', 'q' ll, 'j', 'z', 't', 'L', or 0 */
	char conv;
};

static void text_string(struct kco_out *out, const struct text_spec *spec, const char *s)
{
	unsigned flags = kco_out_escape_flags(out);
	bool left = strchr(spec->flags, '-') != NULL;
	size_t n, columns, pad;

	if (!s)
		s = "(null)";
	// With a precision @s need not end.
	n = spec->precision >= 0 ? strnlen(s, (size_t)spec->precision) : strlen(s);
	columns = spec->width ? text_escaped(out, s, n, flags, true) : 0;
	pad = (size_t)spec->width > columns ? (size_t)spec->width - columns : 0;
	if (!left)
		text_spaces(out, pad);
	text_escaped(out, s, n, flags, false);
	if (left)
		text_spaces(out, pad);
}

static const char *text_digits(const char *p, int *ret)
{
	int v = 0;

	while (*p >= '0' && *p <= '9') {
		if (v < TEXT_WIDTH_MAX)
			v = v * 10 + (*p - '0');
		p++;
	}
	*ret = v < TEXT_WIDTH_MAX ? v : TEXT_WIDTH_MAX;
	return p;
}

/* Take a conversion apart, @p behind its '%'; stars come from @ap. Returns what follows it. */
static const char *text_parse(const char *p, struct text_spec *spec, va_list *ap)
{
	size_t n = 0;

	*spec = (struct text_spec){ .precision = -1 };
	while (*p && strchr("-+ #0", *p)) {
		if (n < sizeof(spec->flags) - 2)
			spec->flags[n++] = *p;
		p++;
	}
	if (*p == '*') {
		spec->width = va_arg(*ap, int);
		if (spec->width < 0) {
			spec->width = spec->width < -TEXT_WIDTH_MAX ? TEXT_WIDTH_MAX : -spec->width;
			spec->flags[n++] = '-';
		}
		if (spec->width > TEXT_WIDTH_MAX)
			spec->width = TEXT_WIDTH_MAX;
		p++;
	} else {
		p = text_digits(p, &spec->width);
	}
	if (*p == '.') {
		p++;
		if (*p == '*') {
			spec->precision = va_arg(*ap, int);
			p++;
		} else {
			p = text_digits(p, &spec->precision);
		}
	}
	while (*p && strchr("hlqjztL", *p)) {
		if (*p == 'h' && spec->length == 'h')
			spec->length = 'H';
		else if (*p == 'l' && spec->length == 'l')
			spec->length = 'q';
		else
			spec->length = *p;
		p++;
	}
	spec->conv = *p;
	return *p ? p + 1 : p;
}

static intmax_t text_signed(char length, va_list *ap)
{
	switch (length) {
	case 'H':
		return (signed char)va_arg(*ap, int);
	case 'h':
		return (short)va_arg(*ap, int);
	case 'l':
		return va_arg(*ap, long);
	case 'q':
		return va_arg(*ap, long long);
	case 'j':
		return va_arg(*ap, intmax_t);
	case 'z':
	case 't':
		return va_arg(*ap, ptrdiff_t);
	}
	return va_arg(*ap, int);
}

static uintmax_t text_unsigned(char length, va_list *ap)
{
	switch (length) {
	case 'H':
		return (unsigned char)va_arg(*ap, unsigned);
	case 'h':
		return (unsigned short)va_arg(*ap, unsigned);
	case 'l':
		return va_arg(*ap, unsigned long);
	case 'q':
		return va_arg(*ap, unsigned long long);
	case 'j':
		return va_arg(*ap, uintmax_t);
	case 'z':
	case 't':
		return va_arg(*ap, size_t);
	}
	return va_arg(*ap, unsigned);
}

/* The conversions that stacks are full of: %x and %u, at most with a width and zeros. */
static bool text_plain(struct kco_out *out, const struct text_spec *spec, va_list *ap)
{
	static const char zeros[] = "0000000000000000";
	bool zero = spec->flags[0] == '0' && !spec->flags[1];
	size_t width = (size_t)spec->width, n, pad;
	char buf[24];

	if ((spec->conv != 'x' && spec->conv != 'u') || spec->precision >= 0 || (spec->flags[0] && !zero) ||
	    (zero && width > sizeof(zeros) - 1))
		return false;
	n = kco_out_digits(buf, text_unsigned(spec->length, ap), spec->conv == 'x' ? 16 : 10);
	pad = width > n ? width - n : 0;
	if (zero)
		kco_out_raw(out, zeros, pad);
	else
		text_spaces(out, pad);
	kco_out_raw(out, buf, n);
	return true;
}

// The conversions are put together from the caller's, which the compiler has checked at the call.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void text_number(struct kco_out *out, const struct text_spec *spec, va_list *ap)
{
	int precision = spec->precision > TEXT_WIDTH_MAX ? TEXT_WIDTH_MAX : spec->precision;
	char fmt[24], buf[2 * TEXT_WIDTH_MAX];
	const char *modifier = strchr("dioxXu", spec->conv) ? "j" : "";
	int n;

	if (text_plain(out, spec, ap))
		return;
	snprintf(fmt, sizeof(fmt), precision < 0 ? "%%%s*%s%c" : "%%%s*.*%s%c", spec->flags, modifier, spec->conv);
	switch (spec->conv) {
	case 'd':
	case 'i': {
		intmax_t v = text_signed(spec->length, ap);

		n = precision < 0 ? snprintf(buf, sizeof(buf), fmt, spec->width, v)
				  : snprintf(buf, sizeof(buf), fmt, spec->width, precision, v);
		break;
	}
	case 'p': {
		void *v = va_arg(*ap, void *);

		n = snprintf(buf, sizeof(buf), "%*p", spec->width, v);
		break;
	}
	case 'o':
	case 'u':
	case 'x':
	case 'X': {
		uintmax_t v = text_unsigned(spec->length, ap);

		n = precision < 0 ? snprintf(buf, sizeof(buf), fmt, spec->width, v)
				  : snprintf(buf, sizeof(buf), fmt, spec->width, precision, v);
		break;
	}
	default: {
		double v = spec->length == 'L' ? (double)va_arg(*ap, long double) : va_arg(*ap, double);

		n = precision < 0 ? snprintf(buf, sizeof(buf), fmt, spec->width, v)
				  : snprintf(buf, sizeof(buf), fmt, spec->width, precision, v);
		break;
	}
	}
	if (n > 0)
		kco_out_raw(out, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}
#pragma GCC diagnostic pop

static void text_char(struct kco_out *out, const struct text_spec *spec, char c)
{
	struct text_spec one = *spec;

	one.precision = 1;
	if (c)
		text_string(out, &one, &c);
}

static void text_vformat(struct kco_out *out, const char *fmt, va_list *ap)
{
	while (*fmt) {
		size_t n = strcspn(fmt, "%");
		struct text_spec spec;

		kco_out_raw(out, fmt, n);
		fmt += n;
		if (!*fmt)
			break;
		fmt = text_parse(fmt + 1, &spec, ap);
		if (spec.conv == 's')
			text_string(out, &spec, va_arg(*ap, const char *));
		else if (spec.conv == 'c')
			text_char(out, &spec, (char)va_arg(*ap, int));
		else if (spec.conv && strchr("diouxXpeEfFgGaA", spec.conv))
			text_number(out, &spec, ap);
		else if (spec.conv == '%')
			kco_out_raw(out, "%", 1);
		else
			break; // what follows would be read wrongly
	}
}

void kco_text(struct kco_out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->json)
		return;
	va_start(ap, fmt);
	text_vformat(out, fmt, &ap);
	va_end(ap);
}

void kco_text_bytes(struct kco_out *out, const char *s, size_t n, unsigned indent)
{
	unsigned flags = kco_out_escape_flags(out) | KCO_ESCAPE_KEEP_TAB;

	while (n && !out->json) {
		const char *nl = memchr(s, '\n', n);
		size_t line = nl ? (size_t)(nl - s) : n;

		text_escaped(out, s, line, flags, false);
		if (!nl)
			break;
		kco_out_raw(out, "\n", 1);
		s += line + 1;
		n -= line + 1;
		if (n)
			text_spaces(out, indent);
	}
}

static void text_reason(struct kco_out *out, enum kco_status status, const char *why)
{
	char *text = NULL;

	if (asprintf(&text, "<%s%s%s>", kco_status_name(status), why && *why ? ": " : "", why ? why : "") < 0) {
		out->no_memory = true;
		return;
	}
	if (!out->table || !kco_table_reason(out->table, text)) {
		enum kco_style style = out->style;

		kco_style(out, KCO_STYLE_WARN);
		kco_text(out, "  %s", text);
		kco_style(out, style);
		kco_text(out, "\n");
	}
	free(text);
}

void kco_out_reason(struct kco_out *out, enum kco_status status, const char *why)
{
	bool own_row = out->json && !out->depth, in_array = out->depth && out->is_array[out->depth];

	if (!out->json) {
		text_reason(out, status, why);
		return;
	}
	if (own_row)
		kco_json_row(out);
	else if (in_array)
		kco_json_object(out, NULL);
	kco_json_str(out, "error", kco_status_name(status));
	kco_json_str(out, "why", why);
	if (own_row)
		kco_json_row_end(out);
	else if (in_array)
		kco_json_end(out);
}
