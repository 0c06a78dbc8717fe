// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rd: memory as words, bytes, text or symbols, in crash's layouts.
 */
#include <kco/cmd.h>

#include <inttypes.h>

#include <kco/mem.h>
#include <kco/process.h>

#include "memrows.h"
#include "process.h"

#define RD_TEXT_MAX 65536 /* -a without a count: an unterminated string ends here */

struct rd_opts {
	bool w8, w16, w32, w64;
	bool physical, symbolic, ascii, decimal, unsigned_decimal, hex, swap;
	bool user, kernel, has_pid;
	uint64_t offset, end;
	int64_t pid;
};

struct rd_run {
	struct kco_cmd_ctx *ctx;
	const struct rd_opts *opts;
	struct kco_process *process; /* NULL: the kernel's memory, or physical */
	struct kco_memrows rows;
};

static enum kco_status rd_read(void *arg, uint64_t addr, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct rd_run *run = arg;
	struct kco_session *s = run->ctx->session;

	if (run->process)
		return kco_process_read(run->process, addr, buf, n, done, err);
	if (run->opts->physical)
		return kco_pread(kco_mem_reader(kco_session_mem(s)), KCO_PADDR(addr), buf, n, done, err);
	return kco_kread(s, addr, buf, n, done, err);
}

static enum kco_status rd_width(struct rd_run *run, struct kco_err *err)
{
	const struct rd_opts *opts = run->opts;

	if (opts->w8 + opts->w16 + opts->w32 + opts->w64 > 1)
		return kco_fail(err, KCO_E_USAGE, "choose one of -8, -16, -32 and -64");
	if (opts->ascii + opts->decimal + opts->unsigned_decimal + opts->hex + opts->symbolic > 1)
		return kco_fail(err, KCO_E_USAGE, "choose one of -a, -d, -D, -x and -s");
	if (opts->physical + opts->kernel + (opts->user || opts->has_pid) > 1)
		return kco_fail(err, KCO_E_USAGE, "choose one of -p, -k and -u (or --pid)");
	run->rows = (struct kco_memrows){
		.ctx = run->ctx,
		.read = rd_read,
		.arg = run,
		.width = opts->w8    ? 1
			 : opts->w16 ? 2
			 : opts->w32 ? 4
				     : 8,
		.word = opts->symbolic		 ? KCO_MEMWORD_SYMBOL
			: opts->unsigned_decimal ? KCO_MEMWORD_UNSIGNED
			: opts->decimal		 ? KCO_MEMWORD_SIGNED
						 : KCO_MEMWORD_HEX,
		.swap = opts->swap,
		.characters = !(opts->decimal || opts->unsigned_decimal || opts->symbolic || opts->hex),
	};
	run->rows.per_row = 16 / run->rows.width;
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
	if (run->opts->user || run->opts->has_pid) {
		status = kco_session_need(run->ctx->session, KCO_NEED_TASKS, err);
		if (status == KCO_OK)
			status = kco_current_process(run->ctx, run->opts->has_pid, run->opts->pid, &run->process, err);
		if (status != KCO_OK)
			return status;
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
	if (status == KCO_OK && (count < 1 || __builtin_mul_overflow((uint64_t)count, run.rows.width, &bytes)))
		status = kco_fail(err, KCO_E_USAGE, "the count %s is no number of words", ctx->argv[1]);
	if (status != KCO_OK)
		return status;
	if (opts->end && ctx->argc == 2)
		return kco_fail(err, KCO_E_USAGE, "-e and a count exclude each other");
	if (opts->end && opts->end <= addr)
		return kco_fail(err, KCO_E_USAGE, "the end %#" PRIx64 " is not above the start %#" PRIx64, opts->end,
				addr);
	if (opts->end)
		bytes = (opts->end - addr) / run.rows.width * run.rows.width; // as crash does: no word beyond the end
	if (!bytes && !opts->ascii)
		return kco_fail(err, KCO_E_USAGE, "no word of %u bytes fits between %#" PRIx64 " and %#" PRIx64,
				run.rows.width, addr, opts->end);
	addr += opts->offset;
	if (opts->ascii) {
		bool bounded = ctx->argc == 2 || opts->end;

		return kco_memrows_text(&run.rows, addr,
					!bounded    ? RD_TEXT_MAX
					: opts->end ? opts->end - addr
						    : (uint64_t)count,
					!bounded, err);
	}
	return kco_memrows_words(&run.rows, addr, bytes, err);
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
	{ 'u', "user", KCO_OPT_FLAG, RD(user), .help = "memory of the attached process, or the current task's" },
	{ 'k', "kernel", KCO_OPT_FLAG, RD(kernel), .help = "memory of the kernel (the default)" },
	KCO_PROCESS_LONG_OPT(struct rd_opts),
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
	KCO_MEMROWS_JSON_FIELDS,
	{ "symbols", "array", "-s: what each word points to" },
	{ "symbols[]", "string|null", "name+offset" },
	{ "text", "string", "-a: instead of width and words" },
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
