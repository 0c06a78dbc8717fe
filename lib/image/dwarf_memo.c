// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The payload in the cache, numbers of the host:
 *
 *   u32 answers   u32 rows   u32 bytes of strings   u32 zero
 *   answers x { u64 pc   u32 first row   u32 rows }       pc strictly rising
 *   rows    x { u32 function   u32 file   u32 line   u32 inlined }
 *   strings, each ending in NUL; function and file are offsets, ~0: NULL
 *
 * All of it is checked when it is loaded, so that a lookup cannot leave it.
 */
#include "dwarf_memo.h"

#include <stdlib.h>
#include <string.h>

#include <kco/arena.h>
#include <xxhash.h>

#define MEMO_SUFFIX "lines"
#define MEMO_VERSION 1
#define MEMO_ANSWERS_MAX 131072u
#define MEMO_ROWS_MAX 64u /* of one answer */
#define MEMO_NONE UINT32_MAX

struct memo_head {
	uint32_t nr_answers, nr_rows, strings_size, zero;
};

struct memo_answer {
	uint64_t pc;
	uint32_t first, n;
};

struct memo_row {
	uint32_t function, file, line, inlined;
};

struct kco_dwarf_memo {
	struct kco_arena arena; /* rows */
	void *payload;		/* what was loaded; strings point into it */
	struct kco_dwarf_answer *answers;
	size_t n, cap;
	uint32_t *slots; /* hash table of pc: indices + 1 */
	size_t mask;
	bool fresh; /* holds what the cache does not */
};

static size_t memo_hash(uint64_t pc)
{
	return (size_t)((pc ^ pc >> 29) * 0x9e3779b97f4a7c15ULL >> 20);
}

static size_t memo_slot(const struct kco_dwarf_memo *memo, uint64_t pc)
{
	size_t at = memo_hash(pc) & memo->mask;

	while (memo->slots[at] && memo->answers[memo->slots[at] - 1].pc != pc)
		at = (at + 1) & memo->mask;
	return at;
}

static bool memo_grow(struct kco_dwarf_memo *memo)
{
	size_t cap = memo->cap ? memo->cap * 2 : 256;
	struct kco_dwarf_answer *answers;
	uint32_t *slots;

	if (cap > MEMO_ANSWERS_MAX)
		return false;
	answers = realloc(memo->answers, cap * sizeof(*answers));
	if (!answers)
		return false;
	memo->answers = answers;
	slots = calloc(cap * 2, sizeof(*slots));
	if (!slots)
		return false;
	free(memo->slots);
	memo->slots = slots;
	memo->mask = cap * 2 - 1;
	memo->cap = cap;
	for (size_t i = 0; i < memo->n; i++)
		slots[memo_slot(memo, answers[i].pc)] = (uint32_t)i + 1;
	return true;
}

static bool memo_add(struct kco_dwarf_memo *memo, const struct kco_dwarf_answer *answer)
{
	size_t at;

	if (memo->n == memo->cap && !memo_grow(memo))
		return false;
	at = memo_slot(memo, answer->pc);
	if (memo->slots[at]) {
		memo->answers[memo->slots[at] - 1] = *answer;
		return true;
	}
	memo->answers[memo->n++] = *answer;
	memo->slots[at] = (uint32_t)memo->n;
	return true;
}

const struct kco_dwarf_answer *kco_dwarf_memo_get(const struct kco_dwarf_memo *memo, uint64_t pc)
{
	size_t at;

	if (!memo->n)
		return NULL;
	at = memo_slot(memo, pc);
	return memo->slots[at] ? &memo->answers[memo->slots[at] - 1] : NULL;
}

void kco_dwarf_memo_put(struct kco_dwarf_memo *memo, uint64_t pc, const struct kco_source_line *rows, size_t n)
{
	struct kco_dwarf_answer answer = { .pc = pc, .n = (uint32_t)n };
	struct kco_source_line *copy;

	if (n > MEMO_ROWS_MAX)
		return;
	copy = kco_arena_array(&memo->arena, n, sizeof(*copy));
	if (!copy)
		return;
	if (n)
		memcpy(copy, rows, n * sizeof(*copy));
	answer.rows = copy;
	if (memo_add(memo, &answer))
		memo->fresh = true;
}

