// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process whose registers and memory are known beforehand, and how it tells
 * so: one line "key=value" each in FILE. It then waits in pause(2) for ever.
 *
 * usage: marks FILE
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/prctl.h>

#define MARKS_AT ((void *)0x10000000)
#define MARKS_PAGES 5

extern char marks_after[];

int main(int argc, char **argv)
{
	FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
	char *at = mmap(MARKS_AT, MARKS_PAGES * 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (!out || at == MAP_FAILED) {
		perror("marks");
		return 1;
	}
	prctl(PR_SET_NAME, "marks", 0, 0, 0);
	// Written, written and forbidden since, never touched, written across a border of pages.
	strcpy(at, "kcodbg page of a guest process");
	strcpy(at + 4096, "nobody may read this one");
	mprotect(at + 4096, 4096, PROT_NONE);
	strcpy(at + 4 * 4096 - 8, "across a border");
	fprintf(out, "pid=%d\nat=%#lx\nrip=%#lx\n", getpid(), (unsigned long)at, (unsigned long)marks_after);
	fprintf(out, "rbx=%#lx\nr12=%#lx\nr13=%#lx\nr14=%#lx\nr15=%#lx\nrdi=%#lx\n", 0xb0b1b2b3b4b5b6b7,
		0x1212121212121212, 0x1313131313131313, 0x1414141414141414, 0x1515151515151515, 0xd1d1d1d1d1d1d1d1);
	fclose(out);
	__asm__ volatile("movabs $0xb0b1b2b3b4b5b6b7, %%rbx\n\t"
			 "movabs $0x1212121212121212, %%r12\n\t"
			 "movabs $0x1313131313131313, %%r13\n\t"
			 "movabs $0x1414141414141414, %%r14\n\t"
			 "movabs $0x1515151515151515, %%r15\n\t"
			 "movabs $0xd1d1d1d1d1d1d1d1, %%rdi\n"
			 "1:\tmov $34, %%eax\n\t" // pause
			 "syscall\n"
			 ".globl marks_after\n"
			 "marks_after:\n\t"
			 "jmp 1b"
			 :
			 :
			 : "rax", "rbx", "rcx", "rdi", "r11", "r12", "r13", "r14", "r15", "memory");
	return 0;
}
