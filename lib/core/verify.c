// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading all memory of a dump, on every core: what of it cannot be read, and
 * how much of it is zeros.
 */
#include "verify.h"

#include <string.h>

struct verify {
	uint32_t block;
	const struct kco_verify_options *opts;
	struct kco_verify_stats *stats;
};

/* What a worker found of a piece: a bit for each block that cannot be read, and why the first of them. */
struct verify_found {
	uint8_t bad[KCO_WRITE_PIECE / 4096 / 8];
	uint64_t zero, lost; /* bytes */
	uint64_t packed[KCO_CODEC_NR], packed_bytes;
	struct kco_err err;
};

/* By which codec the block at @addr is stored, if it is on its own. */
static void verify_codec(struct kco_reader *rd, uint64_t addr, struct verify_found *found)
{
	enum kco_codec_id id = KCO_CODEC_NR;
	size_t size;

	if (kco_reader_packed(rd, addr, NULL, 0, &size, &id, NULL) != KCO_OK || id >= KCO_CODEC_NR)
		return;
	found->packed[id]++;
	found->packed_bytes += size;
}

static enum kco_status verify_work(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				   struct kco_err *err)
{
	const struct verify *v = arg;
	struct verify_found *found = (struct verify_found *)piece->out;
	bool whole;

	(void)worker;
	(void)err;
	memset(found, 0, sizeof(*found));
	whole = kco_write_read(rd, piece, NULL) == KCO_OK;
	for (size_t i = 0; i < piece->n / v->block; i++) {
		struct kco_write_piece one = { .addr = piece->addr + i * v->block,
					       .n = v->block,
					       .bytes = piece->bytes + i * v->block };
		struct kco_err why = KCO_ERR_INIT;

		if (whole || kco_write_read(rd, &one, &why) == KCO_OK) {
			if (kco_write_is_zero(one.bytes, v->block))
				found->zero += v->block;
			if (v->opts->codecs)
				verify_codec(rd, one.addr, found);
			continue;
		}
		found->bad[i / 8] |= (uint8_t)(1u << i % 8);
		if (why.code == KCO_E_NOT_SAVED)
			found->lost += v->block;
		if (!found->err.code)
			found->err = why;
	}
	return KCO_OK;
}

static enum kco_status verify_deliver(void *arg, struct kco_write_piece *piece, struct kco_err *err)
{
	const struct verify *v = arg;
	const struct verify_found *found = (const struct verify_found *)piece->out;
	size_t n = piece->n / v->block;

	(void)err;
	v->stats->bytes += piece->n;
	v->stats->zero += found->zero;
	v->stats->lost += found->lost;
	v->stats->packed_bytes += found->packed_bytes;
	for (size_t i = 0; i < KCO_CODEC_NR; i++)
		v->stats->packed[i] += found->packed[i];
	for (size_t i = 0, end; i < n; i = end) {
		bool bad = found->bad[i / 8] >> i % 8 & 1;

		for (end = i + 1; end < n && (found->bad[end / 8] >> end % 8 & 1) == bad; end++)
			;
		if (!bad)
			continue;
		v->stats->damaged += (end - i) * v->block;
		if (v->opts->damaged)
			v->opts->damaged(v->opts->arg, piece->addr + i * v->block, piece->addr + end * v->block - 1,
					 &found->err);
	}
	return KCO_OK;
}

enum kco_status kco_verify_source(struct kco_pagesource *ps, const struct kco_write_source *src,
				  const struct kco_verify_options *opts, struct kco_verify_stats *stats,
				  struct kco_err *err)
{
	struct verify v = { src->image->facts.block_size, opts, stats };
	struct kco_write_work work = { .whole_blocks = true,
				       .room = sizeof(struct verify_found),
				       .arg = &v,
				       .work = verify_work,
				       .deliver = verify_deliver };

	memset(stats, 0, sizeof(*stats));
	ps->what = "reading the dump";
	return src->each(src->arg, &work, err);
}

/* A source over all of @s; *@total is what it holds. */
static enum kco_status verify_open(struct kco_session *s, struct kco_pagesource *ps, struct kco_write_source *src,
				   uint64_t *total, struct kco_err *err)
{
	enum kco_status st = kco_pagesource_init(ps, s, src, err);

	return st ? st : kco_pagesource_total(src, true, total, err);
}

enum kco_status kco_verify(struct kco_session *s, const struct kco_verify_options *opts, struct kco_verify_stats *stats,
			   struct kco_err *err)
{
	struct kco_pagesource ps;
	struct kco_write_source src;
	enum kco_status st = verify_open(s, &ps, &src, &ps.total, err);

	if (!st)
		st = kco_verify_source(&ps, &src, opts, stats, err);
	kco_pagesource_fini(&ps);
	return st;
}

enum kco_status kco_saved_bytes(struct kco_session *s, uint64_t *ret, struct kco_err *err)
{
	struct kco_pagesource ps;
	struct kco_write_source src;
	enum kco_status st = verify_open(s, &ps, &src, ret, err);

	kco_pagesource_fini(&ps);
	return st;
}
