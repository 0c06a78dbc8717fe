// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A full disk, for one file of one program: preloaded into makedumpfile, it
 * lets no file whose name ends in $ENOSPC_FILE grow beyond $ENOSPC_AT bytes.
 * What was written before can be written again, as on a real full disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int enospc_is_file(int fd)
{
	const char *want = getenv("ENOSPC_FILE");
	char link[64], name[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (!want || n < (ssize_t)strlen(want))
		return 0;
	name[n] = 0;
	return !strcmp(name + n - strlen(want), want);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	static ssize_t (*real)(int, const void *, size_t);
	const char *limit = getenv("ENOSPC_AT");

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (limit && enospc_is_file(fd) && lseek(fd, 0, SEEK_CUR) + (off_t)len > atol(limit)) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, buf, len);
}
