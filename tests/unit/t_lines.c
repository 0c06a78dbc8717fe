// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source lines and inlined functions, of the kernel and of modules, and the
 * memory of them that outlives a run.
 */
#include "debuginfo.h"

#include <stddef.h>

#include "dwarf_memo.h"
#include "samples.h"

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static void check_row(const struct kco_source_line *row, struct kco_debuginfo *di, const char *function,
		      const char *line_symbol, bool inlined)
{
	bool elsewhere = strcmp(function, "sample_innermost") == 0;

	assert_non_null(row->function);
	assert_string_equal(row->function, function);
	assert_string_equal(base_name(row->file), elsewhere ? "inlined.h" : "kernel.c");
	assert_int_equal(row->line, sample_symbol(di, line_symbol).addr);
	assert_int_equal(row->inlined, inlined);
}

static void check_lines(struct kco_debuginfo *di)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_source_line rows[8];
	size_t n;

	if (kco_debuginfo_lines(di, sample_symbol(di, "pc_innermost").addr, rows, 8, &n, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(n, 3);
	check_row(&rows[0], di, "sample_innermost", "line_innermost", true);
	check_row(&rows[1], di, "sample_middle", "line_middle", true);
	check_row(&rows[2], di, "sample_outermost", "line_outermost", false);

	assert_int_equal(kco_debuginfo_lines(di, sample_symbol(di, "pc_middle").addr, rows, 8, &n, &err), KCO_OK);
	assert_int_equal(n, 2);
	check_row(&rows[0], di, "sample_middle", "line_middle", true);
	check_row(&rows[1], di, "sample_outermost", "line_outermost", false);

	assert_int_equal(kco_debuginfo_lines(di, sample_symbol(di, "pc_plain").addr, rows, 8, &n, &err), KCO_OK);
	assert_int_equal(n, 1);
	check_row(&rows[0], di, "sample_plain", "line_plain", false);

	// As many rows as there is room for.
	assert_int_equal(kco_debuginfo_lines(di, sample_symbol(di, "pc_innermost").addr, rows, 1, &n, &err), KCO_OK);
	assert_int_equal(n, 1);
	check_row(&rows[0], di, "sample_innermost", "line_innermost", true);
}

static void test_lines__inlined_functions_innermost_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_FORMS; i++) {
		// Computed, then from memory, then from the cache.
		for (unsigned run = 0; run < 2; run++) {
			struct kco_debuginfo *di = sample_open(sample_forms[i]);

			check_lines(di);
			check_lines(di);
			kco_debuginfo_free(di);
		}
	}
}

static void test_lines__lines_follow_the_bias(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	uint64_t pc = sample_symbol(di, "pc_plain").addr;
	struct kco_source_line row;
	size_t n;

	(void)state;
	kco_debuginfo_set_bias(di, 0x1234000);
	check_lines(di);
	assert_int_equal(kco_debuginfo_lines(di, pc, &row, 1, &n, NULL), KCO_E_NOSYM);
	assert_int_equal(n, 0);
	kco_debuginfo_free(di);
}

static void test_lines__no_line_is_an_answer(void **state)
{
	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
		struct kco_err err = KCO_ERR_INIT;
		struct kco_source_line row;
		size_t n = 1;

		// Assembly without .loc; data; nothing at all.
		assert_int_equal(kco_debuginfo_lines(di, sample_symbol(di, "sample_declared").addr, &row, 1, &n, &err),
				 KCO_E_NOSYM);
		assert_int_equal(n, 0);
		assert_int_equal(kco_debuginfo_lines(di, 0, &row, 1, &n, &err), KCO_E_NOSYM);
		assert_int_equal(kco_debuginfo_lines(di, UINT64_MAX, &row, 1, &n, &err), KCO_E_NOSYM);
		kco_debuginfo_free(di);
	}
}

