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
 *		pinwatch_watch_repin(dev, &watch); // the mapping of buffer was changed
 *
 * Functions return 0 (or a count) or a negative errno; none prints, none
 * touches errno's meaning for the caller. A registration cache on top of this
 * is in pinwatch_cache.h.
 *
 * Threads. Every function may be called on one handle by several threads at once,
 * except that pinwatch_close() must be the last use. The library has no lock and no
 * variable of its own: struct pinwatch_watch and what else a caller passes is the
 * caller's to protect. Of a struct pinwatch_watch only pinwatch_watch_add(),
 * pinwatch_watch_add_attr() and pinwatch_watch_repin() write to it.
 *
 * A handle belongs to the process that opened it: after fork() the child has
 * the file descriptor but not the mapped generations, so pinwatch_valid() may
 * not be called there; what is an ioctl may, and pinwatch_close(). exec() closes
 * the descriptor.
 */
#ifndef LIBPINWATCH_H
#define LIBPINWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
 * @touched_shift: A bit of pinwatch_event.touched stands for 1 << this many bytes.
 *
 * The caller owns the memory and may copy it; it holds no resource itself.
 */
struct pinwatch_watch {
	const struct pinwatch_gen *word;
	uint64_t generation;
	uint64_t nr_pages;
	uint32_t id;
	uint32_t touched_shift;
};

/**
 * struct pinwatch_watch_attr - what pinwatch_watch_add_attr() is to watch
 * @size: sizeof(struct pinwatch_watch_attr). Later versions may append members,
 *	and take what an older caller does not have for 0.
 * @flags: PINWATCH_WATCH_F_*.
 * @addr: First byte, in the address space that the handle is bound to; rounded
 *	down to a page.
 * @length: Bytes, not 0; the end is rounded up to a page.
 * @cookie: Returned in each event of this watch.
 * @ignore_events: PINWATCH_EVENT_* bits that are not to be read as events, any but
 *	PINWATCH_EVENT_RELEASE.
 * @reserved: 0.
 */
