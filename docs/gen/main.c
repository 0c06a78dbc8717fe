// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kco-docgen TEMPLATES OUTPUT: fill every template and write a man page for
 * every command. Runs when the project is built.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <kco/formats.h>

#include "docgen.h"
#include "globals.h"

static const struct {
	const char *template, *folder, *output;
} main_files[] = {
	{ "kcodbg.1.in", "man", "kcodbg.1" },	  { "bash.in", "completion", "kcodbg" },
	{ "json.md.in", ".", "json.md" },	  { "formats.md.in", ".", "format-list.md" },
	{ "commands.md.in", ".", "commands.md" }, { "support.md.in", ".", "support-matrix.md" },
};

static void main_die(const char *path)
{
	fprintf(stderr, "kco-docgen: %s: %s\n", path, strerror(errno));
	exit(1);
}

static char *main_path(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		main_die(name);
	return path;
}

static FILE *main_open(const char *folder, const char *name, const char *mode)
{
	char *path = main_path(folder, name);
	FILE *f = fopen(path, mode);

	if (!f)
		main_die(path);
	free(path);
	return f;
}

static void main_close(FILE *f, const char *name)
{
	if (ferror(f) || fclose(f))
		main_die(name);
}

/* Copy the template; lines @NAME@ become parts. */
static void main_fill(const struct docgen *d, FILE *in, FILE *out, const char *name)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, in)) >= 0) {
		if (n < 4 || line[0] != '@' || line[n - 2] != '@') {
			fputs(line, out);
			continue;
		}
		line[n - 2] = '\0';
		if (docgen_man(d, out, line + 1) || docgen_bash(d, out, line + 1) || docgen_markdown(d, out, line + 1))
			continue;
		fprintf(stderr, "kco-docgen: %s: no part is called '%s'\n", name, line + 1);
		exit(1);
	}
	free(line);
}

int main(int argc, char **argv)
{
	struct docgen d = {
		.version = KCO_VERSION,
		.cmds = kco_cmds,
		.formats = kco_formats,
		.oses = kco_oses,
		.archs = kco_archs,
		.globals = kco_globals_all,
		.line = kco_globals_line,
	};

	if (argc != 3) {
		fprintf(stderr, "usage: kco-docgen TEMPLATES OUTPUT\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(main_files) / sizeof(main_files[0]); i++) {
		char *folder = main_path(argv[2], main_files[i].folder);
		FILE *in = main_open(argv[1], main_files[i].template, "r"), *out;

		if (mkdir(folder, 0777) < 0 && errno != EEXIST)
			main_die(folder);
		out = main_open(folder, main_files[i].output, "w");
		main_fill(&d, in, out, main_files[i].template);
		main_close(in, main_files[i].template);
		main_close(out, main_files[i].output);
		free(folder);
	}
	for (const struct kco_cmd *const *c = kco_cmds; *c; c++) {
		char *path;
		FILE *out;

		if (asprintf(&path, "man/kcodbg-%s.1", (*c)->name) < 0)
			main_die((*c)->name);
		for (char *p = path; *p; p++)
			*p = *p == ' ' ? '-' : *p;
		out = main_open(argv[2], path, "w");
		docgen_man_command(&d, out, *c);
		main_close(out, path);
		free(path);
	}
	return 0;
}
