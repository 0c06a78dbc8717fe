// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the file of a module may lie:
 *
 *   beside the dump, beside the kernel's file    NAME.ko, NAME.ko.debug
 *   --sysroot DIR                                DIR/boot/kernel/NAME.ko, DIR/usr/lib/debug/boot/kernel/NAME.ko.debug
 *   --debug-dir DIR (or /usr/lib/debug)          DIR/boot/kernel/NAME.ko.debug
 *
 * /boot/kernel/NAME.ko is where the dump says that it was loaded from. The
 * name is the dump's: nothing leads out of the folder.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/io.h>

#include "freebsd.h"
#include "freebsd_klds.h"

#define KLDFILES_MAX (UINT64_C(256) << 20) /* bytes of a file */
#define KLDFILES_PATH 1024

struct kldfiles_place {
	enum { KLDFILES_FOLDER, KLDFILES_KERNEL } kind; /* one of the kernel's places, or the folder of its file */
	enum kco_kernel_dir dir;
	bool whole; /* the path that it was loaded from, not only its last part */
	const char *before, *after;
};

static const struct kldfiles_place kldfiles_places[] = {
	{ KLDFILES_FOLDER, KCO_KERNEL_BESIDE, false, "", "" },
	{ KLDFILES_FOLDER, KCO_KERNEL_BESIDE, false, "", ".debug" },
	{ KLDFILES_KERNEL, KCO_KERNEL_BESIDE, false, "", "" },
	{ KLDFILES_KERNEL, KCO_KERNEL_BESIDE, false, "", ".debug" },
	{ KLDFILES_FOLDER, KCO_KERNEL_SYSROOT, true, "", "" },
	{ KLDFILES_FOLDER, KCO_KERNEL_SYSROOT, true, "usr/lib/debug", ".debug" },
	{ KLDFILES_FOLDER, KCO_KERNEL_DEBUG, true, "", ".debug" },
};
#define KLDFILES_PLACES (sizeof(kldfiles_places) / sizeof(kldfiles_places[0]))

static const char *kldfiles_root(struct kco_session *s, const struct kldfiles_place *place)
{
	const char *dir, *slash;
	size_t n;

	if (place->kind == KLDFILES_FOLDER) {
		dir = kco_kernel_folder(s, place->dir, &n);
		return dir ? kco_session_text(s, "%.*s", n ? (int)n : 1, n ? dir : "/") : NULL;
	}
	dir = kco_session_vmlinux(s);
	slash = dir ? strrchr(dir, '/') : NULL;
	if (!slash)
		return dir ? "." : NULL;
	return kco_session_text(s, "%.*s", slash == dir ? 1 : (int)(slash - dir), dir);
}

/* The module's path below the root of @place; false: the dump does not tell it. */
static bool kldfiles_path(const struct kco_module *mod, const struct kldfiles_place *place, char path[KLDFILES_PATH])
{
	const char *name = place->whole ? mod->path : mod->name;
	int n;

	if (!name || !*name || (place->whole ? *name != '/' : strchr(name, '/') != NULL))
		return false;
	n = snprintf(path, KLDFILES_PATH, "/%s%s%s", place->before, *name == '/' && !*place->before ? name + 1 : name,
		     place->after);
	return n > 0 && n < KLDFILES_PATH;
}

static enum kco_status kldfiles_read(const struct kco_io *io, void **ret, struct kco_err *err)
{
	enum kco_status st;
	size_t done;

	*ret = NULL;
	if (!io->size || io->size > KLDFILES_MAX)
		return kco_fail(err, KCO_E_BADFILE, "%s: %" PRIu64 " bytes are no module's", io->name, io->size);
	*ret = malloc(io->size);
	if (!*ret)
		return kco_fail(err, KCO_E_NOMEM, "%s: out of memory", io->name);
	st = kco_io_read((struct kco_io *)io, *ret, io->size, 0, &done, err);
	if (st) {
		free(*ret);
		*ret = NULL;
	}
	return st;
}

enum kco_status freebsd_kld_file(struct kco_session *s, const struct kco_module *mod,
				 enum kco_status (*fn)(void *arg, const char *path, void **bytes, size_t n,
						       struct kco_err *err),
				 void *arg, struct kco_err *err)
{
	char path[KLDFILES_PATH];

	for (size_t i = 0; i < KLDFILES_PLACES; i++) {
		const char *root = kldfiles_root(s, &kldfiles_places[i]);
		struct kco_err why = KCO_ERR_INIT;
		struct kco_io *io;
		enum kco_status st;
		void *bytes;

		if (!root || !kldfiles_path(mod, &kldfiles_places[i], path) ||
		    kco_io_open_in_new(root, path, &io, NULL))
			continue;
		st = kldfiles_read(io, &bytes, &why);
		if (!st)
			st = fn(arg, kco_session_text(s, "%s%s", root, path), &bytes, io->size, &why);
		free(bytes);
		kco_io_unref(io);
		if (!st)
			return KCO_OK;
		if (st != KCO_DONE)
			kco_session_warn(s, "module %s: %s", mod->name, why.msg);
	}
	return kco_fail(err, KCO_E_NOSYM,
			"no file of module %s that fits is beside the dump or the kernel, in --sysroot or --debug-dir",
			mod->name);
}
