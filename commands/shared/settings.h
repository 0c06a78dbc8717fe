// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The settings: standing choices of a shell or script, as a table.
 */
#ifndef KCO_COMMANDS_SETTINGS_H
#define KCO_COMMANDS_SETTINGS_H

#include <stddef.h>

#include <kco/cmd.h>

struct kco_setting {
	const char *name;
	size_t offset; /* of a bool in struct kco_context */
	const char *help;
};

/** All of them; ends with name NULL. */
extern const struct kco_setting kco_settings[];
/** KCO_E_USAGE: there is none of this name. */
enum kco_status kco_setting_find(const char *name, const struct kco_setting **ret, struct kco_err *err) KCO_MUST_USE;
bool *kco_setting_value(struct kco_context *context, const struct kco_setting *setting);
/** One as a line and a row. */
void kco_setting_show(struct kco_cmd_ctx *ctx, const struct kco_setting *setting);

#define KCO_SETTINGS_JSON                                                                 \
	{ "name", "string", "of the setting" }, { "value", "boolean", "what it is now" }, \
	{                                                                                 \
		"help", "string", "what it does"                                          \
	}

#endif
