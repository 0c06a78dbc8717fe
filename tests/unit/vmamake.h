// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small kernel for tests and fuzzers of address spaces: types of our own with
 * the members' real names, in the order of their kernels' trees (maple) or of
 * those before (list and red-black tree), and an array of memory at VMA_VIRT
 * whose first bytes are a struct mm_struct.
 */
#ifndef KCO_UNIT_VMAMAKE_H
#define KCO_UNIT_VMAMAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kco/os.h>
#include <kco/process.h>

#include "btf.h"
#include "btfmake.h"
#include "linux_process.h"
#include "session.h"
#include "vmem.h"

#define VMA_VIRT UINT64_C(0xffff888000000000)
#define VMA_MEMORY 65536
/* Functions that structures of operations point to, outside of the memory. */
#define VMA_SPECIAL_NAME UINT64_C(0xffffffff81000100)
#define VMA_SIMPLE_DNAME UINT64_C(0xffffffff81000200)
#define VMA_ANON_DNAME UINT64_C(0xffffffff81000300)

/* Offsets in the structures that vmamake_types() describes. */
enum {
	VMA_MM_ROOT = 8, /* mm_mt.ma_root */
	VMA_MM_MMAP = 16,
	VMA_MM_RB = 24,
	VMA_MM_COUNT = 32,
	VMA_MM_PGD = 40,
	VMA_MM_START_BRK = 48,
	VMA_MM_BRK = 56,
	VMA_MM_STACK = 64,
	VMA_MM_CODE = 72, /* start_code, end_code, start_data, end_data, arg_start, arg_end, env_start, env_end */
	VMA_MM_EXE = 136,
	VMA_MM_RSS = 144,
	VMA_MM_AUXV = 176,
	VMA_MM_SIZE = 256,

	VMA_START = 0,
	VMA_END = 8,
	VMA_FLAGS = 24,
	VMA_PGOFF = 32,
	VMA_FILE = 40,
	VMA_OPS = 48,
	VMA_PRIVATE = 56,
	VMA_ANON_NAME = 64,
	VMA_NEXT = 72,
	VMA_RB = 80, /* rb_right at +8, rb_left at +16 */
	VMA_SIZE = 104,

	VMA_FILE_MNT = 0,
	VMA_FILE_DENTRY = 8,
	VMA_FILE_INODE = 16,
	VMA_FILE_MAPPING = 24,

	VMA_DENTRY_PARENT = 0,
	VMA_DENTRY_LEN = 12,
	VMA_DENTRY_NAME = 16,
	VMA_DENTRY_INODE = 24,
	VMA_DENTRY_OPS = 32,
	VMA_DENTRY_PPREV = 48,

	VMA_MOUNT_PARENT = 0,
	VMA_MOUNT_POINT = 8,
	VMA_MOUNT_MNT = 16, /* mnt_root at +0 */
};

struct vmamake {
	uint8_t memory[VMA_MEMORY];
	uint64_t next; /* where vmamake_alloc() goes on */
	struct vmem v;
	struct kco_session s;
	struct kco_process p;
};

static inline enum kco_status vmamake_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					      struct kco_err *err)
{
	(void)src;
	(void)ret;
	return kco_fail(err, KCO_E_NOSYM, "no symbol %s", name);
}

static inline enum kco_status vmamake_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
					      struct kco_err *err)
{
	static const struct kco_symbol symbols[] = {
		{ .addr = VMA_SPECIAL_NAME, .name = "special_mapping_name", .type = 't' },
		{ .addr = VMA_SIMPLE_DNAME, .name = "simple_dname", .type = 'T' },
		{ .addr = VMA_ANON_DNAME, .name = "anon_inodefs_dname", .type = 't' },
	};

	(void)src;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		if (symbols[i].addr != addr)
			continue;
		*ret = symbols[i];
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol");
}

