// SPDX-License-Identifier: MIT
/* Dumps of the netlink family. See list.h. */
#include "list.h"
#include "print.h"
#include "verb.h"

struct list_output {
	const struct list *list;
	json_t *array;		/* NULL: print a table */
	bool has_header;
};

/* Print the header once: before the first entry, or at the end of an empty list. */
static void header_print(struct list_output *output)
{
	if (!output->has_header)
		output->list->header();
	output->has_header = true;
}

static void entry_print(const struct netlink_message *message, void *data)
{
	struct list_output *output = data;

	if (output->array) {
		json_array_append_new(output->array, output->list->json(message));
		return;
	}
	header_print(output);
	output->list->print(message);
}

int list_print(const struct list *list, uint32_t file, bool json)
{
	struct list_output output = { .list = list };
	struct netlink *nl;
	int ret;

	ret = netlink_open(&nl);
	if (ret)
		return verb_device_error("netlink family " PINWATCH_GENL_NAME, ret);
	if (json)
		output.array = json_array();
	ret = netlink_dump(nl, list->command, file, entry_print, &output);
	netlink_close(nl);
	if (ret) {
		json_decref(output.array);
		return verb_device_error(list->title, ret);
	}
	if (json)
		return print_json(output.array);
	header_print(&output);
	return STATUS_OK;
}
