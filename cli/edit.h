// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines from a person: libedit with its editing, history and our completion.
 */
#ifndef KCO_CLI_EDIT_H
#define KCO_CLI_EDIT_H

#include "program.h"

struct kco_edit;

/** NULL: the terminal cannot be used that way, or memory is out. */
struct kco_edit *kco_edit_new(struct kco_program *p);
/** Saves the history. */
void kco_edit_free(struct kco_edit *edit);

enum kco_edit_result {
	KCO_EDIT_LINE,	      /* there is one */
	KCO_EDIT_INTERRUPTED, /* Ctrl-C: the line is gone, ask again */
	KCO_EDIT_END,	      /* Ctrl-D, or the terminal is gone */
};

/** Ask for a line; *@ret (without the newline) is valid until the next call. */
enum kco_edit_result kco_edit_line(struct kco_edit *edit, const char **ret);

#endif
