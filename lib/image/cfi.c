// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CIEs and FDEs, and which FDE is a program counter's.
 *
 *   CIE   length, id, version, augmentation "zPLRSB", code and data alignment,
 *         return address column, augmentation data, initial instructions
 *   FDE   length, pointer to its CIE, first address, size, augmentation data,
 *         instructions
 *
 * .eh_frame_hdr: version 1, three pointer encodings, address of .eh_frame,
 * number of FDEs, and that many (first address, FDE), sorted.
 */
#include "cfi_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CFI_AUGMENTATION_MAX 16
#define CFI_INDEX_MAX (1 << 22)	     /* FDEs of one image */
#define CFI_WALK_BYTES_MAX (1 << 26) /* of a section whose size is not known */

struct kco_cfi_index {
	size_t n;
	struct cfi_index_row {
		uint64_t pc;  /* without the bias */
		uint64_t fde; /* from the section's start */
	} rows[];
};

static uint64_t cfi_section_end(const struct kco_cfi *cfi)
{
	uint64_t size = cfi->size ? cfi->size : CFI_WALK_BYTES_MAX, end;

	if (!cfi->start && !cfi->debug_frame)
		return UINT64_MAX; // not known: only the header is
	return __builtin_add_overflow(cfi->start, size, &end) ? UINT64_MAX : end;
}

/* The pointer from an entry to its CIE; CIEs have a mark there. */
static void cfi_entry_id(struct cfi_cursor *c, struct cfi_entry *e)
{
	// LSB: four bytes in .eh_frame even when the length has eight.
	size_t size = c->cfi->debug_frame && e->dwarf64 ? 8 : 4;
	uint64_t at = c->at, id = cfi_uint(c, size), cie;

	e->body = c->at;
	e->is_cie = c->cfi->debug_frame ? id == (size == 8 ? UINT64_MAX : UINT32_MAX) : id == 0;
	if (e->is_cie)
		return;
	if (c->cfi->debug_frame ? __builtin_add_overflow(c->cfi->start, id, &cie)
				: __builtin_sub_overflow(at, id, &cie))
		cfi_bad(c, KCO_E_CORRUPT);
	else
		e->cie = cie;
}

bool cfi_entry(struct cfi_cursor *c, const struct kco_cfi *cfi, uint64_t at, struct cfi_entry *ret)
{
	uint64_t section_end = cfi_section_end(cfi), length;

	*ret = (struct cfi_entry){ .at = at };
	// A walk keeps its window from entry to entry.
	if (c->cfi != cfi)
		cfi_seek(c, cfi, at, section_end);
	c->at = at;
	c->end = section_end;
	if (at < cfi->start || at >= section_end)
		cfi_bad(c, KCO_E_CORRUPT);
	length = cfi_uint(c, 4);
	if (length == UINT32_MAX) {
		ret->dwarf64 = true;
		length = cfi_uint(c, 8);
	}
	if (c->status)
		return false;
	ret->next = c->at;
	ret->is_end = length == 0;
	if (ret->is_end)
		return true;
	if (length > CFI_ENTRY_MAX || length > section_end - c->at) {
		cfi_bad(c, KCO_E_CORRUPT);
		return false;
	}
	ret->next = c->end = c->at + length;
	cfi_entry_id(c, ret);
	return !c->status;
}

/* What 'z' announces: data for each letter. */
static void cfi_augmentation(struct cfi_cursor *c, const char *text, struct cfi_cie *cie)
{
	uint64_t size = cfi_uleb(c), first = c->at, entry_end = c->end;
	bool known = true;

	if (c->at > c->end || size > c->end - c->at) {
		cfi_bad(c, KCO_E_CORRUPT);
		return;
	}
	c->end = first + size;
	for (text++; *text && known && !c->status; text++) {
		uint8_t encoding;

		switch (*text) {
		case 'R':
			cie->fde_encoding = (uint8_t)cfi_uint(c, 1);
			break;
		case 'L':
			(void)cfi_uint(c, 1);
			break;
		case 'P': // the personality routine is nothing to a debugger
			encoding = (uint8_t)cfi_uint(c, 1);
			if (encoding != CFI_PE_OMIT)
				(void)cfi_raw_pointer(c, encoding);
			break;
		case 'S':
			cie->signal = true;
			break;
		case 'B':
		case 'G':
			break;
		default: // its data cannot be told from the next one's
			known = false;
		}
	}
	c->end = entry_end;
	if (!c->status)
		c->at = first + size;
}

