// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cast of the guest: one process (or a few) for each state that a task
 * can sleep in, so that a dump holds every kind of stack that `bt` must show.
 *
 * usage: actors all|few       start the cast, print "ready", stay as its parent
 *
 * Every role runs in a child of its own, under a name set with PR_SET_NAME.
 * A role that the kernel at hand cannot play (no module, no permission)
 * ends in pause() under the name "no-<role>": it is then still a task that
 * sleeps, and the log says what was missing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ACTORS_LONG 1000000

struct role {
	const char *name;
	void (*play)(void);
	int few; // part of the small cast as well
};

static const char *actors_role = "?";

static void actors_name(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

static void actors_forever(void)
{
	for (;;)
		pause();
}

// The role cannot be played here: say why, and sleep under another name.
static void actors_missing(const char *what)
{
	char name[16];

	printf("actors: %s: %s: %s\n", actors_role, what, strerror(errno));
	snprintf(name, sizeof(name), "no-%.12s", actors_role);
	actors_name(name);
	actors_forever();
}

static pid_t actors_child(const char *name)
{
	pid_t pid = fork();

	if (pid == 0)
		actors_name(name);
	return pid;
}

static void role_nanosleep(void)
{
	struct timespec ts = { .tv_sec = ACTORS_LONG };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static void role_futex(void)
{
	static uint32_t word = 1;

	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

static void role_pipe(void)
{
	int fd[2];
	char c;

	if (pipe(fd))
		actors_missing("pipe");
	(void)!read(fd[0], &c, 1);
}

static void role_pipe_write(void)
{
	static char big[1 << 20];
	int fd[2];

	if (pipe(fd))
		actors_missing("pipe");
	(void)!write(fd[1], big, sizeof(big));
}

static void role_pause(void)
{
	pause();
}

static void role_poll(void)
{
	struct pollfd p = { .fd = eventfd(0, 0), .events = POLLIN };

	poll(&p, 1, -1);
}

static void role_select(void)
{
	int fd = eventfd(0, 0);
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	select(fd + 1, &set, NULL, NULL, NULL);
}

// An epoll set that watches another epoll set.
static void role_epoll(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };

	epoll_ctl(inner, EPOLL_CTL_ADD, eventfd(0, 0), &ev);
	epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev);
	epoll_wait(outer, &ev, 1, -1);
}

static void role_eventfd(void)
{
	uint64_t n;

	(void)!read(eventfd(0, 0), &n, sizeof(n));
}

static void role_timerfd(void)
{
	struct itimerspec its = { .it_value.tv_sec = ACTORS_LONG };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t n;

	timerfd_settime(fd, 0, &its, NULL);
	(void)!read(fd, &n, sizeof(n));
}

static void role_signalfd(void)
{
	struct signalfd_siginfo si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)!read(signalfd(-1, &set, 0), &si, sizeof(si));
}

static void role_sigwait(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigwait(&set, &sig);
}

static void sighandler_pause(int sig)
{
	(void)sig;
	pause();
}

// Asleep inside a signal handler: the user stack has a signal frame.
static void role_sighandler(void)
{
	signal(SIGUSR1, sighandler_pause);
	raise(SIGUSR1);
}

static void role_inotify(void)
{
	char buf[512];
	int fd = inotify_init1(0);

	inotify_add_watch(fd, "/", IN_DELETE_SELF);
	(void)!read(fd, buf, sizeof(buf));
}

static void role_accept(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "\0kco" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1))
		actors_missing("unix socket");
	accept(fd, NULL, NULL);
}

static void role_vsock(void)
{
	struct sockaddr_vm sa = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 7777 };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1))
		actors_missing("vsock");
	accept(fd, NULL, NULL);
}

static void role_recv(void)
{
	int fd[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd))
		actors_missing("socketpair");
	(void)!recv(fd[0], &c, 1, 0);
}

static void role_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} msg;

	msgrcv(msgget(IPC_PRIVATE, 0600), &msg, sizeof(msg.text), 0, 0);
}

