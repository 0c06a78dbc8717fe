// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source lines of modules. A .ko is a relocatable object: its DWARF means
 * nothing before relocation, which libdwfl does when it is told where each
 * section was loaded. Files are looked for once:
 *
 *   DIR/.build-id/xx/yyyy.debug
 *   DIR/lib/modules/RELEASE/.../NAME.ko[.debug]   DIR: the debug directory
 *   /lib/modules/RELEASE/.../NAME.ko              self-built kernels
 *
 * or, on systems that have them elsewhere, where the personality finds them.
 *
 * NAME is compared with - and _ taken as the same, as modprobe does.
 */
#include "debuginfo.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <kco/arena.h>

#include "debuginfo_priv.h"

#define MODULES_FILES_MAX 200000u /* entries looked at in a modules folder */
#define MODULES_DEPTH_MAX 16

struct kco_dwarf_module {
	struct kco_dwarf_module *next;
	struct kco_dwarf_modules *all;
	const char *name;
	uint8_t build_id[KCO_BUILD_ID_MAX];
	size_t build_id_size;
	uint64_t first, end;
	struct kco_debuginfo_section *sections;
	size_t nr_sections;
	bool tried;
	struct kco_err err;
	const char *path;
	enum kco_status (*file)(void *arg, const char **path, void **bytes, size_t *size, struct kco_err *err);
	void *file_arg;
	void *bytes; /* of the file, when file() gave it, or NULL */
	size_t size;
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module;
	struct kco_dwarf_units units;
};

struct modules_file {
	struct modules_file *next;
	const char *name; /* with _ for - */
	const char *path;
};

struct kco_dwarf_modules {
	struct kco_arena arena;
	struct kco_dwarf_module *list;
	bool listed;
	struct modules_file *files;
};

/* Files */

/* "virtio-net.ko.debug" -> "virtio_net"; NULL: not a module's. */
static char *modules_file_name(struct kco_arena *arena, const char *file)
{
	const char *dot = strstr(file, ".ko");
	char *name;

	if (!dot || (strcmp(dot, ".ko") != 0 && strcmp(dot, ".ko.debug") != 0))
		return NULL;
	name = kco_arena_strndup(arena, file, (size_t)(dot - file));
	for (char *p = name; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static void modules_list_folder(struct kco_dwarf_modules *all, const char *folder)
{
	char *const folders[] = { (char *)folder, NULL };
	unsigned looked = 0;
	FTS *fts = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;

	if (!fts)
		return;
	while ((entry = fts_read(fts)) && looked++ < MODULES_FILES_MAX) {
		struct modules_file *file;
		char *name;

		if (entry->fts_info == FTS_D && entry->fts_level > MODULES_DEPTH_MAX)
			fts_set(fts, entry, FTS_SKIP);
		if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP)
			continue;
		name = modules_file_name(&all->arena, entry->fts_name);
		file = name ? kco_arena_alloc(&all->arena, sizeof(*file)) : NULL;
		if (!file)
			continue;
		file->name = name;
		file->path = kco_arena_strndup(&all->arena, entry->fts_path, entry->fts_pathlen);
		file->next = all->files;
		all->files = file;
	}
	fts_close(fts);
}

static void modules_list(const struct kco_debuginfo *di, struct kco_dwarf_modules *all)
{
	char folder[4096];
	int n;

	all->listed = true;
	if (!kco_release_is_safe(di->release))
		return;
	n = snprintf(folder, sizeof(folder), "/lib/modules/%s", di->release);
	if (n > 0 && (size_t)n < sizeof(folder))
		modules_list_folder(all, folder);
	// Found last, and so looked at first.
	n = snprintf(folder, sizeof(folder), "%s/lib/modules/%s", di->debug_dir, di->release);
	if (n > 0 && (size_t)n < sizeof(folder))
		modules_list_folder(all, folder);
}

/* Whether @path is this module's, as far as one can tell. */
static bool modules_matches(const struct kco_dwarf_module *module, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool match = false;
	const void *id;
	GElf_Ehdr eh;
	Elf *elf;

	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &eh) && eh.e_type == ET_REL) {
		ssize_t n = dwelf_elf_gnu_build_id(elf, &id);

		match = !module->build_id_size || (n > 0 && (size_t)n == module->build_id_size &&
						   memcmp(id, module->build_id, module->build_id_size) == 0);
	}
	elf_end(elf);
	close(fd);
	return match;
}

