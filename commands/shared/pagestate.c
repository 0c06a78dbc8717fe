// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of a page, in words and as JSON.
 */
#include "pagestate.h"

#include <inttypes.h>

bool kco_page_has_swap(const struct kco_page *page)
{
	return page->state == KCO_PAGE_SWAP_FILE || page->state == KCO_PAGE_SWAP_CACHE ||
	       page->state == KCO_PAGE_ZRAM || page->state == KCO_PAGE_ZSWAP;
}

bool kco_page_has_pa(const struct kco_page *page)
{
	switch (page->state) {
	case KCO_PAGE_PRESENT:
	case KCO_PAGE_SWAP_CACHE:
	case KCO_PAGE_CACHE:
	case KCO_PAGE_MIGRATION:
	case KCO_PAGE_PROTNONE:
	case KCO_PAGE_NOT_SAVED:
	case KCO_PAGE_BEYOND:
		return true;
	default:
		return false;
	}
}

static const char *page_file(const struct kco_page *page)
{
	return page->vma && page->vma->file ? page->vma->file->path : NULL;
}

void kco_page_text(struct kco_out *out, const struct kco_page *page)
{
	kco_text(out, "%s", kco_page_state_name(page->state));
	if (page->codec)
		kco_text(out, " (%s)", page->codec);
	if (kco_page_has_swap(page))
		kco_text(out, ", page %" PRIu64 " of %s", page->swap_offset,
			 page->swap_name ? page->swap_name : "a swap area without a name");
	else if (kco_page_has_pa(page) && page->pa.v)
		kco_text(out, ", at physical %" PRIx64, page->pa.v);
	if (page->state != KCO_PAGE_PRESENT && !kco_page_has_swap(page) && page_file(page))
		kco_text(out, ", %s at %" PRIx64, page_file(page), page->file_offset);
}

static void page_json_known(struct kco_out *out, const char *key, bool known, uint64_t v)
{
	if (known)
		kco_json_uint(out, key, v);
	else
		kco_json_null(out, key);
}

void kco_page_json(struct kco_out *out, const struct kco_page *page)
{
	bool swap = kco_page_has_swap(page);

	kco_json_str(out, "state", kco_page_state_name(page->state));
	kco_json_bool(out, "readable", page->readable);
	kco_json_str(out, "why", page->readable ? NULL : page->why);
	kco_json_uint(out, "size", page->size);
	kco_json_addr(out, "pte", page->pte);
	if (kco_page_has_pa(page))
		kco_json_addr(out, "pa", page->pa.v);
	else
		kco_json_null(out, "pa");
	page_json_known(out, "swap_type", swap, page->swap_type);
	page_json_known(out, "swap_offset", swap, page->swap_offset);
	kco_json_str(out, "swap_name", swap ? page->swap_name : NULL);
	kco_json_str(out, "codec", page->codec);
	kco_json_str(out, "file", page_file(page));
	page_json_known(out, "file_offset", page_file(page), page->file_offset);
}
