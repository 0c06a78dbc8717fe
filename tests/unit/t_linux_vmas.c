// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Areas of address spaces made by hand (vmamake.h): sound ones of both kinds of
 * kernels, and trees, lists and paths that loop, lie or end in nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vmamake.h"

#define NOWHERE UINT64_C(0xffff999900000000) /* where no memory is */
#define AREAS_MAX 32

struct fixture {
	struct vmamake m;
	struct kco_vma got[AREAS_MAX];
	size_t n;
	struct kco_err torn, err;
	enum kco_status status;
};

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	vmamake_init(&f->m);
	f->err = KCO_ERR_INIT;
	vmamake_put(&f->m, VMA_VIRT + VMA_MM_START_BRK, 0x10000000);
	vmamake_put(&f->m, VMA_VIRT + VMA_MM_BRK, 0x10000000);
	vmamake_put(&f->m, VMA_VIRT + VMA_MM_STACK, 0x7ffe00001000);
}

static enum kco_status take(void *arg, const struct kco_vma *vma)
{
	struct fixture *f = arg;

	assert_true(f->n < AREAS_MAX);
	f->got[f->n++] = *vma;
	return KCO_OK;
}

static void walk(struct fixture *f, bool maple)
{
	assert_true(vmamake_open(&f->m, maple, VMA_MEMORY));
	f->status = linux_vmas(&f->m.p, take, f, &f->torn, &f->err);
}

static void fixture_fini(struct fixture *f)
{
	vmamake_close(&f->m);
}

static void three_areas(struct fixture *f, uint64_t areas[3])
{
	areas[0] = vmamake_area(&f->m, 0x400000, 0x401000, 0x75);
	areas[1] = vmamake_area(&f->m, 0x500000, 0x502000, 0x8100073);
	areas[2] = vmamake_area(&f->m, 0x502000, 0x503000, 0x71);
}

static void assert_three(const struct fixture *f)
{
	assert_int_equal(f->status, KCO_OK);
	assert_int_equal(f->n, 3);
	assert_true(f->got[0].start == 0x400000 && f->got[0].end == 0x401000);
	assert_true(f->got[1].start == 0x500000 && f->got[1].end == 0x502000);
	assert_true(f->got[2].start == 0x502000 && f->got[2].end == 0x503000);
}

static void test_vmas__maple_leaf(void **state)
{
	struct fixture f;
	uint64_t areas[3];

	(void)state;
	fixture_init(&f);
	three_areas(&f, areas);
	vmamake_leaf(&f.m, areas, 3);
	walk(&f, true);
	assert_three(&f);
	assert_int_equal(f.torn.code, KCO_OK);
	assert_int_equal(f.got[0].flags, KCO_VMA_READ | KCO_VMA_EXEC);
	assert_int_equal(f.got[1].flags, KCO_VMA_READ | KCO_VMA_WRITE);
	assert_int_equal(f.got[0].kind, KCO_VMA_ANON);
	assert_string_equal(f.got[0].name, "");
	fixture_fini(&f);
}

static void test_vmas__maple_of_two_levels_and_both_inner_types(void **state)
{
	(void)state;
	for (unsigned type = 2; type <= 3; type++) {
		struct fixture f;
		uint64_t areas[3], leaves[2];

		fixture_init(&f);
		three_areas(&f, areas);
		// One leaf ends at a pivot of its parent, so that its own last pivot may say so.
		leaves[0] = vmamake_node(&f.m, 1, (uint64_t[]){ 0, areas[0] }, (uint64_t[]){ 0x3fffff }, 2);
		leaves[1] = vmamake_node(&f.m, 1, (uint64_t[]){ 0, areas[1], areas[2], 0 },
					 (uint64_t[]){ 0x4fffff, 0x501fff, 0x502fff }, 4);
		vmamake_put(&f.m, VMA_VIRT + VMA_MM_ROOT,
			    vmamake_node(&f.m, type, leaves, (uint64_t[]){ 0x400fff }, 2) | 2);
		walk(&f, true);
		assert_three(&f);
		assert_int_equal(f.torn.code, KCO_OK);
		fixture_fini(&f);
	}
}

