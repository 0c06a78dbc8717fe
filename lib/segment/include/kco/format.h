// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table row of a dump format.
 *
 * How to add a format: write formats/NAME.c with a `const struct kco_format_ops
 * kco_format_NAME`, add X(NAME) to formats/formats.def (order breaks ties of
 * probe scores; raw stays last), add a fixture and a format test. Nothing else
 * changes: CMake, the registry, `kcodbg help formats` and the docs read the
 * list.
 */
#ifndef KCO_FORMAT_H
#define KCO_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/image.h>
#include <kco/sink.h>

#define KCO_PROBE_HEAD 65536
#define KCO_PROBE_TAIL 4096
/*
 * A file is taken for a format by itself when its probe gives at least this
 * much. Less is a hint that the error message names, and that --format can
 * turn into a try: a damaged header, or a raw image, which looks like nothing.
 */
#define KCO_PROBE_MATCH 30

/** What a probe may look at. Shorter files have shorter heads and tails. */
struct kco_head {
	const uint8_t *head;
	size_t head_size; /* up to KCO_PROBE_HEAD */
	const uint8_t *tail;
	size_t tail_size; /* up to KCO_PROBE_TAIL, the file's last bytes */
	uint64_t file_size;
	const char *name; /* of the file, with its folder: only for what looks like nothing; may be NULL */
};

struct kco_write_source; /* <kco/write.h> */

struct kco_format_ops {
	const char *name;	 /* "elf", "kdump", "flattened": a user's word for --format */
	const char *description; /* one line for `help formats` */
	const char *unsupported; /* recognised only: why, and what to do instead; then open and unwrap are NULL */
	/* Pure: no I/O, no allocation, no effect. 0 (not mine) .. 100 (certain). May not be NULL. */
	int (*probe)(const struct kco_head *head);
	/*
	 * For wrappers (flattened, gzip, zstd): give a kco_io of what is
	 * inside. Applied until no wrapper matches (at most 4 deep). NULL for
	 * real formats.
	 */
	enum kco_status (*unwrap)(struct kco_io *io, const struct kco_image_options *opts, struct kco_io **ret,
				  struct kco_err *err);
	/*
	 * Add segments, notes and facts to @img, whose files are set. Cleans
	 * up after itself when it fails. NULL for wrappers.
	 */
	enum kco_status (*open)(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err);
	/* Called once, only after a successful open. May be NULL. */
	void (*close)(struct kco_image *img);
	/*
	 * Read what other files beside the dump at @path say of it, whatever
	 * its format is, into those of its facts that are still empty; warn of
	 * what contradicts. Called for each row after an open. May be NULL.
	 */
	void (*beside)(struct kco_image *img, const char *path);
	/* Which part of a split set @io is; KCO_DONE: of none. Reads headers only. NULL: this format has no such sets.
	 */
	enum kco_status (*part)(struct kco_io *io, struct kco_part *ret, struct kco_err *err);
	/* Bytes of RAM in the dumped machine, where that is not what the segments span. May be NULL. */
	enum kco_status (*ram)(struct kco_image *img, uint64_t *ret, struct kco_err *err);
	/* For wrappers: a sink whose writes go to @to, which it borrows, wrapped. NULL: no writer. */
	enum kco_status (*wrap)(struct kco_stream *to, struct kco_sink **ret, struct kco_err *err);
	/*
	 * Write the pages that @src gives into @sink, which is empty, and which
	 * the caller ends. NULL: no writer.
	 */
	enum kco_status (*write)(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err);
	bool write_maps;  /* it writes virtual addresses, which are looked for only then */
	bool write_packs; /* it compresses pages, by the source's codec */
	bool write_parts; /* it knows what to do with src->part */
};

/** Can convert make such files, by themselves or around others? */
static inline bool kco_format_is_written(const struct kco_format_ops *format)
{
	return format->write || format->wrap;
}

#endif
