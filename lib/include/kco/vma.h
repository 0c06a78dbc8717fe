// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is mapped where in a process: its virtual memory areas, in address
 * order, as /proc/PID/maps and smaps tell them.
 */
#ifndef KCO_VMA_H
#define KCO_VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/process.h>

enum kco_vma_kind {
	KCO_VMA_ANON, /* anonymous memory without a name */
	KCO_VMA_FILE,
	KCO_VMA_HEAP,
	KCO_VMA_STACK,
	KCO_VMA_VDSO,  /* and other pages that the kernel maps by itself: vvar, vsyscall, uprobes */
	KCO_VMA_NAMED, /* anonymous memory that the process gave a name, or shared memory */
};

enum kco_vma_flag {
	KCO_VMA_READ = 1 << 0,
	KCO_VMA_WRITE = 1 << 1,
	KCO_VMA_EXEC = 1 << 2,
	KCO_VMA_SHARED = 1 << 3,
	KCO_VMA_GROWSDOWN = 1 << 4,
	KCO_VMA_DONTDUMP = 1 << 5,
	KCO_VMA_IO = 1 << 6, /* device memory, or page frames without a struct page */
	KCO_VMA_HUGETLB = 1 << 7,
	KCO_VMA_LOCKED = 1 << 8,
};

/** A file as the kernel has it open or mapped. Text is raw bytes of the dump. */
struct kco_file {
	uint64_t addr;	  /* of the kernel's structure for it */
	uint64_t mapping; /* Linux: struct address_space, whose page cache holds its contents; 0 none */
	uint64_t inode_addr;
	uint64_t ino, size; /* of the file, bytes */
	uint32_t dev_major, dev_minor;
	const char *path; /* as seen from its mount namespace's root; " (deleted)" is appended as /proc does */
	bool deleted;
};

struct kco_vma {
	uint64_t start, end; /* end is one past the last byte */
	uint64_t offset;     /* of start in the file, bytes */
	uint32_t flags;	     /* enum kco_vma_flag */
	uint64_t raw_flags;  /* the kernel's own */
	enum kco_vma_kind kind;
	uint64_t addr;		     /* of the kernel's structure, 0 for what has none (vsyscall) */
	const struct kco_file *file; /* NULL: anonymous */
	const char *name;	     /* the last column of maps: path, "[heap]", "[anon:name]", ...; "" none */
	const char *object; /* what pages come from, in the kernel's word: "vnode", "swap"; NULL: it has none */
};

/**
 * All areas of @p in address order. A tree that is torn gives what could be
 * reached, and @err->code is set beside a KCO_OK (say it to the user). A
 * process without an address space has none, which is KCO_OK. @err may not be
 * NULL here for those who must know that areas are missing.
 */
enum kco_status kco_vmas_get(struct kco_process *p, const struct kco_vma **ret, size_t *n,
			     struct kco_err *err) KCO_MUST_USE;
/** The area that holds @va, or NULL. */
const struct kco_vma *kco_vma_at(struct kco_process *p, uint64_t va);
/** What the kernel's sources call bit @bit of raw_flags ("MAYREAD"), or NULL. */
const char *kco_vma_flag_name(struct kco_session *s, unsigned bit);

/** Facts of an address space that are no areas; 0 unknown. Addresses are of the process's own memory. */
struct kco_mm_info {
	uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t task_size;			      /* one past the highest address that it may use */
	uint64_t pgd;				      /* kernel address of its highest page table */
	uint64_t total_pages;			      /* mapped */
	uint64_t rss;				      /* resident pages of all kinds */
	uint64_t rss_file, rss_anon, rss_shmem, swap; /* pages; with rss_mixed not known */
	bool rss_mixed;				      /* the kernel counts resident pages, but not by kinds */
	uint64_t flags;
	uint64_t auxv[64];	    /* as execve() left it: pairs, up to AT_NULL */
	size_t nr_auxv;		    /* words */
	const struct kco_file *exe; /* the executable, or NULL */
};
enum kco_status kco_mm_get(struct kco_process *p, const struct kco_mm_info **ret, struct kco_err *err) KCO_MUST_USE;

#endif
