// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * help: all that the tables know, for people and programs.
 *
 *   help               the commands
 *   help NAME          one command
 *   help kcodbg        the program: its words, options, exit status
 *   help formats       the dump formats
 *   help json [NAME]   the keys of the JSON rows
 */
#include <kco/cmd.h>

#include <stdio.h>
#include <string.h>

#include <kco/format.h>

#define HELP_WIDTH 80  /* of text that is filled */
#define HELP_COLUMN 26 /* where the explanation of an option begins */

/* Fill @text into lines, each but the first behind @indent spaces; @column is where the first one begins. */
static void help_fill(struct kco_out *out, const char *text, unsigned indent, unsigned column)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " \n");

		if (!first && column + 1 + n > HELP_WIDTH) {
			kco_text(out, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		kco_text(out, "%s%.*s", first ? "" : " ", (int)n, text);
		column += (unsigned)n + !first;
		first = false;
		text += n;
		text += strspn(text, " \n");
	}
	kco_text(out, "\n");
}

/* Paragraphs: filled, but for those whose lines begin with a space. */
static void help_paragraphs(struct kco_out *out, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		size_t n = end ? (size_t)(end - text) : strlen(text);

		if (*text == ' ') {
			while (n) {
				size_t line = strcspn(text, "\n");

				line = line < n ? line : n;
				kco_text(out, "  %.*s\n", (int)line, text);
				text += line + (line < n);
				n -= line + (line < n);
			}
		} else {
			char part[2048];

			snprintf(part, sizeof(part), "%.*s", (int)n, text);
			kco_text(out, "  ");
			help_fill(out, part, 2, 2);
		}
		kco_text(out, "\n");
		text = end ? end + 2 : NULL;
	}
}

static void help_heading(struct kco_out *out, const char *text)
{
	kco_style(out, KCO_STYLE_HEAD);
	kco_text(out, "%s", text);
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, "\n");
}

/* "bt [OPTIONS] [PID|TASK|COMM]..." into @buf. */
static void help_usage(const struct kco_cmd *cmd, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s%s", cmd->name, cmd->opts ? " [OPTIONS]" : "");

	for (const struct kco_arg *a = cmd->args; a && a->word != KCO_WORD_NONE && n < size; a++)
		n += (size_t)snprintf(buf + n, size - n, a->optional ? " [%s]%s" : " %s%s", a->metavar,
				      a->repeat ? "..." : "");
}

/* "-t, --types=btf|dwarf" into @buf. */
static void help_option(const struct kco_opt *o, char *buf, size_t size)
{
	char value[160] = "";
	size_t n = 0;

	if (o->kind == KCO_OPT_CHOICE)
		for (int i = 0; o->choices[i] && n < sizeof(value); i++)
			n += (size_t)snprintf(value + n, sizeof(value) - n, "%s%s", i ? "|" : "", o->choices[i]);
	else if (o->kind != KCO_OPT_FLAG)
		snprintf(value, sizeof(value), "%s", o->metavar ? o->metavar : "VALUE");
	if (!o->long_name)
		snprintf(buf, size, "-%c%s%s", o->short_name, *value ? " " : "", value);
	else if (o->short_name)
		snprintf(buf, size, "-%c, --%s%s%s", o->short_name, o->long_name, *value ? "=" : "", value);
	else
		snprintf(buf, size, "    --%s%s%s", o->long_name, *value ? "=" : "", value);
}

static void help_options_text(struct kco_out *out, const struct kco_opt *opts)
{
	for (const struct kco_opt *o = opts; o && o->help; o++) {
		char left[224];

		help_option(o, left, sizeof(left));
		kco_text(out, "  %-*s", HELP_COLUMN - 2, left);
		if (strlen(left) > HELP_COLUMN - 3)
			kco_text(out, "\n%*s", HELP_COLUMN, "");
		help_fill(out, o->help, HELP_COLUMN, HELP_COLUMN);
	}
	kco_text(out, "\n");
}

