// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF core files of processes, as the kernel would have written them had the
 * process died, for gdb, LLDB and others.
 */
#ifndef KCO_CORE_H
#define KCO_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/process.h>

struct kco_core_stats {
	uint64_t size;	       /* of the file, with its holes, bytes */
	uint64_t pages;	       /* of 4096 bytes that hold something */
	uint64_t zero_pages;   /* that were never written, or hold zeros only: no bytes in the file */
	uint64_t absent_pages; /* that the dump cannot give: no debugger will see them */
	uint64_t segments;
	uint64_t threads;      /* with registers */
	uint64_t threads_lost; /* whose registers are not known: left out */
	bool areas_lost;       /* the list of areas is torn: see why */
	char why[256];	       /* of the first loss, or "" */
};

/**
 * Write a core file of @p to @path: to a temporary name in the same folder,
 * synced, then renamed. An existing regular file is replaced with @replace only.
 * What cannot be read is left out of the program headers: a debugger says that
 * it cannot access it, and never shows zeros in its place.
 *
 * KCO_E_USAGE: @path may not be written. KCO_E_RANGE: @p has no memory of its
 * own (the kernel, its threads, the dead), or no thread with known registers.
 */
enum kco_status kco_core_write(struct kco_process *p, const char *path, bool replace, struct kco_core_stats *stats,
			       struct kco_err *err) KCO_MUST_USE;

#endif
