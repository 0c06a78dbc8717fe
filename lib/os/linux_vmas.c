// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Areas of an address space: struct vm_area_struct, found by
 *
 *   mm_struct.mm_mt             a maple tree, since Linux d4af56c5c7c6 (v6.1)
 *   mm_struct.mmap, vm_next     a list in address order, removed by 763ecb035029 (v6.1)
 *   mm_struct.mm_rb             and a red-black tree of the same areas, removed by 524e00b36e8c (v6.1);
 *                               walked when the list breaks off
 *
 * and, behind them, the page of the old system calls that is mapped in every
 * process (get_gate_vma()).
 *
 * An area that cannot be read, is empty or lies over another one is left out;
 * the first of these reasons is told, and a count that is short of map_count.
 */
#include "linux_vmas.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "addrset.h"

#define VMAS_MAX (4u << 20)
#define VMAS_RB_DEPTH 128 /* a balanced tree of all memory's areas has less than 64 levels */

static const struct linux_need vmas_needs[VF_COUNT] = {
	[VF_START] = { { "vm_start" }, false },
	[VF_END] = { { "vm_end" }, false },
	/* Since Linux bc292ab00f6c (v6.3) vm_flags is one name of two for the same. */
	[VF_FLAGS] = { { "vm_flags", "__vm_flags" }, false },
	[VF_PGOFF] = { { "vm_pgoff" }, false },
	[VF_FILE] = { { "vm_file" }, false },
	[VF_OPS] = { { "vm_ops" }, true },
	[VF_PRIVATE] = { { "vm_private_data" }, true },
	/* Since Linux 9a10064f5625 (v5.17). */
	[VF_ANON_NAME] = { { "anon_name" }, true },
	[VF_NEXT] = { { "vm_next" }, true },
	[VF_RB_LEFT] = { { "vm_rb.rb_left" }, true },
	[VF_RB_RIGHT] = { { "vm_rb.rb_right" }, true },
};

static const struct linux_need vmas_mm_needs[MF_COUNT] = {
	[MF_TREE] = { { "mm_mt" }, true },
	[MF_LIST] = { { "mmap" }, true },
	[MF_RB] = { { "mm_rb.rb_node" }, true },
	[MF_MAP_COUNT] = { { "map_count" }, true },
	[MF_START_BRK] = { { "start_brk" }, false },
	[MF_BRK] = { { "brk" }, false },
	[MF_START_STACK] = { { "start_stack" }, false },
	/* Since Linux ff170cd05953 (v5.11) ia32_compat is a bit of flags. */
	[MF_CONTEXT_FLAGS] = { { "context.flags" }, true },
	[MF_CONTEXT_COMPAT] = { { "context.ia32_compat" }, true },
};

/* MM_CONTEXT_HAS_VSYSCALL of mm_context_t.flags. */
#define VMAS_HAS_VSYSCALL UINT64_C(2)
/*
 * vsyscall_mode: EMULATE, XONLY, NONE since Linux bd49e16e3339 (v5.3). From
 * 076ca272a14c (v4.16) on it was EMULATE, NONE: such a NONE is taken for
 * XONLY. Before, EMULATE, NATIVE, NONE. Other enums have a NONE as well.
 */
#define VMAS_VSYSCALL_NONE 2

struct vmas_found {
	uint64_t start, addr;
};

struct vmas_walk {
	struct kco_session *s;
	struct linux_areas *areas;
	struct vmas_found *found;
	size_t n, cap;
	struct kco_addrset seen;  /* areas of the list and of the red-black tree */
	struct kco_addrset nodes; /* of that tree */
	struct kco_err *torn;
	uint8_t mm[LINUX_LAYOUT_WINDOW];
};

static enum kco_status vmas_make(struct kco_session *s, struct linux_areas *areas, struct kco_err *err)
{
	struct kco_field field, shared;
	enum kco_status st = linux_layout_init(s, &areas->vma, "vm_area_struct", vmas_needs, VF_COUNT, err);

