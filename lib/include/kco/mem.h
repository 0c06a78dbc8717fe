// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Address spaces and translated reads.
 *
 * A kco_space is immutable: a root table and a paging form; there is one for
 * the kernel and one for each process. A kco_mem is one thread's access to
 * memory: a reader of the image and a translation cache. Reading virtual
 * memory takes both.
 */
#ifndef KCO_MEM_H
#define KCO_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arch.h>
#include <kco/err.h>
#include <kco/image.h>

struct kco_space {
	const struct kco_arch_ops *arch;
	const struct kco_paging *form; /* NULL: no root is known, virtual segments of the file only */
	struct kco_paddr root;
	uint64_t addr_mask; /* address bits of an entry, encryption bit (SME) removed */
	uint32_t id;	    /* unique in a session; tags translation cache entries */
};

struct kco_mem;

enum kco_status kco_mem_new(struct kco_image *img, struct kco_mem **ret, struct kco_err *err) KCO_MUST_USE;
void kco_mem_free(struct kco_mem *mem);
struct kco_reader *kco_mem_reader(struct kco_mem *mem);

struct kco_walk_step {
	unsigned level;		   /* space->form->levels .. 1 */
	struct kco_paddr entry_pa; /* where the entry lies */
	uint64_t entry;
	enum kco_pte_kind kind;
};

/** A translation with all its steps. */
struct kco_walk {
	unsigned nr_steps;
	struct kco_walk_step steps[KCO_LEVELS_MAX];
	struct kco_paddr pa; /* of the address asked for, when the status is KCO_OK */
	uint64_t page_size;  /* of the page that maps it: 4096, 2 MiB, 1 GiB; 0: a linear map */
	bool by_file;	     /* no steps: the dump itself tells where its virtual memory lies ... */
	bool write, exec;    /* ... and whether the kernel may write or execute it */
};

/**
 * Translate @va. @walk may be NULL; else its steps are valid up to the one
 * that failed. KCO_E_UNMAPPED (empty or bad entry, not canonical),
 * KCO_E_SWAPPED (not present but not empty), or what reading a table gave,
 * with "page table at ..." in front.
 */
enum kco_status kco_translate(struct kco_mem *mem, const struct kco_space *space, uint64_t va, struct kco_paddr *pa,
			      struct kco_walk *walk, struct kco_err *err) KCO_MUST_USE;

/**
 * Read @n bytes of virtual memory. *@done (may be NULL) is the valid prefix.
 * Errors as kco_translate() and kco_reader_read(); err->addr is the first
 * address that could not be read.
 */
enum kco_status kco_vread(struct kco_mem *mem, const struct kco_space *space, uint64_t va, void *buf, size_t n,
			  size_t *done, struct kco_err *err) KCO_MUST_USE;
/** Read an unsigned little-endian integer of 1, 2, 4 or 8 bytes. */
enum kco_status kco_vread_uint(struct kco_mem *mem, const struct kco_space *space, uint64_t va, size_t size,
			       uint64_t *ret, struct kco_err *err) KCO_MUST_USE;
/** Read a pointer-sized value of the space's architecture. */
enum kco_status kco_vread_ptr(struct kco_mem *mem, const struct kco_space *space, uint64_t va, uint64_t *ret,
			      struct kco_err *err) KCO_MUST_USE;
/**
 * Read a NUL-terminated string into @buf of @size bytes, always terminated.
 * A string without a NUL within size-1 bytes is cut, which is no error. What
 * could be read is kept when the rest fails.
 */
enum kco_status kco_vread_str(struct kco_mem *mem, const struct kco_space *space, uint64_t va, char *buf, size_t size,
			      struct kco_err *err) KCO_MUST_USE;

#endif
