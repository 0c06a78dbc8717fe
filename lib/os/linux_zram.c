// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zram: a block device whose pages are compressed in memory.
 *
 *   block_device -> gendisk -> private_data: struct zram
 *     table[page]: handle | word that fills the page
 *                  flags << N | size of what is stored      N: the lowest of enum zram_pageflags
 *
 * zram is a module as a rule, and its types are then its own. It gives a page
 * to one of up to four compressors ("priorities"): the first, or one that
 * tried again later (since v6.2).
 *
 * Source: drivers/block/zram/zram_drv.[ch].
 */
#include "linux_zpool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ZRAM_COMPS_MAX 4
#define ZRAM_SECTORS 8	  /* of a page */
#define ZRAM_NAME_MAX 128 /* CRYPTO_MAX_ALG_NAME */

/* What the disk of a bdev turned out to be. Kept, for all pages of the device. */
struct linux_zram_device {
	struct linux_zram_device *next;
	uint64_t bdev;
	bool is_zram;
	uint64_t first; /* of its pages, on the disk: partitions begin later */
	struct kco_lazy lazy;
	struct kco_types *types;
	const char *name; /* "zram0" */
	uint64_t disk, zram, table, pool, disksize;
	uint64_t entry_size;
	struct kco_field handle, flags;
	unsigned flag_shift;
	int64_t same, wb, priority; /* bits; -1: there is none */
	const char *codecs[ZRAM_COMPS_MAX];
	bool dict[ZRAM_COMPS_MAX]; /* its pages cannot be read without one */
	unsigned nr_codecs;
};

/* The lowest of enum zram_pageflags is the first bit that is no size. */
static enum kco_status zram_flags(struct linux_zram_device *d, struct kco_err *err)
{
	struct kco_type type;
	struct kco_type_info info;
	int64_t lowest = 64, value;
	enum kco_status st = kco_types_find(d->types, KCO_TYPE_ENUM, "zram_pageflags", &type, err);

	if (!st)
		st = kco_type_info(type, &info, err);
	for (uint32_t i = 0; !st && i < info.nr_members; i++) {
		const char *name;

		st = kco_type_enumerator(type, i, &name, &value, err);
		if (!st && value < lowest)
			lowest = value;
	}
	if (st)
		return st;
	if (lowest < 12 || lowest > 31)
		return kco_fail(err, KCO_E_NOTYPE, "enum zram_pageflags begins at %" PRId64, lowest);
	d->flag_shift = (unsigned)lowest;
	if (kco_types_enumerator(d->types, "ZRAM_SAME", &d->same, err))
		return KCO_E_NOTYPE;
	if (kco_types_enumerator(d->types, "ZRAM_WB", &d->wb, NULL))
		d->wb = -1;
	if (kco_types_enumerator(d->types, "ZRAM_COMP_PRIORITY_BIT1", &d->priority, NULL))
		d->priority = -1;
	return KCO_OK;
}

/* Field @path of the device's struct zram. */
static enum kco_status zram_read(struct kco_session *s, const struct linux_zram_device *d, const char *path,
				 uint64_t *ret, struct kco_err *err)
{
	struct kco_field f;
	enum kco_status st = kco_types_field(d->types, "zram", path, &f, err);

	return st ? st : kco_kread_field(s, d->zram, &f, ret, err);
}

/* The compressors: an array of names, or (before v6.2) one name. */
static enum kco_status zram_codecs(struct kco_session *s, struct linux_zram_device *d, struct kco_err *err)
{
	char path[40], name[ZRAM_NAME_MAX];
	struct kco_field f;
	uint64_t at, dict;
	enum kco_status st;

	for (unsigned i = 0; i < ZRAM_COMPS_MAX; i++) {
		snprintf(path, sizeof(path), "comp_algs[%u]", i);
		if (zram_read(s, d, path, &at, NULL))
			break;
		d->nr_codecs = i + 1;
		// Since v6.12 a compressor may be given a dictionary.
		snprintf(path, sizeof(path), "params[%u].dict_sz", i);
		d->dict[i] = !zram_read(s, d, path, &dict, NULL) && dict;
		if (!at)
			continue;
		st = kco_vread_str(s->mem, &s->kernel, at, name, sizeof(name), err);
		if (st)
			return kco_context(err, st, "the name of its compressor");
		d->codecs[i] = kco_session_text(s, "%s", name);
	}
	if (d->nr_codecs)
		return KCO_OK;
	st = kco_types_field(d->types, "zram", "compressor", &f, err);
	if (!st)
		st = kco_vread_str(s->mem, &s->kernel, d->zram + f.offset, name, sizeof(name), err);
	if (st)
		return kco_context(err, st, "the name of its compressor");
	d->codecs[0] = kco_session_text(s, "%s", name);
	d->nr_codecs = 1;
	return KCO_OK;
}

