// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening images: detection, wrappers, sets of files, segments. The formats
 * are made up here, so that nothing depends on the real ones.
 */
#include <kco/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/format.h>

#include "unit.h"

static int opened, closed;
static bool probed_tail;

static int probe_magic(const struct kco_head *head, const char *magic)
{
	size_t n = strlen(magic);

	return head->head_size >= n && !memcmp(head->head, magic, n) ? 100 : 0;
}

static enum kco_status seg_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				size_t n, size_t *done, struct kco_err *err)
{
	struct kco_image *img = seg->source;

	(void)codec;
	return kco_io_read(img->files[0], buf, n, seg->offset + (addr - seg->orig_first), done, err);
}

static const struct kco_segment_ops seg_ops = { .read = seg_read };

/* alpha: "ALPHA", then the memory from 0x1000. */
static int alpha_probe(const struct kco_head *head)
{
	return probe_magic(head, "ALPHA");
}

static enum kco_status alpha_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	(void)opts;
	opened++;
	img->priv = img;
	img->facts.block_size = 8192;
	return kco_image_add_segment(img, KCO_PHYS, 0x1000, img->files[0]->size - 5, &seg_ops, img, 5, err);
}

static void alpha_close(struct kco_image *img)
{
	assert_ptr_equal(img->priv, img);
	closed++;
}

static const struct kco_format_ops alpha = {
	.name = "alpha", .description = "alpha dumps", .probe = alpha_probe, .open = alpha_open, .close = alpha_close
};

/* beta: always fails to open. */
static int beta_probe(const struct kco_head *head)
{
	probed_tail = head->tail_size >= 3 && !memcmp(head->tail + head->tail_size - 3, "END", 3);
	return probe_magic(head, "BETA");
}

static enum kco_status beta_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	(void)opts;
	opened++;
	img->priv = NULL;
	return kco_fail(err, KCO_E_CORRUPT, "the header contradicts itself");
}

static void beta_close(struct kco_image *img)
{
	(void)img;
	closed++;
}

static const struct kco_format_ops beta = {
	.name = "beta", .description = "beta dumps", .probe = beta_probe, .open = beta_open, .close = beta_close
};

/* wrap: "WRAP" in front of whatever. */
static int wrap_probe(const struct kco_head *head)
{
	return probe_magic(head, "WRAP");
}

static enum kco_status wrap_io_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
				    struct kco_err *err)
{
	return kco_io_read(io->below, buf, n, off + 4, done, err);
}

static const struct kco_io_ops wrap_io_ops = { .name = "wrap", .read = wrap_io_read };

static enum kco_status wrap_unwrap(struct kco_io *io, const struct kco_image_options *opts, struct kco_io **ret,
				   struct kco_err *err)
{
	(void)opts;
	if (io->size > 4 + 3 && io->size < 20)
		return kco_fail(err, KCO_E_CORRUPT, "bad wrapping");
	return kco_io_new(&wrap_io_ops, io, io->size - 4, io->name, NULL, ret, err);
}

static const struct kco_format_ops wrap = {
	.name = "wrap", .description = "wrapped files", .probe = wrap_probe, .unwrap = wrap_unwrap
};

static int foreign_probe(const struct kco_head *head)
{
	return probe_magic(head, "FOREIGN");
}

static const struct kco_format_ops foreign = { .name = "foreign",
					       .description = "a foreign core",
					       .unsupported = "convert it with foreign2elf first",
					       .probe = foreign_probe };

/* hint: never sure. Opened only when forced. */
static int hint_probe(const struct kco_head *head)
{
	return head->head[0] == 'H' ? KCO_PROBE_MATCH - 1 : 0;
}

static const struct kco_format_ops hint = {
	.name = "hint", .description = "hints", .probe = hint_probe, .open = alpha_open, .close = alpha_close
};

/* tie: claims alpha's files too, later in the table. */
static const struct kco_format_ops tie = {
	.name = "tie", .description = "ties", .probe = alpha_probe, .open = beta_open
};

static const struct kco_format_ops *const formats[] = { &alpha, &beta, &wrap, &foreign, &hint, &tie, NULL };

static char warned[4096];

static void warn(void *arg, const char *msg)
{
	(void)arg;
	strncat(warned, msg, sizeof(warned) - strlen(warned) - 1);
	strncat(warned, "\n", sizeof(warned) - strlen(warned) - 1);
}

static int setup(void **state)
{
	(void)state;
	opened = closed = 0;
	warned[0] = '\0';
	return 0;
}

static const char *file(const char *text)
{
	return unit_file(text, strlen(text));
}

static enum kco_status open_with(const char *path, const char *format, struct kco_image **ret, struct kco_err *err)
{
	struct kco_image_options opts = { .format = format, .warn = warn };

	*err = KCO_ERR_INIT;
	*ret = NULL;
	return kco_image_open_new(&path, 1, formats, &opts, ret, err);
}

static void fails(const char *path, const char *format, enum kco_status status, const char *text)
{
	struct kco_image *img;
	struct kco_err err;

	assert_int_equal(open_with(path, format, &img, &err), status);
	assert_int_equal(err.code, status);
	assert_msg(&err, text);
	assert_null(img);
}

