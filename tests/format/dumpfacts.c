// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dumpfacts [--format NAME] [--raw-base N] [--zero-excluded] [--max-pages N]
 *           [--page ADDR]... [--only LIST] [--shrink SIZE] FILE...
 *
 * Open a dump with all formats and print, in the words of kdmk's format
 * "expect": facts, notes, and each page's checksum or what became of it. Lines
 * that say how the reader felt about it (status, warn, format ...) come first
 * or begin with a '#'. Exits 0 also when the dump cannot be opened: "status" says
 * so. --page reads one page more, --shrink cuts the file after the open; --only
 * reads what the lines of a file name ("phys FIRST[-LAST]", "virt ...") instead
 * of all, each line for itself.
 * --self-test crash|mismatch does what the driver must notice.
 */
#include <kco/formats.h>

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "facts.h"

static void warn(void *arg, const char *msg)
{
	(void)arg;
	printf("warn %s\n", msg);
}

static void reason(void *arg, const struct piece *p, const struct kco_err *err)
{
	(void)arg;
	printf("# %#" PRIx64 ": %s\n", p->first, err->msg);
}

static uint32_t crc(const void *p, size_t n)
{
	return (uint32_t)crc32(0, p, (uInt)n);
}

static void print_image(const struct kco_image *img)
{
	const struct kco_facts *f = &img->facts;
	const char *const uts[6][2] = {
		{ "sysname", f->sysname }, { "nodename", f->nodename }, { "release", f->release },
		{ "version", f->version }, { "machine", f->machine },	{ "domainname", f->domainname },
	};

	printf("format %s\nwrappers %s\ncodecs %s\nblock_size %" PRIu32 "\nclass %d\n", img->format->name,
	       img->wrappers, f->codecs, f->block_size, f->elf32 ? 32 : 64);
	if (f->elf_machine)
		printf("fact elf_machine %u\n", f->elf_machine);
	printf("fact memory_end %#" PRIx64 "\n", f->max_pfn * f->block_size);
	if (f->nr_cpus)
		printf("fact nr_cpus %" PRIu32 "\n", f->nr_cpus);
	if (f->has_phys_base)
		printf("fact phys_base %#" PRIx64 "\n", f->phys_base);
	if (f->has_kernel_pa)
		printf("fact kernel %#" PRIx64 " at %#" PRIx64 "\n", f->kernel_va, f->kernel_pa);
	if (f->dump_level >= 0)
		printf("fact dump_level %" PRId32 "\n", f->dump_level);
	if (f->dump_time)
		printf("fact time %" PRIu64 "\n", f->dump_time);
	for (size_t i = 0; i < 6; i++)
		if (uts[i][1][0])
			printf("fact %s %s\n", uts[i][0], uts[i][1]);
	if (f->panic[0])
		printf("fact panic %s\n", f->panic);
	if (f->incomplete)
		printf("fact incomplete\n");
	if (f->vmcoreinfo)
		printf("vmcoreinfo %zu bytes crc %08" PRIx32 "\n", f->vmcoreinfo_size,
		       crc(f->vmcoreinfo, f->vmcoreinfo_size));
	if (f->eraseinfo)
		printf("eraseinfo %zu bytes crc %08" PRIx32 "\n", f->eraseinfo_size,
		       crc(f->eraseinfo, f->eraseinfo_size));
	for (size_t i = 0; i < img->nr_notes; i++)
		if (strcmp(img->notes[i].name, "VMCOREINFO") && strcmp(img->notes[i].name, "ERASEINFO"))
			printf("note %s %" PRIu32 " %" PRIu32 " bytes crc %08" PRIx32 "\n", img->notes[i].name,
			       img->notes[i].type, img->notes[i].size, crc(img->notes[i].desc, img->notes[i].size));
}

/* What is about the memory, but nothing that every dump of it can tell. */
static void print_more(const struct kco_facts *f)
{
	if (f->has_root_pa)
		printf("root kernel %#" PRIx64 "\n", f->root_pa);
	if (f->msgbuf)
		printf("msgbuf %zu bytes crc %08" PRIx32 "\n", f->msgbuf_size, crc(f->msgbuf, f->msgbuf_size));
}

static bool plain(const struct piece *p)
{
	return p->status != KCO_OK || p->zero;
}

static void print_pieces(const struct pieces *pieces)
{
	static const char *const kinds[] = { [KCO_PHYS] = "phys", [KCO_VIRT] = "virt" };

	for (size_t i = 0, n; i < pieces->n; i += n) {
		const struct piece *p = &pieces->v[i];

		n = 1;
		if (!plain(p)) {
			if (p->last - p->first == 4095)
				printf("%s %#" PRIx64 " crc %08" PRIx32 "\n", kinds[p->kind], p->first, p->crc);
			else
				printf("%s %#" PRIx64 "-%#" PRIx64 " crc %08" PRIx32 "\n", kinds[p->kind], p->first,
				       p->last, p->crc);
			continue;
		}
		while (i + n < pieces->n && p[n].kind == p->kind && p[n].first == p[n - 1].last + 1 && plain(&p[n]) &&
		       p[n].status == p->status)
			n++;
		printf("%s %#" PRIx64 "-%#" PRIx64 " %s\n", kinds[p->kind], p->first, p[n - 1].last,
		       p->status == KCO_OK ? "zero" : kco_status_name(p->status));
	}
	if (pieces->capped)
		printf("capped\n");
}

/*
 * The same pieces again, by other readers at the same time, in another order
 * and in reads that begin and end in the middle of pages.
 */
struct again {
	struct kco_image *img;
	const struct pieces *pieces;
	size_t start;
	size_t wrong;
};

