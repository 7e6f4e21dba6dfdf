/* SPDX-License-Identifier: MIT */
/*
 * libpinwatch: do the pages that I took still match the process's memory?
 *
 *	struct pinwatch *dev;
 *	struct pinwatch_watch watch;
 *
 *	pinwatch_open(&dev, NULL, 0);
 *	pinwatch_watch_add(dev, buffer, length, PINWATCH_WATCH_F_PIN, 0, &watch);
 *	...
 *	if (!pinwatch_valid(&watch))
 *		the mapping of buffer was changed: delete the watch, add it again
 *
 * Functions return 0 (or a count) or a negative errno; none prints, none
 * touches errno's meaning for the caller. A handle may be used by several
 * threads at once, except that pinwatch_close() must be the last use.
 *
 * A handle belongs to the process that opened it: after fork() the child has
 * the file descriptor but not the mapped generations, so there it may only
 * close the handle. exec() closes the descriptor.
 */
#ifndef LIBPINWATCH_H
#define LIBPINWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/pinwatch.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBPINWATCH_VERSION	"0.1.0"

/* A device handle. */
struct pinwatch;

/**
 * struct pinwatch_watch - what pinwatch_watch_add() made
 * @word: The mapped generation word. Readable until pinwatch_close().
 * @generation: The value of @word->generation at which the watch was true.
 * @nr_pages: Pages in the range, after rounding out to whole pages.
 * @id: Names the watch on its handle; events carry it.
 *
 * The caller owns the memory and may copy it; it holds no resource itself.
 */
struct pinwatch_watch {
	const struct pinwatch_gen *word;
	uint64_t generation;
	uint64_t nr_pages;
	uint32_t id;
};

/* Flags of pinwatch_open() */
#define PINWATCH_OPEN_NONBLOCK	(1U << 0) /* pinwatch_read_events() does not wait */

/**
 * pinwatch_version() - the library's version
 *
 * Return: a static string, "major.minor.patch".
 */
const char *pinwatch_version(void);

/**
 * pinwatch_open() - open the device and map its generations
 * @dev: Out. The handle; untouched on failure.
 * @path: The device node, or NULL for PINWATCH_DEVICE.
 * @flags: PINWATCH_OPEN_*.
 *
 * The descriptor is close-on-exec.
 *
 * Return: 0; -EINVAL (unknown flag); -ENOMEM; -EPROTO (a module with another
 * ABI); and what open(2), mmap(2) and PINWATCH_IOC_GET_INFO fail with, notably
 * -ENOENT (module not loaded) and -EACCES (not root).
 */
int pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags);

/**
 * pinwatch_from_fd() - make a handle of a descriptor that is already open
 * @dev: Out. The handle; untouched on failure.
 * @fd: A descriptor of the device, for example one that was received through a
 *	socket. On success the handle owns it.
 *
 * The handle can read events and generations of watches that another process
 * added, and delete them; only that process can add more (-EXDEV).
 *
 * Return: as pinwatch_open(); -ENOTTY or -EINVAL when @fd is not the device.
 */
int pinwatch_from_fd(struct pinwatch **dev, int fd);

/**
 * pinwatch_close() - unmap the generations and close the descriptor
 * @dev: The handle, or NULL.
 *
 * If no other process holds the descriptor, all watches are deleted and all
 * pages unpinned when it returns.
 */
void pinwatch_close(struct pinwatch *dev);

/**
 * pinwatch_fd() - the descriptor, for poll(2) and for passing on
 * @dev: The handle.
 *
 * It is readable (POLLIN) when pinwatch_read_events() would not wait.
 *
 * Return: the descriptor, which stays the handle's.
 */
int pinwatch_fd(const struct pinwatch *dev);

/**
 * pinwatch_get_info() - versions, features and limits
 * @dev: The handle.
 * @info: Out. All members are set.
 *
 * Return: 0; never fails on an open device but for -EFAULT.
 */
int pinwatch_get_info(struct pinwatch *dev, struct pinwatch_info *info);

/**
 * pinwatch_get_stats() - module-wide counters
 * @dev: The handle.
 * @stats: Out. All members are set.
 *
 * Return: 0; -EPERM without CAP_SYS_ADMIN.
 */
