// SPDX-License-Identifier: MIT
/* Reading events and naming them. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "handle.h"

int pinwatch_read_events(struct pinwatch *dev, struct pinwatch_event *events,
			 size_t nr_events)
{
	ssize_t ret;

	if (nr_events > INT_MAX / sizeof(*events))
		nr_events = INT_MAX / sizeof(*events);
	ret = read(dev->fd, events, nr_events * sizeof(*events));
	return ret < 0 ? -errno : (int)(ret / (ssize_t)sizeof(*events));
}

static const struct {
	uint32_t bit;
	const char *name;
} event_names[] = {
	{ PINWATCH_EVENT_UNMAP,		"unmap" },
	{ PINWATCH_EVENT_CLEAR,		"clear" },
	{ PINWATCH_EVENT_PROTECT,	"protect" },
	{ PINWATCH_EVENT_PROTECT_PAGE,	"protect-page" },
	{ PINWATCH_EVENT_SOFT_DIRTY,	"soft-dirty" },
	{ PINWATCH_EVENT_RELEASE,	"release" },
	{ PINWATCH_EVENT_MIGRATE,	"migrate" },
	{ PINWATCH_EVENT_EXCLUSIVE,	"exclusive" },
	{ PINWATCH_EVENT_OTHER,		"other" },
};

static void string_append(char *buf, size_t size, const char *s)
{
	strncat(buf, s, size - strlen(buf) - 1);
}

const char *pinwatch_events_string(uint32_t events, char *buf, size_t size)
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++) {
		if (!(events & event_names[i].bit))
			continue;
		if (buf[0])
			string_append(buf, size, "+");
		string_append(buf, size, event_names[i].name);
	}
	if (!buf[0])
		string_append(buf, size, "-");
	return buf;
}
