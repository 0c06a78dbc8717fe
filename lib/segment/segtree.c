// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The splay tree of segments.
 *
 * Segments never overlap, so one order (by first address) serves for single
 * addresses too: a search compares with the whole range. Splaying is the
 * top-down form of Sleator and Tarjan ("Self-adjusting binary search trees",
 * 1985): no parent pointers and no recursion, for a tree built in ascending
 * order is a list of a million nodes until it is searched. That same shape
 * makes adding in ascending order O(1).
 *
 * Nodes come from chunks that the tree owns; a clone is one chunk whose array
 * is the tree in order.
 */
#include <kco/segment.h>

#include <stdlib.h>

#define SEGTREE_CHUNK_MIN 15
#define SEGTREE_CHUNK_MAX 4096

struct kco_segtree_node {
	struct kco_segment seg;
	struct kco_segtree_node *left, *right;
};

struct kco_segtree_chunk {
	struct kco_segtree_chunk *next;
	size_t used, size;
	struct kco_segtree_node nodes[];
};

void kco_segtree_init(struct kco_segtree *tree)
{
	*tree = (struct kco_segtree){ 0 };
}

void kco_segtree_fini(struct kco_segtree *tree)
{
	struct kco_segtree_chunk *chunk = tree->chunks;

	while (chunk) {
		struct kco_segtree_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	kco_segtree_init(tree);
}

static struct kco_segtree_chunk *segtree_chunk_new(struct kco_segtree *tree, size_t size)
{
	struct kco_segtree_chunk *chunk;
	size_t bytes;

	if (__builtin_mul_overflow(size, sizeof(chunk->nodes[0]), &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*chunk), &bytes))
		return NULL;
	chunk = malloc(bytes);
	if (!chunk)
		return NULL;
	chunk->used = 0;
	chunk->size = size;
	chunk->next = tree->chunks;
	tree->chunks = chunk;
	return chunk;
}

static struct kco_segtree_node *segtree_node_get(struct kco_segtree *tree)
{
	struct kco_segtree_chunk *chunk = tree->chunks;
	struct kco_segtree_node *node = tree->spare;

	if (node) {
		tree->spare = node->right;
		return node;
	}
	if (!chunk || chunk->used == chunk->size) {
		size_t size = chunk ? chunk->size * 2 + 1 : SEGTREE_CHUNK_MIN;

		chunk = segtree_chunk_new(tree, size < SEGTREE_CHUNK_MAX ? size : SEGTREE_CHUNK_MAX);
		if (!chunk)
			return NULL;
	}
	return &chunk->nodes[chunk->used++];
}

static void segtree_node_put(struct kco_segtree *tree, struct kco_segtree_node *node)
{
	node->right = tree->spare;
	tree->spare = node;
}

static int segtree_cmp(uint64_t addr, const struct kco_segtree_node *node)
{
	if (addr < node->seg.first)
		return -1;
	return addr > node->seg.last;
}

/*
 * Bring the node that holds @addr to the root, or one of its neighbours when
 * none does. What is left of @addr collects in the left tree, whose rightmost
 * link is *@lhook, and mirror-wise for what is right of it.
 */
static struct kco_segtree_node *segtree_splay(struct kco_segtree_node *t, uint64_t addr)
{
	struct kco_segtree_node *left = NULL, *right = NULL, *next;
	struct kco_segtree_node **lhook = &left, **rhook = &right;
	int cmp;

	if (!t)
		return NULL;
	while ((cmp = segtree_cmp(addr, t)) != 0) {
		next = cmp < 0 ? t->left : t->right;
		if (!next)
			break;
		if (cmp < 0) {
			if (segtree_cmp(addr, next) < 0) {
				t->left = next->right;
				next->right = t;
				t = next;
				if (!t->left)
					break;
			}
			*rhook = t;
			rhook = &t->left;
			t = t->left;
		} else {
			if (segtree_cmp(addr, next) > 0) {
				t->right = next->left;
				next->left = t;
				t = next;
				if (!t->right)
					break;
			}
			*lhook = t;
			lhook = &t->right;
			t = t->right;
		}
	}
	*lhook = t->left;
	*rhook = t->right;
	t->left = left;
	t->right = right;
	return t;
}

/* Cut the tree in two: what begins before @addr stays in *@low, the rest is returned. */
static struct kco_segtree_node *segtree_cut(struct kco_segtree_node **low, uint64_t addr)
{
	struct kco_segtree_node *t = segtree_splay(*low, addr), *high;

	*low = t;
	if (!t)
		return NULL;
	if (t->seg.first >= addr) {
		*low = t->left;
		t->left = NULL;
		return t;
	}
	high = t->right;
	t->right = NULL;
	return high;
}

/* Whether both give the same bytes for the same address: then covering hides nothing. */
static bool segtree_alias(const struct kco_segment *a, const struct kco_segment *b)
{
	return a->ops == b->ops && a->source == b->source && a->offset - a->orig_first == b->offset - b->orig_first;
}

/*
 * Let @seg cover the tail of the one segment of *@low that can reach it. What
 * sticks out beyond @seg becomes @spare, which is returned then.
 */
static struct kco_segtree_node *segtree_cover_low(struct kco_segtree_node **low, const struct kco_segment *seg,
						  struct kco_segtree_node *spare, bool *hidden)
{
	struct kco_segtree_node *t = *low = segtree_splay(*low, seg->first);
	uint64_t old_last;

	if (!t || t->seg.last < seg->first)
		return NULL;
	*hidden |= !segtree_alias(&t->seg, seg);
	old_last = t->seg.last;
	t->seg.last = seg->first - 1; // t begins before seg, so seg does not begin at 0
	if (old_last <= seg->last)
		return NULL;
	spare->seg = t->seg;
	spare->seg.first = seg->last + 1;
	spare->seg.last = old_last;
	return spare;
}

