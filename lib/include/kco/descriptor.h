// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files that a process has open, as its descriptor table has them.
 */
#ifndef KCO_DESCRIPTOR_H
#define KCO_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/process.h>
#include <kco/vma.h>

/** One open descriptor; text is raw bytes of the dump, valid during the call. Addresses are 0 where there is none. */
struct kco_descriptor {
	int64_t fd;		/* its number, or one of enum kco_descriptor_special */
	uint64_t file;		/* of the kernel's structure for the open file */
	uint64_t dentry;	/* Linux: struct dentry */
	uint64_t node;		/* struct inode, struct vnode, or what else lies behind (socket, pipe, kqueue) */
	const char *type;	/* "REG", "DIR", "CHR", "BLK", "FIFO", "SOCK", "LNK", or the kernel's word */
	const char *path;	/* as the process sees it; "" unknown, then *@why says why */
	uint64_t offset;	/* bytes */
	uint64_t flags;		/* as open() takes them, the kernel's numbers */
	enum kco_status status; /* KCO_OK, or why this row is incomplete */
	const char *why;
};

enum kco_descriptor_special {
	KCO_DESCRIPTOR_CWD = -1,
	KCO_DESCRIPTOR_ROOT = -2,
	KCO_DESCRIPTOR_JAIL = -3,
};

/**
 * The root and the working directory, then each open descriptor in the order
 * of numbers, until @fn returns false. KCO_E_UNSUPPORTED on an OS where nobody
 * knows. A table that is torn gives what could be read and then its error.
 */
enum kco_status kco_files_each(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd), void *arg,
			       struct kco_err *err) KCO_MUST_USE;

#endif
