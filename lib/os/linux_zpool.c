// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a compressed page that was found to its 4096 bytes.
 *
 *   struct linux_zpage -> allocator -> bytes -> decompressor -> page
 */
#include "linux_zpool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

/* zswap's header in front of the bytes, see linux_zswap.c. */
#define ZPOOL_HEADER 8

struct linux_zpools *linux_zpools_get(struct kco_session *s)
{
	struct linux_os *os = linux_of(s);

	if (os->zpools)
		return os->zpools;
	os->zpools = calloc(1, sizeof(*os->zpools));
	if (os->zpools) {
		os->zpools->codec = kco_codec_new();
		if (!os->zpools->codec)
			linux_zpools_fini(s);
	}
	return os->zpools;
}

void linux_zpools_fini(struct kco_session *s)
{
	struct linux_os *os = linux_of(s);

	if (!os->zpools)
		return;
	kco_codec_free(os->zpools->codec);
	free(os->zpools);
	os->zpools = NULL;
}

enum kco_status linux_zpool_types(struct kco_session *s, const char *type, const char *module, struct kco_types **ret,
				  struct kco_err *err)
{
	const struct kco_module *mods;
	uint64_t size;
	size_t n;
	enum kco_status st;

	*ret = s->types;
	if (!kco_types_sizeof(s->types, type, &size, NULL))
		return KCO_OK;
	st = kco_modules_get(s, &mods, &n, err);
	if (st)
		return st;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(mods[i].name, module)) {
			st = kco_module_types_get(s, i, ret, err);
			return st ? st : kco_types_sizeof(*ret, type, &size, err);
		}
	return kco_fail(err, KCO_E_NOTYPE, "no struct %s: neither the kernel has it nor a module %s", type, module);
}

bool linux_zpool_codec(const char *name, enum kco_codec_id *id, const char **ret)
{
	/* The names of the kernel's crypto, and since Linux 917a59e81c34 (v6.12) of zram's own backends. */
	static const struct {
		const char *name;
		enum kco_codec_id id;
	} codecs[] = {
		{ "lzo", KCO_CODEC_LZO },   { "lzo-rle", KCO_CODEC_LZO_RLE }, { "lz4", KCO_CODEC_LZ4 },
		{ "lz4hc", KCO_CODEC_LZ4 }, { "zstd", KCO_CODEC_ZSTD },	      { "deflate", KCO_CODEC_DEFLATE },
	};

	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++)
		if (!strcmp(codecs[i].name, name)) {
			*id = codecs[i].id;
			*ret = codecs[i].name;
			return true;
		}
	return false;
}

static enum kco_status zpool_object(struct kco_session *s, const struct linux_zpage *zp, size_t n, void *buf,
				    struct kco_err *err)
{
	if (!strcmp(zp->allocator, "zsmalloc"))
		return linux_zsmalloc_read(s, zp->pool, zp->handle, n, buf, err);
	if (!strcmp(zp->allocator, "zbud"))
		return linux_zbud_read(s, zp->handle, n, buf, err);
	if (!strcmp(zp->allocator, "z3fold"))
		return linux_z3fold_read(s, zp->handle, n, buf, err);
	return kco_fail(err, KCO_E_UNSUPPORTED, "its pool is of an unknown kind, '%s'", zp->allocator);
}

static enum kco_status zpool_bytes(struct kco_session *s, const struct linux_zpage *zp, void *buf, struct kco_err *err)
{
	struct linux_zpools *z = linux_zpools_get(s);
	uint8_t packed[ZPOOL_HEADER + LINUX_ZPAGE_SIZE];
	size_t before = zp->has_header ? ZPOOL_HEADER : 0;
	enum kco_codec_id id;
	const char *name;
	enum kco_status st;

	if (!z)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!zp->size || zp->size > LINUX_ZPAGE_SIZE)
		return kco_fail(err, KCO_E_CORRUPT, "%" PRIu32 " bytes cannot be a compressed page", zp->size);
	st = zpool_object(s, zp, before + zp->size, packed, err);
	if (st)
		return st;
	if (before && kco_le64(packed) != zp->header)
		return kco_fail(err, KCO_E_CORRUPT, "its bytes are those of swap entry %#" PRIx64, kco_le64(packed));
	if (zp->kind == LINUX_ZPAGE_PLAIN)
		return kco_codec_decompress(z->codec, KCO_CODEC_NONE, packed + before, zp->size, buf, LINUX_ZPAGE_SIZE,
					    err);
	if (!linux_zpool_codec(zp->codec, &id, &name))
		return kco_fail(err, KCO_E_UNSUPPORTED, "compressed by %s, which kcodbg does not read", zp->codec);
	return kco_codec_decompress(z->codec, id, packed + before, zp->size, buf, LINUX_ZPAGE_SIZE, err);
}

enum kco_status linux_zpage_read(struct kco_session *s, const struct linux_zpage *zp, void *buf, struct kco_err *err)
{
	enum kco_status st;

	if (zp->kind == LINUX_ZPAGE_SAME) {
		for (size_t i = 0; i < LINUX_ZPAGE_SIZE; i++)
			((uint8_t *)buf)[i] = (uint8_t)(zp->fill >> i % 8 * 8);
		return KCO_OK;
	}
	st = zpool_bytes(s, zp, buf, err);
	return st ? kco_context(err, st, "page %" PRIu64 " of %s", zp->index, zp->device) : KCO_OK;
}
