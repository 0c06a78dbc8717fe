// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * settings set: change a standing choice.
 */
#include <kco/cmd.h>

#include <strings.h>

#include "settings.h"

static enum kco_status settings_set_value(const char *word, bool *ret, struct kco_err *err)
{
	static const char *const words[2][4] = { { "false", "off", "no", "0" }, { "true", "on", "yes", "1" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (!strcasecmp(word, words[value][i])) {
				*ret = value;
				return KCO_OK;
			}
	return kco_fail(err, KCO_E_USAGE, "'%.40s' is neither true nor false", word);
}

static enum kco_status settings_set_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct kco_setting *setting;
	bool value = false;
	enum kco_status st = kco_setting_find(ctx->argv[0], &setting, err);

	if (!st)
		st = settings_set_value(ctx->argv[1], &value, err);
	if (st)
		return st;
	*kco_setting_value(ctx->context, setting) = value;
	if (kco_out_json(ctx->out))
		kco_setting_show(ctx, setting);
	return KCO_OK;
}

static const struct kco_arg settings_set_args[] = {
	{ KCO_WORD_TEXT, "NAME", .optional = false },
	{ KCO_WORD_TEXT, "true|false", .optional = false },
	{ 0 },
};

static const struct kco_json_field settings_set_json[] = { KCO_SETTINGS_JSON, { 0 } };

const struct kco_cmd kco_cmd_settings_set = {
	.name = "settings set",
	.summary = "change a setting",
	.description = "Settings last until the shell or the script ends. `settings show` lists them.",
	.examples = "settings set target.show-hidden true\n    kernel threads are processes, too\n",
	.args = settings_set_args,
	.json = settings_set_json,
	.run = settings_set_run,
};
