// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zswap: compressed pages in memory, in front of every swap area.
 *
 *   zswap_trees[type] -> tree of struct zswap_entry by offset      red-black, v3.11 to v6.8
 *                     -> array, a tree for each 2^14 pages         since Linux 44c7c734a513 (v6.9)
 *                        of xarrays                                since Linux 796c2c23e14e (v6.10)
 *   zswap_entry       -> pool: name of the compressor, zpool
 *                        length, handle; length 0: a word that fills the page (until v6.11)
 *
 * An entry in a pool that can evict has its swap entry in front of its bytes
 * (struct zswap_header; later kernels have none).
 *
 * Source: mm/zswap.c, mm/zpool.c.
 */
#include "linux_zpool.h"

#include <inttypes.h>
#include <string.h>

#include "linux_page.h"

#define ZSWAP_SPACE_SHIFT 14 /* SWAP_ADDRESS_SPACE_SHIFT */
#define ZSWAP_TYPE_SHIFT 58
#define ZSWAP_DEPTH_MAX 128 /* of a red-black tree with less than 2^64 entries */
#define ZSWAP_NAME_MAX 128
#define ZSWAP_GOLDEN UINT64_C(0x61c8864680b583eb) /* GOLDEN_RATIO_64 of include/linux/hash.h */

/* The offset that the entry at @entry is for: a member, or the low bits of its swap entry. */
static enum kco_status zswap_key(struct kco_session *s, uint64_t entry, uint64_t *ret, struct kco_err *err)
{
	struct kco_field f;
	enum kco_status st;

	// Kernels without this member keep the swap entry whole.
	if (!os_field(s, "zswap_entry", &f, err, "offset", NULL))
		return kco_kread_field(s, entry, &f, ret, err);
	st = os_field(s, "zswap_entry", &f, err, "swpentry.val", NULL);
	if (!st)
		st = kco_kread_field(s, entry, &f, ret, err);
	if (!st)
		*ret &= (UINT64_C(1) << ZSWAP_TYPE_SHIFT) - 1;
	return st;
}

static enum kco_status zswap_rb(struct kco_session *s, uint64_t tree, uint64_t offset, uint64_t *entry,
				struct kco_err *err)
{
	struct kco_field root, node, left, right;
	uint64_t at, key;
	enum kco_status st = os_field(s, "zswap_tree", &root, err, "rbroot.rb_node", NULL);

	if (!st)
		st = os_field(s, "zswap_entry", &node, err, "rbnode", NULL);
	if (!st)
		st = os_field(s, "rb_node", &left, err, "rb_left", NULL);
	if (!st)
		st = os_field(s, "rb_node", &right, err, "rb_right", NULL);
	if (!st)
		st = kco_kread_field(s, tree, &root, &at, err);
	for (unsigned depth = 0; !st && at; depth++) {
		if (depth == ZSWAP_DEPTH_MAX)
			return kco_fail(err, KCO_E_CORRUPT, "the tree does not end");
		st = zswap_key(s, at - node.offset, &key, err);
		if (st)
			return st;
		if (key == offset) {
			*entry = at - node.offset;
			return KCO_OK;
		}
		st = kco_kread_field(s, at, key > offset ? &left : &right, &at, err);
	}
	return st ? st : KCO_DONE;
}

static enum kco_status zswap_xarray(struct kco_session *s, uint64_t tree, uint64_t offset, uint64_t *entry,
				    struct kco_err *err)
{
	struct linux_pages *pages;
	struct linux_slot slot;
	struct kco_field head;
	uint64_t v, key;
	enum kco_status st = os_field(s, "xarray", &head, err, "xa_head", NULL);

	if (!st)
		st = linux_pages_get(s, &pages, err);
	if (!st)
		st = kco_kread_field(s, tree, &head, &v, err);
	if (!st)
		st = linux_tree_load(s, pages, v, offset, &slot, err);
	if (st)
		return st;
	if (slot.kind == LINUX_SLOT_EMPTY)
		return KCO_DONE;
	if (slot.kind != LINUX_SLOT_POINTER)
		return kco_fail(err, KCO_E_CORRUPT, "the tree has a number and no entry there");
	*entry = slot.v;
	st = zswap_key(s, slot.v, &key, err);
	if (!st && key != offset)
		st = kco_fail(err, KCO_E_CORRUPT, "the entry found says that it is for page %" PRIu64, key);
	return st;
}

