// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Redacting: what all personalities share.
 *
 * A redacted dump says so in a note: name "KCODBG", type 2,
 *
 *   u32 version (1) | u32 level (enum kco_redact_level)
 *
 * little-endian. Pages that were left out are missing from the dump as those of any
 * filter are; for what is blank in the others the note is the only sign.
 */
#include "redact.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define REDACT_VERSION 1u

enum kco_status kco_redact_source(struct kco_pagesource *pages, struct kco_redact *redact, struct kco_err *err)
{
	struct kco_session *s = pages->session;
	struct kco_pagesource all = { 0 };
	struct kco_write_source src;
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	if (st == KCO_OK && !KCO_OS_SLOT(s->os, redact))
		return kco_fail(err, KCO_E_UNSUPPORTED, "convert --redact: not on %s", s->os->title);
	if (st == KCO_OK)
		st = kco_pagesource_init(&all, s, &src, err);
	redact->all = &src;
	if (st == KCO_OK)
		st = KCO_OS_SLOT(s->os, redact)(s, redact, err);
	redact->all = NULL;
	kco_pagesource_fini(&all);
	redact->stats->bytes = kco_blanks_settle(redact->blanks);
	pages->blanks = redact->blanks;
	pages->drop = redact->drop;
	return st == KCO_OK ? KCO_OK : kco_context(err, st, "redact");
}

enum kco_redact_level kco_redact_level(const struct kco_image *img)
{
	const struct kco_note *note = kco_image_note(img, KCO_FACTS_NOTE_NAME, KCO_REDACT_NOTE_TYPE, 0);
	const uint8_t *p = note ? note->desc : NULL;

	if (!note)
		return KCO_REDACT_NOT;
	// Whatever a later version means by its levels, it was redacted.
	if (note->size < 8 || kco_le32(p) != REDACT_VERSION || kco_le32(p + 4) != KCO_REDACT_NAMES)
		return KCO_REDACT_SECRETS;
	return KCO_REDACT_NAMES;
}

enum kco_status kco_redact_mark(struct kco_redact_mark *mark, enum kco_redact_level level, struct kco_image *image,
				struct kco_err *err)
{
	enum kco_redact_level before = kco_redact_level(image);
	size_t n = 0;

	if (level == KCO_REDACT_NOT)
		return KCO_OK;
	mark->notes = calloc(image->nr_notes + 1, sizeof(*mark->notes));
	if (!mark->notes)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for notes");
	for (size_t i = 0; i < image->nr_notes; i++)
		if (strcmp(image->notes[i].name, KCO_FACTS_NOTE_NAME) != 0 ||
		    image->notes[i].type != KCO_REDACT_NOTE_TYPE)
			mark->notes[n++] = image->notes[i];
	kco_put_le32(mark->desc, REDACT_VERSION);
	kco_put_le32(mark->desc + 4, level > before ? level : before);
	mark->notes[n++] =
		(struct kco_note){ KCO_FACTS_NOTE_NAME, KCO_REDACT_NOTE_TYPE, sizeof(mark->desc), mark->desc };
	image->notes = mark->notes;
	image->nr_notes = n;
	return KCO_OK;
}

void kco_redact_mark_fini(struct kco_redact_mark *mark)
{
	free(mark->notes);
	*mark = (struct kco_redact_mark){ 0 };
}

void kco_redact_keep(struct kco_redact *redact, const char *fmt, ...)
{
	struct kco_redact_stats *stats = redact->stats;
	va_list ap;

	if (stats->nr_kept >= KCO_REDACT_KEPT_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(stats->kept[stats->nr_kept], sizeof(stats->kept[0]), fmt, ap);
	va_end(ap);
	stats->nr_kept++;
}
