// SPDX-License-Identifier: MIT
/*
 * Errors without a test in another program. Each call is valid except for the cause of the
 * error. errno_table.c lists the test of each documented error.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"
#include "invalidator.h"
#include "sysfs.h"

#define NR_LARGE	32768UL	/* pages: the pin takes many milliseconds */
#define NR_TRIES	50
#define NR_FILES	500

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

static int try_stack(int fd, uint32_t id)
{
	struct pinwatch_watch_stack stack = { .size = sizeof(stack), .id = id };

	return try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack);
}

static int try_resync(int fd, uint32_t first, uint32_t nr, void *gens)
{
	struct pinwatch_resync resync = {
		.size = sizeof(resync), .first_id = first, .nr_ids = nr,
		.gens = (uintptr_t)gens,
	};

	return try_ioctl(fd, PINWATCH_IOC_RESYNC, &resync);
}

TEST(add_eperm_stack)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd = open_device(0);

	add(fd, addr, page_size(), PINWATCH_WATCH_F_STACK, 0);
	credentials_nobody();
	CHECK_EQ(try_add(fd, addr, page_size(), PINWATCH_WATCH_F_STACK, 0, &watch), -EPERM);
	add(fd, addr, page_size(), WATCH, 0);
}

/* ATTACH holds no reference that would keep the attached process alive. */
TEST(add_esrch_attached)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int channel, fd = open_device(0);
	pid_t pid = fork_peer(&channel);

	if (!pid) {
		channel_receive(channel, NULL);
		_exit(0);
	}
	CHECK_EQ(try_attach(fd, pid), 0);
	add(fd, addr, page_size(), WATCH, 0);
	close(channel);
	wait_child(pid);
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &watch), -ESRCH);
	/* The descriptor was never bound to the test's process. */
	CHECK_EQ(get_info(fd).nr_watches, 1);
}

static void signal_ignore(int number)
{
	(void)number;
}

/* pin_user_pages() fails with EFAULT for poisoned memory. */
TEST(add_efault_poisoned)
{
	struct sigaction action = { .sa_handler = signal_ignore };
	struct pinwatch_watch_add watch;
	char *addr = map_pages(2);
	int fd = open_device(0);

	if (!kernel_has_advice(MADV_HWPOISON))
		SKIP("no MADV_HWPOISON: a kernel without CONFIG_MEMORY_FAILURE");
	/* 6.12 and newer also send SIGBUS, which cannot be ignored. */
	CHECK_EQ(sigaction(SIGBUS, &action, NULL), 0);
	CHECK_EQ(madvise(addr + page_size(), page_size(), MADV_HWPOISON), 0);
	CHECK_EQ(try_add(fd, addr, 2 * page_size(), PIN, 0, &watch), -EFAULT);
	CHECK_EQ(try_add(fd, addr, 2 * page_size(), PIN_RW, 0, &watch), -EFAULT);
	add(fd, addr, page_size(), PIN_RW, 0);
	add(fd, addr, 2 * page_size(), WATCH, 0);
}

#ifdef SYS_memfd_secret
/* memfd_secret() memory must not be pinned. */
TEST(add_efault_secret)
{
	struct pinwatch_watch_add watch;
	int fd = open_device(0), secret = (int)syscall(SYS_memfd_secret, 0);
	char *addr;

	if (secret < 0 && errno == ENOSYS)
		SKIP("no memfd_secret(2) here: 5.14, secretmem.enable=1");
	CHECK(secret >= 0);
	CHECK_EQ(ftruncate(secret, (off_t)page_size()), 0);
	addr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
	CHECK(addr != MAP_FAILED);
	*(volatile char *)addr = 1;
	CHECK_EQ(try_add(fd, addr, page_size(), PIN, 0, &watch), -EFAULT);
	add(fd, addr, page_size(), WATCH, 0);
}
#endif

TEST(repin_enoent)
{
	uint64_t generation;
	int fd = open_device(0);
	uint32_t id = add(fd, map_pages(1), page_size(), PIN, 0).id;

	CHECK_EQ(try_repin(fd, id + 1, &generation), -ENOENT);
	CHECK_EQ(try_repin(fd, UINT32_MAX, &generation), -ENOENT);
	repin(fd, id);
	CHECK_EQ(try_del(fd, id), 0);
	CHECK_EQ(try_repin(fd, id, &generation), -ENOENT);
}

static void timer_set(long interval_us)
{
	struct itimerval timer = { { 0, interval_us }, { 0, interval_us } };

	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/*
 * REPIN a range until REPIN fails with EAGAIN, since an invalidator discards a page, or for
 * @ns and at least NR_TRIES times. The old pin stays. Return: the last result.
 */
static int repin_invalidated(long signals_us, uint64_t ns)
{
	char *addr = map_pages(NR_LARGE);
	int i, ret = 0, fd = open_device(0);
	uint64_t generation, end = now_ns() + ns;
	struct invalidator invalidator;

	add(fd, addr, NR_LARGE * page_size(), PIN, 0);
	invalidator_interrupt(&invalidator, addr);
	timer_set(signals_us);
	for (i = 0; !ret && (i < NR_TRIES || now_ns() < end); i++) {
		ret = try_repin(fd, 0, &generation);
		CHECK(ret == 0 || ret == -EAGAIN);
	}
	timer_set(0);
	invalidator_stop(&invalidator);
	test_note("%d tries", i);
	CHECK_EQ(query(fd, 0).nr_pinned, NR_LARGE);
	return ret;
}

TEST(repin_eagain)
{
	CHECK_EQ(repin_invalidated(0, 100 * NS_PER_S), -EAGAIN);
}

TEST(repin_under_signals)
{
	struct sigaction action = { .sa_handler = signal_ignore };

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	repin_invalidated(1000, 0);
}

TEST(query_enoent)
{
	struct pinwatch_watch_query now = {
		.size = sizeof(now), .flags = PINWATCH_QUERY_F_NEXT, .id = 2,
	};
	int fd = open_device(0);

	CHECK_EQ(try_query(fd, 0, &now), -ENOENT);
	add(fd, map_pages(1), page_size(), WATCH, 0);
	query(fd, 0);
	CHECK_EQ(try_query(fd, 1, &now), -ENOENT);
	CHECK_EQ(try_query(fd, UINT32_MAX, &now), -ENOENT);
	/* No watch from id 1 on, a watch from id 0 on. */
	now = (struct pinwatch_watch_query){
		.size = sizeof(now), .flags = PINWATCH_QUERY_F_NEXT, .id = 1,
	};
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_QUERY, &now), -ENOENT);
	now.id = 0;
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_QUERY, &now), 0);
}

