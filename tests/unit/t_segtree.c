// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The splay tree of segments, against a model that is too simple to be wrong:
 * an array with the number of the last segment that covers each address.
 */
#include <kco/segment.h>

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static enum kco_status read_pattern(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				    size_t n, size_t *done, struct kco_err *err)
{
	(void)codec;
	(void)err;
	// The range is within the segment: what the contract promises a format.
	assert_true(addr >= seg->first && addr <= seg->last && n - 1 <= seg->last - addr && n > 0);
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = (uint8_t)((uintptr_t)seg->source + seg->offset + (addr + i - seg->orig_first));
	*done = n;
	return KCO_OK;
}

static enum kco_status read_half(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				 size_t n, size_t *done, struct kco_err *err)
{
	(void)seg;
	(void)codec;
	(void)addr;
	*done = n / 2;
	memset(buf, 0x77, n / 2);
	return kco_fail(err, KCO_E_NOT_SAVED, "excluded");
}

static enum kco_status read_lie(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				size_t n, size_t *done, struct kco_err *err)
{
	(void)codec;
	(void)addr;
	(void)buf;
	(void)err;
	*done = seg->source ? n + 1 : n - 1;
	return KCO_OK;
}

static const struct kco_segment_ops pattern_ops = { .read = read_pattern };
static const struct kco_segment_ops half_ops = { .read = read_half };
static const struct kco_segment_ops lie_ops = { .read = read_lie };

static void add(struct kco_segtree *tree, uint64_t first, uint64_t last, uintptr_t id)
{
	struct kco_segment seg = { .first = first,
				   .last = last,
				   .orig_first = first,
				   .offset = id * 1000,
				   .ops = &pattern_ops,
				   .source = (void *)id };

	assert_int_equal(kco_segtree_add(tree, &seg, NULL), KCO_OK);
}

static void holds(struct kco_segtree *tree, uint64_t first, uint64_t last, uintptr_t id, uint64_t orig_first)
{
	const struct kco_segment *seg = kco_segtree_find(tree, first + (last - first) / 2);

	assert_non_null(seg);
	assert_int_equal(seg->first, first);
	assert_int_equal(seg->last, last);
	assert_int_equal((uintptr_t)seg->source, id);
	assert_int_equal(seg->orig_first, orig_first);
	assert_int_equal(seg->offset, id * 1000);
}

static void test_segtree__empty(void **state)
{
	struct kco_segtree tree, copy;
	size_t done = 9;
	char c;

	(void)state;
	kco_segtree_init(&tree);
	assert_null(kco_segtree_find(&tree, 0));
	assert_null(kco_segtree_next(&tree, 0));
	assert_int_equal(kco_segtree_read(&tree, NULL, 5, &c, 1, &done, NULL), KCO_E_RANGE);
	assert_int_equal(done, 0);
	assert_int_equal(kco_segtree_clone(&tree, &copy, NULL), KCO_OK);
	assert_null(kco_segtree_find(&copy, 0));
	kco_segtree_fini(&copy);
	kco_segtree_fini(&tree);
	kco_segtree_fini(&tree);
}

static void test_segtree__later_segment_splits_earlier(void **state)
{
	struct kco_segtree tree;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 0, 127, 1);
	add(&tree, 64, 95, 2);
	assert_int_equal(tree.count, 3);
	assert_int_equal(tree.overlaps, 1);
	holds(&tree, 0, 63, 1, 0);
	holds(&tree, 64, 95, 2, 64);
	holds(&tree, 96, 127, 1, 0);
	kco_segtree_fini(&tree);
}

static void test_segtree__later_segment_covers_both_ends_of_earlier(void **state)
{
	struct kco_segtree tree;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 64, 95, 1);
	add(&tree, 0, 127, 2);
	assert_int_equal(tree.count, 1);
	assert_int_equal(tree.overlaps, 1);
	holds(&tree, 0, 127, 2, 0);
	kco_segtree_fini(&tree);
}

static void test_segtree__later_segment_trims_either_side(void **state)
{
	struct kco_segtree tree;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 100, 199, 1);
	add(&tree, 50, 149, 2);
	holds(&tree, 50, 149, 2, 50);
	holds(&tree, 150, 199, 1, 100);
	add(&tree, 180, 250, 3);
	holds(&tree, 150, 179, 1, 100);
	holds(&tree, 180, 250, 3, 180);
	add(&tree, 20, 20, 4);
	assert_int_equal(tree.count, 4);
	assert_int_equal(tree.overlaps, 2);
	assert_null(kco_segtree_find(&tree, 21));
	kco_segtree_fini(&tree);
}

