// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modules: the list, and where their memory is.
 *
 * Since Linux ac3b43283923 (v6.4) a module's memory is mem[] by kind
 * (MOD_TEXT, ...); from 7523e4dc5057 (v4.5) to then core_layout; before that
 * module_core and core_size.
 */
#include "linux.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "addrset.h"

#define MODULES_MEM_MAX 16

struct modules_layout {
	struct kco_field next, name, state, taints;
	/* mem[] ... */
	struct kco_field mem_base[MODULES_MEM_MAX], mem_size[MODULES_MEM_MAX];
	unsigned nr_mem;
	int64_t mem_text;
	/* ... or one layout */
	struct kco_field base, size, text_size;
};

static enum kco_status modules_layout_mem(struct kco_session *s, struct modules_layout *l)
{
	for (l->nr_mem = 0; l->nr_mem < MODULES_MEM_MAX; l->nr_mem++) {
		char base[32], size[32];

		snprintf(base, sizeof(base), "mem[%u].base", l->nr_mem);
		snprintf(size, sizeof(size), "mem[%u].size", l->nr_mem);
		if (os_field(s, "module", &l->mem_base[l->nr_mem], NULL, base, NULL) ||
		    os_field(s, "module", &l->mem_size[l->nr_mem], NULL, size, NULL))
			break;
	}
	if (!l->nr_mem)
		return KCO_E_NOTYPE;
	if (kco_types_enumerator(s->types, "MOD_TEXT", &l->mem_text, NULL) || l->mem_text < 0 ||
	    l->mem_text >= l->nr_mem)
		l->mem_text = 0;
	return KCO_OK;
}

static enum kco_status modules_layout(struct kco_session *s, struct modules_layout *l, struct kco_err *err)
{
	enum kco_status st;

	memset(l, 0, sizeof(*l));
	st = os_field(s, "module", &l->next, err, "list.next", NULL);
	if (!st)
		st = os_field(s, "module", &l->name, err, "name", NULL);
	if (st)
		return st;
	if (os_field(s, "module", &l->state, NULL, "state", NULL))
		l->state.size = 0;
	if (os_field(s, "module", &l->taints, NULL, "taints", NULL))
		l->taints.size = 0;
	if (!modules_layout_mem(s, l))
		return KCO_OK;
	st = os_field(s, "module", &l->base, err, "core_layout.base", "module_core", NULL);
	if (!st)
		st = os_field(s, "module", &l->size, err, "core_layout.size", "core_size", NULL);
	if (!st)
		st = os_field(s, "module", &l->text_size, err, "core_layout.text_size", "core_text_size", NULL);
	return st;
}

static void modules_add_memory(struct kco_module *mod, uint64_t base, uint64_t size)
{
	if (mod->nr_mem == KCO_MODULE_MEM_MAX || !size)
		return;
	mod->mem[mod->nr_mem].base = base;
	mod->mem[mod->nr_mem++].size = size;
}

static enum kco_status modules_read_memory(struct kco_session *s, const struct modules_layout *l,
					   struct kco_module *mod, struct kco_err *err)
{
	uint64_t base, size;
	enum kco_status st = KCO_OK;

	if (!l->nr_mem) {
		st = kco_kread_field(s, mod->addr, &l->base, &mod->base, err);
		if (!st)
			st = kco_kread_field(s, mod->addr, &l->size, &mod->size, err);
		if (!st)
			st = kco_kread_field(s, mod->addr, &l->text_size, &mod->text_size, err);
		if (!st)
			modules_add_memory(mod, mod->base, mod->size);
		return st;
	}
	for (unsigned i = 0; i < l->nr_mem && !st; i++) {
		st = kco_kread_field(s, mod->addr, &l->mem_base[i], &base, err);
		if (!st)
			st = kco_kread_field(s, mod->addr, &l->mem_size[i], &size, err);
		if (st || !base)
			continue;
		mod->size += size;
		modules_add_memory(mod, base, size);
		if (i == l->mem_text) {
			mod->base = base;
			mod->text_size = size;
		}
	}
	return st;
}

/* enum module_state by its enumerators. */
static char modules_state(struct kco_session *s, uint64_t state)
{
	static const struct {
		const char *name;
		char letter;
	} states[] = {
		{ "MODULE_STATE_LIVE", 'L' },
		{ "MODULE_STATE_COMING", 'C' },
		{ "MODULE_STATE_GOING", 'G' },
		{ "MODULE_STATE_UNFORMED", 'U' },
	};
	int64_t value;

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (!kco_types_enumerator(s->types, states[i].name, &value, NULL) && (uint64_t)value == state)
			return states[i].letter;
	return '?';
}

static void modules_read(struct kco_session *s, const struct modules_layout *l, struct kco_module *mod)
{
	struct kco_err err = KCO_ERR_INIT;
	uint64_t state;
	char name[65] = "";
	enum kco_status st;

	st = kco_vread_str(s->mem, &s->kernel, mod->addr + l->name.offset, name,
			   l->name.size < sizeof(name) ? l->name.size : sizeof(name), &err);
	mod->name = kco_session_text(s, "%s", name);
	mod->state = '?';
	if (!st && l->state.size && !kco_kread_field(s, mod->addr, &l->state, &state, NULL))
		mod->state = modules_state(s, state);
	if (!st && l->taints.size)
		(void)!kco_kread_field(s, mod->addr, &l->taints, &mod->taints, NULL);
	if (!st)
		st = modules_read_memory(s, l, mod, &err);
	if (st) {
		mod->status = st;
		mod->why = kco_session_text(s, "%s", err.msg);
	}
}

struct modules_walk {
	struct kco_session *s;
	struct modules_layout layout;
	struct kco_addrset seen;
	enum kco_status (*add)(void *arg, const struct kco_module *mod);
	void *arg;
};

static enum kco_status modules_node(void *arg, uint64_t node)
{
	struct modules_walk *w = arg;
	struct kco_module mod = { .addr = node - w->layout.next.offset };
	enum kco_status st = kco_addrset_add(&w->seen, node);

	if (st)
		return st;
	modules_read(w->s, &w->layout, &mod);
	/* A module that is not formed yet has no memory of its own: the kernel hides it, too. */
	return mod.state == 'U' ? KCO_OK : w->add(w->arg, &mod);
}

enum kco_status linux_modules(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_module *mod),
			      void *arg, struct kco_err *err)
{
	struct modules_walk w = { .s = s, .add = add, .arg = arg };
	struct kco_err torn = KCO_ERR_INIT;
	uint64_t head;
	enum kco_status st = os_symbol(s, &head, err, "modules", NULL);

	if (!st)
		st = modules_layout(s, &w.layout, err);
	if (st)
		return st;
	st = linux_list_each(s, head, modules_node, &w, &torn);
	kco_addrset_fini(&w.seen);
	if (st)
		return kco_fail(err, st, "modules: %s", kco_status_name(st));
	s->modules_incomplete = torn.code != KCO_OK;
	if (torn.code)
		kco_session_warn(s, "modules may be missing: their list is torn: %s", torn.msg);
	return KCO_OK;
}
