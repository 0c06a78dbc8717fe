// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A bump allocator: many small allocations that die together.
 *
 * Commands get one that dies when they return; images and symbol tables own
 * one each. Not thread-safe. Zeroed memory, 16-byte alignment.
 */
#ifndef KCO_ARENA_H
#define KCO_ARENA_H

#include <stddef.h>

#include <kco/err.h>

struct kco_arena_block;

struct kco_arena {
	struct kco_arena_block *head;
	size_t total; /* bytes handed out */
};

void kco_arena_init(struct kco_arena *arena);
/** Free everything. Safe on an initialised arena at any time. */
void kco_arena_fini(struct kco_arena *arena);

/** @n zeroed bytes, or NULL when memory is out. */
void *kco_arena_alloc(struct kco_arena *arena, size_t n);
/** @count * @size zeroed bytes, NULL on overflow or when memory is out. */
void *kco_arena_array(struct kco_arena *arena, size_t count, size_t size);
/** A NUL-terminated copy of the first @n bytes of @s (fewer if a NUL comes first). */
char *kco_arena_strndup(struct kco_arena *arena, const char *s, size_t n);
char *kco_arena_printf(struct kco_arena *arena, const char *fmt, ...) KCO_PRINTF(2, 3);

#endif
