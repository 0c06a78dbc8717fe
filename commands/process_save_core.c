// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process save-core: write a process as an ELF core file.
 */
#include <kco/cmd.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <kco/core.h>

#include "process.h"

struct save_core_opts {
	const char *output, *all;
	bool force;
};

static void save_core_json(struct kco_out *out, const struct kco_process *p, const char *path,
			   const struct kco_core_stats *stats)
{
	kco_json_int(out, "pid", p->pid);
	kco_json_str(out, "file", path);
	kco_json_uint(out, "size", stats->size);
	kco_json_uint(out, "pages", stats->pages);
	kco_json_uint(out, "zero_pages", stats->zero_pages);
	kco_json_uint(out, "absent_pages", stats->absent_pages);
	kco_json_uint(out, "segments", stats->segments);
	kco_json_uint(out, "threads", stats->threads);
	kco_json_uint(out, "threads_lost", stats->threads_lost);
	kco_json_bool(out, "areas_lost", stats->areas_lost);
	kco_json_str(out, "first_loss", stats->why[0] ? stats->why : NULL);
}

static void save_core_text(struct kco_out *out, const struct kco_process *p, const char *path,
			   const struct kco_core_stats *stats)
{
	kco_text(out, "%s: process %" PRId64 " (%s), %" PRIu64 " thread%s, %" PRIu64 " pages", path, p->pid,
		 p->leader->comm, stats->threads, stats->threads == 1 ? "" : "s", stats->pages);
	if (stats->absent_pages)
		kco_text(out, "; %" PRIu64 " pages are absent (the first: %s)", stats->absent_pages, stats->why);
	if (stats->threads_lost)
		kco_text(out, "; %" PRIu64 " thread%s without known registers left out", stats->threads_lost,
			 stats->threads_lost == 1 ? "" : "s");
	kco_text(out, "\n");
}

static enum kco_status save_core_one(struct kco_cmd_ctx *ctx, struct kco_process *p, const char *path,
				     struct kco_err *err)
{
	const struct save_core_opts *opts = ctx->opts;
	struct kco_core_stats stats;
	enum kco_status st = kco_core_write(p, path, opts->force, &stats, err);

	if (st)
		return st;
	kco_json_row(ctx->out);
	if (kco_out_json(ctx->out))
		save_core_json(ctx->out, p, path, &stats);
	else
		save_core_text(ctx->out, p, path, &stats);
	if (stats.areas_lost)
		kco_row_failed(ctx, KCO_E_CORRUPT, stats.why);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

/* Every process that has memory: DIR/core.PID. One that fails spoils its row only. */
static enum kco_status save_core_all(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct save_core_opts *opts = ctx->opts;
	struct kco_process *const *list;
	size_t n;
	enum kco_status st = kco_processes_get(ctx->session, &list, &n, err);

	if (!st && mkdir(opts->all, 0700) && errno != EEXIST)
		st = kco_fail_errno(err, errno, "%s", opts->all);
	for (size_t i = 0; i < n && !st && !kco_out_closed(ctx->out); i++) {
		struct kco_err why = KCO_ERR_INIT;
		char *path;

		if (!list[i]->mm)
			continue;
		path = kco_arena_printf(ctx->arena, "%s/core.%" PRId64, opts->all, list[i]->pid);
		if (!path)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		st = save_core_one(ctx, list[i], path, &why);
		if (st == KCO_E_CANCELLED || st == KCO_E_NOMEM || st == KCO_E_IO) {
			*err = why;
		} else if (st) {
			kco_json_row(ctx->out);
			kco_json_int(ctx->out, "pid", list[i]->pid);
			kco_row_failed(ctx, st, why.msg);
			kco_json_row_end(ctx->out);
			st = KCO_OK;
		}
	}
	return st;
}

static enum kco_status save_core_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct save_core_opts *opts = ctx->opts;
	struct kco_process *p;
	int64_t pid = 0;
	enum kco_status st = KCO_OK;

	if (!opts->output == !opts->all)
		return kco_fail(err, KCO_E_USAGE, "say where to: -o FILE for one process, or --all DIR");
	if (opts->all)
		return ctx->argc ? kco_fail(err, KCO_E_USAGE, "--all takes no PID") : save_core_all(ctx, err);
	if (ctx->argc)
		st = kco_parse_int(ctx->argv[0], &pid, err);
	if (!st)
		st = kco_current_process(ctx, ctx->argc > 0, pid, &p, err);
	return st ? st : save_core_one(ctx, p, opts->output, err);
}

static const struct kco_arg save_core_args[] = { { KCO_WORD_TASK, "PID", .optional = true }, { 0 } };

static const struct kco_opt save_core_optv[] = {
	{ 'o', "output", KCO_OPT_STRING, offsetof(struct save_core_opts, output), "FILE", KCO_WORD_FILE,
	  .help = "the file to write" },
	{ 0, "all", KCO_OPT_STRING, offsetof(struct save_core_opts, all), "DIR", KCO_WORD_FILE,
	  .help = "every process that has memory, each to DIR/core.PID" },
	{ 'f', "force", KCO_OPT_FLAG, offsetof(struct save_core_opts, force), .help = "replace a file that exists" },
	{ 0 },
};

static const struct kco_json_field save_core_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "file", "string", "what was written" },
	{ "size", "integer", "of the file with its holes, bytes" },
	{ "pages", "integer", "pages of 4096 bytes that hold something" },
	{ "zero_pages", "integer", "pages that hold zeros, which take no room" },
	{ "absent_pages", "integer", "pages that could not be read: they are in no segment" },
	{ "segments", "integer", "runs of memory, each a program header" },
	{ "threads", "integer", "threads with registers" },
	{ "threads_lost", "integer", "threads whose registers are not known: left out" },
	{ "areas_lost", "boolean", "the list of areas is torn: some are missing" },
	{ "first_loss", "string|null", "why the first page, or area, is missing" },
	{ 0 },
};

const struct kco_cmd kco_cmd_process_save_core = {
	.name = "process save-core",
	.aliases = (const char *const[]){ "gcore", NULL },
	.summary = "write a process as a core file for gdb and LLDB",
	.description =
		"Writes an ELF core file of a process as the kernel would have, had the process died: the registers of "
		"every thread (general, x87, vector), the signal, the auxiliary vector, the list of mapped files, and "
		"memory. Programs of 32 bits get a 32-bit file.\n\n"
		"Memory is whatever can be read: pages of the dump, of its page cache, and compressed swap. Pages that "
		"cannot be read are left out, and a debugger says that it cannot access them; zeros in the file are zeros "
		"in the process. The file is written under a temporary name, synced and renamed; a file that exists is "
		"replaced with --force only.",
	.examples = "process save-core 108 -o /tmp/core.108\n    process 108\n"
		    "process save-core --all /tmp/cores\n    every process\n"
		    "gcore -o /tmp/core\n    the attached process, or the current task's\n",
	.args = save_core_args,
	.opts = save_core_optv,
	.opts_size = sizeof(struct save_core_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_CORE,
	.json = save_core_json_fields,
	.run = save_core_run,
};
