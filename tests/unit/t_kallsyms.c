// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kallsyms in all its forms, from an encoder of the test's own, and a
 * module's symbols.
 */
#include "kallsyms.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vmem.h"

#define BASE UINT64_C(0xffffffff81000000)
#define TABLES UINT64_C(0xffffffff82000000) /* where the arrays lie */
#define MAX_SYMS 1200

struct sym {
	uint64_t addr;
	char type;
	char name[300];
};

enum form { ABSOLUTE, FROM_BASE, PERCPU, FROM_PLACE };
enum seqs { NO_SEQS, SEQS3, SEQS4, SEQS_LTO };

struct shape {
	enum form form;
	bool addresses_first; /* the older order */
	enum seqs seqs;
	unsigned align, marker; /* bytes of an entry of markers, and of num_syms */
};

struct fixture {
	struct sym syms[MAX_SYMS];
	uint32_t n;
	struct bytes image;
	struct kco_kallsyms_layout layout;
	struct vmem v;
	struct kco_symbol_source *src;
	struct kco_err err;
	uint64_t seqs; /* where they were put */
};

static const char *const tokens[] = { "sys_", "__x64_", "per_", "cpu", "Tdo_" };

static void add_sym(struct fixture *f, uint64_t addr, char type, const char *name)
{
	assert_true(f->n < MAX_SYMS);
	f->syms[f->n].addr = addr;
	f->syms[f->n].type = type;
	snprintf(f->syms[f->n++].name, sizeof(f->syms[0].name), "%s", name);
}

/* Symbols as a kernel has them: aliases, long names, names that differ behind a dot, and more than two blocks. */
static void usual_syms(struct fixture *f, bool percpu)
{
	char name[300];

	memset(f, 0, sizeof(*f));
	if (percpu) {
		add_sym(f, 0, 'A', "__per_cpu_start");
		add_sym(f, 0x1000, 'A', "cpu_info");
	}
	add_sym(f, BASE, 'T', "_stext");
	add_sym(f, BASE, 'T', "_text");
	for (unsigned i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), i % 3 ? "sys_number_%u" : "__x64_sys_number_%u", i);
		add_sym(f, BASE + 0x100 + (uint64_t)i * 0x40, i & 1 ? 't' : 'T', name);
		if (i == 50) {
			add_sym(f, BASE + 0x100 + (uint64_t)i * 0x40, 't', "alias_one");
			add_sym(f, BASE + 0x100 + (uint64_t)i * 0x40, 'W', "alias_two");
		}
		if (i == 60 || i == 600)
			add_sym(f, BASE + 0x110 + (uint64_t)i * 0x40, 't', "twice");
		if (i == 61)
			add_sym(f, BASE + 0x110 + (uint64_t)i * 0x40, 't', "do_thing.cold");
		if (i == 300)
			add_sym(f, BASE + 0x110 + (uint64_t)i * 0x40, 't', "do_thing");
		if (i == 400) {
			memset(name, 'q', 250);
			name[250] = '\0';
			add_sym(f, BASE + 0x110 + (uint64_t)i * 0x40, 'd', name);
		}
	}
	add_sym(f, BASE + 0x20000, 'B', "_end");
	add_sym(f, BASE + 0x20000, 'B', "__brk_limit");
	add_sym(f, BASE + 0x30000, 'D', "__init_scratch_begin");
}

static size_t token_of(const char *s, unsigned *code)
{
	for (unsigned i = 0; i < sizeof(tokens) / sizeof(*tokens); i++)
		if (strncmp(s, tokens[i], strlen(tokens[i])) == 0) {
			*code = 128 + i;
			return strlen(tokens[i]);
		}
	*code = (uint8_t)*s;
	return 1;
}