static void test_segtree__equal_range_replaces(void **state)
{
	struct kco_segtree tree;

	(void)state;
	kco_segtree_init(&tree);
	for (uintptr_t id = 1; id <= 5; id++) {
		add(&tree, 10, 19, id);
		assert_int_equal(tree.count, 1);
		holds(&tree, 10, 19, id, 10);
	}
	assert_int_equal(tree.overlaps, 4);
	kco_segtree_fini(&tree);
}

static void test_segtree__covering_with_the_same_bytes_is_no_overlap(void **state)
{
	// As QEMU's dumps with paging have it: aliases, each naming the same place of the file.
	struct kco_segment seg = { .first = 100, .last = 199, .orig_first = 100, .offset = 1100, .ops = &pattern_ops };
	struct kco_segtree tree;

	(void)state;
	kco_segtree_init(&tree);
	assert_int_equal(kco_segtree_add(&tree, &seg, NULL), KCO_OK);
	seg.first = seg.orig_first = 150;
	seg.last = 159;
	seg.offset = 1150;
	assert_int_equal(kco_segtree_add(&tree, &seg, NULL), KCO_OK);
	assert_int_equal(tree.overlaps, 0);
	seg.first = seg.orig_first = 50;
	seg.last = 299;
	seg.offset = 1050;
	assert_int_equal(kco_segtree_add(&tree, &seg, NULL), KCO_OK);
	assert_int_equal(tree.overlaps, 0);
	assert_int_equal(tree.count, 1);
	seg.offset = 1051;
	assert_int_equal(kco_segtree_add(&tree, &seg, NULL), KCO_OK);
	assert_int_equal(tree.overlaps, 1);
	kco_segtree_fini(&tree);
}

static void test_segtree__touching_ranges_do_not_overlap(void **state)
{
	struct kco_segtree tree;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 10, 19, 1);
	add(&tree, 20, 29, 2);
	add(&tree, 0, 9, 3);
	assert_int_equal(tree.count, 3);
	assert_int_equal(tree.overlaps, 0);
	kco_segtree_fini(&tree);
}

static void test_segtree__ranges_at_the_end_of_the_address_space(void **state)
{
	const uint64_t max = UINT64_MAX;
	struct kco_err err = KCO_ERR_INIT;
	struct kco_segtree tree;
	struct kco_segment wrong = { .first = 5, .last = 4, .ops = &pattern_ops };
	uint8_t buf[16];
	size_t done;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 0, max, 1);
	holds(&tree, 0, max, 1, 0);
	add(&tree, max - 15, max, 2);
	holds(&tree, 0, max - 16, 1, 0);
	holds(&tree, max - 15, max, 2, max - 15);
	add(&tree, max, max, 3);
	holds(&tree, max, max, 3, max);
	holds(&tree, max - 15, max - 1, 2, max - 15);
	add(&tree, 0, 0, 4);
	holds(&tree, 0, 0, 4, 0);
	holds(&tree, 1, max - 16, 1, 0);
	assert_non_null(kco_segtree_next(&tree, max));
	assert_int_equal(kco_segtree_read(&tree, NULL, max - 7, buf, 8, &done, &err), KCO_OK);
	// After the last address comes nothing, not address 0, which exists.
	assert_int_equal(kco_segtree_read(&tree, NULL, max - 7, buf, 9, &done, &err), KCO_E_RANGE);
	assert_int_equal(done, 8);
	add(&tree, 0, max, 5);
	assert_int_equal(tree.count, 1);
	assert_int_equal(kco_segtree_add(&tree, &wrong, &err), KCO_E_RANGE);
	kco_segtree_fini(&tree);
}

static void test_segtree__next_walks_in_order(void **state)
{
	struct kco_segtree tree;
	const struct kco_segment *seg;
	uint64_t at = 0;
	int n = 0;

	(void)state;
	kco_segtree_init(&tree);
	for (uint64_t i = 0; i < 100; i++)
		add(&tree, (i * 37 % 100) * 10 + 3, (i * 37 % 100) * 10 + 7, i + 1);
	while ((seg = kco_segtree_next(&tree, at))) {
		assert_int_equal(seg->first, (uint64_t)n * 10 + 3);
		at = seg->last + 1;
		n++;
	}
	assert_int_equal(n, 100);
	assert_int_equal(kco_segtree_next(&tree, 503)->first, 503);
	assert_int_equal(kco_segtree_next(&tree, 504)->first, 513);
	assert_null(kco_segtree_next(&tree, 994));
	kco_segtree_fini(&tree);
}

