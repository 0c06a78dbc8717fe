// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random-access bytes: plain files through pread, memory, and the frame that
 * filters hang in.
 *
 * pread and not mmap, because a file that shrinks under a mapping kills the
 * reader with SIGBUS, and because a dump on a dying disk must give an error
 * for the bad block only. The size is the one at open time; what a growing
 * file gains later is not looked at.
 */
#include <kco/io.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

#define IO_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) /* never hang on what turned into a FIFO */

enum kco_status kco_io_new(const struct kco_io_ops *ops, struct kco_io *below, uint64_t size, const char *name,
			   void *priv, struct kco_io **ret, struct kco_err *err)
{
	size_t len = name ? strlen(name) : 0;
	struct kco_io *io = calloc(1, sizeof(*io));
	char *copy = malloc(len + 1);

	if (!io || !copy) {
		free(io);
		free(copy);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	if (len)
		memcpy(copy, name, len);
	copy[len] = '\0';
	io->ops = ops;
	atomic_init(&io->refs, 1);
	io->size = size;
	io->name = copy;
	io->below = below ? kco_io_ref(below) : NULL;
	io->priv = priv;
	*ret = io;
	return KCO_OK;
}

struct kco_io *kco_io_ref(struct kco_io *io)
{
	atomic_fetch_add_explicit(&io->refs, 1, memory_order_relaxed);
	return io;
}

void kco_io_unref(struct kco_io *io)
{
	while (io && atomic_fetch_sub_explicit(&io->refs, 1, memory_order_acq_rel) == 1) {
		struct kco_io *below = io->below;

		if (io->ops->close)
			io->ops->close(io);
		free(io->name);
		free(io);
		io = below;
	}
}

enum kco_status kco_io_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done, struct kco_err *err)
{
	size_t got = 0, want = n;
	enum kco_status status = KCO_OK;

	if (off >= io->size)
		want = 0;
	else if (want > io->size - off)
		want = (size_t)(io->size - off);
	if (want)
		status = io->ops->read(io, buf, want, off, &got, err);
	if (done)
		*done = got;
	if (status != KCO_OK)
		return status;
	if (got < n) {
		kco_fail(err, KCO_E_TRUNCATED, "%s: truncated: %zu of %zu bytes at offset %#" PRIx64 ", size %#" PRIx64,
			 io->name, got, n, off, io->size);
		if (err)
			err->file_off = off + got;
		return KCO_E_TRUNCATED;
	}
	return KCO_OK;
}

uint64_t kco_io_hole(struct kco_io *io, uint64_t off, uint64_t n)
{
	if (!io->ops->hole || off >= io->size || !n)
		return 0;
	return io->ops->hole(io, off, n < io->size - off ? n : io->size - off);
}

/* Files. The descriptor is the private pointer itself. */

/* Reads of at least this many bytes are asked first whether they begin in a hole. */
#define IO_HOLE_MIN (UINT32_C(1) << 16)

/*
 * How many of the @n bytes at @off are a hole of the file. Reading a hole fills
 * the page cache with zeros, a hundred times slower than making them; a dump of a
 * large machine is mostly holes. 0, too, where the file system cannot tell.
 */
static uint64_t io_file_hole(struct kco_io *io, uint64_t off, uint64_t n)
{
	int fd = (int)(intptr_t)io->priv;
	off_t data = lseek(fd, (off_t)off, SEEK_DATA);
	struct stat st;

	if (data >= 0)
		return (uint64_t)data - off < n ? (uint64_t)data - off : n;
	// There is no data behind @off; or there is no file any more.
	return errno == ENXIO && fstat(fd, &st) == 0 && (uint64_t)st.st_size >= off + n ? n : 0;
}

static enum kco_status io_file_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
				    struct kco_err *err)
{
	int fd = (int)(intptr_t)io->priv;
	size_t got = n < IO_HOLE_MIN ? 0 : (size_t)io_file_hole(io, off, n);

	memset(buf, 0, got);
	*done = got;
	while (got < n) {
		ssize_t r = pread(fd, (char *)buf + got, n - got, (off_t)(off + got));

		if (r > 0) {
			got += (size_t)r;
			*done = got;
		} else if (r == 0) {
			// The file has shrunk since it was opened.
			kco_fail(err, KCO_E_TRUNCATED,
				 "%s: truncated: %zu of %zu bytes at offset %#" PRIx64 ", shrunk since it was opened",
				 io->name, got, n, off);
			if (err)
				err->file_off = off + got;
			return KCO_E_TRUNCATED;
		} else if (errno != EINTR) {
			kco_fail_errno(err, errno, "%s: reading %zu bytes at offset %#" PRIx64, io->name, n - got,
				       off + got);
			if (err)
				err->file_off = off + got;
			return KCO_E_IO;
		}
	}
	return KCO_OK;
}

static void io_file_close(struct kco_io *io)
{
	close((int)(intptr_t)io->priv);
}

static const struct kco_io_ops io_file_ops = {
	.name = "file",
	.read = io_file_read,
	.hole = io_file_hole,
	.close = io_file_close,
};

