// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The message buffer: a ring of text without records.
 *
 *   msgbufp -> struct msgbuf { msg_ptr, msg_magic 0x063062, msg_size, msg_wseq, msg_rseq, ... }
 *
 * A byte's place is its sequence number modulo msg_size (sys/sys/msgbuf.h): the
 * oldest byte is where msg_wseq would be written next. Bytes never written are
 * NUL. Lines are the records here; one that syslog(3) or log(9) wrote begins
 * with "<N>", N = facility * 8 + level, as dmesg(8) knows it. The kernel's own
 * have no level, and no line has a time unless kern.msgbuf_show_timestamp made
 * it part of the text.
 *
 * Without symbols there is what the header of a minidump carries: the same
 * ring, without msg_wseq. It ends where the dump was begun: the last that a
 * kernel says before is "Dumping 215 out of 983 MB:".
 */
#include "freebsd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bsd_ring.h"

#define LOG_MAGIC 0x063062
#define LOG_SIZE_MAX (UINT64_C(64) << 20)

struct log_ring {
	uint64_t ptr, magic, size, wseq;
};

/* Offsets of struct msgbuf when the kernel file has no types: nothing before msg_rseq ever moved. */
static enum kco_status log_msgbuf(struct kco_session *s, uint64_t addr, struct log_ring *ring, struct kco_err *err)
{
	const unsigned ptr = s->arch->ptr_size;
	const struct {
		const char *member;
		uint64_t *value;
		unsigned offset, size;
	} members[] = {
		{ "msg_ptr", &ring->ptr, 0, ptr },
		{ "msg_magic", &ring->magic, ptr, 4 },
		{ "msg_size", &ring->size, ptr + 4, 4 },
		{ "msg_wseq", &ring->wseq, ptr + 8, 4 },
	};
	enum kco_status st = KCO_OK;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !st; i++) {
		struct kco_field f;

		if (os_field(s, "msgbuf", &f, NULL, members[i].member, NULL))
			f = (struct kco_field){ .offset = members[i].offset, .size = members[i].size };
		st = kco_kread_field(s, addr, &f, members[i].value, err);
	}
	if (st)
		return kco_context(err, st, "the message buffer at %#" PRIx64, addr);
	if (ring->magic != LOG_MAGIC)
		return kco_fail(err, KCO_E_CORRUPT, "no message buffer at %#" PRIx64 ": its magic number is %#" PRIx64,
				addr, ring->magic);
	if (!ring->size || ring->size > LOG_SIZE_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "a message buffer of %" PRIu64 " bytes makes no sense", ring->size);
	return KCO_OK;
}

static enum kco_status log_from_memory(struct kco_session *s, struct bsd_ring *text, struct kco_err *err)
{
	struct log_ring ring = { 0 };
	uint64_t msgbuf;
	char *raw;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);

	if (st)
		return st;
	(void)!kco_session_need(s, KCO_NEED_TYPES, NULL);
	st = os_variable(s, "msgbufp", 0, &msgbuf, err);
	if (!st)
		st = log_msgbuf(s, msgbuf, &ring, err);
	if (st)
		return st;
	raw = malloc(ring.size);
	text->bytes = malloc(ring.size);
	if (!raw || !text->bytes) {
		free(raw);
		return kco_fail(err, KCO_E_NOMEM, "the message buffer: out of memory");
	}
	text->n = ring.size;
	bsd_ring_read(s, ring.ptr, raw, ring.size, text);
	bsd_ring_unwrap(raw, text->bytes, ring.size, ring.wseq % ring.size);
	free(raw);
	if (text->lost == ring.size)
		return kco_fail(err, text->why.code, "the message buffer: %s", text->why.msg);
	return KCO_OK;
}

/* Behind the last "Dumping ... MB", or where NULs begin, or nowhere. */
static bool log_seam(const char *ring, size_t n, size_t *first)
{
	static const char mark[] = "Dumping ";
	const char *nul = memchr(ring, '\0', n), *found = NULL;

	if (nul) {
		*first = (size_t)(nul - ring);
		return true;
	}
	for (const char *p = ring; (p = memmem(p, n - (size_t)(p - ring), mark, sizeof(mark) - 1)) != NULL; p++) {
		size_t rest = n - (size_t)(p - ring), used = sizeof(mark) - 1;

		while (used < rest && used < 64 && p[used] != ':' && p[used] != '\n')
			used++;
		if (used < rest && p[used] == ':')
			found = p + used + 1;
	}
	if (found)
		*first = (size_t)(found - ring) % n;
	return found != NULL;
}

static enum kco_status log_from_header(struct kco_session *s, struct bsd_ring *text, const struct kco_err *why,
				       struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;
	size_t first = 0;

	if (!facts->msgbuf || !facts->msgbuf_size) {
		if (err)
			*err = *why;
		return why->code;
	}
	free(text->bytes);
	*text = (struct bsd_ring){ .bytes = malloc(facts->msgbuf_size), .n = facts->msgbuf_size };
	if (!text->bytes)
		return kco_fail(err, KCO_E_NOMEM, "the message buffer: out of memory");
	if (!log_seam(facts->msgbuf, text->n, &first))
		kco_session_warn(s, "where the log begins is not known (%s): it may begin in the middle", why->msg);
	bsd_ring_unwrap(facts->msgbuf, text->bytes, text->n, first);
	return KCO_OK;
}

enum kco_status freebsd_log(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			    struct kco_err *err)
{
	struct bsd_ring text = { .why = KCO_ERR_INIT };
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = log_from_memory(s, &text, &why);

	if (st && st != KCO_E_NOMEM)
		st = log_from_header(s, &text, &why, err);
	else if (st && err)
		*err = why;
	if (!st)
		bsd_ring_lines(&text, false, fn, arg);
	if (!st && text.lost)
		st = kco_fail(err, text.why.code, "%zu bytes of the log cannot be read: %.160s", text.lost,
			      text.why.msg);
	free(text.bytes);
	return st;
}
