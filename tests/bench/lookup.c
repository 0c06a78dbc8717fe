// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long it takes to find where a page of a dump is, without reading it:
 * what a whole program's time cannot tell. For bench.py.
 *
 *   lookup minidump FILE BITMAP BITS          the page bitmap of @BITS bits at offset BITMAP
 *   lookup kcore FILE TABLE RANGES DATA       the table of ranges at offset TABLE, memory at DATA
 *
 * Prints nanoseconds a lookup: of addresses in no order and in ascending order,
 * each the least of several rounds, everything warm. Of half of the addresses
 * there is a page, as far as there are so many.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kco/image.h>
#include <kco/io.h>

#include "bitrank.h"
#include "bsd_ranges.h"

#define LOOKUPS (UINT64_C(1) << 20)
#define ROUNDS 7

struct lookup {
	struct kco_bitrank *rank;
	struct kco_bsd_ranges *ranges;
	uint64_t at[LOOKUPS];
	uint64_t found, sum; /* so that nothing is optimised away */
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Sebastiano Vigna's splitmix64: the same addresses each time. */
static uint64_t lookup_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool lookup_one(struct lookup *l, uint64_t at)
{
	uint64_t where = 0, left;
	bool set = false;

	if (l->ranges)
		set = kco_bsd_ranges_find(l->ranges, at, &where, &left);
	else if (kco_bitrank_get(l->rank, at, &set, &where, NULL) != KCO_OK)
		exit(1);
	l->sum += where;
	return set;
}

static double lookup_time(struct lookup *l)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double start = seconds();

		l->found = 0;
		for (uint64_t i = 0; i < LOOKUPS; i++)
			l->found += lookup_one(l, l->at[i]);
		start = seconds() - start;
		if (start < best)
			best = start;
	}
	return best * 1e9 / (double)LOOKUPS;
}

static int lookup_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Addresses below @end, every other one of a page that is there. */
static void lookup_choose(struct lookup *l, uint64_t end)
{
	uint64_t state = 1;

	for (uint64_t i = 0; i < LOOKUPS; i++) {
		bool want = i % 2;

		for (int tries = 0; tries < 1000; tries++) {
			l->at[i] = lookup_random(&state) % end;
			if (lookup_one(l, l->at[i]) || !want)
				break;
		}
	}
}

int main(int argc, char **argv)
{
	static struct lookup l;
	struct kco_err err = KCO_ERR_INIT;
	bool kcore = argc == 6 && !strcmp(argv[1], "kcore");
	struct kco_io *io;
	double start, open, any, ascending;
	enum kco_status st;
	uint64_t n, end;

	if (!kcore && !(argc == 5 && !strcmp(argv[1], "minidump"))) {
		fprintf(stderr, "usage: lookup minidump FILE BITMAP BITS | kcore FILE TABLE RANGES DATA\n");
		return 2;
	}
	end = n = strtoull(argv[4], NULL, 0);
	st = kco_io_open_new(argv[2], &io, &err);
	start = seconds();
	if (!st && kcore)
		st = kco_bsd_ranges_read_new(io, strtoull(argv[3], NULL, 0), n, strtoull(argv[5], NULL, 0), &l.ranges,
					     &err);
	else if (!st)
		st = kco_bitrank_new(io, strtoull(argv[3], NULL, 0), 0, n, KCO_LSB_FIRST, &l.rank, &err);
	open = seconds() - start;
	if (st || !n) {
		fprintf(stderr, "lookup: %s\n", err.msg);
		return 1;
	}
	if (kcore)
		end = l.ranges->rest[l.ranges->n - 1].last;
	lookup_choose(&l, end);
	any = lookup_time(&l);
	qsort(l.at, LOOKUPS, sizeof(l.at[0]), lookup_cmp);
	ascending = lookup_time(&l);
	printf("%.1f %.1f %.3f %" PRIu64 " %" PRIu64 "\n", any, ascending, open * 1e3, l.found * 100 / LOOKUPS, l.sum);
	return 0;
}
