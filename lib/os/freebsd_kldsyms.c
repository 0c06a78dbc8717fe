// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The symbols of kernel modules.
 *
 * The kernel's linker keeps the table that it read with the module, for ddb
 * and for modules that come later (struct elf_file in sys/kern/link_elf.c and
 * link_elf_obj.c, which begins with the struct linker_file of the list):
 *
 *   linker_file ... ddbsymtab  ddbsymcnt  ddbstrtab  ddbstrcnt ...
 *                      |                     \-> names
 *                      \-> Elf_Sym[]
 *
 * There are two structs of that name, and without the kernel's file none is
 * known. So the four members are asked for by name, and what they lead to
 * must be a table of this module; else they are looked for by their shape, as
 * they have stood side by side in both since FreeBSD 4.
 *
 * A module whose table is not in the dump has the symbols of its file, which
 * must be the one that was loaded (elf_modfile.h).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>
#include <kco/mem.h>

#include "elf_memsyms.h"
#include "freebsd.h"
#include "freebsd_klds.h"
#include "modsyms.h"

/* Of all modules: whatever a torn list leads to, memory and patience have an end. */
#define KLDSYMS_TOTAL (UINT64_C(4) << 20)
#define KLDSYMS_MODULES 4096u

struct freebsd_kldsyms {
	struct kldsyms_one {
		uint64_t file;			  /* the linker_file */
		struct kco_symbol_source *source; /* NULL: none, or handed over */
		const struct kco_modfile_section *sections;
		size_t nr_sections;
	} * list;
	size_t n, cap, next; /* next: who is likely to be asked for */
	size_t modules;
	uint64_t total; /* symbols of all tables that were looked at */
};

uint64_t freebsd_kld_word(struct kco_session *s, const struct freebsd_kld_object *object, uint64_t at)
{
	unsigned word = s->arch->ptr_size;

	if (at > object->n || object->n - at < word)
		return 0;
	return word == 8 ? kco_le64(object->bytes + at) : kco_le32(object->bytes + at);
}

static enum kco_status kldsyms_read(void *arg, uint64_t addr, void *buf, size_t n, size_t *done, struct kco_err *err)
{
	return kco_kread(arg, addr, buf, n, done, err);
}

struct kldsyms_search {
	struct kco_session *s;
	const struct kco_module *mod;
	const struct freebsd_kld_object *object;
	struct kco_memsyms_request req;
	struct kco_symbol_source *source;
	struct kco_memsyms_found found;
	enum kco_status st;
	struct kco_err err;
};

/* Is the module's table where these four members are? */
static bool kldsyms_try(struct kldsyms_search *k, const uint64_t at[4])
{
	struct freebsd_kldsyms *all = freebsd_of(k->s)->klds;
	struct kco_memsyms_table t = {
		.syms = freebsd_kld_word(k->s, k->object, at[0]),
		.symbols = freebsd_kld_word(k->s, k->object, at[1]),
		.names = freebsd_kld_word(k->s, k->object, at[2]),
		.names_size = freebsd_kld_word(k->s, k->object, at[3]),
		.module = k->mod->name,
		.first = k->mod->base,
		.last = k->mod->base + k->mod->size - 1,
	};

	if (!t.syms || !t.names || !kco_elf_memsyms_fits(&k->req, &t))
		return false;
	if (t.symbols > KLDSYMS_TOTAL - all->total)
		return false;
	all->total += t.symbols;
	k->st = kco_elf_memsyms_at_new(&k->req, &t, &k->source, &k->found, &k->err);
	return !k->st;
}

static bool kldsyms_by_name(struct kldsyms_search *k)
{
	static const char *const members[] = { "ddbsymtab", "ddbsymcnt", "ddbstrtab", "ddbstrcnt" };
	struct kco_field f;
	uint64_t at[4];

	for (unsigned i = 0; i < 4; i++) {
		if (os_field(k->s, "elf_file", &f, NULL, members[i], NULL))
			return false;
		at[i] = f.offset;
	}
	return kldsyms_try(k, at);
}

static bool kldsyms_by_shape(struct kldsyms_search *k)
{
	uint64_t word = k->s->arch->ptr_size;

	for (uint64_t at = 0; at + 4 * word <= k->object->n; at += word)
		if (kldsyms_try(k, (uint64_t[]){ at, at + word, at + 2 * word, at + 3 * word }))
			return true;
	return false;
}

