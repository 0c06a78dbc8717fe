// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page codecs: every library round-trips, and no stream, however crafted,
 * gives anything else than exactly the wanted bytes or an error.
 */
#include <kco/codec.h>

#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lz4hc.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "unit.h"

#define PAGE 4096
#define ROOM (2 * PAGE)

static const enum kco_codec_id all[] = { KCO_CODEC_NONE, KCO_CODEC_ZLIB, KCO_CODEC_LZO,	    KCO_CODEC_SNAPPY,
					 KCO_CODEC_ZSTD, KCO_CODEC_LZ4,	 KCO_CODEC_LZO_RLE, KCO_CODEC_DEFLATE };
#define NR_ALL (sizeof(all) / sizeof(all[0]))

/* Compressible, with no two pages alike. */
static void page_make(uint8_t *page, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		page[i] = (uint8_t)(i % 64 == 0 ? unit_random(&seed) : i / 16 + seed);
}

/* As the kernel's crypto "deflate" does it. */
static size_t deflate_page(const uint8_t *page, size_t n, int window_bits, uint8_t *out)
{
	z_stream z = { 0 };

	assert_int_equal(
		deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY),
		Z_OK);
	z.next_in = (Bytef *)(uintptr_t)page;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = ROOM;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t rle_zeros(const uint8_t *page, size_t n)
{
	size_t i = 0;

	while (i < n && i < 2051 && !page[i])
		i++;
	return i < 4 ? 0 : i;
}

/*
 * An encoder of lzo-rle that knows literals and runs of zeros alone. A run
 * takes up to three literals along, more are an instruction of their own.
 */
static size_t rle_page(const uint8_t *page, size_t n, uint8_t *out)
{
	uint8_t *o = out, *said = NULL; // where the literals that follow a run are told

	*o++ = 17;
	*o++ = 1;
	for (size_t i = 0; i < n;) {
		// The first byte of a stream cannot begin a run.
		size_t zeros = i ? rle_zeros(page + i, n - i) : 0, more = i ? 0 : 1;

		if (zeros) {
			*o++ = (uint8_t)(0x18 | ((zeros - 4) & 7));
			said = o;
			*o++ = 0xfc;
			*o++ = 0xff;
			*o++ = (uint8_t)((zeros - 4) >> 3);
			i += zeros;
			continue;
		}
		while (i + more < n && !rle_zeros(page + i + more, n - i - more))
			more++;
		if (more < 4 && said) {
			*said |= (uint8_t)more;
		} else if (more < 4) {
			*o++ = (uint8_t)(17 + more);
		} else if (more < 19) {
			*o++ = (uint8_t)(more - 3);
		} else {
			size_t rest = more - 18;

			for (*o++ = 0; rest > 255; rest -= 255)
				*o++ = 0;
			*o++ = (uint8_t)rest;
		}
		memcpy(o, page + i, more);
		o += more;
		i += more;
	}
	memcpy(o, "\x11\0\0", 3);
	return (size_t)(o + 3 - out);
}

static size_t compress_page(enum kco_codec_id id, const uint8_t *page, size_t n, uint8_t *out)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	lzo_uint lzo_len = ROOM;
	uLongf zlib_len = ROOM;
	size_t len = ROOM;

	switch (id) {
	case KCO_CODEC_NONE:
		memcpy(out, page, n);
		return n;
	case KCO_CODEC_ZLIB:
		assert_int_equal(compress2(out, &zlib_len, page, n, 1), Z_OK);
		return zlib_len;
	case KCO_CODEC_LZO:
		assert_int_equal(lzo1x_1_compress(page, n, out, &lzo_len, work), LZO_E_OK);
		return lzo_len;
	case KCO_CODEC_SNAPPY:
		assert_int_equal(snappy_compress((char *)page, n, (char *)out, &len), SNAPPY_OK);
		return len;
	case KCO_CODEC_ZSTD:
		len = ZSTD_compress(out, ROOM, page, n, 1);
		assert_false(ZSTD_isError(len));
		return len;
	case KCO_CODEC_LZ4:
		len = (size_t)LZ4_compress_default((const char *)page, (char *)out, (int)n, ROOM);
		assert_true(len > 0);
		return len;
	case KCO_CODEC_LZO_RLE:
		return rle_page(page, n, out);
	case KCO_CODEC_DEFLATE:
		return deflate_page(page, n, -11, out);
	}
	fail();
	return 0;
}

