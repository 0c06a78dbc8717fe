// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of files out of --sysroot DIR.
 *
 * Paths are the dump's, so DIR is their root: nothing leads out of it, and only
 * regular files are read (kco_io_open_in_new()).
 *
 * A file is the crashed machine's own when its build-id is that of the file's
 * ELF header and notes in the dump's page cache, and its size the inode's (a
 * stripped file keeps its build-id). Without a build-id on both sides there is
 * nothing to compare, and nothing is read.
 */
#include "sysroot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/io.h>
#include <kco/vma.h>

#include "addrmap.h"
#include "process_priv.h"
#include "uelf.h"

#define SYSROOT_PAGE 4096

struct sysroot_file {
	struct sysroot_file *next;
	struct kco_io *io; /* NULL: not to be used, see err */
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
		kco_io_unref(file->io);
		free(file);
	}
	kco_addrmap_fini(&sysroot->by_mapping);
	free(sysroot);
	s->sysroot = NULL;
}

static enum kco_status sysroot_open(struct kco_session *s, const struct kco_file *file, struct kco_io **ret,
				    struct kco_err *err)
{
	enum kco_status st;

	if (file->deleted || file->path[0] != '/')
		return kco_fail(err, KCO_E_IO, "it has no name any more");
	st = kco_io_open_in_new(s->opts.sysroot, file->path, ret, err);
	if (st)
		return kco_context(err, st, "--sysroot");
	if ((*ret)->size != file->size)
		return kco_fail(err, KCO_E_BADFILE,
				"the file under --sysroot has %" PRIu64 " bytes, the crashed machine's %" PRIu64,
				(*ret)->size, file->size);
	return KCO_OK;
}

struct sysroot_bytes {
	struct kco_session *s;
	const struct kco_file *file; /* in the dump's page cache, else ... */
	struct kco_io *io;
};

static enum kco_status sysroot_bytes(void *arg, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct sysroot_bytes *bytes = arg;

	if (bytes->file)
		return kco_file_read(bytes->s, bytes->file, at, buf, n, done, err);
	return kco_io_read(bytes->io, buf, n, at, done, err);
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
static enum kco_status sysroot_compare(struct kco_session *s, const struct kco_file *file, struct kco_io *io,
				       struct kco_err *err)
{
	struct sysroot_bytes ours = { .s = s, .io = io }, theirs = { .s = s, .file = file };
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
	st = sysroot_open(s, file, &found->io, &found->err);
	if (!st)
		st = sysroot_compare(s, file, found->io, &found->err);
	if (st) {
		kco_io_unref(found->io);
		found->io = NULL;
	}
	return found;
}

void kco_sysroot_page(struct kco_session *s, struct kco_page *page)
{
	const struct sysroot_file *file = sysroot_get(s, page->vma->file);

	if (!file)
		return;
	if (!file->io) {
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

	if (!file || !file->io)
		return kco_fail(err, KCO_E_NOT_SAVED, "%#" PRIx64 ": its file is not to be had", page->va);
	st = kco_io_read(file->io, buf, SYSROOT_PAGE, page->file_offset, &done, err);
	if (st == KCO_E_TRUNCATED && done) {
		memset((uint8_t *)buf + done, 0, SYSROOT_PAGE - done);
		st = KCO_OK;
	}
	return st;
}