	if (!st)
		st = linux_layout_init(s, &areas->mm, "mm_struct", vmas_mm_needs, MF_COUNT, err);
	if (st)
		return st;
	if (!areas->mm.f[MF_TREE].size && !areas->mm.f[MF_LIST].size && !areas->mm.f[MF_RB].size)
		return kco_fail(err, KCO_E_NOTYPE, "struct mm_struct has none of mm_mt, mmap and mm_rb");
	if (os_field(s, "vm_operations_struct", &areas->ops_name, NULL, "name", NULL))
		areas->ops_name.size = 0;
	if (os_field(s, "vm_special_mapping", &areas->special_name, NULL, "name", NULL))
		areas->special_name.size = 0;
	/* Until Linux 5c26f6ac9416 (v5.17) the area held the text's address itself. */
	if (os_field(s, "anon_vma_name", &areas->anon_name_text, NULL, "name", NULL))
		areas->anon_name_text.size = 0;
	else
		areas->anon_name_text.size = 1;
	areas->rb = os_field(s, "vm_area_struct", &field, NULL, "vm_rb", NULL) ? 0 : field.offset;
	areas->anon_name_shared = !os_field(s, "vm_area_struct", &field, NULL, "anon_name", NULL) &&
				  !os_field(s, "vm_area_struct", &shared, NULL, "shared", NULL) &&
				  field.offset >= shared.offset && field.offset < shared.offset + shared.size;
	return KCO_OK;
}

static enum kco_status vmas_load(struct kco_session *s, struct linux_areas *areas, struct kco_err *err)
{
	KCO_LAZY(areas->lazy, vmas_make(s, areas, &areas->lazy.err), err);
}

static enum kco_status vmas_areas(struct kco_session *s, struct linux_areas **ret, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);

	if (!os->areas)
		os->areas = kco_arena_alloc(&s->arena, sizeof(*os->areas));
	*ret = os->areas;
	return *ret ? vmas_load(s, *ret, err) : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

void linux_areas_fini(struct kco_session *s)
{
	struct linux_areas *areas = linux_of(s)->areas;

	if (!areas)
		return;
	kco_addrmap_fini(&areas->namers);
	kco_addrmap_fini(&areas->special);
	kco_addrmap_fini(&areas->anon);
	kco_addrmap_fini(&areas->anon_shmem);
}

/* Where to put the reason of a failure: the first is kept. */
static struct kco_err *vmas_torn(const struct vmas_walk *w)
{
	return w->torn->code ? NULL : w->torn;
}

static enum kco_status vmas_found(struct vmas_walk *w, uint64_t start, uint64_t addr)
{
	if (kco_session_cancelled(w->s))
		return KCO_E_CANCELLED;
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 64;
		struct vmas_found *grown = cap > VMAS_MAX ? NULL : realloc(w->found, cap * sizeof(*grown));

		if (!grown)
			return KCO_E_NOMEM;
		w->found = grown;
		w->cap = cap;
	}
	w->found[w->n++] = (struct vmas_found){ start, addr };
	return KCO_OK;
}

static enum kco_status vmas_entry(void *arg, uint64_t first, uint64_t last, uint64_t entry)
{
	struct vmas_walk *w = arg;

	(void)last;
	if (entry & 7) {
		(void)!kco_fail(vmas_torn(w), KCO_E_CORRUPT, "0x%" PRIx64 " is no area, at 0x%" PRIx64, entry, first);
		return KCO_OK;
	}
	return vmas_found(w, first, entry);
}

static enum kco_status vmas_list(struct vmas_walk *w)
{
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	const struct linux_layout *vma = &w->areas->vma;
	uint64_t addr = linux_layout_get(&w->areas->mm, w->mm, MF_LIST);
	enum kco_status st = KCO_OK;

	for (; addr && !st; addr = linux_layout_get(vma, bytes, VF_NEXT)) {
		st = kco_addrset_add(&w->seen, addr);
		if (st == KCO_DONE) {
			(void)!kco_fail(vmas_torn(w), KCO_E_CORRUPT, "the list of areas runs in a circle at 0x%" PRIx64,
					addr);
			return KCO_OK;
		}
		if (st || linux_layout_read(w->s, vma, addr, bytes, vmas_torn(w)))
			return st;
		st = vmas_found(w, linux_layout_get(vma, bytes, VF_START), addr);
	}
	return st;
}

