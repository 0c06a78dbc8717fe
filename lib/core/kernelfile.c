// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of the dump's kernel on systems that do not identify it by a build-id.
 *
 *   named, or found at a place of the row
 *      |
 *      |  early: init() needs its symbols to find the page tables; nothing is compared
 *      v
 *   init()  ->  the kernel's memory can be read  ->  compared  -- differs --> named: an error
 *                                                              \--> found: fini(), the next place, init()
 *
 * The BSDs have their version in one text, `version`: system, release, number
 * of the build, its time, who built it where. A file whose bytes at that
 * symbol are those of the dump's memory there is this kernel; a kernel that
 * was linked anew (OpenBSD does so at each boot) has it elsewhere.
 */
#include "kernelfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

#define KERNELFILE_PLACES_MAX 32
#define KERNELFILE_VERSION_MAX 1024

/* The number in "vmcore.3.zst", "netbsd.3.core": the first part of the name that is one; "" none. */
static void kernelfile_number(const char *path, char *number, size_t size)
{
	const char *base = strrchr(path, '/');

	*number = '\0';
	for (const char *p = base ? base + 1 : path; (p = strchr(p, '.')) != NULL;) {
		size_t n = strspn(++p, "0123456789");

		if (n && n < size && (p[n] == '\0' || p[n] == '.')) {
			memcpy(number, p, n);
			number[n] = '\0';
			return;
		}
	}
}

const char *kco_kernel_folder(const struct kco_session *s, enum kco_kernel_dir kind, size_t *n)
{
	const char *dir = NULL, *slash;

	*n = 1;
	if (kind == KCO_KERNEL_BESIDE) {
		dir = s->opts.nr_dumps ? s->opts.dumps[0] : NULL;
		slash = dir ? strrchr(dir, '/') : NULL;
		if (!slash)
			return dir ? "." : NULL;
		*n = (size_t)(slash - dir);
		return dir;
	}
	if (kind == KCO_KERNEL_SYSROOT)
		dir = s->opts.sysroot;
	else
		dir = s->opts.debug_dir ? s->opts.debug_dir : "/usr/lib/debug";
	*n = dir ? strlen(dir) : 0;
	while (*n && dir[*n - 1] == '/')
		--*n;
	return dir;
}

static const char *kernelfile_path(struct kco_session *s, const struct kco_kernel_place *place)
{
	size_t n;
	const char *dir = kco_kernel_folder(s, place->dir, &n), *mark = strchr(place->path, '#');
	char number[16] = "", path[4096];
	int r;

	if (!dir)
		return NULL;
	if (mark && s->opts.nr_dumps)
		kernelfile_number(s->opts.dumps[0], number, sizeof(number));
	if (mark && !*number)
		return NULL;
	if (mark)
		r = snprintf(path, sizeof(path), "%.*s/%.*s%s%s", (int)n, dir, (int)(mark - place->path), place->path,
			     number, mark + 1);
	else
		r = snprintf(path, sizeof(path), "%.*s/%s", (int)n, dir, place->path);
	return r > 0 && (size_t)r < sizeof(path) ? kco_arena_strndup(&s->arena, path, (size_t)r) : NULL;
}

const char *const *kco_kernel_paths(struct kco_session *s)
{
	const struct kco_kernel_place *place = KCO_OS_SLOT(s->os, kernel_places);
	const char **paths;
	size_t n = 0;

	if (!place)
		return NULL;
	paths = kco_arena_array(&s->arena, KERNELFILE_PLACES_MAX + 1, sizeof(*paths));
	if (!paths)
		return NULL;
	for (size_t i = 0; place[i].path && n < KERNELFILE_PLACES_MAX; i++) {
		paths[n] = kernelfile_path(s, &place[i]);
		n += paths[n] != NULL;
	}
	paths[n] = NULL;
	return paths + (s->kernel_next < n ? s->kernel_next : n);
}

enum kco_status kco_session_kernel_file(struct kco_session *s, struct kco_debuginfo **ret, struct kco_err *err)
{
	struct kco_debuginfo_request req = {
		.path = s->opts.vmlinux,
		.debug_dir = s->opts.debug_dir,
		.whole = KCO_OS_SLOT(s->os, kernel_whole),
		.machine = s->image->facts.elf_machine,
	};
	enum kco_status st;

	*ret = NULL;
	if (!s->debuginfo) {
		req.places = kco_kernel_paths(s);
		st = kco_debuginfo_open_new(&req, &s->debuginfo, err);
		if (st)
			return st;
		s->kernel_early = true;
	}
	*ret = s->debuginfo;
	return KCO_OK;
}

enum kco_status kco_session_kernel_symbol(struct kco_session *s, const char *const *names, struct kco_symbol *ret,
					  struct kco_err *err)
{
	struct kco_debuginfo *di;
	enum kco_status st = KCO_OK;

