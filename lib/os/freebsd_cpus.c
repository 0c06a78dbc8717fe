// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUs: which there are, where their per-CPU data is, and which stopped when
 * the kernel died.
 *
 *   mp_maxid, all_cpus      the highest number, and the set of those that are there
 *   stopped_cpus            the set of those that saved their registers in stoppcbs[]
 *   cpuid_to_pcpu[]         struct pcpu of each (sys/kern/subr_pcpu.c)
 *   dpcpu_off[]             what is added to the address of a DPCPU variable, a
 *                           symbol between __start_set_pcpu and __stop_set_pcpu
 *
 * A cpuset_t is an array of longs: on little-endian machines simply bits.
 */
#include "freebsd.h"

#include <inttypes.h>
#include <stdlib.h>

static bool cpus_in_set(struct kco_session *s, uint64_t set, unsigned cpu)
{
	uint64_t byte;

	return set && !kco_kread_uint(s, set + cpu / 8, 1, &byte, NULL) && byte >> (cpu % 8) & 1;
}

static enum kco_status cpus_load(struct kco_session *s, struct kco_err *err)
{
	struct freebsd_os *os = freebsd_of(s);
	unsigned ptr = s->arch->ptr_size;
	uint64_t maxid, all = 0, stopped = 0, pcpus = 0, offsets = 0;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);

	if (!st)
		st = os_variable(s, "mp_maxid", 4, &maxid, err);
	if (st)
		return st;
	if (maxid >= FREEBSD_CPUS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "mp_maxid of %" PRIu64 " makes no sense", maxid);
	os->cpus = calloc(maxid + 1, sizeof(*os->cpus));
	if (!os->cpus)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %" PRIu64 " CPUs", maxid + 1);
	os->nr_cpus = (unsigned)maxid + 1;
	(void)!os_symbol(s, &all, NULL, "all_cpus", NULL);
	(void)!os_symbol(s, &stopped, NULL, "stopped_cpus", NULL);
	(void)!os_symbol(s, &pcpus, NULL, "cpuid_to_pcpu", NULL);
	(void)!os_symbol(s, &offsets, NULL, "dpcpu_off", NULL);
	for (unsigned i = 0; i < os->nr_cpus; i++) {
		struct freebsd_cpu *cpu = &os->cpus[i];

		cpu->present = !all || cpus_in_set(s, all, i);
		cpu->stopped = cpus_in_set(s, stopped, i);
		if (!pcpus || kco_kread_uint(s, pcpus + (uint64_t)i * ptr, ptr, &cpu->pcpu, NULL))
			cpu->pcpu = 0;
		if (!offsets || kco_kread_uint(s, offsets + (uint64_t)i * ptr, ptr, &cpu->dpcpu, NULL))
			cpu->dpcpu = 0;
	}
	return KCO_OK;
}

enum kco_status freebsd_cpus_load(struct kco_session *s, struct kco_err *err)
{
	struct freebsd_os *os = freebsd_of(s);

	KCO_LAZY(os->lazy_cpus, cpus_load(s, &os->lazy_cpus.err), err);
}

const struct freebsd_cpu *freebsd_cpu(struct kco_session *s, unsigned cpu)
{
	const struct freebsd_os *os = freebsd_of(s);

	return !freebsd_cpus_load(s, NULL) && cpu < os->nr_cpus ? &os->cpus[cpu] : NULL;
}

enum kco_status freebsd_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err)
{
	enum kco_status st = freebsd_cpus_load(s, err);

	*ret = st ? 0 : freebsd_of(s)->nr_cpus;
	return st;
}

bool freebsd_cpu_online(struct kco_session *s, unsigned cpu)
{
	const struct freebsd_cpu *c = freebsd_cpu(s, cpu);

	return c && c->present;
}

enum kco_status freebsd_percpu(struct kco_session *s, uint64_t addr, unsigned cpu, uint64_t *ret, struct kco_err *err)
{
	const struct freebsd_cpu *c;
	uint64_t first, end;
	enum kco_status st = freebsd_cpus_load(s, err);

	if (!st)
		st = os_symbol(s, &first, err, "__start_set_pcpu", NULL);
	if (!st)
		st = os_symbol(s, &end, err, "__stop_set_pcpu", NULL);
	if (st)
		return st;
	c = freebsd_cpu(s, cpu);
	if (!c)
		return kco_fail(err, KCO_E_RANGE, "no CPU %u: there are %u", cpu, freebsd_of(s)->nr_cpus);
	if (addr < first || addr >= end)
		return kco_fail(err, KCO_E_RANGE,
				"%#" PRIx64 " is no per-CPU variable (those are at %#" PRIx64 " to %#" PRIx64 ")", addr,
				first, end);
	if (!c->dpcpu)
		return kco_fail(err, KCO_E_NOSYM, "CPU %u has no per-CPU data: dpcpu_off holds nothing for it", cpu);
	*ret = addr + c->dpcpu;
	return KCO_OK;
}

void freebsd_cpus_fini(struct kco_session *s)
{
	free(freebsd_of(s)->cpus);
	freebsd_of(s)->cpus = NULL;
}
