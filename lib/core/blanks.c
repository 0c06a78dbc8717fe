// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Physical memory that is to be blank.
 */
#include "blanks.h"

#include <inttypes.h>
#include <stdlib.h>

#define BLANKS_MAX (UINT32_C(1) << 28) /* ranges: 4 GiB of them */

void kco_blanks_fini(struct kco_blanks *blanks)
{
	free(blanks->ranges);
	*blanks = (struct kco_blanks){ 0 };
}

enum kco_status kco_blanks_add(struct kco_blanks *blanks, uint64_t pa, uint64_t n, struct kco_err *err)
{
	struct kco_blank *last = blanks->n ? &blanks->ranges[blanks->n - 1] : NULL;

	if (!n)
		return KCO_OK;
	if (pa + (n - 1) < pa)
		return kco_fail(err, KCO_E_CORRUPT, "%" PRIu64 " bytes at 0x%" PRIx64, n, pa);
	if (last && last->last + 1 == pa && pa) {
		last->last = pa + (n - 1);
		return KCO_OK;
	}
	if (blanks->n == blanks->cap) {
		size_t cap = blanks->cap ? blanks->cap * 2 : 256;
		struct kco_blank *grown = cap > BLANKS_MAX ? NULL : reallocarray(blanks->ranges, cap, sizeof(*grown));

		if (!grown)
			return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu ranges", cap);
		blanks->ranges = grown;
		blanks->cap = cap;
	}
	blanks->ranges[blanks->n++] = (struct kco_blank){ pa, pa + (n - 1) };
	return KCO_OK;
}

static int blanks_compare(const void *a, const void *b)
{
	const struct kco_blank *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

uint64_t kco_blanks_settle(struct kco_blanks *blanks)
{
	uint64_t bytes = 0;
	size_t n = 0;

	if (blanks->n)
		qsort(blanks->ranges, blanks->n, sizeof(*blanks->ranges), blanks_compare);
	for (size_t i = 0; i < blanks->n; i++) {
		const struct kco_blank *b = &blanks->ranges[i];
		struct kco_blank *last = n ? &blanks->ranges[n - 1] : NULL;

		if (!last || b->first > last->last)
			blanks->ranges[n++] = *b;
		else if (b->last > last->last)
			last->last = b->last;
	}
	blanks->n = n;
	for (size_t i = 0; i < n; i++)
		bytes += blanks->ranges[i].last - blanks->ranges[i].first + 1;
	return bytes;
}
