// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A note for each thread, as debuggers want them in a core file.
 */
#ifndef KCO_CORE_THREADNOTES_H
#define KCO_CORE_THREADNOTES_H

#include "session.h"

struct kco_threadnotes {
	struct kco_note *notes;
	size_t n;
	uint8_t *descs; /* all of them, one behind the other */
};

/**
 * Make NT_PRSTATUS notes for every thread of @s: the one that panicked first,
 * which debuggers select, then those that were on a CPU. Registers that nobody
 * knows are 0. KCO_E_UNSUPPORTED: the architecture has no layout of them.
 */
enum kco_status kco_threadnotes_make(struct kco_session *s, struct kco_threadnotes *ret,
				     struct kco_err *err) KCO_MUST_USE;
/** A zeroed one is fine. */
void kco_threadnotes_fini(struct kco_threadnotes *notes);

#endif
