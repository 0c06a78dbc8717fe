// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols of Linux's modules.
 *
 * A module keeps its symbols as struct mod_kallsyms (since Linux
 * 8244062ef1e5, v4.5).
 */
#include "linux.h"

#include "kallsyms.h"
#include "modsyms.h"

#define MODSYMS_MAX (1u << 22)

static enum kco_status modsyms_one(struct kco_session *s, const struct kco_module *mod, struct kco_symbol_source **ret)
{
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

enum kco_status linux_module_symbols(struct kco_session *s, struct kco_symbol_source **ret, struct kco_err *err)
{
	return os_modsyms_new(s, modsyms_one, ret, err);
}
