// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the zoo's processes look like from outside, beyond what collect.c
 * takes: for each process p<PID>.<file> in /run/truth, from where collect.c
 * takes it along; the same for a few files of the system.
 *
 * p<PID>.pages is /proc/PID/pagemap as text, "VA ENTRY" in hex for each page
 * with an entry (Linux's Documentation/admin-guide/mm/pagemap.rst).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FACTS_DIR "/run/truth/"
#define FACTS_PAGE 4096ul

static void facts_copy(const char *from, const char *name)
{
	static char buf[1 << 16];
	char to[256];
	ssize_t n;
	int in = open(from, O_RDONLY), out;

	if (in < 0)
		return;
	snprintf(to, sizeof(to), FACTS_DIR "%s", name);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			abort();
	close(in);
	close(out);
}

/* Pages of one area, as far as the entries say anything. */
static void facts_area(FILE *out, int pagemap, uint64_t start, uint64_t end)
{
	static uint64_t entries[4096];

	while (start < end) {
		size_t want = (end - start) / FACTS_PAGE;
		ssize_t n;

		if (want > sizeof(entries) / 8)
			want = sizeof(entries) / 8;
		n = pread(pagemap, entries, want * 8, (off_t)(start / FACTS_PAGE * 8));
		if (n < 8)
			return;
		for (ssize_t i = 0; i < n / 8; i++, start += FACTS_PAGE)
			if (entries[i] & ~(3ull << 55 | 1ull << 61)) // more than soft-dirty, exclusive, file
				fprintf(out, "%llx %llx\n", (unsigned long long)start, (unsigned long long)entries[i]);
	}
}

static void facts_pages(int pid)
{
	char path[64], line[4096];
	unsigned long long start, end;
	FILE *maps, *out;
	int pagemap;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	pagemap = open(path, O_RDONLY);
	snprintf(path, sizeof(path), FACTS_DIR "p%d.pages", pid);
	out = fopen(path, "w");
	while (maps && out && pagemap >= 0 && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%llx-%llx", &start, &end) == 2 && start < 1ull << 63)
			facts_area(out, pagemap, start, end);
	if (out)
		fclose(out);
	if (maps)
		fclose(maps);
	if (pagemap >= 0)
		close(pagemap);
}

int main(void)
{
	static const char *const files[] = { "smaps", "environ", "mountinfo", "timers", "limits", "statm" };
	static const char *const system[][2] = {
		{ "/sys/kernel/debug/kprobes/list", "kprobes" },
		{ "/sys/kernel/tracing/uprobe_events", "uprobe_events" },
		{ "/sys/kernel/tracing/kprobe_events", "kprobe_events" },
		{ "/sys/kernel/debug/zswap/stored_pages", "zswap.stored_pages" },
		{ "/sys/kernel/debug/zswap/same_filled_pages", "zswap.same_filled_pages" },
		{ "/sys/kernel/mm/transparent_hugepage/enabled", "thp" },
		{ "/proc/vmstat", "vmstat" },
	};
	char from[320], name[320];
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d))) {
		int pid = atoi(e->d_name);

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(from, sizeof(from), "/proc/%d/exe", pid);
		if (readlink(from, name, sizeof(name)) < 0)
			continue; // a kernel thread
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(from, sizeof(from), "/proc/%d/%s", pid, files[i]);
			snprintf(name, sizeof(name), "p%d.%s", pid, files[i]);
			facts_copy(from, name);
		}
		facts_pages(pid);
	}
	if (d)
		closedir(d);
	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++)
		facts_copy(system[i][0], system[i][1]);
	d = opendir("/sys/block");
	while (d && (e = readdir(d))) {
		static const char *const zram[] = { "comp_algorithm", "mm_stat", "disksize", "io_stat" };

		for (size_t i = 0; !strncmp(e->d_name, "zram", 4) && i < sizeof(zram) / sizeof(zram[0]); i++) {
			snprintf(from, sizeof(from), "/sys/block/%s/%s", e->d_name, zram[i]);
			snprintf(name, sizeof(name), "%.32s.%s", e->d_name, zram[i]);
			facts_copy(from, name);
		}
	}
	if (d)
		closedir(d);
	return 0;
}
