// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XSAVE areas in both forms brought to the standard one, sound and hostile.
 */
#include "x86_64_xstate.h"

#include <string.h>

#include <kco/endian.h>

#include "unit.h"

#define COMPACTED (UINT64_C(1) << 63)
#define AVX512 UINT64_C(0xe7) /* x87, SSE, AVX, and the three components of AVX-512 */

static uint8_t raw[KCO_XSTATE_MAX];
static struct kco_xstate x;

static void make(uint64_t bv, uint64_t comp)
{
	memset(raw, 0, sizeof(raw));
	for (size_t i = 0; i < 512; i++)
		raw[i] = (uint8_t)i;
	kco_put_le64(raw + 512, bv);
	kco_put_le64(raw + 520, comp);
}

static enum kco_status expand(size_t n, uint64_t features)
{
	return x86_64_xstate_expand(raw, n, &x86_64_xlayout_intel, features, &x, NULL);
}

static void test_xstate__compacted_avx512_goes_where_cpuid_says(void **state)
{
	(void)state;
	make(AVX512, COMPACTED | AVX512);
	memset(raw + 576, 0xa2, 256);
	memset(raw + 832, 0xa5, 64);
	memset(raw + 896, 0xa6, 512);
	memset(raw + 1408, 0xa7, 1024);
	assert_int_equal(expand(2432, AVX512), KCO_OK);
	assert_int_equal(x.size, 2688);
	assert_int_equal(x.area[576], 0xa2);
	assert_int_equal(x.area[1088], 0xa5);
	assert_int_equal(x.area[1152 + 511], 0xa6);
	assert_int_equal(x.area[1664 + 1023], 0xa7);
	assert_int_equal(kco_le64(x.area + 464), AVX512);
	assert_int_equal(kco_le64(x.area + 512), AVX512);
	assert_int_equal(kco_le64(x.area + 520), 0);
}

static void test_xstate__what_is_not_in_use_has_its_initial_value(void **state)
{
	(void)state;
	make(4, COMPACTED | 7);
	memset(raw + 576, 0xa2, 256);
	assert_int_equal(expand(832, 7), KCO_OK);
	assert_int_equal(kco_le16(x.area), 0x37f);
	assert_int_equal(x.area[32], 0);
	assert_int_equal(x.area[160], 0);
	assert_int_equal(x.area[576], 0xa2);
	// MXCSR goes with AVX as well.
	assert_int_equal(kco_le32(x.area + 24), kco_le32(raw + 24));
	make(0, COMPACTED | 7);
	assert_int_equal(expand(832, 7), KCO_OK);
	assert_int_equal(kco_le32(x.area + 24), 0x1f80);
	assert_int_equal(x.area[576], 0);
}

static void test_xstate__supervisor_components_move_the_others_and_are_left_out(void **state)
{
	(void)state;
	// PASID (10) lies between PKRU and nothing; CET (11, 12) behind it.
	make(7 | 1u << 9 | 1u << 12, COMPACTED | 7 | 1u << 9 | 1u << 12);
	memset(raw + 832, 0x99, 8);
	assert_int_equal(expand(864, 7 | 1u << 9 | 1u << 12), KCO_OK);
	assert_int_equal(x.features, 7 | 1u << 9);
	assert_int_equal(x.area[2688], 0x99);
	assert_int_equal(x.size, 2696);
}

static void test_xstate__hostile_headers_are_refused(void **state)
{
	(void)state;
	make(7, COMPACTED | 3);
	assert_int_equal(expand(832, 7), KCO_E_CORRUPT); // in use, but not there
	make(7, COMPACTED | 7 | UINT64_C(1) << 40);
	assert_int_equal(expand(4096, 7), KCO_E_CORRUPT); // no such component
	make(AVX512, COMPACTED | AVX512);
	assert_int_equal(expand(2431, AVX512), KCO_E_CORRUPT); // one byte short
	make(7, 7);
	assert_int_equal(expand(832, 7), KCO_E_CORRUPT); // of neither form
	make(7, 0);
	assert_int_equal(expand(831, 7), KCO_E_CORRUPT);
	assert_int_equal(expand(511, 7), KCO_E_CORRUPT);
}

static void test_xstate__fxsave_only(void **state)
{
	(void)state;
	make(0, 0);
	assert_int_equal(expand(512, 3), KCO_OK);
	assert_int_equal(x.size, 512);
	assert_memory_equal(x.area, raw, 28);
	assert_memory_equal(x.area + 160, raw + 160, 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xstate__compacted_avx512_goes_where_cpuid_says),
		cmocka_unit_test(test_xstate__what_is_not_in_use_has_its_initial_value),
		cmocka_unit_test(test_xstate__supervisor_components_move_the_others_and_are_left_out),
		cmocka_unit_test(test_xstate__hostile_headers_are_refused),
		cmocka_unit_test(test_xstate__fxsave_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
