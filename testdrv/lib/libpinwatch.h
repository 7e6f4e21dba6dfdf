/* SPDX-License-Identifier: MIT */
/*
 * libpinwatch: do the pages of a range still match the process's memory?
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
 * Return values: functions that return int return 0, or a count, or a negative errno.
 * No function prints. errno has no defined value after a call. pinwatch(4) describes
 * the device, and the errors of an ioctl in full. pinwatch_cache.h is a registration
 * cache on top of this library.
 *
 * Threads: several threads may call any function on one handle at the same time, but
 * pinwatch_close() must be the last call. The library locks only its list of handles, in
 * the functions that open and close: a caller protects the struct pinwatch_watch, and
 * other memory, that the caller passes. Only pinwatch_read_events() is a cancellation point.
 * Only pinwatch_watch_add(), pinwatch_watch_add_attr(),
 * pinwatch_watch_repin() and pinwatch_watch_keep() write to a struct pinwatch_watch.
 *
 * Processes: a handle belongs to the process that opened the handle. After fork() the
 * child has the file descriptor, but zeros in place of the mapped generations, until exit
 * or exec: pinwatch_valid() returns false, pinwatch_generation() and pinwatch_hits() return 0.
 * The child may call pinwatch_close(), which closes the descriptor of the child, and the
 * functions that are an ioctl or a read(). pinwatch_bind() makes a handle without watches a
 * handle of the child. exec() closes the descriptor.
 *
 * A child that clone(2) or _Fork(3) made has neither generations nor zeros: that child may
 * call pinwatch_close(), but none of these three functions. A child that shares the memory of
 * its parent (vfork(), CLONE_VM) must not call pinwatch_close().
 *
 * Versions: a program runs with every library of the same SONAME. Structures of
 * <linux/pinwatch.h> that the library writes may grow, so the functions whose names end in
 * _sized take the size that the structure had when the caller was compiled. The functions
 * without the suffix are inline and pass it. Members that only the caller knows become 0,
 * and the member size becomes the number of bytes that the library has set. struct
 * pinwatch_watch and struct pinwatch_gen are frozen, since pinwatch_valid() is inline. The
 * functions that return names have a buffer with a size.
 *
 * Signals: a signal handler may call pinwatch_valid(), pinwatch_generation() and
 * pinwatch_hits() only.
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

#define LIBPINWATCH_VERSION	"0.2.0"

/* Handle of an open device; opaque. */
struct pinwatch;

/**
 * struct pinwatch_watch - a watch that pinwatch_watch_add() added
 * @word: The mapped generation word. Readable until pinwatch_close().
 * @generation: The value of @word->generation at which the watch was valid.
 * @nr_pages: Pages in the range, after rounding out to whole pages.
 * @id: Id of the watch on its handle; events have the same id.
 * @touched_shift: One bit of pinwatch_event.touched is 1 << touched_shift bytes.
 *
 * Frozen: the structure never grows. The caller owns the structure and may copy it. It holds
 * no resource: the watch ends with pinwatch_watch_del() or pinwatch_close(), not with the
 * structure.
 */
struct pinwatch_watch {
	const struct pinwatch_gen *word;
	uint64_t generation;
	uint64_t nr_pages;
	uint32_t id;
	uint32_t touched_shift;
};

/**
 * struct pinwatch_watch_attr - arguments of pinwatch_watch_add_attr()
 * @size: Bytes: sizeof(struct pinwatch_watch_attr). Later versions may append members;
 *	the library takes members beyond @size as 0.
 * @flags: PINWATCH_WATCH_F_*.
 * @addr: First byte, in the address space that the handle is bound to; rounded down to a
 *	page.
 * @length: Bytes, not 0; the end is rounded up to a page.
 * @cookie: Any value; each event of the watch returns it.
 * @ignore_events: PINWATCH_EVENT_* bits that pinwatch_read_events() must not return. Any
 *	but PINWATCH_EVENT_RELEASE.
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
#define PINWATCH_OPEN_NONBLOCK	(1U << 0) /* pinwatch_read_events() never waits */