static void test_codec__every_codec_round_trips_with_one_kept_context(void **state)
{
	struct kco_codec *codec = kco_codec_new();
	uint8_t page[PAGE], packed[ROOM], got[PAGE];

	(void)state;
	assert_non_null(codec);
	for (uint64_t seed = 0; seed < 50; seed++) {
		for (size_t i = 0; i < NR_ALL; i++) {
			struct kco_err err = KCO_ERR_INIT;
			size_t len;

			page_make(page, PAGE, seed);
			len = compress_page(all[i], page, PAGE, packed);
			memset(got, 0xee, PAGE);
			assert_int_equal(kco_codec_decompress(codec, all[i], packed, len, got, PAGE, &err), KCO_OK);
			assert_memory_equal(got, page, PAGE);
		}
	}
	kco_codec_free(codec);
}

/* Exactly as large as it should be, so that the sanitizer sees a byte too many. */
static enum kco_status decompress(struct kco_codec *codec, enum kco_codec_id id, const void *src, size_t len,
				  size_t dst_len, struct kco_err *err)
{
	uint8_t *exact_src = malloc(len ? len : 1), *dst = malloc(dst_len ? dst_len : 1);
	enum kco_status status;

	memcpy(exact_src, src, len);
	status = kco_codec_decompress(codec, id, exact_src, len, dst, dst_len, err);
	free(exact_src);
	free(dst);
	return status;
}

static void test_codec__another_length_than_the_page_is_corrupt(void **state)
{
	struct kco_codec *codec = kco_codec_new();
	uint8_t page[PAGE], packed[ROOM];

	(void)state;
	page_make(page, PAGE, 1);
	for (size_t i = 0; i < NR_ALL; i++) {
		static const size_t lengths[] = { PAGE - 1, PAGE + 1, 1, 0, 16 * PAGE };
		size_t len = compress_page(all[i], page, PAGE, packed);

		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			struct kco_err err = KCO_ERR_INIT;

			assert_int_equal(decompress(codec, all[i], packed, len, lengths[k], &err), KCO_E_CORRUPT);
			assert_msg(&err, kco_codec_name(all[i]));
		}
		assert_int_equal(decompress(codec, all[i], packed, len, PAGE, NULL), KCO_OK);
	}
	kco_codec_free(codec);
}

static void test_codec__cut_streams_are_corrupt_at_every_length(void **state)
{
	struct kco_codec *codec = kco_codec_new();
	uint8_t page[PAGE], packed[ROOM];

	(void)state;
	page_make(page, PAGE, 2);
	for (size_t i = 0; i < NR_ALL; i++) {
		size_t len = compress_page(all[i], page, PAGE, packed);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(decompress(codec, all[i], packed, cut, PAGE, NULL), KCO_E_CORRUPT);
	}
	kco_codec_free(codec);
}

static void test_codec__damaged_streams_never_leave_their_page(void **state)
{
	struct kco_codec *codec = kco_codec_new();
	uint8_t page[PAGE], packed[ROOM], hurt[ROOM];
	uint64_t seed = 3;

	(void)state;
	page_make(page, PAGE, 3);
	for (size_t i = 1; i < NR_ALL; i++) {
		size_t len = compress_page(all[i], page, PAGE, packed);

		for (int round = 0; round < 2000; round++) {
			enum kco_status status;

			memcpy(hurt, packed, len);
			for (int k = 0; k <= round % 4; k++)
				hurt[unit_random(&seed) % len] ^= (uint8_t)(1 << unit_random(&seed) % 8);
			status = decompress(codec, all[i], hurt, len, PAGE, NULL);
			assert_true(status == KCO_OK || status == KCO_E_CORRUPT);
		}
		assert_int_equal(decompress(codec, all[i], packed, len, PAGE, NULL), KCO_OK);
	}
	kco_codec_free(codec);
}

