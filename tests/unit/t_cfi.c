// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Call frame information: every row of programs of this machine beside what
 * elfutils makes of it; every instruction and operation; tables that lie.
 */
#include "cfi.h"

#include <elfutils/libdw.h>
#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfimake.h"
#include "unit.h"
#include "vmem.h"

/*
 * One piece of memory at an address.
 */
struct piece {
	uint64_t va;
	const uint8_t *bytes;
	size_t n;
	size_t reads;
};

static size_t piece_read(void *arg, uint64_t at, void *buf, size_t n)
{
	struct piece *p = arg;

	p->reads++;
	if (at < p->va || at - p->va >= p->n)
		return 0;
	if (n > p->n - (size_t)(at - p->va))
		n = p->n - (size_t)(at - p->va);
	memcpy(buf, p->bytes + (at - p->va), n);
	return n;
}

/*
 * The oracle: an ELF file through both.
 */
struct oracle {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_CFI *eh, *debug;
	struct kco_cfi cfi;
	size_t rows, exprs;
	GElf_Phdr load[16];
	const uint8_t *bytes;
	size_t nr_load, size;
};

static size_t oracle_read(void *arg, uint64_t at, void *buf, size_t n)
{
	const struct oracle *o = arg;

	for (size_t i = 0; i < o->nr_load; i++) {
		const GElf_Phdr *ph = &o->load[i];

		if (at < ph->p_vaddr || at - ph->p_vaddr >= ph->p_filesz)
			continue;
		if (n > ph->p_filesz - (at - ph->p_vaddr))
			n = (size_t)(ph->p_filesz - (at - ph->p_vaddr));
		memcpy(buf, o->bytes + ph->p_offset + (at - ph->p_vaddr), n);
		return n;
	}
	return 0;
}

static size_t oracle_read_section(void *arg, uint64_t at, void *buf, size_t n)
{
	const Elf_Data *d = arg;

	if (at >= d->d_size)
		return 0;
	if (n > d->d_size - at)
		n = (size_t)(d->d_size - at);
	memcpy(buf, (const char *)d->d_buf + at, n);
	return n;
}

/* libdw's operations as the bytes they came from, without what libdw put in front of and behind them. */
static size_t oracle_encode(const Dwarf_Op *ops, size_t n, uint8_t *out)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t atom = ops[i].atom;
		int64_t v = (int64_t)ops[i].number;
		bool is_signed = (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) || atom == DW_OP_consts;

		out[used++] = atom;
		if (atom == DW_OP_const1u || atom == DW_OP_const1s) {
			out[used++] = (uint8_t)v;
		} else if (is_signed || atom == DW_OP_plus_uconst || atom == DW_OP_constu) {
			for (bool more = true; more;) {
				uint8_t byte = v & 0x7f;

				v >>= 7;
				more = is_signed ? !((v == 0 && !(byte & 0x40)) || (v == -1 && byte & 0x40)) : v != 0;
				out[used++] = byte | (more ? 0x80 : 0);
			}
		} else if (atom != DW_OP_deref && !(atom >= DW_OP_lit0 && atom <= DW_OP_lit31) &&
			   !(atom >= DW_OP_abs && atom <= DW_OP_ne && atom != DW_OP_bra)) {
			fail_msg("the test does not know how DW_OP %#x is written", atom);
		}
	}
	return used;
}

static bool oracle_same_expr(struct oracle *o, const struct kco_cfi_row *row, const struct kco_cfi_rule *rule,
			     const Dwarf_Op *ops, size_t n)
{
	uint8_t bytes[512];
	size_t len = oracle_encode(ops, n, bytes);

	o->exprs++;
	return len == rule->expr_len && !memcmp(bytes, row->expr + rule->expr_at, len);
}

static bool oracle_same_cfa(struct oracle *o, const struct kco_cfi_row *row, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n))
		return row->cfa.how == KCO_CFI_UNSPECIFIED;
	if (row->cfa.how == KCO_CFI_VAL_EXPR)
		return oracle_same_expr(o, row, &row->cfa, ops, n);
	return row->cfa.how == KCO_CFI_REGISTER && n == 1 && ops[0].atom == DW_OP_bregx &&
	       ops[0].number == row->cfa.reg && (int64_t)ops[0].number2 == row->cfa.offset;
}

