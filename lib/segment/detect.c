// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Detection by content: every format scores the file's head and tail, the
 * best score wins, the order of the table breaks ties. When the winner is a
 * wrapper it is peeled off and what is inside is asked again.
 */
#include "detect.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define DETECT_DEPTH 4

/* Read the first and the last bytes. What cannot be read is not there: the probe decides by the rest. */
static enum kco_status detect_head(struct kco_io *io, uint8_t *buf, struct kco_head *head, struct kco_err *err)
{
	size_t head_size = io->size < KCO_PROBE_HEAD ? (size_t)io->size : KCO_PROBE_HEAD;
	size_t tail_size = io->size < KCO_PROBE_TAIL ? (size_t)io->size : KCO_PROBE_TAIL;
	enum kco_status status;

	*head = (struct kco_head){ .head = buf, .tail = buf + KCO_PROBE_HEAD, .file_size = io->size, .name = io->name };
	status = kco_io_read(io, buf, head_size, 0, &head->head_size, err);
	if (status != KCO_OK && !head->head_size)
		return status;
	status = kco_io_read(io, buf + KCO_PROBE_HEAD, tail_size, io->size - tail_size, &head->tail_size, NULL);
	if (status != KCO_OK)
		head->tail_size = 0; // a beginning of the tail is not the tail
	return KCO_OK;
}

static const struct kco_format_ops *detect_by_name(const struct kco_format_ops *const *formats, const char *name,
						   struct kco_err *err)
{
	char names[sizeof(err->msg) / 2] = "";
	size_t used = 0;

	for (size_t i = 0; formats[i]; i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	for (size_t i = 0; formats[i] && used < sizeof(names) - 1; i++)
		if (!formats[i]->unsupported)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
						 formats[i]->name);
	kco_fail(err, KCO_E_USAGE, "no format is called '%s', there are: %s", name, names);
	return NULL;
}

/* The best of @formats for this head; *@score is 0 when none claims it. */
static const struct kco_format_ops *detect_best(const struct kco_format_ops *const *formats,
						const struct kco_head *head, int *score)
{
	const struct kco_format_ops *best = NULL;

	*score = 0;
	for (size_t i = 0; formats[i]; i++) {
		int s = formats[i]->probe(head);

		if (s > *score) {
			*score = s;
			best = formats[i];
		}
	}
	return best;
}

static enum kco_status detect_unknown(const struct kco_format_ops *const *formats, const struct kco_head *head,
				      struct kco_err *err)
{
	char near[sizeof(err->msg) / 2] = "", bytes[3 * 8 + 1] = "";
	size_t used = 0;

	for (size_t i = 0; formats[i] && used < sizeof(near) - 1; i++)
		if (formats[i]->probe(head) > 0)
			used += (size_t)snprintf(near + used, sizeof(near) - used, "%s%s", used ? ", " : "",
						 formats[i]->name);
	for (size_t i = 0; i < 8 && i < head->head_size; i++)
		snprintf(bytes + 3 * i, 4, " %02x", head->head[i]);
	if (!used)
		return kco_fail(err, KCO_E_BADFILE, "not recognised as a dump, it begins with%s", bytes);
	return kco_fail(err, KCO_E_BADFILE, "not recognised as a dump, it begins with%s; nearest: %s (see --format)",
			bytes, near);
}

static enum kco_status detect_unwrap(struct kco_io **io, const struct kco_format_ops *wrapper,
				     const struct kco_image_options *opts, char *wrappers, size_t wrappers_size,
				     struct kco_err *err)
{
	struct kco_io *inner = NULL;
	enum kco_status status;
	size_t used;

	status = wrapper->unwrap(*io, opts, &inner, err);
	if (status != KCO_OK)
		return kco_context(err, status, "%s", wrapper->name);
	// The inner one keeps what it reads from alive.
	kco_io_unref(*io);
	*io = inner;
	used = strlen(wrappers);
	snprintf(wrappers + used, wrappers_size - used, "%s%s", used ? ", " : "", wrapper->name);
	return KCO_OK;
}

/* One layer. *@ret stays NULL when a wrapper was peeled off. */
static enum kco_status detect_layer(struct kco_io **io, uint8_t *buf, const struct kco_format_ops *const *formats,
				    const struct kco_format_ops *forced, const struct kco_image_options *opts,
				    const struct kco_format_ops **ret, char *wrappers, size_t wrappers_size,
				    struct kco_err *err)
{
	const struct kco_format_ops *best;
	struct kco_head head;
	enum kco_status status;
	int score;

	if ((*io)->size == 0)
		return kco_fail(err, KCO_E_BADFILE, wrappers[0] ? "empty inside" : "the file is empty");
	status = detect_head(*io, buf, &head, err);
	if (status != KCO_OK)
		return status;
	best = detect_best(formats, &head, &score);
	// A forced format is still looked for inside of wrappers that are surer than it is.
	if (forced && !(best && best->unwrap && score > forced->probe(&head)))
		best = forced;
	else if (!best || score < KCO_PROBE_MATCH)
		return detect_unknown(formats, &head, err);
	if (best->unsupported)
		return kco_fail(err, KCO_E_UNSUPPORTED, "%s: %s", best->description, best->unsupported);
	if (best->unwrap)
		return detect_unwrap(io, best, opts, wrappers, wrappers_size, err);
	if (!best->open)
		return kco_fail(err, KCO_E_UNSUPPORTED, "%s: cannot be read", best->description);
	*ret = best;
	return KCO_OK;
}

enum kco_status kco_detect(struct kco_io **io, const struct kco_format_ops *const *formats,
			   const struct kco_image_options *opts, const struct kco_format_ops **ret, char *wrappers,
			   size_t wrappers_size, struct kco_err *err)
{
	const struct kco_format_ops *forced = NULL, *found = NULL;
	enum kco_status status = KCO_OK;
	uint8_t *buf;

	if (opts->format) {
		forced = detect_by_name(formats, opts->format, err);
		if (!forced)
			return KCO_E_USAGE;
	}
	buf = malloc(KCO_PROBE_HEAD + KCO_PROBE_TAIL);
	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (int depth = 0; !found && status == KCO_OK; depth++) {
		size_t before = strlen(wrappers);

		if (depth > DETECT_DEPTH) {
			status = kco_fail(err, KCO_E_UNSUPPORTED, "wrapped more than %d times (%s)", DETECT_DEPTH,
					  wrappers);
			break;
		}
		status = detect_layer(io, buf, formats, forced, opts, &found, wrappers, wrappers_size, err);
		// A forced wrapper was for the outermost layer.
		if (forced && forced->unwrap && strlen(wrappers) > before)
			forced = NULL;
	}
	free(buf);
	*ret = found;
	return status;
}
