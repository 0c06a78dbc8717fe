// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Areas of a FreeBSD address space: vmspace.vm_map (sys/vm/vm_map.h).
 *
 *   before FreeBSD 13   header.next -> entry.next -> ... -> header
 *   since then          header.right is the first entry, and the tree is threaded:
 *                       an entry without a right child has its successor there
 *
 * Entries are in address order either way, so that one which does not lie
 * above the one before is a torn list: no circle can be walked twice.
 *
 *   entry.object -> vm_object --backing_object--> vm_object ... --handle--> vnode
 *
 * A private copy of a file is an object of its own that shadows the file's:
 * the last of the chain says which file it is, and where in it. Flags of
 * entries are macros, whose numbers have not changed since FreeBSD 6.
 */
#include "freebsd_process.h"

#include <inttypes.h>
#include <string.h>

#include <kco/mem.h>

#define VMMAP_MAX (1u << 20) /* entries */
#define VMMAP_SHADOWS 1024   /* objects on the way to a file */
#define VMMAP_DESCENTS 4096  /* left children on the way to a successor */

/* MAP_ENTRY_*, sys/vm/vm_map.h */
#define VMMAP_SUB_MAP UINT64_C(0x2)
#define VMMAP_USER_WIRED UINT64_C(0x20)
#define VMMAP_NOCOREDUMP UINT64_C(0x400)
#define VMMAP_GROWS_DOWN UINT64_C(0x1000)
#define VMMAP_GUARD UINT64_C(0x10000)
#define VMMAP_HEADER UINT64_C(0x80000)
/* VM_PROT_*, VM_INHERIT_SHARE, sys/vm/vm.h */
#define VMMAP_READ 1
#define VMMAP_WRITE 2
#define VMMAP_EXEC 4
#define VMMAP_INHERIT_SHARE 0

enum { EN_START, EN_END, EN_OBJECT, EN_OFFSET, EN_EFLAGS, EN_PROT, EN_INHERIT, EN_NEXT, EN_LEFT, EN_RIGHT, EN_COUNT };

struct vmmap {
	struct kco_session *s;
	struct kco_field f[EN_COUNT];
	bool has[EN_COUNT];
	bool list;	 /* entries have a next */
	uint64_t header; /* its address: where the walk ends */
	uint64_t count;	 /* entries that the map says it has, UINT64_MAX unknown */
	uint64_t stack;	 /* vm_maxsaddr: lowest address that the main stack may have, 0 unknown */
};

static const char *const vmmap_flags[] = {
	[0] = "NOSYNC",	      [1] = "SUB_MAP",	  [2] = "COW",		 [3] = "NEEDS_COPY",	[4] = "NOFAULT",
	[5] = "USER_WIRED",   [6] = "SEQUENTIAL", [7] = "RANDOM",	 [8] = "IN_TRANSITION", [9] = "NEEDS_WAKEUP",
	[10] = "NOCOREDUMP",  [11] = "VN_EXEC",	  [12] = "GROWS_DOWN",	 [13] = "GROWS_UP",	[14] = "WIRE_SKIPPED",
	[15] = "VN_WRITECNT", [16] = "GUARD",	  [17] = "STACK_GAP_DN", [18] = "STACK_GAP_UP", [19] = "HEADER",
};

const char *freebsd_vma_flag(unsigned bit)
{
	return bit < sizeof(vmmap_flags) / sizeof(*vmmap_flags) ? vmmap_flags[bit] : NULL;
}

static enum kco_status vmmap_layout(struct vmmap *m, struct kco_err *err)
{
	static const struct {
		const char *path;
		bool required;
	} members[EN_COUNT] = {
		[EN_START] = { "start", true },
		[EN_END] = { "end", true },
		[EN_OBJECT] = { "object.vm_object", true },
		[EN_OFFSET] = { "offset", true },
		[EN_EFLAGS] = { "eflags", true },
		[EN_PROT] = { "protection", true },
		[EN_INHERIT] = { "inheritance", false },
		[EN_NEXT] = { "next", false },
		[EN_LEFT] = { "left", false },
		[EN_RIGHT] = { "right", false },
	};

