// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink that is a file, and the stream below those that are not.
 */
#include <kco/sink.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "syncer.h"

struct sink_file {
	struct kco_sink sink;
	int fd;
	struct kco_syncer *syncer;
};

static enum kco_status sink_file_write(struct kco_sink *sink, const void *buf, size_t n, uint64_t off,
				       struct kco_err *err)
{
	const struct sink_file *file = (const struct sink_file *)sink;
	size_t all = n;

	while (n) {
		ssize_t r = pwrite(file->fd, buf, n, (off_t)off);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return kco_fail_errno(err, r < 0 ? errno : EIO, "writing %zu bytes at offset %" PRIu64, n, off);
		buf = (const uint8_t *)buf + r;
		n -= (size_t)r;
		off += (uint64_t)r;
	}
	kco_syncer_wrote(file->syncer, all);
	return KCO_OK;
}

static enum kco_status sink_file_resize(struct kco_sink *sink, uint64_t size, struct kco_err *err)
{
	const struct sink_file *file = (const struct sink_file *)sink;

	if (ftruncate(file->fd, (off_t)size) < 0)
		return kco_fail_errno(err, errno, "setting the size of the file");
	return KCO_OK;
}

static enum kco_status sink_file_end(struct kco_sink *sink, struct kco_err *err)
{
	return kco_syncer_end(((const struct sink_file *)sink)->syncer, err);
}

static void sink_file_free(struct kco_sink *sink)
{
	kco_syncer_free(((const struct sink_file *)sink)->syncer);
	free(sink);
}

static const struct kco_sink_ops sink_file_ops = {
	.write = sink_file_write,
	.resize = sink_file_resize,
	.end = sink_file_end,
	.free = sink_file_free,
};

enum kco_status kco_sink_file_new(int fd, struct kco_sink **ret, struct kco_err *err)
{
	struct sink_file *file = calloc(1, sizeof(*file));

	if (!file)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	file->syncer = kco_syncer_new(fd);
	if (!file->syncer) {
		free(file);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	file->sink = (struct kco_sink){ .ops = &sink_file_ops, .any_thread = true };
	file->fd = fd;
	*ret = &file->sink;
	return KCO_OK;
}

enum kco_status kco_sink_write(struct kco_sink *sink, const void *buf, size_t n, uint64_t off, struct kco_err *err)
{
	if (n > INT64_MAX || off > INT64_MAX - n)
		return kco_fail(err, KCO_E_RANGE, "writing %zu bytes at offset %" PRIu64 ": no file is that long", n,
				off);
	return n ? sink->ops->write(sink, buf, n, off, err) : KCO_OK;
}

enum kco_status kco_sink_resize(struct kco_sink *sink, uint64_t size, struct kco_err *err)
{
	sink->size = size;
	if (size > INT64_MAX)
		return kco_fail(err, KCO_E_RANGE, "%" PRIu64 " bytes: no file is that long", size);
	return sink->ops->resize ? sink->ops->resize(sink, size, err) : KCO_OK;
}

enum kco_status kco_sink_end(struct kco_sink *sink, struct kco_err *err)
{
	return sink->ops->end ? sink->ops->end(sink, err) : KCO_OK;
}

void kco_sink_free(struct kco_sink *sink)
{
	if (sink)
		sink->ops->free(sink);
}

/* A write failed: go on, or not? */
static enum kco_status stream_again(const struct kco_stream *s, int why, size_t left, struct kco_err *err)
{
	struct pollfd fd = { .fd = s->fd, .events = POLLOUT };

	// Whoever else has the other end's descriptor may have made it one that does not wait.
	if (why == EAGAIN && poll(&fd, 1, -1) < 0)
		why = errno;
	if (why == EINTR || why == EAGAIN)
		return KCO_OK;
	return kco_fail_errno(err, why, "writing %zu bytes after %" PRIu64, left, s->written);
}

enum kco_status kco_stream_write(struct kco_stream *s, const void *head, size_t head_n, const void *buf, size_t n,
				 struct kco_err *err)
{
	while (head_n + n) {
		struct iovec iov[] = { { (void *)(uintptr_t)head, head_n }, { (void *)(uintptr_t)buf, n } };
		ssize_t r = writev(s->fd, iov, 2);
		int why = r < 0 ? errno : EIO;
		size_t part;

		// A signal ends a wait for the reader, also after a part of the bytes.
		if (r < (ssize_t)(head_n + n) && s->cancelled && s->cancelled(s->arg))
			return kco_fail(err, KCO_E_CANCELLED, "cancelled");
		if (r <= 0) {
			enum kco_status status = stream_again(s, why, head_n + n, err);

			if (status != KCO_OK)
				return status;
			continue;
		}
		s->written += (uint64_t)r;
		part = (size_t)r < head_n ? (size_t)r : head_n;
		// Either may be NULL when it has no bytes.
		if (part)
			head = (const uint8_t *)head + part;
		head_n -= part;
		part = (size_t)r - part;
		if (part)
			buf = (const uint8_t *)buf + part;
		n -= part;
	}
	return KCO_OK;
}
