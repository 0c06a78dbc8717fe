// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Completion: what could stand where the cursor is. All knowledge comes from
 * the command table and the dump.
 */
#ifndef KCO_CLI_COMPLETE_H
#define KCO_CLI_COMPLETE_H

#include <stddef.h>

#include <kco/arena.h>

#include "program.h"

#define KCO_COMPLETE_MAX 500 /* names that are kept for showing */

struct kco_completion {
	char **names; /* sorted, no two alike; at most KCO_COMPLETE_MAX */
	size_t n;
	size_t total;	/* that there are */
	char *common;	/* what all of them begin with, NULL when there are none */
	size_t word_at; /* where in the text the word begins that they replace */
	char end;	/* what follows the only name: ' ', '=' or '/' (0: nothing) */
};

/** Completions of @text, which ends at the cursor. All strings are in @arena. */
void kco_complete(struct kco_program *p, const char *text, struct kco_arena *arena, struct kco_completion *ret);

/** Words of the shell that are no commands of the table: "quit", ..., NULL-terminated. */
extern const char *const kco_shell_words[];

#endif