static void help_options_json(struct kco_out *out, const struct kco_opt *opts)
{
	kco_json_array(out, "options");
	for (const struct kco_opt *o = opts; o && o->help; o++) {
		char name[2] = { o->short_name, '\0' };

		kco_json_object(out, NULL);
		kco_json_str(out, "short", o->short_name ? name : NULL);
		kco_json_str(out, "long", o->long_name);
		kco_json_str(out, "value", o->kind == KCO_OPT_FLAG ? NULL : o->metavar ? o->metavar : "VALUE");
		kco_json_array(out, "choices");
		for (const char *const *c = o->kind == KCO_OPT_CHOICE ? o->choices : NULL; c && *c; c++)
			kco_json_str(out, NULL, *c);
		kco_json_end(out);
		kco_json_str(out, "help", o->help);
		kco_json_end(out);
	}
	kco_json_end(out);
}

static void help_command_json(struct kco_out *out, const struct kco_cmd *cmd, bool all)
{
	char usage[256];

	kco_json_row(out);
	kco_json_str(out, "command", cmd->name);
	kco_json_array(out, "aliases");
	for (const char *const *a = cmd->aliases; a && *a; a++)
		kco_json_str(out, NULL, *a);
	kco_json_end(out);
	kco_json_str(out, "summary", cmd->summary);
	help_usage(cmd, usage, sizeof(usage));
	kco_json_str(out, "usage", usage);
	if (all) {
		kco_json_str(out, "description", cmd->description);
		help_options_json(out, cmd->opts);
		kco_json_str(out, "examples", cmd->examples);
	}
	kco_json_row_end(out);
}

static void help_command_text(struct kco_out *out, const struct kco_cmd *cmd)
{
	char usage[256];

	help_usage(cmd, usage, sizeof(usage));
	kco_style(out, KCO_STYLE_HEAD);
	kco_text(out, "%s", cmd->name);
	kco_style(out, KCO_STYLE_PLAIN);
	kco_text(out, " - %s\n\n  %s\n", cmd->summary, usage);
	for (const char *const *a = cmd->aliases; a && *a; a++)
		kco_text(out, "%s%s%s", a == cmd->aliases ? "  also: " : ", ", *a, a[1] ? "" : "\n");
	kco_text(out, "\n");
	help_paragraphs(out, cmd->description);
	if (cmd->opts) {
		help_heading(out, "Options");
		help_options_text(out, cmd->opts);
	}
	if (cmd->examples) {
		help_heading(out, "Examples");
		for (const char *p = cmd->examples; *p;) {
			size_t n = strcspn(p, "\n");

			kco_text(out, "  %.*s\n", (int)n, p);
			p += n + (p[n] == '\n');
		}
		kco_text(out, "\n");
	}
	if (cmd->json)
		kco_text(out, "With --json each row is an object; `help json %s` lists its keys.\n", cmd->name);
}

static void help_list(struct kco_cmd_ctx *ctx)
{
	for (const struct kco_cmd *const *c = ctx->commands; *c; c++) {
		if (kco_out_json(ctx->out)) {
			help_command_json(ctx->out, *c, false);
			continue;
		}
		kco_text(ctx->out, "  ");
		kco_style(ctx->out, KCO_STYLE_NAME);
		kco_text(ctx->out, "%-17s", (*c)->name);
		kco_style(ctx->out, KCO_STYLE_PLAIN);
		kco_text(ctx->out, "  %s\n", (*c)->summary);
	}
}

