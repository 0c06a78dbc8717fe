// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel log before v5.10: records of struct printk_log (struct log before
 * v3.11) in a plain buffer, made here as kernel/printk/printk.c's log_store()
 * lays them out: 16 bytes of header (20 with a caller), text, dictionary,
 * padding to 4; a header without length where the rest does not fit.
 */
#include "linux_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf.h"
#include "btfmake.h"
#include "memimage.h"
#include "session.h"
#include "unit.h"

#define VIRT UINT64_C(0xffffffff81000000)
#define VARS VIRT	    /* page 0: the variables */
#define BUF (VIRT + 0x1000) /* page 1 and on: log_buf */
#define RECORDS_MAX 64
#define TEXT_MAX 80

enum { V_BUF = 0, V_LEN = 8, V_FIRST = 16, V_NEXT = 24, V_SEQ = 32 };

struct got {
	uint64_t seq, ts;
	unsigned level, facility;
	uint32_t caller;
	bool has_caller;
	char text[TEXT_MAX], dict[TEXT_MAX];
};

struct fixture {
	struct memimage m;
	struct kco_session s;
	uint32_t size; /* of the log */
	uint32_t first, next;
	bool caller;
	uint64_t head;
	struct got got[RECORDS_MAX];
	size_t n, stop_after;
	struct kco_err err;
};

static enum kco_status by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
			       struct kco_err *err)
{
	static const struct {
		const char *name;
		unsigned at;
	} vars[] = { { "log_buf", V_BUF },
		     { "log_buf_len", V_LEN },
		     { "log_first_idx", V_FIRST },
		     { "log_next_idx", V_NEXT },
		     { "log_first_seq", V_SEQ } };

	(void)src;
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		if (strcmp(name, vars[i].name) != 0)
			continue;
		*ret = (struct kco_symbol){ .addr = VARS + vars[i].at, .name = vars[i].name, .type = 'b' };
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol %s", name);
}

static void source_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops source_ops = { .name = "test", .by_name = by_name, .free = source_free };
static struct kco_symbol_source source = { .ops = &source_ops, .last = UINT64_MAX };

/* struct printk_log of v4.19, or of v5.1 with CONFIG_PRINTK_CALLER; level and flags are bit-fields. */
static struct kco_types *types_make(const char *name, bool caller, uint32_t size)
{
	struct kco_types *types;
	struct kco_err err = KCO_ERR_INIT;
	struct btfmake m;
	uint32_t u8, u16, u32, u64;
	uint8_t *data;
	size_t n;

	btfmake_init(&m, NULL);
	u64 = btfmake_int(&m, "u64", 8, 0, 64);
	u32 = btfmake_int(&m, "u32", 4, 0, 32);
	u16 = btfmake_int(&m, "u16", 2, 0, 16);
	u8 = btfmake_int(&m, "u8", 1, 0, 8);
	btfmake_type(&m, name, 4, 1, caller ? 8 : 7, size);
	btfmake_member(&m, "ts_nsec", u64, 0, 0);
	btfmake_member(&m, "len", u16, 64, 0);
	btfmake_member(&m, "text_len", u16, 80, 0);
	btfmake_member(&m, "dict_len", u16, 96, 0);
	btfmake_member(&m, "facility", u8, 112, 0);
	btfmake_member(&m, "flags", u8, 120, 5);
	btfmake_member(&m, "level", u8, 125, 3);
	if (caller)
		btfmake_member(&m, "caller_id", u32, 128, 0);
	data = btfmake_take(&m, &n);
	btfmake_fini(&m);
	if (kco_btf_new_take(data, n, NULL, 8, &types, &err))
		fail_msg("%s", err.msg);
	return types;
}

static uint8_t *log_at(struct fixture *f, uint32_t idx)
{
	return f->m.bytes + (BUF - VIRT) + idx;
}

/* As log_store(): at f->next; returns what it took. */
static uint32_t store(struct fixture *f, uint64_t ts, unsigned level, unsigned facility, const char *text,
		      const char *dict, size_t dict_len)
{
	size_t text_len = strlen(text), len = (f->head + text_len + dict_len + 3) & ~(size_t)3;
	uint8_t *p;

	assert_true(len + f->head <= f->size);
	if (f->next + len + f->head > f->size) {
		// No room for it and another header: an empty one, then the beginning.
		memset(log_at(f, f->next), 0, f->head);
		f->next = 0;
	}
	p = log_at(f, f->next);
	memcpy(p, &ts, 8);
	memcpy(p + 8, &(uint16_t){ (uint16_t)len }, 2);
	memcpy(p + 10, &(uint16_t){ (uint16_t)text_len }, 2);
	memcpy(p + 12, &(uint16_t){ (uint16_t)dict_len }, 2);
	p[14] = (uint8_t)facility;
	p[15] = (uint8_t)(level << 5 | 3);
	if (f->caller)
		memcpy(p + 16, &(uint32_t){ 0x80000001 }, 4);
	memcpy(p + f->head, text, text_len);
	memcpy(p + f->head + text_len, dict, dict_len);
	f->next += (uint32_t)len;
	return (uint32_t)len;
}

