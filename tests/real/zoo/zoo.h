// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs of the zoo share: how they tell the truth about
 * themselves. Every fact is one line of JSON in /run/truth/zoo.jsonl, which
 * the guest's collector takes along; the README lists the kinds.
 *
 * Functions whose names are facts are noipa: no inlining, no clones, and
 * calls that are not in tail position stay calls.
 */
#ifndef ZOO_H
#define ZOO_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/syscall.h>

#define ZOO_FACTS "/run/truth/zoo.jsonl"
#define ZOO_PAGE 4096ul
#define ZOO_FN __attribute__((noipa))
/* After a call: keeps it from becoming a jump. */
#define ZOO_KEEP() __asm__ volatile("" ::: "memory")

/* One fact. A single write to a file opened for appending, so that lines of many processes do not mix. */
static inline __attribute__((format(printf, 1, 2))) void zoo_say(const char *fmt, ...)
{
	char line[8192];
	va_list ap;
	int n, fd;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		abort();
	line[n++] = '\n';
	fd = open(ZOO_FACTS, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static inline int zoo_tid(void)
{
	return (int)syscall(SYS_gettid);
}

/* The role under way, named in "ready" and in "missing". */
static inline void zoo_role(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
	zoo_say("{\"is\":\"role\",\"role\":\"%s\",\"pid\":%d,\"tid\":%d}", name, (int)getpid(), zoo_tid());
}

static inline void zoo_ready(const char *what)
{
	zoo_say("{\"is\":\"ready\",\"what\":\"%s\",\"pid\":%d,\"tid\":%d}", what, (int)getpid(), zoo_tid());
}

/* Something that this kernel cannot do: the check then expects nothing of it, but lists it. */
static inline void zoo_missing(const char *what)
{
	zoo_say("{\"is\":\"missing\",\"what\":\"%s\",\"pid\":%d,\"why\":\"%s\"}", what, (int)getpid(), strerror(errno));
}

/* @text stands at @addr; @where is the kind of memory. */
static inline void zoo_marker(const void *addr, const char *where, const char *text)
{
	zoo_say("{\"is\":\"marker\",\"pid\":%d,\"addr\":\"0x%lx\",\"where\":\"%s\",\"text\":\"%s\"}", (int)getpid(),
		(unsigned long)addr, where, text);
}

/* A marker of its own for this process and @where, written to @addr. */
static inline void zoo_mark(char *addr, const char *where)
{
	sprintf(addr, "zoo-marker %s of %d", where, (int)getpid());
	zoo_marker(addr, where, addr);
}

/* The user stack of the calling thread, innermost first: names, comma-separated ("?" any one frame, "..." any). */
static inline void zoo_chain(int tid, const char *names)
{
	zoo_say("{\"is\":\"chain\",\"pid\":%d,\"tid\":%d,\"frames\":\"%s\"}", (int)getpid(), tid, names);
}

static inline void zoo_stop(int pid, int tid, const char *kind, const char *more)
{
	zoo_say("{\"is\":\"stop\",\"pid\":%d,\"tid\":%d,\"kind\":\"%s\"%s%s}", pid, tid, kind, *more ? "," : "", more);
}

/* A system call made in the caller itself, so that its name is the innermost frame. */
static inline __attribute__((always_inline)) long zoo_sys(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "r8", "r9", "memory");
	return ret;
}

#endif
