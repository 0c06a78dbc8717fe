// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel log.
 *
 * Since Linux 896fbe20b4e2 (v5.10) it is a printk_ringbuffer (kernel/printk/
 * printk_ringbuffer.h): a ring of descriptors (state and id in one word, and
 * where the text lies), a parallel ring of printk_info (sequence number,
 * time, level, lengths), and a ring of text blocks, each of which begins with
 * its descriptor's id. linux_log_old.c reads what was there before.
 */
#include "linux_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOG_COUNT_BITS_MAX 24
#define LOG_SIZE_BITS_MAX 30

/* The two top bits of a descriptor's state_var are its state, the others its id. */
#define LOG_STATE(var) ((unsigned)((var) >> 62))
#define LOG_ID(var) ((var) & ~(3ull << 62))
enum { LOG_RESERVED = 0, LOG_COMMITTED = 1, LOG_FINALIZED = 2, LOG_REUSABLE = 3 };

struct log_ring {
	struct kco_session *s;
	uint64_t count, size; /* descriptors, bytes of text */
	uint64_t descs, infos, data;
	uint64_t tail, head; /* ids */
	struct kco_field state, begin, next;
	struct kco_field seq, ts, text_len, facility, level, caller;
	struct kco_field subsystem, device; /* size 0: this kernel does not record them */
	uint64_t desc_size, info_size;
	char dict[192]; /* of the current record */
};

static enum kco_status log_layout(struct log_ring *r, struct kco_err *err)
{
	const struct {
		const char *type, *path;
		struct kco_field *field;
	} wanted[] = {
		{ "prb_desc", "state_var.counter", &r->state }, { "prb_desc", "text_blk_lpos.begin", &r->begin },
		{ "prb_desc", "text_blk_lpos.next", &r->next }, { "printk_info", "seq", &r->seq },
		{ "printk_info", "ts_nsec", &r->ts },		{ "printk_info", "text_len", &r->text_len },
		{ "printk_info", "facility", &r->facility },	{ "printk_info", "level", &r->level },
		{ "printk_info", "caller_id", &r->caller },
	};
	enum kco_status st = KCO_OK;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted) && !st; i++)
		st = os_field(r->s, wanted[i].type, wanted[i].field, err, wanted[i].path, NULL);
	if (os_field(r->s, "printk_info", &r->subsystem, NULL, "dev_info.subsystem", NULL) ||
	    os_field(r->s, "printk_info", &r->device, NULL, "dev_info.device", NULL))
		r->subsystem.size = r->device.size = 0;
	if (!st)
		st = kco_types_sizeof(r->s->types, "prb_desc", &r->desc_size, err);
	if (!st)
		st = kco_types_sizeof(r->s->types, "printk_info", &r->info_size, err);
	return st;
}

static enum kco_status log_open(struct log_ring *r, uint64_t prb, struct kco_err *err)
{
	uint64_t count_bits = 0, size_bits = 0;
	const struct {
		const char *path;
		uint64_t *value;
	} wanted[] = {
		{ "desc_ring.count_bits", &count_bits },   { "desc_ring.descs", &r->descs },
		{ "desc_ring.infos", &r->infos },	   { "desc_ring.head_id.counter", &r->head },
		{ "desc_ring.tail_id.counter", &r->tail }, { "text_data_ring.size_bits", &size_bits },
		{ "text_data_ring.data", &r->data },
	};
	enum kco_status st = log_layout(r, err);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted) && !st; i++) {
		struct kco_field f;

		st = os_field(r->s, "printk_ringbuffer", &f, err, wanted[i].path, NULL);
		if (!st)
			st = kco_kread_field(r->s, prb, &f, wanted[i].value, err);
	}
	if (st)
		return st;
	if (!count_bits || count_bits > LOG_COUNT_BITS_MAX || !size_bits || size_bits > LOG_SIZE_BITS_MAX)
		return kco_fail(err, KCO_E_CORRUPT,
				"a log of 2^%" PRIu64 " records and 2^%" PRIu64 " bytes makes no sense", count_bits,
				size_bits);
	r->count = 1ull << count_bits;
	r->size = 1ull << size_bits;
	return KCO_OK;
}

/* Where the text of a block lies and how long it may be; false when it has none (or the block is no block). */
static bool log_block(const struct log_ring *r, uint64_t begin, uint64_t next, uint64_t *at, uint64_t *room)
{
	uint64_t b = begin & (r->size - 1), n = next & (r->size - 1);

	/* Bit 0 marks a record without text. */
	if (begin & 1 || next & 1)
		return false;
	if (begin / r->size != next / r->size && n != 0) {
		/* It wrapped: such a block starts anew at the ring's beginning. */
		*at = 0;
		*room = n;
	} else {
		*at = b;
		*room = (n ? n : r->size) - b;
		if (n && n <= b)
			return false;
	}
	/* The id of its descriptor comes first. */
	if (*room < 8)
		return false;
	*at += 8;
	*room -= 8;
	return true;
}

