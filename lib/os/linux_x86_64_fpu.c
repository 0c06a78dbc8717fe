// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Floating-point and vector registers of a Linux thread on x86_64: what the
 * kernel saved in struct fpu (arch/x86/include/asm/fpu/types.h).
 *
 *   struct fpu      in task.thread; since Linux cb7ca40a3882 (v6.16) behind the
 *                   task structure, where task.thread.fpu is a pointer, or gone
 *   its registers   fpu.fpstate->regs since v5.16, whose size and
 *                   components are beside them; before in fpu.state, an area as
 *                   large as fpu_kernel_xstate_size says
 *   the layout      xstate_offsets, xstate_sizes, xstate_flags: what CPUID told
 *
 * The kernel leaves a thread's registers in the CPU until another needs it. A
 * thread that is off the CPU was saved when it was switched away. For one on a
 * CPU memory is certain to be right only when that CPU's
 * fpu_fpregs_owner_ctx no longer names it (the kernel used the registers
 * itself); else the CPU may have newer values, which no dump's notes hold.
 */
#include "linux_x86_64_thread.h"

#include <inttypes.h>

#include <kco/endian.h>

#include "linux.h"
#include "x86_64_xstate.h"

#define XSTATE_FLAG_ALIGNED64 2 /* xstate_flags: CPUID leaf 0xd, ECX */

/* Is the field a pointer rather than the thing itself? */
static bool fpu_is_pointer(const struct kco_field *field)
{
	struct kco_type_info info;
	struct kco_type type;

	return !kco_type_strip(field->type, &type, NULL) && !kco_type_info(type, &info, NULL) &&
	       info.kind == KCO_TYPE_POINTER;
}

/* Where @task's struct fpu is. */
static enum kco_status fpu_find(struct kco_session *s, const struct kco_task *task, uint64_t *ret, struct kco_err *err)
{
	struct kco_field field;
	uint64_t size;
	enum kco_status st;

	if (!os_field(s, "task_struct", &field, NULL, "thread.fpu", NULL)) {
		if (fpu_is_pointer(&field))
			return kco_kread_uint(s, task->addr + field.offset, 8, ret, err);
		*ret = task->addr + field.offset;
		return KCO_OK;
	}
	st = kco_types_sizeof(s->types, "task_struct", &size, err);
	if (!st)
		*ret = task->addr + size;
	return st;
}

/* A number of a kernel that keeps it in a variable; @older may be NULL. */
static uint64_t fpu_variable(struct kco_session *s, const char *name, const char *older, size_t size,
			     uint64_t otherwise)
{
	uint64_t addr, value;

	return !os_symbol(s, &addr, NULL, name, older, NULL) && !kco_kread_uint(s, addr, size, &value, NULL)
		       ? value
		       : otherwise;
}

struct fpu_area {
	uint64_t addr, size; /* of the saved registers */
	uint64_t features;   /* that user mode knows of */
};

/* Before v5.16. The components are in xfeatures_mask_all, in older kernels xfeatures_mask. */
static enum kco_status fpu_area_old(struct kco_session *s, uint64_t fpu, struct fpu_area *ret, struct kco_err *err)
{
	struct kco_field state;
	enum kco_status st = os_field(s, "fpu", &state, err, "state", NULL);

	if (st)
		return st;
	ret->addr = fpu + state.offset;
	if (fpu_is_pointer(&state))
		st = kco_kread_uint(s, fpu + state.offset, 8, &ret->addr, err);
	ret->size = fpu_variable(s, "fpu_kernel_xstate_size", "xstate_size", 4, X86_64_XSAVE_LEGACY);
	ret->features = fpu_variable(s, "xfeatures_mask_all", "xfeatures_mask", 8, 3) & X86_64_XF_USER;
	return st;
}

static enum kco_status fpu_area(struct kco_session *s, uint64_t fpu, struct fpu_area *ret, struct kco_err *err)
{
	struct kco_field pointer, regs, size, features;
	uint64_t fpstate;
	enum kco_status st;

	if (os_field(s, "fpu", &pointer, NULL, "fpstate", NULL))
		return fpu_area_old(s, fpu, ret, err);
	st = os_field(s, "fpstate", &regs, err, "regs", NULL);
	if (!st)
		st = os_field(s, "fpstate", &size, err, "size", NULL);
	if (!st)
		st = os_field(s, "fpstate", &features, err, "user_xfeatures", "xfeatures", NULL);
	if (!st)
		st = kco_kread_field(s, fpu, &pointer, &fpstate, err);
	if (!st)
		st = kco_kread_field(s, fpstate, &size, &ret->size, err);
	if (!st)
		st = kco_kread_field(s, fpstate, &features, &ret->features, err);
	ret->addr = st ? 0 : fpstate + regs.offset;
	return st;
}

