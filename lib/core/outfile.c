// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New files: under a temporary name until they are complete, and never in the
 * place of what is being read.
 */
#include <kco/outfile.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"

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

/* A file that is not complete, and then one that has its name. */
struct outfile {
	char *tmp;
	bool named;
	bool old; /* and what had that name before is now @tmp */
};

static enum kco_status outfile_make(struct outfile *file, const char *path, size_t i,
				    enum kco_status (*write)(void *arg, size_t i, int fd, struct kco_err *err),
				    void *arg, struct kco_err *err)
{
	enum kco_status status;
	int fd;

	if (asprintf(&file->tmp, "%s.XXXXXX", path) < 0) {
		file->tmp = NULL;
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	fd = mkostemp(file->tmp, O_CLOEXEC); // for its owner only, as makedumpfile's: a dump holds everybody's secrets
	if (fd < 0) {
		status = kco_fail_errno(err, errno, "%s", path);
		free(file->tmp);
		file->tmp = NULL;
		return status;
	}
	status = write(arg, i, fd, err);
	if (close(fd) && status == KCO_OK)
		status = kco_fail_errno(err, errno, "closing it");
	return status == KCO_OK ? KCO_OK : kco_context(err, status, "%s", path);
}

static bool outfile_exchange(const struct outfile *file, const char *path)
{
	return !renameat2(AT_FDCWD, file->tmp, AT_FDCWD, path, RENAME_EXCHANGE);
}

/* @undoable: what is replaced is kept until all others have their names, too. */
static enum kco_status outfile_name(struct outfile *file, const char *path, bool replace, bool undoable,
				    struct kco_err *err)
{
	struct stat st;

	file->old = replace && undoable && outfile_exchange(file, path);
	// An exchange takes anything for the other file, also what came in its place while this one was written.
	if (file->old && (lstat(file->tmp, &st) || !S_ISREG(st.st_mode))) {
		file->old = !outfile_exchange(file, path);
		return kco_fail(err, KCO_E_USAGE, "%s is no regular file: it is not replaced", path);
	}
	if (!file->old && outfile_rename(file->tmp, path, replace))
		return kco_context(err, kco_fail_errno(err, errno, "naming it"), "%s", path);
	file->named = true;
	return KCO_OK;
}

/* As if nothing had been written. */
static void outfile_undo(const struct outfile *file, const char *path)
{
	if (file->old)
		(void)outfile_exchange(file, path);
	else if (file->named)
		unlink(path);
}

enum kco_status kco_session_write_files(const struct kco_session *s, const char *const *paths, size_t n, bool replace,
					enum kco_status (*write)(void *arg, size_t i, int fd, struct kco_err *err),
					void *arg, struct kco_err *err)
{
	struct outfile *files = calloc(n, sizeof(*files));
	enum kco_status status = files ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");

	for (size_t i = 0; status == KCO_OK && i < n; i++)
		status = kco_session_may_write(s, paths[i], replace, err);
	for (size_t i = 0; status == KCO_OK && i < n; i++)
		status = outfile_make(&files[i], paths[i], i, write, arg, err);
	for (size_t i = 0; status == KCO_OK && i < n; i++)
		status = outfile_name(&files[i], paths[i], replace, n > 1, err);
	for (size_t i = 0; files && i < n; i++) {
		if (status != KCO_OK)
			outfile_undo(&files[i], paths[i]);
		if (files[i].tmp && (!files[i].named || files[i].old))
			unlink(files[i].tmp);
		free(files[i].tmp);
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
