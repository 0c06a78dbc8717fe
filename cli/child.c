// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Starting programs through sh. They get the default handling of the signals
 * that kcodbg treats in its own way.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The environment with @env in front, whose key it lacks. */
static char **child_environment(char *env)
{
	size_t n = 0;
	char **all;

	while (environ[n])
		n++;
	all = calloc(n + 2, sizeof(*all));
	if (!all)
		return NULL;
	all[0] = env;
	memcpy(all + 1, environ, n * sizeof(*all));
	return all;
}

static int child_spawn(const char *command, char **env, int in, pid_t *pid)
{
	char sh[] = "sh", opt[] = "-c";
	char *text = strdup(command);
	char *argv[] = { sh, opt, text, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	int e;

	if (!text)
		return ENOMEM;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	e = posix_spawnattr_setsigdefault(&attr, &set);
	if (!e)
		e = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	if (!e && in >= 0)
		e = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!e)
		e = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	free(text);
	return e;
}

enum kco_status kco_child_start(const char *command, const char *env, pid_t *pid, int *fd_ret, struct kco_err *err)
{
	char *extra = env ? strdup(env) : NULL, **all = extra ? child_environment(extra) : NULL;
	int fds[2] = { -1, -1 }, e;

	if (fd_ret && pipe2(fds, O_CLOEXEC) < 0)
		e = errno;
	else
		e = child_spawn(command, all ? all : environ, fds[0], pid);
	free(all);
	free(extra);
	if (fds[0] >= 0)
		close(fds[0]);
	if (e) {
		if (fds[1] >= 0)
			close(fds[1]);
		return kco_fail_errno(err, e, "cannot start '%.100s'", command);
	}
	if (fd_ret)
		*fd_ret = fds[1];
	return KCO_OK;
}

int kco_child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : -1;
}