static void test_segtree__reads_stitch_segments_and_stop_at_holes(void **state)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_segtree tree;
	uint8_t buf[300];
	size_t done;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 100, 199, 1);
	add(&tree, 200, 299, 2);
	add(&tree, 150, 159, 3); // the rest of 1 must go on at its own offset
	assert_int_equal(kco_segtree_read(&tree, NULL, 100, buf, 200, &done, &err), KCO_OK);
	assert_int_equal(done, 200);
	for (size_t i = 0; i < 200; i++) {
		uint8_t want = (uint8_t)(i < 50 || (i >= 60 && i < 100) ? 1001 + i
					 : i < 60			? 3003 + i - 50
									: 2002 + i - 100);

		assert_int_equal(buf[i], want);
	}
	assert_int_equal(kco_segtree_read(&tree, NULL, 290, buf, 20, &done, &err), KCO_E_RANGE);
	assert_int_equal(done, 10);
	assert_int_equal(err.addr, 300);
	assert_int_equal(kco_segtree_read(&tree, NULL, 0, buf, 0, &done, &err), KCO_OK);
	kco_segtree_fini(&tree);
}

static void test_segtree__callbacks_errors_and_lies_are_passed_on(void **state)
{
	struct kco_segment half = { .first = 200, .last = 299, .orig_first = 200, .ops = &half_ops };
	struct kco_segment lie = { .first = 300, .last = 399, .orig_first = 300, .ops = &lie_ops };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_segtree tree;
	uint8_t buf[64];
	size_t done;

	(void)state;
	kco_segtree_init(&tree);
	add(&tree, 100, 199, 1);
	assert_int_equal(kco_segtree_add(&tree, &half, &err), KCO_OK);
	assert_int_equal(kco_segtree_add(&tree, &lie, &err), KCO_OK);
	lie.first = lie.orig_first = 400;
	lie.last = 499;
	lie.source = &lie;
	assert_int_equal(kco_segtree_add(&tree, &lie, &err), KCO_OK);
	assert_int_equal(kco_segtree_read(&tree, NULL, 190, buf, 30, &done, &err), KCO_E_NOT_SAVED);
	assert_int_equal(done, 20);
	assert_int_equal(err.addr, 210);
	assert_msg(&err, "excluded");
	assert_int_equal(kco_segtree_read(&tree, NULL, 300, buf, 10, &done, &err), KCO_E_BUG);
	assert_int_equal(done, 9);
	assert_int_equal(kco_segtree_read(&tree, NULL, 400, buf, 10, &done, &err), KCO_E_BUG);
	assert_int_equal(done, 0);
	kco_segtree_fini(&tree);
}

/* Compare every address of [0, n) and every segment with the model. */
static void check(struct kco_segtree *tree, const uintptr_t *model, const uint64_t *origin, size_t n)
{
	size_t count = 0, covered = 0, in_model = 0;
	const struct kco_segment *seg;
	uint64_t at = 0;

	for (uint64_t a = 0; a < n; a++) {
		seg = kco_segtree_find(tree, a);
		assert_int_equal(seg ? (uintptr_t)seg->source : 0, model[a]);
		if (seg)
			assert_int_equal(seg->orig_first, origin[model[a]]);
		in_model += model[a] != 0;
	}
	while ((seg = kco_segtree_next(tree, at))) {
		assert_true(seg->first >= at && seg->last >= seg->first);
		count++;
		covered += seg->last - seg->first + 1;
		at = seg->last + 1;
	}
	assert_int_equal(count, tree->count);
	assert_int_equal(covered, in_model);
}

static void test_segtree__random_adds_equal_the_model(void **state)
{
	enum { SPACE = 512, ADDS = 400 };
	uintptr_t model[SPACE];
	uint64_t origin[ADDS + 1], seed = 42;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct kco_segtree tree, copy;
		size_t longest = round % 3 == 0 ? SPACE : 1 + (size_t)round;

		kco_segtree_init(&tree);
		memset(model, 0, sizeof(model));
		for (uintptr_t id = 1; id <= ADDS; id++) {
			uint64_t first = unit_random(&seed) % SPACE;
			uint64_t last = first + unit_random(&seed) % longest;

			if (last >= SPACE)
				last = SPACE - 1;
			origin[id] = first;
			add(&tree, first, last, id);
			for (uint64_t a = first; a <= last; a++)
				model[a] = id;
			// Searches in between change the tree's shape.
			(void)kco_segtree_find(&tree, unit_random(&seed) % SPACE);
			if (id % 97 == 0)
				check(&tree, model, origin, SPACE);
		}
		assert_int_equal(kco_segtree_clone(&tree, &copy, NULL), KCO_OK);
		assert_int_equal(copy.count, tree.count);
		assert_int_equal(copy.overlaps, tree.overlaps);
		check(&copy, model, origin, SPACE);
		check(&tree, model, origin, SPACE);
		kco_segtree_fini(&tree);
		// A clone lives on alone, and takes more segments.
		add(&copy, 0, SPACE / 2, 1);
		for (uint64_t a = 0; a <= SPACE / 2; a++)
			model[a] = 1;
		origin[1] = 0;
		check(&copy, model, origin, SPACE);
		kco_segtree_fini(&copy);
	}
}

