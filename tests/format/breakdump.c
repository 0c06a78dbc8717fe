// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * breakdump cuts|flips|junk|zeros|gone FILE [SEED [COUNT]]
 *
 * Damage a good dump in memory, again and again, and read all of it each time.
 *
 * cuts   the file ends early: at each place of FILE.map and around it, at each
 *        512 bytes and at COUNT random places. What can still be read must be
 *        what the whole dump has there, and what is gone must be told: by the
 *        open, by a warning or by the page's own error. Never zeros.
 * flips  each bit of the places in FILE.map that are not page data, then COUNT
 *        random ones anywhere. Bits that say where memory is may move it, so
 *        only the manners of the reader are checked: no crash, no hang, no
 *        error without words.
 * junk   COUNT times: a random stretch of random bytes.
 * zeros, gone (LiME)   damage that must be found: for the driver's self-test.
 *
 * Each round has 20 seconds; without a sanitizer, memory is limited to 1 GiB.
 */
#include <kco/formats.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "facts.h"

#define MAX_PAGES 5000
#define SECONDS 20

static char now[256]; /* the damage of this round, for the alarm */
static unsigned warnings, rounds, opened, failures;
static const char *path;

static void too_slow(int sig)
{
	(void)sig;
	(void)!write(1, "too slow: ", 10);
	(void)!write(1, now, strlen(now));
	(void)!write(1, "\n", 1);
	_exit(1);
}

static void fail(const char *what, uint64_t addr)
{
	if (failures++ < 10)
		printf("%s %s: %s at %#" PRIx64 "\n", path, now, what, addr);
}

