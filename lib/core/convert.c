// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converting: a source over all memory of the image, and a format's writer.
 */
#include <kco/convert.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/format.h>

#include "dumpout.h"
#include "keptfacts.h"
#include "pagesource.h"
#include "redact.h"
#include "room.h"
#include "verify.h"
#include "session.h"

#define CONVERT_MAPS_MAX (UINT32_C(1) << 20)

struct convert {
	struct kco_session *s;
	const struct kco_convert_options *opts;
	struct kco_convert_stats *stats;
	const struct kco_format_ops *format;
	struct kco_pagesource pages;
	struct kco_write_source src;
	struct kco_image image; /* the source's, with facts that memory has and headers lack */
	struct kco_blanks blanks;
	struct kco_frameset drop; /* blocks that cannot be read, or are left out by the filter */
	bool nomem, maps_all;	  /* maps_all: none was cut */
	struct kco_write_map *maps;
	size_t nr_maps, cap_maps;
	uint64_t blocks; /* wanted, to be shared by the parts of a split set */
	struct kco_write_part part;
	struct kco_keptfacts kept;
	struct kco_redact_mark mark;
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
	struct kco_verify_options how = { .damaged = convert_damaged, .arg = c };
	struct kco_verify_stats found;
	enum kco_status st = kco_verify_source(&c->pages, &c->src, &how, &found, err);

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

/* What others may not see. Before the filter, which would leave out pages that this has counted. */
static enum kco_status convert_redact(struct convert *c, struct kco_err *err)
{
	struct kco_redact what = { .src = &c->src,
				   .names = c->opts->redact == KCO_REDACT_NAMES,
				   .drop = &c->drop,
				   .blanks = &c->blanks,
				   .stats = &c->stats->redact };

	enum kco_status st = kco_redact_mark(&c->mark, c->opts->redact, &c->image, err);

	return st == KCO_OK && c->opts->redact ? kco_redact_source(&c->pages, &what, err) : st;
}

static enum kco_status convert_add_map(void *arg, const struct kco_write_map *map)
{
	struct convert *c = arg;

	if (!map->size || map->va + (map->size - 1) < map->va || map->pa + (map->size - 1) < map->pa)
		return KCO_OK;
	if (c->nr_maps == c->cap_maps) {
		size_t cap = c->cap_maps ? c->cap_maps * 2 : 16;
		struct kco_write_map *grown;

		if (cap > CONVERT_MAPS_MAX)
			return KCO_DONE;
		grown = reallocarray(c->maps, cap, sizeof(*grown));
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
	c->maps_all = st == KCO_OK && c->nr_maps;
	if (st == KCO_DONE)
		kco_session_warn(c->s,
				 "not all of the kernel's virtual addresses are in the new file: only the first %zu"
				 " ranges, up to %#" PRIx64,
				 c->nr_maps, c->nr_maps ? c->maps[c->nr_maps - 1].va : 0);
	else if (st != KCO_OK && c->format->write_maps)
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
	unsigned level;

	c->image = *s->image;
	if (!facts->vmcoreinfo && s->vmcoreinfo) {
		facts->vmcoreinfo = s->vmcoreinfo;
		facts->vmcoreinfo_size = s->vmcoreinfo_size;
	}
	if (!facts->elf_machine && s->arch)
		facts->elf_machine = s->arch->elf_machine;
	level = c->opts->filter | (c->opts->redact ? KCO_FILTER_REDACTED : 0);
	if (level)
		facts->dump_level = (int32_t)(level | (facts->dump_level > 0 ? (unsigned)facts->dump_level : 0));
	c->src.image = &c->image;
}

/* Of a split set the first is asked for all. */
static enum kco_status convert_room(void *arg, int fd, struct kco_err *err)
{
	struct convert *c = arg;

	return c->pages.part ? KCO_OK : kco_room_check(&c->pages, &c->src, c->format, fd, err);
}

/* The address that has @blocks wanted blocks below it, of those from *@addr on; UINT64_MAX: there are no more. */
static enum kco_status convert_skip(struct convert *c, uint64_t blocks, uint64_t *addr, struct kco_err *err)
{
	uint32_t block = c->image.facts.block_size;
	enum kco_status st = KCO_OK;
	struct kco_write_run run;