static void put_names(struct fixture *f, uint32_t markers[])
{
	size_t first = f->image.n;

	for (uint32_t i = 0; i < f->n; i++) {
		char text[310];
		uint8_t packed[310];
		unsigned n = 0, code;

		snprintf(text, sizeof(text), "%c%s", f->syms[i].type, f->syms[i].name);
		for (const char *s = text; *s; n++) {
			s += token_of(s, &code);
			packed[n] = (uint8_t)code;
		}
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(f->image.n - first);
		if (n > 127)
			bytes_uint(&f->image, (n & 127) | 128, 1);
		bytes_uint(&f->image, n > 127 ? n >> 7 : n, 1);
		bytes_put(&f->image, packed, n);
	}
}

static void put_tokens(struct fixture *f, const struct shape *shape)
{
	size_t first = f->image.n;
	uint16_t at[256];

	f->layout.token_table = TABLES + first;
	for (unsigned i = 0; i < 256; i++) {
		char one[2] = { (char)i, '\0' };
		const char *text = i >= 128 && i < 133 ? tokens[i - 128] : i > 32 && i < 127 ? one : "";

		at[i] = (uint16_t)(f->image.n - first);
		bytes_put(&f->image, text, strlen(text) + 1);
	}
	bytes_align(&f->image, shape->align);
	f->layout.token_index = TABLES + f->image.n;
	for (unsigned i = 0; i < 256; i++)
		bytes_uint(&f->image, at[i], 2);
	bytes_align(&f->image, shape->align);
}

static void put_addresses(struct fixture *f, const struct shape *shape)
{
	uint64_t base = BASE, place = TABLES + f->image.n;

	for (uint32_t i = 0; i < f->n; i++) {
		uint64_t a = f->syms[i].addr;

		switch (shape->form) {
		case ABSOLUTE:
			bytes_uint(&f->image, a, 8);
			break;
		case FROM_BASE:
			bytes_uint(&f->image, a - base, 4);
			break;
		case PERCPU:
			bytes_uint(&f->image, a < BASE ? a : base - 1 - a, 4);
			break;
		case FROM_PLACE:
			bytes_uint(&f->image, a - (place + (uint64_t)i * 4), 4);
			break;
		}
	}
	if (shape->form == ABSOLUTE)
		f->layout.addresses = place;
	else
		f->layout.offsets = place;
	bytes_align(&f->image, shape->align);
	if (shape->form == FROM_BASE || shape->form == PERCPU) {
		f->layout.relative_base = TABLES + f->image.n;
		bytes_uint(&f->image, base, 8);
		bytes_align(&f->image, shape->align);
	}
}

static const struct fixture *sorting;
static bool sorting_lto;

static int by_name_then_addr(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	char p[300], q[300];
	int order;

	snprintf(p, sizeof(p), "%s", sorting->syms[x].name);
	snprintf(q, sizeof(q), "%s", sorting->syms[y].name);
	if (sorting_lto) {
		p[strcspn(p, ".")] = '\0';
		q[strcspn(q, ".")] = '\0';
	}
	order = strcmp(p, q);
	return order ? order : x < y ? -1 : x > y;
}

static void put_seqs(struct fixture *f, const struct shape *shape)
{
	uint32_t order[MAX_SYMS];

	if (shape->seqs == NO_SEQS)
		return;
	for (uint32_t i = 0; i < f->n; i++)
		order[i] = i;
	sorting = f;
	sorting_lto = shape->seqs == SEQS_LTO;
	qsort(order, f->n, sizeof(*order), by_name_then_addr);
	f->seqs = TABLES + f->image.n;
	for (uint32_t i = 0; i < f->n; i++) {
		uint8_t be[3] = { (uint8_t)(order[i] >> 16), (uint8_t)(order[i] >> 8), (uint8_t)order[i] };

		if (shape->seqs == SEQS4)
			bytes_uint(&f->image, order[i], 4);
		else
			bytes_put(&f->image, be, 3);
	}
	bytes_align(&f->image, shape->align);
}

