// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Segments of memory in a splay tree.
 *
 * A segment is a range of physical or virtual addresses with a read callback.
 * A later segment covers an earlier one, which is split (adding [0,128) after
 * [64,96) covers both ends; adding [64,96) after [0,128) leaves three
 * segments). Lookups splay, so neighbours cost O(1) amortised, and a tree
 * belongs to one thread; kco_segtree_clone() gives another thread its own.
 */
#ifndef KCO_SEGMENT_H
#define KCO_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/codec.h>
#include <kco/err.h>

/** A physical address. A struct so that mixing it up with a virtual one does not compile. */
struct kco_paddr {
	uint64_t v;
};

#define KCO_PADDR(x) ((struct kco_paddr){ (x) })

struct kco_segment;

/** Where a page of a virtual segment lies. */
struct kco_segment_page {
	struct kco_paddr pa; /* of the address asked for */
	uint64_t size;	     /* of the page that maps it, bytes; 0: a linear map */
	bool write, exec;    /* what the map allows the kernel */
};

struct kco_segment_ops {
	/*
	 * Read up to @n bytes at address @addr; [addr, addr+n) lies within
	 * @seg. *@done always says how many bytes of @buf are valid. Called from
	 * many threads at once, each with its own @codec. Typical errors:
	 * KCO_E_NOT_SAVED, KCO_E_TRUNCATED, KCO_E_CORRUPT. May not be NULL.
	 */
	enum kco_status (*read)(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				size_t n, size_t *done, struct kco_err *err);
	/*
	 * The first bytes at or after @addr, within @seg, that the file holds:
	 * [*first, *last], as far as is cheap to tell. KCO_DONE: there are none.
	 * Threads as read. NULL: it holds all of them.
	 */
	enum kco_status (*saved)(const struct kco_segment *seg, uint64_t addr, uint64_t *first, uint64_t *last,
				 struct kco_err *err);
	/*
	 * How many bytes (*@size) of the block at @addr the file stores, and by
	 * which codec; if that is the one that *@id says before, the bytes at @buf
	 * of @room. KCO_E_UNSUPPORTED: not stored in blocks of their own. Threads as
	 * read. May be NULL.
	 */
	enum kco_status (*packed)(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				  size_t room, size_t *size, enum kco_codec_id *id, struct kco_err *err);
	/*
	 * For virtual segments whose file carries the page tables or a linear map:
	 * where @va, which lies within @seg, is in physical memory. Threads as
	 * read. KCO_E_UNMAPPED, or what reading a table gave; ret->size then is what
	 * the entry that failed maps (0 unknown). NULL: nobody knows.
	 */
	enum kco_status (*translate)(const struct kco_segment *seg, struct kco_codec *codec, uint64_t va,
				     struct kco_segment_page *ret, struct kco_err *err);
};

struct kco_segment {
	uint64_t first;	     /* first address */
	uint64_t last;	     /* last address, inclusive (so that 2^64-1 can be covered) */
	uint64_t orig_first; /* the address that @offset belongs to; kept when split */
	uint64_t offset;     /* the source's: file offset of orig_first, or whatever it means to @ops */
	const struct kco_segment_ops *ops;
	void *source; /* the callback's context, borrowed from the format */
};

struct kco_segtree_node;
struct kco_segtree_chunk;

struct kco_segtree {
	struct kco_segtree_node *root;
	size_t count;
	size_t overlaps;		  /* how many adds hid bytes of an earlier segment behind other ones */
	struct kco_segtree_chunk *chunks; /* where the nodes live, newest first */
	struct kco_segtree_node *spare;	  /* nodes given back by covered segments */
};

void kco_segtree_init(struct kco_segtree *tree);
void kco_segtree_fini(struct kco_segtree *tree);
/**
 * Add a copy of @seg, covering whatever it overlaps. seg->orig_first is taken
 * as given. KCO_E_RANGE when last < first, KCO_E_NOMEM.
 */
enum kco_status kco_segtree_add(struct kco_segtree *tree, const struct kco_segment *seg,
				struct kco_err *err) KCO_MUST_USE;
/** The segment that holds @addr, or NULL. Splays. Borrowed until the tree changes. */
const struct kco_segment *kco_segtree_find(struct kco_segtree *tree, uint64_t addr);
/** The first segment with first >= @addr, or NULL. For walking in order and for stitching. */
const struct kco_segment *kco_segtree_next(struct kco_segtree *tree, uint64_t addr);
/** A balanced private copy of @tree (itself not changed, so several threads may clone at once). */
enum kco_status kco_segtree_clone(const struct kco_segtree *tree, struct kco_segtree *copy,
				  struct kco_err *err) KCO_MUST_USE;
/**
 * Read [addr, addr+n), stitching segments together. *@done is the valid
 * prefix. KCO_E_RANGE when @addr (or the first hole) belongs to no segment,
 * else the callback's own error.
 */
enum kco_status kco_segtree_read(struct kco_segtree *tree, struct kco_codec *codec, uint64_t addr, void *buf, size_t n,
				 size_t *done, struct kco_err *err) KCO_MUST_USE;

#endif