TEST(verify_enoent)
{
	struct pinwatch_watch_verify verify;
	int fd = open_device(0);

	CHECK_EQ(try_verify(fd, 0, NULL, &verify), -ENOENT);
	add(fd, map_pages(1), page_size(), PIN, 0);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(try_verify(fd, 1, NULL, &verify), -ENOENT);
	CHECK_EQ(try_verify(fd, UINT32_MAX, NULL, &verify), -ENOENT);
}

TEST(verify_einval_range)
{
	struct pinwatch_watch_verify verify = { .size = sizeof(verify), .first_page = 4 };
	int fd = open_device(0);

	add(fd, map_pages(4), 4 * page_size(), WATCH, 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_VERIFY, &verify), -EINVAL);
	verify.first_page = 3;
	verify.nr_pages = 2;
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_VERIFY, &verify), -EINVAL);
	verify.nr_pages = UINT64_MAX - 2;
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_VERIFY, &verify), -EINVAL);
	verify.nr_pages = 1;
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_VERIFY, &verify), 0);
}

/* The verdicts have nowhere to go. */
TEST(verify_efault_verdicts)
{
	struct pinwatch_watch_verify verify;
	int fd = open_device(0);

	add(fd, map_pages(2), 2 * page_size(), PIN, 0);
	CHECK_EQ(try_verify(fd, 0, (uint8_t *)1, &verify), -EFAULT);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
}

TEST(stack_enoent)
{
	int fd = open_device(0);

	CHECK_EQ(try_stack(fd, 0), -ENOENT);
	add(fd, map_pages(1), page_size(), PINWATCH_WATCH_F_STACK, 0);
	CHECK_EQ(try_stack(fd, 0), 0);
	CHECK_EQ(try_stack(fd, 1), -ENOENT);
}

TEST(resync_einval_range)
{
	struct pinwatch_gen gens[2];
	int fd = open_device(0);
	uint32_t max = (uint32_t)(get_info(fd).gen_map_size / sizeof(*gens));

	CHECK_EQ(try_resync(fd, 0, 0, gens), -EINVAL);
	CHECK_EQ(try_resync(fd, max, 1, gens), -EINVAL);
	CHECK_EQ(try_resync(fd, UINT32_MAX, 1, gens), -EINVAL);
	/* Less are copied at the end. */
	CHECK_EQ(try_resync(fd, max - 1, 2, gens), 0);
	CHECK_EQ(try_resync(fd, 0, 2, gens), 0);
}

TEST(resync_efault_gens)
{
	char *hole = map_pages(2);
	struct pinwatch_gen *gens = (void *)(hole + page_size() - sizeof(*gens));
	int fd = open_device(0);

	CHECK_EQ(munmap(hole + page_size(), page_size()), 0);
	CHECK_EQ(try_resync(fd, 0, 1, gens), 0);
	CHECK_EQ(try_resync(fd, 0, 2, gens), -EFAULT);
	CHECK_EQ(try_resync(fd, 0, 1, NULL), -EFAULT);
}

TEST(read_eagain)
{
	struct pinwatch_event event;
	char *addr = map_pages(1);
	int fd = open_device(O_NONBLOCK);

	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	dontneed(addr, page_size());
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}

static int try_map(int fd, size_t length)
{
	void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? -errno : 0;
}

TEST(map_enomem)
{
	struct rlimit limit = { 0, 0 };
	int fd = open_device(0);
	size_t size = get_info(fd).gen_map_size;

	CHECK_EQ(try_map(fd, size), 0);
	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	CHECK_EQ(try_map(fd, size), -ENOMEM);
}

static unsigned long file_max(const char *value)
{
	FILE *file = fopen("/proc/sys/fs/file-max", value ? "we" : "re");
	unsigned long old = 0;

	CHECK(file);
	if (value)
		CHECK(fprintf(file, "%s", value) > 0);
	else
		CHECK_EQ(fscanf(file, "%lu", &old), 1);
	CHECK_EQ(fclose(file), 0);
	return old;
}

/*
 * A mapping needs a new file. Above file-max, only root gets a file. The kernel counts some
 * dozens of files per processor before it updates the sum.
 */
TEST(map_enfile)
{
	unsigned long old = file_max(NULL);
	char text[32];
	int i, status;
	pid_t pid;

	for (i = 0; i < NR_FILES; i++)
		CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);

	snprintf(text, sizeof(text), "%lu", old);
	file_max("1");
	pid = fork();
	if (!pid) {
		int fd = open_device(0);

		CHECK_EQ(try_map(fd, page_size()), 0);
		credentials_nobody();
		CHECK_EQ(try_map(fd, page_size()), -ENFILE);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	file_max(text);
	CHECK_EQ(status, 0);
}
