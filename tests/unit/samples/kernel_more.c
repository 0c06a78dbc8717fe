// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second unit of the sample kernel.
 */
#include "kernel.h"

struct sample_opaque {
	char pad[3];
	struct sample_opaque *next;
};

struct sample_twice {
	char from_the_second_unit[3];
};

struct sample_opaque sample_opaque_variable;
struct sample_twice sample_twice_other;
const unsigned short sample_declared[7] = { 1, 2, 3 };
