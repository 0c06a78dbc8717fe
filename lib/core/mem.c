// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translated reads: the walk of page tables, and a cache of its results.
 *
 *   va -> TLB ------------------------> pa -> reader (page cache)
 *          \-> walk: one pread a level -^
 *
 * The TLB is direct-mapped, one entry a smallest page, tagged with the space:
 * the memory of a dump never changes, so nothing is ever invalidated. A walk
 * takes as many steps as the form has levels, whatever the tables hold: tables
 * that point to themselves or to each other cannot make it longer.
 */
#include <kco/mem.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define MEM_TLB_BITS 10
#define MEM_NO_PAGE UINT64_MAX /* no page has this number */

struct mem_tlb_entry {
	uint64_t page; /* va >> form->bits[0] */
	uint64_t pa;   /* of the page's first byte */
	uint32_t space;
};

struct kco_mem {
	struct kco_reader *reader;
	struct mem_tlb_entry tlb[1u << MEM_TLB_BITS];
};

enum kco_status kco_mem_new(struct kco_image *img, struct kco_mem **ret, struct kco_err *err)
{
	struct kco_mem *mem = malloc(sizeof(*mem));
	enum kco_status status;

	if (!mem)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	status = kco_reader_new(img, &mem->reader, err);
	if (status) {
		free(mem);
		return status;
	}
	for (size_t i = 0; i < sizeof(mem->tlb) / sizeof(mem->tlb[0]); i++)
		mem->tlb[i].page = MEM_NO_PAGE;
	*ret = mem;
	return KCO_OK;
}

void kco_mem_free(struct kco_mem *mem)
{
	if (!mem)
		return;
	kco_reader_free(mem->reader);
	free(mem);
}

struct kco_reader *kco_mem_reader(struct kco_mem *mem)
{
	return mem->reader;
}

/* Fibonacci hashing: stacks lie at power-of-two strides, which must not share one entry. */
static struct mem_tlb_entry *mem_tlb(struct kco_mem *mem, uint64_t page, uint32_t space)
{
	return &mem->tlb[(page + space) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEM_TLB_BITS)];
}

static enum kco_status mem_fail(struct kco_err *err, enum kco_status status, uint64_t va)
{
	if (err)
		err->addr = va;
	return status;
}

/* The tables end here: say at which entry and why. */
static enum kco_status mem_walk_fail(const struct kco_space *space, uint64_t va, const struct kco_walk_step *step,
				     struct kco_err *err)
{
	const char *level = space->form->level_names[step->level], *what = "has reserved bits set";
	enum kco_status status = KCO_E_UNMAPPED;

	if (!level)
		level = "table";
	if (step->kind == KCO_PTE_EMPTY) {
		status = kco_fail(err, status,
				  "no page is mapped at %#" PRIx64 ": the %s entry at %#" PRIx64 " is empty", va, level,
				  step->entry_pa.v);
		return mem_fail(err, status, va);
	}
	if (step->kind == KCO_PTE_NOT_PRESENT) {
		status = KCO_E_SWAPPED;
		what = "is not present";
	} else if (step->kind == KCO_PTE_TABLE) {
		what = "points to a table below the lowest level";
	}
	status =
		kco_fail(err, status, "no page is mapped at %#" PRIx64 ": the %s entry %#" PRIx64 " at %#" PRIx64 " %s",
			 va, level, step->entry, step->entry_pa.v, what);
	return mem_fail(err, status, va);
}

static unsigned mem_va_bits(const struct kco_paging *form)
{
	unsigned bits = 0;

	for (unsigned level = 0; level <= form->levels; level++)
		bits += form->bits[level];
	return bits;
}

/* Read the entry for @va in the table at @table into @step and decode it. @shift: address bits below this level. */
static enum kco_status mem_walk_step(struct kco_mem *mem, const struct kco_space *space, uint64_t va,
				     struct kco_paddr table, unsigned shift, struct kco_walk_step *step,
				     struct kco_paddr *next, struct kco_err *err)
{
	const struct kco_paging *form = space->form;
	uint64_t index = va >> shift & ((UINT64_C(1) << form->bits[step->level]) - 1);
	uint8_t raw[8] = { 0 };
	enum kco_status status;