static void role_semop(void)
{
	struct sembuf op = { .sem_op = -1 };

	semop(semget(IPC_PRIVATE, 1, 0600), &op, 1);
}

static void role_lock(void)
{
	struct flock fl = { .l_type = F_WRLCK };
	int fd = open("/run/lock", O_RDWR | O_CREAT, 0600);

	fcntl(fd, F_SETLKW, &fl);
	if (actors_child("lock-waiter") == 0)
		fcntl(fd, F_SETLKW, &fl);
	actors_forever();
}

static void role_fifo_open(void)
{
	mkfifo("/run/fifo", 0600);
	open("/run/fifo", O_RDONLY);
}

static void role_tty(void)
{
	char c;

	(void)!read(open("/dev/ttyS0", O_RDONLY | O_NOCTTY), &c, 1);
}

static void role_wait(void)
{
	pid_t pid = actors_child("wait-child");

	if (pid == 0)
		actors_forever();
	waitpid(pid, NULL, 0);
}

static void role_vfork(void)
{
	if (vfork() == 0) {
		actors_name("vfork-child");
		actors_forever();
	}
}

static void role_stopped(void)
{
	raise(SIGSTOP);
}

static void role_tracer(void)
{
	pid_t pid = actors_child("traced");

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGUSR1);
		actors_forever();
	}
	waitpid(pid, NULL, __WALL);
	actors_forever();
}

static void role_zombie(void)
{
	if (actors_child("zombie") == 0)
		_exit(3);
	actors_forever();
}

static void *thread_sleep(void *arg)
{
	actors_name(arg);
	role_nanosleep();
	return NULL;
}

static void *thread_pipe(void *arg)
{
	actors_name(arg);
	role_pipe();
	return NULL;
}

static void *thread_cond(void *arg)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	actors_name(arg);
	pthread_mutex_lock(&lock);
	pthread_cond_wait(&cond, &lock);
	return NULL;
}

static void *thread_epoll(void *arg)
{
	actors_name(arg);
	role_epoll();
	return NULL;
}

static void role_threads(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_sleep, "t-sleep");
	pthread_create(&t, NULL, thread_pipe, "t-pipe");
	pthread_create(&t, NULL, thread_cond, "t-cond");
	pthread_create(&t, NULL, thread_epoll, "t-epoll");
	pthread_join(t, NULL);
}

// The leader is gone (a zombie), its thread lives on.
static void role_deadleader(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_sleep, "leaderless");
	pthread_exit(NULL);
}

// A page fault that nobody will answer: the kernel's stack starts with an
// exception frame instead of a system call.
static void role_userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, 0);
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	reg.range.start = (uintptr_t)page;
	reg.range.len = 4096;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		actors_missing("userfaultfd");
	page[7] = 1;
}

// A read through the module tun.
static void role_tun(void)
{
	char ifr[40] = "kcotun";
	int fd = open("/dev/net/tun", O_RDWR);

	ifr[16] = 1;					   // ifr_flags = IFF_TUN
	if (fd < 0 || ioctl(fd, _IOW('T', 202, int), ifr)) // TUNSETIFF
		actors_missing("tun");
	(void)!read(fd, ifr, sizeof(ifr));
}

// A kernel worker that belongs to this process (a kernel thread before 6.4).
static void role_vhost(void)
{
	int fd = open("/dev/vhost-net", O_RDWR);

	if (fd < 0 || ioctl(fd, _IO(0xaf, 1))) // VHOST_SET_OWNER
		actors_missing("vhost-net");
	actors_forever();
}

