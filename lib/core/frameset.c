// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of page frames.
 */
#include "frameset.h"

#include <stdlib.h>
#include <string.h>

#define FRAMESET_SHIFT 12
#define FRAMESET_FRAMES (UINT64_C(1) << FRAMESET_SHIFT)

struct kco_frameset_piece {
	uint64_t index; /* frame >> FRAMESET_SHIFT */
	uint64_t bits[FRAMESET_FRAMES / 64];
};

void kco_frameset_fini(struct kco_frameset *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->pieces[i]);
	free(set->pieces);
	*set = (struct kco_frameset){ 0 };
}

/* Where the piece with @index is, or belongs. */
static size_t frameset_position(const struct kco_frameset *set, uint64_t index)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->pieces[mid]->index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct kco_frameset_piece *frameset_get(struct kco_frameset *set, uint64_t index)
{
	size_t at;

	if (set->last < set->n && set->pieces[set->last]->index == index)
		return set->pieces[set->last];
	at = frameset_position(set, index);
	if (at == set->n || set->pieces[at]->index != index)
		return NULL;
	set->last = at;
	return set->pieces[at];
}

static struct kco_frameset_piece *frameset_make(struct kco_frameset *set, uint64_t index)
{
	struct kco_frameset_piece *piece = frameset_get(set, index);
	size_t at;

	if (piece)
		return piece;
	if (set->n == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 64;
		struct kco_frameset_piece **pieces =
			reallocarray(set->pieces, cap, sizeof(struct kco_frameset_piece *));

		if (!pieces)
			return NULL;
		set->pieces = pieces;
		set->cap = cap;
	}
	piece = calloc(1, sizeof(*piece));
	if (!piece)
		return NULL;
	piece->index = index;
	at = frameset_position(set, index);
	memmove(set->pieces + at + 1, set->pieces + at, (set->n - at) * sizeof(struct kco_frameset_piece *));
	set->pieces[at] = piece;
	set->n++;
	set->last = at;
	return piece;
}

enum kco_status kco_frameset_add(struct kco_frameset *set, uint64_t first, uint64_t last)
{
	for (uint64_t frame = first; frame <= last; frame++) {
		struct kco_frameset_piece *piece = frameset_make(set, frame >> FRAMESET_SHIFT);
		uint64_t bit = frame & (FRAMESET_FRAMES - 1);

		if (!piece)
			return KCO_E_NOMEM;
		piece->bits[bit / 64] |= UINT64_C(1) << bit % 64;
		if (frame == UINT64_MAX)
			break;
	}
	return KCO_OK;
}

void kco_frameset_remove(struct kco_frameset *set, uint64_t frame)
{
	struct kco_frameset_piece *piece = frameset_get(set, frame >> FRAMESET_SHIFT);
	uint64_t bit = frame & (FRAMESET_FRAMES - 1);

	if (piece)
		piece->bits[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

bool kco_frameset_has(struct kco_frameset *set, uint64_t frame)
{
	const struct kco_frameset_piece *piece = frameset_get(set, frame >> FRAMESET_SHIFT);
	uint64_t bit = frame & (FRAMESET_FRAMES - 1);

	return piece && piece->bits[bit / 64] >> bit % 64 & 1;
}

/* The first frame at or after @frame that is @in the set (UINT64_MAX: none; all that are beyond its pieces are not in).
 */
static uint64_t frameset_next(const struct kco_frameset *set, uint64_t frame, bool in)
{
	for (size_t i = frameset_position(set, frame >> FRAMESET_SHIFT); i < set->n; i++) {
		const struct kco_frameset_piece *piece = set->pieces[i];
		uint64_t first = piece->index << FRAMESET_SHIFT, bit = 0;

		if (frame > first)
			bit = frame - first;
		else if (!in && frame < first)
			return frame; // between two pieces nothing is in
		while (bit < FRAMESET_FRAMES) {
			uint64_t word = (in ? piece->bits[bit / 64] : ~piece->bits[bit / 64]) >> bit % 64;

			if (word)
				return first + bit + (uint64_t)__builtin_ctzll(word);
			bit = (bit / 64 + 1) * 64;
		}
		frame = first + FRAMESET_FRAMES;
	}
	return in ? UINT64_MAX : frame;
}

bool kco_frameset_run(const struct kco_frameset *set, uint64_t frame, bool in, uint64_t *first, uint64_t *last)
{
	*first = frameset_next(set, frame, in);
	if (*first == UINT64_MAX)
		return false;
	*last = frameset_next(set, *first, !in) - 1;
	return true;
}