	if (!s->kernel_symbols) {
		st = kco_session_kernel_file(s, &di, err);
		if (!st)
			st = kco_debuginfo_symbols_new(di, &s->kernel_symbols, err);
	}
	if (st)
		return st;
	for (const char *const *name = names; *name; name++)
		if (!s->kernel_symbols->ops->by_name(s->kernel_symbols, *name, ret, NULL))
			return KCO_OK;
	return kco_fail(err, KCO_E_NOSYM, "%s has no symbol '%s'",
			s->debuginfo ? kco_debuginfo_path(s->debuginfo) : "the kernel", names[0]);
}

static void kernelfile_forget(struct kco_session *s)
{
	if (s->kernel_symbols)
		s->kernel_symbols->ops->free(s->kernel_symbols);
	s->kernel_symbols = NULL;
	kco_debuginfo_free(s->debuginfo);
	s->debuginfo = NULL;
	s->kernel_early = false;
}

bool kco_kernel_try_next(struct kco_session *s)
{
	const char *const *paths = kco_kernel_paths(s);
	size_t i = 0;

	if (s->opts.vmlinux || !s->debuginfo || !paths)
		return false;
	while (paths[i] && strcmp(paths[i], kco_debuginfo_path(s->debuginfo)) != 0)
		i++;
	if (!paths[i] || !paths[i + 1])
		return false;
	s->kernel_next += i + 1;
	kernelfile_forget(s);
	return true;
}

enum kco_status kco_kernel_matches(void *arg, struct kco_debuginfo *di, struct kco_err *err)
{
	struct kco_session *s = arg;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = KCO_OS_SLOT(s->os, kernel_matches)(s, di, &why);

	if (st && st != KCO_E_CORRUPT)
		kco_session_warn(s, "%s may be another kernel than the dump's: %s", kco_debuginfo_path(di), why.msg);
	if (st && err)
		*err = why;
	return st;
}

/* The first line of a version, for a message. */
static int kernelfile_line(const char *version)
{
	size_t n = strcspn(version, "\n");

	return n < 96 ? (int)n : 96;
}

/* @text is a C string of printable characters, line ends and tabs. */
static bool kernelfile_is_text(const char *text, size_t n)
{
	size_t end = strnlen(text, n);

	for (size_t i = 0; i < end; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t')
			return false;
	return end > 0 && end < n;
}

/*
 * The file has the symbol but not the bytes (what is split off with the debug
 * information): the text in the dump must at least be one that fills it.
 */
static enum kco_status kernelfile_fills(struct kco_session *s, struct kco_debuginfo *di, const struct kco_symbol *sym,
					const char *dump, struct kco_err *err)
{
	if (strstr(dump, s->os->title) && strlen(dump) + 1 == sym->size) // old ones begin with "@(#)"
		return KCO_OK;
	return kco_fail(err, KCO_E_CORRUPT,
			"%s is not the dump's kernel: its version has %" PRIu64
			" bytes, what the dump has there is '%.*s'",
			kco_debuginfo_path(di), sym->size, kernelfile_line(dump), dump);
}

static enum kco_status kernelfile_compare(struct kco_session *s, struct kco_debuginfo *di, const struct kco_symbol *sym,
					  struct kco_err *err)
{
	char file[KERNELFILE_VERSION_MAX] = "", dump[KERNELFILE_VERSION_MAX] = "";
	size_t want = sym->size && sym->size < sizeof(file) ? sym->size : sizeof(file) - 1, in_file, in_dump;
	enum kco_status st = kco_kread(s, sym->addr, dump, want, &in_dump, err);

	if (st && !kernelfile_is_text(dump, in_dump))
		return kco_context(err, st == KCO_E_CORRUPT ? KCO_E_UNMAPPED : st, "the kernel's version in the dump");
	(void)!kco_debuginfo_read(di, sym->addr, file, want, &in_file, NULL);
	if (!kernelfile_is_text(dump, want))
		return kco_fail(err, KCO_E_CORRUPT,
				"%s is not the dump's kernel: where it has its version ('%.*s') the dump has none",
				kco_debuginfo_path(di), kernelfile_line(file), file);
	if (!kernelfile_is_text(file, in_file))
		return kernelfile_fills(s, di, sym, dump, err);
	if (strcmp(file, dump) == 0)
		return KCO_OK;
	return kco_fail(err, KCO_E_CORRUPT, "%s is '%.*s', the dump's kernel '%.*s'", kco_debuginfo_path(di),
			kernelfile_line(file), file, kernelfile_line(dump), dump);
}

enum kco_status kco_kernel_matches_version(struct kco_session *s, struct kco_debuginfo *di, struct kco_err *err)
{
	struct kco_symbol_source *src;
	struct kco_symbol sym;
	enum kco_status st = kco_debuginfo_symbols_new(di, &src, err);

	if (st)
		return st;
	st = src->ops->by_name(src, "version", &sym, err);
	if (!st)
		st = kernelfile_compare(s, di, &sym, err);
	else if (st == KCO_E_NOSYM)
		st = kco_fail(err, KCO_E_CORRUPT, "%s is no kernel of %s: it has no symbol 'version'",
			      kco_debuginfo_path(di), s->os->title);
	src->ops->free(src);
	return st;
}