/* Why a thing that is neither a regular file nor a block device is refused; NULL when it is one of the two. */
static const char *io_refusal(mode_t mode)
{
	if (S_ISREG(mode) || S_ISBLK(mode))
		return NULL;
	if (S_ISDIR(mode))
		return "is a directory, not a file";
	if (S_ISFIFO(mode))
		return "is a pipe: random access is needed, save it to a file first";
	if (S_ISSOCK(mode))
		return "is a socket, not a file";
	if (S_ISCHR(mode))
		return "is a terminal or another character device, not a file";
	return "is neither a regular file nor a block device";
}

static enum kco_status io_file_size(int fd, const struct stat *st, uint64_t *ret)
{
	off_t end;

	if (S_ISREG(st->st_mode)) {
		*ret = (uint64_t)st->st_size;
		return KCO_OK;
	}
#ifdef BLKGETSIZE64
	if (ioctl(fd, BLKGETSIZE64, ret) == 0)
		return KCO_OK;
#endif
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return KCO_E_IO;
	*ret = (uint64_t)end;
	return KCO_OK;
}

/* Make an io of @fd, which is taken. @regular: a block device is refused, too. */
static enum kco_status io_fd_new_take(int fd, bool regular, const char *name, struct kco_io **ret, struct kco_err *err)
{
	const char *refusal;
	enum kco_status status;
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st) < 0) {
		status = kco_fail_errno(err, errno, "%s", name);
		goto fail;
	}
	refusal = regular && S_ISBLK(st.st_mode) ? "is a device, not a file" : io_refusal(st.st_mode);
	if (refusal) {
		status = kco_fail(err, KCO_E_BADFILE, "%s: %s", name, refusal);
		goto fail;
	}
	if (io_file_size(fd, &st, &size) != KCO_OK) {
		status = kco_fail_errno(err, errno, "%s: size of the device", name);
		goto fail;
	}
	status = kco_io_new(&io_file_ops, NULL, size, name, (void *)(intptr_t)fd, ret, err);
	if (status == KCO_OK)
		return KCO_OK;
fail:
	close(fd);
	return status;
}

enum kco_status kco_io_open_new(const char *path, struct kco_io **ret, struct kco_err *err)
{
	const char *refusal;
	struct stat st;
	int fd;

	// Ask before opening too: merely opening a device may have effects.
	if (stat(path, &st) < 0)
		return kco_fail_errno(err, errno, "%s", path);
	refusal = io_refusal(st.st_mode);
	if (refusal)
		return kco_fail(err, KCO_E_BADFILE, "%s: %s", path, refusal);
	do
		fd = open(path, IO_FLAGS);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return kco_fail_errno(err, errno, "%s", path);
	return io_fd_new_take(fd, false, path, ret, err);
}

/* open() with @root as the root that neither ".." nor links lead out of; AT_FDCWD: this machine's. */
static int io_open_in(int root, const char *path, int flags)
{
	int fd;

	do {
#ifdef __linux__
		struct open_how how = { .flags = (unsigned)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

		fd = root == AT_FDCWD ? open(path, flags) : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
#else
		errno = ENOSYS;
		fd = root == AT_FDCWD ? open(path, flags) : -1;
#endif
	} while (fd < 0 && errno == EINTR);
	return fd;
}

enum kco_status kco_io_open_in_new(const char *root, const char *path, struct kco_io **ret, struct kco_err *err)
{
	int dir = root ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD, fd;
	struct stat st;

	if (dir == -1)
		return kco_fail_errno(err, errno, "%s", root);
	// First only a handle: merely opening a device may have effects.
	fd = io_open_in(dir, path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		close(fd);
		fd = io_open_in(dir, path, IO_FLAGS);
	} else if (fd >= 0) {
		close(fd);
		if (root)
			close(dir);
		return kco_fail(err, KCO_E_BADFILE, "%s: is no regular file", path);
	}
	if (fd < 0)
		(void)kco_fail_errno(err, errno, "%s", path);
	if (root)
		close(dir);
	return fd < 0 ? KCO_E_IO : io_fd_new_take(fd, true, path, ret, err);
}

int kco_io_fd(const struct kco_io *io)
{
	return io->ops == &io_file_ops ? (int)(intptr_t)io->priv : -1;
}

/* Memory. */

static enum kco_status io_memory_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
				      struct kco_err *err)
{
	(void)err;
	memcpy(buf, (const char *)io->priv + off, n);
	*done = n;
	return KCO_OK;
}

static void io_memory_close(struct kco_io *io)
{
	free(io->priv);
}

static const struct kco_io_ops io_memory_borrowed_ops = {
	.name = "memory",
	.read = io_memory_read,
};

static const struct kco_io_ops io_memory_owned_ops = {
	.name = "memory",
	.read = io_memory_read,
	.close = io_memory_close,
};

enum kco_status kco_io_memory_new(void *buf, size_t n, int take, const char *name, struct kco_io **ret,
				  struct kco_err *err)
{
	return kco_io_new(take ? &io_memory_owned_ops : &io_memory_borrowed_ops, NULL, n, name, buf, ret, err);
}