static inline void vmamake_source_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops vmamake_source_ops = {
	.name = "test",
	.by_name = vmamake_by_name,
	.by_addr = vmamake_by_addr,
	.free = vmamake_source_free,
};
static struct kco_symbol_source vmamake_source = { .ops = &vmamake_source_ops, .last = UINT64_MAX };

struct vmamake_member {
	const char *name;
	unsigned offset;
	uint32_t type;
};

static inline uint32_t vmamake_struct(struct btfmake *m, const char *name, const struct vmamake_member *members,
				      unsigned n, uint32_t size)
{
	uint32_t id = btfmake_type(m, name, 4, 0, n, size);

	for (unsigned i = 0; i < n; i++)
		btfmake_member(m, members[i].name, members[i].type, members[i].offset * 8, 0);
	return id;
}

#define VMAMAKE_STRUCT(m, name, size, ...)                                      \
	vmamake_struct(m, name, (const struct vmamake_member[]){ __VA_ARGS__ }, \
		       sizeof((const struct vmamake_member[]){ __VA_ARGS__ }) / sizeof(struct vmamake_member), size)

static inline void vmamake_maple_types(struct btfmake *m, uint32_t u64)
{
	uint32_t a9 = btfmake_array(m, u64, 9), a10 = btfmake_array(m, u64, 10), a15 = btfmake_array(m, u64, 15),
		 a16 = btfmake_array(m, u64, 16), a31 = btfmake_array(m, u64, 31);

	VMAMAKE_STRUCT(m, "maple_node", 256, { "parent", 0, u64 }, { "slot", 8, a31 });
	VMAMAKE_STRUCT(m, "maple_range_64", 256, { "parent", 0, u64 }, { "pivot", 8, a15 }, { "slot", 128, a16 });
	VMAMAKE_STRUCT(m, "maple_arange_64", 256, { "parent", 0, u64 }, { "pivot", 8, a9 }, { "slot", 80, a10 },
		       { "gap", 160, a10 });
	btfmake_type(m, "maple_type", 6, 0, 4, 4);
	btfmake_enumerator(m, "maple_dense", 0);
	btfmake_enumerator(m, "maple_leaf_64", 1);
	btfmake_enumerator(m, "maple_range_64", 2);
	btfmake_enumerator(m, "maple_arange_64", 3);
}

static inline void vmamake_mm_type(struct btfmake *m, bool maple, uint32_t u32, uint32_t u64)
{
	uint32_t tree = VMAMAKE_STRUCT(m, "maple_tree", 16, { "ma_root", 8, u64 });
	uint32_t rb = VMAMAKE_STRUCT(m, "rb_root", 8, { "rb_node", 0, u64 });
	uint32_t counter = VMAMAKE_STRUCT(m, "", 8, { "counter", 0, u64 });
	uint32_t counts = btfmake_array(m, counter, 4), auxv = btfmake_array(m, u64, 10);
	uint32_t rss = VMAMAKE_STRUCT(m, "mm_rss_stat", 32, { "count", 0, counts });
	struct vmamake_member members[] = {
		{ maple ? "mm_mt" : "mmap", maple ? 0 : VMA_MM_MMAP, maple ? tree : u64 },
		{ maple ? "not_mm_rb" : "mm_rb", VMA_MM_RB, rb },
		{ "map_count", VMA_MM_COUNT, u32 },
		{ "pgd", VMA_MM_PGD, u64 },
		{ "start_brk", VMA_MM_START_BRK, u64 },
		{ "brk", VMA_MM_BRK, u64 },
		{ "start_stack", VMA_MM_STACK, u64 },
		{ "start_code", VMA_MM_CODE, u64 },
		{ "end_code", VMA_MM_CODE + 8, u64 },
		{ "start_data", VMA_MM_CODE + 16, u64 },
		{ "end_data", VMA_MM_CODE + 24, u64 },
		{ "arg_start", VMA_MM_CODE + 32, u64 },
		{ "arg_end", VMA_MM_CODE + 40, u64 },
		{ "env_start", VMA_MM_CODE + 48, u64 },
		{ "env_end", VMA_MM_CODE + 56, u64 },
		{ "exe_file", VMA_MM_EXE, u64 },
		{ "rss_stat", VMA_MM_RSS, rss },
		{ "saved_auxv", VMA_MM_AUXV, auxv },
	};

	vmamake_struct(m, "mm_struct", members, sizeof(members) / sizeof(*members), VMA_MM_SIZE);
}