/* What the inline functions of the same name call; @size, @event_size: of the structure. */
int pinwatch_get_info_sized(struct pinwatch *dev, struct pinwatch_info *info, size_t size);
int pinwatch_get_stats_sized(struct pinwatch *dev, struct pinwatch_stats *stats, size_t size);
int pinwatch_read_events_sized(struct pinwatch *dev, struct pinwatch_event *events,
			       size_t nr_events, size_t event_size);
int pinwatch_watch_query_sized(struct pinwatch *dev, uint32_t id,
			       struct pinwatch_watch_query *figures, size_t size);
int pinwatch_watch_query_next_sized(struct pinwatch *dev, uint32_t *next,
				    struct pinwatch_watch_query *figures, size_t size);
int pinwatch_watch_verify_sized(struct pinwatch *dev, uint32_t id, uint64_t first_page,
				uint64_t nr_pages, uint8_t *verdicts,
				struct pinwatch_watch_verify *result, size_t size);
int pinwatch_watch_stack_sized(struct pinwatch *dev, uint32_t id,
			       struct pinwatch_watch_stack *stack, size_t size);

/**
 * pinwatch_version() - version of the library
 *
 * Return: a static string, "major.minor.patch".
 */
const char *pinwatch_version(void);

/**
 * pinwatch_open() - open the device and map the generations
 * @dev: Out. The handle. Unchanged on failure.
 * @path: The device node; NULL: PINWATCH_DEVICE.
 * @flags: PINWATCH_OPEN_*.
 *
 * The descriptor is close-on-exec.
 *
 * Return: 0; -EINVAL (unknown flag); -ENOMEM; -EPROTO (the module has another
 * major version of the ABI); or an error of open(2), mmap(2) or PINWATCH_IOC_GET_INFO, such
 * as -ENOENT (the module is not loaded) and -EACCES (no permission for the device node).
 */
int pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags);

/**
 * pinwatch_from_fd() - make a handle from an open descriptor
 * @dev: Out. The handle. Unchanged on failure.
 * @fd: A descriptor of the device, for example received through a socket. On success the
 *	handle owns @fd; on failure @fd stays open.
 *
 * The handle can read events and generations of watches that another process added, and
 * can delete these watches. Only the process that opened the device can add watches
 * (-EXDEV), unless the caller calls pinwatch_bind() before the first watch.
 *
 * Return: 0; -ENOTTY or -EINVAL (@fd is not the device); -ENOMEM; -EPROTO; or an error of
 * mmap(2) or PINWATCH_IOC_GET_INFO.
 */
int pinwatch_from_fd(struct pinwatch **dev, int fd);

/**
 * pinwatch_close() - unmap the generations and close the descriptor
 * @dev: The handle; NULL: no effect.
 *
 * No other thread may use @dev any more. If no other process has the descriptor, then all
 * watches are deleted and all pages are unpinned when the function returns. In a child of
 * the process that opened @dev, only closes the descriptor.
 */
void pinwatch_close(struct pinwatch *dev);

/**
 * pinwatch_fd() - descriptor of a handle, for poll(2) and for passing on
 * @dev: The handle.
 *
 * poll(2) reports POLLIN when pinwatch_read_events() would not wait.
 *
 * Return: the descriptor, which the handle still owns.
 */
int pinwatch_fd(const struct pinwatch *dev);

/**
 * pinwatch_get_info() - ABI version, features and limits
 * @dev: The handle.
 * @info: Out. All members are set on success.
 *
 * Return: 0. The function does not fail on an open handle.
 */
static inline int pinwatch_get_info(struct pinwatch *dev, struct pinwatch_info *info)
{
	return pinwatch_get_info_sized(dev, info, sizeof(*info));
}

/**
 * pinwatch_get_stats() - counters of the whole module
 * @dev: The handle.
 * @stats: Out. All members are set on success.
 *
 * Return: 0; -EPERM (no CAP_SYS_ADMIN).
 */
static inline int pinwatch_get_stats(struct pinwatch *dev, struct pinwatch_stats *stats)
{
	return pinwatch_get_stats_sized(dev, stats, sizeof(*stats));
}

