// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the bytes of a new dump go. Writers say "these bytes at this offset",
 * in any order; the sink knows whether that is a file or something that can
 * only be written front to back.
 *
 *   format's writer ---> sink: a file            pwrite()
 *                        sink: a wrapper's       records, in the order of the writes (formats/flattened.c)
 *                                  |
 *                                  v
 *                               stream           write(): a pipe, standard output, a file
 */
#ifndef KCO_SINK_H
#define KCO_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_sink;

struct kco_sink_ops {
	/* Put @n > 0 bytes at @off; a later write covers an earlier one. */
	enum kco_status (*write)(struct kco_sink *sink, const void *buf, size_t n, uint64_t off, struct kco_err *err);
	/* What is written has (at least) this size. NULL: told when it ends. */
	enum kco_status (*resize)(struct kco_sink *sink, uint64_t size, struct kco_err *err);
	/* All was written; @sink->size is what resize was told. NULL: nothing to do. */
	enum kco_status (*end)(struct kco_sink *sink, struct kco_err *err);
	/* Free @sink; its file descriptor is the caller's. */
	void (*free)(struct kco_sink *sink);
};

struct kco_sink {
	const struct kco_sink_ops *ops;
	uint64_t size;	 /* what resize was told, 0: nothing yet */
	bool any_thread; /* threads may write at once, and in what order they do makes no difference */
};

/**
 * A sink over the regular file @fd, which stays the caller's. What is written
 * goes to the disk meanwhile; all of it is there when the caller has called
 * fsync() after kco_sink_end(), which tells what went wrong until then.
 */
enum kco_status kco_sink_file_new(int fd, struct kco_sink **ret, struct kco_err *err) KCO_MUST_USE;
/** All @n bytes (may be 0) to @off. From one thread at a time unless sink->any_thread. */
enum kco_status kco_sink_write(struct kco_sink *sink, const void *buf, size_t n, uint64_t off,
			       struct kco_err *err) KCO_MUST_USE;
/**
 * What is written will be @size bytes long: what nobody writes of it is zeros.
 * Called once, at any time before the end. KCO_E_IO: it cannot be that long.
 */
enum kco_status kco_sink_resize(struct kco_sink *sink, uint64_t size, struct kco_err *err) KCO_MUST_USE;
/** Everything was written. Nothing may be written after. */
enum kco_status kco_sink_end(struct kco_sink *sink, struct kco_err *err) KCO_MUST_USE;
void kco_sink_free(struct kco_sink *sink);

/** A file descriptor that is written front to back from where it stands. */
struct kco_stream {
	int fd; /* the caller's; SIGPIPE must not kill, a reader that went away is KCO_E_IO then */
	uint64_t written;
	/* Asked when a signal ends a wait for the reader: true gives KCO_E_CANCELLED. NULL: it waits on. */
	bool (*cancelled)(void *arg);
	void *arg;
};

/** All of @head, then all of @buf. */
enum kco_status kco_stream_write(struct kco_stream *stream, const void *head, size_t head_n, const void *buf, size_t n,
				 struct kco_err *err) KCO_MUST_USE;

#endif