static void help_program(struct kco_cmd_ctx *ctx)
{
	struct kco_out *out = ctx->out;

	if (kco_out_json(out)) {
		kco_json_row(out);
		kco_json_str(out, "command", "kcodbg");
		kco_json_array(out, "aliases");
		kco_json_end(out);
		kco_json_str(out, "summary", "debug the kernel dump of a crashed machine");
		kco_json_str(out, "usage", "kcodbg [OPTIONS] [COMMAND [ARGUMENT...]] [VMCORE [VMLINUX]]");
		help_options_json(out, ctx->globals);
		kco_json_row_end(out);
		return;
	}
	kco_text(out, "kcodbg - debug the kernel dump of a crashed machine\n\n"
		      "  kcodbg [OPTIONS] [VMCORE... [VMLINUX]]                        a shell\n"
		      "  kcodbg [OPTIONS] COMMAND [ARGUMENT...] [VMCORE [VMLINUX]]     one command\n"
		      "  kcodbg [OPTIONS] -x FILE [VMCORE... [VMLINUX]]                a script\n\n");
	help_paragraphs(out,
			"The dump is enough: symbols, types and unwind tables are read from its own memory. A "
			"vmlinux, when there is one, adds source lines.\n\n"
			"With no dump named it is $KCODBG_CORE, else the newest under /var/crash. Words at the end "
			"of the line that name files are the dump (and the vmlinux, which is told by its content); "
			"-c and -s leave no doubt.");
	help_heading(out, "Options, before or behind the command (whose own come first there)");
	help_options_text(out, ctx->globals);
	help_heading(out, "Commands");
	help_list(ctx);
	kco_text(out, "\n");
	help_heading(out, "Exit status");
	kco_text(out, "  0  all done\n"
		      "  1  some rows failed (they are in the output with their reason), or it could not be written\n"
		      "  2  usage\n"
		      "  3  the dump cannot be opened\n"
		      "  4  what the command needs is not in the dump\n\n");
	kco_text(out, "`kcodbg help COMMAND` explains one command, `kcodbg help formats` lists the dump formats,\n"
		      "`kcodbg help json` the keys of --json.\n");
}

static const struct kco_col help_format_cols[] = {
	{ "format", "FORMAT", 0 },	     { "reads", "READS", 0 },  { "writes", "WRITES", 0 },
	{ "description", "DESCRIPTION", 0 }, { "unsupported", "", 0 },
};

static void help_formats(struct kco_cmd_ctx *ctx)
{
	struct kco_table *t =
		kco_table_new(ctx->out, help_format_cols, sizeof(help_format_cols) / sizeof(help_format_cols[0]));

	for (const struct kco_format_ops *const *f = ctx->formats; t && f && *f; f++) {
		kco_cell_str(t, (*f)->name);
		kco_cell_bool(t, !(*f)->unsupported, "yes");
		kco_cell_bool(t, kco_format_is_written(*f), "yes");
		kco_cell_str(t, (*f)->description);
		kco_cell_str(t, (*f)->unsupported);
		kco_table_row_end(t);
	}
	kco_table_end(t);
}

static const struct kco_col help_json_cols[] = {
	{ "command", "COMMAND", 0 },
	{ "key", "KEY", 0 },
	{ "type", "TYPE", 0 },
	{ "help", "MEANING", 0 },
};

/* The command that the words from @first on name, all of them. */
static const struct kco_cmd *help_find(struct kco_cmd_ctx *ctx, int first, struct kco_err *err)
{
	int used;
	const struct kco_cmd *cmd = kco_cmd_find_words(ctx->commands, ctx->argc - first, ctx->argv + first, &used, err);

	if (cmd && first + used < ctx->argc) {
		kco_fail(err, KCO_E_USAGE, "one word too many: '%.60s'", ctx->argv[first + used]);
		return NULL;
	}
	return cmd;
}

