// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel log from Linux 7ff9554bb578 (v3.5) to 896fbe20b4e2 (v5.10).
 *
 * log_buf of log_buf_len bytes holds variable-length records; the first at
 * log_first_idx, the end at log_next_idx. A record is a struct printk_log
 * (struct log before 62e32ac3505a, v3.11), its text, its dictionary and padding;
 * len counts it all. A record with len 0 marks the wrap to the beginning.
 */
#include "linux_log.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOG_OLD_MAX (1u << 30)
#define LOG_OLD_RECORD_MAX 65536 /* len has 16 bits */
#define LOG_OLD_HEAD_MAX 256

struct log_old {
	struct kco_field ts, len, text_len, dict_len, facility, level, caller;
	uint64_t head; /* sizeof the header */
};

static enum kco_status log_old_layout(struct kco_session *s, struct log_old *l, struct kco_err *err)
{
	const char *type = "printk_log";
	enum kco_status st = kco_types_sizeof(s->types, type, &l->head, err);

	if (st) {
		type = "log";
		st = kco_types_sizeof(s->types, type, &l->head, NULL);
	}
	if (!st && l->head > LOG_OLD_HEAD_MAX)
		st = kco_fail(err, KCO_E_CORRUPT, "struct %s of %" PRIu64 " bytes makes no sense", type, l->head);
	if (!st)
		st = os_field(s, type, &l->ts, err, "ts_nsec", NULL);
	if (!st)
		st = os_field(s, type, &l->len, err, "len", NULL);
	if (!st)
		st = os_field(s, type, &l->text_len, err, "text_len", NULL);
	if (!st)
		st = os_field(s, type, &l->dict_len, err, "dict_len", NULL);
	if (!st)
		st = os_field(s, type, &l->facility, err, "facility", NULL);
	if (!st)
		st = os_field(s, type, &l->level, err, "level", NULL);
	/* Only with CONFIG_PRINTK_CALLER (Linux 15ff2069cb7f, v5.1). */
	if (os_field(s, type, &l->caller, NULL, "caller_id", NULL))
		l->caller.size = 0;
	return st;
}

struct log_old_ring {
	uint64_t buf, size, first, next, seq;
};

static enum kco_status log_old_ring(struct kco_session *s, struct log_old_ring *r, struct kco_err *err)
{
	enum kco_status st = os_variable(s, "log_buf", 8, &r->buf, err);

	if (!st)
		st = os_variable(s, "log_buf_len", 4, &r->size, err);
	if (!st)
		st = os_variable(s, "log_first_idx", 4, &r->first, err);
	if (!st)
		st = os_variable(s, "log_next_idx", 4, &r->next, err);
	if (st)
		return st;
	if (os_variable(s, "log_first_seq", 8, &r->seq, NULL))
		r->seq = 0;
	if (!r->size || r->size > LOG_OLD_MAX || r->first >= r->size || r->next > r->size)
		return kco_fail(err, KCO_E_CORRUPT,
				"a log of %" PRIu64 " bytes from %" PRIu64 " to %" PRIu64 " makes no sense", r->size,
				r->first, r->next);
	return KCO_OK;
}

static uint64_t log_old_get(const struct kco_field *f, const void *rec, uint64_t n)
{
	uint64_t v = 0;

	(void)!kco_field_get(f, rec, n, &v);
	return v;
}

/* A record, checked against its own length; pointers go into @buf. */
static struct kco_log_record log_old_record(const struct log_old *l, const char *buf, uint64_t len, uint64_t seq)
{
	struct kco_log_record rec = {
		.seq = seq,
		.ts_ns = log_old_get(&l->ts, buf, len),
		.facility = (uint8_t)log_old_get(&l->facility, buf, len),
		.level = (uint8_t)log_old_get(&l->level, buf, len),
		.has_caller = l->caller.size != 0,
		.text = buf + l->head,
		.text_len = log_old_get(&l->text_len, buf, len),
	};

	if (rec.has_caller)
		rec.caller = (uint32_t)log_old_get(&l->caller, buf, len);
	if (rec.text_len > len - l->head)
		rec.text_len = len - l->head;
	rec.dict_len = log_old_get(&l->dict_len, buf, len);
	if (rec.dict_len > len - l->head - rec.text_len)
		rec.dict_len = len - l->head - rec.text_len;
	rec.dict = rec.dict_len ? rec.text + rec.text_len : NULL;
	return rec;
}

/* The length of the record at @idx; 0: the mark to go on at the beginning. */
static enum kco_status log_old_len(struct kco_session *s, const struct log_old *l, const struct log_old_ring *r,
				   uint64_t idx, char *buf, uint64_t *len, struct kco_err *err)
{
	enum kco_status st;

	*len = 0;
	if (idx + l->head > r->size)
		return KCO_OK;
	st = kco_kread(s, r->buf + idx, buf, l->head, NULL, err);
	if (st)
		return st;
	*len = log_old_get(&l->len, buf, l->head);
	if (*len && (*len < l->head || idx + *len > r->size))
		return kco_fail(err, KCO_E_CORRUPT, "the log's record at %" PRIu64 " has %" PRIu64 " bytes", idx, *len);
	return KCO_OK;
}

/*
 * From first to next, at most once past the end of the buffer, and that only
 * when next is not ahead: zeros in the middle of a log are damage, no mark.
 */
static enum kco_status log_old_walk(struct kco_session *s, const struct log_old *l, struct log_old_ring *r, char *buf,
				    bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
				    struct kco_err *err)
{
	bool wraps = r->next < r->first;
	uint64_t idx = r->first, len;

	while (idx != r->next) {
		struct kco_log_record rec;
		enum kco_status st;

		if (!wraps && idx > r->next)
			return kco_fail(err, KCO_E_CORRUPT, "the log's records overshoot its end at %" PRIu64, r->next);
		st = log_old_len(s, l, r, idx, buf, &len, err);
		if (st)
			return st;
		if (!len) {
			if (!wraps)
				return kco_fail(err, KCO_E_CORRUPT, "the log's record at %" PRIu64 " is empty", idx);
			wraps = false;
			idx = 0;
			continue;
		}
		st = kco_kread(s, r->buf + idx, buf, len, NULL, err);
		if (st)
			return st;
		rec = log_old_record(l, buf, len, r->seq++);
		if (!fn(arg, &rec))
			break;
		idx += len;
	}
	return KCO_OK;
}

enum kco_status linux_log_old(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			      struct kco_err *err)
{
	struct log_old_ring r;
	struct log_old l;
	enum kco_status st = log_old_ring(s, &r, err);
	char *buf;

	if (!st)
		st = log_old_layout(s, &l, err);
	if (st)
		return kco_context(err, st, "the log");
	buf = malloc(LOG_OLD_RECORD_MAX);
	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = log_old_walk(s, &l, &r, buf, fn, arg, err);
	free(buf);
	return st;
}
