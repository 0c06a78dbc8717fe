// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * info.N, which FreeBSD's savecore writes beside vmcore.N: no dump, but what the
 * dump's header on the device said, and how reading it ended.
 *
 *   Dump header from device: /dev/ada0p3
 *     Architecture: amd64
 *     Dump Length: 970199040
 *     ...
 *     Dumptime: 2023-05-17 14:07:58 +0100
 *
 * Source: printheader() of sbin/savecore/savecore.c, FreeBSD 12.1. Dumptime
 * is ctime()'s there, local to a machine whose zone nobody knows: only the
 * later form, which has the zone, is taken. A version or a panic string of
 * several lines goes on below its own, so a line that is like one of ours counts
 * once, the first time.
 *
 * Dump Length is that of what lay on the device: of a dump that the kernel
 * compressed (Compression) the compressed one, else the memory image, also
 * where savecore compressed it.
 */
#include <kco/format.h>

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fbsd_info.h"

#define INFO_MAX 65536u
#define INFO_NAME_MAX 4096u
#define INFO_MAGIC "Dump header from device"

static int fbsd_info_probe(const struct kco_head *head)
{
	return head->head_size >= sizeof(INFO_MAGIC) - 1 && !memcmp(head->head, INFO_MAGIC, sizeof(INFO_MAGIC) - 1) ? 90
														    : 0;
}

/* A value of the text, up to the end of its line. */
struct info_value {
	const char *text; /* NULL: the text has none */
	size_t n;
};

struct info {
	const char *name; /* of the file, for messages */
	struct info_value arch, length, compression, time, host, magic, version, panic, status;
};

static bool info_is(const struct info_value *value, const char *text)
{
	return value->text && value->n == strlen(text) && !memcmp(value->text, text, value->n);
}

static bool info_is_one_of(const struct info_value *value, const char *const *texts)
{
	for (; *texts; texts++)
		if (info_is(value, *texts))
			return true;
	return false;
}

static void info_line(struct info *info, const char *line, size_t n)
{
	const struct {
		const char *key;
		struct info_value *value;
	} keys[] = {
		{ "Architecture", &info->arch },       { "Dump Length", &info->length },
		{ "Compression", &info->compression }, { "Dumptime", &info->time },
		{ "Hostname", &info->host },	       { "Magic", &info->magic },
		{ "Version String", &info->version },  { "Panic String", &info->panic },
		{ "Dump Status", &info->status },
	};

	while (n && (*line == ' ' || *line == '\t')) {
		line++;
		n--;
	}
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		size_t len = strlen(keys[i].key);

		if (keys[i].value->text || n <= len || line[len] != ':' || memcmp(line, keys[i].key, len) != 0)
			continue;
		for (len++; len < n && line[len] == ' '; len++)
			;
		*keys[i].value = (struct info_value){ line + len, n - len };
		return;
	}
}

/* @text ends with a NUL, which is not one of its @n bytes. */
static void info_parse(struct info *info, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		info_line(info, text, (size_t)(stop - text));
		text = stop + 1;
	}
}

/* 2023-05-17 14:07:58 +0100; 0: it is something else. */
static uint64_t info_time(const struct info_value *value)
{
	struct tm tm = { 0 };
	char text[32], sign;
	int end = 0, zone;
	time_t t;

	if (!value->text || value->n >= sizeof(text))
		return 0;
	memcpy(text, value->text, value->n);
	text[value->n] = '\0';
	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d %c%4d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &sign, &zone, &end) != 8 ||
	    text[end] || (sign != '+' && sign != '-') || zone < 0)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	zone = zone / 100 * 3600 + zone % 100 * 60;
	t = timegm(&tm) - (sign == '+' ? zone : -zone);
	return t > 0 ? (uint64_t)t : 0;
}

/* MACHINE_ARCH of kernels for an ELF machine. */
static bool info_arch_fits(const struct info_value *arch, uint16_t machine)
{
	static const char *const amd64[] = { "amd64", NULL }, *const i386[] = { "i386", NULL },
				 *const arm64[] = { "aarch64", "arm64", NULL },
				 *const riscv[] = { "riscv64", "riscv64sf", "riscv", NULL };

	switch (machine) {
	case EM_X86_64:
		return info_is_one_of(arch, amd64);
	case EM_386:
		return info_is_one_of(arch, i386);
	case EM_AARCH64:
		return info_is_one_of(arch, arm64);
	case EM_RISCV:
		return info_is_one_of(arch, riscv);
	}
	return true;
}