/* Runs of zeros of every length that has a coding of its own, with 0 to 5 literals between them. */
static void test_codec__runs_of_zeros_come_back_as_long_as_they_were(void **state)
{
	static const size_t runs[] = { 4, 5, 11, 12, 20, 255, 260, 1000, 2050, 2051 };
	struct kco_codec *codec = kco_codec_new();
	uint8_t page[PAGE], out[PAGE], packed[ROOM];

	(void)state;
	assert_non_null(codec);
	for (size_t r = 0; r < sizeof(runs) / sizeof(*runs); r++)
		for (size_t between = 1; between < 6; between++) {
			size_t n;

			for (size_t i = 0; i < PAGE; i++)
				page[i] = i % (runs[r] + between) < runs[r] ? 0 : (uint8_t)(1 + i % 255);
			n = rle_page(page, PAGE, packed);
			memset(out, 0xee, sizeof(out));
			assert_int_equal(kco_codec_decompress(codec, KCO_CODEC_LZO_RLE, packed, n, out, PAGE, NULL),
					 KCO_OK);
			assert_memory_equal(out, page, PAGE);
		}
	kco_codec_free(codec);
}

/* Plain lzo is read by both decoders, and both give the same: every kind of copy that liblzo2's compressor knows. */
static void test_codec__plain_lzo_is_lzo_rle_too(void **state)
{
	static uint8_t work[LZO1X_999_MEM_COMPRESS];
	struct kco_codec *codec = kco_codec_new();
	static uint8_t page[16 * PAGE], out[16 * PAGE], packed[32 * PAGE];
	uint64_t seed = 5;

	(void)state;
	assert_non_null(codec);
	for (unsigned round = 0; round < 200; round++) {
		size_t n = round % 2 ? sizeof(page) : PAGE;
		lzo_uint packed_len = sizeof(packed);

		for (size_t i = 0; i < n; i++) {
			size_t back = 1 + unit_random(&seed) % (round % 3 ? 3000 : 50000);

			// Copies of all lengths and distances, and noise between them.
			if (unit_random(&seed) % 40 == 0 && back <= i)
				for (size_t k = 1 + unit_random(&seed) % 60; k && i < n; k--, i++)
					page[i] = page[i - back];
			if (i < n)
				page[i] = (uint8_t)(unit_random(&seed) % (round % 5 ? 4 : 256));
		}
		if (round % 4)
			assert_int_equal(lzo1x_1_compress(page, n, packed, &packed_len, work), LZO_E_OK);
		else
			assert_int_equal(lzo1x_999_compress(page, n, packed, &packed_len, work), LZO_E_OK);
		memset(out, 0xee, n);
		assert_int_equal(kco_codec_decompress(codec, KCO_CODEC_LZO_RLE, packed, packed_len, out, n, NULL),
				 KCO_OK);
		assert_memory_equal(out, page, n);
	}
	kco_codec_free(codec);
}

/* What Linux's lz4hc, and its deflate with windows of 2 to 32 KiB, give is one format each. */
static void test_codec__lz4hc_and_every_deflate_window_are_read(void **state)
{
	struct kco_codec *codec = kco_codec_new();
	uint8_t page[PAGE], out[PAGE], packed[ROOM];

	(void)state;
	assert_non_null(codec);
	page_make(page, PAGE, 9);
	for (int bits = 9; bits <= 15; bits++) {
		size_t n = deflate_page(page, PAGE, -bits, packed);

		memset(out, 0, sizeof(out));
		assert_int_equal(kco_codec_decompress(codec, KCO_CODEC_DEFLATE, packed, n, out, PAGE, NULL), KCO_OK);
		assert_memory_equal(out, page, PAGE);
	}
	for (int level = 1; level <= LZ4HC_CLEVEL_MAX; level++) {
		int n = LZ4_compress_HC((const char *)page, (char *)packed, PAGE, ROOM, level);

		memset(out, 0, sizeof(out));
		assert_int_equal(kco_codec_decompress(codec, KCO_CODEC_LZ4, packed, (size_t)n, out, PAGE, NULL),
				 KCO_OK);
		assert_memory_equal(out, page, PAGE);
	}
	kco_codec_free(codec);
}

