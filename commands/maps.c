// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * maps: what is mapped in a process, as its /proc/PID/maps told it.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/vma.h>

#include "areas.h"
#include "process.h"

struct maps_opts {
	int64_t pid;
	bool has_pid;
};

/* Where names begin: seq_setwidth(m, 25 + sizeof(void *) * 6 - 1), and a space. */
#define MAPS_WIDTH 72

static void maps_row_text(struct kco_cmd_ctx *ctx, const struct kco_vma *vma)
{
	const struct kco_file *file = vma->file;
	char left[MAPS_WIDTH * 2], perms[5];
	int n = snprintf(left, sizeof(left),
			 "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02" PRIx32 ":%02" PRIx32 " %" PRIu64 " ",
			 vma->start, vma->end, kco_area_perms(vma, perms), vma->offset, file ? file->dev_major : 0,
			 file ? file->dev_minor : 0, file ? file->ino : 0);

	if (vma->name[0])
		kco_text(ctx->out, "%-*s %s\n", n < MAPS_WIDTH ? MAPS_WIDTH : n, left, kco_area_name(ctx, vma));
	else
		kco_text(ctx->out, "%s\n", left);
}

static void maps_row_json(struct kco_cmd_ctx *ctx, const struct kco_process *p, const struct kco_vma *vma)
{
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", p->pid);
	kco_area_json(ctx->out, vma);
	kco_json_row_end(ctx->out);
}

static enum kco_status maps_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct maps_opts *opts = ctx->opts;
	struct kco_err torn = KCO_ERR_INIT;
	const struct kco_vma *vmas;
	struct kco_process *p;
	size_t n;
	enum kco_status st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);

	if (!st)
		st = kco_areas_get(p, &vmas, &n, &torn, err);
	if (st)
		return st;
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		if (kco_out_json(ctx->out))
			maps_row_json(ctx, p, &vmas[i]);
		else
			maps_row_text(ctx, &vmas[i]);
	}
	if (torn.code)
		kco_row_failed(ctx, torn.code, torn.msg);
	return KCO_OK;
}

static const struct kco_opt maps_optv[] = { KCO_PROCESS_OPT(struct maps_opts), { 0 } };

static const struct kco_json_field maps_json_fields[] = {
	{ "pid", "integer", "the process" },
	KCO_AREA_JSON_FIELDS(""),
	{ 0 },
};

const struct kco_cmd kco_cmd_maps = {
	.name = "maps",
	.summary = "what is mapped in a process, as /proc/PID/maps has it",
	.description =
		"The areas of a process's address space, line by line what its /proc/PID/maps said: addresses, "
		"permissions (r w x, and p private or s shared), the offset in the file, the device and the inode of "
		"the file, and a name: a path, or [heap], [stack], [vdso], [anon:NAME] and so on. Paths are as they are "
		"seen from outside of containers and chroots; a newline in one is \\012.\n\n"
		"The kernel (process 0) and kernel threads have no such areas. When areas cannot be reached, the "
		"others are shown and the reason is the last line, with exit status 1.",
	.examples = "maps -p 108\n    of process 108\n"
		    "maps\n    of the attached process, or the current task's\n"
		    "maps -p 1 --json | jq -r 'select(.kind == \"file\") | .file.path' | sort -u\n    the files that "
		    "it has mapped\n",
	.opts = maps_optv,
	.opts_size = sizeof(struct maps_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_AREAS,
	.json = maps_json_fields,
	.run = maps_run,
};
