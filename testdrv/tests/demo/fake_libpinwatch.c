// SPDX-License-Identifier: MIT
/*
 * A libpinwatch without a device. A watch pins nothing, and an operation on the range
 * changes no generation, so the demonstration must find each change missed. The
 * device path "noisy" makes a generation change in each idle window, while no page
 * changes, so the demonstration must find a false report.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpinwatch.h"

#define NR_WORDS	16
#define NOISY		(NR_WORDS - 1)	/* the word of no watch; not 0: noisy */
#define MAP_SIZE	4096

struct pinwatch {
	int fd;
	struct pinwatch_gen *words;
	uint32_t nr_watches;
};

/* The generation words of the last opened device. */
static struct pinwatch_gen *fake_device_words;

int pinwatch_from_fd(struct pinwatch **out, int fd)
{
	struct pinwatch *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return -ENOMEM;
	dev->fd = fd;
	dev->words = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (dev->words == MAP_FAILED) {
		free(dev);
		return -errno;
	}
	fake_device_words = dev->words;
	*out = dev;
	return 0;
}

int pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags)
{
	int ret, fd = memfd_create("fake-pinwatch", MFD_CLOEXEC);

	(void)flags;
	if (fd < 0 || ftruncate(fd, MAP_SIZE))
		return -errno;
	ret = pinwatch_from_fd(dev, fd);
	if (!ret)
		(*dev)->words[NOISY].generation = !strcmp(path, "noisy");
	return ret;
}

/* demo_case.c calls poll() only to let the idle window pass. */
int poll(struct pollfd *fds, nfds_t nr_fds, int timeout_ms)
{
	(void)fds;
	(void)nr_fds;
	(void)timeout_ms;
	if (fake_device_words && fake_device_words[NOISY].generation)
		__atomic_add_fetch(&fake_device_words[0].generation, 1, __ATOMIC_RELEASE);
	return 0;
}

/* The words stay mapped, because poll() is called after the close too. */
void pinwatch_close(struct pinwatch *dev)
{
	close(dev->fd);
	free(dev);
}

int pinwatch_fd(const struct pinwatch *dev)
{
	return dev->fd;
}

const struct pinwatch_gen *pinwatch_map_generations(const struct pinwatch *dev,
						    size_t *nr_words)
{
	if (nr_words)
		*nr_words = NR_WORDS;
	return dev->words;
}

int pinwatch_watch_add(struct pinwatch *dev, const void *addr, size_t length,
		       uint32_t flags, uint64_t cookie, struct pinwatch_watch *watch)
{
	(void)addr;
	(void)flags;
	(void)cookie;
	watch->id = dev->nr_watches++;
	watch->word = &dev->words[watch->id];
	watch->nr_pages = length / MAP_SIZE;
	dev->words[watch->id].generation = 1;
	watch->generation = 1;
	return 0;
}

int pinwatch_read_events_sized(struct pinwatch *dev, struct pinwatch_event *events,
			       size_t nr_events, size_t event_size)
{
	(void)event_size;
	(void)dev;
	(void)events;
	(void)nr_events;
	return -EAGAIN;
}