static inline void vmamake_file_types(struct btfmake *m, uint32_t u32, uint32_t u64)
{
	uint32_t path = VMAMAKE_STRUCT(m, "path", 16, { "mnt", 0, u64 }, { "dentry", 8, u64 });
	uint32_t qstr = VMAMAKE_STRUCT(m, "qstr", 16, { "hash", 0, u32 }, { "len", 4, u32 }, { "name", 8, u64 });
	uint32_t hash = VMAMAKE_STRUCT(m, "hlist_bl_node", 16, { "next", 0, u64 }, { "pprev", 8, u64 });
	uint32_t mnt = VMAMAKE_STRUCT(m, "vfsmount", 8, { "mnt_root", 0, u64 });

	VMAMAKE_STRUCT(m, "file", 40, { "f_path", 0, path }, { "f_inode", 16, u64 }, { "f_mapping", 24, u64 },
		       { "f_mode", 32, u32 });
	VMAMAKE_STRUCT(m, "dentry", 56, { "d_parent", 0, u64 }, { "d_name", 8, qstr }, { "d_inode", 24, u64 },
		       { "d_op", 32, u64 }, { "d_hash", 40, hash });
	VMAMAKE_STRUCT(m, "mount", 24, { "mnt_parent", 0, u64 }, { "mnt_mountpoint", 8, u64 }, { "mnt", 16, mnt });
	VMAMAKE_STRUCT(m, "inode", 24, { "i_ino", 0, u64 }, { "i_size", 8, u64 }, { "i_sb", 16, u64 });
	VMAMAKE_STRUCT(m, "super_block", 8, { "s_dev", 0, u32 });
	VMAMAKE_STRUCT(m, "dentry_operations", 8, { "d_dname", 0, u64 });
}

static inline struct kco_types *vmamake_types(bool maple)
{
	struct kco_types *types = NULL;
	struct btfmake m;
	uint32_t u8, u32, u64, text, rb_node;
	uint8_t *data;
	size_t n;

	btfmake_init(&m, NULL);
	u64 = btfmake_int(&m, "unsigned long", 8, 0, 64);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	u8 = btfmake_int(&m, "char", 1, 0, 8);
	text = btfmake_array(&m, u8, 0);
	rb_node = VMAMAKE_STRUCT(&m, "rb_node", 24, { "rb_right", 8, u64 }, { "rb_left", 16, u64 });
	if (maple)
		vmamake_maple_types(&m, u64);
	vmamake_mm_type(&m, maple, u32, u64);
	VMAMAKE_STRUCT(&m, "vm_area_struct", VMA_SIZE, { "vm_start", VMA_START, u64 }, { "vm_end", VMA_END, u64 },
		       { "vm_mm", 16, u64 }, { "vm_flags", VMA_FLAGS, u64 }, { "vm_pgoff", VMA_PGOFF, u64 },
		       { "vm_file", VMA_FILE, u64 }, { "vm_ops", VMA_OPS, u64 },
		       { "vm_private_data", VMA_PRIVATE, u64 }, { "anon_name", VMA_ANON_NAME, u64 },
		       { "vm_next", VMA_NEXT, u64 }, { "vm_rb", VMA_RB, rb_node });
	VMAMAKE_STRUCT(&m, "vm_operations_struct", 8, { "name", 0, u64 });
	VMAMAKE_STRUCT(&m, "vm_special_mapping", 8, { "name", 0, u64 });
	VMAMAKE_STRUCT(&m, "anon_vma_name", 4, { "kref", 0, u32 }, { "name", 4, text });
	vmamake_file_types(&m, u32, u64);
	data = btfmake_take(&m, &n);
	btfmake_fini(&m);
	if (kco_btf_new_take(data, n, NULL, 8, &types, NULL))
		return NULL;
	return types;
}

