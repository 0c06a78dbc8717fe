// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the dump. Layouts of crash folders (from their documentation and
 * from what the programs write):
 *
 *   kdump-tools  /var/crash/202401311200/dump.202401311200, dump-incomplete
 *   kexec-tools  /var/crash/127.0.0.1-2024-01-31-12:00:00/vmcore, vmcore-incomplete, vmcore.flat
 */
#include "target.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TARGET_CRASH_DIR "/var/crash"

bool kco_target_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* An executable or shared ELF file: no dump is one, every vmlinux is. */
static bool target_is_vmlinux(const char *path)
{
	unsigned char head[EI_NIDENT + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC), type;
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, head, sizeof(head), 0);
	close(fd);
	if (n != (ssize_t)sizeof(head) || memcmp(head, ELFMAG, SELFMAG) != 0)
		return false;
	type = head[EI_DATA] == ELFDATA2MSB ? head[16] << 8 | head[17] : head[17] << 8 | head[16];
	return type == ET_EXEC || type == ET_DYN;
}

/* A word must be the dump when the command has no use for it. */
static enum kco_status target_stray(const struct kco_cmd *cmd, char **words, int n, struct kco_err *err)
{
	bool takes_text = false;

	for (const struct kco_arg *a = cmd ? cmd->args : NULL; a && a->word != KCO_WORD_NONE; a++)
		takes_text |= a->word == KCO_WORD_FILE || a->word == KCO_WORD_TEXT;
	if (takes_text)
		return KCO_OK;
	for (int i = 0; i + 1 < n; i++)
		if (kco_target_is_file(words[i]))
			return kco_fail(err, KCO_E_USAGE, "'%.80s' follows the file '%.80s' but is no file",
					words[n - 1], words[i]);
	for (int i = 0; i < n; i++) {
		struct stat st;

		if (cmd && cmd->args && !strchr(words[i], '/'))
			continue;
		if (stat(words[i], &st) < 0)
			return kco_fail_errno(err, errno, "%s", words[i]);
		if (S_ISDIR(st.st_mode))
			return kco_fail(err, KCO_E_IO, "%s: is a directory", words[i]);
		return kco_fail(err, KCO_E_IO, "%s: is no regular file", words[i]);
	}
	return KCO_OK;
}

/* Are these two files parts of one split dump? */
static bool target_is_same_set(const struct kco_target_words *from, const char *a, const char *b)
{
	const struct kco_image_options opts = { .format = from->format };
	struct kco_part x, y;

	return kco_image_part(a, from->formats, &opts, &x, NULL) == KCO_OK &&
	       kco_image_part(b, from->formats, &opts, &y, NULL) == KCO_OK && x.set == y.set;
}

enum kco_status kco_target_from_words(struct kco_arena *arena, const struct kco_target_words *from,
				      struct kco_target *ret, int *taken, struct kco_err *err)
{
	bool all = !from->cmd || !from->cmd->args;
	char **words = from->words;
	int n = from->n;
	int first = n, vmlinux = -1, last = -1;
	size_t nr = 0;

	*ret = (struct kco_target){ 0 };
	*taken = 0;
	while (first > 0 && kco_target_is_file(words[first - 1])) {
		if (vmlinux < 0 && target_is_vmlinux(words[first - 1]))
			vmlinux = first - 1;
		else if (nr && !all && !target_is_same_set(from, words[last], words[first - 1]))
			break;
		else if (!nr++)
			last = first - 1;
		first--;
	}
	if (first == n || (all && first))
		return target_stray(from->cmd, words, n, err);
	if (vmlinux >= 0)
		ret->symbols = words[vmlinux];
	*taken = n - first;
	if (!nr)
		return KCO_OK;
	ret->parts_beside = true;
	ret->dumps = kco_arena_array(arena, nr, sizeof(*ret->dumps));
	if (!ret->dumps)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (int i = first; i < n; i++)
		if (i != vmlinux)
			ret->dumps[ret->nr_dumps++] = words[i];
	return KCO_OK;
}

static bool target_has_dump_name(const char *name)
{
	size_t n = strlen(name);

	if (strncmp(name, "vmcore-dmesg", 12) == 0)
		return false;
	if (n > 4 && (strcmp(name + n - 4, ".txt") == 0 || strcmp(name + n - 4, ".log") == 0))
		return false;
	return strncmp(name, "vmcore", 6) == 0 || strncmp(name, "dump.", 5) == 0 ||
	       strcmp(name, "dump-incomplete") == 0;
}

struct target_newest {
	struct kco_arena *arena;
	const char *path;
	struct timespec time;
};

static bool target_is_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Look through @dir and, at @depth 1, the folders in it. */
static void target_scan(const char *dir, int depth, struct target_newest *newest)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		char *path;
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		path = kco_arena_printf(newest->arena, "%s/%s", dir, e->d_name);
		if (!path || stat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth)
			target_scan(path, depth - 1, newest);
		if (!S_ISREG(st.st_mode) || !target_has_dump_name(e->d_name))
			continue;
		if (newest->path && !target_is_newer(&st.st_mtim, &newest->time))
			continue;
		newest->path = path;
		newest->time = st.st_mtim;
	}
	if (d)
		closedir(d);
}

enum kco_status kco_target_default(struct kco_arena *arena, struct kco_target *ret, struct kco_err *err)
{
	const char *path = getenv("KCODBG_CORE"), *dir = getenv("KCODBG_CRASH_DIR");
	struct target_newest newest = { .arena = arena };

	if (!dir || !*dir)
		dir = TARGET_CRASH_DIR;
	if (!path || !*path) {
		target_scan(dir, 1, &newest);
		path = newest.path;
	}
	if (!path)
		return kco_fail(err, KCO_E_USAGE, "no dump is named, $KCODBG_CORE is not set, and %s holds none", dir);
	ret->dumps = kco_arena_array(arena, 1, sizeof(*ret->dumps));
	if (!ret->dumps)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	ret->dumps[0] = path;
	ret->parts_beside = true;
	ret->nr_dumps = 1;
	return KCO_OK;
}

static bool target_is_live(const char *path)
{
	struct stat st;
	struct statfs fs;
	const char *base;
	char *real;
	bool live;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISCHR(st.st_mode))
		return true;
	if (statfs(path, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return false;
	// /proc/vmcore is the memory of the kernel that crashed before this one: the one fit file of procfs.
	real = realpath(path, NULL);
	base = real ? strrchr(real, '/') : NULL;
	live = !base || strcmp(base, "/vmcore") != 0;
	free(real);
	return live;
}

enum kco_status kco_target_check(const struct kco_target *target, struct kco_err *err)
{
	for (size_t i = 0; i < target->nr_dumps; i++)
		if (target_is_live(target->dumps[i]))
			return kco_fail(err, KCO_E_UNSUPPORTED,
					"%s is no dump: kcodbg never opens the running kernel's memory",
					target->dumps[i]);
	return KCO_OK;
}
