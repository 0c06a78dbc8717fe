// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The shared page cache. A budget of eight pages makes one shard of eight, so
 * that eviction can be followed page by page.
 */
#include "cache.h"

#include <pthread.h>
#include <string.h>

#include "unit.h"

#define UNIT 4096
#define SMALL (8 * UNIT)

static struct kco_page_cache *cache_new(uint64_t bytes)
{
	struct kco_page_cache *cache;

	assert_int_equal(kco_page_cache_new(UNIT, bytes, &cache, NULL), KCO_OK);
	return cache;
}

static void insert(struct kco_page_cache *cache, uint64_t key)
{
	struct kco_cache_page *page = kco_page_cache_reserve(cache, key);

	assert_non_null(page);
	memset(page->data, (int)key, UNIT);
	kco_page_cache_put(kco_page_cache_publish(cache, key, page));
}

static bool cached(struct kco_page_cache *cache, uint64_t key)
{
	struct kco_cache_page *page = kco_page_cache_get(cache, key, 0);

	if (!page)
		return false;
	assert_int_equal(page->key, key);
	for (size_t i = 0; i < UNIT; i += 511)
		assert_int_equal(((uint8_t *)page->data)[i], (uint8_t)key);
	kco_page_cache_put(page);
	return true;
}

static void test_cache__pages_are_found_by_kind_and_number(void **state)
{
	struct kco_page_cache *cache = cache_new(0);

	(void)state;
	assert_int_equal(kco_page_cache_unit(cache), UNIT);
	assert_int_not_equal(kco_page_key(KCO_PHYS, 5), kco_page_key(KCO_VIRT, 5));
	assert_int_not_equal(kco_page_key(KCO_VIRT, UINT64_MAX >> 12), KCO_PAGE_KEY_NONE);
	for (uint64_t key = 0; key < 2000; key++) {
		assert_false(cached(cache, key));
		insert(cache, key);
		assert_true(cached(cache, key));
	}
	for (uint64_t key = 0; key < 2000; key++)
		assert_true(cached(cache, key));
	kco_page_cache_free(cache);
	kco_page_cache_free(NULL);
}

static void test_cache__eviction_gives_a_second_chance(void **state)
{
	struct kco_page_cache *cache = cache_new(SMALL);
	struct kco_cache_stats stats;

	(void)state;
	for (uint64_t key = 0; key < 8; key++)
		insert(cache, key);
	insert(cache, 8); // all had a chance: the first one goes, the others lose theirs
	assert_false(cached(cache, 0));
	assert_true(cached(cache, 1)); // and gets it back
	insert(cache, 9);
	assert_true(cached(cache, 1));
	assert_false(cached(cache, 2));
	for (uint64_t key = 3; key < 10; key++)
		assert_true(cached(cache, key));
	kco_page_cache_stats(cache, &stats);
	assert_int_equal(stats.bytes, SMALL);
	assert_int_equal(stats.misses, 2);
	assert_int_equal(stats.hits, 9);
	kco_page_cache_free(cache);
}

static void test_cache__pinned_pages_stay(void **state)
{
	struct kco_page_cache *cache = cache_new(SMALL);
	struct kco_cache_page *pinned[8];

	(void)state;
	for (uint64_t key = 0; key < 8; key++) {
		insert(cache, key);
		pinned[key] = kco_page_cache_get(cache, key, 0);
	}
	assert_null(kco_page_cache_reserve(cache, 100));
	kco_page_cache_put(pinned[5]);
	for (uint64_t key = 100; key < 110; key++)
		insert(cache, key);
	assert_true(cached(cache, 109));
	assert_false(cached(cache, 108));
	assert_false(cached(cache, 5));
	for (uint64_t key = 0; key < 8; key++) {
		if (key == 5)
			continue;
		assert_true(cached(cache, key));
		kco_page_cache_put(pinned[key]);
	}
	kco_page_cache_free(cache);
}

static void test_cache__the_slower_of_two_fillers_takes_the_others_page(void **state)
{
	struct kco_page_cache *cache = cache_new(SMALL);
	struct kco_cache_page *a = kco_page_cache_reserve(cache, 1), *b = kco_page_cache_reserve(cache, 1);
	struct kco_cache_stats stats;

	(void)state;
	assert_ptr_not_equal(a, b);
	memset(a->data, 1, UNIT);
	memset(b->data, 1, UNIT);
	assert_ptr_equal(kco_page_cache_publish(cache, 1, a), a);
	assert_ptr_equal(kco_page_cache_publish(cache, 1, b), a);
	kco_page_cache_put(a);
	kco_page_cache_put(a);
	// The loser's page is free again: eight others fit... with one of them, the ninth evicts.
	for (uint64_t key = 10; key < 17; key++)
		insert(cache, key);
	assert_true(cached(cache, 1));
	kco_page_cache_stats(cache, &stats);
	assert_int_equal(stats.bytes, SMALL);
	kco_page_cache_free(cache);
}

