// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uprobes and kprobes (kernel/events/uprobes.c, kernel/kprobes.c).
 *
 *   uprobes_tree: a red-black tree of struct uprobe by (inode, offset)
 *   kprobe_table[64]: hash lists of struct kprobe
 */
#include "linux_breakpoints.h"

#include <stdlib.h>

#define PROBES_MAX 65536
#define PROBES_TABLE 64 /* KPROBE_TABLE_SIZE, kernel/kprobes.c: 1 << KPROBE_HASH_BITS */

/* The path of the file whose inode is at @inode, as the first process that maps it has it; NULL unknown. */
static const char *probes_path(struct kco_session *s, uint64_t inode)
{
	struct kco_process *const *list;
	size_t n, nr_vmas;

	if (kco_processes_get(s, &list, &n, NULL))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct kco_err torn = KCO_ERR_INIT;
		const struct kco_vma *vmas;

		if (!list[i]->mm || kco_vmas_get(list[i], &vmas, &nr_vmas, &torn))
			continue;
		for (size_t k = 0; k < nr_vmas; k++)
			if (vmas[k].file && vmas[k].file->inode_addr == inode)
				return vmas[k].file->path;
	}
	return NULL;
}

static bool uprobes_remember(struct linux_breakpoints *b, uint64_t inode, uint64_t offset)
{
	if (b->nr_uprobes == b->cap_uprobes) {
		size_t cap = b->cap_uprobes ? b->cap_uprobes * 2 : 16;
		void *grown = realloc(b->uprobes, cap * sizeof(*b->uprobes));

		if (!grown)
			return false;
		b->uprobes = grown;
		b->cap_uprobes = cap;
	}
	b->uprobes[b->nr_uprobes].inode = inode;
	b->uprobes[b->nr_uprobes++].offset = offset;
	return true;
}

enum { UP_NODE, UP_INODE, UP_OFFSET, UP_FIELDS };

static const struct linux_need uprobe_needs[UP_FIELDS] = {
	[UP_NODE] = { { "rb_node" } },
	[UP_INODE] = { { "inode" } },
	[UP_OFFSET] = { { "offset" } },
};

struct uprobes_walk {
	struct linux_breakpoints *b;
	struct linux_layout layout;
};

static enum kco_status uprobes_node(void *arg, uint64_t node)
{
	struct uprobes_walk *w = arg;
	struct linux_breakpoints *b = w->b;
	uint64_t uprobe = node - w->layout.first - w->layout.f[UP_NODE].offset;
	struct kco_breakpoint bp = { .kind = KCO_BREAKPOINT_UPROBE,
				     .object = uprobe,
				     .access = KCO_BREAKPOINT_EXEC,
				     .len = 1,
				     .enabled = true,
				     .cpu = -1 };
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[LINUX_LAYOUT_WINDOW];

	if (b->stop)
		return KCO_E_CANCELLED;
	if (linux_layout_read(b->s, &w->layout, uprobe, buf, &err)) {
		linux_breakpoint_failed(b, KCO_BREAKPOINT_UPROBE, "uprobes", &err);
		return KCO_DONE;
	}
	bp.inode = linux_layout_get(&w->layout, buf, UP_INODE);
	bp.offset = linux_layout_get(&w->layout, buf, UP_OFFSET);
	bp.path = probes_path(b->s, bp.inode);
	(void)linux_breakpoint_add(b, &bp);
	return uprobes_remember(b, bp.inode, bp.offset) ? KCO_OK : KCO_E_NOMEM;
}

void linux_uprobes(struct linux_breakpoints *b)
{
	struct kco_err err = KCO_ERR_INIT, torn = KCO_ERR_INIT;
	struct uprobes_walk walk = { .b = b };
	uint64_t tree;
	enum kco_status st;

	if (os_symbol(b->s, &tree, NULL, "uprobes_tree", NULL))
		return; // a kernel without CONFIG_UPROBES
	st = linux_layout_init(b->s, &walk.layout, "uprobe", uprobe_needs, UP_FIELDS, &err);
	if (!st && linux_rbtree_each(b->s, tree, uprobes_node, &walk, &torn) == KCO_E_NOMEM)
		st = kco_fail(&err, KCO_E_NOMEM, "out of memory");
	if (st || torn.code)
		linux_breakpoint_failed(b, KCO_BREAKPOINT_UPROBE, "uprobes", st ? &err : &torn);
}

enum { KP_NEXT, KP_ADDR, KP_FLAGS, KP_FIELDS };

static const struct linux_need kprobe_needs[KP_FIELDS] = {
	[KP_NEXT] = { { "hlist.next" } },
	[KP_ADDR] = { { "addr" } },
	[KP_FLAGS] = { { "flags" } },
};

/* KPROBE_FLAG_..., include/linux/kprobes.h */
static const char *kprobes_how(uint64_t flags)
{
	return flags & 1 ? "gone" : flags & 2 ? "disabled" : flags & 4 ? "optimized" : flags & 8 ? "ftrace" : "int3";
}

static void kprobes_list(struct linux_breakpoints *b, const struct linux_layout *layout, uint64_t node, size_t *n)
{
	struct kco_err err = KCO_ERR_INIT;
	uint8_t buf[LINUX_LAYOUT_WINDOW];

	while (node && !b->stop) {
		/* hlist is the first member: a node's address is the probe's. */
		struct kco_breakpoint bp = { .kind = KCO_BREAKPOINT_KPROBE,
					     .object = node,
					     .access = KCO_BREAKPOINT_EXEC,
					     .len = 1,
					     .cpu = -1 };
		uint64_t flags;
		enum kco_status st = kco_addrset_add(&b->seen, node);

		if (st == KCO_DONE || ++*n > PROBES_MAX)
			st = kco_fail(&err, KCO_E_CORRUPT, "a list of the table does not end");
		if (!st)
			st = linux_layout_read(b->s, layout, node, buf, &err);
		if (st) {
			linux_breakpoint_failed(b, KCO_BREAKPOINT_KPROBE, "kprobes", &err);
			return;
		}
		flags = linux_layout_get(layout, buf, KP_FLAGS);
		bp.addr = linux_layout_get(layout, buf, KP_ADDR);
		bp.enabled = !(flags & 3);
		bp.how = kprobes_how(flags);
		(void)linux_breakpoint_add(b, &bp);
		node = linux_layout_get(layout, buf, KP_NEXT);
	}
}

void linux_kprobes(struct linux_breakpoints *b)
{
	struct kco_err err = KCO_ERR_INIT;
	struct linux_layout layout;
	struct kco_symbol table;
	size_t n = 0;

	if (kco_symbols_by_name(b->s->symbols, "kprobe_table", &table, NULL))
		return; // a kernel without CONFIG_KPROBES
	if (linux_layout_init(b->s, &layout, "kprobe", kprobe_needs, KP_FIELDS, &err)) {
		linux_breakpoint_failed(b, KCO_BREAKPOINT_KPROBE, "kprobes", &err);
		return;
	}
	for (unsigned i = 0; i < PROBES_TABLE && !b->stop; i++) {
		uint64_t node;

		if (kco_kread_uint(b->s, table.addr + i * 8ull, 8, &node, &err)) {
			linux_breakpoint_failed(b, KCO_BREAKPOINT_KPROBE, "kprobes", &err);
			return;
		}
		kprobes_list(b, &layout, node, &n);
	}
}
