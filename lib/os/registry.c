// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * os.def, expanded into the table of personalities.
 */
#include <kco/os.h>

#define X(name) extern const struct kco_os_ops kco_os_##name;
#include "os.def"
#undef X

const struct kco_os_ops *const kco_oses[] = {
#define X(name) &kco_os_##name,
#include "os.def"
#undef X
	NULL,
};
