// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SADUMP: what the firmware of Fujitsu's servers writes, as a partition, as a
 * set of disks, or as a backup of either on other media. x86, little-endian.
 *
 *   media header      (media backup only) one block of 4096 bytes
 *   partition header  "sadu" "mp\0\0" | ... | u32 set_disk_set @152 |
 *                     u64 used_device @160 | u32 magic numbers from 168 to the
 *                     end of the block, each 11 * (the one before + 7)
 *   disk set header   (disk 1 of a set only) u32 its blocks | u32 disks | ...
 *   dump header       "sadump\0\0" | u32 version @8 | time @16 | u32 block_size
 *                     @40, sub_hdr_size @48, bitmap_blocks @52,
 *                     dumpable_bitmap_blocks @56, max_mapnr @60, nr_cpus @80 |
 *                     u64 max_mapnr @88 (v1)
 *   sub header        u32 bytes of CPU states | 16 a CPU | states: u64 EFER @992
 *   bitmap: RAM | bitmap: dumped | pages, plain, one for each bit in the second
 *
 * Bits are most significant first. Disks 2.. have a partition header and then
 * the pages that disk 1 had no room for. Source: crash's sadump.h and sadump.c.
 */
#include "bitrank.h"
#include "metacache.h"

#include <kco/endian.h>
#include <kco/format.h>

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SADUMP_SIG "sadump\0"
#define SADUMP_SIG_LEN 8
#define SADUMP_PART_SIZE 168u
#define SADUMP_MEDIA_SIZE 4096u
#define SADUMP_DISKS_MAX 16u
#define SADUMP_CPUS_MAX 65536u
#define SADUMP_STATE_SIZE 1024u
#define SADUMP_STATE_EFER 992u
#define SADUMP_EFER_LMA (1u << 10)

struct sadump_disk {
	struct kco_io *io;
	uint8_t part[SADUMP_PART_SIZE];
	uint32_t number; /* in a disk set from 1, else 0 */
	uint64_t part_off;
	uint64_t data, data_end; /* the pages on this disk */
};

struct sadump {
	size_t nr_disks;
	uint32_t block;
	uint64_t max_mapnr, ram; /* file offset of the first bitmap */
	uint64_t sub_header;
	uint8_t time[16];
	uint32_t nr_cpus;
	struct kco_bitrank *rank;
	struct kco_metacache *meta;
	struct sadump_disk disks[SADUMP_DISKS_MAX]; /* in order */
};

static int sadump_probe(const struct kco_head *head)
{
	if (head->head_size >= SADUMP_SIG_LEN && !memcmp(head->head, SADUMP_SIG, SADUMP_SIG_LEN))
		return 100;
	if (head->head_size >= SADUMP_MEDIA_SIZE + SADUMP_SIG_LEN &&
	    !memcmp(head->head + SADUMP_MEDIA_SIZE, SADUMP_SIG, SADUMP_SIG_LEN))
		return 90;
	return 0;
}

static enum kco_status sadump_page(struct sadump *sd, uint64_t pfn, size_t at, void *buf, size_t n, struct kco_err *err)
{
	enum kco_status status;
	uint64_t rank, off;
	uint8_t byte;
	bool set;

	status = kco_bitrank_get(sd->rank, pfn, &set, &rank, err);
	if (status == KCO_OK && !set) {
		status = kco_metacache_read(sd->meta, sd->disks[0].io, 0, sd->ram + pfn / 8, &byte, 1, err);
		if (status == KCO_OK && !(byte >> (7 - pfn % 8) & 1))
			return kco_fail(err, KCO_E_RANGE, "no memory there in the dumped machine");
		if (status == KCO_OK)
			return kco_fail(err, KCO_E_NOT_SAVED, "the page was left out by the dump's filter");
	}
	if (status != KCO_OK)
		return status;
	off = rank * sd->block;
	for (size_t i = 0; i < sd->nr_disks; i++) {
		struct sadump_disk *d = &sd->disks[i];

		// Pages do not straddle disks: blocks are dealt out whole.
		if (off < d->data_end - d->data)
			return kco_io_read(d->io, buf, n, d->data + off + at, NULL, err);
		off -= d->data_end - d->data;
	}
	return kco_fail(err, KCO_E_TRUNCATED, "the page lies behind the end of the last disk");
}

