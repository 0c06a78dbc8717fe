// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CTF: headers, compression, archives.
 *
 *   .SUNW_ctf  (FreeBSD sys/sys/ctf.h, illumos sys/ctf.h; NetBSD's and OpenBSD's are version 2)
 *     u16 magic 0xcff1, u8 version 2 or 3 (FreeBSD 14), u8 flags (1: zlib)
 *     u32 parent's label, parent's name, offsets (from the header's end) of
 *     labels, data objects, functions, types, strings, size of the strings
 *
 *   .ctf  (binutils include/ctf.h)
 *     u16 magic 0xdff2, u8 version 4, u8 flags (1: zlib, 8: dynamic symbols)
 *     u32 parent's label, parent's name, unit's name, offsets of labels, data
 *     objects, functions, their two indexes of names, variables, types,
 *     strings, size of the strings
 *   or an archive of such, when files have types of one name that differ:
 *     u64 magic 0x8b47f2a4d7623eeb, model, number, offsets of names and of data
 *     u64 offset of a name, offset of the data (u64 size, CTF), for each
 *   whose member ".ctf" is the parent that all share.
 *
 * All of it behind the header is one zlib stream when it is compressed.
 */
#include "ctf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <kco/endian.h>

#include "ctf_priv.h"

#define OPEN_SIZE_MAX (256u << 20)
#define OPEN_ZLIB_RATIO 1040 /* no deflate stream expands further */
#define OPEN_ARCHIVE_MAGIC 0x8b47f2a4d7623eebu
#define OPEN_ARCHIVE_HEADER 40
#define OPEN_ARCHIVE_MAX 65536
#define OPEN_COMPRESSED 1
#define OPEN_DYNAMIC 8

static const struct ctf_form open_forms[] = {
	{ .name = "CTF version 2",
	  .magic = 0xcff1,
	  .version = 2,
	  .header = 36,
	  .id = 2,
	  .kind_shift = 11,
	  .vlen_mask = 0x3ff,
	  .big = 0xffff,
	  .lstruct = 1 << 13,
	  .args_align = 4,
	  .child = 1 << 15,
	  .member = { 8, 4, 6, 0 },
	  .lmember = { 16, 4, 12, 8 } },
	{ .name = "CTF version 3",
	  .magic = 0xcff1,
	  .version = 3,
	  .header = 36,
	  .id = 4,
	  .kind_shift = 26,
	  .vlen_mask = 0xffffff,
	  .big = 0xffffffff,
	  .lstruct = 1 << 29,
	  .args_align = 4,
	  .child = 1u << 31,
	  .member = { 12, 4, 8, 0 },
	  .lmember = { 16, 4, 12, 8 } },
	{ .name = "GNU CTF version 3",
	  .magic = 0xdff2,
	  .version = 4,
	  .header = 52,
	  .id = 4,
	  .kind_shift = 26,
	  .vlen_mask = 0xffffff,
	  .big = 0xffffffff,
	  .lstruct = 1 << 29,
	  .args_align = 8,
	  .child = 1u << 31,
	  .gnu = true,
	  .member = { 12, 8, 4, 0 },
	  .lmember = { 16, 8, 12, 4 } },
};

static enum kco_status open_form(const uint8_t *data, size_t size, const struct ctf_form **ret, struct kco_err *err)
{
	uint16_t magic = size >= 4 ? kco_le16(data) : 0;
	bool known = false;

	for (size_t i = 0; i < sizeof(open_forms) / sizeof(open_forms[0]); i++) {
		known |= open_forms[i].magic == magic;
		*ret = &open_forms[i];
		if ((*ret)->magic != magic || (*ret)->version != data[2])
			continue;
		if (size < (*ret)->header)
			return kco_fail(err, KCO_E_TRUNCATED, "CTF: %zu bytes are less than a header", size);
		return KCO_OK;
	}
	if (known)
		return kco_fail(err, KCO_E_UNSUPPORTED, "CTF: version %u (magic %#x) is not supported", data[2], magic);
	if (magic == 0xf1cf || magic == 0xf2df)
		return kco_fail(err, KCO_E_UNSUPPORTED, "CTF: big-endian types are not supported");
	return kco_fail(err, KCO_E_CORRUPT, "CTF: begins with %#x instead of its magic", magic);
}

/* All parts behind the header, inflated to the size that its last one ends at. */
static enum kco_status open_body(struct ctf *c, const uint8_t *from, size_t n, bool compressed, uint64_t size,
				 struct kco_err *err)
{
	uLongf got = (uLongf)size;
	int r;

	if (size > OPEN_SIZE_MAX || (compressed && size / OPEN_ZLIB_RATIO > n))
		return kco_fail(err, KCO_E_CORRUPT, "CTF: claims %" PRIu64 " bytes in %zu", size, n);
	if (!compressed && size > n)
		return kco_fail(err, KCO_E_CORRUPT, "CTF: its parts reach to %" PRIu64 " of %zu bytes", size, n);
	c->data = malloc(size ? size : 1);
	if (!c->data)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!compressed) {
		memcpy(c->data, from, size);
		return KCO_OK;
	}
	r = uncompress(c->data, &got, from, (uLong)n);
	if (r == Z_MEM_ERROR)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (r != Z_OK || got != size)
		return kco_fail(err, KCO_E_CORRUPT, "CTF: its zlib stream gives %lu of %" PRIu64 " bytes%s%s", got,
				size, r != Z_OK ? ": " : "", r != Z_OK ? zError(r) : "");
	return KCO_OK;
}

