// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the bytes of the output go: standard output, a pager in front of it, a
 * file, or a program's input.
 *
 *   put() -> buffer -> write(fd)                       pipes and files
 *   put() -> one screenful is held back -> terminal    it all fits
 *                                       -> pager       it does not
 *
 * Errors stick: after the first one all output is dropped, and finish()
 * tells it. A reader that went away (EPIPE) is no error but closes.
 */
#ifndef KCO_CLI_WRITER_H
#define KCO_CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <kco/err.h>

struct kco_writer {
	int fd;
	bool own_fd, closed;
	int error; /* errno of the first failed write, 0 none */
	char *buf;
	size_t used;
	pid_t child; /* the pager or the pipe's program, 0 none */
	bool is_pager;
	const char *pager;		/* not started yet, while output is held back; else NULL */
	unsigned width, height;		/* of the terminal, while held back */
	unsigned lines, column, in_sgr; /* what the held text takes */
};

/** Write to @fd, which stays the caller's. KCO_E_NOMEM. */
enum kco_status kco_writer_init(struct kco_writer *w, int fd, struct kco_err *err) KCO_MUST_USE;
/** Through `sh -c @pager` as soon as the text is taller than @height. */
void kco_writer_page(struct kco_writer *w, const char *pager, unsigned width, unsigned height);
/** Write to a new or emptied (or with @append, continued) file. */
enum kco_status kco_writer_init_file(struct kco_writer *w, const char *path, bool append,
				     struct kco_err *err) KCO_MUST_USE;
/** Write to the input of `sh -c @command`. */
enum kco_status kco_writer_init_pipe(struct kco_writer *w, const char *command, struct kco_err *err) KCO_MUST_USE;

void kco_writer_put(struct kco_writer *w, const char *s, size_t n);
void kco_writer_flush(struct kco_writer *w);
/** Flush, wait for the pager or the pipe's program, free. Not all could be written: KCO_E_IO. */
enum kco_status kco_writer_finish(struct kco_writer *w, struct kco_err *err) KCO_MUST_USE;

#endif
