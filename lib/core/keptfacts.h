// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a new file keeps of a dump whose headers say what its memory does not: a
 * BSD's. For all that write dumps. Formats that carry virtual addresses have
 * room for it (formats/shared/facts_note.h).
 */
#ifndef KCO_CORE_KEPTFACTS_H
#define KCO_CORE_KEPTFACTS_H

#include <kco/format.h>
#include <kco/write.h>

#include "session.h"
#include "threadnotes.h"

struct kco_keptfacts_options {
	const struct kco_format_ops *format; /* of the new file */
	struct kco_image *image;	     /* a copy of the session's: gets facts and notes */
	struct kco_write_source *src;	     /* of that image: gets the rest */
	bool threads;			     /* a note for each of them: reads them all */
	bool whole_maps;		     /* src->maps has all maps there are */
};

/** What they point to. Zeroed: nothing was made. */
struct kco_keptfacts {
	struct kco_threadnotes threads;
	struct kco_note *notes;
	struct kco_write_run spans[KCO_WRITE_SPANS_MAX];
};

/** Nothing is done for a system whose memory tells all, nor for a format without room. @ret must outlive the write. */
enum kco_status kco_keptfacts_make(struct kco_session *s, const struct kco_keptfacts_options *opts,
				   struct kco_keptfacts *ret, struct kco_err *err) KCO_MUST_USE;
void kco_keptfacts_fini(struct kco_keptfacts *kept);

#endif