/* What was cached is compared with the DWARF once, and counts for nothing when it differs. */
static void test_lines__cached_lines_that_lie_are_dropped(void **state)
{
	static const struct kco_source_line lie = { "liar", "lies.c", 7, false };
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_dwarf_memo *memo = kco_dwarf_memo_new(di);

	(void)state;
	kco_dwarf_memo_put(memo, sample_symbol(di, "pc_innermost").addr, &lie, 1);
	kco_dwarf_memo_put(memo, sample_symbol(di, "pc_plain").addr, &lie, 1);
	kco_dwarf_memo_put(memo, sample_symbol(di, "pc_middle").addr, NULL, 0);
	kco_dwarf_memo_store(memo, di);
	kco_dwarf_memo_free(memo);
	memo = kco_dwarf_memo_new(di);
	assert_non_null(kco_dwarf_memo_get(memo, sample_symbol(di, "pc_plain").addr));
	kco_dwarf_memo_free(memo);
	check_lines(di);
	kco_debuginfo_free(di);
	// And the truth has taken its place.
	di = sample_open(SAMPLE("kernel-5"));
	memo = kco_dwarf_memo_new(di);
	assert_int_equal(kco_dwarf_memo_get(memo, sample_symbol(di, "pc_innermost").addr)->n, 3);
	kco_dwarf_memo_free(memo);
	kco_debuginfo_free(di);
}

static void test_lines__memo_keeps_many_answers(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_dwarf_memo *memo = kco_dwarf_memo_new(di);
	char names[64][16];

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		snprintf(names[i], sizeof(names[i]), "function%u", i);
	for (uint64_t pc = 0; pc < 5000; pc++) {
		struct kco_source_line rows[2] = { { names[pc % 64], NULL, (unsigned)pc, true },
						   { NULL, names[(pc + 1) % 64], 1, false } };

		kco_dwarf_memo_put(memo, pc * 0x1001, rows, pc % 3);
	}
	kco_dwarf_memo_store(memo, di);
	kco_dwarf_memo_free(memo);
	memo = kco_dwarf_memo_new(di);
	for (uint64_t pc = 0; pc < 5000; pc++) {
		const struct kco_dwarf_answer *answer = kco_dwarf_memo_get(memo, pc * 0x1001);

		assert_non_null(answer);
		assert_int_equal(answer->n, pc % 3);
		if (answer->n)
			assert_string_equal(answer->rows[0].function, names[pc % 64]);
		if (answer->n == 2) {
			assert_null(answer->rows[1].function);
			assert_string_equal(answer->rows[1].file, names[(pc + 1) % 64]);
			assert_int_equal(answer->rows[0].line, pc);
			assert_true(answer->rows[0].inlined);
		}
	}
	assert_null(kco_dwarf_memo_get(memo, 1));
	kco_dwarf_memo_free(memo);
	kco_debuginfo_free(di);
}

/* Sound by its checksum, but each number in it wrong in turn: nothing may be read outside. */
static void test_lines__memo_of_any_content_stays_inside_itself(void **state)
{
	static const struct kco_source_line rows[2] = { { "f", "a.c", 1, true }, { "g", "b.c", 2, false } };
	static const uint32_t values[] = { 0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff };
	struct kco_debuginfo *di = sample_open(SAMPLE("kernel-5"));
	struct kco_dwarf_memo *memo = kco_dwarf_memo_new(di);
	uint32_t *payload;
	size_t size, sum = 0;

	(void)state;
	kco_dwarf_memo_put(memo, 1, rows, 2);
	kco_dwarf_memo_put(memo, 2, rows + 1, 1);
	kco_dwarf_memo_store(memo, di);
	kco_dwarf_memo_free(memo);
	payload = kco_debuginfo_cache_load_new(di, "lines", 1, &size);
	assert_non_null(payload);
	for (size_t i = 0; i < size / 4; i++) {
		uint32_t was = payload[i];

		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			payload[i] = values[k];
			kco_debuginfo_cache_store(di, "lines", 1, payload, size);
			memo = kco_dwarf_memo_new(di);
			assert_non_null(memo);
			for (uint64_t pc = 0; pc < 4; pc++) {
				const struct kco_dwarf_answer *answer = kco_dwarf_memo_get(memo, pc);

				for (uint32_t r = 0; answer && r < answer->n; r++) {
					sum += answer->rows[r].function ? strlen(answer->rows[r].function) : 0;
					sum += answer->rows[r].file ? strlen(answer->rows[r].file) : 0;
				}
			}
			kco_dwarf_memo_free(memo);
		}
		payload[i] = was;
	}
	assert_true(sum > 0);
	for (size_t n = 0; n < size; n++) {
		kco_debuginfo_cache_store(di, "lines", 1, payload, n);
		kco_dwarf_memo_free(kco_dwarf_memo_new(di));
	}
	free(payload);
	kco_debuginfo_free(di);
}

