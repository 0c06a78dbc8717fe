// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Module symbols: one source for all modules, made when an address or a name
 * is looked for that the kernel's own table does not have.
 *
 * A module keeps its symbols as struct mod_kallsyms (since Linux
 * 8244062ef1e5, v4.5).
 */
#include "linux.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kallsyms.h"

#define MODSYMS_MAX (1u << 22)
struct modsyms {
	struct kco_symbol_source base;
	struct kco_session *s;
	struct kco_symbol_source **sources; /* one a module, NULL where it has none */
	size_t n;
	bool tried, busy;
};

static enum kco_status modsyms_add(struct modsyms *ms, const struct kco_module *mod, struct kco_symbol_source **ret)
{
	struct kco_session *s = ms->s;
	struct kco_module_syms syms = { .module = mod->name, .first = mod->base, .end = mod->base + mod->size };
	struct kco_field ks, symtab, strtab, typetab, num;
	uint64_t addr, n;
	enum kco_status st = os_field(s, "module", &ks, NULL, "kallsyms", NULL);

	if (!st)
		st = os_field(s, "mod_kallsyms", &symtab, NULL, "symtab", NULL);
	if (!st)
		st = os_field(s, "mod_kallsyms", &strtab, NULL, "strtab", NULL);
	if (!st)
		st = os_field(s, "mod_kallsyms", &num, NULL, "num_symtab", NULL);
	if (!st)
		st = kco_kread_field(s, mod->addr, &ks, &addr, NULL);
	if (!st)
		st = kco_kread_field(s, addr, &symtab, &syms.symtab, NULL);
	if (!st)
		st = kco_kread_field(s, addr, &strtab, &syms.strtab, NULL);
	if (!st)
		st = kco_kread_field(s, addr, &num, &n, NULL);
	if (st)
		return st;
	if (n > MODSYMS_MAX)
		return KCO_E_CORRUPT;
	syms.num_symtab = (uint32_t)n;
	if (os_field(s, "mod_kallsyms", &typetab, NULL, "typetab", NULL) ||
	    kco_kread_field(s, addr, &typetab, &syms.typetab, NULL))
		syms.typetab = 0;
	for (unsigned i = 0; i < mod->nr_mem && i < KCO_MODULE_RANGES_MAX; i++) {
		syms.ranges[i].first = mod->mem[i].base;
		syms.ranges[i].end = mod->mem[i].base + mod->mem[i].size;
		syms.nr_ranges++;
	}
	return kco_module_syms_new(s->mem, &s->kernel, &syms, ret, NULL);
}

static void modsyms_load(struct modsyms *ms)
{
	const struct kco_module *mods;
	size_t n;

	/* Loading the list needs symbols and types itself: those questions are not for us. */
	if (ms->tried || ms->busy || (ms->s->lazy_types.tried && !ms->s->types && !ms->s->lazy_types.err.code))
		return; // the last: types are being made just now
	ms->busy = true;
	if (!kco_modules_get(ms->s, &mods, &n, NULL)) {
		ms->sources = calloc(n + 1, sizeof(*ms->sources));
		for (size_t i = 0; ms->sources && i < n; i++)
			if (!mods[i].status && modsyms_add(ms, &mods[i], &ms->sources[i]))
				ms->sources[i] = NULL;
		ms->n = ms->sources ? n : 0;
	}
	ms->busy = false;
	ms->tried = true;
}

static enum kco_status modsyms_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
				       struct kco_err *err)
{
	struct modsyms *ms = (struct modsyms *)src;

	modsyms_load(ms);
	for (size_t i = 0; i < ms->n; i++) {
		struct kco_symbol_source *one = ms->sources[i];

		if (one && addr >= one->first && addr <= one->last && !one->ops->by_addr(one, addr, ret, err))
			return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol at 0x%" PRIx64, addr);
}

static enum kco_status modsyms_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				       struct kco_err *err)
{
	struct modsyms *ms = (struct modsyms *)src;
	const char *colon = strchr(name, ':');
	const struct kco_module *mods;
	size_t n;

	modsyms_load(ms);
	if (ms->tried && ms->n && !kco_modules_get(ms->s, &mods, &n, NULL)) {
		for (size_t i = 0; i < ms->n; i++) {
			struct kco_symbol_source *one = ms->sources[i];

			if (!one || (colon && (strlen(mods[i].name) != (size_t)(colon - name) ||
					       strncmp(mods[i].name, name, (size_t)(colon - name)))))
				continue;
			if (!one->ops->by_name(one, colon ? colon + 1 : name, ret, err))
				return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol %.200s", name);
}

static enum kco_status modsyms_each(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
				    void *arg, struct kco_err *err)
{
	struct modsyms *ms = (struct modsyms *)src;
	enum kco_status st = KCO_OK;

	modsyms_load(ms);
	for (size_t i = 0; i < ms->n && !st; i++)
		if (ms->sources[i])
			st = ms->sources[i]->ops->each(ms->sources[i], fn, arg, err);
	return st;
}

static void modsyms_free(struct kco_symbol_source *src)
{
	struct modsyms *ms = (struct modsyms *)src;

	for (size_t i = 0; i < ms->n; i++)
		if (ms->sources[i])
			ms->sources[i]->ops->free(ms->sources[i]);
	free(ms->sources);
	free(ms);
}

static const struct kco_symbol_source_ops modsyms_ops = {
	.name = "module",
	.by_addr = modsyms_by_addr,
	.by_name = modsyms_by_name,
	.each = modsyms_each,
	.free = modsyms_free,
};

enum kco_status linux_module_symbols_new(struct kco_session *s, struct kco_symbol_source **ret, struct kco_err *err)
{
	struct modsyms *ms = calloc(1, sizeof(*ms));

	if (!ms)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	ms->base.ops = &modsyms_ops;
	ms->base.last = UINT64_MAX;
	ms->s = s;
	*ret = &ms->base;
	return KCO_OK;
}
