// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Areas of a process, as maps, vm and memory region show them.
 */
#ifndef KCO_COMMANDS_AREAS_H
#define KCO_COMMANDS_AREAS_H

#include <kco/cmd.h>
#include <kco/vma.h>

/**
 * The areas of @p; a process that can have none (the kernel, kernel threads,
 * the dead) is KCO_E_USAGE or KCO_E_UNMAPPED with the reason in words.
 * @torn->code: some are missing, which the command must say in the end.
 */
enum kco_status kco_areas_get(struct kco_process *p, const struct kco_vma **ret, size_t *n, struct kco_err *torn,
			      struct kco_err *err) KCO_MUST_USE;
/** "rw-p" into @buf, which is returned. */
const char *kco_area_perms(const struct kco_vma *vma, char buf[5]);
/** Its name, newlines as \012 like /proc writes them. In ctx->arena. */
const char *kco_area_name(struct kco_cmd_ctx *ctx, const struct kco_vma *vma);
/** The keys of KCO_AREA_JSON_FIELDS into the innermost open object. */
void kco_area_json(struct kco_out *out, const struct kco_vma *vma);

/** For the schema; @in is what leads to the object, such as "" or "areas[].". */
// clang-format off
#define KCO_AREA_JSON_FIELDS(in)                                                                  \
	{ in "start", "address", "its first byte" },                                              \
	{ in "end", "address", "one past its last byte" },                                        \
	{ in "perms", "string", "r w x or -, then p (private) or s (shared)" },                   \
	{ in "offset", "integer", "of start in the file, bytes" },                                \
	{ in "kind", "string", "anon, file, heap, stack, vdso (mapped by the kernel) or named" }, \
	{ in "name", "string", "as maps shows it; empty: none" },                                 \
	{ in "object", "string", "FreeBSD only: what pages come from: vnode, swap, default, device, guard, ..." }, \
	{ in "vma", "address", "the kernel's structure" },                                        \
	{ in "flags", "address", "the kernel's flags of it" },                                    \
	{ in "dont_dump", "boolean", "left out of core files: MADV_DONTDUMP" },                   \
	{ in "locked", "boolean", "mlock()ed" },                                                  \
	{ in "huge_tlb", "boolean", "of hugetlbfs" },                                             \
	{ in "io", "boolean", "device memory, or page frames without a struct page" },            \
	{ in "file", "object|null", "the file mapped there; shared memory has one, too" },        \
	{ in "file.addr", "address", "struct file" },                                             \
	{ in "file.path", "string", "its path" },                                                 \
	{ in "file.deleted", "boolean", "it has no name any more" },                              \
	{ in "file.inode", "integer", "its inode number" },                                       \
	{ in "file.size", "integer", "bytes" },                                                   \
	{ in "file.major", "integer", "device" },                                                 \
	{ in "file.minor", "integer", "device" },                                                 \
	{ in "file.inode_addr", "address", "struct inode" },                                      \
	{ in "file.mapping", "address", "struct address_space: its page cache" }
// clang-format on

#endif
