// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * verify: can all of the dump be read?
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>

#include <kco/convert.h>

static void verify_damaged(void *arg, uint64_t first, uint64_t last, const struct kco_err *why)
{
	struct kco_cmd_ctx *ctx = arg;
	char text[sizeof(why->msg) + 64];

	// Of stretches that lie close together only the first comes with its own words.
	if (why->addr >= first && why->addr <= last)
		snprintf(text, sizeof(text), "%#" PRIx64 " to %#" PRIx64 ": %s", first, last, why->msg);
	else
		snprintf(text, sizeof(text), "%#" PRIx64 " to %#" PRIx64, first, last);
	kco_json_row(ctx->out);
	kco_json_addr(ctx->out, "first", first);
	kco_json_addr(ctx->out, "last", last);
	kco_row_failed(ctx, why->code, text);
	kco_json_row_end(ctx->out);
}

static enum kco_status verify_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	struct kco_verify_options how = { .damaged = verify_damaged, .arg = ctx };
	struct kco_verify_stats stats;
	enum kco_status status = kco_verify(ctx->session, &how, &stats, err);

	if (status != KCO_OK)
		return status;
	kco_text(ctx->out, "%" PRIu64 " bytes of memory read, %" PRIu64 " of them zeros", stats.bytes - stats.damaged,
		 stats.zero);
	if (stats.damaged)
		kco_text(ctx->out, "; %" PRIu64 " cannot be read", stats.damaged);
	kco_text(ctx->out, "\n");
	kco_json_row(ctx->out);
	kco_json_uint(ctx->out, "memory_bytes", stats.bytes);
	kco_json_uint(ctx->out, "zero_bytes", stats.zero);
	kco_json_uint(ctx->out, "damaged_bytes", stats.damaged);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

static const struct kco_json_field verify_json_fields[] = {
	{ "first", "address", "a row for each stretch of memory that cannot be read: its first byte ..." },
	{ "last", "address", "... and its last" },
	{ "memory_bytes", "integer", "the last row: memory that the dump says it holds" },
	{ "zero_bytes", "integer", "of these in blocks of zeros" },
	{ "damaged_bytes", "integer", "of these in blocks that cannot be read" },
	{ 0 },
};

const struct kco_cmd kco_cmd_verify = {
	.name = "verify",
	.summary = "read all of the dump and report damage",
	.description =
		"Every block of memory that the dump says it holds is read and unpacked, on all cores. What cannot be read "
		"is told with the reason: cut off, damaged, lost by the dump's writer. The exit status is 1 then. Memory "
		"that a filter left out is not damage.",
	.examples = "verify\n    after a copy\n",
	.needs = KCO_NEED_IMAGE,
	.json = verify_json_fields,
	.run = verify_run,
};
