// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second half of a personality's row: what it knows of processes. Beside
 * struct kco_os_ops (os.h), and under the same rules: a NULL slot falls to the
 * base's, with none there the wrapper in lib/proc answers KCO_E_UNSUPPORTED.
 *
 * All slots are called on the session's thread, with tasks loaded. What they
 * allocate for good lives in the session's arena or hangs on the process
 * (process_part_set()) or on the personality's private state.
 */
#ifndef KCO_OS_PROCESS_H
#define KCO_OS_PROCESS_H

#include <kco/breakpoint.h>
#include <kco/core.h>
#include <kco/descriptor.h>
#include <kco/page.h>
#include <kco/process.h>
#include <kco/signal.h>
#include <kco/stop.h>
#include <kco/syscall.h>
#include <kco/thread.h>
#include <kco/vma.h>

struct kco_os_process_ops {
	/* The page tables of the address space @p->mm (not 0). The caller sets the id. */
	enum kco_status (*space)(struct kco_process *p, struct kco_space *ret, struct kco_err *err);
	/* Should @p be left out of a plain list? */
	bool (*hidden)(const struct kco_process *p);
	/* Each area of @p->mm in address order; @torn (code KCO_OK before) tells when some are missing. */
	enum kco_status (*vmas)(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
				void *arg, struct kco_err *torn, struct kco_err *err);
	/* kco_vma_flag_name() */
	const char *(*vma_flag)(unsigned bit);
	/* kco_files_each() (descriptor.h) */
	enum kco_status (*files)(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd),
				 void *arg, struct kco_err *err);
	enum kco_status (*mm_info)(struct kco_process *p, struct kco_mm_info *ret, struct kco_err *err);
	/* kco_page_get() and kco_page_read() */
	enum kco_status (*page)(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err);
	enum kco_status (*page_read)(struct kco_process *p, const struct kco_page *page, void *buf,
				     struct kco_err *err);
	/* kco_file_read() of at most one page, which does not cross a border of 4096 bytes */
	enum kco_status (*file_read)(struct kco_session *s, const struct kco_file *file, uint64_t off, void *buf,
				     size_t n, struct kco_err *err);
	/* kco_thread_*() */
	enum kco_status (*thread_regs)(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				       struct kco_err *err);
	enum kco_status (*xstate)(struct kco_process *p, const struct kco_task *task, struct kco_xstate *ret,
				  struct kco_err *err);
	enum kco_status (*debugregs)(struct kco_process *p, const struct kco_task *task, uint64_t dr[8],
				     struct kco_err *err);
	/*
	 * kco_core_write(): calls @add for each note in the order of the kernel's
	 * own core files. *@narrow is set before the first: the process is a
	 * 32-bit one, and so is the file. Counts threads in @stats.
	 */
	enum kco_status (*core_notes)(struct kco_process *p,
				      enum kco_status (*add)(void *arg, const char *name, uint32_t type,
							     const void *desc, size_t n),
				      void *arg, bool *narrow, struct kco_core_stats *stats, struct kco_err *err);
	/*
	 * kco_unwind_user(): is the code at the pc of @regs what signal handlers
	 * return to? Then *@interrupted is what the kernel saved, and *@frame where.
	 * KCO_E_NOSYM: it is other code.
	 */
	enum kco_status (*signal_frame)(struct kco_process *p, const struct kco_regs *regs, bool compat,
					struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err);
	/* kco_stop_get() */
	enum kco_status (*stop)(struct kco_process *p, const struct kco_task *task, struct kco_stop *ret,
				struct kco_err *err);
	const char *(*wchan)(struct kco_process *p, const struct kco_task *task, uint64_t *addr);
	/* kco_breakpoints_each() */
	enum kco_status (*breakpoints)(struct kco_session *s, bool (*fn)(void *arg, const struct kco_breakpoint *bp),
				       void *arg, struct kco_err *err);
	/* kco_syscall_get() */
	enum kco_status (*syscall)(struct kco_session *s, bool compat, int64_t number, const struct kco_syscall **ret,
				   struct kco_err *err);
	/* kco_signal_name(), kco_signal_code_name() */
	const char *(*signal_name)(int signo);
	const char *(*signal_code_name)(int signo, int code);
	/* kco_signals_get() */
	enum kco_status (*signals)(struct kco_process *p, const struct kco_task *task, struct kco_signals *ret,
				   struct kco_err *err);
};

#endif