static void test_vmas__empty_address_space(void **state)
{
	struct fixture f;

	(void)state;
	for (int maple = 0; maple < 2; maple++) {
		fixture_init(&f);
		walk(&f, maple);
		assert_int_equal(f.status, KCO_OK);
		assert_int_equal(f.n, 0);
		assert_int_equal(f.torn.code, KCO_OK);
		fixture_fini(&f);
	}
}

/* What the root points to, what is said of it, how many areas are found all the same. */
static void assert_damage(uint64_t (*make)(struct fixture *f, const uint64_t areas[3]), const char *what, size_t n)
{
	struct fixture f;
	uint64_t areas[3];

	fixture_init(&f);
	three_areas(&f, areas);
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_ROOT, make(&f, areas) | 2);
	walk(&f, true);
	assert_int_equal(f.status, KCO_OK);
	assert_msg(&f.torn, what);
	assert_int_not_equal(f.torn.code, KCO_OK);
	assert_int_equal(f.n, n);
	fixture_fini(&f);
}

static uint64_t damage_loop(struct fixture *f, const uint64_t areas[3])
{
	uint64_t leaf = vmamake_node(&f->m, 1, (uint64_t[]){ 0, areas[0] }, (uint64_t[]){ 0x3fffff }, 2);
	uint64_t node = vmamake_node(&f->m, 2, (uint64_t[]){ leaf, 0 }, (uint64_t[]){ 0x400fff }, 2);

	vmamake_put(&f->m, (node & ~UINT64_C(255)) + 128 + 8, node);
	return node;
}

static uint64_t damage_two_ways_to_one(struct fixture *f, const uint64_t areas[3])
{
	uint64_t leaf = vmamake_node(&f->m, 1, (uint64_t[]){ 0, areas[0] }, (uint64_t[]){ 0x3fffff }, 2);

	return vmamake_node(&f->m, 2, (uint64_t[]){ leaf, leaf }, (uint64_t[]){ 0x400fff }, 2);
}

static uint64_t damage_deep(struct fixture *f, const uint64_t areas[3])
{
	uint64_t node = vmamake_node(&f->m, 1, (uint64_t[]){ areas[0] }, NULL, 1);

	for (int i = 0; i < 40; i++)
		node = vmamake_node(&f->m, 2, &node, NULL, 1);
	return node;
}

static uint64_t damage_type(struct fixture *f, const uint64_t areas[3])
{
	uint64_t leaf = vmamake_node(&f->m, 1, (uint64_t[]){ 0, areas[0] }, (uint64_t[]){ 0x3fffff }, 2);

	return vmamake_node(&f->m, 2, (uint64_t[]){ leaf, VMA_VIRT | 7 << 3 | 4 }, (uint64_t[]){ 0x400fff }, 2);
}

static uint64_t damage_nowhere(struct fixture *f, const uint64_t areas[3])
{
	uint64_t leaf = vmamake_node(&f->m, 1, (uint64_t[]){ 0, areas[0] }, (uint64_t[]){ 0x3fffff }, 2);

	return vmamake_node(&f->m, 2, (uint64_t[]){ NOWHERE | 0xc, leaf }, (uint64_t[]){ 0x3ff000 }, 2);
}

static uint64_t damage_order(struct fixture *f, const uint64_t areas[3])
{
	return vmamake_node(&f->m, 1, (uint64_t[]){ areas[0], areas[1], 0 }, (uint64_t[]){ 0x3fffff, 0x300000 }, 3);
}

static uint64_t damage_no_child(struct fixture *f, const uint64_t areas[3])
{
	uint64_t leaf = vmamake_node(&f->m, 1, (uint64_t[]){ 0, areas[0] }, (uint64_t[]){ 0x3fffff }, 2);

	return vmamake_node(&f->m, 2, (uint64_t[]){ leaf, 0 }, (uint64_t[]){ 0x400fff }, 2);
}

static uint64_t damage_entry(struct fixture *f, const uint64_t areas[3])
{
	return vmamake_node(&f->m, 1, (uint64_t[]){ areas[0] + 1, areas[1] }, (uint64_t[]){ 0x3fffff }, 2);
}