/* The entry of page @offset of area @type; KCO_DONE: none. */
static enum kco_status zswap_entry(struct kco_session *s, unsigned type, uint64_t offset, uint64_t *entry,
				   struct kco_err *err)
{
	uint64_t trees, tree, nr_trees, nr, size, at = 0;
	bool rb;
	enum kco_status st;

	if (os_symbol(s, &trees, NULL, "zswap_trees", NULL) || type >= 32)
		return KCO_DONE;
	st = kco_kread_uint(s, trees + UINT64_C(8) * type, 8, &tree, err);
	if (st || !tree)
		return st ? st : KCO_DONE;
	rb = !kco_types_sizeof(s->types, "zswap_tree", &size, NULL);
	if (!rb)
		st = kco_types_sizeof(s->types, "xarray", &size, err);
	if (!st && !os_symbol(s, &nr_trees, NULL, "nr_zswap_trees", NULL)) {
		at = offset >> ZSWAP_SPACE_SHIFT;
		st = kco_kread_uint(s, nr_trees + UINT64_C(4) * type, 4, &nr, err);
		if (!st && at >= nr)
			st = kco_fail(err, KCO_E_CORRUPT,
				      "the area has %" PRIu64 " trees, this would be in number %" PRIu64, nr, at);
	}
	if (st)
		return st;
	tree += at * size;
	return rb ? zswap_rb(s, tree, offset, entry, err) : zswap_xarray(s, tree, offset, entry, err);
}

/* The allocator's kind, with static life. */
static const char *zswap_allocator(const char *name)
{
	static const char *const known[] = { "zsmalloc", "zbud", "z3fold" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i]))
			return known[i];
	return NULL;
}

/* The struct zpool of @pool that @entry is in; KCO_DONE: the pool is zsmalloc's, without one (since v6.18). */
static enum kco_status zswap_zpool(struct kco_session *s, uint64_t pool, uint64_t entry, uint64_t *ret,
				   struct kco_err *err)
{
	struct kco_type_info info;
	struct kco_type array;
	struct kco_field f;
	uint64_t i;
	enum kco_status st;

	if (!os_field(s, "zswap_pool", &f, NULL, "zs_pool", NULL)) {
		st = kco_kread_field(s, pool, &f, ret, err);
		return st ? st : KCO_DONE;
	}
	if (!os_field(s, "zswap_pool", &f, err, "zpool", NULL))
		return kco_kread_field(s, pool, &f, ret, err);
	// Before v6.11 and for some versions a pool had 32 of them, and an entry's address chose one.
	st = os_field(s, "zswap_pool", &f, NULL, "zpools", NULL);
	if (!st)
		st = kco_type_strip(f.type, &array, err);
	if (!st)
		st = kco_type_info(array, &info, err);
	if (st)
		return st;
	if (info.kind != KCO_TYPE_ARRAY || info.nr_elements < 2 || info.nr_elements & (info.nr_elements - 1))
		return kco_fail(err, KCO_E_NOTYPE, "zswap_pool.zpools is no array as expected");
	i = entry * ZSWAP_GOLDEN >> (64 - __builtin_ctzll(info.nr_elements));
	return kco_kread_uint(s, pool + f.offset + i * 8, 8, ret, err);
}

/* From struct zpool: the driver's name, its pool, and whether its objects have a header. */
static enum kco_status zswap_driver(struct kco_session *s, uint64_t zpool, struct linux_zpage *ret, struct kco_err *err)
{
	struct kco_field driver, type, pool, evictable;
	uint64_t at = 0, evicts = 0;
	char name[16];
	enum kco_status st = os_field(s, "zpool", &driver, err, "driver", NULL);

