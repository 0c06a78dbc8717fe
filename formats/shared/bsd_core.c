// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CPU segment of an amd64 kernel core: see bsd_core.h.
 *
 *   u64 ptdpaddr (physical address of the PML4) | u64 nmemsegs | nmemsegs x { u64 start; u64 size } | padding
 *
 * Layout: cpu_kcore_hdr in sys/arch/amd64/include/kcore.h of NetBSD and of
 * OpenBSD, phys_ram_seg_t in sys/sys/kcore.h, cpu_dump() in
 * sys/arch/amd64/amd64/machdep.c. The two systems' are the same to the byte:
 * which one it is, the personalities find out.
 */
#include "bsd_core.h"

#include <elf.h>
#include <inttypes.h>

#include <kco/endian.h>

#include "bsd_ranges.h"

/* MID_* of sys/sys/exec_aout.h (NetBSD), sys/sys/exec.h (OpenBSD). */
static const struct {
	unsigned mid;
	const char *machine;
} core_machines[] = {
	{ 134, "i386" },    { 135, "m68k" },	  { 136, "m68k" },    { 138, "sparc" },	  { 139, "pmax" },
	{ 140, "vax" },	    { 141, "alpha" },	  { 142, "mips" },    { 143, "arm" },	  { 145, "sh3" },
	{ 149, "powerpc" }, { 150, "vax" },	  { 151, "sparc64" }, { 152, "mips" },	  { 153, "m88k" },
	{ 154, "hppa" },    { 155, "sh5" },	  { 156, "mips64" },  { 157, "amd64" },	  { 158, "mips64" },
	{ 159, "arm64" },   { 160, "powerpc64" }, { 161, "riscv64" }, { 183, "aarch64" }, { 186, "or1k" },
	{ 243, "riscv" },
};

const char *kco_bsd_machine(unsigned mid)
{
	for (size_t i = 0; i < sizeof(core_machines) / sizeof(*core_machines); i++)
		if (core_machines[i].mid == mid)
			return core_machines[i].machine;
	return NULL;
}

enum kco_status kco_bsd_core_open(struct kco_image *img, uint64_t cpu, uint64_t size, uint64_t data,
				  struct kco_err *err)
{
	struct kco_bsd_ranges *ranges;
	uint8_t raw[KCO_BSD_CPU_HEADER];
	uint64_t root, n;
	enum kco_status status = kco_io_read(img->files[0], raw, sizeof(raw), cpu, NULL, err);

	if (status != KCO_OK)
		return kco_context(err, status, "CPU segment");
	root = kco_le64(raw);
	n = kco_le64(raw + 8);
	if (size < sizeof(raw) || n > (size - sizeof(raw)) / 16)
		return kco_fail(err, KCO_E_CORRUPT,
				"%" PRIu64 " ranges of memory do not fit into a CPU segment of %" PRIu64 " bytes", n,
				size);
	status = kco_bsd_ranges_read_new(img->files[0], cpu + sizeof(raw), n, data, &ranges, err);
	if (status != KCO_OK)
		return kco_context(err, status, "ranges of memory");
	if (!ranges->n) {
		kco_bsd_ranges_free(ranges);
		return kco_fail(err, KCO_E_CORRUPT, "it has no memory: all of its %" PRIu64 " ranges are empty", n);
	}
	img->facts.elf_machine = EM_X86_64;
	img->facts.root_pa = root;
	img->facts.has_root_pa = true;
	status = kco_bsd_ranges_add(img, ranges, err);
	if (status != KCO_OK) {
		kco_bsd_ranges_free(ranges);
		return status;
	}
	img->priv = ranges;
	return KCO_OK;
}

uint64_t kco_bsd_core_bytes(const struct kco_image *img)
{
	const struct kco_bsd_ranges *ranges = img->priv;

	return ranges->bytes;
}

void kco_bsd_core_close(struct kco_image *img)
{
	kco_bsd_ranges_free(img->priv);
}
