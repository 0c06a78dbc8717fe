// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel cores of NetBSD and OpenBSD as savecore writes them: netbsd.N.core,
 * bsd.N.core.
 *
 *   0            be32 c_midmag   flags 6 | MID 10 | magic 0x8fca
 *   4            u16 c_hdrsize   the header's size with padding, 16 on 64-bit machines
 *   6            u16 c_seghdrsize  the same of a segment's header, 8
 *   8            u32 c_nseg      2
 *   c_hdrsize    be32 c_midmag (0x8fac, flag 1: CPU) | u32 c_size | padding
 *                c_size bytes of CPU segment: see shared/bsd_core.c
 *                be32 c_midmag (0x8fac, flag 2: data) | u32 c_size | padding
 *                memory
 *
 * Sources: sys/sys/kcore.h and lib/libkvm/kvm.c (_kvm_get_header(),
 * kvm_dump_wrtheader()) of both systems. The last c_size has 32 bits and so
 * says nothing of a dump of more than 4 GiB: the ranges of the CPU segment do.
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <inttypes.h>

#include "bsd_core.h"

#define KCORE_HEADER 12u
#define KCORE_SEGMENT 8u
#define KCORE_PADDED_MAX 512u

struct kcore_segment {
	uint64_t data; /* file offset */
	uint32_t size;
};

static int bsd_kcore_probe(const struct kco_head *head)
{
	unsigned header, segment;
	uint32_t midmag;

	if (head->head_size < 16)
		return 0;
	midmag = kco_be32(head->head);
	header = kco_le16(head->head + 4);
	segment = kco_le16(head->head + 6);
	if (kco_bsd_magic(midmag) != KCO_BSD_KCORE_MAGIC)
		return 0;
	// A big-endian machine's: to be refused by its name.
	if (kco_bsd_machine(kco_bsd_mid(midmag)) && kco_be32(head->head + 8) == 2)
		return 90;
	if (header < KCORE_HEADER || header > KCORE_PADDED_MAX || segment < KCORE_SEGMENT || segment > KCORE_PADDED_MAX)
		return 10;
	return kco_le32(head->head + 8) == 2 ? 100 : 60;
}

static enum kco_status bsd_kcore_segment(struct kco_io *io, uint64_t pos, unsigned padded, unsigned flag,
					 const char *name, struct kcore_segment *ret, struct kco_err *err)
{
	uint8_t raw[KCORE_SEGMENT];
	enum kco_status status = kco_io_read(io, raw, sizeof(raw), pos, NULL, err);
	uint32_t midmag;

	if (status != KCO_OK)
		return kco_context(err, status, "header of the %s segment", name);
	midmag = kco_be32(raw);
	if (kco_bsd_magic(midmag) != KCO_BSD_KCORESEG_MAGIC || kco_bsd_flag(midmag) != flag)
		return kco_fail(err, KCO_E_CORRUPT, "no header of the %s segment at %#" PRIx64 " but %08" PRIx32, name,
				pos, midmag);
	ret->size = kco_le32(raw + 4);
	ret->data = pos + padded;
	return KCO_OK;
}

static enum kco_status bsd_kcore_machine(uint32_t midmag, struct kco_err *err)
{
	unsigned mid = kco_bsd_mid(midmag);
	const char *machine = kco_bsd_machine(mid);

	if (mid == KCO_BSD_MID_AMD64)
		return KCO_OK;
	if (machine)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"a NetBSD or OpenBSD kernel core of %s (machine id %u): only amd64 is supported",
				machine, mid);
	return kco_fail(err, KCO_E_UNSUPPORTED,
			"a NetBSD or OpenBSD kernel core of machine id %u: only amd64 (%u) is supported", mid,
			KCO_BSD_MID_AMD64);
}

static enum kco_status bsd_kcore_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	struct kco_io *io = img->files[0];
	struct kcore_segment cpu, memory;
	uint8_t raw[KCORE_HEADER];
	unsigned header, padded;
	enum kco_status status;

	(void)opts;
	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but a kernel core is one file", img->nr_files);
	status = kco_io_read(io, raw, sizeof(raw), 0, NULL, err);
	if (status != KCO_OK)
		return kco_context(err, status, "header");
	if (kco_bsd_magic(kco_be32(raw)) != KCO_BSD_KCORE_MAGIC)
		return kco_fail(err, KCO_E_BADFILE, "no kernel core: it begins with %08" PRIx32, kco_be32(raw));
	status = bsd_kcore_machine(kco_be32(raw), err);
	if (status != KCO_OK)
		return status;
	header = kco_le16(raw + 4);
	padded = kco_le16(raw + 6);
	if (header < KCORE_HEADER || header > KCORE_PADDED_MAX || padded < KCORE_SEGMENT || padded > KCORE_PADDED_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "headers of %u and %u bytes make no sense (16 and 8 are usual)",
				header, padded);
	if (kco_le32(raw + 8) != 2)
		return kco_fail(err, KCO_E_CORRUPT, "%" PRIu32 " segments, but a kernel core has 2", kco_le32(raw + 8));
	status = bsd_kcore_segment(io, header, padded, KCO_BSD_CORE_CPU, "CPU", &cpu, err);
	if (status == KCO_OK)
		status = bsd_kcore_segment(io, cpu.data + cpu.size, padded, KCO_BSD_CORE_DATA, "data", &memory, err);
	if (status == KCO_OK)
		status = kco_bsd_core_open(img, cpu.data, cpu.size, memory.data, err);
	if (status != KCO_OK)
		return status;
	if (memory.size != (uint32_t)kco_bsd_core_bytes(img))
		kco_image_warn(img,
			       "the data segment's size, %#" PRIx32 ", is not that of its ranges, %#" PRIx64
			       ": the ranges are taken",
			       memory.size, kco_bsd_core_bytes(img));
	return KCO_OK;
}

const struct kco_format_ops kco_format_bsd_kcore = {
	.name = "bsd-kcore",
	.description = "NetBSD or OpenBSD kernel core",
	.probe = bsd_kcore_probe,
	.open = bsd_kcore_open,
	.close = kco_bsd_core_close,
};
