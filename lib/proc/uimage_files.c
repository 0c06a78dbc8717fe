// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the processes of a session share of the files that they have mapped.
 *
 * The key is the file's inode together with its build-id: a process that
 * changes its own copy of a header gets symbols of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kco/page.h>

#include "uimage_priv.h"

struct kco_uimage_files {
	struct uimage_file *first;
};

static enum kco_status uimage_files_read(void *arg, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	struct uimage_source *src = arg;

	if (src->io)
		return kco_io_read(src->io, buf, n, at, done, err);
	return kco_file_read(src->session, src->file, at, buf, n, done, err);
}

static enum kco_status uimage_files_open(struct uimage_source *src, struct kco_err *err)
{
	struct kco_uelf_io io = { .read = uimage_files_read, .arg = src };
	enum kco_status st = kco_uelf_init(&src->elf, &io, 0, err);

	src->open = true;
	// A page cache may lack the section headers, which are the end of a file.
	if (!st && kco_uelf_sections_load(&src->elf, NULL))
		src->elf.nr_sections = 0;
	if (st)
		uimage_source_close(src);
	return st;
}

enum kco_status uimage_source_io(struct uimage_source *src, struct kco_session *s, struct kco_io *io,
				 struct kco_err *err)
{
	*src = (struct uimage_source){ .session = s, .io = io };
	return uimage_files_open(src, err);
}

enum kco_status uimage_source_path(struct uimage_source *src, struct kco_session *s, const char *root, const char *path,
				   struct kco_err *err)
{
	struct kco_io *io;
	enum kco_status st = kco_io_open_in_new(root, path, &io, err);

	return st ? st : uimage_source_io(src, s, io, err);
}

enum kco_status uimage_source_cached(struct uimage_source *src, struct kco_session *s, const struct kco_file *file,
				     struct kco_err *err)
{
	*src = (struct uimage_source){ .session = s, .file = file };
	return uimage_files_open(src, err);
}

void uimage_source_close(struct uimage_source *src)
{
	kco_uelf_fini(&src->elf);
	kco_io_unref(src->io);
	src->io = NULL;
	src->open = false;
}

void kco_session_uimages_fini(struct kco_session *s)
{
	struct uimage_file *file = s->uimage_files ? s->uimage_files->first : NULL, *next;

	for (; file; file = next) {
		next = file->next;
		kco_usymtab_fini(&file->syms);
		uimage_source_close(&file->symbols);
		uimage_source_close(&file->binary);
		uimage_source_close(&file->cached);
		free(file->debug_frame);
		free(file);
	}
	free(s->uimage_files);
	s->uimage_files = NULL;
}

static enum kco_status uimage_files_find(struct kco_session *s, const struct kco_uimage *image,
					 const struct uimage *priv, struct uimage_file **ret, struct kco_err *err)
{
	uint64_t inode = priv->file ? priv->file->inode_addr : 0;
	struct uimage_file *file;

	if (!s->uimage_files)
		s->uimage_files = calloc(1, sizeof(*s->uimage_files));
	if (!s->uimage_files)
		return kco_fail(err, KCO_E_NOMEM, "symbols: out of memory");
	for (file = s->uimage_files->first; file; file = file->next)
		if (file->inode_addr == inode && file->build_id_size == image->build_id_size &&
		    memcmp(file->build_id, image->build_id, image->build_id_size) == 0)
			break;
	if (!file) {
		file = calloc(1, sizeof(*file));
		if (!file)
			return kco_fail(err, KCO_E_NOMEM, "symbols: out of memory");
		file->inode_addr = inode;
		file->build_id_size = image->build_id_size;
		memcpy(file->build_id, image->build_id, image->build_id_size);
		file->next = s->uimage_files->first;
		s->uimage_files->first = file;
	}
	*ret = file;
	return KCO_OK;
}

enum kco_status uimage_file_get(struct kco_uimage *image, struct uimage *priv, struct uimage_file **ret,
				struct kco_err *err)
{
	enum kco_status st;

	if (!priv->shared) {
		if (image->status)
			return kco_fail(err, image->status, "%s", image->why);
		st = uimage_files_find(priv->p->session, image, priv, &priv->shared, err);
		if (st)
			return st;
		if (!priv->shared->loaded)
			uimage_search(image, priv, priv->shared);
		priv->shared->loaded = true;
		image->symbol_file = priv->shared->symbol_file;
	}
	*ret = priv->shared;
	return KCO_OK;
}
