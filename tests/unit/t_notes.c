// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parser of ELF notes, on good areas and on hostile ones.
 */
#include <kco/image.h>

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static char warned[4096];

static void warn(void *arg, const char *msg)
{
	(void)arg;
	strncat(warned, msg, sizeof(warned) - strlen(warned) - 1);
}

static uint8_t area[1 << 16];
static size_t area_size;

static void put32(uint32_t v)
{
	uint8_t le[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	memcpy(area + area_size, le, 4);
	area_size += 4;
}

static void put_padded(const void *bytes, size_t n, size_t align)
{
	memcpy(area + area_size, bytes, n);
	area_size += n;
	while (area_size % align)
		area[area_size++] = 0;
}

static void put_note(const char *name, size_t namesz, uint32_t type, const void *desc, size_t descsz, size_t align)
{
	put32((uint32_t)namesz);
	put32((uint32_t)descsz);
	put32(type);
	put_padded(name, namesz, align);
	put_padded(desc, descsz, align);
}

/* Only what the parser needs of an image; freed field by field. */
static enum kco_status parse(struct kco_image *img, uint64_t off, uint64_t size, unsigned align, struct kco_err *err)
{
	enum kco_status status;
	struct kco_io *io;
	void *exact = malloc(area_size ? area_size : 1);

	// A copy without a byte to spare, for the sanitizer.
	memcpy(exact, area, area_size);
	*img = (struct kco_image){ .warn = warn };
	warned[0] = '\0';
	kco_arena_init(&img->arena);
	assert_int_equal(kco_io_memory_new(exact, area_size, 1, "notes", &io, NULL), KCO_OK);
	status = kco_image_add_notes(img, io, off, size, align, err);
	kco_io_unref(io);
	return status;
}

static void done(struct kco_image *img)
{
	free(img->notes);
	kco_arena_fini(&img->arena);
}

static void test_notes__names_types_and_data_are_kept_for_both_paddings(void **state)
{
	(void)state;
	for (unsigned align = 4; align <= 8; align += 4) {
		const struct kco_note *note;
		struct kco_image img;

		area_size = 0;
		put_note("CORE", 5, 1, "first", 5, align);
		put_note("VMCOREINFO", 11, 0, "OSRELEASE=6.1\n\0\0", 16, align);
		put_note("CORE", 5, 1, "second", 6, align);
		put_note("", 0, 7, "no name", 7, align);
		put_note("BARE", 4, 9, "", 0, align);
		assert_int_equal(parse(&img, 0, area_size, align, NULL), KCO_OK);
		assert_string_equal(warned, "");
		assert_int_equal(img.nr_notes, 5);
		note = kco_image_note(&img, "CORE", 1, 0);
		assert_int_equal(note->size, 5);
		assert_memory_equal(note->desc, "first", 5);
		note = kco_image_note(&img, "CORE", 1, 1);
		assert_memory_equal(note->desc, "second", 6);
		assert_null(kco_image_note(&img, "CORE", 1, 2));
		assert_null(kco_image_note(&img, "CORE", 2, 0));
		note = kco_image_note(&img, NULL, 7, 0);
		assert_string_equal(note->name, "");
		assert_memory_equal(note->desc, "no name", 7);
		assert_non_null(kco_image_note(&img, "BARE", 9, 0));
		// Without the padding that the writer added.
		assert_int_equal(img.facts.vmcoreinfo_size, 14);
		assert_memory_equal(img.facts.vmcoreinfo, "OSRELEASE=6.1\n", 14);
		done(&img);
	}
}

static void test_notes__area_within_a_file(void **state)
{
	struct kco_image img;
	size_t first;

	(void)state;
	area_size = 0;
	put_note("A", 2, 1, "x", 1, 4);
	first = area_size;
	put_note("B", 2, 2, "y", 1, 4);
	put_note("C", 2, 3, "z", 1, 4);
	assert_int_equal(parse(&img, first, first, 4, NULL), KCO_OK);
	assert_int_equal(img.nr_notes, 1);
	assert_string_equal(img.notes[0].name, "B");
	done(&img);
}

static void hostile(uint32_t namesz, uint32_t descsz, size_t kept)
{
	struct kco_image img;

	area_size = 0;
	put_note("GOOD", 5, 1, "data", 4, 4);
	put32(namesz);
	put32(descsz);
	put32(3);
	put_padded("BAD", 4, 4);
	put_padded("1234", 4, 4);
	assert_int_equal(parse(&img, 0, area_size, 4, NULL), KCO_OK);
	assert_int_equal(img.nr_notes, kept);
	assert_string_equal(img.notes[0].name, "GOOD");
	if (kept == 1)
		assert_non_null(strstr(warned, "runs over their end"));
	done(&img);
}

static void test_notes__sizes_that_run_over_stop_the_parse_and_keep_the_rest(void **state)
{
	(void)state;
	hostile(4, 4, 2);
	hostile(4, 5, 1);
	hostile(9, 0, 1);
	hostile(UINT32_MAX, 0, 1);
	hostile(0, UINT32_MAX, 1);
	hostile(UINT32_MAX, UINT32_MAX, 1);
	hostile(UINT32_MAX - 11, 8, 1);
	hostile(4, UINT32_MAX - 3, 1);
}

static void test_notes__cut_areas_are_parsed_as_far_as_they_go(void **state)
{
	size_t whole;

	(void)state;
	area_size = 0;
	put_note("CORE", 5, 1, "first", 5, 4);
	put_note("CORE", 5, 1, "second", 6, 4);
	whole = area_size;
	for (area_size = 0; area_size < whole; area_size++) {
		struct kco_image img;

		assert_int_equal(parse(&img, 0, whole, 4, NULL), KCO_OK);
		assert_true(img.nr_notes == (area_size >= 25 ? 1 + (size_t)(area_size >= whole - 2) : 0));
		assert_non_null(strstr(warned, "truncated"));
		done(&img);
	}
}

static void test_notes__zero_fill_between_notes_is_skipped(void **state)
{
	struct kco_image img;

	(void)state;
	area_size = 0;
	put_note("CORE", 5, 1, "first", 5, 4);
	memset(area + area_size, 0, 24);
	area_size += 24;
	put_note("CORE", 5, 1, "second", 6, 4);
	memset(area + area_size, 0, 7);
	area_size += 7;
	assert_int_equal(parse(&img, 0, area_size, 4, NULL), KCO_OK);
	assert_int_equal(img.nr_notes, 2);
	assert_string_equal(warned, "");
	done(&img);
}

static void test_notes__name_without_nul_is_terminated(void **state)
{
	struct kco_image img;

	(void)state;
	area_size = 0;
	put_note("ABCD", 4, 1, "EFGH", 4, 4);
	assert_int_equal(parse(&img, 0, area_size, 4, NULL), KCO_OK);
	assert_string_equal(img.notes[0].name, "ABCD");
	done(&img);
}

static void test_notes__gigantic_areas_cost_only_what_is_there(void **state)
{
	struct kco_image img;

	(void)state;
	area_size = 0;
	put_note("CORE", 5, 1, "first", 5, 4);
	assert_int_equal(parse(&img, 0, (uint64_t)1 << 50, 4, NULL), KCO_OK);
	assert_int_equal(img.nr_notes, 1);
	assert_true(img.arena.total < 1000);
	assert_non_null(strstr(warned, "only the first 64 MiB"));
	done(&img);
	assert_int_equal(parse(&img, UINT64_MAX - 5, UINT64_MAX, 4, NULL), KCO_OK);
	assert_int_equal(img.nr_notes, 0);
	done(&img);
}

static void test_notes__too_many_are_cut_off(void **state)
{
	size_t n = 70000;
	uint8_t *bytes = calloc(n, 12);
	struct kco_image img = { .warn = warn };
	struct kco_io *io;

	(void)state;
	warned[0] = '\0';
	for (size_t i = 0; i < n; i++)
		bytes[12 * i + 8] = 1;
	kco_arena_init(&img.arena);
	assert_int_equal(kco_io_memory_new(bytes, 12 * n, 1, "notes", &io, NULL), KCO_OK);
	assert_int_equal(kco_image_add_notes(&img, io, 0, 12 * n, 4, NULL), KCO_OK);
	assert_int_equal(img.nr_notes, 65536);
	assert_non_null(strstr(warned, "more than 65536 notes"));
	kco_io_unref(io);
	done(&img);
}

static void test_notes__random_bytes_are_survived(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct kco_image img;

		area_size = unit_random(&seed) % 200;
		for (size_t i = 0; i < area_size; i++)
			area[i] = (uint8_t)(i % 4 || unit_random(&seed) % 8 == 0 ? 0 : unit_random(&seed) % 24);
		assert_int_equal(parse(&img, 0, area_size, round % 2 ? 4 : 8, NULL), KCO_OK);
		for (size_t i = 0; i < img.nr_notes; i++) {
			const uint8_t *desc = img.notes[i].desc;
			uint8_t sum = 0;

			assert_true(strlen(img.notes[i].name) < 200);
			for (uint32_t k = 0; k < img.notes[i].size; k++)
				sum ^= desc[k];
			(void)sum;
		}
		done(&img);
	}
}

