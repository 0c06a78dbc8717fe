// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * info: what a dump is, what of the machine's memory it holds, and which
 * commands it is not enough for.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/convert.h>
#include <kco/redact.h>

#include "sysrows.h"

#define INFO_REASONS_MAX 16

struct info_opts {
	bool pages;
};

/* Why some commands do not work on this dump. */
struct info_reason {
	char why[sizeof(((struct kco_err *)NULL)->msg)];
	char commands[512];
};

/* Bytes of the files as they lie on the disk, whatever they are wrapped in. */
static uint64_t info_file_bytes(const struct kco_image *image)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < image->nr_files; i++) {
		const struct kco_io *io = image->files[i];

		while (io->below)
			io = io->below;
		sum += io->size;
	}
	return sum;
}

/* Where bytes of memory may not be what they were. */
static void info_redacted(struct kco_sysrows *rows)
{
	static const char *const texts[] = {
		[KCO_REDACT_SECRETS] =
			"memory of processes, files and devices left out; vector registers, keys, network data and free "
			"objects of the kernel read as zeros",
		[KCO_REDACT_NAMES] =
			"memory of processes, files and devices left out; vector registers, keys, network data, free "
			"objects of the kernel and names of files read as zeros",
	};
	enum kco_redact_level level = kco_redact_level(rows->image);

	if (level)
		kco_sysrow(rows, "REDACTED", "redacted", texts[level]);
	else
		kco_json_null(rows->ctx->out, "redacted");
}

static void info_pages_row(struct kco_sysrows *rows, const char *label, uint64_t bytes)
{
	uint64_t block = rows->image->facts.block_size;

	if (kco_out_json(rows->ctx->out))
		return;
	snprintf(rows->text, sizeof(rows->text), "%" PRIu64 " pages of %" PRIu64 " bytes", bytes / block, block);
	kco_sysrow(rows, label, NULL, rows->text);
}

/* What headers and bitmaps tell: no page is read. */
static enum kco_status info_memory(struct kco_sysrows *rows, struct kco_err *err)
{
	struct kco_out *out = rows->ctx->out;
	uint64_t saved, ram, file = info_file_bytes(rows->image);
	enum kco_status st = kco_saved_bytes(rows->ctx->session, &saved, err);

	if (st == KCO_OK)
		st = kco_image_ram(kco_session_image(rows->ctx->session), &ram, err);
	if (st != KCO_OK)
		return st;
	if (ram < saved)
		ram = saved;
	kco_sysrow_memory(rows, "FILE SIZE", "file_bytes", file);
	kco_json_uint(out, "page_size", rows->image->facts.block_size);
	kco_json_uint(out, "ram_bytes", ram);
	kco_json_uint(out, "present_bytes", saved);
	kco_json_uint(out, "excluded_bytes", ram - saved);
	info_pages_row(rows, "RAM", ram);
	info_pages_row(rows, "PRESENT", saved);
	info_pages_row(rows, "EXCLUDED", ram - saved);
	if (!file) {
		kco_json_null(out, "ratio");
		return KCO_OK;
	}
	kco_json_double(out, "ratio", (double)saved / (double)file);
	snprintf(rows->text, sizeof(rows->text), "%.2f", (double)saved / (double)file);
	kco_sysrow(rows, "RATIO", NULL, rows->text);
	return KCO_OK;
}

static void info_codecs(struct kco_sysrows *rows, const struct kco_verify_stats *stats)
{
	size_t n = 0;

	kco_json_object(rows->ctx->out, "codecs");
	rows->text[0] = '\0';
	for (int id = 0; id < KCO_CODEC_NR; id++) {
		const char *name = kco_codec_name((enum kco_codec_id)id);

		if (!stats->packed[id])
			continue;
		kco_json_uint(rows->ctx->out, name, stats->packed[id]);
		n += (size_t)snprintf(rows->text + n, sizeof(rows->text) - n, "%s%s %" PRIu64, n ? ", " : "", name,
				      stats->packed[id]);
	}
	kco_json_end(rows->ctx->out);
	if (n)
		snprintf(rows->text + n, sizeof(rows->text) - n, " pages, %" PRIu64 " bytes", stats->packed_bytes);
	if (n)
		kco_sysrow(rows, "COMPRESSED", NULL, rows->text);
}

/* What only reading all of it tells. */
static enum kco_status info_read_pages(struct kco_sysrows *rows, struct kco_err *err)
{
	struct kco_verify_options how = { .codecs = true };
	struct kco_verify_stats stats;
	enum kco_status st = kco_verify(rows->ctx->session, &how, &stats, err);

	if (st != KCO_OK)
		return st;
	kco_json_uint(rows->ctx->out, "zero_bytes", stats.zero);
	kco_json_uint(rows->ctx->out, "lost_bytes", stats.lost);
	kco_json_uint(rows->ctx->out, "damaged_bytes", stats.damaged - stats.lost);
	info_pages_row(rows, "ZERO", stats.zero);
	info_pages_row(rows, "LOST", stats.lost);
	info_pages_row(rows, "DAMAGED", stats.damaged - stats.lost);
	info_codecs(rows, &stats);
	if (stats.damaged)
		rows->ctx->failed_rows++;
	return KCO_OK;
}

static enum kco_status info_why_not(struct kco_session *s, const struct kco_cmd *cmd, struct kco_err *why)
{
	enum kco_status st = kco_session_need(s, cmd->needs, why);

