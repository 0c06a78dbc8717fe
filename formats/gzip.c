// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A gzip'ed dump: a wrapper, decompressed once into a temporary file.
 *
 *   1f 8b 08 | flags, time, ... | deflate stream | u32 crc | u32 size | next member ...
 *
 * Layout: RFC 1952. gzip cannot be read at random without decompressing all
 * that comes before.
 */
#include "spool.h"

#include <kco/format.h>

#include <string.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_OUTPUT 262144u

struct gzip {
	z_stream z;
	bool between; /* a member ended, nothing of a next one was seen */
	uint8_t out[GZIP_OUTPUT];
};

static int gzip_probe(const struct kco_head *head)
{
	return head->head_size > 18 && !memcmp(head->head, "\x1f\x8b\x08", 3) ? 100 : 0;
}

static enum kco_status gzip_push(void *arg, struct kco_spool *spool, const uint8_t *buf, size_t n, struct kco_err *err)
{
	struct gzip *gz = arg;

	if (n == 0)
		return gz->between ? KCO_DONE : kco_fail(err, KCO_E_TRUNCATED, "the gzip stream ends early");
	gz->z.next_in = (Bytef *)buf;
	gz->z.avail_in = (uInt)n;
	while (gz->z.avail_in) {
		enum kco_status status;
		int r;

		if (gz->between) {
			// Members may follow each other; tapes and disks pad with zeros.
			if (gz->z.next_in[0] != 0x1f)
				return KCO_DONE;
			inflateReset(&gz->z);
			gz->between = false;
		}
		gz->z.next_out = gz->out;
		gz->z.avail_out = sizeof(gz->out);
		r = inflate(&gz->z, Z_NO_FLUSH);
		if (r == Z_MEM_ERROR)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		status = kco_spool_write(spool, gz->out, sizeof(gz->out) - gz->z.avail_out, err);
		if (status != KCO_OK)
			return status;
		if (r == Z_STREAM_END)
			gz->between = true;
		else if (r != Z_OK && r != Z_BUF_ERROR)
			return kco_fail(err, KCO_E_CORRUPT, "gzip: %s", gz->z.msg ? gz->z.msg : "damaged");
	}
	return KCO_OK;
}

static enum kco_status gzip_unwrap(struct kco_io *io, const struct kco_image_options *opts, struct kco_io **ret,
				   struct kco_err *err)
{
	struct gzip *gz = calloc(1, sizeof(*gz));
	enum kco_status status;

	// 16: the gzip header, and not zlib's own.
	if (!gz || inflateInit2(&gz->z, 15 + 16) != Z_OK) {
		free(gz);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	status = kco_spool_unwrap(io, opts, gzip_push, gz, ret, err);
	inflateEnd(&gz->z);
	free(gz);
	return status;
}

const struct kco_format_ops kco_format_gzip = {
	.name = "gzip",
	.description = "gzip around another format (decompressed into TMPDIR)",
	.probe = gzip_probe,
	.unwrap = gzip_unwrap,
};