static bool oracle_same_reg(struct oracle *o, const struct kco_cfi_row *row, Dwarf_Frame *frame, unsigned reg)
{
	const struct kco_cfi_rule *rule = &row->regs[reg];
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, (int)reg, mem, &ops, &n))
		fail_msg("libdw: %s", dwarf_errmsg(-1));
	switch (rule->how) {
	case KCO_CFI_UNSPECIFIED: // the ABI's rules are libdw's: unchanged, unknown, and the CFA
		return n == 0 || (reg == 7 && n == 2 && ops[0].atom == DW_OP_call_frame_cfa);
	case KCO_CFI_UNDEFINED:
		return n == 0 && ops == mem;
	case KCO_CFI_SAME:
		return n == 0 && ops != mem;
	case KCO_CFI_REGISTER:
		return n == 1 && ops[0].atom == DW_OP_regx && ops[0].number == rule->reg;
	case KCO_CFI_EXPR:
		return n > 1 && ops[0].atom == DW_OP_call_frame_cfa && oracle_same_expr(o, row, rule, ops + 1, n - 1);
	case KCO_CFI_VAL_EXPR:
		return n > 2 && ops[0].atom == DW_OP_call_frame_cfa && ops[n - 1].atom == DW_OP_stack_value &&
		       oracle_same_expr(o, row, rule, ops + 1, n - 2);
	}
	if (n && ops[n - 1].atom == DW_OP_stack_value) {
		n--;
		if (rule->how != KCO_CFI_VAL_OFFSET)
			return false;
	} else if (rule->how != KCO_CFI_OFFSET) {
		return false;
	}
	if (n == 0 || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	return n == 1 ? rule->offset == 0
		      : n == 2 && ops[1].atom == DW_OP_plus_uconst && (int64_t)ops[1].number == rule->offset;
}

/* Compare at @pc; returns the next address to look at. */
static uint64_t oracle_compare(struct oracle *o, Dwarf_CFI *cfi, uint64_t pc)
{
	static struct kco_cfi_row row;
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = kco_cfi_find(&o->cfi, pc, &row, &err);
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr start, end;
	bool is_signal;
	int ra;

	if (dwarf_cfi_addrframe(cfi, pc, &frame)) {
		if (st != KCO_E_NOSYM)
			fail_msg("%#" PRIx64 ": libdw says %s, we %d %s", pc, dwarf_errmsg(-1), st, err.msg);
		return pc + 1;
	}
	if (st)
		fail_msg("%#" PRIx64 ": libdw has a row, we say %s", pc, err.msg);
	ra = dwarf_frame_info(frame, &start, &end, &is_signal);
	// What restores a state keeps, with libdw, the address at which that was remembered.
	if (ra != row.ra || start > row.first || end != row.end || is_signal != row.signal)
		fail_msg("%#" PRIx64 ": libdw has %d %#" PRIx64 "-%#" PRIx64 " %d, we %d %#" PRIx64 "-%#" PRIx64 " %d",
			 pc, ra, start, end, is_signal, row.ra, row.first, row.end, row.signal);
	if (!oracle_same_cfa(o, &row, frame))
		fail_msg("%#" PRIx64 ": not the same CFA", pc);
	for (unsigned reg = 0; reg < KCO_CFI_REGS; reg++)
		if (!oracle_same_reg(o, &row, frame, reg))
			fail_msg("%#" PRIx64 ": not the same rule of register %u", pc, reg);
	free(frame);
	o->rows++;
	return end;
}

static bool oracle_open(struct oracle *o, const char *path)
{
	size_t n;

	memset(o, 0, sizeof(*o));
	elf_version(EV_CURRENT);
	o->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (o->fd < 0)
		return false;
	o->elf = elf_begin(o->fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(o->elf);
	o->bytes = (const uint8_t *)elf_rawfile(o->elf, &o->size);
	o->cfi = (struct kco_cfi){ .read = oracle_read, .arg = o, .ptr_size = 8 };
	assert_int_equal(elf_getphdrnum(o->elf, &n), 0);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		assert_non_null(gelf_getphdr(o->elf, (int)i, &ph));
		if (ph.p_type == PT_LOAD && o->nr_load < 16)
			o->load[o->nr_load++] = ph;
		if (ph.p_type == PT_GNU_EH_FRAME) {
			o->cfi.hdr = ph.p_vaddr;
			o->cfi.hdr_size = ph.p_memsz;
		}
	}
	return true;
}

static Elf_Data *oracle_section(struct oracle *o, const char *name, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t names;

	assert_int_equal(elf_getshdrstrndx(o->elf, &names), 0);
	while ((scn = elf_nextscn(o->elf, scn)) != NULL)
		if (gelf_getshdr(scn, sh) && !strcmp(elf_strptr(o->elf, names, sh->sh_name), name))
			return elf_getdata(scn, NULL);
	return NULL;
}

static void oracle_close(struct oracle *o)
{
	dwarf_cfi_end(o->eh); // the other is the Dwarf's
	dwarf_end(o->dwarf);
	elf_end(o->elf);
	close(o->fd);
}

/* Every row in the executable segments. */
static void oracle_all(struct oracle *o, Dwarf_CFI *cfi)
{
	for (size_t i = 0; i < o->nr_load; i++)
		for (uint64_t pc = o->load[i].p_vaddr;
		     o->load[i].p_flags & PF_X && pc < o->load[i].p_vaddr + o->load[i].p_filesz;)
			pc = oracle_compare(o, cfi, pc);
}

