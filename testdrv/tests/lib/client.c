// SPDX-License-Identifier: MIT
/* See client.h. Compiled with the header of the library. */
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "fake.h"
#include "test.h"

#define FILLER	0xff	/* of the members that only the library knows */

static struct pinwatch_watch watch;

size_t client_library_size(enum client_struct name)
{
	static const size_t sizes[] = {
		[CLIENT_INFO]	= sizeof(struct pinwatch_info),
		[CLIENT_STATS]	= sizeof(struct pinwatch_stats),
		[CLIENT_QUERY]	= sizeof(struct pinwatch_watch_query),
		[CLIENT_VERIFY]	= sizeof(struct pinwatch_watch_verify),
		[CLIENT_STACK]	= sizeof(struct pinwatch_watch_stack),
		[CLIENT_EVENT]	= sizeof(struct pinwatch_event),
		[CLIENT_GEN]	= sizeof(struct pinwatch_gen),
		[CLIENT_WATCH]	= sizeof(struct pinwatch_watch),
	};

	return sizes[name];
}

struct pinwatch *client_open(void)
{
	struct pinwatch *dev = fake_open();

	CHECK_EQ(pinwatch_watch_add(dev, fake_page(0), 1, 0, CLIENT_COOKIE, &watch), 0);
	CHECK_EQ(watch.id, 0);
	return dev;
}

void client_close(struct pinwatch *dev)
{
	CHECK_EQ(pinwatch_watch_del(dev, &watch), 0);
	fake_close(dev);
}

void client_send_event(uint32_t id)
{
	struct pinwatch_event event;

	memset(&event, FILLER, sizeof(event));
	event.size = sizeof(event);
	event.id = id;
	CHECK_EQ(write(fake.event_fd, &event, sizeof(event)), sizeof(event));
}

void *client_page(void)
{
	return fake_page(1);
}
