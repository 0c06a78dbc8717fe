// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Markdown: tables of keys, formats and commands.
 */
#include <string.h>

#include "docgen.h"

/* Text of a table's cell: a bar would end it. */
static void markdown_cell(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '|')
			fputc('\\', f);
		fputc(*s, f);
	}
}

static void markdown_json(const struct docgen *d, FILE *f)
{
	for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
		if (!(*c)->json)
			continue;
		fprintf(f, "## %s\n\n| key | type | meaning |\n|---|---|---|\n", (*c)->name);
		for (const struct kco_json_field *k = (*c)->json; k->key; k++) {
			fprintf(f, "| `%s` | ", k->key);
			markdown_cell(f, k->type);
			fputs(" | ", f);
			markdown_cell(f, k->help);
			fputs(" |\n", f);
		}
		if (c[1])
			fputc('\n', f);
	}
}

static void markdown_formats(const struct docgen *d, FILE *f)
{
	fputs("| name | what it is | read | written |\n|---|---|---|---|\n", f);
	for (const struct kco_format_ops *const *o = d->formats; *o; o++) {
		fprintf(f, "| `%s` | ", (*o)->name);
		markdown_cell(f, (*o)->description);
		if ((*o)->unsupported) {
			fputs(" | no: ", f);
			markdown_cell(f, (*o)->unsupported);
			fputs(" | |\n", f);
		} else {
			fprintf(f, " | yes | %s |\n", (*o)->write ? "yes" : "");
		}
	}
}

static void markdown_commands(const struct docgen *d, FILE *f)
{
	fputs("| command | shows |\n|---|---|\n", f);
	for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
		fprintf(f, "| [%s](commands/", (*c)->name);
		for (const char *p = (*c)->name; *p; p++)
			fputc(*p == ' ' ? '_' : *p, f);
		fputs(".md) | ", f);
		markdown_cell(f, (*c)->summary);
		fputs(" |\n", f);
	}
}

bool docgen_markdown(const struct docgen *d, FILE *f, const char *part)
{
	if (strcmp(part, "md-json") == 0)
		markdown_json(d, f);
	else if (strcmp(part, "md-formats") == 0)
		markdown_formats(d, f);
	else if (strcmp(part, "md-commands") == 0)
		markdown_commands(d, f);
	else
		return false;
	return true;
}
