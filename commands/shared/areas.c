// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Areas of a process: what several commands do with them.
 */
#include "areas.h"

#include <inttypes.h>
#include <string.h>

enum kco_status kco_areas_get(struct kco_process *p, const struct kco_vma **ret, size_t *n, struct kco_err *torn,
			      struct kco_err *err)
{
	enum kco_status st;

	if (!p->pid)
		return kco_fail(err, KCO_E_USAGE,
				"the kernel (process 0) has no user memory; name a process with -p PID");
	if (!p->mm)
		return kco_fail(err, KCO_E_USAGE, "process %" PRId64 " (%s) has no user memory: it %s", p->pid,
				p->leader->comm,
				p->leader->flags & KCO_TASK_KTHREAD ? "is a kernel thread" : "had given it back");
	*torn = KCO_ERR_INIT;
	st = kco_vmas_get(p, ret, n, torn);

	if (st && err)
		*err = *torn;
	return st;
}

const char *kco_area_perms(const struct kco_vma *vma, char buf[5])
{
	buf[0] = vma->flags & KCO_VMA_READ ? 'r' : '-';
	buf[1] = vma->flags & KCO_VMA_WRITE ? 'w' : '-';
	buf[2] = vma->flags & KCO_VMA_EXEC ? 'x' : '-';
	buf[3] = vma->flags & KCO_VMA_SHARED ? 's' : 'p';
	buf[4] = '\0';
	return buf;
}

const char *kco_area_name(struct kco_cmd_ctx *ctx, const struct kco_vma *vma)
{
	size_t n = strlen(vma->name), newlines = 0;
	char *text, *to;

	for (size_t i = 0; i < n; i++)
		newlines += vma->name[i] == '\n';
	text = newlines ? kco_arena_alloc(ctx->arena, n + 3 * newlines + 1) : NULL;
	if (!text)
		return vma->name;
	to = text;
	for (size_t i = 0; i < n; i++) {
		if (vma->name[i] == '\n') {
			memcpy(to, "\\012", 4);
			to += 4;
		} else {
			*to++ = vma->name[i];
		}
	}
	return text;
}

static const char *const area_kinds[] = {
	[KCO_VMA_ANON] = "anon",   [KCO_VMA_FILE] = "file", [KCO_VMA_HEAP] = "heap",
	[KCO_VMA_STACK] = "stack", [KCO_VMA_VDSO] = "vdso", [KCO_VMA_NAMED] = "named",
};

static void area_file_json(struct kco_out *out, const struct kco_file *file)
{
	if (!file) {
		kco_json_null(out, "file");
		return;
	}
	kco_json_object(out, "file");
	kco_json_addr(out, "addr", file->addr);
	kco_json_str(out, "path", file->path);
	kco_json_bool(out, "deleted", file->deleted);
	kco_json_uint(out, "inode", file->ino);
	kco_json_uint(out, "size", file->size);
	kco_json_uint(out, "major", file->dev_major);
	kco_json_uint(out, "minor", file->dev_minor);
	kco_json_addr(out, "inode_addr", file->inode_addr);
	kco_json_addr(out, "mapping", file->mapping);
	kco_json_end(out);
}

void kco_area_json(struct kco_out *out, const struct kco_vma *vma)
{
	char perms[5];

	kco_json_addr(out, "start", vma->start);
	kco_json_addr(out, "end", vma->end);
	kco_json_str(out, "perms", kco_area_perms(vma, perms));
	kco_json_uint(out, "offset", vma->offset);
	kco_json_str(out, "kind", area_kinds[vma->kind]);
	kco_json_str(out, "name", vma->name);
	if (vma->object)
		kco_json_str(out, "object", vma->object);
	kco_json_addr(out, "vma", vma->addr);
	kco_json_addr(out, "flags", vma->raw_flags);
	kco_json_bool(out, "dont_dump", (vma->flags & KCO_VMA_DONTDUMP) != 0);
	kco_json_bool(out, "locked", (vma->flags & KCO_VMA_LOCKED) != 0);
	kco_json_bool(out, "huge_tlb", (vma->flags & KCO_VMA_HUGETLB) != 0);
	kco_json_bool(out, "io", (vma->flags & KCO_VMA_IO) != 0);
	area_file_json(out, vma->file);
}
