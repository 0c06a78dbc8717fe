// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF: the kernel's own compact type information (Documentation/bpf/btf.rst).
 */
#ifndef KCO_BTF_H
#define KCO_BTF_H

#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/type.h>

/**
 * A type source from the @size bytes of BTF at @data, which is handed over
 * (free()d with the source) also on failure. @base is NULL for the kernel's
 * own BTF, else the source that a module's split BTF continues; it must
 * outlive the result. Checks header and bounds at once and each type when it
 * is first met. @ptr_size is the target's.
 */
enum kco_status kco_btf_new_take(void *data, size_t size, struct kco_types *base, unsigned ptr_size,
				 struct kco_types **ret, struct kco_err *err) KCO_MUST_USE;

/** Why types from some point on could not be read, borrowed from the source; NULL: it is whole. */
const char *kco_btf_torn(const struct kco_types *types);

#endif
