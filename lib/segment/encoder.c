// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page compression: the libraries' contexts, made once.
 */
#include <kco/codec.h>

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct kco_encoder {
	enum kco_codec_id id;
	int level;
	ZSTD_CCtx *zstd;
	z_stream zlib;
	bool has_zlib;
	void *lzo;	  /* its work memory */
	uint8_t *scratch; /* for codecs that want room for the worst case */
	size_t room;
};

static enum kco_status encoder_init(struct kco_encoder *e, struct kco_err *err)
{
	switch (e->id) {
	case KCO_CODEC_ZSTD:
		e->zstd = ZSTD_createCCtx();
		return e->zstd ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
	case KCO_CODEC_ZLIB:
		e->has_zlib = deflateInit(&e->zlib, e->level ? e->level : 1) == Z_OK;
		return e->has_zlib ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
	case KCO_CODEC_LZO:
		e->lzo = lzo_init() == LZO_E_OK ? malloc(LZO1X_1_MEM_COMPRESS) : NULL;
		return e->lzo ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
	case KCO_CODEC_SNAPPY:
		return KCO_OK;
	default:
		return kco_fail(err, KCO_E_UNSUPPORTED, "nothing is compressed with %s here", kco_codec_name(e->id));
	}
}

enum kco_status kco_encoder_new(enum kco_codec_id id, int level, struct kco_encoder **ret, struct kco_err *err)
{
	struct kco_encoder *e = calloc(1, sizeof(*e));
	enum kco_status status;

	if (!e)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	e->id = id;
	e->level = level;
	status = encoder_init(e, err);
	if (status != KCO_OK) {
		kco_encoder_free(e);
		return status;
	}
	*ret = e;
	return KCO_OK;
}

void kco_encoder_free(struct kco_encoder *e)
{
	if (!e)
		return;
	ZSTD_freeCCtx(e->zstd);
	if (e->has_zlib)
		deflateEnd(&e->zlib);
	free(e->lzo);
	free(e->scratch);
	free(e);
}

/* Room for the worst case, for codecs that do not look where the room ends. */
static uint8_t *encoder_scratch(struct kco_encoder *e, size_t room)
{
	if (e->room < room) {
		free(e->scratch);
		e->scratch = malloc(room);
		e->room = e->scratch ? room : 0;
	}
	return e->scratch;
}

static enum kco_status encoder_zlib(struct kco_encoder *e, const void *src, size_t n, void *dst, size_t room,
				    size_t *size, struct kco_err *err)
{
	int r;

	if (deflateReset(&e->zlib) != Z_OK)
		return kco_fail(err, KCO_E_BUG, "zlib: %s", e->zlib.msg ? e->zlib.msg : "reset");
	e->zlib.next_in = (Bytef *)(uintptr_t)src;
	e->zlib.avail_in = (uInt)n;
	e->zlib.next_out = dst;
	e->zlib.avail_out = (uInt)room;
	r = deflate(&e->zlib, Z_FINISH);
	*size = r == Z_STREAM_END ? room - e->zlib.avail_out : 0;
	return KCO_OK;
}

/* By a codec that writes to room for the worst case. */
static enum kco_status encoder_by_scratch(struct kco_encoder *e, const void *src, size_t n, void *dst, size_t room,
					  size_t *size, struct kco_err *err)
{
	size_t most = e->id == KCO_CODEC_LZO ? n + n / 16 + 64 + 3 : snappy_max_compressed_length(n), got = most;
	uint8_t *to = encoder_scratch(e, most);
	lzo_uint lzo_size = most;
	bool ok;

	if (!to)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (e->id == KCO_CODEC_LZO) {
		ok = lzo1x_1_compress(src, n, to, &lzo_size, e->lzo) == LZO_E_OK;
		got = lzo_size;
	} else {
		ok = snappy_compress(src, n, (char *)to, &got) == SNAPPY_OK;
	}
	if (!ok)
		return kco_fail(err, KCO_E_BUG, "%s cannot compress", kco_codec_name(e->id));
	*size = got <= room ? got : 0;
	memcpy(dst, to, *size);
	return KCO_OK;
}

enum kco_status kco_encoder_compress(struct kco_encoder *e, const void *src, size_t n, void *dst, size_t room,
				     size_t *size, struct kco_err *err)
{
	size_t r;

	*size = 0;
	switch (e->id) {
	case KCO_CODEC_ZSTD:
		r = ZSTD_compressCCtx(e->zstd, dst, room, src, n, e->level ? e->level : 1);
		*size = ZSTD_isError(r) ? 0 : r; // the only error left is that it does not fit
		return KCO_OK;
	case KCO_CODEC_ZLIB:
		return encoder_zlib(e, src, n, dst, room, size, err);
	default:
		return encoder_by_scratch(e, src, n, dst, room, size, err);
	}
}
