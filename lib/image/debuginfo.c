// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vmlinux: opened, identified by its build-id, closed. What is in it is for
 * dwarf_*.c and elf_symbols.c.
 *
 * libelf maps the file, so a 600 MB vmlinux costs the pages that are looked
 * at. DWARF is begun when it is asked for; the failure is kept and given again.
 */
#include "debuginfo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include "debuginfo_priv.h"

void kco_build_id_hex(const uint8_t *id, size_t n, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*hex++ = digits[id[i] >> 4];
		*hex++ = digits[id[i] & 15];
	}
	*hex = '\0';
}

bool kco_debuginfo_progress(const struct kco_debuginfo *di, const char *what, uint64_t done, uint64_t total)
{
	return !di->progress || di->progress(di->progress_arg, what, done, total);
}

/* What a file that is no ELF most likely is, told from its first bytes. */
static enum kco_status debuginfo_not_elf(int fd, const char *path, struct kco_err *err)
{
	static const struct {
		uint8_t magic[4];
		size_t size;
		const char *name;
	} packed[] = {
		{ { 0x1f, 0x8b }, 2, "gzip" },
		{ { 0xfd, '7', 'z', 'X' }, 4, "xz" },
		{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, "zstd" },
		{ { 'B', 'Z', 'h' }, 3, "bzip2" },
	};
	char head[0x240] = { 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return kco_fail_errno(err, errno, "%s", path);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
		if ((size_t)n >= packed[i].size && memcmp(head, packed[i].magic, packed[i].size) == 0)
			return kco_fail(err, KCO_E_BADFILE, "%s is compressed (%s): unpack it first", path,
					packed[i].name);
	// Documentation/arch/x86/boot.rst: "HdrS" at 0x202; other architectures' EFI stubs begin with "MZ".
	if (memcmp(head + 0x202, "HdrS", 4) == 0 || memcmp(head, "MZ", 2) == 0)
		return kco_fail(err, KCO_E_BADFILE,
				"%s is a compressed boot image (vmlinuz), which has no debug information: give the "
				"vmlinux of the same build (Debian: package linux-image-RELEASE-dbg)",
				path);
	return kco_fail(err, KCO_E_BADFILE, "%s is not an ELF file", path);
}

/* Addresses that the file describes: all of its allocated sections, or segments when it has no sections. */
static void debuginfo_range(struct kco_debuginfo *di)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	GElf_Phdr ph;
	size_t n;

	di->first = UINT64_MAX;
	di->last = 0;
	while ((scn = elf_nextscn(di->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC) || !sh.sh_size || !sh.sh_addr)
			continue;
		if (sh.sh_addr > UINT64_MAX - (sh.sh_size - 1))
			continue;
		if (sh.sh_addr < di->first)
			di->first = sh.sh_addr;
		if (sh.sh_addr + (sh.sh_size - 1) > di->last)
			di->last = sh.sh_addr + (sh.sh_size - 1);
	}
	if (di->first <= di->last || elf_getphdrnum(di->elf, &n))
		return;
	for (size_t i = 0; i < n && i < 65536; i++) {
		if (!gelf_getphdr(di->elf, (int)i, &ph) || ph.p_type != PT_LOAD || !ph.p_memsz || !ph.p_vaddr)
			continue;
		if (ph.p_vaddr > UINT64_MAX - (ph.p_memsz - 1))
			continue;
		if (ph.p_vaddr < di->first)
			di->first = ph.p_vaddr;
		if (ph.p_vaddr + (ph.p_memsz - 1) > di->last)
			di->last = ph.p_vaddr + (ph.p_memsz - 1);
	}
}

static enum kco_status debuginfo_read_header(struct kco_debuginfo *di, struct kco_err *err)
{
	const void *id;
	GElf_Ehdr eh;
	ssize_t n;

	elf_version(EV_CURRENT);
	di->elf = elf_begin(di->fd, ELF_C_READ_MMAP, NULL);
	if (!di->elf || elf_kind(di->elf) != ELF_K_ELF)
		return debuginfo_not_elf(di->fd, di->path, err);
	if (!gelf_getehdr(di->elf, &eh))
		return kco_fail(err, KCO_E_CORRUPT, "%s: its ELF header: %s", di->path, elf_errmsg(-1));
	if (eh.e_type == ET_CORE)
		return kco_fail(err, KCO_E_BADFILE, "%s is a core dump, not a vmlinux", di->path);
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return kco_fail(err, KCO_E_BADFILE, "%s is not a vmlinux (ELF type %u)", di->path, eh.e_type);
	if (eh.e_shoff > di->file_size || di->file_size - eh.e_shoff < (uint64_t)eh.e_shnum * eh.e_shentsize)
		return kco_fail(err, KCO_E_TRUNCATED,
				"%s is cut off: %" PRIu64 " bytes, its section headers should lie at %" PRIu64,
				di->path, di->file_size, (uint64_t)eh.e_shoff);
	di->machine = eh.e_machine;
	n = dwelf_elf_gnu_build_id(di->elf, &id);
	if (n > 0 && (size_t)n <= sizeof(di->build_id)) {
		memcpy(di->build_id, id, (size_t)n);
		di->build_id_size = (size_t)n;
	}
	kco_build_id_hex(di->build_id, di->build_id_size, di->build_id_hex);
	debuginfo_range(di);
	return KCO_OK;
}