static void oracle_eh_frame(const char *path, size_t least)
{
	struct kco_cfi_index *index;
	struct oracle o;
	GElf_Shdr sh;

	if (!oracle_open(&o, path)) {
		print_message("%s is not here\n", path);
		return;
	}
	o.eh = dwarf_getcfi_elf(o.elf);
	assert_non_null(o.eh);
	// By the header's table alone; by an index of the section.
	if (o.cfi.hdr)
		oracle_all(&o, o.eh);
	assert_non_null(oracle_section(&o, ".eh_frame", &sh));
	o.cfi.start = sh.sh_addr;
	o.cfi.size = sh.sh_size;
	o.cfi.hdr = 0;
	assert_int_equal(kco_cfi_index_new(&o.cfi, &index, NULL), KCO_OK);
	o.cfi.index = index;
	o.rows = 0;
	oracle_all(&o, o.eh);
	print_message("%s: %zu rows the same as libdw's, and %zu expressions\n", path, o.rows, o.exprs);
	assert_true(o.rows > least);
	kco_cfi_index_free(index);
	oracle_close(&o);
}

static void test_cfi__agrees_with_libdw_on_libc(void **state)
{
	(void)state;
	oracle_eh_frame("/lib/x86_64-linux-gnu/libc.so.6", 10000);
}

static void test_cfi__agrees_with_libdw_on_busybox(void **state)
{
	(void)state;
	oracle_eh_frame("/bin/busybox", 1000);
}

static void test_cfi__agrees_with_libdw_on_itself(void **state)
{
	(void)state;
	oracle_eh_frame("/proc/self/exe", 100);
}

static void oracle_debug_frame(const char *name)
{
	struct kco_cfi_index *index;
	struct oracle o;
	char path[4096];
	Elf_Data *data;
	GElf_Shdr sh;

	snprintf(path, sizeof(path), "%s/%s", KCO_SAMPLES, name);
	assert_true(oracle_open(&o, path));
	o.dwarf = dwarf_begin_elf(o.elf, DWARF_C_READ, NULL);
	o.debug = dwarf_getcfi(o.dwarf);
	assert_non_null(o.debug);
	data = oracle_section(&o, ".debug_frame", &sh);
	assert_non_null(data);
	o.cfi = (struct kco_cfi){
		.read = oracle_read_section, .arg = data, .ptr_size = 8, .debug_frame = true, .size = data->d_size
	};
	assert_int_equal(kco_cfi_index_new(&o.cfi, &index, NULL), KCO_OK);
	o.cfi.index = index;
	oracle_all(&o, o.debug);
	assert_true(o.rows > 5);
	print_message("%s: %zu rows the same as libdw's\n", name, o.rows);
	kco_cfi_index_free(index);
	oracle_close(&o);
}

static void test_cfi__agrees_with_libdw_on_debug_frame(void **state)
{
	(void)state;
	oracle_debug_frame("kernel-2");
	oracle_debug_frame("kernel-4");
	oracle_debug_frame("kernel-5");
}

/*
 * Hand-made sections. A CIE "zRS" or the like at SECTION, then an FDE for
 * TEXT .. TEXT + 0x100.
 */
#define SECTION UINT64_C(0x500000)
#define TEXT UINT64_C(0x400000)

struct made {
	struct bytes b;
	struct piece piece;
	struct kco_cfi cfi;
	struct kco_cfi_row row;
	struct kco_err err;
};

static void made_cie(struct made *m, const char *augmentation, const void *insns, size_t n)
{
	size_t at = cfimake_begin(&m->b);

	bytes_uint(&m->b, m->cfi.debug_frame ? UINT32_MAX : 0, 4);
	bytes_uint(&m->b, 1, 1);
	bytes_put(&m->b, augmentation, strlen(augmentation) + 1);
	bytes_uint(&m->b, 1, 1);    // code alignment
	bytes_uint(&m->b, 0x78, 1); // data alignment -8
	bytes_uint(&m->b, 16, 1);   // RA
	if (augmentation[0] == 'z') {
		bytes_uint(&m->b, 1, 1);
		bytes_uint(&m->b, 0x1b, 1); // pcrel sdata4
	}
	bytes_put(&m->b, insns, n);
	cfimake_end(&m->b, at);
}

static void made_fde(struct made *m, const void *insns, size_t n)
{
	size_t at = cfimake_begin(&m->b);

	bytes_uint(&m->b, m->b.n, 4); // the CIE is the first
	if (m->cfi.debug_frame) {
		memset(m->b.p + m->b.n - 4, 0, 4);
		bytes_uint(&m->b, TEXT, 8);
		bytes_uint(&m->b, 0x100, 8);
	} else {
		bytes_uint(&m->b, TEXT - (SECTION + m->b.n), 4);
		bytes_uint(&m->b, 0x100, 4);
		bytes_uint(&m->b, 0, 1);
	}
	bytes_put(&m->b, insns, n);
	cfimake_end(&m->b, at);
}

static void made_open(struct made *m)
{
	m->piece = (struct piece){ .va = SECTION, .bytes = m->b.p, .n = m->b.n };
	m->cfi.read = piece_read;
	m->cfi.arg = &m->piece;
	m->cfi.ptr_size = 8;
	m->cfi.start = SECTION;
	m->cfi.size = m->b.n;
}

