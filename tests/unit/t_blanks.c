// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that is to be blank: the list, and what readers of the small real dump give then.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <kco/codec.h>
#include <kco/formats.h>
#include <kco/image.h>

#include "blanks.h"

#define BLOCK 4096u

static void test_blanks__a_list_settles_to_ranges_in_order(void **state)
{
	struct kco_blanks blanks = { 0 };
	static const struct kco_blank want[] = { { 0, 9 }, { 20, 49 }, { UINT64_MAX - 7, UINT64_MAX } };

	(void)state;
	assert_int_equal(kco_blanks_add(&blanks, UINT64_MAX - 7, 8, NULL), KCO_OK);
	assert_int_equal(kco_blanks_add(&blanks, 40, 10, NULL), KCO_OK);
	assert_int_equal(kco_blanks_add(&blanks, 0, 10, NULL), KCO_OK);
	assert_int_equal(kco_blanks_add(&blanks, 20, 25, NULL), KCO_OK);
	assert_int_equal(kco_blanks_add(&blanks, 30, 2, NULL), KCO_OK);
	assert_int_equal(kco_blanks_add(&blanks, 15, 0, NULL), KCO_OK);
	assert_int_equal(kco_blanks_add(&blanks, 5, UINT64_MAX, NULL), KCO_E_CORRUPT);
	assert_int_equal(kco_blanks_settle(&blanks), 10 + 30 + 8);
	assert_int_equal(blanks.n, 3);
	assert_memory_equal(blanks.ranges, want, sizeof(want));
	kco_blanks_fini(&blanks);
	assert_int_equal(kco_blanks_settle(&blanks), 0);
}

static void test_blanks__neighbours_become_one_as_they_come(void **state)
{
	struct kco_blanks blanks = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(kco_blanks_add(&blanks, 4096 + i * 16, 16, NULL), KCO_OK);
	assert_int_equal(blanks.n, 1);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(kco_blanks_add(&blanks, 1000000 + i * 32, 16, NULL), KCO_OK);
	assert_int_equal(blanks.n, 1001);
	assert_int_equal(kco_blanks_settle(&blanks), 32000);
	kco_blanks_fini(&blanks);
}

struct dump {
	struct kco_image *image;
	struct kco_reader *plain, *blank;
	uint64_t addr; /* of two neighbouring blocks that are saved and not zeros */
	uint8_t bytes[2 * BLOCK];
};

static int setup(void **state)
{
	const char *path = KCO_FIXTURES "/small.kdump";
	struct dump *d = calloc(1, sizeof(*d));
	uint64_t last;

	*state = d;
	if (!d || kco_image_open_new(&path, 1, kco_formats, NULL, &d->image, NULL) ||
	    kco_reader_new(d->image, &d->plain, NULL) || kco_reader_new(d->image, &d->blank, NULL))
		return 1;
	while (!kco_reader_saved(d->plain, KCO_PHYS, d->addr, &d->addr, &last, NULL)) {
		if (!kco_pread(d->plain, KCO_PADDR(d->addr), d->bytes, sizeof(d->bytes), NULL, NULL) && d->bytes[100] &&
		    d->bytes[BLOCK - 1] && d->bytes[BLOCK])
			return 0;
		d->addr += BLOCK;
	}
	return 1;
}

static int teardown(void **state)
{
	struct dump *d = *state;

	kco_reader_free(d->plain);
	kco_reader_free(d->blank);
	kco_image_free(d->image);
	free(d);
	return 0;
}

/* Any read of the two blocks, of each kind, is what the plain reader gives with zeros in @blanks. */
static void expect(struct dump *d, const struct kco_blank *blanks, size_t n)
{
	static const size_t starts[] = { 0, 1, 100, 101, BLOCK - 1, BLOCK, BLOCK + 1 };
	uint8_t want[2 * BLOCK], got[2 * BLOCK];

	memcpy(want, d->bytes, sizeof(want));
	for (size_t at = 0; at < sizeof(want); at++)
		for (size_t i = 0; i < n; i++)
			if (d->addr + at >= blanks[i].first && d->addr + at <= blanks[i].last)
				want[at] = 0;
	kco_reader_blank(d->blank, blanks, n);
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		size_t size = sizeof(want) - starts[i];

		for (unsigned once = 0; once < 2; once++) {
			enum kco_status (*read)(struct kco_reader *, enum kco_addr_kind, uint64_t, void *, size_t,
						size_t *, struct kco_err *) =
				once ? kco_reader_read_once : kco_reader_read;

			memset(got, 0xee, sizeof(got));
			assert_int_equal(read(d->blank, KCO_PHYS, d->addr + starts[i], got, size, NULL, NULL), KCO_OK);
			assert_memory_equal(got, want + starts[i], size);
			assert_int_equal(read(d->plain, KCO_PHYS, d->addr + starts[i], got, size, NULL, NULL), KCO_OK);
			assert_memory_equal(got, d->bytes + starts[i], size);
		}
	}
}

static void test_blanks__reads_have_zeros_there_and_the_files_bytes_elsewhere(void **state)
{
	struct dump *d = *state;
	const uint64_t a = d->addr;

	expect(d, NULL, 0);
	expect(d, (const struct kco_blank[]){ { a + 100, a + 100 } }, 1);
	expect(d, (const struct kco_blank[]){ { 0, a - 1 }, { a + 2 * BLOCK, UINT64_MAX } }, 2);
	expect(d,
	       (const struct kco_blank[]){ { 0, a }, { a + BLOCK - 1, a + BLOCK }, { a + 2 * BLOCK - 1, UINT64_MAX } },
	       3);
	expect(d, (const struct kco_blank[]){ { 0, UINT64_MAX } }, 1);
}

static void test_blanks__blocks_with_a_part_of_one_are_not_given_as_stored(void **state)
{
	struct dump *d = *state;
	const struct kco_blank one = { d->addr + BLOCK - 1, d->addr + BLOCK - 1 };
	enum kco_codec_id id = KCO_CODEC_ZSTD;
	struct kco_err err = KCO_ERR_INIT;
	uint8_t stored[BLOCK];
	size_t size;

	assert_int_equal(kco_reader_packed(d->blank, d->addr, stored, BLOCK, &size, &id, NULL), KCO_OK);
	kco_reader_blank(d->blank, &one, 1);
	assert_int_equal(kco_reader_packed(d->blank, d->addr, stored, BLOCK, &size, &id, &err), KCO_E_NOT_SAVED);
	assert_non_null(strstr(err.msg, "blank"));
	assert_int_equal(kco_reader_packed(d->blank, d->addr + BLOCK, stored, BLOCK, &size, &id, NULL), KCO_OK);
	assert_int_equal(kco_reader_packed(d->plain, d->addr, stored, BLOCK, &size, &id, NULL), KCO_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blanks__a_list_settles_to_ranges_in_order),
		cmocka_unit_test(test_blanks__neighbours_become_one_as_they_come),
		cmocka_unit_test_setup_teardown(test_blanks__reads_have_zeros_there_and_the_files_bytes_elsewhere,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_blanks__blocks_with_a_part_of_one_are_not_given_as_stored, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
