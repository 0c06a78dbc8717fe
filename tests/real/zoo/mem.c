// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of every kind, with marker strings in it.
 *
 * usage: mem map DIR             every kind of mapping, its files below DIR
 *        mem areas               a process with many areas
 *        mem ns                  a mount namespace and a root of its own
 *        mem swap TAG DEV PRIO   pages pushed to the swap area DEV; TAG names the place
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>

#include "zoo.h"

#define MEM_HUGE (2ul << 20)
#define MEM_FILE_PAGES 24
#define MEM_SWAP_PAGES 96

static const char *mem_dir;

static ZOO_FN long mem_wait(void)
{
	for (;;)
		zoo_sys(SYS_pause, 0, 0, 0, 0);
	return 0;
}

static char *mem_map(size_t size, int prot, int flags, int fd, off_t at)
{
	char *p = mmap(NULL, size, prot, flags, fd, at);

	return p == MAP_FAILED ? NULL : p;
}

static char *mem_anon(size_t size)
{
	char *p = mem_map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!p)
		abort();
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

/* A file each page of which begins with a marker of its own. */
static int mem_file(const char *name, int keep)
{
	char path[256], page[ZOO_PAGE];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", mem_dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		abort();
	for (int i = 0; i < MEM_FILE_PAGES; i++) {
		memset(page, '.', sizeof(page));
		sprintf(page, "zoo-marker page %d of a file", i);
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			abort();
	}
	if (fsync(fd) || (!keep && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)))
		abort();
	return fd;
}

static void mem_file_marker(const char *p, int page, const char *where)
{
	char text[64];

	sprintf(text, "zoo-marker page %d of a file", page);
	zoo_marker(p + (size_t)page * ZOO_PAGE, where, text);
}

static void mem_files(void)
{
	size_t size = MEM_FILE_PAGES * ZOO_PAGE;
	int fd = mem_file("mapped", 1);
	char *p = mem_map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char path[256];

	/* Touching one page maps those around it; the writer gets a copy of its own. */
	madvise(p, size, MADV_RANDOM);
	if (*(volatile char *)p != 'z')
		abort();
	mem_file_marker(p, 0, "file private, read");
	zoo_mark(p + ZOO_PAGE, "file private, written");
	mem_file_marker(p, 20, "page cache");
	mem_file_marker(p, 23, "page cache");
	p = mem_map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	zoo_mark(p + 3 * ZOO_PAGE, "file shared, written");
	mem_file_marker(p, 19, "page cache");
	p = mem_map(4 * ZOO_PAGE, PROT_READ, MAP_PRIVATE, fd, 8 * ZOO_PAGE);
	zoo_marker(p + ZOO_PAGE, "page cache", "zoo-marker page 9 of a file");

	fd = mem_file("dropped", 0);
	p = mem_map(size, PROT_READ, MAP_PRIVATE, fd, 0);
	mem_file_marker(p, 2, "file on disk");
	mem_file_marker(p, 11, "file on disk");

	fd = mem_file("odd name\twith\nbytes\x01\xff\\", 1);
	p = mem_map(size, PROT_READ, MAP_SHARED, fd, 0);
	mem_file_marker(p, 5, "page cache");

	fd = mem_file("deleted", 1);
	snprintf(path, sizeof(path), "%s/deleted", mem_dir);
	unlink(path);
	p = mem_map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	zoo_mark(p + ZOO_PAGE, "deleted file");
	/* Areas of one file beyond its end. */
	p = mem_map(size, PROT_READ, MAP_PRIVATE, fd, (off_t)size);
	zoo_say("{\"is\":\"area\",\"pid\":%d,\"addr\":\"0x%lx\",\"where\":\"beyond the file\"}", (int)getpid(),
		(unsigned long)p);
}