/* CFA = rsp + 8, RA at CFA - 8. */
static const uint8_t usual[] = { DW_CFA_def_cfa, 7, 8, DW_CFA_offset + 16, 1 };

static enum kco_status made_find_at(struct made *m, uint64_t pc, const void *insns, size_t n)
{
	enum kco_status st;

	memset(m, 0, sizeof(*m));
	made_cie(m, "zR", usual, sizeof(usual));
	made_fde(m, insns, n);
	made_open(m);
	st = kco_cfi_find(&m->cfi, pc, &m->row, &m->err);
	free(m->b.p);
	return st;
}

#define FIND(m, pc, ...)                                              \
	({                                                            \
		const uint8_t insns_[] = { __VA_ARGS__ };             \
		made_find_at(m, TEXT + (pc), insns_, sizeof(insns_)); \
	})

static void test_cfi__rows_of_a_function(void **state)
{
	struct made m;

	(void)state;
	for (unsigned pc = 0; pc < 3; pc++) {
		assert_int_equal(FIND(&m, pc, DW_CFA_advance_loc + 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset + 6, 2,
				      DW_CFA_advance_loc + 1, DW_CFA_def_cfa_register, 6),
				 KCO_OK);
		assert_int_equal(m.row.first, TEXT + pc);
		assert_int_equal(m.row.end, pc < 2 ? TEXT + pc + 1 : TEXT + 0x100);
		assert_int_equal(m.row.cfa.reg, pc < 2 ? 7 : 6);
		assert_int_equal(m.row.cfa.offset, pc < 1 ? 8 : 16);
		assert_int_equal(m.row.regs[6].how, pc < 1 ? KCO_CFI_UNSPECIFIED : KCO_CFI_OFFSET);
		assert_int_equal(m.row.regs[16].offset, -8);
	}
	assert_int_equal(FIND(&m, 0x100, 0), KCO_E_NOSYM);
	assert_int_equal(FIND(&m, -1, 0), KCO_E_NOSYM);
}

static void test_cfi__every_instruction(void **state)
{
	struct made m;

	(void)state;
	assert_int_equal(FIND(&m, 0x20, DW_CFA_advance_loc1, 1, DW_CFA_advance_loc2, 1, 0, DW_CFA_advance_loc4, 1, 0, 0,
			      0, DW_CFA_MIPS_advance_loc8, 1, 0, 0, 0, 0, 0, 0, 0, DW_CFA_nop, DW_CFA_GNU_args_size,
			      0x90, 1, DW_CFA_offset_extended, 3, 2, DW_CFA_offset_extended_sf, 12, 0x7d,
			      DW_CFA_GNU_negative_offset_extended, 13, 2, DW_CFA_val_offset, 14, 1,
			      DW_CFA_val_offset_sf, 15, 0x7f, DW_CFA_undefined, 0, DW_CFA_same_value, 1,
			      DW_CFA_register, 2, 5, DW_CFA_offset_extended, 17, 1, DW_CFA_expression, 40, 1, DW_OP_nop,
			      DW_CFA_def_cfa_sf, 6, 0x7e, DW_CFA_def_cfa_offset_sf, 0x7d, DW_CFA_remember_state,
			      DW_CFA_def_cfa_expression, 2, DW_OP_breg7, 0, DW_CFA_restore + 16,
			      DW_CFA_restore_extended, 3, DW_CFA_restore_state, DW_CFA_expression, 4, 2, DW_OP_lit1,
			      DW_OP_plus, DW_CFA_val_expression, 5, 1, DW_OP_lit2),
			 KCO_OK);
	assert_int_equal(m.row.first, TEXT + 4);
	assert_int_equal(m.row.cfa.how, KCO_CFI_REGISTER);
	assert_int_equal(m.row.cfa.reg, 6);
	assert_int_equal(m.row.cfa.offset, 24);
	assert_int_equal(m.row.regs[3].offset, -16);
	assert_int_equal(m.row.regs[12].offset, 24);
	assert_int_equal(m.row.regs[13].offset, 16);
	assert_int_equal(m.row.regs[14].how, KCO_CFI_VAL_OFFSET);
	assert_int_equal(m.row.regs[14].offset, -8);
	assert_int_equal(m.row.regs[15].offset, 8);
	assert_int_equal(m.row.regs[0].how, KCO_CFI_UNDEFINED);
	assert_int_equal(m.row.regs[1].how, KCO_CFI_SAME);
	assert_int_equal(m.row.regs[2].how, KCO_CFI_REGISTER);
	assert_int_equal(m.row.regs[2].reg, 5);
	assert_int_equal(m.row.regs[4].how, KCO_CFI_EXPR);
	assert_int_equal(m.row.regs[5].how, KCO_CFI_VAL_EXPR);
	assert_int_equal(m.row.expr[m.row.regs[5].expr_at], DW_OP_lit2);
}

