// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the files behind kco_breakpoints_each() give each other.
 *
 *   linux_breakpoints.c   debug registers: perf events of tasks and CPUs
 *   linux_probes.c        uprobes and kprobes
 *   linux_int3.c          breakpoint instructions in the text of processes
 */
#ifndef KCO_OS_LINUX_BREAKPOINTS_H
#define KCO_OS_LINUX_BREAKPOINTS_H

#include <kco/breakpoint.h>

#include "addrset.h"
#include "linux_process.h"

struct linux_breakpoints {
	struct kco_session *s;
	bool (*fn)(void *arg, const struct kco_breakpoint *bp);
	void *arg;
	bool stop;
	struct kco_addrset seen; /* perf events, uprobes */
	struct {
		uint64_t inode, offset;
	} * uprobes;
	size_t nr_uprobes, cap_uprobes;
};

/** Hand a breakpoint on; false: no more is wanted. */
bool linux_breakpoint_add(struct linux_breakpoints *b, const struct kco_breakpoint *bp);
/** A row that says what could not be followed. */
void linux_breakpoint_failed(struct linux_breakpoints *b, enum kco_breakpoint_kind kind, const char *what,
			     const struct kco_err *err);

/* linux_probes.c */
void linux_uprobes(struct linux_breakpoints *b);
void linux_kprobes(struct linux_breakpoints *b);
/* linux_int3.c */
/** After linux_uprobes(): theirs are left out. */
void linux_int3(struct linux_breakpoints *b);

#endif
