// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was costly to find in a vmlinux, kept for the next run:
 *
 *   $XDG_CACHE_HOME/kcodbg/BUILDID-SIZE.SUFFIX   (default ~/.cache)
 *
 *   0  "KCOCACHE"        8  version of the payload (u32)
 *   12 build-id's length (u32)     16 the vmlinux's size (u64)
 *   24 payload's size (u64)        32 XXH3-64 of the file with this field zero
 *   40 build-id, padded to 64      104 payload
 *
 * Numbers are the host's; a file from a host of the other byte order fails
 * its version. Written under another name and renamed, so a reader sees all of
 * it or nothing. It is only ever a shortcut: whatever is wrong with it, it is
 * as if it were not there. Without a build-id nothing is kept.
 */
#include "debuginfo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "debuginfo_priv.h"

#define CACHE_MAGIC "KCOCACHE"
#define CACHE_SIZE_MAX ((size_t)256 << 20)

struct cache_header {
	char magic[8];
	uint32_t version;
	uint32_t build_id_size;
	uint64_t file_size;
	uint64_t payload_size;
	uint64_t checksum;
	uint8_t build_id[KCO_BUILD_ID_MAX];
};
_Static_assert(sizeof(struct cache_header) == 104, "the layout above");

/* The folder, into @dir; created when @create. */
static bool cache_dir(char *dir, size_t size, bool create)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	// XDG Base Directory Specification: a relative path is to be ignored.
	if (base && base[0] == '/')
		n = snprintf(dir, size, "%s", base);
	else if (home && home[0] == '/')
		n = snprintf(dir, size, "%s/.cache", home);
	else
		return false;
	if (n < 0 || (size_t)n >= size)
		return false;
	if (create)
		(void)mkdir(dir, 0700);
	if (strlen(dir) + sizeof("/kcodbg") > size)
		return false;
	strcat(dir, "/kcodbg");
	if (create)
		(void)mkdir(dir, 0700);
	return true;
}

static bool cache_path(const struct kco_debuginfo *di, const char *suffix, bool create, char *path, size_t size)
{
	char dir[3072];
	int n;

	if (!di->build_id_size || !cache_dir(dir, sizeof(dir), create))
		return false;
	n = snprintf(path, size, "%s/%s-%" PRIu64 ".%s", dir, di->build_id_hex, di->file_size, suffix);
	return n > 0 && (size_t)n < size;
}

static uint64_t cache_checksum(const struct cache_header *head, const void *payload)
{
	struct cache_header copy = *head;
	uint64_t seed;

	copy.checksum = 0;
	seed = XXH3_64bits(&copy, sizeof(copy));
	return XXH3_64bits_withSeed(payload, head->payload_size, seed);
}

static void cache_header_fill(const struct kco_debuginfo *di, uint32_t version, size_t size, struct cache_header *head)
{
	memset(head, 0, sizeof(*head));
	memcpy(head->magic, CACHE_MAGIC, sizeof(head->magic));
	head->version = version;
	head->build_id_size = (uint32_t)di->build_id_size;
	head->file_size = di->file_size;
	head->payload_size = size;
	memcpy(head->build_id, di->build_id, di->build_id_size);
}

static bool cache_read_all(int fd, void *buf, size_t n)
{
	char *p = buf;

	while (n) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool cache_write_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

void *kco_debuginfo_cache_load_new(const struct kco_debuginfo *di, const char *suffix, uint32_t version, size_t *size)
{
	struct cache_header head, want;
	void *payload = NULL;
	char path[4096];
	struct stat sb;
	int fd;

	*size = 0;
	if (!cache_path(di, suffix, false, path, sizeof(path)))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	// Read, not mapped: what was checked cannot change under our feet.
	if (fstat(fd, &sb) || !S_ISREG(sb.st_mode) || !cache_read_all(fd, &head, sizeof(head)))
		goto out;
	if (head.payload_size > CACHE_SIZE_MAX || (uint64_t)sb.st_size != sizeof(head) + head.payload_size)
		goto out;
	cache_header_fill(di, version, head.payload_size, &want);
	want.checksum = head.checksum;
	if (memcmp(&head, &want, sizeof(head)) != 0)
		goto out;
	payload = malloc(head.payload_size ? head.payload_size : 1);
	if (!payload)
		goto out;
	if (cache_read_all(fd, payload, head.payload_size) && cache_checksum(&head, payload) == head.checksum) {
		*size = head.payload_size;
	} else {
		free(payload);
		payload = NULL;
	}
out:
	close(fd);
	return payload;
}

void kco_debuginfo_cache_store(const struct kco_debuginfo *di, const char *suffix, uint32_t version, const void *data,
			       size_t size)
{
	char path[4096], temp[4096 + 8];
	struct cache_header head;
	bool ok;
	int fd;

	if (size > CACHE_SIZE_MAX || !cache_path(di, suffix, true, path, sizeof(path)))
		return;
	snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return;
	cache_header_fill(di, version, size, &head);
	head.checksum = cache_checksum(&head, data);
	ok = cache_write_all(fd, &head, sizeof(head)) && cache_write_all(fd, data, size);
	if (close(fd))
		ok = false;
	if (!ok || rename(temp, path))
		(void)unlink(temp);
}
