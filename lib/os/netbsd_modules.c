// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetBSD's loaded modules: the list module_list (sys/kern/kern_module.c), a
 * TAILQ of struct module.
 *
 *   module_list.tqh_first -> module.mod_chain.tqe_next -> ... 0
 *   module.mod_info -> modinfo_t.mi_name      module.mod_kobj -> struct kobj (sys/sys/kobj_impl.h)
 *
 * A kobj has one piece of memory (ko_address, ko_size), or, since NetBSD 8,
 * one each for text, data and read-only data.
 */
#include "bsd.h"

#include <inttypes.h>

#include <kco/mem.h>

#include "addrset.h"

#define MODULES_NAME 256

static void modules_piece(struct kco_session *s, uint64_t kobj, const char *address, const char *size,
			  struct kco_module *mod)
{
	uint64_t base, n;

	if (os_read(s, "kobj", kobj, address, &base, NULL) || os_read(s, "kobj", kobj, size, &n, NULL) || !base || !n ||
	    n > UINT64_MAX - base || mod->nr_mem == KCO_MODULE_MEM_MAX)
		return;
	mod->mem[mod->nr_mem].base = base;
	mod->mem[mod->nr_mem++].size = n;
	mod->size += n;
}

static void modules_read(struct kco_session *s, struct kco_module *mod)
{
	struct kco_err err = KCO_ERR_INIT;
	char name[MODULES_NAME] = "";
	struct kco_field f;
	uint64_t info, text, kobj;
	enum kco_status st = os_read(s, "module", mod->addr, "mod_info", &info, &err);

	mod->state = 'L';
	if (!st) // modinfo_t is a typedef of struct modinfo
		st = os_field(s, "modinfo", &f, &err, "mi_name", NULL);
	if (!st)
		st = kco_kread_field(s, info, &f, &text, &err);
	if (!st)
		st = kco_vread_str(s->mem, &s->kernel, text, name, sizeof(name), &err);
	mod->name = kco_session_text(s, "%s", name);
	if (!st)
		st = os_read(s, "module", mod->addr, "mod_kobj", &kobj, &err);
	// A module of the kernel's own image has none.
	if (!st && kobj) {
		modules_piece(s, kobj, "ko_text_address", "ko_text_size", mod);
		modules_piece(s, kobj, "ko_data_address", "ko_data_size", mod);
		modules_piece(s, kobj, "ko_rodata_address", "ko_rodata_size", mod);
		if (!mod->nr_mem)
			modules_piece(s, kobj, "ko_address", "ko_size", mod);
		mod->base = mod->mem[0].base;
		mod->text_size = mod->mem[0].size;
	}
	if (st) {
		mod->status = st;
		mod->why = kco_session_text(s, "%s", err.msg);
	}
}

static enum kco_status modules_walk(struct kco_session *s, uint64_t head, const struct kco_field *next,
				    struct kco_addrset *seen,
				    enum kco_status (*add)(void *arg, const struct kco_module *mod), void *arg,
				    struct kco_err *torn)
{
	uint64_t addr;
	enum kco_status st = kco_kread_uint(s, head, 8, &addr, torn);

	while (!st && addr) {
		struct kco_module mod = { .addr = addr };

		st = kco_addrset_add(seen, addr);
		if (st == KCO_DONE)
			return kco_fail(torn, KCO_E_CORRUPT, "it runs in a circle at %#" PRIx64, addr);
		if (st)
			return st;
		modules_read(s, &mod);
		st = add(arg, &mod);
		if (!st)
			st = kco_kread_field(s, addr, next, &addr, torn);
	}
	return st;
}

enum kco_status netbsd_modules(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_module *mod),
			       void *arg, struct kco_err *err)
{
	struct kco_err torn = KCO_ERR_INIT;
	struct kco_addrset seen = { 0 };
	struct kco_field next;
	uint64_t head;
	enum kco_status st = os_symbol(s, &head, err, "module_list", NULL);

	if (!st)
		st = os_field(s, "module", &next, err, "mod_chain.tqe_next", NULL);
	if (st)
		return st;
	st = modules_walk(s, head, &next, &seen, add, arg, &torn);
	kco_addrset_fini(&seen);
	if (st && !torn.code)
		return kco_fail(err, st, "modules: %s", kco_status_name(st));
	s->modules_incomplete = torn.code != KCO_OK;
	if (torn.code)
		kco_session_warn(s, "modules may be missing: module_list is torn: %s", torn.msg);
	return KCO_OK;
}
