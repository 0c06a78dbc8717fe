// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LiME images: ranges of physical memory, each behind a header.
 *
 *   u32 magic 0x4c694d45 ("EMiL") | u32 version 1 | u64 first | u64 last
 *   (inclusive) | u64 reserved | last - first + 1 bytes | next header ...
 *
 * Source: struct lime_mem_range_header in LiME's src/lime.h. Little-endian as
 * the machine that was dumped. AVML writes this version 1 as well.
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runs_write.h"

#define LIME_HEADER 32u
#define LIME_MAGIC 0x4c694d45u
/* Memory maps have tens of ranges. */
#define LIME_RANGES_MAX 65536u

static int lime_probe(const struct kco_head *head)
{
	if (head->head_size < 8 || kco_le32(head->head) != LIME_MAGIC)
		return 0;
	return kco_le32(head->head + 4) == 1 ? 100 : 70;
}

static enum kco_status lime_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				 size_t n, size_t *done, struct kco_err *err)
{
	(void)codec;
	return kco_io_read(seg->source, buf, n, seg->offset + (addr - seg->orig_first), done, err);
}

static const struct kco_segment_ops lime_segment_ops = {
	.read = lime_read,
};

/* The range whose header is at @*pos; moves on behind its bytes. */
static enum kco_status lime_range(struct kco_image *img, struct kco_io *io, uint64_t *pos, struct kco_err *err)
{
	uint8_t raw[LIME_HEADER];
	uint64_t first, last, end;
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), *pos, NULL, err);

	if (status != KCO_OK)
		return kco_context(err, status, "LiME header");
	if (kco_le32(raw) != LIME_MAGIC)
		return kco_fail(err, KCO_E_CORRUPT, "no LiME header at %#" PRIx64, *pos);
	if (kco_le32(raw + 4) != 1)
		return kco_fail(err, KCO_E_UNSUPPORTED, "LiME version %" PRIu32 " (1 is known)", kco_le32(raw + 4));
	first = kco_le64(raw + 8);
	last = kco_le64(raw + 16);
	if (last < first || last - first >= INT64_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "LiME range at %#" PRIx64 " from %#" PRIx64 " to %#" PRIx64, *pos,
				first, last);
	*pos += LIME_HEADER;
	status = kco_image_add_segment(img, KCO_PHYS, first, last - first + 1, &lime_segment_ops, io, *pos, err);
	if (status != KCO_OK)
		return status;
	if ((last >> 12) + 1 > img->facts.max_pfn)
		img->facts.max_pfn = (last >> 12) + 1;
	if (__builtin_add_overflow(*pos, last - first + 1, &end) || end > io->size) {
		kco_image_warn(img, "truncated: the range from %#" PRIx64 " has %" PRIu64 " of %" PRIu64 " bytes",
			       first, io->size - *pos, last - first + 1);
		end = io->size;
	}
	*pos = end;
	return KCO_OK;
}

static enum kco_status lime_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	struct kco_io *io = img->files[0];
	struct kco_err bad = KCO_ERR_INIT;
	unsigned ranges = 0;
	uint64_t pos = 0;

	(void)opts;
	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but a LiME image is one file", img->nr_files);
	while (pos < io->size) {
		enum kco_status status = lime_range(img, io, &pos, &bad);

		if (status == KCO_OK && ++ranges > LIME_RANGES_MAX)
			return kco_fail(err, KCO_E_CORRUPT, "more than %u LiME ranges", LIME_RANGES_MAX);
		if (status == KCO_OK)
			continue;
		// What came before a torn header is good.
		if (ranges == 0 || status == KCO_E_NOMEM) {
			if (err)
				*err = bad;
			return status;
		}
		kco_image_warn(img, "%s", bad.msg);
		break;
	}
	return ranges ? KCO_OK : kco_fail(err, KCO_E_BADFILE, "empty");
}

static enum kco_status lime_write(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err)
{
	struct kco_filed_run *runs;
	uint64_t at = 0;
	size_t n;
	enum kco_status status = kco_runs_new(src, LIME_RANGES_MAX, &runs, &n, err);

	for (size_t i = 0; status == KCO_OK && i < n; i++) {
		uint8_t raw[LIME_HEADER] = { 0 };
		uint64_t first = htole64(runs[i].first), last = htole64(runs[i].last);
		uint32_t magic = htole32(LIME_MAGIC), version = htole32(1);

		memcpy(raw, &magic, 4);
		memcpy(raw + 4, &version, 4);
		memcpy(raw + 8, &first, 8);
		memcpy(raw + 16, &last, 8);
		status = kco_sink_write(sink, raw, sizeof(raw), at, err);
		runs[i].offset = at + LIME_HEADER;
		at = runs[i].offset + (runs[i].last - runs[i].first + 1);
	}
	if (status == KCO_OK)
		status = kco_runs_write(src, runs, n, sink, at, err);
	free(runs);
	return status;
}

const struct kco_format_ops kco_format_lime = {
	.name = "lime",
	.description = "LiME memory image",
	.probe = lime_probe,
	.open = lime_open,
	.write = lime_write,
};
