// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images of processes in text.
 */
#include "images.h"

#include <stdio.h>
#include <string.h>

static const char *images_hex(const struct kco_uimage *image, const char *digits, bool dashes, char buf[KCO_IMAGE_UUID])
{
	size_t at = 0;

	for (size_t i = 0; i < image->build_id_size && at + 3 < KCO_IMAGE_UUID; i++) {
		// 4-2-2-2-6-4: a UUID, and what SHA-1 has beyond.
		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10 || i == 16))
			buf[at++] = '-';
		buf[at++] = digits[image->build_id[i] >> 4];
		buf[at++] = digits[image->build_id[i] & 15];
	}
	buf[at] = '\0';
	return buf;
}

const char *kco_image_uuid(const struct kco_uimage *image, char buf[KCO_IMAGE_UUID])
{
	if (image->build_id_size)
		return images_hex(image, "0123456789ABCDEF", true, buf);
	snprintf(buf, KCO_IMAGE_UUID, "%-45s", "(no build-id)");
	return buf;
}

const char *kco_image_build_id(const struct kco_uimage *image, char buf[KCO_IMAGE_UUID])
{
	return images_hex(image, "0123456789abcdef", false, buf);
}

const char *kco_image_symbols(const struct kco_uimage *image)
{
	if (image->status)
		return "none";
	if (!image->symbol_file)
		return "memory (.dynsym)";
	return image->symbol_file;
}
