// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memory read: a process's memory in lldb's layout, or its bytes into a file.
 */
#include <kco/cmd.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <kco/process.h>
#include <kco/outfile.h>

#include "memrows.h"
#include "process.h"

#define MEMORY_READ_BYTES 32 /* unless told: lldb's default */
#define MEMORY_READ_STRING 65536
#define MEMORY_READ_CHUNK 65536

enum memory_format {
	MEMORY_BYTES,
	MEMORY_HEX,
	MEMORY_DECIMAL,
	MEMORY_UNSIGNED,
	MEMORY_FLOAT,
	MEMORY_CHAR,
	MEMORY_STRING,
};

/* Each by lldb's letter and by a word. */
static const char *const memory_formats[] = { "Y", "bytes", "x", "hex",	 "d", "decimal", "u", "unsigned",
					      "f", "float", "c", "char", "s", "string",	 NULL };

struct memory_read_opts {
	int64_t pid, size, count;
	bool has_pid, has_size, has_count, has_format, binary, force;
	int format; /* index into memory_formats[] */
	const char *outfile;
};

struct memory_read_run {
	struct kco_cmd_ctx *ctx;
	const struct memory_read_opts *opts;
	struct kco_process *process;
	struct kco_memrows rows;
	enum memory_format format;
	uint64_t addr, bytes; /* what to read; MEMORY_STRING: how many strings */
};

static enum kco_status memory_read_bytes(void *arg, uint64_t addr, void *buf, size_t n, size_t *done,
					 struct kco_err *err)
{
	const struct memory_read_run *run = arg;

	return kco_process_read(run->process, addr, buf, n, done, err);
}

static enum kco_status memory_read_layout(struct memory_read_run *run, struct kco_err *err)
{
	static const enum kco_memword words[] = {
		[MEMORY_BYTES] = KCO_MEMWORD_HEX,      [MEMORY_HEX] = KCO_MEMWORD_HEX,
		[MEMORY_DECIMAL] = KCO_MEMWORD_SIGNED, [MEMORY_UNSIGNED] = KCO_MEMWORD_UNSIGNED,
		[MEMORY_FLOAT] = KCO_MEMWORD_FLOAT,    [MEMORY_CHAR] = KCO_MEMWORD_CHAR,
		[MEMORY_STRING] = KCO_MEMWORD_CHAR,
	};
	const struct memory_read_opts *opts = run->opts;
	// As lldb: a size that is not 1 means words.
	enum memory_format format = opts->has_format		       ? (enum memory_format)(opts->format / 2)
				    : opts->has_size && opts->size > 1 ? MEMORY_HEX
								       : MEMORY_BYTES;
	int64_t size = opts->has_size								       ? opts->size
		       : format == MEMORY_FLOAT							       ? 8
		       : format == MEMORY_HEX || format == MEMORY_DECIMAL || format == MEMORY_UNSIGNED ? 4
												       : 1;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return kco_fail(err, KCO_E_USAGE, "-s: a size is 1, 2, 4 or 8");
	if (format == MEMORY_FLOAT && size < 4)
		return kco_fail(err, KCO_E_USAGE, "-s: a floating-point number has 4 or 8 bytes");
	if ((format == MEMORY_BYTES || format == MEMORY_CHAR || format == MEMORY_STRING) && size != 1)
		return kco_fail(err, KCO_E_USAGE, "-s: characters and bytes have the size 1");
	run->format = format;
	run->rows = (struct kco_memrows){
		.ctx = run->ctx,
		.read = memory_read_bytes,
		.arg = run,
		.width = (unsigned)size,
		.per_row = format == MEMORY_CHAR ? 32 : (unsigned)(size > 1 ? 16 / size : 16),
		.word = words[format],
		.characters = format == MEMORY_BYTES,
		.lldb = true,
	};
	return KCO_OK;
}

/* From the arguments ADDR [END] and -c: where and how much. */
static enum kco_status memory_read_range(struct memory_read_run *run, struct kco_err *err)
{
	const struct memory_read_opts *opts = run->opts;
	struct kco_cmd_ctx *ctx = run->ctx;
	unsigned width = run->rows.width;
	uint64_t end;
	enum kco_status status = kco_parse_process_addr(run->process, ctx->argv[0], &run->addr, err);

