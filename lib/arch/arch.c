// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registry of architectures, and what all of them share: finding a
 * register by name and decoding a register set by its table.
 */
#include <kco/arch.h>

#include <string.h>

#include <kco/endian.h>

#define X(name) extern const struct kco_arch_ops kco_arch_##name;
#include "arch.def"
#undef X

const struct kco_arch_ops *const kco_archs[] = {
#define X(name) &kco_arch_##name,
#include "arch.def"
#undef X
	NULL,
};

const struct kco_arch_ops *kco_arch_by_machine(uint16_t elf_machine)
{
	for (size_t i = 0; kco_archs[i]; i++)
		if (kco_archs[i]->elf_machine == elf_machine)
			return kco_archs[i];
	return NULL;
}

int kco_arch_reg(const struct kco_arch_ops *arch, const char *name)
{
	for (size_t i = 0; i < arch->nr_regs; i++)
		if (strcmp(arch->regs[i].name, name) == 0)
			return (int)i;
	return -1;
}

void kco_regs_set(struct kco_regs *regs, unsigned reg, uint64_t value)
{
	if (reg >= KCO_REGS_MAX)
		return;
	regs->v[reg] = value;
	regs->known |= UINT64_C(1) << reg;
}

bool kco_regs_get(const struct kco_regs *regs, unsigned reg, uint64_t *ret)
{
	if (reg >= KCO_REGS_MAX || !(regs->known >> reg & 1))
		return false;
	*ret = regs->v[reg];
	return true;
}

void kco_regset_decode(const struct kco_regset *set, const void *desc, size_t n, struct kco_regs *regs)
{
	const uint8_t *bytes = desc;

	for (size_t i = 0; i < set->nr_entries; i++) {
		const struct kco_regset_entry *e = &set->entries[i];

		if ((size_t)e->offset + e->size <= n)
			kco_regs_set(regs, e->reg, kco_le_uint(bytes + e->offset, e->size));
	}
}

void kco_regset_encode(const struct kco_regset *set, const struct kco_regs *regs, void *desc, size_t n)
{
	uint8_t *bytes = desc;
	uint64_t value;

	for (size_t i = 0; i < set->nr_entries; i++) {
		const struct kco_regset_entry *e = &set->entries[i];

		if ((size_t)e->offset + e->size > n || !kco_regs_get(regs, e->reg, &value))
			continue;
		for (size_t k = 0; k < e->size && k < sizeof(value); k++)
			bytes[e->offset + k] = (uint8_t)(value >> 8 * k);
	}
}

const struct kco_regset *kco_arch_regset(const struct kco_arch_ops *arch, const char *name, uint32_t type)
{
	for (size_t i = 0; i < arch->nr_regsets; i++)
		if (arch->regsets[i].type == type && !strcmp(arch->regsets[i].note, name))
			return &arch->regsets[i];
	return NULL;
}
