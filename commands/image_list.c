// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image list: the executables and libraries of a process, in lldb's layout.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/uimage.h>

#include "areas.h"
#include "images.h"
#include "process.h"

struct image_list_opts {
	int64_t pid;
	bool has_pid, symbols;
};

/* Symbols are loaded by the first question about one. */
static void image_list_load(struct kco_process *p, const struct kco_uimage *image)
{
	struct kco_usymbol sym;
	struct kco_err err;

	if (kco_usymbol_by_addr(p, image->start, &sym, &err) && err.code == KCO_E_NOMEM)
		kco_session_warn(p->session, "%s", err.msg);
}

static void image_list_text(struct kco_cmd_ctx *ctx, size_t i, const struct kco_uimage *image, bool symbols)
{
	char uuid[KCO_IMAGE_UUID];

	kco_text(ctx->out, "[%3zu] %s 0x%016" PRIx64 " %s", i, kco_image_uuid(image, uuid), image->start, image->path);
	if (symbols)
		kco_text(ctx->out, "\n      symbols: %s", kco_image_symbols(image));
	if (image->status)
		kco_row_failed(ctx, image->status, image->why);
	else
		kco_text(ctx->out, "\n");
}

static void image_list_json(struct kco_cmd_ctx *ctx, const struct kco_process *p, const struct kco_uimage *image,
			    bool symbols)
{
	char hex[KCO_IMAGE_UUID];

	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", p->pid);
	kco_json_str(ctx->out, "path", image->path);
	kco_json_str(ctx->out, "build_id", image->build_id_size ? kco_image_build_id(image, hex) : NULL);
	kco_json_addr(ctx->out, "start", image->start);
	kco_json_addr(ctx->out, "end", image->end);
	kco_json_addr(ctx->out, "bias", image->bias);
	kco_json_uint(ctx->out, "bits", image->elf32 ? 32 : 64);
	kco_json_bool(ctx->out, "main", image->executable);
	if (symbols)
		kco_json_str(ctx->out, "symbols", kco_image_symbols(image));
	if (image->status)
		kco_row_failed(ctx, image->status, image->why);
	kco_json_row_end(ctx->out);
}

static enum kco_status image_list_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct image_list_opts *opts = ctx->opts;
	const struct kco_uimage *images;
	struct kco_err torn = KCO_ERR_INIT;
	const struct kco_vma *vmas;
	struct kco_process *p;
	size_t n;
	enum kco_status st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);

	if (!st)
		st = kco_areas_get(p, &vmas, &n, &torn, err);
	if (!st)
		st = kco_uimages_get(p, &images, &n, err);
	if (st)
		return st;
	for (size_t i = 0; i < n && !kco_out_closed(ctx->out); i++) {
		if (opts->symbols && !images[i].status)
			image_list_load(p, &images[i]);
		if (kco_out_json(ctx->out))
			image_list_json(ctx, p, &images[i], opts->symbols);
		else
			image_list_text(ctx, i, &images[i], opts->symbols);
	}
	if (torn.code)
		kco_row_failed(ctx, torn.code, torn.msg);
	return KCO_OK;
}

static const struct kco_opt image_list_optv[] = {
	KCO_PROCESS_OPT(struct image_list_opts),
	{ 's', "symbols", KCO_OPT_FLAG, offsetof(struct image_list_opts, symbols),
	  .help = "look for the symbols of each, and say where they are from" },
	{ 0 },
};

static const struct kco_json_field image_list_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "path", "string", "the file, as it is mapped, or [vdso]" },
	{ "build_id", "string|null", "of the file" },
	{ "start", "address", "of its first area" },
	{ "end", "address", "behind its last" },
	{ "bias", "address", "what to add to addresses in the file" },
	{ "bits", "integer", "64 or 32" },
	{ "main", "boolean", "the program that was executed" },
	{ "symbols", "string", "where symbols are from (with --symbols)" },
	{ 0 },
};

const struct kco_cmd kco_cmd_image_list = {
	.name = "image list",
	.summary = "the executables and libraries of a process",
	.description =
		"One line for each ELF image that is mapped in a process, by address: its number, its build-id as lldb "
		"writes it, the address of its first area, and the path. Images are found by what is mapped and not by "
		"what the process's loader says.\n\n"
		"--symbols looks for the symbols of each image and says where they are from: the file itself in the page "
		"cache, a file below --sysroot or --debug-dir, the same file on this machine, .gnu_debugdata, debuginfod "
		"(when DEBUGINFOD_URLS is set), or .dynsym in the process's memory. Files are only used when their "
		"build-id is that of the image.",
	.examples = "image list -p 108\n    of process 108\n"
		    "image list -s\n    with where symbols come from\n",
	.opts = image_list_optv,
	.opts_size = sizeof(struct image_list_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_AREAS,
	.json = image_list_json_fields,
	.run = image_list_run,
};
