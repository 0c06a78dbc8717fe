// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An unlinked temporary file that a decompressor fills once, front to back,
 * and that is then read at random.
 *
 * It lies in $TMPDIR, else /var/tmp. Blocks of zeros become holes. It is gone
 * with its kco_io, also after a crash.
 */
#ifndef KCO_SPOOL_H
#define KCO_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include <kco/image.h>

#define KCO_SPOOL_BLOCK 65536

struct kco_spool {
	int fd;
	uint64_t size;	/* bytes taken so far */
	uint64_t limit; /* of size */
	uint64_t spare; /* bytes that may still go to the disk before the free space is asked for again */
	uint8_t *block; /* KCO_SPOOL_BLOCK bytes being filled */
	size_t in_block;
	struct kco_io *from; /* the compressed file, borrowed */
};

/** Start one for what @from (a compressed file) holds. */
enum kco_status kco_spool_init(struct kco_spool *spool, struct kco_io *from, struct kco_err *err) KCO_MUST_USE;
/** Safe after init at any time, also after finish. */
void kco_spool_fini(struct kco_spool *spool);
/**
 * Append. KCO_E_NOMEM when the data grows beyond what the compressed size
 * makes believable, or the disk gets full.
 */
enum kco_status kco_spool_write(struct kco_spool *spool, const void *buf, size_t n, struct kco_err *err) KCO_MUST_USE;
/** End: a kco_io over all of it, a plain file for kco_io_fd(), with what it came out of below. */
enum kco_status kco_spool_finish(struct kco_spool *spool, struct kco_io **ret, struct kco_err *err) KCO_MUST_USE;

/**
 * What both decompressors share: read @io in pieces, hand each to @push (which
 * calls kco_spool_write()), and deal with an end that comes too early: what
 * was decompressed until then is used, with a warning. @push returns KCO_DONE
 * at the end of the stream, KCO_OK for more; @n is 0 at the end of the file.
 */
enum kco_status kco_spool_unwrap(struct kco_io *io, const struct kco_image_options *opts,
				 enum kco_status (*push)(void *arg, struct kco_spool *spool, const uint8_t *buf,
							 size_t n, struct kco_err *err),
				 void *arg, struct kco_io **ret, struct kco_err *err) KCO_MUST_USE;

#endif
