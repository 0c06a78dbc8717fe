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

#define KCO_CODEC_NR (KCO_CODEC_DEFLATE + 1)

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

struct kco_encoder;

/**
 * Compression with contexts that are kept between pages; belongs to one thread.
 * @level 0: the codec's usual (zstd and zlib 1, which writers of dumps take; lzo
 * and snappy know none). Zstd, zlib, lzo and snappy; else KCO_E_UNSUPPORTED.
 */
enum kco_status kco_encoder_new(enum kco_codec_id id, int level, struct kco_encoder **ret,
				struct kco_err *err) KCO_MUST_USE;
void kco_encoder_free(struct kco_encoder *encoder);
/** Compress @n bytes into @dst of @room bytes. *@size 0: it would not fit, so it is not worth it. */
enum kco_status kco_encoder_compress(struct kco_encoder *encoder, const void *src, size_t n, void *dst, size_t room,
				     size_t *size, struct kco_err *err) KCO_MUST_USE;

#endif
