// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The symbol table of a vmlinux as a symbol source.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "debuginfo_priv.h"
#include "elf_symtab.h"

/* What symbols are judged by. */
struct elf_symbols_file {
	struct kco_debuginfo *di;
	GElf_Shdr *sections;
	size_t nr_sections;
	size_t percpu; /* a section of offsets instead of addresses, 0 none */
};

/* As nm prints it. */
static char elf_symbols_type(const struct elf_symbols_file *file, const GElf_Sym *sym)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);
	const GElf_Shdr *sh;
	char type;

	if (file->percpu && sym->st_shndx == file->percpu)
		return 'A'; // as kallsyms has it
	if (bind == STB_WEAK)
		return GELF_ST_TYPE(sym->st_info) == STT_OBJECT ? 'V' : 'W';
	if (sym->st_shndx == SHN_ABS) {
		type = 'a';
	} else if (sym->st_shndx >= file->nr_sections) {
		return '?';
	} else {
		sh = &file->sections[sym->st_shndx];
		if (sh->sh_flags & SHF_EXECINSTR)
			type = 't';
		else if (sh->sh_type == SHT_NOBITS)
			type = 'b';
		else
			type = sh->sh_flags & SHF_WRITE ? 'd' : 'r';
	}
	return bind == STB_LOCAL ? type : (char)(type - 'a' + 'A');
}

/*
 * KASLR moves addresses, not absolute numbers, nor the offsets of a per-CPU
 * section that is linked at zero (x86_64 since Linux 3e5d8f978435;
 * kallsyms has these as absolute since c6bda7c988a5).
 */
static bool elf_symbols_moves(const struct elf_symbols_file *file, const GElf_Sym *sym)
{
	if (sym->st_shndx == SHN_ABS)
		return sym->st_value >= file->di->first && sym->st_value <= file->di->last;
	return !file->percpu || sym->st_shndx != file->percpu;
}

static enum kco_status elf_symbols_sections(struct elf_symbols_file *file, Elf_Scn **symtab, struct kco_err *err)
{
	struct kco_debuginfo *di = file->di;
	Elf_Scn *scn = NULL, *dynsym = NULL;
	const char *name;
	size_t n, strndx;

	if (elf_getshdrnum(di->elf, &n) || elf_getshdrstrndx(di->elf, &strndx) || n > 65536)
		return kco_fail(err, KCO_E_CORRUPT, "%s: its section headers: %s", di->path, elf_errmsg(-1));
	file->sections = calloc(n ? n : 1, sizeof(*file->sections));
	if (!file->sections)
		return kco_fail(err, KCO_E_NOMEM, "symbols of %s: out of memory", di->path);
	file->nr_sections = n;
	*symtab = NULL;
	while ((scn = elf_nextscn(di->elf, scn))) {
		size_t i = elf_ndxscn(scn);

		if (i >= n || !gelf_getshdr(scn, &file->sections[i]))
			continue;
		if (file->sections[i].sh_type == SHT_SYMTAB && !*symtab)
			*symtab = scn;
		if (file->sections[i].sh_type == SHT_DYNSYM && !dynsym)
			dynsym = scn;
		name = elf_strptr(di->elf, strndx, file->sections[i].sh_name);
		if (name && strcmp(name, ".data..percpu") == 0 && file->sections[i].sh_addr == 0)
			file->percpu = i;
	}
	if (!*symtab)
		*symtab = dynsym;
	if (!*symtab)
		return kco_fail(err, KCO_E_NOSYM, "%s has no symbol table", di->path);
	return KCO_OK;
}

static enum kco_status elf_symbols_read(struct elf_symbols_file *file, struct kco_elf_symtab **ret, struct kco_err *err)
{
	struct kco_debuginfo *di = file->di;
	const GElf_Shdr *sh;
	enum kco_status st;
	Elf_Data *data;
	Elf_Scn *scn;
	size_t n;

	st = elf_symbols_sections(file, &scn, err);
	if (st)
		return st;
	sh = &file->sections[elf_ndxscn(scn)];
	data = elf_getdata(scn, NULL);
	if (!data || !data->d_buf)
		return kco_fail(err, KCO_E_CORRUPT, "%s: its symbol table: %s", di->path, elf_errmsg(-1));
	n = data->d_size / gelf_fsize(di->elf, ELF_T_SYM, 1, EV_CURRENT);
	st = kco_elf_symtab_new(n, ret, err);
	if (st)
		return kco_context(err, st, "symbols of %s", di->path);
	for (size_t i = 0; i < n; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			continue;
		name = elf_strptr(di->elf, sh->sh_link, sym.st_name);
		if (kco_elf_symtab_wanted(GELF_ST_TYPE(sym.st_info), sym.st_shndx, name))
			kco_elf_symtab_add(*ret, sym.st_value + (elf_symbols_moves(file, &sym) ? di->bias : 0),
					   sym.st_size, name, elf_symbols_type(file, &sym));
	}
	if (!kco_elf_symtab_count(*ret))
		return kco_fail(err, KCO_E_NOSYM, "%s has an empty symbol table", di->path);
	return KCO_OK;
}

enum kco_status kco_debuginfo_symbols_new(struct kco_debuginfo *di, struct kco_symbol_source **ret, struct kco_err *err)
{
	struct elf_symbols_file file = { .di = di };
	struct kco_elf_symtab *table = NULL;
	enum kco_status st;

	*ret = NULL;
	pthread_mutex_lock(&di->lock);
	st = elf_symbols_read(&file, &table, err);
	pthread_mutex_unlock(&di->lock);
	free(file.sections);
	if (st) {
		kco_elf_symtab_free(table);
		return st;
	}
	*ret = kco_elf_symtab_finish(table, di->first + di->bias, di->last + di->bias, NULL);
	return KCO_OK;
}
