// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding types in CTF by name, and variables' types.
 *
 * The first find makes, in one pass, a hash table of the names of types and a
 * list of the enums; enumerators are searched enum by enum.
 *
 * A root type is the one that its name means; others of the name are hidden
 * (a bit-field's INTEGER, what another file has under the same name). Some
 * encoders mark none as root: then all may be found.
 *
 * Variables have no names in .SUNW_ctf: the data objects are in the order of
 * the symbol table, those skipped that illumos' and FreeBSD's libctf skip
 * (undefined, without a name, _START_ and _END_, absolute ones that are 0).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <elf.h>
#include <xxhash.h>

#include <kco/endian.h>

#include "ctf_priv.h"

#define FIND_PROBES 256 /* crafted names may meet in one slot: bounded */

/* The kind that a find asks for when it means this type; VOID: not to be found by name. */
static enum kco_type_kind find_kind(const struct ctf_type *t)
{
	switch (t->kind) {
	case CTF_INTEGER:
		return KCO_TYPE_INT;
	case CTF_FLOAT:
		return KCO_TYPE_FLOAT;
	case CTF_STRUCT:
		return KCO_TYPE_STRUCT;
	case CTF_UNION:
		return KCO_TYPE_UNION;
	case CTF_ENUM:
		return KCO_TYPE_ENUM;
	case CTF_TYPEDEF:
		return KCO_TYPE_TYPEDEF;
	}
	return KCO_TYPE_VOID;
}

/* Whether its name is for others to find. */
static bool find_is_open(const struct ctf *c, const struct ctf_type *t)
{
	uint32_t bits, offset, encoding;

	if (c->roots)
		return t->root;
	if (t->kind != CTF_INTEGER)
		return true;
	ctf_encoding(t, &bits, &offset, &encoding);
	return bits == t->size * 8 || encoding & 4;
}

static uint32_t find_hash(const char *name)
{
	return (uint32_t)XXH3_64bits(name, strlen(name));
}

static enum kco_status find_build(struct ctf *c, struct kco_err *err)
{
	uint32_t cap = 64, nr_enums = 0;
	struct ctf_type t;
	bool more;

	if (c->slots)
		return KCO_OK;
	while (cap < c->nr_named * UINT64_C(2))
		cap *= 2;
	c->slots = calloc(cap, sizeof(*c->slots));
	c->enums = malloc(((size_t)c->nr_enums + 1) * sizeof(*c->enums));
	if (!c->slots || !c->enums) {
		ctf_find_fini(c);
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	}
	c->mask = cap - 1;
	more = ctf_first(c, &t);
	for (uint32_t i = 1; more && i <= c->nr; i++, more = ctf_next(c, &t)) {
		const char *name;
		uint32_t slot;

		if (t.kind == CTF_ENUM)
			c->enums[nr_enums++] = i;
		if (find_kind(&t) == KCO_TYPE_VOID || !find_is_open(c, &t))
			continue;
		name = ctf_name(c, t.name);
		if (!name[0])
			continue;
		slot = find_hash(name) & c->mask;
		for (unsigned probe = 0; c->slots[slot] && probe < FIND_PROBES; probe++)
			slot = (slot + 1) & c->mask;
		if (!c->slots[slot])
			c->slots[slot] = i;
	}
	return KCO_OK;
}

static uint64_t find_number(const struct ctf *c, uint32_t i)
{
	return c->child ? (uint64_t)i | c->form->child : i;
}

/* The first type of @c itself with this name, of @kind (VOID: any). */
static bool find_own(const struct ctf *c, enum kco_type_kind kind, const char *name, uint64_t *id)
{
	uint32_t slot = find_hash(name) & c->mask;
	struct ctf_type t;

	for (unsigned probe = 0; c->slots[slot] && probe <= FIND_PROBES; probe++, slot = (slot + 1) & c->mask) {
		*id = find_number(c, c->slots[slot]);
		if (ctf_get(c, *id, NULL, &t, NULL) || strcmp(ctf_name(c, t.name), name) != 0)
			continue;
		if (kind == KCO_TYPE_VOID || kind == find_kind(&t))
			return true;
	}
	return false;
}

static const char *find_word(enum kco_type_kind kind)
{
	switch (kind) {
	case KCO_TYPE_STRUCT:
		return "struct ";
	case KCO_TYPE_UNION:
		return "union ";
	case KCO_TYPE_ENUM:
		return "enum ";
	default:
		return "";
	}
}

static enum kco_status find_none(const struct ctf *c, const char *what, const char *name, struct kco_err *err)
{
	if (c->why[0])
		return kco_fail(err, KCO_E_NOTYPE, "no %s%s in what could be read of the CTF: %s", what, name, c->why);
	if (c->left_out)
		return kco_fail(err, KCO_E_NOTYPE,
				"no %s%s in the CTF that all files share (%u files have types of their own, which are "
				"not read)",
				what, name, c->left_out);
	return kco_fail(err, KCO_E_NOTYPE, "no %s%s in the CTF", what, name);
}

enum kco_status ctf_find(struct kco_types *types, enum kco_type_kind kind, const char *name, uint64_t *id,
			 struct kco_err *err)
{
	for (struct ctf *c = (struct ctf *)types; c; c = (struct ctf *)c->parent) {
		enum kco_status st = find_build(c, err);

		if (st)
			return st;
		if (find_own(c, kind, name, id))
			return KCO_OK;
	}
	return find_none((struct ctf *)types, find_word(kind), name, err);
}

/* Whoever asks looks at all enums for most names: nothing but names is decoded on the way. */
static bool find_in_enum(const struct ctf *c, const struct ctf_type *t, const char *name, int64_t *value)
{
	for (uint32_t k = 0; k < t->vlen; k++) {
		const char *found = ctf_name(c, kco_le32(t->more + (size_t)k * 8));

		if (found[0] != name[0] || strcmp(found, name) != 0)
			continue;
		ctf_enumerator_at(c, t, k, &found, value);
		return true;
	}
	return false;
}

enum kco_status ctf_find_enumerator(struct kco_types *types, const char *name, int64_t *value, struct kco_err *err)
{
	for (struct ctf *c = (struct ctf *)types; c; c = (struct ctf *)c->parent) {
		enum kco_status st = find_build(c, err);

		if (st)
			return st;
		for (uint32_t i = 0; i < c->nr_enums; i++) {
			struct ctf_type t;

			if (!ctf_get(c, find_number(c, c->enums[i]), NULL, &t, NULL) &&
			    find_in_enum(c, &t, name, value))
				return KCO_OK;
		}
	}
	return find_none((struct ctf *)types, "enumerator ", name, err);
}

/* GNU: names and types, side by side. */
static bool find_variable_named(const struct ctf *c, const char *name, uint32_t *id)
{
	for (uint32_t at = 0; c->variables_len - at >= 8; at += 8) {
		if (strcmp(ctf_name(c, kco_le32(c->variables + at)), name) != 0)
			continue;
		*id = kco_le32(c->variables + at + 4);
		return *id;
	}
	return false;
}

/* GNU: objects with an index of names. */
static bool find_object_indexed(const struct ctf *c, const char *name, uint32_t *id)
{
	uint32_t n = (c->objects_len < c->object_names_len ? c->objects_len : c->object_names_len) / 4;

	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(ctf_name(c, kco_le32(c->object_names + (size_t)i * 4)), name) != 0)
			continue;
		*id = kco_le32(c->objects + (size_t)i * 4);
		return *id;
	}
	return false;
}

