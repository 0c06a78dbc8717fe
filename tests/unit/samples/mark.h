// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MARK(name) leaves two symbols: pc_NAME, an address in the code that it
 * stands in, and line_NAME, an absolute one whose value is the source line.
 */
#ifndef KCO_SAMPLE_MARK_H
#define KCO_SAMPLE_MARK_H

#define STR2(x) #x
#define STR(x) STR2(x)
#define MARK(name)                                                     \
	__asm__ volatile(".globl pc_" #name "\npc_" #name ":\n\tnop\n" \
			 ".globl line_" #name "\n.set line_" #name ", " STR(__LINE__))
#define MARK_CALL(name, call) \
	do {                  \
		MARK(name);   \
		call;         \
	} while (0)

#endif
