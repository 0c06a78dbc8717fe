// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Red-black trees (struct rb_root, struct rb_node).
 *
 * A tree in a dump may be torn, or lead in circles: each node is told once, and
 * what cannot be read hides what is below it and no more.
 */
#include "linux.h"

#include <inttypes.h>

#include "addrset.h"

#define RBTREE_MAX (8u << 20)
#define RBTREE_DEPTH 64 /* twice the logarithm of 2^32 nodes: no tree is deeper */

struct rbtree_walk {
	struct kco_session *s;
	struct kco_field left, right;
	struct kco_addrset seen;
	struct {
		uint64_t node;
		unsigned depth;
	} stack[RBTREE_DEPTH + 2]; /* siblings of those above, and one more pair */
	size_t n;
};

/* A child to go on with. */
static enum kco_status rbtree_push(struct rbtree_walk *w, uint64_t node, unsigned depth, struct kco_err *torn)
{
	enum kco_status st = node ? kco_addrset_add(&w->seen, node) : KCO_OK;

	if (st == KCO_DONE)
		return kco_fail(torn, KCO_E_CORRUPT, "it runs in a circle at 0x%" PRIx64, node);
	if (st)
		return kco_fail(torn, st, "out of memory");
	if (depth > RBTREE_DEPTH || w->seen.n > RBTREE_MAX || w->n >= sizeof(w->stack) / sizeof(*w->stack))
		return kco_fail(torn, KCO_E_CORRUPT, "it does not end");
	if (!node)
		return KCO_OK;
	w->stack[w->n].node = node;
	w->stack[w->n++].depth = depth;
	return KCO_OK;
}

enum kco_status linux_rbtree_each(struct kco_session *s, uint64_t root, linux_list_fn *fn, void *arg,
				  struct kco_err *torn)
{
	struct rbtree_walk w = { .s = s };
	uint64_t node;
	enum kco_status st = KCO_OK;

	*torn = KCO_ERR_INIT;
	if (os_field(s, "rb_node", &w.left, torn, "rb_left", NULL) ||
	    os_field(s, "rb_node", &w.right, torn, "rb_right", NULL) || kco_kread_uint(s, root, 8, &node, torn))
		return KCO_OK;
	(void)!rbtree_push(&w, node, 1, torn);
	while (w.n && !st) {
		const struct kco_field *children[2] = { &w.right, &w.left };
		unsigned depth = w.stack[--w.n].depth;
		uint64_t at = w.stack[w.n].node;

		st = fn(arg, at);
		for (size_t i = 0; !st && i < 2; i++)
			if (!kco_kread_field(s, at, children[i], &node, torn))
				(void)!rbtree_push(&w, node, depth + 1, torn);
		if (st == KCO_DONE)
			st = KCO_OK;
		if (torn->code == KCO_E_NOMEM)
			st = KCO_E_NOMEM;
	}
	kco_addrset_fini(&w.seen);
	return st;
}
