// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * As much of a BSD's kernel as telling it from another takes.
 */
#ifndef SAMPLE_VERSION
#define SAMPLE_VERSION "FreeBSD 12.1-RELEASE #1: Thu Nov 21 10:11:12 UTC 2019\n    root@sample:/usr/obj/SAMPLE\n"
#endif

struct bsd_proc {
	int p_pid;
	char p_comm[20];
};

const char version[] = SAMPLE_VERSION;
struct bsd_proc proc0 = { 0, "kernel" };
struct bsd_proc *allproc = &proc0;

void sample_start(void);
void sample_start(void)
{
	allproc->p_pid++;
}
