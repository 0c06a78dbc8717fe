// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the kernel memory that holds an address space: areas, their
 * tree or list, files, dentries, mounts, names.
 *
 * The first byte chooses the kind of kernel, the rest is memory at VMA_VIRT
 * (tests/unit/vmamake.h) with the struct mm_struct first. What must hold: areas
 * come in order, are not empty and have a name; paths begin as paths do.
 */
#include <stdlib.h>
#include <string.h>

#include "vmamake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum kco_status fuzz_area(void *arg, const struct kco_vma *vma)
{
	uint64_t *end = arg;

	if (vma->start >= vma->end || vma->start < *end || !vma->name || (vma->file && !vma->file->path[0]))
		abort();
	if (vma->kind == KCO_VMA_FILE && !vma->file)
		abort();
	*end = vma->end;
	return KCO_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kco_types *types[2];
	static struct vmamake m;
	struct kco_err torn = KCO_ERR_INIT;
	struct kco_mm_info mm = { 0 };
	uint64_t end = 0;
	bool maple;

	if (size < 2 || size - 1 > VMA_MEMORY)
		return 0;
	maple = data[0] & 1;
	if (!types[maple])
		types[maple] = vmamake_types(maple);
	vmamake_init(&m);
	memcpy(m.memory, data + 1, size - 1);
	m.s.types = types[maple];
	if (!vmamake_open(&m, maple, size - 1))
		abort();
	(void)!linux_vmas(&m.p, fuzz_area, &end, &torn, NULL);
	if (!linux_mm_info(&m.p, &mm, NULL) && mm.nr_auxv > sizeof(mm.auxv) / sizeof(mm.auxv[0]))
		abort();
	m.s.types = NULL;
	vmamake_close(&m);
	return 0;
}
