// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line of the shell or of a script, taken apart:
 *
 *   COMMAND [WORD...] [> FILE | >> FILE | | PROGRAM...]
 *   ! PROGRAM...
 *
 * Words are quoted as in sh: '...' takes all as it is, "..." and bare words
 * know the backslash. # where a word could begin starts a comment. There are no
 * variables, patterns or lists.
 */
#ifndef KCO_CLI_LINE_H
#define KCO_CLI_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <kco/arena.h>
#include <kco/err.h>

enum kco_line_to {
	KCO_LINE_OUT,	 /* nothing special */
	KCO_LINE_FILE,	 /* > target */
	KCO_LINE_APPEND, /* >> target */
	KCO_LINE_PIPE,	 /* | target */
	KCO_LINE_SHELL,	 /* ! target; no words */
};

struct kco_line {
	int argc;
	char **argv; /* argc + 1, the last is NULL */
	enum kco_line_to to;
	char *target;	/* NULL: none (yet) */
	bool in_word;	/* for completion: the text ends within a word (the last, or target) ... */
	size_t word_at; /* ... that begins here */
	bool in_comment;
};

/**
 * Parse @text into @arena. @partial: quotes may be open and a target may be
 * missing, as in a line that is being typed. KCO_E_USAGE.
 */
enum kco_status kco_line_parse(const char *text, bool partial, struct kco_arena *arena, struct kco_line *ret,
			       struct kco_err *err) KCO_MUST_USE;

#endif
