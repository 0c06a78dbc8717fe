// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory as rows of words.
 */
#include "memrows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/endian.h>

#define MEMROWS_PAGE 4096 /* granularity of failures */
#define MEMROWS_CHUNK 4096
#define MEMROWS_TEXT_COLUMNS 60

static uint64_t memrows_word(const struct kco_memrows *rows, const uint8_t *p)
{
	uint64_t v = kco_le_uint(p, rows->width);

	if (rows->swap)
		v = __builtin_bswap64(v) >> (64 - rows->width * 8);
	return v;
}

/* The symbol that @word points into, as "name+offset" in @buf; false when there is none. */
static bool memrows_symbol(const struct kco_memrows *rows, uint64_t word, char *buf, size_t size)
{
	struct kco_symbols *syms = kco_session_symbols(rows->ctx->session);
	struct kco_symbol sym;

	if (rows->word != KCO_MEMWORD_SYMBOL || rows->width != 8 || !syms ||
	    kco_symbols_by_addr(syms, word, &sym, NULL) != KCO_OK)
		return false;
	if (word == sym.addr)
		snprintf(buf, size, "%s", sym.name);
	else
		snprintf(buf, size, "%s+%" PRIu64, sym.name, word - sym.addr);
	return true;
}

/* crash's columns of a decimal word: too few for the longest of some, which then stand out. */
static int memrows_decimal_width(unsigned width, bool is_unsigned)
{
	switch (width) {
	case 1:
		return 3;
	case 2:
		return 5;
	case 4:
		return 12;
	}
	return is_unsigned ? 20 : 15;
}

static int64_t memrows_signed(uint64_t v, unsigned width)
{
	unsigned shift = 64 - width * 8;

	return (int64_t)(v << shift) >> shift;
}

/* A word as a floating-point number, C's literals without a suffix; not a number is nan. */
static void memrows_float_text(const struct kco_memrows *rows, uint64_t word)
{
	float narrow;
	double wide;
	uint32_t bits = (uint32_t)word;

	memcpy(&narrow, &bits, sizeof(narrow));
	memcpy(&wide, &word, sizeof(wide));
	kco_text(rows->ctx->out, "%.*g", rows->width == 4 ? 9 : 17, rows->width == 4 ? (double)narrow : wide);
}

/* A word, without the space between it and the next. */
static void memrows_word_text(const struct kco_memrows *rows, uint64_t word)
{
	struct kco_out *out = rows->ctx->out;
	char name[KCO_SYMBOL_NAME_MAX + 32];

	switch (rows->word) {
	case KCO_MEMWORD_SYMBOL:
		if (memrows_symbol(rows, word, name, sizeof(name))) {
			kco_text(out, "%-16s", name);
			return;
		}
		break;
	case KCO_MEMWORD_UNSIGNED:
		kco_text(out, "%*" PRIu64, rows->lldb ? 0 : memrows_decimal_width(rows->width, true), word);
		return;
	case KCO_MEMWORD_SIGNED:
		kco_text(out, "%*" PRId64, rows->lldb ? 0 : memrows_decimal_width(rows->width, false),
			 memrows_signed(word, rows->width));
		return;
	case KCO_MEMWORD_FLOAT:
		memrows_float_text(rows, word);
		return;
	case KCO_MEMWORD_CHAR:
		kco_text(out, "%c", word >= 0x20 && word < 0x7f ? (char)word : '.');
		return;
	case KCO_MEMWORD_HEX:
		break;
	}
	kco_text(out, "%s%0*" PRIx64, rows->lldb && !rows->characters ? "0x" : "", (int)rows->width * 2, word);
}

void kco_memrows_addr(const struct kco_memrows *rows, uint64_t addr)
{
	kco_style(rows->ctx->out, KCO_STYLE_ADDR);
	if (rows->lldb)
		kco_text(rows->ctx->out, "0x%08" PRIx64, addr);
	else
		kco_text(rows->ctx->out, "%16" PRIx64, addr);
	kco_style(rows->ctx->out, KCO_STYLE_PLAIN);
	kco_text(rows->ctx->out, rows->lldb ? ": " : ":  ");
}

