// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bit n of a bitmap in a file, and how many bits before it are set. See
 * bitrank.h for the idea.
 *
 * Memory: 16 bytes a chunk (256 MiB of 4 KiB pages) up front, untouched until
 * used; 8.3 KiB for each chunk that was asked for. When BITRANK_KEEP chunks
 * are held the next ones keep their ranks only and read 64 bytes of bitmap
 * from the file each time, so that a dump of 64 TiB stays within 50 MiB.
 */
#include "bitrank.h"

#include <kco/endian.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BITRANK_SHIFT 16
#define BITRANK_BITS (UINT64_C(1) << BITRANK_SHIFT)
#define BITRANK_BYTES (BITRANK_BITS / 8)
#define BITRANK_ROW 512u /* bits a rank is kept for */
#define BITRANK_ROWS (BITRANK_BITS / BITRANK_ROW)
#define BITRANK_KEEP 4096
#define BITRANK_READ (32 * BITRANK_BYTES)

struct bitrank_chunk {
	uint32_t count;		     /* set bits in all */
	uint16_t rank[BITRANK_ROWS]; /* set bits before each row; a row before the last is never full: fits */
	uint8_t *bits;		     /* BITRANK_BYTES behind this struct, or NULL: read them */
};

struct kco_bitrank {
	struct kco_io *io;
	uint64_t off, first, end;
	enum kco_bit_order order;
	uint64_t chunk0; /* number of the chunk that holds first */
	uint64_t chunks;
	pthread_mutex_t lock; /* of base[], counted, kept and of publishing a chunk */
	uint64_t counted;     /* base[0..counted] is known */
	uint64_t *base;
	uint64_t kept;
	_Atomic(struct bitrank_chunk *) *chunk;
};

enum kco_status kco_bitrank_new(struct kco_io *io, uint64_t off, uint64_t first, uint64_t end, enum kco_bit_order order,
				struct kco_bitrank **ret, struct kco_err *err)
{
	struct kco_bitrank *br;
	uint64_t bytes = end / 8 + (end % 8 != 0);
	uint64_t stop;

	if (end < first)
		return kco_fail(err, KCO_E_CORRUPT, "page range %#" PRIx64 "..%#" PRIx64 " is backwards", first, end);
	if (__builtin_add_overflow(off, bytes, &stop) || stop > io->size)
		return kco_fail(err, KCO_E_TRUNCATED,
				"truncated: the page bitmap at %#" PRIx64 " has %" PRIu64
				" bytes, the file ends at %#" PRIx64,
				off, bytes, io->size);
	br = calloc(1, sizeof(*br));
	if (!br)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	br->io = io;
	br->off = off;
	br->first = first;
	br->end = end;
	br->order = order;
	br->chunk0 = first >> BITRANK_SHIFT;
	br->chunks = end > first ? ((end - 1) >> BITRANK_SHIFT) - br->chunk0 + 1 : 0;
	pthread_mutex_init(&br->lock, NULL);
	br->base = calloc(br->chunks + 1, sizeof(*br->base));
	br->chunk = calloc(br->chunks + 1, sizeof(*br->chunk));
	if (!br->base || !br->chunk) {
		kco_bitrank_free(br);
		return kco_fail(err, KCO_E_NOMEM, "out of memory for the index of %" PRIu64 " pages", end - first);
	}
	*ret = br;
	return KCO_OK;
}

void kco_bitrank_free(struct kco_bitrank *br)
{
	if (!br)
		return;
	// Only chunks below the counted ones can exist; the rest of the array was never touched.
	for (uint64_t i = 0; br->chunk && i < br->counted; i++)
		free(atomic_load_explicit(&br->chunk[i], memory_order_relaxed));
	free(br->chunk);
	free(br->base);
	pthread_mutex_destroy(&br->lock);
	free(br);
}

/* Bytes as they are in the file to least significant bit first. */
static void bitrank_order(const struct kco_bitrank *br, uint8_t *p, size_t n)
{
	for (size_t i = 0; br->order == KCO_MSB_FIRST && i < n; i++) {
		uint8_t b = p[i];

		b = (uint8_t)((b & 0xf0) >> 4 | (b & 0x0f) << 4);
		b = (uint8_t)((b & 0xcc) >> 2 | (b & 0x33) << 2);
		p[i] = (uint8_t)((b & 0xaa) >> 1 | (b & 0x55) << 1);
	}
}

/* Read the bytes of chunks [c, c+n), bits outside of [first, end) cleared. */
static enum kco_status bitrank_load(struct kco_bitrank *br, uint64_t c, uint64_t n, uint8_t *buf, struct kco_err *err)
{
	uint64_t bit0 = (br->chunk0 + c) << BITRANK_SHIFT;
	uint64_t bytes = n * BITRANK_BYTES;
	uint64_t have = br->end / 8 + (br->end % 8 != 0) - bit0 / 8;
	size_t want = (size_t)(have < bytes ? have : bytes);
	enum kco_status status = kco_io_read(br->io, buf, want, br->off + bit0 / 8, NULL, err);