static uint64_t damage_twice(struct fixture *f, const uint64_t areas[3])
{
	return vmamake_node(&f->m, 1, (uint64_t[]){ areas[0], areas[0], areas[1] }, (uint64_t[]){ 0x3fffff, 0x400fff },
			    3);
}

static uint64_t damage_empty_area(struct fixture *f, const uint64_t areas[3])
{
	uint64_t area = vmamake_area(&f->m, 0x600000, 0x600000, 0);

	return vmamake_node(&f->m, 1, (uint64_t[]){ areas[0], area }, (uint64_t[]){ 0x400fff }, 2);
}

static uint64_t damage_area_nowhere(struct fixture *f, const uint64_t areas[3])
{
	return vmamake_node(&f->m, 1, (uint64_t[]){ NOWHERE, areas[1] }, (uint64_t[]){ 0x400fff }, 2);
}

static void test_vmas__damaged_maple_costs_its_branch_only(void **state)
{
	(void)state;
	assert_damage(damage_loop, "was there before", 1);
	assert_damage(damage_two_ways_to_one, "was there before", 1);
	assert_damage(damage_deep, "lies too deep", 0);
	assert_damage(damage_type, "is of no known type", 1);
	assert_damage(damage_nowhere, "maple tree: ", 1);
	assert_damage(damage_order, "is out of order", 1);
	assert_damage(damage_no_child, "lacks a child", 1);
	assert_damage(damage_entry, "is no area", 1);
	assert_damage(damage_twice, "lies over another", 2);
	assert_damage(damage_empty_area, "is empty", 1);
	assert_damage(damage_area_nowhere, "struct vm_area_struct: ", 1);
}

static void test_vmas__marks_of_the_tree_are_no_areas(void **state)
{
	struct fixture f;
	uint64_t areas[3];

	(void)state;
	fixture_init(&f);
	three_areas(&f, areas);
	// XA_ZERO_ENTRY, where a fork had not come to.
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_ROOT,
		    vmamake_node(&f.m, 1, (uint64_t[]){ areas[0], 0x406 }, (uint64_t[]){ 0x400fff }, 2) | 2);
	walk(&f, true);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.torn.code, KCO_OK);
	fixture_fini(&f);
}

static void test_vmas__fewer_than_were_counted_is_told(void **state)
{
	struct fixture f;
	uint64_t areas[3];

	(void)state;
	fixture_init(&f);
	three_areas(&f, areas);
	vmamake_leaf(&f.m, areas, 2);
	f.m.memory[VMA_MM_COUNT] = 3;
	walk(&f, true);
	assert_int_equal(f.n, 2);
	assert_msg(&f.torn, "2 areas were found of 3");
	fixture_fini(&f);
}

/* The list of the three areas; the tree with the second at its top. */
static void old_kernel(struct fixture *f, uint64_t areas[3])
{
	three_areas(f, areas);
	vmamake_put(&f->m, VMA_VIRT + VMA_MM_MMAP, areas[0]);
	vmamake_put(&f->m, areas[0] + VMA_NEXT, areas[1]);
	vmamake_put(&f->m, areas[1] + VMA_NEXT, areas[2]);
	vmamake_put(&f->m, VMA_VIRT + VMA_MM_RB, areas[1] + VMA_RB);
	vmamake_put(&f->m, areas[1] + VMA_RB + 16, areas[0] + VMA_RB);
	vmamake_put(&f->m, areas[1] + VMA_RB + 8, areas[2] + VMA_RB);
}

static void test_vmas__list_of_older_kernels(void **state)
{
	struct fixture f;
	uint64_t areas[3];

	(void)state;
	fixture_init(&f);
	old_kernel(&f, areas);
	walk(&f, false);
	assert_three(&f);
	assert_int_equal(f.torn.code, KCO_OK);
	fixture_fini(&f);
}

static void test_vmas__torn_list_is_made_up_for_by_the_tree(void **state)
{
	(void)state;
	for (int loop = 0; loop < 2; loop++) {
		struct fixture f;
		uint64_t areas[3];

		fixture_init(&f);
		old_kernel(&f, areas);
		vmamake_put(&f.m, areas[0] + VMA_NEXT, loop ? areas[0] : NOWHERE);
		walk(&f, false);
		assert_three(&f);
		// All are there, but what was found on the way is told.
		assert_int_not_equal(f.torn.code, KCO_OK);
		assert_msg(&f.torn, loop ? "runs in a circle" : "struct vm_area_struct: ");
		fixture_fini(&f);
	}
}

