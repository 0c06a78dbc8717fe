// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text: where the kernel's and the modules' code is, and the ORC unwind tables
 * that belong to it (a module's are arch.orc_unwind*).
 */
#include "linux.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "orc.h"

/* The kernel's own table lies between two pairs of symbols. */
static enum kco_status text_kernel_orc(struct kco_session *s, struct kco_unwind_tables *t, struct kco_err *err)
{
	uint64_t ip, ip_end, entries, entries_end;
	enum kco_status st = os_symbol(s, &ip, err, "__start_orc_unwind_ip", NULL);

	if (!st)
		st = os_symbol(s, &ip_end, err, "__stop_orc_unwind_ip", NULL);
	if (!st)
		st = os_symbol(s, &entries, err, "__start_orc_unwind", NULL);
	if (!st)
		st = os_symbol(s, &entries_end, err, "__stop_orc_unwind", NULL);
	if (st)
		return st;
	if (ip_end < ip || entries_end < entries)
		return kco_fail(err, KCO_E_CORRUPT, "the symbols around the ORC tables are out of order");
	st = kco_orc_table_init(&t->tables[0], &t->layout, s->mem, &s->kernel, ip, ip_end - ip, entries,
				entries_end - entries, err);
	if (!st)
		st = kco_orc_calibrate(&t->layout, &t->tables[0], s->mem, &s->kernel, err);
	if (!st)
		t->nr_tables = 1;
	return st;
}

static void text_module_orc(struct kco_session *s, struct kco_unwind_tables *t, const struct kco_module *mods, size_t n)
{
	struct kco_field ip, entries, num;

	if (os_field(s, "module", &ip, NULL, "arch.orc_unwind_ip", NULL) ||
	    os_field(s, "module", &entries, NULL, "arch.orc_unwind", NULL) ||
	    os_field(s, "module", &num, NULL, "arch.num_orcs", NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t at, rows, count;
		struct kco_orc_table *table = &t->tables[t->nr_tables];

		if (mods[i].status || kco_kread_field(s, mods[i].addr, &ip, &at, NULL) ||
		    kco_kread_field(s, mods[i].addr, &entries, &rows, NULL) ||
		    kco_kread_field(s, mods[i].addr, &num, &count, NULL) || !count || count > UINT32_MAX)
			continue;
		if (kco_orc_table_init(table, &t->layout, s->mem, &s->kernel, at, count * 4, rows,
				       count * t->layout.entry_size, NULL))
			continue;
		/* Rows of its freed init text lie elsewhere, where another module may live now. */
		if (mods[i].text_size) {
			table->first_pc = mods[i].base;
			table->last_pc = mods[i].base + mods[i].text_size - 1;
		}
		t->nr_tables++;
	}
}

static int text_orc_cmp(const void *a, const void *b)
{
	const struct kco_orc_table *x = a, *y = b;

	return x->first_pc < y->first_pc ? -1 : x->first_pc > y->first_pc;
}

enum kco_status linux_unwind_tables(struct kco_session *s, struct kco_unwind_tables **ret, struct kco_err *err)
{
	const struct kco_module *mods = NULL;
	struct kco_unwind_tables *t = kco_arena_alloc(&s->arena, sizeof(*t));
	size_t n = 0;
	enum kco_status st;

	if (kco_modules_get(s, &mods, &n, NULL))
		n = 0;
	if (t)
		t->tables = kco_arena_array(&s->arena, n + 1, sizeof(*t->tables));
	if (!t || !t->tables)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_orc_layout_init(&t->layout, s->arch, s->types, err);
	if (!st)
		st = text_kernel_orc(s, t, err);
	if (st)
		return kco_context(err, st, "ORC");
	text_module_orc(s, t, mods, n);
	qsort(t->tables, t->nr_tables, sizeof(*t->tables), text_orc_cmp);
	*ret = t;
	return KCO_OK;
}

static int text_cmp(const void *a, const void *b)
{
	const struct linux_text_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static enum kco_status text_load(struct kco_session *s, struct kco_err *err)
{
	static const char *const bounds[][2] = { { "_stext", "_etext" }, { "_sinittext", "_einittext" } };
	struct linux_os *os = linux_of(s);
	const struct kco_module *mods = NULL;
	size_t n = 0;

	if (kco_modules_get(s, &mods, &n, NULL))
		n = 0;
	os->text = calloc(n + 2, sizeof(*os->text));
	if (!os->text)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < 2; i++) {
		struct linux_text_range *r = &os->text[os->nr_text];

		if (!os_symbol(s, &r->first, err, bounds[i][0], NULL) &&
		    !os_symbol(s, &r->end, err, bounds[i][1], NULL))
			os->nr_text++;
	}
	if (!os->nr_text)
		return KCO_E_NOSYM;
	for (size_t i = 0; i < n; i++)
		if (!mods[i].status && mods[i].text_size)
			os->text[os->nr_text++] =
				(struct linux_text_range){ mods[i].base, mods[i].base + mods[i].text_size };
	qsort(os->text, os->nr_text, sizeof(*os->text), text_cmp);
	return KCO_OK;
}

enum kco_status linux_text_load(struct kco_session *s, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);

	KCO_LAZY(os->lazy_text, text_load(s, &os->lazy_text.err), err);
}

/* Loaded before workers start (kco_unwinder_new), then read-only. */
bool linux_is_text(struct kco_session *s, uint64_t pc)
{
	struct linux_os *os = linux_of(s);
	size_t lo = 0, hi;

	if (!os->lazy_text.tried && linux_text_load(s, NULL))
		return false;
	hi = os->nr_text;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (os->text[mid].first <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && pc < os->text[lo - 1].end;
}
