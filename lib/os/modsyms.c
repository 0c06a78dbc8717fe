// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Module symbols: one source for all modules, made when an address or a name
 * is looked for that the kernel's own table does not have.
 */
#include "modsyms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct modsyms {
	struct kco_symbol_source base;
	struct kco_session *s;
	os_modsyms_one *one;
	struct kco_symbol_source **sources; /* one a module, NULL where it has none */
	size_t n;
	bool tried, busy;
};

static void modsyms_load(struct modsyms *ms)
{
	const struct kco_module *mods;
	size_t n;

	/* Loading the list needs symbols and types itself: those questions are not for us. */
	if (ms->tried || ms->busy || ms->s->modules_making ||
	    (ms->s->lazy_types.tried && !ms->s->types && !ms->s->lazy_types.err.code))
		return; // the last: types are being made just now
	ms->busy = true;
	if (!kco_modules_get(ms->s, &mods, &n, NULL)) {
		ms->sources = calloc(n + 1, sizeof(*ms->sources));
		for (size_t i = 0; ms->sources && i < n; i++)
			if (!mods[i].status && ms->one(ms->s, &mods[i], &ms->sources[i]))
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

enum kco_status os_modsyms_new(struct kco_session *s, os_modsyms_one *one, struct kco_symbol_source **ret,
			       struct kco_err *err)
{
	struct modsyms *ms = calloc(1, sizeof(*ms));

	if (!ms)
		return kco_fail(err, KCO_E_NOMEM, "modules' symbols: out of memory");
	ms->base.ops = &modsyms_ops;
	ms->base.last = UINT64_MAX;
	ms->s = s;
	ms->one = one;
	*ret = &ms->base;
	return KCO_OK;
}
