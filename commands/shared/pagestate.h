// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What became of a page, as vtop and others say it.
 */
#ifndef KCO_COMMANDS_PAGESTATE_H
#define KCO_COMMANDS_PAGESTATE_H

#include <stdbool.h>

#include <kco/cmd.h>
#include <kco/page.h>

/** Does page->pa mean something: do its bytes lie there as they are? */
bool kco_page_has_pa(const struct kco_page *page);
/** Does the page have a place in a swap area? */
bool kco_page_has_swap(const struct kco_page *page);

/** One line without its end: "zram (lzo-rle), page 17 of /dev/zram0". */
void kco_page_text(struct kco_out *out, const struct kco_page *page);
/** The keys of KCO_PAGE_JSON_FIELDS into the innermost open object. */
void kco_page_json(struct kco_out *out, const struct kco_page *page);

#define KCO_PAGE_JSON_FIELDS(prefix)                                                                                  \
	{ prefix "state", "string",                                                                                   \
	  "present, zero (never written), swap cache, swap file, zram, zswap, page cache, sysroot, file (not "        \
	  "in memory), migration, no access, poisoned, device, not saved, beyond the dump, unmapped, unknown" },      \
		{ prefix "readable", "boolean", "its bytes can be had" }, { prefix "why", "string|null", "why not" }, \
		{ prefix "size", "integer", "of what one entry maps, bytes" },                                        \
		{ prefix "pte", "address", "the page table's entry, 0x0 none" },                                      \
		{ prefix "pa", "address|null", "where its bytes are, when they lie there as they are" },              \
		{ prefix "swap_type", "integer|null", "number of the swap area" },                                    \
		{ prefix "swap_offset", "integer|null", "page of the swap area" },                                    \
		{ prefix "swap_name", "string|null", "path of the swap area" },                                       \
		{ prefix "codec", "string|null",                                                                      \
		  "of zram and zswap: lzo, lzo-rle, lz4, zstd, same-filled, huge (stored as it is), ..." },           \
		{ prefix "file", "string|null", "path of the file that its area maps" },                              \
	{                                                                                                             \
		prefix "file_offset", "integer|null", "and where in it"                                               \
	}

#endif
