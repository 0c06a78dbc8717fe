// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a BSD's kernel maps memory, as runs in which virtual and physical
 * addresses go on together.
 *
 * A minidump carries the maps: each of its virtual segments is asked entry by
 * entry, a linear one once. Anything else has page tables, which are read in
 * order over the upper half of the addresses. The entry of the highest table
 * that leads to that table itself (PTEs as memory: all three systems have one)
 * maps the tables once more and is left out.
 *
 * Tables are the dump's word: however they lead round in circles, the number of
 * steps is bounded, and what was found until then is given.
 */
#include "bsd_maps.h"

#include <inttypes.h>

#include <kco/endian.h>
#include <kco/mem.h>

#include "pagewalk.h"

/* Entries looked at: 256 GiB page by page, or far more where large pages map it. */
#define MAPS_STEPS_MAX (UINT64_C(1) << 26)
#define MAPS_STEPS_POLL 4096
#define MAPS_PAGE UINT64_C(4096)

struct maps {
	struct kco_session *s;
	enum kco_status (*add)(void *arg, const struct kco_write_map *map);
	void *arg;
	struct kco_write_map run; /* not added yet; size 0: none */
	uint64_t steps, lost;
	struct kco_err why; /* of the first that was lost */
};

static enum kco_status maps_flush(struct maps *m)
{
	enum kco_status st = m->run.size ? m->add(m->arg, &m->run) : KCO_OK;

	m->run.size = 0;
	return st;
}

static enum kco_status maps_put(struct maps *m, const struct kco_write_map *map)
{
	struct kco_write_map *run = &m->run;
	enum kco_status st;

	if (run->size && map->va == run->va + run->size && map->pa == run->pa + run->size && !map->direct &&
	    !run->direct) {
		run->size += map->size;
		run->write |= map->write;
		run->exec |= map->exec;
		return KCO_OK;
	}
	// A converted file has the pieces of a linear map that hold memory.
	if (run->size && run->direct && map->direct && map->va > run->va && map->va - map->pa == run->va - run->pa) {
		run->size = map->va - run->va + map->size;
		return KCO_OK;
	}
	st = maps_flush(m);
	*run = *map;
	return st;
}

/* One step more. KCO_DONE: they were too many. */
static enum kco_status maps_step(struct maps *m, struct kco_err *err)
{
	if (m->steps++ >= MAPS_STEPS_MAX)
		return KCO_DONE;
	if (m->steps % MAPS_STEPS_POLL == 0 && kco_session_cancelled(m->s))
		return kco_fail(err, KCO_E_CANCELLED, "interrupted");
	return KCO_OK;
}

/* A virtual segment that the file has maps of. */
static enum kco_status maps_segment(struct maps *m, uint64_t at, uint64_t last, struct kco_err *err)
{
	struct kco_reader *rd = kco_mem_reader(m->s->mem);

	for (;;) {
		struct kco_segment_page page = { .size = 0 };
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status st = kco_reader_translate(rd, at, &page, &why), step_st = maps_step(m, err);
		uint64_t size = page.size ? page.size : MAPS_PAGE, step = size - (at & (size - 1));

		if (step_st || st == KCO_E_NOMEM)
			return step_st ? step_st : kco_fail(err, st, "%s", why.msg);
		if (last - at < step || (!st && !page.size))
			step = last - at + 1;
		if (st && st != KCO_E_UNMAPPED && !m->lost++)
			m->why = why;
		if (!st)
			step_st = maps_put(m, &(struct kco_write_map){ .va = at,
								       .pa = page.pa.v,
								       .size = step,
								       .write = page.write,
								       .exec = page.exec,
								       .direct = !page.size });
		if (step_st || last - at < step)
			return step_st;
		at += step;
	}
}

static enum kco_status maps_by_file(struct maps *m, struct kco_err *err)
{
	struct kco_reader *rd = kco_mem_reader(m->s->mem);
	enum kco_status st = KCO_OK;
	uint64_t at = 0;

	for (const struct kco_segment *seg; !st && (seg = kco_reader_next(rd, KCO_VIRT, at)) != NULL;) {
		// What is read turns the tree.
		uint64_t first = seg->first > at ? seg->first : at, last = seg->last;

		if (seg->ops->translate)
			st = maps_segment(m, first, last, err);
		if (last == UINT64_MAX)
			break;
		at = last + 1;
	}
	return st;
}

/* What one entry of the highest table maps, [va, end). */
static enum kco_status maps_slot(struct maps *m, struct kco_pagewalk *walk, uint64_t va, uint64_t end,
				 struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	while (!st && va < end) {
		struct kco_pagerun run;

		kco_pagewalk_next(walk, va, end, &run);
		st = maps_step(m, err);
		if (!st && run.kind == KCO_PAGERUN_PRESENT)
			st = maps_put(
				m, &(struct kco_write_map){
					   .va = va, .pa = run.pa.v, .size = run.size, .write = true, .exec = true });
		va += run.size;
	}
	return st;
}

static enum kco_status maps_by_tables(struct maps *m, struct kco_err *err)
{
	const struct kco_space *space = &m->s->kernel;
	const struct kco_paging *form = space->form;
	uint64_t slots = UINT64_C(1) << form->bits[form->levels], span = kco_paging_span(form, form->levels);
	struct kco_pagewalk *walk = kco_arena_alloc(&m->s->arena, sizeof(*walk));
	enum kco_status st = walk ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");

	if (walk)
		kco_pagewalk_init(walk, m->s->mem, space);
	for (uint64_t i = slots / 2; !st && i < slots; i++) {
		uint64_t va = -((slots - i) * span), end = va + span;
		struct kco_paddr table = KCO_PADDR(0);
		uint8_t raw[8] = { 0 };

		st = kco_pread(kco_mem_reader(m->s->mem), KCO_PADDR(space->root.v + i * form->entry_size), raw,
			       form->entry_size, NULL, err);
		if (st)
			return kco_context(err, st, "highest page table");
		if (form->decode(kco_le_uint(raw, form->entry_size), form->levels, space->addr_mask, &table) ==
			    KCO_PTE_TABLE &&
		    table.v != space->root.v)
			// The very last page has no address behind it, and nothing of a kernel.
			st = maps_slot(m, walk, va, end ? end : -MAPS_PAGE, err);
	}
	return st;
}

enum kco_status bsd_maps(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_write_map *map),
			 void *arg, struct kco_err *err)
{
	struct maps m = { .s = s, .add = add, .arg = arg, .why = KCO_ERR_INIT };
	enum kco_status st = s->kernel.form ? maps_by_tables(&m, err) : maps_by_file(&m, err);

	if (!st)
		st = maps_flush(&m);
	if (m.lost)
		kco_session_warn(s, "%" PRIu64 " parts of the kernel's map cannot be read: %s", m.lost, m.why.msg);
	return st;
}