static void test_cfi__instructions_that_lie(void **state)
{
	uint8_t deep[64], big[700];
	struct made m;

	(void)state;
	assert_int_equal(FIND(&m, 0, DW_CFA_restore_state), KCO_E_CORRUPT);
	assert_int_equal(FIND(&m, 0, DW_CFA_def_cfa_expression, 0x7f, 0), KCO_E_CORRUPT);
	assert_int_equal(FIND(&m, 0, DW_CFA_def_cfa_expression, 1, DW_OP_lit0, DW_CFA_def_cfa_offset, 1),
			 KCO_E_CORRUPT);
	assert_int_equal(FIND(&m, 0, 0x3f, 0, 0), KCO_E_UNSUPPORTED);
	// Backwards, and round the end of the address space.
	assert_int_equal(FIND(&m, 0x90, DW_CFA_advance_loc1, 0x80, DW_CFA_set_loc, 0x30, 0, 0xf0, 0xff), KCO_E_CORRUPT);
	assert_int_equal(FIND(&m, 0x90, DW_CFA_MIPS_advance_loc8, 255, 255, 255, 255, 255, 255, 255, 255),
			 KCO_E_CORRUPT);
	// A number that does not end within sixteen bytes.
	memset(big, 0x80, sizeof(big));
	big[0] = DW_CFA_def_cfa_offset;
	assert_int_equal(made_find_at(&m, TEXT, big, sizeof(big)), KCO_E_CORRUPT);
	memset(deep, DW_CFA_remember_state, sizeof(deep));
	assert_int_equal(made_find_at(&m, TEXT, deep, sizeof(deep)), KCO_E_UNSUPPORTED);
	// More bytes of expressions than a row holds.
	memset(big, 0, sizeof(big));
	big[0] = DW_CFA_val_expression;
	big[1] = 3;
	big[2] = 0x80 | (600 & 0x7f);
	big[3] = 600 >> 7;
	assert_int_equal(made_find_at(&m, TEXT, big, sizeof(big)), KCO_E_UNSUPPORTED);
}

static void test_cfi__entries_that_lie(void **state)
{
	static const uint32_t lengths[] = { 1, 3, 0x7fffffff, 0xfffffff0, 0xffffffff };
	struct kco_cfi_index *index;
	struct made m = { 0 };
	uint32_t word;

	(void)state;
	made_cie(&m, "zR", usual, sizeof(usual));
	made_fde(&m, "", 1);
	made_open(&m);
	for (unsigned i = 0; i < 5; i++) {
		word = lengths[i];
		memcpy(m.b.p, &word, 4);
		assert_true(kco_cfi_find(&m.cfi, TEXT, &m.row, &m.err) < 0);
		assert_true(kco_cfi_index_new(&m.cfi, &index, &m.err) < 0);
	}
	free(m.b.p);
	// An FDE that is its own CIE, and one whose CIE lies outside.
	for (int outside = 0; outside < 2; outside++) {
		memset(&m, 0, sizeof(m));
		made_cie(&m, "zR", usual, sizeof(usual));
		made_fde(&m, "", 1);
		made_open(&m);
		word = outside ? 0x7fffffff : 4;
		memcpy(m.b.p + m.b.p[0] + 8, &word, 4);
		assert_true(kco_cfi_find(&m.cfi, TEXT, &m.row, &m.err) < 0);
		free(m.b.p);
	}
	// An augmentation that nobody knows, one without end, and the old GCC's.
	memset(&m, 0, sizeof(m));
	made_cie(&m, "armcc+", usual, sizeof(usual));
	made_fde(&m, "", 1);
	made_open(&m);
	assert_true(kco_cfi_find(&m.cfi, TEXT, &m.row, &m.err) < 0);
	memset(m.b.p + 9, 'z', 7);
	assert_true(kco_cfi_find(&m.cfi, TEXT, &m.row, &m.err) < 0);
	free(m.b.p);
}

static void test_cfi__debug_frame(void **state)
{
	struct made m = { .cfi = { .debug_frame = true, .bias = 0x10000 } };
	struct kco_cfi_index *index;

	(void)state;
	made_cie(&m, "", usual, sizeof(usual));
	made_fde(&m, "", 1);
	made_open(&m);
	assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 0x10005, &m.row, &m.err), KCO_OK);
	assert_int_equal(m.row.first, TEXT + 0x10000);
	assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 5, &m.row, &m.err), KCO_E_NOSYM);
	assert_int_equal(kco_cfi_index_new(&m.cfi, &index, NULL), KCO_OK);
	m.cfi.index = index;
	// The index is the same for a process that has the image elsewhere.
	m.cfi.bias = 0x20000;
	assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 0x20005, &m.row, &m.err), KCO_OK);
	kco_cfi_index_free(index);
	free(m.b.p);
}

