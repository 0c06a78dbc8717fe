// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Maple trees (since Linux 54a611b60590, v6.1; in an address space since
 * d4af56c5c7c6, v6.1): a B-tree of ranges, read with <linux/maple_tree.h> and
 * lib/maple_tree.c.
 *
 *   ma_root    NULL, one entry for index 0, or a node: xxx10
 *   a node     256 bytes, so aligned; a pointer to it holds its type in bits 3..6
 *              leaf64, range64:  parent, pivot[15], slot[16]
 *              arange64:         parent, pivot[9], slot[10], gap[10], meta
 *              dense:            parent, slot[31]: an index each
 *   slot i     holds what is between pivot[i-1] (not included) and pivot[i];
 *              a pivot that is missing, or 0 behind the first, is the node's own
 *              end. Slots after that mean nothing.
 *
 * Whatever a node says must lie inside of what its parent says of it, and no
 * node is visited twice: that bounds any tree, damaged or made up. What is
 * wrong costs its branch only.
 */
#include "linux_process.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#include "addrset.h"

#define MAPLE_NODE 256	    /* bytes, and their alignment */
#define MAPLE_DEPTH 31	    /* MAPLE_HEIGHT_MAX */
#define MAPLE_TYPES 4	    /* dense, leaf64, range64, arange64 */
#define MAPLE_RESERVED 4096 /* MAPLE_RESERVED_RANGE: entries below with bits 10 are the tree's own marks */

struct maple_form {
	bool known, leaf;
	unsigned pivots, nr_pivots, slots, nr_slots; /* offsets in bytes, and how many */
};

struct linux_maple {
	struct kco_lazy lazy;
	struct kco_field root;	     /* maple_tree.ma_root */
	struct maple_form forms[16]; /* by the type in a pointer */
};

struct maple_walk {
	struct kco_session *s;
	const struct linux_maple *layout;
	struct kco_addrset seen;
	linux_maple_fn *fn;
	void *arg;
	struct kco_err *torn;
};

/* An array of 8-byte words in struct @type. */
static enum kco_status maple_array(struct kco_session *s, const char *type, const char *path, unsigned *offset,
				   unsigned *n, struct kco_err *err)
{
	struct kco_type_info info;
	struct kco_field field;
	enum kco_status st = os_field(s, type, &field, err, path, NULL);

	if (!st)
		st = kco_type_info(field.type, &info, err);
	if (st)
		return st;
	if (field.offset > MAPLE_NODE || info.nr_elements > (MAPLE_NODE - field.offset) / 8)
		return kco_fail(err, KCO_E_CORRUPT, "struct %s.%s does not fit into a node", type, path);
	*offset = (unsigned)field.offset;
	*n = (unsigned)info.nr_elements;
	return KCO_OK;
}

static enum kco_status maple_make(struct kco_session *s, struct linux_maple *layout, struct kco_err *err)
{
	static const struct {
		const char *type, *name;
		bool leaf;
	} forms[MAPLE_TYPES] = {
		{ "maple_node", "maple_dense", true },
		{ "maple_range_64", "maple_leaf_64", true },
		{ "maple_range_64", "maple_range_64", false },
		{ "maple_arange_64", "maple_arange_64", false },
	};
	enum kco_status st = os_field(s, "maple_tree", &layout->root, err, "ma_root", NULL);

	for (unsigned i = 0; i < MAPLE_TYPES && !st; i++) {
		struct maple_form *form, here = { .known = true, .leaf = forms[i].leaf };
		int64_t type;

		st = maple_array(s, forms[i].type, "slot", &here.slots, &here.nr_slots, err);
		if (!st && i)
			st = maple_array(s, forms[i].type, "pivot", &here.pivots, &here.nr_pivots, err);
		if (st)
			break;
		if (kco_types_enumerator(s->types, forms[i].name, &type, NULL))
			type = i;
		form = &layout->forms[type & 15];
		*form = here;
	}
	return st;
}

static enum kco_status maple_load(struct kco_session *s, struct linux_maple *layout, struct kco_err *err)
{
	KCO_LAZY(layout->lazy, maple_make(s, layout, &layout->lazy.err), err);
}

