// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sym: names to addresses and addresses to names.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

struct sym_opts {
	bool all, modules, previous, next, lines;
	const char *module, *query;
};

struct sym_run {
	struct kco_cmd_ctx *ctx;
	bool lines;
	/* What the walk looks for: all that are not NULL must hold. */
	const char *name, *part, *module;
	bool modules_only;
	size_t found;
};

/* Text addresses carry a function's type letter. */
static bool sym_is_text(const struct kco_symbol *sym)
{
	return sym->type == 't' || sym->type == 'T' || sym->type == 'w' || sym->type == 'W';
}

static void sym_line_text(struct kco_cmd_ctx *ctx, uint64_t addr)
{
	struct kco_source_line rows[KCO_LINES_MAX];
	size_t n = kco_lines_get(ctx, addr, rows);

	// The last row is the function's own line, those before are inlined there.
	if (n)
		kco_text(ctx->out, " %s: %u", rows[n - 1].file ? rows[n - 1].file : "?", rows[n - 1].line);
}

/* One row: @addr in @sym. */
static void sym_show(struct sym_run *run, uint64_t addr, const struct kco_symbol *sym)
{
	struct kco_out *out = run->ctx->out;
	const char type[] = { sym->type, '\0' };
	bool lines = run->lines && sym_is_text(sym);

	run->found++;
	if (kco_out_json(out)) {
		kco_json_row(out);
		kco_json_addr(out, "addr", addr);
		kco_json_str(out, "name", sym->name);
		kco_json_uint(out, "offset", addr - sym->addr);
		kco_json_str(out, "type", type);
		kco_json_uint(out, "size", sym->size);
		kco_json_str(out, "module", sym->module);
		if (lines)
			kco_lines_json(run->ctx, addr);
		kco_json_row_end(out);
		return;
	}
	kco_text(out, "%" PRIx64 " (%s) ", addr, type);
	kco_style(out, KCO_STYLE_NAME);
	kco_text(out, "%s", sym->name);
	kco_style(out, KCO_STYLE_PLAIN);
	if (addr != sym->addr)
		kco_text(out, "+%" PRIu64, addr - sym->addr);
	if (sym->module)
		kco_text(out, " [%s]", sym->module);
	if (lines)
		sym_line_text(run->ctx, addr);
	kco_text(out, "\n");
}

static bool sym_each(void *arg, const struct kco_symbol *sym)
{
	struct sym_run *run = arg;

	if (kco_out_closed(run->ctx->out))
		return false;
	if ((run->name && strcmp(run->name, sym->name)) || (run->part && !strstr(sym->name, run->part)) ||
	    (run->modules_only && !sym->module) || (run->module && (!sym->module || strcmp(run->module, sym->module))))
		return true;
	sym_show(run, sym->addr, sym);
	return true;
}

/* All symbols. A source that cannot be read is a row at the end: the others were listed. */
static enum kco_status sym_walk(struct sym_run *run, struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status status = kco_symbols_each(kco_session_symbols(run->ctx->session), sym_each, run, &why);

	if (status == KCO_OK)
		return KCO_OK;
	if (status == KCO_E_CANCELLED || !run->found) {
		if (err)
			*err = why;
		return status;
	}
	kco_row_failed(run->ctx, status, why.msg);
	return KCO_OK;
}

/* The neighbours of a symbol by address, over all sources. */
struct sym_neighbours {
	uint64_t addr;
	bool want_previous;
	struct kco_symbol best;
	char name[KCO_SYMBOL_NAME_MAX + 1], module[64];
	bool found;
};

static bool sym_neighbour(void *arg, const struct kco_symbol *sym)
{
	struct sym_neighbours *nb = arg;

	if (nb->want_previous ? sym->addr >= nb->addr : sym->addr <= nb->addr)
		return true;
	if (nb->found && (nb->want_previous ? sym->addr <= nb->best.addr : sym->addr >= nb->best.addr))
		return true;
	nb->found = true;
	nb->best = *sym; // whose names live during the call only
	strncpy(nb->name, sym->name, sizeof(nb->name) - 1);
	nb->best.name = nb->name;
	if (sym->module) {
		strncpy(nb->module, sym->module, sizeof(nb->module) - 1);
		nb->best.module = nb->module;
	}
	return true;
}

static enum kco_status sym_show_neighbour(struct sym_run *run, uint64_t addr, bool previous, struct kco_err *err)
{
	struct sym_neighbours nb = { .addr = addr, .want_previous = previous };
	enum kco_status status = kco_symbols_each(kco_session_symbols(run->ctx->session), sym_neighbour, &nb, err);

	if (status == KCO_OK && nb.found)
		sym_show(run, nb.best.addr, &nb.best);
	return status;
}

/* Every symbol called @word: statics of several files may share a name. */
static enum kco_status sym_by_name(struct sym_run *run, const char *word, size_t *found, struct kco_err *err)
{
	const char *colon = strchr(word, ':');
	size_t before = run->found;
	enum kco_status status;

	run->name = colon ? colon + 1 : word;
	run->module = colon ? kco_arena_strndup(run->ctx->arena, word, (size_t)(colon - word)) : NULL;
	status = sym_walk(run, err);
	run->name = run->module = NULL;
	*found = run->found - before;
	return status;
}

