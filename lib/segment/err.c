// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The error object: fill it, prefix it, name its codes. No heap and no
 * globals, so it works on any thread and when memory is out.
 */
#include <kco/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formats aside first: the arguments may point into err->msg itself. */
static void err_fill(struct kco_err *err, enum kco_status code, const char *fmt, va_list ap)
{
	char text[sizeof(err->msg)];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	*err = (struct kco_err){ .code = code };
	memcpy(err->msg, text, sizeof(text));
}

/* ": text" behind what @msg holds, cut at its end. */
static void err_append(char *msg, size_t size, const char *text)
{
	const char *parts[] = { ": ", text };
	size_t used = strlen(msg);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t n = strnlen(parts[i], size - used - 1);

		memcpy(msg + used, parts[i], n);
		used += n;
	}
	msg[used] = '\0';
}

enum kco_status kco_fail(struct kco_err *err, enum kco_status code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	err_fill(err, code, fmt, ap);
	va_end(ap);
	return code;
}

enum kco_status kco_fail_errno(struct kco_err *err, int os_errno, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	if (!err)
		return KCO_E_IO;
	va_start(ap, fmt);
	err_fill(err, KCO_E_IO, fmt, ap);
	va_end(ap);
	err->os_errno = os_errno;
	// The GNU variant of strerror_r: returns the text, wherever it is.
	err_append(err->msg, sizeof(err->msg), strerror_r(os_errno, text, sizeof(text)));
	return KCO_E_IO;
}

enum kco_status kco_context(struct kco_err *err, enum kco_status code, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list ap;
	int n;

	if (!err)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	// Cut the old message, never the new prefix: the outermost noun matters most.
	err_append(text, sizeof(text), err->msg);
	memcpy(err->msg, text, sizeof(text));
	return err->code;
}

const char *kco_status_name(enum kco_status code)
{
	switch (code) {
	case KCO_OK:
		return "ok";
	case KCO_DONE:
		return "done";
	case KCO_E_NOMEM:
		return "out of memory";
	case KCO_E_IO:
		return "i/o error";
	case KCO_E_RANGE:
		return "out of range";
	case KCO_E_USAGE:
		return "usage";
	case KCO_E_UNSUPPORTED:
		return "unsupported";
	case KCO_E_BADFILE:
		return "bad file";
	case KCO_E_CORRUPT:
		return "corrupt";
	case KCO_E_TRUNCATED:
		return "truncated";
	case KCO_E_UNMAPPED:
		return "unmapped";
	case KCO_E_SWAPPED:
		return "swapped out";
	case KCO_E_NOT_SAVED:
		return "not saved";
	case KCO_E_NOSYM:
		return "no symbol";
	case KCO_E_NOTYPE:
		return "no type";
	case KCO_E_CANCELLED:
		return "cancelled";
	case KCO_E_BUG:
		return "internal error";
	}
	return "unknown status";
}
