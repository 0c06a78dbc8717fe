// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ctrl-C: it stops the command that runs, and the program only when there is
 * no shell to go back to.
 */
#ifndef KCO_CLI_INTERRUPT_H
#define KCO_CLI_INTERRUPT_H

#include <stdbool.h>

struct kco_session;

/**
 * From now on SIGINT cancels what @session (may be NULL) does. Unless
 * @survive, a second one ends the program at once.
 */
void kco_interrupt_install(struct kco_session *session, bool survive);
/** Back to the default; for the time after the session's end. */
void kco_interrupt_remove(void);
/** Was there a SIGINT since the last kco_interrupt_clear()? */
bool kco_interrupt_pending(void);
/** Before each command: forget the last one, here and in the session. */
void kco_interrupt_clear(void);
/** End the program as SIGINT does, so that the caller's shell stops its script, too. */
void kco_interrupt_die(void);

#endif