/* What CPUID told the dump's kernel; Intel's where it does not say. */
static void fpu_layout(struct kco_session *s, struct x86_64_xlayout *layout)
{
	uint64_t offsets, sizes, flags;
	int64_t max;

	*layout = x86_64_xlayout_intel;
	if (os_symbol(s, &offsets, NULL, "xstate_offsets", NULL) || os_symbol(s, &sizes, NULL, "xstate_sizes", NULL))
		return;
	// Since Linux 6afbb58cc225 (v5.18).
	if (os_symbol(s, &flags, NULL, "xstate_flags", NULL))
		flags = 0;
	if (kco_types_enumerator(s->types, "XFEATURE_MAX", &max, NULL) || max < 2 || max > KCO_XSTATE_COMPONENTS)
		max = X86_64_XF_PKRU + 1;
	for (unsigned i = 2; i < (unsigned)max; i++) {
		uint64_t offset, size, flag;

		if (kco_kread_uint(s, offsets + 4 * i, 4, &offset, NULL) ||
		    kco_kread_uint(s, sizes + 4 * i, 4, &size, NULL))
			return;
		if (size == 0 || size > KCO_XSTATE_MAX)
			continue;
		layout->size[i] = (uint32_t)size;
		layout->offset[i] = offset >= X86_64_XSAVE_EXTENDED && offset < KCO_XSTATE_MAX ? (uint32_t)offset : 0;
		if (flags && !kco_kread_uint(s, flags + 4 * i, 4, &flag, NULL))
			layout->align64[i] = flag & XSTATE_FLAG_ALIGNED64;
	}
}

/*
 * Protection keys have a life of their own (since v5.14): the
 * value of a thread that was switched away is in thread.pkru.
 */
static void fpu_pkru(struct kco_session *s, const struct kco_task *task, struct kco_xstate *x)
{
	struct kco_field field;
	uint64_t pkru;

	if (!(x->features & X86_64_XF_BIT(X86_64_XF_PKRU)) || task->flags & KCO_TASK_ACTIVE ||
	    os_field(s, "task_struct", &field, NULL, "thread.pkru", NULL) ||
	    kco_kread_field(s, task->addr, &field, &pkru, NULL))
		return;
	kco_put_le32(x->area + x->offset[X86_64_XF_PKRU], (uint32_t)pkru);
	x->in_use |= X86_64_XF_BIT(X86_64_XF_PKRU);
	kco_put_le64(x->area + X86_64_XSAVE_LEGACY, x->in_use);
}

static bool fpu_stale(struct kco_session *s, const struct kco_task *task, uint64_t fpu)
{
	uint64_t addr, owner;

	if (!(task->flags & KCO_TASK_ACTIVE))
		return false;
	return task->cpu < 0 || kco_percpu_addr(s, "fpu_fpregs_owner_ctx", task->cpu, &addr, NULL) ||
	       kco_kread_uint(s, addr, 8, &owner, NULL) || owner == fpu;
}

/* Where @task's struct fpu and its saved registers are. */
static enum kco_status fpu_saved(struct kco_session *s, const struct kco_task *task, uint64_t *fpu,
				 struct fpu_area *area, struct kco_err *err)
{
	enum kco_status st = fpu_find(s, task, fpu, err);

	if (!st)
		st = fpu_area(s, *fpu, area, err);
	if (!st && (area->size < X86_64_XSAVE_LEGACY || area->size > KCO_XSTATE_MAX))
		st = kco_fail(err, KCO_E_CORRUPT, "%" PRIu64 " bytes of floating-point state", area->size);
	return st;
}

enum kco_status linux_x86_64_xstate_area(struct kco_session *s, const struct kco_task *task, uint64_t *addr,
					 uint64_t *size, struct kco_err *err)
{
	struct fpu_area area = { 0 };
	uint64_t fpu;
	enum kco_status st = fpu_saved(s, task, &fpu, &area, err);

	*addr = area.addr;
	*size = area.size;
	return st ? kco_context(err, st, "vector registers") : KCO_OK;
}

enum kco_status linux_x86_64_xstate(struct kco_process *p, const struct kco_task *task, struct kco_xstate *ret,
				    struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct x86_64_xlayout layout;
	uint8_t raw[KCO_XSTATE_MAX];
	struct fpu_area area = { 0 };
	uint64_t fpu;
	enum kco_status st;

	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE))
		return kco_fail(err, KCO_E_RANGE, "a kernel thread has no vector registers");
	st = fpu_saved(s, task, &fpu, &area, err);
	if (!st)
		st = kco_kread(s, area.addr, raw, (size_t)area.size, NULL, err);
	if (st)
		return kco_context(err, st, "vector registers");
	fpu_layout(s, &layout);
	st = x86_64_xstate_expand(raw, (size_t)area.size, &layout, area.features & X86_64_XF_USER, ret, err);
	if (st)
		return kco_context(err, st, "vector registers");
	fpu_pkru(s, task, ret);
	ret->stale = fpu_stale(s, task, fpu);
	return KCO_OK;
}