/* The areas below @node that the list did not have. */
static enum kco_status vmas_rb(struct vmas_walk *w, uint64_t node, unsigned depth)
{
	static const int child[] = { VF_RB_LEFT, VF_RB_RIGHT };
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	const struct linux_layout *vma = &w->areas->vma;
	uint64_t addr = node - w->areas->rb;
	enum kco_status st = KCO_OK;

	if (depth > VMAS_RB_DEPTH) {
		(void)!kco_fail(vmas_torn(w), KCO_E_CORRUPT, "the tree of areas is too deep at 0x%" PRIx64, node);
		return KCO_OK;
	}
	if (linux_layout_read(w->s, vma, addr, bytes, vmas_torn(w)))
		return KCO_OK;
	for (size_t i = 0; i < 2 && !st; i++) {
		uint64_t below = linux_layout_get(vma, bytes, (size_t)child[i]);

		if (!below)
			continue;
		st = kco_addrset_add(&w->nodes, below);
		if (st == KCO_DONE)
			st = KCO_OK;
		else if (!st)
			st = vmas_rb(w, below, depth + 1);
	}
	if (!st)
		st = kco_addrset_add(&w->seen, addr);
	if (!st)
		return vmas_found(w, linux_layout_get(vma, bytes, VF_START), addr);
	return st == KCO_DONE ? KCO_OK : st;
}

