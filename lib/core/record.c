// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recording sessions: which pages of a dump did some work read, and a new dump
 * of just those.
 *
 * Readers of any thread note page frames, one at a time (a lock).
 */
#include <kco/record.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/format.h>
#include <kco/write.h>

#include "dumpout.h"
#include "frameset.h"
#include "keptfacts.h"
#include "pagesource.h"
#include "redact.h"
#include "session.h"

/* What tells readers that anything may be missing: makedumpfile's widest filter. */
#define RECORD_DUMP_LEVEL 31

struct kco_recording {
	struct kco_session *session;
	pthread_mutex_t lock;
	struct kco_frameset frames; /* in units of block_size */
	uint32_t block_size;
	bool nomem;	      /* a page could not be noted */
	bool virtual_touched; /* virtual memory of the file itself was read */
	enum kco_redact_level redact;
	struct kco_frameset drop; /* of frames: what others may not see, ... */
	struct kco_blanks blanks; /* ... and parts of pages */
	bool frozen;		  /* being written: what is read now is not noted */
};

/* Called by every reader for every read. */
static void record_touched(void *arg, enum kco_addr_kind kind, uint64_t page_addr, uint32_t size)
{
	struct kco_recording *rec = arg;

	pthread_mutex_lock(&rec->lock);
	if (kind == KCO_VIRT) {
		rec->virtual_touched = true;
	} else if (!rec->frozen && rec->block_size && size) {
		if (kco_frameset_add(&rec->frames, page_addr / rec->block_size,
				     (page_addr + (size - 1)) / rec->block_size))
			rec->nomem = true;
	}
	pthread_mutex_unlock(&rec->lock);
}

enum kco_status kco_recording_new(const struct kco_session *s, struct kco_recording **ret, struct kco_err *err)
{
	struct kco_recording *rec = calloc(1, sizeof(*rec));
	struct kco_session_options opts = s->opts;
	enum kco_status status;

	if (!rec)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	pthread_mutex_init(&rec->lock, NULL);
	rec->block_size = s->image->facts.block_size;
	opts.touched = record_touched;
	opts.touched_arg = rec;
	opts.image.warn = NULL; // the user has read them once
	status = kco_session_open_new(&opts, &rec->session, err);
	if (status != KCO_OK) {
		kco_recording_free(rec);
		return kco_context(err, status, "opening the dump once more");
	}
	*ret = rec;
	return KCO_OK;
}

void kco_recording_free(struct kco_recording *rec)
{
	if (!rec)
		return;
	kco_session_free(rec->session);
	kco_frameset_fini(&rec->frames);
	kco_frameset_fini(&rec->drop);
	kco_blanks_fini(&rec->blanks);
	pthread_mutex_destroy(&rec->lock);
	free(rec);
}

void kco_recording_redact(struct kco_recording *rec, enum kco_redact_level level)
{
	rec->redact = level;
}

struct kco_session *kco_recording_session(struct kco_recording *rec)
{
	return rec->session;
}

/* Forget the frames that cannot be written; count the others. */
static enum kco_status record_settle(struct kco_recording *rec, struct kco_recording_stats *stats, struct kco_err *err)
{
	struct kco_write_piece piece = { .n = rec->block_size, .bytes = malloc(rec->block_size) };
	uint64_t first = 0, last;

	if (!piece.bytes)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	while (kco_frameset_run(&rec->frames, first, true, &first, &last)) {
		for (; first <= last; first++) {
			if (kco_session_cancelled(rec->session)) {
				free(piece.bytes);
				return kco_fail(err, KCO_E_CANCELLED, "interrupted");
			}
			piece.addr = first * rec->block_size;
			if (kco_write_read(kco_mem_reader(rec->session->mem), &piece, NULL)) {
				kco_frameset_remove(&rec->frames, first);
				stats->lost++;
			} else {
				stats->pages++;
			}
		}
	}
	free(piece.bytes);
	return KCO_OK;
}

/*
 * What the new file says about itself: what the old one does, and what had to
 * be read from memory where the old one is silent.
 */
static void record_facts(struct kco_recording *rec, struct kco_facts *facts)
{
	struct kco_session *s = rec->session;
	const struct kco_system_info *info;

	facts->dump_level = RECORD_DUMP_LEVEL;
	if (!facts->vmcoreinfo && s->vmcoreinfo) {
		facts->vmcoreinfo = s->vmcoreinfo;
		facts->vmcoreinfo_size = s->vmcoreinfo_size;
	}
	if (!facts->elf_machine && s->arch)
		facts->elf_machine = s->arch->elf_machine;
	if (!s->lazy_system.tried || kco_system_get(s, &info, NULL) != KCO_OK)
		return; // nobody asked; asking now would read what is not written
	if (!facts->release[0])
		snprintf(facts->release, sizeof(facts->release), "%.64s", info->release);
	if (!facts->version[0])
		snprintf(facts->version, sizeof(facts->version), "%.64s", info->version);
	if (!facts->nodename[0])
		snprintf(facts->nodename, sizeof(facts->nodename), "%.64s", info->nodename);
}

