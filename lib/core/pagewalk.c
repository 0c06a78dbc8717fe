// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables read in order.
 */
#include "pagewalk.h"

#include <kco/endian.h>

#define WALK_PAGE UINT64_C(4096)

void kco_pagewalk_init(struct kco_pagewalk *walk, struct kco_mem *mem, const struct kco_space *space)
{
	walk->mem = mem;
	walk->space = space;
	walk->table_va = 1;
}

uint64_t kco_paging_span(const struct kco_paging *form, unsigned level)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < level; i++)
		bits += form->bits[i];
	return UINT64_C(1) << bits;
}

static uint64_t walk_table_size(const struct kco_paging *form)
{
	return kco_paging_span(form, 2);
}

/* Entries of the lowest table, from that of @va on. */
static void walk_lowest(struct kco_pagewalk *walk, uint64_t va, uint64_t end, struct kco_pagerun *ret)
{
	const struct kco_paging *form = walk->space->form;
	uint64_t table_end = walk->table_va + walk_table_size(form);

	ret->size = 0;
	// 0: the table is the last there is.
	if (table_end && end > table_end)
		end = table_end;
	for (uint64_t at = va; at < end; at += WALK_PAGE) {
		size_t i = (size_t)((at - walk->table_va) / WALK_PAGE);
		uint64_t entry = kco_le_uint(walk->table + i * form->entry_size, form->entry_size);
		struct kco_paddr pa = KCO_PADDR(0);
		enum kco_pte_kind pte = form->decode(entry, 1, walk->space->addr_mask, &pa);
		enum kco_pagerun_kind kind = pte == KCO_PTE_PAGE    ? KCO_PAGERUN_PRESENT
					     : pte == KCO_PTE_EMPTY ? KCO_PAGERUN_EMPTY
								    : KCO_PAGERUN_OTHER;

		if (!ret->size) {
			ret->kind = kind;
			ret->pa = pa;
		} else if (kind != ret->kind || kind == KCO_PAGERUN_OTHER ||
			   (kind == KCO_PAGERUN_PRESENT && pa.v != ret->pa.v + ret->size)) {
			return;
		}
		ret->size += WALK_PAGE;
	}
}

static bool walk_has_table(const struct kco_pagewalk *walk, uint64_t va)
{
	return walk->table_va != 1 && va >= walk->table_va && va - walk->table_va < walk_table_size(walk->space->form);
}

void kco_pagewalk_next(struct kco_pagewalk *walk, uint64_t va, uint64_t end, struct kco_pagerun *ret)
{
	const struct kco_paging *form = walk->space->form;
	struct kco_walk steps;
	const struct kco_walk_step *last;
	struct kco_paddr pa;
	enum kco_status st;

	if (walk_has_table(walk, va)) {
		walk_lowest(walk, va, end, ret);
		return;
	}
	st = kco_translate(walk->mem, walk->space, va, &pa, &steps, NULL);
	*ret = (struct kco_pagerun){ .kind = KCO_PAGERUN_OTHER, .size = WALK_PAGE, .pa = st ? KCO_PADDR(0) : pa };
	if (!steps.nr_steps)
		return;
	last = &steps.steps[steps.nr_steps - 1];
	if (last->level == 1 && form->bits[0] == 12 && form->entry_size << form->bits[1] == sizeof(walk->table) &&
	    !kco_pread(kco_mem_reader(walk->mem), KCO_PADDR(last->entry_pa.v & ~(WALK_PAGE - 1)), walk->table,
		       sizeof(walk->table), NULL, NULL)) {
		walk->table_va = va & ~(walk_table_size(form) - 1);
		walk_lowest(walk, va, end, ret);
		return;
	}
	walk->table_va = 1;
	if (!st)
		ret->kind = KCO_PAGERUN_PRESENT;
	else if (last->kind == KCO_PTE_EMPTY)
		ret->kind = KCO_PAGERUN_EMPTY;
	else
		return;
	// A large page, or an empty entry above: as far as it goes.
	ret->size = kco_paging_span(form, last->level) - (va & (kco_paging_span(form, last->level) - 1));
	if (ret->size > end - va)
		ret->size = end - va;
}
