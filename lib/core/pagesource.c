// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What writers read from: runs of memory, and pieces of them on every core.
 */
#include "pagesource.h"

#include <stdlib.h>

#include "bulk.h"
#include "ordered.h"

#define PAGESOURCE_SLOTS_A_JOB 4

/* The first run that the dump holds at or after @addr. */
static enum kco_status pagesource_saved(struct kco_pagesource *ps, uint64_t addr, bool whole_blocks,
					struct kco_write_run *ret, struct kco_err *err)
{
	uint64_t mask = ps->session->image->facts.block_size - UINT64_C(1);
	enum kco_status st = kco_reader_saved(ps->rd, KCO_PHYS, addr, &ret->first, &ret->last, err);

	if (st == KCO_OK && whole_blocks) {
		ret->first &= ~mask;
		ret->last |= mask;
	}
	return st;
}

/* Cut @run to the frames that are (@in) or are not in @set; false: none of it is left, go on at *@addr. */
static bool pagesource_cut(const struct kco_frameset *set, bool in, uint32_t block, struct kco_write_run *run,
			   uint64_t *addr)
{
	uint64_t first, last;

	if (!kco_frameset_run(set, run->first / block, in, &first, &last) || first > run->last / block) {
		*addr = run->last + 1;
		return false;
	}
	if (first > run->first / block)
		run->first = first * block;
	if (last < run->last / block)
		run->last = last * block + (block - 1);
	return true;
}

static enum kco_status pagesource_next(void *arg, uint64_t addr, bool whole_blocks, struct kco_write_run *ret,
				       struct kco_err *err)
{
	struct kco_pagesource *ps = arg;
	uint32_t block = ps->session->image->facts.block_size;
	uint64_t first, last, from = addr;

	for (;;) {
		enum kco_status st;

		// Few frames of many are found from their side.
		if (ps->only) {
			if (!kco_frameset_run(ps->only, from / block, true, &first, &last))
				return KCO_DONE;
			if (first * block > from)
				from = first * block;
		}
		st = pagesource_saved(ps, from, whole_blocks, ret, err);
		if (st != KCO_OK)
			return st;
		if (ret->last == UINT64_MAX && ret->first == 0)
			return kco_fail(err, KCO_E_BUG, "a run without an end");
		if ((!ps->only || pagesource_cut(ps->only, true, block, ret, &from)) &&
		    (!ps->drop || pagesource_cut(ps->drop, false, block, ret, &from)))
			return KCO_OK;
		if (from < addr)
			return KCO_DONE; // the last run ended where addresses do
	}
}

enum kco_status kco_pagesource_total(const struct kco_write_source *src, bool whole_blocks, uint64_t *ret,
				     struct kco_err *err)
{
	struct kco_write_run run;
	uint64_t addr = 0;
	enum kco_status st;

	*ret = 0;
	while ((st = src->next(src->arg, addr, whole_blocks, &run, err)) == KCO_OK) {
		*ret += run.last - run.first + 1;
		addr = run.last + 1;
		if (!addr)
			break;
	}
	return st == KCO_DONE ? KCO_OK : st;
}

struct pagesource_slot {
	struct kco_write_piece piece;
	enum kco_status status;
	struct kco_err err;
};

struct pagesource_each {
	struct kco_pagesource *ps;
	const struct kco_write_work *work;
	struct kco_write_run run; /* what is left of the current one */
	bool has_run, over;
	uint64_t addr, before;
	enum kco_status status; /* of the first piece that failed */
	struct kco_err err;
};

struct pagesource_worker {
	struct pagesource_each *e;
	struct kco_reader *rd;
	void *own; /* the writer's */
};

/* Cut @run, which does not begin before the part, at the part's end; false: it is behind it. */
static bool pagesource_in_part(const struct kco_pagesource *ps, struct kco_write_run *run)
{
	if (ps->part && run->last > ps->part->last)
		run->last = ps->part->last;
	return run->first <= run->last;
}

/* The next piece, up to the next multiple of its size. */
static bool pagesource_take(void *arg, void *slot)
{
	struct pagesource_each *e = arg;
	struct pagesource_slot *s = slot;
	uint64_t last;

	s->status = KCO_OK;
	if (!e->has_run && !e->over) {
		s->status = pagesource_next(e->ps, e->addr, e->work->whole_blocks, &e->run, &s->err);
		e->has_run = s->status == KCO_OK && pagesource_in_part(e->ps, &e->run);
		e->over = !e->has_run;
		if (s->status != KCO_OK && s->status != KCO_DONE)
			return true; // delivered as the failure that it is
	}
	if (!e->has_run)
		return false;
	last = e->run.first | (KCO_WRITE_PIECE - 1);
	if (last > e->run.last)
		last = e->run.last;
	s->piece.addr = e->run.first;
	s->piece.n = (size_t)(last - e->run.first) + 1;
	s->piece.before = e->before;
	s->piece.out_size = 0;
	e->before += s->piece.n;
	e->addr = last + 1;
	e->run.first = last + 1;
	e->has_run = last < e->run.last;
	e->over = last == UINT64_MAX;
	return true;
}