	if (status != KCO_OK)
		return kco_context(err, status, "page bitmap");
	bitrank_order(br, buf, want);
	memset(buf + want, 0, bytes - want);
	if (bit0 < br->first) {
		uint64_t skip = br->first - bit0;

		memset(buf, 0, skip / 8);
		if (skip % 8)
			buf[skip / 8] &= (uint8_t)(0xff << (skip % 8));
	}
	if (want == have && br->end % 8)
		buf[want - 1] &= (uint8_t)(0xff >> (8 - br->end % 8));
	return KCO_OK;
}

static uint32_t bitrank_popcount(const uint8_t *p, size_t bytes)
{
	uint32_t n = 0;

	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, 8);
		n += (uint32_t)__builtin_popcountll(word);
	}
	return n;
}

/* With the lock held: know base[0..upto]. */
static enum kco_status bitrank_count(struct kco_bitrank *br, uint64_t upto, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	uint8_t *buf;

	if (br->counted >= upto)
		return KCO_OK;
	buf = malloc(BITRANK_READ);
	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	while (br->counted < upto) {
		uint64_t n = upto - br->counted;

		if (n > BITRANK_READ / BITRANK_BYTES)
			n = BITRANK_READ / BITRANK_BYTES;
		status = bitrank_load(br, br->counted, n, buf, err);
		if (status != KCO_OK)
			break;
		for (uint64_t i = 0; i < n; i++, br->counted++)
			br->base[br->counted + 1] =
				br->base[br->counted] + bitrank_popcount(buf + i * BITRANK_BYTES, BITRANK_BYTES);
	}
	free(buf);
	return status;
}

/* With the lock held: make and publish chunk @c. */
static enum kco_status bitrank_build(struct kco_bitrank *br, uint64_t c, struct bitrank_chunk **ret,
				     struct kco_err *err)
{
	bool keep = br->kept < BITRANK_KEEP;
	struct bitrank_chunk *chunk;
	uint8_t *bits, *spare = NULL;
	enum kco_status status = bitrank_count(br, c + 1, err);

	if (status != KCO_OK)
		return status;
	chunk = calloc(1, sizeof(*chunk) + (keep ? BITRANK_BYTES : 0));
	bits = keep ? (uint8_t *)(chunk + 1) : (spare = malloc(BITRANK_BYTES));
	if (!chunk || !bits) {
		free(chunk);
		free(spare);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	status = bitrank_load(br, c, 1, bits, err);
	for (size_t row = 0; status == KCO_OK && row < BITRANK_ROWS; row++) {
		chunk->rank[row] = (uint16_t)chunk->count;
		chunk->count += bitrank_popcount(bits + row * (BITRANK_ROW / 8), BITRANK_ROW / 8);
	}
	free(spare);
	// The file changed under us: ranks would point to other pages' data.
	if (status == KCO_OK && chunk->count != br->base[c + 1] - br->base[c])
		status = kco_fail(err, KCO_E_IO, "page bitmap changed while it was read");
	if (status != KCO_OK) {
		free(chunk);
		return status;
	}
	chunk->bits = keep ? bits : NULL;
	br->kept += keep;
	atomic_store_explicit(&br->chunk[c], chunk, memory_order_release);
	*ret = chunk;
	return KCO_OK;
}

static enum kco_status bitrank_chunk(struct kco_bitrank *br, uint64_t c, struct bitrank_chunk **ret,
				     struct kco_err *err)
{
	enum kco_status status = KCO_OK;

