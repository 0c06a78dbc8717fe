// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as CTF: a kernel's, and behind it a module's that goes on from it.
 *
 * The first two bytes say how long the second part is. The bytes are the
 * symbol tables and their strings, too. Every type is asked for all that can be
 * asked, and its names are found again.
 */
#include "ctf.h"

#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define FUZZ_TYPES 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_type(struct kco_types *types, uint64_t id, const struct kco_type_info *info)
{
	struct kco_type type = { types, id }, strip;
	uint32_t n = info->nr_members < 8 ? info->nr_members : 8;
	struct kco_member member;
	struct kco_field field;
	uint8_t obj[64] = { 0 };
	const char *name;
	int64_t value;
	uint64_t ret;

	(void)!kco_type_strip(type, &strip, NULL);
	for (uint32_t i = 0; i <= n; i++) {
		if (!kco_type_member(type, i, &member, NULL) && strlen(member.name) &&
		    !kco_types_field(types, info->name, member.name, &field, NULL))
			(void)!kco_field_get(&field, obj, sizeof(obj), &ret);
		if (!kco_type_enumerator(type, i, &name, &value, NULL) && strlen(name))
			(void)!kco_types_enumerator(types, name, &value, NULL);
	}
	(void)!kco_types_sizeof(types, info->name, &ret, NULL);
	if (info->name[0] && !kco_types_variable(types, info->name, &strip, NULL))
		(void)!kco_type_strip(strip, &strip, NULL);
}

static bool fuzz_each(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	unsigned *left = arg;

	(void)kind;
	(void)id;
	return strlen(name) && --*left > 0;
}

static void fuzz_types(struct kco_types *types, uint64_t first)
{
	unsigned left = FUZZ_TYPES;
	struct kco_type_info info;
	struct kco_field field;
	struct kco_type type;
	struct kco_err err;

	for (uint64_t id = first; id < first + FUZZ_TYPES; id++) {
		err = KCO_ERR_INIT;
		if (!kco_type_info((struct kco_type){ types, id }, &info, &err))
			fuzz_type(types, id, &info);
		else if (id > first && strstr(err.msg, "there is no type"))
			break;
		else if (err.code == KCO_E_BUG)
			abort();
	}
	(void)!kco_types_each(types, "", fuzz_each, &left, NULL);
	(void)!kco_types_variable(types, "proc0", &type, NULL);
	(void)!kco_types_field(types, "a", "a[1].a.a", &field, NULL);
}

static struct kco_types *fuzz_open(const uint8_t *data, size_t size, const struct kco_types *parent)
{
	struct kco_ctf_elf elf = { .ptr_size = 8, .elf64 = size & 1 };
	struct kco_types *types;

	elf.symtab = (struct kco_ctf_symtab){ data, size, (const char *)data, size };
	elf.dynsym = elf.symtab;
	return kco_ctf_new(data, size, &elf, parent, &types, NULL) ? NULL : types;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kco_types *parent, *child = NULL;
	uint8_t *first, *second;
	size_t behind, n;

	if (size < 2)
		return 0;
	behind = kco_le16(data) % (size - 1);
	n = size - 2 - behind;
	// Copies of their own, so that the sanitizer sees each byte too many.
	first = malloc(n ? n : 1);
	second = malloc(behind ? behind : 1);
	if (!first || !second)
		abort();
	memcpy(first, data + 2, n);
	memcpy(second, data + 2 + n, behind);
	parent = fuzz_open(first, n, NULL);
	if (parent && behind)
		child = fuzz_open(second, behind, parent);
	if (parent)
		fuzz_types(parent, 0);
	if (child) {
		fuzz_types(child, 0x8000);
		fuzz_types(child, 0x80000000);
	}
	kco_types_free(child);
	kco_types_free(parent);
	free(first);
	free(second);
	return 0;
}