enum kco_status kco_debuginfo_file_new(const char *path, struct kco_debuginfo **ret, struct kco_err *err)
{
	struct kco_debuginfo *di;
	enum kco_status st;
	struct stat sb;

	*ret = NULL;
	di = calloc(1, sizeof(*di));
	if (!di)
		return kco_fail(err, KCO_E_NOMEM, "%s: out of memory", path);
	di->fd = -1;
	pthread_mutex_init(&di->lock, NULL);
	di->path = strdup(path);
	if (!di->path) {
		st = kco_fail(err, KCO_E_NOMEM, "%s: out of memory", path);
		goto fail;
	}
	// O_NONBLOCK: a FIFO must not hang us before it is refused.
	di->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (di->fd < 0 || fstat(di->fd, &sb)) {
		st = kco_fail_errno(err, errno, "%s", path);
		goto fail;
	}
	if (!S_ISREG(sb.st_mode)) {
		st = kco_fail(err, KCO_E_BADFILE, "%s is not a regular file", path);
		goto fail;
	}
	di->file_size = (uint64_t)sb.st_size;
	st = debuginfo_read_header(di, err);
	if (st)
		goto fail;
	*ret = di;
	return KCO_OK;
fail:
	kco_debuginfo_free(di);
	return st;
}

static enum kco_status debuginfo_compare_ids(const struct kco_debuginfo_request *req, struct kco_debuginfo *di,
					     struct kco_err *err)
{
	char want[2 * KCO_BUILD_ID_MAX + 1];

	kco_build_id_hex(req->build_id, req->build_id_size, want);
	if (strcmp(want, di->build_id_hex) == 0) {
		di->checked = true;
		return KCO_OK;
	}
	if (di->build_id_size)
		return kco_fail(err, KCO_E_CORRUPT, "%s: build-id %s is not the dump's %s", di->path, di->build_id_hex,
				want);
	return kco_fail(err, KCO_E_CORRUPT, "%s has no build-id, the dump's is %s", di->path, want);
}

static enum kco_status debuginfo_matches(const struct kco_debuginfo_request *req, struct kco_debuginfo *di,
					 struct kco_err *err)
{
	enum kco_status st;

	if (req->machine && di->machine != req->machine)
		return kco_fail(err, KCO_E_CORRUPT, "%s is for another machine (ELF machine %u) than the dump (%u)",
				di->path, di->machine, req->machine);
	if (req->build_id && req->build_id_size && req->build_id_size <= KCO_BUILD_ID_MAX)
		return debuginfo_compare_ids(req, di, err);
	if (!req->matches)
		return KCO_OK;
	st = req->matches(req->matches_arg, di, err);
	di->checked = st == KCO_OK;
	return st == KCO_E_CORRUPT || st == KCO_E_NOMEM || st == KCO_E_CANCELLED ? st : KCO_OK;
}

/* What the request says that is needed later. */
static enum kco_status debuginfo_adopt(struct kco_debuginfo *di, const struct kco_debuginfo_request *req,
				       struct kco_err *err)
{
	size_t n = 0;

	di->debug_dir = strdup(req->debug_dir ? req->debug_dir : "/usr/lib/debug");
	di->release = strdup(req->release ? req->release : "");
	while (req->places && req->places[n])
		n++;
	di->places = calloc(n + 1, sizeof(*di->places));
	for (size_t i = 0; di->places && i < n; i++)
		if (!(di->places[i] = strdup(req->places[i])))
			return kco_fail(err, KCO_E_NOMEM, "debug information: out of memory");
	if (!di->debug_dir || !di->release || !di->places)
		return kco_fail(err, KCO_E_NOMEM, "debug information: out of memory");
	di->whole = req->whole;
	di->progress = req->progress;
	di->progress_arg = req->progress_arg;
	return KCO_OK;
}

enum kco_status kco_debuginfo_match_new(const struct kco_debuginfo_request *req, const char *path,
					struct kco_debuginfo **ret, struct kco_err *err)
{
	struct kco_debuginfo *di;
	enum kco_status st;

