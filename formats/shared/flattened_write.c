// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing makedumpfile's flattened stream; its layout is in flattened.c.
 *
 * A record costs readers an entry of their index, and a format's writer goes
 * back and forth: a kdump's page descriptors and page data grow at two places at
 * once, with a few bytes a page when runs of memory are short. So small writes
 * wait in lanes, each one stretch of the inner file that grows at its end:
 *
 *   lane 0   [descriptors ....>          one record when it is full, when another
 *   lane 1   [page data ..........>      place needs the lane, or when a write
 *                                        covers what waits here
 *
 * Readers let a later record cover an earlier one, so that what overlaps must
 * leave in the order it came; for the rest the order is free.
 */
#include "flattened_write.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define FLATTENED_HEADER 4096u
#define FLATTENED_LANES 4u
#define FLATTENED_LANE_SIZE 65536u

struct flattened_lane {
	uint64_t off;  /* in the inner file */
	size_t n;      /* bytes that wait */
	uint64_t used; /* when it was last, by the number of writes */
	uint8_t bytes[FLATTENED_LANE_SIZE];
};

struct flattened_sink {
	struct kco_sink sink;
	struct kco_stream *to;
	uint64_t writes, end; /* the highest end of a record */
	struct flattened_lane lanes[FLATTENED_LANES];
};

static enum kco_status flattened_record(struct flattened_sink *s, const void *buf, size_t n, uint64_t off,
					struct kco_err *err)
{
	const uint64_t head[2] = { htobe64(off), htobe64(n) };

	if (off + n > s->end)
		s->end = off + n;
	return kco_stream_write(s->to, head, sizeof(head), buf, n, err);
}

static enum kco_status flattened_flush(struct flattened_sink *s, struct flattened_lane *lane, struct kco_err *err)
{
	uint64_t off = lane->off;
	size_t n = lane->n;

	lane->off += n;
	lane->n = 0;
	return n ? flattened_record(s, lane->bytes, n, off, err) : KCO_OK;
}

/* The lane that a write at @off goes on, or the one that waited longest, made free for it. */
static struct flattened_lane *flattened_lane(struct flattened_sink *s, uint64_t off, enum kco_status *status,
					     struct kco_err *err)
{
	struct flattened_lane *oldest = &s->lanes[0];

	for (size_t i = 0; i < FLATTENED_LANES; i++) {
		if (s->lanes[i].off + s->lanes[i].n == off)
			return &s->lanes[i];
		if (s->lanes[i].used < oldest->used)
			oldest = &s->lanes[i];
	}
	*status = flattened_flush(s, oldest, err);
	oldest->off = off;
	return oldest;
}

static enum kco_status flattened_write(struct kco_sink *sink, const void *buf, size_t n, uint64_t off,
				       struct kco_err *err)
{
	struct flattened_sink *s = (struct flattened_sink *)sink;
	enum kco_status status = KCO_OK;
	struct flattened_lane *lane;

	for (size_t i = 0; status == KCO_OK && i < FLATTENED_LANES; i++)
		if (s->lanes[i].off < off + n && off < s->lanes[i].off + s->lanes[i].n)
			status = flattened_flush(s, &s->lanes[i], err);
	if (status != KCO_OK)
		return status;
	lane = flattened_lane(s, off, &status, err);
	lane->used = ++s->writes;
	if (status == KCO_OK && n > FLATTENED_LANE_SIZE - lane->n)
		status = flattened_flush(s, lane, err);
	if (status != KCO_OK)
		return status;
	if (n >= FLATTENED_LANE_SIZE) {
		lane->off += n;
		return flattened_record(s, buf, n, off, err);
	}
	memcpy(lane->bytes + lane->n, buf, n);
	lane->n += n;
	return KCO_OK;
}

static enum kco_status flattened_end(struct kco_sink *sink, struct kco_err *err)
{
	struct flattened_sink *s = (struct flattened_sink *)sink;
	const uint64_t mark[2] = { UINT64_MAX, UINT64_MAX };
	enum kco_status status = KCO_OK;

	for (size_t i = 0; status == KCO_OK && i < FLATTENED_LANES; i++)
		status = flattened_flush(s, &s->lanes[i], err);
	// Zeros at the end have no record that tells how long the file is.
	if (status == KCO_OK && s->end < sink->size)
		status = flattened_record(s, "", 1, sink->size - 1, err);
	return status == KCO_OK ? kco_stream_write(s->to, mark, sizeof(mark), NULL, 0, err) : status;
}

static void flattened_free(struct kco_sink *sink)
{
	free(sink);
}

static const struct kco_sink_ops flattened_sink_ops = {
	.write = flattened_write,
	.end = flattened_end,
	.free = flattened_free,
};

enum kco_status kco_flattened_sink_new(struct kco_stream *to, struct kco_sink **ret, struct kco_err *err)
{
	static const uint8_t header[FLATTENED_HEADER] = "makedumpfile\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1";
	struct flattened_sink *s = calloc(1, sizeof(*s));
	enum kco_status status;

	if (!s)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	s->sink.ops = &flattened_sink_ops;
	s->to = to;
	status = kco_stream_write(to, header, sizeof(header), NULL, 0, err);
	if (status != KCO_OK) {
		free(s);
		return status;
	}
	*ret = &s->sink;
	return KCO_OK;
}