/* Modules */

static void test_lines__module_lines_need_its_sections(void **state)
{
	static const struct kco_debuginfo_section sections[] = { { ".text", 0xffffffffc0100000 },
								 { ".text.unlikely", 0xffffffffc0200000 } };
	struct kco_debuginfo_module module = { .name = "sample_module",
					       .first = 0xffffffffc0100000,
					       .end = 0xffffffffc0300000,
					       .sections = sections,
					       .nr_sections = 2 };
	struct kco_debuginfo_request req = { .path = SAMPLE("kernel-5"),
					     .debug_dir = sample_scratch,
					     .release = "6.1.0-sample" };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_source_line row;
	struct kco_debuginfo *di;
	size_t n;

	(void)state;
	sample_copy(SAMPLE("module.o"), "lib/modules/6.1.0-sample/kernel/drivers/sample-module.ko");
	assert_int_equal(kco_debuginfo_open_new(&req, &di, &err), KCO_OK);
	assert_int_equal(kco_debuginfo_module_add(di, &module, &err), KCO_OK);
	if (kco_debuginfo_lines(di, 0xffffffffc0100001, &row, 1, &n, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(row.function, "sample_module_text");
	assert_string_equal(base_name(row.file), "module.c");
	assert_in_range(row.line, 7, 9);
	assert_int_equal(kco_debuginfo_lines(di, 0xffffffffc0200001, &row, 1, &n, &err), KCO_OK);
	assert_string_equal(row.function, "sample_module_cold");
	assert_in_range(row.line, 12, 14);
	assert_int_equal(kco_debuginfo_lines(di, 0xffffffffc0280000, &row, 1, &n, &err), KCO_E_NOSYM);
	// The kernel's own are as before.
	check_lines(di);
	kco_debuginfo_free(di);
}

static void test_lines__module_of_another_build_is_not_taken(void **state)
{
	struct kco_debuginfo_module module = {
		.name = "sample_module", .build_id = sample_id, .build_id_size = 20, .first = 0x1000, .end = 0x2000
	};
	struct kco_debuginfo_request req = { .path = SAMPLE("kernel-5"),
					     .debug_dir = sample_scratch,
					     .release = "6.1.0-sample" };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_source_line row;
	struct kco_debuginfo *di;
	size_t n;

	(void)state;
	sample_copy(SAMPLE("module.o"), "lib/modules/6.1.0-sample/sample_module.ko");
	assert_int_equal(kco_debuginfo_open_new(&req, &di, &err), KCO_OK);
	assert_int_equal(kco_debuginfo_module_add(di, &module, &err), KCO_OK);
	assert_int_equal(kco_debuginfo_lines(di, 0x1001, &row, 1, &n, &err), KCO_E_NOSYM);
	assert_msg(&err, "no debug information for module sample_module");
	kco_debuginfo_free(di);
}

/* Bad input */

static void test_lines__nesting_without_end_is_corrupt(void **state)
{
	struct kco_debuginfo *di = sample_open(SAMPLE("hostile"));
	struct kco_err err = KCO_ERR_INIT;
	struct kco_source_line row;
	size_t n;

	(void)state;
	assert_int_equal(kco_debuginfo_lines(di, sample_symbol(di, "hostile_deep").addr, &row, 1, &n, &err),
			 KCO_E_CORRUPT);
	assert_msg(&err, "nested too deep");
	kco_debuginfo_free(di);
}

#define T(name) cmocka_unit_test_setup_teardown(test_lines__##name, sample_setup, sample_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(inlined_functions_innermost_first),
		T(lines_follow_the_bias),
		T(no_line_is_an_answer),
		T(cached_lines_that_lie_are_dropped),
		T(memo_keeps_many_answers),
		T(memo_of_any_content_stays_inside_itself),
		T(module_lines_need_its_sections),
		T(module_of_another_build_is_not_taken),
		T(nesting_without_end_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
