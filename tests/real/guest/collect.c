// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the guest says about itself: a tar stream on a raw disk (the serial
 * line is far too slow for it), and then the panic.
 *
 * usage: collect DISK sysrq|wait
 *
 * The system's files come first, then every task's files twice: tasks0/ and
 * shortly afterwards tasks/. A task whose two pictures agree slept through
 * both, and so most probably still sleeps when the kernel dies, which is as
 * soon as the disk is synced ("sysrq"), or when the host breaks in ("wait").
 *
 * The archive is plain ustar. Files of /proc have no size until they are read,
 * so each is read whole before its header is written.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define COLLECT_PREFIX "truth/"

struct bytes {
	char *data;
	size_t len, cap;
};

static FILE *collect_out;

static void bytes_room(struct bytes *b, size_t more)
{
	if (b->len + more <= b->cap)
		return;
	b->cap = (b->len + more) * 2;
	b->data = realloc(b->data, b->cap);
	if (!b->data)
		abort();
}

static int bytes_read(struct bytes *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n;

	b->len = 0;
	if (fd < 0)
		return -1;
	do {
		bytes_room(b, 1 << 16);
		n = read(fd, b->data + b->len, b->cap - b->len);
		if (n > 0)
			b->len += (size_t)n;
	} while (n > 0);
	close(fd);
	return n < 0 && !b->len ? -1 : 0;
}

static void collect_put(const char *name, const void *data, size_t len)
{
	static const char zeros[512];
	char h[512] = { 0 };
	unsigned int sum = 0;

	snprintf(h, 100, COLLECT_PREFIX "%s", name);
	memcpy(h + 100, "0000644\0000000000\0000000000", 24);
	snprintf(h + 124, 12, "%011zo", len);
	memcpy(h + 136, "00000000000\0        0", 21);
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	fwrite(h, 1, 512, collect_out);
	fwrite(data, 1, len, collect_out);
	fwrite(zeros, 1, -len & 511, collect_out);
}

// A file that is not there, or is empty, is left out.
static void collect_file(const char *path, const char *name)
{
	static struct bytes b;

	if (bytes_read(&b, path) == 0 && b.len)
		collect_put(name, b.data, b.len);
}

// The targets of a directory's links, "name -> target" a line.
static void collect_links(const char *path, const char *name)
{
	static struct bytes b;
	DIR *d = opendir(path);
	struct dirent *e;
	char from[512], to[512];

	b.len = 0;
	while (d && (e = readdir(d))) {
		ssize_t n;

		if (e->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", path, e->d_name);
		n = readlink(from, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = 0;
		bytes_room(&b, 1024);
		b.len += (size_t)sprintf(b.data + b.len, "%s -> %s\n", e->d_name, to);
	}
	if (d)
		closedir(d);
	if (b.len)
		collect_put(name, b.data, b.len);
}

static void collect_task(const char *dir, int pid, int tid)
{
	static const char *const files[] = {
		"stat", "status", "stack", "comm", "wchan", "syscall", "schedstat",
	};
	static const char *const more[] = { "maps", "cmdline", "auxv" };
	char path[128], name[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, files[i]);
		snprintf(name, sizeof(name), "%s/%d/%s", dir, tid, files[i]);
		collect_file(path, name);
	}
	if (!strcmp(dir, "tasks0") || pid != tid)
		return;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, more[i]);
		snprintf(name, sizeof(name), "%s/%d/%s", dir, pid, more[i]);
		collect_file(path, name);
	}
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	snprintf(name, sizeof(name), "%s/%d/fd", dir, pid);
	collect_links(path, name);
}

static void collect_tasks(const char *dir)
{
	DIR *procs = opendir("/proc"), *tasks;
	struct dirent *p, *t;
	char path[64];
	int pid;

	while (procs && (p = readdir(procs))) {
		if (!isdigit((unsigned char)p->d_name[0]))
			continue;
		pid = atoi(p->d_name);
		snprintf(path, sizeof(path), "/proc/%d/task", pid);
		tasks = opendir(path);
		while (tasks && (t = readdir(tasks)))
			if (t->d_name[0] != '.')
				collect_task(dir, pid, atoi(t->d_name));
		if (tasks)
			closedir(tasks);
	}
	if (procs)
		closedir(procs);
}

static void collect_dir(const char *path, const char *into)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char from[512], name[512];

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(from, sizeof(from), "%s/%s", path, e->d_name);
		snprintf(name, sizeof(name), "%s%s", into, e->d_name);
		collect_file(from, name);
	}
	if (d)
		closedir(d);
}

static void collect_modules(void)
{
	static const char *const files[] = {
		"sections", "notes", "coresize", "initsize", "refcnt", "taint",
	};
	DIR *d = opendir("/sys/module");
	struct dirent *e;
	char from[512], name[512];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "/sys/module/%s/sections", e->d_name);
		if (access(from, F_OK))
			continue;
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			struct stat st;

			snprintf(from, sizeof(from), "/sys/module/%s/%s", e->d_name, files[i]);
			snprintf(name, sizeof(name), "module/%s/%s%s", e->d_name, files[i], i < 2 ? "/" : "");
			if (stat(from, &st))
				continue;
			if (S_ISDIR(st.st_mode))
				collect_dir(from, name);
			else
				collect_file(from, name);
		}
	}
	if (d)
		closedir(d);
}

static void collect_log(void)
{
	int size = klogctl(10, NULL, 0); // SYSLOG_ACTION_SIZE_BUFFER
	char *buf = malloc((size_t)size);
	int n = buf ? klogctl(3, buf, size) : -1; // SYSLOG_ACTION_READ_ALL

	if (n > 0)
		collect_put("dmesg", buf, (size_t)n);
	free(buf);
}

static void collect_self(void)
{
	struct utsname u;
	char text[512];
	int n;

	uname(&u);
	n = snprintf(text, sizeof(text), "panic_pid=%d\nnodename=%s\nrelease=%s\nversion=%s\nmachine=%s\n", getpid(),
		     u.nodename, u.release, u.version, u.machine);
	collect_put("self", text, (size_t)n);
}

static void collect_system(void)
{
	static const char *const files[] = {
		"kallsyms",   "modules", "iomem",      "cpuinfo",     "meminfo", "version", "mounts",	   "cmdline",
		"interrupts", "loadavg", "partitions", "filesystems", "swaps",	 "locks",   "vmallocinfo", "stat",
	};
	char path[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s", files[i]);
		collect_file(path, files[i]);
	}
	collect_file("/sys/kernel/vmcoreinfo", "vmcoreinfo");
	collect_file("/sys/kernel/notes", "notes");
	collect_modules();
	collect_dir("/run/truth", "");
}

int main(int argc, char **argv)
{
	static const char end[1024];
	cpu_set_t set;
	int fd;

	if (argc < 3)
		return 2;
	collect_out = fopen(argv[1], "r+");
	if (!collect_out) {
		perror(argv[1]);
		return 1;
	}
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	prctl(PR_SET_NAME, "collect", 0, 0, 0);

	collect_self();
	collect_system();
	collect_tasks("tasks0");
	usleep(300000);
	collect_tasks("tasks");
	collect_file("/proc/uptime", "uptime");
	collect_log();
	fwrite(end, 1, sizeof(end), collect_out);
	if (fflush(collect_out) || fsync(fileno(collect_out))) {
		perror("collect: the truth disk");
		return 1;
	}
	printf("collect: done\n");
	fflush(stdout);
	if (strcmp(argv[2], "sysrq"))
		for (;;)
			pause();
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	return write(fd, "c", 1) == 1 ? 0 : 1;
}
