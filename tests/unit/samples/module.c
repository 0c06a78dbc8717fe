// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sample module: a relocatable object with code in two sections.
 */
volatile int sample_module_data;

__attribute__((noinline)) int sample_module_text(int x)
{
	return x + sample_module_data;
}

__attribute__((section(".text.unlikely"))) int sample_module_cold(int x)
{
	return x - sample_module_data;
}
