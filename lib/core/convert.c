// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converting: a source over all memory of the image, and a format's writer.
 */
#include <kco/convert.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <kco/format.h>
#include <kco/outfile.h>

#include "pagesource.h"
#include "verify.h"
#include "session.h"

#define CONVERT_MAPS_MAX 65536

struct convert {
	struct kco_session *s;
	const struct kco_convert_options *opts;
	struct kco_convert_stats *stats;
	const struct kco_format_ops *format;
	struct kco_pagesource pages;
	struct kco_write_source src;
	struct kco_image image;	  /* the source's, with facts that memory has and headers lack */
	struct kco_frameset drop; /* blocks that cannot be read, or are left out by the filter */
	bool nomem;
	struct kco_write_map *maps;
	size_t nr_maps, cap_maps;
};

const struct kco_format_ops *kco_format_writer(const struct kco_format_ops *const *formats, const char *name,
					       struct kco_err *err)
{
	for (size_t i = 0; formats && formats[i]; i++) {
		if (strcmp(formats[i]->name, name))
			continue;
		if (formats[i]->write)
			return formats[i];
		(void)!kco_fail(err, KCO_E_UNSUPPORTED, "no writer for the format '%s'", name);
		return NULL;
	}
	(void)!kco_fail(err, KCO_E_UNSUPPORTED, "no format '%.40s'", name);
	return NULL;
}

static void convert_damaged(void *arg, uint64_t first, uint64_t last, const struct kco_err *why)
{
	struct convert *c = arg;
	uint32_t block = c->s->image->facts.block_size;

	if (kco_frameset_add(&c->drop, first / block, last / block))
		c->nomem = true;
	c->stats->damaged += last - first + 1;
	if (c->opts->damaged)
		c->opts->damaged(c->opts->damaged_arg, first, last, why);
}

/* Read everything once, to know what cannot be read before a layout depends on it. */
static enum kco_status convert_check(struct convert *c, struct kco_err *err)
{
	struct kco_verify_stats found;
	enum kco_status st = kco_verify_source(&c->pages, &c->src, convert_damaged, c, &found, err);

	c->pages.drop = &c->drop;
	return !st && c->nomem ? kco_fail(err, KCO_E_NOMEM, "out of memory") : st;
}

/* What the filter leaves out; pages of zeros are told by the writer, who has their bytes. */
static enum kco_status convert_filter(struct convert *c, struct kco_err *err)
{
	unsigned level = c->opts->filter & ~(unsigned)KCO_FILTER_ZERO;
	enum kco_status st = level ? kco_session_need(c->s, KCO_NEED_OS, err) : KCO_OK;

	if (st || !level)
		return st;
	if (!KCO_OS_SLOT(c->s->os, page_filter))
		return kco_fail(err, KCO_E_UNSUPPORTED, "convert -d: not on %s", c->s->os->title);
	st = KCO_OS_SLOT(c->s->os, page_filter)(c->s, &c->src, level, &c->drop, &c->stats->filter, err);
	c->pages.drop = &c->drop;
	return st ? kco_context(err, st, "filter") : KCO_OK;
}

static enum kco_status convert_add_map(void *arg, const struct kco_write_map *map)
{
	struct convert *c = arg;

	if (!map->size || map->va + (map->size - 1) < map->va || map->pa + (map->size - 1) < map->pa)
		return KCO_OK;
	if (c->nr_maps == c->cap_maps) {
		size_t cap = c->cap_maps ? c->cap_maps * 2 : 16;
		struct kco_write_map *grown =
			cap > CONVERT_MAPS_MAX ? NULL : reallocarray(c->maps, cap, sizeof(*grown));

		if (!grown)
			return KCO_E_NOMEM;
		c->maps = grown;
		c->cap_maps = cap;
	}
	c->maps[c->nr_maps++] = *map;
	return KCO_OK;
}

/* Where the kernel maps memory, if it can be found; a dump whose kernel is not known is converted all the same. */
static enum kco_status convert_maps(struct convert *c, struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st;

	// Finds the text of VMCOREINFO, too, where no header has it.
	st = kco_session_need(c->s, KCO_NEED_OS, &why);
	if (st == KCO_OK && c->format->write_maps && KCO_OS_SLOT(c->s->os, maps))
		st = KCO_OS_SLOT(c->s->os, maps)(c->s, convert_add_map, c, &why);
	if (st == KCO_E_NOMEM || st == KCO_E_CANCELLED)
		return kco_fail(err, st, "%s", why.msg);
	if (st != KCO_OK && c->format->write_maps)
		kco_session_warn(c->s, "not all of the kernel's virtual addresses are in the new file: %s", why.msg);
	c->src.maps = c->maps;
	c->src.nr_maps = c->nr_maps;
	return KCO_OK;
}