	for (size_t i = 0; i < EN_COUNT; i++) {
		enum kco_status st = os_field(m->s, "vm_map_entry", &m->f[i], err, members[i].path, NULL);

		if (st && members[i].required)
			return st;
		m->has[i] = !st;
	}
	m->list = m->has[EN_NEXT];
	if (!m->list && (!m->has[EN_LEFT] || !m->has[EN_RIGHT]))
		return kco_fail(err, KCO_E_NOTYPE, "struct vm_map_entry has neither next nor left and right");
	return KCO_OK;
}

/* The entry after @entry, which begins at @start. */
static enum kco_status vmmap_next(const struct vmmap *m, uint64_t entry, uint64_t start, uint64_t *ret,
				  struct kco_err *err)
{
	uint64_t after, left, left_start;
	enum kco_status st;

	if (m->list)
		return kco_kread_field(m->s, entry, &m->f[EN_NEXT], ret, err);
	st = kco_kread_field(m->s, entry, &m->f[EN_RIGHT], &after, err);
	/* The header's left is the last entry, and no way down. */
	for (uint32_t n = 0; !st && after && after != m->header; n++) {
		if (n == VMMAP_DESCENTS)
			return kco_fail(err, KCO_E_CORRUPT, "the tree below the entry at 0x%" PRIx64 " does not end",
					entry);
		st = kco_kread_field(m->s, after, &m->f[EN_LEFT], &left, err);
		if (st || !left || left == entry || left == m->header)
			break;
		st = kco_kread_field(m->s, left, &m->f[EN_START], &left_start, err);
		if (st || left_start <= start)
			break;
		after = left;
	}
	*ret = after;
	return st;
}

