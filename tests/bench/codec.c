// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a codec alone takes for the pages of a LiME file, in memory and on
 * several threads: what no writer of compressed dumps can be faster than. For
 * bench.py.
 *
 *   codec zlib|lzo|snappy|zstd THREADS FILE
 *
 * Pages of zeros are left out, as a writer does. Prints seconds, pages and bytes
 * that came out; the least of three rounds.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kco/codec.h>

#define PAGE 4096u
#define ROUNDS 3
#define THREADS_MAX 256u
/* Taken by a thread at a time, as a piece of convert's. */
#define PIECE 64u

struct codec {
	enum kco_codec_id id;
	const uint8_t **pages;
	size_t n, next; /* under @lock */
	uint64_t out;
	pthread_mutex_t lock;
};

static void *codec_work(void *arg)
{
	struct codec *c = arg;
	struct kco_encoder *encoder;
	uint8_t to[PAGE];
	uint64_t out = 0;
	size_t first, size;

	if (kco_encoder_new(c->id, 0, &encoder, NULL) != KCO_OK)
		abort();
	for (;;) {
		pthread_mutex_lock(&c->lock);
		first = c->next;
		c->next += PIECE;
		pthread_mutex_unlock(&c->lock);
		if (first >= c->n)
			break;
		for (size_t i = first; i < first + PIECE && i < c->n; i++) {
			if (kco_encoder_compress(encoder, c->pages[i], PAGE, to, PAGE - 1, &size, NULL) != KCO_OK)
				abort();
			out += size ? size : PAGE;
		}
	}
	kco_encoder_free(encoder);
	pthread_mutex_lock(&c->lock);
	c->out += out;
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static double codec_round(struct codec *c, unsigned threads)
{
	struct timespec a, b;
	pthread_t id[THREADS_MAX];

	c->next = 0;
	c->out = 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&id[i], NULL, codec_work, c))
			abort();
	for (unsigned i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
}

static uint8_t *codec_load(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long size = -1;

	if (f && !fseek(f, 0, SEEK_END) && (size = ftell(f)) > 0 && !fseek(f, 0, SEEK_SET))
		bytes = malloc((size_t)size);
	if (!bytes || fread(bytes, 1, (size_t)size, f) != (size_t)size) {
		fprintf(stderr, "codec: cannot read %s\n", path);
		exit(1);
	}
	fclose(f);
	*n = (size_t)size;
	return bytes;
}

/* The pages of all ranges: behind each header of 32 bytes from its first to its last address. */
static void codec_find(struct codec *c, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	c->pages = calloc(n / PAGE + 1, sizeof(*c->pages));
	while (c->pages && n - at > 32) {
		uint64_t first, last;

		memcpy(&first, bytes + at + 8, sizeof(first));
		memcpy(&last, bytes + at + 16, sizeof(last));
		at += 32;
		for (uint64_t left = last - first + 1; left >= PAGE && n - at >= PAGE; left -= PAGE, at += PAGE)
			if (bytes[at] || memcmp(bytes + at, bytes + at + 1, PAGE - 1))
				c->pages[c->n++] = bytes + at;
	}
}

int main(int argc, char **argv)
{
	static const enum kco_codec_id ids[] = { KCO_CODEC_ZLIB, KCO_CODEC_LZO, KCO_CODEC_SNAPPY, KCO_CODEC_ZSTD };
	struct codec c = { .id = KCO_CODEC_NONE, .lock = PTHREAD_MUTEX_INITIALIZER };
	unsigned long threads = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	double least = 0;
	uint8_t *bytes;
	size_t n;

	for (size_t i = 0; threads && i < sizeof(ids) / sizeof(*ids); i++)
		if (!strcmp(argv[1], kco_codec_name(ids[i])))
			c.id = ids[i];
	if (c.id == KCO_CODEC_NONE || threads > THREADS_MAX) {
		fputs("usage: codec zlib|lzo|snappy|zstd THREADS FILE\n", stderr);
		return 2;
	}
	bytes = codec_load(argv[3], &n);
	codec_find(&c, bytes, n);
	for (int i = 0; i < ROUNDS; i++) {
		double t = codec_round(&c, (unsigned)threads);

		least = !i || t < least ? t : least;
	}
	printf("%.6f %zu %" PRIu64 "\n", least, c.n, c.out);
	free(c.pages);
	free(bytes);
	return 0;
}
