// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which dump is meant: said with -c, found among the words, taken from the
 * environment, or the newest crash of this machine. Never the live kernel.
 */
#ifndef KCO_CLI_TARGET_H
#define KCO_CLI_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <kco/cmd.h>

struct kco_target {
	const char **dumps; /* NULL: none was found */
	size_t nr_dumps;
	const char *symbols; /* NULL: none was named */
	bool parts_beside;   /* if it is one part of a split set, the others beside it are meant, too */
};

/** A command line's words among which the dump may be. */
struct kco_target_words {
	const struct kco_cmd *cmd; /* NULL: the shell */
	char **words;
	int n;
	const struct kco_format_ops *const *formats;
	const char *format; /* what --format says, or NULL */
};

/**
 * Find the dump in a command line's words and tell how many of them, at the
 * end, it took (*@taken). The rule, also in kcodbg(1):
 *
 *  - Words count from the end, as long as they name files (regular ones, or
 *    block devices).
 *  - One of them may be an ELF executable: that is the vmlinux, in any place.
 *  - A command that takes arguments leaves us the last file and the parts of
 *    the same split set in front of it, any other (and the shell) all files.
 *
 * KCO_E_USAGE: a file stands where no dump is expected. KCO_E_IO: a word must
 * be the dump, but there is no such file.
 */
enum kco_status kco_target_from_words(struct kco_arena *arena, const struct kco_target_words *from,
				      struct kco_target *ret, int *taken, struct kco_err *err) KCO_MUST_USE;

/** $KCODBG_CORE, else the newest dump in $KCODBG_CRASH_DIR (/var/crash) or one folder below. KCO_E_USAGE: none. */
enum kco_status kco_target_default(struct kco_arena *arena, struct kco_target *ret, struct kco_err *err) KCO_MUST_USE;

/** KCO_E_UNSUPPORTED for what shows the memory of the running kernel: /proc/kcore, /dev/mem, other devices. */
enum kco_status kco_target_check(const struct kco_target *target, struct kco_err *err) KCO_MUST_USE;

/** Is there a file of this name that could be a dump? */
bool kco_target_is_file(const char *path);

#endif
