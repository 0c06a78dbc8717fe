// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that come line by line: from a person, a file, or a pipe.
 */
#ifndef KCO_CLI_SHELL_H
#define KCO_CLI_SHELL_H

#include "program.h"

/** The interactive shell, until the user leaves; an exit status. */
int kco_shell_run(struct kco_program *p);
/** Every line of @path ("-": standard input); the worst exit status. */
int kco_shell_script(struct kco_program *p, const char *path);

#endif
