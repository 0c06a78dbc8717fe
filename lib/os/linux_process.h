// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux's processes: what the files behind kco_os_linux_process give each other.
 *
 *   linux_process.c       the table, page-table roots
 *   linux_layout.c        members of a structure, read at once
 *   linux_path.c          struct file, dentries and mounts: what is open where
 *   linux_maple.c         maple trees
 *   linux_vmas.c          areas of an address space; linux_areanames.c: their names
 *   linux_files.c         open files, root and working directory
 *   linux_mm.c            the other facts of an address space
 *   linux_syscalls.c      system calls by number
 *   linux_siginfo.c       names of signals, siginfo_t
 *   linux_signals.c       pending signals, masks, handlers
 *   linux_stop.c          why threads stand still
 *   linux_breakpoints.c   breakpoints that were alive
 *   linux_x86_64_signal.c frames of signal handlers
 */
#ifndef KCO_OS_LINUX_PROCESS_H
#define KCO_OS_LINUX_PROCESS_H

#include <kco/os_process.h>

#include "addrmap.h"
#include "linux.h"

extern const struct kco_os_process_ops kco_os_linux_process;

/* linux_layout.c */
#define LINUX_LAYOUT_FIELDS 32
#define LINUX_LAYOUT_WINDOW 4096 /* bytes */

/** A member by its path, with what other kernels call it. */
struct linux_need {
	const char *paths[3];
	bool optional;
};

/** Members of one structure, and the part of it that holds them all. */
struct linux_layout {
	const char *type;
	uint64_t first;				 /* where that part begins in the structure, ... */
	size_t size;				 /* ... and its bytes, at most LINUX_LAYOUT_WINDOW */
	struct kco_field f[LINUX_LAYOUT_FIELDS]; /* offsets from first; size 0: this kernel has none */
};

enum kco_status linux_layout_init(struct kco_session *s, struct linux_layout *layout, const char *type,
				  const struct linux_need *needs, size_t n, struct kco_err *err) KCO_MUST_USE;
/** Read that part of the structure at @addr into @buf of layout->size bytes. */
enum kco_status linux_layout_read(struct kco_session *s, const struct linux_layout *layout, uint64_t addr, void *buf,
				  struct kco_err *err) KCO_MUST_USE;
/** Member @i of what was read; 0 when this kernel has none. */
uint64_t linux_layout_get(const struct linux_layout *layout, const void *buf, size_t i);

/* linux_path.c */
struct linux_paths; /* memos of files and paths, hung on struct linux_os */
/**
 * The file that struct file @addr is. Each is made once, and borrowed. A file
 * of which parts cannot be read is given all the same (path "?" when that is
 * it), with @err->code set beside a KCO_OK.
 */
enum kco_status linux_file(struct kco_session *s, uint64_t addr, const struct kco_file **ret,
			   struct kco_err *err) KCO_MUST_USE;
/** Is it memory that looks like a file: shared memory, memfd, a socket, without a name in a file system? */
bool linux_file_pseudo(const struct kco_file *file);
/**
 * The path of a dentry that is seen through a mount (struct vfsmount), as
 * d_path() has it for a task at the root of all. Memoised.
 */
enum kco_status linux_path(struct kco_session *s, uint64_t dentry, uint64_t vfsmount, const char **ret,
			   struct kco_err *err) KCO_MUST_USE;
void linux_paths_fini(struct kco_session *s);

/* linux_maple.c */
/** Each entry of the maple tree (struct maple_tree) at @tree, in order: it stands for the indices @first .. @last. */
typedef enum kco_status linux_maple_fn(void *arg, uint64_t first, uint64_t last, uint64_t entry);
/**
 * Returns @fn's error, KCO_E_NOTYPE (no maple trees in this kernel), or
 * KCO_OK; what could not be reached has torn->code set, which tells the first.
 */
enum kco_status linux_maple_each(struct kco_session *s, uint64_t tree, linux_maple_fn *fn, void *arg,
				 struct kco_err *torn, struct kco_err *err) KCO_MUST_USE;

/* linux_vmas.c */
struct linux_areas; /* layouts and memos, hung on struct linux_os */
enum kco_status linux_vmas(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
			   void *arg, struct kco_err *torn, struct kco_err *err) KCO_MUST_USE;
void linux_areas_fini(struct kco_session *s);
/* linux_areanames.c */
const char *linux_vma_flag(unsigned bit);

/* linux_files.c */
enum kco_status linux_files(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd), void *arg,
			    struct kco_err *err);
/* linux_mm.c */
enum kco_status linux_mm_info(struct kco_process *p, struct kco_mm_info *ret, struct kco_err *err) KCO_MUST_USE;
/* linux_syscalls.c */
enum kco_status linux_syscall(struct kco_session *s, bool compat, int64_t number, const struct kco_syscall **ret,
			      struct kco_err *err);
/* linux_siginfo.c */
const char *linux_signal_name(int signo);
const char *linux_signal_code_name(int signo, int code);
/** Decode @raw, which holds the beginning of a siginfo_t of x86-64 (the kernel's is 48 bytes, the user's 128). */
void linux_siginfo_decode(const void *raw, size_t n, struct kco_siginfo *ret);
/* linux_signals.c */
enum kco_status linux_signals(struct kco_process *p, const struct kco_task *task, struct kco_signals *ret,
			      struct kco_err *err);
/* linux_stop.c */
enum kco_status linux_stop(struct kco_process *p, const struct kco_task *task, struct kco_stop *ret,
			   struct kco_err *err);
const char *linux_wchan(struct kco_process *p, const struct kco_task *task, uint64_t *addr);
/* linux_breakpoints.c */
enum kco_status linux_breakpoints(struct kco_session *s, bool (*fn)(void *arg, const struct kco_breakpoint *bp),
				  void *arg, struct kco_err *err);

#endif