static void test_cache__discarded_pages_are_used_again_before_any_eviction(void **state)
{
	struct kco_page_cache *cache = cache_new(SMALL);

	(void)state;
	for (uint64_t key = 0; key < 7; key++)
		insert(cache, key);
	for (uint64_t key = 50; key < 150; key++)
		kco_page_cache_discard(cache, key, kco_page_cache_reserve(cache, key));
	for (uint64_t key = 0; key < 7; key++)
		assert_true(cached(cache, key));
	assert_false(cached(cache, 99));
	kco_page_cache_free(cache);
}

static void test_cache__hits_of_readers_are_counted(void **state)
{
	struct kco_page_cache *cache = cache_new(SMALL);
	struct kco_cache_stats stats;

	(void)state;
	kco_page_cache_count_hits(cache, 5);
	assert_null(kco_page_cache_get(cache, 1, 7));
	kco_page_cache_stats(cache, &stats);
	assert_int_equal(stats.hits, 12);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.bytes, 0);
	kco_page_cache_free(cache);
}

static void test_cache__large_units_and_tiny_budgets_still_work(void **state)
{
	static const uint64_t budgets[] = { 1, 65536, 1 << 20, 3 << 20, 100 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		struct kco_cache_stats stats;
		struct kco_page_cache *cache;

		assert_int_equal(kco_page_cache_new(65536, budgets[i], &cache, NULL), KCO_OK);
		for (uint64_t key = 0; key < 3000; key++)
			insert(cache, key);
		kco_page_cache_stats(cache, &stats);
		assert_true(stats.bytes <= budgets[i] || stats.bytes == 8 * 65536);
		kco_page_cache_free(cache);
	}
	{
		struct kco_page_cache *cache = NULL;
		struct kco_err err = KCO_ERR_INIT;

		assert_int_equal(kco_page_cache_new(UNIT, UINT64_MAX, &cache, &err), KCO_E_NOMEM);
		assert_msg(&err, "page cache");
	}
}

struct worker {
	pthread_t thread;
	struct kco_page_cache *cache;
	uint64_t seed, wrong;
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 40000; i++) {
		uint64_t key = unit_random(&w->seed) % 64;
		struct kco_cache_page *page = kco_page_cache_get(w->cache, key, 0);
		const uint8_t *bytes;

		if (!page) {
			page = kco_page_cache_reserve(w->cache, key);
			if (!page)
				continue;
			if (i % 16 == 0) {
				kco_page_cache_discard(w->cache, key, page);
				continue;
			}
			memset(page->data, (int)key, UNIT);
			page = kco_page_cache_publish(w->cache, key, page);
		}
		bytes = page->data;
		w->wrong += bytes[0] != key || bytes[UNIT - 1] != key || bytes[i % UNIT] != key;
		kco_page_cache_put(page);
	}
	return NULL;
}

static void test_cache__threads_never_see_a_foreign_page(void **state)
{
	struct kco_page_cache *cache = cache_new(16 * UNIT);
	struct worker w[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		w[i] = (struct worker){ .cache = cache, .seed = i };
		assert_int_equal(pthread_create(&w[i].thread, NULL, worker_run, &w[i]), 0);
	}
	for (size_t i = 0; i < 6; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].wrong, 0);
	}
	kco_page_cache_free(cache);
}

static void test_cache__memory_running_out_is_an_error(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct kco_page_cache *cache = NULL;
		enum kco_status status;

		unit_fault_arm(n);
		status = kco_page_cache_new(UNIT, 0, &cache, NULL);
		if (!unit_fault_fired()) {
			assert_int_equal(status, KCO_OK);
			kco_page_cache_free(cache);
			break;
		}
		assert_int_equal(status, KCO_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache__pages_are_found_by_kind_and_number),
		cmocka_unit_test(test_cache__eviction_gives_a_second_chance),
		cmocka_unit_test(test_cache__pinned_pages_stay),
		cmocka_unit_test(test_cache__the_slower_of_two_fillers_takes_the_others_page),
		cmocka_unit_test(test_cache__discarded_pages_are_used_again_before_any_eviction),
		cmocka_unit_test(test_cache__hits_of_readers_are_counted),
		cmocka_unit_test(test_cache__large_units_and_tiny_budgets_still_work),
		cmocka_unit_test(test_cache__threads_never_see_a_foreign_page),
		cmocka_unit_test(test_cache__memory_running_out_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
