// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a dump fits a disk, before hours of work say that it does not. Pages
 * of zeros take nothing and others shrink by what they hold, so pages spread
 * over all of memory are looked at (and compressed). With a mean of m bytes in
 * n pages and a variance of v, the mean of all is below m - 3 sqrt(v / n) once in
 * a thousand times: only what would not fit even then is refused.
 */
#include "room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOM_SAMPLES 256u
#define ROOM_DESCRIPTOR 24u /* of each page of a kdump file */
#define ROOM_SIGMAS 3u

struct room {
	uint64_t n, sum, squares; /* pages looked at, what they take, and the sum of its squares */
	uint32_t block;
	struct kco_encoder *encoder; /* or NULL: pages are stored as they are */
	uint8_t *bytes;		     /* of a block, and room to compress it */
};

/* Count the block at @addr; one that cannot be read says nothing. */
static enum kco_status room_look(struct room *r, struct kco_reader *rd, uint64_t addr, struct kco_err *err)
{
	struct kco_write_piece piece = { .addr = addr, .n = r->block, .bytes = r->bytes };
	enum kco_status st = KCO_OK;
	size_t size = 0;

	if (kco_write_read(rd, &piece, NULL) != KCO_OK)
		return KCO_OK;
	if (!kco_write_is_zero(r->bytes, r->block)) {
		if (r->encoder)
			st = kco_encoder_compress(r->encoder, r->bytes, r->block, r->bytes + r->block, r->block - 1,
						  &size, err);
		if (!size)
			size = r->block;
	}
	r->n++;
	r->sum += size;
	r->squares += (uint64_t)size * size;
	return st;
}

/* Every @step-th block of what is wanted. */
static enum kco_status room_sample(struct room *r, struct kco_pagesource *ps, const struct kco_write_source *src,
				   uint64_t step, struct kco_err *err)
{
	uint64_t addr = 0, skip = step / 2;
	struct kco_write_run run;
	enum kco_status st;

	while ((st = src->next(src->arg, addr, true, &run, err)) == KCO_OK) {
		uint64_t blocks = (run.last - run.first) / r->block + 1;

		for (; st == KCO_OK && skip < blocks; skip += step) {
			if (kco_session_cancelled(ps->session))
				return kco_fail(err, KCO_E_CANCELLED, "cancelled");
			st = room_look(r, ps->rd, run.first + skip * r->block, err);
		}
		skip -= blocks;
		addr = run.last + 1;
		if (st != KCO_OK || !addr)
			break;
	}
	return st == KCO_DONE ? KCO_OK : st;
}

/* What @pages pages take at least, by those of them that were looked at. */
static uint64_t room_needed(const struct room *r, uint64_t pages, uint64_t *least)
{
	double mean = (double)r->sum / (double)r->n;
	double variance = (double)r->squares / (double)r->n - mean * mean, low = mean, error;

	// Newton's, from above: no library for a square root.
	if (r->n < pages && variance > 0) {
		variance /= (double)r->n;
		error = variance > 1 ? variance : 1;
		for (unsigned i = 0; i < 64; i++)
			error = (error + variance / error) / 2;
		low = mean > ROOM_SIGMAS * error ? mean - ROOM_SIGMAS * error : 0;
	}
	*least = (uint64_t)(low * (double)pages);
	return (uint64_t)(mean * (double)pages);
}

static enum kco_status room_estimate(struct kco_pagesource *ps, const struct kco_write_source *src,
				     const struct kco_format_ops *format, uint64_t room, struct kco_err *err)
{
	struct room r = { .block = src->image->facts.block_size };
	uint64_t pages = ps->total / r.block, step = pages / ROOM_SAMPLES, least, needed;
	enum kco_status st = KCO_OK;

	r.bytes = malloc(2 * (size_t)r.block);
	if (!r.bytes)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (format->write_packs && src->codec != KCO_CODEC_NONE)
		st = kco_encoder_new(src->codec, src->level, &r.encoder, err);
	if (st == KCO_OK)
		st = room_sample(&r, ps, src, step ? step : 1, err);
	kco_encoder_free(r.encoder);
	free(r.bytes);
	if (st != KCO_OK || !r.n)
		return st;
	needed = room_needed(&r, pages, &least);
	if (format->write_packs) {
		needed += pages * ROOM_DESCRIPTOR;
		least += pages * ROOM_DESCRIPTOR;
	}
	if (least <= room)
		return KCO_OK;
	return kco_fail(err, KCO_E_IO,
			"about %" PRIu64 " MiB are needed, %" PRIu64 " MiB are free: nothing was written",
			(needed >> 20) + 1, room >> 20);
}

enum kco_status kco_room_check(struct kco_pagesource *ps, const struct kco_write_source *src,
			       const struct kco_format_ops *format, int fd, struct kco_err *err)
{
	uint32_t block = src->image->facts.block_size;
	struct statvfs vfs;
	struct stat st;
	uint64_t room;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || fstatvfs(fd, &vfs))
		return KCO_OK;
	// What is kept back for the system's administrator is there for nobody else.
	room = (uint64_t)(geteuid() ? vfs.f_bavail : vfs.f_bfree) * vfs.f_frsize;
	if (room >= ps->total + ps->total / block * ROOM_DESCRIPTOR)
		return KCO_OK;
	return room_estimate(ps, src, format, room, err);
}