static enum kco_status sym_word(struct sym_run *run, const struct sym_opts *opts, const char *word, struct kco_err *err)
{
	struct kco_symbols *syms = kco_session_symbols(run->ctx->session);
	struct kco_err why = KCO_ERR_INIT;
	struct kco_symbol sym;
	enum kco_status status;
	size_t found = 0;
	uint64_t addr;

	// Only a name that there is costs the walk that finds its namesakes.
	if (!opts->previous && !opts->next && kco_symbols_by_name(syms, word, &sym, NULL) == KCO_OK) {
		status = sym_by_name(run, word, &found, err);
		if (status != KCO_OK || found)
			return status;
	}
	status = kco_parse_addr(run->ctx->session, word, &addr, &why);
	if (status == KCO_OK)
		status = kco_symbols_by_addr(syms, addr, &sym, &why);
	if (status != KCO_OK) {
		if (status == KCO_E_CANCELLED || status == KCO_E_NOMEM)
			return kco_fail(err, status, "%s", why.msg);
		kco_word_failed(run->ctx, word, status, why.msg);
		return KCO_OK;
	}
	status = opts->previous ? sym_show_neighbour(run, sym.addr, true, err) : KCO_OK;
	sym_show(run, addr, &sym);
	if (status == KCO_OK && opts->next)
		status = sym_show_neighbour(run, sym.addr, false, err);
	return status;
}

static enum kco_status sym_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct sym_opts *opts = ctx->opts;
	struct sym_run run = { .ctx = ctx, .part = opts->query, .module = opts->module, .modules_only = opts->modules };
	bool walk = opts->all || opts->modules || opts->module || opts->query;
	enum kco_status status = KCO_OK;

	if (walk == (ctx->argc > 0))
		return kco_fail(err, KCO_E_USAGE, "wanted are symbols and addresses, or one of -l, -M, -m and -q");
	run.lines = opts->lines && kco_lines_available(ctx);
	if (walk) {
		status = sym_walk(&run, err);
		if (status == KCO_OK && !run.found && opts->module && !opts->query)
			return kco_fail(err, KCO_E_USAGE, "no symbols of a module '%.60s'", opts->module);
		return status;
	}
	for (int i = 0; status == KCO_OK && i < ctx->argc && !kco_out_closed(ctx->out); i++)
		status = sym_word(&run, opts, ctx->argv[i], err);
	return status;
}

static const struct kco_arg sym_args[] = { { KCO_WORD_ADDR, "SYMBOL|ADDR", true, true }, { 0 } };

#define SYM(field) offsetof(struct sym_opts, field)
static const struct kco_opt sym_optv[] = {
	{ 'l', "all", KCO_OPT_FLAG, SYM(all), .help = "every symbol" },
	{ 'M', "modules", KCO_OPT_FLAG, SYM(modules), .help = "the symbols of all modules" },
	{ 'm', "module", KCO_OPT_STRING, SYM(module), "MODULE", KCO_WORD_TEXT, .help = "the symbols of one module" },
	{ 'q', "query", KCO_OPT_STRING, SYM(query), "TEXT", KCO_WORD_TEXT, .help = "symbols with TEXT in their names" },
	{ 'p', "previous", KCO_OPT_FLAG, SYM(previous), .help = "the symbol before it as well" },
	{ 'n', "next", KCO_OPT_FLAG, SYM(next), .help = "the symbol after it as well" },
	{ 0, "lines", KCO_OPT_FLAG, SYM(lines), .help = "source lines of functions (needs a vmlinux)" },
	{ 0 },
};

static const struct kco_json_field sym_json_fields[] = {
	{ "addr", "address", "the address asked for, or the symbol's" },
	{ "name", "string", "name of the symbol" },
	{ "offset", "integer", "bytes from the symbol to addr" },
	{ "type", "string",
	  "as nm has it: T and t code, D and d data, B and b zeroed data, R and r read-only data, ?" },
	{ "size", "integer", "bytes to the next symbol; 0 unknown" },
	{ "module", "string|null", "module, null for the kernel" },
	{ "lines", "array", "--lines: source lines, innermost first; empty when none is known" },
	{ "lines[].function", "string|null", "the function: the symbol's own, or one inlined there" },
	{ "lines[].file", "string|null", "its source file" },
	{ "lines[].line", "integer", "the line" },
	{ "lines[].inlined", "boolean", "inlined into the function of the next row" },
	{ "word", "string", "in a failed row: what was asked for" },
	{ "error", "string", "why a word was not found, as a fixed word" },
	{ "why", "string", "the same in words" },
	{ 0 },
};

const struct kco_cmd kco_cmd_sym = {
	.name = "sym",
	.summary = "names to addresses and addresses to names",
	.description =
		"For a name: every symbol that has it (static functions of several files may), its address and its "
		"type as nm has it. For an address: the symbol that covers it and the offset in decimal. Symbols are "
		"the kernel's own and its modules' (kallsyms), and those of a vmlinux when one is given.\n\n"
		"module:name asks one module.",
	.examples = "sym jiffies\n    where it is\n"
		    "sym ffffffffa80114f5\n    what is there\n"
		    "sym -q sysrq_handle\n    all names with that in them\n",
	.args = sym_args,
	.opts = sym_optv,
	.opts_size = sizeof(struct sym_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_SYMS,
	.json = sym_json_fields,
	.run = sym_run,
};
