// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New files: without a name until they are complete, and never in the place of
 * what is being read.
 *
 *   O_TMPFILE --linkat--> NAME                 nothing is left, whatever ends the program
 *           \-linkat--> NAME.new-N --rename--> NAME       when NAME is there and to be replaced
 *   NAME.partial-XXXXXX --rename--> NAME       file systems without O_TMPFILE; no /proc
 */
#include <kco/outfile.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"

#define OUTFILE_TRIES 100

struct outfile {
	const char *path;
	int fd;	   /* -1: closed */
	char *tmp; /* its name so far, or NULL: it has none */
	bool named;
	bool old; /* and what had that name before is now @tmp */
};

/* Whoever made a file of that name meanwhile keeps it, where the file system can tell. */
static int outfile_rename(const char *from, const char *to, bool replace)
{
	if (!replace) {
		int r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

		if (r == 0 || (errno != EINVAL && errno != ENOSYS))
			return r;
	}
	return rename(from, to);
}

/* Give what @fd refers to a name. */
static int outfile_link(int fd, const char *path)
{
	char self[32];

	// AT_EMPTY_PATH would need a capability.
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* A file in the folder of @path that has no name; -1: there are none here, or none that can be named later. */
static int outfile_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
	char self[32];

	free(folder);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fd >= 0 && access(self, F_OK)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* For its owner only, as makedumpfile's: a dump holds everybody's secrets. */
static enum kco_status outfile_open(struct outfile *f, const char *path, struct kco_err *err)
{
	enum kco_status status;

	*f = (struct outfile){ .path = path, .fd = outfile_nameless(path) };
	if (f->fd >= 0)
		return KCO_OK;
	if (asprintf(&f->tmp, "%s.partial-XXXXXX", path) < 0) {
		f->tmp = NULL;
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	f->fd = mkostemp(f->tmp, O_CLOEXEC);
	if (f->fd >= 0)
		return KCO_OK;
	status = kco_fail_errno(err, errno, "%s", path);
	free(f->tmp);
	f->tmp = NULL;
	return status;
}

/* Is @st one of the files that the session of @s reads? */
static bool outfile_is_input(const struct kco_session *s, const struct stat *st)
{
	const char *const named[] = { s->opts.vmlinux, kco_session_vmlinux(s), s->opts.vmcoreinfo };
	struct stat other;

	for (size_t i = 0; i < s->image->nr_files; i++)
		for (const struct kco_io *io = s->image->files[i]; io; io = io->below)
			if (kco_io_fd(io) >= 0 && !fstat(kco_io_fd(io), &other) && other.st_dev == st->st_dev &&
			    other.st_ino == st->st_ino)
				return true;
	for (size_t i = 0; i < s->opts.nr_dumps + sizeof(named) / sizeof(named[0]); i++) {
		const char *path = i < s->opts.nr_dumps ? s->opts.dumps[i] : named[i - s->opts.nr_dumps];

		if (path && !stat(path, &other) && other.st_dev == st->st_dev && other.st_ino == st->st_ino)
			return true;
	}
	return false;
}

enum kco_status kco_session_may_stream(const struct kco_session *s, int fd, struct kco_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return kco_fail_errno(err, errno, "standard output");
	if (isatty(fd))
		return kco_fail(err, KCO_E_USAGE, "standard output is a terminal: no dump is written to it");
	if (outfile_is_input(s, &st))
		return kco_fail(err, KCO_E_USAGE, "standard output is a file that is being read: it is not replaced");
	return KCO_OK;
}

enum kco_status kco_session_may_write(const struct kco_session *s, const char *path, bool replace, struct kco_err *err)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? KCO_OK : kco_fail_errno(err, errno, "%s", path);
	if (!replace)
		return kco_fail(err, KCO_E_USAGE, "%s exists", path);
	// Renaming would replace a link itself, and /dev/stdout is one.
	if (!S_ISREG(st.st_mode))
		return kco_fail(err, KCO_E_USAGE, "%s is no regular file: it is not replaced", path);
	if (outfile_is_input(s, &st))
		return kco_fail(err, KCO_E_USAGE, "%s is being read: it is not replaced", path);
	return KCO_OK;
}

static enum kco_status outfile_make(struct outfile *f, const char *path, size_t i,
				    enum kco_status (*write)(void *arg, size_t i, int fd, struct kco_err *err),
				    void *arg, struct kco_err *err)
{
	enum kco_status status = outfile_open(f, path, err);

	if (status != KCO_OK)
		return status;
	status = write(arg, i, f->fd, err);
	// File systems of a network tell only now what did not fit; those have no files without names.
	if (f->tmp && close(f->fd) && status == KCO_OK)
		status = kco_fail_errno(err, errno, "closing it");
	if (f->tmp)
		f->fd = -1;
	return status == KCO_OK ? KCO_OK : kco_context(err, status, "%s", path);
}

static bool outfile_exchange(const struct outfile *f)
{
	return !renameat2(AT_FDCWD, f->tmp, AT_FDCWD, f->path, RENAME_EXCHANGE);
}

/* Give a file without a name one beside the name that it shall have: a link cannot replace a file, a renamed one can.
 */
static int outfile_link_beside(struct outfile *f)
{
	for (unsigned i = 0; i < OUTFILE_TRIES; i++) {
		if (asprintf(&f->tmp, "%s.new-%u", f->path, i) < 0) {
			f->tmp = NULL;
			errno = ENOMEM;
			return -1;
		}
		if (outfile_link(f->fd, f->tmp) == 0)
			return 0;
		free(f->tmp);
		f->tmp = NULL;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

/* @undoable: what is replaced is kept until all others have their names, too. */
static enum kco_status outfile_name(struct outfile *f, bool replace, bool undoable, struct kco_err *err)
{
	struct stat st;

	if (!f->tmp) {
		f->named = outfile_link(f->fd, f->path) == 0;
		if (f->named)
			return KCO_OK;
		if (!replace || errno != EEXIST || outfile_link_beside(f))
			return kco_context(err, kco_fail_errno(err, errno, "naming it"), "%s", f->path);
	}
	f->old = replace && undoable && outfile_exchange(f);
	// An exchange takes anything for the other file, also what came in its place while this one was written.
	if (f->old && (lstat(f->tmp, &st) || !S_ISREG(st.st_mode))) {
		f->old = !outfile_exchange(f);
		return kco_fail(err, KCO_E_USAGE, "%s is no regular file: it is not replaced", f->path);
	}
	if (!f->old && outfile_rename(f->tmp, f->path, replace))
		return kco_context(err, kco_fail_errno(err, errno, "naming it"), "%s", f->path);
	f->named = true;
	return KCO_OK;
}

/* As if nothing had been written. */
static void outfile_undo(const struct outfile *f)
{
	if (f->old)
		(void)outfile_exchange(f);
	else if (f->named)
		unlink(f->path);
}

static void outfile_close(struct outfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->tmp && (!f->named || f->old))
		unlink(f->tmp);
	free(f->tmp);
}

enum kco_status kco_session_write_files(const struct kco_session *s, const char *const *paths, size_t n, bool replace,
					enum kco_status (*write)(void *arg, size_t i, int fd, struct kco_err *err),
					void *arg, struct kco_err *err)
{
	struct outfile *files = calloc(n, sizeof(*files));
	enum kco_status status = files ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");

	for (size_t i = 0; files && i < n; i++)
		files[i].fd = -1;
	for (size_t i = 0; status == KCO_OK && i < n; i++)
		status = kco_session_may_write(s, paths[i], replace, err);
	for (size_t i = 0; status == KCO_OK && i < n; i++)
		status = outfile_make(&files[i], paths[i], i, write, arg, err);
	for (size_t i = 0; status == KCO_OK && i < n; i++)
		status = outfile_name(&files[i], replace, n > 1, err);
	for (size_t i = 0; files && i < n; i++) {
		if (status != KCO_OK)
			outfile_undo(&files[i]);
		outfile_close(&files[i]);
	}
	free(files);
	return status;
}

struct outfile_one {
	enum kco_status (*write)(void *arg, int fd, struct kco_err *err);
	void *arg;
};

static enum kco_status outfile_one_write(void *arg, size_t i, int fd, struct kco_err *err)
{
	const struct outfile_one *one = arg;

	(void)i;
	return one->write(one->arg, fd, err);
}

enum kco_status kco_session_write_file(const struct kco_session *s, const char *path, bool replace,
				       enum kco_status (*write)(void *arg, int fd, struct kco_err *err), void *arg,
				       struct kco_err *err)
{
	struct outfile_one one = { write, arg };

	return kco_session_write_files(s, &path, 1, replace, outfile_one_write, &one, err);
}
