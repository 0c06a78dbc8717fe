// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The symbol table of a vmlinux as a symbol source.
 *
 * Of several names for one address the kernel's own choice is given, so that
 * output is the same as from the dump's kallsyms. Linux's scripts/kallsyms.c
 * sorts by address, weak ones last, those that the linker script may have
 * made last, fewer leading underscores first, then as nm -n does: by name; the
 * kernel takes the first. Names that it leaves out (scripts/mksysmap) are last.
 */
#include "debuginfo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <xxhash.h>

#include "debuginfo_priv.h"

#define SYMBOLS_MAX ((size_t)16 << 20)

struct elf_symbol {
	uint64_t addr, size;
	const char *name; /* in the mapped file */
	uint16_t rank;	  /* among those of one address */
	char type;
};

struct elf_symbols {
	struct kco_symbol_source base;
	struct elf_symbol *syms;
	size_t n;
	uint32_t *slots; /* hash table of names: indices + 1; made when first needed */
	size_t mask;
};

/* What symbols are judged by. */
struct elf_symbols_file {
	struct kco_debuginfo *di;
	GElf_Shdr *sections;
	size_t nr_sections;
	size_t percpu; /* a section of offsets instead of addresses, 0 none */
};

static bool elf_symbols_ends(const char *name, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && memcmp(name + n - k, end, k) == 0;
}

