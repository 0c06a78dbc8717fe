// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the program headers of an ELF core come to in one address space: pieces
 * with bytes in the file, and pieces without.
 */
#ifndef KCO_ELF_PIECES_H
#define KCO_ELF_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/image.h>

/* A piece of a PT_LOAD in one address space: with bytes in the file, or without. */
struct kco_elf_piece {
	uint64_t first, size, offset;
	uint64_t pa; /* of a virtual piece, where mapped */
	size_t prio; /* a higher one covers a lower one; those without bytes are below all others */
	bool hole;
	bool mapped;   /* it tells where its addresses lie, and ... */
	bool unmapped; /* ... a hole of which nothing is mapped */
	bool write, exec;
	uint32_t page; /* bytes of a page of its map, 0: a linear map */
};

/**
 * Add the pieces (of size > 0) as segments; sorts @v. Those that do not overlap go in
 * from low to high, which is cheapest, others in order of priority. Pieces that
 * repeat what is there already do not count as overlapping.
 */
enum kco_status kco_elf_pieces_add(struct kco_image *img, struct kco_io *io, enum kco_addr_kind kind,
				   struct kco_elf_piece *v, size_t n, struct kco_err *err) KCO_MUST_USE;

#endif
