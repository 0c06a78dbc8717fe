// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system as a whole on NetBSD and OpenBSD: names, clocks, load, memory,
 * why it died, and what it said.
 *
 * Names are plain variables (sys/conf/newvers.sh). Clocks are variables, too,
 * in kernels that have time_second and time_uptime; the timehands that
 * `timehands` points to (sys/kern/kern_tc.c) have the same.
 *
 *   msgbufp -> struct kern_msgbuf (OpenBSD: msgbuf) { long msg_magic 0x063061, msg_bufx, msg_bufr, msg_bufs;
 *              ...; char msg_bufc[] }            msg_bufx: where the next byte goes
 */
#include "bsd.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kco/mem.h>

#include "bsd_ring.h"

#define LOG_MAGIC 0x063061
#define LOG_SIZE_MAX (UINT64_C(64) << 20)
#define SYSTEM_PAGE 4096
#define SYSTEM_SECONDS_MAX (UINT64_C(1) << 33)

static void system_string(struct kco_session *s, const char *symbol, char *buf, size_t size)
{
	uint64_t addr;

	buf[0] = '\0';
	if (!os_symbol(s, &addr, NULL, symbol, NULL) && kco_vread_str(s->mem, &s->kernel, addr, buf, size, NULL))
		buf[0] = '\0';
}

/* version[] is two lines, the second of them indented. One line with single spaces is what fits a row. */
static void system_one_line(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		if (!isspace((unsigned char)*p))
			*out++ = *p;
		else if (out > text && out[-1] != ' ')
			*out++ = ' ';
	}
	while (out > text && out[-1] == ' ')
		out--;
	*out = '\0';
}

/* The words of a version text: "NetBSD 9.3 (GENERIC) #0: ..." */
static void system_banner(struct kco_session *s, struct kco_system_info *info)
{
	const char *text = s->bsd_banner ? s->bsd_banner->text : "";
	size_t n;

	if (!info->version[0])
		snprintf(info->version, sizeof(info->version), "%.*s", (int)sizeof(info->version) - 1, text);
	text += strcspn(text, " ");
	text += *text == ' ';
	n = strcspn(text, " ");
	if (!info->release[0])
		snprintf(info->release, sizeof(info->release), "%.*s",
			 (int)(n < sizeof(info->release) ? n : sizeof(info->release) - 1), text);
}

static void system_names(struct kco_session *s, struct kco_system_info *info)
{
	system_string(s, "osrelease", info->release, sizeof(info->release));
	system_string(s, "version", info->version, sizeof(info->version));
	system_string(s, "machine", info->machine, sizeof(info->machine));
	system_string(s, "hostname", info->nodename, sizeof(info->nodename));
	system_string(s, "domainname", info->domainname, sizeof(info->domainname));
	system_banner(s, info);
	system_one_line(info->version);
	if (!info->machine[0])
		strcpy(info->machine, "amd64");
}

static bool system_timehands(struct kco_session *s, const char *path, uint64_t *ret)
{
	uint64_t th;

	return !os_variable(s, "timehands", 8, &th, NULL) && th && !os_read(s, "timehands", th, path, ret, NULL);
}

static void system_clocks(struct kco_session *s, struct kco_system_info *info)
{
	uint64_t up = 0, wall = 0, boot;

	if (os_variable(s, "time_uptime", 8, &up, NULL) && os_variable(s, "time__uptime", 8, &up, NULL) &&
	    !system_timehands(s, "th_offset.sec", &up))
		up = 0;
	if (os_variable(s, "time_second", 8, &wall, NULL) && os_variable(s, "time__second", 8, &wall, NULL) &&
	    !system_timehands(s, "th_microtime.tv_sec", &wall))
		wall = 0;
	// The first member of a timeval, a timespec and a bintime is the seconds.
	if (!wall && up && !os_variable(s, "boottime", 8, &boot, NULL))
		wall = boot + up;
	if (up < SYSTEM_SECONDS_MAX)
		info->uptime_ns = up * 1000000000;
	if (wall < SYSTEM_SECONDS_MAX * 16)
		info->wall_seconds = (int64_t)wall;
}

/* struct loadavg { fixpt_t ldavg[3]; long fscale; }, sys/sys/resource.h */
static void system_load(struct kco_session *s, struct kco_system_info *info)
{
	uint64_t addr, scale, v;

	if (os_symbol(s, &addr, NULL, "averunnable", NULL) || kco_kread_uint(s, addr + 16, 8, &scale, NULL) || !scale)
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (kco_kread_uint(s, addr + 4 * i, 4, &v, NULL))
			return;
		info->load[i] = v * 100 / scale;
	}
	info->has_load = true;
}

static bool system_is_array(struct kco_session *s, const char *name)
{
	struct kco_type_info info;
	struct kco_symbol sym;
	struct kco_type type;

	if (s->types && !kco_types_variable(s->types, name, &type, NULL) && !kco_type_strip(type, &type, NULL) &&
	    !kco_type_info(type, &info, NULL))
		return info.kind == KCO_TYPE_ARRAY;
	return !kco_symbols_by_name(s->symbols, name, &sym, NULL) && sym.size > 8;
}

