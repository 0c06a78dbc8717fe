// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of a page table entry: "PRESENT|RW|USER".
 */
#ifndef KCO_ARCH_FLAGS_H
#define KCO_ARCH_FLAGS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arch_flag {
	uint64_t bit;
	const char *name;
};

struct arch_words {
	char *buf;
	size_t n, used;
};

static inline void arch_words_begin(struct arch_words *w)
{
	if (w->n)
		w->buf[0] = '\0';
}

/** Add a word with its separator: the whole of it or, where there is no room, nothing any more. */
static inline void arch_words_add(struct arch_words *w, const char *word)
{
	size_t len = strlen(word), bar = w->used ? 1 : 0;

	if (w->used >= w->n || len + bar >= w->n - w->used) {
		w->n = w->used;
		return;
	}
	if (bar)
		w->buf[w->used++] = '|';
	memcpy(w->buf + w->used, word, len + 1);
	w->used += len;
}

static inline void arch_words_flags(struct arch_words *w, uint64_t entry, const struct arch_flag *flags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (entry & flags[i].bit)
			arch_words_add(w, flags[i].name);
}

#endif
