// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of files out of --sysroot DIR.
 *
 * Paths are the dump's, so they are resolved by the kernel with DIR as their
 * root: neither ".." nor a symbolic link leads out of it (openat2(),
 * RESOLVE_IN_ROOT). Only regular files are read.
 *
 * A file is the crashed machine's own when its build-id is that of the file's
 * ELF header and notes in the dump's page cache, and its size the inode's (a
 * stripped file keeps its build-id). Without a build-id on both sides there is
 * nothing to compare, and nothing is read.
 */
#include "sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kco/vma.h>

#include "addrmap.h"
#include "process_priv.h"
#include "uelf.h"

#define SYSROOT_PAGE 4096

struct sysroot_file {
	struct sysroot_file *next;
	int fd; /* -1: not to be used, see err */
	struct kco_err err;
};

struct kco_sysroot {
	struct kco_addrmap by_mapping;
	struct sysroot_file *files;
};

void kco_session_sysroot_fini(struct kco_session *s)
{
	struct kco_sysroot *sysroot = s->sysroot;

	if (!sysroot)
		return;
	for (struct sysroot_file *file = sysroot->files, *next; file; file = next) {
		next = file->next;
		if (file->fd >= 0)
			close(file->fd);
		free(file);
	}
	kco_addrmap_fini(&sysroot->by_mapping);
	free(sysroot);
	s->sysroot = NULL;
}

static enum kco_status sysroot_open(struct kco_session *s, const struct kco_file *file, int *ret, struct kco_err *err)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct stat st = { 0 };
	int root, fd;

	if (file->deleted || file->path[0] != '/')
		return kco_fail(err, KCO_E_IO, "it has no name any more");
	root = open(s->opts.sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return kco_fail_errno(err, errno, "--sysroot %.100s", s->opts.sysroot);
	fd = (int)syscall(SYS_openat2, root, file->path, &how, sizeof(how));
	if (fd < 0)
		(void)kco_fail_errno(err, errno, "--sysroot: %.120s", file->path);
	close(root);
	if (fd < 0)
		return KCO_E_IO;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size) {
		close(fd);
		return S_ISREG(st.st_mode) ? kco_fail(err, KCO_E_BADFILE,
						      "the file under --sysroot has %lld bytes, the crashed machine's "
						      "%" PRIu64,
						      (long long)st.st_size, file->size)
					   : kco_fail(err, KCO_E_BADFILE, "under --sysroot it is no regular file");
	}
	*ret = fd;
	return KCO_OK;
}

struct sysroot_bytes {
	struct kco_session *s;
	const struct kco_file *file; /* in the dump's page cache, else ... */
	int fd;
};

static enum kco_status sysroot_pread(int fd, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	*done = 0;
	if (at > INT64_MAX)
		return kco_fail(err, KCO_E_RANGE, "beyond the end of the file");
	while (*done < n) {
		ssize_t got = pread(fd, (uint8_t *)buf + *done, n - *done, (off_t)(at + *done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return kco_fail_errno(err, errno, "reading a file of --sysroot");
		if (!got)
			return kco_fail(err, KCO_E_TRUNCATED, "the file ends there");
		*done += (size_t)got;
	}
	return KCO_OK;
}

static enum kco_status sysroot_bytes(void *arg, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct sysroot_bytes *bytes = arg;

	if (bytes->file)
		return kco_file_read(bytes->s, bytes->file, at, buf, n, done, err);
	return sysroot_pread(bytes->fd, at, buf, n, done, err);
}

static enum kco_status sysroot_build_id(struct sysroot_bytes *bytes, uint8_t id[KCO_UELF_BUILD_ID], size_t *size,
					struct kco_err *err)
{
	struct kco_uelf_io io = { .read = sysroot_bytes, .arg = bytes };
	struct kco_uelf elf;
	enum kco_status st = kco_uelf_init(&elf, &io, 0, err);

	if (!st)
		st = kco_uelf_build_id(&elf, id, size, err);
	kco_uelf_fini(&elf);
	return st;
}

/* Are the file under --sysroot and the dump's the same? */
static enum kco_status sysroot_compare(struct kco_session *s, const struct kco_file *file, int fd, struct kco_err *err)
{
	struct sysroot_bytes ours = { .s = s, .fd = fd }, theirs = { .s = s, .file = file, .fd = -1 };
	uint8_t our_id[KCO_UELF_BUILD_ID], their_id[KCO_UELF_BUILD_ID];
	size_t our_size, their_size;
	enum kco_status st = sysroot_build_id(&theirs, their_id, &their_size, err);

	if (st)
		return kco_context(err, st, "the dump has no build-id of it to compare");
	st = sysroot_build_id(&ours, our_id, &our_size, err);
	if (st)
		return kco_context(err, st, "the file under --sysroot has no build-id");
	if (our_size != their_size || memcmp(our_id, their_id, our_size) != 0)
		return kco_fail(err, KCO_E_BADFILE, "the file under --sysroot has another build-id");
	return KCO_OK;
}

static struct sysroot_file *sysroot_get(struct kco_session *s, const struct kco_file *file)
{
	uint64_t key = file->mapping ? file->mapping : file->addr;
	struct sysroot_file *found;
	enum kco_status st;

	if (!s->sysroot)
		s->sysroot = calloc(1, sizeof(*s->sysroot));
	if (!s->sysroot)
		return NULL;
	found = kco_addrmap_get(&s->sysroot->by_mapping, key);
	if (found)
		return found;
	found = calloc(1, sizeof(*found));
	if (!found || kco_addrmap_put(&s->sysroot->by_mapping, key, found)) {
		free(found);
		return NULL;
	}
	found->next = s->sysroot->files;
	s->sysroot->files = found;
	found->fd = -1;
	st = sysroot_open(s, file, &found->fd, &found->err);
	if (!st)
		st = sysroot_compare(s, file, found->fd, &found->err);
	if (st && found->fd >= 0) {
		close(found->fd);
		found->fd = -1;
	}
	return found;
}

void kco_sysroot_page(struct kco_session *s, struct kco_page *page)
{
	const struct sysroot_file *file = sysroot_get(s, page->vma->file);

	if (!file)
		return;
	if (file->fd < 0) {
		page->why = file->err.msg;
		return;
	}
	page->state = KCO_PAGE_SYSROOT;
	page->readable = true;
	page->status = KCO_OK;
	page->why = NULL;
}

enum kco_status kco_sysroot_read(struct kco_session *s, const struct kco_page *page, void *buf, struct kco_err *err)
{
	const struct sysroot_file *file = sysroot_get(s, page->vma->file);
	enum kco_status st;
	size_t done;

	if (!file || file->fd < 0)
		return kco_fail(err, KCO_E_NOT_SAVED, "%#" PRIx64 ": its file is not to be had", page->va);
	st = sysroot_pread(file->fd, page->file_offset, buf, SYSROOT_PAGE, &done, err);
	if (st == KCO_E_TRUNCATED && done) {
		memset((uint8_t *)buf + done, 0, SYSROOT_PAGE - done);
		st = KCO_OK;
	}
	return st;
}
