// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image lookup: addresses of a process to symbols, symbols to addresses.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <string.h>

#include <kco/uimage.h>

#include "areas.h"
#include "images.h"
#include "process.h"

struct image_lookup_opts {
	int64_t pid;
	bool has_pid;
	struct kco_words addresses, names;
};

static const char *image_lookup_base(const struct kco_uimage *image)
{
	const char *slash = strrchr(image->path, '/');

	return slash ? slash + 1 : image->path;
}

/* @addr, which @sym covers; @image alone when @sym is NULL. */
static void image_lookup_show(struct kco_cmd_ctx *ctx, const struct kco_process *p, uint64_t addr,
			      const struct kco_uimage *image, const struct kco_usymbol *sym, const struct kco_err *why)
{
	struct kco_out *out = ctx->out;
	const char type[] = { sym ? sym->type : '\0', '\0' };

	kco_json_row(out);
	kco_json_int(out, "pid", p->pid);
	kco_json_addr(out, "addr", addr);
	kco_json_str(out, "image", image->path);
	kco_json_addr(out, "file_addr", addr - image->bias);
	kco_text(out, "0x%016" PRIx64 " ", addr);
	kco_style(out, KCO_STYLE_NAME);
	kco_text(out, "%s`", image_lookup_base(image));
	if (sym) {
		kco_text(out, "%s", sym->name);
		kco_style(out, KCO_STYLE_PLAIN);
		if (addr != sym->addr)
			kco_text(out, " + %" PRIu64, addr - sym->addr);
		kco_text(out, "  (%s", type);
		if (sym->size)
			kco_text(out, ", %" PRIu64 " bytes", sym->size);
		kco_text(out, ") %s[0x%" PRIx64 "]\n", image->path, addr - image->bias);
		kco_json_str(out, "symbol", sym->name);
		kco_json_uint(out, "offset", addr - sym->addr);
		kco_json_uint(out, "size", sym->size);
		kco_json_str(out, "type", type);
		kco_json_str(out, "symbols", kco_image_symbols(image));
	} else {
		kco_style(out, KCO_STYLE_PLAIN);
		kco_text(out, "%s[0x%" PRIx64 "]", image->path, addr - image->bias);
		kco_row_failed(ctx, why->code, why->msg);
	}
	kco_json_row_end(out);
}

static enum kco_status image_lookup_address(struct kco_cmd_ctx *ctx, struct kco_process *p, const char *word,
					    struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	const struct kco_uimage *image;
	struct kco_usymbol sym;
	uint64_t addr;
	enum kco_status st = kco_parse_process_addr(p, word, &addr, &why);

	if (st == KCO_E_NOMEM || st == KCO_E_CANCELLED)
		return kco_fail(err, st, "%s", why.msg);
	image = st ? NULL : kco_uimage_at(p, addr);
	if (!st && !image)
		st = kco_fail(&why, KCO_E_NOSYM, "no image holds %#" PRIx64, addr);
	if (st) {
		kco_word_failed(ctx, word, st, why.msg);
		return KCO_OK;
	}
	st = kco_usymbol_by_addr(p, addr, &sym, &why);
	image_lookup_show(ctx, p, addr, image, st ? NULL : &sym, &why);
	return KCO_OK;
}

static enum kco_status image_lookup_name(struct kco_cmd_ctx *ctx, struct kco_process *p, const char *word,
					 struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	struct kco_usymbol sym;
	size_t cursor = 0;
	bool any = false;
	enum kco_status st;

	while (!(st = kco_usymbol_next(p, word, &cursor, &sym, &why))) {
		image_lookup_show(ctx, p, sym.addr, sym.image, &sym, NULL);
		any = true;
	}
	if (st == KCO_E_NOMEM || st == KCO_E_CANCELLED)
		return kco_fail(err, st, "%s", why.msg);
	if (!any)
		kco_word_failed(ctx, word, st, why.msg);
	return KCO_OK;
}

static enum kco_status image_lookup_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct image_lookup_opts *opts = ctx->opts;
	struct kco_err torn = KCO_ERR_INIT;
	const struct kco_vma *vmas;
	struct kco_process *p;
	enum kco_status st;
	size_t n;

	if (!opts->addresses.n && !opts->names.n)
		return kco_fail(err, KCO_E_USAGE, "wanted is --address ADDR or --name SYMBOL");
	st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);
	if (!st)
		st = kco_areas_get(p, &vmas, &n, &torn, err);
	for (size_t i = 0; !st && i < opts->addresses.n && !kco_out_closed(ctx->out); i++)
		st = image_lookup_address(ctx, p, opts->addresses.v[i], err);
	for (size_t i = 0; !st && i < opts->names.n && !kco_out_closed(ctx->out); i++)
		st = image_lookup_name(ctx, p, opts->names.v[i], err);
	if (!st && torn.code)
		kco_row_failed(ctx, torn.code, torn.msg);
	return st;
}

static const struct kco_opt image_lookup_optv[] = {
	{ 'a', "address", KCO_OPT_LIST, offsetof(struct image_lookup_opts, addresses), "ADDR", KCO_WORD_TEXT,
	  .help = "what is at this address; may be repeated" },
	{ 'n', "name", KCO_OPT_LIST, offsetof(struct image_lookup_opts, names), "SYMBOL", KCO_WORD_TEXT,
	  .help = "where this symbol is, in all images, or in one as IMAGE`SYMBOL; may be repeated" },
	KCO_PROCESS_OPT(struct image_lookup_opts),
	{ 0 },
};

static const struct kco_json_field image_lookup_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "addr", "address", "in the process" },
	{ "image", "string", "the file that is mapped there" },
	{ "file_addr", "address", "the same without the image's bias, as nm and objdump have it" },
	{ "symbol", "string", "what covers it" },
	{ "offset", "integer", "from the symbol's beginning" },
	{ "size", "integer", "of the symbol, 0 unknown" },
	{ "type", "string", "of the symbol, as nm has it" },
	{ "symbols", "string", "where the image's symbols are from" },
	{ "word", "string", "an address or a name that nothing was found for" },
	{ 0 },
};

const struct kco_cmd kco_cmd_image_lookup = {
	.name = "image lookup",
	.summary = "symbols of a process by address and by name",
	.description =
		"For --address, the symbol that covers an address of the process, as IMAGE`SYMBOL + OFFSET, with the "
		"letter of its type as nm has it, its size, and the address in the file. For --name, each image that has "
		"the symbol, the main program first; IMAGE`SYMBOL asks one, whose name may be cut short.\n\n"
		"Addresses are hexadecimal or SYMBOL, SYMBOL+OFFSET and IMAGE`SYMBOL+OFFSET of the process. Where symbols "
		"come from, `image list --symbols` says.",
	.examples = "image lookup -p 108 -a 7f932c8c0000\n    what is there\n"
		    "image lookup -n libc`malloc\n    where libc's malloc is\n",
	.opts = image_lookup_optv,
	.opts_size = sizeof(struct image_lookup_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_AREAS,
	.json = image_lookup_json_fields,
	.run = image_lookup_run,
};
