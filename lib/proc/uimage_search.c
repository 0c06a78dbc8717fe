// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where symbols of an image come from. The first with a .symtab:
 *
 *   the file in the page cache
 *   SYSROOT: usr/lib/debug/.build-id/xx/yyyy.debug, usr/lib/debug/PATH.debug,
 *            PATH itself, and what its .gnu_debuglink names
 *   DEBUGDIR (/usr/lib/debug): .build-id/xx/yyyy.debug, PATH.debug, .gnu_debuglink
 *   PATH on this machine, .gnu_debuglink beside it
 *   debuginfod, when $DEBUGINFOD_URLS is set
 *
 * else .gnu_debugdata (in any of these files that is the image's own) and
 * .dynsym of the process's memory together.
 *
 * Paths and links are text of the dump: only regular files are opened, and
 * nothing leads out of SYSROOT (kco_io_open_in_new()).
 *
 * A file counts when its build-id is the image's; one that a .gnu_debuglink names
 * also by its CRC, when the image has no build-id.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <kco/endian.h>

#include "debuginfo_priv.h"
#include "uimage_priv.h"

#define SEARCH_MINI ((size_t)64 << 20) /* bytes that .gnu_debugdata may unpack to */
#define SEARCH_LINK 4096

struct uimage_searching {
	struct kco_session *s;
	const struct kco_uimage *image;
	const struct uimage *priv;
	struct uimage_file *file;
	char path[2048], dir[2048]; /* of the image, dir without its last part; "" none that may be used */
	char link[256];		    /* .gnu_debuglink, "" none */
	uint32_t crc;
	char hex[2 * KCO_UELF_BUILD_ID + 1];
};

static bool search_path_is_safe(const char *path)
{
	return path[0] == '/' && !strstr(path, "/../") && !strstr(path, "/./") && strlen(path) < 2000;
}

/* The image's path without what the kernel appends for a file that is gone. */
static void search_names(struct uimage_searching *q)
{
	static const char gone[] = " (deleted)";
	const struct kco_file *kfile = q->priv->file;
	size_t n;
	char *slash;

	kco_build_id_hex(q->image->build_id, q->image->build_id_size, q->hex);
	if (!kfile || !search_path_is_safe(kfile->path))
		return;
	snprintf(q->path, sizeof(q->path), "%s", kfile->path);
	n = strlen(q->path);
	if (kfile->deleted && n > strlen(gone) && strcmp(q->path + n - strlen(gone), gone) == 0)
		q->path[n - strlen(gone)] = '\0';
	snprintf(q->dir, sizeof(q->dir), "%s", q->path);
	slash = strrchr(q->dir, '/');
	if (slash)
		*slash = '\0';
}

/* .gnu_debuglink: a name, zeros up to a multiple of four, the CRC of the file. */
static void search_debuglink(struct uimage_searching *q, const struct uimage_source *src)
{
	const struct kco_uelf_section *sec = kco_uelf_section_find(&src->elf, ".gnu_debuglink", 0);
	size_t n, name, at;
	void *bytes;

	if (q->link[0] || !sec || kco_uelf_section_read_new(&src->elf, sec, SEARCH_LINK, &bytes, &n, NULL))
		return;
	name = strlen(bytes);
	at = (name + 4) & ~(size_t)3;
	if (name && name < sizeof(q->link) && !strchr(bytes, '/') && at + 4 <= n) {
		memcpy(q->link, bytes, name + 1);
		q->crc = kco_le32((uint8_t *)bytes + at);
	}
	free(bytes);
}

static bool search_crc_is(struct kco_io *io, uint32_t want)
{
	uint8_t buf[65536];
	uLong crc = crc32(0, NULL, 0);
	uint64_t at = 0;

	while (at < io->size) {
		size_t n = io->size - at < sizeof(buf) ? (size_t)(io->size - at) : sizeof(buf);

		if (kco_io_read(io, buf, n, at, NULL, NULL))
			return false;
		crc = crc32(crc, buf, (uInt)n);
		at += n;
	}
	return crc == want;
}

/* Is @src the image's? */
static bool search_proved(const struct uimage_searching *q, const struct uimage_source *src, bool by_link,
			  char hex[2 * KCO_UELF_BUILD_ID + 1])
{
	uint8_t id[KCO_UELF_BUILD_ID];
	size_t n;

	hex[0] = '\0';
	if (kco_uelf_build_id(&src->elf, id, &n, NULL))
		n = 0;
	kco_build_id_hex(id, n, hex);
	if (q->image->build_id_size)
		return n == q->image->build_id_size && memcmp(id, q->image->build_id, n) == 0;
	return by_link && search_crc_is(src->io, q->crc);
}

/* Take the symbols of @src; false: it has none. */
static bool search_take(struct uimage_searching *q, struct uimage_source *src, const char *from)
{
	struct kco_usymtab *syms = &q->file->syms;

	if (kco_usymtab_add_section(syms, &src->elf, &q->priv->elf, SHT_SYMTAB, NULL) || !syms->n)
		return false;
	q->file->symbol_file = kco_session_text(q->s, "%s", from);
	return true;
}

/*
 * Try one file below @root (NULL: of this machine). @told: it is named so plainly
 * that a user would wonder why it is not used. @by_link: the CRC may prove it.
 */
static bool search_file(struct uimage_searching *q, bool told, bool by_link, const char *root, const char *path)
{
	char hex[2 * KCO_UELF_BUILD_ID + 1];
	struct uimage_source src = { 0 };
	const char *name;
	bool took;

	if (uimage_source_path(&src, q->s, root, path, NULL))
		return false;
	name = kco_session_text(q->s, "%s%s", root ? root : "", path);
	src.elf.io.arg = &src;
	if (!search_proved(q, &src, by_link, hex)) {
		if (told && q->image->build_id_size)
			kco_session_warn(q->s,
					 "%s is not used: its build-id %s is not %s, which process %" PRId64 " runs",
					 name, hex[0] ? hex : "(none)", q->hex, q->priv->p->pid);
		else if (told)
			kco_session_warn(
				q->s,
				"%s is not used: without a build-id nothing proves that it is the file of process %" PRId64,
				name, q->priv->p->pid);
		uimage_source_close(&src);
		return false;
	}
	search_debuglink(q, &src);
	took = search_take(q, &src, name);
	// Program headers of a file of debug information alone describe bytes that it does not have.
	if (!q->file->binary.open && kco_uelf_section_find(&src.elf, ".text", 0) && src.elf.nr_phdrs) {
		q->file->binary = src;
		q->file->binary.elf.io.arg = &q->file->binary;
	} else if (took) {
		q->file->symbols = src;
		q->file->symbols.elf.io.arg = &q->file->symbols;
	} else {
		uimage_source_close(&src);
	}
	return took;
}

static bool search_printf(struct uimage_searching *q, bool told, bool by_link, const char *root, const char *fmt, ...)
	KCO_PRINTF(5, 6);
static bool search_printf(struct uimage_searching *q, bool told, bool by_link, const char *root, const char *fmt, ...)
{
	char path[8192];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return n > 0 && (size_t)n < sizeof(path) && search_file(q, told, by_link, root, path);
}

/* The places below a directory of debug information. */
static bool search_debug_dir(struct uimage_searching *q, const char *root, const char *dir)
{
	if (q->image->build_id_size >= 2 &&
	    search_printf(q, true, false, root, "%s/.build-id/%.2s/%s.debug", dir, q->hex, q->hex + 2))
		return true;
	return q->path[0] && search_printf(q, true, false, root, "%s%s.debug", dir, q->path);
}

static bool search_links(struct uimage_searching *q, const char *root, const char *dir)
{
	return q->link[0] && q->path[0] &&
	       (search_printf(q, true, true, root, "%s/%s", q->dir, q->link) ||
		search_printf(q, true, true, root, "%s/.debug/%s", q->dir, q->link) ||
		search_printf(q, true, true, root, "%s%s/%s", dir, q->dir, q->link));
}

static bool search_machine(struct uimage_searching *q)
{
	const char *sysroot = q->s->opts.sysroot, *dir = q->s->opts.debug_dir ? q->s->opts.debug_dir : "/usr/lib/debug";

	if (sysroot && (search_debug_dir(q, sysroot, "/usr/lib/debug") ||
			(q->path[0] && search_file(q, true, false, sysroot, q->path)) ||
			search_links(q, sysroot, "/usr/lib/debug")))
		return true;
	if (search_debug_dir(q, NULL, dir))
		return true;
	// This machine's own files are most often of another version: nothing to tell.
	return (q->path[0] && search_file(q, false, false, NULL, q->path)) || search_links(q, NULL, dir);
}

static bool search_fetch(struct uimage_searching *q)
{
	struct kco_debuginfo_request req = { .build_id = q->image->build_id,
					     .build_id_size = q->image->build_id_size,
					     .progress = kco_session_progress,
					     .progress_arg = q->s };
	bool took;
	char *path;

	if (kco_debuginfo_fetch_new(&req, &path, NULL))
		return false;
	took = search_file(q, true, false, NULL, path);
	free(path);
	return took;
}

/* The symbols that a distribution leaves in its stripped files. */
static bool search_mini(struct uimage_searching *q, struct uimage_source *src, const char *from)
{
	const struct kco_uelf_section *sec = kco_uelf_section_find(&src->elf, ".gnu_debugdata", 0);
	struct uimage_source mini = { 0 };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_io *io = NULL;
	void *packed = NULL, *bytes = NULL;
	size_t n, size = 0;
	enum kco_status st;

	if (!sec)
		return false;
	st = kco_uelf_section_read_new(&src->elf, sec, SEARCH_MINI, &packed, &n, &err);
	if (!st)
		st = kco_uelf_unxz_new(packed, n, SEARCH_MINI, &bytes, &size, &err);
	free(packed);
	if (!st)
		st = kco_io_memory_new(bytes, size, 1, ".gnu_debugdata", &io, &err);
	if (st) {
		free(bytes);
	} else {
		st = uimage_source_io(&mini, q->s, io, &err);
		if (!st)
			st = kco_usymtab_add_section(&q->file->syms, &mini.elf, &q->priv->elf, SHT_SYMTAB, &err);
	}
	uimage_source_close(&mini);
	if (st)
		kco_session_warn(q->s, "%s: %s", from, err.msg);
	else
		q->file->symbol_file = kco_session_text(q->s, "%s (.gnu_debugdata)", from);
	return st == KCO_OK;
}

void uimage_search(const struct kco_uimage *image, const struct uimage *priv, struct uimage_file *file)
{
	struct uimage_searching q = { .s = priv->p->session, .image = image, .priv = priv, .file = file };
	bool found = false, mini = false;

	search_names(&q);
	if (priv->file && !uimage_source_cached(&file->cached, q.s, priv->file, NULL)) {
		search_debuglink(&q, &file->cached);
		found = search_take(&q, &file->cached, kco_session_text(q.s, "%s (page cache)", priv->file->path));
	}
	if (!found && (search_machine(&q) || search_fetch(&q)))
		found = true;
	if (!found && file->cached.open)
		mini = search_mini(&q, &file->cached, kco_session_text(q.s, "%s (page cache)", priv->file->path));
	if (!found && !mini && file->binary.open)
		search_mini(&q, &file->binary, q.path);
	// A .symtab has all of these, too; that of unpacked debug information has only others.
	if (!found && kco_usymtab_add_dynamic(&file->syms, &priv->elf, NULL) && file->binary.open &&
	    !kco_usymtab_add_section(&file->syms, &file->binary.elf, &priv->elf, SHT_DYNSYM, NULL))
		file->symbol_file = kco_session_text(q.s, "%s (.dynsym)", q.path);
	kco_usymtab_sort(&file->syms);
}