static void test_segtree__a_million_ascending_segments_and_random_ones_over_them(void **state)
{
	enum { MANY = 1000000, SPACE = 4 * MANY, OVER = 200000 };
	uint32_t *model = calloc(SPACE, sizeof(*model));
	struct kco_segtree tree, copy;
	uint64_t seed = 7;

	(void)state;
	assert_non_null(model);
	kco_segtree_init(&tree);
	for (uint32_t i = 0; i < MANY; i++) {
		add(&tree, 4ULL * i, 4ULL * i + 2, i + 1);
		model[4 * i] = model[4 * i + 1] = model[4 * i + 2] = i + 1;
	}
	assert_int_equal(tree.count, MANY);
	assert_int_equal(tree.overlaps, 0);
	// Now a list a million deep: neither cloning nor the first search may recurse into it.
	assert_int_equal(kco_segtree_clone(&tree, &copy, NULL), KCO_OK);
	assert_int_equal((uintptr_t)kco_segtree_find(&copy, 0)->source, 1);
	assert_int_equal((uintptr_t)kco_segtree_find(&tree, 0)->source, 1);
	assert_int_equal((uintptr_t)kco_segtree_find(&tree, SPACE - 2)->source, MANY);
	kco_segtree_fini(&copy);
	for (uint32_t i = 0; i < OVER; i++) {
		uint64_t first = unit_random(&seed) % (SPACE - 64), last = first + unit_random(&seed) % 40;

		add(&tree, first, last, MANY + 1 + i);
		for (uint64_t a = first; a <= last; a++)
			model[a] = MANY + 1 + i;
	}
	assert_int_equal(kco_segtree_clone(&tree, &copy, NULL), KCO_OK);
	for (int i = 0; i < 500000; i++) {
		uint64_t a = unit_random(&seed) % SPACE;
		const struct kco_segment *seg = kco_segtree_find(i % 2 ? &tree : &copy, a);

		if ((seg ? (uintptr_t)seg->source : 0) != model[a])
			fail_msg("address %#llx", (unsigned long long)a);
	}
	kco_segtree_fini(&copy);
	kco_segtree_fini(&tree);
	free(model);
}

static void test_segtree__memory_running_out_leaves_the_tree_as_it_was(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct kco_segtree tree, copy;
		enum kco_status status;
		size_t added = 0, failed = 0;
		bool fired;

		kco_segtree_init(&tree);
		unit_fault_arm(n);
		for (uint64_t i = 0; i < 200; i++) {
			struct kco_segment seg = { .first = i * 10, .last = i * 10 + 5, .ops = &pattern_ops };

			status = kco_segtree_add(&tree, &seg, NULL);
			assert_true(status == KCO_OK || status == KCO_E_NOMEM);
			added += status == KCO_OK;
			failed += status != KCO_OK;
			assert_int_equal(tree.count, added);
		}
		status = kco_segtree_clone(&tree, &copy, NULL);
		failed += status != KCO_OK;
		kco_segtree_fini(&copy); // safe after a failed clone too
		fired = unit_fault_fired();
		kco_segtree_fini(&tree);
		assert_int_equal(failed, fired);
		if (!fired)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segtree__empty),
		cmocka_unit_test(test_segtree__later_segment_splits_earlier),
		cmocka_unit_test(test_segtree__later_segment_covers_both_ends_of_earlier),
		cmocka_unit_test(test_segtree__later_segment_trims_either_side),
		cmocka_unit_test(test_segtree__equal_range_replaces),
		cmocka_unit_test(test_segtree__covering_with_the_same_bytes_is_no_overlap),
		cmocka_unit_test(test_segtree__touching_ranges_do_not_overlap),
		cmocka_unit_test(test_segtree__ranges_at_the_end_of_the_address_space),
		cmocka_unit_test(test_segtree__next_walks_in_order),
		cmocka_unit_test(test_segtree__reads_stitch_segments_and_stop_at_holes),
		cmocka_unit_test(test_segtree__callbacks_errors_and_lies_are_passed_on),
		cmocka_unit_test(test_segtree__random_adds_equal_the_model),
		cmocka_unit_test(test_segtree__a_million_ascending_segments_and_random_ones_over_them),
		cmocka_unit_test(test_segtree__memory_running_out_leaves_the_tree_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
