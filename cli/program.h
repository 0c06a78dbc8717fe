// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program as a whole: its options, the open session, and the one way in
 * which commands are run, whether they come from the command line, a script
 * or the shell.
 */
#ifndef KCO_CLI_PROGRAM_H
#define KCO_CLI_PROGRAM_H

#include <stdbool.h>

#include <kco/cmd.h>
#include <kco/format.h>

#include "globals.h"
#include "line.h"
#include "target.h"

/** Documented in kcodbg(1): scripts rely on them. */
enum kco_exit {
	KCO_EXIT_OK = 0,
	KCO_EXIT_ROWS = 1, /* not all was done: rows that failed, output that could not be written */
	KCO_EXIT_USAGE = 2,
	KCO_EXIT_OPEN = 3,    /* the dump cannot be opened */
	KCO_EXIT_MISSING = 4, /* what the command needs is not in the dump */
};

struct kco_program {
	const struct kco_cmd *const *cmds;
	const struct kco_format_ops *const *formats;
	struct kco_arena arena; /* lives as long as the program */
	struct kco_globals globals;
	struct kco_session *session; /* NULL: not open */
	struct kco_context context;
	bool utf8;	 /* the terminal is */
	bool one_shot;	 /* global options may follow the command */
	int exit_status; /* enum kco_exit: the worst so far */
};

/** Remember @status when it is worse than what was. */
void kco_program_worsen(struct kco_program *p, int status);

/** Open the dump; reports and returns an exit status. */
int kco_program_open(struct kco_program *p, const struct kco_target *target);
void kco_program_close(struct kco_program *p);

/** Do @argc words fit the arguments of @cmd? KCO_E_USAGE. */
enum kco_status kco_program_check_args(const struct kco_cmd *cmd, int argc, char **argv,
				       struct kco_err *err) KCO_MUST_USE;

/**
 * Run the command argv[0]. The last @skip words that are no options are the
 * dump's names, not the command's. @line (may be NULL) says where its output
 * goes. Reports errors and returns an exit status, which is also remembered.
 */
int kco_program_run(struct kco_program *p, int argc, char **argv, int skip, const struct kco_line *line);

/** Statistics on standard error, for --stats: of the time since @start (CLOCK_MONOTONIC, seconds). */
void kco_program_stats(const struct kco_program *p, double start);
double kco_program_clock(void);

#endif