struct record_file {
	struct kco_recording *rec;
	const struct kco_format_ops *format;
};

static enum kco_status record_fill(void *arg, size_t part, struct kco_sink *sink, struct kco_err *err)
{
	const struct record_file *file = arg;
	struct kco_image image = *file->rec->session->image;
	struct kco_keptfacts kept = { 0 };
	struct kco_redact_mark mark = { 0 };
	struct kco_write_source src;
	// No notes of threads: who reads them all writes more than was read.
	const struct kco_keptfacts_options keep = { .format = file->format, .image = &image, .src = &src };
	struct kco_pagesource pages;
	enum kco_status status = kco_pagesource_init(&pages, file->rec->session, &src, err);

	(void)part;
	if (status != KCO_OK)
		return status;
	pages.only = &file->rec->frames;
	pages.drop = &file->rec->drop;
	pages.blanks = &file->rec->blanks;
	src.image = &image;
	record_facts(file->rec, &image.facts);
	status = kco_keptfacts_make(file->rec->session, &keep, &kept, err);
	if (status == KCO_OK)
		status = kco_redact_mark(&mark, file->rec->redact, &image, err);
	if (status == KCO_OK)
		status = file->format->write(&src, sink, err);
	kco_keptfacts_fini(&kept);
	kco_redact_mark_fini(&mark);
	kco_pagesource_fini(&pages);
	return status;
}

/* What others may not see of the pages that were read. */
static enum kco_status record_redact(struct kco_recording *rec, struct kco_recording_stats *stats, struct kco_err *err)
{
	struct kco_write_source src;
	struct kco_pagesource pages;
	struct kco_redact what = { .src = &src,
				   .names = rec->redact == KCO_REDACT_NAMES,
				   .drop = &rec->drop,
				   .blanks = &rec->blanks,
				   .stats = &stats->redact };
	enum kco_status status = rec->redact ? kco_pagesource_init(&pages, rec->session, &src, err) : KCO_OK;

	if (status != KCO_OK || !rec->redact)
		return status;
	pages.only = &rec->frames;
	status = kco_redact_source(&pages, &what, err);
	if (status == KCO_OK)
		status = kco_pagesource_total(&src, true, &stats->pages, err);
	stats->pages /= rec->block_size;
	kco_pagesource_fini(&pages);
	return status;
}

/* While the pieces are walked, no reader may add one. */
static void record_freeze(struct kco_recording *rec, bool frozen)
{
	pthread_mutex_lock(&rec->lock);
	rec->frozen = frozen;
	pthread_mutex_unlock(&rec->lock);
}

enum kco_status kco_recording_write(struct kco_recording *rec, const char *format, const struct kco_dump_target *to,
				    struct kco_recording_stats *stats, struct kco_err *err)
{
	const struct kco_format_ops *ops = kco_format_writer(rec->session->opts.formats, format, err);
	struct kco_recording_stats local = { .page_size = rec->block_size };
	struct record_file file = { rec, ops };
	struct kco_dump_out out = { .session = rec->session, .to = to, .fill = record_fill, .arg = &file };
	enum kco_status status;

	if (!ops)
		return KCO_E_UNSUPPORTED;
	if (to->parts > 1)
		return kco_fail(err, KCO_E_USAGE, "a recording is written to one file");
	if (rec->nomem)
		return kco_fail(err, KCO_E_NOMEM, "out of memory while pages were noted");
	if (rec->virtual_touched)
		return kco_fail(err, KCO_E_UNSUPPORTED, "this dump carries virtual memory, which %s files cannot hold",
				format);
	record_freeze(rec, true);
	status = record_settle(rec, &local, err);
	if (status == KCO_OK)
		status = record_redact(rec, &local, err);
	if (status == KCO_OK && !local.pages)
		status = kco_fail(err, KCO_E_USAGE, "no page was read, there is nothing to write");
	if (status == KCO_OK)
		status = kco_dump_write(&out, &local.file_size, err);
	record_freeze(rec, false);
	if (status == KCO_OK && stats)
		*stats = local;
	return status;
}
