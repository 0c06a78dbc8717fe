// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types behind one interface with three sources: BTF (from the dump), DWARF and
 * CTF (from the kernel's file). Whatever asks here gets the same answer from each.
 */
#ifndef KCO_TYPE_H
#define KCO_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>

enum kco_type_kind {
	KCO_TYPE_VOID,
	KCO_TYPE_INT, /* integers, bool, char */
	KCO_TYPE_FLOAT,
	KCO_TYPE_POINTER,
	KCO_TYPE_ARRAY,
	KCO_TYPE_STRUCT,
	KCO_TYPE_UNION,
	KCO_TYPE_ENUM,
	KCO_TYPE_TYPEDEF,
	KCO_TYPE_QUALIFIER, /* const, volatile, restrict, tags: look at target */
	KCO_TYPE_FUNCTION,
	KCO_TYPE_FORWARD, /* declared only */
};

struct kco_types;

/** A type in a source. id 0 is void. Two ids may name equal types. */
struct kco_type {
	const struct kco_types *types;
	uint64_t id;
};

struct kco_type_info {
	enum kco_type_kind kind;
	const char *name;	/* borrowed from the source; NULL or "" when anonymous */
	uint64_t size;		/* bytes; pointers and arrays too */
	uint32_t nr_members;	/* members, or enumerators */
	bool is_signed;		/* integers and enums */
	uint64_t nr_elements;	/* arrays */
	struct kco_type target; /* pointers, arrays, typedefs, qualifiers, functions (result) */
};

struct kco_member {
	const char *name; /* "" for an anonymous struct or union */
	struct kco_type type;
	uint64_t bit_offset;
	uint32_t bit_size; /* 0: not a bit-field */
};

/** A member found by its path: what reading it takes. */
struct kco_field {
	uint64_t offset;   /* bytes from the start of the outermost struct */
	uint32_t size;	   /* bytes to read */
	uint8_t bit_shift; /* bit-fields: shift right after a little-endian load of size bytes ... */
	uint8_t bit_size;  /* ... and keep that many bits; 0: not a bit-field */
	bool is_signed;
	struct kco_type type;
};

/** A source's table: BTF, DWARF or CTF. All are called through the wrappers below. */
struct kco_types_ops {
	const char *name; /* "btf", "dwarf", "ctf" */
	/* A complete struct, union, enum, typedef or base type by name. @kind narrows struct/union/enum/typedef/int. */
	enum kco_status (*find)(struct kco_types *types, enum kco_type_kind kind, const char *name, uint64_t *id,
				struct kco_err *err);
	enum kco_status (*info)(const struct kco_types *types, uint64_t id, struct kco_type_info *info,
				struct kco_err *err);
	enum kco_status (*member)(const struct kco_types *types, uint64_t id, uint32_t index, struct kco_member *member,
				  struct kco_err *err);
	enum kco_status (*enumerator)(const struct kco_types *types, uint64_t id, uint32_t index, const char **name,
				      int64_t *value, struct kco_err *err);
	/* An enumerator of any enum, by its name. */
	enum kco_status (*find_enumerator)(struct kco_types *types, const char *name, int64_t *value,
					   struct kco_err *err);
	/* The type of a variable, by name (BTF: per-CPU variables only). */
	enum kco_status (*find_variable)(struct kco_types *types, const char *name, uint64_t *id, struct kco_err *err);
	/* Calls @fn for each named struct, union, enum, typedef whose name begins with @prefix, until it returns false.
	 */
	enum kco_status (*each)(struct kco_types *types, const char *prefix,
				bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id),
				void *arg, struct kco_err *err);
	void (*free)(struct kco_types *types);
};

/** What every source begins with. Finds may build indexes: they belong to one thread, the rest is read-only. */
struct kco_types {
	const struct kco_types_ops *ops;
	struct kco_field_cache *fields; /* memo of kco_types_field(), owned */
};

void kco_types_free(struct kco_types *types);
/** KCO_E_NOTYPE names what is missing. */
enum kco_status kco_types_find(struct kco_types *types, enum kco_type_kind kind, const char *name, struct kco_type *ret,
			       struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_type_info(struct kco_type type, struct kco_type_info *info, struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_type_member(struct kco_type type, uint32_t index, struct kco_member *member,
				struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_type_enumerator(struct kco_type type, uint32_t index, const char **name, int64_t *value,
				    struct kco_err *err) KCO_MUST_USE;
/** Follow typedefs and qualifiers (bounded) to what they stand for. */
enum kco_status kco_type_strip(struct kco_type type, struct kco_type *ret, struct kco_err *err) KCO_MUST_USE;
/** sizeof(struct or union @name). */
enum kco_status kco_types_sizeof(struct kco_types *types, const char *name, uint64_t *size,
				 struct kco_err *err) KCO_MUST_USE;
/**
 * The field @path ("comm", "se.avg", "thread.sp"; anonymous members are looked
 * through, "[3]" indexes an array) of struct or union @name. Memoised.
 * KCO_E_NOTYPE says whether the struct or which member is missing.
 */
enum kco_status kco_types_field(struct kco_types *types, const char *name, const char *path, struct kco_field *field,
				struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_types_enumerator(struct kco_types *types, const char *name, int64_t *value,
				     struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_types_variable(struct kco_types *types, const char *name, struct kco_type *ret,
				   struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_types_each(struct kco_types *types, const char *prefix,
			       bool (*fn)(void *arg, enum kco_type_kind kind, const char *name, uint64_t id), void *arg,
			       struct kco_err *err) KCO_MUST_USE;
/** The value of a field in @obj, which begins at the outermost struct and holds @n bytes; false when it lies beyond. */
bool kco_field_get(const struct kco_field *field, const void *obj, size_t n, uint64_t *ret);

#endif
