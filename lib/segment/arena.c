// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bump allocator: a list of zeroed blocks, the newest in front. Blocks
 * double up to a limit, so that a small command costs one small block and a
 * symbol table few large ones. What does not fit a block well gets its own,
 * behind the head, so that the head keeps its room.
 */
#include <kco/arena.h>

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_BLOCK_MIN ((size_t)4096 - 64) /* a page with malloc's own header */
#define ARENA_BLOCK_MAX ((size_t)256 * 1024)

struct kco_arena_block {
	struct kco_arena_block *next;
	size_t used, size;
	alignas(ARENA_ALIGN) unsigned char data[];
};

void kco_arena_init(struct kco_arena *arena)
{
	*arena = (struct kco_arena){ 0 };
}

void kco_arena_fini(struct kco_arena *arena)
{
	struct kco_arena_block *block = arena->head;

	while (block) {
		struct kco_arena_block *next = block->next;

		free(block);
		block = next;
	}
	kco_arena_init(arena);
}

static struct kco_arena_block *arena_block_new(size_t size)
{
	struct kco_arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (block)
		block->size = size;
	return block;
}

/* A block with room for @n bytes; in front unless it is for these bytes alone. */
static struct kco_arena_block *arena_grow(struct kco_arena *arena, size_t n)
{
	struct kco_arena_block *head = arena->head, *block;
	size_t size = head ? head->size * 2 : ARENA_BLOCK_MIN;

	if (size > ARENA_BLOCK_MAX)
		size = ARENA_BLOCK_MAX;
	if (head && n > size / 4) {
		block = arena_block_new(n);
		if (block) {
			block->next = head->next;
			head->next = block;
		}
		return block;
	}
	block = arena_block_new(n > size ? n : size);
	if (block) {
		block->next = head;
		arena->head = block;
	}
	return block;
}

void *kco_arena_alloc(struct kco_arena *arena, size_t n)
{
	struct kco_arena_block *block = arena->head;
	size_t room;
	void *p;

	if (n > SIZE_MAX - ARENA_ALIGN)
		return NULL;
	// Zero bytes still get an address of their own.
	room = n ? (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1) : ARENA_ALIGN;
	if (!block || block->size - block->used < room) {
		block = arena_grow(arena, room);
		if (!block)
			return NULL;
	}
	p = block->data + block->used;
	block->used += room;
	arena->total += n;
	return p;
}

void *kco_arena_array(struct kco_arena *arena, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return kco_arena_alloc(arena, n);
}

char *kco_arena_strndup(struct kco_arena *arena, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = len == SIZE_MAX ? NULL : kco_arena_alloc(arena, len + 1);

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

char *kco_arena_printf(struct kco_arena *arena, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	text = kco_arena_alloc(arena, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}