static void encode(struct fixture *f, const struct shape *shape)
{
	uint32_t markers[MAX_SYMS / 256 + 1];

	// What lies around the arrays is not zero.
	for (unsigned i = 0; i < 64; i++)
		bytes_uint(&f->image, 0x5a5a0101 + i, 8);
	if (shape->addresses_first)
		put_addresses(f, shape);
	f->layout.num_syms = TABLES + f->image.n;
	bytes_uint(&f->image, f->n, shape->marker);
	bytes_align(&f->image, shape->align);
	f->layout.names = TABLES + f->image.n;
	put_names(f, markers);
	bytes_align(&f->image, shape->align);
	f->layout.markers = TABLES + f->image.n;
	for (uint32_t i = 0; i < (f->n + 255) / 256; i++)
		bytes_uint(&f->image, markers[i], shape->marker);
	bytes_align(&f->image, shape->align);
	if (shape->addresses_first)
		put_seqs(f, shape);
	put_tokens(f, shape);
	if (!shape->addresses_first) {
		put_addresses(f, shape);
		put_seqs(f, shape);
	}
	for (unsigned i = 0; i < 128; i++)
		bytes_uint(&f->image, 0x5a5a0101 + i, 8);
	vmem_add(&f->v, TABLES, f->image.p, f->image.n);
}

static enum kco_status open_source(struct fixture *f)
{
	// VMCOREINFO does not name the markers.
	struct kco_kallsyms_layout layout = f->layout;

	layout.markers = 0;
	f->err = KCO_ERR_INIT;
	return kco_kallsyms_new(f->v.mem, &f->v.space, &layout, &f->src, &f->err);
}

static void fixture_open(struct fixture *f, const struct shape *shape)
{
	encode(f, shape);
	assert_true(vmem_open(&f->v));
	if (open_source(f))
		fail_msg("%s", f->err.msg);
}

static void fixture_fini(struct fixture *f)
{
	if (f->src)
		f->src->ops->free(f->src);
	vmem_close(&f->v);
	free(f->image.p);
}

static const struct shape shapes[] = {
	{ ABSOLUTE, true, NO_SEQS, 8, 8 }, /* before 4.6, and before 5.0 */
	{ ABSOLUTE, true, NO_SEQS, 8, 4 },     { PERCPU, true, NO_SEQS, 8, 8 },
	{ PERCPU, true, NO_SEQS, 8, 4 },       { PERCPU, true, SEQS3, 8, 4 }, /* Debian's 6.1 */
	{ PERCPU, true, SEQS4, 8, 4 },	       { PERCPU, true, SEQS_LTO, 8, 4 },
	{ PERCPU, false, SEQS3, 8, 4 },						  /* Debian's 6.12 */
	{ ABSOLUTE, false, SEQS3, 8, 4 },      { FROM_BASE, false, SEQS3, 8, 4 }, /* without absolute per-CPU symbols */
	{ FROM_PLACE, false, SEQS3, 4, 4 },					  /* without a relative base */
	{ FROM_PLACE, false, SEQS_LTO, 4, 4 },
};

#define NR_SHAPES (sizeof(shapes) / sizeof(*shapes))

static bool has_percpu(const struct shape *shape)
{
	return shape->form == PERCPU || shape->form == ABSOLUTE;
}

static struct kco_symbol by_addr(struct fixture *f, uint64_t addr)
{
	struct kco_symbol sym = { 0 };

	if (f->src->ops->by_addr(f->src, addr, &sym, &f->err))
		fail_msg("%#" PRIx64 ": %s", addr, f->err.msg);
	return sym;
}

static struct kco_symbol by_name(struct fixture *f, const char *name)
{
	struct kco_symbol sym = { 0 };

	if (f->src->ops->by_name(f->src, name, &sym, &f->err))
		fail_msg("%s: %s", name, f->err.msg);
	return sym;
}

