// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What commands ask of the kernel: memory, per-CPU data, modules, log, system.
 *
 * Thin wrappers: they meet the need, call the personality's slot and turn an
 * empty slot into KCO_E_UNSUPPORTED.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include <kco/os_process.h>

#define MODULES_MAX 65536

static enum kco_status kernel_unsupported(struct kco_session *s, const char *what, struct kco_err *err)
{
	return kco_fail(err, KCO_E_UNSUPPORTED, "%s: not known on %s", what, s->os->title);
}

#define CAN(slot) (KCO_OS_SLOT(os, slot) != NULL)
#define PROCESS_CAN(slot) \
	((os->process && os->process->slot) || (os->base && os->base->process && os->base->process->slot))

bool kco_os_can(const struct kco_os_ops *os, unsigned features)
{
	unsigned can = os->features | (os->base ? os->base->features : 0);

	can |= CAN(log) ? KCO_FEATURE_LOG : 0;
	can |= CAN(modules) ? KCO_FEATURE_MODULES : 0;
	can |= PROCESS_CAN(vmas) ? KCO_FEATURE_AREAS : 0;
	can |= PROCESS_CAN(page) ? KCO_FEATURE_PAGES : 0;
	can |= PROCESS_CAN(signals) ? KCO_FEATURE_SIGNALS : 0;
	can |= PROCESS_CAN(stop) ? KCO_FEATURE_STOP : 0;
	can |= PROCESS_CAN(breakpoints) ? KCO_FEATURE_BREAKPOINTS : 0;
	can |= PROCESS_CAN(core_notes) ? KCO_FEATURE_CORE : 0;
	can |= PROCESS_CAN(thread_regs) ? KCO_FEATURE_THREAD_REGS : 0;
	can |= PROCESS_CAN(files) ? KCO_FEATURE_FILES : 0;
	return (can & features) == features;
}

enum kco_status kco_kread(struct kco_session *s, uint64_t va, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	if (done)
		*done = 0;
	if (!s->kernel.arch) {
		enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

		if (st)
			return st;
	}
	return kco_vread(s->mem, &s->kernel, va, buf, n, done, err);
}

enum kco_status kco_kread_uint(struct kco_session *s, uint64_t va, size_t size, uint64_t *ret, struct kco_err *err)
{
	return kco_vread_uint(s->mem, &s->kernel, va, size, ret, err);
}

enum kco_status kco_kread_field(struct kco_session *s, uint64_t va, const struct kco_field *field, uint64_t *ret,
				struct kco_err *err)
{
	struct kco_field here = *field;
	uint8_t buf[8];
	enum kco_status st;

	if (field->size > sizeof(buf))
		return kco_fail(err, KCO_E_BUG, "a field of %u bytes is no number", field->size);
	st = kco_vread(s->mem, &s->kernel, va + field->offset, buf, field->size, NULL, err);
	if (st)
		return st;
	here.offset = 0;
	if (!kco_field_get(&here, buf, field->size, ret))
		return kco_fail(err, KCO_E_BUG, "a field of %u bytes is no number", field->size);
	return KCO_OK;
}

enum kco_status kco_percpu_addr(struct kco_session *s, const char *name, int cpu, uint64_t *ret, struct kco_err *err)
{
	struct kco_symbol sym;
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);

	if (!st)
		st = kco_symbols_by_name(s->symbols, name, &sym, err);
	if (st)
		return st;
	if (!KCO_OS_SLOT(s->os, percpu))
		return kernel_unsupported(s, "per-CPU data", err);
	return KCO_OS_SLOT(s->os, percpu)(s, sym.addr, (unsigned)cpu, ret, err);
}

enum kco_status kco_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	if (st)
		return st;
	if (!KCO_OS_SLOT(s->os, cpu_count))
		return kernel_unsupported(s, "CPUs", err);
	return KCO_OS_SLOT(s->os, cpu_count)(s, ret, err);
}

bool kco_cpu_online(struct kco_session *s, unsigned cpu)
{
	return !kco_session_need(s, KCO_NEED_OS, NULL) && KCO_OS_SLOT(s->os, cpu_online) &&
	       KCO_OS_SLOT(s->os, cpu_online)(s, cpu);
}

