// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk over the struct page of all memory.
 */
#include "linux_memmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "linux_page.h"
#include "ordered.h"

#define MEMSCAN_STRETCH (UINT64_C(1) << 14) /* page frames that one worker looks at: 64 MiB */
#define MEMSCAN_BATCH 1024u		    /* struct pages that are read at once */

struct memscan {
	const struct linux_memscan *what;
	/* What is asked: runs of memory. */
	struct kco_write_run run;
	bool has_run, over;
	uint64_t addr;
	enum kco_status status;
	struct kco_err err;
};

struct memscan_slot {
	uint64_t first, last; /* page frames, of one stretch */
	uint64_t *bits;	      /* of the stretch: to drop */
	uint64_t counts[LINUX_MEMSCAN_COUNTS];
	enum kco_status status;
	struct kco_err err;
};

/* @verdict is about @pfn and on; what the slot does not hold of it is none of its business. Returns the next frame. */
static uint64_t memscan_apply(struct memscan_slot *slot, uint64_t pfn, const struct linux_verdict *verdict)
{
	uint64_t base = slot->first & ~(MEMSCAN_STRETCH - 1), end = pfn + verdict->n;

	if (end > slot->last + 1)
		end = slot->last + 1;
	for (uint64_t i = pfn < slot->first ? slot->first : pfn; i < end; i++) {
		if (verdict->drop)
			slot->bits[(i - base) / 64] |= UINT64_C(1) << (i - base) % 64;
		slot->counts[verdict->count]++;
	}
	return end > pfn ? end : pfn + 1;
}

/* @n struct pages from that of @pfn on, @have of them in @raw. Returns the frame to go on with. */
static uint64_t memscan_batch(const struct linux_memscan *scan, struct kco_mem *mem, struct memscan_slot *slot,
			      const uint8_t *raw, uint64_t pfn, size_t n, size_t have)
{
	const struct linux_memmap *map = scan->map;
	uint64_t at = pfn;

	while (at < pfn + n) {
		size_t i = (size_t)(at - pfn);
		struct linux_verdict verdict;
		struct linux_mempage p;

		linux_mempage_decode(map, raw + i * map->size, i + 1 < have, at, &p);
		verdict = scan->judge(scan->arg, mem, at, &p);
		at = memscan_apply(slot, at, &verdict);
	}
	return at;
}

/* A stretch may begin inside of what is told by its first page only: a compound page or a free block. Where that
 * begins. */
static uint64_t memscan_head(const struct linux_memmap *map, struct kco_mem *mem, uint64_t pfn)
{
	struct linux_mempage p;

	for (unsigned order = 1; order <= LINUX_MEMMAP_ORDER_MAX; order++) {
		uint64_t head = pfn & ~((UINT64_C(1) << order) - 1);

		// Only what is aligned anew by this order was not looked at by the one before.
		if (head == pfn || !(pfn >> (order - 1) & 1))
			continue;
		if (!linux_memmap_page(map, mem, head, &p))
			return pfn;
		if (p.order >= order ||
		    (linux_mempage_type(&p, map->buddy) && p.private < map->max_order && p.private >= order))
			return head;
	}
	return pfn;
}

static void memscan_work(void *arg, void *worker, void *slot)
{
	const struct linux_memscan *scan = ((struct memscan *)arg)->what;
	const struct linux_memmap *map = scan->map;
	struct memscan_slot *s = slot;
	uint8_t *raw;
	uint64_t pfn;

	if (s->status)
		return;
	raw = malloc((MEMSCAN_BATCH + 1) * map->size);
	if (!raw) {
		s->status = kco_fail(&s->err, KCO_E_NOMEM, "out of memory");
		return;
	}
	for (pfn = memscan_head(map, worker, s->first); pfn <= s->last;) {
		size_t n = s->last - pfn + 1 < MEMSCAN_BATCH ? (size_t)(s->last - pfn + 1) : MEMSCAN_BATCH, done, have;
		struct linux_verdict verdict;
		enum kco_status st;

		st = kco_vread_once(worker, &map->s->kernel, map->vmemmap + pfn * map->size, raw, (n + 1) * map->size,
				    &done, NULL);
		have = done / map->size;
		if (have < n)
			n = have;
		if (n) {
			pfn = memscan_batch(scan, worker, s, raw, pfn, n, have);
			continue;
		}
		// The array may go on a page further.
		verdict = scan->unknown(scan->arg, st);
		pfn = memscan_apply(s, pfn, &verdict);
	}
	free(raw);
}