static void system_panic(struct kco_session *s, struct kco_system_info *info)
{
	uint64_t text;

	/* NULL as long as nobody panics; a buffer of characters in some kernels. */
	if (!s->symbols)
		return;
	if (system_is_array(s, "panicstr"))
		system_string(s, "panicstr", info->panic, sizeof(info->panic));
	else if (!os_variable(s, "panicstr", 8, &text, NULL) && text &&
		 kco_vread_str(s->mem, &s->kernel, text, info->panic, sizeof(info->panic), NULL))
		info->panic[0] = '\0';
	system_one_line(info->panic);
}

enum kco_status bsd_system(struct kco_session *s, struct kco_system_info *info, struct kco_err *err)
{
	const struct bsd_os *os = bsd_of(s);
	unsigned n;
	uint64_t v;

	(void)err;
	*info = (struct kco_system_info){ .page_levels = s->kernel.form->levels };
	/* Without them it is what the version text says. */
	if (!kco_session_need(s, KCO_NEED_SYMS, NULL))
		(void)!kco_session_need(s, KCO_NEED_TYPES, NULL);
	system_names(s, info);
	system_clocks(s, info);
	system_load(s, info);
	system_panic(s, info);
	if (!os_variable(s, "physmem", 4, &v, NULL))
		info->memory_bytes = v * SYSTEM_PAGE;
	if (!bsd_cpu_count(s, &n, NULL)) {
		info->cpus_possible = n;
		for (unsigned i = 0; i < n; i++)
			info->cpus_online += os->cpus[i].info != 0;
	}
	return KCO_OK;
}

struct log_ring {
	uint64_t bytes, magic, next, size;
};

/* Offsets when the kernel file has no types: four longs, and the characters behind the last long. */
static enum kco_status log_find(struct kco_session *s, struct log_ring *ring, struct kco_err *err)
{
	const char *type = "kern_msgbuf";
	const struct {
		const char *member;
		uint64_t *value;
		unsigned offset;
	} members[] = { { "msg_magic", &ring->magic, 0 },
			{ "msg_bufx", &ring->next, 8 },
			{ "msg_bufs", &ring->size, 24 } };
	struct kco_field f;
	uint64_t addr;
	enum kco_status st = os_variable(s, "msgbufp", 8, &addr, err);

	if (os_field(s, type, &f, NULL, "msg_bufx", NULL))
		type = "msgbuf";
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !st; i++) {
		if (os_field(s, type, &f, NULL, members[i].member, NULL))
			f = (struct kco_field){ .offset = members[i].offset, .size = 8 };
		st = kco_kread_field(s, addr, &f, members[i].value, err);
	}
	if (st)
		return kco_context(err, st, "the message buffer");
	if (ring->magic != LOG_MAGIC)
		return kco_fail(err, KCO_E_CORRUPT, "no message buffer at %#" PRIx64 ": its magic number is %#" PRIx64,
				addr, ring->magic);
	if (!ring->size || ring->size > LOG_SIZE_MAX || ring->next > ring->size)
		return kco_fail(err, KCO_E_CORRUPT,
				"a message buffer of %" PRIu64 " bytes that is written at %" PRIu64 " makes no sense",
				ring->size, ring->next);
	// OpenBSD has msg_bufl and msg_bufd (what the reader has lost) between, since 6.0 and 6.7.
	ring->bytes = addr + 32;
	if (!os_field(s, type, &f, NULL, "msg_bufc", NULL))
		ring->bytes = addr + f.offset;
	else if (bsd_of(s)->flavour == &openbsd_flavour)
		return kco_fail(err, KCO_E_NOTYPE, "where the message buffer's text begins takes the kernel's types");
	return KCO_OK;
}

enum kco_status bsd_log(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			struct kco_err *err)
{
	struct bsd_ring text = { .why = KCO_ERR_INIT };
	struct log_ring ring = { 0 };
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);
	char *raw;

	if (st)
		return st;
	(void)!kco_session_need(s, KCO_NEED_TYPES, NULL);
	st = log_find(s, &ring, err);
	if (st)
		return st;
	raw = malloc(ring.size);
	text.bytes = malloc(ring.size);
	text.n = ring.size;
	if (raw && text.bytes) {
		bsd_ring_read(s, ring.bytes, raw, ring.size, &text);
		bsd_ring_unwrap(raw, text.bytes, ring.size, ring.next % ring.size);
		bsd_ring_lines(&text, bsd_of(s)->flavour->clocked_log, fn, arg);
		if (text.lost)
			st = kco_fail(err, text.why.code, "%zu bytes of the log cannot be read: %.160s", text.lost,
				      text.why.msg);
	} else {
		st = kco_fail(err, KCO_E_NOMEM, "the message buffer: out of memory");
	}
	free(raw);
	free(text.bytes);
	return st;
}
