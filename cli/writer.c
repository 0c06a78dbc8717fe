// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Buffered output over a file descriptor. stdio is not used: it forgets how a
 * write failed, and a pager must be put in between while the output runs.
 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "interrupt.h"
#include "report.h"

#define WRITER_CAP (64 * 1024)

static enum kco_status writer_setup(struct kco_writer *w, struct kco_err *err)
{
	*w = (struct kco_writer){ .fd = -1 };
	w->buf = malloc(WRITER_CAP);
	if (!w->buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	return KCO_OK;
}

enum kco_status kco_writer_init(struct kco_writer *w, int fd, struct kco_err *err)
{
	enum kco_status st = writer_setup(w, err);

	w->fd = fd;
	return st;
}

enum kco_status kco_writer_init_file(struct kco_writer *w, const char *path, bool append, struct kco_err *err)
{
	enum kco_status st = writer_setup(w, err);

	if (st)
		return st;
	w->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
	if (w->fd < 0) {
		st = kco_fail_errno(err, errno, "%s", path);
		free(w->buf);
		return st;
	}
	w->own_fd = true;
	return KCO_OK;
}

enum kco_status kco_writer_init_pipe(struct kco_writer *w, const char *command, struct kco_err *err)
{
	enum kco_status st = writer_setup(w, err);

	if (st)
		return st;
	st = kco_child_start(command, NULL, &w->child, &w->fd, err);
	if (st) {
		free(w->buf);
		return st;
	}
	w->own_fd = true;
	return KCO_OK;
}

void kco_writer_page(struct kco_writer *w, const char *pager, unsigned width, unsigned height)
{
	w->pager = pager;
	w->width = width ? width : 80;
	w->height = height ? height : 24;
}

/* Write @n bytes, all of them, or remember why not. */
static void writer_write(struct kco_writer *w, const char *s, size_t n)
{
	while (n && !w->closed && !w->error) {
		ssize_t done = write(w->fd, s, n);

		if (done >= 0) {
			s += done;
			n -= (size_t)done;
		} else if (errno == EPIPE) {
			w->closed = true;
		} else if (errno == EINTR) {
			// Ctrl-C while a pager or a pipe takes no more.
			w->closed = w->child && kco_interrupt_pending();
		} else {
			w->error = errno;
		}
	}
}

void kco_writer_flush(struct kco_writer *w)
{
	writer_write(w, w->buf, w->used);
	w->used = 0;
}

/* The text is taller than the screen: start the pager. */
static void writer_start_pager(struct kco_writer *w)
{
	const char *pager = w->pager;
	struct kco_err err;
	int fd;

	w->pager = NULL;
	// As git does: what less needs to leave short or coloured output alone, unless the user has own wishes.
	if (kco_child_start(pager, getenv("LESS") ? NULL : "LESS=FRSX", &w->child, &fd, &err)) {
		kco_report("%s", err.msg);
		return;
	}
	w->fd = fd;
	w->own_fd = w->is_pager = true;
	kco_report_hold(true);
}

/* Count what the held text takes on the screen; true: it is too tall. */
static bool writer_too_tall(struct kco_writer *w, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (w->in_sgr) {
			w->in_sgr = c != 'm';
		} else if (c == '\033') {
			w->in_sgr = 1;
		} else if (c == '\n') {
			w->lines++;
			w->column = 0;
		} else if ((c & 0xc0) != 0x80 && ++w->column > w->width) {
			w->lines++;
			w->column = 1;
		}
	}
	return w->lines + 1 >= w->height;
}

void kco_writer_put(struct kco_writer *w, const char *s, size_t n)
{
	if (w->pager && (writer_too_tall(w, s, n) || n > WRITER_CAP - w->used))
		writer_start_pager(w);
	while (n && !w->closed && !w->error) {
		size_t part = n < WRITER_CAP - w->used ? n : WRITER_CAP - w->used;

		memcpy(w->buf + w->used, s, part);
		w->used += part;
		s += part;
		n -= part;
		if (w->used == WRITER_CAP)
			kco_writer_flush(w);
	}
}

/* The end of the program that reads us. Its own failures are its own affair, but not to find it is ours. */
static void writer_wait(struct kco_writer *w)
{
	int status = kco_child_wait(w->child);

	if (w->is_pager)
		kco_report_hold(false);
	if (status == 127 && w->is_pager && !w->error)
		w->error = ENOENT;
}

enum kco_status kco_writer_finish(struct kco_writer *w, struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	kco_writer_flush(w);
	free(w->buf);
	w->buf = NULL;
	// Some file systems tell only now that they are full.
	if (w->own_fd && close(w->fd) < 0 && !w->error && !w->child)
		w->error = errno;
	if (w->child)
		writer_wait(w);
	if (w->error)
		st = kco_fail_errno(err, w->error, w->is_pager ? "cannot run the pager" : "cannot write the output");
	return st;
}
