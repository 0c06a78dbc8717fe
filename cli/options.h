// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one parser of options, over the tables of struct kco_opt that the
 * program and its commands have.
 *
 * -a -b, -ab, -nVALUE, -n VALUE, --name VALUE, --name=VALUE; -name is taken as
 * --name when its letters are no short options, as users of crash type
 * "rd -32". Options and other words may come in any order; "--" ends the
 * options; "-" is a word. Names are not abbreviated, so that scripts live on
 * when options are added.
 */
#ifndef KCO_CLI_OPTIONS_H
#define KCO_CLI_OPTIONS_H

#include <stdbool.h>

#include <kco/cmd.h>

/** A table and the struct that its offsets are in. */
struct kco_opt_set {
	const struct kco_opt *opts; /* ends with help NULL; NULL: none */
	void *values;
	bool syntax_only; /* addresses are not looked up, their fields stay as they are */
};

struct kco_options {
	const struct kco_opt_set *sets; /* an earlier one wins where both have a name */
	size_t nr_sets;
	bool stop_at_word;	     /* end at the first word that is no option */
	bool syntax_only;	     /* addresses are not looked up */
	struct kco_session *session; /* for addresses; NULL: plain numbers only */
	struct kco_arena *arena;     /* for KCO_OPT_LIST */
};

/**
 * Parse @argc words of @argv. Words that are no options go to @words (room for
 * @argc), *@nwords tells how many; *@used how many of @argv were looked at.
 * KCO_E_USAGE, or why an address cannot be known.
 */
enum kco_status kco_options_parse(const struct kco_options *how, int argc, char **argv, char **words, int *nwords,
				  int *used, struct kco_err *err) KCO_MUST_USE;

#endif
