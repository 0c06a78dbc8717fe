// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries that are not present, and the tree of a page cache: what a kernel
 * writes, and what only a broken or hostile one would.
 *
 * The swap entries are those of real guests, whose /proc/PID/pagemap told type
 * and offset.
 */
#include "linux_page.h"

#include <stdlib.h>

#include "unit.h"
#include "vmem.h"

#define ADDR_MASK UINT64_C(0x000ffffffffff000)
#define NODE_SIZE 576 /* struct xa_node of a 64-bit kernel: slots at 40, of 64 */
#define NODES 4
#define NODE(i) (UINT64_C(0xffff888000010000) + (uint64_t)(i)*0x1000)
#define ENTRY(i) (NODE(i) | 2)
#define SIBLING(slot) ((uint64_t)(slot) << 2 | 2)
#define FOLIO UINT64_C(0xffffea0000012340)

struct tree {
	struct vmem v;
	struct kco_session s;
	struct linux_pages pages;
	uint8_t nodes[NODES][NODE_SIZE];
};

static void tree_put(struct tree *t, unsigned node, unsigned slot, uint64_t entry)
{
	for (unsigned i = 0; i < 8; i++)
		t->nodes[node][40 + slot * 8 + i] = (uint8_t)(entry >> (8 * i));
}

static int tree_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	for (unsigned i = 0; i < NODES; i++)
		vmem_add(&t->v, NODE(i), t->nodes[i], NODE_SIZE);
	assert_true(vmem_open(&t->v));
	t->s.mem = t->v.mem;
	t->s.kernel = t->v.space;
	t->pages = (struct linux_pages){ .shift = { .offset = 0, .size = 1 },
					 .slots = 40,
					 .slot_bits = 6,
					 .node_tag = 2,
					 .value_tag = 1,
					 .value_shift = 1 };
	*state = t;
	return 0;
}

static int tree_teardown(void **state)
{
	struct tree *t = *state;

	vmem_close(&t->v);
	free(t);
	return 0;
}

static enum kco_status tree_load(struct tree *t, uint64_t head, uint64_t index, struct linux_slot *slot)
{
	return linux_tree_load(&t->s, &t->pages, head, index, slot, NULL);
}