/* .eh_frame_hdr in front of the section, for @n functions; the table's own count is @count. */
static void test_cfi__header_table(void **state)
{
	static const uint8_t encodings[] = { DW_EH_PE_datarel | DW_EH_PE_sdata4, DW_EH_PE_datarel | DW_EH_PE_sdata8,
					     DW_EH_PE_absptr };
	struct made m;

	(void)state;
	for (unsigned e = 0; e < 3; e++) {
		size_t hdr, fde;

		memset(&m, 0, sizeof(m));
		made_cie(&m, "zR", usual, sizeof(usual));
		fde = m.b.n;
		made_fde(&m, "", 1);
		hdr = m.b.n;
		bytes_uint(&m.b, 1, 1);
		bytes_uint(&m.b, DW_EH_PE_pcrel | DW_EH_PE_sdata4, 1);
		bytes_uint(&m.b, DW_EH_PE_udata4, 1);
		bytes_uint(&m.b, encodings[e], 1);
		bytes_uint(&m.b, 0, 4);
		bytes_uint(&m.b, 1, 4);
		for (unsigned i = 0; i < 2; i++)
			bytes_uint(&m.b, (i ? SECTION + fde : TEXT) - (encodings[e] ? SECTION + hdr : 0),
				   e == 0 ? 4 : 8);
		made_open(&m);
		m.cfi.hdr = SECTION + hdr;
		m.cfi.hdr_size = m.b.n - hdr;
		m.cfi.start = m.cfi.size = 0; // the header alone is known
		assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 5, &m.row, &m.err), KCO_OK);
		assert_int_equal(kco_cfi_find(&m.cfi, TEXT - 1, &m.row, &m.err), KCO_E_NOSYM);
		assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 0x100, &m.row, &m.err), KCO_E_NOSYM);
		// More rows than there is room for.
		m.b.p[hdr + 8] = 2;
		assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 5, &m.row, &m.err), KCO_E_CORRUPT);
		// A header that is nonsense: the section tells.
		m.b.p[hdr] = 9;
		assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 5, &m.row, &m.err), KCO_E_UNSUPPORTED);
		m.cfi.start = SECTION;
		m.cfi.size = hdr;
		assert_int_equal(kco_cfi_find(&m.cfi, TEXT + 5, &m.row, &m.err), KCO_OK);
		free(m.b.p);
	}
}

/*
 * Expressions.
 */
static enum kco_status target_read(void *arg, uint64_t va, size_t size, uint64_t *ret, struct kco_err *err)
{
	(void)arg;
	if (va >= 0x10000)
		return kco_fail(err, KCO_E_UNMAPPED, "nothing is there");
	*ret = (va * 2) & (size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1);
	return KCO_OK;
}

static const struct kco_cfi_target target = { .read = target_read, .ptr_size = 8, .sp = 7, .bias = 0x1000 };

static enum kco_status eval_bytes(const uint8_t *code, size_t n, unsigned ptr_size, uint64_t *ret)
{
	struct kco_cfi_regs regs = { .known = 0x1ff };
	struct kco_cfi_target t = target;

	t.ptr_size = (uint8_t)ptr_size;
	for (unsigned i = 0; i < KCO_CFI_REGS; i++)
		regs.v[i] = 0x100 * (i + 1);
	return kco_cfi_eval(code, n, &t, &regs, NULL, ret, NULL);
}

#define EVAL(value, ...)                                                              \
	do {                                                                          \
		const uint8_t code_[] = { __VA_ARGS__ };                              \
		uint64_t ret_ = 0;                                                    \
		assert_int_equal(eval_bytes(code_, sizeof(code_), 8, &ret_), KCO_OK); \
		assert_true(ret_ == (uint64_t)(value));                               \
	} while (0)
#define EVAL_FAILS(status, ...)                                                       \
	do {                                                                          \
		const uint8_t code_[] = { __VA_ARGS__ };                              \
		uint64_t ret_ = 0;                                                    \
		assert_int_equal(eval_bytes(code_, sizeof(code_), 8, &ret_), status); \
	} while (0)

static void test_cfi__expressions(void **state)
{
	(void)state;
	EVAL(31, DW_OP_lit31);
	EVAL(-2, DW_OP_const1s, 0xfe);
	EVAL(0xfe, DW_OP_const1u, 0xfe);
	EVAL(0xfedc, DW_OP_const2u, 0xdc, 0xfe);
	EVAL(-292, DW_OP_const2s, 0xdc, 0xfe);
	EVAL(0x80000000, DW_OP_const4u, 0, 0, 0, 0x80);
	EVAL(INT32_MIN, DW_OP_const4s, 0, 0, 0, 0x80);
	EVAL(INT64_MIN, DW_OP_const8s, 0, 0, 0, 0, 0, 0, 0, 0x80);
	EVAL(624485, DW_OP_constu, 0xe5, 0x8e, 0x26);
	EVAL(-123456, DW_OP_consts, 0xc0, 0xbb, 0x78);
	EVAL(0x7f8, DW_OP_breg7, 0x78);
	EVAL(0x801, DW_OP_bregx, 7, 1);
	EVAL(0x200, DW_OP_reg1);
	EVAL(0x1007, DW_OP_addr, 7, 0, 0, 0, 0, 0, 0, 0);
	EVAL(0x1000, DW_OP_breg7, 0, DW_OP_deref);
	EVAL(0x20, DW_OP_lit16, DW_OP_deref_size, 1);
	EVAL(3, DW_OP_lit1, DW_OP_dup, DW_OP_lit2, DW_OP_plus, DW_OP_swap, DW_OP_drop);
	EVAL(1, DW_OP_lit1, DW_OP_lit2, DW_OP_over);
	EVAL(1, DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_pick, 2);
	EVAL(2, DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot, DW_OP_drop, DW_OP_minus); // 3 1 2 on the way
}