/** An empty address space; its memory is written before vmamake_open(). */
static inline void vmamake_init(struct vmamake *m)
{
	memset(m, 0, sizeof(*m));
	m->next = VMA_MM_SIZE;
}

/** Make a session of the first @n bytes of memory. Types that are there already are taken. */
static inline bool vmamake_open(struct vmamake *m, bool maple, size_t n)
{
	const struct kco_lazy there = { .tried = true, .err = KCO_ERR_INIT };
	struct kco_session *s = &m->s;

	vmem_add(&m->v, VMA_VIRT, m->memory, n);
	if (!vmem_open(&m->v))
		return false;
	kco_arena_init(&s->arena);
	s->image = m->v.image;
	s->mem = m->v.mem;
	s->kernel = m->v.space;
	s->arch = m->v.space.arch;
	if (!s->types)
		s->types = vmamake_types(maple);
	s->symbols = kco_symbols_new();
	s->os_priv = calloc(1, sizeof(struct linux_os));
	if (!s->types || !s->symbols || !s->os_priv)
		return false;
	kco_symbols_add_take(s->symbols, &vmamake_source);
	s->lazy_os = s->lazy_symbols = s->lazy_types = s->lazy_tasks = there;
	m->p = (struct kco_process){ .session = s, .pid = 1, .mm = VMA_VIRT };
	return true;
}

static inline void vmamake_close(struct vmamake *m)
{
	linux_areas_fini(&m->s);
	linux_paths_fini(&m->s);
	free(m->s.os_priv);
	kco_symbols_free(m->s.symbols);
	kco_types_free(m->s.types);
	kco_arena_fini(&m->s.arena);
	vmem_close(&m->v);
}

/** Room for @n bytes at a multiple of @align: an address. */
static inline uint64_t vmamake_alloc(struct vmamake *m, size_t n, size_t align)
{
	uint64_t at = (m->next + align - 1) / align * align;

	if (at + n > VMA_MEMORY)
		abort();
	m->next = at + n;
	return VMA_VIRT + at;
}

static inline void vmamake_put(struct vmamake *m, uint64_t at, uint64_t v)
{
	memcpy(m->memory + (at - VMA_VIRT), &v, 8);
}

static inline uint64_t vmamake_text(struct vmamake *m, const char *text)
{
	uint64_t at = vmamake_alloc(m, strlen(text) + 1, 1);

	memcpy(m->memory + (at - VMA_VIRT), text, strlen(text) + 1);
	return at;
}

static inline uint64_t vmamake_area(struct vmamake *m, uint64_t start, uint64_t end, uint64_t flags)
{
	uint64_t at = vmamake_alloc(m, VMA_SIZE, 8);

	vmamake_put(m, at + VMA_START, start);
	vmamake_put(m, at + VMA_END, end);
	vmamake_put(m, at + 16, VMA_VIRT);
	vmamake_put(m, at + VMA_FLAGS, flags);
	return at;
}

/** A leaf (type 1) or an inner node (2, 3) of @n slots; the last has no pivot. Returns the pointer to it. */
static inline uint64_t vmamake_node(struct vmamake *m, unsigned type, const uint64_t *slots, const uint64_t *pivots,
				    unsigned n)
{
	uint64_t at = vmamake_alloc(m, 256, 256);

	for (unsigned i = 0; i < n; i++) {
		vmamake_put(m, at + (type == 3 ? 80 : 128) + 8 * i, slots[i]);
		if (i + 1 < n)
			vmamake_put(m, at + 8 + 8 * i, pivots[i]);
	}
	return at | type << 3 | 4;
}

