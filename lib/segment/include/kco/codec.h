// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page decompression with contexts that are kept between pages.
 *
 * One kco_codec belongs to one thread (a kco_reader has its own): making a
 * ZSTD context per page costs four times the page itself.
 */
#ifndef KCO_CODEC_H
#define KCO_CODEC_H

#include <stddef.h>

#include <kco/err.h>
#include <kco/io.h>

enum kco_codec_id {
	KCO_CODEC_NONE,
	KCO_CODEC_ZLIB,
	KCO_CODEC_LZO,
	KCO_CODEC_SNAPPY,
	KCO_CODEC_ZSTD,
	KCO_CODEC_LZ4,	   /* one block, no frame */
	KCO_CODEC_LZO_RLE, /* Linux's lzo-rle; reads plain lzo, too */
	KCO_CODEC_DEFLATE, /* without zlib's header and sum */
};

struct kco_codec;

struct kco_codec *kco_codec_new(void); /* NULL when memory is out */
void kco_codec_free(struct kco_codec *codec);

/**
 * Decompress @src into exactly @dst_len bytes at @dst. Anything else than
 * exactly that length is KCO_E_CORRUPT. Never writes past @dst_len whatever
 * the stream claims (only the safe variants of each library are used).
 */
enum kco_status kco_codec_decompress(struct kco_codec *codec, enum kco_codec_id id, const void *src, size_t src_len,
				     void *dst, size_t dst_len, struct kco_err *err) KCO_MUST_USE;
/**
 * The @n compressed bytes at @off of @io, borrowed until the next call. Where
 * reads follow each other the next pages' bytes come along: one read of the
 * file for many pages. Errors as kco_io_read().
 */
enum kco_status kco_codec_input(struct kco_codec *codec, struct kco_io *io, uint64_t off, size_t n, const void **ret,
				struct kco_err *err) KCO_MUST_USE;
/** Scratch space of at least @n bytes, valid until the next call; NULL when memory is out. */
void *kco_codec_scratch(struct kco_codec *codec, size_t n);
const char *kco_codec_name(enum kco_codec_id id);

#endif