static enum kco_status sadump_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				   size_t n, size_t *done, struct kco_err *err)
{
	struct sadump *sd = seg->source;

	(void)codec;
	*done = 0;
	while (*done < n) {
		size_t at = (addr + *done) % sd->block;
		size_t take = n - *done < sd->block - at ? n - *done : sd->block - at;
		enum kco_status status =
			sadump_page(sd, (addr + *done) / sd->block, at, (uint8_t *)buf + *done, take, err);

		if (status != KCO_OK)
			return status;
		*done += take;
	}
	return KCO_OK;
}

static enum kco_status sadump_saved(const struct kco_segment *seg, uint64_t addr, uint64_t *first, uint64_t *last,
				    struct kco_err *err)
{
	struct sadump *sd = seg->source;
	uint64_t from, end;
	enum kco_status status = kco_bitrank_run(sd->rank, addr / sd->block, &from, &end, err);

	if (status != KCO_OK)
		return status;
	*first = from * sd->block > addr ? from * sd->block : addr;
	*last = end * sd->block - 1 < seg->last ? end * sd->block - 1 : seg->last;
	return *first > seg->last ? KCO_DONE : KCO_OK;
}

static const struct kco_segment_ops sadump_segment_ops = {
	.read = sadump_read,
	.saved = sadump_saved,
};

/* A disk's partition header; the size of its block is where the chain of magic numbers ends. */
static enum kco_status sadump_part(struct sadump_disk *d, uint32_t *block, struct kco_err *err)
{
	uint8_t sig[SADUMP_SIG_LEN], word[4];
	uint64_t at;
	uint32_t last, size;
	enum kco_status status = kco_io_read(d->io, sig, sizeof(sig), 0, NULL, err);

	if (status == KCO_OK && memcmp(sig, SADUMP_SIG, SADUMP_SIG_LEN))
		d->part_off = SADUMP_MEDIA_SIZE;
	if (status == KCO_OK)
		status = kco_io_read(d->io, d->part, sizeof(d->part), d->part_off, NULL, err);
	at = d->part_off + SADUMP_PART_SIZE;
	if (status == KCO_OK)
		status = kco_io_read(d->io, word, sizeof(word), at, NULL, err);
	if (status != KCO_OK)
		return status;
	if (memcmp(d->part, SADUMP_SIG, SADUMP_SIG_LEN))
		return kco_fail(err, KCO_E_BADFILE, "no SADUMP partition header");
	do {
		last = kco_le32(word);
		at += sizeof(word);
		status = kco_io_read(d->io, word, sizeof(word), at, NULL, err);
		if (status != KCO_OK)
			return status;
	} while (kco_le32(word) == 11 * (last + 7) && at - d->part_off < 65536);
	size = (uint32_t)(at - d->part_off);
	if (size < 4096 || size > 65536 || (size & (size - 1)))
		return kco_fail(err, KCO_E_CORRUPT, "SADUMP partition header of %" PRIu32 " bytes", size);
	if (*block && *block != size)
		return kco_fail(err, KCO_E_USAGE, "blocks of %" PRIu32 " and %" PRIu32 " bytes: not one disk set",
				*block, size);
	*block = size;
	// Backups are not sets of disks any more.
	d->number = d->part_off ? 0 : kco_le32(d->part + 152);
	d->data = d->part_off + size;
	d->data_end = d->number ? kco_le64(d->part + 160) : d->io->size;
	return KCO_OK;
}

/* The dump header on the first disk, behind its @blocks blocks of disk set header. */
static enum kco_status sadump_header(struct sadump *sd, uint32_t blocks, struct kco_err *err)
{
	struct sadump_disk *d = &sd->disks[0];
	uint64_t at = d->data + (uint64_t)blocks * sd->block, ram, dumped, data;
	uint8_t raw[96];
	enum kco_status status = kco_io_read(d->io, raw, sizeof(raw), at, NULL, err);

