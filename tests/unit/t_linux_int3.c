// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breakpoint instructions in text made by hand: one page of a file that is a
 * private copy, and the page cache's own; then page tables, caches and areas
 * that lie.
 *
 *   0x8000  page tables: 0x8000, 0x9000, 0xe000, 0xf000 from the highest on
 *   0xa000  struct address_space, whose first word is the tree's head
 *   0xb000  struct page of 64 bytes
 *   0xc000  the process's page at TEXT
 *   0xd000  the file's
 */
#include "linux_breakpoints.h"

#include <stdio.h>

#include "linux_page.h"
#include "process_priv.h"
#include "unit.h"
#include "vmamake.h"

#define NOWHERE UINT64_C(0xffff999900000000) /* where no memory is */
#define TEXT 0x400000
#define MAPPING 0xa000
#define PAGES 0xb000
#define COPY 0xc000
#define FILE_PAGE 0xd000
#define PTE 0xf000
#define STRUCT_PAGE (PAGES + FILE_PAGE / 4096 * 64)

static struct vmamake m;
static uint64_t inode, area;
static struct {
	size_t n, failed;
	struct kco_breakpoint bp;
	char why[256];
} got;

static const struct kco_os_ops int3_os = { .name = "linux", .process = &kco_os_linux_process };

static void put(uint64_t at, uint64_t v)
{
	vmamake_put(&m, VMA_VIRT + at, v);
}

static void make(uint64_t end)
{
	uint64_t root, file;

	vmamake_init(&m);
	m.v.phys = VMA_VIRT;
	root = vmamake_dentry(&m, 0, "/");
	inode = vmamake_inode(&m, 4711, 4096, 8 << 20);
	file = vmamake_file(&m, vmamake_dentry(&m, root, "x"), vmamake_mount(&m, root, 0, 0), inode);
	vmamake_put(&m, file + VMA_FILE_MAPPING, VMA_VIRT + MAPPING);
	area = vmamake_area(&m, TEXT, end, 0x75);
	vmamake_put(&m, area + VMA_FILE, file);
	vmamake_leaf(&m, &area, 1);
	put(0x8000, 0x9000 | 7);
	put(0x9000, 0xe000 | 7);
	put(0xe000 + 8 * (TEXT >> 21), PTE | 7);
	put(PTE, COPY | 5);
	put(MAPPING, VMA_VIRT + STRUCT_PAGE);
	put(STRUCT_PAGE + 24, VMA_VIRT + MAPPING);
	memset(m.memory + COPY, 0x90, 8192);
	m.memory[COPY + 0x10] = m.memory[COPY + 0x20] = 0xcc;
	m.memory[FILE_PAGE + 0x10] = 0x55;
	m.memory[COPY + 0x30] = m.memory[FILE_PAGE + 0x30] = 0xcc; // the compiler's own
	m.memory[COPY + 0x40] = 0xeb;				   // a relocation
}

static bool take(void *arg, const struct kco_breakpoint *bp)
{
	(void)arg;
	assert_int_equal(bp->kind, KCO_BREAKPOINT_INT3);
	if (bp->status) {
		got.failed++;
		snprintf(got.why, sizeof(got.why), "%s", bp->why);
	} else if (!got.n++) {
		got.bp = *bp;
	}
	return true;
}