/**
 * pinwatch_watch_add() - watch a range, and pin the pages on request
 * @dev: The handle.
 * @addr: First byte; rounded down to a page.
 * @length: Bytes, not 0; the end is rounded up to a page.
 * @flags: PINWATCH_WATCH_F_*.
 * @cookie: Any value; each event of the watch returns it.
 * @watch: Out. Unchanged on failure.
 *
 * There is no window between pinning and watching: if the mapping changes before the
 * function returns, pinwatch_valid() returns false.
 *
 * With PINWATCH_WATCH_F_PAGES, only an operation that can exchange or remove a page makes
 * the watch invalid. pinwatch_valid() does not notice that the mapping became read-only.
 *
 * Return: 0; -EINVAL (@length 0, or wrong @flags); -EFAULT (a page to be pinned is not
 * mapped, or does not permit the access); -EOVERFLOW (the range leaves user space);
 * -EPERM (PINWATCH_WATCH_F_STACK without CAP_SYSLOG); -EXDEV (the handle is bound
 * to another process: see pinwatch_bind()); -ESRCH (the address space is torn down, or
 * pinwatch_attach() failed so); -ENOSPC (pinwatch_info.max_watches); -EDQUOT (a limit of
 * the user: watches, watches on one page, pages of generations, pinned pages: LIMITS of
 * pinwatch(4)); -ENOMEM (memory); -ENOBUFS
 * (RLIMIT_MEMLOCK); -EMSGSIZE (more pages than pinwatch_info.max_pin_pages to be pinned);
 * -EAGAIN (invalidated too often to be pinned); -EINTR (a fatal signal); -EOPNOTSUPP, -EBUSY
 * (pages that cannot be pinned for long).
 */
int pinwatch_watch_add(struct pinwatch *dev, const void *addr, size_t length,
		       uint32_t flags, uint64_t cookie,
		       struct pinwatch_watch *watch);

/**
 * pinwatch_watch_add_attr() - pinwatch_watch_add() with all attributes
 * @dev: The handle.
 * @attr: Range, flags and ignored events.
 * @watch: Out. Unchanged on failure.
 *
 * After pinwatch_attach(), the range is in the address space of the other process.
 *
 * Return: as pinwatch_watch_add(); -EINVAL (@attr->size is too small, @attr->reserved is
 * not 0, or events that cannot be ignored); -E2BIG (@attr has members that this version
 * does not know, and they are not 0); -EOPNOTSUPP (PINWATCH_WATCH_F_PIN after
 * pinwatch_attach()).
 */
int pinwatch_watch_add_attr(struct pinwatch *dev, const struct pinwatch_watch_attr *attr,
			    struct pinwatch_watch *watch);

/**
 * pinwatch_watch_repin() - make a watch valid again
 * @dev: The handle.
 * @watch: From pinwatch_watch_add() on @dev. On success @watch->generation is the new
 *	generation; no other thread may read @watch during the call.
 *
 * Keeps the pin if each pinned page is mapped where it was. Otherwise pins the pages that
 * are mapped now in place of the old pages. Arms a one-shot watch. On failure the old
 * pages are still pinned, and the watch is as valid as before.
 *
 * Return: 0; -ENOENT (no such watch); -ESTALE (as pinwatch_watch_del()); -ESRCH (the
 * address space is gone); -EXDEV (a pinned watch of another process); and as
 * pinwatch_watch_add() -EFAULT, -ENOMEM, -ENOBUFS, -EMSGSIZE, -EDQUOT, -EAGAIN, -EINTR,
 * -EOPNOTSUPP, -EBUSY.
 */
int pinwatch_watch_repin(struct pinwatch *dev, struct pinwatch_watch *watch);

