// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of a FreeBSD kernel module.
 *
 * A shared object (ET_DYN, all machines but amd64) is loaded as it was linked,
 * from its first segment on. An object (ET_REL, amd64) is loaded section by
 * section:
 *
 *   linker_file.address -> | .text | .rodata | set_* | .data | .bss |       <- kldload(8): size is up to here
 *                          | symbols | names | section names | relocations | <- loader(8): size is up to here
 *
 * Sections with SHF_ALLOC that are not empty, of the types PROGBITS, NOBITS and
 * X86_64_UNWIND, lie there in the file's order, each aligned as it asks for
 * (sys/kern/link_elf_obj.c, link_elf_load_file(); stand/common/load_elf_obj.c,
 * __elfN(obj_loadimage)()). Newer kernels load INIT_ARRAY and FINI_ARRAY, too,
 * and older loaders leave room for the symbols twice. Which of these was the
 * case is told by the size: one of them gives it, or it is another file.
 * set_pcpu and set_vnet keep their room there, but what is used is a copy
 * elsewhere (dpcpu_alloc(), vnet_data_alloc()), of which only the dump knows.
 */
#include "elf_modfile.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "elf_symtab.h"

#define MODFILE_PAGE UINT64_C(4096)
#define MODFILE_ALIGN_MAX (UINT64_C(1) << 30)
#define MODFILE_NAMES_MAX ((size_t)128 << 20)

struct modfile_loaded {
	size_t index; /* in the file */
	uint64_t flags, align;
};

struct kco_modfile {
	const struct kco_modfile_request *req;
	Elf *elf;
	GElf_Ehdr eh;
	size_t strndx;
	GElf_Shdr *sh;
	size_t nr_sh, symtab; /* symtab: its section, 0 none */
	struct kco_modfile_section *sections;
	struct modfile_loaded *loaded; /* beside them */
	size_t nr;
};

/* Ways to lay out an object. */
struct modfile_rule {
	bool arrays;	  /* INIT_ARRAY and FINI_ARRAY are loaded */
	unsigned symbols; /* how often the symbols' size is behind the sections: 0 kernel, 1 or 2 loader */
};

static const struct modfile_rule modfile_rules[] = {
	{ true, 0 }, { true, 1 }, { true, 2 }, { false, 0 }, { false, 1 }, { false, 2 },
};
#define MODFILE_RULES (sizeof(modfile_rules) / sizeof(modfile_rules[0]))

static bool modfile_is_loaded(const struct kco_modfile *f, const GElf_Shdr *sh, bool arrays)
{
	if (!(sh->sh_flags & SHF_ALLOC) || !sh->sh_size)
		return false;
	switch (sh->sh_type) {
	case SHT_PROGBITS:
	case SHT_NOBITS:
		return true;
	case SHT_X86_64_UNWIND:
		return f->eh.e_machine == EM_X86_64;
	case SHT_INIT_ARRAY:
	case SHT_FINI_ARRAY:
		return arrays;
	}
	return false;
}

static const char *modfile_name(const struct kco_modfile *f, size_t i)
{
	const char *name = elf_strptr(f->elf, f->strndx, f->sh[i].sh_name);

	return name ? name : "";
}

/* Which sections were loaded, in order; where is not known yet. */
static void modfile_collect(struct kco_modfile *f, bool arrays)
{
	f->nr = 0;
	for (size_t i = 1; i < f->nr_sh; i++) {
		const GElf_Shdr *sh = &f->sh[i];

		if (!modfile_is_loaded(f, sh, arrays))
			continue;
		f->loaded[f->nr] = (struct modfile_loaded){ i, sh->sh_flags, sh->sh_addralign ? sh->sh_addralign : 1 };
		f->sections[f->nr++] = (struct kco_modfile_section){ .name = modfile_name(f, i), .size = sh->sh_size };
	}
}

/* @at becomes where something of @size bytes ends that begins behind @at, aligned. False: it makes no sense. */
static bool modfile_put(uint64_t *at, uint64_t align, uint64_t size, uint64_t *begin)
{
	if (align & (align - 1) || align > MODFILE_ALIGN_MAX || __builtin_add_overflow(*at, align - 1, at))
		return false;
	*at &= ~(align - 1);
	*begin = *at;
	return !__builtin_add_overflow(*at, size, at);
}