static void fixture_init(struct fixture *f, const char *type, bool caller, uint32_t size)
{
	memset(f, 0, sizeof(*f));
	f->m.virt = VIRT;
	f->size = size;
	f->caller = caller;
	f->head = caller ? 24 : 16; // u64 aligns the struct
	kco_arena_init(&f->s.arena);
	f->s.lazy_os.tried = f->s.lazy_symbols.tried = f->s.lazy_types.tried = true;
	f->s.arch = kco_arch_by_machine(62);
	f->s.kernel = (struct kco_space){ .arch = f->s.arch, .id = 1 };
	f->s.symbols = kco_symbols_new();
	kco_symbols_add_take(f->s.symbols, &source);
	f->s.types = types_make(type, caller, (uint32_t)f->head);
	memset(log_at(f, 0), 0xee, size);
}

/* The variables as they are now; then the image is opened. */
static void fixture_open(struct fixture *f, uint64_t seq)
{
	memimage_put(&f->m, V_BUF, BUF);
	memimage_put(&f->m, V_LEN, f->size);
	memimage_put(&f->m, V_FIRST, f->first);
	memimage_put(&f->m, V_NEXT, f->next);
	memimage_put(&f->m, V_SEQ, seq);
	memimage_open(&f->m);
	f->s.image = f->m.image;
	assert_int_equal(kco_mem_new(f->m.image, &f->s.mem, NULL), KCO_OK);
}

static void fixture_fini(struct fixture *f)
{
	kco_symbols_free(f->s.symbols);
	kco_types_free(f->s.types);
	kco_mem_free(f->s.mem);
	kco_image_free(f->m.image);
	kco_arena_fini(&f->s.arena);
}

static bool take(void *arg, const struct kco_log_record *rec)
{
	struct fixture *f = arg;
	struct got *g = &f->got[f->n];

	assert_true(f->n < RECORDS_MAX);
	f->n++;
	*g = (struct got){ .seq = rec->seq,
			   .ts = rec->ts_ns,
			   .level = rec->level,
			   .facility = rec->facility,
			   .caller = rec->caller,
			   .has_caller = rec->has_caller };
	// All bytes are looked at, for the sanitizer's sake; the beginning is kept.
	for (size_t i = 0; i < rec->text_len; i++)
		g->text[i < TEXT_MAX - 1 ? i : TEXT_MAX - 1] = i < TEXT_MAX - 1 ? rec->text[i] : '\0';
	for (size_t i = 0; rec->dict && i < rec->dict_len; i++)
		g->dict[i < TEXT_MAX - 1 ? i : TEXT_MAX - 1] = i < TEXT_MAX - 1 ? rec->dict[i] : '\0';
	return f->n != f->stop_after;
}

static enum kco_status read_log(struct fixture *f)
{
	f->err = KCO_ERR_INIT;
	f->n = 0;
	return linux_log_old(&f->s, take, f, &f->err);
}

static void test_log_old__records_with_their_fields(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 4096);
	store(&f, 1000, 6, 0, "Linux version 4.19", "", 0);
	store(&f, 2500000000, 3, 4, "odd", "SUBSYSTEM=usb\0DEVICE=+usb:1", 27);
	store(&f, UINT64_C(1) << 40, 0, 23, "", "", 0);
	fixture_open(&f, 7);
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.got[0].seq, 7);
	assert_int_equal(f.got[0].ts, 1000);
	assert_int_equal(f.got[0].level, 6);
	assert_string_equal(f.got[0].text, "Linux version 4.19");
	assert_false(f.got[0].has_caller);
	assert_int_equal(f.got[1].seq, 8);
	assert_int_equal(f.got[1].level, 3);
	assert_int_equal(f.got[1].facility, 4);
	assert_string_equal(f.got[1].text, "odd");
	assert_memory_equal(f.got[1].dict, "SUBSYSTEM=usb\0DEVICE=+usb:1", 27);
	assert_int_equal(f.got[2].ts, UINT64_C(1) << 40);
	assert_int_equal(f.got[2].level, 0);
	assert_int_equal(f.got[2].facility, 23);
	assert_string_equal(f.got[2].text, "");
	f.stop_after = 2;
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 2);
	fixture_fini(&f);
}

