// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel in two files: what runs, and the debug information that was split
 * off it. FreeBSD installs
 *
 *   /boot/kernel/kernel                       symbols, CTF, .gnu_debuglink: name and CRC-32 of
 *   /usr/lib/debug/boot/kernel/kernel.debug   DWARF; sections that the kernel loads have no bytes
 *
 * Whichever was found, the other is looked for: in the same folder, in .debug
 * below it, below the debug directory, at the request's places. It is taken
 * only when both have the same build-id, or the CRC is right.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>
#include <zlib.h>

#include "debuginfo_priv.h"

#define PAIR_LINK ".gnu_debuglink"
#define PAIR_SUFFIX ".debug"
#define PAIR_CHUNK (1u << 20)

/* The name of the other file and its CRC, from the one that runs. */
static bool pair_link(Elf *elf, const char **name, uint32_t *crc)
{
	Elf_Scn *scn = kco_debuginfo_section(elf, PAIR_LINK);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	size_t n;

	if (!data || !data->d_buf)
		return false;
	n = strnlen(data->d_buf, data->d_size);
	// A terminator, up to the next multiple of 4, the CRC in the file's byte order (little-endian here).
	if (n == 0 || n >= data->d_size || data->d_size - n < 5 || (n / 4 + 2) * 4 > data->d_size)
		return false;
	memcpy(crc, (const char *)data->d_buf + (n / 4 + 1) * 4, 4);
	*name = data->d_buf;
	return !strchr(*name, '/');
}

static bool pair_crc(struct kco_debuginfo *di, uint32_t *ret)
{
	unsigned char *buf = malloc(PAIR_CHUNK);
	uLong crc = crc32(0, NULL, 0);
	uint64_t at = 0;
	ssize_t n = 0;

	while (buf && at < di->file_size && (n = pread(di->fd, buf, PAIR_CHUNK, (off_t)at)) > 0) {
		crc = crc32(crc, buf, (uInt)n);
		at += (uint64_t)n;
	}
	free(buf);
	*ret = (uint32_t)crc;
	return at >= di->file_size && n >= 0;
}

/* Are @kernel and @debug of one build? */
static bool pair_fits(struct kco_debuginfo *kernel, struct kco_debuginfo *debug)
{
	const char *name;
	uint32_t want, crc;

	if (kernel->machine != debug->machine)
		return false;
	if (kernel->build_id_size && debug->build_id_size)
		return strcmp(kernel->build_id_hex, debug->build_id_hex) == 0;
	return pair_link(kernel->elf, &name, &want) && pair_crc(debug, &crc) && crc == want;
}

struct pair_search {
	struct kco_debuginfo *di;
	bool for_debug; /* the debug information is looked for; else what runs */
	const char *name;
	size_t name_size;
};

static bool pair_try(struct pair_search *s, const char *path)
{
	struct kco_debuginfo *di = s->di, *other;

	if (kco_debuginfo_file_new(path, &other, NULL))
		return false;
	if (kco_debuginfo_has_dwarf_section(other->elf) == s->for_debug &&
	    (s->for_debug ? pair_fits(di, other) : pair_fits(other, di))) {
		di->pair = other;
		return true;
	}
	kco_debuginfo_free(other);
	return false;
}

static bool pair_try_in(struct pair_search *s, const char *before, const char *dir, size_t n, const char *after)
{
	char path[4096];
	int r = snprintf(path, sizeof(path), "%s%.*s%s/%.*s", before, (int)n, dir, after, (int)s->name_size, s->name);

	return r > 0 && (size_t)r < sizeof(path) && pair_try(s, path);
}

static void pair_look(struct pair_search *s)
{
	struct kco_debuginfo *di = s->di;
	const char *slash = strrchr(di->path, '/'), *dir = slash ? di->path : ".";
	size_t n = slash ? (size_t)(slash - di->path) : 1;
	char *real;

	if (pair_try_in(s, "", dir, n, "") || (s->for_debug && pair_try_in(s, "", dir, n, "/.debug")))
		return;
	if (!s->for_debug && n > 7 && memcmp(dir + n - 7, "/.debug", 7) == 0 && pair_try_in(s, "", dir, n - 7, ""))
		return;
	real = s->for_debug && di->debug_dir ? realpath(di->path, NULL) : NULL;
	slash = real ? strrchr(real, '/') : NULL;
	if (slash && pair_try_in(s, di->debug_dir, real, (size_t)(slash - real), "")) {
		free(real);
		return;
	}
	free(real);
	for (char **place = di->places; place && *place; place++) {
		slash = strrchr(*place, '/');
		if (slash && strlen(slash + 1) == s->name_size && memcmp(slash + 1, s->name, s->name_size) == 0 &&
		    pair_try(s, *place))
			return;
	}
}

struct kco_debuginfo *kco_debuginfo_pair(struct kco_debuginfo *di)
{
	struct pair_search s = { .di = di, .for_debug = !kco_debuginfo_has_dwarf_section(di->elf) };
	const char *slash = strrchr(di->path, '/'), *base = slash ? slash + 1 : di->path;
	size_t n = strlen(base), suffix = strlen(PAIR_SUFFIX);
	char name[256];
	uint32_t crc;

	if (di->pair_tried)
		return di->pair;
	di->pair_tried = true;
	if (s.for_debug && pair_link(di->elf, &s.name, &crc)) {
		s.name_size = strlen(s.name);
	} else if (s.for_debug) {
		snprintf(name, sizeof(name), "%.200s" PAIR_SUFFIX, base);
		s.name = name;
		s.name_size = strlen(name);
	} else if (n > suffix && strcmp(base + n - suffix, PAIR_SUFFIX) == 0) {
		s.name = base;
		s.name_size = n - suffix;
	} else {
		return NULL;
	}
	pair_look(&s);
	return di->pair;
}
