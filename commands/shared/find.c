// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding a command by what the user typed: its name, an alias, or a beginning
 * that fits one command only; of a name of two words, a beginning of each. What
 * fits none gets the nearest name proposed.
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

/* Does @name have this name, or alias? */
static bool find_is(const struct kco_cmd *cmd, const char *name)
{
	if (strcmp(cmd->name, name) == 0)
		return true;
	for (const char *const *a = cmd->aliases; a && *a; a++)
		if (strcmp(*a, name) == 0)
			return true;
	return false;
}

/* Is each word of @text the beginning of the same word of @name, and are there as many? */
static bool find_begins(const char *text, const char *name)
{
	while (*text) {
		size_t n = strcspn(text, " "), m = strcspn(name, " ");

		if (n > m || strncmp(text, name, n) != 0 || (text[n] == ' ') != (name[m] == ' '))
			return false;
		text += n + (text[n] == ' ');
		name += m + (name[m] == ' ');
	}
	return *name == '\0';
}

/* The name or alias of @cmd that @text begins, or NULL. Aliases of one word are never begun. */
static const char *find_begun(const struct kco_cmd *cmd, const char *text)
{
	if (find_begins(text, cmd->name))
		return cmd->name;
	for (const char *const *a = cmd->aliases; a && *a; a++)
		if (strchr(*a, ' ') && find_begins(text, *a))
			return *a;
	return NULL;
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

/* The second words of the names whose first one @first begins, as a list in @buf; how many there are. */
static size_t find_second_words(const struct kco_cmd *const *cmds, const char *first, char *buf, size_t size)
{
	size_t len = strlen(first), used = 0, count = 0;

	buf[0] = '\0';
	for (; len && *cmds; cmds++) {
		const char *space = strchr((*cmds)->name, ' ');

		if (!space || strncmp((*cmds)->name, first, len) != 0)
			continue;
		if (used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", count ? ", " : "", space + 1);
		count++;
	}
	return count;
}

const struct kco_cmd *kco_cmd_find(const struct kco_cmd *const *cmds, const char *name, struct kco_err *err)
{
	const struct kco_cmd *found = NULL;
	const char *nearest;
	char names[160] = "";
	size_t count = 0, used = 0;

	for (const struct kco_cmd *const *c = cmds; *c; c++)
		if (find_is(*c, name))
			return *c;
	for (const struct kco_cmd *const *c = cmds; *name && *c; c++) {
		const char *begun = find_begun(*c, name);

		if (!begun)
			continue;
		found = *c;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", count ? ", " : "", begun);
		count++;
	}
	if (count == 1)
		return found;
	if (count) {
		kco_fail(err, KCO_E_USAGE, "command '%.40s' is ambiguous: %s", name, names);
		return NULL;
	}
	nearest = find_nearest(cmds, name);
	if (!strchr(name, ' ') && find_second_words(cmds, name, names, sizeof(names)))
		kco_fail(err, KCO_E_USAGE, "'%.40s' wants a second word: %s", name, names);
	else if (nearest)
		kco_fail(err, KCO_E_USAGE, "no command '%.40s'; did you mean '%s'?", name, nearest);
	else
		kco_fail(err, KCO_E_USAGE, "no command '%.40s'; `help` lists them", name);
	return NULL;
}

const struct kco_cmd *kco_cmd_find_words(const struct kco_cmd *const *cmds, int argc, char *const *argv, int *used,
					 struct kco_err *err)
{
	const struct kco_cmd *cmd;
	struct kco_err one = KCO_ERR_INIT, two = KCO_ERR_INIT;
	char name[2 * FIND_WORD_MAX], seconds[8];

	*used = 1;
	for (const struct kco_cmd *const *c = cmds; *c; c++)
		if (find_is(*c, argv[0]))
			return *c;
	if (argc > 1 && argv[1][0] != '-' &&
	    (size_t)snprintf(name, sizeof(name), "%s %s", argv[0], argv[1]) < sizeof(name)) {
		cmd = kco_cmd_find(cmds, name, &two);
		if (cmd) {
			*used = 2;
			return cmd;
		}
	}
	cmd = kco_cmd_find(cmds, argv[0], &one);
	// "mem r": what is wrong is the second word, as long as the first is the beginning of nothing else.
	if (!cmd && two.code && find_second_words(cmds, argv[0], seconds, sizeof(seconds)) && err) {
		*err = strstr(two.msg, "ambiguous") ? two : one;
		return NULL;
	}
	if (!cmd && err)
		*err = one;
	return cmd;
}
