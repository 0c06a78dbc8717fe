// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of an image: open the files, let detection find their format, let
 * the format fill the image, and take all of it down again.
 */
#include <kco/image.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/format.h>

#include "cache.h"
#include "detect.h"
#include "parts.h"

#define IMAGE_FILES_MAX 4096
#define IMAGE_UNIT_MIN 4096
#define IMAGE_UNIT_MAX 65536

void kco_image_warn(struct kco_image *img, const char *fmt, ...)
{
	char msg[512];
	va_list ap;
	int n;

	if (!img->warn)
		return;
	va_start(ap, fmt);
	n = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (n >= 0)
		img->warn(img->warn_arg, msg);
}

enum kco_status kco_image_add_segment(struct kco_image *img, enum kco_addr_kind kind, uint64_t first, uint64_t size,
				      const struct kco_segment_ops *ops, void *source, uint64_t offset,
				      struct kco_err *err)
{
	struct kco_segment seg = {
		.first = first,
		.orig_first = first,
		.offset = offset,
		.ops = ops,
		.source = source,
	};

	if (kind != KCO_PHYS && kind != KCO_VIRT)
		return kco_fail(err, KCO_E_BUG, "no address space %d", (int)kind);
	if (!size)
		return KCO_OK;
	if (__builtin_add_overflow(first, size - 1, &seg.last)) {
		seg.last = UINT64_MAX;
		kco_image_warn(
			img, "a segment at %#llx of %#llx bytes goes past the end of the address space: clipped there",
			(unsigned long long)first, (unsigned long long)size);
	}
	return kco_segtree_add(&img->segments[kind], &seg, err);
}

static void image_warn_overlaps(struct kco_image *img)
{
	// Virtual segments are looked at only where there are no physical ones.
	enum kco_addr_kind kind = img->segments[KCO_PHYS].count ? KCO_PHYS : KCO_VIRT;
	size_t n = img->segments[kind].overlaps;

	if (n)
		kco_image_warn(img, "%zu of the dump's segments overlap%s earlier ones: the later ones are taken", n,
			       n == 1 ? "s" : "");
}

static enum kco_status image_make_cache(struct kco_image *img, uint64_t bytes, struct kco_err *err)
{
	uint32_t unit = img->facts.block_size;

	if (unit & (unit - 1))
		return kco_fail(err, KCO_E_BUG, "the block size %u is not a power of two", unit);
	if (unit < IMAGE_UNIT_MIN)
		unit = IMAGE_UNIT_MIN;
	if (unit > IMAGE_UNIT_MAX)
		unit = IMAGE_UNIT_MAX;
	return kco_page_cache_new(unit, bytes, &img->cache, err);
}

static enum kco_status image_open_files(struct kco_image *img, const char *const *paths, size_t n,
					const struct kco_format_ops *const *formats,
					const struct kco_image_options *opts, struct kco_err *err)
{
	const struct kco_format_ops *format;
	enum kco_status status;

	img->files = calloc(n, sizeof(*img->files));
	if (!img->files)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		char wrappers[sizeof(img->wrappers)] = "";

		status = kco_io_open_new(paths[i], &img->files[i], err);
		if (status != KCO_OK)
			return status;
		img->nr_files++;
		status = kco_detect(&img->files[i], formats, opts, &format, wrappers, sizeof(wrappers), err);
		if (status != KCO_OK)
			return kco_context(err, status, "%s", paths[i]);
		if (i == 0) {
			img->format = format;
			memcpy(img->wrappers, wrappers, sizeof(wrappers));
		} else if (format != img->format) {
			return kco_fail(err, KCO_E_BADFILE,
					"%s is %s, but %s is %s: only the parts of one dump open together", paths[i],
					format->name, paths[0], img->format->name);
		}
	}
	return n == 1 && opts->parts_beside ? kco_parts_add_beside(img, paths[0], formats, opts, err) : KCO_OK;
}

static struct kco_image *image_new(const struct kco_image_options *opts)
{
	struct kco_image *img = calloc(1, sizeof(*img));

	if (!img)
		return NULL;
	kco_segtree_init(&img->segments[KCO_PHYS]);
	kco_segtree_init(&img->segments[KCO_VIRT]);
	kco_arena_init(&img->arena);
	img->facts.block_size = 4096;
	img->facts.dump_level = -1;
	img->zero_excluded = opts->zero_excluded;
	img->warn = opts->warn;
	img->warn_arg = opts->warn_arg;
	return img;
}

