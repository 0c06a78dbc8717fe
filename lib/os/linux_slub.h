// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects of Linux's slab caches (mm/slub.c).
 */
#ifndef KCO_OS_LINUX_SLUB_H
#define KCO_OS_LINUX_SLUB_H

#include "addrset.h"
#include "linux.h"
#include "linux_memmap.h"

struct linux_slub_object {
	uint64_t cache, va;
	uint64_t size; /* bytes that its user has */
	uint64_t next; /* offset of the pointer to the next free one, which may lie behind its bytes */
	bool free;     /* it is on a list of free objects */
};

struct linux_slub_walk {
	const struct linux_memmap *map;
	uint64_t direct;		    /* linux_direct_map() */
	const struct kco_write_source *src; /* slabs of which it has a page */
	const struct kco_addrset *caches;   /* struct kmem_cache, of which objects are wanted */
	/* In the order of memory; not KCO_OK ends the walk. */
	enum kco_status (*fn)(void *arg, const struct linux_slub_object *obj);
	void *arg;
	uint64_t torn; /* comes out: lists of free objects that broke off; what they hid seems to be in use */
};

/**
 * Each object of those caches. KCO_E_NOTYPE, KCO_E_NOSYM: this kernel's slabs are
 * not known (it may have another allocator).
 */
enum kco_status linux_slub_each(struct linux_slub_walk *walk, struct kco_err *err) KCO_MUST_USE;

#endif
