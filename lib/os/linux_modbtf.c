// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module's own types: split BTF, which goes on where the kernel's ends.
 *
 * The section a module was loaded with is not kept (module.btf_data is cleared
 * when its init is done), but what the kernel parsed of it is: since Linux
 * 36e68442d1af (v5.11) the list btf_modules holds a struct btf_module for each,
 * with the module and a struct btf whose data and data_size are the bytes.
 */
#include "linux.h"

#include <inttypes.h>

#include "btf.h"
#include "bulk.h"

#define MODBTF_MAX (64u << 20)

struct modbtf_find {
	struct kco_session *s;
	struct kco_field list, module, btf;
	uint64_t wanted; /* a struct module */
	uint64_t found;	 /* its struct btf */
	uint32_t steps;
};

static enum kco_status modbtf_node(void *arg, uint64_t node)
{
	struct modbtf_find *f = arg;
	uint64_t module, at = node - f->list.offset;

	/* More entries than there can be modules: it runs in a circle. */
	if (f->found || ++f->steps > 65536)
		return KCO_DONE;
	if (!kco_kread_field(f->s, at, &f->module, &module, NULL) && module == f->wanted &&
	    kco_kread_field(f->s, at, &f->btf, &f->found, NULL))
		f->found = 0;
	return KCO_OK;
}

/* The struct btf of the module at @addr. */
static enum kco_status modbtf_find(struct kco_session *s, const struct kco_module *mod, uint64_t *btf,
				   struct kco_err *err)
{
	struct modbtf_find f = { .s = s, .wanted = mod->addr };
	struct kco_err torn;
	uint64_t head;
	enum kco_status st = os_symbol(s, &head, err, "btf_modules", NULL);

	if (!st)
		st = os_field(s, "btf_module", &f.list, err, "list", NULL);
	if (!st)
		st = os_field(s, "btf_module", &f.module, err, "module", NULL);
	if (!st)
		st = os_field(s, "btf_module", &f.btf, err, "btf", NULL);
	if (!st)
		st = linux_list_each(s, head, modbtf_node, &f, &torn);
	if (st)
		return st;
	*btf = f.found;
	if (f.found)
		return KCO_OK;
	return kco_fail(err, KCO_E_NOTYPE, "module %s has no BTF", mod->name);
}

enum kco_status linux_module_btf(struct kco_session *s, const struct kco_module *mod, uint64_t *addr, uint64_t *size,
				 struct kco_err *err)
{
	struct kco_field data, data_size;
	uint64_t btf;
	enum kco_status st = modbtf_find(s, mod, &btf, err);

	if (!st)
		st = os_field(s, "btf", &data, err, "data", NULL);
	if (!st)
		st = os_field(s, "btf", &data_size, err, "data_size", NULL);
	if (!st)
		st = kco_kread_field(s, btf, &data, addr, err);
	if (!st)
		st = kco_kread_field(s, btf, &data_size, size, err);
	if (!st && (!*size || *size > MODBTF_MAX))
		st = kco_fail(err, KCO_E_CORRUPT, "module %s: %" PRIu64 " bytes of BTF make no sense", mod->name,
			      *size);
	return st;
}

enum kco_status linux_module_types(struct kco_session *s, const struct kco_module *mod, struct kco_types **ret,
				   struct kco_err *err)
{
	uint64_t at, size;
	void *bytes;
	enum kco_status st = linux_module_btf(s, mod, &at, &size, err);

	if (st)
		return st;
	st = kco_kread_bulk_new(s, at, size, &bytes, err);
	if (st)
		return kco_context(err, st, "types of module %s", mod->name);
	return kco_btf_new_take(bytes, size, s->types, s->arch->ptr_size, ret, err);
}