static void test_cfi__arithmetic(void **state)
{
	const uint8_t wide[] = { DW_OP_lit0, DW_OP_not, DW_OP_lit1, DW_OP_shr };
	uint64_t value;

	(void)state;
	EVAL(5, DW_OP_const1s, 0xfb, DW_OP_abs);
	EVAL(-5, DW_OP_lit5, DW_OP_neg);
	EVAL(-3, DW_OP_const1s, 0xf9, DW_OP_lit2, DW_OP_div);
	EVAL(1, DW_OP_lit7, DW_OP_lit2, DW_OP_mod);
	EVAL(14, DW_OP_lit7, DW_OP_lit2, DW_OP_mul);
	EVAL(-1, DW_OP_lit1, DW_OP_lit2, DW_OP_minus);
	EVAL(7, DW_OP_lit5, DW_OP_lit2, DW_OP_or);
	EVAL(4, DW_OP_lit5, DW_OP_lit1, DW_OP_xor);
	EVAL(200, DW_OP_lit0, DW_OP_plus_uconst, 0xc8, 1);
	EVAL(-1, DW_OP_const1s, 0xff, DW_OP_const1u, 70, DW_OP_shra);
	EVAL(-4, DW_OP_const1s, 0xf0, DW_OP_lit2, DW_OP_shra);
	EVAL(0, DW_OP_const1s, 0xff, DW_OP_const1u, 64, DW_OP_shr);
	EVAL(1, DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_lt);
	EVAL(0, DW_OP_lit2, DW_OP_lit3, DW_OP_ge);
	EVAL(INT64_MIN, DW_OP_const8s, 0, 0, 0, 0, 0, 0, 0, 0x80, DW_OP_const1s, 0xff, DW_OP_div);
	// A jump over a literal; a loop from 5 down to 0.
	EVAL(1, DW_OP_lit1, DW_OP_skip, 1, 0, DW_OP_lit2);
	EVAL(0, DW_OP_lit5, DW_OP_lit1, DW_OP_minus, DW_OP_dup, DW_OP_bra, 0xfa, 0xff);
	// What procedure linkage tables have: rsp + 8 + ((rip & 15) >= 11) * 8; here rip is not known.
	EVAL_FAILS(KCO_E_NOSYM, DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		   DW_OP_lit3, DW_OP_shl, DW_OP_plus);
	assert_int_equal(eval_bytes(wide, sizeof(wide), 4, &value), KCO_OK);
	assert_int_equal(value, 0x7fffffff);
}

static void test_cfi__expressions_that_lie(void **state)
{
	uint8_t full[80];
	uint64_t value;

	(void)state;
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_skip, 0xfd, 0xff);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_skip, 0, 0x80);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_skip, 1);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_plus);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_nop);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_lit1, DW_OP_lit0, DW_OP_div);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_lit1, DW_OP_lit0, DW_OP_mod);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_lit1, DW_OP_pick, 1);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_lit1, DW_OP_deref_size, 3);
	EVAL_FAILS(KCO_E_CORRUPT, DW_OP_lit1, DW_OP_deref_size, 200);
	EVAL_FAILS(KCO_E_UNMAPPED, DW_OP_const4u, 0, 0, 1, 0, DW_OP_deref);
	EVAL_FAILS(KCO_E_UNSUPPORTED, DW_OP_lit1, DW_OP_lit1, DW_OP_fbreg, 0);
	EVAL_FAILS(KCO_E_NOSYM, DW_OP_bregx, 0xff, 0xff, 0x7f, 0);
	memset(full, DW_OP_lit1, sizeof(full));
	assert_int_equal(eval_bytes(full, sizeof(full), 8, &value), KCO_E_UNSUPPORTED);
}