static void cfi_cie_body(struct cfi_cursor *c, struct cfi_cie *cie)
{
	char text[CFI_AUGMENTATION_MAX] = "";
	unsigned version = (unsigned)cfi_uint(c, 1);
	uint64_t ra;

	if (version != 1 && version != 3 && version != 4)
		cfi_bad(c, KCO_E_UNSUPPORTED);
	for (size_t i = 0;; i++) {
		if (i == sizeof(text)) {
			cfi_bad(c, KCO_E_UNSUPPORTED);
			return;
		}
		text[i] = (char)cfi_uint(c, 1);
		if (!text[i] || c->status)
			break;
	}
	// "eh", of the GCC before 3.0, has a pointer here.
	if (!strcmp(text, "eh"))
		cfi_skip(c, c->cfi->ptr_size);
	if (version == 4 && (cfi_uint(c, 1) != c->cfi->ptr_size || cfi_uint(c, 1) != 0))
		cfi_bad(c, KCO_E_UNSUPPORTED); // of another address size, or with segments
	cie->code_align = cfi_uleb(c);
	cie->data_align = cfi_sleb(c);
	ra = version == 1 ? cfi_uint(c, 1) : cfi_uleb(c);
	if (ra >= KCO_CFI_REGS)
		cfi_bad(c, KCO_E_UNSUPPORTED);
	cie->ra = (uint8_t)ra;
	cie->augmented = text[0] == 'z';
	if (cie->augmented)
		cfi_augmentation(c, text, cie);
	else if (strspn(text, "SBG") == strlen(text))
		cie->signal = strchr(text, 'S') !=
			      NULL; // the letters that have no data; as assemblers put it in .debug_frame
	else if (strcmp(text, "eh"))
		cfi_bad(c, KCO_E_UNSUPPORTED);
	cie->insns = c->at;
	cie->insns_end = c->end;
}

enum kco_status cfi_cie(const struct kco_cfi *cfi, uint64_t at, struct cfi_cie *ret, struct kco_err *err)
{
	struct cfi_cursor c = { 0 };
	struct cfi_entry e;

	*ret = (struct cfi_cie){ .fde_encoding = CFI_PE_ABSPTR };
	if (cfi_entry(&c, cfi, at, &e) && (!e.is_cie || e.is_end))
		cfi_bad(&c, KCO_E_CORRUPT);
	if (!c.status)
		cfi_cie_body(&c, ret);
	return c.status ? cfi_fail(&c, err, "the CIE", at) : KCO_OK;
}

/* What an FDE, whose head was read, is for. */
static void cfi_fde_body(struct cfi_cursor *c, const struct cfi_cie *cie, struct cfi_fde *fde)
{
	fde->first = cfi_pointer(c, cie->fde_encoding, 0);
	// The size is a number of the same format, relative to nothing.
	if (__builtin_add_overflow(fde->first, cfi_raw_pointer(c, cie->fde_encoding & 0x07), &fde->end))
		cfi_bad(c, KCO_E_CORRUPT);
	if (cie->augmented)
		cfi_skip(c, cfi_uleb(c));
	fde->insns = c->at;
	fde->insns_end = c->end;
}

enum kco_status cfi_fde(const struct kco_cfi *cfi, uint64_t at, struct cfi_fde *fde, struct cfi_cie *cie,
			struct kco_err *err)
{
	struct cfi_cursor c = { 0 };
	struct cfi_entry e;
	enum kco_status st;

	*fde = (struct cfi_fde){ 0 };
	if (cfi_entry(&c, cfi, at, &e) && (e.is_cie || e.is_end))
		cfi_bad(&c, KCO_E_CORRUPT);
	if (c.status)
		return cfi_fail(&c, err, "the FDE", at);
	fde->cie = e.cie;
	st = cfi_cie(cfi, e.cie, cie, err);
	if (st)
		return st;
	cfi_fde_body(&c, cie, fde);
	return c.status ? cfi_fail(&c, err, "the FDE", at) : KCO_OK;
}

/* The search table in .eh_frame_hdr. */
struct cfi_table {
	uint64_t at, count;
	uint8_t encoding;
	size_t width; /* of one pointer */
};

