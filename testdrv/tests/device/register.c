// SPDX-License-Identifier: MIT
/*
 * The cost for other processes of a loop that registers address spaces
 *
 * The first WATCH_ADD in an address space registers the engine there: mm_take_all_locks()
 * takes, among others, the lock of each mapped file, for example of the C library. Another
 * process that maps or unmaps that file waits. So does a process beside fork() and exit,
 * which take the same locks, one at a time.
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "tracing.h"

#define LENGTH		(8 * page_size())
#define NR_LOOPS	4U
#define NR_MAPPINGS	1000U
#define NR_WINDOWS	5U
#define WINDOW_NS	(NS_PER_S / 10)
#define PAUSE_US	50
#define MAX_RATIO	5	/* of waits beside loops that register, and beside fork() */
#define HOST_NS		(NS_PER_S / 20)	/* a busy host delays a guest for some ms */
#define IDLE_NS		NS_PER_S	/* idle_ms */

enum kind {
	FORK,			/* fork, exit */
	FORK_REGISTER,		/* fork, open, WATCH_ADD, close, exit */
	REGISTER,		/* open, WATCH_ADD, close */
};

static const char *const kind_names[] = { "fork", "fork and register", "register" };

/* Shared by the processes of a test. */
struct crowd {
	unsigned int nr_ready;
	bool stop;
	uint64_t nr_rounds;
};

static struct crowd *crowd;
static int library;	/* a file that all processes have mapped */

static void library_map(void)
{
	CHECK(mmap(NULL, LENGTH, PROT_READ, MAP_PRIVATE, library, 0) != MAP_FAILED);
}

static void register_once(const char *page)
{
	int fd = open_device(0);

	add(fd, page, page_size(), WATCH, 0);
	CHECK_EQ(close(fd), 0);
}

static void loop_round(enum kind kind, const char *page)
{
	pid_t pid;

	if (kind == REGISTER) {
		register_once(page);
		return;
	}
	pid = fork_child();
	if (!pid) {
		if (kind == FORK_REGISTER)
			register_once(page);
		_exit(0);
	}
	wait_child(pid);
}

static void loop_run(enum kind kind, size_t nr_mappings) __attribute__((noreturn));
static void loop_run(enum kind kind, size_t nr_mappings)
{
	const char *page = map_apart(nr_mappings);

	library_map();
	__atomic_add_fetch(&crowd->nr_ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&crowd->stop, __ATOMIC_SEQ_CST)) {
		loop_round(kind, page);
		__atomic_add_fetch(&crowd->nr_rounds, 1, __ATOMIC_SEQ_CST);
	}
	_exit(0);
}

/*
 * Return: the longest mmap() and munmap(), in ns. The scheduler prefers this process, so
 * that the process waits for locks, and not for a processor.
 */
