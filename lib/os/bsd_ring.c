// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Message buffers of the BSDs: see bsd_ring.h.
 */
#include "bsd_ring.h"

#include <string.h>

void bsd_ring_unwrap(const char *ring, char *bytes, size_t n, size_t first)
{
	memcpy(bytes, ring + first, n - first);
	memcpy(bytes + n - first, ring, first);
}

void bsd_ring_read(struct kco_session *s, uint64_t addr, char *buf, size_t n, struct bsd_ring *text)
{
	const uint64_t page = s->arch->page_size;

	for (size_t at = 0; at < n;) {
		size_t want = n - at, done = 0;

		if (!kco_kread(s, addr + at, buf + at, want, &done, text->why.code ? NULL : &text->why))
			return;
		at += done;
		want = (size_t)(page - (addr + at) % page);
		want = want < n - at ? want : n - at;
		memset(buf + at, 0, want);
		text->lost += want;
		at += want;
	}
}

/* "<N>" in front of a line. */
static size_t ring_priority(const char *line, size_t n, struct kco_log_record *rec)
{
	size_t used = 1;
	unsigned priority = 0;

	rec->no_level = true;
	if (n < 3 || line[0] != '<')
		return 0;
	for (; used < n && used < 5 && line[used] >= '0' && line[used] <= '9'; used++)
		priority = priority * 10 + (unsigned)(line[used] - '0');
	if (used == 1 || used >= n || line[used] != '>' || priority > 8 * 127 + 7)
		return 0;
	rec->no_level = false;
	rec->level = priority & 7;
	rec->facility = (uint8_t)(priority >> 3);
	return used + 1;
}

/* "[ 12.3456789] " in front of a line. */
static size_t ring_clock(const char *line, size_t n, struct kco_log_record *rec)
{
	uint64_t sec = 0, frac = 0, unit = 1000000000;
	size_t i = 1;

	if (n < 5 || line[0] != '[')
		return 0;
	while (i < n && line[i] == ' ')
		i++;
	if (i >= n || line[i] < '0' || line[i] > '9')
		return 0;
	for (; i < n && line[i] >= '0' && line[i] <= '9' && sec < UINT32_MAX; i++)
		sec = sec * 10 + (uint64_t)(line[i] - '0');
	if (i >= n || line[i++] != '.')
		return 0;
	for (; i < n && line[i] >= '0' && line[i] <= '9' && unit > 1; i++) {
		unit /= 10;
		frac += (uint64_t)(line[i] - '0') * unit;
	}
	if (unit == 1000000000 || i + 1 >= n || line[i] != ']' || line[i + 1] != ' ')
		return 0;
	rec->ts_ns = sec * 1000000000 + frac;
	rec->no_time = false;
	return i + 2;
}

void bsd_ring_lines(const struct bsd_ring *text, bool clocked, bool (*fn)(void *arg, const struct kco_log_record *rec),
		    void *arg)
{
	const char *p = text->bytes, *end = text->bytes + text->n;

	for (uint64_t seq = 0; p < end;) {
		struct kco_log_record rec = { .seq = seq, .no_time = true };
		const char *stop = p;
		size_t skip;

		/* NULs are bytes that were never written, or could not be read. */
		if (!*p) {
			p++;
			continue;
		}
		while (stop < end && *stop && *stop != '\n')
			stop++;
		skip = ring_priority(p, (size_t)(stop - p), &rec);
		skip += clocked ? ring_clock(p + skip, (size_t)(stop - p) - skip, &rec) : 0;
		rec.text = p + skip;
		rec.text_len = (size_t)(stop - p) - skip;
		if (!fn(arg, &rec))
			return;
		seq++;
		p = stop + (stop < end && *stop == '\n');
	}
}
