// SPDX-License-Identifier: MIT
/* See list.h. */
#include "list.h"
#include "print.h"
#include "verb.h"

struct printing {
	const struct list *list;
	json_t *rows;		/* or NULL: a table */
	bool begun;
};

/* Above the first row; or alone, if there is none. */
static void header_print(struct printing *printing)
{
	if (!printing->begun)
		printing->list->header();
	printing->begun = true;
}

static void row_print(const struct netlink_message *message, void *data)
{
	struct printing *printing = data;

	if (printing->rows) {
		json_array_append_new(printing->rows, printing->list->json(message));
		return;
	}
	header_print(printing);
	printing->list->row(message);
}

int list_print(const struct list *list, uint32_t file, bool json)
{
	struct printing printing = { .list = list };
	struct netlink *nl;
	int ret;

	ret = netlink_open(&nl);
	if (ret)
		return verb_device_error("netlink family " PINWATCH_GENL_NAME, ret);
	if (json)
		printing.rows = json_array();
	ret = netlink_dump(nl, list->command, file, row_print, &printing);
	netlink_close(nl);
	if (ret) {
		json_decref(printing.rows);
		return verb_device_error(list->what, ret);
	}
	if (json)
		return print_json(printing.rows);
	header_print(&printing);
	return STATUS_OK;
}
