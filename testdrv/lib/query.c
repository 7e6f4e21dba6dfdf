// SPDX-License-Identifier: MIT
/* Read state: events, GET_INFO, GET_STATS, QUERY, VERIFY, STACK and RESYNC. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "handle.h"

#define RECORDS_SIZE	4096U

_Static_assert(sizeof(struct pinwatch_gen) == 16, "an array of words has a frozen layout");

static size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Copy @from, which the library was compiled with, to @to, which the caller was compiled
 * with: members that only the caller knows become 0. The first member of both is their
 * size; that of @to becomes the number of copied bytes.
 */
static void struct_put(void *to, size_t to_size, const void *from, size_t from_size)
{
	uint32_t size = (uint32_t)size_min(to_size, from_size);

	memset(to, 0, to_size);
	memcpy(to, from, size);
	memcpy(to, &size, size_min(to_size, sizeof(size)));
}

int pinwatch_get_info_sized(struct pinwatch *dev, struct pinwatch_info *info, size_t size)
{
	struct pinwatch_info arg = { .size = sizeof(arg) };
	int ret = pw_handle_ioctl(dev, PINWATCH_IOC_GET_INFO, &arg);

	if (!ret)
		struct_put(info, size, &arg, sizeof(arg));
	return ret;
}

int pinwatch_get_stats_sized(struct pinwatch *dev, struct pinwatch_stats *stats, size_t size)
{
	struct pinwatch_stats arg = { .size = sizeof(arg) };
	int ret = pw_handle_ioctl(dev, PINWATCH_IOC_GET_STATS, &arg);

	if (!ret)
		struct_put(stats, size, &arg, sizeof(arg));
	return ret;
}

/* The records of the module are longer or shorter than those of the caller, @event_size. */
static int records_convert(struct pinwatch *dev, char *events, size_t nr_events, size_t event_size)
{
	char records[RECORDS_SIZE];
	size_t size = dev->record_size;
	ssize_t ret, i;

	if (!size || size > sizeof(records))
		return -EPROTO;
	ret = read(dev->fd, records, size_min(nr_events, sizeof(records) / size) * size);
	if (ret < 0)
		return -errno;
	for (i = 0; i < ret / (ssize_t)size; i++)
		struct_put(events + (size_t)i * event_size, event_size,
			   records + (size_t)i * size, size);
	return (int)i;
}

int pinwatch_read_events_sized(struct pinwatch *dev, struct pinwatch_event *events,
			       size_t nr_events, size_t event_size)
{
	ssize_t ret;

	if (dev->record_size != event_size)
		return records_convert(dev, (char *)events, nr_events, event_size);
	/* The number of records must fit into the int result. */
	nr_events = size_min(nr_events, INT_MAX / event_size);
	ret = read(dev->fd, events, nr_events * event_size);
	return ret < 0 ? -errno : (int)(ret / (ssize_t)event_size);
}

static int query(struct pinwatch *dev, uint32_t id, uint32_t flags,
		 struct pinwatch_watch_query *figures, size_t size)
{
	struct pinwatch_watch_query arg = {
		.size = sizeof(arg),
		.flags = flags,
		.id = id,
	};
	int ret = pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_QUERY, &arg);

	if (!ret)
		struct_put(figures, size, &arg, sizeof(arg));
	return ret;
}

int pinwatch_watch_query_sized(struct pinwatch *dev, uint32_t id,
			       struct pinwatch_watch_query *figures, size_t size)
{
	return query(dev, id, 0, figures, size);
}

int pinwatch_watch_query_next_sized(struct pinwatch *dev, uint32_t *next,
				    struct pinwatch_watch_query *figures, size_t size)
{
	int ret = query(dev, *next, PINWATCH_QUERY_F_NEXT, figures, size);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	*next = figures->id + 1;
	return 1;
}

int pinwatch_watch_verify_sized(struct pinwatch *dev, uint32_t id, uint64_t first_page,
				uint64_t nr_pages, uint8_t *verdicts,
				struct pinwatch_watch_verify *result, size_t size)
{
	struct pinwatch_watch_verify arg = {
		.size = sizeof(arg),
		.id = id,
		.first_page = first_page,
		.nr_pages = nr_pages,
		.verdicts = (uintptr_t)verdicts,
	};
	int ret = pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_VERIFY, &arg);

	if (!ret)
		struct_put(result, size, &arg, sizeof(arg));
	return ret;
}

int pinwatch_watch_stack_sized(struct pinwatch *dev, uint32_t id,
			       struct pinwatch_watch_stack *stack, size_t size)
{
	struct pinwatch_watch_stack arg = {
		.size = sizeof(arg),
		.id = id,
	};
	int ret = pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_STACK, &arg);

	if (!ret)
		struct_put(stack, size, &arg, sizeof(arg));
	return ret;
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