static void test_cfi__step(void **state)
{
	struct kco_cfi_regs regs = { .known = 0x1ffff }, caller;
	struct kco_err err = KCO_ERR_INIT;
	struct made m;
	uint64_t cfa;

	(void)state;
	for (unsigned i = 0; i < KCO_CFI_REGS; i++)
		regs.v[i] = 0x100 * (i + 1);
	// CFA 0x808; the return address is what target_read() has at 0x800.
	assert_int_equal(FIND(&m, 0, DW_CFA_same_value, 3, DW_CFA_undefined, 0, DW_CFA_offset + 6, 2, DW_CFA_register,
			      12, 13, DW_CFA_expression, 14, 2, DW_OP_lit8, DW_OP_plus, DW_CFA_val_expression, 15, 2,
			      DW_OP_lit8, DW_OP_plus, DW_CFA_val_offset, 1, 1),
			 KCO_OK);
	assert_int_equal(kco_cfi_step(&m.row, &target, &regs, &caller, &cfa, &err), KCO_OK);
	assert_int_equal(cfa, 0x808);
	assert_int_equal(caller.v[7], 0x808);
	assert_int_equal(caller.v[16], 0x1000);
	assert_int_equal(caller.v[3], 0x400);
	assert_int_equal(caller.v[6], (0x808 - 16) * 2);
	assert_int_equal(caller.v[12], 0xe00);
	assert_int_equal(caller.v[14], 0x810 * 2);
	assert_int_equal(caller.v[15], 0x810);
	assert_int_equal(caller.v[1], 0x800);
	assert_int_equal(caller.known, 0x1fffe);
	// The outermost frame; a return address that cannot be read.
	assert_int_equal(FIND(&m, 0, DW_CFA_undefined, 16), KCO_OK);
	assert_int_equal(kco_cfi_step(&m.row, &target, &regs, &caller, &cfa, &err), KCO_OK);
	assert_int_equal(caller.known, 0);
	assert_int_equal(FIND(&m, 0, DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 1), KCO_OK);
	assert_int_equal(kco_cfi_step(&m.row, &target, &regs, &caller, &cfa, &err), KCO_E_UNMAPPED);
	regs.known = 0;
	assert_int_equal(kco_cfi_step(&m.row, &target, &regs, &caller, &cfa, &err), KCO_E_NOSYM);
}

/* Any byte of a real section changed: no answer may be a crash, and none may take long. */
static void test_cfi__survives_damage(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		static const uint8_t insns[] = { DW_CFA_advance_loc + 1,
						 DW_CFA_remember_state,
						 DW_CFA_def_cfa_expression,
						 3,
						 DW_OP_breg7,
						 0,
						 DW_OP_deref,
						 DW_CFA_restore_state,
						 DW_CFA_expression,
						 3,
						 2,
						 DW_OP_lit8,
						 DW_OP_plus };
		struct kco_cfi_regs regs = { .known = 0x1ffff }, caller;
		struct kco_cfi_index *index;
		struct made m = { 0 };
		uint64_t cfa;

		made_cie(&m, "zR", usual, sizeof(usual));
		made_fde(&m, insns, sizeof(insns));
		for (unsigned k = 0; k < 1 + i % 3; k++)
			m.b.p[unit_random(&seed) % m.b.n] = (uint8_t)unit_random(&seed);
		made_open(&m);
		if (kco_cfi_find(&m.cfi, TEXT + 1, &m.row, &m.err) == KCO_OK)
			(void)!kco_cfi_step(&m.row, &target, &regs, &caller, &cfa, &m.err);
		if (kco_cfi_index_new(&m.cfi, &index, NULL) == KCO_OK)
			kco_cfi_index_free(index);
		assert_true(m.piece.reads < 200);
		free(m.b.p);
	}
}

static void test_cfi__no_memory_for_an_index(void **state)
{
	struct made m = { 0 };

	(void)state;
	made_cie(&m, "zR", usual, sizeof(usual));
	made_fde(&m, "", 1);
	made_open(&m);
	for (long n = 1;; n++) {
		struct kco_cfi_index *index = NULL;
		enum kco_status st;

		unit_fault_arm(n);
		st = kco_cfi_index_new(&m.cfi, &index, NULL);
		if (!unit_fault_fired()) {
			assert_int_equal(st, KCO_OK);
			kco_cfi_index_free(index);
			break;
		}
		assert_int_equal(st, KCO_E_NOMEM);
	}
	free(m.b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cfi__agrees_with_libdw_on_libc),
		cmocka_unit_test(test_cfi__agrees_with_libdw_on_busybox),
		cmocka_unit_test(test_cfi__agrees_with_libdw_on_itself),
		cmocka_unit_test(test_cfi__agrees_with_libdw_on_debug_frame),
		cmocka_unit_test(test_cfi__rows_of_a_function),
		cmocka_unit_test(test_cfi__every_instruction),
		cmocka_unit_test(test_cfi__instructions_that_lie),
		cmocka_unit_test(test_cfi__entries_that_lie),
		cmocka_unit_test(test_cfi__debug_frame),
		cmocka_unit_test(test_cfi__header_table),
		cmocka_unit_test(test_cfi__expressions),
		cmocka_unit_test(test_cfi__arithmetic),
		cmocka_unit_test(test_cfi__expressions_that_lie),
		cmocka_unit_test(test_cfi__step),
		cmocka_unit_test(test_cfi__survives_damage),
		cmocka_unit_test(test_cfi__no_memory_for_an_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
