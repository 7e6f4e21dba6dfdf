// SPDX-License-Identifier: MIT
/* See device.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"

#define SETTLE_POLLS	5000	/* of a millisecond */

static struct pinwatch_stats remembered;

int try_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int try_add(int fd, const void *addr, size_t length, uint32_t flags, uint64_t cookie,
	    struct pinwatch_watch_add *watch)
{
	*watch = (struct pinwatch_watch_add){
		.size = sizeof(*watch), .flags = flags, .addr = (uintptr_t)addr,
		.length = length, .cookie = cookie,
	};
	return try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, watch);
}

int try_del(int fd, uint32_t id)
{
	struct pinwatch_watch_del del = { .size = sizeof(del), .id = id };

	return try_ioctl(fd, PINWATCH_IOC_WATCH_DEL, &del);
}

int try_del_since(int fd, uint32_t id, uint64_t generation)
{
	struct pinwatch_watch_del del = {
		.size = sizeof(del), .id = id, .generation = generation,
	};

	return try_ioctl(fd, PINWATCH_IOC_WATCH_DEL, &del);
}

int try_repin_since(int fd, uint32_t id, uint64_t generation)
{
	struct pinwatch_watch_repin repin = {
		.size = sizeof(repin), .id = id, .generation = generation,
	};

	return try_ioctl(fd, PINWATCH_IOC_WATCH_REPIN, &repin);
}

int try_repin(int fd, uint32_t id, uint64_t *generation)
{
	struct pinwatch_watch_repin repin = { .size = sizeof(repin), .id = id };
	int ret = try_ioctl(fd, PINWATCH_IOC_WATCH_REPIN, &repin);

	if (!ret)
		*generation = repin.generation;
	return ret;
}

int try_query(int fd, uint32_t id, struct pinwatch_watch_query *query)
{
	*query = (struct pinwatch_watch_query){ .size = sizeof(*query), .id = id };
	return try_ioctl(fd, PINWATCH_IOC_WATCH_QUERY, query);
}

int try_verify(int fd, uint32_t id, uint8_t *verdicts, struct pinwatch_watch_verify *verify)
{
	*verify = (struct pinwatch_watch_verify){
		.size = sizeof(*verify), .id = id, .verdicts = (uintptr_t)verdicts,
	};
	return try_ioctl(fd, PINWATCH_IOC_WATCH_VERIFY, verify);
}

int try_attach(int fd, pid_t pid)
{
	struct pinwatch_attach attach = { .size = sizeof(attach), .pid = pid };

	return try_ioctl(fd, PINWATCH_IOC_ATTACH, &attach);
}

int try_bind(int fd)
{
	struct pinwatch_bind bind = { .size = sizeof(bind) };

	return try_ioctl(fd, PINWATCH_IOC_BIND, &bind);
}

int try_read_events(int fd, struct pinwatch_event *events, size_t nr_events)
{
	ssize_t ret = read(fd, events, nr_events * sizeof(*events));

	if (ret < 0)
		return -errno;
	CHECK_EQ((size_t)ret % sizeof(*events), 0);
	return (int)((size_t)ret / sizeof(*events));
}

int open_device(int flags)
{
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		FAIL("%s: %s", PINWATCH_DEVICE, strerror(errno));
	return fd;
}

int open_device_of(unsigned int max_watches, int flags)
{
	unsigned long before = param_get("max_watches_per_file");
	int fd;

	param_set("max_watches_per_file", max_watches);
	fd = open_device(flags);
	param_set("max_watches_per_file", before);
	CHECK_EQ(get_info(fd).max_watches, max_watches);
	return fd;
}

struct pinwatch_watch_add add(int fd, const void *addr, size_t length, uint32_t flags,
			      uint64_t cookie)
{
	struct pinwatch_watch_add watch;

	CHECK_EQ(try_add(fd, addr, length, flags, cookie, &watch), 0);
	return watch;
}

void add_many(int fd, const char *page, size_t nr)
{
	unsigned long old = param_get("max_watches_per_page");
	size_t i;

	param_set("max_watches_per_page", 1048576);
	for (i = 0; i < nr; i++)
		add(fd, page, page_size(), WATCH, i);
	param_set("max_watches_per_page", old);
}

uint64_t repin(int fd, uint32_t id)
{
	uint64_t generation = 0;

	CHECK_EQ(try_repin(fd, id, &generation), 0);
	return generation;
}

struct pinwatch_watch_query query(int fd, uint32_t id)
{
	struct pinwatch_watch_query now;

	CHECK_EQ(try_query(fd, id, &now), 0);
	return now;
}

struct pinwatch_event read_event(int fd)
{
	struct pinwatch_event event;

	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	return event;
}

struct pinwatch_info get_info(int fd)
{
	struct pinwatch_info info = { .size = sizeof(info) };

	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_GET_INFO, &info), 0);
	return info;
}

struct pinwatch_stats get_stats(void)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };
	int fd = open_device(0);

	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_GET_STATS, &stats), 0);
	close(fd);
	return stats;
}