static void test_kallsyms__every_address_gives_the_first_alias_and_its_size(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_SHAPES; s++) {
		struct fixture *f = malloc(sizeof(*f));

		usual_syms(f, has_percpu(&shapes[s]));
		fixture_open(f, &shapes[s]);
		for (uint32_t i = 0; i < f->n; i++) {
			uint32_t first = i, next = i;
			struct kco_symbol sym;

			if (f->syms[i].addr < BASE || f->syms[i].addr >= BASE + 0x20000)
				continue;
			while (first > 0 && f->syms[first - 1].addr == f->syms[i].addr)
				first--;
			while (f->syms[next].addr == f->syms[i].addr)
				next++;
			for (unsigned off = 0; off < 16; off += 15) {
				sym = by_addr(f, f->syms[i].addr + off);
				assert_string_equal(sym.name, f->syms[first].name);
				assert_int_equal(sym.addr, f->syms[i].addr);
				assert_int_equal(sym.size, f->syms[next].addr - f->syms[i].addr);
				assert_int_equal(sym.type, f->syms[first].type);
				assert_null(sym.module);
			}
		}
		fixture_fini(f);
		free(f);
	}
}

static void test_kallsyms__every_name_is_found_and_the_lowest_of_equals_wins(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_SHAPES; s++) {
		struct fixture *f = malloc(sizeof(*f));
		struct kco_symbol sym;

		usual_syms(f, has_percpu(&shapes[s]));
		fixture_open(f, &shapes[s]);
		for (uint32_t i = 0; i < f->n; i++) {
			sym = by_name(f, f->syms[i].name);
			assert_string_equal(sym.name, f->syms[i].name);
			if (strcmp(sym.name, "twice") != 0) {
				assert_int_equal(sym.addr, f->syms[i].addr);
				assert_int_equal(sym.type, f->syms[i].type);
			}
		}
		assert_int_equal(by_name(f, "twice").addr, BASE + 0x110 + 60 * 0x40);
		for (const char *const *none =
			     (const char *const[]){ "nothing", "", "do_thing.", "do_thin", "zzz", NULL };
		     *none; none++)
			assert_int_equal(f->src->ops->by_name(f->src, *none, &sym, &f->err), KCO_E_NOSYM);
		assert_msg(&f->err, "\"zzz\"");
		fixture_fini(f);
		free(f);
	}
}

static void test_kallsyms__answers_only_between_the_first_symbol_and_end(void **state)
{
	static const uint64_t outside[] = { 0,
					    0x1000,
					    0x1800,
					    BASE - 1,
					    BASE + 0x20000,
					    BASE + 0x30000,
					    BASE + 0x1000000,
					    UINT64_C(0xffffffffc0000000),
					    UINT64_MAX };
	struct fixture *f = malloc(sizeof(*f));
	struct kco_symbol sym;

	(void)state;
	usual_syms(f, true);
	fixture_open(f, &shapes[4]);
	assert_int_equal(f->src->first, BASE);
	assert_int_equal(f->src->last, BASE + 0x20000 - 1);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		assert_int_equal(f->src->ops->by_addr(f->src, outside[i], &sym, &f->err), KCO_E_NOSYM);
	assert_string_equal(by_addr(f, BASE + 0x1ffff).name, "__x64_sys_number_699");
	fixture_fini(f);
	free(f);
}

struct collect {
	const struct fixture *f;
	uint32_t n, stop;
};

static bool collect(void *arg, const struct kco_symbol *sym)
{
	struct collect *c = arg;
	const struct sym *want = &c->f->syms[c->n];
	uint32_t next = c->n;

	assert_true(c->n < c->f->n);
	assert_string_equal(sym->name, want->name);
	assert_int_equal(sym->addr, want->addr);
	assert_int_equal(sym->type, want->type);
	while (next < c->f->n && c->f->syms[next].addr == want->addr)
		next++;
	if (next < c->f->n)
		assert_int_equal(sym->size, c->f->syms[next].addr - want->addr);
	return ++c->n != c->stop;
}

