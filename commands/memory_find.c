// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memory find: where bytes occur in a process's memory.
 *
 * Memory is read in chunks, each with the end of the one before in front of
 * it, so that what lies across two is found. Pages that cannot be read are
 * skipped and counted.
 */
#include <kco/cmd.h>

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>
#include <kco/process.h>
#include <kco/vma.h>

#include "areas.h"
#include "process.h"

#define MEMORY_FIND_PAGE UINT64_C(4096)
#define MEMORY_FIND_CHUNK (1u << 20)
#define MEMORY_FIND_PATTERN 4096
#define MEMORY_FIND_COUNT 64 /* unless told */
#define MEMORY_FIND_SHOWN 64 /* bytes of a hit that are shown */

struct memory_find_opts {
	int64_t pid, size, count;
	bool has_pid, has_size, has_count;
	const char *string, *expression;
};

struct memory_find_run {
	struct kco_cmd_ctx *ctx;
	const struct memory_find_opts *opts;
	struct kco_process *process;
	uint8_t pattern[MEMORY_FIND_PATTERN];
	size_t n;
	uint8_t *buf;
	uint64_t found, max;
	uint64_t unread; /* bytes */
	struct kco_err first;
};

/* -e: 0x and digits are a number of -s bytes, or of as many as its digits make; pairs of digits are bytes. */
static enum kco_status memory_find_expression(struct memory_find_run *run, const char *word, struct kco_err *err)
{
	const struct memory_find_opts *opts = run->opts;
	bool number = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	uint64_t v;
	int64_t signed_v;

	if (number || opts->has_size) {
		int64_t size = opts->has_size ? opts->size : 8;
		enum kco_status status = KCO_OK;

		if (size != 1 && size != 2 && size != 4 && size != 8)
			return kco_fail(err, KCO_E_USAGE, "-z: a size is 1, 2, 4 or 8");
		if (number)
			status = kco_parse_addr(NULL, word, &v, err);
		else
			status = kco_parse_int(word, &signed_v, err);
		if (status != KCO_OK)
			return status;
		if (!number)
			v = (uint64_t)signed_v;
		if (number && size < 8 && v >> (8 * size))
			return kco_fail(err, KCO_E_USAGE, "-e: %s has more than %" PRId64 " bytes", word, size);
		run->n = (size_t)size;
		for (size_t i = 0; i < run->n; i++)
			run->pattern[i] = (uint8_t)(v >> (8 * i));
		return KCO_OK;
	}
	for (const char *p = word; *p; p += 2) {
		char pair[3] = { p[0], p[1], '\0' };

		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
			return kco_fail(err, KCO_E_USAGE,
					"-e: %s is neither a number (0x...) nor bytes as pairs of hexadecimal digits",
					word);
		if (run->n == sizeof(run->pattern))
			return kco_fail(err, KCO_E_USAGE, "-e: more than %d bytes", MEMORY_FIND_PATTERN);
		if (kco_parse_addr(NULL, pair, &v, err) != KCO_OK)
			return KCO_E_USAGE;
		run->pattern[run->n++] = (uint8_t)v;
	}
	return KCO_OK;
}

static enum kco_status memory_find_pattern(struct memory_find_run *run, struct kco_err *err)
{
	const struct memory_find_opts *opts = run->opts;
	enum kco_status status = KCO_OK;

	if (!opts->string == !opts->expression)
		return kco_fail(err, KCO_E_USAGE, "wanted is one of -s STRING and -e VALUE");
	if (opts->has_count && opts->count < 1)
		return kco_fail(err, KCO_E_USAGE, "-c: a count is 1 or more");
	run->max = opts->has_count ? (uint64_t)opts->count : MEMORY_FIND_COUNT;
	if (opts->string) {
		run->n = strlen(opts->string);
		if (run->n > sizeof(run->pattern))
			return kco_fail(err, KCO_E_USAGE, "-s: more than %d bytes", MEMORY_FIND_PATTERN);
		memcpy(run->pattern, opts->string, run->n);
	} else {
		status = memory_find_expression(run, opts->expression, err);
	}
	if (status == KCO_OK && !run->n)
		status = kco_fail(err, KCO_E_USAGE, "there is nothing to find");
	return status;
}