/**
 * pinwatch_watch_keep() - make a pinned watch valid again if no page has moved
 * @dev: The handle.
 * @watch: As pinwatch_watch_repin(), but other threads may call pinwatch_valid() with
 *	@watch during the call.
 *
 * PINWATCH_IOC_WATCH_REPIN with PINWATCH_REPIN_F_KEEP: the pin never changes, so what a
 * caller made of the pages (the registration with a network card) stays true.
 *
 * Return: 0; -EREMCHG (another page is mapped; the old pages are still pinned); -EINVAL (a
 * watch without PINWATCH_WATCH_F_PIN); -EOPNOTSUPP (no PINWATCH_FEATURE_VERIFY); and as
 * pinwatch_watch_repin() -ENOENT, -ESRCH, -EXDEV, -EFAULT, -ENOMEM, -EAGAIN, -EINTR.
 */
int pinwatch_watch_keep(struct pinwatch *dev, struct pinwatch_watch *watch);

/**
 * pinwatch_watch_del() - delete a watch and unpin the pages
 * @dev: The handle.
 * @watch: From pinwatch_watch_add() on @dev.
 *
 * Afterwards pinwatch_valid(@watch) is false, even if another watch gets the same id. A
 * second call with @watch, or with a copy of it, does not delete that other watch. For
 * that, @watch->generation is a generation of the watch, or 0 to delete the watch that
 * has @watch->id now.
 *
 * Return: 0; -ENOENT (no such watch); -ESTALE (the watch is deleted, and another watch has
 * its id); -EINTR (a fatal signal, while another thread repins
 * or verifies the watch).
 */
int pinwatch_watch_del(struct pinwatch *dev, const struct pinwatch_watch *watch);

/**
 * pinwatch_read_events() - read which watches were invalidated
 * @dev: The handle.
 * @events: Out. Array of @nr_events records.
 * @nr_events: Number of records, not 0.
 *
 * Returns at most one record for each watch. Waits for the first record, unless the
 * handle was opened with PINWATCH_OPEN_NONBLOCK.
 *
 * Return: the number of records, at least 1; -EINVAL (@nr_events 0); -EAGAIN (no record,
 * and the handle never waits); -EINTR (a signal); -EFAULT (@events); -EPROTO (the module has
 * another ABI).
 */
static inline int pinwatch_read_events(struct pinwatch *dev, struct pinwatch_event *events,
				       size_t nr_events)
{
	return pinwatch_read_events_sized(dev, events, nr_events, sizeof(*events));
}

/**
 * pinwatch_watch_query() - read the state and the counters of one watch
 * @dev: The handle.
 * @id: From pinwatch_watch_add(), or from an event.
 * @figures: Out. All members are set on success.
 *
 * Return: 0; -ENOENT (no such watch).
 */
static inline int pinwatch_watch_query(struct pinwatch *dev, uint32_t id,
				       struct pinwatch_watch_query *figures)
{
	return pinwatch_watch_query_sized(dev, id, figures, sizeof(*figures));
}

/**
 * pinwatch_watch_query_next() - iterate over the watches of a handle
 * @dev: The handle.
 * @next: In: the lowest id to consider; 0 for the first call. Out: @figures->id + 1.
 * @figures: Out. All members are set when the function returns 1.
 *
 *	uint32_t next = 0;
 *
 *	while (pinwatch_watch_query_next(dev, &next, &figures) == 1)
 *		...
 *
 * The iteration may or may not return a watch that is added or deleted meanwhile, and
 * returns every other watch once.
 *
 * Return: 1; 0 (no further watch, @next is unchanged); or a negative errno.
 */
static inline int pinwatch_watch_query_next(struct pinwatch *dev, uint32_t *next,
					    struct pinwatch_watch_query *figures)
{
	return pinwatch_watch_query_next_sized(dev, next, figures, sizeof(*figures));
}

/**
 * pinwatch_watch_verify() - compare a watch with the page tables
 * @dev: The handle.
 * @id: The watch.
 * @first_page: First page to compare, counted from the first page of the range.
 * @nr_pages: Pages to compare, at most PINWATCH_VERIFY_MAX; 0: all up to the end of the
 *	range, or PINWATCH_VERIFY_MAX.
 * @verdicts: Out, or NULL. Array of @nr_pages PINWATCH_VERDICT_*; then @nr_pages is not 0.
 * @result: Out. The worst verdict, and the number of pages with each verdict.
 *
 * Brings no page in and breaks no copy-on-write.
 *
 * Return: 0; -ENOENT (no such watch); -EINVAL (pages outside the range, or too many);
 * -EFAULT (@verdicts); -ENOMEM; -EINTR; -EAGAIN (invalidated too often to be compared);
 * -EOPNOTSUPP (no PINWATCH_FEATURE_VERIFY).
 */