/* What a loader puts behind the sections. */
static bool modfile_put_tables(const struct kco_modfile *f, unsigned symbols, uint64_t *at)
{
	size_t tables[3] = { f->symtab, f->symtab ? f->sh[f->symtab].sh_link : 0, f->strndx };
	uint64_t begin;

	for (; symbols > 1; symbols--)
		if (__builtin_add_overflow(*at, f->sh[f->symtab].sh_size, at))
			return false;
	for (size_t i = 0; i < 3; i++)
		if (!tables[i] || tables[i] >= f->nr_sh ||
		    !modfile_put(at, f->sh[tables[i]].sh_addralign ? f->sh[tables[i]].sh_addralign : 1,
				 f->sh[tables[i]].sh_size, &begin))
			return false;
	for (size_t i = 1; i < f->nr_sh; i++) {
		const GElf_Shdr *sh = &f->sh[i];

		if ((sh->sh_type != SHT_REL && sh->sh_type != SHT_RELA) || sh->sh_info >= f->nr_sh ||
		    !(f->sh[sh->sh_info].sh_flags & SHF_ALLOC))
			continue;
		if (!modfile_put(at, sh->sh_addralign ? sh->sh_addralign : 1, sh->sh_size, &begin))
			return false;
	}
	return true;
}

/* Place the sections by @rule. @size: what the module's would be, 0 when there is none. */
static bool modfile_place(struct kco_modfile *f, const struct modfile_rule *rule, uint64_t *size)
{
	uint64_t at = f->req->mod_base;

	*size = 0;
	modfile_collect(f, rule->arrays);
	for (size_t i = 0; i < f->nr; i++)
		if (!modfile_put(&at, f->loaded[i].align, f->sections[i].size, &f->sections[i].addr))
			return false;
	if (rule->symbols && !modfile_put_tables(f, rule->symbols, &at))
		return false;
	*size = at - f->req->mod_base;
	return *size == f->req->mod_size;
}

static enum kco_status modfile_by_rule(struct kco_modfile *f, struct kco_err *err)
{
	uint64_t size, first = 0;

	for (size_t i = 0; i < MODFILE_RULES; i++) {
		if (modfile_place(f, &modfile_rules[i], &size))
			return KCO_OK;
		first = i ? first : size;
	}
	if (!first)
		return kco_fail(err, KCO_E_BADFILE, "%s: its sections have sizes or alignments that make no sense",
				f->req->path);
	return kco_fail(err, KCO_E_CORRUPT,
			"%s is not the file that was loaded: it takes %" PRIu64
			" bytes, the module in the dump %" PRIu64,
			f->req->path, first, f->req->mod_size);
}

/* Are the sections those of the dump? The first one that differs is *@at. */
static bool modfile_same(struct kco_modfile *f, bool arrays, size_t *at)
{
	const struct kco_modfile_section *want = f->req->sections;

	modfile_collect(f, arrays);
	for (*at = 0; *at < f->nr && *at < f->req->nr_sections; ++*at) {
		if (strcmp(f->sections[*at].name, want[*at].name) != 0 || f->sections[*at].size != want[*at].size)
			return false;
		f->sections[*at].addr = want[*at].addr;
	}
	return f->nr == f->req->nr_sections;
}

static enum kco_status modfile_by_dump(struct kco_modfile *f, struct kco_err *err)
{
	const struct kco_modfile_section *want = f->req->sections;
	size_t at;

	if (modfile_same(f, true, &at) || modfile_same(f, false, &at))
		return KCO_OK;
	if (at >= f->nr || at >= f->req->nr_sections)
		return kco_fail(err, KCO_E_CORRUPT,
				"%s is not the file that was loaded: it has %zu sections to load, the module in the "
				"dump %zu",
				f->req->path, f->nr, f->req->nr_sections);
	return kco_fail(err, KCO_E_CORRUPT,
			"%s is not the file that was loaded: its section %.32s has %" PRIu64
			" bytes, %.32s of the module in the dump %" PRIu64,
			f->req->path, f->sections[at].name, f->sections[at].size, want[at].name, want[at].size);
}

/* A shared object: as it was linked. Behind it the loader puts the symbols, and rounds. */
static enum kco_status modfile_shared(struct kco_modfile *f, struct kco_err *err)
{
	uint64_t first = UINT64_MAX, end = 0, extent, room = 2 * MODFILE_PAGE;
	GElf_Phdr ph;
	size_t n = 0;

