// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rd: memory as words, bytes, text or symbols, in crash's layouts.
 *
 * What cannot be read becomes one line a page with the reason, and the rest
 * follows: a hole in a dump is not the end of it.
 */
#include <kco/cmd.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/endian.h>
#include <kco/mem.h>

#define RD_PAGE 4096 /* granularity of failures */
#define RD_CHUNK 4096
#define RD_TEXT_COLUMNS 60
#define RD_TEXT_MAX 65536 /* -a without a count: an unterminated string ends here */

struct rd_opts {
	bool w8, w16, w32, w64;
	bool physical, symbolic, ascii, decimal, unsigned_decimal, hex, swap;
	uint64_t offset, end;
};

struct rd_run {
	struct kco_cmd_ctx *ctx;
	const struct rd_opts *opts;
	unsigned width; /* bytes of a word */
	unsigned per_row;
};

static enum kco_status rd_read(struct rd_run *run, uint64_t addr, void *buf, size_t n, size_t *done,
			       struct kco_err *err)
{
	struct kco_session *s = run->ctx->session;

	if (run->opts->physical)
		return kco_pread(kco_mem_reader(kco_session_mem(s)), KCO_PADDR(addr), buf, n, done, err);
	return kco_kread(s, addr, buf, n, done, err);
}

static uint64_t rd_word(const struct rd_run *run, const uint8_t *p)
{
	uint64_t v = kco_le_uint(p, run->width);

	if (run->opts->swap)
		v = __builtin_bswap64(v) >> (64 - run->width * 8);
	return v;
}

/* The symbol that @word points into, as "name+offset" in @buf; false when there is none. */
static bool rd_symbol(struct rd_run *run, uint64_t word, char *buf, size_t size)
{
	struct kco_symbols *syms = kco_session_symbols(run->ctx->session);
	struct kco_symbol sym;

	if (!run->opts->symbolic || run->width != 8 || !syms || kco_symbols_by_addr(syms, word, &sym, NULL) != KCO_OK)
		return false;
	if (word == sym.addr)
		snprintf(buf, size, "%s", sym.name);
	else
		snprintf(buf, size, "%s+%" PRIu64, sym.name, word - sym.addr);
	return true;
}

/* crash's columns of a decimal word: too few for the longest of some, which then stand out. */
static int rd_decimal_width(unsigned width, bool is_unsigned)
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

static int64_t rd_signed(uint64_t v, unsigned width)
{
	unsigned shift = 64 - width * 8;

	return (int64_t)(v << shift) >> shift;
}

static void rd_word_text(struct rd_run *run, uint64_t word)
{
	struct kco_out *out = run->ctx->out;
	char name[KCO_SYMBOL_NAME_MAX + 32];

	if (rd_symbol(run, word, name, sizeof(name)))
		kco_text(out, "%-16s ", name);
	else if (run->opts->unsigned_decimal)
		kco_text(out, "%*" PRIu64 " ", rd_decimal_width(run->width, true), word);
	else if (run->opts->decimal)
		kco_text(out, "%*" PRId64 " ", rd_decimal_width(run->width, false), rd_signed(word, run->width));
	else
		kco_text(out, "%0*" PRIx64 " ", (int)run->width * 2, word);
}

static void rd_addr_text(struct rd_run *run, uint64_t addr)
{
	kco_style(run->ctx->out, KCO_STYLE_ADDR);
	kco_text(run->ctx->out, "%16" PRIx64, addr);
	kco_style(run->ctx->out, KCO_STYLE_PLAIN);
	kco_text(run->ctx->out, ":  ");
}

