// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A note for each thread: "CORE", NT_PRSTATUS, in Linux's layout (struct
 * elf_prstatus), which is the row of the architecture that reading them uses.
 * gdb and LLDB read it whatever system the kernel's file is of, while the
 * layouts of the BSDs need an ELF header that names the system.
 *
 *   pr_pid at 32 (24 where pointers have 4 bytes): the thread's id
 *
 * A debugger takes two notes with one id for one thread. Where ids are a
 * process's own (NetBSD until 10) they are therefore pid << 16 | id.
 */
#include "threadnotes.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>

#include <kco/endian.h>

/* What readers take (lib/segment/notes.c), with room for the file's own. */
#define THREADNOTES_MAX 65000u

static int threadnotes_compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Does any id occur twice? */
static enum kco_status threadnotes_ambiguous(const struct kco_task *tasks, size_t n, bool *ret, struct kco_err *err)
{
	int64_t *ids = calloc(n ? n : 1, sizeof(*ids));

	*ret = false;
	if (!ids)
		return kco_fail(err, KCO_E_NOMEM, "out of memory for the ids of %zu threads", n);
	for (size_t i = 0; i < n; i++)
		ids[i] = tasks[i].tid;
	qsort(ids, n, sizeof(*ids), threadnotes_compare);
	for (size_t i = 1; i < n; i++)
		*ret |= ids[i] == ids[i - 1];
	free(ids);
	return KCO_OK;
}

static unsigned threadnotes_rank(const struct kco_task *task)
{
	return task->flags & KCO_TASK_PANIC ? 0 : task->flags & KCO_TASK_ACTIVE ? 1 : 2;
}

static void threadnotes_add(struct kco_session *s, const struct kco_regset *set, const struct kco_task *task, bool pids,
			    struct kco_threadnotes *notes)
{
	uint8_t *desc = notes->descs + notes->n * set->desc_size;
	struct kco_regs regs = { 0 };
	uint64_t id = pids ? (uint64_t)task->tgid << 16 | (uint64_t)task->tid : (uint64_t)task->tid;

	// The dead have no stack and so no registers of their own.
	if (task->stack && !KCO_OS_SLOT(s->os, task_regs)(s, s->mem, task, &regs, NULL))
		kco_regset_encode(set, &regs, desc, set->desc_size);
	kco_put_le32(desc + (s->arch->ptr_size == 8 ? 32 : 24), (uint32_t)id);
	notes->notes[notes->n++] = (struct kco_note){ set->note, set->type, set->desc_size, desc };
}

enum kco_status kco_threadnotes_make(struct kco_session *s, struct kco_threadnotes *ret, struct kco_err *err)
{
	const struct kco_regset *set;
	const struct kco_task *tasks;
	bool ambiguous;
	size_t n;
	enum kco_status st = kco_session_need(s, KCO_NEED_OS | KCO_NEED_SYMS | KCO_NEED_TASKS, err);

	*ret = (struct kco_threadnotes){ 0 };
	if (!st)
		st = kco_tasks_get(s, &tasks, &n, err);
	if (!st)
		st = threadnotes_ambiguous(tasks, n, &ambiguous, err);
	if (st)
		return st;
	set = kco_arch_regset(s->arch, "CORE", NT_PRSTATUS);
	if (!set || !KCO_OS_SLOT(s->os, task_regs))
		return kco_fail(err, KCO_E_UNSUPPORTED, "notes of registers are not known on %s", s->arch->name);
	if (n > THREADNOTES_MAX) {
		kco_session_warn(s, "%zu threads: the first %u have notes", n, THREADNOTES_MAX);
		n = THREADNOTES_MAX;
	}
	ret->notes = calloc(n ? n : 1, sizeof(*ret->notes));
	ret->descs = calloc(n ? n : 1, set->desc_size);
	if (!ret->notes || !ret->descs) {
		kco_threadnotes_fini(ret);
		return kco_fail(err, KCO_E_NOMEM, "out of memory for notes of %zu threads", n);
	}
	// Registers of who wrote the dump are told by what is code: loaded now, as before an unwinding.
	if (KCO_OS_SLOT(s->os, is_text))
		(void)KCO_OS_SLOT(s->os, is_text)(s, 0);
	for (unsigned rank = 0; rank <= 2; rank++)
		for (size_t i = 0; i < n; i++)
			if (threadnotes_rank(&tasks[i]) == rank)
				threadnotes_add(s, set, &tasks[i], ambiguous, ret);
	return KCO_OK;
}

void kco_threadnotes_fini(struct kco_threadnotes *notes)
{
	free(notes->notes);
	free(notes->descs);
	*notes = (struct kco_threadnotes){ 0 };
}