	if (!st)
		st = os_field(s, "zpool_driver", &type, err, "type", NULL);
	if (!st)
		st = os_field(s, "zpool", &pool, err, "pool", NULL);
	if (!st)
		st = kco_kread_field(s, zpool, &pool, &ret->pool, err);
	if (!st)
		st = kco_kread_field(s, zpool, &driver, &at, err);
	if (!st)
		st = kco_kread_field(s, at, &type, &at, err);
	if (!st)
		st = kco_vread_str(s->mem, &s->kernel, at, name, sizeof(name), err);
	// Later kernels have no such member, and their objects no header.
	if (!st && !os_field(s, "zpool", &evictable, NULL, "evictable", NULL))
		st = kco_kread_field(s, zpool, &evictable, &evicts, err);
	if (st)
		return st;
	ret->has_header = evicts != 0;
	ret->allocator = zswap_allocator(name);
	return ret->allocator ? KCO_OK
			      : kco_fail(err, KCO_E_UNSUPPORTED,
					 "its pool is of the kind '%s', which kcodbg does not read", name);
}

static enum kco_status zswap_pool(struct kco_session *s, uint64_t pool, uint64_t entry, struct linux_zpage *ret,
				  struct kco_err *err)
{
	struct kco_field tfm;
	enum kco_codec_id id;
	char name[ZSWAP_NAME_MAX];
	uint64_t zpool;
	enum kco_status st = os_field(s, "zswap_pool", &tfm, err, "tfm_name", NULL);

	if (!st)
		st = kco_vread_str(s->mem, &s->kernel, pool + tfm.offset, name, sizeof(name), err);
	if (st)
		return st;
	if (ret->kind == LINUX_ZPAGE_CODEC && !linux_zpool_codec(name, &id, &ret->codec))
		return kco_fail(err, KCO_E_UNSUPPORTED, "it was compressed by '%s', which kcodbg does not read", name);
	st = zswap_zpool(s, pool, entry, &zpool, err);
	if (st == KCO_DONE) {
		ret->allocator = "zsmalloc";
		ret->pool = zpool;
		return KCO_OK;
	}
	return st ? st : zswap_driver(s, zpool, ret, err);
}

static enum kco_status zswap_fill(struct kco_session *s, uint64_t entry, struct linux_zpage *ret, struct kco_err *err)
{
	struct kco_field length, handle, pool, value;
	uint64_t n, at;
	enum kco_status st = os_field(s, "zswap_entry", &length, err, "length", NULL);

	if (!st)
		st = os_field(s, "zswap_entry", &handle, err, "handle", NULL);
	if (!st)
		st = os_field(s, "zswap_entry", &pool, err, "pool", NULL);
	if (!st)
		st = kco_kread_field(s, entry, &length, &n, err);
	if (!st)
		st = kco_kread_field(s, entry, &handle, &ret->handle, err);
	if (!st)
		st = kco_kread_field(s, entry, &pool, &at, err);
	if (st)
		return st;
	// Since Linux 20a5532ffa53 (v6.12) such pages do not come here.
	if (!n && !os_field(s, "zswap_entry", &value, NULL, "value", NULL)) {
		ret->kind = LINUX_ZPAGE_SAME;
		ret->codec = "same-filled";
		return kco_kread_field(s, entry, &value, &ret->fill, err);
	}
	if (!n || n > LINUX_ZPAGE_SIZE)
		return kco_fail(err, KCO_E_CORRUPT, "%" PRIu64 " bytes cannot be a compressed page", n);
	ret->size = (uint32_t)n;
	ret->kind = n == LINUX_ZPAGE_SIZE ? LINUX_ZPAGE_PLAIN : LINUX_ZPAGE_CODEC;
	ret->codec = "huge";
	return zswap_pool(s, at, entry, ret, err);
}

enum kco_status linux_zswap_find(struct kco_session *s, unsigned type, uint64_t offset, struct linux_zpage *ret,
				 struct kco_err *err)
{
	uint64_t entry = 0;
	enum kco_status st = zswap_entry(s, type, offset, &entry, err);

	if (st == KCO_DONE)
		return st;
	*ret = (struct linux_zpage){ .device = "zswap",
				     .index = offset,
				     .header = (uint64_t)type << ZSWAP_TYPE_SHIFT | offset };
	if (!st)
		st = zswap_fill(s, entry, ret, err);
	return st ? kco_context(err, st, "page %" PRIu64 " of swap area %u in zswap", offset, type) : KCO_OK;
}