static void test_codec__snappy_declared_length_is_checked_before_decoding(void **state)
{
	// A varint of 2^32-1, then of 8192, then one literal.
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 'a' };
	static const uint8_t twice[] = { 0x80, 0x40, 0x00, 'a' };
	struct kco_codec *codec = kco_codec_new();
	struct kco_err err = KCO_ERR_INIT;

	(void)state;
	assert_int_equal(decompress(codec, KCO_CODEC_SNAPPY, huge, sizeof(huge), PAGE, &err), KCO_E_CORRUPT);
	assert_msg(&err, "declares 4294967295 bytes instead of 4096");
	assert_int_equal(decompress(codec, KCO_CODEC_SNAPPY, twice, sizeof(twice), PAGE, &err), KCO_E_CORRUPT);
	assert_msg(&err, "declares 8192");
	kco_codec_free(codec);
}

static void test_codec__zstd_frame_of_another_size_is_corrupt(void **state)
{
	// A frame with an 8-byte content size of 2^60 and a window of 2^41, then an RLE block of 4096 'a'.
	static const uint8_t bomb[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0xf8, 0,	  0,	0,
					0,    0,    0,	  0,	0x10, 0x03, 0x80, 0x00, 'a' };
	// Single segment, content size 4096 + 256, but only 4096 come.
	static const uint8_t lies[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x10, 0x03, 0x80, 0x00, 'a' };
	// The same with the truth: 4096 = 0x0f00 + 256.
	static const uint8_t fine[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x0f, 0x03, 0x80, 0x00, 'a' };
	struct kco_codec *codec = kco_codec_new();

	(void)state;
	assert_int_equal(decompress(codec, KCO_CODEC_ZSTD, bomb, sizeof(bomb), PAGE, NULL), KCO_E_CORRUPT);
	assert_int_equal(decompress(codec, KCO_CODEC_ZSTD, lies, sizeof(lies), PAGE, NULL), KCO_E_CORRUPT);
	assert_int_equal(decompress(codec, KCO_CODEC_ZSTD, fine, sizeof(fine), PAGE, NULL), KCO_OK);
	kco_codec_free(codec);
}

static void test_codec__scratch_grows_and_is_reused(void **state)
{
	struct kco_codec *codec = kco_codec_new();
	void *small, *large;

	(void)state;
	small = kco_codec_scratch(codec, 100);
	assert_non_null(small);
	memset(small, 1, 100);
	large = kco_codec_scratch(codec, 100000);
	assert_non_null(large);
	memset(large, 1, 100000);
	assert_ptr_equal(kco_codec_scratch(codec, 5), large);
	unit_fault_arm(1);
	assert_null(kco_codec_scratch(codec, 200000));
	assert_true(unit_fault_fired());
	assert_non_null(kco_codec_scratch(codec, 0));
	assert_non_null(kco_codec_scratch(codec, 64));
	kco_codec_free(codec);
	kco_codec_free(NULL);
}

static void test_codec__memory_running_out_is_an_error(void **state)
{
	uint8_t page[PAGE], packed[ROOM];

	(void)state;
	page_make(page, PAGE, 4);
	for (size_t i = 0; i < NR_ALL; i++) {
		size_t len = compress_page(all[i], page, PAGE, packed);

		for (long n = 1;; n++) {
			struct kco_err err = KCO_ERR_INIT;
			enum kco_status status = KCO_E_NOMEM;
			struct kco_codec *codec;
			uint8_t got[PAGE];
			bool fired;

			unit_fault_arm(n);
			codec = kco_codec_new();
			if (codec)
				status = kco_codec_decompress(codec, all[i], packed, len, got, PAGE, &err);
			fired = unit_fault_fired();
			kco_codec_free(codec);
			if (!fired) {
				assert_int_equal(status, KCO_OK);
				break;
			}
			assert_int_equal(status, KCO_E_NOMEM);
		}
	}
}

