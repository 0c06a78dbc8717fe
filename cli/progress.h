// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What takes long, told on a terminal: one line on standard error that is
 * rewritten while it lasts and wiped when it is over.
 */
#ifndef KCO_CLI_PROGRESS_H
#define KCO_CLI_PROGRESS_H

#include <kco/session.h>

/** As kco_session_options.progress; @arg is not used. Nothing is shown in the first third of a second, or without a
 * terminal. */
void kco_progress(void *arg, const struct kco_progress *p);
/** Wipe the line, if there is one. Called before anything else is written. */
void kco_progress_end(void);

#endif