static void test_kallsyms__each_gives_all_in_order_and_stops_when_told(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct collect c = { .f = f };

	(void)state;
	usual_syms(f, true);
	fixture_open(f, &shapes[7]);
	assert_int_equal(f->src->ops->each(f->src, collect, &c, &f->err), KCO_OK);
	assert_int_equal(c.n, f->n);
	c = (struct collect){ .f = f, .stop = 300 };
	assert_int_equal(f->src->ops->each(f->src, collect, &c, &f->err), KCO_OK);
	assert_int_equal(c.n, 300);
	fixture_fini(f);
	free(f);
}

static void test_kallsyms__scan_finds_what_vmcoreinfo_would_say(void **state)
{
	static const char digits[] = "\0000\0001\0002\0003\0004\0005\0006\0007\0008\0009\000:";

	(void)state;
	for (size_t s = 0; s < NR_SHAPES; s++) {
		struct fixture *f = malloc(sizeof(*f));
		struct kco_kallsyms_layout l;
		uint8_t *before = calloc(1, 0x20000);

		usual_syms(f, has_percpu(&shapes[s]));
		// Ahead of the arrays: digits that are no token table.
		memcpy(before + 0x333, digits, sizeof(digits));
		vmem_add(&f->v, BASE, before, 0x20000);
		fixture_open(f, &shapes[s]);
		if (kco_kallsyms_scan(f->v.mem, &f->v.space, BASE, TABLES + f->image.n, &l, &f->err))
			fail_msg("shape %zu: %s", s, f->err.msg);
		assert_int_equal(l.num_syms, f->layout.num_syms);
		assert_int_equal(l.names, f->layout.names);
		assert_int_equal(l.markers, f->layout.markers);
		assert_int_equal(l.token_table, f->layout.token_table);
		assert_int_equal(l.token_index, f->layout.token_index);
		assert_int_equal(l.offsets, f->layout.offsets);
		assert_int_equal(l.relative_base, f->layout.relative_base);
		assert_int_equal(l.addresses, f->layout.addresses);
		fixture_fini(f);
		free(before);
		free(f);
	}
}

static void test_kallsyms__scan_says_what_is_missing(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct kco_kallsyms_layout l;
	uint64_t end;

	(void)state;
	usual_syms(f, true);
	fixture_open(f, &shapes[7]);
	end = TABLES + f->image.n;
	assert_int_equal(kco_kallsyms_scan(f->v.mem, &f->v.space, BASE, TABLES, &l, &f->err), KCO_E_NOSYM);
	assert_msg(&f->err, "no token table");
	// Without num_syms no names; without sorted offsets no addresses.
	memset(f->image.p + (f->layout.num_syms - TABLES), 0, 4);
	vmem_close(&f->v);
	assert_true(vmem_open(&f->v));
	assert_int_equal(kco_kallsyms_scan(f->v.mem, &f->v.space, BASE, end, &l, &f->err), KCO_E_NOSYM);
	assert_msg(&f->err, "no names");
	f->src->ops->free(f->src);
	f->src = NULL;
	fixture_fini(f);
	free(f);
}

/* Overwrite @n bytes at @va of the encoded arrays and open again. */
static enum kco_status open_damaged(const struct shape *shape, size_t which, uint64_t off, uint64_t value, size_t n,
				    char msg[256])
{
	struct fixture *f = malloc(sizeof(*f));
	const uint64_t *places;
	enum kco_status st;

	usual_syms(f, has_percpu(shape));
	encode(f, shape);
	places = (const uint64_t[]){ f->layout.num_syms, f->layout.token_index, f->layout.token_table,
				     f->layout.names,	 f->layout.offsets,	f->layout.markers };
	for (size_t i = 0; i < n; i++)
		f->image.p[places[which] - TABLES + off + i] = (uint8_t)(value >> (8 * i));
	assert_true(vmem_open(&f->v));
	st = open_source(f);
	memcpy(msg, f->err.msg, 256);
	fixture_fini(f);
	free(f);
	return st;
}