/* Of a uprobe at 0x20, if @uprobe, nothing may be told. */
static void look(bool uprobe)
{
	struct linux_breakpoints b = { .s = &m.s, .fn = take };
	struct kco_task task = { .addr = VMA_VIRT, .tid = 7, .tgid = 7, .mm = VMA_VIRT };
	uint32_t order[1] = { 0 };
	struct kco_process *p;
	struct linux_pages *pages = calloc(1, sizeof(*pages));

	memset(&got, 0, sizeof(got));
	assert_true(vmamake_open(&m, true, VMA_MEMORY));
	m.s.os = &int3_os;
	m.s.tasks = &task;
	m.s.nr_tasks = 1;
	m.s.task_by_tid = m.s.task_by_addr = order;
	*pages = (struct linux_pages){ .vmemmap = VMA_VIRT + PAGES,
				       .struct_page = 64,
				       .compound_head = { .offset = 8, .size = 8 },
				       .mapping = { .offset = 24, .size = 8 },
				       .index = { .offset = 32, .size = 8 },
				       .root = { .offset = 0, .size = 8 },
				       .shift = { .offset = 0, .size = 1 },
				       .slots = 40,
				       .slot_bits = 6,
				       .node_tag = 2,
				       .value_tag = 1,
				       .value_shift = 1 };
	pages->lazy.tried = pages->zero_tried = true;
	linux_of(&m.s)->pages = pages;
	assert_int_equal(kco_process_get(&m.s, 7, &p, NULL), KCO_OK);
	p->space = (struct kco_space){ .arch = m.s.arch,
				       .form = m.s.arch->paging[0],
				       .root = KCO_PADDR(0x8000),
				       .addr_mask = m.s.arch->phys_mask,
				       .id = 7 };
	if (uprobe) {
		b.uprobes = calloc(1, sizeof(*b.uprobes));
		b.uprobes[0].inode = inode;
		b.uprobes[0].offset = 0x20;
		b.nr_uprobes = 1;
	}
	linux_int3(&b);
	free(b.uprobes);
	kco_session_processes_fini(&m.s);
	linux_pages_fini(&m.s);
	vmamake_close(&m);
}

static void test_int3__what_the_file_does_not_have_was_planted(void **state)
{
	(void)state;
	make(TEXT + 4096);
	look(false);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.failed, 0);
	assert_int_equal(got.bp.addr, TEXT + 0x10);
	assert_int_equal(got.bp.original, 0x55);
	assert_int_equal(got.bp.offset, 0x10);
	assert_int_equal(got.bp.inode, inode);
	make(TEXT + 4096);
	look(true);
	assert_int_equal(got.n, 1);
}

static void test_int3__pages_that_are_no_copies_or_no_text_have_none(void **state)
{
	(void)state;
	// The page cache's own page.
	make(TEXT + 4096);
	put(PTE, FILE_PAGE | 5);
	m.memory[FILE_PAGE + 0x50] = 0xcc;
	look(false);
	assert_int_equal(got.n, 0);
	// 64 are breakpoints, 65 are padding.
	for (unsigned n = 62; n < 64; n++) {
		make(TEXT + 4096);
		memset(m.memory + COPY + 0x800, 0xcc, n);
		look(false);
		assert_int_equal(got.n, n == 62 ? 64 : 0);
	}
	// Shared, and not executable.
	make(TEXT + 4096);
	vmamake_put(&m, area + VMA_FLAGS, 0xfd);
	look(false);
	assert_int_equal(got.n, 0);
	make(TEXT + 4096);
	vmamake_put(&m, area + VMA_FLAGS, 0x71);
	look(false);
	assert_int_equal(got.n, 0);
}

static void test_int3__tables_and_caches_that_lie_give_nothing(void **state)
{
	static const struct {
		uint64_t at, v;
	} lies[] = {
		{ PTE, 0 },
		{ PTE, UINT64_C(0x000ffffffffff000) | 5 },
		{ 0x8000, 0x8000 | 7 }, // the table is its own, and TEXT's next is empty
		{ MAPPING, 0 },
		{ MAPPING, NOWHERE },
		{ MAPPING, NOWHERE | 2 },
		{ MAPPING, VMA_VIRT + STRUCT_PAGE + 8 },
		{ MAPPING, UINT64_MAX },
		{ STRUCT_PAGE + 24, VMA_VIRT },
		{ STRUCT_PAGE + 32, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		make(TEXT + 4096);
		put(lies[i].at, lies[i].v);
		look(false);
		if (got.n)
			fail_msg("case %zu: %zu", i, got.n);
	}
}

static void test_int3__an_area_that_is_too_large_is_told(void **state)
{
	(void)state;
	make(TEXT + (UINT64_C(4096) << 19));
	look(false);
	assert_int_equal(got.n, 0);
	assert_int_equal(got.failed, 1);
	assert_non_null(strstr(got.why, "the area at 0x400000 of process 7 is too large"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int3__what_the_file_does_not_have_was_planted),
		cmocka_unit_test(test_int3__pages_that_are_no_copies_or_no_text_have_none),
		cmocka_unit_test(test_int3__tables_and_caches_that_lie_give_nothing),
		cmocka_unit_test(test_int3__an_area_that_is_too_large_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
