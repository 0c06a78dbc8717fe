// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mod: the loaded modules, in crash's columns.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "taints.h"

struct mod_opts {
	bool taints;
};

struct mod_run {
	struct kco_cmd_ctx *ctx;
	const struct kco_module **mods;
	size_t n;
	int name_width, size_width;
};

static const char *mod_state_text(char state)
{
	switch (state) {
	case 'L':
		return "live";
	case 'C':
		return "coming";
	case 'G':
		return "going";
	case 'U':
		return "unformed";
	}
	return "unknown";
}

/* Are the module's own symbols known? */
static bool mod_has_symbols(struct kco_cmd_ctx *ctx, const struct kco_module *mod)
{
	struct kco_symbols *syms = kco_session_symbols(ctx->session);
	struct kco_symbol sym;

	return syms && mod->base &&
	       kco_symbols_by_addr(syms, mod->base + (mod->text_size ? mod->text_size / 2 : 0), &sym, NULL) == KCO_OK &&
	       sym.module && !strcmp(sym.module, mod->name);
}

static bool mod_is_linux(struct kco_cmd_ctx *ctx)
{
	const struct kco_os_ops *os = kco_session_os(ctx->session);

	return !strcmp(os->base ? os->base->name : os->name, "linux");
}

static int mod_compare(const void *a, const void *b)
{
	const struct kco_module *x = *(const struct kco_module *const *)a, *y = *(const struct kco_module *const *)b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static bool mod_named(struct kco_cmd_ctx *ctx, const struct kco_module *mod, bool *matched)
{
	bool wanted = !ctx->argc;

	for (int i = 0; i < ctx->argc; i++) {
		if (strcmp(ctx->argv[i], mod->name))
			continue;
		matched[i] = true;
		wanted = true;
	}
	return wanted;
}

static enum kco_status mod_choose(struct mod_run *run, struct kco_err *err)
{
	struct kco_cmd_ctx *ctx = run->ctx;
	const struct kco_module *mods;
	enum kco_status status;
	bool *matched;
	size_t n;

	status = kco_modules_get(ctx->session, &mods, &n, err);
	if (status != KCO_OK)
		return status;
	if (!ctx->argc)
		ctx->failed_rows += kco_modules_incomplete(ctx->session);
	run->mods = kco_arena_array(ctx->arena, n ? n : 1, sizeof(*run->mods));
	matched = kco_arena_array(ctx->arena, ctx->argc ? (size_t)ctx->argc : 1, sizeof(*matched));
	if (!run->mods || !matched)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		int digits = 1, len = (int)strlen(mods[i].name);

		if (!mod_named(ctx, &mods[i], matched))
			continue;
		run->mods[run->n++] = &mods[i];
		for (uint64_t v = mods[i].size; v >= 10; v /= 10)
			digits++;
		run->name_width = len > run->name_width ? len : run->name_width;
		run->size_width = digits > run->size_width ? digits : run->size_width;
	}
	for (int i = 0; i < ctx->argc; i++)
		if (!matched[i])
			return kco_fail(err, KCO_E_USAGE, "no module '%.60s' is loaded", ctx->argv[i]);
	qsort(run->mods, run->n, sizeof(*run->mods), mod_compare);
	return KCO_OK;
}

static void mod_json(struct mod_run *run, const struct kco_module *mod)
{
	struct kco_out *out = run->ctx->out;
	char letters[KCO_TAINTS_MAX];

	kco_json_row(out);
	kco_json_addr(out, "module", mod->addr);
	kco_json_str(out, "name", mod->name);
	if (mod->path)
		kco_json_str(out, "path", mod->path);
	kco_json_addr(out, "base", mod->base);
	kco_json_uint(out, "size", mod->size);
	kco_json_uint(out, "text_size", mod->text_size);
	kco_json_str(out, "state", mod_state_text(mod->state));
	kco_json_addr(out, "taints", mod->taints);
	kco_json_str(out, "taint_letters", kco_taints_text(run->ctx, mod->taints, letters));
	kco_json_bool(out, "symbols", mod_has_symbols(run->ctx, mod));
	if (mod->status != KCO_OK)
		kco_row_failed(run->ctx, mod->status, mod->why);
	kco_json_row_end(out);
}

static void mod_text(struct mod_run *run, const struct kco_module *mod)
{
	struct kco_out *out = run->ctx->out;

	kco_text(out, "%016" PRIx64 "  %-*s  %016" PRIx64 "  %*" PRIu64 "  %s", mod->addr, run->name_width, mod->name,
		 mod->base, run->size_width, mod->size, mod->path ? mod->path : "(not loaded)");
	// crash's word is the name of what Linux has them by.
	if (mod_has_symbols(run->ctx, mod))
		kco_text(out, mod_is_linux(run->ctx) ? "  [CONFIG_KALLSYMS]" : "  [symbols]");
	if (mod->state != 'L')
		kco_text(out, "  [%s]", mod_state_text(mod->state));
	kco_text(out, "\n");
	if (mod->status != KCO_OK)
		kco_row_failed(run->ctx, mod->status, mod->why);
}

