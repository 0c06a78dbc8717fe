// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recording sessions: which pages of a dump did some work read, and a new dump
 * of just those.
 *
 * Page frames are noted in pieces of bitmap, 4096 frames each, in an array
 * sorted by frame: a sparse dump of a huge machine costs what is read of it.
 * Readers of any thread note pages, one at a time (a lock); neighbours mostly
 * meet in the piece that was used last.
 */
#include <kco/record.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kco/format.h>
#include <kco/write.h>

#include "session.h"

/* What tells readers that anything may be missing: makedumpfile's widest filter. */
#define RECORD_DUMP_LEVEL 31
#define RECORD_PIECE_SHIFT 12
#define RECORD_PIECE_FRAMES (UINT64_C(1) << RECORD_PIECE_SHIFT)

struct record_piece {
	uint64_t index; /* frame >> RECORD_PIECE_SHIFT */
	uint64_t bits[RECORD_PIECE_FRAMES / 64];
};

struct kco_recording {
	struct kco_session *session;
	pthread_mutex_t lock;
	struct record_piece **pieces; /* by index */
	size_t nr_pieces, cap_pieces, last;
	uint32_t block_size;
	bool nomem;	      /* a page could not be noted */
	bool virtual_touched; /* virtual memory of the file itself was read */
	bool frozen;	      /* being written: what is read now is not noted */
};

