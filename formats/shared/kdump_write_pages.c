// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pages of a new kdump file. Every core compresses a piece (or takes the
 * pages over as they are stored, when the codec is the same); what they made
 * is written in order, so that the file does not depend on how many there are.
 */
#include "kdump_writer.h"

#include <inttypes.h>
#include <stdlib.h>

#define KDUMP_BLOCKS_MAX (KCO_WRITE_PIECE / 4096u) /* of a piece */
/* Bytes that are read at once: they are still in the core's own cache when they are compressed. */
#define KDUMP_CHUNK 65536u
/* A page of zeros is this small in every codec; others rarely are. */
#define KDUMP_ZERO_PACKED 64u

/* What a worker made of a block; its bytes follow those of the block before. */
struct kdump_block {
	uint32_t size; /* 0: zeros */
	uint32_t flags;
};

/* At the beginning of piece->out: the blocks, then their bytes. */
struct kdump_packed {
	struct kdump_block blocks[KDUMP_BLOCKS_MAX];
	uint8_t bytes[];
};

struct kdump_worker {
	const struct kco_kdump_writer *w;
	struct kco_encoder *encoder; /* NULL: pages are stored as they are */
	bool copy;		     /* the source's pages may be of the same codec */
	uint8_t bytes[KDUMP_CHUNK];
};

static void kdump_worker_free(void *worker)
{
	struct kdump_worker *k = worker;

	kco_encoder_free(k->encoder);
	free(k);
}

static void *kdump_worker_new(void *arg, struct kco_err *err)
{
	const struct kco_kdump_writer *w = arg;
	struct kdump_worker *k = calloc(1, sizeof(*k));

	if (!k) {
		(void)!kco_fail(err, KCO_E_NOMEM, "out of memory");
		return NULL;
	}
	k->w = w;
	k->copy = w->src->codec != KCO_CODEC_NONE;
	if (w->src->codec == KCO_CODEC_NONE || !kco_encoder_new(w->src->codec, w->src->level, &k->encoder, err))
		return k;
	free(k);
	return NULL;
}

/* Take block @i over as the source stores it; false: it has to be made. */
static bool kdump_copy(struct kdump_worker *k, struct kco_reader *rd, struct kco_write_piece *piece, size_t i)
{
	struct kdump_packed *packed = (struct kdump_packed *)piece->out;
	uint32_t block_size = k->w->block_size;
	enum kco_codec_id id = k->w->src->codec;
	enum kco_status status;
	size_t size;

	if (!k->copy)
		return false;
	status = kco_reader_packed(rd, piece->addr + i * block_size, packed->bytes + piece->out_size, block_size, &size,
				   &id, NULL);
	if (status == KCO_E_UNSUPPORTED)
		k->copy = false;
	if (status != KCO_OK || id != k->w->src->codec || size <= KDUMP_ZERO_PACKED)
		return false;
	packed->blocks[i] = (struct kdump_block){ (uint32_t)size, kco_kdump_flag(id) };
	piece->out_size += size;
	return true;
}

/* Compress the block at @from when that saves bytes. */
static enum kco_status kdump_pack(struct kdump_worker *k, const uint8_t *from, uint8_t *to, struct kdump_block *block,
				  struct kco_err *err)
{
	uint32_t block_size = k->w->block_size;
	enum kco_status status = KCO_OK;
	size_t size = 0;

	*block = (struct kdump_block){ 0 };
	if (kco_write_is_zero(from, block_size))
		return KCO_OK;
	if (k->encoder)
		status = kco_encoder_compress(k->encoder, from, block_size, to, block_size - 1, &size, err);
	*block = (struct kdump_block){ (uint32_t)size, kco_kdump_flag(k->w->src->codec) };
	if (!size) {
		memcpy(to, from, block_size);
		*block = (struct kdump_block){ block_size, 0 };
	}
	return status;
}

/* Make the @n blocks from @i on, a chunk at most. */
static enum kco_status kdump_make(struct kdump_worker *k, struct kco_reader *rd, struct kco_write_piece *piece,
				  size_t i, size_t n, struct kco_err *err)
{
	struct kdump_packed *packed = (struct kdump_packed *)piece->out;
	uint32_t block_size = k->w->block_size;
	struct kco_write_piece chunk = { .addr = piece->addr + i * block_size, .n = n * block_size, .bytes = k->bytes };
	enum kco_status status = kco_write_read(rd, &chunk, err);

	for (size_t at = 0; status == KCO_OK && at < n; at++) {
		struct kdump_block *block = &packed->blocks[i + at];

		status = kdump_pack(k, k->bytes + at * block_size, packed->bytes + piece->out_size, block, err);
		piece->out_size += block->size;
	}
	return status;
}

