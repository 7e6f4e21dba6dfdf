// SPDX-License-Identifier: MIT
/* Open and close the device; map and unmap the generations. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handle.h"

const char *pinwatch_version(void)
{
	return LIBPINWATCH_VERSION;
}

int pw_handle_map(struct pinwatch *dev)
{
	struct pinwatch map = { .fd = dev->fd };
	struct pinwatch_info info;
	int ret;

	ret = pinwatch_get_info(dev, &info);
	if (ret)
		return ret;
	if (info.abi_major != PINWATCH_ABI_MAJOR || !info.hits_offset)
		return -EPROTO;

	map.words = mmap(NULL, info.gen_map_size, PROT_READ, MAP_SHARED, dev->fd, 0);
	if (map.words == MAP_FAILED)
		return -errno;
	map.hits = map.words + info.hits_offset / sizeof(*map.words);
	map.nr_words = info.gen_map_size / sizeof(*map.words);
	map.map_size = info.gen_map_size;
	map.record_size = info.event_size;
	ret = pw_fork_insert(dev, &map);
	if (ret)
		munmap((void *)map.words, map.map_size);
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

static int device_open(struct pinwatch **dev, const char *path, int mode)
{
	int ret, fd = open(path ? path : PINWATCH_DEVICE, mode);

	if (fd < 0)
		return -errno;
	ret = pinwatch_from_fd(dev, fd);
	if (ret)
		close(fd);
	return ret;
}

int pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags)
{
	int ret, state, mode = O_RDWR | O_CLOEXEC;

	if (flags & ~PINWATCH_OPEN_NONBLOCK)
		return -EINVAL;
	if (flags & PINWATCH_OPEN_NONBLOCK)
		mode |= O_NONBLOCK;
	state = pw_cancel_disable();
	ret = device_open(dev, path, mode);
	pw_cancel_restore(state);
	return ret;
}

static void fd_close(int fd)
{
	int state = pw_cancel_disable();

	close(fd);
	pw_cancel_restore(state);
}

void pinwatch_close(struct pinwatch *dev)
{
	if (!dev)
		return;
	if (pw_fork_owns(dev)) {
		pw_fork_remove(dev);
		munmap((void *)dev->words, dev->map_size);
	}
	fd_close(dev->fd);
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
