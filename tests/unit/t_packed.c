// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks as a kdump file stores them, of the small real dump: the bytes of those
 * that are wanted, and no read of the file for others.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <kco/codec.h>
#include <kco/formats.h>
#include <kco/image.h>

#define BLOCK 4096u

struct packed {
	struct kco_image *image;
	struct kco_reader *rd;
	struct kco_codec *codec;
};

static int setup(void **state)
{
	const char *path = KCO_FIXTURES "/small.kdump";
	struct packed *p = calloc(1, sizeof(*p));

	*state = p;
	return !p || kco_image_open_new(&path, 1, kco_formats, NULL, &p->image, NULL) ||
	       kco_reader_new(p->image, &p->rd, NULL) || !(p->codec = kco_codec_new());
}

static int teardown(void **state)
{
	struct packed *p = *state;

	kco_codec_free(p->codec);
	kco_reader_free(p->rd);
	kco_image_free(p->image);
	free(p);
	return 0;
}

/* The next block that is saved at or after *@addr; false: there are no more. */
static bool next(struct packed *p, uint64_t *addr)
{
	uint64_t last;

	return kco_reader_saved(p->rd, KCO_PHYS, *addr, addr, &last, NULL) == KCO_OK;
}

static void test_packed__the_wanted_are_the_bytes_that_unpack_to_the_page(void **state)
{
	struct packed *p = *state;
	uint8_t stored[BLOCK], page[BLOCK], want[BLOCK];
	unsigned n = 0;

	for (uint64_t addr = 0; n < 200 && next(p, &addr); addr += BLOCK) {
		enum kco_codec_id id = KCO_CODEC_ZSTD;
		size_t size = 0;

		assert_int_equal(kco_reader_packed(p->rd, addr, stored, sizeof(stored), &size, &id, NULL), KCO_OK);
		if (id != KCO_CODEC_ZSTD)
			continue;
		assert_int_equal(kco_reader_read(p->rd, KCO_PHYS, addr, want, BLOCK, NULL, NULL), KCO_OK);
		assert_int_equal(kco_codec_decompress(p->codec, id, stored, size, page, BLOCK, NULL), KCO_OK);
		assert_memory_equal(page, want, BLOCK);
		n++;
	}
	assert_int_equal(n, 200);
}

static void test_packed__others_are_told_and_not_read(void **state)
{
	struct packed *p = *state;
	uint8_t untouched[BLOCK];
	unsigned n = 0;

	memset(untouched, 0x5a, sizeof(untouched));
	for (uint64_t addr = 0; n < 200 && next(p, &addr); addr += BLOCK, n++) {
		enum kco_codec_id told = KCO_CODEC_NR, id = KCO_CODEC_LZO;
		size_t told_size = 0, size = 0;
		bool fired;

		// The first question reads the descriptor.
		assert_int_equal(kco_reader_packed(p->rd, addr, NULL, 0, &told_size, &told, NULL), KCO_OK);
		assert_true(told == KCO_CODEC_ZSTD || told == KCO_CODEC_NONE);
		unit_fault_arm(1);
		assert_int_equal(kco_reader_packed(p->rd, addr, untouched, BLOCK, &size, &id, NULL), KCO_OK);
		fired = unit_fault_fired();
		assert_false(fired);
		assert_int_equal(id, told);
		assert_int_equal(size, told_size);
		for (size_t i = 0; i < BLOCK; i++)
			assert_int_equal(untouched[i], 0x5a);
	}
	assert_int_equal(n, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packed__the_wanted_are_the_bytes_that_unpack_to_the_page, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_packed__others_are_told_and_not_read, setup, teardown),
	};

	return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
