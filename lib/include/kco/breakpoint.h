// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breakpoints that were alive in the crashed system: who stops whom, and where.
 */
#ifndef KCO_BREAKPOINT_H
#define KCO_BREAKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/process.h>

enum kco_breakpoint_kind {
	KCO_BREAKPOINT_PTRACE, /* a debug register that a tracer set */
	KCO_BREAKPOINT_PERF,   /* a debug register that perf_event_open() or the kernel itself set */
	KCO_BREAKPOINT_UPROBE, /* in a file, and so in every process that maps it */
	KCO_BREAKPOINT_KPROBE, /* in the kernel */
	KCO_BREAKPOINT_INT3,   /* a breakpoint instruction in a process's text that its file does not have */
};

enum kco_breakpoint_access {
	KCO_BREAKPOINT_READ = 1 << 0,
	KCO_BREAKPOINT_WRITE = 1 << 1,
	KCO_BREAKPOINT_EXEC = 1 << 2,
};

struct kco_breakpoint {
	enum kco_breakpoint_kind kind;
	uint64_t object; /* the kernel's structure, 0 none */
	uint64_t addr;	 /* in the kernel or in task's process; UPROBE: 0 */
	uint64_t len;	 /* bytes watched */
	unsigned access; /* enum kco_breakpoint_access */
	bool enabled;
	const struct kco_task *task; /* whom it stops; INT3: the process's main thread; NULL: everybody */
	int32_t cpu;		     /* PERF: on this CPU only; -1 all */
	const char *path;	     /* UPROBE, INT3: the file, NULL unknown */
	uint64_t inode, offset;	     /* UPROBE, INT3: kernel address of the inode; place in the file */
	uint8_t original;	     /* INT3: the byte that the file has there */
	const char *how;	     /* KPROBE: "int3", "ftrace", "optimized", "disabled", "gone"; else NULL */
	enum kco_status status;	     /* of a row that tells why some are missing */
	const char *why;
};

/**
 * Each breakpoint that is found until @fn returns false; a list that cannot be
 * followed is a row with a status. @fn's row is valid during the call, its
 * strings as long as the session. Looks through the text of every process.
 */
enum kco_status kco_breakpoints_each(struct kco_session *s, bool (*fn)(void *arg, const struct kco_breakpoint *bp),
				     void *arg, struct kco_err *err) KCO_MUST_USE;
/** "ptrace", "perf", "uprobe", "kprobe", "int3" */
const char *kco_breakpoint_kind_name(enum kco_breakpoint_kind kind);

#endif