/* KCO_E_UNSUPPORTED: there is none that can be searched. */
static enum kco_status cfi_table(const struct kco_cfi *cfi, struct cfi_table *ret, struct kco_err *err)
{
	struct cfi_cursor c = { 0 };
	uint8_t head[4];
	uint64_t end;

	if (__builtin_add_overflow(cfi->hdr, cfi->hdr_size, &end))
		end = UINT64_MAX;
	cfi_seek(&c, cfi, cfi->hdr, end);
	cfi_bytes(&c, head, sizeof(head));
	if (c.status)
		return cfi_fail(&c, err, ".eh_frame_hdr", cfi->hdr);
	if (head[0] != 1 || head[2] == CFI_PE_OMIT || head[3] == CFI_PE_OMIT)
		return kco_fail(err, KCO_E_UNSUPPORTED, ".eh_frame_hdr at %#" PRIx64 " has no table", cfi->hdr);
	if (head[1] != CFI_PE_OMIT)
		(void)cfi_raw_pointer(&c, head[1]);
	ret->count = cfi_pointer(&c, head[2], cfi->hdr);
	ret->encoding = head[3];
	ret->width = cfi_pointer_size(cfi, ret->encoding);
	ret->at = c.at;
	if (!ret->width || head[3] & CFI_PE_INDIRECT)
		cfi_bad(&c, KCO_E_UNSUPPORTED);
	if (c.status)
		return cfi_fail(&c, err, ".eh_frame_hdr", cfi->hdr);
	if (ret->count > (end - ret->at) / (2 * ret->width))
		return kco_fail(err, KCO_E_CORRUPT, ".eh_frame_hdr at %#" PRIx64 " has no room for %" PRIu64 " rows",
				cfi->hdr, ret->count);
	return KCO_OK;
}

/* The row @i of the table. */
static bool cfi_table_row(struct cfi_cursor *c, const struct kco_cfi *cfi, const struct cfi_table *t, uint64_t i,
			  uint64_t *first, uint64_t *fde)
{
	uint64_t at = t->at + i * 2 * t->width;

	c->at = at;
	c->end = at + 2 * t->width;
	*first = cfi_pointer(c, t->encoding, cfi->hdr);
	*fde = cfi_pointer(c, t->encoding, cfi->hdr);
	return !c->status;
}

/* By the table: KCO_OK and the FDE that would hold @pc. */
static enum kco_status cfi_find_table(const struct kco_cfi *cfi, uint64_t pc, uint64_t *fde, struct kco_err *err)
{
	struct cfi_cursor c = { 0 };
	struct cfi_table t = { 0 };
	enum kco_status st = cfi_table(cfi, &t, err);
	uint64_t low = 0, high, first;

	if (st)
		return st;
	cfi_seek(&c, cfi, t.at, t.at);
	for (high = t.count; low < high;) {
		uint64_t mid = low + (high - low) / 2;

		if (!cfi_table_row(&c, cfi, &t, mid, &first, fde))
			return cfi_fail(&c, err, ".eh_frame_hdr", cfi->hdr);
		if (first <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || !cfi_table_row(&c, cfi, &t, low - 1, &first, fde))
		return kco_fail(err, KCO_E_NOSYM, "no FDE covers %#" PRIx64, pc);
	return KCO_OK;
}

static enum kco_status cfi_find_index(const struct kco_cfi *cfi, uint64_t pc, uint64_t *fde, struct kco_err *err)
{
	const struct kco_cfi_index *index = cfi->index;
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (index->rows[mid].pc <= pc - cfi->bias)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || pc < cfi->bias)
		return kco_fail(err, KCO_E_NOSYM, "no FDE covers %#" PRIx64, pc);
	*fde = cfi->start + index->rows[low - 1].fde;
	return KCO_OK;
}

struct cfi_walk {
	struct cfi_cursor c;
	uint64_t next;
	uint64_t cie_at; /* of cie, 0: none was read */
	struct cfi_cie cie;
};