/* "KEY=text" and its NUL at the end of r->dict, when the char array @field of @info holds a text. */
static size_t log_dict_add(struct log_ring *r, uint64_t info, const struct kco_field *field, const char *key, size_t n)
{
	size_t len = strlen(key);

	if (!field->size || n + len + field->size + 1 > sizeof(r->dict) ||
	    kco_kread(r->s, info + field->offset, r->dict + n + len, field->size, NULL, NULL) || !r->dict[n + len])
		return n;
	memcpy(r->dict + n, key, len);
	r->dict[n + len + field->size] = '\0';
	return n + strlen(r->dict + n) + 1;
}

/* The device that a record is about, as /dev/kmsg tells it. */
static void log_dict(struct log_ring *r, uint64_t info, struct kco_log_record *rec)
{
	size_t n = log_dict_add(r, info, &r->subsystem, "SUBSYSTEM=", 0);

	rec->dict_len = log_dict_add(r, info, &r->device, "DEVICE=", n);
	rec->dict = rec->dict_len ? r->dict : NULL;
}

/* One record into @rec, its text in @buf of r->size bytes. KCO_DONE: not there (any more, or yet). */
static enum kco_status log_read(struct log_ring *r, uint64_t id, struct kco_log_record *rec, char *buf,
				struct kco_err *err)
{
	uint64_t desc = r->descs + (id & (r->count - 1)) * r->desc_size;
	uint64_t info = r->infos + (id & (r->count - 1)) * r->info_size;
	uint64_t var, begin, next, at, room, len, v;
	enum kco_status st = kco_kread_field(r->s, desc, &r->state, &var, err);

	if (st)
		return st;
	if (LOG_ID(var) != LOG_ID(id) || (LOG_STATE(var) != LOG_COMMITTED && LOG_STATE(var) != LOG_FINALIZED))
		return KCO_DONE;
	*rec = (struct kco_log_record){ .text = buf };
	st = kco_kread_field(r->s, desc, &r->begin, &begin, err);
	if (!st)
		st = kco_kread_field(r->s, desc, &r->next, &next, err);
	if (!st)
		st = kco_kread_field(r->s, info, &r->seq, &rec->seq, err);
	if (!st)
		st = kco_kread_field(r->s, info, &r->ts, &rec->ts_ns, err);
	if (!st)
		st = kco_kread_field(r->s, info, &r->text_len, &len, err);
	if (st)
		return st;
	if (!kco_kread_field(r->s, info, &r->facility, &v, NULL))
		rec->facility = (uint8_t)v;
	if (!kco_kread_field(r->s, info, &r->level, &v, NULL))
		rec->level = (uint8_t)v;
	if (!kco_kread_field(r->s, info, &r->caller, &v, NULL)) {
		rec->caller = (uint32_t)v;
		rec->has_caller = true;
	}
	log_dict(r, info, rec);
	if (!log_block(r, begin, next, &at, &room))
		return KCO_OK;
	rec->text_len = len < room ? len : room;
	return kco_kread(r->s, r->data + at, buf, rec->text_len, NULL, err);
}

static enum kco_status log_new(struct kco_session *s, uint64_t prb,
			       bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg, struct kco_err *err)
{
	struct log_ring r = { .s = s };
	struct kco_err mine = KCO_ERR_INIT;
	struct kco_log_record rec;
	uint64_t lost = 0;
	char *buf;
	enum kco_status st = log_open(&r, prb, err);

	if (st)
		return kco_context(err, st, "the log");
	buf = malloc(65536); /* text_len has 16 bits */
	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	/* A head that is not within one round of the tail is broken: show one round up to it. */
	if (LOG_ID(r.head - r.tail) >= r.count)
		r.tail = LOG_ID(r.head - r.count + 1);
	for (uint64_t i = 0; i <= LOG_ID(r.head - r.tail); i++) {
		if (kco_session_cancelled(s)) {
			free(buf);
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		}
		st = log_read(&r, LOG_ID(r.tail + i), &rec, buf, &mine);
		if (st == KCO_DONE)
			continue;
		if (st) {
			lost++;
			continue;
		}
		if (!fn(arg, &rec))
			break;
	}
	free(buf);
	if (lost)
		return kco_fail(err, mine.code,
				"%" PRIu64 " records of the log cannot be read, the last because: %.160s", lost,
				mine.msg);
	return KCO_OK;
}

enum kco_status linux_log(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			  struct kco_err *err)
{
	uint64_t prb;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);

	if (st)
		return st;
	if (!os_variable(s, "prb", 8, &prb, NULL) && prb)
		return log_new(s, prb, fn, arg, err);
	return linux_log_old(s, fn, arg, err);
}
