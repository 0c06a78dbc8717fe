// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that are known by their first bytes but not read: one row each, so
 * that the error names what the file is and what to do with it.
 *
 * | row           | at   | bytes                                   | source                        |
 * | bzip2         | 0    | "BZh" 1-9 31 41 59 26 53 59             | bzip2's manual                |
 * | xz            | 0    | fd "7zXZ" 00                            | The .xz File Format 1.1       |
 * | lz4           | 0    | 04 22 4d 18                             | LZ4 Frame Format              |
 * | compress      | 0    | 1f 9d                                   | magic_header of BSD's zopen.c |
 * | vmware        | 0    | u32 bed2bed2, bed3bed3, bed0bed0, ...   | crash's vmware_vmss.h         |
 * | qemu_savevm   | 0    | "QEVM"                                  | QEMU's migration/savevm.h     |
 * | libvirt_save  | 0    | "LibvirtQemudSave" or "...Part"         | libvirt's qemu_saveimage.h    |
 * | avml          | 0    | "AVML" 02 00 00 00                      | AVML's image.rs               |
 * | xc_core       | 0    | ed/ee eb 0f f0                          | Xen's xenctrl.h of 3.x        |
 * | xc_save       | 0    | "LinuxGuestRecord" or "Xen saved domain"| Xen's xc_save, libxl          |
 * | windows       | 0    | "PAGEDU64" or "PAGEDUMP"                | QEMU's win_dump_defs.h        |
 * | hibernation   | 4086 | "S1SUSPEND"                             | Linux' kernel/power/swap.c    |
 * | kernel_image  | 514  | "HdrS"                                  | Linux' x86/boot.rst           |
 * | textdump      | 0    | "ddb.txt" ..., "ustar" at 257           | FreeBSD's db_textdump.c       |
 * | fbsd_key      | 0    | u8 1-2, u8 iv[32], be32 size, key, 00s  | FreeBSD's kerneldump.h        |
 * | fbsd_encrypted|      | named so: it looks like nothing         | FreeBSD's savecore.c          |
 */
#include <kco/endian.h>
#include <kco/format.h>

#include <string.h>

static bool recognised_at(const struct kco_head *head, size_t off, const char *bytes, size_t n)
{
	return head->head_size >= off + n && !memcmp(head->head + off, bytes, n);
}

static uint32_t recognised_le32(const struct kco_head *head, size_t off)
{
	return head->head_size >= off + 4 ? kco_le32(head->head + off) : 0;
}

/* The groups' magic: current, then partial (restored) and old snapshots. */
static bool vmware_match(const struct kco_head *head)
{
	switch (recognised_le32(head, 0)) {
	case 0xbed2bed2:
	case 0xbed3bed3:
	case 0xbed0bed0:
	case 0xbad1bad1:
	case 0xbad2bad2:
		return true;
	}
	return false;
}

static bool xc_core_match(const struct kco_head *head)
{
	return recognised_at(head, 1, "\xeb\x0f\xf0", 3) && (head->head[0] == 0xed || head->head[0] == 0xee);
}

static bool bzip2_match(const struct kco_head *head)
{
	return recognised_at(head, 0, "BZh", 3) && recognised_at(head, 4, "1AY&SY", 6);
}

/* A tar file whose first member is one of those that the kernel writes. */
static bool textdump_match(const struct kco_head *head)
{
	static const char *const names[] = { "ddb.txt", "config.txt", "msgbuf.txt", "panic.txt", "version.txt" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (recognised_at(head, 0, names[i], strlen(names[i]) + 1))
			return recognised_at(head, 257, "ustar", 6);
	return false;
}

/* struct kerneldumpkey, filled up with zeros to a block of the dump device. */
static bool fbsd_key_match(const struct kco_head *head)
{
	size_t end;

	if (head->head_size < 512 || head->head_size != head->file_size || head->head_size % 512)
		return false;
	end = (size_t)kco_be32(head->head + 33);
	if ((head->head[0] != 1 && head->head[0] != 2) || end < 64 || end > 2048)
		return false;
	end += 37;
	if (end > head->head_size || head->head_size - end >= 4096)
		return false;
	while (end < head->head_size && !head->head[end])
		end++;
	return end == head->head_size;
}

#define RECOGNISED(id, word, what, why, match)             \
	static int id##_probe(const struct kco_head *head) \
	{                                                  \
		return (match) ? 90 : 0;                   \
	}                                                  \
	const struct kco_format_ops kco_format_##id = {    \
		.name = word,                              \
		.description = what,                       \
		.unsupported = why,                        \
		.probe = id##_probe,                       \
	}