static void test_image__format_is_found_by_content_and_closed_once(void **state)
{
	const char *path = file("ALPHA some memory");
	struct kco_image *img;
	struct kco_err err;

	(void)state;
	assert_int_equal(open_with(path, NULL, &img, &err), KCO_OK);
	assert_ptr_equal(img->format, &alpha);
	assert_int_equal(img->nr_files, 1);
	assert_string_equal(img->wrappers, "");
	assert_int_equal(img->facts.dump_level, -1);
	assert_int_equal(opened, 1);
	kco_image_free(img);
	assert_int_equal(closed, 1);
	kco_image_free(NULL);
	// No options is all defaults.
	assert_int_equal(kco_image_open_new(&path, 1, formats, NULL, &img, &err), KCO_OK);
	kco_image_free(img);
}

static void test_image__failed_open_is_not_closed_and_names_the_file(void **state)
{
	const char *path = file("BETA");

	(void)state;
	fails(path, NULL, KCO_E_CORRUPT, "the header contradicts itself");
	fails(path, NULL, KCO_E_CORRUPT, path);
	assert_int_equal(opened, 2);
	assert_int_equal(closed, 0);
}

static void test_image__wrappers_peel_off_in_order(void **state)
{
	struct kco_image *img;
	struct kco_err err;

	(void)state;
	assert_int_equal(open_with(file("WRAPWRAPALPHA some memory"), NULL, &img, &err), KCO_OK);
	assert_string_equal(img->wrappers, "wrap, wrap");
	assert_int_equal(img->files[0]->size, 17);
	kco_image_free(img);
	assert_int_equal(open_with(file("WRAPWRAPWRAPWRAPALPHA some memory"), NULL, &img, &err), KCO_OK);
	kco_image_free(img);
	fails(file("WRAPWRAPWRAPWRAPWRAPALPHA some memory"), NULL, KCO_E_UNSUPPORTED, "more than 4 times");
	fails(file("WRAPALPHA"), NULL, KCO_E_CORRUPT, "wrap: bad wrapping");
	fails(file("WRAP"), NULL, KCO_E_BADFILE, "empty inside");
	fails(file("WRAPwhatever this may be"), NULL, KCO_E_BADFILE, "not recognised");
}

static void test_image__empty_unknown_and_missing_files_are_named(void **state)
{
	struct kco_image *img;
	struct kco_err err;

	(void)state;
	fails(file(""), NULL, KCO_E_BADFILE, "the file is empty");
	fails(file("x"), NULL, KCO_E_BADFILE, "not recognised as a dump, it begins with 78");
	fails("/", NULL, KCO_E_BADFILE, "directory");
	fails(unit_path(), NULL, KCO_E_IO, "No such file");
	assert_int_equal(kco_image_open_new(NULL, 0, formats, NULL, &img, &err), KCO_E_USAGE);
	assert_msg(&err, "no dump was named");
}

static void test_image__weak_score_is_only_a_hint(void **state)
{
	const char *path = file("Hello, world");
	struct kco_image *img;
	struct kco_err err;

	(void)state;
	fails(path, NULL, KCO_E_BADFILE, "nearest: hint");
	assert_int_equal(open_with(path, "hint", &img, &err), KCO_OK);
	assert_ptr_equal(img->format, &hint);
	kco_image_free(img);
}

static void test_image__recognised_but_unsupported_says_what_to_do(void **state)
{
	(void)state;
	fails(file("FOREIGN core"), NULL, KCO_E_UNSUPPORTED, "a foreign core: convert it with foreign2elf first");
	fails(file("WRAPFOREIGN core with something"), NULL, KCO_E_UNSUPPORTED, "foreign2elf");
}

static void test_image__format_can_be_forced_by_name(void **state)
{
	struct kco_image *img;
	struct kco_err err;

	(void)state;
	fails(file("ALPHA some memory"), "beta", KCO_E_CORRUPT, "contradicts");
	fails(file("ALPHA some memory"), "gamma", KCO_E_USAGE, "'gamma', there are: alpha, beta, wrap, hint, tie");
	fails(file("ALPHA some memory"), "foreign", KCO_E_UNSUPPORTED, "foreign2elf");
	// What is around it peels off all the same; a forced wrapper is the outermost layer.
	assert_int_equal(open_with(file("WRAPHello, forced world"), "hint", &img, &err), KCO_OK);
	assert_string_equal(img->wrappers, "wrap");
	kco_image_free(img);
	assert_int_equal(open_with(file("wrapALPHA some memory"), "wrap", &img, &err), KCO_OK);
	assert_ptr_equal(img->format, &alpha);
	kco_image_free(img);
}

static void test_image__probes_see_the_tail(void **state)
{
	size_t size = KCO_PROBE_HEAD + 3 * KCO_PROBE_TAIL;
	char *bytes = calloc(1, size);

	(void)state;
	memcpy(bytes + size - 3, "END", 3);
	probed_tail = false;
	fails(unit_file(bytes, size), NULL, KCO_E_BADFILE, "not recognised");
	assert_true(probed_tail);
	free(bytes);
}