static void warn(void *arg, const char *msg)
{
	(void)arg;
	(void)msg;
	warnings++;
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* @bytes as an image: a copy of exactly that size, so that a sanitizer sees each byte too far. */
static struct kco_image *image_of(const uint8_t *bytes, size_t n)
{
	struct kco_image_options opts = { .warn = warn };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_image *img = NULL;
	uint8_t *copy = malloc(n ? n : 1);
	struct kco_io *io;
	enum kco_status status;

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	warnings = 0;
	if (kco_io_memory_new(copy, n, 1, "damaged", &io, &err) != KCO_OK)
		abort();
	status = kco_image_open_io_new(io, kco_formats, &opts, &img, &err);
	kco_io_unref(io);
	if (status == KCO_OK)
		return img;
	if (err.code != status || !err.msg[0] || !memchr(err.msg, 0, sizeof(err.msg)))
		fail("an error without words", 0);
	return NULL;
}

struct whole {
	struct kco_image *img;
	struct kco_reader *rd;
	struct pieces pieces;
};

/* Whether a good piece has the bytes that the whole dump has there. */
static void compare(struct whole *w, const struct piece *p)
{
	uint8_t buf[4096];
	size_t n = (size_t)(p->last - p->first) + 1;

	if (p->status != KCO_OK)
		return;
	if (kco_reader_read(w->rd, p->kind, p->first, buf, n, NULL, NULL) != KCO_OK)
		fail("memory that the whole dump does not have", p->first);
	else if ((uint32_t)crc32(0, buf, (uInt)n) != p->crc)
		fail(p->zero ? "SILENT ZEROS" : "wrong bytes", p->first);
}

/* Each good piece of the whole dump must be there, or something must have been said. */
static void check_told(struct whole *w, const struct pieces *now_pieces)
{
	for (size_t i = 0, k = 0; i < w->pieces.n; i++) {
		const struct piece *p = &w->pieces.v[i];

		while (k < now_pieces->n && (now_pieces->v[k].kind < p->kind ||
					     (now_pieces->v[k].kind == p->kind && now_pieces->v[k].last < p->first)))
			k++;
		if (p->status == KCO_OK && !warnings &&
		    (k == now_pieces->n || now_pieces->v[k].kind != p->kind || now_pieces->v[k].first > p->first))
			fail("memory that is gone without a word", p->first);
	}
}

static void try(struct whole *w, const uint8_t *bytes, size_t n, bool strict)
{
	struct kco_image *img;
	struct pieces pieces;
	struct kco_err err;

	alarm(SECONDS);
	rounds++;
	img = image_of(bytes, n);
	if (!img)
		return;
	opened++;
	if (facts_read(img, MAX_PAGES, &pieces, NULL, NULL, &err) != KCO_OK) {
		if (err.code != KCO_E_NOMEM)
			fail(err.msg, 0);
	} else {
		for (size_t i = 0; strict && i < pieces.n; i++)
			compare(w, &pieces.v[i]);
		if (strict)
			check_told(w, &pieces);
		facts_free(&pieces);
	}
	kco_image_free(img);
}

/* Places: the names, offsets and sizes that kdmk left beside the file. */
struct place {
	char name[64];
	uint64_t off, size;
};

static size_t places_read(struct place **ret)
{
	char name[4096];
	struct place *v = NULL, p;
	size_t n = 0;
	FILE *f;

	snprintf(name, sizeof(name), "%s.map", path);
	f = fopen(name, "r");
	while (f && fscanf(f, "%63s %" SCNu64 " %" SCNu64, p.name, &p.off, &p.size) == 3) {
		v = realloc(v, (n + 1) * sizeof(*v));
		if (!v)
			abort();
		v[n++] = p;
	}
	if (f)
		fclose(f);
	*ret = v;
	return n;
}

static void cut(struct whole *w, const uint8_t *bytes, size_t size, uint64_t at)
{
	if (at >= size)
		return;
	snprintf(now, sizeof(now), "cut to %" PRIu64 " of %zu bytes", at, size);
	try(w, bytes, (size_t)at, true);
}

static void cuts(struct whole *w, uint8_t *bytes, size_t size, uint64_t seed, unsigned count)
{
	struct place *places;
	size_t n = places_read(&places), step = size / 400 < 512 ? 512 : size / 400;

	for (size_t i = 0; i < n; i++) {
		// LiME has no count and no end mark: a file that ends before a range's header looks whole.
		if (strncmp(places[i].name, "range[", 6))
			cut(w, bytes, size, places[i].off);
		cut(w, bytes, size, places[i].off + 1);
		cut(w, bytes, size, places[i].off + places[i].size / 2);
		cut(w, bytes, size, places[i].off + places[i].size - 1);
	}
	for (uint64_t at = 0; at < size; at += step)
		cut(w, bytes, size, at);
	while (count--)
		cut(w, bytes, size, random_next(&seed) % size);
	free(places);
}

static void flip(struct whole *w, uint8_t *bytes, size_t size, uint64_t at, uint8_t mask)
{
	if (at >= size)
		return;
	snprintf(now, sizeof(now), "byte %" PRIu64 " ^ %#x", at, mask);
	bytes[at] ^= mask;
	try(w, bytes, size, false);
	bytes[at] ^= mask;
}

static void flips(struct whole *w, uint8_t *bytes, size_t size, uint64_t seed, unsigned count)
{
	struct place *places;
	size_t n = places_read(&places);
	uint8_t *flipped = calloc(1, size);

	if (!flipped)
		abort();
	for (size_t i = 0; i < n; i++) {
		// A bitmap may be large: its first bytes and a few more; of page data the first bytes only.
		uint64_t len = places[i].size < 16 ? places[i].size : 16;

		for (uint64_t at = places[i].off; at < places[i].off + len && at < size; at++) {
			// Places lie within places.
			if (flipped[at]++)
				continue;
			for (int bit = 0; bit < 8; bit++)
				flip(w, bytes, size, at, (uint8_t)(1 << bit));
			flip(w, bytes, size, at, 0xff);
		}
	}
	free(flipped);
	while (count--) {
		uint64_t r = random_next(&seed);

		flip(w, bytes, size, (r >> 8) % size, (uint8_t)(1 << (r & 7)));
	}
	free(places);
}

static void junk(struct whole *w, uint8_t *bytes, size_t size, uint64_t seed, unsigned count)
{
	uint8_t *copy = malloc(size);

	if (!copy)
		abort();
	while (count--) {
		uint64_t at = random_next(&seed) % size, n = 1 + random_next(&seed) % 64;

		memcpy(copy, bytes, size);
		for (uint64_t k = 0; k < n && at + k < size; k++)
			copy[at + k] = (uint8_t)(random_next(&seed) >> 24);
		snprintf(now, sizeof(now), "%" PRIu64 " random bytes at %" PRIu64 " (%u to go)", n, at, count);
		try(w, copy, size, false);
	}
	free(copy);
}

/* What a reader that fills gaps with zeros would give. */
static void self_test_zeros(struct whole *w, uint8_t *bytes, size_t size)
{
	size_t at = size / 2 & ~(size_t)4095;

	memset(bytes + at, 0, size - at);
	snprintf(now, sizeof(now), "the second half is zeros");
	try(w, bytes, size, true);
}

static uint8_t *slurp(size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	*size = (size_t)st.st_size;
	bytes = malloc(*size);
	if (!bytes || read(fd, bytes, *size) != st.st_size)
		return NULL;
	close(fd);
	return bytes;
}

int main(int argc, char **argv)
{
	struct whole w = { 0 };
	struct kco_err err;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	unsigned count = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 0) : 1000;
	size_t size;
	uint8_t *bytes;
#if !defined(__SANITIZE_ADDRESS__)
	struct rlimit limit = { 1 << 30, 1 << 30 };

	setrlimit(RLIMIT_AS, &limit);
#endif
	if (argc < 3)
		return 2;
	path = argv[2];
	bytes = slurp(&size);
	if (!bytes) {
		printf("%s cannot be read\n", path);
		return 2;
	}
	signal(SIGALRM, too_slow);
	w.img = image_of(bytes, size);
	if (!w.img || kco_reader_new(w.img, &w.rd, &err) != KCO_OK ||
	    facts_read(w.img, MAX_PAGES, &w.pieces, NULL, NULL, &err) != KCO_OK) {
		printf("%s: the undamaged dump cannot be read\n", path);
		return 2;
	}
	if (!strcmp(argv[1], "cuts"))
		cuts(&w, bytes, size, seed, count);
	else if (!strcmp(argv[1], "flips"))
		flips(&w, bytes, size, seed, count);
	else if (!strcmp(argv[1], "zeros"))
		self_test_zeros(&w, bytes, size);
	else if (!strcmp(argv[1], "gone"))
		cut(&w, bytes, size, 0x1000 * 2 + 32);
	else if (!strcmp(argv[1], "junk"))
		junk(&w, bytes, size, seed, count);
	printf("%s %s: %u rounds, %u opened, %u failures\n", path, argv[1], rounds, opened, failures);
	facts_free(&w.pieces);
	kco_reader_free(w.rd);
	kco_image_free(w.img);
	free(bytes);
	return failures || !rounds ? 1 : 0;
}