static void test_log_old__the_struct_of_before_3_11_and_the_one_with_callers(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "log", false, 4096);
	store(&f, 1, 5, 0, "as old as v3.5", "", 0);
	fixture_open(&f, 0);
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.got[0].text, "as old as v3.5");
	assert_int_equal(f.got[0].level, 5);
	fixture_fini(&f);

	fixture_init(&f, "printk_log", true, 4096);
	store(&f, 1, 5, 0, "with a caller", "", 0);
	fixture_open(&f, 0);
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 1);
	assert_true(f.got[0].has_caller);
	assert_int_equal(f.got[0].caller, 0x80000001);
	assert_string_equal(f.got[0].text, "with a caller");
	fixture_fini(&f);
}

static void test_log_old__an_empty_log_is_no_error(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 4096);
	fixture_open(&f, 0);
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 0);
	fixture_fini(&f);
}

/* Fill, drop the oldest as they are run over, and wrap: the records come in order, none twice. */
static void test_log_old__wraps_at_the_mark(void **state)
{
	static struct fixture f;
	uint32_t start[32], wrapped_at = 0;
	unsigned stored = 0;

	(void)state;
	fixture_init(&f, "printk_log", false, 512);
	while (!wrapped_at || f.next < 200) {
		char text[16];
		uint32_t before = f.next;

		snprintf(text, sizeof(text), "message %02u", stored);
		store(&f, stored, 6, 0, text, "", 0);
		start[stored++] = f.next - 28;
		if (f.next < before)
			wrapped_at = before;
	}
	assert_true(wrapped_at && wrapped_at < 512);
	// The oldest record that was not run over: the kernel keeps room for a mark between the two ends.
	for (unsigned i = 0; i < stored; i++) {
		if (start[i] < f.next + f.head)
			continue;
		f.first = start[i];
		fixture_open(&f, i);
		assert_int_equal(read_log(&f), KCO_OK);
		assert_int_equal(f.n, stored - i);
		for (unsigned k = 0; k < f.n; k++) {
			assert_int_equal(f.got[k].seq, i + k);
			assert_int_equal(f.got[k].ts, i + k);
		}
		break;
	}
	fixture_fini(&f);
}

static void test_log_old__first_may_be_the_mark_itself(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 256);
	f.next = 200;
	store(&f, 1, 6, 0, "does not fit behind 200, so at 0", "", 0);
	f.first = 200;
	fixture_open(&f, 5);
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.got[0].seq, 5);
	fixture_fini(&f);
}

/* Where a record is damaged the log ends, with a reason; what came before it is kept, and nothing comes twice. */
static void test_log_old__torn_records_end_it_with_a_reason(void **state)
{
	static const struct {
		uint16_t len;
		const char *why;
	} lens[] = {
		{ 0, "" },	/* zeros in the middle are no wrap */
		{ 4, "" },	/* shorter than its own header */
		{ 0xfffc, "" }, /* beyond the end */
		{ 44, "" },	/* overshoots the end of the log, within the buffer */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		static struct fixture f;
		uint32_t torn;

		fixture_init(&f, "printk_log", false, 4096);
		store(&f, 1, 6, 0, "one", "", 0);
		store(&f, 2, 6, 0, "two", "", 0);
		torn = f.next;
		store(&f, 3, 6, 0, "three", "", 0);
		memcpy(log_at(&f, torn) + 8, &lens[i].len, 2);
		fixture_open(&f, 0);
		assert_int_equal(read_log(&f), KCO_E_CORRUPT);
		assert_true(f.err.msg[0]);
		assert_in_range(f.n, 2, 3);
		assert_string_equal(f.got[0].text, "one");
		assert_string_equal(f.got[1].text, "two");
		fixture_fini(&f);
	}
}

static void test_log_old__zeros_behind_the_wrap_end_it(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 256);
	f.next = 200;
	store(&f, 1, 6, 0, "does not fit behind 200, so at 0", "", 0);
	memset(log_at(&f, 0), 0, 16);
	f.first = 200;
	fixture_open(&f, 5);
	assert_int_equal(read_log(&f), KCO_E_CORRUPT);
	assert_int_equal(f.n, 0);
	fixture_fini(&f);
}

