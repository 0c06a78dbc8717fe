// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a vmlinux may lie when nobody says so. In this order, DIR being the
 * debug directory:
 *
 *   DIR/.build-id/xx/yyyy.debug            any distribution, exact by its name
 *   DIR/boot/vmlinux-RELEASE[.debug]       Debian, Ubuntu; SUSE with .debug
 *   DIR/lib/modules/RELEASE/vmlinux        Fedora, RHEL
 *   DIR/vmlinux-RELEASE, DIR/vmlinux       a folder someone made
 *   /boot/vmlinux-RELEASE
 *   /lib/modules/RELEASE/{build/,}vmlinux  self-built kernels
 *   debuginfod, when $DEBUGINFOD_URLS is set
 *
 * An operating system that keeps its kernels elsewhere hands its own places in;
 * they are looked at instead of those that need a release.
 *
 * A file with another build-id is passed over; should nothing else be found
 * the message names it. The release is text from the dump: it becomes part of
 * a path only when it looks like one.
 */
#include "debuginfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debuginfo_priv.h"

bool kco_release_is_safe(const char *release)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_~:^";
	size_t n = strlen(release);

	return n > 0 && n < 128 && release[0] != '.' && strspn(release, allowed) == n;
}

struct search {
	const struct kco_debuginfo_request *req;
	const char *dir;
	struct kco_debuginfo *found;
	enum kco_status status; /* of the first file that was there but would not do */
	struct kco_err err;
};

static bool search_try(struct search *s, const char *path)
{
	struct kco_err err = KCO_ERR_INIT;
	enum kco_status st = kco_debuginfo_match_new(s->req, path, &s->found, &err);

	if (st == KCO_OK)
		return true;
	if (st == KCO_E_IO && (err.os_errno == ENOENT || err.os_errno == ENOTDIR))
		return false;
	if (!s->status) {
		s->status = st;
		s->err = err;
	}
	return false;
}

static bool search_build_id(struct search *s)
{
	char hex[2 * KCO_BUILD_ID_MAX + 1], path[4096];
	const struct kco_debuginfo_request *req = s->req;
	int n;

	if (!req->build_id || req->build_id_size < 2 || req->build_id_size > KCO_BUILD_ID_MAX)
		return false;
	kco_build_id_hex(req->build_id, req->build_id_size, hex);
	n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", s->dir, hex, hex + 2);
	return n > 0 && (size_t)n < sizeof(path) && search_try(s, path);
}

static bool search_places(struct search *s)
{
	for (const char *const *place = s->req->places; *place; place++)
		if (search_try(s, *place))
			return true;
	return false;
}

static bool search_release(struct search *s)
{
	static const struct {
		bool below_dir;
		const char *before, *after;
	} places[] = {
		{ true, "/boot/vmlinux-", "" },
		{ true, "/boot/vmlinux-", ".debug" },
		{ true, "/lib/modules/", "/vmlinux" },
		{ true, "/lib/modules/", "/vmlinux.debug" },
		{ true, "/vmlinux-", "" },
		{ false, "/boot/vmlinux-", "" },
		{ false, "/lib/modules/", "/build/vmlinux" },
		{ false, "/lib/modules/", "/vmlinux" },
	};
	char path[4096];
	int n;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		n = snprintf(path, sizeof(path), "%s%s%s%s", places[i].below_dir ? s->dir : "", places[i].before,
			     s->req->release, places[i].after);
		if (n > 0 && (size_t)n < sizeof(path) && search_try(s, path))
			return true;
	}
	return false;
}

/* DIR/vmlinux: nothing in its name ties it to this kernel, so only a build-id may. */
static bool search_plain(struct search *s)
{
	char path[4096];
	int n;

	if (!s->req->build_id || !s->req->build_id_size)
		return false;
	n = snprintf(path, sizeof(path), "%s/vmlinux", s->dir);
	return n > 0 && (size_t)n < sizeof(path) && search_try(s, path);
}

static bool search_fetch(struct search *s, struct kco_err *err)
{
	enum kco_status st;
	char *path;

	st = kco_debuginfo_fetch_new(s->req, &path, err);
	if (st)
		return false;
	st = kco_debuginfo_match_new(s->req, path, &s->found, err);
	free(path);
	return st == KCO_OK;
}

/* Where an OS has its own places: nothing in a message is Linux's. */
static enum kco_status search_none_at_places(const struct search *s, struct kco_err *err)
{
	if (s->status)
		return kco_fail(err, KCO_E_NOSYM, "no kernel file that fits was found: %s", s->err.msg);
	return kco_fail(err, KCO_E_NOSYM,
			"no kernel file beside the dump, in --sysroot or in %s: name it behind the dump, or give "
			"--sysroot or --debug-dir",
			s->dir);
}

enum kco_status kco_debuginfo_search_new(const struct kco_debuginfo_request *req, struct kco_debuginfo **ret,
					 struct kco_err *err)
{
	struct search s = { .req = req, .dir = req->debug_dir ? req->debug_dir : "/usr/lib/debug" };
	bool by_release = req->release && kco_release_is_safe(req->release);
	char hex[2 * KCO_BUILD_ID_MAX + 1] = "unknown";
	struct kco_err fetch = KCO_ERR_INIT;

	*ret = NULL;
	if (search_build_id(&s) || (req->places && search_places(&s)) ||
	    (!req->places && by_release && search_release(&s)) || (!req->places && search_plain(&s)) ||
	    search_fetch(&s, &fetch)) {
		*ret = s.found;
		return KCO_OK;
	}
	if (fetch.code == KCO_E_CANCELLED) {
		if (err)
			*err = fetch;
		return fetch.code;
	}
	if (req->places)
		return search_none_at_places(&s, err);
	if (s.status)
		return kco_fail(err, KCO_E_NOSYM, "no vmlinux that fits was found: %s", s.err.msg);
	if (fetch.code && fetch.code != KCO_E_NOSYM)
		return kco_fail(err, KCO_E_NOSYM, "no vmlinux was found in %s, and %s", s.dir, fetch.msg);
	if (req->build_id && req->build_id_size <= KCO_BUILD_ID_MAX)
		kco_build_id_hex(req->build_id, req->build_id_size, hex);
	return kco_fail(
		err, KCO_E_NOSYM,
		"no vmlinux for %s (build-id %s) in %s, /boot or /lib/modules%s: name one, or the folder it is in "
		"(--debug-dir)",
		by_release ? req->release : "this kernel", hex, s.dir,
		fetch.msg[0] ? ", nor at debuginfod" : " (DEBUGINFOD_URLS is not set)");
}