static void test_image__files_of_a_set_must_be_of_one_format(void **state)
{
	const char *same[] = { file("ALPHA part 1"), file("ALPHA part 2"), file("WRAPALPHA part 3, long enough") };
	const char *mixed[] = { same[0], file("BETA") };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_image *img;

	(void)state;
	assert_int_equal(kco_image_open_new(same, 3, formats, NULL, &img, &err), KCO_OK);
	assert_int_equal(img->nr_files, 3);
	kco_image_free(img);
	assert_int_equal(kco_image_open_new(mixed, 2, formats, NULL, &img, &err), KCO_E_BADFILE);
	assert_msg(&err, "is beta, but");
	assert_msg(&err, "is alpha");
}

static void test_image__segments_are_clipped_and_overlaps_warned_of(void **state)
{
	struct kco_image *img;
	struct kco_err err;

	(void)state;
	assert_int_equal(open_with(file("ALPHA some memory"), NULL, &img, &err), KCO_OK);
	assert_string_equal(warned, "");
	assert_int_equal(kco_image_add_segment(img, KCO_VIRT, 5, 0, &seg_ops, img, 0, &err), KCO_OK);
	assert_int_equal(img->segments[KCO_VIRT].count, 0);
	assert_int_equal(kco_image_add_segment(img, KCO_VIRT, UINT64_MAX - 9, 10, &seg_ops, img, 0, &err), KCO_OK);
	assert_string_equal(warned, "");
	assert_int_equal(kco_image_add_segment(img, KCO_VIRT, UINT64_MAX - 9, 11, &seg_ops, img, 0, &err), KCO_OK);
	assert_non_null(strstr(warned, "clipped"));
	assert_int_equal(kco_segtree_find(&img->segments[KCO_VIRT], UINT64_MAX)->last, UINT64_MAX);
	assert_int_equal(kco_image_add_segment(img, 2, 0, 1, &seg_ops, img, 0, &err), KCO_E_BUG);
	kco_image_free(img);
}

static enum kco_status overlap_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	(void)opts;
	for (int i = 0; i < 3; i++) {
		enum kco_status status = kco_image_add_segment(img, KCO_PHYS, 0, 4096, &seg_ops, img, (uint64_t)i, err);

		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static void test_image__overlaps_are_warned_of_once(void **state)
{
	const struct kco_format_ops overlap = {
		.name = "o", .description = "o", .probe = alpha_probe, .open = overlap_open
	};
	const struct kco_format_ops *const table[] = { &overlap, NULL };
	struct kco_image_options opts = { .warn = warn };
	const char *path = file("ALPHA");
	struct kco_image *img;

	(void)state;
	assert_int_equal(kco_image_open_new(&path, 1, table, &opts, &img, NULL), KCO_OK);
	assert_string_equal(warned, "2 of the dump's segments overlap earlier ones: the later ones are taken\n");
	kco_image_free(img);
}

static void test_image__every_failing_call_is_survived(void **state)
{
	const char *path = file("WRAPWRAPALPHA some memory");
	bool fired;

	(void)state;
	for (long n = 1;; n++) {
		struct kco_image *img;
		struct kco_reader *rd;
		enum kco_status status;
		struct kco_err err;
		char buf[4];

		unit_fault_arm(n);
		status = open_with(path, NULL, &img, &err);
		if (status == KCO_OK) {
			status = kco_reader_new(img, &rd, &err);
			if (status == KCO_OK) {
				status = kco_pread(rd, KCO_PADDR(0x1001), buf, 4, NULL, &err);
				kco_reader_free(rd);
			}
			kco_image_free(img);
		}
		fired = unit_fault_fired();
		if (status == KCO_OK)
			assert_memory_equal(buf, "some", 4);
		else
			assert_true(status == KCO_E_NOMEM || status == KCO_E_IO || status == KCO_E_BADFILE);
		if (!fired) {
			assert_int_equal(status, KCO_OK);
			break;
		}
	}
	assert_int_equal(opened > 0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_image__format_is_found_by_content_and_closed_once, setup),
		cmocka_unit_test_setup(test_image__failed_open_is_not_closed_and_names_the_file, setup),
		cmocka_unit_test_setup(test_image__wrappers_peel_off_in_order, setup),
		cmocka_unit_test_setup(test_image__empty_unknown_and_missing_files_are_named, setup),
		cmocka_unit_test_setup(test_image__weak_score_is_only_a_hint, setup),
		cmocka_unit_test_setup(test_image__recognised_but_unsupported_says_what_to_do, setup),
		cmocka_unit_test_setup(test_image__format_can_be_forced_by_name, setup),
		cmocka_unit_test_setup(test_image__probes_see_the_tail, setup),
		cmocka_unit_test_setup(test_image__files_of_a_set_must_be_of_one_format, setup),
		cmocka_unit_test_setup(test_image__segments_are_clipped_and_overlaps_warned_of, setup),
		cmocka_unit_test_setup(test_image__overlaps_are_warned_of_once, setup),
		cmocka_unit_test_setup(test_image__every_failing_call_is_survived, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
