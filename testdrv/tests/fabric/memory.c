// SPDX-License-Identifier: MIT
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

#define PAGE_SIZE	4096UL
#define SLIDE_PAGES	40

/*
 * A system call that no library can intercept. Registration caches patch the code of libc's
 * mmap() and munmap(), and some of them libc's syscall().
 */
static long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall" : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void map_over(struct memory *memory)
{
	if (mmap(memory->start, memory->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != memory->start)
		err(2, "mmap");
}

static void change_nothing(struct memory *memory, unsigned int message)
{
	(void)memory;
	(void)message;
}

static void change_libc(struct memory *memory, unsigned int message)
{
	(void)message;
	if (munmap(memory->start, memory->size))
		err(2, "munmap");
	map_over(memory);
}

static void change_raw(struct memory *memory, unsigned int message)
{
	const long start = (long)memory->start;
	const long size = (long)memory->size;

	(void)message;
	if (raw_syscall(SYS_munmap, start, size, 0, 0, 0, 0))
		errx(2, "munmap failed");
	if (raw_syscall(SYS_mmap, start, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != start)
		errx(2, "mmap failed");
}

static void change_mapover(struct memory *memory, unsigned int message)
{
	(void)message;
	map_over(memory);
}

static void change_madvise(struct memory *memory, unsigned int message)
{
	(void)message;
	if (madvise(memory->start, memory->size, MADV_DONTNEED))
		err(2, "madvise");
}

static void change_fork(struct memory *memory, unsigned int message)
{
	const pid_t pid = fork();

	(void)memory;
	(void)message;
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		err(2, "fork");
}

static void change_protect(struct memory *memory, unsigned int message)
{
	(void)message;
	if (mprotect(memory->start, memory->size, PROT_READ) ||
	    mprotect(memory->start, memory->size, PROT_READ | PROT_WRITE))
		err(2, "mprotect");
}

static void change_once(struct memory *memory, unsigned int message)
{
	if (message % 10 == 2)
		change_raw(memory, message);
}

static void change_slide(struct memory *memory, unsigned int message)
{
	memory->start = memory->arena + message % SLIDE_PAGES * PAGE_SIZE;
}

const struct memory_mode memory_modes[] = {
	{ "keep", "nothing changes the mapping", change_nothing },
	{ "libc", "munmap() and mmap() of libc", change_libc },
	{ "raw", "munmap and mmap by raw system calls, as language runtimes do", change_raw },
	{ "foreign", "another process punches a hole into the shared file and writes the file anew",
	  change_nothing, .shared = true },
	{ "mapover", "mmap() over the mapping, without munmap()", change_mapover },
	{ "madvise", "MADV_DONTNEED", change_madvise },
	{ "fork", "fork() of a child that exits at once", change_fork },
	{ "protect", "mprotect() to read-only and back", change_protect },
	{ "once", "as raw, before each tenth message only", change_once },
	{ "slide", "nothing, but each message begins one page later", change_slide },
	{ "register", "mmap() over the mapping right after its registration for the first message",
	  change_nothing, .late = true },
	{ NULL }
};

void memory_modes_print(void)
{
	const struct memory_mode *mode;

	for (mode = memory_modes; mode->name; mode++)
		printf("  %-9s %s\n", mode->name, mode->help);
}

const struct memory_mode *memory_mode_find(const char *name)
{
	const struct memory_mode *mode;

	for (mode = memory_modes; mode->name; mode++)
		if (!strcmp(mode->name, name))
			return mode;
	return NULL;
}

/* The process that writes the file: for each byte from @channel, until the socket closes */
static void __attribute__((noreturn)) punch(int channel, int memfd, size_t size)
{
	unsigned char *contents = malloc(size);
	unsigned char value;

	prctl(PR_SET_NAME, "puncher");
	while (contents && read(channel, &value, 1) == 1) {
		memset(contents, value, size);
		if (fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) ||
		    pwrite(memfd, contents, size, 0) != (ssize_t)size ||
		    write(channel, &value, 1) != 1)
			_exit(2);
	}
	_exit(0);
}

static int puncher_start(int memfd, size_t size)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		err(2, "socketpair");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		close(ends[0]);
		punch(ends[1], memfd, size);
	}
	close(ends[1]);
	return ends[0];
}

static int file_open(size_t size)
{
	const int memfd = memfd_create("remap", MFD_CLOEXEC);

	if (memfd < 0 || ftruncate(memfd, (off_t)size))
		err(2, "memfd_create");
	return memfd;
}

void memory_open(struct memory *memory, const struct memory_mode *mode, size_t size)
{
	const int memfd = mode->shared ? file_open(size) : -1;

	*memory = (struct memory){ .size = size, .mode = mode, .puncher = -1,
				   .arena_size = size + SLIDE_PAGES * PAGE_SIZE };
	if (mode->shared)
		memory->arena_size = size;
	memory->arena = mmap(NULL, memory->arena_size, PROT_READ | PROT_WRITE,
			     mode->shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, memfd, 0);
	if (memory->arena == MAP_FAILED)
		err(2, "mmap");
	memory->start = memory->arena;
	if (mode->shared) {
		memory->puncher = puncher_start(memfd, size);
		close(memfd);
	}
}

void memory_close(struct memory *memory)
{
	munmap(memory->arena, memory->arena_size);
	if (memory->puncher >= 0)
		close(memory->puncher);
}

static void fill_by_puncher(const struct memory *memory, unsigned char value)
{
	unsigned char done;

	if (write(memory->puncher, &value, 1) != 1 || read(memory->puncher, &done, 1) != 1)
		errx(2, "the process that writes the file has ended");
}

static void fill(const struct memory *memory, unsigned int message)
{
	if (memory->mode->shared)
		fill_by_puncher(memory, (unsigned char)message);
	else
		memset(memory->start, (unsigned char)message, memory->size);
	if (memory_count_wrong(memory->start, memory->size, message))
		errx(2, "the sender's own view of the buffer is wrong");
}

void memory_fill(struct memory *memory, unsigned int message)
{
	if (message == 2 && memory->mode->late && !memory->nr_exchanged)
		errx(2, "the buffer was not registered for the first message");
	if (message > 1)
		memory->mode->change(memory, message);
	fill(memory, message);
	memory->message = message;
}

/*
 * The registered pages lose the message, so that the receiver can tell them from the new pages.
 * A provider may register the buffer several times until it is connected.
 */
void memory_registered(struct memory *memory)
{
	if (memory->message != 1 || !memory->mode->late)
		return;
	memset(memory->start, 0, memory->size);
	map_over(memory);
	fill(memory, memory->message);
	memory->nr_exchanged++;
}

size_t memory_count_wrong(const unsigned char *start, size_t size, unsigned int message)
{
	const unsigned char value = (unsigned char)message;
	size_t i, nr_wrong = 0;

	/* The buffer holds one value if each byte equals the next byte. */
	if (start[0] == value && !memcmp(start, start + 1, size - 1))
		return 0;
	for (i = 0; i < size; i++)
		nr_wrong += start[i] != value;
	return nr_wrong;
}