	step->entry_pa = KCO_PADDR(table.v + index * form->entry_size);
	status = kco_pread(mem->reader, step->entry_pa, raw, form->entry_size, NULL, err);
	if (status) {
		const char *level = form->level_names[step->level];

		kco_context(err, status, "page table at %#" PRIx64 " (%s for %#" PRIx64 ")", table.v,
			    level ? level : "level", va);
		return mem_fail(err, status, va);
	}
	step->entry = kco_le_uint(raw, form->entry_size);
	step->kind = form->decode(step->entry, step->level, space->addr_mask, next);
	return KCO_OK;
}

static enum kco_status mem_walk(struct kco_mem *mem, const struct kco_space *space, uint64_t va, struct kco_walk *walk,
				struct kco_err *err)
{
	const struct kco_paging *form = space->form;
	unsigned shift = mem_va_bits(form);
	struct kco_paddr table = space->root;
	enum kco_status status;

	walk->nr_steps = 0;
	walk->by_file = false;
	if (form->plain && shift < 64 && va >> shift)
		return mem_fail(err, kco_fail(err, KCO_E_UNMAPPED, "%#" PRIx64 " is beyond the address space", va), va);
	if (!form->plain && space->arch->canonical && !space->arch->canonical(va, shift))
		return mem_fail(err, kco_fail(err, KCO_E_UNMAPPED, "%#" PRIx64 " is not a canonical address", va), va);
	for (unsigned level = form->levels; level >= 1; level--) {
		struct kco_walk_step *step = &walk->steps[walk->nr_steps];
		struct kco_paddr next = KCO_PADDR(0);

		shift -= form->bits[level];
		*step = (struct kco_walk_step){ .level = level, .kind = KCO_PTE_BAD };
		status = mem_walk_step(mem, space, va, table, shift, step, &next, err);
		walk->nr_steps++;
		if (status)
			return status;
		if (step->kind == KCO_PTE_PAGE) {
			walk->page_size = UINT64_C(1) << shift;
			walk->pa = KCO_PADDR(next.v + (va & (walk->page_size - 1)));
			return KCO_OK;
		}
		if (step->kind != KCO_PTE_TABLE || level == 1)
			return mem_walk_fail(space, va, step, err);
		table = next;
	}
	return kco_fail(err, KCO_E_BUG, "the paging form %s has no levels", form->name);
}

static enum kco_status mem_translate_slow(struct kco_mem *mem, const struct kco_space *space, uint64_t va,
					  struct kco_paddr *pa, struct kco_walk *walk, struct kco_err *err)
{
	struct kco_walk own;
	enum kco_status status;
	unsigned offset_bits;

	if (!walk)
		walk = &own;
	if (!space->form) {
		struct kco_segment_page page;

		*walk = (struct kco_walk){ 0 };
		status = kco_reader_translate(mem->reader, va, &page, err);
		if (!status) {
			*pa = walk->pa = page.pa;
			walk->page_size = page.size;
			walk->by_file = true;
			walk->write = page.write;
			walk->exec = page.exec;
		}
		if (status != KCO_E_UNSUPPORTED)
			return status ? mem_fail(err, status, va) : KCO_OK;
		status = kco_fail(err, KCO_E_UNSUPPORTED,
				  "%#" PRIx64 ": no page tables are known for this address space", va);
		return mem_fail(err, status, va);
	}
	status = mem_walk(mem, space, va, walk, err);
	if (status)
		return status;
	*pa = walk->pa;
	offset_bits = space->form->bits[0];
	*mem_tlb(mem, va >> offset_bits, space->id) = (struct mem_tlb_entry){
		.page = va >> offset_bits,
		.pa = walk->pa.v - (va & ((UINT64_C(1) << offset_bits) - 1)),
		.space = space->id,
	};
	return KCO_OK;
}

