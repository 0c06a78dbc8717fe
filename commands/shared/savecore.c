// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes written as core files: process save-core, convert -t core.
 */
#include "savecore.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include <kco/core.h>

static void savecore_json(struct kco_out *out, const struct kco_process *p, const char *path,
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

static void savecore_text(struct kco_out *out, const struct kco_process *p, const char *path,
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

enum kco_status kco_save_core(struct kco_cmd_ctx *ctx, struct kco_process *p, const char *path, bool force,
			      struct kco_err *err)
{
	struct kco_core_stats stats;
	enum kco_status st = kco_core_write(p, path, force, &stats, err);

	if (st)
		return st;
	kco_json_row(ctx->out);
	if (kco_out_json(ctx->out))
		savecore_json(ctx->out, p, path, &stats);
	else
		savecore_text(ctx->out, p, path, &stats);
	if (stats.areas_lost)
		kco_row_failed(ctx, KCO_E_CORRUPT, stats.why);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

enum kco_status kco_save_cores(struct kco_cmd_ctx *ctx, const char *dir, bool force, struct kco_err *err)
{
	struct kco_process *const *list;
	size_t n;
	enum kco_status st = kco_processes_get(ctx->session, &list, &n, err);

	if (!st && mkdir(dir, 0700) && errno != EEXIST)
		st = kco_fail_errno(err, errno, "%s", dir);
	for (size_t i = 0; i < n && !st && !kco_out_closed(ctx->out); i++) {
		struct kco_err why = KCO_ERR_INIT;
		char *path;

		if (!list[i]->mm)
			continue;
		path = kco_arena_printf(ctx->arena, "%s/core.%" PRId64, dir, list[i]->pid);
		if (!path)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		st = kco_save_core(ctx, list[i], path, force, &why);
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