static void test_kallsyms__arrays_that_contradict_each_other_are_refused(void **state)
{
	const struct shape *shape = &shapes[7];
	char msg[256];

	(void)state;
	assert_int_equal(open_damaged(shape, 0, 0, 0, 4, msg), KCO_E_CORRUPT);
	assert_string_equal(msg, "kallsyms_num_syms is 0");
	assert_int_equal(open_damaged(shape, 0, 0, UINT32_MAX, 4, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "4294967295"));
	assert_int_equal(open_damaged(shape, 1, 2, 0, 2, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "kallsyms_token_index: entry 1"));
	assert_int_equal(open_damaged(shape, 2, 0, 'x', 1, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "token 0 does not end"));
	// Entry 0 of the offsets above the others.
	assert_int_equal(open_damaged(shape, 4, 0, 0x7fffffff, 4, msg), KCO_E_CORRUPT);
	assert_non_null(strstr(msg, "below one before it"));
	// Damaged markers are made again from the names, and damaged names are refused when both are gone.
	assert_int_equal(open_damaged(shape, 5, 4, 1, 4, msg), KCO_OK);
	assert_int_equal(open_damaged(shape, 0, 0, 4000, 4, msg), KCO_E_CORRUPT);
}

static void test_kallsyms__many_symbols_claimed_in_a_small_dump_fail_soon(void **state)
{
	char msg[256];

	(void)state;
	assert_int_not_equal(open_damaged(&shapes[7], 0, 0, 0xffffff, 4, msg), KCO_OK);
	assert_true(msg[0]);
}

static void test_kallsyms__missing_pages_cost_their_own_symbols_only(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct kco_symbol sym;
	unsigned good = 0, bad = 0;

	(void)state;
	usual_syms(f, true);
	encode(f, &shapes[4]);
	// The names of the second block are not in the dump.
	f->v.hole_first = (f->layout.names + 0xfff) & ~UINT64_C(0xfff);
	f->v.hole_end = f->v.hole_first + 0x1000;
	assert_true(f->v.hole_end < f->layout.markers);
	assert_true(vmem_open(&f->v));
	if (open_source(f))
		fail_msg("%s", f->err.msg);
	for (uint32_t i = 0; i < f->n; i++) {
		enum kco_status st = f->src->ops->by_name(f->src, f->syms[i].name, &sym, &f->err);

		if (st) {
			bad++;
			assert_int_equal(st, KCO_E_NOSYM);
			assert_msg(&f->err, "names that could be read");
		} else {
			good++;
			assert_string_equal(sym.name, f->syms[i].name);
		}
	}
	assert_true(good > 250 && bad > 0);
	assert_int_equal(f->src->ops->by_addr(f->src, f->syms[300].addr, &sym, &f->err), KCO_E_NOT_SAVED);
	assert_msg(&f->err, "kallsyms_names");
	fixture_fini(f);
	free(f);
}

static void test_kallsyms__memory_running_out_leaves_nothing_behind(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	(void)state;
	usual_syms(f, true);
	fixture_open(f, &shapes[3]);
	f->src->ops->free(f->src);
	for (long n = 1;; n++) {
		struct kco_symbol sym;
		bool failed;

		f->src = NULL;
		unit_fault_arm(n);
		failed = open_source(f) || f->src->ops->by_name(f->src, "sys_number_5", &sym, &f->err) ||
			 f->src->ops->by_addr(f->src, BASE + 5, &sym, &f->err);
		if (failed)
			assert_int_equal(f->err.code, KCO_E_NOMEM);
		if (!unit_fault_fired()) {
			assert_false(failed);
			break;
		}
		if (f->src)
			f->src->ops->free(f->src);
	}
	fixture_fini(f);
	free(f);
}