	if (status == KCO_OK && opts->has_count && opts->count < 1)
		status = kco_fail(err, KCO_E_USAGE, "-c: a count is 1 or more");
	if (status == KCO_OK && opts->has_count && ctx->argc == 2)
		status = kco_fail(err, KCO_E_USAGE, "-c and an end exclude each other");
	if (status != KCO_OK)
		return status;
	if (run->format == MEMORY_STRING) {
		if (ctx->argc == 2)
			return kco_fail(err, KCO_E_USAGE, "strings are counted with -c, they have no end");
		run->bytes = opts->has_count ? (uint64_t)opts->count : 1;
		return KCO_OK;
	}
	run->bytes = MEMORY_READ_BYTES;
	if (opts->has_count && __builtin_mul_overflow((uint64_t)opts->count, width, &run->bytes))
		return kco_fail(err, KCO_E_USAGE, "-c: %" PRId64 " words are more than there is", opts->count);
	if (ctx->argc < 2)
		return KCO_OK;
	status = kco_parse_process_addr(run->process, ctx->argv[1], &end, err);
	if (status != KCO_OK)
		return status;
	if (end <= run->addr)
		return kco_fail(err, KCO_E_USAGE, "the end %#" PRIx64 " is not above the start %#" PRIx64, end,
				run->addr);
	run->bytes = (end - run->addr) / width * width;
	return run->bytes ? KCO_OK
			  : kco_fail(err, KCO_E_USAGE, "no word of %u bytes fits between %#" PRIx64 " and %#" PRIx64,
				     width, run->addr, end);
}

/* Strings one behind the other, as they lie in argv and environ. */
static enum kco_status memory_read_strings(const struct memory_read_run *run, struct kco_err *err)
{
	struct kco_out *out = run->ctx->out;
	char *buf = kco_arena_alloc(run->ctx->arena, MEMORY_READ_STRING);
	uint64_t addr = run->addr;

	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (uint64_t i = 0; i < run->bytes && !kco_out_closed(out); i++) {
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status status = kco_process_read_str(run->process, addr, buf, MEMORY_READ_STRING, &why);
		size_t n = strlen(buf);

		if (kco_session_cancelled(run->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		if (n || status == KCO_OK) {
			if (!kco_out_json(out))
				kco_memrows_addr(&run->rows, addr);
			kco_text(out, "\"%s\"\n", buf);
			kco_json_row(out);
			kco_json_addr(out, "addr", addr);
			kco_json_bytes(out, "text", buf, n);
			kco_json_row_end(out);
		}
		if (status != KCO_OK) {
			kco_memrows_failed(&run->rows, addr + n, 1, status, why.msg);
			return KCO_OK;
		}
		if (n == MEMORY_READ_STRING - 1)
			n--; // cut: the next one goes on where it ended
		addr += n + 1;
	}
	return KCO_OK;
}

static enum kco_status memory_read_put(int fd, const uint8_t *p, size_t n, struct kco_err *err)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return kco_fail_errno(err, errno, "writing");
		p += put;
		n -= (size_t)put;
	}
	return KCO_OK;
}

