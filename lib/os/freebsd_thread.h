// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading threads: what freebsd_tasks.c, which follows the lists, and
 * freebsd_thread.c, which reads one of them, give each other.
 */
#ifndef KCO_OS_FREEBSD_THREAD_H
#define KCO_OS_FREEBSD_THREAD_H

#include "freebsd.h"

/** One struct proc or struct thread at a time, and what all of them are read by. */
struct freebsd_thread_reader {
	struct kco_session *s;
	const struct freebsd_layout *l;
	struct freebsd_states states;
	int64_t dump_tid;	 /* of the thread that wrote the dump, -1 unknown */
	uint64_t tick_frequency; /* of run times, 0 unknown */
	uint64_t kstack_pages;	 /* of kernel stacks, where threads do not say */
	uint8_t *buf;		 /* the object's bytes */
	size_t buf_size;
};

/** What its threads have of a process. */
struct freebsd_proc {
	uint64_t addr, first_thread, flag, state;
	int64_t pid, ppid;
	uint64_t parent, mm, start, rss, vm;
	char comm[64];
};

/** A member of the object in the buffer. */
uint64_t freebsd_member_get(const struct freebsd_thread_reader *r, enum freebsd_member member, uint64_t otherwise);
/** The same of an array of characters, "" when it is not known. */
void freebsd_member_name(const struct freebsd_thread_reader *r, enum freebsd_member member, char *name, size_t size);
/** Fill @task, whose address and process are set, from the struct thread in the buffer. KCO_E_NOMEM */
enum kco_status freebsd_thread_decode(const struct freebsd_thread_reader *r, const struct freebsd_proc *p,
				      struct kco_task *task);
/** All threads are decoded: freebsd_user_regs() may be asked. */
void freebsd_frames_sort(struct kco_session *s);

#endif