static void test_vmas__tree_that_loops_ends(void **state)
{
	struct fixture f;
	uint64_t areas[3];

	(void)state;
	fixture_init(&f);
	old_kernel(&f, areas);
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_MMAP, NOWHERE);
	vmamake_put(&f.m, areas[0] + VMA_RB + 16, areas[1] + VMA_RB);
	vmamake_put(&f.m, areas[2] + VMA_RB + 8, areas[2] + VMA_RB);
	walk(&f, false);
	assert_three(&f);
	fixture_fini(&f);
}

static void test_vmas__tree_that_is_a_list_is_cut(void **state)
{
	struct fixture f;
	uint64_t above = 0;

	(void)state;
	fixture_init(&f);
	// Each over the one before, so that none is shown twice: it is the depth that counts.
	for (int i = 0; i < 300; i++) {
		uint64_t area = vmamake_area(&f.m, 0x400000, 0x401000, 0);

		vmamake_put(&f.m, above ? above + VMA_RB + 16 : VMA_VIRT + VMA_MM_RB, area + VMA_RB);
		above = area;
	}
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_MMAP, NOWHERE);
	walk(&f, false);
	assert_int_equal(f.status, KCO_OK);
	assert_int_equal(f.n, 1);
	assert_int_not_equal(f.torn.code, KCO_OK);
	fixture_fini(&f);
}

static void test_vmas__names(void **state)
{
	struct fixture f;
	uint64_t areas[5], ops, mapping, name;

	(void)state;
	fixture_init(&f);
	areas[0] = vmamake_area(&f.m, 0x0fff0000, 0x10010000, 0x73);
	areas[1] = vmamake_area(&f.m, 0x20000000, 0x20001000, 0x73);
	areas[2] = vmamake_area(&f.m, 0x7ffe00000000, 0x7ffe00002000, 0x173);
	areas[3] = vmamake_area(&f.m, 0x7ffe00010000, 0x7ffe00012000, 0x75);
	areas[4] = vmamake_area(&f.m, 0x7ffe00020000, 0x7ffe00022000, 0x75);
	name = vmamake_alloc(&f.m, 4, 4);
	vmamake_text(&f.m, "my memory");
	vmamake_put(&f.m, areas[1] + VMA_ANON_NAME, name);
	ops = vmamake_alloc(&f.m, 8, 8);
	vmamake_put(&f.m, ops, VMA_SPECIAL_NAME);
	mapping = vmamake_alloc(&f.m, 8, 8);
	vmamake_put(&f.m, mapping, vmamake_text(&f.m, "[vdso]"));
	vmamake_put(&f.m, areas[3] + VMA_OPS, ops);
	vmamake_put(&f.m, areas[3] + VMA_PRIVATE, mapping);
	// A function that is not known names nothing.
	vmamake_put(&f.m, areas[4] + VMA_OPS, mapping);
	vmamake_leaf(&f.m, areas, 5);
	walk(&f, true);
	assert_int_equal(f.n, 5);
	assert_string_equal(f.got[0].name, "[heap]");
	assert_int_equal(f.got[0].kind, KCO_VMA_HEAP);
	assert_string_equal(f.got[1].name, "[anon:my memory]");
	assert_int_equal(f.got[1].kind, KCO_VMA_NAMED);
	assert_string_equal(f.got[2].name, "[stack]");
	assert_int_equal(f.got[2].kind, KCO_VMA_STACK);
	assert_int_equal(f.got[2].flags & KCO_VMA_GROWSDOWN, KCO_VMA_GROWSDOWN);
	assert_string_equal(f.got[3].name, "[vdso]");
	assert_int_equal(f.got[3].kind, KCO_VMA_VDSO);
	assert_string_equal(f.got[4].name, "");
	fixture_fini(&f);
}

/* A file system with /usr/bin/x in which another is mounted at /usr. */
struct tree {
	uint64_t root, usr, mount, sub_root, bin, x, sub_mount, inode;
};

