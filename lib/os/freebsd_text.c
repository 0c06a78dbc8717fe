// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text: where code is, and which of it has a trap frame on top of the stack.
 *
 * What the kernel is entered by is assembly without CFI. It makes a struct
 * trapframe on the stack and calls C: a return address within it says that the
 * frame lies exactly where the stack pointer is after the return. Which code
 * this is is told by names, those of the nearest symbol below (kgdb's rule):
 * the machine's row knows them.
 */
#include "freebsd.h"

#include <stdlib.h>
#include <string.h>

struct freebsd_text {
	struct freebsd_range *code; /* sorted; the kernel's and the modules' */
	size_t nr_code;
	struct freebsd_range *entries; /* sorted: functions with a trap frame on top of the stack */
	size_t nr_entries;
	uint64_t start; /* of the function that threads begin in, 0 unknown */
};

static int text_cmp(const void *a, const void *b)
{
	const struct freebsd_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static bool text_in(const struct freebsd_range *ranges, size_t n, uint64_t addr)
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
	const struct freebsd_machine *machine;
	struct freebsd_range code; /* of all symbols that are code */
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
		(struct text_mark){ sym->addr, scan->machine->is_entry && scan->machine->is_entry(sym->name) };
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
static void text_entries(struct freebsd_text *text, const struct text_scan *scan)
{
	for (size_t i = 0, next; i < scan->n; i = next) {
		for (next = i + 1; next < scan->n && scan->marks[next].addr == scan->marks[i].addr; next++)
			;
		if (scan->marks[i].entry)
			text->entries[text->nr_entries++] =
				(struct freebsd_range){ scan->marks[i].addr,
							next < scan->n ? scan->marks[next].addr : scan->code.end };
	}
}

static void text_code(struct kco_session *s, struct freebsd_text *text, const struct text_scan *scan,
		      const struct kco_module *mods, size_t n)
{
	struct freebsd_range r = scan->code;

	/* The linker's own borders, where it was told to give them. */
	if (freebsd_symbol(s, &r.first, NULL, "btext", NULL))
		r.first = scan->code.first;
	if (freebsd_symbol(s, &r.end, NULL, "etext", "_etext", NULL))
		r.end = scan->code.end;
	if (r.first < r.end)
		text->code[text->nr_code++] = r;
	for (size_t i = 0; i < n; i++)
		if (!mods[i].status && mods[i].text_size && mods[i].base + mods[i].text_size > mods[i].base &&
		    !(mods[i].base >= r.first && mods[i].base < r.end))
			text->code[text->nr_code++] =
				(struct freebsd_range){ mods[i].base, mods[i].base + mods[i].text_size };
	qsort(text->code, text->nr_code, sizeof(*text->code), text_cmp);
}

/* Loaded on the session's thread before workers start (kco_unwinder_new), then read-only. */
static const struct freebsd_text *text_load(struct kco_session *s)
{
	struct freebsd_os *os = freebsd_of(s);
	struct text_scan scan = { .machine = os->machine, .code = { UINT64_MAX, 0 } };
	const struct kco_module *mods = NULL;
	struct freebsd_text *text;
	struct kco_regs none;
	size_t n = 0;

	if (os->text)
		return os->text;
	text = os->text = calloc(1, sizeof(*text));
	if (!text || kco_session_need(s, KCO_NEED_SYMS, NULL))
		return text;
	/* Registers and frames are asked for by the same workers. */
	(void)!freebsd_cpu_regs(s, 0, &none, NULL);
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
	if (!os->machine->start || freebsd_symbol(s, &text->start, NULL, os->machine->start, NULL))
		text->start = 0;
	free(scan.marks);
	return text;
}

bool freebsd_is_text(struct kco_session *s, uint64_t pc)
{
	const struct freebsd_text *text = text_load(s);

	return text && text_in(text->code, text->nr_code, pc);
}

bool freebsd_is_entry(struct kco_session *s, uint64_t pc, bool exact)
{
	const struct freebsd_text *text = text_load(s);

	if (!text)
		return false;
	/* Interrupted within such code, the frame may be half made. But a thread that never ran begins with a whole
	 * one. */
	if (exact)
		return text->start && pc == text->start;
	return text_in(text->entries, text->nr_entries, pc - 1);
}

void freebsd_text_fini(struct kco_session *s)
{
	struct freebsd_text *text = freebsd_of(s)->text;

	if (text) {
		free(text->code);
		free(text->entries);
	}
	free(text);
	freebsd_of(s)->text = NULL;
}