enum kco_status kco_translate(struct kco_mem *mem, const struct kco_space *space, uint64_t va, struct kco_paddr *pa,
			      struct kco_walk *walk, struct kco_err *err)
{
	if (!walk && space->form) {
		unsigned offset_bits = space->form->bits[0];
		const struct mem_tlb_entry *hit = mem_tlb(mem, va >> offset_bits, space->id);

		if (hit->page == va >> offset_bits && hit->space == space->id) {
			*pa = KCO_PADDR(hit->pa + (va & ((UINT64_C(1) << offset_bits) - 1)));
			return KCO_OK;
		}
	}
	return mem_translate_slow(mem, space, va, pa, walk, err);
}

/* Without page tables: what the file itself calls virtual memory. */
static enum kco_status mem_read_virtual(struct kco_mem *mem, uint64_t va, void *buf, size_t n, size_t *done,
					struct kco_err *err)
{
	size_t got;
	enum kco_status status = kco_reader_read(mem->reader, KCO_VIRT, va, buf, n, &got, err);

	if (done)
		*done = got;
	return status ? mem_fail(err, status, va + got) : KCO_OK;
}

enum kco_status kco_vread(struct kco_mem *mem, const struct kco_space *space, uint64_t va, void *buf, size_t n,
			  size_t *done, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	size_t got = 0;

	if (!space->form)
		return mem_read_virtual(mem, va, buf, n, done, err);
	while (got < n) {
		uint64_t at = va + got, page_mask = (UINT64_C(1) << space->form->bits[0]) - 1;
		size_t part = n - got, part_done;
		struct kco_paddr pa;

		if (at < va) {
			status = mem_fail(err, kco_fail(err, KCO_E_RANGE, "the address space ends there"), at);
			break;
		}
		if (part > page_mask + 1 - (at & page_mask))
			part = (size_t)(page_mask + 1 - (at & page_mask));
		status = kco_translate(mem, space, at, &pa, NULL, err);
		if (status)
			break;
		status = kco_pread(mem->reader, pa, (uint8_t *)buf + got, part, &part_done, err);
		got += part_done;
		if (status) {
			kco_context(err, status, "%#" PRIx64, va + got);
			mem_fail(err, status, va + got);
			break;
		}
	}
	if (done)
		*done = got;
	return status;
}

enum kco_status kco_vread_uint(struct kco_mem *mem, const struct kco_space *space, uint64_t va, size_t size,
			       uint64_t *ret, struct kco_err *err)
{
	uint8_t raw[8];
	enum kco_status status;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return kco_fail(err, KCO_E_BUG, "an integer of %zu bytes at %#" PRIx64, size, va);
	status = kco_vread(mem, space, va, raw, size, NULL, err);
	if (!status)
		*ret = kco_le_uint(raw, size);
	return status;
}

enum kco_status kco_vread_ptr(struct kco_mem *mem, const struct kco_space *space, uint64_t va, uint64_t *ret,
			      struct kco_err *err)
{
	return kco_vread_uint(mem, space, va, space->arch->ptr_size, ret, err);
}

enum kco_status kco_vread_str(struct kco_mem *mem, const struct kco_space *space, uint64_t va, char *buf, size_t size,
			      struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	size_t used = 0;

	if (size == 0)
		return kco_fail(err, KCO_E_BUG, "no room for a string");
	while (used < size - 1) {
		// Up to the next border of 64: a string that ends before memory does must not fail.
		size_t part = 64 - (size_t)((va + used) & 63), done;

		if (part > size - 1 - used)
			part = size - 1 - used;
		status = kco_vread(mem, space, va + used, buf + used, part, &done, err);
		if (memchr(buf + used, '\0', done))
			return KCO_OK;
		used += done;
		if (status)
			break;
	}
	buf[used] = '\0';
	return status;
}
