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
	struct kco_encoder *encoder; /* NULL: pages are stored as they are */
	bool copy;		     /* the source's pages may be of the same codec */
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
	k->copy = w->src->codec != KCO_CODEC_NONE;
	if (w->src->codec == KCO_CODEC_NONE || !kco_encoder_new(w->src->codec, w->src->level, &k->encoder, err))
		return k;
	free(k);
	return NULL;
}

/* Take block @i over as the source stores it; false: it has to be made. */
static bool kdump_copy(const struct kco_kdump_writer *w, struct kdump_worker *k, struct kco_reader *rd,
		       const struct kco_write_piece *piece, size_t i, uint8_t *to, struct kdump_block *block)
{
	enum kco_codec_id id = w->src->codec;
	enum kco_status status;
	size_t size;

	if (!k->copy)
		return false;
	status = kco_reader_packed(rd, piece->addr + i * w->block_size, to, w->block_size, &size, &id, NULL);
	if (status == KCO_E_UNSUPPORTED)
		k->copy = false;
	if (status != KCO_OK || id != w->src->codec || size <= KDUMP_ZERO_PACKED)
		return false;
	*block = (struct kdump_block){ (uint32_t)size, kco_kdump_flag(id) };
	return true;
}

/* Compress the block at @from when that saves bytes. */
static enum kco_status kdump_pack(const struct kco_kdump_writer *w, struct kdump_worker *k, const uint8_t *from,
				  uint8_t *to, struct kdump_block *block, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	size_t size = 0;

	*block = (struct kdump_block){ 0 };
	if (kco_write_is_zero(from, w->block_size))
		return KCO_OK;
	if (k->encoder)
		status = kco_encoder_compress(k->encoder, from, w->block_size, to, w->block_size - 1, &size, err);
	*block = (struct kdump_block){ (uint32_t)size, kco_kdump_flag(w->src->codec) };
	if (!size) {
		memcpy(to, from, w->block_size);
		*block = (struct kdump_block){ w->block_size, 0 };
	}
	return status;
}

/* Block @i of the piece, packed at @to; @read: its bytes are not there yet. */
static enum kco_status kdump_make(const struct kco_kdump_writer *w, struct kdump_worker *k, struct kco_reader *rd,
				  const struct kco_write_piece *piece, size_t i, bool read, uint8_t *to,
				  struct kdump_block *block, struct kco_err *err)
{
	struct kco_write_piece one = { .addr = piece->addr + i * w->block_size,
				       .n = w->block_size,
				       .bytes = piece->bytes + i * w->block_size };
	enum kco_status status = read ? kco_write_read(rd, &one, err) : KCO_OK;

	*block = (struct kdump_block){ 0 };
	return status == KCO_OK ? kdump_pack(w, k, one.bytes, to, block, err) : status;
}

static enum kco_status kdump_work(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				  struct kco_err *err)
{
	const struct kco_kdump_writer *w = arg;
	struct kdump_packed *packed = (struct kdump_packed *)piece->out;
	struct kdump_worker *k = worker;
	size_t n = piece->n / w->block_size, at = 0;
	enum kco_status status = KCO_OK;
	bool whole = !k->copy;

	// Nothing to take over: the whole piece is read at once.
	if (whole)
		status = kco_write_read(rd, piece, err);
	for (size_t i = 0; status == KCO_OK && i < n; i++) {
		struct kdump_block *block = &packed->blocks[i];
		uint8_t *to = packed->bytes + at;

		if (whole || !kdump_copy(w, k, rd, piece, i, to, block))
			status = kdump_make(w, k, rd, piece, i, !whole, to, block, err);
		at += block->size;
	}
	piece->out_size = at;
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
