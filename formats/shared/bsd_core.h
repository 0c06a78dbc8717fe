// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the two forms of a NetBSD or OpenBSD kernel core have in common: the
 * file that savecore writes and the dump as it lies on its device.
 */
#ifndef KCO_FORMATS_BSD_CORE_H
#define KCO_FORMATS_BSD_CORE_H

#include <kco/image.h>

/* Magics of a kernel core and of a segment of one; in the first form the CPU segment's is KCORESEG, on a device KCORE.
 */
#define KCO_BSD_KCORE_MAGIC 0x8fcau
#define KCO_BSD_KCORESEG_MAGIC 0x8facu
#define KCO_BSD_CORE_CPU 1u
#define KCO_BSD_CORE_DATA 2u
#define KCO_BSD_MID_AMD64 157u
#define KCO_BSD_CPU_HEADER 16u /* ptdpaddr, nmemsegs */

/** The parts of a c_midmag, which is big-endian on every machine. */
static inline unsigned kco_bsd_magic(uint32_t midmag)
{
	return midmag & 0xffff;
}
static inline unsigned kco_bsd_mid(uint32_t midmag)
{
	return midmag >> 16 & 0x3ff;
}
static inline unsigned kco_bsd_flag(uint32_t midmag)
{
	return midmag >> 26;
}

/** The machine that a MID stands for, or NULL. */
const char *kco_bsd_machine(unsigned mid);

/**
 * Fill @img from an amd64 CPU segment of @size bytes at @cpu and the memory
 * at @data of the image's first file. Sets img->priv; KCO_E_CORRUPT when the
 * segment has no room for its table.
 */
enum kco_status kco_bsd_core_open(struct kco_image *img, uint64_t cpu, uint64_t size, uint64_t data,
				  struct kco_err *err) KCO_MUST_USE;
/** Bytes of memory that the ranges of an opened core have in all. */
uint64_t kco_bsd_core_bytes(const struct kco_image *img);
void kco_bsd_core_close(struct kco_image *img);

#endif
