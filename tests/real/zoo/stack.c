// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Known stacks: threads that sleep in a system call below a chain of functions
 * whose frames are of every kind that a compiler makes: plain, recursive, of a
 * size known at run time only, realigned, and in a shared library.
 *
 * The lab builds it several times, so that each way to unwind is the only one:
 * zoo.py says how. usage: NAME (its own name is its role)
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <sys/poll.h>

#include "lib.h"
#include "zoo.h"

#define STACK_WALK "walk_align,walk_big,walk_down,walk_down,walk_down,walk_b,zoolib_inner,zoolib_outer,walk_a"

struct leaf {
	const char *name, *syscall, *stop;
	long (*fn)(char *marker);
};

char stack_data[64] = "zoo-marker data of the program";
static uint32_t stack_word = 7;
static int stack_pipe[2];
static pthread_mutex_t stack_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stack_cond = PTHREAD_COND_INITIALIZER;

/* For a uprobe; nobody calls it. */
ZOO_FN long stack_probed(long n)
{
	return n + 1;
}

static ZOO_FN long leaf_pause(char *marker)
{
	zoo_sys(SYS_pause, 0, 0, 0, 0);
	return *marker;
}

static ZOO_FN long leaf_futex(char *marker)
{
	zoo_sys(SYS_futex, (long)&stack_word, FUTEX_WAIT_PRIVATE, 7, 0);
	return *marker;
}

static ZOO_FN long leaf_read(char *marker)
{
	char byte[16] = {
		0
	}; // a leaf that keeps nothing on the stack would have no frame, whatever the compiler is told

	zoo_sys(SYS_read, stack_pipe[0], (long)byte, 1, 0);
	return *marker + byte[0];
}

static ZOO_FN long leaf_nanosleep(char *marker)
{
	struct timespec ts = { .tv_sec = 1000000 };

	zoo_sys(SYS_nanosleep, (long)&ts, 0, 0, 0);
	return *marker;
}

static ZOO_FN long leaf_poll(char *marker)
{
	struct pollfd p = { .fd = stack_pipe[0], .events = POLLIN };

	zoo_sys(SYS_poll, (long)&p, 1, -1, 0);
	return *marker;
}

/* Asleep in the C library's own functions. */
static ZOO_FN long leaf_cond(char *marker)
{
	pthread_mutex_lock(&stack_lock);
	for (;;)
		pthread_cond_wait(&stack_cond, &stack_lock);
	return *marker;
}

static const struct leaf stack_leaves[] = {
	{ "leaf_pause", "pause", "syscall", leaf_pause }, { "leaf_futex", "futex", "futex", leaf_futex },
	{ "leaf_read", "read", "syscall", leaf_read },	  { "leaf_nanosleep", "nanosleep", "syscall", leaf_nanosleep },
	{ "leaf_poll", "poll", "syscall", leaf_poll },	  { "...,leaf_cond", "futex", "futex", leaf_cond },
};
#define STACK_LEAVES (sizeof(stack_leaves) / sizeof(stack_leaves[0]))

/* A frame that begins at a multiple of 64, for which the compiler needs a register of its own. */
static ZOO_FN long walk_align(const struct leaf *l)
{
	char marker[128] __attribute__((aligned(64)));
	long r;

	zoo_mark(marker, "stack");
	r = l->fn(marker);
	ZOO_KEEP();
	return r + marker[0];
}

static ZOO_FN long walk_big(const struct leaf *l, size_t size)
{
	volatile char room[size];
	long r;

	for (size_t i = 0; i < size; i += 64)
		room[i] = (char)i;
	r = walk_align(l);
	ZOO_KEEP();
	return r + room[0];
}

static ZOO_FN long walk_down(const struct leaf *l, int n)
{
	long r = n ? walk_down(l, n - 1) : walk_big(l, 200 + (size_t)stack_word);

	ZOO_KEEP();
	return r + n;
}

static ZOO_FN long walk_b(void *arg)
{
	long r = walk_down(arg, 2);

	ZOO_KEEP();
	return r + 1;
}

static ZOO_FN long walk_a(const struct leaf *l, const char *begin)
{
	char names[256], more[64];
	long r;

	snprintf(names, sizeof(names), "%s," STACK_WALK ",%s,...", l->name, begin);
	zoo_chain(zoo_tid(), names);
	snprintf(more, sizeof(more), "\"syscall\":\"%s\"", l->syscall);
	zoo_stop((int)getpid(), zoo_tid(), l->stop, more);
	zoo_ready(l->syscall);
	r = zoolib_outer(walk_b, (void *)l);
	ZOO_KEEP();
	return r + 1;
}

static ZOO_FN void *thread_begin(void *arg)
{
	long r = walk_a(arg, "thread_begin");

	ZOO_KEEP();
	return (void *)r;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	long r = argc;

	zoo_role(name ? name + 1 : argv[0]);
	if (pipe(stack_pipe))
		return 1;
	zoo_marker(stack_data, "data", stack_data);
	zoo_marker(zoolib_data, "library data", zoolib_data);
	for (size_t i = 1; i < STACK_LEAVES; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread_begin, (void *)&stack_leaves[i]))
			return 1;
	}
	r += walk_a(&stack_leaves[0], "main");
	ZOO_KEEP();
	r += stack_probed(r);
	ZOO_KEEP();
	return (int)r;
}
