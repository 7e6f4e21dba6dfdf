// SPDX-License-Identifier: MIT
/* Read state: events, GET_INFO, GET_STATS, QUERY, VERIFY, STACK and RESYNC. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "handle.h"

#define RECORDS_SIZE	4096U

int pinwatch_get_info(struct pinwatch *dev, struct pinwatch_info *info)
{
	*info = (struct pinwatch_info){ .size = sizeof(*info) };
	return pw_handle_ioctl(dev, PINWATCH_IOC_GET_INFO, info);
}

int pinwatch_get_stats(struct pinwatch *dev, struct pinwatch_stats *stats)
{
	*stats = (struct pinwatch_stats){ .size = sizeof(*stats) };
	return pw_handle_ioctl(dev, PINWATCH_IOC_GET_STATS, stats);
}

/* The records of the module are longer or shorter than those of the library. */
static int records_convert(struct pinwatch *dev, struct pinwatch_event *events, size_t nr_events)
{
	char records[RECORDS_SIZE];
	size_t size = dev->record_size, both = size < sizeof(*events) ? size : sizeof(*events);
	ssize_t ret, i;

	if (!size || size > sizeof(records))
		return -EPROTO;
	if (nr_events > sizeof(records) / size)
		nr_events = sizeof(records) / size;
	ret = read(dev->fd, records, nr_events * size);
	if (ret < 0)
		return -errno;
	memset(events, 0, nr_events * sizeof(*events));
	for (i = 0; i < ret / (ssize_t)size; i++) {
		memcpy(&events[i], records + (size_t)i * size, both);
		events[i].size = sizeof(*events);
	}
	return (int)i;
}

int pinwatch_read_events(struct pinwatch *dev, struct pinwatch_event *events,
			 size_t nr_events)
{
	ssize_t ret;

	if (dev->record_size != sizeof(*events))
		return records_convert(dev, events, nr_events);
	/* The number of records must fit into the int result. */
	if (nr_events > INT_MAX / sizeof(*events))
		nr_events = INT_MAX / sizeof(*events);
	ret = read(dev->fd, events, nr_events * sizeof(*events));
	return ret < 0 ? -errno : (int)(ret / (ssize_t)sizeof(*events));
}

static int query(struct pinwatch *dev, uint32_t id, uint32_t flags,
		 struct pinwatch_watch_query *arg)
{
	*arg = (struct pinwatch_watch_query){
		.size = sizeof(*arg),
		.flags = flags,
		.id = id,
	};
	return pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_QUERY, arg);
}

int pinwatch_watch_query(struct pinwatch *dev, uint32_t id, struct pinwatch_watch_query *figures)
{
	return query(dev, id, 0, figures);
}

int pinwatch_watch_query_next(struct pinwatch *dev, uint32_t *next,
			      struct pinwatch_watch_query *figures)
{
	int ret = query(dev, *next, PINWATCH_QUERY_F_NEXT, figures);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	*next = figures->id + 1;
	return 1;
}

int pinwatch_watch_verify(struct pinwatch *dev, uint32_t id, uint64_t first_page,
			  uint64_t nr_pages, uint8_t *verdicts,
			  struct pinwatch_watch_verify *result)
{
	*result = (struct pinwatch_watch_verify){
		.size = sizeof(*result),
		.id = id,
		.first_page = first_page,
		.nr_pages = nr_pages,
		.verdicts = (uintptr_t)verdicts,
	};
	return pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_VERIFY, result);
}

int pinwatch_watch_stack(struct pinwatch *dev, uint32_t id, struct pinwatch_watch_stack *stack)
{
	*stack = (struct pinwatch_watch_stack){
		.size = sizeof(*stack),
		.id = id,
	};
	return pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_STACK, stack);
}

int pinwatch_resync(struct pinwatch *dev, uint32_t first_id, struct pinwatch_gen *gens,
		    uint32_t nr_ids)
{
	struct pinwatch_resync arg = {
		.size = sizeof(arg),
		.first_id = first_id,
		.nr_ids = nr_ids > INT32_MAX ? INT32_MAX : nr_ids,
		.gens = (uintptr_t)gens,
	};
	int ret;

	ret = pw_handle_ioctl(dev, PINWATCH_IOC_RESYNC, &arg);
	return ret ? ret : (int)arg.nr_ids;
}