	if (status != KCO_OK)
		return kco_context(err, status, "SADUMP header");
	sd->max_mapnr = kco_le32(raw + 8) < 1 ? kco_le32(raw + 60) : kco_le64(raw + 88);
	sd->nr_cpus = kco_le32(raw + 80);
	memcpy(sd->time, raw + 16, sizeof(sd->time));
	ram = (uint64_t)kco_le32(raw + 52) * sd->block;
	dumped = (uint64_t)kco_le32(raw + 56) * sd->block;
	if (memcmp(raw, SADUMP_SIG, SADUMP_SIG_LEN) || kco_le32(raw + 40) != sd->block)
		return kco_fail(err, KCO_E_CORRUPT, "no SADUMP header at %#" PRIx64, at);
	if (sd->max_mapnr == 0 || sd->max_mapnr > ram * 8 || sd->max_mapnr > dumped * 8 ||
	    sd->max_mapnr > (UINT64_C(1) << 52) / sd->block)
		return kco_fail(err, KCO_E_CORRUPT,
				"SADUMP: bitmaps of %" PRIu64 " and %" PRIu64 " bytes for %#" PRIx64 " pages", ram,
				dumped, sd->max_mapnr);
	sd->sub_header = kco_le32(raw + 48) ? at + sd->block : 0;
	sd->ram = at + sd->block + (uint64_t)kco_le32(raw + 48) * sd->block;
	data = sd->ram + ram + dumped;
	if (data > d->io->size)
		return kco_fail(err, KCO_E_TRUNCATED,
				"truncated: the page bitmaps end at %#" PRIx64 ", the file at %#" PRIx64, data,
				d->io->size);
	d->data = data;
	return kco_bitrank_new(d->io, sd->ram + ram, 0, sd->max_mapnr, KCO_MSB_FIRST, &sd->rank, err);
}

