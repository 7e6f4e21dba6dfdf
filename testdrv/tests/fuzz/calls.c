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

#include "run.h"

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
	return value >= RUN_FIRST_FD && value <= INT32_MAX ? (int)value : -1;
}

static bool in_arena(uint64_t addr, uint64_t length)
{
	return addr >= PROG_ARENA && length && length <= PROG_PAGES * PROG_PAGE &&
	       addr - PROG_ARENA <= PROG_PAGES * PROG_PAGE - length;
}

/* To the number that belongs to this call. */
static long renumber(struct run_call *call, int fd)
{
	int number = RUN_FIRST_FD + (int)call->index;

	if (fd < 0)
		return -errno;
	if (dup3(fd, number, O_CLOEXEC) < 0)
		number = -errno;
	close(fd);
	if (number >= 0)
		run_file_add(call->run, call->index, number);
	return number;
}

static long make_openat(struct run_call *call)
{
	return renumber(call, open(PINWATCH_DEVICE, (int)call->args[2] & ~(O_CREAT | O_TRUNC)));
}

static long make_close(struct run_call *call)
{
	return result(close(descriptor(call->args[0])));
}

static long make_dup(struct run_call *call)
{
	return renumber(call, dup(descriptor(call->args[0])));
}

static long make_ioctl(struct run_call *call)
{
	return result(ioctl(descriptor(call->args[0]), (unsigned long)call->args[1],
			    pointer(call->args[2])));
}

static long make_read(struct run_call *call)
{
	return result(syscall(SYS_read, descriptor(call->args[0]), pointer(call->args[1]),
			      (size_t)call->args[2]));
}

static long make_poll(struct run_call *call)
{
	struct timespec timeout = { .tv_nsec = (long)(call->args[2] % 4) * 1000000 };

	return result(syscall(SYS_ppoll, pointer(call->args[0]), (unsigned int)call->args[1],
			      &timeout, NULL, 8));
}

static long make_mmap(struct run_call *call)
{
	bool arena = strstr(call->prog->call->name, "_arena");
	void *map;

	if (arena && !in_arena(call->args[0], call->args[1]))
		return -EINVAL;
	map = mmap(arena ? pointer(call->args[0]) : NULL, (size_t)call->args[1],
		   (int)call->args[2] & (PROT_READ | PROT_WRITE),
		   arena ? (int)call->args[3] | MAP_FIXED | MAP_ANONYMOUS :
			   (int)call->args[3] & ~MAP_HARMFUL,
		   descriptor(call->args[4]), (off_t)call->args[5]);
	return map == MAP_FAILED ? -errno : 0;
}

static long make_munmap(struct run_call *call)
{
	if (!in_arena(call->args[0], call->args[1]))
		return -EINVAL;
	return result(munmap(pointer(call->args[0]), (size_t)call->args[1]));
}

static long make_mprotect(struct run_call *call)
{
	if (!in_arena(call->args[0], call->args[1]))
		return -EINVAL;
	return result(mprotect(pointer(call->args[0]), (size_t)call->args[1],
			       (int)call->args[2] & (PROT_READ | PROT_WRITE)));
}

static long make_madvise(struct run_call *call)
{
	if (!in_arena(call->args[0], call->args[1]))
		return -EINVAL;
	return result(madvise(pointer(call->args[0]), (size_t)call->args[1],
			      (int)call->args[2]));
}

static long make_mremap(struct run_call *call)
{
	void *map;

	if (!in_arena(call->args[0], call->args[1]) || !in_arena(call->args[4], call->args[2]))
		return -EINVAL;
	map = mremap(pointer(call->args[0]), (size_t)call->args[1], (size_t)call->args[2],
		     MREMAP_MAYMOVE | MREMAP_FIXED, pointer(call->args[4]));
	return map == MAP_FAILED ? -errno : 0;
}

/* By the kernel, which returns an error where a load or a store would be fatal. */
static long make_touch(struct run_call *call)
{
	uint64_t addr = call->args[0], end = addr + call->args[1];
	int ends[2], touched = 0;

	if (!in_arena(addr, call->args[1]) || pipe2(ends, O_CLOEXEC))
		return -EINVAL;
	for (; addr < end; addr += PROG_PAGE)
		if (write(ends[1], pointer(addr), 1) == 1)
			touched += !(call->args[2] & 1) || read(ends[0], pointer(addr), 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return touched;
}

static long make_getpid(struct run_call *call)
{
	(void)call;
	return getpid();
}

static long make_exit(struct run_call *call)
{
	(void)call;
	_exit(0);
}

static const struct make {
	const char *base;
	long (*make)(struct run_call *call);
} makes[] = {
	{ "openat", make_openat },
	{ "close", make_close },
	{ "dup", make_dup },
	{ "ioctl", make_ioctl },
	{ "read", make_read },
	{ "poll", make_poll },
	{ "mmap", make_mmap },
	{ "munmap", make_munmap },
	{ "mprotect", make_mprotect },
	{ "madvise", make_madvise },
	{ "mremap", make_mremap },
	{ "getpid", make_getpid },
	{ "syz_pinwatch_touch", make_touch },
	{ "syz_pinwatch_fork", run_fork },
	{ "syz_pinwatch_exec", run_exec },
	{ "syz_pinwatch_pass", run_pass },
	{ "syz_pinwatch_flight", run_flight },
	{ "syz_pinwatch_exit", make_exit },
};

long run_make(struct run_call *call)
{
	size_t i;

	for (i = 0; i < sizeof(makes) / sizeof(makes[0]); i++)
		if (lang_call_is(call->prog->call, makes[i].base))
			return makes[i].make(call);
	report_fail(call->run->report, REPORT_DIED, NULL, "%s: nobody knows how to make it",
		    call->prog->call->name);
	return -ENOSYS;
}
