// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Man pages, in the classic macros of man(7).
 */
#include <ctype.h>
#include <string.h>

#include "docgen.h"

/* Text of @n bytes: troff would take hyphens, backslashes and some beginnings of lines its own way. `code` gets bold.
 */
static void man_text(FILE *f, const char *s, size_t n)
{
	bool code = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '`') {
			code = !code;
			fputs(code ? "\\fB" : "\\fR", f);
		} else if (s[i] == '-') {
			fputs("\\-", f);
		} else if (s[i] == '\\') {
			fputs("\\e", f);
		} else if ((s[i] == '.' || s[i] == '\'') && (i == 0 || s[i - 1] == '\n')) {
			fprintf(f, "\\&%c", s[i]);
		} else {
			fputc(s[i], f);
		}
	}
}

static void man_string(FILE *f, const char *s)
{
	man_text(f, s, strlen(s));
}

static void man_option(FILE *f, const struct kco_opt *o)
{
	fputs(".TP\n", f);
	if (o->short_name)
		fprintf(f, "\\fB\\-%c\\fR%s", o->short_name, o->long_name ? ", " : "");
	if (o->long_name) {
		fputs("\\fB\\-\\-", f);
		man_string(f, o->long_name);
		fputs("\\fR", f);
	}
	if (o->kind != KCO_OPT_FLAG)
		fputs(o->long_name ? "=" : " ", f);
	if (o->kind == KCO_OPT_CHOICE) {
		for (int i = 0; o->choices[i]; i++)
			fprintf(f, "%s\\fB%s\\fR", i ? "|" : "", o->choices[i]);
	} else if (o->kind != KCO_OPT_FLAG) {
		fprintf(f, "\\fI%s\\fR", o->metavar ? o->metavar : "VALUE");
	}
	fputc('\n', f);
	man_string(f, o->help);
	fputs(".\n", f);
}

static void man_options(FILE *f, const struct kco_opt *opts)
{
	for (; opts && opts->help; opts++)
		man_option(f, opts);
}

/* Paragraphs; those whose lines begin with a space stay as they are. */
static void man_paragraphs(FILE *f, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		size_t n = end ? (size_t)(end - text) : strlen(text);

		fputs(*text == ' ' ? ".PP\n.nf\n" : ".PP\n", f);
		man_text(f, text, n);
		fputs(*text == ' ' ? "\n.fi\n" : "\n", f);
		text = end ? end + 2 : NULL;
	}
}

/* "command\n    what it does\n" ... */
static void man_examples(FILE *f, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), blanks = strspn(text, " ");

		if (!blanks)
			fputs(".TP\n.B ", f);
		if (n > blanks)
			man_text(f, text + blanks, n - blanks);
		fputc('\n', f);
		text += n + (text[n] == '\n');
	}
}

static void man_json(FILE *f, const struct kco_json_field *field)
{
	for (; field->key; field++) {
		fputs(".TP\n.B ", f);
		man_string(f, field->key);
		fprintf(f, "\n(%s) ", field->type);
		man_string(f, field->help);
		fputs(".\n", f);
	}
}

static void man_title(const struct docgen *d, FILE *f, const char *prefix, const char *name)
{
	fputs(".TH ", f);
	for (const char *parts[] = { prefix, name, NULL }, **p = parts; *p; p++)
		for (const char *c = *p; *c; c++)
			fputc(*c == ' ' ? '-' : toupper((unsigned char)*c), f);
	fprintf(f, " 1 \"\" \"kcodbg %s\" \"User Commands\"\n", d->version);
}

/* "kcodbg\-process\-list" */
static void man_page_name(FILE *f, const struct kco_cmd *cmd)
{
	fputs("kcodbg\\-", f);
	for (const char *c = cmd->name; *c; c++)
		fputs(*c == ' ' ? "\\-" : (char[]){ *c, '\0' }, f);
}

void docgen_man_command(const struct docgen *d, FILE *f, const struct kco_cmd *cmd)
{
	man_title(d, f, "kcodbg-", cmd->name);
	fputs(".SH NAME\n", f);
	man_page_name(f, cmd);
	fputs(" \\- ", f);
	man_string(f, cmd->summary);
	fprintf(f, "\n.SH SYNOPSIS\n.B kcodbg %s\n", cmd->name);
	if (cmd->opts)
		fputs("[\\fIOPTIONS\\fR]\n", f);
	for (const struct kco_arg *a = cmd->args; a && a->word != KCO_WORD_NONE; a++)
		fprintf(f, a->optional ? "[\\fI%s\\fR]%s\n" : "\\fI%s\\fR%s\n", a->metavar, a->repeat ? "..." : "");
	if (cmd->needs)
		fputs("[\\fIVMCORE\\fR [\\fIVMLINUX\\fR]]\n", f);
	for (const char *const *a = cmd->aliases; a && *a; a++)
		fprintf(f, "%s\\fB%s\\fR\n", a == cmd->aliases ? ".PP\nAlso: " : ", ", *a);
	fputs(".SH DESCRIPTION\n", f);
	man_paragraphs(f, cmd->description);
	if (cmd->opts) {
		fputs(".SH OPTIONS\n", f);
		man_options(f, cmd->opts);
		fputs(".PP\nThe options of \\fBkcodbg\\fR(1) may be given as well.\n", f);
	}
	if (cmd->examples) {
		fputs(".SH EXAMPLES\n", f);
		man_examples(f, cmd->examples);
	}
	if (cmd->json) {
		fputs(".SH JSON\nWith \\fB\\-\\-json\\fR each row is an object with these keys:\n", f);
		man_json(f, cmd->json);
	}
	fputs(".SH \"SEE ALSO\"\n\\fBkcodbg\\fR(1)\n", f);
}

bool docgen_man(const struct docgen *d, FILE *f, const char *part)
{
	if (strcmp(part, "man-title") == 0) {
		man_title(d, f, "", "kcodbg");
	} else if (strcmp(part, "man-options") == 0) {
		man_options(f, d->globals);
	} else if (strcmp(part, "man-line-options") == 0) {
		for (const struct kco_opt *o = d->line; o->help; o++)
			fprintf(f, "%s\\fB\\-\\-%s\\fR", o == d->line ? "" : o[1].help ? ", " : " and ", o->long_name);
		fputs(".\n", f);
	} else if (strcmp(part, "man-commands") == 0) {
		for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
			fprintf(f, ".TP\n\\fB%s\\fR\n", (*c)->name);
			man_string(f, (*c)->summary);
			fputs("; see \\fB", f);
			man_page_name(f, *c);
			fputs("\\fR(1).\n", f);
		}
	} else if (strcmp(part, "man-formats") == 0) {
		for (const struct kco_format_ops *const *o = d->formats; *o; o++) {
			if ((*o)->unsupported)
				continue;
			fprintf(f, ".TP\n\\fB%s\\fR\n", (*o)->name);
			man_string(f, (*o)->description);
			fputs(".\n", f);
		}
	} else if (strcmp(part, "man-see-also") == 0) {
		for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
			fputs("\\fB", f);
			man_page_name(f, *c);
			fputs("\\fR(1),\n", f);
		}
	} else {
		return false;
	}
	return true;
}
