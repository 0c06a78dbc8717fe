// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The notes of a process's core file as Linux writes them on x86_64, for 64-bit
 * and 32-bit processes (fs/binfmt_elf.c, fill_note_info()):
 *
 *   first thread   NT_PRSTATUS
 *   the process    NT_PRPSINFO, NT_SIGINFO, NT_AUXV, NT_FILE
 *   first thread   NT_PRFPREG, (32-bit: NT_PRXFPREG), NT_X86_XSTATE
 *   each other     NT_PRSTATUS, NT_SIGINFO (as gdb's gcore; the kernel has the first's only), and the same
 *
 * Layouts: struct elf_prstatus, elf_prpsinfo (include/linux/elfcore.h) and
 * their compat_ twins; user_i387_struct and user_i387_ia32_struct.
 */
#include "linux_x86_64_thread.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <kco/core.h>
#include <kco/endian.h>
#include <kco/stop.h>

#include "linux.h"
#include "x86_64.h"
#include "x86_64_xstate.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CORE_FILES_MAX (UINT64_C(4) << 20) /* as MAX_FILE_NOTE_SIZE */
#define CORE_ARGS 80
#define CORE_NOTE_PRXFPREG 0x46e62b7f

struct core_notes {
	struct kco_process *p;
	enum kco_status (*add)(void *arg, const char *name, uint32_t type, const void *desc, size_t n);
	void *arg;
	struct kco_core_stats *stats;
	bool narrow;
	struct kco_xstate xstate;
	struct kco_stop stop; /* the first thread's */
	bool has_stop;
};

/* Where the fields of struct elf_prstatus and elf_prpsinfo are, for each width. */
static const struct core_layout {
	uint8_t word; /* bytes */
	uint16_t sigpend, pid, times, regs, fpvalid, prstatus_size;
	uint16_t flag, uid, gid, id_size, ps_pid, fname, args, prpsinfo_size;
} core_layouts[2] = {
	{ 8, 16, 32, 48, 112, 328, 336, 8, 16, 20, 4, 24, 40, 56, 136 },
	{ 4, 16, 24, 40, 72, 140, 144, 4, 8, 10, 2, 12, 28, 44, 124 },
};

/* pr_reg of a 32-bit thread, struct user_regs_struct32. */
static const uint8_t core_regs32[] = {
	X86_64_RBX, X86_64_RCX, X86_64_RDX,    X86_64_RSI, X86_64_RDI, X86_64_RBP,
	X86_64_RAX, X86_64_DS,	X86_64_ES,     X86_64_FS,  X86_64_GS,  X86_64_ORIG_RAX,
	X86_64_RIP, X86_64_CS,	X86_64_RFLAGS, X86_64_RSP, X86_64_SS,
};

static void core_put_word(const struct core_layout *l, uint8_t *p, uint64_t v)
{
	if (l->word == 8)
		kco_put_le64(p, v);
	else
		kco_put_le32(p, (uint32_t)v);
}

static void core_put_time(const struct core_layout *l, uint8_t *p, uint64_t ns)
{
	core_put_word(l, p, ns / 1000000000);
	core_put_word(l, p + l->word, ns % 1000000000 / 1000);
}

static void core_put_regs(const struct core_notes *c, const struct core_layout *l, const struct kco_regs *regs,
			  uint8_t *desc)
{
	const struct kco_regset *set;
	uint64_t value;

	if (c->narrow) {
		for (size_t i = 0; i < ARRAY_SIZE(core_regs32); i++)
			if (kco_regs_get(regs, core_regs32[i], &value))
				kco_put_le32(desc + l->regs + 4 * i, (uint32_t)value);
		return;
	}
	set = kco_arch_regset(c->p->session->arch, "CORE", NT_PRSTATUS);
	if (set)
		kco_regset_encode(set, regs, desc, l->prstatus_size);
}

/* The pid of the leader of the task's process group or session; 0 unknown. */
static uint32_t core_pid_of(struct kco_session *s, const struct kco_task *task, const char *kind)
{
	struct kco_field signal, pids, nr;
	uint64_t addr;
	int64_t value;

	if (os_field(s, "task_struct", &signal, NULL, "signal", NULL) ||
	    os_field(s, "signal_struct", &pids, NULL, "pids", NULL) ||
	    os_field(s, "pid", &nr, NULL, "numbers[0].nr", NULL) ||
	    kco_types_enumerator(s->types, kind, &value, NULL) || value < 0 || value > 8 ||
	    kco_kread_field(s, task->addr, &signal, &addr, NULL) || !addr ||
	    kco_kread_uint(s, addr + pids.offset + 8 * (uint64_t)value, 8, &addr, NULL) || !addr ||
	    kco_kread_field(s, addr, &nr, &addr, NULL))
		return 0;
	return (uint32_t)addr;
}