static enum kco_status kdump_work(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				  struct kco_err *err)
{
	const struct kco_kdump_writer *w = arg;
	struct kdump_worker *k = worker;
	size_t n = piece->n / w->block_size, chunk = k->copy ? 1 : KDUMP_CHUNK / w->block_size;
	enum kco_status status = KCO_OK;

	piece->out_size = 0;
	for (size_t i = 0; status == KCO_OK && i < n; i += chunk)
		if (!kdump_copy(k, rd, piece, i))
			status = kdump_make(k, rd, piece, i, n - i < chunk ? n - i : chunk, err);
	return status;
}

/* The page that all pages of zeros share. */
static enum kco_status kdump_put_zero(struct kco_kdump_writer *w, struct kco_err *err)
{
	uint8_t *zero = calloc(2, w->block_size), *packed = zero ? zero + w->block_size : NULL;
	struct kco_encoder *encoder = NULL;
	enum kco_status status = zero ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
	size_t size = 0;

	if (status == KCO_OK && w->src->codec != KCO_CODEC_NONE)
		status = kco_encoder_new(w->src->codec, w->src->level, &encoder, err);
	if (status == KCO_OK && encoder)
		status = kco_encoder_compress(encoder, zero, w->block_size, packed, w->block_size - 1, &size, err);
	if (status == KCO_OK) {
		w->zero = w->at;
		w->zero_size = size ? (uint32_t)size : w->block_size;
		w->zero_flags = size ? kco_kdump_flag(w->src->codec) : 0;
		status = kco_sink_write(w->sink, size ? packed : zero, w->zero_size, w->at, err);
		w->at += w->zero_size;
	}
	kco_encoder_free(encoder);
	free(zero);
	return status;
}

static enum kco_status kdump_deliver(void *arg, struct kco_write_piece *piece, struct kco_err *err)
{
	struct kco_kdump_writer *w = arg;
	const struct kdump_packed *packed = (const struct kdump_packed *)piece->out;
	size_t n = piece->n / w->block_size;
	uint64_t index = piece->before / w->block_size, at;
	uint8_t descs[KDUMP_BLOCKS_MAX * KCO_KDUMP_DESC_SIZE];
	enum kco_status status = KCO_OK;

	if (index + n > w->count)
		return kco_fail(err, KCO_E_BUG, "the list of pages to write grew while it was written");
	for (size_t i = 0; status == KCO_OK && !w->zero && i < n; i++)
		if (!packed->blocks[i].size)
			status = kdump_put_zero(w, err);
	at = w->at;
	for (size_t i = 0; i < n; i++) {
		const struct kdump_block *block = &packed->blocks[i];
		uint8_t *desc = descs + i * KCO_KDUMP_DESC_SIZE;

		kco_put_le64(desc, block->size ? at : w->zero);
		kco_put_le32(desc + 8, block->size ? block->size : w->zero_size);
		kco_put_le32(desc + 12, block->size ? block->flags : w->zero_flags);
		kco_put_le64(desc + 16, 0);
		at += block->size;
	}
	if (status == KCO_OK)
		status = kco_sink_write(w->sink, packed->bytes, piece->out_size, w->at, err);
	if (status == KCO_OK)
		status = kco_sink_write(w->sink, descs, n * KCO_KDUMP_DESC_SIZE, w->descs + index * KCO_KDUMP_DESC_SIZE,
					err);
	w->at = at;
	w->written += n;
	return status;
}

enum kco_status kco_kdump_put_pages(struct kco_kdump_writer *w, struct kco_err *err)
{
	struct kco_write_work work = {
		.whole_blocks = true,
		.room = sizeof(struct kdump_packed) + KCO_WRITE_PIECE,
		.arg = w,
		.worker_new = kdump_worker_new,
		.worker_free = kdump_worker_free,
		.work = kdump_work,
		.deliver = kdump_deliver,
	};
	enum kco_status status;

	w->at = w->data;
	status = w->src->each(w->src->arg, &work, err);
	if (status == KCO_OK && w->written != w->count)
		status =
			kco_fail(err, KCO_E_BUG, "%" PRIu64 " of %" PRIu64 " pages were written", w->written, w->count);
	// Also when nothing follows the bitmaps: readers check that the file reaches that far.
	return status == KCO_OK ? kco_sink_resize(w->sink, w->at, err) : status;
}
