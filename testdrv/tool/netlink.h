/* SPDX-License-Identifier: MIT */
/* Client of the module's generic netlink family, with libnl */
#ifndef NETLINK_H
#define NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/pinwatch_netlink.h>

struct netlink;
struct nlattr;

/* Attributes of a message, indexed by PINWATCH_A_*; NULL: not in the message */
struct netlink_message {
	struct nlattr *at[PINWATCH_A_MAX + 1];
};

typedef void netlink_fn(const struct netlink_message *message, void *data);

/* Returns 0, -ENOENT (no such family: the module is not loaded), or another -errno. */
int netlink_open(struct netlink **out);
void netlink_close(struct netlink *nl);

/* Join a multicast group. Returns 0 or -errno. */
int netlink_join(struct netlink *nl, const char *group);

/* Dump @cmd, PINWATCH_CMD_*; @file: a file number, or 0 for all. Returns 0 or -errno. */
int netlink_dump(struct netlink *nl, int cmd, uint32_t file, netlink_fn *each, void *data);

/* Wait for events. Returns 0, -ENOBUFS (the socket lost events), or another -errno. */
int netlink_receive(struct netlink *nl, netlink_fn *each, void *data);

/* Return 0 if the attribute is missing. */
uint64_t netlink_u64(const struct netlink_message *message, int attr);
uint32_t netlink_u32(const struct netlink_message *message, int attr);
/* Returns "" if the attribute is missing. */
const char *netlink_string(const struct netlink_message *message, int attr);

#endif /* NETLINK_H */
