// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF inside: shared by btf.c (parsing, answers) and btf_find.c (names).
 */
#ifndef KCO_BTF_PRIV_H
#define KCO_BTF_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <kco/type.h>

/* The kinds' numbers in the file. */
enum btf_kind {
	BTF_INT = 1,
	BTF_PTR,
	BTF_ARRAY,
	BTF_STRUCT,
	BTF_UNION,
	BTF_ENUM,
	BTF_FWD,
	BTF_TYPEDEF,
	BTF_VOLATILE,
	BTF_CONST,
	BTF_RESTRICT,
	BTF_FUNC,
	BTF_FUNC_PROTO,
	BTF_VAR,
	BTF_DATASEC,
	BTF_FLOAT,
	BTF_DECL_TAG,
	BTF_TYPE_TAG,
	BTF_ENUM64,
	BTF_KIND_NR
};

#define BTF_STRIDE 8 /* types between two entries of the index */

struct btf {
	struct kco_types base; /* first: types are cast to this */
	uint8_t *data;	       /* owned */
	const uint8_t *types;
	const char *strs; /* the last byte is NUL */
	uint32_t type_len, str_len;
	const struct btf *parent; /* of a split BTF */
	uint32_t first_id;	  /* number of the first type */
	uint32_t str_base;	  /* string offsets below belong to the parent */
	uint32_t nr;		  /* types */
	uint32_t *index;	  /* offset of types 0, 8, 16, ... */
	unsigned ptr_size;
	bool enum_signs; /* some enum says that it is signed: those that do not are not */
	char why[80];	 /* why the types end before the section does, "" when they do not */
	/* btf_find.c: made by the first find, on one thread. */
	uint32_t nr_named, nr_enums;
	uint32_t *slots; /* hash of names -> type number - first_id + 1, 0 free */
	uint32_t mask;
	uint32_t *enums; /* offsets of all enums */
};

/** One type, decoded. */
struct btf_type {
	uint32_t name_off;
	uint8_t kind;
	bool flag;
	uint32_t vlen;
	uint32_t size_or_type;
	const uint8_t *more; /* behind the common part */
	uint32_t next;	     /* offset of the following type */
};

/** Walk the types of @b itself: b->nr of them; do not go on behind the last. */
bool btf_first(const struct btf *b, struct btf_type *t);
bool btf_next(const struct btf *b, struct btf_type *t);
/** Type @id, of @b or its base; *@owner (may be NULL) is where it is, to which its names belong. */
enum kco_status btf_get(const struct btf *b, uint64_t id, const struct btf **owner, struct btf_type *t,
			struct kco_err *err) KCO_MUST_USE;
/** The string at @off, "" when it lies outside. */
const char *btf_name(const struct btf *b, uint32_t off);
/** Enumerator @index (below vlen) of enum @t. */
void btf_enumerator_at(const struct btf *owner, const struct btf_type *t, uint32_t index, const char **name,
		       int64_t *value);

enum kco_status btf_find(struct kco_types *types, enum kco_type_kind kind, const char *name, uint64_t *id,
			 struct kco_err *err);
enum kco_status btf_find_enumerator(struct kco_types *types, const char *name, int64_t *value, struct kco_err *err);
enum kco_status btf_find_variable(struct kco_types *types, const char *name, uint64_t *id, struct kco_err *err);
enum kco_status btf_each(struct kco_types *types, const char *prefix,
			 bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id), void *arg,
			 struct kco_err *err);
void btf_find_fini(struct btf *b);

#endif