/* The offsets of a header: in order, then the size of the strings. */
enum {
	OPEN_LABELS,
	OPEN_OBJECTS,
	OPEN_FUNCTIONS,
	OPEN_OBJECT_NAMES,
	OPEN_FUNCTION_NAMES,
	OPEN_VARIABLES,
	OPEN_TYPES,
	OPEN_STRINGS,
	OPEN_PARTS
};

static enum kco_status open_parts(struct ctf *c, const uint8_t *header, uint64_t *parts, struct kco_err *err)
{
	const uint8_t *p = header + (c->form->gnu ? 16 : 12);
	uint64_t last = 0;

	for (unsigned i = 0; i < OPEN_PARTS; i++) {
		if (!c->form->gnu && i >= OPEN_OBJECT_NAMES && i <= OPEN_VARIABLES) {
			parts[i] = kco_le32(p); // what this version does not have is empty: it ends where types begin
			continue;
		}
		parts[i] = kco_le32(p);
		p += 4;
		if (parts[i] < last)
			return kco_fail(err, KCO_E_CORRUPT,
					"CTF: its parts are out of order (%#" PRIx64 " after %#" PRIx64 ")", parts[i],
					last);
		last = parts[i];
	}
	parts[OPEN_PARTS] = last + kco_le32(p);
	return KCO_OK;
}

static enum kco_status open_dict(struct ctf *c, const uint8_t *data, size_t size, struct kco_err *err)
{
	uint64_t parts[OPEN_PARTS + 1];
	uint32_t label, name;
	enum kco_status st = open_form(data, size, &c->form, err);

	if (!st)
		st = open_parts(c, data, parts, err);
	if (!st)
		st = open_body(c, data + c->form->header, size - c->form->header, data[3] & OPEN_COMPRESSED,
			       parts[OPEN_PARTS], err);
	if (st)
		return st;
	c->dynamic = c->form->gnu && data[3] & OPEN_DYNAMIC;
	c->objects = c->data + parts[OPEN_OBJECTS];
	c->objects_len = (uint32_t)(parts[OPEN_FUNCTIONS] - parts[OPEN_OBJECTS]);
	c->types = c->data + parts[OPEN_TYPES];
	c->type_len = (uint32_t)(parts[OPEN_STRINGS] - parts[OPEN_TYPES]);
	c->strs = (const char *)c->data + parts[OPEN_STRINGS];
	c->str_len = (uint32_t)(parts[OPEN_PARTS] - parts[OPEN_STRINGS]);
	if (c->form->gnu) {
		c->object_names = c->data + parts[OPEN_OBJECT_NAMES];
		c->object_names_len = (uint32_t)(parts[OPEN_FUNCTION_NAMES] - parts[OPEN_OBJECT_NAMES]);
		c->variables = c->data + parts[OPEN_VARIABLES];
		c->variables_len = (uint32_t)(parts[OPEN_TYPES] - parts[OPEN_VARIABLES]);
	}
	if (c->str_len && c->strs[c->str_len - 1] != '\0')
		return kco_fail(err, KCO_E_CORRUPT, "CTF: the last string does not end");
	label = kco_le32(data + 4);
	name = kco_le32(data + 8);
	c->child = *ctf_name(c, label) || *ctf_name(c, name);
	if (c->child && !c->parent)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"CTF: it goes on from the types of '%.60s', which are not known",
				ctf_name(c, *ctf_name(c, name) ? name : label));
	if (c->parent && (!c->child || c->parent->form != c->form))
		return kco_fail(err, KCO_E_CORRUPT, "CTF: it is no child of %s", c->parent->form->name);
	return KCO_OK;
}