	if (elf_getphdrnum(f->elf, &n))
		n = 0;
	for (size_t i = 0; i < n && i < 4096; i++) {
		if (!gelf_getphdr(f->elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
		    ph.p_memsz > UINT64_MAX - MODFILE_PAGE || ph.p_vaddr > UINT64_MAX - MODFILE_PAGE - ph.p_memsz)
			continue;
		first = ph.p_vaddr < first ? ph.p_vaddr : first;
		end = ph.p_vaddr + ph.p_memsz > end ? ph.p_vaddr + ph.p_memsz : end;
	}
	if (end <= first)
		return kco_fail(err, KCO_E_BADFILE, "%s has nothing to load", f->req->path);
	first &= ~(MODFILE_PAGE - 1);
	extent = end - first;
	for (size_t i = 1; i < f->nr_sh; i++)
		if (f->sh[i].sh_type == SHT_SYMTAB || f->sh[i].sh_type == SHT_STRTAB)
			(void)!__builtin_add_overflow(room, f->sh[i].sh_size, &room);
	if (f->req->mod_size < extent || f->req->mod_size - extent > room)
		return kco_fail(err, KCO_E_CORRUPT,
				"%s is not the file that was loaded: it takes %" PRIu64
				" bytes, the module in the dump %" PRIu64,
				f->req->path, extent, f->req->mod_size);
	f->nr = 0;
	for (size_t i = 1; i < f->nr_sh; i++) {
		const GElf_Shdr *sh = &f->sh[i];

		if (!(sh->sh_flags & SHF_ALLOC) || sh->sh_addr < first || sh->sh_addr - first > extent ||
		    sh->sh_size > extent - (sh->sh_addr - first))
			continue;
		f->loaded[f->nr] = (struct modfile_loaded){ i, sh->sh_flags, 1 };
		f->sections[f->nr++] =
			(struct kco_modfile_section){ modfile_name(f, i), f->req->mod_base + (sh->sh_addr - first),
						      sh->sh_size };
	}
	return KCO_OK;
}

static enum kco_status modfile_headers(struct kco_modfile *f, struct kco_err *err)
{
	size_t n;
	Elf_Scn *scn = NULL;

	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &f->eh))
		return kco_fail(err, KCO_E_BADFILE, "%s is no ELF file", f->req->path);
	if (f->eh.e_machine != f->req->machine || (f->eh.e_type != ET_REL && f->eh.e_type != ET_DYN))
		return kco_fail(err, KCO_E_BADFILE, "%s is no kernel module of this machine (ELF type %u, machine %u)",
				f->req->path, f->eh.e_type, f->eh.e_machine);
	if (elf_getshdrnum(f->elf, &n) || elf_getshdrstrndx(f->elf, &f->strndx) || n > KCO_MODFILE_SECTIONS_MAX)
		return kco_fail(err, KCO_E_BADFILE, "%s has no sections that make sense", f->req->path);
	f->nr_sh = n;
	f->sh = calloc(n + 1, sizeof(*f->sh));
	f->sections = calloc(n + 1, sizeof(*f->sections));
	f->loaded = calloc(n + 1, sizeof(*f->loaded));
	if (!f->sh || !f->sections || !f->loaded)
		return kco_fail(err, KCO_E_NOMEM, "%s: out of memory", f->req->path);
	while ((scn = elf_nextscn(f->elf, scn))) {
		size_t i = elf_ndxscn(scn);

		if (i >= n || !gelf_getshdr(scn, &f->sh[i]))
			return kco_fail(err, KCO_E_BADFILE, "%s: its section headers: %s", f->req->path,
					elf_errmsg(-1));
		if (f->sh[i].sh_type == SHT_SYMTAB && !f->symtab)
			f->symtab = i;
	}
	return KCO_OK;
}

enum kco_status kco_modfile_open_new(const struct kco_modfile_request *req, struct kco_modfile **ret,
				     struct kco_err *err)
{
	struct kco_modfile *f = calloc(1, sizeof(*f));
	enum kco_status st;

	*ret = NULL;
	if (!f)
		return kco_fail(err, KCO_E_NOMEM, "%s: out of memory", req->path);
	f->req = req;
	elf_version(EV_CURRENT);
	f->elf = elf_memory(req->bytes, req->size);
	st = modfile_headers(f, err);
	if (!st && f->eh.e_type == ET_DYN)
		st = modfile_shared(f, err);
	else if (!st)
		st = req->nr_sections ? modfile_by_dump(f, err) : modfile_by_rule(f, err);
	if (st) {
		kco_modfile_free(f);
		return st;
	}
	*ret = f;
	return KCO_OK;
}

void kco_modfile_free(struct kco_modfile *f)
{
	if (!f)
		return;
	elf_end(f->elf);
	free(f->sh);
	free(f->sections);
	free(f->loaded);
	free(f);
}

const struct kco_modfile_section *kco_modfile_sections(const struct kco_modfile *f, size_t *n)
{
	*n = f->nr;
	return f->sections;
}

bool kco_modfile_has_dwarf(const struct kco_modfile *f)
{
	for (size_t i = 1; i < f->nr_sh; i++)
		if (f->sh[i].sh_type == SHT_PROGBITS && f->sh[i].sh_size && !strcmp(modfile_name(f, i), ".debug_info"))
			return true;
	return false;
}

