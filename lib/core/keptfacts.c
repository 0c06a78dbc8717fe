// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Facts that a new file keeps in notes. See keptfacts.h.
 */
#include "keptfacts.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/mem.h>

/* The virtual ranges that the old file has whole maps of. Where memory is lost a gap is no proof of anything. */
static void keptfacts_spans(struct kco_session *s, const struct kco_keptfacts_options *opts, struct kco_keptfacts *ret)
{
	struct kco_reader *rd = kco_mem_reader(s->mem);
	struct kco_write_run *spans = ret->spans;
	const struct kco_segment *seg;
	size_t n = 0;

	for (uint64_t at = 0; n < KCO_WRITE_SPANS_MAX && (seg = kco_reader_next(rd, KCO_VIRT, at)) != NULL;) {
		struct kco_segment_page page = { .size = 0 };
		uint64_t first = seg->first, last = seg->last;
		bool maps = seg->ops->translate != NULL;

		// A linear map has no entries that could be empty.
		if (maps && (kco_reader_translate(rd, first, &page, NULL) || page.size)) {
			if (n && spans[n - 1].last + 1 == first)
				spans[n - 1].last = last;
			else
				spans[n++] = (struct kco_write_run){ first, last };
		}
		if (last == UINT64_MAX)
			break;
		at = last + 1;
	}
	opts->src->spans = spans;
	opts->src->nr_spans = opts->whole_maps ? n : 0;
}

/* Is @note of the old file to be in the new one, too? Those of an earlier conversion are made anew. */
static bool keptfacts_takes(const struct kco_note *note, bool threads)
{
	if (strcmp(note->name, KCO_FACTS_NOTE_NAME) == 0)
		return note->type == KCO_REDACT_NOTE_TYPE;
	return !threads || note->type != NT_PRSTATUS || strcmp(note->name, "CORE") != 0;
}

static enum kco_status keptfacts_notes(struct kco_image *image, struct kco_keptfacts *ret, struct kco_err *err)
{
	size_t n = 0;

	ret->notes = calloc(ret->threads.n + image->nr_notes + 1, sizeof(*ret->notes));
	if (!ret->notes)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for notes");
	for (size_t i = 0; i < ret->threads.n; i++)
		ret->notes[n++] = ret->threads.notes[i];
	for (size_t i = 0; i < image->nr_notes; i++)
		if (keptfacts_takes(&image->notes[i], ret->threads.n != 0))
			ret->notes[n++] = image->notes[i];
	image->notes = ret->notes;
	image->nr_notes = n;
	return KCO_OK;
}

enum kco_status kco_keptfacts_make(struct kco_session *s, const struct kco_keptfacts_options *opts,
				   struct kco_keptfacts *ret, struct kco_err *err)
{
	struct kco_facts *facts = &opts->image->facts;
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = KCO_OK;

	if (!s->os || !s->os->facts_in_notes || !opts->format->write_maps)
		return KCO_OK;
	opts->src->keep_facts = true;
	if (!*facts->sysname)
		snprintf(facts->sysname, sizeof(facts->sysname), "%s", s->os->title);
	if (s->kernel.form) {
		facts->root_pa = s->kernel.root.v;
		facts->root_levels = s->kernel.form->levels;
		facts->has_root_pa = true;
	}
	keptfacts_spans(s, opts, ret);
	if (opts->threads)
		st = kco_threadnotes_make(s, &ret->threads, &why);
	if (st == KCO_E_NOMEM || st == KCO_E_CANCELLED)
		return kco_fail(err, st, "%s", why.msg);
	if (st)
		kco_session_warn(s, "no thread has a note in the new file: %s", why.msg);
	return keptfacts_notes(opts->image, ret, err);
}

void kco_keptfacts_fini(struct kco_keptfacts *kept)
{
	free(kept->notes);
	kco_threadnotes_fini(&kept->threads);
}
