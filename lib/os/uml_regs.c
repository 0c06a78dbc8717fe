// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of User-Mode Linux.
 *
 * The kernel is a process of the host, and each of its tasks runs on a kernel
 * stack of its own until it switches to another: setjmp and longjmp, in
 * task.thread.switch_buf (arch/x86/um/shared/sysdep/archsetjmp_64.h). Who was
 * running has the registers of the host's thread.
 *
 * A program runs in another process, which the kernel traces: its registers are
 * fetched whenever it enters the kernel, into task.thread.regs.regs
 * (struct uml_pt_regs), in the order of the host's struct user_regs_struct. The
 * number of a system call is beside them, since orig_rax is -1 by then.
 */
#include "uml.h"

#include <elf.h>
#include <inttypes.h>

#include <kco/endian.h>

#include "x86_64.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *path;
	uint8_t reg;
} regs_jump[UML_JUMP_REGS] = {
	{ "thread.switch_buf[0].__rbx", X86_64_RBX }, { "thread.switch_buf[0].__rsp", X86_64_RSP },
	{ "thread.switch_buf[0].__rbp", X86_64_RBP }, { "thread.switch_buf[0].__r12", X86_64_R12 },
	{ "thread.switch_buf[0].__r13", X86_64_R13 }, { "thread.switch_buf[0].__r14", X86_64_R14 },
	{ "thread.switch_buf[0].__r15", X86_64_R15 }, { "thread.switch_buf[0].__rip", X86_64_RIP },
};

/* struct user_regs_struct: sys/user.h of the host. */
static const struct kco_regset_entry regs_user_entries[] = {
	{ X86_64_R15, 0, 8 },	{ X86_64_R14, 8, 8 },	    { X86_64_R13, 16, 8 },	{ X86_64_R12, 24, 8 },
	{ X86_64_RBP, 32, 8 },	{ X86_64_RBX, 40, 8 },	    { X86_64_R11, 48, 8 },	{ X86_64_R10, 56, 8 },
	{ X86_64_R9, 64, 8 },	{ X86_64_R8, 72, 8 },	    { X86_64_RAX, 80, 8 },	{ X86_64_RCX, 88, 8 },
	{ X86_64_RDX, 96, 8 },	{ X86_64_RSI, 104, 8 },	    { X86_64_RDI, 112, 8 },	{ X86_64_ORIG_RAX, 120, 8 },
	{ X86_64_RIP, 128, 8 }, { X86_64_CS, 136, 2 },	    { X86_64_RFLAGS, 144, 8 },	{ X86_64_RSP, 152, 8 },
	{ X86_64_SS, 160, 2 },	{ X86_64_FS_BASE, 168, 8 }, { X86_64_GS_BASE, 176, 8 }, { X86_64_DS, 184, 2 },
	{ X86_64_ES, 192, 2 },	{ X86_64_FS, 200, 2 },	    { X86_64_GS, 208, 2 },
};
#define REGS_USER_SIZE 216

static const struct kco_regset regs_user_set = { NULL, 0, REGS_USER_SIZE, regs_user_entries,
						 ARRAY_SIZE(regs_user_entries) };

static enum kco_status regs_load(struct kco_session *s, struct kco_err *err)
{
	struct uml *uml = uml_of(s);
	enum kco_status st = kco_session_need(s, KCO_NEED_TYPES, err);

	for (size_t i = 0; !st && i < UML_JUMP_REGS; i++)
		st = os_field(s, "task_struct", &uml->jump[i], err, regs_jump[i].path, NULL);
	if (!st)
		st = os_field(s, "task_struct", &uml->gp, err, "thread.regs.regs.gp", NULL);
	if (!st)
		st = os_field(s, "task_struct", &uml->syscall, err, "thread.regs.regs.syscall", NULL);
	if (!st && uml->gp.size < REGS_USER_SIZE)
		st = kco_fail(err, KCO_E_UNSUPPORTED, "user registers of %u bytes, not %d", uml->gp.size,
			      REGS_USER_SIZE);
	if (!st)
		uml->paging = uml_paging_of(s);
	return st;
}

enum kco_status uml_fields_load(struct kco_session *s, struct kco_err *err)
{
	struct uml *uml = uml_of(s);

	KCO_LAZY(uml->lazy_fields, regs_load(s, &uml->lazy_fields.err), err);
}

/* struct elf_prstatus, struct elf_prpsinfo (include/linux/elfcore.h) on x86_64 */
#define PRSTATUS_PID 32
#define PRPSINFO_PID 24

/*
 * The kernel runs on the process's main thread. It is the first of a core that
 * the host wrote when it crashed; a debugger may begin with another, a helper.
 */
static const struct kco_note *regs_main_thread(struct kco_session *s)
{
	const struct kco_note *info = kco_image_note(s->image, "CORE", NT_PRPSINFO, 0), *note;

	for (size_t i = 0; info && info->size >= PRPSINFO_PID + 4 &&
			   (note = kco_image_note(s->image, "CORE", NT_PRSTATUS, i)) != NULL;
	     i++)
		if (note->size >= PRSTATUS_PID + 4 && kco_le32((const uint8_t *)note->desc + PRSTATUS_PID) ==
							      kco_le32((const uint8_t *)info->desc + PRPSINFO_PID))
			return note;
	return kco_image_note(s->image, "CORE", NT_PRSTATUS, 0);
}