RECOGNISED(bzip2, "bzip2", "bzip2 data", "not unpacked here, run: bunzip2 -k FILE", bzip2_match(head));
RECOGNISED(xz, "xz", "xz data", "not unpacked here, run: unxz -k FILE",
	   recognised_at(head, 0,
			 "\xfd"
			 "7zXZ\0",
			 6));
RECOGNISED(lz4, "lz4", "lz4 data", "not unpacked here, run: lz4 -d FILE",
	   recognised_at(head, 0, "\x04\x22\x4d\x18", 4));
RECOGNISED(compress, "compress", "data packed by compress (.Z)", "not unpacked here, run: gzip -dc FILE.Z >FILE",
	   recognised_at(head, 0, "\x1f\x9d", 2) && head->head_size > 3);
RECOGNISED(vmware, "vmware", "VMware snapshot or suspend state (vmss, vmsn)",
	   "not supported; VMware's vmss2core makes a core of it", vmware_match(head));
RECOGNISED(qemu_savevm, "qemu-savevm", "QEMU savevm or migration stream",
	   "not supported; load it and use dump-guest-memory instead", recognised_at(head, 0, "QEVM", 4));
RECOGNISED(libvirt_save, "libvirt-save", "libvirt save image",
	   "not supported; restore it and use virsh dump --memory-only instead",
	   recognised_at(head, 0, "LibvirtQemudSave", 16) || recognised_at(head, 0, "LibvirtQemudPart", 16));
RECOGNISED(avml, "avml", "AVML compressed memory image", "not supported; avml-convert makes a LiME image of it",
	   recognised_at(head, 0, "AVML\x02\0\0\0", 8));
RECOGNISED(xc_core, "xc-core", "Xen core of before 2007 (xc_core)", "not supported; xl dump-core writes ELF",
	   xc_core_match(head));
RECOGNISED(xc_save, "xc-save", "Xen save image", "not supported; restore it and use xl dump-core instead",
	   recognised_at(head, 0, "LinuxGuestRecord", 16) || recognised_at(head, 0, "Xen saved domain", 16));
RECOGNISED(windows, "windows", "Windows crash dump", "not supported; WinDbg reads it",
	   recognised_at(head, 0, "PAGEDU64", 8) || recognised_at(head, 0, "PAGEDUMP", 8));
RECOGNISED(hibernation, "hibernation", "swap space with a hibernation image", "not supported",
	   recognised_at(head, 4086, "S1SUSPEND", 9));
RECOGNISED(kernel_image, "kernel-image", "Linux kernel image (bzImage)", "no dump: name the vmcore",
	   recognised_at(head, 514, "HdrS", 4) && recognised_at(head, 510, "\x55\xaa", 2));
RECOGNISED(textdump, "textdump", "FreeBSD textdump",
	   "a tar file without the memory, text of the kernel's debugger to read, run: tar -xf FILE",
	   textdump_match(head));
RECOGNISED(fbsd_key, "fbsd-key", "key of an encrypted FreeBSD dump",
	   "no dump; run: decryptcore -p PRIVATEKEY -k key.N -e vmcore_encrypted.N -c vmcore.N, then name vmcore.N",
	   fbsd_key_match(head));

/* Surer than nobody, not surer than any format that knows its own. */
static int fbsd_encrypted_probe(const struct kco_head *head)
{
	const char *slash = head->name ? strrchr(head->name, '/') : NULL, *base = slash ? slash + 1 : head->name;

	return base && !strncmp(base, "vmcore_encrypted.", 17) ? KCO_PROBE_MATCH : 0;
}

const struct kco_format_ops kco_format_fbsd_encrypted = {
	.name = "fbsd-encrypted",
	.description = "encrypted FreeBSD dump (vmcore_encrypted.N)",
	.unsupported = "run: decryptcore -p PRIVATEKEY -k key.N -e vmcore_encrypted.N -c vmcore.N, then name vmcore.N",
	.probe = fbsd_encrypted_probe,
};
