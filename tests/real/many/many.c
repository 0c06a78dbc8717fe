// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine with 20,000 tasks. It stands in for two programs of the other
 * guests, under their names, so that the same init runs it:
 *
 * actors CAST            start the tasks, then stay as their parent
 * collect DISK sysrq     wait for them, write every task with its stack to the
 *                        disk (a tar stream with one file, tasks), and panic
 *
 * Processes of three sizes, threads with stacks of one page, in eight kinds of
 * sleep. Threads come from clone() and not from the C library, whose own
 * bookkeeping for each costs far more than the kernel's.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/futex.h>

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MANY_STACK 4096
#define MANY_READY "/run/many.ready"
#define MANY_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

/* 551 processes and 19,500 threads besides their leaders. */
static const struct {
	int processes, threads;
} many_sizes[] = { { 1, 6000 }, { 50, 200 }, { 500, 7 } };

struct shared {
	atomic_int arrived;
	atomic_int failed;
};

static struct shared *many_shared;
static int many_pipe[2], many_epoll, many_futex;

static const char *const many_kinds[] = {
	"futex", "pause", "poll", "read", "epoll", "sleep", "sigwait", "futex-shared"
};

/* Asleep for good. Raw system calls: the threads share one errno and one set of thread-local data. */
static void many_sleep(int kind)
{
	struct pollfd p = { .fd = many_pipe[0], .events = POLLIN };
	struct timespec long_time = { .tv_sec = 1000000 };
	struct epoll_event event;
	sigset_t set;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (;;) {
		switch (kind) {
		case 0:
			syscall(SYS_futex, &many_futex, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
			break;
		case 2:
			syscall(SYS_poll, &p, 1, -1);
			break;
		case 3:
			syscall(SYS_read, many_pipe[0], &c, 1);
			break;
		case 4:
			syscall(SYS_epoll_wait, many_epoll, &event, 1, -1);
			break;
		case 5:
			syscall(SYS_nanosleep, &long_time, NULL);
			break;
		case 6:
			syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
			break;
		case 7:
			syscall(SYS_futex, &many_futex, FUTEX_WAIT, 0, NULL, NULL, 0);
			break;
		default:
			syscall(SYS_pause);
		}
	}
}

static int many_thread(void *arg)
{
	int kind = (int)((long)arg % (long)(sizeof(many_kinds) / sizeof(many_kinds[0])));

	syscall(SYS_prctl, PR_SET_NAME, many_kinds[kind], 0, 0, 0);
	atomic_fetch_add(&many_shared->arrived, 1);
	many_sleep(kind);
	return 0;
}

static void many_process(int number, int threads)
{
	size_t size = (size_t)threads * MANY_STACK;
	char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[16];

	snprintf(name, sizeof(name), "many-%d", number);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (stacks == MAP_FAILED || pipe(many_pipe) || (many_epoll = epoll_create1(0)) < 0)
		threads = 0;
	for (int i = 0; i < threads; i++)
		if (clone(many_thread, stacks + (i + 1) * MANY_STACK, MANY_THREAD, (void *)(long)(i + number)) < 0)
			atomic_fetch_add(&many_shared->failed, 1);
	atomic_fetch_add(&many_shared->arrived, 1);
	many_sleep(1);
}

static void many_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		perror(path);
	close(fd);
}

static int many_actors(void)
{
	int wanted = 0, number = 0;

	many_set("/proc/sys/kernel/threads-max", "60000");
	many_set("/proc/sys/vm/overcommit_memory", "1");
	many_shared = mmap(NULL, sizeof(*many_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (many_shared == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < sizeof(many_sizes) / sizeof(many_sizes[0]); i++) {
		for (int j = 0; j < many_sizes[i].processes; j++, number++) {
			pid_t pid = fork();

			if (!pid)
				many_process(number, many_sizes[i].threads);
			if (pid < 0)
				atomic_fetch_add(&many_shared->failed, 1);
			wanted += 1 + many_sizes[i].threads;
		}
	}
	while (atomic_load(&many_shared->arrived) < wanted && !atomic_load(&many_shared->failed))
		usleep(100000);
	printf("many: %d of %d tasks, %d failures\n", atomic_load(&many_shared->arrived), wanted,
	       atomic_load(&many_shared->failed));
	fflush(stdout);
	if (atomic_load(&many_shared->failed))
		many_set("/dev/console", "many: a task could not be made\n");
	close(open(MANY_READY, O_CREAT | O_WRONLY, 0600));
	for (;;)
		pause();
}

/* "tgid tid state comm", then the lines of its stack, indented. */
static void many_task(FILE *out, int tgid, int tid)
{
	static char buf[8192];
	char path[128], comm[32] = "";
	char *at, state = '?';
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tgid, tid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return;
	buf[n] = 0;
	at = strrchr(buf, ')');
	if (at && at[1] && at[2])
		state = at[2];
	if (at && strchr(buf, '('))
		snprintf(comm, sizeof(comm), "%.*s", (int)(at - strchr(buf, '(') - 1), strchr(buf, '(') + 1);
	fprintf(out, "%d %d %c %s\n", tgid, tid, state, comm);

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", tgid, tid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	for (at = strtok(buf, "\n"); at; at = strtok(NULL, "\n"))
		fprintf(out, "\t%s\n", at);
}

static void many_tasks(FILE *out)
{
	DIR *procs = opendir("/proc"), *tasks;
	struct dirent *p, *t;
	char path[64];

	while (procs && (p = readdir(procs))) {
		if (!isdigit((unsigned char)p->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task", atoi(p->d_name));
		tasks = opendir(path);
		while (tasks && (t = readdir(tasks)))
			if (t->d_name[0] != '.')
				many_task(out, atoi(p->d_name), atoi(t->d_name));
		if (tasks)
			closedir(tasks);
	}
	if (procs)
		closedir(procs);
}

/* One member of a ustar archive, and the archive's end. */
static void many_archive(FILE *disk, const char *name, const char *data, size_t len)
{
	static const char zeros[1024];
	char h[512] = { 0 };
	unsigned int sum = 0;

	snprintf(h, 100, "%s", name);
	memcpy(h + 100, "0000644\0000000000\0000000000", 24);
	snprintf(h + 124, 12, "%011zo", len);
	memcpy(h + 136, "00000000000\0        0", 21);
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	fwrite(h, 1, sizeof(h), disk);
	fwrite(data, 1, len, disk);
	fwrite(zeros, 1, -len & 511, disk);
	fwrite(zeros, 1, sizeof(zeros), disk);
}

static int many_collect(const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *disk = fopen(path, "r+"), *out = open_memstream(&text, &len);

	if (!disk || !out)
		return 1;
	while (access(MANY_READY, F_OK))
		usleep(100000);
	sleep(1);
	many_tasks(out);
	fclose(out);
	many_archive(disk, "truth/tasks", text, len);
	if (fflush(disk) || fsync(fileno(disk)))
		return 1;
	many_set("/proc/sysrq-trigger", "c");
	return 1;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];

	if (!strcmp(name, "collect"))
		return argc < 2 ? 2 : many_collect(argv[1]);
	return many_actors();
}
