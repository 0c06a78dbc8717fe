// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of page tables that are not present, as Linux fills them on x86_64
 * (arch/x86/include/asm/pgtable.h, pgtable_64.h, pgtable-invert.h):
 *
 *   63      59 58                          14 13   9 8 7 6      0
 *   | type   | ~offset                       | used | 0 0 flags 0 |  swap entry
 *   | NX pkey    ~physical address                  | 1 ...     0 |  PROT_NONE
 *
 * Bit 8 (GLOBAL in an entry that is present) is _PAGE_PROTNONE: the page is
 * there, but nobody may touch it. Of large pages bit 7 (PSE) says so as well:
 * pmd_mkinvalid() takes away both others while one is split.
 *
 * Since v4.19, and in every stable kernel that is safe from L1TF, addresses
 * (6b28baca9b1f) and offsets in such entries are inverted.
 */
#include "linux_x86_64_pte.h"

#define PTE_PSE (UINT64_C(1) << 7)
#define PTE_PROTNONE (UINT64_C(1) << 8)
#define PTE_SWAP_TYPE_BITS 5
#define PTE_SWAP_OFFSET_SHIFT (9 + PTE_SWAP_TYPE_BITS)

struct linux_entry linux_x86_64_entry(uint64_t entry, unsigned level, uint64_t addr_mask)
{
	struct linux_entry ret = { 0 };

	if (entry & PTE_PROTNONE || (level > 1 && entry & PTE_PSE)) {
		uint64_t size_mask = (UINT64_C(1) << (12 + 9 * (level - 1))) - 1;

		ret.present = true;
		ret.pa = KCO_PADDR(~entry & addr_mask & ~size_mask);
		return ret;
	}
	ret.swap_type = (unsigned)(entry >> (64 - PTE_SWAP_TYPE_BITS));
	ret.swap_offset = ~entry << PTE_SWAP_TYPE_BITS >> PTE_SWAP_OFFSET_SHIFT;
	return ret;
}