/* libdwfl */

static int modules_find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base, char **file,
			    Elf **elf)
{
	struct kco_dwarf_module *module = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	*file = strdup(module->path);
	if (module->bytes) {
		*elf = *file ? elf_memory(module->bytes, module->size) : NULL;
		return -1;
	}
	return *file ? open(module->path, O_RDONLY | O_CLOEXEC) : -1;
}

/* The file is all there is: libdwfl is not to search, or ask a server, on its own. */
static int modules_find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
				  const char *file, const char *link, GElf_Word crc, char **ret)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	(void)ret;
	return -1;
}

static int modules_section_address(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
				   const char *section, GElf_Word index, const GElf_Shdr *sh, Dwarf_Addr *addr)
{
	const struct kco_dwarf_module *module = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	(void)index;
	(void)sh;
	*addr = (Dwarf_Addr)-1; // not loaded, or discarded after init
	for (size_t i = 0; i < module->nr_sections; i++)
		if (strcmp(module->sections[i].name, section) == 0)
			*addr = module->sections[i].addr;
	return 0;
}

static const Dwfl_Callbacks modules_callbacks = {
	.find_elf = modules_find_elf,
	.find_debuginfo = modules_find_debuginfo,
	.section_address = modules_section_address,
};

/* Begin libdwfl on the file at @path, or on module->bytes; false: it has no DWARF. */
static bool modules_begin(struct kco_dwarf_module *module, const char *path)
{
	Dwarf_Addr bias;
	void **userdata;

	module->path = path;
	module->dwfl = dwfl_begin(&modules_callbacks);
	if (!module->dwfl)
		return false;
	dwfl_report_begin(module->dwfl);
	module->dwfl_module = dwfl_report_module(module->dwfl, module->name, module->first, module->end);
	if (module->dwfl_module) {
		dwfl_module_info(module->dwfl_module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		*userdata = module;
	}
	dwfl_report_end(module->dwfl, NULL, NULL);
	if (module->dwfl_module && dwfl_module_getdwarf(module->dwfl_module, &bias))
		return true;
	dwfl_end(module->dwfl);
	module->dwfl = NULL;
	module->dwfl_module = NULL;
	module->path = NULL;
	return false;
}

static bool modules_try(struct kco_dwarf_module *module, const char *path)
{
	return modules_matches(module, path) && modules_begin(module, path);
}

/* The file that the module's own callback has. */
static void modules_open_given(struct kco_dwarf_module *module)
{
	const char *path;

	if (module->file(module->file_arg, &path, &module->bytes, &module->size, &module->err))
		return;
	path = kco_arena_strndup(&module->all->arena, path, strlen(path));
	if (!path || !modules_begin(module, path)) {
		kco_fail(&module->err, KCO_E_NOSYM, "no debug information in %s", path ? path : "a module's file");
		free(module->bytes);
		module->bytes = NULL;
	}
}

static void modules_open(const struct kco_debuginfo *di, struct kco_dwarf_module *module)
{
	struct kco_dwarf_modules *all = module->all;
	char hex[2 * KCO_BUILD_ID_MAX + 1];
	const struct modules_file *file;
	const char *path;

	module->tried = true;
	if (module->build_id_size > 1) {
		kco_build_id_hex(module->build_id, module->build_id_size, hex);
		path = kco_arena_printf(&all->arena, "%s/.build-id/%.2s/%s.debug", di->debug_dir, hex, hex + 2);
		if (path && modules_try(module, path))
			return;
	}
	if (module->file) {
		modules_open_given(module);
		return;
	}
	if (!all->listed)
		modules_list(di, all);
	for (file = all->files; file; file = file->next)
		if (strcmp(file->name, module->name) == 0 && file->path && modules_try(module, file->path))
			return;
	kco_fail(&module->err, KCO_E_NOSYM, "no debug information for module %s in %s or /lib/modules", module->name,
		 di->debug_dir);
}

struct kco_dwarf_module *kco_dwarf_modules_at(struct kco_debuginfo *di, uint64_t pc)
{
	struct kco_dwarf_module *module = di->modules ? di->modules->list : NULL;

	while (module && (pc < module->first || pc >= module->end))
		module = module->next;
	return module;
}

enum kco_status kco_dwarf_module_lines(struct kco_debuginfo *di, struct kco_dwarf_module *module, uint64_t pc,
				       struct kco_source_line *rows, size_t max, size_t *n, struct kco_err *err)
{
	Dwarf_Addr bias;
	Dwarf_Die unit;
	Dwarf *dwarf;

	if (!module->tried)
		modules_open(di, module);
	if (module->err.code) {
		if (err)
			*err = module->err;
		return module->err.code;
	}
	dwarf = dwfl_module_getdwarf(module->dwfl_module, &bias);
	if (!dwarf || !kco_dwarf_unit(&module->units, dwarf, pc - bias, &unit))
		return kco_fail(err, KCO_E_NOSYM, "no unit of %s has %#" PRIx64, module->path, pc);
	return kco_dwarf_rows(di, dwarf, &unit, pc - bias, rows, max, n, err);
}

void kco_dwarf_modules_free(struct kco_dwarf_modules *modules)
{
	if (!modules)
		return;
	for (struct kco_dwarf_module *module = modules->list; module; module = module->next) {
		kco_dwarf_units_fini(&module->units);
		dwfl_end(module->dwfl);
		free(module->bytes);
	}
	kco_arena_fini(&modules->arena);
	free(modules);
}

static struct kco_dwarf_module *modules_copy(struct kco_arena *arena, const struct kco_debuginfo_module *from)
{
	struct kco_dwarf_module *module = kco_arena_alloc(arena, sizeof(*module));
	char *name;

	if (!module)
		return NULL;
	name = kco_arena_strndup(arena, from->name, strlen(from->name));
	module->name = name;
	for (; name && *name; name++)
		if (*name == '-')
			*name = '_';
	if (from->build_id && from->build_id_size <= sizeof(module->build_id)) {
		memcpy(module->build_id, from->build_id, from->build_id_size);
		module->build_id_size = from->build_id_size;
	}
	module->first = from->first;
	module->end = from->end;
	module->file = from->file;
	module->file_arg = from->file_arg;
	module->nr_sections = from->nr_sections;
	module->sections = kco_arena_array(arena, from->nr_sections, sizeof(*module->sections));
	if (!module->name || !module->sections)
		return NULL;
	for (size_t i = 0; i < from->nr_sections; i++) {
		const char *section = from->sections[i].name;

		module->sections[i].addr = from->sections[i].addr;
		module->sections[i].name = kco_arena_strndup(arena, section, strlen(section));
		if (!module->sections[i].name)
			return NULL;
	}
	return module;
}

static enum kco_status modules_add(struct kco_debuginfo *di, const struct kco_debuginfo_module *from,
				   struct kco_err *err)
{
	struct kco_dwarf_module *module;

	if (!di->modules) {
		di->modules = calloc(1, sizeof(*di->modules));
		if (!di->modules)
			return kco_fail(err, KCO_E_NOMEM, "module %s: out of memory", from->name);
		kco_arena_init(&di->modules->arena);
	}
	module = modules_copy(&di->modules->arena, from);
	if (!module)
		return kco_fail(err, KCO_E_NOMEM, "module %s: out of memory", from->name);
	module->all = di->modules;
	module->next = di->modules->list;
	di->modules->list = module;
	return KCO_OK;
}

enum kco_status kco_debuginfo_module_add(struct kco_debuginfo *di, const struct kco_debuginfo_module *module,
					 struct kco_err *err)
{
	enum kco_status st;

	pthread_mutex_lock(&di->lock);
	st = modules_add(di, module, err);
	pthread_mutex_unlock(&di->lock);
	return st;
}