enum kco_status kco_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	memset(regs, 0, sizeof(*regs));
	if (st)
		return st;
	if (!KCO_OS_SLOT(s->os, cpu_regs))
		return kernel_unsupported(s, "CPU registers", err);
	return KCO_OS_SLOT(s->os, cpu_regs)(s, cpu, regs, err);
}

static enum kco_status kernel_add_module(void *arg, const struct kco_module *mod)
{
	struct kco_session *s = arg;

	if (kco_session_cancelled(s))
		return KCO_E_CANCELLED;
	if (s->nr_modules == s->cap_modules) {
		size_t cap = s->cap_modules ? s->cap_modules * 2 : 32;
		struct kco_module *grown = cap > MODULES_MAX ? NULL : realloc(s->modules, cap * sizeof(*grown));

		if (!grown)
			return KCO_E_NOMEM;
		s->modules = grown;
		s->cap_modules = cap;
	}
	s->modules[s->nr_modules++] = *mod;
	return KCO_OK;
}

static enum kco_status kernel_load_modules(struct kco_session *s, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS, err);

	if (!st && kco_session_need(s, KCO_NEED_TYPES, NULL) && !s->os->without_types)
		st = kco_session_need(s, KCO_NEED_TYPES, err);
	if (st)
		return st;
	if (!KCO_OS_SLOT(s->os, modules))
		return kernel_unsupported(s, "modules", err);
	s->modules_making = true;
	st = KCO_OS_SLOT(s->os, modules)(s, kernel_add_module, s, err);
	s->modules_making = false;
	return st;
}

static enum kco_status kernel_need_modules(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_modules, kernel_load_modules(s, &s->lazy_modules.err), err);
}

enum kco_status kco_modules_get(struct kco_session *s, const struct kco_module **mods, size_t *n, struct kco_err *err)
{
	enum kco_status st = kernel_need_modules(s, err);

	*mods = s->modules;
	*n = s->nr_modules;
	return st;
}

bool kco_modules_incomplete(const struct kco_session *s)
{
	return s->modules_incomplete;
}

enum kco_status kco_module_types_get(struct kco_session *s, size_t i, struct kco_types **ret, struct kco_err *err)
{
	const struct kco_module *mods;
	size_t n;
	enum kco_status st = kco_modules_get(s, &mods, &n, err);

	if (st)
		return st;
	if (i >= n)
		return kco_fail(err, KCO_E_USAGE, "no module %zu: there are %zu", i, n);
	if (strcmp(s->types->ops->name, "btf"))
		return kco_fail(err, KCO_E_NOTYPE, "module %s: its types need the kernel's BTF", mods[i].name);
	if (!KCO_OS_SLOT(s->os, module_types))
		return kernel_unsupported(s, "types of modules", err);
	if (!s->module_types)
		s->module_types = calloc(n, sizeof(*s->module_types));
	if (!s->module_types)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for %zu modules", n);
	if (!s->module_types[i])
		st = KCO_OS_SLOT(s->os, module_types)(s, &mods[i], &s->module_types[i], err);
	*ret = s->module_types[i];
	return st;
}

enum kco_status kco_log_each(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			     struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	if (st)
		return st;
	if (!KCO_OS_SLOT(s->os, log))
		return kernel_unsupported(s, "the log", err);
	return KCO_OS_SLOT(s->os, log)(s, fn, arg, err);
}

static enum kco_status kernel_load_system(struct kco_session *s, struct kco_err *err)
{
	if (!KCO_OS_SLOT(s->os, system))
		return kernel_unsupported(s, "the system's description", err);
	return KCO_OS_SLOT(s->os, system)(s, &s->system, err);
}

static enum kco_status kernel_need_system(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_system, kernel_load_system(s, &s->lazy_system.err), err);
}

enum kco_status kco_system_get(struct kco_session *s, const struct kco_system_info **ret, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	if (st)
		return st;
	st = kernel_need_system(s, err);
	*ret = &s->system;
	return st;
}