static void test_notes__memory_running_out_is_an_error(void **state)
{
	(void)state;
	area_size = 0;
	for (int i = 0; i < 100; i++)
		put_note("ABCD", 4, 1, "EFGH", 4, 4);
	for (long n = 4;; n++) { // three allocations are the test's own
		struct kco_image img;
		enum kco_status status;
		bool fired;

		unit_fault_arm(n);
		status = parse(&img, 0, area_size, 4, NULL);
		fired = unit_fault_fired();
		done(&img);
		if (!fired) {
			assert_int_equal(status, KCO_OK);
			break;
		}
		assert_int_equal(status, KCO_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes__names_types_and_data_are_kept_for_both_paddings),
		cmocka_unit_test(test_notes__area_within_a_file),
		cmocka_unit_test(test_notes__sizes_that_run_over_stop_the_parse_and_keep_the_rest),
		cmocka_unit_test(test_notes__cut_areas_are_parsed_as_far_as_they_go),
		cmocka_unit_test(test_notes__zero_fill_between_notes_is_skipped),
		cmocka_unit_test(test_notes__name_without_nul_is_terminated),
		cmocka_unit_test(test_notes__gigantic_areas_cost_only_what_is_there),
		cmocka_unit_test(test_notes__too_many_are_cut_off),
		cmocka_unit_test(test_notes__random_bytes_are_survived),
		cmocka_unit_test(test_notes__memory_running_out_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
