// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recording sessions: which pages of a dump did some work read, and a new dump
 * of just those.
 *
 *     kco_recording_new(session)          the same dump, opened once more
 *     work on kco_recording_session()     every page read is noted
 *     kco_recording_write(..., "kdump", path)
 *
 * The dump that comes out answers the same work in the same way; whatever else
 * is asked of it is "not saved".
 */
#ifndef KCO_RECORD_H
#define KCO_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/outfile.h>
#include <kco/redact.h>
#include <kco/session.h>

struct kco_recording;

struct kco_recording_stats {
	uint64_t pages;	    /* written */
	uint64_t page_size; /* bytes */
	uint64_t lost;	    /* noted, but not readable as a whole any more: left out */
	uint64_t file_size; /* bytes of the new file */
	struct kco_redact_stats redact;
};

/**
 * Open the dump of @s again, with the options that it was opened with (whose
 * strings and arrays must still be there), into a session that notes every page
 * it reads. @s itself is not touched: what it has read and keeps would be
 * missing from a record begun now.
 */
enum kco_status kco_recording_new(const struct kco_session *s, struct kco_recording **ret,
				  struct kco_err *err) KCO_MUST_USE;
/** Frees the session too. */
void kco_recording_free(struct kco_recording *rec);
/** The session whose reads are noted; any of its threads may read. */
struct kco_session *kco_recording_session(struct kco_recording *rec);
/** What kco_recording_write() is to leave out or blank of what was read. */
void kco_recording_redact(struct kco_recording *rec, enum kco_redact_level level);
/**
 * Write the pages noted so far as @format ("kdump"): to a temporary
 * name in the same folder, synced, then renamed. Refused (KCO_E_USAGE) is what
 * kco_dump_target_check() refuses, and parts. KCO_E_UNSUPPORTED: no such format, it has no
 * writer, or virtual memory was read that no physical page stands for. Pages
 * read while this runs are not part of it. @stats may be NULL.
 */
enum kco_status kco_recording_write(struct kco_recording *rec, const char *format, const struct kco_dump_target *to,
				    struct kco_recording_stats *stats, struct kco_err *err) KCO_MUST_USE;

#endif
