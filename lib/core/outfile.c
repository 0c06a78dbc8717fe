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

enum kco_status kco_session_write_file(const struct kco_session *s, const char *path, bool replace,
				       enum kco_status (*write)(void *arg, int fd, struct kco_err *err), void *arg,
				       struct kco_err *err)
{
	enum kco_status status;
	char *tmp;
	int fd;

	status = kco_session_may_write(s, path, replace, err);
	if (status != KCO_OK)
		return status;
	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	fd = mkostemp(tmp, O_CLOEXEC); // for its owner only, as makedumpfile's: a dump holds everybody's secrets
	if (fd < 0) {
		status = kco_fail_errno(err, errno, "%s", path);
		free(tmp);
		return status;
	}
	status = write(arg, fd, err);
	if (close(fd) && status == KCO_OK)
		status = kco_fail_errno(err, errno, "closing it");
	if (status == KCO_OK && outfile_rename(tmp, path, replace))
		status = kco_fail_errno(err, errno, "naming it");
	if (status != KCO_OK)
		unlink(tmp);
	free(tmp);
	return status == KCO_OK ? KCO_OK : kco_context(err, status, "%s", path);
}