/* Looked up once: finding an enumerator takes a walk over all types. */
static enum kco_status maple_layout(struct kco_session *s, const struct linux_maple **ret, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);

	if (!os->maple)
		os->maple = kco_arena_alloc(&s->arena, sizeof(*os->maple));
	*ret = os->maple;
	return os->maple ? maple_load(s, os->maple, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

/* Only the first damage is told. */
static void maple_damage(struct maple_walk *w, uint64_t node, const char *what)
{
	if (!w->torn->code)
		(void)!kco_fail(w->torn, KCO_E_CORRUPT, "maple tree: node 0x%" PRIx64 " %s", node, what);
}

static enum kco_status maple_node(struct maple_walk *w, uint64_t enode, uint64_t min, uint64_t max, unsigned depth);

/* A slot of the node at @node: an entry, or the way down. */
static enum kco_status maple_slot(struct maple_walk *w, uint64_t node, const struct maple_form *form, uint64_t entry,
				  uint64_t first, uint64_t last, unsigned depth)
{
	if (!form->leaf) {
		if (entry)
			return maple_node(w, entry, first, last, depth + 1);
		maple_damage(w, node, "lacks a child");
		return KCO_OK;
	}
	/* Nothing, or a mark: XA_ZERO_ENTRY stands where a copy of the tree (fork) has not come to yet. */
	if (!entry || ((entry & 3) == 2 && entry < MAPLE_RESERVED))
		return KCO_OK;
	return w->fn(w->arg, first, last, entry);
}

/* The node that @enode points to, whose entries are for @min .. @max. */
static enum kco_status maple_node(struct maple_walk *w, uint64_t enode, uint64_t min, uint64_t max, unsigned depth)
{
	uint64_t node = enode & ~(uint64_t)(MAPLE_NODE - 1);
	const struct maple_form *form = &w->layout->forms[enode >> 3 & 15];
	uint8_t bytes[MAPLE_NODE];
	struct kco_err why;
	enum kco_status st;

	if (kco_session_cancelled(w->s))
		return KCO_E_CANCELLED;
	if (!form->known || enode & 0x80) {
		maple_damage(w, enode, "is of no known type");
		return KCO_OK;
	}
	st = depth > MAPLE_DEPTH ? KCO_DONE : kco_addrset_add(&w->seen, node);
	if (st < 0)
		return st;
	if (st) {
		maple_damage(w, node, depth > MAPLE_DEPTH ? "lies too deep" : "was there before");
		return KCO_OK;
	}
	if (kco_kread(w->s, node, bytes, sizeof(bytes), NULL, &why)) {
		if (!w->torn->code) {
			*w->torn = why;
			(void)!kco_context(w->torn, why.code, "maple tree");
		}
		return KCO_OK;
	}
	for (unsigned i = 0; i < form->nr_slots; i++) {
		uint64_t last = max;

		if (!form->nr_pivots)
			last = min;
		else if (i < form->nr_pivots)
			last = kco_le64(bytes + form->pivots + 8 * i);
		if ((i && !last) || last > max)
			last = max;
		if (last < min) {
			maple_damage(w, node, "is out of order");
			return KCO_OK;
		}
		st = maple_slot(w, node, form, kco_le64(bytes + form->slots + 8 * i), min, last, depth);
		if (st || last >= max)
			return st;
		min = last + 1;
	}
	return KCO_OK;
}

enum kco_status linux_maple_each(struct kco_session *s, uint64_t tree, linux_maple_fn *fn, void *arg,
				 struct kco_err *torn, struct kco_err *err)
{
	struct maple_walk w = { .s = s, .fn = fn, .arg = arg, .torn = torn };
	uint64_t root;
	enum kco_status st = maple_layout(s, &w.layout, err);

	*torn = KCO_ERR_INIT;
	if (st)
		return st;
	if (kco_kread_field(s, tree, &w.layout->root, &root, torn))
		return KCO_OK;
	if ((root & 3) == 2 && root > MAPLE_RESERVED)
		st = maple_node(&w, root, 0, UINT64_MAX, 0);
	else if (root && (root & 3) != 2)
		st = fn(arg, 0, 0, root);
	kco_addrset_fini(&w.seen);
	return st;
}