static enum kco_status zram_table(struct linux_zram_device *d, struct kco_err *err)
{
	enum kco_status st = kco_types_sizeof(d->types, "zram_table_entry", &d->entry_size, err);

	if (!st)
		st = kco_types_field(d->types, "zram_table_entry", "handle", &d->handle, err);
	// The word was "value" once; where the slot's lock is apart, it is in "attr".
	if (!st && kco_types_field(d->types, "zram_table_entry", "flags", &d->flags, err) &&
	    kco_types_field(d->types, "zram_table_entry", "value", &d->flags, NULL) &&
	    kco_types_field(d->types, "zram_table_entry", "attr.flags", &d->flags, NULL))
		return KCO_E_NOTYPE;
	return st ? st : zram_flags(d, err);
}

static enum kco_status zram_open(struct kco_session *s, struct linux_zram_device *d, struct kco_err *err)
{
	struct kco_field private_data;
	uint64_t disk;
	enum kco_status st = os_field(s, "gendisk", &private_data, err, "private_data", NULL);

	if (!st)
		st = kco_kread_field(s, d->disk, &private_data, &d->zram, err);
	if (!st)
		st = linux_zpool_types(s, "zram", "zram", &d->types, err);
	if (!st)
		st = zram_read(s, d, "disk", &disk, err);
	if (!st && disk != d->disk)
		st = kco_fail(err, KCO_E_CORRUPT, "its disk is %#" PRIx64 ", but that of its private data %#" PRIx64,
			      d->disk, disk);
	if (!st)
		st = zram_table(d, err);
	if (!st)
		st = zram_read(s, d, "table", &d->table, err);
	if (!st)
		st = zram_read(s, d, "mem_pool", &d->pool, err);
	if (!st)
		st = zram_read(s, d, "disksize", &d->disksize, err);
	if (!st)
		st = zram_codecs(s, d, err);
	return st ? kco_context(err, st, "%s", d->name) : KCO_OK;
}

static enum kco_status zram_lazy(struct kco_session *s, struct linux_zram_device *d, struct kco_err *err)
{
	KCO_LAZY(d->lazy, zram_open(s, d, &d->lazy.err), err);
}

/* Its name says what it is; that it is what it says is proved by zram_open(). */
static enum kco_status zram_disk(struct kco_session *s, struct linux_zram_device *d, struct kco_err *err)
{
	struct kco_field disk, disk_name, start;
	uint64_t sector = 0;
	char name[33];
	enum kco_status st = os_field(s, "block_device", &disk, err, "bd_disk", NULL);

	if (!st)
		st = os_field(s, "gendisk", &disk_name, err, "disk_name", NULL);
	if (!st)
		st = kco_kread_field(s, d->bdev, &disk, &d->disk, err);
	if (!st)
		st = kco_vread_str(s->mem, &s->kernel, d->disk + disk_name.offset, name, sizeof(name), err);
	if (st)
		return kco_context(err, st, "block device %#" PRIx64, d->bdev);
	d->is_zram = !strncmp(name, "zram", 4) && name[4] >= '0' && name[4] <= '9';
	// Before v5.11 it was in bd_part: partitions of a zram device are not known there.
	if (d->is_zram && !os_field(s, "block_device", &start, NULL, "bd_start_sect", NULL))
		st = kco_kread_field(s, d->bdev, &start, &sector, err);
	if (st)
		return kco_context(err, st, "block device %#" PRIx64, d->bdev);
	d->first = sector / ZRAM_SECTORS;
	if (d->is_zram)
		d->name = kco_session_text(s, "%s", name);
	return KCO_OK;
}

/* KCO_DONE: no zram device. */
static enum kco_status zram_get(struct kco_session *s, uint64_t bdev, struct linux_zram_device **ret,
				struct kco_err *err)
{
	struct linux_zpools *z = linux_zpools_get(s);
	struct linux_zram_device *d = z ? z->devices : NULL;
	enum kco_status st;

	while (d && d->bdev != bdev)
		d = d->next;
	if (!d) {
		d = z ? kco_arena_alloc(&s->arena, sizeof(*d)) : NULL;
		if (!d)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		*d = (struct linux_zram_device){ .bdev = bdev };
		st = zram_disk(s, d, err);
		if (st)
			return st;
		d->next = z->devices;
		z->devices = d;
	}
	*ret = d;
	return d->is_zram ? zram_lazy(s, d, err) : KCO_DONE;
}

