// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A FreeBSD dump as it lies on the dump device: a swap partition, or an image
 * of one, that savecore has not read yet.
 *
 *   ... | header, a sector | key | dump, dumpextent bytes | header, the last sector
 *
 * Both headers are the same 512 bytes, big-endian, in a sector of 512 or 4096:
 *
 *   char magic[20] | char architecture[12] | u32 version | u32 archversion
 *   u64 dumplength | u64 dumptime | u32 dumpkeysize | u32 blocksize
 *   char hostname[64] | char versionstring[192] | char panicstring[175]
 *   u8 compression | u64 dumpextent | u32 unused | u32 parity
 *
 * The XOR of all their words is 0. dumplength bytes of the extent are the dump;
 * a compressed one is shorter than its extent.
 *
 * Source: struct kerneldumpheader in sys/sys/kerneldump.h and kern_shutdown.c
 * of FreeBSD 12.1.
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fbsd_info.h"

#define DEVICE_HEADER 512u
#define DEVICE_MAGIC 20u
#define DEVICE_VERSION 4u

static const uint32_t device_sectors[] = { 512, 4096 };

#define DEVICE_SECTORS (sizeof(device_sectors) / sizeof(*device_sectors))

static const char device_magic[DEVICE_MAGIC] = "FreeBSD Kernel Dump";
static const char device_text[DEVICE_MAGIC] = "FreeBSD Text Dump";
static const char device_cleared[DEVICE_MAGIC] = "Cleared Kernel Dump";

static bool device_is(const uint8_t *raw, const char *magic)
{
	return !memcmp(raw, magic, DEVICE_MAGIC);
}

static bool device_known(const uint8_t *raw)
{
	return device_is(raw, device_magic) || device_is(raw, device_text) || device_is(raw, device_cleared);
}

static int fbsd_device_probe(const struct kco_head *head)
{
	for (size_t i = 0; i < DEVICE_SECTORS; i++)
		if (head->tail_size >= device_sectors[i] &&
		    device_known(head->tail + head->tail_size - device_sectors[i]))
			return 95;
	return 0;
}

static bool device_parity(const uint8_t *raw)
{
	uint32_t parity = 0;

	for (size_t i = 0; i < DEVICE_HEADER; i += 4)
		parity ^= kco_be32(raw + i);
	return parity == 0;
}

/* What the last header says of itself. */
static enum kco_status device_check(const uint8_t *raw, struct kco_err *err)
{
	if (device_is(raw, device_cleared))
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"the dump was cleared: savecore has read it already, look for its vmcore file");
	if (!device_parity(raw))
		return kco_fail(err, KCO_E_CORRUPT, "the parity of the last kernel dump header is wrong");
	if (device_is(raw, device_text))
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"a textdump has no memory in it; savecore makes a tar file of it to read");
	if (kco_be32(raw + 32) != DEVICE_VERSION)
		return kco_fail(err, KCO_E_UNSUPPORTED, "kernel dump header of version %" PRIu32 " (%u is known)",
				kco_be32(raw + 32), DEVICE_VERSION);
	if (kco_be32(raw + 56))
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"an encrypted dump; run savecore, then: decryptcore -p PRIVATEKEY -k key.N -e "
				"vmcore_encrypted.N -c vmcore.N");
	return KCO_OK;
}

struct device {
	uint64_t start; /* of the dump */
	uint8_t head[DEVICE_HEADER];
};

static enum kco_status fbsd_device_read(struct kco_io *io, void *buf, size_t n, uint64_t off, size_t *done,
					struct kco_err *err)
{
	const struct device *device = io->priv;

	return kco_io_read(io->below, buf, n, device->start + off, done, err);
}

static void fbsd_device_io_close(struct kco_io *io)
{
	free(io->priv);
}

static void fbsd_device_facts(const struct kco_io *io, struct kco_facts *facts)
{
	const struct device *device = io->priv;
	const char *head = (const char *)device->head;

	kco_fbsd_text(facts->sysname, sizeof(facts->sysname), "FreeBSD", 7);
	kco_fbsd_text(facts->nodename, sizeof(facts->nodename), head + 64, 64);
	kco_fbsd_text(facts->version, sizeof(facts->version), head + 128, 192);
	kco_fbsd_text(facts->panic, sizeof(facts->panic), head + 320, 175);
	if (!facts->dump_time)
		facts->dump_time = kco_be64(device->head + 48);
}

static const struct kco_io_ops fbsd_device_io_ops = {
	.name = "fbsd-device",
	.read = fbsd_device_read,
	.close = fbsd_device_io_close,
	.facts = fbsd_device_facts,
};

/* The header in front: another one means that something was written over the dump. */
static void device_compare(struct kco_io *io, const struct kco_image_options *opts, const uint8_t *last, uint64_t at)
{
	uint8_t first[DEVICE_HEADER];

	if (!opts || !opts->warn)
		return;
	if (kco_io_read(io, first, sizeof(first), at, NULL, NULL) != KCO_OK || memcmp(first, last, sizeof(first)) != 0)
		opts->warn(opts->warn_arg, "the kernel dump headers before and after the dump differ: it may have been "
					   "overwritten in part");
}

static enum kco_status fbsd_device_unwrap(struct kco_io *io, const struct kco_image_options *opts, struct kco_io **ret,
					  struct kco_err *err)
{
	uint8_t raw[DEVICE_HEADER] = { 0 };
	uint64_t at = 0, length, extent;
	struct device *device;
	enum kco_status status;
	uint32_t sector = 0;

	for (size_t i = 0; i < DEVICE_SECTORS && !device_known(raw); i++) {
		sector = device_sectors[i];
		if (io->size < sector)
			break;
		at = io->size - sector;
		status = kco_io_read(io, raw, sizeof(raw), at, NULL, err);
		if (status != KCO_OK)
			return kco_context(err, status, "kernel dump header");
	}
	if (!device_known(raw))
		return kco_fail(err, KCO_E_BADFILE, "no kernel dump header in the last sector");
	status = device_check(raw, err);
	if (status != KCO_OK)
		return status;
	length = kco_be64(raw + 40);
	extent = kco_be64(raw + 496);
	if (at < sector || extent > at - sector || length > extent || !length)
		return kco_fail(err, KCO_E_CORRUPT,
				"kernel dump header: a dump of %" PRIu64 " bytes in %" PRIu64
				" of a device of %" PRIu64,
				length, extent, io->size);
	device_compare(io, opts, raw, at - extent - sector);
	device = malloc(sizeof(*device));
	if (!device)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	device->start = at - extent;
	memcpy(device->head, raw, sizeof(raw));
	status = kco_io_new(&fbsd_device_io_ops, io, length, io->name, device, ret, err);
	if (status != KCO_OK)
		free(device);
	return status;
}

const struct kco_format_ops kco_format_fbsd_device = {
	.name = "fbsd-device",
	.description = "FreeBSD dump device around another format",
	.probe = fbsd_device_probe,
	.unwrap = fbsd_device_unwrap,
};