/* A module's symbols. */

#define MOD UINT64_C(0xffffffffc0100000)

struct module_fixture {
	Elf64_Sym syms[16];
	char strings[256], types[16];
	size_t strings_n;
	uint32_t n;
	struct vmem v;
	struct kco_module_syms at;
	struct kco_symbol_source *src;
	struct kco_err err;
};

static void mod_sym(struct module_fixture *f, uint64_t value, uint16_t shndx, char type, const char *name)
{
	f->syms[f->n] = (Elf64_Sym){ .st_name = (uint32_t)f->strings_n, .st_value = value, .st_shndx = shndx };
	f->types[f->n++] = type;
	memcpy(f->strings + f->strings_n, name, strlen(name) + 1);
	f->strings_n += strlen(name) + 1;
}

static void module_open(struct module_fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->strings_n = 1;
	mod_sym(f, 0, 0, '?', "");
	mod_sym(f, MOD + 0x100, 1, 't', "second");
	mod_sym(f, MOD + 0x20, 1, 'T', "first");
	mod_sym(f, MOD + 0x100, 1, 't', "second_alias");
	mod_sym(f, MOD + 0x140, 0, 'U', "undefined");
	mod_sym(f, MOD + 0x150, 1, 't', "");
	mod_sym(f, MOD + 0x160, 1, 't', ".LC5");
	mod_sym(f, MOD + 0x170, 1, 't', "$d.1");
	mod_sym(f, MOD + 0x10010, 2, 'd', "data");
	mod_sym(f, 0x2a000, 3, 'd', "percpu");
	f->at = (struct kco_module_syms){ .module = "mod",
					  .symtab = MOD + 0x20000,
					  .strtab = MOD + 0x21000,
					  .typetab = MOD + 0x22000,
					  .num_symtab = f->n,
					  .ranges = { { MOD, MOD + 0x1000 }, { MOD + 0x10000, MOD + 0x11000 } },
					  .nr_ranges = 2 };
	vmem_add(&f->v, MOD + 0x20000, f->syms, sizeof(f->syms));
	vmem_add(&f->v, MOD + 0x21000, f->strings, f->strings_n);
	vmem_add(&f->v, MOD + 0x22000, f->types, sizeof(f->types));
	assert_true(vmem_open(&f->v));
	assert_int_equal(kco_module_syms_new(f->v.mem, &f->v.space, &f->at, &f->src, &f->err), KCO_OK);
}

static void module_close(struct module_fixture *f)
{
	f->src->ops->free(f->src);
	vmem_close(&f->v);
}

