// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text of a BSD kernel: where code is, and which of it has a trap frame on top
 * of the stack.
 *
 * What the kernel is entered by is assembly without CFI. It makes a struct
 * trapframe on the stack and calls C: a return address within it says that the
 * frame lies where the stack pointer is after the return, or close by. Which
 * code this is is told by names, those of the nearest symbol below (kgdb's
 * rule): the personality knows them.
 */
#ifndef KCO_OS_BSD_TEXT_H
#define KCO_OS_BSD_TEXT_H

#include "session.h"

#define BSD_TEXT_STARTS 4

struct bsd_text_rule {
	bool (*is_entry)(const char *name);    /* may be NULL: there is no such code */
	const char *starts[BSD_TEXT_STARTS];   /* where threads begin that never ran, NULL behind the last */
	const char *const *first, *const *end; /* symbols of the linker at the borders, NULL-terminated */
};

struct bsd_text;

/** On the session's thread; read-only then. NULL: out of memory. Empty without symbols. */
struct bsd_text *bsd_text_new(struct kco_session *s, const struct bsd_text_rule *rule);
void bsd_text_free(struct bsd_text *text);
bool bsd_text_has(const struct bsd_text *text, uint64_t pc);
/** @exact: @pc is where the CPU would go on, else what a call returns to. */
bool bsd_text_is_entry(const struct bsd_text *text, uint64_t pc, bool exact);

#endif