static inline int pinwatch_watch_verify(struct pinwatch *dev, uint32_t id, uint64_t first_page,
					uint64_t nr_pages, uint8_t *verdicts,
					struct pinwatch_watch_verify *result)
{
	return pinwatch_watch_verify_sized(dev, id, first_page, nr_pages, verdicts, result,
					   sizeof(*result));
}

/**
 * pinwatch_watch_stack() - kernel stack of the last invalidation
 * @dev: The handle.
 * @id: A watch that was added with PINWATCH_WATCH_F_STACK.
 * @stack: Out. Return addresses, innermost first.
 *
 * Return: 0; -EPERM (no CAP_SYSLOG); -ENOENT (no such watch); -ENODATA (a watch without
 * PINWATCH_WATCH_F_STACK).
 */
static inline int pinwatch_watch_stack(struct pinwatch *dev, uint32_t id,
				       struct pinwatch_watch_stack *stack)
{
	return pinwatch_watch_stack_sized(dev, id, stack, sizeof(*stack));
}

/**
 * pinwatch_resync() - copy generation words
 * @dev: The handle.
 * @first_id: Id of the first word to copy.
 * @gens: Out. Array of @nr_ids words, whose size is frozen.
 * @nr_ids: Number of words, not 0.
 *
 * For a process that has the descriptor but not the mapping, such as a child after
 * fork(). pinwatch_info.hits_offset / sizeof(*gens) is the id of the word of the handle.
 *
 * Return: the number of copied words, less than @nr_ids at the end of the ids; -EINVAL
 * (@nr_ids is 0, or @first_id is beyond the last id); -EFAULT.
 */
int pinwatch_resync(struct pinwatch *dev, uint32_t first_id, struct pinwatch_gen *gens,
		    uint32_t nr_ids);

/**
 * pinwatch_bind() - bind a handle to the calling process
 * @dev: A handle without any watch until now.
 *
 * For a process that got the descriptor from the process that opened the device: by
 * fork(), exec() or a socket. Watches that are added afterwards are on memory of the
 * caller, and count for the caller's user. In a child after fork(), the function also maps
 * the generations again: no other thread may use @dev meanwhile.
 *
 * Return: 0; -EBUSY (a watch was added or is being added, or after pinwatch_attach());
 * -ENOMEM; or an error of mmap(2).
 */
int pinwatch_bind(struct pinwatch *dev);

/**
 * pinwatch_attach() - bind a handle to another process
 * @dev: A handle without any watch.
 * @pidfd: From pidfd_open(2) or clone(2); the caller still owns @pidfd.
 *
 * Watches added afterwards, without PINWATCH_WATCH_F_PIN, are on ranges of the other
 * process. They end with its address space (exit, exec), and do not keep it alive.
 *
 * The ioctl takes a PID. The library checks afterwards that the process existed until
 * then. If not, the kernel may have bound the handle to another process with the same
 * PID: the function returns -ESRCH, pinwatch_watch_add() fails with -ESRCH from then on,
 * and the caller can only call pinwatch_close().
 *
 * The PID comes from PIDFD_GET_INFO (Linux 6.13), or else from /proc/self/fdinfo.
 *
 * Return: 0; -EPERM (no CAP_SYS_PTRACE); -ESRCH (no such process, a process that has no
 * PID in the caller's PID namespace, no address space, or the process ended meanwhile);
 * -EBUSY (a watch was added or is being added, or after pinwatch_attach()); -EBADF,
 * -EINVAL (@pidfd is no pidfd); -EXDEV
 * (the PID is needed from /proc, which belongs to another PID namespace than the
 * caller's); or an error of reading /proc/self/fdinfo.
 */
int pinwatch_attach(struct pinwatch *dev, int pidfd);

