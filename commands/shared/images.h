// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images of processes in text.
 */
#ifndef KCO_COMMANDS_IMAGES_H
#define KCO_COMMANDS_IMAGES_H

#include <kco/uimage.h>

#define KCO_IMAGE_UUID 160 /* room for a build-id of 64 bytes with dashes */

/** The build-id as lldb writes it: 5E87C174-4E19-1BAF-3D40-5C53BFEB856A-4E874F0D. As wide without one. */
const char *kco_image_uuid(const struct kco_uimage *image, char buf[KCO_IMAGE_UUID]);
/** The same in plain hexadecimal, "" none. */
const char *kco_image_build_id(const struct kco_uimage *image, char buf[KCO_IMAGE_UUID]);
/** Where its symbols are from, in words. */
const char *kco_image_symbols(const struct kco_uimage *image);

#endif