/* The bytes of a row as characters, as they lie in memory. */
static void memrows_ascii_text(const struct kco_memrows *rows, const uint8_t *p, size_t n)
{
	char text[64];
	size_t i;

	for (i = 0; i < n && i < sizeof(text) - 1; i++)
		text[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.';
	text[i] = '\0';
	kco_text(rows->ctx->out, "  %s", text);
}

/* Rows of words: @n bytes, a multiple of the width. */
static void memrows_rows_text(const struct kco_memrows *rows, uint64_t addr, const uint8_t *p, size_t n)
{
	const char *end = rows->lldb ? "" : " "; // crash has a space behind each word, lldb between words
	size_t row = rows->width * rows->per_row;

	for (size_t at = 0; at < n && !kco_out_closed(rows->ctx->out); at += row) {
		size_t bytes = n - at < row ? n - at : row, words = bytes / rows->width;

		kco_memrows_addr(rows, addr + at);
		for (size_t i = 0; i < words; i++) {
			if (i && rows->word != KCO_MEMWORD_CHAR)
				kco_text(rows->ctx->out, " ");
			memrows_word_text(rows, memrows_word(rows, p + at + i * rows->width));
		}
		kco_text(rows->ctx->out, "%s", end);
		if (rows->characters) {
			kco_text(rows->ctx->out, "%*s", (int)((rows->per_row - words) * (rows->width * 2 + 1)), "");
			memrows_ascii_text(rows, p + at, bytes);
		}
		kco_text(rows->ctx->out, "\n");
	}
}

static void memrows_rows_json(const struct kco_memrows *rows, uint64_t addr, const uint8_t *p, size_t n)
{
	struct kco_out *out = rows->ctx->out;
	char name[KCO_SYMBOL_NAME_MAX + 32];
	size_t row = rows->width * rows->per_row;

	for (size_t at = 0; at < n && !kco_out_closed(out); at += row) {
		size_t bytes = n - at < row ? n - at : row;

		kco_json_row(out);
		kco_json_addr(out, "addr", addr + at);
		kco_json_uint(out, "width", rows->width);
		kco_json_array(out, "words");
		for (size_t i = 0; i < bytes; i += rows->width)
			kco_json_addr(out, NULL, memrows_word(rows, p + at + i));
		kco_json_end(out);
		if (rows->word == KCO_MEMWORD_SYMBOL) {
			kco_json_array(out, "symbols");
			for (size_t i = 0; i < bytes; i += rows->width)
				kco_json_str(out, NULL,
					     memrows_symbol(rows, memrows_word(rows, p + at + i), name, sizeof(name))
						     ? name
						     : NULL);
			kco_json_end(out);
		}
		kco_json_row_end(out);
	}
}

void kco_memrows_failed(const struct kco_memrows *rows, uint64_t addr, uint64_t n, enum kco_status status,
			const char *why)
{
	struct kco_out *out = rows->ctx->out;

	if (!kco_out_json(out))
		kco_memrows_addr(rows, addr);
	kco_json_row(out);
	kco_json_addr(out, "addr", addr);
	kco_json_uint(out, "bytes", n);
	kco_row_failed(rows->ctx, status, why);
	kco_json_row_end(out);
}

/* Words from @addr on: all that can be read, and a line for each page that cannot. */
enum kco_status kco_memrows_words(const struct kco_memrows *rows, uint64_t addr, uint64_t bytes, struct kco_err *err)
{
	uint8_t buf[MEMROWS_CHUNK];
	size_t row = rows->width * rows->per_row;

	while (bytes && !kco_out_closed(rows->ctx->out)) {
		// Whole rows, so that the rows of the next chunk go on with the same columns.
		size_t want = bytes < sizeof(buf) ? (size_t)bytes : sizeof(buf) - sizeof(buf) % row, got;
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status status;
		uint64_t skip;

		if (kco_session_cancelled(rows->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		if (addr + (want - 1) < addr)
			want = (size_t)-addr; // the last page of the address space
		status = rows->read(rows->arg, addr, buf, want, &got, &why);
		if (status == KCO_OK)
			got = want;
		got -= got % rows->width;
		if (kco_out_json(rows->ctx->out))
			memrows_rows_json(rows, addr, buf, got);
		else
			memrows_rows_text(rows, addr, buf, got);
		addr += got;
		bytes -= got;
		if (status != KCO_OK) {
			skip = MEMROWS_PAGE - (addr & (MEMROWS_PAGE - 1));
			skip += (rows->width - skip % rows->width) % rows->width; // an unaligned word over the border
			skip = skip < bytes ? skip : bytes;
			kco_memrows_failed(rows, addr, skip, status, why.msg);
			addr += skip;
			bytes -= skip;
		}
		if (!addr)
			break; // wrapped
	}
	return KCO_OK;
}

/* -a: text until @max bytes or, @to_nul, a NUL. */
enum kco_status kco_memrows_text(const struct kco_memrows *rows, uint64_t addr, uint64_t max, bool to_nul,
				 struct kco_err *err)
{
	struct kco_out *out = rows->ctx->out;
	bool ended = false;

	while (max && !ended && !kco_out_closed(out)) {
		uint8_t buf[MEMROWS_TEXT_COLUMNS];
		size_t want = max < sizeof(buf) ? (size_t)max : sizeof(buf), got, n;
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status status;

		if (kco_session_cancelled(rows->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		status = rows->read(rows->arg, addr, buf, want, &got, &why);
		n = to_nul ? strnlen((const char *)buf, got) : got;
		ended = n < got;
		if (kco_out_json(out) && n) {
			kco_json_row(out);
			kco_json_addr(out, "addr", addr);
			kco_json_bytes(out, "text", (const char *)buf, n);
			kco_json_row_end(out);
		} else if (n) {
			for (size_t i = 0; i < n; i++)
				buf[i] = buf[i] >= 0x20 && buf[i] < 0x7f ? buf[i] : '.';
			kco_memrows_addr(rows, addr);
			kco_text(out, "%.*s\n", (int)n, (const char *)buf);
		}
		if (status != KCO_OK && !ended) {
			kco_memrows_failed(rows, addr + n, max - n, status, why.msg);
			return KCO_OK;
		}
		addr += n;
		max -= n;
	}
	return KCO_OK;
}
