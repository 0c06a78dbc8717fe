// SPDX-License-Identifier: GPL-2.0-or-later
#include "settings.h"

#include <string.h>

const struct kco_setting kco_settings[] = {
	{ "target.show-hidden", offsetof(struct kco_context, show_hidden),
	  "lists of processes hold kernel threads and helpers as well, as -a asks" },
	{ 0 },
};

enum kco_status kco_setting_find(const char *name, const struct kco_setting **ret, struct kco_err *err)
{
	for (const struct kco_setting *s = kco_settings; s->name; s++)
		if (!strcmp(s->name, name)) {
			*ret = s;
			return KCO_OK;
		}
	return kco_fail(err, KCO_E_USAGE, "no setting '%.60s'; `settings show` lists them", name);
}

bool *kco_setting_value(struct kco_context *context, const struct kco_setting *setting)
{
	return (bool *)((char *)context + setting->offset);
}

void kco_setting_show(struct kco_cmd_ctx *ctx, const struct kco_setting *setting)
{
	bool value = *kco_setting_value(ctx->context, setting);

	kco_text(ctx->out, "%s (boolean) = %s\n", setting->name, value ? "true" : "false");
	kco_json_row(ctx->out);
	kco_json_str(ctx->out, "name", setting->name);
	kco_json_bool(ctx->out, "value", value);
	kco_json_str(ctx->out, "help", setting->help);
	kco_json_row_end(ctx->out);
}
