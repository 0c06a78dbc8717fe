// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page decompression over zlib, lzo, snappy, zstd and lz4, and a decoder of our own
 * for lzo-rle, which liblzo2 does not read.
 *
 * A dump's pages are hostile: each library is called in the variant that
 * knows the capacity of the output, and a page that does not fill its output
 * exactly is corrupt. Snappy has no capacity check of its own in the C
 * interface beyond the caller's honesty, so the length that the stream
 * declares is compared first.
 */
#include <kco/codec.h>

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#define ZLIB_CONST /* next_in is a pointer to const */
#include <zlib.h>
#include <zstd.h>

#include "lzorle.h"

/* 128 KiB: twice the largest page. Bounds what a crafted zstd frame may ask for. */
#define CODEC_ZSTD_WINDOW_LOG 17

/* How much is read ahead of pages that are read in order. */
#define CODEC_AHEAD ((size_t)64 << 10)

struct kco_codec {
	z_stream zlib, deflate;
	bool zlib_ready, deflate_ready;
	ZSTD_DCtx *zstd;
	void *scratch;
	size_t scratch_size;
	/* What was read of compressed bytes: in_len of them at in_off of in_io. */
	struct kco_io *in_io; /* borrowed, compared only */
	uint64_t in_off, in_next;
	size_t in_len, in_size;
	uint8_t *in;
};

static pthread_once_t codec_lzo_once = PTHREAD_ONCE_INIT;
static int codec_lzo_status;

static void codec_lzo_init(void)
{
	codec_lzo_status = lzo_init();
}

struct kco_codec *kco_codec_new(void)
{
	return calloc(1, sizeof(struct kco_codec));
}

void kco_codec_free(struct kco_codec *codec)
{
	if (!codec)
		return;
	if (codec->zlib_ready)
		inflateEnd(&codec->zlib);
	if (codec->deflate_ready)
		inflateEnd(&codec->deflate);
	ZSTD_freeDCtx(codec->zstd);
	free(codec->scratch);
	free(codec->in);
	free(codec);
}

void *kco_codec_scratch(struct kco_codec *codec, size_t n)
{
	if (n > codec->scratch_size || !codec->scratch) {
		// The old contents need no copy, so no realloc.
		free(codec->scratch);
		codec->scratch = malloc(n ? n : 1);
		codec->scratch_size = codec->scratch ? n : 0;
	}
	return codec->scratch;
}

const char *kco_codec_name(enum kco_codec_id id)
{
	switch (id) {
	case KCO_CODEC_NONE:
		return "none";
	case KCO_CODEC_ZLIB:
		return "zlib";
	case KCO_CODEC_LZO:
		return "lzo";
	case KCO_CODEC_SNAPPY:
		return "snappy";
	case KCO_CODEC_ZSTD:
		return "zstd";
	case KCO_CODEC_LZ4:
		return "lz4";
	case KCO_CODEC_LZO_RLE:
		return "lzo-rle";
	case KCO_CODEC_DEFLATE:
		return "deflate";
	}
	return "unknown";
}

static enum kco_status codec_corrupt(struct kco_err *err, enum kco_codec_id id, const char *why)
{
	return kco_fail(err, KCO_E_CORRUPT, "%s data: %s", kco_codec_name(id), why);
}

static enum kco_status codec_length(struct kco_err *err, enum kco_codec_id id, size_t got, size_t want)
{
	if (got == want)
		return KCO_OK;
	return kco_fail(err, KCO_E_CORRUPT, "%s data: gives %zu bytes instead of %zu", kco_codec_name(id), got, want);
}

