// SPDX-License-Identifier: MIT
/*
 * Making the calls of the description. What changes memory does so in the arena only,
 * or a mutated program would take away its own ground.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "execute.h"

#define MAP_HARMFUL	(MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | MAP_LOCKED)

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static void *pointer(uint64_t value)
{
	return (void *)(uintptr_t)value;
}

/* Not the descriptors of the fuzzer itself. */
static int descriptor(uint64_t value)
{
	return value >= FIRST_FD && value <= INT32_MAX ? (int)value : -1;
}

static bool in_arena(uint64_t addr, uint64_t length)
{
	return addr >= PROG_ARENA && length && length <= PROG_PAGES * PROG_PAGE &&
	       addr - PROG_ARENA <= PROG_PAGES * PROG_PAGE - length;
}

/* To the number that belongs to this call. */
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

static long call_openat(struct attempt *attempt)
{
	return renumber(attempt, open(PINWATCH_DEVICE, (int)attempt->args[2] & ~(O_CREAT | O_TRUNC)));
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
	bool arena = strstr(attempt->prog->call->name, "_arena");
	void *map;

	if (arena && !in_arena(attempt->args[0], attempt->args[1]))
		return -EINVAL;
	map = mmap(arena ? pointer(attempt->args[0]) : NULL, (size_t)attempt->args[1],
		   (int)attempt->args[2] & (PROT_READ | PROT_WRITE),
		   arena ? (int)attempt->args[3] | MAP_FIXED | MAP_ANONYMOUS :
			   (int)attempt->args[3] & ~MAP_HARMFUL,
		   descriptor(attempt->args[4]), (off_t)attempt->args[5]);
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

	if (!in_arena(attempt->args[0], attempt->args[1]) || !in_arena(attempt->args[4], attempt->args[2]))
		return -EINVAL;
	map = mremap(pointer(attempt->args[0]), (size_t)attempt->args[1], (size_t)attempt->args[2],
		     MREMAP_MAYMOVE | MREMAP_FIXED, pointer(attempt->args[4]));
	return map == MAP_FAILED ? -errno : 0;
}

/* By the kernel, which returns an error where a load or a store would be fatal. */
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

static const struct make {
	const char *base;
	long (*make)(struct attempt *attempt);
} makes[] = {
	{ "openat", call_openat },
	{ "close", call_close },
	{ "dup", call_dup },
	{ "ioctl", call_ioctl },
	{ "read", call_read },
	{ "poll", call_poll },
	{ "mmap", call_mmap },
	{ "munmap", call_munmap },
	{ "mprotect", call_mprotect },
	{ "madvise", call_madvise },
	{ "mremap", call_mremap },
	{ "getpid", call_getpid },
	{ "syz_pinwatch_touch", call_touch },
	{ "syz_pinwatch_fork", call_fork },
	{ "syz_pinwatch_exec", call_exec },
	{ "syz_pinwatch_pass", call_pass },
	{ "syz_pinwatch_flight", call_flight },
	{ "syz_pinwatch_exit", call_exit },
};

long attempt_make(struct attempt *attempt)
{
	size_t i;

	for (i = 0; i < sizeof(makes) / sizeof(makes[0]); i++)
		if (lang_call_is(attempt->prog->call, makes[i].base))
			return makes[i].make(attempt);
	tally_defect(attempt->execution->tally, DEFECT_DIED, NULL, "%s: nobody knows how to make it",
		    attempt->prog->call->name);
	return -ENOSYS;
}
