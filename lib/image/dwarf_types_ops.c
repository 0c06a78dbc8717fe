// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The type source "dwarf": what struct kco_types_ops promises, each operation
 * under the debug information's lock.
 */
#include "dwarf_types.h"

#include <stdlib.h>
#include <string.h>

static struct kco_dwarf_types *dwarf_types_ops_of(const struct kco_types *base)
{
	return (struct kco_dwarf_types *)base;
}

static enum kco_status dwarf_types_ops_find(struct kco_types *base, enum kco_type_kind kind, const char *name,
					    uint64_t *id, struct kco_err *err)
{
	static const struct {
		enum kco_type_kind kind;
		enum kco_dwarf_name_kind name;
	} kinds[] = {
		{ KCO_TYPE_STRUCT, KCO_DWARF_STRUCT }, { KCO_TYPE_UNION, KCO_DWARF_UNION },
		{ KCO_TYPE_ENUM, KCO_DWARF_ENUM },     { KCO_TYPE_TYPEDEF, KCO_DWARF_TYPEDEF },
		{ KCO_TYPE_INT, KCO_DWARF_BASE },      { KCO_TYPE_FLOAT, KCO_DWARF_BASE },
	};
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	enum kco_status st = kco_fail(err, KCO_E_NOTYPE, "no %s in the DWARF", name);
	Dwarf_Die die;

	pthread_mutex_lock(&t->di->lock);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && st == KCO_E_NOTYPE; i++) {
		if (kind != KCO_TYPE_VOID && kind != kinds[i].kind)
			continue;
		st = kco_dwarf_names_find(t->di, kinds[i].name, name, &die, err);
		if (!st && kinds[i].name == KCO_DWARF_BASE && kco_dwarf_type_kind(&die) != kinds[i].kind)
			st = kco_fail(err, KCO_E_NOTYPE, "no %s in the DWARF", name);
	}
	if (!st)
		st = kco_dwarf_type_id(t, &die, id, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status dwarf_types_ops_info(const struct kco_types *base, uint64_t id, struct kco_type_info *info,
					    struct kco_err *err)
{
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	enum kco_status st;

	*info = (struct kco_type_info){ .kind = KCO_TYPE_VOID, .name = "", .target.types = base };
	if (!id)
		return KCO_OK;
	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_type_info(t, id, info, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status dwarf_types_ops_member(const struct kco_types *base, uint64_t id, uint32_t index,
					      struct kco_member *member, struct kco_err *err)
{
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	enum kco_status st;

	*member = (struct kco_member){ .name = "", .type.types = base };
	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_type_member(t, id, index, member, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status dwarf_types_ops_enumerator(const struct kco_types *base, uint64_t id, uint32_t index,
						  const char **name, int64_t *value, struct kco_err *err)
{
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	enum kco_status st;
	Dwarf_Die die;

	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_type_list_at(t, id, true, index, &die, err);
	if (!st) {
		*name = dwarf_diename(&die);
		if (!*name)
			*name = "";
		st = kco_dwarf_enumerator_value(t->di, &die, value, err);
	}
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status dwarf_types_ops_find_enumerator(struct kco_types *base, const char *name, int64_t *value,
						       struct kco_err *err)
{
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	enum kco_status st;
	Dwarf_Die die;

	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_names_find(t->di, KCO_DWARF_ENUMERATOR, name, &die, err);
	if (!st)
		st = kco_dwarf_enumerator_value(t->di, &die, value, err);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status dwarf_types_ops_find_variable(struct kco_types *base, const char *name, uint64_t *id,
						     struct kco_err *err)
{
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	enum kco_status st;
	Dwarf_Die die, target;

	pthread_mutex_lock(&t->di->lock);
	st = kco_dwarf_names_find(t->di, KCO_DWARF_VARIABLE, name, &die, err);
	if (!st)
		st = kco_dwarf_type_target(t, &die, &target, id, err);
	if (!st && !*id)
		st = kco_fail(err, KCO_E_NOTYPE, "%s: variable '%s' has no type", t->di->path, name);
	pthread_mutex_unlock(&t->di->lock);
	return st;
}

static enum kco_status dwarf_types_ops_each(struct kco_types *base, const char *prefix,
					    bool (*fn)(void *arg, enum kco_type_kind kind, const char *name,
						       uint64_t id),
					    void *arg, struct kco_err *err)
{
	static const enum kco_type_kind kinds[] = {
		[KCO_DWARF_STRUCT] = KCO_TYPE_STRUCT,
		[KCO_DWARF_UNION] = KCO_TYPE_UNION,
		[KCO_DWARF_ENUM] = KCO_TYPE_ENUM,
		[KCO_DWARF_TYPEDEF] = KCO_TYPE_TYPEDEF,
	};
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);
	size_t cursor = 0, n = strlen(prefix);
	enum kco_dwarf_name_kind kind;
	enum kco_status st;
	const char *name;
	Dwarf_Die die;
	uint64_t id;

	for (;;) {
		// Not locked while @fn runs: it may ask for more.
		pthread_mutex_lock(&t->di->lock);
		do {
			st = kco_dwarf_names_next(t->di, &cursor, &kind, &die, err);
			name = st ? NULL : dwarf_diename(&die);
		} while (name && strncmp(name, prefix, n) != 0);
		if (!st && name)
			st = kco_dwarf_type_id(t, &die, &id, err);
		pthread_mutex_unlock(&t->di->lock);
		if (st)
			return st == KCO_DONE ? KCO_OK : st;
		if (name && !fn(arg, kinds[kind], name, id))
			return KCO_OK;
	}
}

static void dwarf_types_ops_free(struct kco_types *base)
{
	struct kco_dwarf_types *t = dwarf_types_ops_of(base);

	kco_arena_fini(&t->arena);
	free(t);
}

static const struct kco_types_ops dwarf_types_ops_table = {
	.name = "dwarf",
	.find = dwarf_types_ops_find,
	.info = dwarf_types_ops_info,
	.member = dwarf_types_ops_member,
	.enumerator = dwarf_types_ops_enumerator,
	.find_enumerator = dwarf_types_ops_find_enumerator,
	.find_variable = dwarf_types_ops_find_variable,
	.each = dwarf_types_ops_each,
	.free = dwarf_types_ops_free,
};

enum kco_status kco_debuginfo_types_new(struct kco_debuginfo *di, struct kco_types **ret, struct kco_err *err)
{
	struct kco_dwarf_types *t;
	enum kco_status st;
	Dwarf *dwarf;

	*ret = NULL;
	pthread_mutex_lock(&di->lock);
	st = kco_debuginfo_dwarf(di, &dwarf, err);
	pthread_mutex_unlock(&di->lock);
	if (st == KCO_E_NOSYM) {
		if (err)
			err->code = KCO_E_NOTYPE;
		return KCO_E_NOTYPE;
	}
	if (st)
		return st;
	t = calloc(1, sizeof(*t));
	if (!t)
		return kco_fail(err, KCO_E_NOMEM, "types from DWARF: out of memory");
	t->base.ops = &dwarf_types_ops_table;
	t->di = di;
	kco_arena_init(&t->arena);
	*ret = &t->base;
	return KCO_OK;
}
