// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a split set: which of them belong together, and which lie beside
 * the one that was named. makedumpfile's user chooses their names; by custom
 * and by our own writer they end in numbers: vmcore.1, vmcore.2, dump01 ...
 */
#include "parts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect.h"

#define PARTS_MAX 4096 /* files that are looked at */

struct part_file {
	struct kco_io *io; /* a reference */
	struct kco_part part;
};

struct parts {
	struct part_file *files;
	size_t n, cap;
};

static enum kco_status parts_ask(const struct kco_format_ops *format, struct kco_io *io, struct kco_part *ret,
				 struct kco_err *err)
{
	return format->part ? format->part(io, ret, err) : KCO_DONE;
}

/* Open @path and ask which part it is. *@io is a reference only when that went well. */
static enum kco_status parts_open(const char *path, const struct kco_format_ops *const *formats,
				  const struct kco_image_options *opts, const struct kco_format_ops **format,
				  struct part_file *ret, struct kco_err *err)
{
	char wrappers[sizeof(((struct kco_image *)0)->wrappers)] = "";
	enum kco_status status = kco_io_open_new(path, &ret->io, err);

	if (status != KCO_OK)
		return status;
	status = kco_detect(&ret->io, formats, opts, format, wrappers, sizeof(wrappers), err);
	if (status == KCO_OK)
		status = parts_ask(*format, ret->io, &ret->part, err);
	if (status != KCO_OK)
		kco_io_unref(ret->io);
	return status;
}

enum kco_status kco_image_part(const char *path, const struct kco_format_ops *const *formats,
			       const struct kco_image_options *opts, struct kco_part *ret, struct kco_err *err)
{
	const struct kco_format_ops *format;
	struct part_file file;
	enum kco_status status = parts_open(path, formats, opts, &format, &file, err);

	if (status != KCO_OK)
		return status;
	*ret = file.part;
	kco_io_unref(file.io);
	return KCO_OK;
}

/* How long a name is without the digits at its end; all of it when it has none there. */
static size_t parts_stem(const char *name)
{
	size_t n = strlen(name);

	while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	return n;
}

static int parts_by_memory(const void *a, const void *b)
{
	const struct part_file *x = a, *y = b;

	if (x->part.first != y->part.first)
		return x->part.first < y->part.first ? -1 : 1;
	return (x->part.last > y->part.last) - (x->part.last < y->part.last);
}

/* Room for one more, at the end. */
static struct part_file *parts_more(struct parts *parts)
{
	if (parts->n == parts->cap) {
		size_t cap = parts->cap ? 2 * parts->cap : 16;
		struct part_file *files = realloc(parts->files, cap * sizeof(*files));

		if (!files)
			return NULL;
		parts->files = files;
		parts->cap = cap;
	}
	return &parts->files[parts->n];
}

/* The files of @dir that are named @stem and a number, but @own, and of the set that @own_part is of. */
static enum kco_status parts_scan(struct parts *parts, const char *path, const struct kco_part *own_part,
				  const struct kco_format_ops *const *formats, const struct kco_image_options *opts,
				  struct kco_err *err)
{
	const char *slash = strrchr(path, '/'), *own = slash ? slash + 1 : path;
	size_t dir_size = (size_t)(own - path), stem = parts_stem(own), seen = 0;
	char *dir = dir_size ? strndup(path, dir_size) : strdup(".");
	DIR *d = dir ? opendir(dir) : NULL;
	enum kco_status status = dir ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
	const struct dirent *e;

	while (status == KCO_OK && d && own[stem] && seen < PARTS_MAX && (e = readdir(d))) {
		const struct kco_format_ops *format;
		struct part_file *file;
		char *name = NULL;

		if (strncmp(e->d_name, own, stem) || !e->d_name[stem] || parts_stem(e->d_name) > stem ||
		    !strcmp(e->d_name, own))
			continue;
		seen++;
		file = parts_more(parts);
		if (!file || asprintf(&name, "%.*s%s", (int)dir_size, path, e->d_name) < 0)
			status = kco_fail(err, KCO_E_NOMEM, "out of memory");
		else if (parts_open(name, formats, opts, &format, file, NULL) == KCO_OK) {
			if (file->part.set == own_part->set)
				parts->n++;
			else
				kco_io_unref(file->io);
		}
		free(name);
	}
	if (d)
		closedir(d);
	free(dir);
	return status;
}

/* Leave out what has memory that @own or one before it has. The array is sorted. */
static void parts_disjoin(struct parts *parts, const struct kco_part *own)
{
	size_t n = 0;

	for (size_t i = 0; i < parts->n; i++) {
		struct part_file *f = &parts->files[i];

		if ((f->part.first <= own->last && f->part.last >= own->first) ||
		    (n && parts->files[n - 1].part.last >= f->part.first))
			kco_io_unref(f->io);
		else
			parts->files[n++] = *f;
	}
	parts->n = n;
}

/* The image's file and @parts become the image's files. */
static enum kco_status parts_take(struct kco_image *img, struct parts *parts, const struct kco_part *own,
				  struct kco_err *err)
{
	struct kco_io **files = calloc(parts->n + 1, sizeof(struct kco_io *));
	size_t n = 0;

	if (!files)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (size_t i = 0; i < parts->n; i++) {
		if (n == i && parts->files[i].part.first > own->first)
			files[n++] = img->files[0];
		files[n++] = parts->files[i].io;
	}
	if (n == parts->n)
		files[n++] = img->files[0];
	free(img->files);
	img->files = files;
	img->nr_files = n;
	parts->n = 0;
	return KCO_OK;
}

enum kco_status kco_parts_add_beside(struct kco_image *img, const char *path,
				     const struct kco_format_ops *const *formats, const struct kco_image_options *opts,
				     struct kco_err *err)
{
	struct parts parts = { 0 };
	struct kco_part own;
	enum kco_status status;

	if (parts_ask(img->format, img->files[0], &own, NULL) != KCO_OK)
		return KCO_OK;
	status = parts_scan(&parts, path, &own, formats, opts, err);
	if (status == KCO_OK && parts.n) {
		qsort(parts.files, parts.n, sizeof(parts.files[0]), parts_by_memory);
		parts_disjoin(&parts, &own);
	}
	if (status == KCO_OK && parts.n) {
		kco_image_warn(img, "%s is one part of a split dump: %zu more that lie beside it are taken, too", path,
			       parts.n);
		status = parts_take(img, &parts, &own, err);
	}
	for (size_t i = 0; i < parts.n; i++)
		kco_io_unref(parts.files[i].io);
	free(parts.files);
	return status;
}
