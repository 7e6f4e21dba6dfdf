// SPDX-License-Identifier: MIT
/*
 * The calls: a function that makes each, and the table of all. Calls that change memory
 * do so in the arena only. Otherwise a mutated program would unmap its own stack or code.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/pinwatch.h>

#include "abi.h"
#include "execute.h"

/* Newer than some C libraries */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define MAP_HARMFUL	(MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | MAP_LOCKED)

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static void *pointer(uint64_t value)
{
	return (void *)(uintptr_t)value;
}

/* -1 for the descriptors that the fuzzer needs */
static int descriptor(uint64_t value)
{
	return value >= FIRST_FD && value <= INT32_MAX ? (int)value : -1;
}

static bool in_arena(uint64_t addr, uint64_t length)
{
	return addr >= PROG_ARENA && length && length <= PROG_PAGES * PROG_PAGE &&
	       addr - PROG_ARENA <= PROG_PAGES * PROG_PAGE - length;
}

/* Move @fd to the number that belongs to the call. */
static long renumber(struct attempt *attempt, int fd)
{
	int number = FIRST_FD + (int)attempt->index;

	if (fd < 0)
		return -errno;
	if (dup3(fd, number, O_CLOEXEC) < 0)
		number = -errno;
	close(fd);
	if (number >= 0)
		generations_add(attempt->execution, attempt->index, number);
	return number;
}

static long call_open(struct attempt *attempt)
{
	int flags = (int)attempt->args[0] & ~(O_CREAT | O_TRUNC);

	return renumber(attempt, open(PINWATCH_DEVICE, flags));
}

static long call_close(struct attempt *attempt)
{
	return result(close(descriptor(attempt->args[0])));
}

static long call_dup(struct attempt *attempt)
{
	return renumber(attempt, dup(descriptor(attempt->args[0])));
}

static long call_ioctl(struct attempt *attempt)
{
	return result(ioctl(descriptor(attempt->args[0]), (unsigned long)attempt->args[1],
			    pointer(attempt->args[2])));
}

static long call_read(struct attempt *attempt)
{
	return result(syscall(SYS_read, descriptor(attempt->args[0]), pointer(attempt->args[1]),
			      (size_t)attempt->args[2]));
}

static long call_poll(struct attempt *attempt)
{
	struct timespec timeout = { .tv_nsec = (long)(attempt->args[2] % 4) * 1000000 };

	return result(syscall(SYS_ppoll, pointer(attempt->args[0]), (unsigned int)attempt->args[1],
			      &timeout, NULL, 8));
}

static long call_mmap(struct attempt *attempt)
{
	void *map = mmap(NULL, (size_t)attempt->args[1],
			 (int)attempt->args[2] & (PROT_READ | PROT_WRITE),
			 (int)attempt->args[3] & ~MAP_HARMFUL, descriptor(attempt->args[0]),
			 (off_t)attempt->args[4]);

	return map == MAP_FAILED ? -errno : 0;
}