/* As nm prints it. */
static char modfile_type(const struct kco_modfile *f, const GElf_Sym *sym)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);
	const GElf_Shdr *sh = &f->sh[sym->st_shndx < f->nr_sh ? sym->st_shndx : 0];
	char type = 'r';

	if (bind == STB_WEAK)
		return GELF_ST_TYPE(sym->st_info) == STT_OBJECT ? 'V' : 'W';
	if (sym->st_shndx == SHN_ABS)
		type = 'a';
	else if (sh->sh_flags & SHF_EXECINSTR)
		type = 't';
	else if (sh->sh_flags & SHF_WRITE)
		type = sh->sh_type == SHT_NOBITS ? 'b' : 'd';
	return bind == STB_LOCAL ? type : (char)(type - 'a' + 'A');
}

/* DPCPU_SETNAME, VNET_SETNAME: where the copy lies that is used, the file does not tell. */
static bool modfile_is_copied(const char *section)
{
	return !strcmp(section, "set_pcpu") || !strcmp(section, "set_vnet");
}

/* The symbol's address in the dump; false: its section was not loaded. */
static bool modfile_address(const struct kco_modfile *f, const GElf_Sym *sym, uint64_t *ret)
{
	*ret = sym->st_value;
	if (sym->st_shndx == SHN_ABS)
		return true;
	for (size_t i = 0; i < f->nr; i++) {
		uint64_t at = sym->st_value;

		if (f->loaded[i].index != sym->st_shndx)
			continue;
		if (!f->req->nr_sections && modfile_is_copied(f->sections[i].name))
			return false;
		if (f->eh.e_type == ET_DYN)
			at -= f->sh[sym->st_shndx].sh_addr;
		*ret = f->sections[i].addr + at;
		return at <= f->sections[i].size; // a symbol at the end of a section is usual
	}
	return false;
}

static enum kco_status modfile_names(const struct kco_modfile *f, char **ret, size_t *size, struct kco_err *err)
{
	Elf_Scn *scn = elf_getscn(f->elf, f->sh[f->symtab].sh_link);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	if (!data || !data->d_buf || data->d_size > MODFILE_NAMES_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "%s: the names of its symbols: %s", f->req->path, elf_errmsg(-1));
	*size = data->d_size;
	*ret = malloc(*size + 1);
	if (!*ret)
		return kco_fail(err, KCO_E_NOMEM, "%s: out of memory", f->req->path);
	memcpy(*ret, data->d_buf, *size);
	(*ret)[*size] = '\0';
	return KCO_OK;
}

static uint64_t modfile_code_last(const struct kco_modfile *f)
{
	uint64_t last = 0, end = f->req->mod_base + f->req->mod_size;

	for (size_t i = 0; i < f->nr; i++) {
		const struct kco_modfile_section *sec = &f->sections[i];

		if (f->loaded[i].flags & SHF_EXECINSTR && sec->size && sec->addr >= f->req->mod_base &&
		    sec->addr < end && sec->size <= end - sec->addr && sec->addr + sec->size - 1 > last)
			last = sec->addr + sec->size - 1;
	}
	return last;
}

enum kco_status kco_modfile_symbols_new(const struct kco_modfile *f, const char *module, struct kco_symbol_source **ret,
					uint64_t *code_last, struct kco_err *err)
{
	Elf_Scn *scn = f->symtab ? elf_getscn(f->elf, f->symtab) : NULL;
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	struct kco_elf_symtab *table = NULL;
	size_t n, names_size = 0;
	enum kco_status st;
	char *names;

	*ret = NULL;
	if (!data || !data->d_buf)
		return kco_fail(err, KCO_E_NOSYM, "%s has no symbols", f->req->path);
	n = data->d_size / gelf_fsize(f->elf, ELF_T_SYM, 1, EV_CURRENT);
	st = modfile_names(f, &names, &names_size, err);
	if (st)
		return st;
	st = kco_elf_symtab_new(n, &table, err);
	if (st) {
		free(names);
		return kco_context(err, st, "symbols of %s", f->req->path);
	}
	for (size_t i = 0; i < n; i++) {
		const char *name;
		uint64_t addr;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			continue;
		name = sym.st_name < names_size ? names + sym.st_name : "";
		if (kco_elf_symtab_wanted(GELF_ST_TYPE(sym.st_info), sym.st_shndx, name) &&
		    modfile_address(f, &sym, &addr))
			kco_elf_symtab_add(table, addr, sym.st_size, name, modfile_type(f, &sym));
	}
	*code_last = modfile_code_last(f);
	*ret = kco_elf_symtab_finish(table, f->req->mod_base, f->req->mod_base + f->req->mod_size - 1, names);
	(*ret)->module = module;
	return KCO_OK;
}
