// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks that misbehave: a library for LD_PRELOAD, told by the environment what
 * goes wrong. Sizes are in bytes, and only pread and pwrite count: those are the
 * calls that dumps are read and written with.
 *
 *   FAULT_SHORT=N         each transfers N bytes at most
 *   FAULT_ENOSPC=N        there is room for N bytes written
 *   FAULT_TOTAL=FILE      how many were written is left in FILE
 *   FAULT_FREE=N          that much room is free, says fstatvfs
 *   FAULT_EIO=FILE:A-B    bytes [A, B) of the file of this name cannot be read
 *   FAULT_FSYNC=1         fsync fails with EIO
 *   FAULT_SIGNAL=S@N      signal S comes when N bytes have been written
 *   FAULT_NO_TMPFILE=1    open knows no O_TMPFILE, as many file systems do not
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Several threads write: what one of them writes is there for all when the next asks for room. */
static pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long faults_written;

/* The number that @name is set to, or @none. */
static unsigned long long faults_number(const char *name, unsigned long long none)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : none;
}

/* The next definition of a function: libc's, or a sanitizer's in front of it. */
static void faults_next(const char *name, void *ret)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(ret, &found, sizeof(found));
}

static size_t faults_part(size_t n)
{
	unsigned long long most = faults_number("FAULT_SHORT", n);

	return most && n > most ? (size_t)most : n;
}

/* Is [off, off + n) of this file within FAULT_EIO? *@n becomes what is in front of it. */
static int faults_bad(int fd, off_t off, size_t *n)
{
	const char *text = getenv("FAULT_EIO"), *colon = text ? strrchr(text, ':') : NULL;
	char link[32], path[PATH_MAX];
	unsigned long long first, end;
	const char *name;
	ssize_t len;

	if (!colon || sscanf(colon, ":%llu-%llu", &first, &end) != 2)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	if (strlen(name) != (size_t)(colon - text) || memcmp(name, text, (size_t)(colon - text)))
		return 0;
	if ((unsigned long long)off >= end || (unsigned long long)off + *n <= first)
		return 0;
	if ((unsigned long long)off >= first)
		return 1;
	*n = (size_t)(first - (unsigned long long)off);
	return 0;
}

ssize_t pread(int fd, void *buf, size_t n, off_t off)
{
	ssize_t (*next)(int, void *, size_t, off_t);

	faults_next("pread", &next);
	if (faults_bad(fd, off, &n)) {
		errno = EIO;
		return -1;
	}
	return next(fd, buf, faults_part(n), off);
}

ssize_t pread64(int fd, void *buf, size_t n, off_t off)
{
	return pread(fd, buf, n, off);
}

static void faults_signal(unsigned long long before, unsigned long long after)
{
	const char *text = getenv("FAULT_SIGNAL");
	unsigned long long at;
	int sig;

	if (text && sscanf(text, "%d@%llu", &sig, &at) == 2 && before <= at && after > at)
		kill(getpid(), sig);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t off)
{
	ssize_t (*next)(int, const void *, size_t, off_t);
	unsigned long long room = faults_number("FAULT_ENOSPC", ULLONG_MAX);
	ssize_t r = -1;

	faults_next("pwrite", &next);
	n = faults_part(n);
	pthread_mutex_lock(&faults_lock);
	// The last piece that fits is written in part, as file systems do.
	if (n && faults_written >= room) {
		errno = ENOSPC;
	} else {
		if (n > room - faults_written)
			n = (size_t)(room - faults_written);
		r = next(fd, buf, n, off);
	}
	if (r > 0) {
		faults_written += (unsigned long long)r;
		faults_signal(faults_written - (unsigned long long)r, faults_written);
	}
	pthread_mutex_unlock(&faults_lock);
	return r;
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off_t off)
{
	return pwrite(fd, buf, n, off);
}

__attribute__((destructor)) static void faults_total(void)
{
	const char *path = getenv("FAULT_TOTAL");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%llu\n", faults_written);
		fclose(f);
	}
}

int fsync(int fd)
{
	int (*next)(int);

	faults_next("fsync", &next);
	if (faults_number("FAULT_FSYNC", 0)) {
		errno = EIO;
		return -1;
	}
	return next(fd);
}

int fstatvfs(int fd, struct statvfs *st)
{
	int (*next)(int, struct statvfs *);
	int r;

	faults_next("fstatvfs", &next);
	r = next(fd, st);
	if (r == 0 && getenv("FAULT_FREE"))
		st->f_bavail = st->f_bfree = faults_number("FAULT_FREE", 0) / (st->f_frsize ? st->f_frsize : 1);
	return r;
}

int fstatvfs64(int fd, struct statvfs64 *st)
{
	return fstatvfs(fd, (struct statvfs *)st);
}

int open(const char *path, int flags, ...)
{
	int (*next)(const char *, int, ...);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	faults_next("open", &next);
	if ((flags & O_TMPFILE) == O_TMPFILE && faults_number("FAULT_NO_TMPFILE", 0)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return next(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return open(path, flags, mode);
}