static uint64_t longest_wait(void)
{
	uint64_t begin, wait, longest = 0, end = now_ns() + WINDOW_NS;
	void *addr;

	do {
		begin = now_ns();
		addr = mmap(NULL, LENGTH, PROT_READ, MAP_PRIVATE, library, 0);
		CHECK(addr != MAP_FAILED);
		CHECK_EQ(munmap(addr, LENGTH), 0);
		wait = now_ns() - begin;
		longest = wait > longest ? wait : longest;
		usleep(PAUSE_US);
	} while (now_ns() < end);
	return longest;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The median, because the host delays a processor of the guest now and then. */
static uint64_t median_of_longest(void)
{
	uint64_t longest[NR_WINDOWS];
	unsigned int i;

	for (i = 0; i < NR_WINDOWS; i++)
		longest[i] = longest_wait();
	qsort(longest, NR_WINDOWS, sizeof(*longest), compare_u64);
	return longest[NR_WINDOWS / 2];
}

static void prefer(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	CHECK_EQ(sched_setscheduler(0, policy, &param), 0);
}

static uint64_t wait_beside(enum kind kind, unsigned int nr_loops, size_t nr_mappings)
{
	pid_t pids[NR_LOOPS];
	uint64_t longest;
	unsigned int i;

	*crowd = (struct crowd){ 0 };
	for (i = 0; i < nr_loops; i++) {
		pids[i] = fork_child();
		if (!pids[i])
			loop_run(kind, nr_mappings);
	}
	while (__atomic_load_n(&crowd->nr_ready, __ATOMIC_SEQ_CST) < nr_loops)
		usleep(PAUSE_US);
	prefer(SCHED_FIFO, 1);
	longest = median_of_longest();
	prefer(SCHED_OTHER, 0);
	__atomic_store_n(&crowd->stop, true, __ATOMIC_SEQ_CST);
	for (i = 0; i < nr_loops; i++)
		wait_child(pids[i]);
	test_note("%u loops (%s, %zu mappings): longest wait in 0.1 s %llu us, %llu rounds",
		  nr_loops, kind_names[kind], nr_mappings,
		  (unsigned long long)longest / 1000, (unsigned long long)crowd->nr_rounds);
	return longest;
}

static void crowd_create(void)
{
	crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	library = memfd_create("library", MFD_CLOEXEC);
	CHECK(crowd != MAP_FAILED && library >= 0);
	CHECK_EQ(ftruncate(library, (off_t)LENGTH), 0);
}

static uint64_t fork_ns(void)
{
	uint64_t begin = now_ns();
	pid_t pid = fork_child();

	if (!pid)
		_exit(0);
	wait_child(pid);
	return now_ns() - begin;
}

static uint64_t add_ns(int fd, const char *page)
{
	uint64_t begin = now_ns();

	add(fd, page, page_size(), WATCH, 0);
	return now_ns() - begin;
}

/* The locks are held for a part of the time of the first WATCH_ADD. */
static void time_register(size_t nr_mappings)
{
	const char *page = map_apart(nr_mappings);
	uint64_t forked, first, second;
	int fd = open_device(0);

	forked = fork_ns();
	first = add_ns(fd, page);
	second = add_ns(fd, page);
	test_note("%zu mappings: fork and exit %llu ns, first WATCH_ADD %llu ns, another %llu ns",
		  nr_mappings, (unsigned long long)forked, (unsigned long long)first,
		  (unsigned long long)second);
	CHECK(nr_mappings < NR_MAPPINGS || 2 * first < forked);
	CHECK_EQ(close(fd), 0);
}

/* In a guest with --icount, a ns is an instruction. */
TEST(register_is_cheaper_than_fork)
{
	static const size_t nr_mappings[] = { 1, NR_MAPPINGS, (size_t)4 * NR_MAPPINGS };
	unsigned int i;
	pid_t pid;

	for (i = 0; i < sizeof(nr_mappings) / sizeof(*nr_mappings); i++) {
		pid = fork_child();
		if (!pid) {
			time_register(nr_mappings[i]);
			_exit(0);
		}
		wait_child(pid);
	}
}

/* An address space stays registered until the space has been idle for idle_ms. */
TEST(register_loop_registers_once)
{
	static const char *const words[] = { "pinwatch_mm_register", NULL };
	uint64_t begin = now_ns();
	char line[1024];
	size_t nr;

	if (!tracing_mount())
		SKIP("no tracefs");
	crowd_create();
	tracing_clear();
	tracing_enable("pinwatch_mm_register", true);
	wait_beside(REGISTER, NR_LOOPS, 1);
	tracing_enable("pinwatch_mm_register", false);
	nr = tracing_count(words, line, sizeof(line));
	test_note("%zu registrations", nr);
	CHECK(nr >= NR_LOOPS && nr <= NR_LOOPS * (1 + (now_ns() - begin) / IDLE_NS));
	CHECK(crowd->nr_rounds > 10 * nr);
}

static void compare(unsigned int nr_loops, size_t nr_mappings)
{
	uint64_t limit = MAX_RATIO * wait_beside(FORK, nr_loops, nr_mappings) + HOST_NS;

	CHECK(wait_beside(FORK_REGISTER, nr_loops, nr_mappings) < limit);
	CHECK(wait_beside(REGISTER, nr_loops, nr_mappings) < limit);
}

/* Loops that register delay other processes as loops of fork() and exit do. */
TEST(register_loops_delay_others)
{
	crowd_create();
	wait_beside(FORK, 0, 1);
	compare(1, 1);
	compare(NR_LOOPS, 1);
	compare(1, NR_MAPPINGS);
	compare(NR_LOOPS, NR_MAPPINGS);
}