static void tree_make(struct fixture *f, struct tree *t)
{
	t->root = vmamake_dentry(&f->m, 0, "/");
	t->usr = vmamake_dentry(&f->m, t->root, "usr");
	t->mount = vmamake_mount(&f->m, t->root, 0, 0);
	t->sub_root = vmamake_dentry(&f->m, 0, "/");
	t->bin = vmamake_dentry(&f->m, t->sub_root, "bin");
	t->x = vmamake_dentry(&f->m, t->bin, "x");
	t->sub_mount = vmamake_mount(&f->m, t->sub_root, t->mount, t->usr);
	t->inode = vmamake_inode(&f->m, 4711, 12345, 8 << 20 | 3);
}

static const struct kco_file *open_file(struct fixture *f, uint64_t file)
{
	const struct kco_file *ret = NULL;

	assert_true(vmamake_open(&f->m, true, VMA_MEMORY));
	f->status = linux_file(&f->m.s, file, &ret, &f->err);
	assert_int_equal(f->status, KCO_OK);
	return ret;
}

static void test_vmas__one_of_everything_in_both_kinds_of_kernels(void **state)
{
	static const char *const names[] = { "/usr/x",	"[heap]", "[anon:my memory]", "/dev/zero (deleted)",
					     "[stack]", "[vdso]" };

	(void)state;
	for (int maple = 0; maple < 2; maple++) {
		struct fixture f;

		fixture_init(&f);
		vmamake_usual(&f.m, maple);
		walk(&f, maple);
		assert_int_equal(f.torn.code, KCO_OK);
		assert_int_equal(f.n, 6);
		for (size_t i = 0; i < 6; i++)
			assert_string_equal(f.got[i].name, names[i]);
		fixture_fini(&f);
	}
}

static void test_files__path_across_mounts(void **state)
{
	const struct kco_file *file, *again;
	const char *path;
	struct fixture f;
	struct tree t;
	uint64_t addr;

	(void)state;
	fixture_init(&f);
	tree_make(&f, &t);
	addr = vmamake_file(&f.m, t.x, t.sub_mount, t.inode);
	file = open_file(&f, addr);
	assert_int_equal(f.err.code, KCO_OK);
	assert_string_equal(file->path, "/usr/bin/x");
	assert_false(file->deleted || linux_file_pseudo(file));
	assert_int_equal(file->ino, 4711);
	assert_int_equal(file->size, 12345);
	assert_int_equal(file->dev_major, 8);
	assert_int_equal(file->dev_minor, 3);
	// Made once, and so are paths.
	assert_int_equal(linux_file(&f.m.s, addr, &again, NULL), KCO_OK);
	assert_ptr_equal(file, again);
	assert_int_equal(linux_path(&f.m.s, t.x, t.sub_mount + VMA_MOUNT_MNT, &path, NULL), KCO_OK);
	assert_ptr_equal(path, file->path);
	// The same dentry through another mount: a bind mount of it at the root.
	assert_int_equal(linux_path(&f.m.s, t.root, t.mount + VMA_MOUNT_MNT, &path, NULL), KCO_OK);
	assert_string_equal(path, "/");
	assert_int_equal(linux_path(&f.m.s, t.sub_root, t.sub_mount + VMA_MOUNT_MNT, &path, NULL), KCO_OK);
	assert_string_equal(path, "/usr");
	fixture_fini(&f);
}

static void test_files__deleted(void **state)
{
	const struct kco_file *file;
	struct fixture f;
	struct tree t;

	(void)state;
	fixture_init(&f);
	tree_make(&f, &t);
	vmamake_put(&f.m, t.x + VMA_DENTRY_PPREV, 0);
	file = open_file(&f, vmamake_file(&f.m, t.x, t.sub_mount, t.inode));
	assert_string_equal(file->path, "/usr/bin/x (deleted)");
	assert_true(file->deleted);
	fixture_fini(&f);
}