/* From the dump's memory. KCO_E_NOSYM: there is no table. */
static enum kco_status kldsyms_memory(struct kldsyms_search *k, uint64_t *code_last)
{
	k->st = kco_fail(&k->err, KCO_E_NOSYM, "the dump has no symbol table of it");
	if (!kldsyms_by_name(k) && !kldsyms_by_shape(k))
		return k->st;
	*code_last = k->found.code_last;
	if (k->found.missing)
		kco_session_warn(k->s,
				 "%zu bytes of the symbol table of module %s are not in the dump: some symbols are "
				 "missing",
				 k->found.missing, k->mod->name);
	return KCO_OK;
}

struct kldsyms_file {
	struct kco_session *s;
	const struct kco_module *mod;
	const struct kco_modfile_section *sections;
	size_t nr_sections;
	struct kco_symbol_source *source;
	uint64_t code_last;
	const char *path; /* of what was taken */
	void *bytes;
	size_t size;
};

static struct kco_modfile_request kldsyms_request(const struct kldsyms_file *k, const char *path, void *bytes, size_t n)
{
	return (struct kco_modfile_request){
		.path = path,
		.bytes = bytes,
		.size = n,
		.machine = k->s->arch->elf_machine,
		.mod_base = k->mod->base,
		.mod_size = k->mod->size,
		.sections = k->sections,
		.nr_sections = k->nr_sections,
	};
}

/* Keep where the sections are, if only the file told it. */
static void kldsyms_keep_sections(struct kldsyms_file *k, const struct kco_modfile *file)
{
	const struct kco_modfile_section *from;
	struct kco_modfile_section *to;
	size_t n;

	from = kco_modfile_sections(file, &n);
	to = k->nr_sections ? NULL : kco_arena_array(&k->s->arena, n, sizeof(*to));
	if (!to)
		return;
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		to[i].name = kco_session_text(k->s, "%s", from[i].name);
	}
	k->sections = to;
	k->nr_sections = n;
}

static enum kco_status kldsyms_file(void *arg, const char *path, void **bytes, size_t n, struct kco_err *err)
{
	struct kldsyms_file *k = arg;
	struct kco_modfile_request req = kldsyms_request(k, path, *bytes, n);
	struct kco_modfile *file;
	enum kco_status st = kco_modfile_open_new(&req, &file, err);

	if (st)
		return st;
	st = kco_modfile_symbols_new(file, k->mod->name, &k->source, &k->code_last, err);
	if (!st)
		kldsyms_keep_sections(k, file);
	kco_modfile_free(file);
	return st;
}

/* Takes the file that has debug information. */
static enum kco_status kldsyms_dwarf(void *arg, const char *path, void **bytes, size_t n, struct kco_err *err)
{
	struct kldsyms_file *k = arg;
	struct kco_modfile_request req = kldsyms_request(k, path, *bytes, n);
	struct kco_modfile *file;
	enum kco_status st = kco_modfile_open_new(&req, &file, err);

	if (st)
		return st;
	if (!kco_modfile_has_dwarf(file))
		st = KCO_DONE;
	kco_modfile_free(file);
	if (st)
		return st;
	k->path = path;
	k->bytes = *bytes;
	k->size = n;
	*bytes = NULL;
	return KCO_OK;
}

/* The text ends with the section that has the last byte of code. */
static void kldsyms_text(struct kco_module *mod, const struct kco_modfile_section *sections, size_t n, uint64_t last)
{
	uint64_t end = last + 1;

	for (size_t i = 0; i < n; i++)
		if (last >= sections[i].addr && last - sections[i].addr < sections[i].size)
			end = sections[i].addr + sections[i].size;
	if (last && end > mod->base && end - mod->base <= mod->size)
		mod->text_size = end - mod->base;
}

static void kldsyms_keep(struct kco_session *s, const struct kldsyms_one *one)
{
	struct freebsd_kldsyms *all = freebsd_of(s)->klds;

	if (all->n == all->cap) {
		size_t cap = all->cap ? all->cap * 2 : 16;
		struct kldsyms_one *grown = realloc(all->list, cap * sizeof(*grown));

		if (!grown) {
			if (one->source)
				one->source->ops->free(one->source);
			return;
		}
		all->list = grown;
		all->cap = cap;
	}
	all->list[all->n++] = *one;
}