static bool again_piece(struct kco_reader *rd, const struct piece *p)
{
	size_t n = (size_t)(p->last - p->first) + 1, got, cut = n / 3;
	uint8_t buf[4096];

	if (kco_reader_read(rd, p->kind, p->first + cut, buf + cut, n - cut, &got, NULL) != p->status)
		return false;
	if (p->status != KCO_OK)
		return got == 0;
	if (cut && kco_reader_read(rd, p->kind, p->first, buf, cut, &got, NULL) != KCO_OK)
		return false;
	return crc(buf, n) == p->crc;
}

static void *again_run(void *arg)
{
	struct again *a = arg;
	struct kco_reader *rd;

	if (kco_reader_new(a->img, &rd, NULL) != KCO_OK) {
		a->wrong = 1;
		return NULL;
	}
	for (size_t i = 0; i < a->pieces->n; i++)
		a->wrong += !again_piece(rd, &a->pieces->v[(a->start + i * 7) % a->pieces->n]);
	kco_reader_free(rd);
	return NULL;
}

static void check_threads(struct kco_image *img, const struct pieces *pieces)
{
	struct again a[3];
	pthread_t threads[3];

	for (size_t i = 0; i < 3; i++) {
		a[i] = (struct again){ .img = img, .pieces = pieces, .start = i * (pieces->n / 3) };
		if (pthread_create(&threads[i], NULL, again_run, &a[i]))
			abort();
	}
	for (size_t i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		if (a[i].wrong)
			printf("MISMATCH thread %zu read %zu pieces differently\n", i, a[i].wrong);
	}
}

/* Pages that are too far away for a scan, by address. */
static void print_far(struct kco_image *img, const uint64_t *addr, size_t n)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_reader *rd;
	uint8_t buf[4096];

	if (kco_reader_new(img, &rd, &err) != KCO_OK)
		abort();
	for (size_t i = 0; i < n; i++) {
		enum kco_status status = kco_pread(rd, KCO_PADDR(addr[i]), buf, sizeof(buf), NULL, &err);

		if (status == KCO_OK)
			printf("phys %#" PRIx64 " crc %08" PRIx32 "\n", addr[i], crc(buf, sizeof(buf)));
		else
			printf("phys %#" PRIx64 "-%#" PRIx64 " %s\n", addr[i], addr[i] + 4095, kco_status_name(status));
	}
	kco_reader_free(rd);
}

/* Each line of @list for itself; an exit status. */
static int print_only(struct kco_image *img, const char *list)
{
	struct kco_err err = KCO_ERR_INIT;
	FILE *f = fopen(list, "r");
	char line[256];

	if (!f)
		return 2;
	while (fgets(line, sizeof(line), f)) {
		enum kco_addr_kind kind = line[0] == 'p' ? KCO_PHYS : KCO_VIRT;
		char *s = strchr(line, ' ');
		uint64_t first = s ? strtoull(s, &s, 0) : 0,
			 last = s && *s == '-' ? strtoull(s + 1, NULL, 0) : first + 4095;
		struct pieces pieces;

		if (facts_read_range(img, kind, first, last, &pieces, reason, NULL, &err) != KCO_OK) {
			printf("MISMATCH %s\n", err.msg);
			fclose(f);
			return 3;
		}
		print_pieces(&pieces);
		facts_free(&pieces);
	}
	fclose(f);
	return 0;
}

#define FAR_MAX 16

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "raw-base", required_argument, NULL, 'b' },
		{ "zero-excluded", no_argument, NULL, 'z' },
		{ "max-pages", required_argument, NULL, 'm' },
		{ "self-test", required_argument, NULL, 't' },
		{ "page", required_argument, NULL, 'p' },
		{ "shrink", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	struct kco_image_options opts = { .warn = warn };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_image *img = NULL;
	uint64_t max_pages = 1 << 20, far[FAR_MAX];
	size_t nr_far = 0;
	long long shrink = -1;
	const char *self_test = "", *only = NULL;
	struct pieces pieces;
	enum kco_status status;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 'f')
			opts.format = optarg;
		else if (c == 'b')
			opts.raw_base = strtoull(optarg, NULL, 0);
		else if (c == 'z')
			opts.zero_excluded = true;
		else if (c == 'p' && nr_far < FAR_MAX)
			far[nr_far++] = strtoull(optarg, NULL, 0);
		else if (c == 's')
			shrink = strtoll(optarg, NULL, 0);
		else if (c == 'o')
			only = optarg;
		else if (c == 't')
			self_test = optarg;
		else if (c == 'm')
			max_pages = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	status = kco_image_open_new((const char *const *)argv + optind, (size_t)(argc - optind), kco_formats, &opts,
				    &img, &err);
	printf("status %s\n", kco_status_name(status));
	if (status != KCO_OK) {
		printf("error %s\n", err.msg);
		return err.code == status && err.msg[0] ? 0 : 3;
	}
	print_image(img);
	print_more(&img->facts);
	if (only) {
		c = print_only(img, only);
		kco_image_free(img);
		return c;
	}
	if (shrink >= 0 && truncate(argv[optind], shrink) < 0)
		return 2;
	status = facts_read(img, max_pages, &pieces, reason, NULL, &err);
	if (status != KCO_OK) {
		printf("MISMATCH %s\n", err.msg);
		return 3;
	}
	print_pieces(&pieces);
	print_far(img, far, nr_far);
	if (!strcmp(self_test, "mismatch"))
		pieces.v[0].crc++;
	check_threads(img, &pieces);
	if (!strcmp(self_test, "crash"))
		raise(SIGKILL);
	facts_free(&pieces);
	kco_image_free(img);
	return 0;
}