int pinwatch_get_stats(struct pinwatch *dev, struct pinwatch_stats *stats);

/**
 * pinwatch_watch_add() - watch a range, and pin it if asked for
 * @dev: The handle.
 * @addr: First byte; rounded down to a page.
 * @length: Bytes, not 0; the end is rounded up to a page.
 * @flags: PINWATCH_WATCH_F_*.
 * @cookie: Returned in each event of this watch.
 * @watch: Out. Untouched on failure.
 *
 * There is no window between pinning and watching: a change that the pages
 * missed makes pinwatch_valid() false.
 *
 * Return: 0; -EINVAL; -EFAULT (a page to be pinned is not mapped so);
 * -EOVERFLOW (beyond user space); -EXDEV (not the process that added the
 * first); -ESRCH; -ENOSPC (pinwatch_info.max_watches); -EDQUOT; -ENOMEM (memory,
 * RLIMIT_MEMLOCK); -EAGAIN (changed too often to pin); -EINTR; -EOPNOTSUPP,
 * -EBUSY, -EHWPOISON (pages that cannot be pinned for long).
 */
int pinwatch_watch_add(struct pinwatch *dev, const void *addr, size_t length,
		       uint32_t flags, uint64_t cookie,
		       struct pinwatch_watch *watch);

/**
 * pinwatch_watch_del() - end a watch and unpin its pages
 * @dev: The handle.
 * @watch: From pinwatch_watch_add() on @dev.
 *
 * pinwatch_valid(@watch) is false from here on, also when the id is used again.
 *
 * Return: 0; -ENOENT.
 */
int pinwatch_watch_del(struct pinwatch *dev, const struct pinwatch_watch *watch);

/**
 * pinwatch_read_events() - what was invalidated
 * @dev: The handle.
 * @events: Out. Room for @nr_events.
 * @nr_events: Not 0.
 *
 * One record for each watch that was hit since it was last read. Waits for the
 * first unless the handle is PINWATCH_OPEN_NONBLOCK.
 *
 * Return: the number of records, at least 1; -EINVAL (@nr_events 0); -EAGAIN
 * (none, and it must not wait); -EINTR.
 */
int pinwatch_read_events(struct pinwatch *dev, struct pinwatch_event *events,
			 size_t nr_events);

/**
 * pinwatch_map_generations() - the mapped array of generation words
 * @dev: The handle.
 * @nr_words: Out, if not NULL. Its length; ids are below it.
 *
 * Return: the array, indexed by watch id; readable until pinwatch_close().
 */
const struct pinwatch_gen *pinwatch_map_generations(const struct pinwatch *dev,
						    size_t *nr_words);

/**
 * pinwatch_events_string() - name the bits of pinwatch_event.events
 * @events: PINWATCH_EVENT_* bits.
 * @buf: Out. Names joined by '+', "-" for none; always terminated.
 * @size: Bytes of @buf, not 0. 96 suffice.
 *
 * Return: @buf.
 */
const char *pinwatch_events_string(uint32_t events, char *buf, size_t size);

/**
 * pinwatch_generation() - the current value of a watch's generation
 * @watch: From pinwatch_watch_add(), handle not closed.
 *
 * On 32-bit machines only the low 32 bits.
 */
static inline uint64_t pinwatch_generation(const struct pinwatch_watch *watch)
{
#if __SIZEOF_POINTER__ >= 8
	return __atomic_load_n(&watch->word->generation, __ATOMIC_ACQUIRE);
#else
	return __atomic_load_n(&watch->word->generation32, __ATOMIC_ACQUIRE);
#endif
}

/**
 * pinwatch_valid() - has nothing been invalidated since the watch was added?
 * @watch: From pinwatch_watch_add(), handle not closed.
 *
 * One load from shared memory, no system call. A caller that acts on the answer
 * must order itself against its own threads that change the mapping: true says
 * that no system call that changed it had returned when the word was loaded.
 */
static inline bool pinwatch_valid(const struct pinwatch_watch *watch)
{
#if __SIZEOF_POINTER__ >= 8
	return pinwatch_generation(watch) == watch->generation;
#else
	return pinwatch_generation(watch) == (uint32_t)watch->generation;
#endif
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPINWATCH_H */
