// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where Linux maps memory: the direct map, whose base KASLR moves
 * (page_offset_base), and the kernel's image.
 */
#include "linux.h"

/* Addresses below are not the kernel's on any architecture known here. */
#define MAPS_KERNEL_HALF (UINT64_C(1) << 63)

/* PAGE_OFFSET where it is no variable: of 4 levels before and since Linux d52888aa2753 (v4.20), of 5 levels. */
static const uint64_t maps_bases[] = { 0xffff888000000000, 0xffff880000000000, 0xff11000000000000, 0xff10000000000000 };

/* Checked against the page tables: what the map says of its first megabyte must be so. */
static enum kco_status maps_prove(struct kco_session *s, uint64_t base, struct kco_err *err)
{
	struct kco_paddr pa;
	enum kco_status st;

	if (base < MAPS_KERNEL_HALF)
		return kco_fail(err, KCO_E_CORRUPT, "page_offset_base is %#llx", (unsigned long long)base);
	st = kco_translate(s->mem, &s->kernel, base + (1 << 20), &pa, NULL, err);
	if (!st && pa.v != 1 << 20)
		st = kco_fail(err, KCO_E_CORRUPT, "the direct map at %#llx leads to %#llx", (unsigned long long)base,
			      (unsigned long long)pa.v);
	return st;
}

enum kco_status linux_direct_map(struct kco_session *s, uint64_t *ret, struct kco_err *err)
{
	enum kco_status st = os_variable(s, "page_offset_base", 8, ret, err);

	if (st == KCO_OK)
		return maps_prove(s, *ret, err);
	for (size_t i = 0; i < sizeof(maps_bases) / sizeof(*maps_bases); i++) {
		*ret = maps_bases[i];
		if (!maps_prove(s, *ret, NULL))
			return KCO_OK;
	}
	return st;
}

static enum kco_status maps_direct(struct kco_session *s, struct kco_write_map *map, struct kco_err *err)
{
	uint64_t base;
	enum kco_status st = linux_direct_map(s, &base, err);

	if (st)
		return st;
	*map = (struct kco_write_map){ .va = base, .pa = 0, .write = true, .direct = true };
	map->size = s->image->facts.max_pfn * s->image->facts.block_size;
	return KCO_OK;
}

static enum kco_status maps_image(struct kco_session *s, struct kco_write_map *map, struct kco_err *err)
{
	uint64_t first, end;
	struct kco_paddr pa, last;
	enum kco_status st = os_symbol(s, &first, err, "_text", "_stext", NULL);

	if (!st)
		st = os_symbol(s, &end, err, "_end", "__bss_stop", NULL);
	if (!st && (end <= first || end - first > UINT64_C(1) << 30))
		st = kco_fail(err, KCO_E_CORRUPT, "the kernel's image from %#llx to %#llx", (unsigned long long)first,
			      (unsigned long long)end);
	if (!st)
		st = kco_translate(s->mem, &s->kernel, first, &pa, NULL, err);
	// It lies in one piece; the end may have been given back, so the middle must do.
	if (!st)
		st = kco_translate(s->mem, &s->kernel, first + (1 << 21), &last, NULL, err);
	if (st)
		return st;
	if (last.v - pa.v != 1 << 21)
		return kco_fail(err, KCO_E_CORRUPT, "the kernel's image does not lie in one piece");
	*map = (struct kco_write_map){ .va = first, .pa = pa.v, .size = end - first, .write = true, .exec = true };
	return KCO_OK;
}

enum kco_status linux_maps(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_write_map *map),
			   void *arg, struct kco_err *err)
{
	struct kco_write_map map;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);

	if (!st)
		st = maps_image(s, &map, err);
	if (!st)
		st = add(arg, &map);
	if (!st)
		st = maps_direct(s, &map, err);
	return st ? st : add(arg, &map);
}
