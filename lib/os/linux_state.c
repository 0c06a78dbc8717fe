// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State letters, as /proc/PID/stat gives them.
 *
 * The bits of a task's state changed their numbers several times and are
 * macros, which neither BTF nor DWARF has. But the kernel keeps the table it
 * prints them from, task_state_array[] of "R (running)", "S (sleeping)", ...
 * (fs/proc/array.c): entry i is what bit i-1 means. So the dump itself says.
 */
#include "linux.h"

#include <string.h>

#define STATES_MAX (sizeof(((struct linux_states *)0)->letter))

/* What kernels since Linux 8ef9925b02c2 (v4.14) use, for a dump without the table. */
static const char state_default[] = "RSDTtXZPI";

/*
 * TASK_NOLOAD is 0x400 since Linux 80ed87c8a9ca (v4.2), and moved to 0x400 again
 * after TASK_NEW in 8ef9925b02c2; it is not in the table because it is a modifier.
 */
#define STATE_NOLOAD 0x400

void linux_states_init(struct kco_session *s, struct linux_states *states)
{
	uint64_t array;

	memset(states, 0, sizeof(*states));
	states->noload = STATE_NOLOAD;
	if (!os_symbol(s, &array, NULL, "task_state_array", NULL)) {
		for (states->n = 0; states->n < STATES_MAX; states->n++) {
			uint64_t text;
			char buf[4] = "";

			/* The array's end is not marked: "X (..." is what an entry looks like. */
			if (kco_kread_uint(s, array + states->n * 8ull, 8, &text, NULL) ||
			    kco_kread(s, text, buf, 3, NULL, NULL) || buf[1] != ' ' || buf[2] != '(')
				break;
			states->letter[states->n] = buf[0];
		}
	}
	if (states->n < 4 || states->letter[0] != 'R') {
		memcpy(states->letter, state_default, sizeof(state_default) - 1);
		states->n = sizeof(state_default) - 1;
	}
	for (unsigned i = 0; i < states->n; i++)
		if (states->letter[i] == 'I')
			states->idle = 'I';
}

/* What the kernel's task_state_index() does: the highest reported bit of both words. */
char linux_state_letter(const struct linux_states *states, uint64_t state, uint64_t exit_state)
{
	/* The idle letter is made up by the kernel and owns no bit of its own. */
	unsigned bits = states->n - 1 - (states->idle ? 1 : 0);
	uint64_t report = ((1ull << bits) - 1) & (state | exit_state);
	unsigned i;

	if (states->idle && state & states->noload && report == 2)
		return states->idle;
	if (!report) {
		/* Modifiers only (TASK_NEW, TASK_FROZEN, TASK_RTLOCK_WAIT): not runnable unless zero or new. */
		return state == 0 ? 'R' : state >= 0x1000 ? 'D' : 'R';
	}
	i = 64 - (unsigned)__builtin_clzll(report);
	return i < states->n ? states->letter[i] : '?';
}
