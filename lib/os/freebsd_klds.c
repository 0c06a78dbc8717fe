// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel modules: the list linker_files (sys/kern/kern_linker.c), a TAILQ of
 * struct linker_file, of which the kernel itself is the first.
 *
 *   linker_files.tqh_first -> linker_file.link.tqe_next -> ... 0
 *
 * filename and pathname are strings of the kernel's own memory. Without types
 * the offsets of the members are those that the kernel keeps for kgdb
 * (kld_off_next and others in the same file).
 */
#include "freebsd_process.h"

#include <inttypes.h>

#include <kco/mem.h>

#include "addrset.h"
#include "freebsd_klds.h"

#define KLDS_MAX 65536
#define KLDS_NAME 256
#define KLDS_PATH 1024
#define KLDS_OFFSET_MAX 4096

struct klds_layout {
	struct kco_field next, name, path, address, size;
	bool has_path;
};

/* A member whose offset the kernel keeps for debuggers, in a variable of that name. */
static enum kco_status klds_offset(struct kco_session *s, const char *variable, struct kco_field *field,
				   struct kco_err *err)
{
	uint64_t offset;
	enum kco_status st = os_variable(s, variable, 4, &offset, err);

	if (!st && offset > KLDS_OFFSET_MAX)
		st = kco_fail(err, KCO_E_CORRUPT, "%s is %" PRIu64, variable, offset);
	if (!st)
		*field = (struct kco_field){ .offset = offset, .size = s->arch->ptr_size };
	return st;
}

/* Without types. The size has been behind the address in each struct linker_file since FreeBSD 3. */
static enum kco_status klds_layout_untyped(struct kco_session *s, struct klds_layout *l, struct kco_err *err)
{
	enum kco_status st = klds_offset(s, "kld_off_next", &l->next, err);

	if (!st)
		st = klds_offset(s, "kld_off_filename", &l->name, err);
	if (!st)
		st = klds_offset(s, "kld_off_address", &l->address, err);
	l->size = l->address;
	l->size.offset += s->arch->ptr_size;
	l->has_path = !st && !klds_offset(s, "kld_off_pathname", &l->path, NULL);
	return st;
}

static enum kco_status klds_layout(struct kco_session *s, struct klds_layout *l, struct kco_err *err)
{
	enum kco_status st = os_field(s, "linker_file", &l->next, err, "link.tqe_next", NULL);

	if (!st)
		st = os_field(s, "linker_file", &l->name, err, "filename", NULL);
	if (!st)
		st = os_field(s, "linker_file", &l->address, err, "address", NULL);
	if (!st)
		st = os_field(s, "linker_file", &l->size, err, "size", NULL);
	l->has_path = !os_field(s, "linker_file", &l->path, NULL, "pathname", NULL);
	return st;
}

static void klds_read_path(struct kco_session *s, const struct klds_layout *l, struct kco_module *mod)
{
	char path[KLDS_PATH];
	uint64_t text;

	if (l->has_path && !kco_kread_field(s, mod->addr, &l->path, &text, NULL) && text &&
	    !kco_vread_str(s->mem, &s->kernel, text, path, sizeof(path), NULL) && *path)
		mod->path = kco_session_text(s, "%s", path);
}

static void klds_read(struct kco_session *s, const struct klds_layout *l, struct kco_module *mod)
{
	struct kco_err err = KCO_ERR_INIT;
	char name[KLDS_NAME] = "";
	uint64_t text;
	enum kco_status st = kco_kread_field(s, mod->addr, &l->name, &text, &err);

	mod->state = 'L';
	if (!st)
		st = kco_vread_str(s->mem, &s->kernel, text, name, sizeof(name), &err);
	mod->name = kco_session_text(s, "%s", name);
	if (!st)
		st = kco_kread_field(s, mod->addr, &l->address, &mod->base, &err);
	if (!st)
		st = kco_kread_field(s, mod->addr, &l->size, &mod->size, &err);
	if (!st && mod->size > UINT64_MAX - mod->base)
		st = kco_fail(&err, KCO_E_CORRUPT, "0x%" PRIx64 " bytes at 0x%" PRIx64 " make no sense", mod->size,
			      mod->base);
	if (!st && mod->size) {
		mod->mem[0].base = mod->base;
		mod->mem[0].size = mod->size;
		mod->nr_mem = 1;
	}
	if (st) {
		mod->base = mod->size = 0;
		mod->status = st;
		mod->why = kco_session_text(s, "%s", err.msg);
		return;
	}
	klds_read_path(s, l, mod);
}

/* KCO_OK: it went to the end. */
static enum kco_status klds_walk(struct kco_session *s, const struct klds_layout *l, uint64_t head,
				 struct kco_addrset *seen,
				 enum kco_status (*add)(void *arg, const struct kco_module *mod), void *arg,
				 struct kco_err *torn)
{
	uint64_t file;
	enum kco_status st = kco_kread_uint(s, head, s->arch->ptr_size, &file, torn);

	for (uint32_t n = 0; !st && file; n++) {
		struct kco_module mod = { .addr = file };

		if (n == KLDS_MAX)
			return kco_fail(torn, KCO_E_CORRUPT, "it does not end");
		st = kco_addrset_add(seen, file);
		if (st == KCO_DONE)
			return kco_fail(torn, KCO_E_CORRUPT, "it runs in a circle at 0x%" PRIx64, file);
		if (st)
			return st;
		klds_read(s, l, &mod);
		/* The kernel's own file: the list's head lies in it. */
		if (!mod.size || head < mod.base || head - mod.base >= mod.size) {
			freebsd_kld_load(s, &mod);
			st = add(arg, &mod);
		}
		if (st)
			return st;
		st = kco_kread_field(s, file, &l->next, &file, torn);
	}
	return torn->code ? torn->code : st;
}

enum kco_status freebsd_klds(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_module *mod),
			     void *arg, struct kco_err *err)
{
	struct kco_err torn = KCO_ERR_INIT;
	struct kco_addrset seen = { 0 };
	struct klds_layout l;
	uint64_t head;
	enum kco_status st = os_symbol(s, &head, err, "linker_files", NULL);

	if (!st && kco_session_need(s, KCO_NEED_TYPES, NULL) && klds_layout_untyped(s, &l, NULL))
		st = kco_session_need(s, KCO_NEED_TYPES, err); // the reason that a user can do something about
	else if (!st && s->types)
		st = klds_layout(s, &l, err);
	if (st)
		return st;
	st = klds_walk(s, &l, head, &seen, add, arg, &torn);
	kco_addrset_fini(&seen);
	if (st && !torn.code)
		return kco_fail(err, st, "modules: %s", kco_status_name(st));
	s->modules_incomplete = torn.code != KCO_OK;
	if (torn.code)
		kco_session_warn(s, "modules may be missing: their list is torn: %s", torn.msg);
	return KCO_OK;
}