/* Let @seg cover the head of @high: drop what it covers whole, trim what sticks out. */
static struct kco_segtree_node *segtree_cover_high(struct kco_segtree *tree, struct kco_segtree_node *high,
						   const struct kco_segment *seg, bool *hidden)
{
	while (high) {
		struct kco_segtree_node *t = segtree_splay(high, seg->first);

		// Everything in here begins at seg's first address or later: t is the smallest.
		if (t->seg.first > seg->last)
			return t;
		*hidden |= !segtree_alias(&t->seg, seg);
		if (t->seg.last > seg->last) {
			t->seg.first = seg->last + 1;
			return t;
		}
		high = t->right;
		segtree_node_put(tree, t);
		tree->count--;
	}
	return NULL;
}

enum kco_status kco_segtree_add(struct kco_segtree *tree, const struct kco_segment *seg, struct kco_err *err)
{
	struct kco_segtree_node *node, *spare, *low, *high, *rest;
	bool hidden = false;

	if (seg->last < seg->first)
		return kco_fail(err, KCO_E_RANGE, "a segment ends before it begins");
	// Both nodes that can be needed, before anything changes.
	node = segtree_node_get(tree);
	spare = node ? segtree_node_get(tree) : NULL;
	if (!spare) {
		if (node)
			segtree_node_put(tree, node);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	low = tree->root;
	high = segtree_cut(&low, seg->first);
	rest = segtree_cover_low(&low, seg, spare, &hidden);
	if (rest) {
		// The covered segment went past our end, so nothing of high is touched.
		rest->left = NULL;
		rest->right = high;
		high = rest;
		tree->count++;
	} else {
		segtree_node_put(tree, spare);
		high = segtree_cover_high(tree, high, seg, &hidden);
	}
	node->seg = *seg;
	node->left = low;
	node->right = high;
	tree->root = node;
	tree->count++;
	tree->overlaps += hidden;
	return KCO_OK;
}

const struct kco_segment *kco_segtree_find(struct kco_segtree *tree, uint64_t addr)
{
	tree->root = segtree_splay(tree->root, addr);
	if (!tree->root || segtree_cmp(addr, tree->root) != 0)
		return NULL;
	return &tree->root->seg;
}

const struct kco_segment *kco_segtree_next(struct kco_segtree *tree, uint64_t addr)
{
	struct kco_segtree_node *t = segtree_splay(tree->root, addr);

	tree->root = t;
	if (!t)
		return NULL;
	// The root holds addr or is next to it: so it or its successor is the one.
	if (t->seg.first >= addr)
		return &t->seg;
	t->right = segtree_splay(t->right, addr);
	return t->right ? &t->right->seg : NULL;
}

/* Link the array [0, n), which is in order, into a balanced tree. As deep as the tree: log n. */
static struct kco_segtree_node *segtree_balance(struct kco_segtree_node *nodes, size_t n)
{
	size_t mid = n / 2;

	if (!n)
		return NULL;
	nodes[mid].left = segtree_balance(nodes, mid);
	nodes[mid].right = segtree_balance(nodes + mid + 1, n - mid - 1);
	return &nodes[mid];
}

/*
 * Copy @t in order to the @n nodes at @out. The walk's stack grows down from
 * the end of @out itself: nodes written and nodes stacked are never more than
 * @n together.
 */
static void segtree_flatten(const struct kco_segtree_node *t, struct kco_segtree_node *out, size_t n)
{
	struct kco_segtree_node *const end = out + n;
	struct kco_segtree_node *top = end;

	while (t || top != end) {
		for (; t; t = t->left)
			(--top)->left = (struct kco_segtree_node *)t;
		t = (top++)->left;
		(out++)->seg = t->seg;
		t = t->right;
	}
}

enum kco_status kco_segtree_clone(const struct kco_segtree *tree, struct kco_segtree *copy, struct kco_err *err)
{
	struct kco_segtree_chunk *chunk;

	kco_segtree_init(copy);
	copy->overlaps = tree->overlaps;
	if (!tree->count)
		return KCO_OK;
	chunk = segtree_chunk_new(copy, tree->count);
	if (!chunk)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for a copy of %zu segments", tree->count);
	chunk->used = tree->count;
	segtree_flatten(tree->root, chunk->nodes, tree->count);
	copy->root = segtree_balance(chunk->nodes, tree->count);
	copy->count = tree->count;
	return KCO_OK;
}

enum kco_status kco_segtree_read(struct kco_segtree *tree, struct kco_codec *codec, uint64_t addr, void *buf, size_t n,
				 size_t *done, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	size_t got = 0;

	while (got < n) {
		const struct kco_segment *seg = NULL;
		size_t want = n - got, part = 0;

		// After 2^64-1 comes nothing, not 0.
		if (got == 0 || addr + got != 0)
			seg = kco_segtree_find(tree, addr + got);
		if (!seg) {
			status = kco_fail(err, KCO_E_RANGE, "outside the memory that the dump describes");
			break;
		}
		if (seg->last - (addr + got) < want - 1)
			want = (size_t)(seg->last - (addr + got)) + 1;
		status = seg->ops->read(seg, codec, addr + got, (char *)buf + got, want, &part, err);
		if (part > want || (status == KCO_OK && part < want)) {
			status = kco_fail(err, KCO_E_BUG, "a segment's reader gave %zu of %zu bytes", part, want);
			part = part > want ? 0 : part;
		}
		got += part;
		if (status != KCO_OK)
			break;
	}
	if (status != KCO_OK && err)
		err->addr = addr + got;
	if (done)
		*done = got;
	return status;
}