/* The size that Dump Length is of; 0: what it is of is not here (the kernel's compression was undone before). */
static uint64_t info_size(const struct kco_image *img, const struct info *info)
{
	const struct kco_io *io = img->files[0];

	if (!info->compression.text || info_is(&info->compression, "none"))
		return io->size;
	if (!io->below)
		return 0;
	while (io->below)
		io = io->below;
	return io->size;
}

static void info_compare(struct kco_image *img, const struct info *info)
{
	uint64_t size = info_size(img, info), length;

	if (info->arch.text && !info_arch_fits(&info->arch, img->facts.elf_machine))
		kco_image_warn(img, "%s is of %.*s, the dump of ELF machine %u: is it another dump's?", info->name,
			       (int)(info->arch.n < 32 ? info->arch.n : 32), info->arch.text, img->facts.elf_machine);
	if (info->length.text && size) {
		// The text is NUL-terminated; a number that is none, or too large, differs from any size.
		length = strtoull(info->length.text, NULL, 10);
		if (length != size)
			kco_image_warn(img,
				       "%s says %" PRIu64 " bytes (Dump Length), the dump has %" PRIu64
				       ": cut short, or another dump's",
				       info->name, length, size);
	}
	if (info->status.text && !info_is(&info->status, "good"))
		kco_image_warn(img, "%s says that the dump is not good, but \"%.*s\" (Dump Status)", info->name,
			       (int)(info->status.n < 32 ? info->status.n : 32), info->status.text);
}

static void info_facts(struct kco_facts *facts, const struct info *info)
{
	kco_fbsd_text(facts->sysname, sizeof(facts->sysname), "FreeBSD", 7);
	if (info->host.text)
		kco_fbsd_text(facts->nodename, sizeof(facts->nodename), info->host.text, info->host.n);
	if (info->version.text)
		kco_fbsd_text(facts->version, sizeof(facts->version), info->version.text, info->version.n);
	if (info->panic.text)
		kco_fbsd_text(facts->panic, sizeof(facts->panic), info->panic.text, info->panic.n);
	if (!facts->dump_time)
		facts->dump_time = info_time(&info->time);
}

/* DIR/vmcore.X, .X.gz, .X.zst -> DIR/info.X */
static bool info_path(const char *path, char *ret, size_t size)
{
	static const char *const packed[] = { ".gz", ".zst" };
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t n;
	int len;

	if (strncmp(base, "vmcore.", 7) != 0)
		return false;
	n = strlen(base + 7);
	for (size_t i = 0; i < 2; i++)
		if (n > strlen(packed[i]) && !strcmp(base + 7 + n - strlen(packed[i]), packed[i]))
			n -= strlen(packed[i]);
	if (!n || n > 255 || base - path > INT16_MAX)
		return false;
	len = snprintf(ret, size, "%.*sinfo.%.*s", (int)(base - path), path, (int)n, base + 7);
	return len > 0 && (size_t)len < size;
}

/* The bytes of @io with a NUL behind them, or NULL. */
static char *info_read(struct kco_io *io, size_t *n)
{
	char *text;

	if (io->size > INFO_MAX)
		return NULL;
	*n = (size_t)io->size;
	text = malloc(*n + 1);
	if (!text)
		return NULL;
	text[*n] = '\0';
	if (kco_io_read(io, text, *n, 0, NULL, NULL) == KCO_OK)
		return text;
	free(text);
	return NULL;
}

static void fbsd_info_beside(struct kco_image *img, const char *path)
{
	char name[INFO_NAME_MAX];
	struct info info = { .name = name };
	struct kco_io *io;
	size_t n = 0;
	char *text;

	// A full dump says no more of its system than that it is an ELF file for none.
	if (strcmp(img->facts.sysname, "FreeBSD") != 0 && img->facts.elf_osabi != ELFOSABI_STANDALONE)
		return;
	if (!info_path(path, name, sizeof(name)) || kco_io_open_new(name, &io, NULL) != KCO_OK)
		return;
	text = info_read(io, &n);
	if (text)
		info_parse(&info, text, n);
	if (!text || !info_is(&info.magic, "FreeBSD Kernel Dump")) {
		kco_image_warn(img, "%s is not the text of a FreeBSD kernel dump that savecore writes: ignored", name);
	} else {
		info_compare(img, &info);
		info_facts(&img->facts, &info);
	}
	free(text);
	kco_io_unref(io);
}

const struct kco_format_ops kco_format_fbsd_info = {
	.name = "fbsd-info",
	.description = "info.N of FreeBSD's savecore (read beside vmcore.N)",
	.unsupported = "no dump: name the vmcore.N beside it",
	.probe = fbsd_info_probe,
	.beside = fbsd_info_beside,
};
