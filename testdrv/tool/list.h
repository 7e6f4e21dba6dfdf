/* SPDX-License-Identifier: MIT */
/* What the netlink family has a dump of, as a table or as JSON. */
#ifndef LIST_H
#define LIST_H

#include <jansson.h>
#include <stdbool.h>

#include "netlink.h"

struct list {
	int command;		/* PINWATCH_CMD_* */
	const char *what;	/* for messages: what is listed */
	void (*header)(void);
	void (*row)(const struct netlink_message *message);
	json_t *(*json)(const struct netlink_message *message);
};

/* Print it, or fail as a whole; @file: see netlink_dump(). A status. */
int list_print(const struct list *list, uint32_t file, bool json);

#endif /* LIST_H */