static void test_module_syms__choose_as_the_kernel_does(void **state)
{
	static const struct {
		uint64_t addr;
		const char *name; /* NULL: none */
		uint64_t size;
	} cases[] = {
		{ MOD, NULL, 0 },
		{ MOD + 0x1f, NULL, 0 },
		{ MOD + 0x20, "first", 0xe0 },
		{ MOD + 0xff, "first", 0xe0 },
		{ MOD + 0x100, "second", 0xf00 },
		{ MOD + 0x165, "second", 0xf00 },
		{ MOD + 0xfff, "second", 0xf00 },
		{ MOD + 0x1000, NULL, 0 },
		{ MOD + 0x10000, NULL, 0 }, /* the other piece of memory: the first one's symbols do not count */
		{ MOD + 0x10020, "data", 0xff0 },
		{ MOD + 0x11000, NULL, 0 },
		{ 0x2a000, NULL, 0 },
	};
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	assert_int_equal(f.src->first, MOD);
	assert_int_equal(f.src->last, MOD + 0x10fff);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum kco_status st = f.src->ops->by_addr(f.src, cases[i].addr, &sym, &f.err);

		if (!cases[i].name) {
			assert_int_equal(st, KCO_E_NOSYM);
			continue;
		}
		assert_int_equal(st, KCO_OK);
		assert_string_equal(sym.name, cases[i].name);
		assert_string_equal(sym.module, "mod");
		assert_int_equal(sym.size, cases[i].size);
	}
	assert_int_equal(f.src->ops->by_name(f.src, "second_alias", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.addr, MOD + 0x100);
	assert_int_equal(sym.type, 't');
	assert_int_equal(f.src->ops->by_name(f.src, "percpu", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.addr, 0x2a000);
	assert_int_equal(f.src->ops->by_name(f.src, ".LC5", &sym, &f.err), KCO_E_NOSYM);
	assert_int_equal(f.src->ops->by_name(f.src, "undefined", &sym, &f.err), KCO_E_NOSYM);
	module_close(&f);
}

static void test_module_syms__a_table_that_cannot_be_read_fails_each_time_with_its_reason(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	f.v.hole_first = MOD + 0x20000;
	f.v.hole_end = MOD + 0x21000;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(f.src->ops->by_addr(f.src, MOD + 0x20, &sym, &f.err), KCO_E_NOT_SAVED);
		assert_msg(&f.err, "symbols of module mod");
	}
	module_close(&f);
	module_open(&f);
	f.src->ops->free(f.src);
	f.at.num_symtab = UINT32_MAX;
	assert_int_equal(kco_module_syms_new(f.v.mem, &f.v.space, &f.at, &f.src, &f.err), KCO_OK);
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_E_CORRUPT);
	module_close(&f);
}

static void test_module_syms__names_outside_the_strings_do_not_count(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	f.syms[2].st_name = (uint32_t)f.strings_n + 5;
	// Nothing can be read behind the strings: the kernel's memory ends there.
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_E_RANGE);
	module_close(&f);
	module_open(&f);
	f.syms[2].st_name = 0x7fffffff;
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_E_CORRUPT);
	module_close(&f);
}

static void test_module_syms__types_of_kernels_without_typetab_are_in_st_info(void **state)
{
	struct module_fixture f;
	struct kco_symbol sym;

	(void)state;
	module_open(&f);
	f.src->ops->free(f.src);
	f.at.typetab = 0;
	f.syms[1].st_info = 'T';
	assert_int_equal(kco_module_syms_new(f.v.mem, &f.v.space, &f.at, &f.src, &f.err), KCO_OK);
	assert_int_equal(f.src->ops->by_name(f.src, "second", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.type, 'T');
	assert_int_equal(f.src->ops->by_name(f.src, "first", &sym, &f.err), KCO_OK);
	assert_int_equal(sym.type, '?');
	module_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kallsyms__every_address_gives_the_first_alias_and_its_size),
		cmocka_unit_test(test_kallsyms__every_name_is_found_and_the_lowest_of_equals_wins),
		cmocka_unit_test(test_kallsyms__answers_only_between_the_first_symbol_and_end),
		cmocka_unit_test(test_kallsyms__each_gives_all_in_order_and_stops_when_told),
		cmocka_unit_test(test_kallsyms__scan_finds_what_vmcoreinfo_would_say),
		cmocka_unit_test(test_kallsyms__scan_says_what_is_missing),
		cmocka_unit_test(test_kallsyms__arrays_that_contradict_each_other_are_refused),
		cmocka_unit_test(test_kallsyms__many_symbols_claimed_in_a_small_dump_fail_soon),
		cmocka_unit_test(test_kallsyms__missing_pages_cost_their_own_symbols_only),
		cmocka_unit_test(test_kallsyms__memory_running_out_leaves_nothing_behind),
		cmocka_unit_test(test_module_syms__choose_as_the_kernel_does),
		cmocka_unit_test(test_module_syms__a_table_that_cannot_be_read_fails_each_time_with_its_reason),
		cmocka_unit_test(test_module_syms__names_outside_the_strings_do_not_count),
		cmocka_unit_test(test_module_syms__types_of_kernels_without_typetab_are_in_st_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
