// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that run at the end of our output: pagers, pipes, shell escapes.
 */
#ifndef KCO_CLI_CHILD_H
#define KCO_CLI_CHILD_H

#include <sys/types.h>

#include <kco/err.h>

/**
 * Start `sh -c @command`. @fd_ret not NULL: its standard input is a pipe and
 * *@fd_ret the writing end. @env (may be NULL) is one more "KEY=value".
 */
enum kco_status kco_child_start(const char *command, const char *env, pid_t *pid, int *fd_ret,
				struct kco_err *err) KCO_MUST_USE;
/** Wait for its end: the exit status as sh has it (128 + signal), -1 when that cannot be known. */
int kco_child_wait(pid_t pid);

#endif