static void test_log_old__lengths_within_a_record_stay_within_it(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 4096);
	store(&f, 1, 6, 0, "text", "D=1", 3);
	memset(log_at(&f, 10), 0xff, 4); // text_len and dict_len
	fixture_open(&f, 0);
	assert_int_equal(read_log(&f), KCO_OK);
	assert_int_equal(f.n, 1);
	assert_memory_equal(f.got[0].text, "textD=1", 7);
	assert_string_equal(f.got[0].dict, "");
	fixture_fini(&f);
}

static void test_log_old__missing_pages_are_told(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 8192);
	store(&f, 1, 6, 0, "on the first page", "", 0);
	f.next = 4090;
	memcpy(log_at(&f, 8), &(uint16_t){ 4090 }, 2);
	store(&f, 2, 6, 0, "half of it is on the second", "", 0);
	f.m.missing[2] = 1;
	fixture_open(&f, 0);
	assert_int_equal(read_log(&f), KCO_E_NOT_SAVED);
	assert_int_equal(f.n, 1);
	fixture_fini(&f);
}

static void test_log_old__variables_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		uint64_t at, value;
	} bad[] = {
		{ V_LEN, 0 }, { V_LEN, 0xffffffff }, { V_FIRST, 4096 }, { V_FIRST, 0xfffffff0 }, { V_NEXT, 4097 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		static struct fixture f;

		fixture_init(&f, "printk_log", false, 4096);
		store(&f, 1, 6, 0, "one", "", 0);
		fixture_open(&f, 0);
		memimage_put(&f.m, bad[i].at, bad[i].value);
		assert_int_equal(read_log(&f), KCO_E_CORRUPT);
		assert_msg(&f.err, "makes no sense");
		fixture_fini(&f);
	}
}

/* Types come from the dump as well: a header of 64 KiB and more does not fit into anything. */
static void test_log_old__header_of_a_silly_size_is_refused(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f, "printk_log", false, 4096);
	kco_types_free(f.s.types);
	f.s.types = types_make("printk_log", false, 100000);
	store(&f, 1, 6, 0, "one", "", 0);
	f.size = 200000;
	f.next = 150000;
	fixture_open(&f, 0);
	assert_int_equal(read_log(&f), KCO_E_CORRUPT);
	fixture_fini(&f);
}

/* Random bytes for a log: an end in time, and no record that is not within the buffer (ASan watches). */
static void test_log_old__random_bytes_are_survived(void **state)
{
	static struct fixture f;
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		uint16_t len = 0;

		fixture_init(&f, "printk_log", round & 1, 4096);
		for (uint32_t i = 0; i + 8 <= f.size; i += 8) {
			uint64_t v = unit_random(&seed);

			memcpy(log_at(&f, i), &v, 8);
		}
		// Sane lengths now and then, so that the walk gets somewhere.
		for (uint32_t i = 0; i + 32 < f.size; i += len ? len : 28) {
			len = (uint16_t)(unit_random(&seed) % 3 ? 24 + unit_random(&seed) % 40 / 4 * 4
								: unit_random(&seed));
			memcpy(log_at(&f, i) + 8, &len, 2);
			memset(log_at(&f, i) + 10, 0, 4);
			if (len > 200)
				break;
		}
		f.first = (uint32_t)(unit_random(&seed) % 2 ? 0 : unit_random(&seed) % f.size);
		f.next = (uint32_t)(unit_random(&seed) % (f.size + 1));
		f.stop_after = RECORDS_MAX - 1;
		fixture_open(&f, 0);
		if (read_log(&f) != KCO_OK)
			assert_true(f.err.msg[0]);
		fixture_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_old__records_with_their_fields),
		cmocka_unit_test(test_log_old__the_struct_of_before_3_11_and_the_one_with_callers),
		cmocka_unit_test(test_log_old__an_empty_log_is_no_error),
		cmocka_unit_test(test_log_old__wraps_at_the_mark),
		cmocka_unit_test(test_log_old__first_may_be_the_mark_itself),
		cmocka_unit_test(test_log_old__torn_records_end_it_with_a_reason),
		cmocka_unit_test(test_log_old__zeros_behind_the_wrap_end_it),
		cmocka_unit_test(test_log_old__lengths_within_a_record_stay_within_it),
		cmocka_unit_test(test_log_old__missing_pages_are_told),
		cmocka_unit_test(test_log_old__variables_that_make_no_sense_are_refused),
		cmocka_unit_test(test_log_old__header_of_a_silly_size_is_refused),
		cmocka_unit_test(test_log_old__random_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