/* Whether the kernel's own table leaves it out. */
static bool elf_symbols_left_out(const struct elf_symbol *sym)
{
	static const char *const prefixes[] = { "__crc_", "__kstrtab_", "__kstrtabns_", "init_per_cpu__" };

	if (sym->type == 'a')
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(sym->name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static uint16_t elf_symbols_rank(const struct elf_symbol *sym)
{
	size_t n = strlen(sym->name), underscores = strspn(sym->name, "_");
	bool script = n >= 8 && underscores >= 2 &&
		      (strncmp(sym->name + 2, "start_", 6) == 0 || strncmp(sym->name + 2, "stop_", 5) == 0 ||
		       strncmp(sym->name + 2, "end_", 4) == 0 || elf_symbols_ends(sym->name, n, "_start") ||
		       elf_symbols_ends(sym->name, n, "_end"));
	bool weak = sym->type == 'w' || sym->type == 'W';

	return (uint16_t)((elf_symbols_left_out(sym) ? 0x8000u : 0) | (weak ? 0x4000u : 0) | (script ? 0x2000u : 0) |
			  (underscores < 0xff ? underscores : 0xff));
}

static int elf_symbols_compare(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

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

static bool elf_symbols_wanted(const GElf_Sym *sym, const char *name)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_COMMON || type == STT_FILE || type == STT_SECTION)
		return false;
	return name && *name && *name != '$' && strncmp(name, ".L", 2) != 0;
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

static enum kco_status elf_symbols_read(struct elf_symbols_file *file, struct elf_symbols *syms, struct kco_err *err)
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
	if (n > SYMBOLS_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "%s claims %zu symbols", di->path, n);
	syms->syms = malloc((n ? n : 1) * sizeof(*syms->syms));
	if (!syms->syms)
		return kco_fail(err, KCO_E_NOMEM, "symbols of %s: out of memory", di->path);
	for (size_t i = 0; i < n; i++) {
		struct elf_symbol *out = &syms->syms[syms->n];
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			continue;
		name = elf_strptr(di->elf, sh->sh_link, sym.st_name);
		if (!elf_symbols_wanted(&sym, name))
			continue;
		*out = (struct elf_symbol){ .addr = sym.st_value, .size = sym.st_size, .name = name };
		if (elf_symbols_moves(file, &sym))
			out->addr += di->bias;
		out->type = elf_symbols_type(file, &sym);
		out->rank = elf_symbols_rank(out);
		syms->n++;
	}
	if (!syms->n)
		return kco_fail(err, KCO_E_NOSYM, "%s has an empty symbol table", di->path);
	qsort(syms->syms, syms->n, sizeof(*syms->syms), elf_symbols_compare);
	return KCO_OK;
}

static struct elf_symbols *elf_symbols_of(struct kco_symbol_source *src)
{
	return (struct elf_symbols *)src;
}

/* How many symbols lie below @addr. */
static size_t elf_symbols_below(const struct elf_symbols *syms, uint64_t addr)
{
	size_t low = 0, high = syms->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (syms->syms[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void elf_symbols_give(const struct elf_symbols *syms, size_t i, struct kco_symbol *ret)
{
	const struct elf_symbol *sym = &syms->syms[i];

	*ret = (struct kco_symbol){ .addr = sym->addr, .size = sym->size, .name = sym->name, .type = sym->type };
	if (ret->size || sym->addr == UINT64_MAX)
		return;
	i = elf_symbols_below(syms, sym->addr + 1);
	if (i < syms->n)
		ret->size = syms->syms[i].addr - sym->addr;
}

static enum kco_status elf_symbols_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
					   struct kco_err *err)
{
	struct elf_symbols *syms = elf_symbols_of(src);
	size_t i;

	if (addr >= src->first && addr <= src->last) {
		i = addr == UINT64_MAX ? syms->n : elf_symbols_below(syms, addr + 1);
		if (i && syms->syms[i - 1].addr >= src->first) {
			i = elf_symbols_below(syms, syms->syms[i - 1].addr); // the best of its aliases
			elf_symbols_give(syms, i, ret);
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol covers %#" PRIx64, addr);
}

static bool elf_symbols_hash(struct elf_symbols *syms)
{
	size_t size = 1024;

	while (size < syms->n * 2)
		size *= 2;
	syms->slots = calloc(size, sizeof(*syms->slots));
	if (!syms->slots)
		return false;
	syms->mask = size - 1;
	for (size_t i = 0; i < syms->n; i++) {
		size_t at = XXH3_64bits(syms->syms[i].name, strlen(syms->syms[i].name)) & syms->mask;

		while (syms->slots[at])
			at = (at + 1) & syms->mask;
		syms->slots[at] = (uint32_t)i + 1;
	}
	return true;
}

/* Several local symbols may share a name: one that others can see wins, then the lowest address. */
static enum kco_status elf_symbols_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					   struct kco_err *err)
{
	struct elf_symbols *syms = elf_symbols_of(src);
	size_t best = SIZE_MAX;

	if (!syms->slots && !elf_symbols_hash(syms))
		return kco_fail(err, KCO_E_NOMEM, "an index of symbols: out of memory");
	for (size_t at = XXH3_64bits(name, strlen(name)) & syms->mask; syms->slots[at]; at = (at + 1) & syms->mask) {
		size_t i = syms->slots[at] - 1;
		bool global = syms->syms[i].type >= 'A' && syms->syms[i].type <= 'Z';

		if (strcmp(syms->syms[i].name, name) != 0)
			continue;
		if (best == SIZE_MAX || (global && syms->syms[best].type >= 'a'))
			best = i;
	}
	if (best == SIZE_MAX)
		return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
	elf_symbols_give(syms, best, ret);
	return KCO_OK;
}

static enum kco_status elf_symbols_each(struct kco_symbol_source *src,
					bool (*fn)(void *arg, const struct kco_symbol *sym), void *arg,
					struct kco_err *err)
{
	struct elf_symbols *syms = elf_symbols_of(src);
	struct kco_symbol sym;

	(void)err;
	for (size_t i = 0; i < syms->n; i++) {
		elf_symbols_give(syms, i, &sym);
		if (!fn(arg, &sym))
			break;
	}
	return KCO_OK;
}

static void elf_symbols_free(struct kco_symbol_source *src)
{
	struct elf_symbols *syms = elf_symbols_of(src);

	free(syms->syms);
	free(syms->slots);
	free(syms);
}

static const struct kco_symbol_source_ops elf_symbols_ops = {
	.name = "elf",
	.by_addr = elf_symbols_by_addr,
	.by_name = elf_symbols_by_name,
	.each = elf_symbols_each,
	.free = elf_symbols_free,
};

enum kco_status kco_debuginfo_symbols_new(struct kco_debuginfo *di, struct kco_symbol_source **ret, struct kco_err *err)
{
	struct elf_symbols_file file = { .di = di };
	struct elf_symbols *syms;
	enum kco_status st;

	*ret = NULL;
	syms = calloc(1, sizeof(*syms));
	if (!syms)
		return kco_fail(err, KCO_E_NOMEM, "symbols of %s: out of memory", di->path);
	syms->base.ops = &elf_symbols_ops;
	pthread_mutex_lock(&di->lock);
	st = elf_symbols_read(&file, syms, err);
	pthread_mutex_unlock(&di->lock);
	free(file.sections);
	if (st) {
		elf_symbols_free(&syms->base);
		return st;
	}
	syms->base.first = di->first + di->bias;
	syms->base.last = di->last + di->bias;
	*ret = &syms->base;
	return KCO_OK;
}
