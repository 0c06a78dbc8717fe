// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * formats.def, expanded into the table that a composition root hands to the
 * session.
 */
#include <kco/formats.h>

#define X(name) extern const struct kco_format_ops kco_format_##name;
#include "formats.def"
#undef X

const struct kco_format_ops *const kco_formats[] = {
#define X(name) &kco_format_##name,
#include "formats.def"
#undef X
	NULL,
};
