// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD's processes: what the files behind kco_os_freebsd_process give each
 * other.
 *
 *   freebsd_process.c  the table, page-table roots
 *   freebsd_userregs.c registers of user mode
 *   freebsd_vnode.c    vnodes, their objects and paths: the name cache
 *   freebsd_vmmap.c    areas of an address space, and its other facts
 *   freebsd_files.c    open files
 *   freebsd_klds.c     kernel modules (a slot of kco_os_freebsd)
 *   freebsd_signals.c  names of signals
 */
#ifndef KCO_OS_FREEBSD_PROCESS_H
#define KCO_OS_FREEBSD_PROCESS_H

#include <kco/os_process.h>

#include "addrmap.h"
#include "freebsd.h"

extern const struct kco_os_process_ops kco_os_freebsd_process;

struct freebsd_vnodes;	  /* freebsd_vnode.c's: what is known of files and names */
struct freebsd_user_walk; /* freebsd_userregs.c's: what stacks are followed with */

/** Hung on struct freebsd_os. */
struct freebsd_process {
	struct freebsd_vnodes *vnodes;
	struct freebsd_user_walk *walk;
};
/** Made when first asked for; NULL: out of memory. In the session's arena. */
struct freebsd_process *freebsd_process_of(struct kco_session *s);
void freebsd_process_fini(struct kco_session *s);

/** The member @path (or @older, may be NULL) of the structure @type at @addr. The error names the structure. */
enum kco_status freebsd_member(struct kco_session *s, const char *type, uint64_t addr, uint64_t *ret,
			       struct kco_err *err, const char *path, const char *older) KCO_MUST_USE;
/** The struct proc of @p, from its first thread. */
enum kco_status freebsd_proc_of(const struct kco_process *p, uint64_t *ret, struct kco_err *err) KCO_MUST_USE;

/* freebsd_userregs.c */
enum kco_status freebsd_thread_regs(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				    struct kco_err *err);
void freebsd_user_regs_fini(struct kco_session *s);

/* freebsd_vnode.c */
/**
 * The file that struct vnode @addr is. Each is made once, and borrowed. One
 * whose path is not known is given all the same (path "?"), with @err->code set
 * beside a KCO_OK.
 */
enum kco_status freebsd_vnode_file(struct kco_session *s, uint64_t addr, const struct kco_file **ret,
				   struct kco_err *err) KCO_MUST_USE;
/** "REG", "DIR", ... of the vnode at @addr; "?" unknown. */
const char *freebsd_vnode_type(struct kco_session *s, uint64_t addr);
void freebsd_vnodes_fini(struct kco_session *s);

/* freebsd_vmmap.c */
enum kco_status freebsd_vmas(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
			     void *arg, struct kco_err *torn, struct kco_err *err);
const char *freebsd_vma_flag(unsigned bit);
enum kco_status freebsd_mm_info(struct kco_process *p, struct kco_mm_info *ret, struct kco_err *err);

/* freebsd_files.c */
enum kco_status freebsd_files(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd), void *arg,
			      struct kco_err *err);

/* freebsd_signals.c */
const char *freebsd_signal_name(int signo);

/* freebsd_klds.c */
enum kco_status freebsd_klds(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_module *mod),
			     void *arg, struct kco_err *err);

#endif