static void pagesource_worker_free(void *worker)
{
	struct pagesource_worker *w = worker;

	if (w->own && w->e->work->worker_free)
		w->e->work->worker_free(w->own);
	kco_reader_free(w->rd);
	free(w);
}

static void *pagesource_worker_new(void *arg, struct kco_err *err)
{
	struct pagesource_each *e = arg;
	struct pagesource_worker *w = calloc(1, sizeof(*w));

	if (!w) {
		(void)!kco_fail(err, KCO_E_NOMEM, "out of memory");
		return NULL;
	}
	w->e = e;
	if (!kco_reader_new(e->ps->session->image, &w->rd, err)) {
		if (e->ps->blanks)
			kco_reader_blank(w->rd, e->ps->blanks->ranges, e->ps->blanks->n);
		if (!e->work->worker_new || (w->own = e->work->worker_new(e->work->arg, err)))
			return w;
	}
	pagesource_worker_free(w);
	return NULL;
}

static void pagesource_work(void *arg, void *worker, void *slot)
{
	struct pagesource_each *e = arg;
	struct pagesource_worker *w = worker;
	struct pagesource_slot *s = slot;

	if (s->status)
		return;
	s->err = KCO_ERR_INIT;
	s->status = e->work->work(e->work->arg, w->own, w->rd, &s->piece, &s->err);
}

static bool pagesource_deliver(void *arg, void *slot)
{
	struct pagesource_each *e = arg;
	struct pagesource_slot *s = slot;
	const struct kco_session_options *opts = &e->ps->session->opts;

	if (!s->status && e->work->deliver)
		s->status = e->work->deliver(e->work->arg, &s->piece, &s->err);
	if (s->status) {
		e->status = s->status;
		e->err = s->err;
		return false;
	}
	if (e->ps->what && opts->progress)
		opts->progress(opts->progress_arg,
			       &(struct kco_progress){ e->ps->what, e->ps->before + s->piece.before + s->piece.n,
						       e->ps->total, true });
	return true;
}

static const struct kco_ordered_ops pagesource_ops = {
	.take = pagesource_take,
	.worker_new = pagesource_worker_new,
	.worker_free = pagesource_worker_free,
	.work = pagesource_work,
	.deliver = pagesource_deliver,
};

/* Memory for the pieces: room for the bytes and for what the writer makes of them. */
static uint8_t *pagesource_slots(const struct kco_write_work *work, struct pagesource_slot *slots, size_t n)
{
	size_t room = KCO_WRITE_PIECE + work->room;
	uint8_t *all = room > SIZE_MAX / n ? NULL : malloc(n * room);

	for (size_t i = 0; all && i < n; i++) {
		slots[i].piece.bytes = all + i * room;
		slots[i].piece.out = slots[i].piece.bytes + KCO_WRITE_PIECE;
	}
	return all;
}

static enum kco_status pagesource_each(void *arg, const struct kco_write_work *work, struct kco_err *err)
{
	struct kco_pagesource *ps = arg;
	struct pagesource_each e = {
		.ps = ps, .work = work, .addr = ps->part ? ps->part->first : 0, .err = KCO_ERR_INIT
	};
	struct kco_ordered o = { .ops = &pagesource_ops, .arg = &e, .slot_size = sizeof(struct pagesource_slot) };
	struct pagesource_slot *slots;
	enum kco_status st;
	uint8_t *room;

	o.jobs = kco_session_jobs(ps->session);
	if (o.jobs > KCO_ORDERED_JOBS_MAX)
		o.jobs = KCO_ORDERED_JOBS_MAX;
	o.nr_slots = (size_t)o.jobs * PAGESOURCE_SLOTS_A_JOB;
	o.slots = slots = calloc(o.nr_slots, sizeof(*slots));
	room = slots ? pagesource_slots(work, slots, o.nr_slots) : NULL;
	st = room ? kco_ordered_run(ps->session, &o, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");
	free(room);
	free(slots);
	if (!st && e.status && err)
		*err = e.err;
	return st ? st : e.status;
}

enum kco_status kco_pagesource_init(struct kco_pagesource *ps, struct kco_session *s, struct kco_write_source *src,
				    struct kco_err *err)
{
	*ps = (struct kco_pagesource){ .session = s };
	*src = (struct kco_write_source){
		.image = s->image, .next = pagesource_next, .each = pagesource_each, .arg = ps, .codec = KCO_CODEC_ZSTD
	};
	return kco_reader_new(s->image, &ps->rd, err);
}

void kco_pagesource_fini(struct kco_pagesource *ps)
{
	kco_reader_free(ps->rd);
	ps->rd = NULL;
}
