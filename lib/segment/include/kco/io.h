// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random-access bytes: a file, memory, or a filter over another kco_io.
 *
 * A kco_io is immutable after creation and its read may be called from many
 * threads at once (a filter that needs state locks it itself). Reference
 * counted, because a filter keeps the one below it alive.
 */
#ifndef KCO_IO_H
#define KCO_IO_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

struct kco_io;
struct kco_facts; /* <kco/image.h> */

struct kco_io_ops {
	const char *name; /* "file", "memory", "flattened", "gzip", ... */
	/*
	 * Read up to @n bytes at @off; *@done always says how many bytes of
	 * @buf are valid. Fewer than @n only together with an error, KCO_E_TRUNCATED
	 * at the end of the data. Called through kco_io_read(), which has
	 * already refused offsets beyond io->size. May not be NULL.
	 */
	enum kco_status (*read)(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
				struct kco_err *err);
	/* How many of the @n bytes at @off are zeros that take no room. Within io->size. NULL: it cannot tell. */
	uint64_t (*hole)(struct kco_io *io, uint64_t off, uint64_t n);
	/* Free what the filter owns but not @io itself. May be NULL. */
	void (*close)(struct kco_io *io);
	/*
	 * What a header of the filter's own says of the machine, into those of
	 * @facts that are still empty: asked after the open of the format
	 * inside. May be NULL.
	 */
	void (*facts)(const struct kco_io *io, struct kco_facts *facts);
};

struct kco_io {
	const struct kco_io_ops *ops;
	atomic_uint refs;
	uint64_t size;	      /* bytes; fixed when it was opened */
	char *name;	      /* path or description for messages; owned */
	struct kco_io *below; /* what a filter reads from or a decompressed copy came out of, or NULL; a reference */
	void *priv;	      /* the implementation's */
};

/** Open a regular file (or a block device) read-only. A directory, FIFO or tty is refused. */
enum kco_status kco_io_open_new(const char *path, struct kco_io **ret, struct kco_err *err) KCO_MUST_USE;
/**
 * Open the regular file at @path, a name that is not to be trusted, with the
 * directory @root as "/": neither ".." nor a symbolic link leads out of it.
 * @root NULL: this machine's "/". All but regular files are refused, unopened.
 */
enum kco_status kco_io_open_in_new(const char *root, const char *path, struct kco_io **ret,
				   struct kco_err *err) KCO_MUST_USE;
/** Bytes in memory. @buf is borrowed and must outlive the io, unless @take: free()d then, but only after success. */
enum kco_status kco_io_memory_new(void *buf, size_t n, int take, const char *name, struct kco_io **ret,
				  struct kco_err *err) KCO_MUST_USE;
/**
 * For implementers: a new io with one reference. Takes a reference on @below
 * (which may be NULL) and copies @name. @priv is handed over on success.
 */
enum kco_status kco_io_new(const struct kco_io_ops *ops, struct kco_io *below, uint64_t size, const char *name,
			   void *priv, struct kco_io **ret, struct kco_err *err) KCO_MUST_USE;
struct kco_io *kco_io_ref(struct kco_io *io);
/** Drop a reference; NULL is allowed. */
void kco_io_unref(struct kco_io *io);

/**
 * Read @n bytes at @off. *@done (may be NULL) is always set. All bytes or an
 * error: KCO_E_TRUNCATED names "X of Y" when the data ends first.
 */
enum kco_status kco_io_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
			    struct kco_err *err) KCO_MUST_USE;

/** How many of the @n bytes at @off are zeros that nobody needs to read: holes of a sparse file. 0: not known. */
uint64_t kco_io_hole(struct kco_io *io, uint64_t off, uint64_t n);
/** The file descriptor under a plain file, or -1 (filters, memory). For peers' libraries only. */
int kco_io_fd(const struct kco_io *io);

#endif
