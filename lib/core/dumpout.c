// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where dumps are written to.
 *
 *   a path             a file under a temporary name            (outfile.c)
 *   a path and parts   as many, named when all are complete
 *   a descriptor       front to back, there is nothing to name  (a pipe)
 *
 * and each of these as it is or, with a wrapper, through its sink.
 */
#include "dumpout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kco/format.h>

static enum kco_status dumpout_wrapper(const struct kco_session *s, const struct kco_dump_target *to,
				       const struct kco_format_ops **ret, struct kco_err *err)
{
	*ret = NULL;
	if (!to->wrapper)
		return to->path ? KCO_OK
				: kco_fail(err, KCO_E_USAGE,
					   "a stream cannot be written here and there: it has to be flattened");
	for (size_t i = 0; s->opts.formats && s->opts.formats[i]; i++)
		if (s->opts.formats[i]->wrap && !strcmp(s->opts.formats[i]->name, to->wrapper))
			*ret = s->opts.formats[i];
	return *ret ? KCO_OK : kco_fail(err, KCO_E_UNSUPPORTED, "no writer for the wrapper '%.40s'", to->wrapper);
}

static void dumpout_free_paths(char **paths, size_t n)
{
	for (size_t i = 0; paths && i < n; i++)
		free(paths[i]);
	free(paths);
}

static size_t dumpout_parts(const struct kco_dump_target *to)
{
	return to->parts > 1 ? to->parts : 1;
}

/* The names of the files; NULL: out of memory. */
static char **dumpout_paths(const struct kco_dump_target *to)
{
	size_t n = dumpout_parts(to);
	char **paths = calloc(n, sizeof(*paths));

	for (size_t i = 0; paths && i < n; i++) {
		if (asprintf(&paths[i], n > 1 ? "%s.%zu" : "%s", to->path, i + 1) < 0) {
			paths[i] = NULL;
			dumpout_free_paths(paths, n);
			return NULL;
		}
	}
	return paths;
}

static enum kco_status dumpout_check_paths(const struct kco_session *s, const struct kco_dump_target *to,
					   struct kco_err *err)
{
	char **paths = dumpout_paths(to);
	enum kco_status status = paths ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");

	for (size_t i = 0; status == KCO_OK && i < dumpout_parts(to); i++)
		status = kco_session_may_write(s, paths[i], to->replace, err);
	dumpout_free_paths(paths, dumpout_parts(to));
	return status;
}

enum kco_status kco_dump_target_check(const struct kco_session *s, const char *format, const struct kco_dump_target *to,
				      struct kco_err *err)
{
	const struct kco_format_ops *ops = kco_format_writer(s->opts.formats, format, err), *wrapper;
	enum kco_status status = ops ? dumpout_wrapper(s, to, &wrapper, err) : KCO_E_UNSUPPORTED;

	if (status != KCO_OK)
		return status;
	if (to->parts > 1 && !ops->write_parts)
		return kco_fail(err, KCO_E_UNSUPPORTED, "%s files cannot be split", ops->name);
	if (to->parts > KCO_DUMP_PARTS_MAX)
		return kco_fail(err, KCO_E_USAGE, "%u files are more than %d", to->parts, KCO_DUMP_PARTS_MAX);
	if (to->parts > 1 && !to->path)
		return kco_fail(err, KCO_E_USAGE, "a stream cannot be split");
	return to->path ? dumpout_check_paths(s, to, err) : kco_session_may_stream(s, to->fd, err);
}

struct dumpout {
	const struct kco_dump_out *out;
	const struct kco_format_ops *wrapper;
	uint64_t size; /* of all files */
};

static bool dumpout_cancelled(void *arg)
{
	return kco_session_cancelled(arg);
}

static enum kco_status dumpout_fill(struct dumpout *d, size_t i, int fd, struct kco_err *err)
{
	struct kco_stream stream = { .fd = fd,
				     .cancelled = dumpout_cancelled,
				     .arg = (void *)(uintptr_t)d->out->session };
	struct kco_sink *sink = NULL;
	enum kco_status status = d->wrapper ? d->wrapper->wrap(&stream, &sink, err) : kco_sink_file_new(fd, &sink, err);

	if (status == KCO_OK)
		status = d->out->fill(d->out->arg, i, sink, err);
	if (status == KCO_OK)
		status = kco_sink_end(sink, err);
	kco_sink_free(sink);
	d->size += stream.written;
	return status;
}

static enum kco_status dumpout_file(void *arg, size_t i, int fd, struct kco_err *err)
{
	struct dumpout *d = arg;
	enum kco_status status = d->out->room ? d->out->room(d->out->arg, fd, err) : KCO_OK;
	struct stat sb;

	if (status == KCO_OK)
		status = dumpout_fill(d, i, fd, err);
	if (status != KCO_OK)
		return status;
	if (fsync(fd) || fstat(fd, &sb))
		return kco_fail_errno(err, errno, "writing it out");
	if (!d->wrapper)
		d->size += (uint64_t)sb.st_size;
	return KCO_OK;
}

static enum kco_status dumpout_stream(struct dumpout *d, struct kco_err *err)
{
	int fd = d->out->to->fd;
	enum kco_status status = dumpout_fill(d, 0, fd, err);

	// Pipes and devices have nothing to sync.
	if (status == KCO_OK && fsync(fd) && errno != EINVAL && errno != EROFS)
		status = kco_fail_errno(err, errno, "writing it out");
	return status == KCO_OK ? KCO_OK : kco_context(err, status, "standard output");
}

enum kco_status kco_dump_write(const struct kco_dump_out *out, uint64_t *size, struct kco_err *err)
{
	const struct kco_dump_target *to = out->to;
	struct dumpout d = { .out = out };
	enum kco_status status = dumpout_wrapper(out->session, to, &d.wrapper, err);
	char **paths;

	if (status != KCO_OK)
		return status;
	if (!to->path) {
		status = dumpout_stream(&d, err);
	} else {
		paths = dumpout_paths(to);
		status = paths ? kco_session_write_files(out->session, (const char *const *)paths, dumpout_parts(to),
							 to->replace, dumpout_file, &d, err)
			       : kco_fail(err, KCO_E_NOMEM, "out of memory");
		dumpout_free_paths(paths, dumpout_parts(to));
	}
	*size = d.size;
	return status;
}
