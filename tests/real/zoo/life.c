// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stages of life: a vfork parent and its child, a zombie, a process whose
 * first thread is gone, stopped ones, one with hardware breakpoints of perf's,
 * one in a page fault that nobody answers.
 *
 * usage: life        starts one process for each and waits for good
 */
#define _GNU_SOURCE
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zoo.h"

static ZOO_FN long life_pause(void)
{
	for (;;)
		zoo_sys(SYS_pause, 0, 0, 0, 0);
	return 0;
}

/* The child has its parent's stack, so it must not return. */
static ZOO_FN long life_vfork_child(int parent)
{
	char text[64];
	long r;

	zoo_role("zoo-vforked");
	snprintf(text, sizeof(text), "\"child\":%d", (int)getpid());
	zoo_stop(parent, parent, "vfork parent", text);
	zoo_chain(zoo_tid(), "life_pause,life_vfork_child,life_vfork,main,...");
	zoo_ready("vfork");
	r = life_pause();
	ZOO_KEEP();
	return r;
}

static ZOO_FN long life_vfork(void)
{
	int me = (int)getpid();

	zoo_chain(zoo_tid(), "?,life_vfork,main,...");
	if (vfork() == 0)
		_exit((int)life_vfork_child(me));
	ZOO_KEEP();
	return 1;
}

static ZOO_FN long life_zombie(void)
{
	pid_t pid = fork();
	char text[32];
	long r;

	if (pid == 0) {
		zoo_role("zoo-undead");
		_exit(3);
	}
	snprintf(text, sizeof(text), "\"status\":%d", 3);
	zoo_stop(pid, pid, "zombie", text);
	zoo_ready("zombie");
	r = life_pause();
	ZOO_KEEP();
	return r;
}

static ZOO_FN void *life_heir(void *arg)
{
	long r;

	usleep(50000);
	zoo_chain(zoo_tid(), "life_pause,life_heir,...");
	zoo_stop((int)getpid(), zoo_tid(), "syscall", "\"syscall\":\"pause\"");
	zoo_stop((int)getpid(), (int)getpid(), "zombie", "\"status\":0");
	zoo_ready("heir");
	r = life_pause();
	ZOO_KEEP();
	return arg ? arg : (void *)r;
}

static ZOO_FN long life_leaderless(void)
{
	for (int i = 0; i < 2; i++) {
		pthread_t t;

		pthread_create(&t, NULL, life_heir, NULL);
	}
	/* The thread alone; pthread_exit() would want a library for it. */
	zoo_sys(SYS_exit, 0, 0, 0, 0);
	return 0;
}

/* Two threads, stopped by job control while they sleep. */
static ZOO_FN void *life_second(void *arg)
{
	long r;

	zoo_chain(zoo_tid(), "life_pause,life_second,...");
	zoo_stop((int)getpid(), zoo_tid(), "group", "\"signo\":19");
	r = life_pause();
	ZOO_KEEP();
	return arg ? arg : (void *)r;
}

static ZOO_FN long life_raise(void)
{
	zoo_sys(SYS_kill, (long)getpid(), SIGSTOP, 0, 0);
	return 1;
}

static ZOO_FN long life_stopped(void)
{
	pthread_t t;
	long r;

	pthread_create(&t, NULL, life_second, NULL);
	usleep(50000);
	zoo_chain(zoo_tid(), "life_raise,life_stopped,main,...");
	zoo_stop((int)getpid(), zoo_tid(), "group", "\"signo\":19");
	zoo_ready("stopped");
	r = life_raise();
	ZOO_KEEP();
	return r;
}

long life_watched, life_watched_too;

static int life_perf(void *addr, int type, int len)
{
	struct perf_event_attr a = { .type = PERF_TYPE_BREAKPOINT, .size = sizeof(a) };

	a.bp_type = (uint32_t)type;
	a.bp_addr = (uint64_t)addr;
	a.bp_len = (uint64_t)len;
	a.sample_period = 1;
	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static ZOO_FN long life_unreached(long n)
{
	return n + 1;
}

static ZOO_FN long life_perf_watch(void)
{
	long r;

	if (life_perf(&life_watched, HW_BREAKPOINT_W, 8) < 0 || life_perf(&life_watched_too, HW_BREAKPOINT_RW, 4) < 0 ||
	    life_perf((void *)life_unreached, HW_BREAKPOINT_X, sizeof(long)) < 0) {
		zoo_missing("perf breakpoints");
	} else {
		zoo_say("{\"is\":\"breakpoint\",\"kind\":\"perf\",\"pid\":%d,\"addr\":\"0x%lx\",\"access\":\"w\",\"len\":8}",
			(int)getpid(), (unsigned long)&life_watched);
		zoo_say("{\"is\":\"breakpoint\",\"kind\":\"perf\",\"pid\":%d,\"addr\":\"0x%lx\",\"access\":\"rw\",\"len\":4}",
			(int)getpid(), (unsigned long)&life_watched_too);
		zoo_say("{\"is\":\"breakpoint\",\"kind\":\"perf\",\"pid\":%d,\"addr\":\"0x%lx\",\"access\":\"x\",\"len\":8,"
			"\"function\":\"life_unreached\"}",
			(int)getpid(), (unsigned long)life_unreached);
	}
	zoo_ready("perf");
	r = life_pause();
	ZOO_KEEP();
	return r + life_unreached(1);
}

static ZOO_FN long life_touch(volatile char *at)
{
	long r = *at;

	ZOO_KEEP();
	return r + 1;
}

/* A fault that nobody answers. */
static ZOO_FN long life_userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *p = mmap(NULL, 4 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), more[64];
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	long r;

	reg.range.start = (uint64_t)p;
	reg.range.len = 4 * ZOO_PAGE;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg)) {
		zoo_missing("userfaultfd");
		zoo_ready("userfault");
		r = life_pause();
		ZOO_KEEP();
		return r;
	}
	snprintf(more, sizeof(more), "\"addr\":\"0x%lx\"", (unsigned long)(p + ZOO_PAGE + 0x123));
	zoo_stop((int)getpid(), zoo_tid(), "page fault", more);
	zoo_chain(zoo_tid(), "life_touch,life_userfault,main,...");
	zoo_ready("userfault");
	r = life_touch(p + ZOO_PAGE + 0x123);
	ZOO_KEEP();
	return r;
}

static const struct {
	const char *role;
	long (*fn)(void);
} life_roles[] = {
	{ "zoo-vfork", life_vfork },	 { "zoo-zombie", life_zombie },	  { "zoo-leaderless", life_leaderless },
	{ "zoo-stopped", life_stopped }, { "zoo-perf", life_perf_watch }, { "zoo-userfault", life_userfault },
};

int main(void)
{
	long r = 0;

	for (size_t i = 0; i < sizeof(life_roles) / sizeof(life_roles[0]); i++) {
		if (fork())
			continue;
		zoo_role(life_roles[i].role);
		r = life_roles[i].fn();
		ZOO_KEEP();
		return (int)r;
	}
	zoo_role("zoo-life");
	zoo_chain(zoo_tid(), "life_pause,main,...");
	r = life_pause();
	ZOO_KEEP();
	return (int)r;
}