enum kco_status uml_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err)
{
	const struct kco_note *note = regs_main_thread(s);

	*regs = (struct kco_regs){ 0 };
	if (cpu)
		return kco_fail(err, KCO_E_RANGE, "no CPU %u: there is one", cpu);
	for (size_t i = 0; note && i < s->arch->nr_regsets; i++) {
		const struct kco_regset *set = &s->arch->regsets[i];

		if (set->type != NT_PRSTATUS || set->desc_size != note->size)
			continue;
		kco_regset_decode(set, note->desc, note->size, regs);
		// The host's process is a program there; as the machine's CPU it is in the kernel.
		regs->known &= ~(UINT64_C(1) << X86_64_CS | UINT64_C(1) << X86_64_SS);
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_RANGE, "the core holds no registers of the host's process");
}

enum kco_status uml_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
			      struct kco_regs *regs, struct kco_err *err)
{
	struct uml *uml = uml_of(s);
	uint64_t value;

	*regs = (struct kco_regs){ 0 };
	if (task->flags & KCO_TASK_ACTIVE)
		return uml_cpu_regs(s, 0, regs, err);
	if (uml->lazy_fields.err.code) {
		if (err)
			*err = uml->lazy_fields.err;
		return uml->lazy_fields.err.code;
	}
	for (size_t i = 0; i < UML_JUMP_REGS; i++) {
		enum kco_status st = kco_vread_uint(mem, &s->kernel, task->addr + uml->jump[i].offset, 8, &value, err);

		if (st)
			return kco_context(err, st, "thread.switch_buf");
		kco_regs_set(regs, regs_jump[i].reg, value);
	}
	if (kco_regs_get(regs, X86_64_RSP, &value) && (value < task->stack || value - task->stack >= task->stack_size))
		return kco_fail(err, KCO_E_CORRUPT,
				"thread.switch_buf has the stack pointer %#" PRIx64
				", which is not on the task's stack (%#" PRIx64 ", %u bytes)",
				value, task->stack, task->stack_size);
	return KCO_OK;
}

const struct kco_regset *uml_trap_frame(struct kco_session *s, bool hardware_part_only)
{
	(void)s;
	return hardware_part_only ? NULL : &regs_user_set;
}

uint64_t uml_user_regs(struct kco_session *s, const struct kco_task *task)
{
	struct uml *uml = uml_of(s);

	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE) || !uml->lazy_fields.tried || uml->lazy_fields.err.code)
		return 0;
	return task->addr + uml->gp.offset;
}

/* Only what was fetched from the program's process has a code segment (see uml_cpu_regs()). */
bool uml_regs_user(struct kco_session *s, const struct kco_regs *regs)
{
	uint64_t cs;

	(void)s;
	return kco_regs_get(regs, X86_64_CS, &cs) && (cs & 3) == 3;
}

/* The number of the system call that it is in, which the kernel keeps apart. */
static void regs_entry(struct kco_session *s, const struct kco_task *task, struct kco_thread_regs *ret)
{
	static const uint8_t args[6] = { X86_64_RDI, X86_64_RSI, X86_64_RDX, X86_64_R10, X86_64_R8, X86_64_R9 };
	uint64_t nr;

	if (kco_kread_field(s, task->addr, &uml_of(s)->syscall, &nr, NULL))
		return;
	ret->entry = KCO_ENTRY_INTERRUPT;
	if ((int64_t)nr < 0)
		return;
	ret->entry = KCO_ENTRY_SYSCALL;
	ret->syscall = (int64_t)nr;
	kco_regs_set(&ret->regs, X86_64_ORIG_RAX, nr);
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		(void)kco_regs_get(&ret->regs, args[i], &ret->args[i]);
}

enum kco_status uml_thread_regs(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				struct kco_err *err)
{
	struct kco_session *s = p->session;
	uint8_t raw[REGS_USER_SIZE];
	enum kco_status st;
	uint64_t pc = 0;

	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE))
		return kco_fail(err, KCO_E_RANGE, "a kernel thread has no user registers");
	st = uml_fields_load(s, err);
	if (st)
		return st;
	ret->frame = uml_user_regs(s, task);
	st = kco_kread(s, ret->frame, raw, sizeof(raw), NULL, err);
	if (st)
		return kco_context(err, st, "user registers");
	kco_regset_decode(&regs_user_set, raw, sizeof(raw), &ret->regs);
	if (!uml_regs_user(s, &ret->regs) || !kco_regs_get(&ret->regs, X86_64_RIP, &pc) || !pc)
		return kco_fail(err, KCO_E_RANGE, "it never was in user mode: %#" PRIx64 " holds no user registers",
				ret->frame);
	ret->syscall = -1;
	ret->entry = KCO_ENTRY_UNKNOWN;
	regs_entry(s, task, ret);
	return KCO_OK;
}