static bool memscan_take(void *arg, void *slot)
{
	struct memscan *m = arg;
	struct memscan_slot *s = slot;
	const struct kco_write_source *src = m->what->src;
	uint64_t last;

	s->status = KCO_OK;
	memset(s->counts, 0, sizeof(s->counts));
	s->err = KCO_ERR_INIT;
	if (!m->has_run && !m->over) {
		s->status = src->next(src->arg, m->addr, true, &m->run, &s->err);
		m->has_run = s->status == KCO_OK;
		m->over = !m->has_run;
		if (s->status != KCO_OK && s->status != KCO_DONE)
			return true;
	}
	if (!m->has_run)
		return false;
	s->status = KCO_OK;
	s->first = m->run.first / LINUX_PAGE_SIZE;
	last = m->run.last / LINUX_PAGE_SIZE;
	s->last = s->first | (MEMSCAN_STRETCH - 1);
	if (s->last > last)
		s->last = last;
	memset(s->bits, 0, MEMSCAN_STRETCH / 8);
	m->addr = (s->last + 1) * LINUX_PAGE_SIZE;
	m->run.first = m->addr;
	m->has_run = s->last < last;
	return true;
}

static bool memscan_deliver(void *arg, void *slot)
{
	struct memscan *m = arg;
	struct memscan_slot *s = slot;
	uint64_t base = s->first & ~(MEMSCAN_STRETCH - 1);

	for (uint64_t pfn = s->first; !s->status && pfn <= s->last; pfn++) {
		uint64_t end = pfn;

		while (end <= s->last && s->bits[(end - base) / 64] >> (end - base) % 64 & 1)
			end++;
		if (end > pfn && kco_frameset_add(m->what->drop, pfn, end - 1))
			s->status = kco_fail(&s->err, KCO_E_NOMEM, "out of memory");
		if (end > pfn)
			pfn = end;
	}
	for (size_t i = 0; i < m->what->nr_counts; i++)
		m->what->counts[i] += s->counts[i];
	m->status = s->status;
	m->err = s->err;
	return s->status == KCO_OK;
}

static void *memscan_worker_new(void *arg, struct kco_err *err)
{
	struct kco_mem *mem;

	return kco_mem_new(((struct memscan *)arg)->what->map->s->image, &mem, err) ? NULL : mem;
}

static void memscan_worker_free(void *worker)
{
	kco_mem_free(worker);
}

static const struct kco_ordered_ops memscan_ops = {
	.take = memscan_take,
	.worker_new = memscan_worker_new,
	.worker_free = memscan_worker_free,
	.work = memscan_work,
	.deliver = memscan_deliver,
};

enum kco_status linux_memscan(const struct linux_memscan *scan, struct kco_err *err)
{
	struct kco_session *s = scan->map->s;
	struct memscan m = { .what = scan, .err = KCO_ERR_INIT };
	struct kco_ordered o = { .ops = &memscan_ops, .arg = &m, .slot_size = sizeof(struct memscan_slot) };
	struct memscan_slot slots[2 * KCO_ORDERED_JOBS_MAX];
	enum kco_status st;
	uint64_t *bits;

	if (s->image->facts.block_size != LINUX_PAGE_SIZE)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"pages are told apart by 4096 bytes, this dump has blocks of %" PRIu32,
				s->image->facts.block_size);
	if (scan->nr_counts > LINUX_MEMSCAN_COUNTS)
		return kco_fail(err, KCO_E_BUG, "%zu counts", scan->nr_counts);
	o.jobs = kco_session_jobs(s);
	if (o.jobs > KCO_ORDERED_JOBS_MAX)
		o.jobs = KCO_ORDERED_JOBS_MAX;
	o.nr_slots = 2 * (size_t)o.jobs;
	o.slots = slots;
	bits = calloc(o.nr_slots, MEMSCAN_STRETCH / 8);
	if (!bits)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < o.nr_slots; i++)
		slots[i].bits = bits + i * (MEMSCAN_STRETCH / 64);
	st = kco_ordered_run(s, &o, err);
	free(bits);
	if (!st && m.status && err)
		*err = m.err;
	return st ? st : m.status;
}
