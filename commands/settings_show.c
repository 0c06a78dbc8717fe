// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * settings show: the standing choices.
 */
#include <kco/cmd.h>

#include "settings.h"

static enum kco_status settings_show_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct kco_setting *setting;
	enum kco_status st;

	if (ctx->argc) {
		st = kco_setting_find(ctx->argv[0], &setting, err);
		if (!st)
			kco_setting_show(ctx, setting);
		return st;
	}
	for (setting = kco_settings; setting->name; setting++)
		kco_setting_show(ctx, setting);
	return KCO_OK;
}

static const struct kco_arg settings_show_args[] = { { KCO_WORD_TEXT, "NAME", .optional = true }, { 0 } };
static const struct kco_json_field settings_show_json[] = { KCO_SETTINGS_JSON, { 0 } };

const struct kco_cmd kco_cmd_settings_show = {
	.name = "settings show",
	.summary = "the settings and their values",
	.description = "All settings, or one:\n\n"
		       " target.show-hidden   lists of processes hold kernel threads and helpers as well, as -a asks",
	.examples = "settings show\n    all of them\n",
	.args = settings_show_args,
	.json = settings_show_json,
	.run = settings_show_run,
};