/* The next FDE of the section that is whole. KCO_DONE at its end. */
static enum kco_status cfi_walk_next(struct cfi_walk *w, const struct kco_cfi *cfi, uint64_t *at, struct cfi_fde *fde)
{
	while (w->next < cfi_section_end(cfi)) {
		struct cfi_entry e;

		if (!cfi_entry(&w->c, cfi, w->next, &e))
			return w->c.status;
		// Only .eh_frame has a terminator; in .debug_frame it is padding.
		if (e.is_end && !cfi->debug_frame)
			return KCO_DONE;
		*at = w->next;
		w->next = e.next;
		if (e.is_end || e.is_cie)
			continue;
		if (e.cie != w->cie_at || !w->cie_at) {
			w->cie_at = 0;
			if (cfi_cie(cfi, e.cie, &w->cie, NULL))
				continue; // others may be good
			w->cie_at = e.cie;
		}
		*fde = (struct cfi_fde){ .cie = e.cie };
		cfi_fde_body(&w->c, &w->cie, fde);
		if (!w->c.status)
			return KCO_OK;
		w->c.status = KCO_OK;
	}
	return KCO_DONE;
}

static enum kco_status cfi_find_walk(const struct kco_cfi *cfi, uint64_t pc, uint64_t *fde, struct kco_err *err)
{
	struct cfi_walk w = { .next = cfi->start };
	struct cfi_fde f;
	enum kco_status st;

	while ((st = cfi_walk_next(&w, cfi, fde, &f)) == KCO_OK)
		if (pc >= f.first && pc < f.end)
			return KCO_OK;
	if (st != KCO_DONE)
		return cfi_fail(&w.c, err, "the unwind section", cfi->start);
	return kco_fail(err, KCO_E_NOSYM, "no FDE covers %#" PRIx64, pc);
}

enum kco_status kco_cfi_find(const struct kco_cfi *cfi, uint64_t pc, struct kco_cfi_row *row, struct kco_err *err)
{
	bool table = cfi->hdr && !cfi->debug_frame, section = cfi->start || cfi->debug_frame;
	enum kco_status st = KCO_E_UNSUPPORTED;
	struct cfi_fde fde;
	struct cfi_cie cie;
	uint64_t at;

	if (cfi->index)
		st = cfi_find_index(cfi, pc, &at, err);
	else if (table)
		st = cfi_find_table(cfi, pc, &at, err);
	// Without a table that can be searched, or with a bad one, the section itself still tells.
	if (!cfi->index && section && st != KCO_OK && st != KCO_E_NOSYM)
		st = cfi_find_walk(cfi, pc, &at, err);
	if (st)
		return st;
	st = cfi_fde(cfi, at, &fde, &cie, err);
	if (st)
		return st;
	if (pc < fde.first || pc >= fde.end)
		return kco_fail(err, KCO_E_NOSYM, "no FDE covers %#" PRIx64, pc);
	return cfi_run(cfi, &fde, &cie, pc, row, err);
}

static int cfi_index_compare(const void *a, const void *b)
{
	const struct cfi_index_row *x = a, *y = b;

	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	return x->fde < y->fde ? -1 : x->fde > y->fde;
}

enum kco_status kco_cfi_index_new(const struct kco_cfi *cfi, struct kco_cfi_index **ret, struct kco_err *err)
{
	struct cfi_walk w = { .next = cfi->start };
	struct kco_cfi_index *index = NULL;
	size_t n = 0, cap = 0;
	enum kco_status st;
	struct cfi_fde fde;
	uint64_t at;

	while ((st = cfi_walk_next(&w, cfi, &at, &fde)) == KCO_OK && n < CFI_INDEX_MAX) {
		// What the linker threw away lies at 0.
		if (fde.first < cfi->bias || fde.first == fde.end)
			continue;
		if (n == cap) {
			size_t more = cap ? cap * 2 : 256;
			struct kco_cfi_index *grown = realloc(index, sizeof(*index) + more * sizeof(index->rows[0]));

			if (!grown) {
				free(index);
				return kco_fail(err, KCO_E_NOMEM, "out of memory");
			}
			index = grown;
			cap = more;
		}
		index->rows[n++] = (struct cfi_index_row){ fde.first - cfi->bias, at - cfi->start };
	}
	if (!n)
		return st < 0 ? cfi_fail(&w.c, err, "the unwind section", cfi->start)
			      : kco_fail(err, KCO_E_NOSYM, "the unwind section at %#" PRIx64 " has no FDE", cfi->start);
	index->n = n;
	qsort(index->rows, n, sizeof(index->rows[0]), cfi_index_compare);
	*ret = index;
	return KCO_OK;
}

void kco_cfi_index_free(struct kco_cfi_index *index)
{
	free(index);
}