const struct pinwatch_gen *map_generations(int fd)
{
	void *map = mmap(NULL, get_info(fd).gen_map_size, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

char *map_pages(size_t nr_pages)
{
	size_t length = nr_pages * page_size();
	char *addr = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	CHECK(addr != MAP_FAILED);
	madvise(addr, length, MADV_NOHUGEPAGE);
	memset(addr, 'p', length);
	return addr;
}

char *map_apart(size_t nr)
{
	char *addr = mmap(NULL, 2 * nr * page_size(), PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i;

	CHECK(addr != MAP_FAILED);
	CHECK_EQ(munmap(addr, 2 * nr * page_size()), 0);
	for (i = 0; i < nr; i++) {
		CHECK(mmap(addr + 2 * i * page_size(), page_size(), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
		addr[2 * i * page_size()] = 1;
	}
	return addr;
}

void dontneed(char *addr, size_t length)
{
	CHECK_EQ(madvise(addr, length, MADV_DONTNEED), 0);
}

void wait_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

pid_t fork_child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	return pid;
}

pid_t fork_peer(int *channel)
{
	int ends[2];
	pid_t pid;

	CHECK_EQ(channel_open(ends), 0);
	pid = fork_child();
	*channel = ends[!pid];
	close(ends[!!pid]);
	return pid;
}

/* True after the first thread of this process has exited. */
static bool first_thread_exited(void)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	file = fopen(path, "re");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state == 'Z';
}

struct second_thread {
	void (*run)(void *data);
	void *data;
};

static void *second_thread_start(void *data)
{
	struct second_thread *second = data;

	while (!first_thread_exited())
		usleep(1000);
	second->run(second->data);
	_exit(0);
}

void first_thread_exit(void (*run)(void *data), void *data)
{
	static struct second_thread second;
	pthread_t thread;

	second = (struct second_thread){ .run = run, .data = data };
	CHECK_EQ(pthread_create(&thread, NULL, second_thread_start, &second), 0);
	/* exit(2) instead of _exit(2), which ends all threads. */
	for (;;)
		syscall(SYS_exit, 0);
}

/* The last slot of the first page is not an id: the word of the descriptor is there. */
uint32_t nth_id(size_t nr)
{
	return (uint32_t)(nr + (nr >= page_size() / sizeof(struct pinwatch_gen) - 1));
}

uint64_t generation(const struct pinwatch_gen *word)
{
	return __atomic_load_n(&word->generation, __ATOMIC_ACQUIRE);
}

bool kernel_before(unsigned int major, unsigned int minor)
{
	struct utsname name;
	unsigned int a, b;
	int nr;

	CHECK_EQ(uname(&name), 0);
	nr = sscanf(name.release, "%u.%u", &a, &b);
	CHECK_EQ(nr, 2);
	return a < major || (a == major && b < minor);
}

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static FILE *param_open(const char *name, const char *mode)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/pinwatch/parameters/%s", name);
	file = fopen(path, mode);
	if (!file)
		FAIL("%s: %s", path, strerror(errno));
	return file;
}

unsigned long param_get(const char *name)
{
	FILE *file = param_open(name, "re");
	unsigned long value;

	CHECK_EQ(fscanf(file, "%lu", &value), 1);
	fclose(file);
	return value;
}

void param_set(const char *name, unsigned long value)
{
	FILE *file = param_open(name, "we");

	CHECK(fprintf(file, "%lu", value) > 0);
	CHECK_EQ(fclose(file), 0);
}

void test_setup(void)
{
	remembered = get_stats();
}

/*
 * An address space stays registered until it ends. The process that runs the tests has
 * never added a watch, and the processes of the tests have ended.
 */
static int counters_differ(void)
{
	struct pinwatch_stats now = get_stats();

	return now.nr_files != remembered.nr_files ||
	       now.nr_watches != remembered.nr_watches ||
	       now.pinned_pages != remembered.pinned_pages ||
	       now.nr_subscriptions != remembered.nr_subscriptions ||
	       now.nr_mms != remembered.nr_mms;
}

/*
 * In each program, after all other tests. Waits, but only for seconds: the module unpins
 * the pages of a dead process in the background.
 */
TEST(counters_are_back, .last = true)
{
	struct pinwatch_stats now;
	int i;

	for (i = 0; i < SETTLE_POLLS && counters_differ(); i++)
		usleep(1000);
	now = get_stats();
	CHECK_EQ(now.nr_files, remembered.nr_files);
	CHECK_EQ(now.nr_watches, remembered.nr_watches);
	CHECK_EQ(now.pinned_pages, remembered.pinned_pages);
	CHECK_EQ(now.nr_subscriptions, remembered.nr_subscriptions);
	CHECK_EQ(now.nr_mms, remembered.nr_mms);
}

void wait_pinned_pages(uint64_t expected)
{
	int i;

	for (i = 0; i < SETTLE_POLLS && get_stats().pinned_pages != expected; i++)
		usleep(1000);
	CHECK_EQ(get_stats().pinned_pages, expected);
}

static void signal_ignore(int number)
{
	(void)number;
}

void timer_start(int flags, long interval_us)
{
	struct sigaction action = { .sa_handler = signal_ignore, .sa_flags = flags };
	struct itimerval timer = { { 0, interval_us }, { 0, interval_us } };

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}