#define INPUT_SIZE 300000

/* Two files that differ in every byte, so that mixing them up shows. */
static struct kco_io *input_io(uint8_t *bytes, uint8_t twist)
{
	struct kco_io *io;
	uint64_t state = 7;

	for (size_t i = 0; i < INPUT_SIZE; i++)
		bytes[i] = (uint8_t)unit_random(&state) ^ twist;
	assert_int_equal(kco_io_memory_new(bytes, INPUT_SIZE, 0, "input", &io, NULL), KCO_OK);
	return io;
}

static void test_codec__input_is_the_file_whatever_is_read_ahead(void **state)
{
	static uint8_t bytes[2][INPUT_SIZE];
	struct kco_io *io[2] = { input_io(bytes[0], 0), input_io(bytes[1], 0xff) };
	struct kco_codec *codec = kco_codec_new();
	uint64_t seed = 11, off = 0;
	const void *got;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = unit_random(&seed) % 5000 + 1;
		unsigned which = unit_random(&seed) % 50 == 0;

		// Mostly in order, now and then anywhere, to the very end.
		if (unit_random(&seed) % 20 == 0)
			off = unit_random(&seed) % INPUT_SIZE;
		if (n > INPUT_SIZE - off)
			n = INPUT_SIZE - off;
		assert_int_equal(kco_codec_input(codec, io[which], off, n, &got, NULL), KCO_OK);
		assert_memory_equal(got, bytes[which] + off, n);
		off = off + n == INPUT_SIZE ? 0 : off + n;
	}
	kco_codec_free(codec);
	kco_io_unref(io[0]);
	kco_io_unref(io[1]);
}

static void test_codec__input_beyond_the_end_is_truncated(void **state)
{
	static uint8_t bytes[INPUT_SIZE];
	struct kco_io *io = input_io(bytes, 0);
	struct kco_codec *codec = kco_codec_new();
	struct kco_err err = KCO_ERR_INIT;
	const void *got;

	(void)state;
	assert_int_equal(kco_codec_input(codec, io, INPUT_SIZE - 100, 50, &got, NULL), KCO_OK);
	assert_int_equal(kco_codec_input(codec, io, INPUT_SIZE - 50, 51, &got, &err), KCO_E_TRUNCATED);
	assert_int_equal(kco_codec_input(codec, io, UINT64_MAX, 2, &got, &err), KCO_E_TRUNCATED);
	assert_int_equal(kco_codec_input(codec, io, INPUT_SIZE - 50, 50, &got, NULL), KCO_OK);
	assert_memory_equal(got, bytes + INPUT_SIZE - 50, 50);
	kco_codec_free(codec);
	kco_io_unref(io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codec__every_codec_round_trips_with_one_kept_context),
		cmocka_unit_test(test_codec__another_length_than_the_page_is_corrupt),
		cmocka_unit_test(test_codec__cut_streams_are_corrupt_at_every_length),
		cmocka_unit_test(test_codec__damaged_streams_never_leave_their_page),
		cmocka_unit_test(test_codec__runs_of_zeros_come_back_as_long_as_they_were),
		cmocka_unit_test(test_codec__plain_lzo_is_lzo_rle_too),
		cmocka_unit_test(test_codec__lz4hc_and_every_deflate_window_are_read),
		cmocka_unit_test(test_codec__snappy_declared_length_is_checked_before_decoding),
		cmocka_unit_test(test_codec__zstd_frame_of_another_size_is_corrupt),
		cmocka_unit_test(test_codec__scratch_grows_and_is_reused),
		cmocka_unit_test(test_codec__memory_running_out_is_an_error),
		cmocka_unit_test(test_codec__input_is_the_file_whatever_is_read_ahead),
		cmocka_unit_test(test_codec__input_beyond_the_end_is_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
