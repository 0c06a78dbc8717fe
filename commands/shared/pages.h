// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of a process, as vm, memory region and others show them.
 */
#ifndef KCO_COMMANDS_PAGES_H
#define KCO_COMMANDS_PAGES_H

#include <stdbool.h>

#include <kco/cmd.h>
#include <kco/page.h>

/** Does the page have a physical address? */
bool kco_page_has_pa(const struct kco_page *page);
/** Does the page have a place in a swap area? */
bool kco_page_has_swap(const struct kco_page *page);
/** The keys of KCO_PAGE_JSON_FIELDS into the innermost open object. */
void kco_page_json(struct kco_out *out, const struct kco_page *page);

/** For the schema; @in is what leads to the object, such as "page.". */
// clang-format off
#define KCO_PAGE_JSON_FIELDS(in)                                                                  \
	{ in "state", "string", "present, zero, swap file, zram, ...: see docs/commands/memory_region.md" }, \
	{ in "readable", "boolean", "its bytes can be had" },                                     \
	{ in "size", "integer", "of what one entry maps, bytes" },                                \
	{ in "pte", "address", "the page table's entry, 0x0 none" },                              \
	{ in "pa", "address|null", "its physical address" },                                      \
	{ in "swap", "string|null", "the swap area that holds it" },                              \
	{ in "swap_offset", "integer|null", "which page of the swap area" },                      \
	{ in "codec", "string|null", "how it is compressed" },                                    \
	{ in "file_offset", "integer|null", "of a page of a file, bytes" },                       \
	{ in "reason", "string|null", "why its bytes cannot be had" }
// clang-format on

#endif