static void core_put_ids(struct core_notes *c, const struct kco_task *task, uint8_t *p)
{
	struct kco_session *s = c->p->session;

	kco_put_le32(p, (uint32_t)task->tid);
	kco_put_le32(p + 4, task->ppid < 0 ? 0 : (uint32_t)task->ppid);
	kco_put_le32(p + 8, core_pid_of(s, task, "PIDTYPE_PGID"));
	kco_put_le32(p + 12, core_pid_of(s, task, "PIDTYPE_SID"));
}

static enum kco_status core_prstatus(struct core_notes *c, const struct kco_task *task, const struct kco_regs *regs,
				     bool fpvalid)
{
	const struct core_layout *l = &core_layouts[c->narrow];
	struct kco_signals *signals = malloc(sizeof(*signals));
	struct kco_stop stop;
	uint8_t desc[336] = { 0 };

	if (!kco_stop_get(c->p, task, &stop, NULL)) {
		kco_put_le32(desc, (uint32_t)stop.signo);
		kco_put_le16(desc + 12, (uint16_t)stop.signo);
	}
	if (signals && !kco_signals_get(c->p, task, signals, NULL)) {
		core_put_word(l, desc + l->sigpend, signals->private_pending.set);
		core_put_word(l, desc + l->sigpend + l->word, signals->blocked);
	}
	free(signals);
	core_put_ids(c, task, desc + l->pid);
	core_put_time(l, desc + l->times, task->utime);
	core_put_time(l, desc + l->times + 2 * l->word, task->stime);
	core_put_regs(c, l, regs, desc);
	kco_put_le32(desc + l->fpvalid, fpvalid);
	return c->add(c->arg, "CORE", NT_PRSTATUS, desc, l->prstatus_size);
}

/* A number in the task structure, 0 when it cannot be had. */
static uint64_t core_task_number(struct kco_session *s, uint64_t addr, const char *type, const char *path,
				 const char *older)
{
	struct kco_field field;
	uint64_t value;

	return !os_field(s, type, &field, NULL, path, older, NULL) && !kco_kread_field(s, addr, &field, &value, NULL)
		       ? value
		       : 0;
}

static void core_put_args(struct core_notes *c, uint8_t *p)
{
	const struct kco_mm_info *mm;
	uint64_t n;
	size_t done;

	if (kco_mm_get(c->p, &mm, NULL) || mm->arg_end <= mm->arg_start)
		return;
	n = mm->arg_end - mm->arg_start;
	if (n > CORE_ARGS - 1)
		n = CORE_ARGS - 1;
	// What could not be read is left out.
	if (kco_process_read(c->p, mm->arg_start, p, (size_t)n, &done, NULL))
		memset(p + done, 0, CORE_ARGS - done);
	for (size_t i = 0; i < done; i++)
		if (!p[i])
			p[i] = ' ';
}

static enum kco_status core_prpsinfo(struct core_notes *c)
{
	static const char letters[] = "RSDTZW";
	const struct core_layout *l = &core_layouts[c->narrow];
	const struct kco_task *task = c->p->leader;
	struct kco_session *s = c->p->session;
	const char *letter = task->state ? strchr(letters, task->state) : NULL;
	uint64_t cred = core_task_number(s, task->addr, "task_struct", "cred", NULL);
	uint64_t priority = core_task_number(s, task->addr, "task_struct", "static_prio", NULL);
	uint8_t desc[136] = { 0 };

	desc[0] = letter ? (uint8_t)(letter - letters) : 0;
	desc[1] = (uint8_t)(letter ? *letter : '.');
	desc[2] = task->state == 'Z';
	desc[3] = (uint8_t)(priority ? priority - 120 : 0); // PRIO_TO_NICE()
	core_put_word(l, desc + l->flag, core_task_number(s, task->addr, "task_struct", "flags", NULL));
	if (cred && !c->narrow) {
		kco_put_le32(desc + l->uid, (uint32_t)core_task_number(s, cred, "cred", "uid.val", "uid"));
		kco_put_le32(desc + l->gid, (uint32_t)core_task_number(s, cred, "cred", "gid.val", "gid"));
	} else if (cred) {
		kco_put_le16(desc + l->uid, (uint16_t)core_task_number(s, cred, "cred", "uid.val", "uid"));
		kco_put_le16(desc + l->gid, (uint16_t)core_task_number(s, cred, "cred", "gid.val", "gid"));
	}
	core_put_ids(c, task, desc + l->ps_pid);
	memcpy(desc + l->fname, task->comm, strnlen(task->comm, 15));
	core_put_args(c, desc + l->args);
	return c->add(c->arg, "CORE", NT_PRPSINFO, desc, l->prpsinfo_size);
}