static void test_linux_page__swap_entries_of_real_guests(void **state)
{
	static const struct {
		uint64_t entry;
		unsigned type;
		uint64_t offset;
	} real[] = {
		{ 0x07fffffffffbfe0a, 0, 512 },
		{ 0x2ffffffffffffc0a, 5, 1 },
		{ 0x37fffffffffbfe0a, 6, 512 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(real) / sizeof(*real); i++) {
		struct linux_entry e = linux_x86_64_entry(real[i].entry, 1, ADDR_MASK);

		assert_false(e.present);
		assert_int_equal(e.swap_type, real[i].type);
		assert_int_equal(e.swap_offset, real[i].offset);
	}
}

static void test_linux_page__addresses_of_no_access_are_inverted(void **state)
{
	// Physical 0x12345000, accessed, PROT_NONE, NX; all address bits up to 51 inverted.
	uint64_t entry = UINT64_C(1) << 63 | (~UINT64_C(0x12345000) & ADDR_MASK) | 0x120;
	struct linux_entry e = linux_x86_64_entry(entry, 1, ADDR_MASK);

	(void)state;
	assert_true(e.present);
	assert_int_equal(e.pa.v, 0x12345000);
	// An encryption bit that the mask takes away does not come back by inverting.
	e = linux_x86_64_entry(entry, 1, ADDR_MASK & ~(UINT64_C(1) << 47));
	assert_int_equal(e.pa.v, 0x12345000);
}

static void test_linux_page__large_pages_that_are_not_present(void **state)
{
	uint64_t entry = (~UINT64_C(0x40000000) & ADDR_MASK & ~UINT64_C(0x1fffff)) | 0x180;
	struct linux_entry e = linux_x86_64_entry(entry, 2, ADDR_MASK);

	(void)state;
	assert_true(e.present);
	assert_int_equal(e.pa.v, 0x40000000);
	// While it is split only PSE is left.
	e = linux_x86_64_entry(entry & ~UINT64_C(0x100), 2, ADDR_MASK);
	assert_true(e.present);
	assert_int_equal(e.pa.v, 0x40000000);
	// At the lowest level that bit is a flag of swap entries.
	assert_false(linux_x86_64_entry(entry & ~UINT64_C(0x100), 1, ADDR_MASK).present);
}

static void test_linux_page__one_entry_is_index_0(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	assert_int_equal(tree_load(t, FOLIO, 0, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_POINTER);
	assert_int_equal(slot.v, FOLIO);
	assert_int_equal(tree_load(t, FOLIO, 1, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_EMPTY);
	assert_int_equal(tree_load(t, 0, 0, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_EMPTY);
}

static void test_linux_page__two_levels(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	t->nodes[0][0] = 6;
	tree_put(t, 0, 3, ENTRY(1));
	tree_put(t, 1, 5, FOLIO);
	tree_put(t, 1, 6, UINT64_C(77) << 1 | 1);
	assert_int_equal(tree_load(t, ENTRY(0), 3 * 64 + 5, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_POINTER);
	assert_int_equal(slot.v, FOLIO);
	assert_int_equal(slot.first, 3 * 64 + 5);
	assert_int_equal(tree_load(t, ENTRY(0), 3 * 64 + 6, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_VALUE);
	assert_int_equal(slot.v, 77);
	assert_int_equal(tree_load(t, ENTRY(0), 3 * 64 + 7, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_EMPTY);
	// Above all that two levels hold.
	assert_int_equal(tree_load(t, ENTRY(0), 4096 + 3 * 64 + 5, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_EMPTY);
	assert_int_equal(tree_load(t, ENTRY(0), UINT64_MAX, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_EMPTY);
}

static void test_linux_page__siblings_and_large_entries(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	tree_put(t, 0, 8, FOLIO);
	for (unsigned i = 9; i < 16; i++)
		tree_put(t, 0, i, SIBLING(8));
	assert_int_equal(tree_load(t, ENTRY(0), 13, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_POINTER);
	assert_int_equal(slot.first, 8);
	// 512 pages: eight slots of a node whose slots stand for 64 each.
	t->nodes[1][0] = 6;
	tree_put(t, 1, 8, FOLIO);
	for (unsigned i = 9; i < 16; i++)
		tree_put(t, 1, i, SIBLING(8));
	assert_int_equal(tree_load(t, ENTRY(1), 1023, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_POINTER);
	assert_int_equal(slot.first, 512);
	assert_int_equal(tree_load(t, ENTRY(1), 512, &slot), KCO_OK);
	assert_int_equal(slot.first, 512);
}

static void test_linux_page__entries_of_the_tree_itself_are_empty(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	tree_put(t, 0, 1, SIBLING(256)); // retry
	tree_put(t, 0, 2, SIBLING(257)); // zero
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(tree_load(t, ENTRY(0), i, &slot), KCO_OK);
		assert_int_equal(slot.kind, LINUX_SLOT_EMPTY);
	}
}

static void test_linux_page__radix_tree(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	t->pages.node_tag = 1;
	t->pages.value_tag = 2;
	t->pages.value_shift = 2;
	t->nodes[0][0] = 6;
	tree_put(t, 0, 0, NODE(1) | 1);
	tree_put(t, 1, 9, FOLIO);
	tree_put(t, 1, 10, UINT64_C(5) << 2 | 2);
	assert_int_equal(tree_load(t, NODE(0) | 1, 9, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_POINTER);
	assert_int_equal(tree_load(t, NODE(0) | 1, 10, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_VALUE);
	assert_int_equal(slot.v, 5);
}

static void test_linux_page__circles_end(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	t->nodes[0][0] = 6;
	tree_put(t, 0, 0, ENTRY(0));
	assert_int_equal(tree_load(t, ENTRY(0), 0, &slot), KCO_E_CORRUPT);
	// Two that point at each other.
	t->nodes[0][0] = 12;
	tree_put(t, 0, 0, ENTRY(1));
	t->nodes[1][0] = 6;
	tree_put(t, 1, 0, ENTRY(0));
	assert_int_equal(tree_load(t, ENTRY(0), 0, &slot), KCO_E_CORRUPT);
	// A lowest node that goes deeper.
	tree_put(t, 2, 0, ENTRY(3));
	assert_int_equal(tree_load(t, ENTRY(2), 0, &slot), KCO_E_CORRUPT);
}

static void test_linux_page__shifts_that_no_kernel_writes(void **state)
{
	static const uint8_t shifts[] = { 1, 5, 63, 64, 66, 255 };
	struct tree *t = *state;
	struct linux_slot slot;

	tree_put(t, 0, 0, FOLIO);
	for (size_t i = 0; i < sizeof(shifts); i++) {
		t->nodes[0][0] = shifts[i];
		assert_int_equal(tree_load(t, ENTRY(0), 0, &slot), KCO_E_CORRUPT);
	}
	// The highest that there can be: 60, of which four bits are left.
	t->nodes[0][0] = 60;
	tree_put(t, 0, 15, FOLIO);
	assert_int_equal(tree_load(t, ENTRY(0), UINT64_MAX, &slot), KCO_OK);
	assert_int_equal(slot.kind, LINUX_SLOT_POINTER);
	assert_int_equal(slot.first, UINT64_C(15) << 60);
}

static void test_linux_page__siblings_point_back(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	tree_put(t, 0, 4, SIBLING(4));
	assert_int_equal(tree_load(t, ENTRY(0), 4, &slot), KCO_E_CORRUPT);
	tree_put(t, 0, 4, SIBLING(5));
	assert_int_equal(tree_load(t, ENTRY(0), 4, &slot), KCO_E_CORRUPT);
}

static void test_linux_page__nodes_that_cannot_be_read(void **state)
{
	struct tree *t = *state;
	struct linux_slot slot;

	assert_int_not_equal(tree_load(t, ENTRY(9), 0, &slot), KCO_OK);
	t->nodes[0][0] = 6;
	tree_put(t, 0, 0, ENTRY(9));
	assert_int_not_equal(tree_load(t, ENTRY(0), 0, &slot), KCO_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux_page__swap_entries_of_real_guests),
		cmocka_unit_test(test_linux_page__addresses_of_no_access_are_inverted),
		cmocka_unit_test(test_linux_page__large_pages_that_are_not_present),
		cmocka_unit_test_setup_teardown(test_linux_page__one_entry_is_index_0, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__two_levels, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__siblings_and_large_entries, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__entries_of_the_tree_itself_are_empty, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__radix_tree, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__circles_end, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__shifts_that_no_kernel_writes, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__siblings_point_back, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_linux_page__nodes_that_cannot_be_read, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