static void test_files__that_name_themselves(void **state)
{
	static const struct {
		uint64_t function;
		const char *name, *path;
		bool deleted;
	} cases[] = {
		{ VMA_SIMPLE_DNAME, "dev/zero", "/dev/zero (deleted)", true },
		{ VMA_SIMPLE_DNAME, "memfd:mine", "/memfd:mine (deleted)", true },
		{ VMA_ANON_DNAME, "[perf_event]", "anon_inode:[perf_event]", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct kco_file *file;
		struct fixture f;
		struct tree t;
		uint64_t dentry, ops;

		fixture_init(&f);
		tree_make(&f, &t);
		dentry = vmamake_dentry(&f.m, 0, cases[i].name);
		ops = vmamake_alloc(&f.m, 8, 8);
		vmamake_put(&f.m, ops, cases[i].function);
		vmamake_put(&f.m, dentry + VMA_DENTRY_OPS, ops);
		file = open_file(&f, vmamake_file(&f.m, dentry, t.mount, t.inode));
		assert_string_equal(file->path, cases[i].path);
		assert_int_equal(file->deleted, cases[i].deleted);
		assert_true(linux_file_pseudo(file));
		fixture_fini(&f);
	}
}

static void loop_of_dentries(struct fixture *f, const struct tree *t)
{
	vmamake_put(&f->m, t->bin + VMA_DENTRY_PARENT, t->x);
}

static void loop_of_mounts(struct fixture *f, const struct tree *t)
{
	vmamake_put(&f->m, t->sub_mount + VMA_MOUNT_POINT, t->sub_root);
	vmamake_put(&f->m, t->mount + VMA_MOUNT_MNT, t->sub_root);
	vmamake_put(&f->m, t->sub_mount + VMA_MOUNT_PARENT, t->mount);
	vmamake_put(&f->m, t->mount + VMA_MOUNT_PARENT, t->sub_mount);
	vmamake_put(&f->m, t->mount + VMA_MOUNT_POINT, t->sub_root);
}

static void long_name(struct fixture *f, const struct tree *t)
{
	memset(f->m.memory + (t->bin - VMA_VIRT) + VMA_DENTRY_LEN, 0xff, 4);
}

static void name_nowhere(struct fixture *f, const struct tree *t)
{
	vmamake_put(&f->m, t->bin + VMA_DENTRY_NAME, NOWHERE);
}

static void test_files__hostile_paths_end_and_are_told(void **state)
{
	static const struct {
		void (*make)(struct fixture *f, const struct tree *t);
		const char *why;
	} cases[] = {
		{ loop_of_dentries, "does not end" },
		{ loop_of_mounts, "do not end" },
		{ long_name, "a name of 4294967295 bytes" },
		{ name_nowhere, "dentry at 0x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct kco_file *file;
		struct fixture f;
		struct tree t;

		fixture_init(&f);
		tree_make(&f, &t);
		cases[i].make(&f, &t);
		file = open_file(&f, vmamake_file(&f.m, t.x, t.sub_mount, t.inode));
		assert_string_equal(file->path, "?");
		assert_msg(&f.err, cases[i].why);
		// What can be known is known.
		assert_int_equal(file->ino, 4711);
		fixture_fini(&f);
	}
}

static void test_files__area_of_a_file_that_cannot_be_read_is_still_one(void **state)
{
	struct fixture f;
	uint64_t areas[3];

	(void)state;
	fixture_init(&f);
	three_areas(&f, areas);
	vmamake_put(&f.m, areas[0] + VMA_FILE, NOWHERE);
	vmamake_put(&f.m, areas[0] + VMA_PGOFF, 3);
	vmamake_leaf(&f.m, areas, 3);
	walk(&f, true);
	assert_three(&f);
	assert_int_equal(f.got[0].kind, KCO_VMA_FILE);
	assert_true(f.got[0].file && f.got[0].offset == 0x3000);
	assert_string_equal(f.got[0].name, "?");
	assert_msg(&f.torn, "file of the area at 0x400000");
	fixture_fini(&f);
}

static void test_mm__facts_and_auxv(void **state)
{
	static const uint64_t words[] = { 33, 0x7fff00001000, 6, 4096, 0, 0, 99, 99 };
	static const uint32_t words32[] = { 32, 0xf7ff0000, 33, 0xf7ff1000, 0, 0 };
	struct kco_mm_info mm = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_CODE, 0x401000);
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_RSS, 5);
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_RSS + 8, (uint64_t)-2);
	vmamake_put(&f.m, VMA_VIRT + VMA_MM_RSS + 24, 7);
	memcpy(f.m.memory + VMA_MM_AUXV, words, sizeof(words));
	assert_true(vmamake_open(&f.m, true, VMA_MEMORY));
	assert_int_equal(linux_mm_info(&f.m.p, &mm, NULL), KCO_OK);
	assert_true(mm.start_code == 0x401000);
	assert_int_equal(mm.rss_file, 5);
	assert_int_equal(mm.rss_anon, 0); // counters may be negative for a moment
	assert_int_equal(mm.rss_shmem, 7);
	assert_int_equal(mm.nr_auxv, 6);
	assert_true(mm.auxv[0] == 33 && mm.auxv[1] == 0x7fff00001000 && mm.auxv[3] == 4096 && mm.auxv[4] == 0);
	assert_null(mm.exe);
	fixture_fini(&f);

	fixture_init(&f);
	memcpy(f.m.memory + VMA_MM_AUXV, words32, sizeof(words32));
	memset(&mm, 0, sizeof(mm));
	assert_true(vmamake_open(&f.m, false, VMA_MEMORY));
	assert_int_equal(linux_mm_info(&f.m.p, &mm, NULL), KCO_OK);
	assert_int_equal(mm.nr_auxv, 6);
	assert_true(mm.auxv[0] == 32 && mm.auxv[1] == 0xf7ff0000 && mm.auxv[2] == 33);
	fixture_fini(&f);

	fixture_init(&f);
	memset(f.m.memory + VMA_MM_AUXV, 0xee, 80);
	memset(&mm, 0, sizeof(mm));
	assert_true(vmamake_open(&f.m, false, VMA_MEMORY));
	assert_int_equal(linux_mm_info(&f.m.p, &mm, NULL), KCO_OK);
	assert_int_equal(mm.nr_auxv, 0);
	fixture_fini(&f);
}