static void mem_shared(void)
{
	char *p = mem_map(8 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd, id;

	zoo_mark(p + ZOO_PAGE, "shared anonymous");
	fd = memfd_create("zoo-memfd", 0);
	if (fd < 0 || ftruncate(fd, 8 * ZOO_PAGE))
		abort();
	p = mem_map(8 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	zoo_mark(p + 2 * ZOO_PAGE, "memfd");
	id = shmget(0x5a0, 4 * ZOO_PAGE, IPC_CREAT | 0600);
	p = id < 0 ? NULL : shmat(id, NULL, 0);
	if (id >= 0 && p != (char *)-1)
		zoo_mark(p + ZOO_PAGE, "sysv");
	else
		zoo_missing("sysv shared memory");
	fd = open("/dev/zero", O_RDWR);
	p = mem_map(2 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	zoo_mark(p, "dev zero");
}

static void mem_huge(void)
{
	char *p = mem_map(4 * MEM_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = (char *)(((unsigned long)p + MEM_HUGE - 1) & ~(MEM_HUGE - 1));

	madvise(q, 2 * MEM_HUGE, MADV_HUGEPAGE);
	zoo_mark(q + 0x1234, "huge page");
	zoo_mark(q + MEM_HUGE - 128, "huge page");
	p = mem_map(MEM_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p)
		zoo_mark(p + 0x54321, "hugetlb");
	else
		zoo_missing("hugetlb");
	p = mem_map(MEM_HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (p)
		zoo_mark(p + MEM_HUGE - 4096, "hugetlb shared");
}

static void mem_odd(void)
{
	char *p = mem_anon(8 * ZOO_PAGE);
	volatile char sum = 0;

	zoo_mark(p, "anonymous");
	zoo_mark(p + 2 * ZOO_PAGE - 20, "across pages");
	/* Page 4 was only read: the zero page. Page 5 was never touched. */
	sum += p[4 * ZOO_PAGE];
	zoo_say("{\"is\":\"zeros\",\"pid\":%d,\"addr\":\"0x%lx\",\"where\":\"zero page\"}", (int)getpid(),
		(unsigned long)(p + 4 * ZOO_PAGE));
	zoo_say("{\"is\":\"zeros\",\"pid\":%d,\"addr\":\"0x%lx\",\"where\":\"never touched\"}", (int)getpid(),
		(unsigned long)(p + 5 * ZOO_PAGE));
	p = mem_anon(4 * ZOO_PAGE);
	zoo_mark(p + ZOO_PAGE, "no access");
	if (mprotect(p, 4 * ZOO_PAGE, PROT_NONE))
		abort();
	p = mem_map(4 * ZOO_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	zoo_say("{\"is\":\"area\",\"pid\":%d,\"addr\":\"0x%lx\",\"where\":\"guard\"}", (int)getpid(), (unsigned long)p);
	p = mem_map(16 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	zoo_mark(p + 15 * ZOO_PAGE, "grows down");
	p = mem_anon(4 * ZOO_PAGE);
	mlock(p, 4 * ZOO_PAGE);
	zoo_mark(p, "locked");
	p = mem_anon(4 * ZOO_PAGE);
	zoo_mark(p, "not in cores");
	madvise(p, 4 * ZOO_PAGE, MADV_DONTDUMP);
	p = mem_anon(4 * ZOO_PAGE);
	zoo_mark(p, "named");
	if (prctl(53 /* PR_SET_VMA */, 0 /* PR_SET_VMA_ANON_NAME */, p, 4 * ZOO_PAGE, "zoo name"))
		zoo_missing("names of anonymous memory");
	p = malloc(300);
	zoo_mark(p, "heap");
	/* The top of five-level address space, and the lowest pages that a process may have. */
	p = mmap((void *)0x00f0000000000000, 2 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		zoo_mark(p, (unsigned long)p >> 47 ? "above 47 bits" : "anonymous");
	p = mmap((void *)0x10000, ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p != MAP_FAILED)
		zoo_mark(p + 0x100, "lowest page");
}

static ZOO_FN long mem_areas(void)
{
	char *p = mem_anon(900 * ZOO_PAGE);
	long r;

	/* Every other page has other rights, so that no two areas are one. */
	for (int i = 0; i < 900; i += 2) {
		if (i % 60 == 0)
			zoo_mark(p + (size_t)i * ZOO_PAGE, "many areas");
		if (mprotect(p + (size_t)i * ZOO_PAGE, ZOO_PAGE, PROT_READ))
			abort();
	}
	for (int i = 101; i < 200; i += 10)
		munmap(p + (size_t)i * ZOO_PAGE, ZOO_PAGE);
	zoo_ready("areas");
	r = mem_wait();
	ZOO_KEEP();
	return r;
}

/* Paths that only this process can open. */
static ZOO_FN long mem_namespace(void)
{
	long r;

	mkdir("/srv/ns", 0755);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/srv/ns", "tmpfs", 0, NULL) || mkdir("/srv/ns/sub", 0755)) {
		zoo_missing("mount namespaces");
	} else {
		size_t size = MEM_FILE_PAGES * ZOO_PAGE;
		int fd;
		char *p;

		mem_dir = "/srv/ns/sub";
		fd = mem_file("inside", 1);
		p = mem_map(size, PROT_READ, MAP_PRIVATE, fd, 0);
		mem_file_marker(p, 1, "page cache");
		zoo_say("{\"is\":\"chroot\",\"pid\":%d,\"root\":\"/srv/ns\"}", (int)getpid());
	}
	zoo_ready("ns");
	if (chroot("/srv/ns") || chdir("/"))
		abort();
	r = mem_wait();
	ZOO_KEEP();
	return r;
}

/* Pages that compress to all sizes: text, then noise, then zeros; some all noise, some all the same word. */
static void mem_fill(char *page, int i, const char *where)
{
	uint64_t x = 88172645463325252ull + (uint64_t)i * 7919 + (uint64_t)getpid();
	size_t noise = i % 8 == 7 ? ZOO_PAGE : (size_t)i * 40;
	char text[96];

	memset(page, 0, ZOO_PAGE);
	if (i % 8 == 3) {
		for (size_t k = 0; k < ZOO_PAGE; k += 8)
			memcpy(page + k, i & 8 ? "ZOO-SAME" : "zoo-same", 8);
		zoo_marker(page, where, i & 8 ? "ZOO-SAMEZOO-SAME" : "zoo-samezoo-same");
		return;
	}
	for (size_t k = 64; k + 8 <= noise && k < ZOO_PAGE; k += 8) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy(page + k, &x, 8);
	}
	for (size_t k = noise < 64 ? 64 : noise; i % 8 == 5 && k + 16 <= ZOO_PAGE; k += 16)
		memcpy(page + k, "all work no play", 16);
	snprintf(text, sizeof(text), "zoo-marker %d of %d in %s", i, (int)getpid(), where);
	strcpy(page, text);
	zoo_marker(page, where, text);
	if (i % 8 == 5) {
		/* The end of a page is where a broken decompressor shows. */
		snprintf(text, sizeof(text), "zoo-end %d", i);
		strcpy(page + ZOO_PAGE - 32, text);
		zoo_marker(page + ZOO_PAGE - 32, where, text);
	}
}

static int mem_swapped(const char *p, int pages)
{
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY), n = 0;

	for (int i = 0; i < pages; i++) {
		if (pread(fd, &entry, 8, (off_t)(((unsigned long)p / ZOO_PAGE + (unsigned long)i) * 8)) != 8)
			abort();
		n += (int)(entry >> 62 & 1);
	}
	close(fd);
	return n;
}

static ZOO_FN long mem_swap(const char *tag, const char *dev, int prio)
{
	char *p = mem_anon(MEM_SWAP_PAGES * ZOO_PAGE), *q;
	long r;

	if (swapon(dev, SWAP_FLAG_PREFER | (prio & SWAP_FLAG_PRIO_MASK)) && errno != EBUSY) {
		zoo_missing(tag);
		zoo_ready(tag);
		return 1;
	}
	q = mem_map(8 * ZOO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < MEM_SWAP_PAGES; i++)
		mem_fill(p + (size_t)i * ZOO_PAGE, i, tag);
	for (int i = 0; i < 8; i++)
		mem_fill(q + (size_t)i * ZOO_PAGE, i, tag);
	for (int i = 0; i < 3 && mem_swapped(p, MEM_SWAP_PAGES) < MEM_SWAP_PAGES; i++)
		madvise(p, MEM_SWAP_PAGES * ZOO_PAGE, MADV_PAGEOUT);
	madvise(q, 8 * ZOO_PAGE, MADV_PAGEOUT);
	zoo_say("{\"is\":\"swapped\",\"pid\":%d,\"tag\":\"%s\",\"device\":\"%s\",\"pages\":%d,\"of\":%d}",
		(int)getpid(), tag, dev, mem_swapped(p, MEM_SWAP_PAGES), MEM_SWAP_PAGES);
	zoo_ready(tag);
	r = mem_wait();
	ZOO_KEEP();
	return r;
}

static ZOO_FN long mem_everything(void)
{
	long r;

	mem_files();
	mem_shared();
	mem_huge();
	mem_odd();
	zoo_chain(zoo_tid(), "mem_wait,mem_everything,main,...");
	zoo_ready("mem");
	r = mem_wait();
	ZOO_KEEP();
	return r;
}

int main(int argc, char **argv)
{
	long r = 1;

	if (argc > 4 && !strcmp(argv[1], "swap")) {
		zoo_role("zoo-swap");
		r = mem_swap(argv[2], argv[3], atoi(argv[4]));
	} else if (argc > 1 && !strcmp(argv[1], "areas")) {
		zoo_role("zoo-areas");
		r = mem_areas();
	} else if (argc > 1 && !strcmp(argv[1], "ns")) {
		zoo_role("zoo-ns");
		r = mem_namespace();
	} else if (argc > 2) {
		zoo_role("zoo-mem");
		mem_dir = argv[2];
		r = mem_everything();
	}
	ZOO_KEEP();
	return (int)r;
}
