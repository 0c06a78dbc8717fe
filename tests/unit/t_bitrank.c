// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ranks of bits beside counting them one by one: in chunks that are kept and,
 * of a bitmap with more of them than that, in those that are read again.
 */
#include "bitrank.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define CHUNK 65536u
#define BIG (UINT64_C(4100) * CHUNK) /* a few chunks more than are kept */
#define OFF 24

static struct kco_io *io;
static struct kco_bitrank *br;

/* A file with @n bytes of bitmap at @at. */
static void open_bits(const uint8_t *bits, size_t n, uint64_t at, uint64_t size)
{
	char path[] = "/tmp/kco-bitrank-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, bits, n, (off_t)at), n);
	close(fd);
	assert_int_equal(kco_io_open_new(path, &io, NULL), KCO_OK);
	unlink(path);
}

static int teardown(void **state)
{
	(void)state;
	kco_bitrank_free(br);
	kco_io_unref(io);
	br = NULL;
	io = NULL;
	return 0;
}

static bool bit_of(const uint8_t *bits, uint64_t bit, enum kco_bit_order order)
{
	return bits[bit / 8] >> (order == KCO_LSB_FIRST ? bit % 8 : 7 - bit % 8) & 1;
}

/* All bits of [@first, @end), whose bytes begin with that of bit @bits0 in @bits. */
static void check(const uint8_t *bits, uint64_t bits0, uint64_t first, uint64_t end, enum kco_bit_order order)
{
	uint64_t n = 0, from, to = first, rank;
	bool set;

	for (uint64_t bit = first; bit < end; bit++) {
		bool want = bit_of(bits, bit - bits0, order);

		rank = 0;
		assert_int_equal(kco_bitrank_get(br, bit, &set, &rank, NULL), KCO_OK);
		if (set != want || (set && rank != n))
			fail_msg("bit %llu: %d, rank %llu, not %llu", (unsigned long long)bit, set,
				 (unsigned long long)rank, (unsigned long long)n);
		n += want;
	}
	for (uint64_t bit = first; bit < end; bit = to) {
		enum kco_status st = kco_bitrank_run(br, bit, &from, &to, NULL);

		for (; bit < end && !bit_of(bits, bit - bits0, order); bit++)
			;
		if (bit == end) {
			assert_int_equal(st, KCO_DONE);
			break;
		}
		assert_int_equal(st, KCO_OK);
		assert_int_equal(from, bit);
		assert_true(to > from);
		for (; bit < to; bit++)
			assert_true(bit_of(bits, bit - bits0, order));
	}
}

static void random_bits(uint8_t *bits, size_t n)
{
	srand(1);
	for (size_t i = 0; i < n; i++)
		bits[i] = (uint8_t)(rand() >> 8);
	// Whole rows of either kind, and runs over the borders of words, rows and chunks.
	memset(bits + 1000, 0xff, 300);
	memset(bits + 2000, 0, 300);
	memset(bits + n - 100, 0xff, 90);
	if (n > CHUNK / 8)
		memset(bits + CHUNK / 8 - 100, 0xff, 200);
}

static void both_orders(uint64_t first, uint64_t end)
{
	static uint8_t bits[3 * CHUNK / 8];

	random_bits(bits, sizeof(bits));
	for (int order = KCO_LSB_FIRST; order <= KCO_MSB_FIRST; order++) {
		uint64_t total, n = 0;

		open_bits(bits, sizeof(bits), OFF, OFF + sizeof(bits));
		assert_int_equal(kco_bitrank_new(io, OFF, first, end, (enum kco_bit_order)order, &br, NULL), KCO_OK);
		check(bits, 0, first, end, (enum kco_bit_order)order);
		for (uint64_t bit = first; bit < end; bit++)
			n += bit_of(bits, bit, (enum kco_bit_order)order);
		assert_int_equal(kco_bitrank_total(br, &total, NULL), KCO_OK);
		assert_int_equal(total, n);
		teardown(NULL);
	}
}

static void test_bitrank__counts_every_bit(void **state)
{
	(void)state;
	both_orders(0, UINT64_C(3) * CHUNK);
}

static void test_bitrank__borders_within_bytes(void **state)
{
	(void)state;
	both_orders(CHUNK + 453, UINT64_C(3) * CHUNK - 77);
	both_orders(5, 11);
}

/* Beyond those that are kept: the same answers. */
static void test_bitrank__chunks_that_are_not_kept(void **state)
{
	static uint8_t bits[CHUNK / 8];
	uint64_t last = BIG - CHUNK, rank;
	bool set;

	(void)state;
	random_bits(bits, sizeof(bits));
	open_bits(bits, sizeof(bits), OFF + last / 8, OFF + BIG / 8);
	assert_int_equal(kco_bitrank_new(io, OFF, 0, BIG - 3, KCO_LSB_FIRST, &br, NULL), KCO_OK);
	for (uint64_t bit = 0; bit < last; bit += CHUNK)
		assert_int_equal(kco_bitrank_get(br, bit, &set, &rank, NULL), KCO_OK);
	check(bits, last, last, BIG - 3, KCO_LSB_FIRST);
}

static void test_bitrank__outside_is_an_error(void **state)
{
	static const uint8_t bits[16] = { 0xff };
	uint64_t rank;
	bool set;

	(void)state;
	open_bits(bits, sizeof(bits), 0, sizeof(bits));
	assert_int_equal(kco_bitrank_new(io, 0, 0, 129, KCO_LSB_FIRST, &br, NULL), KCO_E_TRUNCATED);
	assert_int_equal(kco_bitrank_new(io, 0, 3, 120, KCO_LSB_FIRST, &br, NULL), KCO_OK);
	assert_int_equal(kco_bitrank_get(br, 2, &set, &rank, NULL), KCO_E_RANGE);
	assert_int_equal(kco_bitrank_get(br, 120, &set, &rank, NULL), KCO_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_bitrank__counts_every_bit, teardown),
		cmocka_unit_test_teardown(test_bitrank__borders_within_bytes, teardown),
		cmocka_unit_test_teardown(test_bitrank__chunks_that_are_not_kept, teardown),
		cmocka_unit_test_teardown(test_bitrank__outside_is_an_error, teardown),
	};

	return cmocka_run_group_tests_name("bitrank", tests, NULL, NULL);
}
