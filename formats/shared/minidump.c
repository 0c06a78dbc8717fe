// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory of a FreeBSD minidump.
 *
 * Entries as sys/amd64/include/pmap.h, sys/i386/include/pmap.h,
 * sys/arm64/include/pte.h and sys/riscv/include/pte.h have them.
 */
#include "minidump.h"

#include <inttypes.h>

#include <kco/endian.h>

#define MINIDUMP_X86_FRAME UINT64_C(0x000ffffffffff000)
#define MINIDUMP_X86_LARGE UINT64_C(0x000fffffffe00000)

static void minidump_x86(uint64_t e, uint32_t page, struct minidump_entry *ret)
{
	(void)page;
	*ret = (struct minidump_entry){
		.valid = e & 1, .write = e & 2, .exec = !(e >> 63), .pa = e & MINIDUMP_X86_FRAME
	};
}

static void minidump_x86_directory(uint64_t e, uint32_t page, struct minidump_entry *ret)
{
	minidump_x86(e, page, ret);
	ret->large = e & 0x80; /* PG_PS */
	if (ret->large)
		ret->pa = e & MINIDUMP_X86_LARGE;
}

static void minidump_i386(uint64_t e, uint32_t page, struct minidump_entry *ret)
{
	(void)page;
	*ret = (struct minidump_entry){ .valid = e & 1, .write = e & 2, .exec = true, .pa = e & 0xfffff000 };
}

/* ATTR_DESCR_MASK 3: a page; AP[2] (bit 7) read-only, PXN bit 53. */
static void minidump_arm64(uint64_t e, uint32_t page, struct minidump_entry *ret)
{
	*ret = (struct minidump_entry){ .valid = (e & 3) == 3,
					.write = !(e >> 7 & 1),
					.exec = !(e >> 53 & 1),
					.pa = e & UINT64_C(0x0003ffffffffffff) & ~((uint64_t)page - 1) };
}

/* V bit 0, R, W, X bits 1 to 3; the frame begins at bit 10, and bits 54 to 63 are for extensions. */
static void minidump_riscv(uint64_t e, uint32_t page, struct minidump_entry *ret)
{
	(void)page;
	*ret = (struct minidump_entry){ .valid = e & 1 && e & 0xe,
					.write = e & 4,
					.exec = e & 8,
					.pa = (e & UINT64_C(0x003fffffffffffff)) >> 10 << 12 };
}

const struct minidump_map kco_minidump_amd64_flat = { 8, 0, minidump_x86 };
const struct minidump_map kco_minidump_amd64_directory = { 8, UINT64_C(2) << 20, minidump_x86_directory };
const struct minidump_map kco_minidump_i386 = { 4, 0, minidump_i386 };
const struct minidump_map kco_minidump_i386_pae = { 8, 0, minidump_x86 };
const struct minidump_map kco_minidump_arm64 = { 8, 0, minidump_arm64 };
const struct minidump_map kco_minidump_riscv = { 8, 0, minidump_riscv };

