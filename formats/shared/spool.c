// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An unlinked temporary file for decompressed dumps. See spool.h.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <kco/write.h>

/*
 * A dump is at most this much larger than its compressed self: a machine whose
 * memory was mostly zeros reaches about 1000 with gzip (deflate cannot do
 * more). What is smaller than the floor may be anything. It is measured by the
 * user's file, whatever number of wrappers lies between.
 */
#define SPOOL_RATIO_MAX 2000u
#define SPOOL_FLOOR (UINT64_C(4) << 30)
/* Never take the last of the disk. */
#define SPOOL_RESERVE (UINT64_C(256) << 20)
#define SPOOL_CHECK (UINT64_C(64) << 20)
#define SPOOL_INPUT 262144u
/* Input without a byte of output: zstd can go on with empty blocks, which are zeros, to the end of a sparse file. */
#define SPOOL_IDLE_MAX (UINT64_C(64) << 20)

static const char *spool_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && dir[0] == '/' ? dir : "/var/tmp";
}

static enum kco_status spool_tmpfile(int *ret, struct kco_err *err)
{
	const char *dir = spool_dir();
	char path[4096];
	int fd;

#ifdef O_TMPFILE
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0) {
		*ret = fd;
		return KCO_OK;
	}
#endif
	if ((size_t)snprintf(path, sizeof(path), "%s/kcodbg-XXXXXX", dir) >= sizeof(path))
		return kco_fail(err, KCO_E_USAGE, "TMPDIR is too long");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return kco_fail_errno(err, errno, "temporary file in %s (set TMPDIR to another folder)", dir);
	unlink(path);
	*ret = fd;
	return KCO_OK;
}

/* The size of the file that @io's bytes come out of in the end. */
static uint64_t spool_origin(const struct kco_io *io)
{
	while (io->below)
		io = io->below;
	return io->size;
}

enum kco_status kco_spool_init(struct kco_spool *spool, struct kco_io *from, struct kco_err *err)
{
	*spool = (struct kco_spool){ .fd = -1, .from = from };
	if (__builtin_mul_overflow(spool_origin(from), SPOOL_RATIO_MAX, &spool->limit))
		spool->limit = INT64_MAX;
	if (spool->limit < SPOOL_FLOOR)
		spool->limit = SPOOL_FLOOR;
	if (spool->limit > INT64_MAX)
		spool->limit = INT64_MAX;
	spool->block = malloc(KCO_SPOOL_BLOCK);
	if (!spool->block)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	return spool_tmpfile(&spool->fd, err);
}

void kco_spool_fini(struct kco_spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->block);
	spool->fd = -1;
	spool->block = NULL;
}

static enum kco_status spool_check_space(struct kco_spool *spool, struct kco_err *err)
{
	struct statvfs fs;
	uint64_t avail;

	if (fstatvfs(spool->fd, &fs) < 0)
		return kco_fail_errno(err, errno, "free space in %s", spool_dir());
	if (__builtin_mul_overflow((uint64_t)fs.f_bavail, (uint64_t)fs.f_frsize, &avail))
		avail = UINT64_MAX;
	if (avail < SPOOL_RESERVE + SPOOL_CHECK)
		return kco_fail(err, KCO_E_NOMEM,
				"%s is full after %" PRIu64 " decompressed MiB (set TMPDIR to a folder with more room)",
				spool_dir(), spool->size >> 20);
	spool->spare = SPOOL_CHECK;
	return KCO_OK;
}

/* Write the block, which ends at spool->size; 4 KiB pieces of zeros are left out. */
static enum kco_status spool_flush(struct kco_spool *spool, struct kco_err *err)
{
	uint64_t base = spool->size - spool->in_block;
	size_t at = 0;

	while (at < spool->in_block) {
		size_t n = spool->in_block - at < 4096 ? spool->in_block - at : 4096, end = at + n;
		enum kco_status status;

		if (kco_write_is_zero(spool->block + at, n)) {
			at = end;
			continue;
		}
		while (end < spool->in_block && end - at < KCO_SPOOL_BLOCK) {
			n = spool->in_block - end < 4096 ? spool->in_block - end : 4096;
			if (kco_write_is_zero(spool->block + end, n))
				break;
			end += n;
		}
		if (spool->spare < end - at) {
			status = spool_check_space(spool, err);
			if (status != KCO_OK)
				return status;
		}
		spool->spare -= end - at;
		while (at < end) {
			ssize_t r = pwrite(spool->fd, spool->block + at, end - at, (off_t)(base + at));

			if (r < 0 && errno == EINTR)
				continue;
			if (r <= 0)
				return kco_fail_errno(err, r < 0 ? errno : EIO,
						      "temporary file in %s (set TMPDIR to another folder)",
						      spool_dir());
			at += (size_t)r;
		}
	}
	spool->in_block = 0;
	return KCO_OK;
}

