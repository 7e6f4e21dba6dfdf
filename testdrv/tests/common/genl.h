/* SPDX-License-Identifier: MIT */
/*
 * A generic netlink client for tests. It sends malformed requests, too, and returns the
 * extended acknowledgment. A function that returns void fails the test unless it succeeds.
 */
#ifndef GENL_H
#define GENL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/pinwatch_netlink.h>

struct genl {
	int fd;
	uint32_t seq;
	uint16_t family;	/* of "pinwatch" */
	uint32_t events;	/* multicast groups */
	uint32_t actors;
	size_t receive_size;	/* bytes for each recv(); 0: the maximum */
	bool interrupted;	/* the last dump had NLM_F_DUMP_INTR */
};

/* A request under construction, which may be malformed. */
struct genl_request {
	union {
		struct nlmsghdr header;
		char bytes[512];
	};
};

/* The acknowledgment of a request. */
struct genl_ack {
	int error;		/* 0 or -errno */
	bool has_offset;
	uint32_t offset;	/* of the bad attribute in the request */
	char text[160];
};

/* A message. @at: the attribute of each type, or NULL. */
struct genl_message {
	uint8_t cmd;
	const struct nlattr *at[PINWATCH_A_MAX + 1];
};

/* Open a socket, without looking up the family. */
void genl_socket(struct genl *genl);
/* Look up the family. 0 or -errno. */
int genl_resolve(struct genl *genl);
/* genl_socket() and genl_resolve() */
void genl_open(struct genl *genl);
void genl_close(struct genl *genl);
/* 0 or -errno */
int genl_join(const struct genl *genl, uint32_t group);

void request_begin(struct genl_request *request, const struct genl *genl, uint8_t cmd,
		   uint16_t flags);
void request_put(struct genl_request *request, uint16_t type, const void *data,
		 size_t length);
void request_u32(struct genl_request *request, uint16_t type, uint32_t value);
void request_u64(struct genl_request *request, uint16_t type, uint64_t value);

/*
 * Send @request and read up to the acknowledgment, or to the end of the dump. Calls @each,
 * unless NULL, for each answer. Returns ack->error.
 */
int genl_ask(struct genl *genl, struct genl_request *request, struct genl_ack *ack,
	     void (*each)(const struct genl_message *message, void *data), void *data);

/*
 * Wait some seconds for the next message that is no answer. 0 or -errno: -ENOBUFS when the
 * socket had no room for a message, -EAGAIN when no message came. @message is valid until
 * the next call.
 */
int genl_event(struct genl *genl, struct genl_message *message);

uint32_t message_u32(const struct genl_message *message, int attr);
uint64_t message_u64(const struct genl_message *message, int attr);
const char *message_string(const struct genl_message *message, int attr);

#endif /* GENL_H */
