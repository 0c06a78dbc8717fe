// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a module's sections lie: the linker of objects keeps it
 * (sys/kern/link_elf_obj.c):
 *
 *   elf_file.progtab -> Elf_progent[elf_file.nprogtab]
 *                       addr   size   flags   sec   name
 *                        |
 *                        \-> in the module's memory, in order, aligned; of set_pcpu and set_vnet a copy elsewhere
 *
 * The kernel has a second struct elf_file, of link_elf.c, and types of that
 * name may be either. So the two members are asked for by name and, if what
 * they lead to is no such table, looked for by its shape.
 */
#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>
#include <kco/mem.h>

#include "freebsd.h"
#include "freebsd_klds.h"

#define KLDSECTS_NAME 64
#define KLDSECTS_MAX 512u /* sections of a module; most linker sets make one */
#define KLDSECTS_ENTRY 256u

/* struct Elf_progent. Since FreeBSD 5.3 (2004) it is this for kernels without types. */
struct kldsects_layout {
	struct kco_field addr, size, name;
	size_t entry;
};

static void kldsects_field(struct kco_session *s, const char *member, uint64_t offset, unsigned word,
			   struct kco_field *ret)
{
	if (os_field(s, "Elf_progent", ret, NULL, member, NULL))
		*ret = (struct kco_field){ .offset = offset, .size = word };
}

static struct kldsects_layout kldsects_layout(struct kco_session *s)
{
	unsigned word = s->arch->ptr_size;
	struct kldsects_layout l;
	uint64_t size;

	kldsects_field(s, "addr", 0, word, &l.addr);
	kldsects_field(s, "size", word, word, &l.size);
	kldsects_field(s, "name", 2 * word + 8, word, &l.name);
	l.entry = 3 * word + 8;
	if (s->types && !kco_types_sizeof(s->types, "Elf_progent", &size, NULL) && size && size <= KLDSECTS_ENTRY)
		l.entry = size;
	return l;
}

/* A word of printable characters. */
static bool kldsects_name(struct kco_session *s, uint64_t addr, char name[KLDSECTS_NAME])
{
	if (!addr || kco_vread_str(s->mem, &s->kernel, addr, name, KLDSECTS_NAME, NULL) || !*name)
		return false;
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

/* Is the next section behind those before it? @end is where they end. */
static bool kldsects_follows(const struct kco_module *mod, const struct kco_modfile_section *sec, uint64_t *end)
{
	if (sec->addr < *end || sec->addr - mod->base > mod->size || sec->size > mod->size - (sec->addr - mod->base))
		return !strcmp(sec->name, "set_pcpu") || !strcmp(sec->name, "set_vnet");
	*end = sec->addr + sec->size;
	return true;
}

static bool kldsects_entry(struct kco_session *s, const struct kldsects_layout *l, uint64_t at,
			   struct kco_modfile_section *sec, char name[KLDSECTS_NAME])
{
	uint8_t entry[KLDSECTS_ENTRY];
	uint64_t text;

	sec->name = name;
	return !kco_kread(s, at, entry, l->entry, NULL, NULL) && kco_field_get(&l->addr, entry, l->entry, &sec->addr) &&
	       kco_field_get(&l->size, entry, l->entry, &sec->size) && sec->size &&
	       kco_field_get(&l->name, entry, l->entry, &text) && kldsects_name(s, text, name);
}

/* Is there a table of @n entries of this module at @table? Ends at the first that is none. */
static bool kldsects_fits(struct kco_session *s, const struct kco_module *mod, const struct kldsects_layout *l,
			  uint64_t table, uint64_t n)
{
	struct kco_modfile_section sec;
	char name[KLDSECTS_NAME];
	uint64_t end = mod->base;

	if (!table || table % s->arch->ptr_size || !n || n > KLDSECTS_MAX || table > UINT64_MAX - n * l->entry)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!kldsects_entry(s, l, table + i * l->entry, &sec, name) || !kldsects_follows(mod, &sec, &end))
			return false;
	return end > mod->base;
}

static size_t kldsects_take(struct kco_session *s, const struct kldsects_layout *l, uint64_t table, size_t n,
			    const struct kco_modfile_section **ret)
{
	struct kco_modfile_section *secs = kco_arena_array(&s->arena, n, sizeof(*secs));
	char name[KLDSECTS_NAME];

	for (size_t i = 0; secs && i < n; i++) {
		if (!kldsects_entry(s, l, table + i * l->entry, &secs[i], name))
			return 0;
		secs[i].name = kco_session_text(s, "%s", name);
	}
	*ret = secs;
	return secs ? n : 0;
}

size_t freebsd_kld_sections(struct kco_session *s, const struct kco_module *mod,
			    const struct freebsd_kld_object *object, const struct kco_modfile_section **ret)
{
	struct kldsects_layout l = kldsects_layout(s);
	unsigned word = s->arch->ptr_size;
	struct kco_field table, number;
	uint64_t at, n;

	if (!os_field(s, "elf_file", &table, NULL, "progtab", NULL) &&
	    !os_field(s, "elf_file", &number, NULL, "nprogtab", NULL) &&
	    kco_field_get(&table, object->bytes, object->n, &at) &&
	    kco_field_get(&number, object->bytes, object->n, &n) && kldsects_fits(s, mod, &l, at, n))
		return kldsects_take(s, &l, at, n, ret);
	for (size_t i = 0; i + 2 * word <= object->n; i += word) {
		at = freebsd_kld_word(s, object, i);
		n = kco_le32(object->bytes + i + word);
		if (kldsects_fits(s, mod, &l, at, n))
			return kldsects_take(s, &l, at, n, ret);
	}
	return 0;
}