void kco_dwarf_memo_distrust(struct kco_dwarf_memo *memo)
{
	size_t n = 0;

	for (size_t i = 0; i < memo->n; i++)
		if (!memo->answers[i].cached)
			memo->answers[n++] = memo->answers[i];
	memo->n = n;
	memo->fresh = true;
	if (!memo->slots)
		return;
	memset(memo->slots, 0, (memo->mask + 1) * sizeof(*memo->slots));
	for (size_t i = 0; i < n; i++)
		memo->slots[memo_slot(memo, memo->answers[i].pc)] = (uint32_t)i + 1;
	// The payload stays: strings of rows that were given already point into it.
}

/* Loading */

struct memo_view {
	struct memo_head head;
	const struct memo_answer *answers;
	const struct memo_row *rows;
	const char *strings;
};

static bool memo_view(const void *payload, size_t size, struct memo_view *view)
{
	size_t answers, rows;

	if (size < sizeof(view->head))
		return false;
	memcpy(&view->head, payload, sizeof(view->head));
	answers = (size_t)view->head.nr_answers * sizeof(*view->answers);
	rows = (size_t)view->head.nr_rows * sizeof(*view->rows);
	if (view->head.nr_answers > MEMO_ANSWERS_MAX || size - sizeof(view->head) < answers ||
	    size - sizeof(view->head) - answers < rows ||
	    size - sizeof(view->head) - answers - rows != view->head.strings_size)
		return false;
	view->answers = (const void *)((const char *)payload + sizeof(view->head));
	view->rows = (const void *)((const char *)view->answers + answers);
	view->strings = (const char *)view->rows + rows;
	return !view->head.strings_size || view->strings[view->head.strings_size - 1] == '\0';
}

static bool memo_string(const struct memo_view *view, uint32_t offset, const char **ret)
{
	if (offset != MEMO_NONE && offset >= view->head.strings_size)
		return false;
	*ret = offset == MEMO_NONE ? NULL : view->strings + offset;
	return true;
}

static bool memo_take(struct kco_dwarf_memo *memo, const struct memo_view *view, struct kco_source_line *rows)
{
	for (uint32_t i = 0; i < view->head.nr_rows; i++) {
		const struct memo_row *row = &view->rows[i];

		if (!memo_string(view, row->function, &rows[i].function) ||
		    !memo_string(view, row->file, &rows[i].file) || row->inlined > 1)
			return false;
		rows[i].line = row->line;
		rows[i].inlined = row->inlined != 0;
	}
	for (uint32_t i = 0; i < view->head.nr_answers; i++) {
		const struct memo_answer *a = &view->answers[i];
		struct kco_dwarf_answer answer = { .pc = a->pc, .rows = rows + a->first, .n = a->n, .cached = true };

		if (a->n > MEMO_ROWS_MAX || a->n > view->head.nr_rows || a->first > view->head.nr_rows - a->n ||
		    (i && a->pc <= view->answers[i - 1].pc) || !memo_add(memo, &answer))
			return false;
	}
	return true;
}

struct kco_dwarf_memo *kco_dwarf_memo_new(const struct kco_debuginfo *di)
{
	struct kco_dwarf_memo *memo;
	struct kco_source_line *rows;
	struct memo_view view;
	size_t size;

	memo = calloc(1, sizeof(*memo));
	if (!memo)
		return NULL;
	kco_arena_init(&memo->arena);
	memo->payload = kco_debuginfo_cache_load_new(di, MEMO_SUFFIX, MEMO_VERSION, &size);
	if (!memo->payload || !memo_view(memo->payload, size, &view))
		return memo;
	rows = kco_arena_array(&memo->arena, view.head.nr_rows, sizeof(*rows));
	if (!rows || !memo_take(memo, &view, rows)) {
		kco_dwarf_memo_distrust(memo);
		memo->fresh = false;
	}
	return memo;
}