static enum kco_status codec_inflate(z_stream *z, enum kco_codec_id id, const void *src, size_t src_len, void *dst,
				     size_t dst_len, struct kco_err *err)
{
	int r;

	z->next_in = (const Bytef *)src;
	z->avail_in = (uInt)src_len;
	z->next_out = dst;
	z->avail_out = (uInt)dst_len;
	r = inflate(z, Z_FINISH);
	if (r == Z_MEM_ERROR)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (r == Z_STREAM_END)
		return codec_length(err, id, dst_len - z->avail_out, dst_len);
	if (r == Z_BUF_ERROR || r == Z_OK)
		return codec_corrupt(err, id, z->avail_out ? "ends early" : "gives more than the page's bytes");
	return codec_corrupt(err, id, z->msg ? z->msg : "damaged");
}

static enum kco_status codec_zlib(struct kco_codec *codec, enum kco_codec_id id, const void *src, size_t src_len,
				  void *dst, size_t dst_len, struct kco_err *err)
{
	bool raw = id == KCO_CODEC_DEFLATE;
	z_stream *z = raw ? &codec->deflate : &codec->zlib;
	bool *ready = raw ? &codec->deflate_ready : &codec->zlib_ready;
	int r;

	if (src_len > UINT_MAX || dst_len > UINT_MAX)
		return codec_corrupt(err, id, "longer than 4 GiB");
	// The largest window reads what was made with any.
	r = *ready ? inflateReset(z) : inflateInit2(z, raw ? -MAX_WBITS : MAX_WBITS);
	if (r != Z_OK)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	*ready = true;
	return codec_inflate(z, id, src, src_len, dst, dst_len, err);
}

static enum kco_status codec_lzo(const void *src, size_t src_len, void *dst, size_t dst_len, struct kco_err *err)
{
	lzo_uint out = dst_len;
	int r;

	pthread_once(&codec_lzo_once, codec_lzo_init);
	if (codec_lzo_status != LZO_E_OK)
		return kco_fail(err, KCO_E_UNSUPPORTED, "the lzo library does not fit this program");
	r = lzo1x_decompress_safe(src, src_len, dst, &out, NULL);
	switch (r) {
	case LZO_E_OK:
		return codec_length(err, KCO_CODEC_LZO, out, dst_len);
	case LZO_E_OUTPUT_OVERRUN:
		return codec_corrupt(err, KCO_CODEC_LZO, "gives more than the page's bytes");
	case LZO_E_INPUT_OVERRUN:
	case LZO_E_EOF_NOT_FOUND:
		return codec_corrupt(err, KCO_CODEC_LZO, "ends early");
	case LZO_E_INPUT_NOT_CONSUMED:
		return codec_corrupt(err, KCO_CODEC_LZO, "ends before its last byte");
	}
	return codec_corrupt(err, KCO_CODEC_LZO, "damaged");
}

static enum kco_status codec_snappy(const void *src, size_t src_len, void *dst, size_t dst_len, struct kco_err *err)
{
	size_t out = 0;

	if (snappy_uncompressed_length(src, src_len, &out) != SNAPPY_OK)
		return codec_corrupt(err, KCO_CODEC_SNAPPY, "declares no length");
	if (out != dst_len)
		return kco_fail(err, KCO_E_CORRUPT, "snappy data: declares %zu bytes instead of %zu", out, dst_len);
	if (snappy_uncompress(src, src_len, dst, &out) != SNAPPY_OK)
		return codec_corrupt(err, KCO_CODEC_SNAPPY, "damaged");
	return codec_length(err, KCO_CODEC_SNAPPY, out, dst_len);
}

static enum kco_status codec_zstd(struct kco_codec *codec, const void *src, size_t src_len, void *dst, size_t dst_len,
				  struct kco_err *err)
{
	size_t out;

	if (!codec->zstd) {
		codec->zstd = ZSTD_createDCtx();
		if (!codec->zstd)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		ZSTD_DCtx_setParameter(codec->zstd, ZSTD_d_windowLogMax, CODEC_ZSTD_WINDOW_LOG);
	}
	out = ZSTD_decompressDCtx(codec->zstd, dst, dst_len, src, src_len);
	if (ZSTD_isError(out))
		return kco_fail(err, KCO_E_CORRUPT, "zstd data: %s", ZSTD_getErrorName(out));
	return codec_length(err, KCO_CODEC_ZSTD, out, dst_len);
}