/* The thread's signal; a 32-bit process's has narrower fields from si_pid or si_addr on. */
static enum kco_status core_siginfo(struct core_notes *c)
{
	uint8_t desc[128] = { 0 };

	if (c->has_stop && c->stop.has_info && !c->narrow) {
		memcpy(desc, c->stop.info.raw, sizeof(desc));
	} else if (c->has_stop && c->stop.has_info) {
		kco_put_le32(desc, (uint32_t)c->stop.info.signo);
		kco_put_le32(desc + 4, (uint32_t)c->stop.info.err);
		kco_put_le32(desc + 8, (uint32_t)c->stop.info.code);
		if (c->stop.info.kind == KCO_SIGINFO_FAULT) {
			kco_put_le32(desc + 12, (uint32_t)c->stop.info.addr);
		} else {
			kco_put_le32(desc + 12, (uint32_t)c->stop.info.pid);
			kco_put_le32(desc + 16, c->stop.info.uid);
			kco_put_le32(desc + 20, (uint32_t)c->stop.info.value);
		}
	} else if (c->has_stop) {
		kco_put_le32(desc, (uint32_t)c->stop.signo);
	}
	return c->add(c->arg, "CORE", NT_SIGINFO, desc, sizeof(desc));
}

static enum kco_status core_auxv(struct core_notes *c)
{
	const struct core_layout *l = &core_layouts[c->narrow];
	const struct kco_mm_info *mm;
	uint8_t desc[sizeof(mm->auxv)] = { 0 };

	if (kco_mm_get(c->p, &mm, NULL) || !mm->nr_auxv || mm->nr_auxv > ARRAY_SIZE(mm->auxv))
		return KCO_OK;
	for (size_t i = 0; i < mm->nr_auxv; i++)
		core_put_word(l, desc + i * l->word, mm->auxv[i]);
	return c->add(c->arg, "CORE", NT_AUXV, desc, mm->nr_auxv * l->word);
}

/* count, page size; start, end, page offset of each; then the paths. */
static enum kco_status core_files(struct core_notes *c, struct kco_err *err)
{
	const struct core_layout *l = &core_layouts[c->narrow];
	const struct kco_vma *vmas;
	uint64_t count = 0, names = 0, at;
	enum kco_status st;
	uint8_t *desc;
	size_t n;

	if (kco_vmas_get(c->p, &vmas, &n, NULL))
		return KCO_OK;
	for (size_t i = 0; i < n; i++)
		if (vmas[i].file && vmas[i].file->path) {
			count++;
			names += strlen(vmas[i].file->path) + 1;
		}
	at = (2 + 3 * count) * l->word;
	if (!count || at + names > CORE_FILES_MAX)
		return KCO_OK;
	desc = calloc(1, (size_t)(at + names));
	if (!desc)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	core_put_word(l, desc, count);
	core_put_word(l, desc + l->word, 4096);
	count = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t *row = desc + (2 + 3 * count) * l->word;

		if (!vmas[i].file || !vmas[i].file->path)
			continue;
		core_put_word(l, row, vmas[i].start);
		core_put_word(l, row + l->word, vmas[i].end);
		core_put_word(l, row + 2 * l->word, vmas[i].offset / 4096);
		memcpy(desc + at, vmas[i].file->path, strlen(vmas[i].file->path) + 1);
		at += strlen(vmas[i].file->path) + 1;
		count++;
	}
	st = c->add(c->arg, "CORE", NT_FILE, desc, (size_t)at);
	free(desc);
	return st;
}

/* FSAVE's form of what FXSAVE has, as convert_from_fxsr() of arch/x86/kernel/fpu/regset.c makes it. */
static void core_fsave(const uint8_t *fx, uint8_t env[108])
{
	uint16_t tags = 0;
	unsigned top = kco_le16(fx + 2) >> 11 & 7;

	for (unsigned i = 0; i < 8; i++) {
		const uint8_t *st = fx + 32 + 16 * ((i - top) & 7);
		unsigned exponent = kco_le16(st + 8) & 0x7fff, tag;
		uint64_t mantissa = kco_le64(st);

		if (!(fx[4] >> i & 1))
			tag = 3; // empty
		else if (exponent == 0x7fff || (exponent && !(mantissa >> 63)))
			tag = 2; // special
		else if (exponent == 0)
			tag = mantissa ? 2 : 1;
		else
			tag = 0;
		tags |= (uint16_t)(tag << 2 * i);
	}
	kco_put_le32(env, kco_le16(fx) | 0xffff0000);
	kco_put_le32(env + 4, kco_le16(fx + 2) | 0xffff0000);
	kco_put_le32(env + 8, tags | 0xffff0000);
	memcpy(env + 12, fx + 8, 4);
	kco_put_le32(env + 16, kco_le16(fx + 12) | (uint32_t)kco_le16(fx + 6) << 16);
	memcpy(env + 20, fx + 16, 4);
	kco_put_le32(env + 24, kco_le16(fx + 20) | 0xffff0000);
	for (unsigned i = 0; i < 8; i++)
		memcpy(env + 28 + 10 * i, fx + 32 + 16 * i, 10);
}