void freebsd_kld_load(struct kco_session *s, struct kco_module *mod)
{
	struct freebsd_kld_object object = { .n = 0 };
	struct kldsyms_search k = { .s = s, .mod = mod, .object = &object, .err = KCO_ERR_INIT };
	struct kldsyms_file file = { .s = s, .mod = mod };
	struct freebsd_os *os = freebsd_of(s);
	uint64_t last = 0;

	if (!os->klds)
		os->klds = calloc(1, sizeof(*os->klds));
	if (!os->klds || !mod->size || os->klds->modules++ >= KLDSYMS_MODULES)
		return;
	k.req = (struct kco_memsyms_request){ .read = kldsyms_read, .arg = s, .elf64 = s->arch->ptr_size == 8 };
	(void)!kco_kread(s, mod->addr, object.bytes, sizeof(object.bytes), &object.n, NULL);
	file.nr_sections = freebsd_kld_sections(s, mod, &object, &file.sections);
	if (kldsyms_memory(&k, &last) && !freebsd_kld_file(s, mod, kldsyms_file, &file, NULL)) {
		k.source = file.source;
		last = file.code_last;
	}
	kldsyms_text(mod, file.sections, file.nr_sections, last);
	if (k.source || file.nr_sections)
		kldsyms_keep(s, &(struct kldsyms_one){ mod->addr, k.source, file.sections, file.nr_sections });
}

/* What was kept of a module; NULL: nothing. */
static struct kldsyms_one *kldsyms_find(struct kco_session *s, const struct kco_module *mod)
{
	struct freebsd_kldsyms *all = freebsd_of(s)->klds;

	for (size_t i = 0; all && i < all->n; i++) {
		size_t at = (all->next + i) % all->n;

		if (all->list[at].file == mod->addr) {
			all->next = at + 1;
			return &all->list[at];
		}
	}
	return NULL;
}

static enum kco_status kldsyms_one(struct kco_session *s, const struct kco_module *mod, struct kco_symbol_source **ret)
{
	struct kldsyms_one *one = kldsyms_find(s, mod);

	if (!one || !one->source)
		return KCO_E_NOSYM;
	*ret = one->source;
	one->source = NULL;
	return KCO_OK;
}

enum kco_status freebsd_kld_symbols(struct kco_session *s, struct kco_symbol_source **ret, struct kco_err *err)
{
	return os_modsyms_new(s, kldsyms_one, ret, err);
}

enum kco_status freebsd_kld_module_sections(struct kco_session *s, const struct kco_module *mod,
					    enum kco_status (*add)(void *arg, const char *name, uint64_t addr),
					    void *arg, struct kco_err *err)
{
	const struct kldsyms_one *one = kldsyms_find(s, mod);
	enum kco_status st = KCO_OK;

	if (!one || !one->nr_sections)
		return kco_fail(err, KCO_E_NOSYM, "where the sections of module %s are is not known", mod->name);
	for (size_t i = 0; i < one->nr_sections && !st; i++)
		st = add(arg, one->sections[i].name, one->sections[i].addr);
	return st;
}

enum kco_status freebsd_kld_module_file(struct kco_session *s, const struct kco_module *mod, const char **path,
					void **bytes, size_t *size, struct kco_err *err)
{
	const struct kldsyms_one *one = kldsyms_find(s, mod);
	struct kldsyms_file k = { .s = s, .mod = mod };
	enum kco_status st;

	if (one) {
		k.sections = one->sections;
		k.nr_sections = one->nr_sections;
	}
	st = freebsd_kld_file(s, mod, kldsyms_dwarf, &k, err);
	if (st)
		return st;
	*path = k.path;
	*bytes = k.bytes;
	*size = k.size;
	return KCO_OK;
}

void freebsd_kldsyms_fini(struct kco_session *s)
{
	struct freebsd_kldsyms *all = freebsd_of(s)->klds;

	for (size_t i = 0; all && i < all->n; i++)
		if (all->list[i].source)
			all->list[i].source->ops->free(all->list[i].source);
	if (all)
		free(all->list);
	free(all);
	freebsd_of(s)->klds = NULL;
}