/* Where the piece with @index is, or belongs. */
static size_t record_position(const struct kco_recording *rec, uint64_t index)
{
	size_t lo = 0, hi = rec->nr_pieces;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (rec->pieces[mid]->index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct record_piece *record_piece(struct kco_recording *rec, uint64_t index)
{
	struct record_piece *piece;
	size_t at;

	if (rec->last < rec->nr_pieces && rec->pieces[rec->last]->index == index)
		return rec->pieces[rec->last];
	at = record_position(rec, index);
	if (at < rec->nr_pieces && rec->pieces[at]->index == index) {
		rec->last = at;
		return rec->pieces[at];
	}
	if (rec->nr_pieces == rec->cap_pieces) {
		size_t cap = rec->cap_pieces ? rec->cap_pieces * 2 : 64;
		struct record_piece **pieces = reallocarray(rec->pieces, cap, sizeof(struct record_piece *));

		if (!pieces)
			return NULL;
		rec->pieces = pieces;
		rec->cap_pieces = cap;
	}
	piece = calloc(1, sizeof(*piece));
	if (!piece)
		return NULL;
	piece->index = index;
	memmove(rec->pieces + at + 1, rec->pieces + at, (rec->nr_pieces - at) * sizeof(struct record_piece *));
	rec->pieces[at] = piece;
	rec->nr_pieces++;
	rec->last = at;
	return piece;
}

/* Called by every reader for every read. */
static void record_touched(void *arg, enum kco_addr_kind kind, uint64_t page_addr, uint32_t size)
{
	struct kco_recording *rec = arg;
	uint64_t frame, last;

	pthread_mutex_lock(&rec->lock);
	if (kind == KCO_VIRT) {
		rec->virtual_touched = true;
	} else if (!rec->frozen && rec->block_size && size) {
		frame = page_addr / rec->block_size;
		last = (page_addr + (size - 1)) / rec->block_size;
		for (; frame <= last; frame++) {
			struct record_piece *piece = record_piece(rec, frame >> RECORD_PIECE_SHIFT);
			uint64_t bit = frame & (RECORD_PIECE_FRAMES - 1);

			if (!piece) {
				rec->nomem = true;
				break;
			}
			piece->bits[bit / 64] |= UINT64_C(1) << bit % 64;
		}
	}
	pthread_mutex_unlock(&rec->lock);
}

enum kco_status kco_recording_new(const struct kco_session *s, struct kco_recording **ret, struct kco_err *err)
{
	struct kco_recording *rec = calloc(1, sizeof(*rec));
	struct kco_session_options opts = s->opts;
	enum kco_status status;

	if (!rec)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	pthread_mutex_init(&rec->lock, NULL);
	rec->block_size = s->image->facts.block_size;
	opts.touched = record_touched;
	opts.touched_arg = rec;
	opts.image.warn = NULL; // the user has read them once
	status = kco_session_open_new(&opts, &rec->session, err);
	if (status != KCO_OK) {
		kco_recording_free(rec);
		return kco_context(err, status, "opening the dump once more");
	}
	*ret = rec;
	return KCO_OK;
}

void kco_recording_free(struct kco_recording *rec)
{
	if (!rec)
		return;
	kco_session_free(rec->session);
	for (size_t i = 0; i < rec->nr_pieces; i++)
		free(rec->pieces[i]);
	free(rec->pieces);
	pthread_mutex_destroy(&rec->lock);
	free(rec);
}

struct kco_session *kco_recording_session(struct kco_recording *rec)
{
	return rec->session;
}

/* The first noted frame at or after @pfn: a writer's question. */
static enum kco_status record_next(void *arg, uint64_t pfn, uint64_t *ret)
{
	struct kco_recording *rec = arg;

	for (size_t i = record_position(rec, pfn >> RECORD_PIECE_SHIFT); i < rec->nr_pieces; i++) {
		const struct record_piece *piece = rec->pieces[i];
		uint64_t first = piece->index << RECORD_PIECE_SHIFT;
		uint64_t bit = pfn > first ? pfn - first : 0;

		while (bit < RECORD_PIECE_FRAMES) {
			uint64_t word = piece->bits[bit / 64] >> bit % 64;

			if (word) {
				*ret = first + bit + (uint64_t)__builtin_ctzll(word);
				return KCO_OK;
			}
			bit = (bit / 64 + 1) * 64;
		}
	}
	return KCO_DONE;
}

/*
 * A page frame as a whole. Where memory itself ends within it, the rest is
 * zeros: nobody can have read anything there.
 */
static enum kco_status record_read(void *arg, uint64_t pfn, void *buf, struct kco_err *err)
{
	struct kco_recording *rec = arg;
	size_t done = 0;
	enum kco_status status = kco_pread(kco_mem_reader(rec->session->mem), KCO_PADDR(pfn * rec->block_size), buf,
					   rec->block_size, &done, err);

	if (status == KCO_E_RANGE && done) {
		memset((uint8_t *)buf + done, 0, rec->block_size - done);
		status = KCO_OK;
	}
	return status;
}

/* Forget the frames that cannot be written; count the others. */
static enum kco_status record_settle(struct kco_recording *rec, struct kco_recording_stats *stats, struct kco_err *err)
{
	uint8_t *buf = malloc(rec->block_size);
	enum kco_status status;

	if (!buf)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	for (uint64_t pfn = 0; record_next(rec, pfn, &pfn) == KCO_OK; pfn++) {
		struct record_piece *piece = rec->pieces[record_position(rec, pfn >> RECORD_PIECE_SHIFT)];
		uint64_t bit = pfn & (RECORD_PIECE_FRAMES - 1);

		if (kco_session_cancelled(rec->session)) {
			free(buf);
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		}
		status = record_read(rec, pfn, buf, NULL);
		if (status == KCO_OK) {
			stats->pages++;
			continue;
		}
		piece->bits[bit / 64] &= ~(UINT64_C(1) << bit % 64);
		stats->lost++;
	}
	free(buf);
	return KCO_OK;
}

static const struct kco_format_ops *record_format(const struct kco_recording *rec, const char *name,
						  struct kco_err *err)
{
	const struct kco_format_ops *const *formats = rec->session->opts.formats;

	for (size_t i = 0; formats && formats[i]; i++) {
		if (strcmp(formats[i]->name, name))
			continue;
		if (formats[i]->write)
			return formats[i];
		kco_fail(err, KCO_E_UNSUPPORTED, "no writer for the format '%s'", name);
		return NULL;
	}
	kco_fail(err, KCO_E_UNSUPPORTED, "no format '%.40s'", name);
	return NULL;
}

/*
 * What the new file says about itself: what the old one does, and what had to
 * be read from memory where the old one is silent.
 */
static void record_facts(struct kco_recording *rec, struct kco_facts *facts)
{
	struct kco_session *s = rec->session;
	const struct kco_system_info *info;

	facts->dump_level = RECORD_DUMP_LEVEL;
	if (!facts->vmcoreinfo && s->vmcoreinfo) {
		facts->vmcoreinfo = s->vmcoreinfo;
		facts->vmcoreinfo_size = s->vmcoreinfo_size;
	}
	if (!facts->elf_machine && s->arch)
		facts->elf_machine = s->arch->elf_machine;
	if (!s->lazy_system.tried || kco_system_get(s, &info, NULL) != KCO_OK)
		return; // nobody asked; asking now would read what is not written
	if (!facts->release[0])
		snprintf(facts->release, sizeof(facts->release), "%.64s", info->release);
	if (!facts->version[0])
		snprintf(facts->version, sizeof(facts->version), "%.64s", info->version);
	if (!facts->nodename[0])
		snprintf(facts->nodename, sizeof(facts->nodename), "%.64s", info->nodename);
}

static enum kco_status record_write_fd(struct kco_recording *rec, const struct kco_format_ops *format, int fd,
				       struct kco_recording_stats *stats, struct kco_err *err)
{
	struct kco_image image = *rec->session->image;
	struct kco_write_source src = { .image = &image, .next = record_next, .read = record_read, .arg = rec };
	enum kco_status status;
	struct stat st;

	record_facts(rec, &image.facts);
	status = format->write(&src, fd, err);
	if (status != KCO_OK)
		return status;
	if (fsync(fd) || fstat(fd, &st))
		return kco_fail_errno(err, errno, "writing it out");
	stats->file_size = (uint64_t)st.st_size;
	return KCO_OK;
}

/* Whoever made a file of that name meanwhile keeps it, where the file system can tell. */
static int record_rename(const char *from, const char *to, bool replace)
{
	if (!replace) {
		int r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

		if (r == 0 || (errno != EINVAL && errno != ENOSYS))
			return r;
	}
	return rename(from, to);
}

/* Is @st one of the files that the session of @s reads? */
static bool record_is_input(const struct kco_session *s, const struct stat *st)
{
	const char *const named[] = { s->opts.vmlinux, kco_session_vmlinux(s), s->opts.vmcoreinfo };
	struct stat other;

	for (size_t i = 0; i < s->image->nr_files; i++)
		for (const struct kco_io *io = s->image->files[i]; io; io = io->below)
			if (kco_io_fd(io) >= 0 && !fstat(kco_io_fd(io), &other) && other.st_dev == st->st_dev &&
			    other.st_ino == st->st_ino)
				return true;
	for (size_t i = 0; i < s->opts.nr_dumps + sizeof(named) / sizeof(named[0]); i++) {
		const char *path = i < s->opts.nr_dumps ? s->opts.dumps[i] : named[i - s->opts.nr_dumps];

		if (path && !stat(path, &other) && other.st_dev == st->st_dev && other.st_ino == st->st_ino)
			return true;
	}
	return false;
}

enum kco_status kco_recording_may_write(const struct kco_session *s, const char *path, bool replace,
					struct kco_err *err)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? KCO_OK : kco_fail_errno(err, errno, "%s", path);
	if (!replace)
		return kco_fail(err, KCO_E_USAGE, "%s exists", path);
	// Renaming would replace a link itself, and /dev/stdout is one.
	if (!S_ISREG(st.st_mode))
		return kco_fail(err, KCO_E_USAGE, "%s is no regular file: it is not replaced", path);
	if (record_is_input(s, &st))
		return kco_fail(err, KCO_E_USAGE, "%s is being read: it is not replaced", path);
	return KCO_OK;
}

enum kco_status kco_session_write_file(const struct kco_session *s, const char *path, bool replace,
				       enum kco_status (*write)(void *arg, int fd, struct kco_err *err), void *arg,
				       struct kco_err *err)
{
	enum kco_status status;
	char *tmp;
	int fd;

	status = kco_recording_may_write(s, path, replace, err);
	if (status != KCO_OK)
		return status;
	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	fd = mkostemp(tmp, O_CLOEXEC); // for its owner only, as makedumpfile's: a dump holds everybody's secrets
	if (fd < 0) {
		status = kco_fail_errno(err, errno, "%s", path);
		free(tmp);
		return status;
	}
	status = write(arg, fd, err);
	if (close(fd) && status == KCO_OK)
		status = kco_fail_errno(err, errno, "closing it");
	if (status == KCO_OK && record_rename(tmp, path, replace))
		status = kco_fail_errno(err, errno, "naming it");
	if (status != KCO_OK)
		unlink(tmp);
	free(tmp);
	return status == KCO_OK ? KCO_OK : kco_context(err, status, "%s", path);
}

struct record_file {
	struct kco_recording *rec;
	const struct kco_format_ops *format;
	struct kco_recording_stats *stats;
};

static enum kco_status record_write_file(void *arg, int fd, struct kco_err *err)
{
	const struct record_file *file = arg;

	return record_write_fd(file->rec, file->format, fd, file->stats, err);
}

/* While the pieces are walked, no reader may add one. */
static void record_freeze(struct kco_recording *rec, bool frozen)
{
	pthread_mutex_lock(&rec->lock);
	rec->frozen = frozen;
	pthread_mutex_unlock(&rec->lock);
}

enum kco_status kco_recording_write(struct kco_recording *rec, const char *format, const char *path, bool replace,
				    struct kco_recording_stats *stats, struct kco_err *err)
{
	const struct kco_format_ops *ops = record_format(rec, format, err);
	struct kco_recording_stats local = { .page_size = rec->block_size };
	struct record_file file = { rec, ops, &local };
	enum kco_status status;

	if (!ops)
		return KCO_E_UNSUPPORTED;
	if (rec->nomem)
		return kco_fail(err, KCO_E_NOMEM, "out of memory while pages were noted");
	if (rec->virtual_touched)
		return kco_fail(err, KCO_E_UNSUPPORTED, "this dump carries virtual memory, which %s files cannot hold",
				format);
	record_freeze(rec, true);
	status = record_settle(rec, &local, err);
	if (status == KCO_OK && !local.pages)
		status = kco_fail(err, KCO_E_USAGE, "no page was read, there is nothing to write");
	if (status == KCO_OK)
		status = kco_session_write_file(rec->session, path, replace, record_write_file, &file, err);
	record_freeze(rec, false);
	if (status == KCO_OK && stats)
		*stats = local;
	return status;
}
