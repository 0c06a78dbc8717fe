// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See unit.h. The linker's --wrap sends malloc and its kin here.
 */
#include "unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_long fault_countdown; /* 0: disarmed */
static atomic_bool fault_fired;

void unit_fault_arm(long nth)
{
	atomic_store(&fault_fired, false);
	atomic_store(&fault_countdown, nth);
}

bool unit_fault_fired(void)
{
	atomic_store(&fault_countdown, 0);
	return atomic_exchange(&fault_fired, false);
}

static bool fault_now(void)
{
	if (atomic_load_explicit(&fault_countdown, memory_order_relaxed) <= 0)
		return false;
	if (atomic_fetch_sub(&fault_countdown, 1) != 1)
		return false;
	atomic_store(&fault_fired, true);
	return true;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void *__real_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off);
ssize_t __real_pread(int fd, void *buf, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t off);

void *__wrap_malloc(size_t n)
{
	return fault_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
	return fault_now() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fault_now() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return fault_now() ? NULL : __real_aligned_alloc(align, n);
}

void *__wrap_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	return fault_now() ? MAP_FAILED : __real_mmap(addr, n, prot, flags, fd, off);
}

ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t off)
{
	if (!fault_now())
		return __real_pread(fd, buf, n, off);
	errno = EIO;
	return -1;
}

/* Files */

#define FILES_MAX 256
static char files_dir[64];
static char files_path[FILES_MAX][96];
static size_t files_count;

static void files_remove(void)
{
	for (size_t i = 0; i < files_count; i++)
		(void)remove(files_path[i]);
	(void)rmdir(files_dir);
}

const char *unit_path(void)
{
	if (!files_dir[0]) {
		strcpy(files_dir, "/tmp/kco-unit-XXXXXX");
		assert_non_null(mkdtemp(files_dir));
		atexit(files_remove);
	}
	assert_true(files_count < FILES_MAX);
	snprintf(files_path[files_count], sizeof(files_path[0]), "%s/%zu", files_dir, files_count);
	return files_path[files_count++];
}

const char *unit_file(const void *bytes, size_t n)
{
	const char *path = unit_path();
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

uint64_t unit_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void unit_assert_msg(const struct kco_err *err, const char *text, const char *file, int line)
{
	if (strstr(err->msg, text))
		return;
	print_error("the message is \"%s\", without \"%s\"\n", err->msg, text);
	_fail(file, line);
}