/* objtype_t is a number: enum obj_type's names tell which, or what sys/vm/vm.h has. */
static const char *vmmap_object_kind(struct kco_session *s, uint64_t type)
{
	static const struct {
		const char *enumerator, *word;
		int64_t number;
	} kinds[] = {
		{ "OBJT_DEFAULT", "default", 0 }, { "OBJT_SWAP", "swap", 1 },		{ "OBJT_VNODE", "vnode", 2 },
		{ "OBJT_DEVICE", "device", 3 },	  { "OBJT_PHYS", "phys", 4 },		{ "OBJT_DEAD", "dead", 5 },
		{ "OBJT_SG", "sg", 6 },		  { "OBJT_MGTDEVICE", "mgtdevice", 7 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int64_t value = kinds[i].number;

		(void)!kco_types_enumerator(s->types, kinds[i].enumerator, &value, NULL);
		if ((uint64_t)value == type)
			return kinds[i].word;
	}
	return "other";
}

/* The chain of objects to the file at its end. Where it cannot be followed the area has no file, and @torn says why. */
static enum kco_status vmmap_object(const struct vmmap *m, uint64_t object, struct kco_vma *vma, struct kco_err *torn)
{
	struct kco_session *s = m->s;
	struct kco_err why = KCO_ERR_INIT;
	uint64_t type, next, offset, vnode;
	enum kco_status st = KCO_OK;

	for (uint32_t n = 0; object && !st; n++) {
		if (n == VMMAP_SHADOWS) {
			st = kco_fail(&why, KCO_E_CORRUPT, "the objects behind it do not end");
			break;
		}
		st = freebsd_member(s, "vm_object", object, &type, &why, "type", NULL);
		if (!st && !vma->object)
			vma->object = vmmap_object_kind(s, type);
		if (!st)
			st = freebsd_member(s, "vm_object", object, &next, &why, "backing_object", NULL);
		if (st)
			break;
		if (!next) {
			if (strcmp(vmmap_object_kind(s, type), "vnode") != 0)
				return KCO_OK;
			vma->object = "vnode";
			st = freebsd_member(s, "vm_object", object, &vnode, &why, "handle", NULL);
			return st ? kco_fail(torn, st, "area at 0x%" PRIx64 ": %s", vma->start, why.msg)
				  : freebsd_vnode_file(s, vnode, &vma->file, NULL);
		}
		st = freebsd_member(s, "vm_object", object, &offset, &why, "backing_object_offset", NULL);
		if (!st)
			vma->offset += offset;
		object = next;
	}
	if (st && !torn->code)
		(void)!kco_fail(torn, st, "area at 0x%" PRIx64 ": %s", vma->start, why.msg);
	return st == KCO_E_NOMEM ? st : KCO_OK;
}

static void vmmap_name(const struct vmmap *m, struct kco_vma *vma)
{
	vma->name = "";
	vma->kind = KCO_VMA_ANON;
	if (vma->file) {
		vma->kind = KCO_VMA_FILE;
		vma->name = vma->file->path;
	} else if (vma->raw_flags & VMMAP_GUARD) {
		vma->object = "guard";
	} else if (vma->raw_flags & VMMAP_GROWS_DOWN && m->stack && vma->start >= m->stack) {
		vma->kind = KCO_VMA_STACK;
		vma->name = "[stack]";
	}
}

static enum kco_status vmmap_entry(const struct vmmap *m, uint64_t entry, struct kco_vma *vma, struct kco_err *torn,
				   struct kco_err *err)
{
	uint64_t v[EN_COUNT] = { 0 };
	enum kco_status st = KCO_OK;

	for (size_t i = EN_START; i <= EN_INHERIT && !st; i++)
		if (m->has[i])
			st = kco_kread_field(m->s, entry, &m->f[i], &v[i], err);
	if (st)
		return st;
	*vma = (struct kco_vma){ .start = v[EN_START],
				 .end = v[EN_END],
				 .offset = v[EN_OFFSET],
				 .raw_flags = (uint32_t)v[EN_EFLAGS],
				 .addr = entry };
	vma->flags = (v[EN_PROT] & VMMAP_READ ? KCO_VMA_READ : 0) | (v[EN_PROT] & VMMAP_WRITE ? KCO_VMA_WRITE : 0) |
		     (v[EN_PROT] & VMMAP_EXEC ? KCO_VMA_EXEC : 0) |
		     (m->has[EN_INHERIT] && v[EN_INHERIT] == VMMAP_INHERIT_SHARE ? KCO_VMA_SHARED : 0) |
		     (vma->raw_flags & VMMAP_GROWS_DOWN ? KCO_VMA_GROWSDOWN : 0) |
		     (vma->raw_flags & VMMAP_NOCOREDUMP ? KCO_VMA_DONTDUMP : 0) |
		     (vma->raw_flags & VMMAP_USER_WIRED ? KCO_VMA_LOCKED : 0);
	if (vma->raw_flags & VMMAP_SUB_MAP)
		vma->object = "submap";
	else
		st = vmmap_object(m, v[EN_OBJECT], vma, torn);
	if (vma->object &&
	    (!strcmp(vma->object, "device") || !strcmp(vma->object, "sg") || !strcmp(vma->object, "mgtdevice")))
		vma->flags |= KCO_VMA_IO;
	vmmap_name(m, vma);
	return st == KCO_E_NOMEM ? kco_fail(err, st, "out of memory") : KCO_OK;
}

static enum kco_status vmmap_open(struct kco_process *p, struct vmmap *m, uint64_t *first, struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_field header;
	enum kco_status st = kco_session_need(s, KCO_NEED_TYPES, err);

	*m = (struct vmmap){ .s = s };
	if (!st)
		st = vmmap_layout(m, err);
	if (!st)
		st = os_field(s, "vmspace", &header, err, "vm_map.header", NULL);
	if (st)
		return st;
	m->header = p->mm + header.offset;
	if (freebsd_member(s, "vmspace", p->mm, &m->count, NULL, "vm_map.nentries", NULL))
		m->count = UINT64_MAX;
	if (freebsd_member(s, "vmspace", p->mm, &m->stack, NULL, "vm_maxsaddr", NULL))
		m->stack = 0;
	return kco_kread_field(s, m->header, &m->f[m->list ? EN_NEXT : EN_RIGHT], first, err);
}

enum kco_status freebsd_vmas(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
			     void *arg, struct kco_err *torn, struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT;
	struct kco_vma vma;
	struct vmmap m;
	uint64_t entry, end = 0, n = 0;
	enum kco_status st = vmmap_open(p, &m, &entry, err);

	if (st)
		return st;
	for (; entry != m.header; n++) {
		if (kco_session_cancelled(p->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		if (!entry || n == VMMAP_MAX)
			return kco_fail(torn, KCO_E_CORRUPT, entry ? "its areas do not end" : "its areas break off"),
			       KCO_OK;
		st = vmmap_entry(&m, entry, &vma, torn, &why);
		if (!st && (vma.end <= vma.start || vma.start < end))
			st = kco_fail(&why, KCO_E_CORRUPT, "0x%" PRIx64 "-0x%" PRIx64 " is not above the one before",
				      vma.start, vma.end);
		if (st == KCO_E_NOMEM)
			return kco_fail(err, st, "out of memory");
		if (!st) {
			st = add(arg, &vma);
			if (st)
				return st;
			end = vma.end;
			st = vmmap_next(&m, entry, vma.start, &entry, &why);
		}
		if (st)
			return kco_fail(torn, st, "area at 0x%" PRIx64 ": %s", entry, why.msg), KCO_OK;
	}
	if (m.count != UINT64_MAX && n != m.count && !torn->code)
		(void)!kco_fail(torn, KCO_E_CORRUPT,
				"%" PRIu64 " areas were found, and the map says that it has %" PRIu64, n, m.count);
	return KCO_OK;
}

enum kco_status freebsd_mm_info(struct kco_process *p, struct kco_mm_info *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	const uint64_t page = s->arch->page_size;
	uint64_t text = 0, data = 0, size = 0, proc, vnode;
	const struct {
		const char *path, *other;
		uint64_t *to;
	} members[] = {
		{ "vm_taddr", NULL, &ret->start_code },
		{ "vm_daddr", NULL, &ret->start_data },
		{ "vm_tsize", NULL, &text },
		{ "vm_dsize", NULL, &data },
		{ "vm_map.size", NULL, &size },
		{ "vm_map.header.start", NULL, &ret->task_size },
		{ "vm_pmap.pm_pmltop", "vm_pmap.pm_pml4", &ret->pgd },
		{ "vm_pmap.pm_stats.resident_count", NULL, &ret->rss },
	};
	enum kco_status st = kco_session_need(s, KCO_NEED_TYPES, err), got = KCO_OK;
	bool any = false;

	for (size_t i = 0; !st && i < sizeof(members) / sizeof(*members); i++) {
		struct kco_err *why = any ? NULL : err;

		got = freebsd_member(s, "vmspace", p->mm, members[i].to, why, members[i].path, members[i].other);
		if (!got && !any && err)
			*err = KCO_ERR_INIT;
		any = any || !got;
	}
	/* One that this kernel lacks costs no other. */
	if (st || !any)
		return st ? st : got;
	ret->end_code = ret->start_code + text * page;
	ret->end_data = ret->brk = ret->start_data + data * page;
	ret->total_pages = size / page;
	ret->rss_mixed = true;
	if (!freebsd_proc_of(p, &proc, NULL) && !freebsd_member(s, "proc", proc, &vnode, NULL, "p_textvp", NULL) &&
	    vnode)
		return freebsd_vnode_file(s, vnode, &ret->exe, NULL);
	return KCO_OK;
}
