// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New files that commands write.
 */
#ifndef KCO_OUTFILE_H
#define KCO_OUTFILE_H

#include <stdbool.h>

#include <kco/err.h>
#include <kco/session.h>

/**
 * May @path be written? An existing file only with @replace, and never one that
 * is not a regular file (a device, FIFO, folder, symbolic link), nor one that @s reads itself.
 * KCO_E_USAGE: no.
 */
enum kco_status kco_session_may_write(const struct kco_session *s, const char *path, bool replace,
				      struct kco_err *err) KCO_MUST_USE;
/**
 * Let @write fill a new file, which then becomes @path: under a temporary name
 * in the same folder, readable by its owner only, renamed when @write and
 * closing it went well, else deleted. Refuses what kco_session_may_write()
 * refuses. Syncing is @write's.
 */
enum kco_status kco_session_write_file(const struct kco_session *s, const char *path, bool replace,
				       enum kco_status (*write)(void *arg, int fd, struct kco_err *err), void *arg,
				       struct kco_err *err) KCO_MUST_USE;

#endif
