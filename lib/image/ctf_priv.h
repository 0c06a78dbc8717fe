// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CTF inside: shared by ctf.c (records, answers), ctf_open.c (headers,
 * archives) and ctf_find.c (names, variables).
 */
#ifndef KCO_CTF_PRIV_H
#define KCO_CTF_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <kco/type.h>

#include "ctf.h"

/* The kinds' numbers in the file. */
enum ctf_kind {
	CTF_UNKNOWN, /* a hole in the numbers, or a type that CTF cannot say */
	CTF_INTEGER,
	CTF_FLOAT,
	CTF_POINTER,
	CTF_ARRAY,
	CTF_FUNCTION,
	CTF_STRUCT,
	CTF_UNION,
	CTF_ENUM,
	CTF_FORWARD,
	CTF_TYPEDEF,
	CTF_VOLATILE,
	CTF_CONST,
	CTF_RESTRICT,
	CTF_SLICE, /* GNU: some bits of another type */
	CTF_KIND_NR
};

/* Where the fields of a member lie in its record. */
struct ctf_member_form {
	uint8_t size, type, offset, offset_high; /* offset_high 0: none */
};

/* What differs between the versions: data. */
struct ctf_form {
	const char *name;
	uint16_t magic;
	uint8_t version;
	uint8_t header;	    /* bytes */
	uint8_t id;	    /* bytes of a type's number, and of info */
	uint8_t kind_shift; /* info: kind, one bit root, ..., vlen */
	uint32_t vlen_mask;
	uint32_t big;	    /* in place of a size: 64 bits of it follow */
	uint32_t lstruct;   /* structs from this size on have members of the long form */
	uint8_t args_align; /* the arguments of a function are a multiple of as many */
	uint32_t child;	    /* bit in the numbers of a child's own types */
	bool gnu;	    /* index sections, variables, slices, archives */
	struct ctf_member_form member, lmember;
};

#define CTF_STRIDE 8 /* types between two entries of the index */

struct ctf {
	struct kco_types base; /* first: types are cast to this */
	const struct ctf_form *form;
	const struct ctf *parent;
	struct kco_ctf_elf elf;
	uint8_t *data; /* owned: what follows the header */
	const uint8_t *types;
	uint32_t type_len;
	const char *strs; /* the last byte is NUL */
	uint32_t str_len;
	const uint8_t *objects; /* types of data objects, one an entry of the symbol table ... */
	uint32_t objects_len;
	const uint8_t *object_names; /* ... or of these names, when there are some */
	uint32_t object_names_len;
	const uint8_t *variables; /* GNU: name and type */
	uint32_t variables_len;
	bool dynamic;	   /* names and objects belong to the dynamic symbol table */
	bool child;	   /* its own types have form->child in their numbers */
	unsigned left_out; /* dictionaries of single files in the archive that are not looked at */
	uint32_t nr;	   /* types; the first is number 1 */
	uint32_t *index;   /* offset of types 1, 9, 17, ... */
	char why[80];	   /* why the types end before the section does, "" when they do not */
	bool roots;	   /* some type says that it is to be found by its name */
	/* ctf_find.c: made by the first find, on one thread. */
	uint32_t nr_named, nr_enums;
	uint32_t *slots; /* hash of names -> number of the type, 0 free */
	uint32_t mask;
	uint32_t *enums; /* numbers of all enums */
};

/** One type, decoded. */
struct ctf_type {
	uint32_t name;
	uint8_t kind;
	bool root;
	uint32_t vlen;
	uint32_t type;	     /* what it refers to, where it refers to one */
	uint64_t size;	     /* where it has one */
	const uint8_t *more; /* behind the common part */
	uint32_t next;	     /* offset of the following type */
};

/** Walk the types of @c itself: c->nr of them; do not go on behind the last. */
bool ctf_first(const struct ctf *c, struct ctf_type *t);
bool ctf_next(const struct ctf *c, struct ctf_type *t);
/** Walk all types once: count them, note where each eighth begins, and what else is worth knowing. */
enum kco_status ctf_scan(struct ctf *c, struct kco_err *err) KCO_MUST_USE;
/** Type @id, of @c or its parent; *@owner (may be NULL) is where it is, to which its names belong. */
enum kco_status ctf_get(const struct ctf *c, uint64_t id, const struct ctf **owner, struct ctf_type *t,
			struct kco_err *err) KCO_MUST_USE;
/** The name that @ref stands for, "" when it lies outside. */
const char *ctf_name(const struct ctf *c, uint32_t ref);
/** A number of a type at @p. */
uint32_t ctf_id_at(const struct ctf *c, const uint8_t *p);
/** The number that the rest of kcodbg knows a type by: 0 for void, which some encoders give a number. */
uint64_t ctf_void_is_0(const struct ctf *c, uint32_t id);
/** An INTEGER's or FLOAT's bits, where they begin, and how they are encoded (1 signed, 2 char, 4 bool). */
void ctf_encoding(const struct ctf_type *t, uint32_t *bits, uint32_t *offset, uint32_t *encoding);
/** Has the enum an enumerator below 0? Only then its type is taken for signed. */
bool ctf_enum_signed(const struct ctf_type *t);
/** Enumerator @index (below vlen) of enum @t. */
void ctf_enumerator_at(const struct ctf *owner, const struct ctf_type *t, uint32_t index, const char **name,
		       int64_t *value);
extern const struct kco_types_ops ctf_ops;
void ctf_free(struct kco_types *types);

enum kco_status ctf_find(struct kco_types *types, enum kco_type_kind kind, const char *name, uint64_t *id,
			 struct kco_err *err);
enum kco_status ctf_find_enumerator(struct kco_types *types, const char *name, int64_t *value, struct kco_err *err);
enum kco_status ctf_find_variable(struct kco_types *types, const char *name, uint64_t *id, struct kco_err *err);
enum kco_status ctf_each(struct kco_types *types, const char *prefix,
			 bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id), void *arg,
			 struct kco_err *err);
void ctf_find_fini(struct ctf *c);

#endif
