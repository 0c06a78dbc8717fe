// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parts of the bash completion: cases of a shell script.
 */
#include <string.h>

#include "docgen.h"

static void bash_names(FILE *f, const struct kco_opt *o)
{
	for (; o && o->help; o++) {
		if (o->long_name)
			fprintf(f, " --%s%s", o->long_name, o->kind == KCO_OPT_FLAG ? "" : "=");
		else
			fprintf(f, " -%c", o->short_name);
	}
}

/* "CMD:-c|CMD:--cpu) ...": what the value of an option may be. @cmd "" is the program. */
static void bash_values(FILE *f, const char *cmd, const struct kco_opt *o)
{
	for (; o && o->help; o++) {
		if (o->kind == KCO_OPT_FLAG)
			continue;
		fputs("\t", f);
		if (o->short_name)
			fprintf(f, "\"%s\":-%c%s", cmd, o->short_name, o->long_name ? "|" : "");
		if (o->long_name)
			fprintf(f, "\"%s\":--%s", cmd, o->long_name);
		fputs(") echo \"", f);
		if (o->kind != KCO_OPT_CHOICE)
			fputs(o->word == KCO_WORD_FILE ? "@files" : "@none", f);
		else
			for (int i = 0; o->choices[i]; i++)
				fprintf(f, "%s%s", i ? " " : "", o->choices[i]);
		fputs("\" ;;\n", f);
	}
}

/* Is there a command before @c whose first word is the same? */
static bool bash_seen(const struct docgen *d, const struct kco_cmd *const *c)
{
	size_t n = strcspn((*c)->name, " ");

	for (const struct kco_cmd *const *b = d->cmds; b != c; b++)
		if (strcspn((*b)->name, " ") == n && strncmp((*b)->name, (*c)->name, n) == 0)
			return true;
	return false;
}

/* The first words of the commands, each once. */
static void bash_commands(const struct docgen *d, FILE *f)
{
	fputs("\techo \"", f);
	for (const struct kco_cmd *const *c = d->cmds; *c; c++)
		if (!bash_seen(d, c))
			fprintf(f, "%s%.*s", c == d->cmds ? "" : " ", (int)strcspn((*c)->name, " "), (*c)->name);
	fputs("\"\n", f);
}

/* "process) echo "list attach" ;;": the second words that go with a first. */
static void bash_seconds(const struct docgen *d, FILE *f)
{
	for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
		size_t n = strcspn((*c)->name, " ");

		if (!(*c)->name[n] || bash_seen(d, c))
			continue;
		fprintf(f, "\t%.*s) echo \"", (int)n, (*c)->name);
		for (const struct kco_cmd *const *b = c; *b; b++)
			if (strncmp((*b)->name, (*c)->name, n + 1) == 0)
				fprintf(f, "%s%s", b == c ? "" : " ", (*b)->name + n + 1);
		fputs("\" ;;\n", f);
	}
}

bool docgen_bash(const struct docgen *d, FILE *f, const char *part)
{
	if (strcmp(part, "bash-commands") == 0) {
		bash_commands(d, f);
	} else if (strcmp(part, "bash-seconds") == 0) {
		bash_seconds(d, f);
	} else if (strcmp(part, "bash-options") == 0) {
		for (const struct kco_cmd *const *c = d->cmds; *c; c++) {
			fprintf(f, "\t\"%s\"", (*c)->name);
			for (const char *const *a = (*c)->aliases; a && *a; a++)
				fprintf(f, "|\"%s\"", *a);
			fputs(") echo \"", f);
			bash_names(f, (*c)->opts);
			fputs("\" ;;\n", f);
		}
	} else if (strcmp(part, "bash-global-options") == 0) {
		fputs("\techo \"", f);
		bash_names(f, d->globals);
		fputs("\"\n", f);
	} else if (strcmp(part, "bash-values") == 0) {
		for (const struct kco_cmd *const *c = d->cmds; *c; c++)
			bash_values(f, (*c)->name, (*c)->opts);
	} else if (strcmp(part, "bash-global-values") == 0) {
		bash_values(f, "", d->globals);
	} else {
		return false;
	}
	return true;
}