// A FUSE mount whose server never answers, and a process that looks into it.
static void role_fuse(void)
{
	int fd = open("/dev/fuse", O_RDWR);
	char opts[64];
	struct stat st;

	snprintf(opts, sizeof(opts), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	mkdir("/run/fuse", 0700);
	if (fd < 0 || mount("kco", "/run/fuse", "fuse", 0, opts))
		actors_missing("fuse");
	if (actors_child("fuse-waiter") == 0)
		stat("/run/fuse/x", &st);
	actors_forever();
}

// The submission thread is a kernel worker inside a user process.
static void role_io_uring(void)
{
	struct io_uring_params p = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1 };

	if (syscall(SYS_io_uring_setup, 8, &p) < 0)
		actors_missing("io_uring");
	actors_forever();
}

// Pid 1 of a pid namespace, with a child there.
static void role_pidns(void)
{
	if (unshare(CLONE_NEWPID))
		actors_missing("unshare");
	if (actors_child("ns-init") == 0) {
		if (actors_child("ns-child") == 0)
			actors_forever();
		actors_forever();
	}
	actors_forever();
}

static void role_realtime(void)
{
	struct sched_param p = { .sched_priority = 50 };

	sched_setscheduler(0, SCHED_FIFO, &p);
	actors_forever();
}

// Names that nobody should print as they are.
static void role_badnames(void)
{
	static const char *const names[] = {
		"\033[31mred\"q", "a b)(R 1\n2", "back\\slash\x07", "", "\xff\xfe not utf8", "%s%n</b>",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (actors_child(names[i]) == 0)
			actors_forever();
	actors_forever();
}

// A user stack of known depth: deep_chain calls itself seven times.
__attribute__((noinline, noclone)) static int deep_chain(volatile int left)
{
	int n = left ? deep_chain(left - 1) : pause();

	return n + left;
}

static void role_deep(void)
{
	deep_chain(7);
}

static const struct role actors_roles[] = {
	{ "nanosleep", role_nanosleep, 1 },
	{ "futex", role_futex, 1 },
	{ "pipe-read", role_pipe, 1 },
	{ "pipe-write", role_pipe_write, 0 },
	{ "pause", role_pause, 1 },
	{ "poll", role_poll, 1 },
	{ "select", role_select, 0 },
	{ "epoll", role_epoll, 0 },
	{ "eventfd", role_eventfd, 0 },
	{ "timerfd", role_timerfd, 0 },
	{ "signalfd", role_signalfd, 0 },
	{ "sigwait", role_sigwait, 0 },
	{ "sighandler", role_sighandler, 0 },
	{ "inotify", role_inotify, 0 },
	{ "unix-accept", role_accept, 1 },
	{ "vsock-accept", role_vsock, 0 },
	{ "unix-recv", role_recv, 0 },
	{ "msgrcv", role_msgrcv, 0 },
	{ "semop", role_semop, 0 },
	{ "lock-owner", role_lock, 0 },
	{ "fifo-open", role_fifo_open, 0 },
	{ "tty-read", role_tty, 0 },
	{ "waiter", role_wait, 1 },
	{ "vfork-parent", role_vfork, 1 },
	{ "stopped", role_stopped, 1 },
	{ "tracer", role_tracer, 1 },
	{ "zombie-parent", role_zombie, 1 },
	{ "threads", role_threads, 1 },
	{ "dead-leader", role_deadleader, 1 },
	{ "userfault", role_userfault, 1 },
	{ "tun-read", role_tun, 1 },
	{ "vhost", role_vhost, 0 },
	{ "fuse-server", role_fuse, 0 },
	{ "io-uring", role_io_uring, 0 },
	{ "pidns", role_pidns, 0 },
	{ "realtime", role_realtime, 0 },
	{ "badnames", role_badnames, 1 },
	{ "deep", role_deep, 1 },
};

int main(int argc, char **argv)
{
	int few = argc > 1 && !strcmp(argv[1], "few");

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(actors_roles) / sizeof(actors_roles[0]); i++) {
		const struct role *r = &actors_roles[i];

		if (few && !r->few)
			continue;
		if (fork())
			continue;
		actors_role = r->name;
		actors_name(r->name);
		r->play();
		// A role that came back was not played as meant.
		actors_missing("returned");
	}
	puts("actors: ready");
	actors_forever();
}
