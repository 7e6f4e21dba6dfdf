// SPDX-License-Identifier: MIT
/*
 * A libpinwatch without a device, to test the demonstration's judgement: its
 * watches pin nothing and nothing invalidates them. What it should have told is
 * missed; and when its words are made to change all by themselves, false.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "judge_fake.h"
#include "libpinwatch.h"

#define NR_WORDS	16
#define MAP_SIZE	4096

struct pinwatch {
	int fd;
	struct pinwatch_gen *words;
	uint32_t nr_watches;
};

bool fake_noise;

/* The words of the last device that was opened in this process. */
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
	int fd = memfd_create("fake-pinwatch", MFD_CLOEXEC);

	(void)path;
	(void)flags;
	if (fd < 0 || ftruncate(fd, MAP_SIZE))
		return -errno;
	return pinwatch_from_fd(dev, fd);
}

/* How the harness lets time pass: it waits for nothing but that. */
int poll(struct pollfd *fds, nfds_t nr_fds, int timeout_ms)
{
	(void)fds;
	(void)nr_fds;
	(void)timeout_ms;
	if (fake_noise)
		__atomic_add_fetch(&fake_device_words[0].generation, 1, __ATOMIC_RELEASE);
	return 0;
}

/* The words stay mapped: the noise may still be made. */
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

int pinwatch_read_events(struct pinwatch *dev, struct pinwatch_event *events,
			 size_t nr_events)
{
	(void)dev;
	(void)events;
	(void)nr_events;
	return -EAGAIN;
}
