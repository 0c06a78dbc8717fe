// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of User-Mode Linux (arch/um/include/asm/pgtable.h, pgtable-3level.h,
 * pgtable-4level.h).
 *
 * No processor walks them: they say what the kernel maps into the host process
 * that runs the program. Large pages there are none.
 *
 *   63      12 11     9 8 7 6 5 4 3 2 1 0
 *   | address |        | D A U W N   p n P |
 *
 *   P present, n (and, before they became one bit, p): the host does not know
 *   yet, so that an entry which holds nothing else is empty; N PROT_NONE, and
 *   not present.
 *
 * Swap entries have the type from bit 5 on and the offset from bit 11 on
 * (__swp_entry()).
 */
#include "uml.h"

#include <stdio.h>

#include "linux_x86_64_pte.h"

#define PTE_PRESENT (UINT64_C(1) << 0)
#define PTE_NEED_SYNC (UINT64_C(1) << 1) /* _PAGE_NEWPAGE before Linux v6.12 */
#define PTE_NEW_PROT (UINT64_C(1) << 2)
#define PTE_PROTNONE (UINT64_C(1) << 4)
#define PTE_PAGE_MASK UINT64_C(0xfff)
#define PTE_SWAP_TYPE_SHIFT 5
#define PTE_SWAP_TYPE_MASK 0x1f
#define PTE_SWAP_OFFSET_SHIFT 11

static enum kco_pte_kind paging_decode(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa)
{
	if (!(entry & ~(PTE_NEED_SYNC | PTE_NEW_PROT)))
		return KCO_PTE_EMPTY;
	if (!(entry & PTE_PRESENT))
		return KCO_PTE_NOT_PRESENT;
	if (entry & ~addr_mask & ~PTE_PAGE_MASK)
		return KCO_PTE_BAD;
	*pa = KCO_PADDR(entry & ~PTE_PAGE_MASK);
	return level > 1 ? KCO_PTE_TABLE : KCO_PTE_PAGE;
}

static void paging_flags(uint64_t entry, unsigned level, char *buf, size_t n)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ 0, "PRESENT" }, { 1, "NEEDSYNC" }, { 2, "NEWPROT" },	{ 4, "PROTNONE" },
		{ 5, "RW" },	  { 6, "USER" },     { 7, "ACCESSED" }, { 8, "DIRTY" },
	};
	size_t used = 0;

	(void)level;
	if (n)
		buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && used < n; i++)
		if (entry >> names[i].bit & 1)
			used += (size_t)snprintf(buf + used, n - used, "%s%s", used ? "|" : "", names[i].name);
}

static const struct kco_paging paging_3level = {
	.name = "User-Mode Linux 3-level",
	.levels = 3,
	.bits = { 12, 9, 9, 9 },
	.plain = true,
	.level_names = { NULL, "PTE", "PMD", "PGD" },
	.entry_size = 8,
	.decode = paging_decode,
	.flags = paging_flags,
};

/* Since Linux v6.10: arch/um/include/asm/pgtable-4level.h. */
static const struct kco_paging paging_4level = {
	.name = "User-Mode Linux 4-level",
	.levels = 4,
	.bits = { 12, 9, 9, 9, 9 },
	.plain = true,
	.level_names = { NULL, "PTE", "PMD", "PUD", "PGD" },
	.entry_size = 8,
	.decode = paging_decode,
	.flags = paging_flags,
};

const struct kco_paging *uml_paging_of(struct kco_session *s)
{
	struct kco_field field;

	// A level that is left out is a structure around the next higher one.
	if (!kco_types_field(s->types, "pud_t", "pud", &field, NULL))
		return &paging_4level;
	if (!kco_types_field(s->types, "pmd_t", "pmd", &field, NULL))
		return &paging_3level;
	return NULL;
}

struct linux_entry uml_entry(uint64_t entry, unsigned level, uint64_t addr_mask)
{
	struct linux_entry ret = { 0 };

	(void)level;
	if (entry & PTE_PROTNONE) {
		ret.present = true;
		ret.pa = KCO_PADDR(entry & addr_mask & ~PTE_PAGE_MASK);
		return ret;
	}
	ret.swap_type = entry >> PTE_SWAP_TYPE_SHIFT & PTE_SWAP_TYPE_MASK;
	ret.swap_offset = entry >> PTE_SWAP_OFFSET_SHIFT;
	return ret;
}
