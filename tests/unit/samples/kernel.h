// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types of the sample kernel, whose DWARF the unit tests read: the tests
 * include them too, so that the compiler itself says what is right.
 */
#ifndef KCO_SAMPLE_KERNEL_H
#define KCO_SAMPLE_KERNEL_H

enum sample_colour {
	SAMPLE_RED,
	SAMPLE_GREEN = 5,
	SAMPLE_BLUE,
};

enum sample_level {
	SAMPLE_LOW = -3,
	SAMPLE_HIGH = 100000,
};

enum sample_mask {
	SAMPLE_BIT = 1,
	SAMPLE_TOP = 0xf0000000u,
};

struct sample_opaque; /* only kernel_more.c knows what it is */

struct sample_inner {
	int a;
	char b;
};

typedef struct sample_inner sample_inner_t;
typedef const sample_inner_t *sample_inner_ptr;
typedef unsigned long sample_ulong;

union sample_union {
	int i;
	char bytes[12];
};

struct sample_outer {
	char name[16];
	unsigned low : 3;
	unsigned mid : 7;
	int sign : 5;
	unsigned long long wide : 40;
	union {
		int u1;
		long u2;
	};
	struct {
		short s1;
		struct sample_inner nested;
	} named;
	sample_inner_t grid[2][3];
	struct sample_opaque *op;
	enum sample_colour colour;
	int (*fn)(int, long);
	volatile const long vc;
	double real;
	_Bool flag;
	void *any;
	union sample_union un;
	sample_inner_ptr ptr;
	sample_ulong none[0];
	sample_ulong tail[];
};

#endif
