// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a dump: every row of the format table detects, peels, opens and
 * reads them.
 *
 * The input is the file, in memory; detection is by content, as for a user.
 * What must hold: no crash, no hang, memory within the limit of the run, and a
 * read gives the same bytes or the same error to two readers.
 *
 * The libkdumpfile row is left out: it is a library of others with known holes
 * (see formats/libkdumpfile.c), and it would stop every run at the first one.
 */
#include <kco/formats.h>
#include <kco/image.h>

#include <stdlib.h>
#include <string.h>

#define FUZZ_PAGES 64
#define FUZZ_ROWS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct kco_format_ops kco_format_libkdumpfile;

static const struct kco_format_ops *const *fuzz_rows(void)
{
	static const struct kco_format_ops *rows[FUZZ_ROWS];
	static size_t n;

	if (n)
		return rows;
	for (size_t i = 0; kco_formats[i]; i++)
		if (kco_formats[i] != &kco_format_libkdumpfile && n < FUZZ_ROWS - 1)
			rows[n++] = kco_formats[i];
	return rows;
}

/* Read @n bytes at @addr twice, the second time with another reader's cold tables. */
static void fuzz_page(struct kco_reader *a, struct kco_reader *b, enum kco_addr_kind kind, uint64_t addr, size_t n)
{
	uint8_t x[8192], y[8192];
	size_t got_x, got_y;
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status sx = kco_reader_read(a, kind, addr, x, n, &got_x, &err);
	enum kco_status sy = kco_reader_read(b, kind, addr, y, n, &got_y, NULL);

	if (sx != sy || got_x != got_y || memcmp(x, y, got_x) || got_x > n || (sx == KCO_OK) != (got_x == n))
		abort();
	if (sx != KCO_OK && (err.code != sx || !err.msg[0] || !memchr(err.msg, 0, sizeof(err.msg))))
		abort();
}

static void fuzz_read(struct kco_image *img)
{
	struct kco_reader *a = NULL, *b = NULL;

	if (kco_reader_new(img, &a, NULL) != KCO_OK || kco_reader_new(img, &b, NULL) != KCO_OK)
		abort();
	for (int kind = KCO_PHYS; kind <= KCO_VIRT; kind++) {
		const struct kco_segment *seg = kco_reader_next(a, kind, 0);

		for (int budget = FUZZ_PAGES; seg && budget > 0;) {
			uint64_t first = seg->first, last = seg->last, step = (last - first) / 24 + 1;

			// The first pages, then over all of the segment, and across its end.
			for (uint64_t addr = first; addr - first < 16 * 4096 && addr <= last && budget; addr += 4096) {
				fuzz_page(a, b, kind, addr, 4096);
				budget--;
			}
			for (uint64_t addr = first; addr <= last && budget-- > 0; addr += step) {
				fuzz_page(a, b, kind, addr, 100);
				if (last - addr < step)
					break;
			}
			fuzz_page(a, b, kind, last > 4096 ? last - 4096 : last, 8192);
			seg = last == UINT64_MAX ? NULL : kco_reader_next(a, kind, last + 1);
		}
	}
	kco_reader_free(a);
	kco_reader_free(b);
}

static volatile unsigned fuzz_sink;

static void fuzz_touch(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fuzz_sink += ((const uint8_t *)p)[i];
}

/* What others take from an image without asking: all of it is there, and text ends. */
static void fuzz_facts(const struct kco_image *img)
{
	const struct kco_facts *facts = &img->facts;
	const char *uts[] = { facts->sysname, facts->nodename, facts->release,
			      facts->version, facts->machine,  facts->domainname };

	for (size_t i = 0; i < sizeof(uts) / sizeof(uts[0]); i++)
		if (!memchr(uts[i], 0, sizeof(facts->sysname)))
			abort();
	if (!memchr(facts->panic, 0, sizeof(facts->panic)))
		abort();
	if (!memchr(facts->codecs, 0, sizeof(facts->codecs)))
		abort();
	fuzz_touch(facts->vmcoreinfo, facts->vmcoreinfo ? facts->vmcoreinfo_size : 0);
	fuzz_touch(facts->eraseinfo, facts->eraseinfo ? facts->eraseinfo_size : 0);
	for (size_t i = 0; i < img->nr_notes; i++) {
		fuzz_touch(img->notes[i].name, strlen(img->notes[i].name));
		fuzz_touch(img->notes[i].desc, img->notes[i].size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kco_image_options opts = { .cache_bytes = 1 << 20 };
	struct kco_image *img = NULL;
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io;
	uint8_t *copy = malloc(size ? size : 1);

	// A copy of exactly this size, so that reading past the file is seen.
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (kco_io_memory_new(copy, size, 1, "input", &io, &err) != KCO_OK)
		abort();
	if (kco_image_open_io_new(io, fuzz_rows(), &opts, &img, &err) == KCO_OK) {
		fuzz_facts(img);
		fuzz_read(img);
		kco_image_free(img);
	} else if (!err.msg[0]) {
		abort();
	}
	kco_io_unref(io);
	return 0;
}
