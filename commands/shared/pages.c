// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of a process: what several commands do with them.
 */
#include "pages.h"

bool kco_page_has_pa(const struct kco_page *page)
{
	switch (page->state) {
	case KCO_PAGE_PRESENT:
	case KCO_PAGE_PROTNONE:
	case KCO_PAGE_CACHE:
	case KCO_PAGE_SWAP_CACHE:
	case KCO_PAGE_MIGRATION:
	case KCO_PAGE_NOT_SAVED:
	case KCO_PAGE_BEYOND:
		return true;
	default:
		return false;
	}
}

bool kco_page_has_swap(const struct kco_page *page)
{
	return page->state == KCO_PAGE_SWAP_FILE || page->state == KCO_PAGE_ZRAM || page->state == KCO_PAGE_ZSWAP ||
	       page->state == KCO_PAGE_SWAP_CACHE;
}

void kco_page_json(struct kco_out *out, const struct kco_page *page)
{
	kco_json_str(out, "state", kco_page_state_name(page->state));
	kco_json_bool(out, "readable", page->readable);
	kco_json_uint(out, "size", page->size);
	kco_json_addr(out, "pte", page->pte);
	if (kco_page_has_pa(page))
		kco_json_addr(out, "pa", page->pa.v);
	else
		kco_json_null(out, "pa");
	kco_json_str(out, "swap", kco_page_has_swap(page) ? page->swap_name : NULL);
	if (kco_page_has_swap(page))
		kco_json_uint(out, "swap_offset", page->swap_offset);
	else
		kco_json_null(out, "swap_offset");
	kco_json_str(out, "codec", page->codec);
	if (page->vma && page->vma->file)
		kco_json_uint(out, "file_offset", page->file_offset);
	else
		kco_json_null(out, "file_offset");
	kco_json_str(out, "reason", page->readable ? NULL : page->why);
}
