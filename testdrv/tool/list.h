/* SPDX-License-Identifier: MIT */
/*
 * Print a dump of the netlink family as a table or as a JSON array. The functions of
 * struct list print the header, and one entry as a line or as an object.
 */
#ifndef LIST_H
#define LIST_H

#include <jansson.h>
#include <stdbool.h>

#include "netlink.h"

struct list {
	int command;		/* PINWATCH_CMD_* */
	const char *title;	/* noun for error messages */
	void (*header)(void);
	void (*print)(const struct netlink_message *message);
	json_t *(*json)(const struct netlink_message *message);
};

/* @file: see netlink_dump(). If the dump fails, prints only an error. Returns a status. */
int list_print(const struct list *list, uint32_t file, bool json);

#endif /* LIST_H */