static int sadump_by_number(const void *a, const void *b)
{
	const struct sadump_disk *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* The disks belong together and are all there; sorts them. */
static enum kco_status sadump_set(struct sadump *sd, uint32_t *blocks, struct kco_err *err)
{
	uint8_t raw[8];
	enum kco_status status;

	*blocks = 0;
	qsort(sd->disks, sd->nr_disks, sizeof(sd->disks[0]), sadump_by_number);
	for (size_t i = 0; i < sd->nr_disks; i++) {
		struct sadump_disk *d = &sd->disks[i];

		// The ids of system and set, then the time: equal on all disks of a dump.
		if (memcmp(d->part + 88, sd->disks[0].part + 88, 32) ||
		    memcmp(d->part + 136, sd->disks[0].part + 136, 16))
			return kco_fail(err, KCO_E_USAGE, "%s and %s are parts of different dumps",
					sd->disks[0].io->name, d->io->name);
		if (d->number != (sd->nr_disks > 1 || d->number ? i + 1 : 0))
			return kco_fail(err, KCO_E_USAGE,
					"%s is disk %" PRIu32 ": all disks of the set are needed, each once",
					d->io->name, d->number);
		if (d->data_end < d->data)
			return kco_fail(err, KCO_E_CORRUPT, "%s: %" PRIu64 " bytes in use are less than its headers",
					d->io->name, d->data_end);
	}
	if (!sd->disks[0].number)
		return KCO_OK;
	status = kco_io_read(sd->disks[0].io, raw, sizeof(raw), sd->disks[0].data, NULL, err);
	if (status != KCO_OK)
		return kco_context(err, status, "disk set header");
	*blocks = kco_le32(raw);
	if (*blocks == 0 || *blocks > 1024)
		return kco_fail(err, KCO_E_CORRUPT, "disk set header of %" PRIu32 " blocks", *blocks);
	if (kco_le32(raw + 4) != sd->nr_disks)
		return kco_fail(err, KCO_E_USAGE, "the disk set has %" PRIu32 " disks, %zu files were given",
				kco_le32(raw + 4), sd->nr_disks);
	return KCO_OK;
}

/* 64 bits if any CPU was in long mode. */
static uint16_t sadump_machine(struct sadump *sd)
{
	struct kco_io *io = sd->disks[0].io;
	uint8_t raw[8];
	uint32_t size;

	if (!sd->sub_header || !sd->nr_cpus || sd->nr_cpus > SADUMP_CPUS_MAX ||
	    kco_io_read(io, raw, 4, sd->sub_header, NULL, NULL) != KCO_OK)
		return 0;
	size = kco_le32(raw) / sd->nr_cpus;
	if (size < SADUMP_STATE_SIZE)
		return 0;
	for (uint32_t i = 0; i < sd->nr_cpus; i++) {
		uint64_t state = sd->sub_header + 4 + UINT64_C(16) * sd->nr_cpus + (uint64_t)i * size;

		if (kco_io_read(io, raw, 8, state + SADUMP_STATE_EFER, NULL, NULL) != KCO_OK)
			return 0;
		if (kco_le64(raw) & SADUMP_EFER_LMA)
			return EM_X86_64;
	}
	return EM_386;
}

static void sadump_facts(struct kco_image *img, struct sadump *sd)
{
	struct kco_facts *facts = &img->facts;
	struct tm tm = { .tm_year = kco_le_uint(sd->time, 2) - 1900,
			 .tm_mon = sd->time[2] - 1,
			 .tm_mday = sd->time[3],
			 .tm_hour = sd->time[4],
			 .tm_min = sd->time[5],
			 .tm_sec = sd->time[6] };
	time_t t = timegm(&tm);

	facts->elf_machine = sadump_machine(sd);
	facts->elf32 = facts->elf_machine == EM_386;
	facts->block_size = sd->block;
	facts->max_pfn = sd->max_mapnr;
	facts->nr_cpus = sd->nr_cpus;
	facts->dump_time = t > 0 ? (uint64_t)t : 0;
	for (size_t i = 0; i < sd->nr_disks; i++)
		if (sd->disks[i].data_end > sd->disks[i].io->size)
			kco_image_warn(img, "truncated: %s ends at %" PRIu64 " of %" PRIu64 " bytes",
				       sd->disks[i].io->name, sd->disks[i].io->size, sd->disks[i].data_end);
}

static void sadump_free(struct sadump *sd)
{
	kco_bitrank_free(sd->rank);
	kco_metacache_free(sd->meta);
	free(sd);
}

static enum kco_status sadump_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	enum kco_status status = KCO_OK;
	struct sadump *sd;
	uint32_t blocks;

	(void)opts;
	if (img->nr_files > SADUMP_DISKS_MAX)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, a disk set has up to %u", img->nr_files,
				SADUMP_DISKS_MAX);
	sd = calloc(1, sizeof(*sd));
	if (!sd)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	sd->nr_disks = img->nr_files;
	sd->meta = kco_metacache_new();
	if (!sd->meta)
		status = kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; status == KCO_OK && i < sd->nr_disks; i++) {
		sd->disks[i].io = img->files[i];
		status = sadump_part(&sd->disks[i], &sd->block, err);
		if (status != KCO_OK && sd->nr_disks > 1)
			kco_context(err, status, "%s", img->files[i]->name);
	}
	if (status == KCO_OK)
		status = sadump_set(sd, &blocks, err);
	if (status == KCO_OK)
		status = sadump_header(sd, blocks, err);
	if (status == KCO_OK && sd->disks[0].data_end < sd->disks[0].data)
		status = kco_fail(err, KCO_E_CORRUPT, "SADUMP: %" PRIu64 " bytes in use end before the page data",
				  sd->disks[0].data_end);
	if (status == KCO_OK)
		status = kco_image_add_segment(img, KCO_PHYS, 0, sd->max_mapnr * sd->block, &sadump_segment_ops, sd, 0,
					       err);
	if (status != KCO_OK) {
		sadump_free(sd);
		return status;
	}
	img->priv = sd;
	sadump_facts(img, sd);
	return KCO_OK;
}

static void sadump_close(struct kco_image *img)
{
	sadump_free(img->priv);
}

static enum kco_status sadump_ram(struct kco_image *img, uint64_t *ret, struct kco_err *err)
{
	const struct sadump *sd = img->priv;
	struct kco_bitrank *ram;
	enum kco_status status = kco_bitrank_new(sd->disks[0].io, sd->ram, 0, sd->max_mapnr, KCO_MSB_FIRST, &ram, err);

	if (status != KCO_OK)
		return status;
	status = kco_bitrank_total(ram, ret, err);
	*ret *= sd->block;
	kco_bitrank_free(ram);
	return status;
}

const struct kco_format_ops kco_format_sadump = {
	.name = "sadump",
	.description = "SADUMP (Fujitsu's firmware): partition, disk set or media backup",
	.probe = sadump_probe,
	.open = sadump_open,
	.close = sadump_close,
	.ram = sadump_ram,
};
