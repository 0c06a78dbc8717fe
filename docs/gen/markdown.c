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
			fprintf(f, " | yes | %s |\n", kco_format_is_written(*o) ? "yes" : "");
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

static void markdown_os_heads(const struct docgen *d, FILE *f, const char *first)
{
	fprintf(f, "| %s |", first);
	for (const struct kco_os_ops *const *os = d->oses; *os; os++)
		fprintf(f, " %s |", (*os)->title);
	fputs("\n|---|", f);
	for (const struct kco_os_ops *const *os = d->oses; *os; os++)
		fputs("---|", f);
	fputc('\n', f);
}

/* Can @cmd do its work on @os? As the dispatcher decides. */
static bool markdown_runs_on(const struct kco_cmd *cmd, const struct kco_os_ops *os)
{
	bool tasks = os->tasks || (os->base && os->base->tasks);

	return kco_os_can(os, cmd->features) && (tasks || !(cmd->needs & KCO_NEED_TASKS));
}

static void markdown_os_commands(const struct docgen *d, FILE *f)
{
	markdown_os_heads(d, f, "command");
	for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
		if (!(*c)->needs)
			continue;
		fprintf(f, "| %s |", (*c)->name);
		for (const struct kco_os_ops *const *os = d->oses; *os; os++)
			fputs(markdown_runs_on(*c, *os) ? " yes |" : " - |", f);
		fputc('\n', f);
	}
}

static bool markdown_os_arch(const struct kco_os_ops *os, const char *arch)
{
	const char *const *known = os->archs ? os->archs : os->base ? os->base->archs : NULL;

	for (; known && *known; known++)
		if (!strcmp(*known, arch))
			return true;
	return false;
}

static void markdown_os_archs(const struct docgen *d, FILE *f)
{
	markdown_os_heads(d, f, "architecture");
	for (const struct kco_arch_ops *const *a = d->archs; *a; a++) {
		fprintf(f, "| %s |", (*a)->name);
		for (const struct kco_os_ops *const *os = d->oses; *os; os++)
			fputs(markdown_os_arch(*os, (*a)->name) ? " stacks, registers |" : " - |", f);
		fputc('\n', f);
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
	else if (strcmp(part, "md-os-commands") == 0)
		markdown_os_commands(d, f);
	else if (strcmp(part, "md-os-archs") == 0)
		markdown_os_archs(d, f);
	else
		return false;
	return true;
}