static long call_arena_mmap(struct attempt *attempt)
{
	void *map;

	if (!in_arena(attempt->args[0], attempt->args[1]))
		return -EINVAL;
	map = mmap(pointer(attempt->args[0]), (size_t)attempt->args[1],
		   (int)attempt->args[2] & (PROT_READ | PROT_WRITE),
		   (int)attempt->args[3] | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
	return map == MAP_FAILED ? -errno : 0;
}

static long call_munmap(struct attempt *attempt)
{
	if (!in_arena(attempt->args[0], attempt->args[1]))
		return -EINVAL;
	return result(munmap(pointer(attempt->args[0]), (size_t)attempt->args[1]));
}

static long call_mprotect(struct attempt *attempt)
{
	if (!in_arena(attempt->args[0], attempt->args[1]))
		return -EINVAL;
	return result(mprotect(pointer(attempt->args[0]), (size_t)attempt->args[1],
			       (int)attempt->args[2] & (PROT_READ | PROT_WRITE)));
}

static long call_madvise(struct attempt *attempt)
{
	if (!in_arena(attempt->args[0], attempt->args[1]))
		return -EINVAL;
	return result(madvise(pointer(attempt->args[0]), (size_t)attempt->args[1],
			      (int)attempt->args[2]));
}

static long call_mremap(struct attempt *attempt)
{
	void *map;

	if (!in_arena(attempt->args[0], attempt->args[1]) ||
	    !in_arena(attempt->args[3], attempt->args[2]))
		return -EINVAL;
	map = mremap(pointer(attempt->args[0]), (size_t)attempt->args[1], (size_t)attempt->args[2],
		     MREMAP_MAYMOVE | MREMAP_FIXED, pointer(attempt->args[3]));
	return map == MAP_FAILED ? -errno : 0;
}

/* Through a pipe: the kernel returns an error where a load or a store would be fatal. */
static long call_touch(struct attempt *attempt)
{
	uint64_t addr = attempt->args[0], end = addr + attempt->args[1];
	int ends[2], touched = 0;

	if (!in_arena(addr, attempt->args[1]) || pipe2(ends, O_CLOEXEC))
		return -EINVAL;
	for (; addr < end; addr += PROG_PAGE)
		if (write(ends[1], pointer(addr), 1) == 1)
			touched += !(attempt->args[2] & 1) || read(ends[0], pointer(addr), 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return touched;
}

static long call_getpid(struct attempt *attempt)
{
	(void)attempt;
	return getpid();
}

static long call_exit(struct attempt *attempt)
{
	(void)attempt;
	_exit(0);
}

static const struct abi_values open_flags =
	BITS(O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_NONBLOCK, O_CLOEXEC);
static const struct abi_values prots = BITS(PROT_NONE, PROT_READ, PROT_WRITE);
static const struct abi_values map_flags =
	VALUES(MAP_SHARED, MAP_SHARED | MAP_POPULATE, MAP_PRIVATE);
static const struct abi_values arena_flags = VALUES(MAP_PRIVATE, MAP_SHARED);
static const struct abi_values advice = VALUES(MADV_DONTNEED, MADV_FREE, MADV_REMOVE,
	MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_HUGEPAGE,
	MADV_NOHUGEPAGE, MADV_COLLAPSE, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_COLD,
	MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE);

#define BYTES(argument)		.kind = ABI_BYTES, .length_of = (argument)
#define COUNT(argument)		.kind = ABI_COUNT, .length_of = (argument)
#define IOCTL(number, structure, ...) {						\
	.name = #number, .make = call_ioctl, .request = (number),		\
	.args = { { FD }, { REQUEST }, { POINTER(structure, 1, 1) } },	\
	__VA_ARGS__								\
}

/* scripts/check/fuzz compares the errors with the header. */
const struct abi_call abi_calls[] = {
	{ "open", call_open, { { FLAGS(open_flags) } }, .makes = ABI_FD },
	{ "close", call_close, { { FD } } },
	{ "dup", call_dup, { { FD } }, .makes = ABI_FD },
	{ "read", call_read, { { FD }, { POINTER(abi_event, 1, 8) }, { BYTES(1) } },
	  .errors = { EINVAL, EAGAIN, EINTR, EFAULT } },
	{ "poll", call_poll, { { POINTER(abi_pollfd, 1, 2) }, { COUNT(0) }, { RANGE(0, 2) } } },
	{ "mmap", call_mmap,
	  { { FD }, { RANGE(1, 2048) }, { FLAGS(prots) }, { FLAGS(map_flags) }, { ZERO } },
	  .errors = { EACCES, EINVAL, ENOMEM, ENFILE } },

	IOCTL(PINWATCH_IOC_GET_INFO, abi_info, .errors = { EINVAL, E2BIG, EFAULT }),
	IOCTL(PINWATCH_IOC_GET_STATS, abi_stats, .privileged = true,
	      .errors = { EPERM, EINVAL, E2BIG, EFAULT }),
	IOCTL(PINWATCH_IOC_WATCH_ADD, abi_watch_add, .makes = ABI_ID,
	      .errors = { EINVAL, E2BIG, EFAULT, EOVERFLOW, EPERM, EXDEV, ESRCH, ENOSPC,
			  EDQUOT, ENOMEM, ENOBUFS, EMSGSIZE, EAGAIN, EINTR, EOPNOTSUPP,
			  EBUSY }),
	IOCTL(PINWATCH_IOC_WATCH_DEL, abi_watch_del,
	      .errors = { EINVAL, E2BIG, EFAULT, ENOENT, ESTALE, EINTR }),
	IOCTL(PINWATCH_IOC_WATCH_REPIN, abi_watch_repin,
	      .errors = { EINVAL, E2BIG, EFAULT, ENOENT, ESTALE, EXDEV, ESRCH, EREMCHG, ENOMEM,
			  ENOBUFS, EMSGSIZE, EDQUOT, EAGAIN, EINTR, EOPNOTSUPP, EBUSY }),
	IOCTL(PINWATCH_IOC_WATCH_QUERY, abi_watch_query, .makes = ABI_ID,
	      .errors = { EINVAL, E2BIG, EFAULT, ENOENT }),
	IOCTL(PINWATCH_IOC_WATCH_VERIFY, abi_watch_verify,
	      .errors = { EINVAL, E2BIG, EFAULT, ENOENT, ENOMEM, EINTR, EAGAIN, EOPNOTSUPP }),
	IOCTL(PINWATCH_IOC_WATCH_STACK, abi_watch_stack, .privileged = true,
	      .errors = { EPERM, EINVAL, E2BIG, EFAULT, ENOENT, ENODATA }),
	IOCTL(PINWATCH_IOC_RESYNC, abi_resync, .errors = { EINVAL, E2BIG, EFAULT }),
	IOCTL(PINWATCH_IOC_ATTACH, abi_attach, .privileged = true,
	      .errors = { EPERM, EINVAL, E2BIG, EFAULT, ESRCH, EBUSY }),
	IOCTL(PINWATCH_IOC_BIND, abi_bind,
	      .errors = { EINVAL, E2BIG, EFAULT, ENOMEM, EBUSY }),

	{ "arena_mmap", call_arena_mmap,
	  { { PAGES }, { BYTES(0) }, { FLAGS(prots) }, { FLAGS(arena_flags) } } },
	{ "arena_munmap", call_munmap, { { PAGES }, { BYTES(0) } } },
	{ "arena_mprotect", call_mprotect,
	  { { PAGES }, { BYTES(0) }, { FLAGS(prots) } } },
	{ "arena_madvise", call_madvise,
	  { { PAGES }, { BYTES(0) }, { FLAGS(advice) } } },
	{ "arena_mremap", call_mremap,
	  { { PAGES }, { BYTES(0) }, { BYTES(0) }, { PAGES } } },
	{ "arena_touch", call_touch, { { PAGES }, { BYTES(0) }, { RANGE(0, 1) } } },

	{ "getpid", call_getpid, .makes = ABI_PID },
	{ "fork", call_fork },
	{ "exec", call_exec, { { FD } }, .rare = true },
	{ "pass_fd", call_pass, { { FD } } },
	{ "fd_in_flight", call_flight, { { FD } } },
	{ "exit", call_exit, .rare = true },
};

#define NR_CALLS	(sizeof(abi_calls) / sizeof(abi_calls[0]))

_Static_assert(NR_CALLS <= ABI_CALLS, "the tally has room for each call");
const unsigned int abi_nr_calls = NR_CALLS;

const struct abi_call *abi_find_ioctl(uint64_t request)
{
	uint32_t without_size = ~((uint32_t)_IOC_SIZEMASK << _IOC_SIZESHIFT);
	unsigned int i;

	for (i = 0; i < NR_CALLS; i++)
		if (abi_calls[i].request &&
		    !((abi_calls[i].request ^ (uint32_t)request) & without_size))
			return &abi_calls[i];
	return NULL;
}

unsigned int abi_nr_args(const struct abi_call *call)
{
	unsigned int nr = 0;

	while (call->args[nr].kind != ABI_NONE)
		nr++;
	return nr;
}
