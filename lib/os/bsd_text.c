// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text of a BSD kernel: see bsd_text.h.
 */
#include "bsd_text.h"

#include <stdlib.h>
#include <string.h>

struct bsd_range {
	uint64_t first, end;
};

struct bsd_text {
	struct bsd_range *code; /* sorted; the kernel's and the modules' */
	size_t nr_code;
	struct bsd_range *entries; /* sorted: functions with a trap frame on top of the stack */
	size_t nr_entries;
	uint64_t starts[BSD_TEXT_STARTS]; /* of the functions that threads begin in, 0 unknown */
};

static int text_cmp(const void *a, const void *b)
{
	const struct bsd_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static bool text_in(const struct bsd_range *ranges, size_t n, uint64_t addr)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ranges[mid].first <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < ranges[lo - 1].end;
}

struct text_scan {
	const struct bsd_text_rule *rule;
	struct bsd_range code; /* of all symbols that are code */
	struct text_mark {
		uint64_t addr;
		bool entry;
	} * marks;
	size_t n, cap;
	bool failed;
};

static bool text_symbol(void *arg, const struct kco_symbol *sym)
{
	struct text_scan *scan = arg;

	if (sym->module || (sym->type != 't' && sym->type != 'T'))
		return true;
	if (sym->addr < scan->code.first)
		scan->code.first = sym->addr;
	if (sym->addr + sym->size > scan->code.end)
		scan->code.end = sym->addr + sym->size;
	if (scan->n == scan->cap) {
		size_t cap = scan->cap ? scan->cap * 2 : 4096;
		struct text_mark *grown = realloc(scan->marks, cap * sizeof(*grown));

		scan->failed = !grown;
		if (!grown)
			return false;
		scan->marks = grown;
		scan->cap = cap;
	}
	scan->marks[scan->n++] =
		(struct text_mark){ sym->addr, scan->rule->is_entry && scan->rule->is_entry(sym->name) };
	return true;
}

static int text_mark_cmp(const void *a, const void *b)
{
	const struct text_mark *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return y->entry - x->entry;
}

/* Each mark up to the next one at a higher address. */
static void text_entries(struct bsd_text *text, const struct text_scan *scan)
{
	for (size_t i = 0, next; i < scan->n; i = next) {
		for (next = i + 1; next < scan->n && scan->marks[next].addr == scan->marks[i].addr; next++)
			;
		if (scan->marks[i].entry)
			text->entries[text->nr_entries++] =
				(struct bsd_range){ scan->marks[i].addr,
						    next < scan->n ? scan->marks[next].addr : scan->code.end };
	}
}

/* The address of the first of @names that is a symbol. */
static bool text_mark(struct kco_session *s, const char *const *names, uint64_t *ret)
{
	struct kco_symbol sym;

	for (; *names; names++) {
		if (!kco_symbols_by_name(s->symbols, *names, &sym, NULL)) {
			*ret = sym.addr;
			return true;
		}
	}
	return false;
}

static void text_code(struct kco_session *s, struct bsd_text *text, const struct text_scan *scan,
		      const struct kco_module *mods, size_t n)
{
	struct bsd_range r = scan->code;

	/* The linker's own borders, where it was told to give them. */
	if (!text_mark(s, scan->rule->first, &r.first))
		r.first = scan->code.first;
	if (!text_mark(s, scan->rule->end, &r.end))
		r.end = scan->code.end;
	if (r.first < r.end)
		text->code[text->nr_code++] = r;
	for (size_t i = 0; i < n; i++)
		if (!mods[i].status && mods[i].text_size && mods[i].base + mods[i].text_size > mods[i].base &&
		    !(mods[i].base >= r.first && mods[i].base < r.end))
			text->code[text->nr_code++] =
				(struct bsd_range){ mods[i].base, mods[i].base + mods[i].text_size };
	qsort(text->code, text->nr_code, sizeof(*text->code), text_cmp);
}

struct bsd_text *bsd_text_new(struct kco_session *s, const struct bsd_text_rule *rule)
{
	struct bsd_text *text = calloc(1, sizeof(*text));
	struct text_scan scan = { .rule = rule, .code = { UINT64_MAX, 0 } };
	const struct kco_module *mods = NULL;
	size_t n = 0;

	if (!text || kco_session_need(s, KCO_NEED_SYMS, NULL))
		return text;
	if (kco_modules_get(s, &mods, &n, NULL))
		n = 0;
	(void)!kco_symbols_each(s->symbols, text_symbol, &scan, NULL);
	text->code = calloc(n + 1, sizeof(*text->code));
	text->entries = calloc(scan.n + 1, sizeof(*text->entries));
	if (scan.failed || !text->code || !text->entries) {
		free(scan.marks);
		return text;
	}
	if (scan.n)
		qsort(scan.marks, scan.n, sizeof(*scan.marks), text_mark_cmp);
	text_entries(text, &scan);
	text_code(s, text, &scan, mods, n);
	for (size_t i = 0; i < BSD_TEXT_STARTS && rule->starts[i]; i++)
		if (!text_mark(s, (const char *const[]){ rule->starts[i], NULL }, &text->starts[i]))
			text->starts[i] = 0;
	free(scan.marks);
	return text;
}

bool bsd_text_has(const struct bsd_text *text, uint64_t pc)
{
	return text && text_in(text->code, text->nr_code, pc);
}

bool bsd_text_is_entry(const struct bsd_text *text, uint64_t pc, bool exact)
{
	if (!text)
		return false;
	if (!exact)
		return text_in(text->entries, text->nr_entries, pc - 1);
	/* Interrupted within such code, the frame may be half made. But a thread that never ran begins with a whole
	 * one. */
	for (size_t i = 0; i < BSD_TEXT_STARTS; i++)
		if (text->starts[i] && pc == text->starts[i])
			return true;
	return false;
}

void bsd_text_free(struct bsd_text *text)
{
	if (text) {
		free(text->code);
		free(text->entries);
	}
	free(text);
}