/* The dictionary of an archive that all files share. */
static enum kco_status open_archive(struct ctf *c, const uint8_t **data, size_t *size, struct kco_err *err)
{
	const uint8_t *p = *data;
	uint64_t n = kco_le64(p + 16), names = kco_le64(p + 24), dicts = kco_le64(p + 32), at;

	if (n > OPEN_ARCHIVE_MAX || n * 16 > *size - OPEN_ARCHIVE_HEADER || names > *size || dicts > *size)
		return kco_fail(err, KCO_E_CORRUPT, "CTF: an archive of %" PRIu64 " in %zu bytes", n, *size);
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *entry = p + OPEN_ARCHIVE_HEADER + i * 16;
		uint64_t name = kco_le64(entry), room;

		at = kco_le64(entry + 8);
		if (name > *size - names || *size - names - name < 5 || memcmp(p + names + name, ".ctf", 5) != 0)
			continue;
		if (at > *size - dicts || *size - dicts - at < 8)
			break;
		room = *size - dicts - at - 8;
		if (kco_le64(p + dicts + at) > room)
			break;
		*size = kco_le64(p + dicts + at);
		*data = p + dicts + at + 8;
		c->left_out = (unsigned)n - 1;
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_CORRUPT, "CTF: an archive of %" PRIu64 " without types that all share", n);
}

/* So that every string in it ends in it. */
static void open_trim(struct kco_ctf_symtab *table)
{
	while (table->strs_size && table->strs[table->strs_size - 1] != '\0')
		table->strs_size--;
}

enum kco_status kco_ctf_new(const void *data, size_t size, const struct kco_ctf_elf *elf,
			    const struct kco_types *parent, struct kco_types **ret, struct kco_err *err)
{
	struct ctf *c = calloc(1, sizeof(*c));
	const uint8_t *p = data;
	enum kco_status st = KCO_OK;

	*ret = NULL;
	if (!c)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	c->base.ops = &ctf_ops;
	c->elf = *elf;
	open_trim(&c->elf.symtab);
	open_trim(&c->elf.dynsym);
	if (parent && parent->ops != &ctf_ops)
		st = kco_fail(err, KCO_E_USAGE, "CTF: the parent of CTF is no CTF");
	c->parent = st ? NULL : (const struct ctf *)parent;
	if (!st && size >= OPEN_ARCHIVE_HEADER && kco_le64(p) == OPEN_ARCHIVE_MAGIC)
		st = open_archive(c, &p, &size, err);
	if (!st)
		st = open_dict(c, p, size, err);
	if (!st)
		st = ctf_scan(c, err);
	if (!st && c->nr == 0)
		st = kco_fail(err, KCO_E_CORRUPT, "CTF: %s", c->why[0] ? c->why : "it holds no types");
	if (st) {
		ctf_free(&c->base);
		return st;
	}
	*ret = &c->base;
	return KCO_OK;
}

const char *kco_ctf_torn(const struct kco_types *types)
{
	const struct ctf *c = (const struct ctf *)types;

	return c->why[0] ? c->why : NULL;
}