struct pinwatch_watch_attr {
	uint32_t size;
	uint32_t flags;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 cookie;
	uint32_t ignore_events;
	uint32_t reserved;
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
 * -EBUSY (pages that cannot be pinned for long).
 */
int pinwatch_watch_add(struct pinwatch *dev, const void *addr, size_t length,
		       uint32_t flags, uint64_t cookie,
		       struct pinwatch_watch *watch);

/**
 * pinwatch_watch_add_attr() - the same with everything that can be asked for
 * @dev: The handle.
 * @attr: What to watch.
 * @watch: Out. Untouched on failure.
 *
 * Also for the address space of another process: see pinwatch_attach().
 *
 * Return: as pinwatch_watch_add(); -EINVAL (@attr->size is too small, reserved is
 * not 0, events that cannot be ignored); -E2BIG (@attr has members that this version
 * does not know, and they are not 0); -EPERM (PINWATCH_WATCH_F_STACK without
 * CAP_SYSLOG); -EOPNOTSUPP (PINWATCH_WATCH_F_PIN after pinwatch_attach()).
 */
int pinwatch_watch_add_attr(struct pinwatch *dev, const struct pinwatch_watch_attr *attr,
			    struct pinwatch_watch *watch);

/**
 * pinwatch_watch_repin() - make a watch true anew
 * @dev: The handle.
 * @watch: From pinwatch_watch_add() on @dev. On success its generation is the new
 *	one; the caller sees to it that no other thread looks at it meanwhile.
 *
 * Takes the pages that are mapped now in place of the old ones, and arms a one-shot
 * watch. When it fails the old pages are still pinned, and the watch is as true or
 * untrue as before.
 *
 * Return: 0; -ENOENT; -ESRCH (the address space is gone); -EXDEV (a pinned watch of
 * another process); and as pinwatch_watch_add() -EFAULT, -ENOMEM, -EAGAIN, -EINTR,
 * -EOPNOTSUPP, -EBUSY.
 */
int pinwatch_watch_repin(struct pinwatch *dev, struct pinwatch_watch *watch);

/**
 * pinwatch_watch_del() - end a watch and unpin its pages
 * @dev: The handle.
 * @watch: From pinwatch_watch_add() on @dev.
 *
 * pinwatch_valid(@watch) is false from here on, also when the id is used again.
 *
 * Return: 0; -ENOENT; -EINTR (a fatal signal, while another thread repins or verifies
 * it).
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
 * pinwatch_watch_query() - the figures of one watch
 * @dev: The handle.
 * @id: From pinwatch_watch_add(), or from an event.
 * @figures: Out. All members are set, but on failure.
 *
 * Return: 0; -ENOENT.
 */
int pinwatch_watch_query(struct pinwatch *dev, uint32_t id,
			 struct pinwatch_watch_query *figures);

/**
 * pinwatch_watch_query_next() - go through the watches of a handle
 * @dev: The handle.
 * @next: In: the least id that is of interest, 0 to begin. Out: the one after
 *	@figures->id.
 * @figures: Out.
 *
 *	uint32_t next = 0;
 *
 *	while (pinwatch_watch_query_next(dev, &next, &figures) == 1)
 *		...
 *
 * A watch that is added or deleted meanwhile may be seen or not; each other one is
 * seen once.
 *
 * Return: 1; 0 (no further one, @next is unchanged); negative: as
 * pinwatch_watch_query().
 */
int pinwatch_watch_query_next(struct pinwatch *dev, uint32_t *next,
			      struct pinwatch_watch_query *figures);

/**
 * pinwatch_watch_verify() - compare a watch with the page tables
 * @dev: The handle.
 * @id: The watch.
 * @first_page: The first page to look at, counted from the range's first.
 * @nr_pages: How many, at most PINWATCH_VERIFY_MAX; 0: all from there on, or so many.
 * @verdicts: Out, if not NULL. PINWATCH_VERDICT_* for each of @nr_pages pages, which
 *	then is not 0.
 * @result: Out. The worst verdict, and how many pages have which.
 *
 * Brings no page in and breaks no copy-on-write.
 *
 * Return: 0; -ENOENT; -EINVAL (pages outside the range, or too many); -EFAULT (@verdicts);
 * -ENOMEM; -EINTR; -EAGAIN (the range is being invalidated all the time);
 * -EOPNOTSUPP (no PINWATCH_FEATURE_VERIFY).
 */
int pinwatch_watch_verify(struct pinwatch *dev, uint32_t id, uint64_t first_page,
			  uint64_t nr_pages, uint8_t *verdicts,
			  struct pinwatch_watch_verify *result);

/**
 * pinwatch_watch_stack() - where in the kernel the last invalidation came from
 * @dev: The handle.
 * @id: A watch that was added with PINWATCH_WATCH_F_STACK.
 * @stack: Out. Return addresses, innermost first.
 *
 * Return: 0; -EPERM (without CAP_SYSLOG); -ENOENT; -ENODATA (without that flag).
 */
int pinwatch_watch_stack(struct pinwatch *dev, uint32_t id,
			 struct pinwatch_watch_stack *stack);

/**
 * pinwatch_resync() - copy generation words
 * @dev: The handle.
 * @first_id: The first id.
 * @gens: Out. Room for @nr_ids.
 * @nr_ids: Not 0.
 *
 * For a process that has the descriptor but not the mapping, such as a child after
 * fork().
 *
 * Return: how many were copied, less than @nr_ids at the end of the ids; -EINVAL
 * (@nr_ids is 0, @first_id is beyond the end); -EFAULT.
 */
int pinwatch_resync(struct pinwatch *dev, uint32_t first_id, struct pinwatch_gen *gens,
		    uint32_t nr_ids);

/**
 * pinwatch_attach() - bind a fresh handle to another process
 * @dev: A handle without any watch.
 * @pidfd: From pidfd_open(2) or clone(2); it stays the caller's.
 *
 * Watches that are added from then on, without PINWATCH_WATCH_F_PIN, are on ranges of
 * that process. They end with its address space (exit, exec), and keep nothing alive.
 *
 * The kernel is told a PID, and the library looks afterwards whether the process was
 * there all the time. If it was not, the handle is bound to nobody knows whom: the
 * result is -ESRCH, adding a watch fails with -ESRCH, and all there is left to do is
 * pinwatch_close().
 *
 * Return: 0; -EPERM (without CAP_SYS_PTRACE); -ESRCH (no such process, or it has no
 * address space, or it ended meanwhile); -EBUSY (the handle is bound already);
 * -EBADF, -EINVAL (@pidfd is not one); and what reading /proc/self/fdinfo fails with.
 */
int pinwatch_attach(struct pinwatch *dev, int pidfd);

/**
 * pinwatch_attach_pid() - the same for a process that is known by its PID
 * @dev: A handle without any watch.
 * @pid: Its PID: the caller knows that it has not been given to another one.
 *
 * Return: as pinwatch_attach().
 */
int pinwatch_attach_pid(struct pinwatch *dev, pid_t pid);

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
 * pinwatch_causes_string() - name the bits of pinwatch_event.causes
 * @causes: PINWATCH_CAUSE_* bits.
 * @buf: Out. Names joined by '+', "-" for none; always terminated.
 * @size: Bytes of @buf, not 0. 256 suffice.
 *
 * Return: @buf.
 */
const char *pinwatch_causes_string(uint64_t causes, char *buf, size_t size);

/**
 * pinwatch_verdict_string() - name a verdict
 * @verdict: PINWATCH_VERDICT_*.
 *
 * Return: a static string; "?" for one that this version does not know.
 */
const char *pinwatch_verdict_string(uint32_t verdict);

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
