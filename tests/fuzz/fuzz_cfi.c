// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the unwind section of a program, in memory at 0x1000: found by
 * walking, by an index, and by whatever looks like a header in it; every row
 * is applied, with the section as the stack, too.
 *
 * The first byte: 1 .debug_frame, 2 a 32-bit program. What must hold: a row
 * covers the address that was asked for, and its parts lie in it; work is
 * bounded by the size of the input.
 */
#include "cfi.h"

#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define FUZZ_AT UINT64_C(0x1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	const uint8_t *data;
	size_t n;
	unsigned char ptr_size;
};

static size_t fuzz_read(void *arg, uint64_t at, void *buf, size_t n)
{
	const struct fuzz *f = arg;

	if (at < FUZZ_AT || at - FUZZ_AT >= f->n)
		return 0;
	if (n > f->n - (size_t)(at - FUZZ_AT))
		n = f->n - (size_t)(at - FUZZ_AT);
	memcpy(buf, f->data + (at - FUZZ_AT), n);
	return n;
}

static enum kco_status fuzz_word(void *arg, uint64_t va, size_t size, uint64_t *ret, struct kco_err *err)
{
	uint8_t raw[8];

	if (size > 8)
		abort();
	if (fuzz_read(arg, va, raw, size) != size)
		return kco_fail(err, KCO_E_UNMAPPED, "nothing is there");
	*ret = kco_le_uint(raw, size);
	return KCO_OK;
}

static void fuzz_row(const struct kco_cfi_rule *rule, const struct kco_cfi_row *row)
{
	if (rule->how > KCO_CFI_VAL_EXPR || rule->reg > KCO_CFI_REGS ||
	    (size_t)rule->expr_at + rule->expr_len > row->expr_used || row->expr_used > KCO_CFI_EXPR_BYTES)
		abort();
}

static void fuzz_find(const struct kco_cfi *cfi, struct fuzz *f, uint64_t pc)
{
	const struct kco_cfi_target t = { fuzz_word, f, f->ptr_size, f->ptr_size == 8 ? 7 : 4, cfi->bias };
	struct kco_cfi_regs regs = { .known = 0x1fffe }, caller;
	static struct kco_cfi_row row;
	uint64_t cfa;

	if (kco_cfi_find(cfi, pc, &row, NULL))
		return;
	if (pc < row.first || pc >= row.end || row.ra >= KCO_CFI_REGS)
		abort();
	fuzz_row(&row.cfa, &row);
	for (unsigned i = 0; i < KCO_CFI_REGS; i++)
		fuzz_row(&row.regs[i], &row);
	for (unsigned i = 0; i < KCO_CFI_REGS; i++)
		regs.v[i] = FUZZ_AT + 8 * i;
	(void)!kco_cfi_step(&row, &t, &regs, &caller, &cfa, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t pcs[] = { 0, 0x1000, 0x8000, 0x8001, 0x8005, 0x80ff, 0x7fffffff, UINT64_MAX };
	struct fuzz f = { .data = data + 1, .n = size - 1 };
	struct kco_cfi cfi = { .read = fuzz_read, .arg = &f, .start = FUZZ_AT, .size = size - 1, .bias = 0 };
	struct kco_cfi_index *index;

	if (size < 2)
		return 0;
	f.ptr_size = cfi.ptr_size = data[0] & 2 ? 4 : 8;
	cfi.debug_frame = data[0] & 1;
	for (size_t i = 0; i < sizeof(pcs) / sizeof(pcs[0]); i++)
		fuzz_find(&cfi, &f, pcs[i]);
	if (kco_cfi_index_new(&cfi, &index, NULL) == KCO_OK) {
		cfi.index = index;
		for (size_t i = 0; i < sizeof(pcs) / sizeof(pcs[0]); i++)
			fuzz_find(&cfi, &f, pcs[i]);
		kco_cfi_index_free(index);
		cfi.index = NULL;
	}
	for (size_t at = 0; at + 12 < f.n; at += 4) {
		if (f.data[at] != 1 || (f.data[at + 3] & 0x70) == 0x70)
			continue;
		cfi.hdr = FUZZ_AT + at;
		cfi.hdr_size = f.n - at;
		cfi.start = 0;
		for (size_t i = 0; i < sizeof(pcs) / sizeof(pcs[0]); i++)
			fuzz_find(&cfi, &f, pcs[i]);
		break;
	}
	return 0;
}