	*ret = atomic_load_explicit(&br->chunk[c], memory_order_acquire);
	if (*ret)
		return KCO_OK;
	pthread_mutex_lock(&br->lock);
	*ret = atomic_load_explicit(&br->chunk[c], memory_order_acquire);
	if (!*ret)
		status = bitrank_build(br, c, ret, err);
	pthread_mutex_unlock(&br->lock);
	return status;
}

/* The 64 bytes of row @row of chunk @c, in @spare when they are not kept. */
static enum kco_status bitrank_row(struct kco_bitrank *br, struct bitrank_chunk *chunk, uint64_t c, size_t row,
				   uint8_t spare[64], const uint8_t **ret, struct kco_err *err)
{
	uint64_t byte = ((br->chunk0 + c) << BITRANK_SHIFT) / 8 + row * (BITRANK_ROW / 8);
	uint64_t last = br->end / 8 + (br->end % 8 != 0);
	size_t n = last - byte < 64 ? (size_t)(last - byte) : 64;
	enum kco_status status;

	if (chunk->bits) {
		*ret = chunk->bits + row * (BITRANK_ROW / 8);
		return KCO_OK;
	}
	memset(spare, 0, 64);
	status = kco_io_read(br->io, spare, n, br->off + byte, NULL, err);
	bitrank_order(br, spare, n);
	if (status == KCO_OK && byte * 8 < br->first) {
		uint64_t skip = br->first - byte * 8;

		memset(spare, 0, skip / 8 < 64 ? skip / 8 : 64);
		if (skip < BITRANK_ROW && skip % 8)
			spare[skip / 8] &= (uint8_t)(0xff << (skip % 8));
	}
	*ret = spare;
	return status;
}

enum kco_status kco_bitrank_get(struct kco_bitrank *br, uint64_t bit, bool *set, uint64_t *rank, struct kco_err *err)
{
	uint64_t c = (bit >> BITRANK_SHIFT) - br->chunk0;
	size_t in = bit & (BITRANK_BITS - 1), row = in / BITRANK_ROW, col = in % BITRANK_ROW;
	struct bitrank_chunk *chunk;
	const uint8_t *bits;
	uint8_t spare[64];
	enum kco_status status;
	uint64_t n;

	*set = false;
	if (bit < br->first || bit >= br->end)
		return kco_fail(err, KCO_E_RANGE, "page frame %#" PRIx64 " is outside of the bitmap", bit);
	status = bitrank_chunk(br, c, &chunk, err);
	if (status == KCO_OK)
		status = bitrank_row(br, chunk, c, row, spare, &bits, err);
	if (status != KCO_OK)
		return status;
	if (!(bits[col / 8] >> (col % 8) & 1))
		return KCO_OK;
	n = br->base[c] + chunk->rank[row] + bitrank_popcount(bits, col / 64 * 8);
	*set = true;
	*rank = n + (uint64_t)__builtin_popcountll(kco_le64(bits + col / 64 * 8) & ((UINT64_C(1) << (col % 64)) - 1));
	return KCO_OK;
}

/* The first bit at or after @bit in the @n bits at @words that is @set; @n when there is none. */
static size_t bitrank_find(const uint8_t *bits, size_t bit, size_t n, bool set)
{
	while (bit < n) {
		uint64_t word = kco_le64(bits + bit / 64 * 8);

		word = (set ? word : ~word) >> (bit % 64);
		if (word) {
			bit += (size_t)__builtin_ctzll(word);
			return bit < n ? bit : n;
		}
		bit = (bit / 64 + 1) * 64;
	}
	return n;
}

/* The first run of set bits in chunk @c at or after bit @bit; KCO_DONE: none there. */
static enum kco_status bitrank_chunk_run(struct kco_bitrank *br, uint64_t c, uint64_t bit, uint64_t *first,
					 uint64_t *end, struct kco_err *err)
{
	uint64_t base = (br->chunk0 + c) << BITRANK_SHIFT;
	struct bitrank_chunk *chunk;
	enum kco_status status = bitrank_chunk(br, c, &chunk, err);
	uint8_t *spare = NULL;
	const uint8_t *bits;
	size_t at;

	if (status != KCO_OK || chunk->count == 0)
		return status != KCO_OK ? status : KCO_DONE;
	bits = chunk->bits;
	if (!bits) {
		spare = malloc(BITRANK_BYTES);
		status = spare ? bitrank_load(br, c, 1, spare, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");
		bits = spare;
	}
	if (status == KCO_OK) {
		at = bitrank_find(bits, bit > base ? (size_t)(bit - base) : 0, BITRANK_BITS, true);
		*first = base + at;
		*end = base + bitrank_find(bits, at, BITRANK_BITS, false);
		status = at < BITRANK_BITS ? KCO_OK : KCO_DONE;
	}
	free(spare);
	return status;
}

enum kco_status kco_bitrank_run(struct kco_bitrank *br, uint64_t bit, uint64_t *first, uint64_t *end,
				struct kco_err *err)
{
	enum kco_status status = KCO_DONE;

	if (bit < br->first)
		bit = br->first;
	for (uint64_t c = (bit >> BITRANK_SHIFT) - br->chunk0; status == KCO_DONE && bit < br->end && c < br->chunks;
	     c++)
		status = bitrank_chunk_run(br, c, bit, first, end, err);
	return status;
}

enum kco_status kco_bitrank_total(struct kco_bitrank *br, uint64_t *ret, struct kco_err *err)
{
	enum kco_status status;

	pthread_mutex_lock(&br->lock);
	status = bitrank_count(br, br->chunks, err);
	*ret = br->base[br->counted];
	pthread_mutex_unlock(&br->lock);
	return status;
}
