// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machines that FreeBSD kernels of are known.
 */
#include "freebsd.h"

static const struct freebsd_machine *const machines[] = { &freebsd_amd64, &freebsd_i386, &freebsd_arm64,
							  &freebsd_riscv };

const struct freebsd_machine *freebsd_machine_by_elf(uint16_t elf_machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i]->elf_machine == elf_machine)
			return machines[i];
	return NULL;
}
