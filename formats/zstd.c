// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A zstd'ed dump: a wrapper, decompressed once into a temporary file.
 *
 *   28 b5 2f fd | frame ...             several frames may follow each other
 *   50..5f 2a 4d 18 | u32 size | bytes  skippable frames, also in front
 *
 * Layout: RFC 8878. FreeBSD's kernel and savecore write such files too.
 */
#include "spool.h"

#include <kco/endian.h>
#include <kco/format.h>

#include <zstd.h>

#include <stdlib.h>

#define ZSTD_FRAME 0xfd2fb528u
#define ZSTD_SKIPPABLE 0x184d2a50u
/* zstd's own limit without --long=31: 128 MiB of window. */
#define ZSTD_WINDOW_LOG 27

struct zstd {
	ZSTD_DStream *stream;
	bool between; /* a frame ended */
	size_t out_size;
	uint8_t *out;
};

static int zstd_probe(const struct kco_head *head)
{
	uint32_t magic;

	if (head->head_size < 8)
		return 0;
	magic = kco_le32(head->head);
	if (magic == ZSTD_FRAME)
		return 100;
	return (magic & 0xfffffff0u) == ZSTD_SKIPPABLE ? 40 : 0;
}

static enum kco_status zstd_push(void *arg, struct kco_spool *spool, const uint8_t *buf, size_t n, struct kco_err *err)
{
	struct zstd *zs = arg;
	ZSTD_inBuffer in = { buf, n, 0 };
	bool full = false;

	if (n == 0)
		return zs->between ? KCO_DONE : kco_fail(err, KCO_E_TRUNCATED, "the zstd stream ends early");
	while (in.pos < in.size || full) {
		ZSTD_outBuffer out = { zs->out, zs->out_size, 0 };
		size_t left = ZSTD_decompressStream(zs->stream, &out, &in);
		enum kco_status status;

		if (ZSTD_isError(left)) {
			// Padding behind the last frame is not a frame; it is left alone.
			if (zs->between && out.pos == 0)
				return KCO_DONE;
			return kco_fail(err, KCO_E_CORRUPT, "zstd: %s", ZSTD_getErrorName(left));
		}
		status = kco_spool_write(spool, zs->out, out.pos, err);
		if (status != KCO_OK)
			return status;
		zs->between = left == 0;
		// A full buffer may leave output behind after the last byte of input.
		full = out.pos == out.size && left != 0;
	}
	return KCO_OK;
}

static enum kco_status zstd_unwrap(struct kco_io *io, const struct kco_image_options *opts, struct kco_io **ret,
				   struct kco_err *err)
{
	struct zstd zs = { .stream = ZSTD_createDStream(), .out_size = ZSTD_DStreamOutSize() };
	enum kco_status status;

	zs.out = malloc(zs.out_size);
	if (!zs.stream || !zs.out) {
		status = kco_fail(err, KCO_E_NOMEM, "out of memory");
	} else {
		ZSTD_DCtx_setParameter(zs.stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
		status = kco_spool_unwrap(io, opts, zstd_push, &zs, ret, err);
	}
	ZSTD_freeDStream(zs.stream);
	free(zs.out);
	return status;
}

const struct kco_format_ops kco_format_zstd = {
	.name = "zstd",
	.description = "zstd around another format (decompressed into TMPDIR)",
	.probe = zstd_probe,
	.unwrap = zstd_unwrap,
};