/** @n areas in one leaf that is the root, in order. */
static inline void vmamake_leaf(struct vmamake *m, const uint64_t *areas, unsigned n)
{
	uint64_t slots[16] = { 0 }, pivots[16] = { 0 };
	unsigned used = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t start, end;

		memcpy(&start, m->memory + (areas[i] - VMA_VIRT) + VMA_START, 8);
		memcpy(&end, m->memory + (areas[i] - VMA_VIRT) + VMA_END, 8);
		if (!used ? start : pivots[used - 1] + 1 < start)
			pivots[used++] = start - 1;
		slots[used] = areas[i];
		pivots[used++] = end - 1;
	}
	vmamake_put(m, VMA_VIRT + VMA_MM_ROOT, vmamake_node(m, 1, slots, pivots, used + 1) | 2);
	memcpy(m->memory + VMA_MM_COUNT, &n, 4);
}

/** A dentry with a name, below @parent (0: it is a root). */
static inline uint64_t vmamake_dentry(struct vmamake *m, uint64_t parent, const char *name)
{
	uint64_t at = vmamake_alloc(m, 56, 8);
	uint32_t len = (uint32_t)strlen(name);

	vmamake_put(m, at + VMA_DENTRY_PARENT, parent ? parent : at);
	memcpy(m->memory + (at - VMA_VIRT) + VMA_DENTRY_LEN, &len, 4);
	vmamake_put(m, at + VMA_DENTRY_NAME, vmamake_text(m, name));
	vmamake_put(m, at + VMA_DENTRY_PPREV, at);
	return at;
}

/** A mount of @root at the dentry @point of the mount @parent (0: the root of all). */
static inline uint64_t vmamake_mount(struct vmamake *m, uint64_t root, uint64_t parent, uint64_t point)
{
	uint64_t at = vmamake_alloc(m, 24, 8);

	vmamake_put(m, at + VMA_MOUNT_PARENT, parent ? parent : at);
	vmamake_put(m, at + VMA_MOUNT_POINT, parent ? point : root);
	vmamake_put(m, at + VMA_MOUNT_MNT, root);
	return at;
}

static inline uint64_t vmamake_inode(struct vmamake *m, uint64_t ino, uint64_t size, uint32_t dev)
{
	uint64_t sb = vmamake_alloc(m, 8, 8), at = vmamake_alloc(m, 24, 8);

	vmamake_put(m, sb, dev);
	vmamake_put(m, at, ino);
	vmamake_put(m, at + 8, size);
	vmamake_put(m, at + 16, sb);
	return at;
}

static inline uint64_t vmamake_file(struct vmamake *m, uint64_t dentry, uint64_t mount, uint64_t inode)
{
	uint64_t at = vmamake_alloc(m, 40, 8);

	vmamake_put(m, at + VMA_FILE_MNT, mount + VMA_MOUNT_MNT);
	vmamake_put(m, at + VMA_FILE_DENTRY, dentry);
	vmamake_put(m, at + VMA_FILE_INODE, inode);
	vmamake_put(m, dentry + VMA_DENTRY_INODE, inode);
	return at;
}

/** One of everything: heap, stack, names, a file below a mount, one that names itself; as a tree of two levels, or as a
 * list and a tree. */
