// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of page tables that are not present, as Linux fills them on x86_64.
 */
#ifndef KCO_OS_LINUX_X86_64_PTE_H
#define KCO_OS_LINUX_X86_64_PTE_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/image.h>

#define LINUX_SWAP_TYPES 32 /* MAX_SWAPFILES_SHIFT is 5 on every architecture */

/** What an entry that the MMU does not follow says. */
struct linux_entry {
	bool present; /* Linux sees a page there, with no access: at pa */
	struct kco_paddr pa;
	unsigned swap_type; /* else a swap entry */
	uint64_t swap_offset;
};

/** @entry is not 0 and has its present bit off; @level as in struct kco_walk_step. */
struct linux_entry linux_x86_64_entry(uint64_t entry, unsigned level, uint64_t addr_mask);

#endif
