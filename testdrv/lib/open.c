// SPDX-License-Identifier: MIT
/* Open and close the device; map and unmap the generations. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handle.h"

#define OLDEST_MINOR	9	/* Structures have only grown since ABI 0.9. */

const char *pinwatch_version(void)
{
	return LIBPINWATCH_VERSION;
}

int pw_handle_map(struct pinwatch *dev)
{
	struct pinwatch_info info;
	void *words;
	int ret;

	ret = pinwatch_get_info(dev, &info);
	if (ret)
		return ret;
	if (info.abi_major != PINWATCH_ABI_MAJOR || info.abi_minor < OLDEST_MINOR ||
	    !info.hits_offset)
		return -EPROTO;

	words = mmap(NULL, info.gen_map_size, PROT_READ, MAP_SHARED, dev->fd, 0);
	if (words == MAP_FAILED)
		return -errno;
	dev->words = words;
	dev->hits = dev->words + info.hits_offset / sizeof(*dev->words);
	dev->nr_words = info.gen_map_size / sizeof(*dev->words);
	dev->map_size = info.gen_map_size;
	dev->record_size = info.event_size;
	ret = pw_fork_insert(dev);
	if (ret)
		munmap(words, dev->map_size);
	return ret;
}

int pinwatch_from_fd(struct pinwatch **out, int fd)
{
	struct pinwatch *dev;
	int ret;

	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->fd = fd;
	ret = pw_handle_map(dev);
	if (ret) {
		free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

int pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags)
{
	int fd, ret, mode = O_RDWR | O_CLOEXEC;

	if (flags & ~PINWATCH_OPEN_NONBLOCK)
		return -EINVAL;
	if (flags & PINWATCH_OPEN_NONBLOCK)
		mode |= O_NONBLOCK;

	fd = open(path ? path : PINWATCH_DEVICE, mode);
	if (fd < 0)
		return -errno;
	ret = pinwatch_from_fd(dev, fd);
	if (ret)
		close(fd);
	return ret;
}

void pinwatch_close(struct pinwatch *dev)
{
	if (!dev)
		return;
	if (pw_fork_owns(dev)) {
		pw_fork_remove(dev);
		munmap((void *)dev->words, dev->map_size);
	}
	close(dev->fd);
	/* A child by clone() must not wait for a lock: the handle stays in the list. */
	if (!dev->listed)
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
		*nr_words = dev->nr_words;
	return dev->words;
}

uint64_t pinwatch_hits(const struct pinwatch *dev)
{
	/* The acquire pairs with pw_generation_end() of the module. */
#if __SIZEOF_POINTER__ >= 8
	return __atomic_load_n(&dev->hits->generation, __ATOMIC_ACQUIRE);
#else
	return __atomic_load_n(&dev->hits->generation32, __ATOMIC_ACQUIRE);
#endif
}