	return st ? st : kco_cmd_check_os(s, cmd->features, NULL, why);
}

/* Put @name to the reason @why; false: there are too many. */
static bool info_add(struct info_reason *reasons, size_t *n, const char *why, const char *name)
{
	size_t i = 0, len;

	while (i < *n && strcmp(reasons[i].why, why))
		i++;
	if (i == INFO_REASONS_MAX)
		return false;
	if (i == *n) {
		snprintf(reasons[i].why, sizeof(reasons[i].why), "%s", why);
		reasons[i].commands[0] = '\0';
		(*n)++;
	}
	len = strlen(reasons[i].commands);
	snprintf(reasons[i].commands + len, sizeof(reasons[i].commands) - len, "%s%s", len ? ", " : "", name);
	return true;
}

/* Each reason once, with the commands that it is one for. */
static enum kco_status info_missing(struct kco_sysrows *rows, struct kco_err *err)
{
	struct kco_cmd_ctx *ctx = rows->ctx;
	struct info_reason *reasons = calloc(INFO_REASONS_MAX, sizeof(*reasons));
	size_t n = 0;

	if (!reasons)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (const struct kco_cmd *const *cmd = ctx->commands; cmd && *cmd; cmd++) {
		struct kco_err why = KCO_ERR_INIT;

		if ((*cmd)->needs && info_why_not(ctx->session, *cmd, &why) != KCO_OK)
			(void)info_add(reasons, &n, why.msg, (*cmd)->name);
	}
	kco_json_array(ctx->out, "missing");
	for (size_t i = 0; i < n; i++) {
		kco_json_object(ctx->out, NULL);
		kco_json_str(ctx->out, "why", reasons[i].why);
		kco_json_str(ctx->out, "commands", reasons[i].commands);
		kco_json_end(ctx->out);
		if (kco_out_json(ctx->out))
			continue;
		kco_sysrow(rows, "MISSING", NULL, reasons[i].why);
		snprintf(rows->text, sizeof(rows->text), "for %.500s", reasons[i].commands);
		kco_sysrow(rows, "", NULL, rows->text);
	}
	kco_json_end(ctx->out);
	if (rows->image->facts.no_user)
		kco_sysrow(rows, "NO USER", "no_user", rows->image->facts.no_user);
	else
		kco_json_null(ctx->out, "no_user");
	free(reasons);
	return KCO_OK;
}

static enum kco_status info_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct info_opts *opts = ctx->opts;
	struct kco_sysrows rows;
	enum kco_status st;

	kco_sysrows_init(&rows, ctx);
	kco_json_row(ctx->out);
	kco_sysrows_crash(&rows);
	kco_sysrows_file(&rows);
	kco_sysrows_found(&rows);
	info_redacted(&rows);
	st = info_memory(&rows, err);
	if (st == KCO_OK && opts->pages)
		st = info_read_pages(&rows, err);
	if (st == KCO_OK)
		st = info_missing(&rows, err);
	kco_json_row_end(ctx->out);
	return st;
}

static const struct kco_opt info_optv[] = {
	{ 'p', "pages", KCO_OPT_FLAG, offsetof(struct info_opts, pages),
	  .help = "read every page: how many are zeros, lost, damaged, and by which codec they are stored" },
	{ 0 },
};

static const struct kco_json_field info_json_fields[] = {
	KCO_SYSROWS_JSON,
	{ "redacted", "string|null", "what `convert --redact` took away, if that made it" },
	{ "file_bytes", "integer", "size of the files on the disk" },
	{ "page_size", "integer", "bytes of a page, the unit in which the file stores memory" },
	{ "ram_bytes", "integer", "memory of the machine, as far as the file says what there was" },
	{ "present_bytes", "integer", "of that, in the dump" },
	{ "excluded_bytes", "integer", "of that, left out" },
	{ "ratio", "number|null", "present_bytes over file_bytes" },
	{ "zero_bytes", "integer", "-p: of present_bytes, in pages of zeros" },
	{ "lost_bytes", "integer", "-p: in pages that the dump's writer had no room for" },
	{ "damaged_bytes", "integer", "-p: in pages that cannot be read" },
	{ "codecs", "object", "-p: a codec's name each, and how many pages it is for" },
	{ "missing", "array", "why commands do not work on this dump" },
	{ "missing[].why", "string", "a reason" },
	{ "missing[].commands", "string", "the commands, with commas between them" },
	{ "no_user", "string|null", "why it has no memory of user processes, where that is so by its kind" },
	{ 0 },
};

const struct kco_cmd kco_cmd_info = {
	.name = "info",
	.summary = "describe a dump: what it holds, and what it is not enough for",
	.description =
		"The rows of `sys`, then the file: its size, how much memory the machine had, how much of it is in the dump "
		"and how much was left out, and what compression saved. MISSING names a reason and the commands that do not "
		"work for it on this dump.\n\n"
		"Headers and bitmaps tell all of that. With -p every page is read, on all cores: pages of zeros, pages that "
		"the dump's writer lost, damaged ones (the exit status is 1 then; `verify` says which), and how many are "
		"stored by which codec.",
	.examples = "info\n    what have I got here?\n"
		    "info -p\n    to the last page\n"
		    "info --json | jq .excluded_bytes\n    in a script\n",
	.opts = info_optv,
	.opts_size = sizeof(struct info_opts),
	.needs = KCO_NEED_IMAGE,
	.json = info_json_fields,
	.run = info_run,
};