static inline void vmamake_usual(struct vmamake *m, bool maple)
{
	static const uint64_t ends[][2] = {
		{ 0x400000, 0x401000 },
		{ 0x10000000, 0x10010000 },
		{ 0x20000000, 0x20001000 },
		{ 0x7f0000000000, 0x7f0000001000 },
		{ 0x7ffe00000000, 0x7ffe00002000 },
		{ 0x7ffe00010000, 0x7ffe00012000 },
	};
	uint64_t areas[6], leaves[2], name, ops, mapping, root, usr, mount, sub_root, sub_mount, self, inode;
	const uint32_t count = 6;

	for (unsigned i = 0; i < 6; i++)
		areas[i] = vmamake_area(m, ends[i][0], ends[i][1], 0x8100073);
	vmamake_put(m, VMA_VIRT + VMA_MM_START_BRK, 0x10000000);
	vmamake_put(m, VMA_VIRT + VMA_MM_BRK, 0x10000000);
	vmamake_put(m, VMA_VIRT + VMA_MM_STACK, 0x7ffe00001000);
	memcpy(m->memory + VMA_MM_COUNT, &count, 4);
	root = vmamake_dentry(m, 0, "/");
	usr = vmamake_dentry(m, root, "usr");
	mount = vmamake_mount(m, root, 0, 0);
	sub_root = vmamake_dentry(m, 0, "/");
	sub_mount = vmamake_mount(m, sub_root, mount, usr);
	inode = vmamake_inode(m, 4711, 12345, 8 << 20 | 3);
	vmamake_put(m, areas[0] + VMA_FILE, vmamake_file(m, vmamake_dentry(m, sub_root, "x"), sub_mount, inode));
	ops = vmamake_alloc(m, 8, 8);
	vmamake_put(m, ops, VMA_SIMPLE_DNAME);
	self = vmamake_dentry(m, 0, "dev/zero");
	vmamake_put(m, self + VMA_DENTRY_OPS, ops);
	vmamake_put(m, areas[3] + VMA_FILE, vmamake_file(m, self, mount, inode));
	name = vmamake_alloc(m, 4, 4);
	vmamake_text(m, "my memory");
	vmamake_put(m, areas[2] + VMA_ANON_NAME, name);
	ops = vmamake_alloc(m, 8, 8);
	vmamake_put(m, ops, VMA_SPECIAL_NAME);
	mapping = vmamake_alloc(m, 8, 8);
	vmamake_put(m, mapping, vmamake_text(m, "[vdso]"));
	vmamake_put(m, areas[5] + VMA_OPS, ops);
	vmamake_put(m, areas[5] + VMA_PRIVATE, mapping);
	if (maple) {
		for (unsigned i = 0; i < 2; i++) {
			const uint64_t *a = areas + 3 * i;
			const uint64_t(*e)[2] = ends + 3 * i;

			leaves[i] = vmamake_node(m, 1, (uint64_t[]){ 0, a[0], 0, a[1], 0, a[2], 0 },
						 (uint64_t[]){ e[0][0] - 1, e[0][1] - 1, e[1][0] - 1, e[1][1] - 1,
							       e[2][0] - 1, e[2][1] - 1 },
						 i ? 7 : 6);
		}
		vmamake_put(m, VMA_VIRT + VMA_MM_ROOT,
			    vmamake_node(m, 3, leaves, (uint64_t[]){ ends[2][1] - 1 }, 2) | 2);
		return;
	}
	vmamake_put(m, VMA_VIRT + VMA_MM_MMAP, areas[0]);
	for (unsigned i = 0; i + 1 < 6; i++)
		vmamake_put(m, areas[i] + VMA_NEXT, areas[i + 1]);
	vmamake_put(m, VMA_VIRT + VMA_MM_RB, areas[2] + VMA_RB);
	vmamake_put(m, areas[2] + VMA_RB + 16, areas[0] + VMA_RB);
	vmamake_put(m, areas[0] + VMA_RB + 8, areas[1] + VMA_RB);
	vmamake_put(m, areas[2] + VMA_RB + 8, areas[4] + VMA_RB);
	vmamake_put(m, areas[4] + VMA_RB + 16, areas[3] + VMA_RB);
	vmamake_put(m, areas[4] + VMA_RB + 8, areas[5] + VMA_RB);
}

#endif
