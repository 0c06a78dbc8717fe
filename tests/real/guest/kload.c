// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads the crash kernel, as `kexec -s -p` does: one kexec_file_load(2).
 *
 * usage: kload KERNEL INITRD CMDLINE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kexec.h>
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	int kernel, initrd;

	if (argc < 4)
		return 2;
	kernel = open(argv[1], O_RDONLY);
	initrd = open(argv[2], O_RDONLY);
	if (kernel < 0 || initrd < 0) {
		perror("kload: open");
		return 1;
	}
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1, argv[3], KEXEC_FILE_ON_CRASH)) {
		perror("kload: kexec_file_load");
		return 1;
	}
	puts("kload: crash kernel loaded");
	return 0;
}