void kco_dwarf_memo_free(struct kco_dwarf_memo *memo)
{
	if (!memo)
		return;
	kco_arena_fini(&memo->arena);
	free(memo->payload);
	free(memo->answers);
	free(memo->slots);
	free(memo);
}

/* Storing */

/* Strings, each once. */
struct memo_strings {
	char *bytes;
	size_t size, cap;
	uint32_t *slots; /* offset + 1 */
	size_t mask, n;
	bool failed;
};

static uint32_t memo_intern(struct memo_strings *s, const char *text)
{
	size_t n, at;

	if (!text)
		return MEMO_NONE;
	n = strlen(text) + 1;
	for (at = XXH3_64bits(text, n) & s->mask; s->slots[at]; at = (at + 1) & s->mask)
		if (strcmp(s->bytes + s->slots[at] - 1, text) == 0)
			return s->slots[at] - 1;
	if (n > s->cap - s->size) {
		size_t cap = s->cap * 2 + n;
		char *bytes = cap < MEMO_NONE ? realloc(s->bytes, cap) : NULL;

		if (!bytes) {
			s->failed = true;
			return MEMO_NONE;
		}
		s->bytes = bytes;
		s->cap = cap;
	}
	memcpy(s->bytes + s->size, text, n);
	s->slots[at] = (uint32_t)s->size + 1;
	s->size += n;
	return s->slots[at] - 1;
}

static int memo_compare(const void *a, const void *b)
{
	const struct kco_dwarf_answer *x = a, *y = b;

	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* Rows first, as the strings are complete only then. */
static void memo_write(const struct kco_debuginfo *di, const struct kco_dwarf_answer *answers, size_t n,
		       struct memo_row *rows, size_t nr_rows, struct memo_strings *strings)
{
	struct memo_head head = { .nr_answers = (uint32_t)n, .nr_rows = (uint32_t)nr_rows };
	size_t at = 0, size;
	char *payload, *p;

	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < answers[i].n; k++) {
			const struct kco_source_line *row = &answers[i].rows[k];

			rows[at++] = (struct memo_row){ memo_intern(strings, row->function),
							memo_intern(strings, row->file), row->line, row->inlined };
		}
	}
	head.strings_size = (uint32_t)strings->size;
	size = sizeof(head) + n * sizeof(struct memo_answer) + nr_rows * sizeof(*rows) + strings->size;
	payload = strings->failed ? NULL : malloc(size);
	if (!payload)
		return;
	p = payload;
	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	at = 0;
	for (size_t i = 0; i < n; i++) {
		struct memo_answer answer = { answers[i].pc, (uint32_t)at, answers[i].n };

		memcpy(p, &answer, sizeof(answer));
		p += sizeof(answer);
		at += answers[i].n;
	}
	if (nr_rows)
		memcpy(p, rows, nr_rows * sizeof(*rows));
	p += nr_rows * sizeof(*rows);
	if (strings->size)
		memcpy(p, strings->bytes, strings->size);
	kco_debuginfo_cache_store(di, MEMO_SUFFIX, MEMO_VERSION, payload, size);
	free(payload);
}

void kco_dwarf_memo_store(const struct kco_dwarf_memo *memo, const struct kco_debuginfo *di)
{
	struct memo_strings strings = { 0 };
	struct kco_dwarf_answer *answers;
	size_t nr_rows = 0, slots = 64;
	struct memo_row *rows;

	if (!memo->fresh)
		return;
	for (size_t i = 0; i < memo->n; i++)
		nr_rows += memo->answers[i].n;
	while (slots < nr_rows * 4)
		slots *= 2;
	answers = malloc((memo->n + 1) * sizeof(*answers));
	rows = malloc((nr_rows + 1) * sizeof(*rows));
	strings.slots = calloc(slots, sizeof(*strings.slots));
	strings.mask = slots - 1;
	if (answers && rows && strings.slots) {
		if (memo->n)
			memcpy(answers, memo->answers, memo->n * sizeof(*answers));
		qsort(answers, memo->n, sizeof(*answers), memo_compare);
		memo_write(di, answers, memo->n, rows, nr_rows, &strings);
	}
	free(answers);
	free(rows);
	free(strings.slots);
	free(strings.bytes);
}
