// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug information from debuginfod, elfutils' server of files by build-id
 * (debuginfod_find_debuginfo(3)). Its client draws in an HTTP library, so it
 * is loaded only when $DEBUGINFOD_URLS asks for it and a file is needed.
 */
#include "debuginfo.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/debuginfod.h>

#include "debuginfo_priv.h"

struct fetch_api {
	void *lib;
	debuginfod_client *(*begin)(void);
	int (*find)(debuginfod_client *client, const unsigned char *id, int n, char **path);
	void (*set_progress)(debuginfod_client *client, debuginfod_progressfn_t fn);
	void (*end)(debuginfod_client *client);
};

/* For the progress callback, which runs on the thread that asked: debuginfod_find_debuginfo() calls it itself. */
struct fetch_state {
	const struct kco_debuginfo_request *req;
	bool cancelled;
};

static _Thread_local struct fetch_state *fetch_current;

static int fetch_progress(debuginfod_client *client, long a, long b)
{
	struct fetch_state *state = fetch_current;

	(void)client;
	if (!state || !state->req->progress)
		return 0;
	// While servers are tried a and b count them; then they are bytes, b 0 when unknown.
	if (state->req->progress(state->req->progress_arg, "fetching the vmlinux from debuginfod",
				 a > 0 ? (uint64_t)a : 0, b > 0 ? (uint64_t)b : 0))
		return 0;
	state->cancelled = true;
	return 1;
}

static bool fetch_symbol(void *lib, const char *name, void *fn)
{
	void *sym = dlsym(lib, name);

	memcpy(fn, &sym, sizeof(sym)); // POSIX: an object pointer holds a function's address
	return sym != NULL;
}

static enum kco_status fetch_load(struct fetch_api *api, struct kco_err *err)
{
	api->lib = dlopen(DEBUGINFOD_SONAME, RTLD_NOW | RTLD_LOCAL);
	if (!api->lib)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"DEBUGINFOD_URLS is set but " DEBUGINFOD_SONAME " cannot be loaded (%s)", dlerror());
	// The library is never unloaded: its HTTP library registers handlers that outlive a dlclose().
	if (fetch_symbol(api->lib, "debuginfod_begin", &api->begin) &&
	    fetch_symbol(api->lib, "debuginfod_find_debuginfo", &api->find) &&
	    fetch_symbol(api->lib, "debuginfod_set_progressfn", &api->set_progress) &&
	    fetch_symbol(api->lib, "debuginfod_end", &api->end))
		return KCO_OK;
	return kco_fail(err, KCO_E_UNSUPPORTED, DEBUGINFOD_SONAME " lacks a function that is needed");
}

enum kco_status kco_debuginfo_fetch_new(const struct kco_debuginfo_request *req, char **path, struct kco_err *err)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct fetch_state state = { .req = req };
	struct fetch_api api = { 0 };
	debuginfod_client *client;
	enum kco_status st;
	int fd;

	*path = NULL;
	if (!urls || !urls[strspn(urls, " ")] || !req->build_id || !req->build_id_size ||
	    req->build_id_size > KCO_BUILD_ID_MAX) {
		if (err)
			*err = (struct kco_err){ .code = KCO_E_NOSYM };
		return KCO_E_NOSYM;
	}
	st = fetch_load(&api, err);
	if (st)
		return st;
	client = api.begin();
	if (!client)
		return kco_fail(err, KCO_E_NOMEM, "debuginfod: its client cannot be started");
	fetch_current = &state;
	api.set_progress(client, fetch_progress);
	fd = api.find(client, req->build_id, (int)req->build_id_size, path);
	fetch_current = NULL;
	api.end(client);
	if (fd >= 0) {
		close(fd);
		return *path ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "debuginfod: out of memory");
	}
	*path = NULL;
	if (state.cancelled)
		return kco_fail(err, KCO_E_CANCELLED, "fetching from debuginfod was interrupted");
	if (fd == -ENOENT)
		return kco_fail(err, KCO_E_NOSYM, "debuginfod has no file of that build-id");
	return kco_fail_errno(err, -fd, "debuginfod at %s", urls);
}