static int vmas_compare(const void *a, const void *b)
{
	const struct vmas_found *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Finds all areas, in address order. */
static enum kco_status vmas_collect(struct vmas_walk *w, uint64_t mm, struct kco_err *err)
{
	const struct linux_layout *layout = &w->areas->mm;
	uint64_t rb = linux_layout_get(layout, w->mm, MF_RB);
	enum kco_status st = KCO_OK;

	if (layout->f[MF_TREE].size)
		return linux_maple_each(w->s, mm + layout->first + layout->f[MF_TREE].offset, vmas_entry, w, w->torn,
					err);
	if (layout->f[MF_LIST].size)
		st = vmas_list(w);
	if (!st && rb && w->areas->vma.f[VF_RB_LEFT].size && (!layout->f[MF_LIST].size || w->torn->code)) {
		st = vmas_rb(w, rb, 0);
		if (w->n)
			qsort(w->found, w->n, sizeof(*w->found), vmas_compare);
	}
	return st;
}

static uint32_t vmas_flags(uint64_t raw)
{
	static const struct {
		uint64_t raw;
		uint32_t flag;
	} flags[] = {
		{ LINUX_VM_READ, KCO_VMA_READ },
		{ LINUX_VM_WRITE, KCO_VMA_WRITE },
		{ LINUX_VM_EXEC, KCO_VMA_EXEC },
		{ LINUX_VM_MAYSHARE, KCO_VMA_SHARED },
		{ LINUX_VM_GROWSDOWN, KCO_VMA_GROWSDOWN },
		{ LINUX_VM_DONTDUMP, KCO_VMA_DONTDUMP },
		{ LINUX_VM_IO | LINUX_VM_PFNMAP, KCO_VMA_IO },
		{ LINUX_VM_HUGETLB, KCO_VMA_HUGETLB },
		{ LINUX_VM_LOCKED, KCO_VMA_LOCKED },
	};
	uint32_t ret = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		ret |= raw & flags[i].raw ? flags[i].flag : 0;
	return ret;
}

/* The area at @addr. KCO_DONE: it cannot be read, and torn says so. */
static enum kco_status vmas_area(struct vmas_walk *w, uint64_t addr, struct kco_vma *vma, struct kco_err *err)
{
	const struct linux_layout *layout = &w->areas->vma;
	uint8_t bytes[LINUX_LAYOUT_WINDOW];
	struct kco_err why = KCO_ERR_INIT;
	uint64_t file;
	enum kco_status st = KCO_OK;

	if (linux_layout_read(w->s, layout, addr, bytes, vmas_torn(w)))
		return KCO_DONE;
	*vma = (struct kco_vma){ .start = linux_layout_get(layout, bytes, VF_START),
				 .end = linux_layout_get(layout, bytes, VF_END),
				 .raw_flags = linux_layout_get(layout, bytes, VF_FLAGS),
				 .addr = addr };
	vma->flags = vmas_flags(vma->raw_flags);
	file = linux_layout_get(layout, bytes, VF_FILE);
	if (file) {
		vma->offset = linux_layout_get(layout, bytes, VF_PGOFF) * w->s->arch->page_size;
		st = linux_file(w->s, file, &vma->file, &why);
		if (st)
			return kco_fail(err, st, "%s", why.msg);
		if (why.code)
			(void)!kco_fail(vmas_torn(w), why.code, "file of the area at 0x%" PRIx64 ": %.160s", vma->start,
					why.msg);
	}
	st = linux_area_name(w->s, w->areas, bytes, w->mm, vma, w->torn);
	return st ? kco_fail(err, st, "out of memory") : KCO_OK;
}

/* The page of the old system calls, which is no area of the process's own. */
static bool vmas_gate(struct vmas_walk *w, struct kco_vma *vma)
{
	const struct linux_layout *mm = &w->areas->mm;
	uint64_t gate, mode;

	if (mm->f[MF_CONTEXT_FLAGS].size ? !(linux_layout_get(mm, w->mm, MF_CONTEXT_FLAGS) & VMAS_HAS_VSYSCALL)
					 : linux_layout_get(mm, w->mm, MF_CONTEXT_COMPAT) != 0)
		return false;
	if (os_symbol(w->s, &gate, NULL, "gate_vma", NULL))
		return false;
	if (!os_variable(w->s, "vsyscall_mode", 4, &mode, NULL) && mode == VMAS_VSYSCALL_NONE)
		return false;
	return !vmas_area(w, gate, vma, NULL);
}

static enum kco_status vmas_emit(struct vmas_walk *w, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
				 void *arg, struct kco_err *err)
{
	struct kco_vma vma;
	uint64_t end = 0;
	size_t n = 0;
	enum kco_status st = KCO_OK;

	for (size_t i = 0; i < w->n && !st; i++) {
		st = vmas_area(w, w->found[i].addr, &vma, err);
		if (st == KCO_DONE) {
			st = KCO_OK;
			continue;
		}
		if (!st && (vma.start >= vma.end || vma.start < end)) {
			(void)!kco_fail(vmas_torn(w), KCO_E_CORRUPT,
					"the area at 0x%" PRIx64 " (0x%" PRIx64 "-0x%" PRIx64 ") %s", vma.addr,
					vma.start, vma.end, vma.start >= vma.end ? "is empty" : "lies over another");
			continue;
		}
		if (!st)
			st = add(arg, &vma);
		end = vma.end;
		n++;
	}
	if (!st && n < linux_layout_get(&w->areas->mm, w->mm, MF_MAP_COUNT))
		(void)!kco_fail(vmas_torn(w), KCO_E_CORRUPT, "%zu areas were found of %" PRIu64, n,
				linux_layout_get(&w->areas->mm, w->mm, MF_MAP_COUNT));
	if (!st && vmas_gate(w, &vma) && vma.start >= end && vma.start < vma.end)
		st = add(arg, &vma);
	return st;
}

enum kco_status linux_vmas(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
			   void *arg, struct kco_err *torn, struct kco_err *err)
{
	struct vmas_walk w = { .s = p->session, .torn = torn };
	enum kco_status st = vmas_areas(w.s, &w.areas, err);

	*torn = KCO_ERR_INIT;
	if (!st)
		st = linux_layout_read(w.s, &w.areas->mm, p->mm, w.mm, err);
	if (st)
		return st;
	st = vmas_collect(&w, p->mm, err);
	if (!st)
		st = vmas_emit(&w, add, arg, err);
	if (st == KCO_E_CANCELLED || st == KCO_E_NOMEM)
		st = kco_fail(err, st, "%s", st == KCO_E_CANCELLED ? "interrupted" : "too many areas");
	free(w.found);
	kco_addrset_fini(&w.seen);
	kco_addrset_fini(&w.nodes);
	return st;
}
