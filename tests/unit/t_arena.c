// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bump allocator.
 */
#include <kco/arena.h>

#include <stdint.h>
#include <string.h>

#include "unit.h"

static void test_arena__memory_is_zeroed_aligned_and_apart(void **state)
{
	struct kco_arena arena;
	uint64_t seed = 1;
	unsigned char *got[500];
	size_t size[500], total = 0;

	(void)state;
	kco_arena_init(&arena);
	for (size_t i = 0; i < 500; i++) {
		size[i] = unit_random(&seed) % (i % 50 == 0 ? 300000 : 300);
		got[i] = kco_arena_alloc(&arena, size[i]);
		assert_non_null(got[i]);
		assert_int_equal((uintptr_t)got[i] % 16, 0);
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(got[i][k], 0);
		memset(got[i], (int)(i % 255) + 1, size[i]);
		total += size[i];
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(got[i][k], i % 255 + 1);
	assert_int_equal(arena.total, total);
	kco_arena_fini(&arena);
	kco_arena_fini(&arena);
	assert_null(arena.head);
}

static void test_arena__impossible_sizes_give_null(void **state)
{
	struct kco_arena arena;

	(void)state;
	kco_arena_init(&arena);
	assert_null(kco_arena_alloc(&arena, SIZE_MAX));
	assert_null(kco_arena_alloc(&arena, SIZE_MAX - 20));
	assert_null(kco_arena_array(&arena, SIZE_MAX / 2, 3));
	assert_null(kco_arena_array(&arena, (size_t)1 << 33, (size_t)1 << 33));
	assert_non_null(kco_arena_array(&arena, 0, 8));
	assert_non_null(kco_arena_array(&arena, 8, 8));
	kco_arena_fini(&arena);
}

static void test_arena__strings(void **state)
{
	struct kco_arena arena;
	const char open[4] = { 'a', 'b', 'c', 'd' };
	char *text;

	(void)state;
	kco_arena_init(&arena);
	assert_string_equal(kco_arena_strndup(&arena, open, 4), "abcd");
	assert_string_equal(kco_arena_strndup(&arena, open, 2), "ab");
	assert_string_equal(kco_arena_strndup(&arena, "x\0y", 3), "x");
	assert_string_equal(kco_arena_strndup(&arena, "xyz", SIZE_MAX), "xyz");
	assert_string_equal(kco_arena_strndup(&arena, "", 0), "");
	text = kco_arena_printf(&arena, "%s-%d-%08000d", "n", 5, 1);
	assert_int_equal(strlen(text), 8004);
	assert_memory_equal(text, "n-5-000", 7);
	assert_string_equal(kco_arena_printf(&arena, "%s", ""), "");
	kco_arena_fini(&arena);
}

static void test_arena__survives_failing_allocations(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct kco_arena arena;
		size_t failed = 0;

		kco_arena_init(&arena);
		unit_fault_arm(n);
		for (int i = 0; i < 50; i++) {
			failed += !kco_arena_alloc(&arena, 1000);
			failed += !kco_arena_alloc(&arena, 5000);
		}
		failed += !kco_arena_strndup(&arena, "x", 1);
		failed += !kco_arena_printf(&arena, "%8000d", 1);
		kco_arena_fini(&arena);
		if (!unit_fault_fired()) {
			assert_int_equal(failed, 0);
			break;
		}
		assert_int_equal(failed, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena__memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(test_arena__impossible_sizes_give_null),
		cmocka_unit_test(test_arena__strings),
		cmocka_unit_test(test_arena__survives_failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
