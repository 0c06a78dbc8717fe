// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which unit an address belongs to.
 *
 * .debug_aranges says so. Compilers that leave it out (LLVM) or incomplete
 * cost one pass over the ranges of all units, 20 ms for a kernel.
 */
#include "debuginfo.h"

#include <stdlib.h>

#include "debuginfo_priv.h"

#define UNITS_RANGES_MAX ((size_t)4 << 20)

static int units_compare(const void *a, const void *b)
{
	const struct kco_dwarf_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static bool units_add(struct kco_dwarf_units *units, uint64_t first, uint64_t end, uint64_t unit)
{
	if (units->n == units->cap) {
		size_t cap = units->cap ? units->cap * 2 : 4096;
		struct kco_dwarf_range *ranges =
			cap > UNITS_RANGES_MAX ? NULL : realloc(units->ranges, cap * sizeof(*ranges));

		if (!ranges)
			return false;
		units->ranges = ranges;
		units->cap = cap;
	}
	units->ranges[units->n++] = (struct kco_dwarf_range){ first, end, unit };
	return true;
}

/* What libdw cannot read is left out: its addresses will have no lines. */
static void units_load(struct kco_dwarf_units *units, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL, *next;
	bool room = true;
	Dwarf_Die die;

	units->tried = true;
	while (room && dwarf_get_units(dwarf, cu, &next, NULL, NULL, &die, NULL) == 0) {
		Dwarf_Addr base, first, end;
		ptrdiff_t at = 0;

		cu = next;
		while (room && (at = dwarf_ranges(&die, at, &base, &first, &end)) > 0)
			if (first < end)
				room = units_add(units, first, end, dwarf_dieoffset(&die));
	}
	if (units->n)
		qsort(units->ranges, units->n, sizeof(*units->ranges), units_compare);
}

bool kco_dwarf_unit(struct kco_dwarf_units *units, Dwarf *dwarf, uint64_t pc, Dwarf_Die *unit)
{
	size_t low = 0, high, n;
	Dwarf_Aranges *aranges;
	Dwarf_Arange *arange;
	Dwarf_Off offset;

	if (dwarf_getaranges(dwarf, &aranges, &n) == 0 && (arange = dwarf_getarange_addr(aranges, pc)) &&
	    dwarf_getarangeinfo(arange, NULL, NULL, &offset) == 0 && dwarf_offdie(dwarf, offset, unit))
		return true;
	if (!units->tried)
		units_load(units, dwarf);
	for (high = units->n; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (units->ranges[mid].first <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low && pc < units->ranges[low - 1].end && dwarf_offdie(dwarf, units->ranges[low - 1].unit, unit);
}

void kco_dwarf_units_fini(struct kco_dwarf_units *units)
{
	free(units->ranges);
	*units = (struct kco_dwarf_units){ 0 };
}
