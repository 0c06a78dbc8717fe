// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the sections of a module were loaded: what /sys/module/NAME/sections
 * shows, kept in struct module.sect_attrs (CONFIG_KALLSYMS), and its build-id, a
 * note in one of them. Lines of a module's code need both.
 */
#include "linux.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#define SECTIONS_MAX 512
#define SECTIONS_NAME 64
#define SECTIONS_NOTE 4096

struct sections_layout {
	struct kco_field attrs, count, name, address;
	uint64_t stride;
};

static enum kco_status sections_layout(struct kco_session *s, struct sections_layout *l, struct kco_err *err)
{
	struct kco_field second;
	enum kco_status st = os_field(s, "module", &l->attrs, err, "sect_attrs", NULL);

	if (!st)
		st = os_field(s, "module_sect_attrs", &l->count, err, "nsections", NULL);
	if (!st)
		st = os_field(s, "module_sect_attrs", &l->name, err, "attrs[0].battr.attr.name",
			      "attrs[0].mattr.attr.name", NULL);
	if (!st)
		st = os_field(s, "module_sect_attrs", &l->address, err, "attrs[0].address", NULL);
	if (!st)
		st = os_field(s, "module_sect_attrs", &second, err, "attrs[1].address", NULL);
	if (!st)
		l->stride = second.offset - l->address.offset;
	return st;
}

/* Where the kernel's list of a module's sections lies, and how many there are. */
static enum kco_status sections_find(struct kco_session *s, const struct kco_module *mod, struct sections_layout *l,
				     uint64_t *attrs, uint64_t *n, struct kco_err *err)
{
	enum kco_status st = sections_layout(s, l, err);

	if (!st)
		st = kco_kread_field(s, mod->addr, &l->attrs, attrs, err);
	if (!st && !*attrs)
		st = kco_fail(err, KCO_E_NOSYM, "module %s: the kernel kept no sections", mod->name);
	if (!st)
		st = kco_kread_field(s, *attrs, &l->count, n, err);
	if (!st && *n > SECTIONS_MAX)
		st = kco_fail(err, KCO_E_CORRUPT, "module %s: %" PRIu64 " sections make no sense", mod->name, *n);
	return st;
}

enum kco_status linux_module_sections_where(struct kco_session *s, const struct kco_module *mod, uint64_t *addr,
					    uint64_t *size, struct kco_err *err)
{
	struct sections_layout l;
	uint64_t n;
	enum kco_status st = sections_find(s, mod, &l, addr, &n, err);

	if (!st)
		*size = l.address.offset + n * l.stride + l.address.size;
	return st;
}

enum kco_status linux_module_sections(struct kco_session *s, const struct kco_module *mod,
				      enum kco_status (*add)(void *arg, const char *name, uint64_t addr), void *arg,
				      struct kco_err *err)
{
	struct sections_layout l;
	uint64_t attrs, n, name, addr;
	char text[SECTIONS_NAME];
	enum kco_status st = sections_find(s, mod, &l, &attrs, &n, err);

	for (uint64_t i = 0; !st && i < n; i++, attrs += l.stride) {
		st = kco_kread_field(s, attrs, &l.name, &name, err);
		if (!st)
			st = kco_kread_field(s, attrs, &l.address, &addr, err);
		if (!st)
			st = kco_vread_str(s->mem, &s->kernel, name, text, sizeof(text), err);
		if (!st)
			st = add(arg, text, addr);
	}
	return st;
}

bool linux_note_build_id(const uint8_t *notes, size_t size, uint8_t *id, size_t *id_size)
{
	for (size_t at = 0; at + 12 <= size;) {
		size_t name = kco_le32(notes + at), desc = kco_le32(notes + at + 4);
		size_t desc_at = at + 12 + ((name + 3) & ~(size_t)3);

		if (name > size || desc > size || desc_at + desc > size)
			break;
		/* NT_GNU_BUILD_ID of the owner "GNU". */
		if (kco_le32(notes + at + 8) == 3 && name == 4 && !memcmp(notes + at + 12, "GNU", 4) &&
		    desc <= *id_size) {
			memcpy(id, notes + desc_at, desc);
			*id_size = desc;
			return true;
		}
		at = desc_at + ((desc + 3) & ~(size_t)3);
	}
	return false;
}

enum kco_status linux_read_build_id(struct kco_session *s, uint64_t addr, uint64_t size, uint8_t *id, size_t *id_size,
				    struct kco_err *err)
{
	uint8_t notes[SECTIONS_NOTE];
	size_t done;
	enum kco_status st = kco_kread(s, addr, notes, size < sizeof(notes) ? size : sizeof(notes), &done, err);

	if (linux_note_build_id(notes, done, id, id_size))
		return KCO_OK;
	return st ? st : kco_fail(err, KCO_E_NOSYM, "no build-id at 0x%" PRIx64, addr);
}
