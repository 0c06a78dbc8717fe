// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes of a kernel file at an address of the kernel: what the file says that
 * memory held when the kernel was started. By its sections; a file without any
 * by its segments. (What objcopy --only-keep-debug left has segments whose
 * offsets lead nowhere, but its sections say NOBITS.)
 */
#include "debuginfo.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include <gelf.h>

#include "debuginfo_priv.h"

struct read_piece {
	uint64_t addr, size, offset;
};

static bool read_covers(const struct read_piece *piece, uint64_t addr)
{
	return addr >= piece->addr && addr - piece->addr < piece->size;
}

static bool read_find(struct kco_debuginfo *di, uint64_t addr, struct read_piece *piece)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	GElf_Phdr ph;
	size_t n;

	while ((scn = elf_nextscn(di->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC) || sh.sh_type == SHT_NOBITS)
			continue;
		*piece = (struct read_piece){ sh.sh_addr, sh.sh_size, sh.sh_offset };
		if (read_covers(piece, addr))
			return true;
	}
	if (elf_getshdrnum(di->elf, &n) || n || elf_getphdrnum(di->elf, &n))
		return false;
	for (size_t i = 0; i < n && i < 65536; i++) {
		if (!gelf_getphdr(di->elf, (int)i, &ph) || ph.p_type != PT_LOAD)
			continue;
		*piece = (struct read_piece){ ph.p_vaddr, ph.p_filesz, ph.p_offset };
		if (read_covers(piece, addr))
			return true;
	}
	return false;
}

/* The half of the kernel that has bytes for @addr. */
static struct kco_debuginfo *read_half(struct kco_debuginfo *di, uint64_t addr, struct read_piece *piece)
{
	if (read_find(di, addr, piece))
		return di;
	return kco_debuginfo_pair(di) && read_find(di->pair, addr, piece) ? di->pair : NULL;
}

enum kco_status kco_debuginfo_read(struct kco_debuginfo *di, uint64_t addr, void *buf, size_t n, size_t *done,
				   struct kco_err *err)
{
	uint64_t linked = addr - di->bias, at, end;
	struct kco_debuginfo *half;
	struct read_piece piece;
	size_t got = 0;

	if (done)
		*done = 0;
	pthread_mutex_lock(&di->lock);
	half = read_half(di, linked, &piece);
	pthread_mutex_unlock(&di->lock);
	if (!half)
		return kco_fail(err, KCO_E_RANGE, "%s holds no bytes for %#" PRIx64, di->path, addr);
	at = linked - piece.addr;
	if (__builtin_add_overflow(piece.offset, piece.size, &end) || piece.offset + at >= half->file_size)
		return kco_fail(err, KCO_E_TRUNCATED, "%s is cut off before the bytes for %#" PRIx64, half->path, addr);
	while (got < n && got < piece.size - at) {
		size_t want = n - got < piece.size - at - got ? n - got : (size_t)(piece.size - at - got);
		ssize_t r = pread(half->fd, (char *)buf + got, want, (off_t)(piece.offset + at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return kco_fail_errno(err, errno, "%s", half->path);
		if (r == 0)
			return kco_fail(err, KCO_E_TRUNCATED, "%s is cut off before the bytes for %#" PRIx64,
					half->path, addr + got);
		got += (size_t)r;
		if (done)
			*done = got;
	}
	if (got < n)
		return kco_fail(err, KCO_E_RANGE, "%s holds no bytes for %#" PRIx64, half->path, addr + got);
	return KCO_OK;
}
