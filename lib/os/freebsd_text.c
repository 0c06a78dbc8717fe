// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text: where code is, and which of it has a trap frame on top of the stack
 * (bsd_text.h). The machine's row knows the names of such code.
 */
#include "bsd_text.h"
#include "freebsd.h"

/* Loaded on the session's thread before workers start (kco_unwinder_new), then read-only. */
static const struct bsd_text *text_load(struct kco_session *s)
{
	static const char *const first[] = { "btext", NULL }, *const end[] = { "etext", "_etext", NULL };
	struct freebsd_os *os = freebsd_of(s);
	const struct bsd_text_rule rule = {
		.is_entry = os->machine->is_entry, .starts = { os->machine->start }, .first = first, .end = end
	};
	struct kco_regs none;

	if (os->text)
		return os->text;
	/* Registers and frames are asked for by the same workers. */
	if (!kco_session_need(s, KCO_NEED_SYMS, NULL))
		(void)!freebsd_cpu_regs(s, 0, &none, NULL);
	return os->text = bsd_text_new(s, &rule);
}

bool freebsd_is_text(struct kco_session *s, uint64_t pc)
{
	return bsd_text_has(text_load(s), pc);
}

bool freebsd_is_entry(struct kco_session *s, uint64_t pc, bool exact)
{
	return bsd_text_is_entry(text_load(s), pc, exact);
}

void freebsd_text_fini(struct kco_session *s)
{
	bsd_text_free(freebsd_of(s)->text);
	freebsd_of(s)->text = NULL;
}