/* A symbol as the order of data objects sees it. False: it has no place there. */
static bool find_symbol(const struct ctf *c, const struct kco_ctf_symtab *table, const uint8_t *sym, const char **name)
{
	uint32_t off = kco_le32(sym);
	uint8_t info = c->elf.elf64 ? sym[4] : sym[12];
	uint16_t section = kco_le16(c->elf.elf64 ? sym + 6 : sym + 14);
	uint64_t value = c->elf.elf64 ? kco_le64(sym + 8) : kco_le32(sym + 4);

	*name = off < table->strs_size ? table->strs + off : "";
	return (info & 0xf) == STT_OBJECT && off && section != SHN_UNDEF && !(section == SHN_ABS && !value) &&
	       strcmp(*name, "_START_") != 0 && strcmp(*name, "_END_") != 0;
}

/* By the order of the symbol table. The first of the name that has a type. */
static bool find_object_ordered(const struct ctf *c, const char *name, uint32_t *id)
{
	const struct kco_ctf_symtab *table = c->dynamic ? &c->elf.dynsym : &c->elf.symtab;
	size_t step = c->elf.elf64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const char *found;
	uint32_t at = 0;

	for (size_t i = 0; i < table->syms_size / step && c->objects_len - at >= c->form->id; i++) {
		if (!find_symbol(c, table, (const uint8_t *)table->syms + i * step, &found))
			continue;
		*id = ctf_id_at(c, c->objects + at);
		at += c->form->id;
		if (*id && strcmp(found, name) == 0)
			return true;
	}
	return false;
}

enum kco_status ctf_find_variable(struct kco_types *types, const char *name, uint64_t *id, struct kco_err *err)
{
	uint32_t number;

	for (const struct ctf *c = (struct ctf *)types; c; c = c->parent) {
		bool found = find_variable_named(c, name, &number);

		if (!found && c->object_names_len)
			found = find_object_indexed(c, name, &number);
		else if (!found)
			found = find_object_ordered(c, name, &number);
		if (found) {
			*id = number;
			return KCO_OK;
		}
	}
	return find_none((struct ctf *)types, "variable ", name, err);
}

enum kco_status ctf_each(struct kco_types *types, const char *prefix,
			 bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id), void *arg,
			 struct kco_err *err)
{
	size_t n = strlen(prefix);

	(void)err;
	for (const struct ctf *c = (struct ctf *)types; c; c = c->parent) {
		struct ctf_type t;
		bool more = ctf_first(c, &t);

		for (uint32_t i = 1; more && i <= c->nr; i++, more = ctf_next(c, &t)) {
			enum kco_type_kind kind = find_kind(&t);
			const char *name = ctf_name(c, t.name);

			if (kind == KCO_TYPE_VOID || kind == KCO_TYPE_INT || kind == KCO_TYPE_FLOAT)
				continue;
			if (!name[0] || strncmp(name, prefix, n) != 0 || !find_is_open(c, &t))
				continue;
			if (!fn(arg, kind, name, find_number(c, i)))
				return KCO_OK;
		}
	}
	return KCO_OK;
}

void ctf_find_fini(struct ctf *c)
{
	free(c->slots);
	free(c->enums);
	c->slots = NULL;
	c->enums = NULL;
}