	while (blocks && (st = c->src.next(c->src.arg, *addr, true, &run, err)) == KCO_OK) {
		uint64_t n = (run.last - run.first) / block + 1;

		if (n >= blocks) {
			*addr = run.first + blocks * block;
			return KCO_OK;
		}
		blocks -= n;
		*addr = run.last + 1;
	}
	return st == KCO_OK ? KCO_OK : kco_context(err, st == KCO_DONE ? KCO_E_BUG : st, "listing the pages to write");
}

/* The memory of part @i of a split set. They are asked for in order. */
static enum kco_status convert_part(struct convert *c, size_t i, struct kco_err *err)
{
	uint64_t n = c->opts->to.parts, end = i ? c->part.last + 1 : 0;
	uint64_t before = c->blocks / n * i + c->blocks % n * i / n;
	uint64_t after = c->blocks / n * (i + 1) + c->blocks % n * (i + 1) / n;
	enum kco_status st;

	c->part.first = end;
	st = convert_skip(c, after - before, &end, err);
	c->part.last = i + 1 == n ? UINT64_MAX : end - 1;
	c->part.blocks = after - before;
	c->part.all = c->blocks;
	c->pages.before = before * c->image.facts.block_size;
	c->pages.part = c->src.part = &c->part;
	return st;
}

static enum kco_status convert_fill(void *arg, size_t i, struct kco_sink *sink, struct kco_err *err)
{
	struct convert *c = arg;
	enum kco_status st = c->opts->to.parts > 1 ? convert_part(c, i, err) : KCO_OK;

	return st == KCO_OK ? c->format->write(&c->src, sink, err) : st;
}

static enum kco_status convert_write(struct convert *c, struct kco_err *err)
{
	struct kco_dump_out out = {
		.session = c->s, .to = &c->opts->to, .fill = convert_fill, .room = convert_room, .arg = c
	};
	enum kco_status st = KCO_OK;

	if (c->opts->to.parts > 1) {
		st = kco_pagesource_total(&c->src, true, &c->blocks, err);
		c->blocks /= c->image.facts.block_size;
		if (st == KCO_OK && c->blocks < c->opts->to.parts)
			st = kco_fail(err, KCO_E_USAGE, "%" PRIu64 " pages are too few for %u files", c->blocks,
				      c->opts->to.parts);
	}
	return st == KCO_OK ? kco_dump_write(&out, &c->stats->file_size, err) : st;
}

enum kco_status kco_convert(struct kco_session *s, const struct kco_convert_options *opts,
			    struct kco_convert_stats *stats, struct kco_err *err)
{
	struct convert c = { .s = s, .opts = opts, .stats = stats };
	struct kco_keptfacts_options keep = { .image = &c.image, .src = &c.src, .threads = true };
	enum kco_status st;

	memset(stats, 0, sizeof(*stats));
	c.format = kco_format_writer(s->opts.formats, opts->format, err);
	if (!c.format)
		return KCO_E_UNSUPPORTED;
	keep.format = c.format;
	st = kco_dump_target_check(s, opts->format, &opts->to, err);
	if (st == KCO_OK)
		st = kco_pagesource_init(&c.pages, s, &c.src, err);
	c.src.codec = opts->codec;
	c.src.level = opts->level;
	if (st == KCO_OK)
		st = convert_maps(&c, err);
	if (st == KCO_OK) {
		convert_facts(&c);
		keep.whole_maps = c.maps_all && !opts->keep_going;
		st = kco_keptfacts_make(s, &keep, &c.kept, err);
	}
	if (st == KCO_OK)
		st = kco_pagesource_total(&c.src, false, &c.pages.total, err);
	if (st == KCO_OK)
		st = convert_redact(&c, err);
	if (st == KCO_OK)
		st = convert_filter(&c, err);
	if (st == KCO_OK && opts->keep_going)
		st = convert_check(&c, err);
	if (st == KCO_OK && (opts->keep_going || opts->filter || opts->redact))
		st = kco_pagesource_total(&c.src, false, &c.pages.total, err);
	c.pages.what = "writing";
	stats->bytes = c.pages.total;
	if (st == KCO_OK && !stats->bytes)
		st = kco_fail(err, KCO_E_RANGE, "the dump holds no physical memory that could be written");
	if (st == KCO_OK)
		st = convert_write(&c, err);
	kco_pagesource_fini(&c.pages);
	kco_frameset_fini(&c.drop);
	kco_blanks_fini(&c.blanks);
	kco_redact_mark_fini(&c.mark);
	free(c.maps);
	kco_keptfacts_fini(&c.kept);
	return st;
}
