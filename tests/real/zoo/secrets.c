// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets that the kernel keeps for a process: keys, what is in pipes and
 * sockets, names of files. Their texts stand nowhere else: they are made at run
 * time, wiped when the kernel has them, and told backwards.
 *
 * usage: secrets
 */
#define _GNU_SOURCE
#include <linux/keyctl.h>

#include <sys/socket.h>
#include <sys/xattr.h>

#include "zoo.h"

#define SECRETS_TEXT 96

/* "secret WHAT of PID", padded with '+' to @n bytes; blanks are '-', so that it may be a name. */
static void secrets_make(char text[SECRETS_TEXT], const char *what, size_t n)
{
	size_t len = (size_t)sprintf(text, "zoo%csecret%c%s%cof%c%d", '-', '-', what, '-', '-', (int)getpid());

	for (size_t i = 0; i < len; i++)
		if (text[i] == ' ')
			text[i] = '-';
	while (len < n)
		text[len++] = '+';
	text[len] = '\0';
}

static void secrets_wipe(char text[SECRETS_TEXT])
{
	volatile char *p = text;

	for (size_t i = 0; i < SECRETS_TEXT; i++)
		p[i] = 0;
}

/* Tell it, backwards, as a fact of @kind. */
static void secrets_say(const char *what, char text[SECRETS_TEXT], int ok, const char *kind)
{
	char back[SECRETS_TEXT];
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		back[i] = text[n - 1 - i];
	back[n] = '\0';
	secrets_wipe(text);
	if (ok)
		zoo_say("{\"is\":\"%s\",\"pid\":%d,\"what\":\"%s\",\"backwards\":\"%s\"}", kind, (int)getpid(), what,
			back);
	else
		zoo_missing(what);
}

static void secrets_key(const char *what, const char *type, const char *description)
{
	char text[SECRETS_TEXT];
	long key;

	secrets_make(text, what, 60);
	key = syscall(SYS_add_key, type, description, text, strlen(text), KEY_SPEC_PROCESS_KEYRING);
	secrets_say(what, text, key >= 0, "secret");
}

static void secrets_written(const char *what, int fd)
{
	char text[SECRETS_TEXT];
	ssize_t n;

	secrets_make(text, what, 50);
	n = write(fd, text, strlen(text));
	secrets_say(what, text, n > 0, "secret");
}

static void secrets_name(const char *what, size_t n)
{
	char path[SECRETS_TEXT + 8] = "/run/", *text = path + 5;
	int fd;

	secrets_make(text, what, n);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	secrets_say(what, text, fd >= 0, "secret name");
}

static void secrets_link(const char *what, const char *link)
{
	char text[SECRETS_TEXT];
	int failed;

	secrets_make(text, what, 40);
	failed = symlink(text, link);
	secrets_say(what, text, !failed, "secret name");
}

/* A value that the kernel copies, refuses and frees: it stays where it was until somebody uses that again. */
static void secrets_freed(const char *what)
{
	char text[SECRETS_TEXT], value[20 * SECRETS_TEXT];
	int refused;

	secrets_make(text, what, SECRETS_TEXT - 1);
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = text[i % SECRETS_TEXT];
	refused = setxattr("/proc/version", "user.zoo", value, sizeof(value), 0) < 0;
	explicit_bzero(value, sizeof(value));
	secrets_say(what, text, refused, "secret");
}

int main(void)
{
	int fds[2];

	zoo_role("zoo-secrets");
	secrets_key("user key", "user", "zoo-key");
	secrets_key("logon key", "logon", "zoo:key");
	if (pipe(fds) == 0)
		secrets_written("pipe", fds[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0)
		secrets_written("stream", fds[0]);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0)
		secrets_written("datagram", fds[0]);
	secrets_freed("freed");
	secrets_name("short", 0);
	secrets_name("long", 80);
	secrets_link("link", "/run/zoo-link");
	zoo_ready("secrets");
	for (;;)
		zoo_sys(SYS_pause, 0, 0, 0, 0);
}
