// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pid tree: a second way to every task, against which the list is checked.
 *
 * Since Linux 95846ecf9dac (v4.15) a pid namespace holds its pids in an IDR,
 * which is a radix tree (an XArray since v4.20): struct pid_namespace.idr ->
 * radix_tree_root/xarray -> nodes of slots -> struct pid -> the first entry of
 * tasks[PIDTYPE_PID] -> task_struct.pid_links[0] (older: pids[0].node). Slots
 * with the low bits 10 point to nodes. Nodes know their shift, so depth is
 * bounded by it.
 */
#include "linux.h"

#include <inttypes.h>

#define PIDS_DEPTH 12
#define PIDS_NODES_MAX (1u << 20)

struct pids_walk {
	struct kco_session *s;
	struct kco_field shift, slots, tasks, link, nr;
	uint64_t nr_slots;
	uint32_t nodes;
	enum kco_status (*fn)(void *arg, uint64_t nr, uint64_t task);
	void *arg;
};

static enum kco_status pids_leaf(struct pids_walk *w, uint64_t pid, struct kco_err *err)
{
	uint64_t first, nr;
	enum kco_status st = kco_kread_field(w->s, pid, &w->tasks, &first, err);

	/* A pid without a task of its own: it names a process group or a session that outlived it. */
	if (st || !first)
		return st;
	st = kco_kread_field(w->s, pid, &w->nr, &nr, err);
	return st ? st : w->fn(w->arg, nr, first - w->link.offset);
}

/* The entry of a slot: 10 in the low bits is a node, else a pointer. */
static bool pids_is_node(uint64_t entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

/* A node's slots; @level bounds the recursion, the shift must shrink on the way down. */
static enum kco_status pids_node(struct pids_walk *w, uint64_t node, unsigned shift_above, unsigned level,
				 struct kco_err *err)
{
	uint64_t shift, entry;
	enum kco_status st = kco_kread_field(w->s, node, &w->shift, &shift, err);

	if (st)
		return st;
	if (level >= PIDS_DEPTH || shift >= shift_above || ++w->nodes > PIDS_NODES_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "pid tree: node 0x%" PRIx64 " does not fit in", node);
	for (uint64_t i = 0; i < w->nr_slots; i++) {
		st = kco_kread_uint(w->s, node + w->slots.offset + i * 8, 8, &entry, err);
		if (st)
			return st;
		if (!entry)
			continue;
		if (pids_is_node(entry))
			st = pids_node(w, entry & ~3ull, (unsigned)shift, level + 1, err);
		else if ((entry & 3) == 0)
			st = pids_leaf(w, entry, err);
		if (st)
			return st;
	}
	return KCO_OK;
}

static enum kco_status pids_layout(struct pids_walk *w, struct kco_field *head, struct kco_err *err)
{
	struct kco_session *s = w->s;
	struct kco_type_info info;
	const char *node = "xa_node";
	enum kco_status st = os_field(s, "pid_namespace", head, err, "idr.idr_rt.xa_head", "idr.idr_rt.rnode", NULL);

	if (!st && os_field(s, node, &w->shift, NULL, "shift", NULL))
		node = "radix_tree_node";
	if (!st)
		st = os_field(s, node, &w->shift, err, "shift", NULL);
	if (!st)
		st = os_field(s, node, &w->slots, err, "slots", NULL);
	if (!st)
		st = kco_type_info(w->slots.type, &info, err);
	if (!st)
		st = os_field(s, "pid", &w->tasks, err, "tasks[0].first", NULL);
	if (!st)
		st = os_field(s, "pid", &w->nr, err, "numbers[0].nr", NULL);
	if (!st)
		st = os_field(s, "task_struct", &w->link, err, "pid_links[0]", "pids[0].node", NULL);
	if (st)
		return st;
	w->nr_slots = info.nr_elements;
	if (!w->nr_slots || w->nr_slots > 256)
		return kco_fail(err, KCO_E_CORRUPT, "pid tree: %" PRIu64 " slots a node", w->nr_slots);
	return KCO_OK;
}

enum kco_status linux_pids_each(struct kco_session *s, enum kco_status (*fn)(void *arg, uint64_t nr, uint64_t task),
				void *arg, struct kco_err *err)
{
	struct pids_walk w = { .s = s, .fn = fn, .arg = arg };
	struct kco_field head;
	uint64_t ns, entry;
	enum kco_status st = pids_layout(&w, &head, err);

	if (!st)
		st = os_symbol(s, &ns, err, "init_pid_ns", NULL);
	if (!st)
		st = kco_kread_field(s, ns, &head, &entry, err);
	if (st || !entry)
		return st;
	/* A tree of one entry at index 0 has no node; pid 0 is never allocated, but be exact. */
	if (pids_is_node(entry))
		return pids_node(&w, entry & ~3ull, 64, 0, err);
	return pids_leaf(&w, entry & ~3ull, err);
}
