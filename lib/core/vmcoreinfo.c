// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VMCOREINFO: "KEY=value" lines that a kernel leaves for its undertaker.
 *
 * The text comes from the user's file, the dump's note, or a scan of memory
 * (the personality's work); the last line with a key wins.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum kco_status kco_session_vmcoreinfo(struct kco_session *s, const char *key, char *buf, size_t size,
				       struct kco_err *err)
{
	size_t klen = strlen(key);
	const char *found = NULL, *end = s->vmcoreinfo ? s->vmcoreinfo + s->vmcoreinfo_size : NULL;
	size_t len;

	for (const char *p = s->vmcoreinfo, *nl; p && p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		if ((size_t)(nl - p) > klen && p[klen] == '=' && !memcmp(p, key, klen))
			found = p + klen + 1;
	}
	if (!found)
		return kco_fail(err, KCO_E_NOSYM, "VMCOREINFO has no %s", key);
	len = strcspn(found, "\n");
	if (len >= size)
		len = size - 1;
	memcpy(buf, found, len);
	buf[len] = '\0';
	return KCO_OK;
}

enum kco_status kco_session_vmcoreinfo_uint(struct kco_session *s, const char *key, uint64_t *ret, struct kco_err *err)
{
	bool hex = !strncmp(key, "SYMBOL(", 7) || !strcmp(key, "KERNELOFFSET");
	char buf[40], *rest;
	enum kco_status st = kco_session_vmcoreinfo(s, key, buf, sizeof(buf), err);

	if (st)
		return st;
	errno = 0;
	/* A negative decimal (phys_base may be one) wraps to its two's complement, as is meant. */
	*ret = strtoull(buf, &rest, hex ? 16 : 0);
	if (errno || rest == buf)
		return kco_fail(err, KCO_E_CORRUPT, "VMCOREINFO: %s is no number: %.20s", key, buf);
	return KCO_OK;
}