/* What the new file says about itself where the old one is silent and memory is not. */
static void convert_facts(struct convert *c)
{
	struct kco_session *s = c->s;
	struct kco_facts *facts = &c->image.facts;

	c->image = *s->image;
	if (!facts->vmcoreinfo && s->vmcoreinfo) {
		facts->vmcoreinfo = s->vmcoreinfo;
		facts->vmcoreinfo_size = s->vmcoreinfo_size;
	}
	if (!facts->elf_machine && s->arch)
		facts->elf_machine = s->arch->elf_machine;
	if (c->opts->filter)
		facts->dump_level =
			(int32_t)(c->opts->filter | (facts->dump_level > 0 ? (unsigned)facts->dump_level : 0));
	c->src.image = &c->image;
}

/* A disk that is too small is told now, when no compression makes it hard to say. */
static enum kco_status convert_check_room(const struct convert *c, int fd, struct kco_err *err)
{
	struct statvfs vfs;

	if (c->format->write_packs || fstatvfs(fd, &vfs))
		return KCO_OK;
	// Zeros become holes, so this much may not be needed: only what can never fit is refused.
	if ((uint64_t)vfs.f_blocks * vfs.f_frsize < c->pages.total / 2 &&
	    (uint64_t)vfs.f_bavail * vfs.f_frsize < c->pages.total / 64)
		return kco_fail(err, KCO_E_IO, "%" PRIu64 " MiB of memory do not fit the %" PRIu64 " MiB that are free",
				c->pages.total >> 20, ((uint64_t)vfs.f_bavail * vfs.f_frsize) >> 20);
	return KCO_OK;
}

static enum kco_status convert_write(void *arg, int fd, struct kco_err *err)
{
	struct convert *c = arg;
	enum kco_status st = convert_check_room(c, fd, err);
	struct stat sb;

	if (st == KCO_OK)
		st = c->format->write(&c->src, fd, err);
	if (st != KCO_OK)
		return st;
	if (fsync(fd) || fstat(fd, &sb))
		return kco_fail_errno(err, errno, "writing it out");
	c->stats->file_size = (uint64_t)sb.st_size;
	return KCO_OK;
}

enum kco_status kco_convert(struct kco_session *s, const struct kco_convert_options *opts,
			    struct kco_convert_stats *stats, struct kco_err *err)
{
	struct convert c = { .s = s, .opts = opts, .stats = stats };
	enum kco_status st;

	memset(stats, 0, sizeof(*stats));
	c.format = kco_format_writer(s->opts.formats, opts->format, err);
	if (!c.format)
		return KCO_E_UNSUPPORTED;
	st = kco_session_may_write(s, opts->path, opts->replace, err);
	if (st == KCO_OK)
		st = kco_pagesource_init(&c.pages, s, &c.src, err);
	c.src.codec = opts->codec;
	c.src.level = opts->level;
	if (st == KCO_OK)
		st = convert_maps(&c, err);
	if (st == KCO_OK)
		convert_facts(&c);
	if (st == KCO_OK)
		st = kco_pagesource_total(&c.src, false, &c.pages.total, err);
	if (st == KCO_OK)
		st = convert_filter(&c, err);
	if (st == KCO_OK && opts->keep_going)
		st = convert_check(&c, err);
	if (st == KCO_OK && (opts->keep_going || opts->filter))
		st = kco_pagesource_total(&c.src, false, &c.pages.total, err);
	c.pages.what = "writing";
	stats->bytes = c.pages.total;
	if (st == KCO_OK && !stats->bytes)
		st = kco_fail(err, KCO_E_RANGE, "the dump holds no physical memory that could be written");
	if (st == KCO_OK)
		st = kco_session_write_file(s, opts->path, opts->replace, convert_write, &c, err);
	kco_pagesource_fini(&c.pages);
	kco_frameset_fini(&c.drop);
	free(c.maps);
	return st;
}