static void test_vmas__memory_that_runs_out_is_an_error(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct fixture f;
		struct tree t;
		uint64_t areas[3];
		bool fired;

		fixture_init(&f);
		three_areas(&f, areas);
		tree_make(&f, &t);
		vmamake_put(&f.m, areas[1] + VMA_FILE, vmamake_file(&f.m, t.x, t.sub_mount, t.inode));
		vmamake_leaf(&f.m, areas, 3);
		assert_true(vmamake_open(&f.m, true, VMA_MEMORY));
		unit_fault_arm(n);
		f.status = linux_vmas(&f.m.p, take, &f, &f.torn, &f.err);
		fired = unit_fault_fired();
		// Types may remember less, and files tell of it; a list that is not told to be short is whole.
		if (!f.status && !f.torn.code)
			assert_three(&f);
		fixture_fini(&f);
		if (!fired)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmas__maple_leaf),
		cmocka_unit_test(test_vmas__maple_of_two_levels_and_both_inner_types),
		cmocka_unit_test(test_vmas__empty_address_space),
		cmocka_unit_test(test_vmas__damaged_maple_costs_its_branch_only),
		cmocka_unit_test(test_vmas__marks_of_the_tree_are_no_areas),
		cmocka_unit_test(test_vmas__fewer_than_were_counted_is_told),
		cmocka_unit_test(test_vmas__list_of_older_kernels),
		cmocka_unit_test(test_vmas__torn_list_is_made_up_for_by_the_tree),
		cmocka_unit_test(test_vmas__tree_that_loops_ends),
		cmocka_unit_test(test_vmas__tree_that_is_a_list_is_cut),
		cmocka_unit_test(test_vmas__names),
		cmocka_unit_test(test_vmas__one_of_everything_in_both_kinds_of_kernels),
		cmocka_unit_test(test_files__path_across_mounts),
		cmocka_unit_test(test_files__deleted),
		cmocka_unit_test(test_files__that_name_themselves),
		cmocka_unit_test(test_files__hostile_paths_end_and_are_told),
		cmocka_unit_test(test_files__area_of_a_file_that_cannot_be_read_is_still_one),
		cmocka_unit_test(test_mm__facts_and_auxv),
		cmocka_unit_test(test_vmas__memory_that_runs_out_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
