// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tests of debug information share: a scratch folder that goes away
 * by itself, files in it, and the sample kernels of this folder.
 */
#ifndef KCO_SAMPLES_H
#define KCO_SAMPLES_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debuginfo.h"
#include "unit.h"

#define SAMPLE(name) KCO_SAMPLES "/" name
#define SAMPLE_ID_HEX "00112233445566778899aabbccddeeff00112233"

/* The forms that the sample kernel comes in; each gives the same answers. */
__attribute__((unused)) static const char *const sample_forms[] = {
	SAMPLE("kernel-5"),	SAMPLE("kernel-4"),  SAMPLE("kernel-2"),    SAMPLE("kernel-z"),
	SAMPLE("kernel-units"), SAMPLE("kernel-eh"), SAMPLE("kernel-noid"), SAMPLE("kernel-noaranges"),
};
#define SAMPLE_FORMS (sizeof(sample_forms) / sizeof(sample_forms[0]))

static const uint8_t sample_id[20] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
				       0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33 };

static char sample_scratch[64];

static inline int sample_remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* The folder is empty again, and the cache is in it. */
static inline int sample_setup(void **state)
{
	char path[128];

	(void)state;
	strcpy(sample_scratch, "/tmp/kco-samples-XXXXXX");
	assert_non_null(mkdtemp(sample_scratch));
	snprintf(path, sizeof(path), "%s/cache", sample_scratch);
	assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
	assert_int_equal(unsetenv("DEBUGINFOD_URLS"), 0);
	return 0;
}

static inline int sample_teardown(void **state)
{
	(void)state;
	return nftw(sample_scratch, sample_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "SCRATCH/@name", all folders on the way made. Good until called again twice. */
static inline const char *sample_path(const char *name)
{
	static char paths[4][512];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", sample_scratch, name);
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(path, 0755);
		*p = '/';
	}
	return path;
}

static inline unsigned char *sample_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	unsigned char *bytes;
	struct stat sb;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &sb), 0);
	*n = (size_t)sb.st_size;
	bytes = malloc(*n + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *n, f), *n);
	fclose(f);
	return bytes;
}

static inline const char *sample_write(const char *name, const void *bytes, size_t n)
{
	const char *path = sample_path(name);
	FILE *f;

	(void)unlink(path); // ext4 writes a file out at once when it is truncated and written anew
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static inline const char *sample_copy(const char *from, const char *name)
{
	size_t n;
	unsigned char *bytes = sample_read(from, &n);
	const char *path = sample_write(name, bytes, n);

	free(bytes);
	return path;
}

static inline struct kco_debuginfo *sample_open(const char *path)
{
	struct kco_debuginfo_request req = { .path = path };
	struct kco_err err = KCO_ERR_INIT;
	struct kco_debuginfo *di = NULL;

	if (kco_debuginfo_open_new(&req, &di, &err))
		fail_msg("%s", err.msg);
	return di;
}

static inline struct kco_symbol sample_symbol(struct kco_debuginfo *di, const char *name)
{
	struct kco_err err = KCO_ERR_INIT;
	struct kco_symbol_source *src;
	struct kco_symbol sym = { 0 };

	if (kco_debuginfo_symbols_new(di, &src, &err) || src->ops->by_name(src, name, &sym, &err))
		fail_msg("%s", err.msg);
	src->ops->free(src);
	return sym;
}

#endif
