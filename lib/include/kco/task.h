// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tasks: every thread that lived on the crashed machine.
 */
#ifndef KCO_TASK_H
#define KCO_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_session;

enum kco_task_flag {
	KCO_TASK_KTHREAD = 1 << 0, /* a kernel thread */
	KCO_TASK_IDLE = 1 << 1,	   /* a CPU's idle task */
	KCO_TASK_ACTIVE = 1 << 2,  /* was on a CPU when the machine stopped */
	KCO_TASK_PANIC = 1 << 3,   /* the one that panicked */
	KCO_TASK_OWN_TID = 1 << 5, /* its tid is no pid: threads are numbered by themselves (BSD) */
	KCO_TASK_ORPHAN = 1 << 4,  /* found by the pid tree only, not on the task list */
};

struct kco_task {
	uint64_t addr;		 /* of the task structure */
	int64_t tgid, tid, ppid; /* ppid: the parent's tgid, as getppid() gives; -1 unknown */
	int32_t cpu;		 /* -1 unknown */
	uint32_t flags;		 /* enum kco_task_flag */
	char state;		 /* 'R', 'S', 'D', 'T', 't', 'Z', 'X', 'I', 'P', ...; '?' unreadable */
	uint64_t state_raw;
	uint64_t stack; /* lowest address of the kernel stack, 0 none */
	uint32_t stack_size;
	uint64_t mm;		      /* address of the address space structure, 0 for kernel threads */
	uint64_t group_leader;	      /* task address of the thread group's leader */
	uint64_t parent;	      /* task address, 0 unknown */
	uint64_t start_time;	      /* ns since boot */
	uint64_t last_run;	      /* ns, the scheduler's clock; 0 unknown */
	uint64_t rss_pages, vm_pages; /* of mm */
	uint64_t utime, stime;	      /* ns */
	const char *wait; /* what it waits for, in the kernel's words (BSD: wmesg, "*name" of a lock); NULL none */
	char comm[64];	  /* raw bytes of the dump: escape before printing */
	enum kco_status status; /* KCO_OK, or why this row is incomplete ... */
	const char *why;	/* ... in words, or NULL; lives as long as the session */
};

/** All tasks, loaded on first use: idle tasks first by CPU, then by start of the task list. */
enum kco_status kco_tasks_get(struct kco_session *s, const struct kco_task **tasks, size_t *n,
			      struct kco_err *err) KCO_MUST_USE;
/** Is it known that tasks are missing from kco_tasks_get()? A warning has said why; whoever lists all must fail. */
bool kco_tasks_incomplete(struct kco_session *s);
/** The task whose tid is @tid (never an idle task unless @tid is 0: then CPU 0's), or NULL. */
const struct kco_task *kco_task_by_tid(struct kco_session *s, int64_t tid);
const struct kco_task *kco_task_by_addr(struct kco_session *s, uint64_t addr);
/** The task that panicked, or NULL when nobody knows. */
const struct kco_task *kco_task_panic(struct kco_session *s);
/** The task that was on @cpu, or NULL. */
const struct kco_task *kco_task_on_cpu(struct kco_session *s, int cpu);

#endif
