// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the memory in which kallsyms lies.
 *
 * The input begins with where the arrays are said to be (eight u32: num_syms,
 * names, token_table, token_index, markers, offsets, relative_base, addresses;
 * offsets into the rest, 0 unknown); the rest is the memory. All that a source
 * answers is asked for, the scan is run over the same memory, and the same bytes
 * are a module's symbol table.
 *
 * What must hold: no crash, no hang, names that end, and a symbol by address
 * that covers the address.
 */
#include "kallsyms.h"

#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "vmem.h"

#define FUZZ_VA UINT64_C(0xffffffff81000000)
#define FUZZ_HEAD 32
#define FUZZ_SYMS 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_check(const struct kco_symbol *sym)
{
	if (!sym->name || strlen(sym->name) >= KCO_SYMBOL_NAME_MAX ||
	    (sym->size && sym->addr + (sym->size - 1) < sym->addr))
		abort();
}

static bool fuzz_each(void *arg, const struct kco_symbol *sym)
{
	unsigned *left = arg;

	fuzz_check(sym);
	return --*left > 0;
}

static void fuzz_source(struct kco_symbol_source *src)
{
	static const char *const names[] = { "_end", "", "a", "init_task", "do_thing.cold", "sys_read" };
	uint64_t span = src->last - src->first;
	unsigned left = FUZZ_SYMS;
	struct kco_symbol sym;
	struct kco_err err;

	for (unsigned i = 0; i <= 16; i++) {
		uint64_t addr = src->first + span / 16 * i;

		if (src->ops->by_addr(src, addr, &sym, &err))
			continue;
		fuzz_check(&sym);
		if (sym.addr > addr)
			abort();
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!src->ops->by_name(src, names[i], &sym, &err) && strcmp(sym.name, names[i]) != 0)
			abort();
	if (src->ops->each(src, fuzz_each, &left, &err) && !err.msg[0])
		abort();
	src->ops->free(src);
}

static void fuzz_module(struct vmem *v, const uint8_t *data, size_t size)
{
	struct kco_module_syms m = {
		.module = "fuzz", .symtab = FUZZ_VA, .first = FUZZ_VA, .end = FUZZ_VA + (1 << 20)
	};
	struct kco_symbol_source *src;

	if (size < 12)
		return;
	m.num_symtab = kco_le32(data) & 0xfff;
	m.strtab = FUZZ_VA + kco_le32(data + 4) % size;
	m.typetab = kco_le32(data + 8) % 2 ? FUZZ_VA + kco_le32(data + 8) % size : 0;
	if (!kco_module_syms_new(v->mem, &v->space, &m, &src, NULL))
		fuzz_source(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kco_kallsyms_layout l = { 0 };
	uint64_t *const places[] = { &l.num_syms, &l.names,   &l.token_table,	&l.token_index,
				     &l.markers,  &l.offsets, &l.relative_base, &l.addresses };
	struct kco_symbol_source *src;
	struct vmem v = { 0 };

	if (size <= FUZZ_HEAD)
		return 0;
	for (size_t i = 0; i < 8; i++) {
		uint32_t off = kco_le32(data + i * 4);

		*places[i] = off ? FUZZ_VA + off % (size - FUZZ_HEAD) : 0;
	}
	vmem_add(&v, FUZZ_VA, data + FUZZ_HEAD, size - FUZZ_HEAD);
	if (vmem_open(&v)) {
		if (!kco_kallsyms_new(v.mem, &v.space, &l, &src, NULL))
			fuzz_source(src);
		if (!kco_kallsyms_scan(v.mem, &v.space, FUZZ_VA, FUZZ_VA + size - FUZZ_HEAD, &l, NULL) &&
		    !kco_kallsyms_new(v.mem, &v.space, &l, &src, NULL))
			fuzz_source(src);
		fuzz_module(&v, data, size);
	}
	vmem_close(&v);
	return 0;
}
