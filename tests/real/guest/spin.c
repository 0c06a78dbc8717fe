// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keeps one CPU busy until the machine dies, so that the dump has a CPU that
 * was caught running.
 *
 * usage: spin user|kernel CPU     in its own loop | almost always in read()
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>

int main(int argc, char **argv)
{
	static char buf[1 << 20];
	cpu_set_t set;
	int fd;

	if (argc < 3)
		return 2;
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[2]), &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("spin");
		return 1;
	}
	prctl(PR_SET_NAME, strcmp(argv[1], "user") ? "spin-kernel" : "spin-user", 0, 0, 0);
	if (!strcmp(argv[1], "user"))
		for (volatile unsigned long n = 0;; n++)
			;
	fd = open("/dev/zero", O_RDONLY);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	return 1;
}