static enum kco_status codec_lz4(const void *src, size_t src_len, void *dst, size_t dst_len, struct kco_err *err)
{
	int out;

	if (src_len > INT_MAX || dst_len > INT_MAX)
		return codec_corrupt(err, KCO_CODEC_LZ4, "longer than 2 GiB");
	out = LZ4_decompress_safe(src, dst, (int)src_len, (int)dst_len);
	if (out < 0)
		return codec_corrupt(err, KCO_CODEC_LZ4, "damaged, or gives more than the page's bytes");
	return codec_length(err, KCO_CODEC_LZ4, (size_t)out, dst_len);
}

static enum kco_status codec_lzo_rle(const void *src, size_t src_len, void *dst, size_t dst_len, struct kco_err *err)
{
	size_t out;
	const char *wrong = kco_lzorle_decompress(src, src_len, dst, dst_len, &out);

	return wrong ? codec_corrupt(err, KCO_CODEC_LZO_RLE, wrong)
		     : codec_length(err, KCO_CODEC_LZO_RLE, out, dst_len);
}

enum kco_status kco_codec_decompress(struct kco_codec *codec, enum kco_codec_id id, const void *src, size_t src_len,
				     void *dst, size_t dst_len, struct kco_err *err)
{
	switch (id) {
	case KCO_CODEC_NONE:
		if (src_len != dst_len)
			return codec_length(err, id, src_len, dst_len);
		memcpy(dst, src, dst_len);
		return KCO_OK;
	case KCO_CODEC_ZLIB:
	case KCO_CODEC_DEFLATE:
		return codec_zlib(codec, id, src, src_len, dst, dst_len, err);
	case KCO_CODEC_LZO:
		return codec_lzo(src, src_len, dst, dst_len, err);
	case KCO_CODEC_SNAPPY:
		return codec_snappy(src, src_len, dst, dst_len, err);
	case KCO_CODEC_ZSTD:
		return codec_zstd(codec, src, src_len, dst, dst_len, err);
	case KCO_CODEC_LZ4:
		return codec_lz4(src, src_len, dst, dst_len, err);
	case KCO_CODEC_LZO_RLE:
		return codec_lzo_rle(src, src_len, dst, dst_len, err);
	}
	return kco_fail(err, KCO_E_BUG, "no page codec %d", (int)id);
}

enum kco_status kco_codec_input(struct kco_codec *codec, struct kco_io *io, uint64_t off, size_t n, const void **ret,
				struct kco_err *err)
{
	bool follows = codec->in_io == io && off == codec->in_next;
	uint64_t left = off < io->size ? io->size - off : 0;
	size_t want = follows && n < CODEC_AHEAD ? CODEC_AHEAD : n;
	enum kco_status st;

	if (codec->in_io == io && off >= codec->in_off && off - codec->in_off <= codec->in_len &&
	    n <= codec->in_len - (size_t)(off - codec->in_off)) {
		*ret = codec->in + (off - codec->in_off);
		codec->in_next = off + n;
		return KCO_OK;
	}
	if (want > left)
		want = n;
	if (want > codec->in_size) {
		uint8_t *grown = realloc(codec->in, want);

		if (!grown)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		codec->in = grown;
		codec->in_size = want;
	}
	codec->in_io = NULL;
	st = kco_io_read(io, codec->in, want, off, NULL, want > n ? NULL : err);
	if (st && want > n) {
		// What lies ahead is nobody's fault yet.
		want = n;
		st = kco_io_read(io, codec->in, n, off, NULL, err);
	}
	if (st)
		return st;
	codec->in_io = io;
	codec->in_off = off;
	codec->in_len = want;
	codec->in_next = off + n;
	*ret = codec->in;
	return KCO_OK;
}
