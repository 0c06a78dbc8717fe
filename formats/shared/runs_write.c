// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that hold memory as it is, run by run.
 */
#include "runs_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_HOLE 4096u /* zeros of this size, aligned in memory, are not written */
/* A piece may begin and end within a hole's size; between two stretches is one at least. */
#define RUNS_STRETCHES_MAX (KCO_WRITE_PIECE / RUNS_HOLE / 2 + 2)

struct runs_writer {
	const struct kco_filed_run *runs;
	size_t n;
	struct kco_sink *sink;
};

/* Bytes [at, end) of a piece that are not all zeros. */
struct runs_stretch {
	uint32_t at, end;
};

enum kco_status kco_runs_new(const struct kco_write_source *src, size_t max, struct kco_filed_run **ret, size_t *n,
			     struct kco_err *err)
{
	struct kco_filed_run *runs = NULL;
	size_t cap = 0, nr = 0;
	struct kco_write_run run;
	enum kco_status status;
	uint64_t addr = 0;

	while ((status = src->next(src->arg, addr, false, &run, err)) == KCO_OK) {
		addr = run.last + 1;
		if (nr && runs[nr - 1].last + 1 == run.first) {
			runs[nr - 1].last = run.last;
		} else if (nr < cap || (cap < max && nr < max)) {
			if (nr == cap) {
				struct kco_filed_run *grown;

				cap = cap ? cap * 2 : 64;
				grown = reallocarray(runs, cap, sizeof(*runs));
				if (!grown) {
					free(runs);
					return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu runs", cap);
				}
				runs = grown;
			}
			runs[nr++] = (struct kco_filed_run){ run.first, run.last, 0 };
		} else {
			free(runs);
			return kco_fail(err, KCO_E_UNSUPPORTED,
					"memory lies in more than %zu pieces, which is more than this format holds",
					max);
		}
		if (!addr)
			break;
	}
	if (status != KCO_OK && status != KCO_DONE) {
		free(runs);
		return status;
	}
	*ret = runs;
	*n = nr;
	return KCO_OK;
}

size_t kco_runs_find(const struct kco_filed_run *runs, size_t n, uint64_t pa)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (runs[mid].last < pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The end of the stretch at @at that is (or is not) zeros throughout. */
static size_t runs_stretch_end(const struct kco_write_piece *piece, size_t at, bool *zero)
{
	size_t end = at;

	while (end < piece->n) {
		size_t part = RUNS_HOLE - (size_t)((piece->addr + end) & (RUNS_HOLE - 1));
		bool here;

		if (part > piece->n - end)
			part = piece->n - end;
		here = kco_write_is_zero(piece->bytes + end, part);
		if (end == at)
			*zero = here;
		else if (here != *zero)
			break;
		end += part;
	}
	return end;
}

static enum kco_status runs_put(const struct runs_writer *w, const struct kco_write_piece *piece, size_t at, size_t end,
				struct kco_err *err)
{
	const struct kco_filed_run *run = &w->runs[kco_runs_find(w->runs, w->n, piece->addr)];

	return kco_sink_write(w->sink, piece->bytes + at, end - at, run->offset + (piece->addr + at - run->first), err);
}

static enum kco_status runs_work(void *arg, void *worker, struct kco_reader *rd, struct kco_write_piece *piece,
				 struct kco_err *err)
{
	const struct runs_writer *w = arg;
	struct runs_stretch *stretch = (struct runs_stretch *)piece->out;
	enum kco_status status = kco_write_read(rd, piece, err);
	size_t i = kco_runs_find(w->runs, w->n, piece->addr);

	(void)worker;
	if (status == KCO_OK &&
	    (i == w->n || piece->addr < w->runs[i].first || piece->addr + (piece->n - 1) > w->runs[i].last))
		return kco_fail(err, KCO_E_BUG, "memory at %#" PRIx64 " came unasked", piece->addr);
	piece->out_size = 0;
	for (size_t at = 0, end; status == KCO_OK && at < piece->n; at = end) {
		bool zero = false;

		end = runs_stretch_end(piece, at, &zero);
		if (zero)
			continue;
		if (w->sink->any_thread)
			status = runs_put(w, piece, at, end, err);
		else
			stretch[piece->out_size++] = (struct runs_stretch){ (uint32_t)at, (uint32_t)end };
	}
	return status;
}

/* What runs_work() left to write, in the order of addresses. */
static enum kco_status runs_deliver(void *arg, struct kco_write_piece *piece, struct kco_err *err)
{
	const struct runs_stretch *stretch = (const struct runs_stretch *)piece->out;
	enum kco_status status = KCO_OK;

	for (size_t i = 0; status == KCO_OK && i < piece->out_size; i++)
		status = runs_put(arg, piece, stretch[i].at, stretch[i].end, err);
	return status;
}

enum kco_status kco_runs_write(const struct kco_write_source *src, const struct kco_filed_run *runs, size_t n,
			       struct kco_sink *sink, uint64_t size, struct kco_err *err)
{
	struct runs_writer w = { runs, n, sink };
	struct kco_write_work work = {
		.room = RUNS_STRETCHES_MAX * sizeof(struct runs_stretch),
		.arg = &w,
		.work = runs_work,
		.deliver = runs_deliver,
	};
	// First, so that a file system that cannot hold such a file says so before the work.
	enum kco_status status = kco_sink_resize(sink, size, err);

	return status == KCO_OK ? src->each(src->arg, &work, err) : status;
}
