// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a personality is asked for when a dump is redacted: the slot redact of
 * struct kco_os_ops.
 */
#ifndef KCO_CORE_REDACT_H
#define KCO_CORE_REDACT_H

#include <kco/redact.h>
#include <kco/write.h>

#include "blanks.h"
#include "frameset.h"
#include "pagesource.h"

struct kco_redact {
	const struct kco_write_source *src; /* what is to be written, ... */
	const struct kco_write_source
		*all;		   /* ... and all of the dump, where its secrets are found; kco_redact_source() */
	bool names;		   /* of files, too */
	struct kco_frameset *drop; /* to add to: pages to be left out */
	struct kco_blanks *blanks; /* to add to: what is to be blank in the others */
	struct kco_redact_stats *stats;
};

/**
 * Redact what @pages gives: sets its drop and blanks, which are @drop and @blanks and
 * outlive it. For writers of new dumps; @src is its source. KCO_E_UNSUPPORTED: the
 * system has no rules for it.
 */
enum kco_status kco_redact_source(struct kco_pagesource *pages, struct kco_redact *redact,
				  struct kco_err *err) KCO_MUST_USE;
/** A copy of an image's list of notes with the one that says how it was redacted. Zeroed: none was made. */
struct kco_redact_mark {
	struct kco_note *notes;
	uint8_t desc[8];
};

/** Put the note into @image, a copy of whose notes @mark holds from then on. Nothing if @level is KCO_REDACT_NOT. */
enum kco_status kco_redact_mark(struct kco_redact_mark *mark, enum kco_redact_level level, struct kco_image *image,
				struct kco_err *err) KCO_MUST_USE;
void kco_redact_mark_fini(struct kco_redact_mark *mark);
/** Note something that stays. */
void kco_redact_keep(struct kco_redact *redact, const char *fmt, ...) KCO_PRINTF(2, 3);

#endif
