// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zsmalloc: objects of 32 to 4096 bytes, packed into groups of pages.
 *
 *   handle -> a number: pfn | index | tag
 *               |       `-> which object of its zspage
 *               `-> struct page -> struct zspage: magic, class, first page
 *                                     `-> zs_pool.size_class[class]: size of an object
 *
 *   zspage   [page  |o1   o2  |] -> [|o2  o3   o4|] -> ...    chained through the pages' structures
 *   object   [handle | 1][bytes ...]
 *
 * The object begins with its own handle, but one that fills its page has it in
 * the page's structure. How wide pfn and tag are was never told to anybody
 * outside mm/zsmalloc.c: they are what makes that handle the one that was
 * looked up. This proves all the rest as well.
 *
 * Source: mm/zsmalloc.c.
 */
#include "linux_zpool.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#include "linux_page.h"

#define ZSMALLOC_MAGIC 0x58  /* ZSPAGE_MAGIC */
#define ZSMALLOC_ALLOCATED 1 /* OBJ_ALLOCATED_TAG */
#define ZSMALLOC_HANDLE 8
#define ZSMALLOC_PAGES_MAX 16 /* CONFIG_ZSMALLOC_CHAIN_SIZE goes from 4 to 16 */

/* An object that was found. */
struct zsmalloc_object {
	uint64_t page;	 /* its struct page */
	uint32_t offset; /* of its begin in that page */
	uint32_t size;	 /* all of it */
	bool huge;
};

/* zs_pool.size_class: how many there are. */
static enum kco_status zsmalloc_classes(struct kco_types *types, struct linux_zsmalloc *z, struct kco_err *err)
{
	struct kco_type_info info;
	struct kco_type type;
	enum kco_status st = kco_types_field(types, "zs_pool", "size_class", &z->classes, err);

	if (!st)
		st = kco_type_strip(z->classes.type, &type, err);
	if (!st)
		st = kco_type_info(type, &info, err);
	if (!st && (info.kind != KCO_TYPE_ARRAY || !info.nr_elements))
		st = kco_fail(err, KCO_E_NOTYPE, "zs_pool.size_class is no array");
	if (!st)
		z->nr_classes = info.nr_elements;
	return st;
}

static enum kco_status zsmalloc_page(struct kco_types *types, struct linux_zsmalloc *z, struct kco_err *err)
{
	/* Since Linux v6.14 a page of zsmalloc is a struct zpdesc, laid over struct page. */
	if (!kco_types_field(types, "zpdesc", "next", &z->next, NULL) &&
	    !kco_types_field(types, "zpdesc", "zspage", &z->zspage, NULL))
		return KCO_OK;
	enum kco_status st = kco_types_field(types, "page", "index", &z->next, err);

	return st ? st : kco_types_field(types, "page", "private", &z->zspage, err);
}

static enum kco_status zsmalloc_init(struct kco_session *s, struct linux_zsmalloc *z, struct kco_err *err)
{
	struct linux_pages *pages;
	struct kco_types *types;
	enum kco_status st = linux_pages_get(s, &pages, err);

	if (!st)
		st = linux_zpool_types(s, "zspage", "zsmalloc", &types, err);
	if (st)
		return st;
	z->vmemmap = pages->vmemmap;
	z->struct_page = pages->struct_page;
	st = zsmalloc_page(types, z, err);
	if (!st)
		st = zsmalloc_classes(types, z, err);
	if (!st)
		st = kco_types_field(types, "zspage", "class", &z->class, err);
	if (!st)
		st = kco_types_field(types, "zspage", "magic", &z->magic, err);
	if (!st && kco_types_field(types, "zspage", "first_zpdesc", &z->first, NULL))
		st = kco_types_field(types, "zspage", "first_page", &z->first, err);
	if (!st)
		st = kco_types_field(types, "size_class", "size", &z->size, err);
	if (!st)
		st = kco_types_field(types, "size_class", "objs_per_zspage", &z->objs, err);
	if (!st)
		st = kco_types_field(types, "size_class", "pages_per_zspage", &z->pages, err);
	/* Since Linux a41ec880aa7b (v5.17); before, only the class tells. */
	if (!st && kco_types_field(types, "zspage", "huge", &z->huge, NULL))
		z->huge.size = 0;
	/* Since Linux 68f2736a8583 (v6.0). */
	if (!st && kco_types_field(types, "zspage", "pool", &z->pool, NULL))
		z->pool.size = 0;
	if (!st && kco_types_field(types, "zs_pool", "pages_allocated.counter", &z->held, NULL))
		z->held.size = 0;
	return st ? kco_context(err, st, "zsmalloc") : KCO_OK;
}

static enum kco_status zsmalloc_lazy(struct kco_session *s, struct linux_zsmalloc *z, struct kco_err *err)
{
	KCO_LAZY(z->lazy, zsmalloc_init(s, z, &z->lazy.err), err);
}

static enum kco_status zsmalloc_get(struct kco_session *s, struct linux_zsmalloc **ret, struct kco_err *err)
{
	struct linux_zpools *zpools = linux_zpools_get(s);

	if (!zpools)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	*ret = &zpools->zsmalloc;
	return zsmalloc_lazy(s, *ret, err);
}

static enum kco_status zsmalloc_page_read(struct kco_session *s, uint64_t page, uint32_t offset, void *buf, size_t n,
					  struct kco_err *err)
{
	struct kco_paddr pa;
	enum kco_status st = linux_page_pa(s, page, &pa, err);

	return st ? st : kco_reader_read(kco_mem_reader(s->mem), KCO_PHYS, pa.v + offset, buf, n, NULL, err);
}

/* The class of @zspage: how large its objects are, how many there are in how many pages. */
static enum kco_status zsmalloc_class(struct kco_session *s, const struct linux_zsmalloc *z, uint64_t pool,
				      uint64_t zspage, uint64_t *size, uint64_t *objs, uint64_t *pages,
				      struct kco_err *err)
{
	uint64_t magic, index, class, owner = pool;
	enum kco_status st = kco_kread_field(s, zspage, &z->magic, &magic, err);

	if (!st && magic != ZSMALLOC_MAGIC)
		return kco_fail(err, KCO_E_CORRUPT, "what should be a zspage at %#" PRIx64 " has no magic", zspage);
	if (!st && z->pool.size)
		st = kco_kread_field(s, zspage, &z->pool, &owner, err);
	if (!st && owner != pool)
		return kco_fail(err, KCO_E_CORRUPT, "the zspage at %#" PRIx64 " is of another pool", zspage);
	if (!st)
		st = kco_kread_field(s, zspage, &z->class, &index, err);
	if (!st && index >= z->nr_classes)
		return kco_fail(err, KCO_E_CORRUPT, "the zspage at %#" PRIx64 " is of class %" PRIu64 " of %" PRIu64,
				zspage, index, z->nr_classes);
	if (!st)
		st = kco_kread_uint(s, pool + z->classes.offset + index * 8, 8, &class, err);
	if (!st)
		st = kco_kread_field(s, class, &z->size, size, err);
	if (!st)
		st = kco_kread_field(s, class, &z->objs, objs, err);
	if (!st)
		st = kco_kread_field(s, class, &z->pages, pages, err);
	if (!st && (*size <= ZSMALLOC_HANDLE || *size > LINUX_ZPAGE_SIZE || *size % 8 || !*pages ||
		    *pages > ZSMALLOC_PAGES_MAX || !*objs || *objs > *pages * LINUX_ZPAGE_SIZE / *size))
		return kco_fail(err, KCO_E_CORRUPT,
				"class %" PRIu64 " has %" PRIu64 " objects of %" PRIu64 " bytes in %" PRIu64 " pages",
				index, *objs, *size, *pages);
	return st;
}

/* The object's page must be where the chain of its zspage has it. */
static enum kco_status zsmalloc_chain(struct kco_session *s, const struct linux_zsmalloc *z, uint64_t zspage,
				      uint64_t steps, uint64_t page, struct kco_err *err)
{
	uint64_t at;
	enum kco_status st = kco_kread_field(s, zspage, &z->first, &at, err);

	// No more steps than a zspage has pages: a circle ends here, too.
	for (; !st && steps; steps--)
		st = kco_kread_field(s, at, &z->next, &at, err);
	if (!st && at != page)
		st = kco_fail(err, KCO_E_CORRUPT,
			      "the pages of the zspage at %#" PRIx64 " are not chained as they must be", zspage);
	return st;
}

/* Look at the place that @packed is when read with @pfn_shift and @tag_bits. */
static enum kco_status zsmalloc_try(struct kco_session *s, const struct linux_zsmalloc *z, uint64_t pool,
				    uint64_t handle, uint64_t packed, struct zsmalloc_object *ret, struct kco_err *err)
{
	uint64_t pfn = packed >> z->pfn_shift, index = (packed & ((UINT64_C(1) << z->pfn_shift) - 1)) >> z->tag_bits;
	uint64_t zspage, size, objs, pages, huge, head;
	uint8_t bytes[ZSMALLOC_HANDLE];
	enum kco_status st;

	ret->page = z->vmemmap + pfn * z->struct_page;
	st = kco_kread_field(s, ret->page, &z->zspage, &zspage, err);
	if (!st)
		st = zsmalloc_class(s, z, pool, zspage, &size, &objs, &pages, err);
	if (st)
		return st;
	if (index >= objs)
		return kco_fail(err, KCO_E_CORRUPT, "object %" PRIu64 " of a zspage of %" PRIu64, index, objs);
	st = zsmalloc_chain(s, z, zspage, index * size / LINUX_ZPAGE_SIZE, ret->page, err);
	huge = pages == 1 && objs == 1;
	if (!st && z->huge.size)
		st = kco_kread_field(s, zspage, &z->huge, &huge, err);
	if (st)
		return st;
	ret->size = (uint32_t)size;
	ret->offset = (uint32_t)(index * size % LINUX_ZPAGE_SIZE);
	ret->huge = huge != 0;
	if (ret->huge) {
		st = kco_kread_field(s, ret->page, &z->next, &head, err);
	} else {
		st = zsmalloc_page_read(s, ret->page, ret->offset, bytes, sizeof(bytes), err);
		head = st ? 0 : kco_le64(bytes);
	}
	if (!st && head != (handle | ZSMALLOC_ALLOCATED))
		st = kco_fail(err, KCO_E_CORRUPT, "the object says that its handle is %#" PRIx64, head);
	return st;
}

/*
 * Find the object. How places are packed is found by trying, and proved by the object's own handle. What fitted the
 * last one is tried first: objects with the number 0 fit with any number of tag bits, so that it may be wrong.
 */
static enum kco_status zsmalloc_find(struct kco_session *s, struct linux_zsmalloc *z, uint64_t pool, uint64_t handle,
				     struct zsmalloc_object *ret, struct kco_err *err)
{
	/*
	 * 64 - (MAX_POSSIBLE_PHYSMEM_BITS - PAGE_SHIFT): 52 with CONFIG_X86_5LEVEL, else 46. OBJ_TAG_BITS was 1,
	 * 2 for a while, and may be none.
	 */
	static const uint8_t shifts[] = { 24, 30 }, tags[] = { 1, 2, 0 };
	struct kco_err first = KCO_ERR_INIT;
	uint64_t packed;
	enum kco_status st = kco_kread_uint(s, handle, 8, &packed, err);

	if (st)
		return st;
	if (z->packed && !zsmalloc_try(s, z, pool, handle, packed, ret, &first))
		return KCO_OK;
	for (size_t i = 0; i < sizeof(shifts); i++)
		for (size_t k = 0; k < sizeof(tags); k++) {
			z->pfn_shift = shifts[i];
			z->tag_bits = tags[k];
			if (!zsmalloc_try(s, z, pool, handle, packed, ret, first.code ? NULL : &first)) {
				z->packed = true;
				return KCO_OK;
			}
		}
	if (err)
		*err = first;
	return first.code;
}

/* @n bytes from @skip on of the object, which may go on in the next page. */
static enum kco_status zsmalloc_bytes(struct kco_session *s, const struct linux_zsmalloc *z,
				      const struct zsmalloc_object *o, uint32_t skip, size_t n, uint8_t *buf,
				      struct kco_err *err)
{
	uint64_t page = o->page;
	uint32_t at = o->offset + skip;
	size_t here;
	enum kco_status st = KCO_OK;

	if (at < LINUX_ZPAGE_SIZE) {
		here = LINUX_ZPAGE_SIZE - at < n ? LINUX_ZPAGE_SIZE - at : n;
		st = zsmalloc_page_read(s, page, at, buf, here, err);
		buf += here;
		n -= here;
		at = LINUX_ZPAGE_SIZE;
	}
	if (st || !n)
		return st;
	st = kco_kread_field(s, page, &z->next, &page, err);
	if (!st)
		st = zsmalloc_page_read(s, page, at - LINUX_ZPAGE_SIZE, buf, n, err);
	return st;
}

enum kco_status linux_zsmalloc_read(struct kco_session *s, uint64_t pool, uint64_t handle, size_t n, void *buf,
				    struct kco_err *err)
{
	struct linux_zsmalloc *z;
	struct zsmalloc_object o;
	uint32_t skip;
	enum kco_status st = zsmalloc_get(s, &z, err);

	if (!st)
		st = zsmalloc_find(s, z, pool, handle, &o, err);
	if (st)
		return kco_context(err, st, "zsmalloc object %#" PRIx64, handle);
	skip = o.huge ? 0 : ZSMALLOC_HANDLE;
	if (n > o.size - skip)
		return kco_fail(err, KCO_E_CORRUPT, "zsmalloc object %#" PRIx64 " has room for %u bytes, not for %zu",
				handle, o.size - skip, n);
	st = zsmalloc_bytes(s, z, &o, skip, n, buf, err);
	return st ? kco_context(err, st, "zsmalloc object %#" PRIx64, handle) : KCO_OK;
}

enum kco_status linux_zsmalloc_held(struct kco_session *s, uint64_t pool, uint64_t *ret, struct kco_err *err)
{
	struct linux_zsmalloc *z;
	enum kco_status st = zsmalloc_get(s, &z, err);

	if (st)
		return st;
	if (!z->held.size)
		return kco_fail(err, KCO_E_NOTYPE, "struct zs_pool has no pages_allocated");
	return kco_kread_field(s, pool, &z->held, ret, err);
}