/* The bytes of a row as characters, as they lie in memory. */
static void rd_ascii_text(struct rd_run *run, const uint8_t *p, size_t n)
{
	char text[64];
	size_t i;

	for (i = 0; i < n && i < sizeof(text) - 1; i++)
		text[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.';
	text[i] = '\0';
	kco_text(run->ctx->out, "  %s", text);
}

/* Rows of words: @n bytes, a multiple of the width. */
static void rd_rows_text(struct rd_run *run, uint64_t addr, const uint8_t *p, size_t n)
{
	bool numbers = run->opts->decimal || run->opts->unsigned_decimal || run->opts->symbolic || run->opts->hex;
	size_t row = run->width * run->per_row;

	for (size_t at = 0; at < n && !kco_out_closed(run->ctx->out); at += row) {
		size_t bytes = n - at < row ? n - at : row, words = bytes / run->width;

		rd_addr_text(run, addr + at);
		for (size_t i = 0; i < words; i++)
			rd_word_text(run, rd_word(run, p + at + i * run->width));
		if (!numbers) {
			kco_text(run->ctx->out, "%*s", (int)((run->per_row - words) * (run->width * 2 + 1)), "");
			rd_ascii_text(run, p + at, bytes);
		}
		kco_text(run->ctx->out, "\n");
	}
}

static void rd_rows_json(struct rd_run *run, uint64_t addr, const uint8_t *p, size_t n)
{
	struct kco_out *out = run->ctx->out;
	char name[KCO_SYMBOL_NAME_MAX + 32];
	size_t row = run->width * run->per_row;

	for (size_t at = 0; at < n && !kco_out_closed(out); at += row) {
		size_t bytes = n - at < row ? n - at : row;

		kco_json_row(out);
		kco_json_addr(out, "addr", addr + at);
		kco_json_uint(out, "width", run->width);
		kco_json_array(out, "words");
		for (size_t i = 0; i < bytes; i += run->width)
			kco_json_addr(out, NULL, rd_word(run, p + at + i));
		kco_json_end(out);
		if (run->opts->symbolic) {
			kco_json_array(out, "symbols");
			for (size_t i = 0; i < bytes; i += run->width)
				kco_json_str(out, NULL,
					     rd_symbol(run, rd_word(run, p + at + i), name, sizeof(name)) ? name
													  : NULL);
			kco_json_end(out);
		}
		kco_json_row_end(out);
	}
}

static void rd_failed(struct rd_run *run, uint64_t addr, uint64_t n, enum kco_status status, const char *why)
{
	struct kco_out *out = run->ctx->out;

	if (!kco_out_json(out))
		rd_addr_text(run, addr);
	kco_json_row(out);
	kco_json_addr(out, "addr", addr);
	kco_json_uint(out, "bytes", n);
	kco_row_failed(run->ctx, status, why);
	kco_json_row_end(out);
}

/* Words from @addr on: all that can be read, and a line for each page that cannot. */
static enum kco_status rd_words(struct rd_run *run, uint64_t addr, uint64_t bytes, struct kco_err *err)
{
	uint8_t buf[RD_CHUNK];
	size_t row = run->width * run->per_row;

	while (bytes && !kco_out_closed(run->ctx->out)) {
		// Whole rows, so that the rows of the next chunk go on with the same columns.
		size_t want = bytes < sizeof(buf) ? (size_t)bytes : sizeof(buf) - sizeof(buf) % row, got;
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status status;
		uint64_t skip;

		if (kco_session_cancelled(run->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		if (addr + (want - 1) < addr)
			want = (size_t)-addr; // the last page of the address space
		status = rd_read(run, addr, buf, want, &got, &why);
		if (status == KCO_OK)
			got = want;
		got -= got % run->width;
		if (kco_out_json(run->ctx->out))
			rd_rows_json(run, addr, buf, got);
		else
			rd_rows_text(run, addr, buf, got);
		addr += got;
		bytes -= got;
		if (status != KCO_OK) {
			skip = RD_PAGE - (addr & (RD_PAGE - 1));
			skip += (run->width - skip % run->width) % run->width; // an unaligned word over the border
			skip = skip < bytes ? skip : bytes;
			rd_failed(run, addr, skip, status, why.msg);
			addr += skip;
			bytes -= skip;
		}
		if (!addr)
			break; // wrapped
	}
	return KCO_OK;
}

/* -a: text until @max bytes or, @to_nul, a NUL. */
static enum kco_status rd_text(struct rd_run *run, uint64_t addr, uint64_t max, bool to_nul, struct kco_err *err)
{
	struct kco_out *out = run->ctx->out;
	bool ended = false;

	while (max && !ended && !kco_out_closed(out)) {
		uint8_t buf[RD_TEXT_COLUMNS];
		size_t want = max < sizeof(buf) ? (size_t)max : sizeof(buf), got, n;
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status status;

		if (kco_session_cancelled(run->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		status = rd_read(run, addr, buf, want, &got, &why);
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
			rd_addr_text(run, addr);
			kco_text(out, "%.*s\n", (int)n, (const char *)buf);
		}
		if (status != KCO_OK && !ended) {
			rd_failed(run, addr + n, max - n, status, why.msg);
			return KCO_OK;
		}
		addr += n;
		max -= n;
	}
	return KCO_OK;
}

static enum kco_status rd_width(struct rd_run *run, struct kco_err *err)
{
	const struct rd_opts *opts = run->opts;

	if (opts->w8 + opts->w16 + opts->w32 + opts->w64 > 1)
		return kco_fail(err, KCO_E_USAGE, "choose one of -8, -16, -32 and -64");
	if (opts->ascii + opts->decimal + opts->unsigned_decimal + opts->hex + opts->symbolic > 1)
		return kco_fail(err, KCO_E_USAGE, "choose one of -a, -d, -D, -x and -s");
	run->width = opts->w8 ? 1 : opts->w16 ? 2 : opts->w32 ? 4 : 8;
	run->per_row = 16 / run->width;
	return KCO_OK;
}

static enum kco_status rd_address(struct rd_run *run, uint64_t *addr, struct kco_err *err)
{
	enum kco_status status = kco_parse_addr(run->ctx->session, run->ctx->argv[0], addr, err);

	if (status != KCO_OK)
		return status;
	if (!run->opts->physical) {
		status = kco_session_need(run->ctx->session, KCO_NEED_OS, err);
		if (status != KCO_OK)
			return kco_context(err, status, "virtual memory (-p reads physical)");
	}
	if (run->opts->symbolic && kco_session_need(run->ctx->session, KCO_NEED_SYMS, err) != KCO_OK)
		return kco_context(err, err ? err->code : KCO_E_NOSYM, "-s");
	return KCO_OK;
}

static enum kco_status rd_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct rd_opts *opts = ctx->opts;
	struct rd_run run = { .ctx = ctx, .opts = opts };
	enum kco_status status = rd_width(&run, err);
	int64_t count = 1;
	uint64_t addr = 0, bytes = 0;

	if (status == KCO_OK && (ctx->argc < 1 || ctx->argc > 2))
		status = kco_fail(err, KCO_E_USAGE, "wanted are an address or symbol, and a count");
	if (status == KCO_OK)
		status = rd_address(&run, &addr, err);
	if (status == KCO_OK && ctx->argc == 2)
		status = kco_parse_int(ctx->argv[1], &count, err);
	if (status == KCO_OK && (count < 1 || __builtin_mul_overflow((uint64_t)count, run.width, &bytes)))
		status = kco_fail(err, KCO_E_USAGE, "the count %s is no number of words", ctx->argv[1]);
	if (status != KCO_OK)
		return status;
	if (opts->end && ctx->argc == 2)
		return kco_fail(err, KCO_E_USAGE, "-e and a count exclude each other");
	if (opts->end && opts->end <= addr)
		return kco_fail(err, KCO_E_USAGE, "the end %#" PRIx64 " is not above the start %#" PRIx64, opts->end,
				addr);
	if (opts->end)
		bytes = (opts->end - addr) / run.width * run.width; // as crash does: no word beyond the end
	if (!bytes && !opts->ascii)
		return kco_fail(err, KCO_E_USAGE, "no word of %u bytes fits between %#" PRIx64 " and %#" PRIx64,
				run.width, addr, opts->end);
	addr += opts->offset;
	if (opts->ascii) {
		bool bounded = ctx->argc == 2 || opts->end;

		return rd_text(&run, addr,
			       !bounded	   ? RD_TEXT_MAX
			       : opts->end ? opts->end - addr
					   : (uint64_t)count,
			       !bounded, err);
	}
	return rd_words(&run, addr, bytes, err);
}

static const struct kco_arg rd_args[] = { { KCO_WORD_ADDR, "ADDR|SYMBOL", false, false },
					  { KCO_WORD_NUMBER, "COUNT", true, false },
					  { 0 } };

#define RD(field) offsetof(struct rd_opts, field)
static const struct kco_opt rd_optv[] = {
	{ '8', NULL, KCO_OPT_FLAG, RD(w8), .help = "bytes" },
	{ 0, "16", KCO_OPT_FLAG, RD(w16), .help = "words of 16 bits" },
	{ 0, "32", KCO_OPT_FLAG, RD(w32), .help = "words of 32 bits" },
	{ 0, "64", KCO_OPT_FLAG, RD(w64), .help = "words of 64 bits (the default)" },
	{ 'p', "physical", KCO_OPT_FLAG, RD(physical), .help = "ADDR is a physical address" },
	{ 's', "symbolic", KCO_OPT_FLAG, RD(symbolic), .help = "words that point to symbols by name" },
	{ 'a', "ascii", KCO_OPT_FLAG, RD(ascii), .help = "text: COUNT characters, or to the end of the string" },
	{ 'd', "decimal", KCO_OPT_FLAG, RD(decimal), .help = "signed decimal" },
	{ 'D', "unsigned", KCO_OPT_FLAG, RD(unsigned_decimal), .help = "unsigned decimal" },
	{ 'x', "hex", KCO_OPT_FLAG, RD(hex), .help = "hexadecimal without the characters at the right" },
	{ 'N', "network", KCO_OPT_FLAG, RD(swap), .help = "words in network byte order" },
	{ 'o', "offset", KCO_OPT_ADDR, RD(offset), "OFFSET", KCO_WORD_NUMBER, .help = "begin OFFSET bytes later" },
	{ 'e', "end", KCO_OPT_ADDR, RD(end), "END", KCO_WORD_ADDR, .help = "read up to END, instead of COUNT" },
	{ 0 },
};

static const struct kco_json_field rd_json_fields[] = {
	{ "addr", "address", "of the first word" },
	{ "width", "integer", "bytes of a word" },
	{ "words", "array", "the words" },
	{ "words[]", "address", "one of them" },
	{ "symbols", "array", "-s: what each word points to" },
	{ "symbols[]", "string|null", "name+offset" },
	{ "text", "string", "-a: instead of width and words" },
	{ "bytes", "integer", "in a failed row: how many bytes it stands for" },
	{ "error", "string", "why these bytes cannot be read, as a fixed word" },
	{ "why", "string", "the same in words" },
	{ 0 },
};

const struct kco_cmd kco_cmd_rd = {
	.name = "rd",
	.summary = "memory",
	.description =
		"COUNT words (one, unless told) from a kernel virtual address, or with -p a physical one. Two words of "
		"64 bits a line, and the same bytes as characters.\n\n"
		"Bytes that are not in the dump make a line with the reason for each page of theirs; what comes "
		"after them is shown. The exit status is 1 then.",
	.examples = "rd jiffies\n    one word\n"
		    "rd -a linux_banner\n    a string\n"
		    "rd -32 -d nr_threads\n    a number\n"
		    "rd -s ffffd3638060fce0 20\n    a stack with names\n"
		    "rd -p 1000 512\n    a physical page\n",
	.args = rd_args,
	.opts = rd_optv,
	.opts_size = sizeof(struct rd_opts),
	.needs = KCO_NEED_IMAGE,
	.json = rd_json_fields,
	.run = rd_run,
};