/* The range that holds @pa, or NULL: ranges are few, but a machine may have hundreds. */
static const struct minidump_range *minidump_range(const struct minidump *md, uint64_t pa)
{
	size_t lo = 0, hi = md->nr_ranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (md->ranges[mid].end <= pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < md->nr_ranges && pa >= md->ranges[lo].start ? &md->ranges[lo] : NULL;
}

/* The file offset of the byte at @pa. */
static enum kco_status minidump_offset(const struct minidump *md, uint64_t pa, uint64_t *ret, struct kco_err *err)
{
	const struct minidump_range *range = minidump_range(md, pa);
	enum kco_status status;
	uint64_t rank, off;
	bool set;

	if (!range)
		return kco_fail(err, KCO_E_RANGE, "no memory at %#" PRIx64 " in the dumped machine", pa);
	status = kco_bitrank_get(md->rank, range->bit + (pa - range->start) / md->page, &set, &rank, err);
	if (status != KCO_OK)
		return status;
	if (!set)
		return kco_fail(err, KCO_E_NOT_SAVED, "the page at %#" PRIx64 " is not in the minidump", pa);
	if (__builtin_mul_overflow(rank, (uint64_t)md->page, &off) || __builtin_add_overflow(off, md->pages_off, &off))
		return kco_fail(err, KCO_E_CORRUPT, "page %" PRIu64 " lies beyond any file", rank);
	*ret = off + (pa & (md->page - 1));
	return KCO_OK;
}

static enum kco_status minidump_pread(const struct minidump *md, uint64_t pa, void *buf, size_t n, size_t *done,
				      struct kco_err *err)
{
	*done = 0;
	while (*done < n) {
		uint64_t at = pa + *done, off;
		size_t part = md->page - (size_t)(at & (md->page - 1)), got;
		enum kco_status status = minidump_offset(md, at, &off, err);

		if (status != KCO_OK)
			return status;
		if (part > n - *done)
			part = n - *done;
		status = kco_io_read(md->io, (uint8_t *)buf + *done, part, off, &got, err);
		*done += got;
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static enum kco_status minidump_phys_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					  void *buf, size_t n, size_t *done, struct kco_err *err)
{
	(void)codec;
	return minidump_pread(seg->source, addr, buf, n, done, err);
}

static enum kco_status minidump_phys_saved(const struct kco_segment *seg, uint64_t addr, uint64_t *first,
					   uint64_t *last, struct kco_err *err)
{
	const struct minidump *md = seg->source;
	const struct minidump_range *range = minidump_range(md, addr);
	uint64_t bit, end;
	enum kco_status status;

	if (!range)
		return KCO_DONE;
	status = kco_bitrank_run(md->rank, range->bit + (addr - range->start) / md->page, &bit, &end, err);
	if (status != KCO_OK)
		return status;
	bit = range->start + (bit - range->bit) * md->page;
	end = range->start + (end - range->bit) * md->page - 1;
	if (bit > seg->last)
		return KCO_DONE;
	*first = bit > addr ? bit : addr;
	*last = end < seg->last ? end : seg->last;
	return KCO_OK;
}

#define MINIDUMP_EMPTY_BLOCK 4096u /* bytes of a flat map, which may have GiBs of zeros */

/*
 * The largest power of two of addresses round @va, from @span on, whose entries lie in one hole of the file: the flat
 * map of 2 TiB is 4 GiB, of which a sparse file has what is mapped.
 */
static uint64_t minidump_hole(const struct minidump *md, uint64_t va, uint64_t span)
{
	for (;;) {
		uint64_t wide = 2 * span, first = va & ~(wide - 1), at, size = wide / md->page * md->map->entry;

		if (first < md->kernbase || !wide)
			return span;
		at = (first - md->kernbase) / md->page * md->map->entry;
		if (at > md->map_size || size > md->map_size - at || kco_io_hole(md->io, md->map_off + at, size) < size)
			return span;
		span = wide;
	}
}

/* The bytes of addresses round @va that are not mapped: those of a block of a flat map when all of it is zeros. */
static uint64_t minidump_empty(const struct minidump *md, uint64_t va)
{
	const unsigned n = MINIDUMP_EMPTY_BLOCK / md->map->entry;
	uint64_t span = (uint64_t)n * md->page, at = (va & ~(span - 1)) - md->kernbase;
	uint8_t raw[MINIDUMP_EMPTY_BLOCK];

	at = at / md->page * md->map->entry;
	if (md->kernbase & (span - 1) || at + sizeof(raw) > md->map_size ||
	    kco_metacache_read(md->meta, md->io, 0, md->map_off + at, raw, sizeof(raw), NULL) != KCO_OK)
		return md->page;
	for (size_t i = 0; i < sizeof(raw); i += 8)
		if (kco_le64(raw + i))
			return md->page;
	return minidump_hole(md, va, span);
}

/* The entry of the kernel map for @va, and through the table that it may lead to. */
static enum kco_status minidump_walk(const struct minidump *md, uint64_t va, struct minidump_entry *e, uint64_t *size,
				     struct kco_err *err)
{
	const struct minidump_map *map = md->map;
	uint64_t per = map->span ? map->span : md->page, at = (va - md->kernbase) / per * map->entry, off;
	enum kco_status status;
	uint8_t raw[8];

	*size = per;
	if (at + map->entry > md->map_size)
		return kco_fail(err, KCO_E_UNMAPPED, "%#" PRIx64 " is behind the kernel map", va);
	status = kco_metacache_read(md->meta, md->io, 0, md->map_off + at, raw, map->entry, err);
	if (status != KCO_OK)
		return kco_context(err, status, "kernel map");
	map->decode(kco_le_uint(raw, map->entry), md->page, e);
	if (!map->span || !e->valid || e->large)
		return KCO_OK;
	status = minidump_offset(md, e->pa + (va / md->page % (md->page / map->entry)) * map->entry, &off, err);
	if (status == KCO_OK)
		status = kco_metacache_read(md->meta, md->io, 0, off, raw, map->entry, err);
	// A page may be a device's, a table is never.
	if (status == KCO_E_RANGE)
		return kco_fail(err, KCO_E_CORRUPT, "page table at %#" PRIx64 " (for %#" PRIx64 "): no memory is there",
				e->pa, va);
	if (status != KCO_OK)
		return kco_context(err, status, "page table at %#" PRIx64 " (for %#" PRIx64 ")", e->pa, va);
	minidump_x86(kco_le_uint(raw, map->entry), md->page, e);
	*size = md->page;
	return KCO_OK;
}

static enum kco_status minidump_find(const struct minidump *md, uint64_t va, struct kco_segment_page *ret,
				     struct kco_err *err)
{
	struct minidump_entry e = { 0 };
	uint64_t size = 0;
	enum kco_status status = minidump_walk(md, va, &e, &size, err);

	*ret = (struct kco_segment_page){ .size = size };
	if (status != KCO_OK)
		return status;
	if (!e.valid)
		return kco_fail(err, KCO_E_UNMAPPED,
				"no page is mapped at %#" PRIx64 ": its entry of the kernel map is not valid", va);
	*ret = (struct kco_segment_page){ { e.pa + (va & (size - 1)) }, size, e.write, e.exec };
	return KCO_OK;
}

static enum kco_status minidump_kernel_translate(const struct kco_segment *seg, struct kco_codec *codec, uint64_t va,
						 struct kco_segment_page *ret, struct kco_err *err)
{
	const struct minidump *md = seg->source;
	enum kco_status status = minidump_find(md, va, ret, err);

	(void)codec;
	if (status == KCO_E_UNMAPPED && !md->map->span && ret->size)
		ret->size = minidump_empty(md, va);
	return status;
}

static enum kco_status minidump_direct_translate(const struct kco_segment *seg, struct kco_codec *codec, uint64_t va,
						 struct kco_segment_page *ret, struct kco_err *err)
{
	const struct minidump *md = seg->source;

	(void)codec;
	(void)err;
	*ret = (struct kco_segment_page){ .pa = { va - md->dmapbase + md->dmapphys }, .write = true };
	return KCO_OK;
}

static enum kco_status minidump_kernel_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					    void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct minidump *md = seg->source;

	(void)codec;
	*done = 0;
	while (*done < n) {
		uint64_t va = addr + *done;
		size_t part = md->page - (size_t)(va & (md->page - 1)), got;
		struct kco_segment_page page;
		enum kco_status status = minidump_find(md, va, &page, err);

		if (status != KCO_OK)
			return status;
		if (part > n - *done)
			part = n - *done;
		status = minidump_pread(md, page.pa.v, (uint8_t *)buf + *done, part, &got, err);
		*done += got;
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static enum kco_status minidump_direct_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr,
					    void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct minidump *md = seg->source;

	(void)codec;
	return minidump_pread(md, addr - md->dmapbase + md->dmapphys, buf, n, done, err);
}

const struct kco_segment_ops kco_minidump_phys_ops = { .read = minidump_phys_read, .saved = minidump_phys_saved };
const struct kco_segment_ops kco_minidump_kernel_ops = { .read = minidump_kernel_read,
							 .translate = minidump_kernel_translate };
const struct kco_segment_ops kco_minidump_direct_ops = { .read = minidump_direct_read,
							 .translate = minidump_direct_translate };
