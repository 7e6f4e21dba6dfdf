/* SPDX-License-Identifier: MIT */
/*
 * What client_test.c, which is compiled with another version of <linux/pinwatch.h>, asks
 * of the fake device. No structure of that header is an argument.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "libpinwatch.h"

#define CLIENT_COOKIE	7

enum client_struct {
	CLIENT_INFO,
	CLIENT_STATS,
	CLIENT_QUERY,
	CLIENT_VERIFY,
	CLIENT_STACK,
	CLIENT_EVENT,
	CLIENT_GEN,
	CLIENT_WATCH,
};

/* Bytes of a structure in the library. */
size_t client_library_size(enum client_struct name);
struct pinwatch *client_open(void);	/* with a watch, whose id is 0 */
void client_close(struct pinwatch *dev);
void *client_page(void);		/* a page that can be pinned */
/* Queue a record of watch @id. */
void client_send_event(uint32_t id);

#endif /* CLIENT_H */
