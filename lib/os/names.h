// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols and members by name, for every personality: with the names that
 * older and newer kernels gave them. Nothing asks for a version.
 */
#ifndef KCO_OS_NAMES_H
#define KCO_OS_NAMES_H

#include "session.h"

/** The address of a kernel symbol; the first of the names (NULL-terminated) that exists. The error names the first. */
enum kco_status os_symbol(struct kco_session *s, uint64_t *ret, struct kco_err *err, const char *name, ...)
	__attribute__((sentinel));
/** The first of the member paths of @type that this kernel has. KCO_E_NOTYPE without types. The error names the first.
 */
enum kco_status os_field(struct kco_session *s, const char *type, struct kco_field *field, struct kco_err *err,
			 const char *path, ...) __attribute__((sentinel));
/** Read a number at symbol @name; @size 0: a pointer or a long. */
enum kco_status os_variable(struct kco_session *s, const char *name, size_t size, uint64_t *ret, struct kco_err *err);
/** Member @path of the struct @type at @addr. */
enum kco_status os_read(struct kco_session *s, const char *type, uint64_t addr, const char *path, uint64_t *ret,
			struct kco_err *err);

#endif
