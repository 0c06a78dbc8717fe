// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Status codes and the error object.
 *
 * Every fallible function returns an enum kco_status and takes, as its last
 * parameter, a struct kco_err that the caller owns and that may be NULL (hot
 * loops pay nothing for messages they would throw away). Nothing here
 * allocates, and there is no global state, so errors can be made on any
 * thread.
 *
 * The codes say what an analyst must know, not which function failed.
 */
#ifndef KCO_ERR_H
#define KCO_ERR_H

#include <stdint.h>

#define KCO_MUST_USE __attribute__((warn_unused_result))
#define KCO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum kco_status {
	KCO_OK = 0,
	KCO_DONE = 1,		/* the end of a walk, no error */
	KCO_E_NOMEM = -1,	/* out of memory, or over a limit we set */
	KCO_E_IO = -2,		/* the operating system refused; see os_errno */
	KCO_E_RANGE = -3,	/* address outside everything the dump describes */
	KCO_E_USAGE = -4,	/* the caller's (or user's) words are off */
	KCO_E_UNSUPPORTED = -5, /* recognised, but not supported (or not on this OS) */
	KCO_E_BADFILE = -6,	/* not a file of this kind at all */
	KCO_E_CORRUPT = -7,	/* contradicts itself or its format */
	KCO_E_TRUNCATED = -8,	/* the file ends before these bytes */
	KCO_E_UNMAPPED = -9,	/* no translation for a virtual address */
	KCO_E_SWAPPED = -10,	/* the page was swapped out */
	KCO_E_NOT_SAVED = -11,	/* excluded by the dump's filter, or lost by its writer */
	KCO_E_NOSYM = -12,	/* a symbol that is needed was not found */
	KCO_E_NOTYPE = -13,	/* a type, member or enumerator was not found */
	KCO_E_CANCELLED = -14,	/* the user interrupted */
	KCO_E_BUG = -15,	/* a broken promise inside kcodbg */
};

struct kco_err {
	enum kco_status code;
	int os_errno;	   /* for KCO_E_IO, else 0 */
	uint64_t addr;	   /* the address that failed, 0 when none is meant */
	uint64_t file_off; /* the file offset that failed, 0 when none is meant */
	char msg[256];	   /* lower case, what failed first, no full stop */
};

#define KCO_ERR_INIT ((struct kco_err){ .code = KCO_OK })

/**
 * Fill @err (if not NULL) and return @code, so that `return kco_fail(...)`
 * is the one way to fail. Overwrites what @err held.
 */
enum kco_status kco_fail(struct kco_err *err, enum kco_status code, const char *fmt, ...) KCO_PRINTF(3, 4);

/** Like kco_fail() with KCO_E_IO; appends the text of @os_errno. */
enum kco_status kco_fail_errno(struct kco_err *err, int os_errno, const char *fmt, ...) KCO_PRINTF(3, 4);

/**
 * Put "prefix: " in front of the message that @err holds and return its code.
 * For a caller that knows what the callee was needed for. @err may be NULL,
 * then @code is returned.
 */
enum kco_status kco_context(struct kco_err *err, enum kco_status code, const char *fmt, ...) KCO_PRINTF(3, 4);

/** A short stable name such as "not saved" for JSON output and messages; never NULL. */
const char *kco_status_name(enum kco_status code);

#endif