/* What the wrappers know and the format does not. */
static void image_wrapper_facts(struct kco_image *img)
{
	for (size_t i = 0; i < img->nr_files; i++)
		for (const struct kco_io *io = img->files[i]; io; io = io->below)
			if (io->ops->facts)
				io->ops->facts(io, &img->facts);
}

/* The files are there and their format is known, or @status says why not: the rest of the open. */
static enum kco_status image_finish(struct kco_image *img, enum kco_status status, const char *name,
				    const struct kco_image_options *opts, struct kco_image **ret, struct kco_err *err)
{
	if (status == KCO_OK) {
		status = img->format->open(img, opts, err);
		if (status != KCO_OK) {
			kco_context(err, status, "%s", name);
			img->format = NULL; // its close() is for what was opened
		}
	} else {
		img->format = NULL;
	}
	if (status == KCO_OK)
		status = image_make_cache(img, opts->cache_bytes, err);
	if (status != KCO_OK) {
		kco_image_free(img);
		return status;
	}
	image_warn_overlaps(img);
	image_wrapper_facts(img);
	*ret = img;
	return KCO_OK;
}

static const struct kco_image_options image_defaults;

enum kco_status kco_image_open_new(const char *const *paths, size_t n, const struct kco_format_ops *const *formats,
				   const struct kco_image_options *opts, struct kco_image **ret, struct kco_err *err)
{
	struct kco_image *img;
	enum kco_status status;

	if (!opts)
		opts = &image_defaults;
	if (n == 0)
		return kco_fail(err, KCO_E_USAGE, "no dump was named");
	if (n > IMAGE_FILES_MAX)
		return kco_fail(err, KCO_E_USAGE, "%zu files are more than the %d that a split dump may have", n,
				IMAGE_FILES_MAX);
	img = image_new(opts);
	if (!img)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	status = image_finish(img, image_open_files(img, paths, n, formats, opts, err), paths[0], opts, ret, err);
	for (size_t i = 0; status == KCO_OK && formats[i]; i++)
		if (formats[i]->beside)
			formats[i]->beside(*ret, paths[0]);
	return status;
}

enum kco_status kco_image_open_io_new(struct kco_io *io, const struct kco_format_ops *const *formats,
				      const struct kco_image_options *opts, struct kco_image **ret, struct kco_err *err)
{
	struct kco_image *img;
	enum kco_status status;

	if (!opts)
		opts = &image_defaults;
	img = image_new(opts);
	if (img)
		img->files = calloc(1, sizeof(*img->files));
	if (!img || !img->files) {
		kco_image_free(img);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	img->files[img->nr_files++] = kco_io_ref(io);
	status = kco_detect(&img->files[0], formats, opts, &img->format, img->wrappers, sizeof(img->wrappers), err);
	if (status != KCO_OK)
		kco_context(err, status, "%s", io->name);
	return image_finish(img, status, io->name, opts, ret, err);
}

void kco_image_free(struct kco_image *img)
{
	if (!img)
		return;
	if (img->format && img->format->close)
		img->format->close(img);
	kco_page_cache_free(img->cache);
	kco_segtree_fini(&img->segments[KCO_PHYS]);
	kco_segtree_fini(&img->segments[KCO_VIRT]);
	for (size_t i = 0; i < img->nr_files; i++)
		kco_io_unref(img->files[i]);
	free(img->files);
	free(img->notes);
	kco_arena_fini(&img->arena);
	free(img);
}

void kco_image_cache_stats(const struct kco_image *img, struct kco_cache_stats *stats)
{
	kco_page_cache_stats(img->cache, stats);
}

enum kco_status kco_image_ram(struct kco_image *img, uint64_t *ret, struct kco_err *err)
{
	const struct kco_segment *seg;
	struct kco_segtree tree;
	enum kco_status status;
	uint64_t addr = 0;

	*ret = 0;
	if (img->format && img->format->ram)
		return img->format->ram(img, ret, err);
	status = kco_segtree_clone(&img->segments[KCO_PHYS], &tree, err);
	if (status != KCO_OK)
		return status;
	while ((seg = kco_segtree_next(&tree, addr))) {
		*ret += seg->last - seg->first + 1;
		addr = seg->last + 1;
		if (!addr)
			break;
	}
	kco_segtree_fini(&tree);
	return KCO_OK;
}
