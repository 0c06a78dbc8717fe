// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own areas of virtual memory: vmalloc(), stacks, per-CPU chunks
 * (mm/vmalloc.c).
 *
 *   struct vmap_area   va_start, va_end, vm -> struct vm_struct with the caller
 *   vmap_area_list     all of them; since Linux 55c49fee57af (v6.9) one list for
 *                      each of nr_vmap_nodes struct vmap_node: busy.head
 */
#include "linux.h"

#include <inttypes.h>

#include "addrset.h"

#define VMAP_NODES_MAX 1024

struct vmap_walk {
	struct kco_session *s;
	struct kco_field list, start, end, vm, caller;
	bool (*fn)(void *arg, const struct linux_vmap_area *area);
	void *arg;
	struct kco_addrset seen;
	bool stopped;
};

void linux_vmap_range(struct kco_session *s, uint64_t *first, uint64_t *end)
{
	bool five = linux_of(s)->levels == 5;

	// Where they are no variables (arch/x86/include/asm/pgtable_64_types.h).
	if (os_variable(s, "vmalloc_base", 8, first, NULL))
		*first = five ? UINT64_C(0xffa0000000000000) : UINT64_C(0xffffc90000000000);
	if (os_variable(s, "vmemmap_base", 8, end, NULL))
		*end = five ? UINT64_C(0xffd4000000000000) : UINT64_C(0xffffea0000000000);
}

static enum kco_status vmap_layout(struct vmap_walk *w, struct kco_err *err)
{
	struct kco_session *s = w->s;
	enum kco_status st = os_field(s, "vmap_area", &w->list, err, "list", NULL);

	if (!st)
		st = os_field(s, "vmap_area", &w->start, err, "va_start", NULL);
	if (!st)
		st = os_field(s, "vmap_area", &w->end, err, "va_end", NULL);
	if (!st)
		st = os_field(s, "vmap_area", &w->vm, err, "vm", NULL);
	return st ? st : os_field(s, "vm_struct", &w->caller, err, "caller", NULL);
}

static enum kco_status vmap_node(void *arg, uint64_t node)
{
	struct vmap_walk *w = arg;
	uint64_t at = node - w->list.offset, vm;
	struct linux_vmap_area area = { 0 };
	enum kco_status st = kco_addrset_add(&w->seen, node);

	if (st)
		return st;
	if (kco_kread_field(w->s, at, &w->start, &area.start, NULL) ||
	    kco_kread_field(w->s, at, &w->end, &area.end, NULL) || area.end <= area.start)
		return KCO_OK;
	if (!kco_kread_field(w->s, at, &w->vm, &vm, NULL) && vm)
		(void)!kco_kread_field(w->s, vm, &w->caller, &area.caller, NULL);
	if (w->fn(w->arg, &area))
		return KCO_OK;
	w->stopped = true;
	return KCO_DONE;
}

static enum kco_status vmap_nodes(struct vmap_walk *w, struct kco_err *torn, struct kco_err *err)
{
	struct kco_session *s = w->s;
	struct kco_field head;
	uint64_t nodes, n, size;
	enum kco_status st = os_variable(s, "vmap_nodes", 0, &nodes, err);

	if (!st)
		st = os_variable(s, "nr_vmap_nodes", 4, &n, err);
	if (!st)
		st = os_field(s, "vmap_node", &head, err, "busy.head", NULL);
	if (!st)
		st = kco_types_sizeof(s->types, "vmap_node", &size, err);
	if (!st && n > VMAP_NODES_MAX)
		st = kco_fail(err, KCO_E_CORRUPT, "nr_vmap_nodes is %" PRIu64, n);
	for (uint64_t i = 0; !st && i < n && !w->stopped; i++)
		st = linux_list_each(s, nodes + i * size + head.offset, vmap_node, w, torn);
	return st;
}

enum kco_status linux_vmap_each(struct kco_session *s, bool (*fn)(void *arg, const struct linux_vmap_area *area),
				void *arg, struct kco_err *torn, struct kco_err *err)
{
	struct vmap_walk w = { .s = s, .fn = fn, .arg = arg };
	enum kco_status st = vmap_layout(&w, err);
	uint64_t head;

	*torn = KCO_ERR_INIT;
	if (!st && !os_symbol(s, &head, NULL, "vmap_area_list", NULL))
		st = linux_list_each(s, head, vmap_node, &w, torn);
	else if (!st)
		st = vmap_nodes(&w, torn, err);
	kco_addrset_fini(&w.seen);
	return st;
}