/* A hit at @addr, whose bytes and what follows are the @n at @p. */
static void memory_find_hit(struct memory_find_run *run, uint64_t addr, const uint8_t *p, size_t n)
{
	struct kco_out *out = run->ctx->out;
	const struct kco_vma *vma = kco_vma_at(run->process, addr);

	run->found++;
	if (n > MEMORY_FIND_SHOWN)
		n = MEMORY_FIND_SHOWN;
	kco_style(out, KCO_STYLE_ADDR);
	kco_text(out, "0x%016" PRIx64, addr);
	kco_style(out, KCO_STYLE_PLAIN);
	if (!kco_out_json(out)) {
		char text[MEMORY_FIND_SHOWN + 1];

		for (size_t i = 0; i < n; i++)
			text[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.';
		text[n] = '\0';
		kco_text(out, ": %-*s  %s\n", MEMORY_FIND_SHOWN, text, vma ? kco_area_name(run->ctx, vma) : "");
		return;
	}
	kco_json_row(out);
	kco_json_addr(out, "addr", addr);
	kco_json_bytes(out, "text", (const char *)p, n);
	if (vma)
		kco_json_str(out, "area", kco_area_name(run->ctx, vma));
	else
		kco_json_null(out, "area");
	kco_json_row_end(out);
}

/* Hits in the @n bytes at @addr, in run->buf. Overlapping ones count. */
static void memory_find_in(struct memory_find_run *run, uint64_t addr, size_t n)
{
	const uint8_t *p = run->buf, *end = run->buf + n;

	while (run->found < run->max && !kco_out_closed(run->ctx->out)) {
		p = memmem(p, (size_t)(end - p), run->pattern, run->n);
		if (!p)
			return;
		memory_find_hit(run, addr + (uint64_t)(p - run->buf), p, (size_t)(end - p));
		p++;
	}
}

/* [start, end): a row of readable pages at a time, with the tail of the last chunk kept in front of the next. */
static enum kco_status memory_find_range(struct memory_find_run *run, uint64_t start, uint64_t end, struct kco_err *err)
{
	size_t kept = 0; // bytes at the start of the buffer, which lie right before addr

	for (uint64_t addr = start; addr < end && run->found < run->max && !kco_out_closed(run->ctx->out);) {
		struct kco_err why = KCO_ERR_INIT;
		size_t want = MEMORY_FIND_CHUNK - kept, got;
		enum kco_status status;

		if (kco_session_cancelled(run->ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		if (want > end - addr)
			want = (size_t)(end - addr);
		status = kco_process_read(run->process, addr, run->buf + kept, want, &got, &why);
		if (status == KCO_E_NOMEM || status == KCO_E_CANCELLED)
			return kco_fail(err, status, "%s", why.msg);
		memory_find_in(run, addr - kept, kept + got);
		addr += got;
		if (status != KCO_OK) {
			uint64_t skip = MEMORY_FIND_PAGE - (addr & (MEMORY_FIND_PAGE - 1));

			if (!run->first.code)
				run->first = why;
			skip = skip < end - addr ? skip : end - addr;
			run->unread += skip;
			addr += skip;
			kept = 0;
			continue;
		}
		got += kept;
		kept = got < run->n - 1 ? got : run->n - 1;
		memmove(run->buf, run->buf + got - kept, kept);
	}
	return KCO_OK;
}

/* Areas that are no memory of the process's own: what cannot be read there is not missed. */
static bool memory_find_is_foreign(const struct kco_vma *vma)
{
	return vma->kind == KCO_VMA_VDSO || vma->flags & KCO_VMA_IO;
}

static enum kco_status memory_find_areas(struct memory_find_run *run, struct kco_err *torn, struct kco_err *err)
{
	const struct kco_vma *vmas;
	size_t n;
	enum kco_status status = kco_areas_get(run->process, &vmas, &n, torn, err);

	for (size_t i = 0, j; status == KCO_OK && i < n; i = j) {
		// Neighbours are one range: what is looked for may lie across.
		bool foreign = memory_find_is_foreign(&vmas[i]);
		uint64_t unread = run->unread;
		struct kco_err first = run->first;

		for (j = i + 1;
		     j < n && vmas[j].start == vmas[j - 1].end && memory_find_is_foreign(&vmas[j]) == foreign; j++)
			;
		status = memory_find_range(run, vmas[i].start, vmas[j - 1].end, err);
		if (foreign) {
			run->unread = unread;
			run->first = first;
		}
	}
	return status;
}

static enum kco_status memory_find_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct memory_find_opts *opts = ctx->opts;
	struct memory_find_run *run = kco_arena_alloc(ctx->arena, sizeof(*run));
	struct kco_err torn = KCO_ERR_INIT;
	uint64_t start = 0, end = 0;
	enum kco_status status;

	if (!run)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	*run = (struct memory_find_run){ .ctx = ctx, .opts = opts, .first = KCO_ERR_INIT };
	status = memory_find_pattern(run, err);
	if (status == KCO_OK && ctx->argc == 1)
		status = kco_fail(err, KCO_E_USAGE, "wanted are a start and an end, or neither: all areas");
	if (status == KCO_OK && ctx->argc)
		status = kco_parse_addr(ctx->session, ctx->argv[0], &start, err);
	if (status == KCO_OK && ctx->argc)
		status = kco_parse_addr(ctx->session, ctx->argv[1], &end, err);
	if (status == KCO_OK && ctx->argc && end <= start)
		status =
			kco_fail(err, KCO_E_USAGE, "the end %#" PRIx64 " is not above the start %#" PRIx64, end, start);
	if (status == KCO_OK)
		status = kco_current_process(ctx, opts->has_pid, opts->pid, &run->process, err);
	if (status != KCO_OK)
		return status;
	run->buf = kco_arena_alloc(ctx->arena, MEMORY_FIND_CHUNK);
	if (!run->buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	status = ctx->argc ? memory_find_range(run, start, end, err) : memory_find_areas(run, &torn, err);
	if (status != KCO_OK)
		return status;
	if (!run->found)
		kco_text(ctx->out, "not found\n");
	if (torn.code)
		kco_row_failed(ctx, torn.code, torn.msg);
	if (run->unread) {
		const char *why = kco_arena_printf(ctx->arena, "%" PRIu64 " bytes could not be searched, the first: %s",
						   run->unread, run->first.msg);

		kco_row_failed(ctx, run->first.code, why ? why : run->first.msg);
	}
	return KCO_OK;
}

static const struct kco_arg memory_find_args[] = { { KCO_WORD_ADDR, "START", true, false },
						   { KCO_WORD_ADDR, "END", true, false },
						   { 0 } };

#define MEMORY_FIND(field) offsetof(struct memory_find_opts, field)
static const struct kco_opt memory_find_optv[] = {
	KCO_PROCESS_OPT(struct memory_find_opts),
	{ 's', "string", KCO_OPT_STRING, MEMORY_FIND(string), "STRING", KCO_WORD_TEXT,
	  .help = "find these characters" },
	{ 'e', "expression", KCO_OPT_STRING, MEMORY_FIND(expression), "VALUE", KCO_WORD_TEXT,
	  .help = "find a number (0x7f..., of 8 bytes) or bytes (7f454c46)" },
	{ 'z', "size", KCO_OPT_INT, MEMORY_FIND(size), "BYTES", KCO_WORD_NUMBER,
	  .help = "of the number of -e: 1, 2, 4 or 8", .seen = MEMORY_FIND(has_size) },
	{ 'c', "count", KCO_OPT_INT, MEMORY_FIND(count), "N", KCO_WORD_NUMBER, .help = "stop after N (64 unless told)",
	  .seen = MEMORY_FIND(has_count) },
	{ 0 },
};

static const struct kco_json_field memory_find_json_fields[] = {
	{ "addr", "address", "where it begins" },
	{ "text", "string", "the bytes from there on, 64 at most" },
	{ "area", "string|null", "name of the area that holds it" },
	{ 0 },
};

const struct kco_cmd kco_cmd_memory_find = {
	.name = "memory find",
	.summary = "find text or a value in a process's memory",
	.description =
		"Every address between START and END, or in all areas of the process, at which the characters of -s or "
		"the value of -e lie, up to -c of them. A value that begins with 0x is a number of 8 bytes (or of -z), "
		"lowest byte first; without, pairs of hexadecimal digits are bytes as they lie in memory.\n\n"
		"Pages that the page tables do not have are searched where they are (swap cache, zram, zswap, page "
		"cache). When some cannot be had the last line says how many bytes, and the exit status is 1.",
	.examples = "memory find -s LD_PRELOAD\n    in the attached process\n"
		    "memory find -p 1 -e 7f454c46 -c 3\n    the first three ELF headers of process 1\n"
		    "memory find -e 0x7ffe23581000 0x7ffe23560000 0x7ffe23581000\n    pointers on a stack\n",
	.args = memory_find_args,
	.opts = memory_find_optv,
	.opts_size = sizeof(struct memory_find_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.json = memory_find_json_fields,
	.run = memory_find_run,
};
