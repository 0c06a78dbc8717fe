// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of the types from DWARF: dwarf_types.c knows what a type is made of,
 * dwarf_types_ops.c is the source that lib/core sees. The caller holds the
 * debug information's lock.
 */
#ifndef KCO_DWARF_TYPES_H
#define KCO_DWARF_TYPES_H

#include <kco/arena.h>
#include <kco/type.h>

#include "debuginfo_priv.h"

/* The members or enumerators of a type, listed when first asked for. */
struct kco_dwarf_list {
	uint64_t id;
	Dwarf_Die *dies;
	uint32_t n;
	struct kco_dwarf_list *next; /* in its hash chain */
};

#define KCO_DWARF_CHAINS 1024

struct kco_dwarf_types {
	struct kco_types base;
	struct kco_debuginfo *di;
	struct kco_arena arena;
	struct kco_dwarf_list *chains[KCO_DWARF_CHAINS];
};

/** The id of the type that @die is. */
enum kco_status kco_dwarf_type_id(struct kco_dwarf_types *t, Dwarf_Die *die, uint64_t *id,
				  struct kco_err *err) KCO_MUST_USE;
/** What DW_AT_type of @die refers to; id 0, void, when it has none. */
enum kco_status kco_dwarf_type_target(struct kco_dwarf_types *t, Dwarf_Die *die, Dwarf_Die *target, uint64_t *id,
				      struct kco_err *err) KCO_MUST_USE;
/** @info and @member come zeroed. */
enum kco_status kco_dwarf_type_info(struct kco_dwarf_types *t, uint64_t id, struct kco_type_info *info,
				    struct kco_err *err) KCO_MUST_USE;
enum kco_status kco_dwarf_type_member(struct kco_dwarf_types *t, uint64_t id, uint32_t index, struct kco_member *member,
				      struct kco_err *err) KCO_MUST_USE;
/** The DIE of a member or enumerator by its index. */
enum kco_status kco_dwarf_type_list_at(struct kco_dwarf_types *t, uint64_t id, bool enumerators, uint32_t index,
				       Dwarf_Die *ret, struct kco_err *err) KCO_MUST_USE;

#endif