/**
 * pinwatch_attach_pid() - bind a handle to another process, by PID
 * @dev: A handle without any watch.
 * @pid: PID of the process. The caller knows that no other process has got the PID.
 *
 * Does not read /proc.
 *
 * Return: 0; -EPERM, -ESRCH, -EBUSY as pinwatch_attach(); or an error of pidfd_open(2).
 */
int pinwatch_attach_pid(struct pinwatch *dev, pid_t pid);

/**
 * pinwatch_map_generations() - the mapped array of generation words
 * @dev: The handle.
 * @nr_words: Out, or NULL. Length of the array; every id is lower.
 *
 * The word at pinwatch_info.hits_offset is that of the handle: see pinwatch_hits(). No
 * watch has the id.
 *
 * Return: the array, indexed by watch id; readable until pinwatch_close().
 */
const struct pinwatch_gen *pinwatch_map_generations(const struct pinwatch *dev,
						    size_t *nr_words);

/**
 * pinwatch_hits() - current value of the word of a handle
 * @dev: The handle.
 *
 * The word changes whenever a watch of @dev stops being valid: it is invalidated or
 * deleted. So one load answers for all watches:
 *
 *	hits = pinwatch_hits(dev);		// first
 *	... pinwatch_valid() of each watch ...	// then
 *
 *	if (pinwatch_hits(dev) == hits)
 *		... // each watch that was valid then is valid now
 *
 * Unchanged: no system call that changed the mapping of such a watch had returned. Changed:
 * pinwatch_valid() is false for each watch that caused the change. Adding and repinning a
 * watch do not change the word.
 *
 * Acquire: the module changes the word of a watch first, and then this word.
 *
 * Return: the value, not 0; on 32-bit machines only the low 32 bits, which can be 0.
 */
uint64_t pinwatch_hits(const struct pinwatch *dev);

/**
 * pinwatch_events_string() - names of the bits of pinwatch_event.events
 * @events: PINWATCH_EVENT_* bits.
 * @buf: Out. Names joined by '+', or "-" for no bit; always terminated.
 * @size: Bytes of @buf, not 0. 96 bytes hold all names.
 *
 * Return: @buf.
 */
const char *pinwatch_events_string(uint32_t events, char *buf, size_t size);

/**
 * pinwatch_causes_string() - names of the bits of pinwatch_event.causes
 * @causes: PINWATCH_CAUSE_* bits.
 * @buf: Out. Names joined by '+', or "-" for no bit; always terminated.
 * @size: Bytes of @buf, not 0. 256 bytes hold all names.
 *
 * Return: @buf.
 */
const char *pinwatch_causes_string(uint64_t causes, char *buf, size_t size);

/**
 * pinwatch_verdict_string() - name of a verdict
 * @verdict: PINWATCH_VERDICT_*.
 *
 * Return: a static string; "?" for an unknown verdict.
 */
const char *pinwatch_verdict_string(uint32_t verdict);

/**
 * pinwatch_generation() - current generation of a watch
 * @watch: From pinwatch_watch_add() on a handle that is still open.
 *
 * Acquire: pairs with the module's update of the word before the system call that changed
 * the mapping returns.
 *
 * Return: the generation; on 32-bit machines only the low 32 bits.
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
 * pinwatch_valid() - has nothing been invalidated since the watch was added or repinned?
 * @watch: From pinwatch_watch_add() on a handle that is still open.
 *
 * One load from shared memory, no system call. True: no system call that changed the
 * mapping had returned when the word was loaded. A caller must order the check against
 * the caller's own threads that change the mapping.
 *
 * Return: true until the first invalidation, then false until pinwatch_watch_repin().
 */
static inline bool pinwatch_valid(const struct pinwatch_watch *watch)
{
#if __SIZEOF_POINTER__ >= 8
	return pinwatch_generation(watch) ==
	       __atomic_load_n(&watch->generation, __ATOMIC_RELAXED);
#else
	/* A torn value is harmless: the upper half is not used. */
	return pinwatch_generation(watch) == (uint32_t)watch->generation;
#endif
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPINWATCH_H */