/* Which compressor page @flags is of. */
static enum kco_status zram_compressor(const struct linux_zram_device *d, uint64_t flags, struct linux_zpage *zp,
				       struct kco_err *err)
{
	unsigned i = d->priority < 0 ? 0 : flags >> d->priority & 3;
	enum kco_codec_id id;
	const char *name;

	if (i >= d->nr_codecs || !d->codecs[i])
		return kco_fail(err, KCO_E_CORRUPT, "it was compressed by number %u of %u compressors", i,
				d->nr_codecs);
	if (!linux_zpool_codec(d->codecs[i], &id, &name))
		return kco_fail(err, KCO_E_UNSUPPORTED, "it was compressed by '%s', which kcodbg does not read",
				d->codecs[i]);
	if (d->dict[i])
		return kco_fail(err, KCO_E_UNSUPPORTED, "it was compressed by %s with a dictionary", name);
	zp->codec = name;
	return KCO_OK;
}

static enum kco_status zram_slot(const struct linux_zram_device *d, uint64_t handle, uint64_t flags,
				 struct linux_zpage *zp, struct kco_err *err)
{
	uint64_t size = flags & ((UINT64_C(1) << d->flag_shift) - 1);

	if (d->wb >= 0 && flags >> d->wb & 1)
		return kco_fail(err, KCO_E_SWAPPED,
				"it was written back to the device's backing store, which is not in "
				"the dump");
	if (flags >> d->same & 1) {
		zp->kind = LINUX_ZPAGE_SAME;
		zp->codec = "same-filled";
		zp->fill = handle;
		return KCO_OK;
	}
	if (!handle)
		return kco_fail(err, KCO_E_UNMAPPED, "nothing is stored there");
	if (!size || size > LINUX_ZPAGE_SIZE)
		return kco_fail(err, KCO_E_CORRUPT, "%" PRIu64 " bytes cannot be a compressed page", size);
	zp->size = (uint32_t)size;
	zp->handle = handle;
	if (size == LINUX_ZPAGE_SIZE) {
		zp->kind = LINUX_ZPAGE_PLAIN;
		zp->codec = "huge";
		return KCO_OK;
	}
	zp->kind = LINUX_ZPAGE_CODEC;
	return zram_compressor(d, flags, zp, err);
}

enum kco_status linux_zram_find(struct kco_session *s, uint64_t bdev, uint64_t offset, struct linux_zpage *ret,
				struct kco_err *err)
{
	struct linux_zram_device *d;
	uint64_t handle = 0, flags = 0, at;
	enum kco_status st = zram_get(s, bdev, &d, err);

	if (st)
		return st;
	offset = offset <= UINT64_MAX - d->first ? offset + d->first : UINT64_MAX;
	if (offset >= d->disksize / LINUX_ZPAGE_SIZE)
		return kco_fail(err, KCO_E_RANGE, "page %" PRIu64 " of %s: it has %" PRIu64, offset, d->name,
				d->disksize / LINUX_ZPAGE_SIZE);
	if (__builtin_mul_overflow(offset, d->entry_size, &at) || __builtin_add_overflow(at, d->table, &at))
		return kco_fail(err, KCO_E_CORRUPT, "page %" PRIu64 " of %s: its table cannot be so long", offset,
				d->name);
	*ret = (struct linux_zpage){ .device = d->name, .index = offset, .pool = d->pool, .allocator = "zsmalloc" };
	st = kco_kread_field(s, at, &d->handle, &handle, err);
	if (!st)
		st = kco_kread_field(s, at, &d->flags, &flags, err);
	if (!st)
		st = zram_slot(d, handle, flags, ret, err);
	return st ? kco_context(err, st, "page %" PRIu64 " of %s", offset, d->name) : KCO_OK;
}

enum kco_status linux_zram_info(struct kco_session *s, uint64_t bdev, struct linux_zram_info *ret, struct kco_err *err)
{
	struct linux_zram_device *d;
	enum kco_status st = zram_get(s, bdev, &d, err);

	if (st)
		return st;
	*ret = (struct linux_zram_info){ .name = d->name, .codec = d->codecs[0], .disksize = d->disksize };
	st = zram_read(s, d, "stats.pages_stored.counter", &ret->pages, err);
	if (!st)
		st = zram_read(s, d, "stats.compr_data_size.counter", &ret->compressed, err);
	if (!st)
		st = zram_read(s, d, "stats.same_pages.counter", &ret->same, err);
	if (!st)
		st = zram_read(s, d, "stats.huge_pages.counter", &ret->huge, err);
	if (!st)
		st = linux_zsmalloc_held(s, d->pool, &ret->pool_pages, err);
	return st ? kco_context(err, st, "%s", d->name) : KCO_OK;
}