/* @s in the middle of @width columns, as crash centres its headings. */
static void mod_centre(struct kco_out *out, const char *s, int width)
{
	int n = (int)strlen(s), left = n < width ? (width - n) / 2 : 0;

	kco_text(out, "%*s%s%*s", left, "", s, n < width ? width - n - left : 0, "");
}

static void mod_table(struct mod_run *run)
{
	struct kco_out *out = run->ctx->out;

	run->name_width = run->name_width < 4 ? 4 : run->name_width;
	run->size_width = run->size_width < 4 ? 4 : run->size_width;
	kco_style(out, KCO_STYLE_HEAD);
	mod_centre(out, "MODULE", 16);
	kco_text(out, "  %-*s  ", run->name_width, "NAME");
	mod_centre(out, "BASE", 16);
	kco_text(out, "  %*s  OBJECT FILE", run->size_width, "SIZE");
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
	for (size_t i = 0; i < run->n && !kco_out_closed(out); i++) {
		if (kco_out_json(out))
			mod_json(run, run->mods[i]);
		else
			mod_text(run, run->mods[i]);
	}
}

static void mod_taints(struct mod_run *run)
{
	struct kco_out *out = run->ctx->out;
	char letters[KCO_TAINTS_MAX];
	size_t shown = 0;
	int width = 4;

	for (size_t i = 0; i < run->n; i++)
		if (run->mods[i]->taints && (int)strlen(run->mods[i]->name) > width)
			width = (int)strlen(run->mods[i]->name);
	for (size_t i = 0; i < run->n && !kco_out_closed(out); i++) {
		const struct kco_module *mod = run->mods[i];

		if (!mod->taints)
			continue;
		if (!shown++)
			kco_text(out, "%-*s  TAINTS\n", width, "NAME");
		if (kco_out_json(out))
			mod_json(run, mod);
		else
			kco_text(out, "%-*s  %s\n", width, mod->name, kco_taints_text(run->ctx, mod->taints, letters));
	}
	if (!shown)
		kco_text(out, "no tainted modules\n");
}

static enum kco_status mod_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct mod_opts *opts = ctx->opts;
	struct mod_run run = { .ctx = ctx };
	enum kco_status status = mod_choose(&run, err);

	if (status != KCO_OK)
		return status;
	// Symbols only tell whether a module has its own; without them there is still the table.
	if (kco_session_need(ctx->session, KCO_NEED_SYMS, NULL) != KCO_OK && !opts->taints)
		kco_session_warn(ctx->session, "no symbols: whether modules have theirs is not known");
	if (opts->taints)
		mod_taints(&run);
	else
		mod_table(&run);
	return KCO_OK;
}

static const struct kco_arg mod_args[] = { { KCO_WORD_TEXT, "NAME", true, true }, { 0 } };

static const struct kco_opt mod_optv[] = {
	{ 't', "taints", KCO_OPT_FLAG, offsetof(struct mod_opts, taints), .help = "only modules that taint, and how" },
	{ 0 },
};

static const struct kco_json_field mod_json_fields[] = {
	{ "module", "address", "its struct module" },
	{ "name", "string", "its name" },
	{ "path", "string", "the file that it was loaded from, on the crashed machine" },
	{ "base", "address", "where its text begins" },
	{ "size", "integer", "all memory it holds, bytes" },
	{ "text_size", "integer", "its text, bytes" },
	{ "state", "string", "live, coming, going, unformed or unknown" },
	{ "taints", "address", "bits of what it taints the kernel with" },
	{ "taint_letters", "string", "the same as letters" },
	{ "symbols", "boolean", "its own symbols are known" },
	{ "error", "string", "why the row is incomplete, as a fixed word" },
	{ "why", "string", "the same in words" },
	{ 0 },
};

const struct kco_cmd kco_cmd_mod = {
	.name = "mod",
	.summary = "the loaded modules",
	.description =
		"One line for each module in crash's columns, by address. [CONFIG_KALLSYMS] says that the dump holds "
		"the module's own symbols, so that stacks name its functions; no object file is needed for that. On FreeBSD "
		"the object file is the one that the crashed machine loaded, and [symbols] says that the module's own are "
		"known: from the dump, else from its file beside the dump or the kernel, in --sysroot or --debug-dir. A state "
		"is shown when it is not live.",
	.examples = "mod\n    all modules\n"
		    "mod -t\n    who tainted the kernel\n"
		    "mod ext4 jbd2\n    these two\n",
	.args = mod_args,
	.opts = mod_optv,
	.opts_size = sizeof(struct mod_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS,
	.features = KCO_FEATURE_MODULES,
	.json = mod_json_fields,
	.run = mod_run,
};
