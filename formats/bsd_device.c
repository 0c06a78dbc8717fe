// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A NetBSD or OpenBSD dump as it lies on the dump device: a swap partition, or
 * an image of one, that savecore has not read yet.
 *
 *   dumplo  be32 c_midmag (magic 0x8fca, flag 1: CPU) | u32 c_size   padded to 8 bytes, 16 where pointers are so
 * aligned CPU segment, up to a multiple of 512: see shared/bsd_core.c memory, without a header of its own
 *
 * Source: cpu_dump() and cpu_dumpconf() (dumpconf() in OpenBSD) of
 * sys/arch/amd64/amd64/machdep.c. dumplo is where a dump of all memory ends
 * with the device, or block 8 when a sparse dump may fit and a full one does
 * not. A sparse dump ends earlier, so nothing at the device's end says where
 * it begins: each block that may be its first is looked at. Only a dump at
 * block 8 is detected, the others must be asked for.
 *
 * Other blocks may look like one: a buffer of the kernel in which the header
 * was made, in memory that was swapped out or dumped. Swapped pages lie at
 * multiples of the page size from the device's beginning, a dump does one block
 * less than pages from its end: the first that lies so wins. Failing that (the
 * device's size is not known, as of a part of its image), the first of all.
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <inttypes.h>
#include <stdlib.h>

#include "bsd_core.h"

#define DEVICE_BLOCK 512u
#define DEVICE_FIRST 4096u /* the first page may hold a disk label */
#define DEVICE_CHUNK (1u << 20)
#define DEVICE_HEADER 32u /* what device_header() looks at */
#define DEVICE_ROWS 64u
/* Rows of tables that are read to find a dump, of all that look like one. */
#define DEVICE_ROWS_MAX (UINT64_C(1) << 26)

/* Where a dump lies. */
struct device_dump {
	uint64_t cpu, size; /* the CPU segment */
	uint64_t data;
};

/* Could @raw be the head of a dump at @pos? */
static bool device_header(const uint8_t *raw, uint64_t pos, struct device_dump *ret)
{
	uint32_t midmag = kco_be32(raw), size = kco_le32(raw + 4);
	unsigned padded;

	if (kco_bsd_magic(midmag) != KCO_BSD_KCORE_MAGIC || kco_bsd_flag(midmag) != KCO_BSD_CORE_CPU ||
	    kco_bsd_mid(midmag) != KCO_BSD_MID_AMD64)
		return false;
	// Header and segment together are whole blocks.
	padded = (DEVICE_BLOCK - size % DEVICE_BLOCK) % DEVICE_BLOCK;
	if ((padded != 8 && padded != 16) || size < KCO_BSD_CPU_HEADER)
		return false;
	*ret = (struct device_dump){ .cpu = pos + padded, .size = size, .data = pos + padded + size };
	return kco_le64(raw + padded + 8) && kco_le64(raw + padded + 8) <= (size - KCO_BSD_CPU_HEADER) / 16;
}

static int bsd_device_probe(const struct kco_head *head)
{
	struct device_dump dump;

	return head->head_size >= DEVICE_FIRST + DEVICE_HEADER &&
			       device_header(head->head + DEVICE_FIRST, DEVICE_FIRST, &dump)
		       ? 80
		       : 0;
}

struct device_search {
	struct kco_io *io;
	struct device_dump found;
	bool any, sure; /* sure: it lies where the kernel puts one */
	uint64_t rows;	/* of tables, read so far */
};

/* Does the table of @dump make sense? */
static bool device_table(struct device_search *s, const struct device_dump *dump)
{
	uint8_t raw[DEVICE_ROWS * 16];
	uint64_t bytes = 0, n;

	if (kco_io_read(s->io, raw, 16, dump->cpu, NULL, NULL) != KCO_OK)
		return false;
	n = kco_le64(raw + 8);
	for (uint64_t i = 0; i < n; i += DEVICE_ROWS) {
		uint64_t rows = n - i < DEVICE_ROWS ? n - i : DEVICE_ROWS;

		s->rows += rows;
		if (s->rows > DEVICE_ROWS_MAX ||
		    kco_io_read(s->io, raw, (size_t)rows * 16, dump->cpu + KCO_BSD_CPU_HEADER + i * 16, NULL, NULL) !=
			    KCO_OK)
			return false;
		for (uint64_t k = 0; k < rows; k++) {
			uint64_t start = kco_le64(raw + k * 16), size = kco_le64(raw + k * 16 + 8);

			if ((start | size) >> 52 || __builtin_add_overflow(bytes, size, &bytes))
				return false;
		}
	}
	return bytes != 0;
}

static void device_look(struct device_search *s, const uint8_t *raw, uint64_t pos)
{
	struct device_dump dump;
	bool sure = pos == DEVICE_FIRST || (s->io->size - DEVICE_BLOCK - pos) % 4096 == 0;

	if ((s->any && !sure) || !device_header(raw, pos, &dump) || !device_table(s, &dump))
		return;
	s->any = true;
	s->sure = sure;
	s->found = dump;
}

static enum kco_status device_search(struct device_search *s, struct kco_err *err)
{
	uint8_t *buf = malloc(DEVICE_CHUNK);
	enum kco_status status = buf ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");

	for (uint64_t pos = DEVICE_FIRST; status == KCO_OK && !s->sure && pos < s->io->size; pos += DEVICE_CHUNK) {
		uint64_t n = s->io->size - pos < DEVICE_CHUNK ? s->io->size - pos : DEVICE_CHUNK;

		status = kco_io_read(s->io, buf, (size_t)n, pos, NULL, err);
		for (uint64_t i = 0; status == KCO_OK && i + DEVICE_BLOCK <= n && !s->sure; i += DEVICE_BLOCK)
			device_look(s, buf + i, pos + i);
	}
	free(buf);
	return status;
}

static enum kco_status bsd_device_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	struct device_search s = { .io = img->files[0] };
	enum kco_status status;

	(void)opts;
	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but a dump device is one", img->nr_files);
	status = device_search(&s, err);
	if (status != KCO_OK)
		return kco_context(err, status, "search for a dump");
	if (!s.any)
		return kco_fail(err, KCO_E_BADFILE,
				"no dump of NetBSD or OpenBSD (amd64) lies in its %" PRIu64 " bytes", s.io->size);
	if (!s.sure)
		kco_image_warn(img, "the dump at %#" PRIx64 " lies where the kernel would not put it",
			       s.found.data - s.found.size);
	return kco_bsd_core_open(img, s.found.cpu, s.found.size, s.found.data, err);
}

const struct kco_format_ops kco_format_bsd_device = {
	.name = "bsd-device",
	.description = "NetBSD or OpenBSD dump device (detected only when the dump is at block 8)",
	.probe = bsd_device_probe,
	.open = bsd_device_open,
	.close = kco_bsd_core_close,
};
