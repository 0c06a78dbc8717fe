// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New files that commands write, and streams where a file cannot be.
 */
#ifndef KCO_OUTFILE_H
#define KCO_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <kco/err.h>
#include <kco/session.h>

/**
 * May @path be written? An existing file only with @replace, and never one that
 * is not a regular file (a device, FIFO, folder, symbolic link), nor one that @s reads itself.
 * KCO_E_USAGE: no.
 */
enum kco_status kco_session_may_write(const struct kco_session *s, const char *path, bool replace,
				      struct kco_err *err) KCO_MUST_USE;
/** May a dump be written to @fd? Not to a terminal, nor into a file that @s reads itself. KCO_E_USAGE: no. */
enum kco_status kco_session_may_stream(const struct kco_session *s, int fd, struct kco_err *err) KCO_MUST_USE;
/**
 * Let @write fill a new file, which then becomes @path: readable by its owner
 * only, and without a name until @write went well, so that nothing is left
 * whatever ends the program. Where the file system has no such files it is
 * @path with ".partial-" and six letters until then, and deleted after a
 * failure. Refuses what kco_session_may_write() refuses. Syncing is @write's.
 */
enum kco_status kco_session_write_file(const struct kco_session *s, const char *path, bool replace,
				       enum kco_status (*write)(void *arg, int fd, struct kco_err *err), void *arg,
				       struct kco_err *err) KCO_MUST_USE;
/**
 * The same for @n files that belong together: @write is called for each in turn
 * (@i from 0), and all get their names when all are complete. When one of them
 * cannot be named, those that were named before go away again, and what they
 * replaced comes back (where the file system can exchange names).
 */
enum kco_status kco_session_write_files(const struct kco_session *s, const char *const *paths, size_t n, bool replace,
					enum kco_status (*write)(void *arg, size_t i, int fd, struct kco_err *err),
					void *arg, struct kco_err *err) KCO_MUST_USE;

/** Where a dump that is written goes. */
struct kco_dump_target {
	const char *path; /* NULL: @fd, a stream that is written front to back */
	bool replace;	  /* existing files */
	int fd;		  /* the caller's; neither a terminal nor what the session reads */
	/* A format that it is wrapped into ("flattened"), NULL: none. A stream needs one. */
	const char *wrapper;
	unsigned parts; /* > 1: a split set of files, path.1 to path.N */
};

#define KCO_DUMP_PARTS_MAX 256 /* each has the bitmaps of all memory */

/** May it be written, as far as that is known before the work? KCO_E_USAGE, KCO_E_UNSUPPORTED: why not. */
enum kco_status kco_dump_target_check(const struct kco_session *s, const char *format, const struct kco_dump_target *to,
				      struct kco_err *err) KCO_MUST_USE;

#endif
