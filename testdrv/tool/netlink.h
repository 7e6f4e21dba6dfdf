/* SPDX-License-Identifier: MIT */
/* The module's generic netlink family, by libnl. */
#ifndef NETLINK_H
#define NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/pinwatch_netlink.h>

struct netlink;
struct nlattr;

/* The attributes of a message, by number; NULL: it is not there. */
struct netlink_message {
	struct nlattr *at[PINWATCH_A_MAX + 1];
};

typedef void netlink_fn(const struct netlink_message *message, void *data);

/* 0; -ENOENT: no such family, the module is not loaded; or another -errno. */
int netlink_open(struct netlink **out);
void netlink_close(struct netlink *nl);

/* 0 or -errno. */
int netlink_join(struct netlink *nl, const char *group);

/* Ask for all of PINWATCH_CMD_*; @file: only those of that file, unless 0. 0 or -errno. */
int netlink_dump(struct netlink *nl, int cmd, uint32_t file, netlink_fn *each, void *data);

/* Wait for events. 0; -ENOBUFS: some did not fit into the socket; or another -errno. */
int netlink_receive(struct netlink *nl, netlink_fn *each, void *data);

/* 0 if it is not there. */
uint64_t netlink_u64(const struct netlink_message *message, int attr);
uint32_t netlink_u32(const struct netlink_message *message, int attr);
/* "" if it is not there. */
const char *netlink_string(const struct netlink_message *message, int attr);

#endif /* NETLINK_H */
