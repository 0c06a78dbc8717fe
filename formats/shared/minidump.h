// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory of a FreeBSD minidump: pages by bitmap and rank, and the kernel's
 * map, whose entries are data of their architecture.
 */
#ifndef KCO_MINIDUMP_H
#define KCO_MINIDUMP_H

#include <kco/image.h>

#include "bitrank.h"
#include "metacache.h"

/** What an entry of a kernel map means. */
struct minidump_entry {
	bool valid, write, exec;
	bool large;  /* of a directory: maps span bytes by itself */
	uint64_t pa; /* of the page, or of the table */
};

/** A kernel map: a flat array of entries, or (span not 0) a directory whose tables are among the pages. */
struct minidump_map {
	unsigned entry; /* bytes of one */
	uint64_t span;	/* bytes that an entry of a directory maps */
	void (*decode)(uint64_t entry, uint32_t page, struct minidump_entry *ret);
};

extern const struct minidump_map kco_minidump_amd64_flat, kco_minidump_amd64_directory, kco_minidump_i386,
	kco_minidump_i386_pae, kco_minidump_arm64, kco_minidump_riscv;

struct minidump_range {
	uint64_t start, end; /* physical, whole pages */
	uint64_t bit;	     /* of its first page */
};

struct minidump {
	struct kco_io *io;
	struct kco_bitrank *rank;
	struct kco_metacache *meta;
	const struct minidump_map *map;
	uint64_t bitmap_off, map_off, pages_off; /* file offsets */
	uint64_t map_size;
	uint64_t kernbase, dmapbase, dmapphys;
	uint32_t page; /* bytes */
	size_t nr_ranges;
	struct minidump_range ranges[]; /* ascending, disjoint */
};

extern const struct kco_segment_ops kco_minidump_phys_ops, kco_minidump_kernel_ops, kco_minidump_direct_ops;

#endif