enum kco_status kco_spool_write(struct kco_spool *spool, const void *buf, size_t n, struct kco_err *err)
{
	const uint8_t *p = buf;

	while (n) {
		size_t take = KCO_SPOOL_BLOCK - spool->in_block < n ? KCO_SPOOL_BLOCK - spool->in_block : n;
		enum kco_status status;

		if (take > spool->limit - spool->size)
			return kco_fail(err, KCO_E_NOMEM,
					"grows to more than %" PRIu64 " MiB from %" PRIu64
					" KiB: refused as a decompression bomb",
					spool->limit >> 20, spool->from->size >> 10);
		memcpy(spool->block + spool->in_block, p, take);
		spool->in_block += take;
		spool->size += take;
		p += take;
		n -= take;
		if (spool->in_block < KCO_SPOOL_BLOCK)
			continue;
		status = spool_flush(spool, err);
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

enum kco_status kco_spool_finish(struct kco_spool *spool, struct kco_io **ret, struct kco_err *err)
{
	enum kco_status status = spool_flush(spool, err);
	char path[64], *name;

	if (status != KCO_OK)
		return status;
	// Holes at the end count too.
	if (ftruncate(spool->fd, (off_t)spool->size) < 0)
		return kco_fail_errno(err, errno, "temporary file in %s", spool_dir());
	// Opened anew instead of handed over, so that it is a plain file to everyone.
	snprintf(path, sizeof(path), "/proc/self/fd/%d", spool->fd);
	status = kco_io_open_new(path, ret, err);
	if (status != KCO_OK)
		return status;
	(*ret)->below = kco_io_ref(spool->from);
	name = strdup(spool->from->name);
	if (name) {
		free((*ret)->name);
		(*ret)->name = name;
	}
	return KCO_OK;
}

static void spool_warn(const struct kco_image_options *opts, const char *name, const char *msg)
{
	char text[512];

	if (!opts || !opts->warn)
		return;
	snprintf(text, sizeof(text), "%s: truncated: %s; what was decompressed is used", name, msg);
	opts->warn(opts->warn_arg, text);
}

enum kco_status kco_spool_unwrap(struct kco_io *io, const struct kco_image_options *opts,
				 enum kco_status (*push)(void *arg, struct kco_spool *spool, const uint8_t *buf,
							 size_t n, struct kco_err *err),
				 void *arg, struct kco_io **ret, struct kco_err *err)
{
	uint8_t *buf = malloc(SPOOL_INPUT);
	struct kco_err bad = KCO_ERR_INIT;
	struct kco_spool spool;
	enum kco_status status = kco_spool_init(&spool, io, &bad);
	uint64_t pos = 0, idle = 0, before = 0;

	if (status == KCO_OK && !buf)
		status = kco_fail(&bad, KCO_E_NOMEM, "out of memory");
	while (status == KCO_OK) {
		size_t n = io->size - pos < SPOOL_INPUT ? (size_t)(io->size - pos) : SPOOL_INPUT;

		idle = spool.size == before ? idle + n : 0;
		before = spool.size;
		if (idle > SPOOL_IDLE_MAX || pos > spool.limit) {
			status = kco_fail(&bad, KCO_E_CORRUPT, "%" PRIu64 " MiB give %" PRIu64 " MiB only", pos >> 20,
					  spool.size >> 20);
			break;
		}
		if (n)
			status = kco_io_read(io, buf, n, pos, NULL, &bad);
		pos += n;
		if (status == KCO_OK)
			status = push(arg, &spool, buf, n, &bad);
	}
	// A damaged or short stream is worth its beginning, a full disk is not.
	if ((status == KCO_E_TRUNCATED || status == KCO_E_CORRUPT || status == KCO_E_IO) && spool.size) {
		spool_warn(opts, io->name, bad.msg);
		status = KCO_DONE;
	}
	if (status == KCO_DONE)
		status = kco_spool_finish(&spool, ret, &bad);
	kco_spool_fini(&spool);
	free(buf);
	if (status != KCO_OK && err)
		*err = bad;
	return status;
}
