// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generator of documents: what the tables of commands, options and formats
 * know, as man pages, a bash completion and Markdown. Prose is in the .in
 * files; a line @NAME@ in them is replaced by what the tables give.
 */
#ifndef KCO_DOCGEN_H
#define KCO_DOCGEN_H

#include <stdio.h>

#include <kco/cmd.h>
#include <kco/format.h>
#include <kco/os.h>

struct docgen {
	const char *version;
	const struct kco_cmd *const *cmds;
	const struct kco_format_ops *const *formats;
	const struct kco_os_ops *const *oses;
	const struct kco_arch_ops *const *archs;
	const struct kco_opt *globals; /* all that the program takes */
	const struct kco_opt *line;    /* those that go with each line of the shell */
};

/** Parts of templates by name; false: there is no such part. */
bool docgen_man(const struct docgen *d, FILE *f, const char *part);
bool docgen_bash(const struct docgen *d, FILE *f, const char *part);
bool docgen_markdown(const struct docgen *d, FILE *f, const char *part);

/** The whole man page of one command. */
void docgen_man_command(const struct docgen *d, FILE *f, const struct kco_cmd *cmd);

#endif
