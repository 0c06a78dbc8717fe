// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Synthetic processes: every thread group that lived on the crashed machine,
 * given back as if a debugger had stopped it. Process 0 is the kernel itself.
 *
 *   session -> platform: the list of processes
 *                `-> process: space, threads
 *                      |-> vma.h      what is mapped where
 *                      |-> page.h     what became of each page
 *                      |-> uimage.h   executables and libraries mapped in it
 *                      |-> thread.h   registers of its threads
 *                      |-> stop.h     why each of them stands still
 *                      `-> uunwind.h  user stacks
 *
 * Everything here belongs to the session's thread and is owned by the
 * session: what is returned is borrowed, and lives as long as the session.
 * Each part is made when it is first asked for, and a failure is remembered.
 */
#ifndef KCO_PROCESS_H
#define KCO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/io.h>
#include <kco/mem.h>
#include <kco/session.h>
#include <kco/task.h>

struct kco_process {
	struct kco_session *session;
	int64_t pid; /* thread group id; 0: the kernel */
	const struct kco_task
		*leader; /* the main thread, else the first that is left; the kernel's: CPU 0's idle task */
	const struct kco_task *const *threads; /* by tid, the main thread first; the kernel's: every task */
	size_t nr_threads;
	uint64_t mm; /* address of its address space structure; 0: none (the kernel, kernel threads, the dead) */
	struct kco_space space;	      /* its page tables; form NULL: none. The kernel's is the kernel's. */
	enum kco_status space_status; /* KCO_OK, or why it has an address space whose page tables nobody can have ... */
	const char *space_why;	      /* ... in words, or NULL */
	bool hidden;		      /* a kernel thread or a helper that users did not start: listed with -a only */
};

/**
 * All processes, the kernel first, then by pid. Loads the tasks. Errors as
 * kco_tasks_get(); kco_tasks_incomplete() says whether some are missing.
 */
enum kco_status kco_processes_get(struct kco_session *s, struct kco_process *const **ret, size_t *n,
				  struct kco_err *err) KCO_MUST_USE;
/** The process whose pid is @pid, or that has a thread with this tid. KCO_E_USAGE: there is none. */
enum kco_status kco_process_get(struct kco_session *s, int64_t pid, struct kco_process **ret,
				struct kco_err *err) KCO_MUST_USE;
/** The process that @task is a thread of (never the kernel, unless it is an idle task), or NULL. */
struct kco_process *kco_process_of(struct kco_session *s, const struct kco_task *task);

/**
 * Read @n bytes of the process's memory, as one of its threads would: a page
 * that is not present is fetched from wherever it went (page.h). *@done (may
 * be NULL) is the valid prefix. Errors: KCO_E_UNMAPPED (nothing is mapped
 * there), KCO_E_SWAPPED (in a swap file that the dump does not hold),
 * KCO_E_NOT_SAVED, KCO_E_RANGE; err->addr is the first address that could not
 * be read, and the message says what became of its page.
 */
enum kco_status kco_process_read(struct kco_process *p, uint64_t va, void *buf, size_t n, size_t *done,
				 struct kco_err *err) KCO_MUST_USE;
/** A little-endian integer of 1, 2, 4 or 8 bytes. */
enum kco_status kco_process_read_uint(struct kco_process *p, uint64_t va, size_t size, uint64_t *ret,
				      struct kco_err *err) KCO_MUST_USE;
/** A NUL-terminated string as kco_vread_str() has it: cut when too long, and what could be read is kept. */
enum kco_status kco_process_read_str(struct kco_process *p, uint64_t va, char *buf, size_t size,
				     struct kco_err *err) KCO_MUST_USE;

#endif
