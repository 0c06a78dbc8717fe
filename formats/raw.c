// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A raw image: bytes of physical memory from opts->raw_base on, no header.
 *
 * Any file could be one, so it is never detected: the user names it, with
 * `--format raw` or by giving --raw-base. Nothing tells the architecture; the
 * rest is found in memory (VMCOREINFO).
 */
#include <kco/format.h>

#include <inttypes.h>
#include <stdlib.h>

#include "runs_write.h"

#define RAW_PHYS_BITS 52

static int raw_probe(const struct kco_head *head)
{
	(void)head;
	return 0;
}

static enum kco_status raw_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
				size_t n, size_t *done, struct kco_err *err)
{
	(void)codec;
	return kco_io_read(seg->source, buf, n, addr - seg->orig_first, done, err);
}

static const struct kco_segment_ops raw_segment_ops = {
	.read = raw_read,
};

static enum kco_status raw_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	uint64_t base = opts ? opts->raw_base : 0, limit = UINT64_C(1) << RAW_PHYS_BITS;
	struct kco_io *io = img->files[0];

	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but a raw image is one file", img->nr_files);
	if (base % 4096)
		return kco_fail(err, KCO_E_USAGE, "base %#" PRIx64 " of a raw image is no multiple of 4096", base);
	if (io->size < 4096)
		return kco_fail(err, KCO_E_BADFILE, "%" PRIu64 " bytes are less than a page", io->size);
	if (base > limit || io->size > limit - base)
		return kco_fail(err, KCO_E_USAGE, "%" PRIu64 " bytes from %#" PRIx64 " on are beyond 2^%d", io->size,
				base, RAW_PHYS_BITS);
	if (io->size % 4096)
		kco_image_warn(img, "%" PRIu64 " bytes are no multiple of the page size: truncated?", io->size);
	img->facts.max_pfn = (base + io->size - 1) / 4096 + 1;
	return kco_image_add_segment(img, KCO_PHYS, base, io->size, &raw_segment_ops, io, 0, err);
}

/* From address 0 on; what the source does not have reads as zeros, which this format cannot tell apart. */
static enum kco_status raw_write(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err)
{
	struct kco_filed_run *runs;
	size_t n;
	enum kco_status status = kco_runs_new(src, SIZE_MAX, &runs, &n, err);

	if (status != KCO_OK)
		return status;
	for (size_t i = 0; i < n; i++)
		runs[i].offset = runs[i].first;
	if (n && runs[n - 1].last >= INT64_MAX)
		status = kco_fail(err, KCO_E_RANGE, "memory goes on to %#" PRIx64 ", no raw file is that long",
				  runs[n - 1].last);
	else
		status = kco_runs_write(src, runs, n, sink, n ? runs[n - 1].last + 1 : 0, err);
	free(runs);
	return status;
}

const struct kco_format_ops kco_format_raw = {
	.name = "raw",
	.description = "raw physical memory from --raw-base on (never detected, must be asked for)",
	.probe = raw_probe,
	.open = raw_open,
	.write = raw_write,
};