static enum kco_status help_json(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct kco_cmd *only = ctx->argc > 1 ? help_find(ctx, 1, err) : NULL;
	struct kco_table *t;

	if (ctx->argc > 1 && !only)
		return KCO_E_USAGE;
	if (!only && !kco_out_json(ctx->out)) {
		help_paragraphs(
			ctx->out,
			"With --json a command writes JSON Lines: one object a row, in UTF-8. Addresses are "
			"strings, \"0x...\", because programs that hold numbers as doubles would round them; "
			"all other numbers are numbers. What is not known is null. A row that could not be made, "
			"or not wholly, has \"error\" (a short stable name) and \"why\" (words), and the exit "
			"status is 1. Bytes of the dump that are no UTF-8 are the text \\xNN. Keys may be added; "
			"they do not change their meaning.\n\n"
			"\"frames[].pc\" is the key pc of each object in the array frames.");
	}
	t = kco_table_new(ctx->out, help_json_cols, sizeof(help_json_cols) / sizeof(help_json_cols[0]));
	for (const struct kco_cmd *const *c = ctx->commands; t && *c; c++) {
		if (only && *c != only)
			continue;
		for (const struct kco_json_field *f = (*c)->json; f && f->key; f++) {
			kco_cell_str(t, (*c)->name);
			kco_cell_str(t, f->key);
			kco_cell_str(t, f->type);
			kco_cell_str(t, f->help);
			kco_table_row_end(t);
		}
	}
	kco_table_end(t);
	return KCO_OK;
}

static enum kco_status help_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const char *topic = ctx->argc ? ctx->argv[0] : NULL;
	const struct kco_cmd *cmd;

	if (topic && strcmp(topic, "json") == 0)
		return help_json(ctx, err);
	if (!topic) {
		help_list(ctx);
		kco_text(ctx->out,
			 "\n`help NAME` explains one, `help kcodbg` the program; `help formats` lists the dump "
			 "formats,\n`help json` the keys of --json.\n");
		return KCO_OK;
	}
	if (strcmp(topic, "kcodbg") == 0) {
		help_program(ctx);
		return KCO_OK;
	}
	if (strcmp(topic, "formats") == 0) {
		help_formats(ctx);
		return KCO_OK;
	}
	cmd = help_find(ctx, 0, err);
	if (!cmd)
		return KCO_E_USAGE;
	if (kco_out_json(ctx->out))
		help_command_json(ctx->out, cmd, true);
	else
		help_command_text(ctx->out, cmd);
	return KCO_OK;
}

static const struct kco_arg help_args[] = {
	{ KCO_WORD_COMMAND, "COMMAND|kcodbg|formats|json", .optional = true },
	{ KCO_WORD_COMMAND, "COMMAND", .optional = true, .repeat = true },
	{ 0 },
};

static const struct kco_json_field help_json_fields[] = {
	{ "command", "string", "name of the command; `kcodbg` is the program" },
	{ "aliases", "array", "other names" },
	{ "summary", "string", "one line" },
	{ "usage", "string", "its words and options" },
	{ "description", "string|null", "of one command: paragraphs" },
	{ "options", "array", "of one command, or the program" },
	{ "options[].short", "string|null", "one letter" },
	{ "options[].long", "string|null", "name behind --" },
	{ "options[].value", "string|null", "what its value is; null: it takes none" },
	{ "options[].choices", "array", "the values it takes; empty: any" },
	{ "options[].help", "string", "what it does" },
	{ "examples", "string|null", "of one command: lines, what each does indented below" },
	{ "format", "string", "`help formats`: name, as --format takes it" },
	{ "reads", "boolean", "`help formats`: can it be read" },
	{ "writes", "boolean",
	  "`help formats`: can convert write it; the flattened form with --flatten, around another" },
	{ "unsupported", "string|null", "`help formats`: why it cannot be read, and what to do instead" },
	{ "key", "string", "`help json`: a key of the command's rows" },
	{ "type", "string", "`help json`: what its value is" },
	{ "help", "string", "`help json`: what it means" },
	{ 0 },
};

const struct kco_cmd kco_cmd_help = {
	.name = "help",
	.summary = "the commands, one of them, the dump formats, the keys of --json",
	.description = "Without an argument it lists the commands. It needs no dump.",
	.examples = "help bt\n    one command and its options\n"
		    "help kcodbg\n    the program's own options and exit status\n"
		    "help json bt\n    the keys of `bt --json`\n",
	.args = help_args,
	.json = help_json_fields,
	.run = help_run,
};
