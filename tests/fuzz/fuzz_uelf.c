// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as an ELF image: mapped in a process at some bias, or as a file;
 * and as an xz stream.
 *
 * The first byte chooses which, and the bias; the bytes behind it are the
 * image. What must hold: a symbol that is found covers the address that was
 * asked for, and every name is found again.
 */
#include "uelf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "usymtab.h"

#define FUZZ_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_bytes {
	const uint8_t *p;
	size_t n;
	uint64_t at;
};

static enum kco_status fuzz_read(void *arg, uint64_t at, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	const struct fuzz_bytes *b = arg;
	uint64_t off = at - b->at;

	*done = off >= b->n ? 0 : n < b->n - off ? n : (size_t)(b->n - off);
	memcpy(buf, *done ? b->p + off : b->p, *done);
	return *done == n ? KCO_OK : kco_fail(err, KCO_E_UNMAPPED, "nothing there");
}

static void fuzz_symbols(struct kco_usymtab *tab, const struct kco_uelf *elf)
{
	kco_usymtab_sort(tab);
	for (size_t i = 0; i < tab->n; i++) {
		uint64_t vaddr = tab->v[i].addr + tab->v[i].size / 2;
		const struct kco_usym *sym = kco_usymtab_by_addr(tab, elf, vaddr);

		if (sym && (sym->addr > vaddr || (sym->size && vaddr - sym->addr >= sym->size)))
			abort();
		sym = kco_usymtab_by_name(tab, tab->v[i].name);
		if (!sym || strcmp(sym->name, tab->v[i].name) != 0)
			abort();
	}
}

static void fuzz_image(struct kco_uelf *elf)
{
	struct kco_usymtab tab = { 0 };
	const struct kco_uelf_section *sec;
	uint8_t id[KCO_UELF_BUILD_ID];
	size_t n;
	void *bytes;

	if (!elf->io.mapped)
		(void)!kco_uelf_sections_load(elf, NULL);
	if (!kco_uelf_build_id(elf, id, &n, NULL) && (!n || n > sizeof(id)))
		abort();
	(void)!kco_usymtab_add_dynamic(&tab, elf, NULL);
	(void)!kco_usymtab_add_section(&tab, elf, elf, SHT_SYMTAB, NULL);
	fuzz_symbols(&tab, elf);
	kco_usymtab_fini(&tab);
	sec = kco_uelf_section_find(elf, ".debug_frame", 0);
	if (sec && !kco_uelf_section_read_new(elf, sec, FUZZ_MAX, &bytes, &n, NULL))
		free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes b;
	struct kco_uelf_io io = { .read = fuzz_read, .arg = &b };
	struct kco_uelf elf;
	size_t n;
	void *out;

	if (size < 2)
		return 0;
	b = (struct fuzz_bytes){ .p = data + 1, .n = size - 1 };
	if ((data[0] & 3) == 3) {
		if (!kco_uelf_unxz_new(b.p, b.n, FUZZ_MAX, &out, &n, NULL)) {
			if (n > FUZZ_MAX)
				abort();
			free(out);
		}
		return 0;
	}
	io.mapped = data[0] & 1;
	b.at = io.mapped ? (uint64_t)(data[0] >> 2) << 12 : 0;
	if (!kco_uelf_init(&elf, &io, b.at, NULL)) {
		if (!io.mapped || kco_uelf_bias(&elf, b.at, 0, false, &elf.bias))
			fuzz_image(&elf);
	}
	kco_uelf_fini(&elf);
	return 0;
}
