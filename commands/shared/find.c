// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding a command by what the user typed: its name, an alias, or a beginning
 * that fits one command only. What fits none gets the nearest name proposed.
 */
#include <kco/cmd.h>

#include <stdio.h>
#include <string.h>

#define FIND_WORD_MAX 32

unsigned kco_word_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned rows[3][FIND_WORD_MAX + 1]; // the row being filled and the two above it

	if (na > FIND_WORD_MAX || nb > FIND_WORD_MAX)
		return FIND_WORD_MAX;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned)j;
	// Optimal string alignment: the distance of Levenshtein plus swaps of neighbours.
	for (size_t i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[na % 3][nb];
}

static bool find_is(const struct kco_cmd *cmd, const char *name)
{
	if (strcmp(cmd->name, name) == 0)
		return true;
	for (const char *const *a = cmd->aliases; a && *a; a++)
		if (strcmp(*a, name) == 0)
			return true;
	return false;
}

static const char *find_nearest(const struct kco_cmd *const *cmds, const char *name)
{
	unsigned best = strlen(name) > 3 ? 3 : 2; // as many edits as this are another word
	const char *nearest = NULL;

	for (; *cmds; cmds++) {
		unsigned d = kco_word_distance(name, (*cmds)->name);

		if (d < best) {
			best = d;
			nearest = (*cmds)->name;
		}
	}
	return nearest;
}

const struct kco_cmd *kco_cmd_find(const struct kco_cmd *const *cmds, const char *name, struct kco_err *err)
{
	const struct kco_cmd *found = NULL;
	const char *nearest;
	char names[160] = "";
	size_t len = strlen(name), count = 0, used = 0;

	for (const struct kco_cmd *const *c = cmds; *c; c++)
		if (find_is(*c, name))
			return *c;
	for (const struct kco_cmd *const *c = cmds; len && *c; c++) {
		if (strncmp((*c)->name, name, len) != 0)
			continue;
		found = *c;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", count ? ", " : "",
						 (*c)->name);
		count++;
	}
	if (count == 1)
		return found;
	if (count) {
		kco_fail(err, KCO_E_USAGE, "command '%.40s' is ambiguous: %s", name, names);
		return NULL;
	}
	nearest = find_nearest(cmds, name);
	if (nearest)
		kco_fail(err, KCO_E_USAGE, "no command '%.40s'; did you mean '%s'?", name, nearest);
	else
		kco_fail(err, KCO_E_USAGE, "no command '%.40s'; `help` lists them", name);
	return NULL;
}
