// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUs of NetBSD and OpenBSD: cpu_info_list -> struct cpu_info --ci_next-->
 * ... 0. Its numbers are ci_data.cpu_index in NetBSD, whose ci_cpuid is what
 * the firmware calls the CPU, and ci_cpuid in OpenBSD.
 */
#include "bsd.h"

#include <inttypes.h>
#include <stdlib.h>

#include "addrset.h"

struct cpus_layout {
	struct kco_field next, index, curthread, idle, ddb_regs, intrstack;
	bool has_index, has_idle, has_ddb_regs, has_intrstack;
};

static enum kco_status cpus_layout(struct kco_session *s, struct cpus_layout *l, struct kco_err *err)
{
	const struct bsd_flavour *f = bsd_of(s)->flavour;
	enum kco_status st = os_field(s, "cpu_info", &l->next, err, "ci_next", NULL);

	if (!st)
		st = os_field(s, "cpu_info", &l->curthread, err, f->curthread, NULL);
	l->has_index = !os_field(s, "cpu_info", &l->index, NULL, f->cpu_index[0], f->cpu_index[1],
				 f->cpu_index[1] ? f->cpu_index[2] : NULL, NULL);
	l->has_idle = !os_field(s, "cpu_info", &l->idle, NULL, f->idle_thread, NULL);
	l->has_ddb_regs = !os_field(s, "cpu_info", &l->ddb_regs, NULL, "ci_ddb_regs", NULL);
	l->has_intrstack = !os_field(s, "cpu_info", &l->intrstack, NULL, "ci_intrstack", NULL);
	return st;
}

static bool cpus_grow(struct bsd_os *os, uint64_t number)
{
	struct bsd_cpu *grown;

	if (number < os->nr_cpus)
		return true;
	grown = realloc(os->cpus, (number + 1) * sizeof(*grown));
	if (!grown)
		return false;
	for (uint64_t i = os->nr_cpus; i <= number; i++)
		grown[i] = (struct bsd_cpu){ 0 };
	os->cpus = grown;
	os->nr_cpus = (unsigned)number + 1;
	return true;
}

static uint64_t cpus_optional(struct kco_session *s, uint64_t info, bool has, const struct kco_field *f)
{
	uint64_t v;

	return has && !kco_kread_field(s, info, f, &v, NULL) ? v : 0;
}

static enum kco_status cpus_add(struct kco_session *s, const struct cpus_layout *l, uint64_t info, uint64_t nr,
				struct kco_err *err)
{
	struct bsd_os *os = bsd_of(s);
	uint64_t number = nr, v;
	enum kco_status st;

	if (l->has_index) {
		st = kco_kread_field(s, info, &l->index, &v, err);
		if (st)
			return st;
		// A number that is taken, or that no machine has, is not believed.
		if (v < BSD_CPUS_MAX && !(v < os->nr_cpus && os->cpus[v].info))
			number = v;
	}
	while (number < os->nr_cpus && os->cpus[number].info)
		number++;
	if (number >= BSD_CPUS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "more than %d CPUs", BSD_CPUS_MAX);
	if (!cpus_grow(os, number))
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	os->cpus[number] = (struct bsd_cpu){
		.info = info,
		.curthread = cpus_optional(s, info, true, &l->curthread),
		.idle_thread = cpus_optional(s, info, l->has_idle, &l->idle),
		.ddb_regs = cpus_optional(s, info, l->has_ddb_regs, &l->ddb_regs),
		.intrstack = cpus_optional(s, info, l->has_intrstack, &l->intrstack),
	};
	return KCO_OK;
}

static enum kco_status cpus_walk(struct kco_session *s, const struct cpus_layout *l, uint64_t head,
				 struct kco_addrset *seen, struct kco_err *err)
{
	uint64_t info, nr = 0;
	enum kco_status st = kco_kread_uint(s, head, 8, &info, err);

	for (; !st && info; nr++) {
		st = kco_addrset_add(seen, info);
		if (st == KCO_DONE)
			return kco_fail(err, KCO_E_CORRUPT, "it runs in a circle at %#" PRIx64, info);
		if (!st)
			st = cpus_add(s, l, info, nr, err);
		if (!st)
			st = kco_kread_field(s, info, &l->next, &info, err);
	}
	return st;
}

static enum kco_status cpus_make(struct kco_session *s, struct kco_err *err)
{
	struct kco_err torn = KCO_ERR_INIT;
	struct kco_addrset seen = { 0 };
	struct cpus_layout l;
	uint64_t head;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);

	if (!st)
		st = os_symbol(s, &head, err, "cpu_info_list", NULL);
	if (!st)
		st = cpus_layout(s, &l, err);
	if (st)
		return st;
	st = cpus_walk(s, &l, head, &seen, &torn);
	kco_addrset_fini(&seen);
	if (st && !bsd_of(s)->nr_cpus)
		return kco_fail(err, st, "cpu_info_list: %s", torn.msg);
	if (st)
		kco_session_warn(s, "CPUs may be missing: cpu_info_list is torn: %s", torn.msg);
	return KCO_OK;
}

enum kco_status bsd_cpus_load(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(bsd_of(s)->lazy_cpus, cpus_make(s, &bsd_of(s)->lazy_cpus.err), err);
}

enum kco_status bsd_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err)
{
	enum kco_status st = bsd_cpus_load(s, err);

	*ret = bsd_of(s)->nr_cpus;
	return st;
}

bool bsd_cpu_online(struct kco_session *s, unsigned cpu)
{
	return !bsd_cpus_load(s, NULL) && cpu < bsd_of(s)->nr_cpus && bsd_of(s)->cpus[cpu].info;
}