	*ret = NULL;
	st = kco_debuginfo_file_new(path, &di, err);
	if (st)
		return st;
	st = debuginfo_adopt(di, req, err);
	if (!st)
		st = debuginfo_matches(req, di, err);
	if (st) {
		kco_debuginfo_free(di);
		return st;
	}
	*ret = di;
	return KCO_OK;
}

enum kco_status kco_debuginfo_recheck(const struct kco_debuginfo_request *req, struct kco_debuginfo *di,
				      struct kco_err *err)
{
	return debuginfo_matches(req, di, err);
}

enum kco_status kco_debuginfo_open_new(const struct kco_debuginfo_request *req, struct kco_debuginfo **ret,
				       struct kco_err *err)
{
	*ret = NULL;
	if (req->path)
		return kco_debuginfo_match_new(req, req->path, ret, err);
	return kco_debuginfo_search_new(req, ret, err);
}

void kco_debuginfo_free(struct kco_debuginfo *di)
{
	if (!di)
		return;
	if (di->lines)
		kco_dwarf_lines_free(di);
	kco_dwarf_names_free(di->names);
	kco_dwarf_modules_free(di->modules);
	if (di->eh_cfi)
		dwarf_cfi_end(di->eh_cfi);
	dwarf_end(di->dwarf); // takes NULL, and di->debug_cfi with it
	elf_end(di->elf);
	if (di->fd >= 0)
		close(di->fd);
	kco_debuginfo_free(di->pair); // what is open in it is gone with di->dwarf
	for (char **place = di->places; place && *place; place++)
		free(*place);
	free(di->places);
	free(di->path);
	free(di->debug_dir);
	free(di->release);
	pthread_mutex_destroy(&di->lock);
	free(di);
}

const char *kco_debuginfo_path(const struct kco_debuginfo *di)
{
	return di->path;
}

const char *kco_debuginfo_build_id(const struct kco_debuginfo *di)
{
	return di->build_id_hex;
}

bool kco_debuginfo_checked(const struct kco_debuginfo *di)
{
	return di->checked;
}

void kco_debuginfo_set_bias(struct kco_debuginfo *di, uint64_t bias)
{
	di->bias = bias;
}

Elf_Scn *kco_debuginfo_section(Elf *elf, const char *want)
{
	Elf_Scn *scn = NULL;
	const char *name;
	GElf_Shdr sh;
	size_t strndx;

	if (elf_getshdrstrndx(elf, &strndx))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS || !sh.sh_size)
			continue;
		name = elf_strptr(elf, strndx, sh.sh_name);
		if (name && strcmp(name, want) == 0)
			return scn;
	}
	return NULL;
}

bool kco_debuginfo_has_dwarf_section(Elf *elf)
{
	return kco_debuginfo_section(elf, ".debug_info") || kco_debuginfo_section(elf, ".zdebug_info");
}

static void debuginfo_dwarf_begin(struct kco_debuginfo *di)
{
	Elf *elf = di->elf;
	Dwarf_CU *cu;

	if (!kco_debuginfo_has_dwarf_section(elf) && kco_debuginfo_pair(di))
		elf = di->pair->elf;
	if (!kco_debuginfo_has_dwarf_section(elf)) {
		kco_fail(&di->dwarf_err, KCO_E_NOSYM,
			 "%s holds symbols but no debug information (stripped): types and source lines "
			 "need %s",
			 di->path, di->whole ? di->whole : "the kernel's file as it was linked");
		return;
	}
	di->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!di->dwarf)
		kco_dwarf_fail(di, &di->dwarf_err, "its DWARF");
	else if (dwarf_get_units(di->dwarf, NULL, &cu, NULL, NULL, NULL, NULL) != 0)
		kco_dwarf_fail(di, &di->dwarf_err, "the first unit of its .debug_info");
}

enum kco_status kco_debuginfo_dwarf(struct kco_debuginfo *di, Dwarf **ret, struct kco_err *err)
{
	*ret = NULL;
	if (!di->dwarf_tried) {
		di->dwarf_tried = true;
		debuginfo_dwarf_begin(di);
	}
	if (di->dwarf_err.code) {
		if (err)
			*err = di->dwarf_err;
		return di->dwarf_err.code;
	}
	*ret = di->dwarf;
	return KCO_OK;
}

bool kco_debuginfo_has_dwarf(struct kco_debuginfo *di)
{
	Dwarf *dwarf;
	bool has;

	pthread_mutex_lock(&di->lock);
	has = kco_debuginfo_dwarf(di, &dwarf, NULL) == KCO_OK;
	pthread_mutex_unlock(&di->lock);
	return has;
}
