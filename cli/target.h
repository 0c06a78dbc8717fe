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
};

/**
 * Find the dump in a command line's words and tell how many of them, at the
 * end, it took (*@taken). The rule, also in kcodbg(1):
 *
 *  - Words count from the end, as long as they name files (regular ones, or
 *    block devices).
 *  - One of the last two may be an ELF executable: that is the vmlinux, in
 *    either order.
 *  - A command that takes arguments leaves us one dump, any other (and
 *    @cmd NULL, the shell) all files: the members of a split set.
 *
 * KCO_E_USAGE: a file stands where no dump is expected. KCO_E_IO: a word must
 * be the dump, but there is no such file.
 */
enum kco_status kco_target_from_words(struct kco_arena *arena, const struct kco_cmd *cmd, char **words, int n,
				      struct kco_target *ret, int *taken, struct kco_err *err) KCO_MUST_USE;

/** $KCODBG_CORE, else the newest dump in $KCODBG_CRASH_DIR (/var/crash) or one folder below. KCO_E_USAGE: none. */
enum kco_status kco_target_default(struct kco_arena *arena, struct kco_target *ret, struct kco_err *err) KCO_MUST_USE;

/** KCO_E_UNSUPPORTED for what shows the memory of the running kernel: /proc/kcore, /dev/mem, other devices. */
enum kco_status kco_target_check(const struct kco_target *target, struct kco_err *err) KCO_MUST_USE;

/** Is there a file of this name that could be a dump? */
bool kco_target_is_file(const char *path);

#endif