/* All bytes or no file: a hole in it would read as zeros. */
static enum kco_status memory_read_write(void *arg, int fd, struct kco_err *err)
{
	const struct memory_read_run *run = arg;
	uint8_t *buf = kco_arena_alloc(run->ctx->arena, MEMORY_READ_CHUNK);
	uint64_t addr = run->addr, left = run->bytes;

	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	while (left) {
		size_t n = left < MEMORY_READ_CHUNK ? (size_t)left : MEMORY_READ_CHUNK;
		enum kco_status status;

		if (kco_session_cancelled(run->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		status = kco_process_read(run->process, addr, buf, n, NULL, err);
		if (status == KCO_OK)
			status = memory_read_put(fd, buf, n, err);
		if (status != KCO_OK)
			return status;
		addr += n;
		left -= n;
	}
	return KCO_OK;
}

static enum kco_status memory_read_file(struct memory_read_run *run, struct kco_err *err)
{
	const struct memory_read_opts *opts = run->opts;
	enum kco_status status;

	if (!opts->binary || !opts->outfile)
		return kco_fail(err, KCO_E_USAGE,
				"-o and -b go together: a file gets bytes, text goes to standard output");
	status = kco_session_write_file(run->ctx->session, opts->outfile, opts->force, memory_read_write, run, err);
	if (status != KCO_OK)
		return status;
	kco_text(run->ctx->out, "%" PRIu64 " bytes written to '%s'\n", run->bytes, opts->outfile);
	kco_json_row(run->ctx->out);
	kco_json_addr(run->ctx->out, "addr", run->addr);
	kco_json_uint(run->ctx->out, "bytes", run->bytes);
	kco_json_str(run->ctx->out, "file", opts->outfile);
	kco_json_row_end(run->ctx->out);
	return KCO_OK;
}

static enum kco_status memory_read_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct memory_read_opts *opts = ctx->opts;
	struct memory_read_run run = { .ctx = ctx, .opts = opts };
	enum kco_status status = memory_read_layout(&run, err);

	if (status == KCO_OK)
		status = kco_current_process(ctx, opts->has_pid, opts->pid, &run.process, err);
	if (status == KCO_OK)
		status = memory_read_range(&run, err);
	if (status != KCO_OK)
		return status;
	if (opts->binary || opts->outfile)
		return memory_read_file(&run, err);
	if (run.format == MEMORY_STRING)
		return memory_read_strings(&run, err);
	return kco_memrows_words(&run.rows, run.addr, run.bytes, err);
}

static const struct kco_arg memory_read_args[] = { { KCO_WORD_ADDR, "ADDR", false, false },
						   { KCO_WORD_ADDR, "END", true, false },
						   { 0 } };

#define MEMORY_READ(field) offsetof(struct memory_read_opts, field)
static const struct kco_opt memory_read_optv[] = {
	KCO_PROCESS_OPT(struct memory_read_opts),
	{ 's', "size", KCO_OPT_INT, MEMORY_READ(size), "BYTES", KCO_WORD_NUMBER, .help = "of a word: 1, 2, 4 or 8",
	  .seen = MEMORY_READ(has_size) },
	{ 'c', "count", KCO_OPT_INT, MEMORY_READ(count), "N", KCO_WORD_NUMBER,
	  .help = "how many words or strings; 32 bytes unless told", .seen = MEMORY_READ(has_count) },
	{ 'f', "format", KCO_OPT_CHOICE, MEMORY_READ(format), "FORMAT", .choices = memory_formats,
	  .help = "how to show them, by lldb's letter or a word", .seen = MEMORY_READ(has_format) },
	{ 'o', "outfile", KCO_OPT_STRING, MEMORY_READ(outfile), "FILE", KCO_WORD_FILE,
	  .help = "write the bytes to FILE (with -b)" },
	{ 'b', "binary", KCO_OPT_FLAG, MEMORY_READ(binary), .help = "bytes and no text (with -o)" },
	{ 0, "force", KCO_OPT_FLAG, MEMORY_READ(force), .help = "replace FILE if it exists" },
	{ 0 },
};

static const struct kco_json_field memory_read_json_fields[] = {
	KCO_MEMROWS_JSON_FIELDS,
	{ "text", "string", "-f string: instead of width and words" },
	{ "file", "string", "-o: where the bytes went" },
	{ 0 },
};

const struct kco_cmd kco_cmd_memory_read = {
	.name = "memory read",
	.summary = "memory of a process",
	.description =
		"Memory of the attached process (or that of -p PID, or of the current task) from ADDR on: 32 bytes, "
		"-c words of -s bytes, or up to END. Without -f and -s, bytes in hexadecimal and as characters; with a "
		"size, words in hexadecimal. The formats are bytes (Y), hex (x), decimal (d), unsigned (u), float (f), "
		"char (c) and string (s: -c strings, one behind the other).\n\n"
		"A page that the page tables do not have is fetched from wherever it went: the swap cache, zram, zswap, "
		"the page cache, a file under --sysroot. One that nobody can have makes a line with the reason, what "
		"comes after it is shown, and the exit status is 1. With -o and -b there is a file only when all "
		"bytes could be read.",
	.examples = "memory read 0x7ffe23560000\n    32 bytes\n"
		    "memory read -s 8 -f x -c 4 0x7ffe23560000\n    four words\n"
		    "memory read -p 108 -f s -c 3 0x7ffe23580fd0\n    three strings of process 108\n"
		    "memory read -b -o text.bin 0x401000 0x585000\n    a range into a file\n",
	.args = memory_read_args,
	.opts = memory_read_optv,
	.opts_size = sizeof(struct memory_read_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = memory_read_json_fields,
	.run = memory_read_run,
};
