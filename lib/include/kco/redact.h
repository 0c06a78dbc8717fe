// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dump for others' eyes: without the memory of processes, files and devices,
 * without keys, and without file names on request.
 *
 * It is a list of what may stay, not of what must go: a page that nobody can
 * tell the owner of is left out.
 */
#ifndef KCO_REDACT_H
#define KCO_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/session.h>

enum kco_redact_level {
	KCO_REDACT_NOT,
	KCO_REDACT_SECRETS, /* memory of processes, files and devices, keys */
	KCO_REDACT_NAMES,   /* and names of files */
};

#define KCO_REDACT_KEPT_MAX 16u

/** What became of memory. */
struct kco_redact_stats {
	/* Pages that are left out: ... */
	uint64_t user;	     /* memory of processes */
	uint64_t cache;	     /* page cache */
	uint64_t compressed; /* memory of processes or files, compressed (zram, zswap), and other movable pages */
	uint64_t free;
	uint64_t buffers; /* taken from the page allocator for what cannot be told: pipes, network, large buffers */
	uint64_t lost;	  /* their struct page cannot be read, broken memory, given back to a hypervisor */
	/* Pages that stay: ... */
	uint64_t slab;	    /* the kernel's objects, free ones among them */
	uint64_t tables;    /* page tables */
	uint64_t mapped;    /* of the kernel's virtual memory: stacks, modules, per-CPU data, vmalloc() */
	uint64_t reserved;  /* the kernel's image, what it took while it booted */
	uint64_t unmanaged; /* firmware and the like, which the kernel never gives out */
	/* What is blank in pages that stay. */
	uint64_t registers; /* tasks whose vector registers are */
	uint64_t keys;	    /* of keyrings */
	uint64_t pools;	    /* of entropy and random numbers */
	uint64_t objects;   /* of slab caches, free ones */
	uint64_t packets;   /* whose network data are */
	uint64_t names;	    /* of files */
	uint64_t bytes;	    /* of memory, in all */
	/* What is not blank since it could not be found, in words: "keys: no symbol key_serial_tree". */
	size_t nr_kept;
	char kept[KCO_REDACT_KEPT_MAX][160];
};

/** Was the dump redacted before? Its note tells. */
enum kco_redact_level kco_redact_level(const struct kco_image *img);

#endif
