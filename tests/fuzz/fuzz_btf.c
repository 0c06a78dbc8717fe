// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as BTF: a kernel's, and behind it a module's that goes on from it.
 *
 * The first two bytes say how long the second part is. Every type is asked for
 * all that can be asked, and its names are found again.
 */
#include "btf.h"

#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#define FUZZ_TYPES 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_type(struct kco_types *types, uint64_t id, const struct kco_type_info *info)
{
	struct kco_type type = { types, id }, strip;
	struct kco_member member;
	struct kco_field field;
	const char *name;
	int64_t value;
	uint32_t n = info->nr_members < 8 ? info->nr_members : 8;
	uint64_t ret, size;
	uint8_t obj[64] = { 0 };

	(void)!kco_type_strip(type, &strip, NULL);
	for (uint32_t i = 0; i <= n; i++) {
		if (!kco_type_member(type, i, &member, NULL) && strlen(member.name) &&
		    !kco_types_field(types, info->name, member.name, &field, NULL))
			(void)!kco_field_get(&field, obj, sizeof(obj), &ret);
		if (!kco_type_enumerator(type, i, &name, &value, NULL) && strlen(name))
			(void)!kco_types_enumerator(types, name, &value, NULL);
	}
	(void)!kco_types_sizeof(types, info->name, &size, NULL);
	if (info->kind == KCO_TYPE_STRUCT && info->name[0] &&
	    kco_types_find(types, KCO_TYPE_STRUCT, info->name, &strip, NULL) == KCO_E_CORRUPT)
		abort();
}

static bool fuzz_each(void *arg, enum kco_type_kind kind, const char *name, uint64_t id)
{
	unsigned *left = arg;

	(void)kind;
	(void)id;
	return strlen(name) && --*left > 0;
}

static void fuzz_types(struct kco_types *types)
{
	unsigned left = FUZZ_TYPES;
	struct kco_type_info info;
	struct kco_type type;
	struct kco_field field;
	struct kco_err err;

	for (uint64_t id = 0; id < FUZZ_TYPES; id++) {
		err = KCO_ERR_INIT;
		if (!kco_type_info((struct kco_type){ types, id }, &info, &err))
			fuzz_type(types, id, &info);
		else if (strstr(err.msg, "there is no type"))
			break;
	}
	(void)!kco_types_each(types, "", fuzz_each, &left, NULL);
	(void)!kco_types_variable(types, "current_task", &type, NULL);
	(void)!kco_types_field(types, "task_struct", "se.avg[2].x", &field, NULL);
	(void)!kco_types_field(types, "a", "a[1].a.a", &field, NULL);
}

static struct kco_types *fuzz_open(const uint8_t *data, size_t size, struct kco_types *base)
{
	uint8_t *copy = malloc(size + 1);
	struct kco_types *types = NULL;

	if (!copy)
		return NULL;
	memcpy(copy, data, size);
	if (kco_btf_new_take(copy, size, base, 8, &types, NULL))
		return NULL;
	return types;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kco_types *base, *split = NULL;
	size_t behind;

	if (size < 2)
		return 0;
	behind = kco_le16(data) % (size - 1);
	base = fuzz_open(data + 2, size - 2 - behind, NULL);
	if (base && behind)
		split = fuzz_open(data + size - behind, behind, base);
	if (base)
		fuzz_types(base);
	if (split)
		fuzz_types(split);
	kco_types_free(split);
	kco_types_free(base);
	return 0;
}
