// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as registers and stacks of the process of uprocmake.h.
 *
 *   flags   1: 32-bit code, 2: a page of the stack cannot be read, 4: in a clone(),
 *           8: stacks are bytes as they are
 *   words   pc, sp, fp, then the beginning of the stack, of the handlers' stack
 *           and of the stack's second page in turn. Three bytes a word: which
 *           area, and an offset in it.
 *
 * What must hold: every walk ends, within one stack frames only go up, callers
 * are code, whoever ended early told why, and a second walk gives the same.
 */
#include <stdlib.h>
#include <string.h>

#include "uprocmake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct uproc made[2], u;
static struct kco_trace again;

static const uint64_t fuzz_bases[] = {
	UPROC_IMAGE + UELFMAKE_TEXT, UPROC_CODE, UPROC_STACK, UPROC_ALT, UPROC_DATA, 0, 0xffff0000, UINT64_MAX - 0xffff,
};

static uint64_t fuzz_word(const uint8_t *in)
{
	uint64_t off = in[1] | (uint64_t)in[2] << 8;

	// Half of all words in text are return addresses.
	if ((in[0] & 7) < 2)
		off = in[0] & 8 ? off % 64 * 64 + 32 : off % 4096;
	return fuzz_bases[in[0] & 7] + off;
}

static void fuzz_stacks(const uint8_t *data, size_t size, bool raw)
{
	static const uint64_t to[] = { UPROC_STACK, UPROC_ALT, UPROC_STACK + 4096 };
	const size_t word = u.compat ? 4 : 8;
	size_t at[3] = { 0 };

	for (unsigned i = 0; size >= 3; i = (i + 1) % 3) {
		uint64_t value = fuzz_word(data);
		size_t used = raw ? word : 3;

		if (size < used || at[i] + word > 4096)
			return;
		memcpy(uproc_at(&u, to[i] + at[i]), raw ? data : (const uint8_t *)&value, word);
		at[i] += word;
		data += used;
		size -= used;
	}
}

static void fuzz_check(const struct kco_trace *t)
{
	for (size_t i = 1; i < t->n; i++) {
		const struct kco_frame *f = &t->frames[i];
		const struct kco_vma *vma = kco_vma_at(u.p, f->pc), *before = kco_vma_at(u.p, f[-1].sp);

		if (f->regs && (f->regs < t->regs || f->regs >= t->regs + t->nr_regs))
			abort();
		if (f->kind == KCO_FRAME_EXCEPTION)
			continue;
		if (!vma || !(vma->flags & KCO_VMA_EXEC) || (kco_vma_at(u.p, f->sp) == before && f->sp < f[-1].sp))
			abort();
		if (f->slot && f->by == KCO_BY_FP && f->slot >= f->sp)
			abort();
	}
	if (t->n == 0 || t->n > KCO_FRAMES_MAX || (t->status == KCO_OK) != (t->why[0] == '\0'))
		abort();
}

static void fuzz_same(const struct kco_trace *a, const struct kco_trace *b)
{
	if (a->n != b->n || a->status != b->status || strcmp(a->why, b->why) != 0)
		abort();
	for (size_t i = 0; i < a->n; i++) {
		const struct kco_frame *x = &a->frames[i], *y = &b->frames[i];

		if (x->pc != y->pc || x->sp != y->sp || x->fp != y->fp || x->by != y->by || x->kind != y->kind ||
		    x->slot != y->slot)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st;

	if (size < 10)
		return 0;
	if (!made[data[0] & 1].s.os)
		uproc_init(&made[data[0] & 1], data[0] & 1);
	u = made[data[0] & 1];
	if (data[0] & 2)
		u.hole = UPROC_STACK + 4096;
	if (data[0] & 4) {
		u.regs.entry = KCO_ENTRY_SYSCALL;
		u.regs.syscall = UPROC_CLONE;
		kco_regs_set(&u.regs.regs, X86_64_RAX, 0);
	}
	kco_regs_set(&u.regs.regs, X86_64_RIP, fuzz_word(data + 1));
	kco_regs_set(&u.regs.regs, X86_64_RSP, fuzz_word(data + 4));
	kco_regs_set(&u.regs.regs, X86_64_RBP, fuzz_word(data + 7));
	fuzz_stacks(data + 10, size - 10, data[0] & 8);
	if (!uproc_open(&u))
		abort();
	st = kco_unwind_user(u.p, &u.regs, &u.trace, &err);
	if (st != u.trace.status || err.code != st)
		abort();
	fuzz_check(&u.trace);
	(void)!kco_unwind_user(u.p, &u.regs, &again, NULL);
	fuzz_same(&u.trace, &again);
	uproc_close(&u);
	return 0;
}
