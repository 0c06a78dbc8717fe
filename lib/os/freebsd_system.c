// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system as a whole: its names, clocks, load, memory, and why it died.
 *
 * Names and clocks are plain variables (sys/conf/newvers.sh makes version[],
 * osrelease[]; sys/kern/kern_tc.c keeps time_second and time_uptime). What a
 * dump's header says stands in for what its memory does not.
 */
#include "freebsd.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_TICKS_EARLY 600 /* seconds before it wraps that `ticks` starts, sys/kern/kern_clock.c */

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

static void system_or(char *text, size_t size, const char *otherwise)
{
	if (!*text)
		snprintf(text, size, "%.*s", (int)size - 1, otherwise);
}

static void system_names(struct kco_session *s, struct kco_system_info *info)
{
	const struct kco_facts *facts = &s->image->facts;
	struct kco_field name;
	uint64_t prison;

	system_string(s, "osrelease", info->release, sizeof(info->release));
	system_string(s, "version", info->version, sizeof(info->version));
	system_string(s, "machine", info->machine, sizeof(info->machine));
	/* A pointer in old kernels, an array of the host's jail since there are such. */
	if (!os_symbol(s, &prison, NULL, "prison0", NULL) && !os_field(s, "prison", &name, NULL, "pr_hostname", NULL) &&
	    kco_vread_str(s->mem, &s->kernel, prison + name.offset, info->nodename, sizeof(info->nodename), NULL))
		info->nodename[0] = '\0';
	system_or(info->release, sizeof(info->release), facts->release);
	system_or(info->version, sizeof(info->version), facts->version);
	system_or(info->nodename, sizeof(info->nodename), facts->nodename);
	system_or(info->machine, sizeof(info->machine), freebsd_of(s)->machine->name);
	system_one_line(info->version);
}

static void system_clocks(struct kco_session *s, struct kco_system_info *info)
{
	uint64_t v, hz;

	if (!os_variable(s, "time_uptime", 0, &v, NULL) && v < UINT64_C(1) << 33) {
		info->uptime_ns = v * 1000000000;
	} else if (!os_variable(s, "ticks", 4, &v, NULL) && !os_variable(s, "hz", 4, &hz, NULL) && hz && hz < 1000000) {
		uint32_t start = (uint32_t)(INT32_MAX - (int64_t)hz * SYSTEM_TICKS_EARLY);

		info->uptime_ns = (uint64_t)((uint32_t)v - start) * 1000000000 / hz;
	}
	if (!os_variable(s, "time_second", 0, &v, NULL) && (int64_t)v > 0)
		info->wall_seconds = (int64_t)v;
	else
		info->wall_seconds = (int64_t)s->image->facts.dump_time;
}

/* struct loadavg { fixpt_t ldavg[3]; long fscale; }, sys/sys/resource.h */
static void system_load(struct kco_session *s, struct kco_system_info *info)
{
	const unsigned ptr = s->arch->ptr_size;
	uint64_t addr, scale, v;

	if (os_symbol(s, &addr, NULL, "averunnable", NULL) ||
	    kco_kread_uint(s, addr + (ptr == 8 ? 16 : 12), ptr, &scale, NULL) || !scale)
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (kco_kread_uint(s, addr + 4 * i, 4, &v, NULL))
			return;
		info->load[i] = v * 100 / scale;
	}
	info->has_load = true;
}

static void system_panic(struct kco_session *s, struct kco_system_info *info)
{
	uint64_t text;

	/* NULL as long as nobody panics. */
	if (!os_variable(s, "panicstr", 0, &text, NULL) && text &&
	    kco_vread_str(s->mem, &s->kernel, text, info->panic, sizeof(info->panic), NULL))
		info->panic[0] = '\0';
	system_or(info->panic, sizeof(info->panic), s->image->facts.panic);
	system_one_line(info->panic);
}

enum kco_status freebsd_system(struct kco_session *s, struct kco_system_info *info, struct kco_err *err)
{
	uint64_t v;

	(void)err;
	*info = (struct kco_system_info){ .page_levels = freebsd_of(s)->levels };
	/* Without them it is what the header says. */
	if (!kco_session_need(s, KCO_NEED_SYMS, NULL))
		(void)!kco_session_need(s, KCO_NEED_TYPES, NULL);
	system_names(s, info);
	system_clocks(s, info);
	system_load(s, info);
	system_panic(s, info);
	if (!os_variable(s, "physmem", 0, &v, NULL) && v < UINT64_C(1) << 40)
		info->memory_bytes = v * s->arch->page_size;
	if (!os_variable(s, "mp_ncpus", 4, &v, NULL) && v <= FREEBSD_CPUS_MAX)
		info->cpus_possible = info->cpus_online = (unsigned)v;
	return KCO_OK;
}
