// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUs: how many, which were online, and where each keeps its per-CPU data.
 *
 * A kernel without CONFIG_SMP has one CPU, and its per-CPU variables are plain
 * ones: there is no __per_cpu_offset.
 */
#include "linux.h"

#include <inttypes.h>
#include <stdlib.h>

static enum kco_status cpus_single(struct linux_os *os, struct kco_err *err)
{
	os->percpu_offset = calloc(1, sizeof(uint64_t));
	os->online = calloc(1, 1);
	if (!os->percpu_offset || !os->online)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	os->online[0] = 1;
	os->nr_cpus = 1;
	return KCO_OK;
}

static enum kco_status cpus_load(struct kco_session *s, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);
	uint64_t n, offsets, mask;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);

	if (!st)
		st = os_symbol(s, &offsets, err, "__per_cpu_offset", NULL);
	// Elsewhere a table of symbols that lacks it is taken for torn: nobody crashes single processors any more.
	if (st == KCO_E_NOSYM && os->uml)
		return cpus_single(os, err);
	if (st)
		return st;
	/* nr_cpu_ids may be a constant of the build (CONFIG_FORCE_NR_CPUS) and then has no symbol. */
	if (os_variable(s, "nr_cpu_ids", 4, &n, NULL) || !n || n > LINUX_CPUS_MAX)
		n = LINUX_CPUS_MAX;
	os->percpu_offset = calloc(n, sizeof(uint64_t));
	os->online = calloc(n, 1);
	if (!os->percpu_offset || !os->online)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %" PRIu64 " CPUs", n);
	for (os->nr_cpus = 0; os->nr_cpus < n; os->nr_cpus++) {
		uint64_t off;

		st = kco_kread_uint(s, offsets + os->nr_cpus * 8ull, 8, &off, err);
		/* CPUs that cannot exist keep the address of the template, a symbol of the image. */
		if (st || !off)
			break;
		os->percpu_offset[os->nr_cpus] = off;
	}
	if (!os->nr_cpus)
		return st ? st : kco_fail(err, KCO_E_CORRUPT, "__per_cpu_offset holds no CPU");
	st = os_symbol(s, &mask, NULL, "__cpu_online_mask", "cpu_online_bits", NULL);
	for (unsigned cpu = 0; cpu < os->nr_cpus; cpu++) {
		uint64_t byte;

		os->online[cpu] = st || kco_kread_uint(s, mask + cpu / 8, 1, &byte, NULL) || (byte >> (cpu % 8) & 1);
	}
	return KCO_OK;
}

enum kco_status linux_cpus_load(struct kco_session *s, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);

	KCO_LAZY(os->lazy_cpus, cpus_load(s, &os->lazy_cpus.err), err);
}

enum kco_status linux_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err)
{
	enum kco_status st = linux_cpus_load(s, err);

	*ret = st ? 0 : linux_of(s)->nr_cpus;
	return st;
}

bool linux_cpu_online(struct kco_session *s, unsigned cpu)
{
	return !linux_cpus_load(s, NULL) && cpu < linux_of(s)->nr_cpus && linux_of(s)->online[cpu];
}

enum kco_status linux_percpu(struct kco_session *s, uint64_t addr, unsigned cpu, uint64_t *ret, struct kco_err *err)
{
	enum kco_status st = linux_cpus_load(s, err);

	if (st)
		return st;
	if (cpu >= linux_of(s)->nr_cpus)
		return kco_fail(err, KCO_E_RANGE, "no CPU %u: there are %u", cpu, linux_of(s)->nr_cpus);
	*ret = addr + linux_of(s)->percpu_offset[cpu];
	return KCO_OK;
}