/* x87 and vector registers, those that the thread's c->xstate holds. */
static enum kco_status core_state(struct core_notes *c)
{
	uint8_t fsave[108];
	enum kco_status st;

	if (c->narrow) {
		core_fsave(c->xstate.area, fsave);
		st = c->add(c->arg, "CORE", NT_PRFPREG, fsave, sizeof(fsave));
		if (!st)
			st = c->add(c->arg, "LINUX", CORE_NOTE_PRXFPREG, c->xstate.area, X86_64_XSAVE_LEGACY);
	} else {
		st = c->add(c->arg, "CORE", NT_PRFPREG, c->xstate.area, X86_64_XSAVE_LEGACY);
	}
	if (!st && c->xstate.size > X86_64_XSAVE_LEGACY)
		st = c->add(c->arg, "LINUX", NT_X86_XSTATE, c->xstate.area, c->xstate.size);
	return st;
}

static enum kco_status core_process(struct core_notes *c, struct kco_err *err)
{
	enum kco_status st = core_prpsinfo(c);

	if (!st)
		st = core_siginfo(c);
	if (!st)
		st = core_auxv(c);
	return st ? st : core_files(c, err);
}

/* All of one thread. The first brings the process's notes along. */
static enum kco_status core_thread(struct core_notes *c, const struct kco_task *task, const struct kco_regs *regs,
				   bool first, struct kco_err *err)
{
	bool state = !kco_thread_xstate_get(c->p, task, &c->xstate, NULL);
	enum kco_status st;

	c->has_stop = !kco_stop_get(c->p, task, &c->stop, NULL);
	st = core_prstatus(c, task, regs, state);
	if (!st)
		st = first ? core_process(c, err) : core_siginfo(c);
	return st || !state ? st : core_state(c);
}

/* The thread that debuggers select: the one that panicked, else one with a signal, else the main one. */
static const struct kco_task *core_first(struct kco_process *p, struct kco_thread_regs *regs, struct kco_err *err)
{
	const struct kco_task *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < p->nr_threads; i++) {
		const struct kco_task *task = p->threads[i];
		struct kco_stop stop;
		int rank;

		if (kco_thread_regs_get(p, task, regs, err))
			continue;
		rank = task->flags & KCO_TASK_PANIC			   ? 4
		       : !kco_stop_get(p, task, &stop, NULL) && stop.signo ? 3
		       : task == p->leader				   ? 2
									   : 1;
		if (rank > best_rank) {
			best_rank = rank;
			best = task;
		}
	}
	if (best && kco_thread_regs_get(p, best, regs, err))
		return NULL;
	return best;
}

enum kco_status linux_x86_64_core_notes(struct kco_process *p,
					enum kco_status (*add)(void *arg, const char *name, uint32_t type,
							       const void *desc, size_t n),
					void *arg, bool *narrow, struct kco_core_stats *stats, struct kco_err *err)
{
	struct core_notes *c = calloc(1, sizeof(*c));
	struct kco_thread_regs regs;
	const struct kco_task *first;
	enum kco_status st;

	if (!c)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	*c = (struct core_notes){ .p = p, .add = add, .arg = arg, .stats = stats };
	first = core_first(p, &regs, err);
	if (!first) {
		free(c);
		return kco_context(err, KCO_E_RANGE, "no thread of process %lld has known registers",
				   (long long)p->pid);
	}
	if (err)
		*err = KCO_ERR_INIT;
	*narrow = c->narrow = regs.compat;
	st = core_thread(c, first, &regs.regs, true, err);
	stats->threads = 1;
	for (size_t i = 0; i < p->nr_threads && !st; i++) {
		if (p->threads[i] == first)
			continue;
		if (kco_thread_regs_get(p, p->threads[i], &regs, NULL)) {
			stats->threads_lost++;
			continue;
		}
		st = core_thread(c, p->threads[i], &regs.regs, false, err);
		stats->threads++;
	}
	free(c);
	return st;
}
