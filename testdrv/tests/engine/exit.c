// SPDX-License-Identifier: MIT
/*
 * engine: the exit of a process that has subscriptions
 *
 * The parent has the open file, so that the parent can read the subscriptions and release
 * held callbacks after the child has died.
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

/* Ids of the child's subscriptions, in the order of insertion */
enum { HELD, SLOW, COUNTING, KERNEL };

struct subject {
	pid_t pid;
	int fd;
	int memfd;
};

static void subject_subscribe(const struct subject *subject)
{
	char *private = map_pages(8), *shared;

	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      subject->memfd, 0);
	CHECK(shared != MAP_FAILED);
	shared[0] = 1;
	sub_add(subject->fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, shared, 4 * PAGE);
	sub_add_slow(subject->fd, PINWATCH_TEST_PINWATCH, private, 4 * PAGE, 20000);
	sub_add(subject->fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING,
		private + 4 * PAGE, 4 * PAGE);
	sub_add(subject->fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING, private,
		8 * PAGE);
}

/* The child subscribes, and then stalls until the parent releases the child. */
static void subject_start(struct subject *subject)
{
	subject->fd = driver_open();
	subject->memfd = memfd_create("engine", MFD_CLOEXEC);
	CHECK(subject->memfd >= 0);
	CHECK_EQ(ftruncate(subject->memfd, 4 * PAGE), 0);
	subject->pid = fork();
	CHECK(subject->pid >= 0);
	if (subject->pid)
		return sub_wait(subject->fd, PINWATCH_TEST_STALL, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	subject_subscribe(subject);
	ioctl(subject->fd, PINWATCH_TEST_IOC_STALL);
	_exit(1);
}

static void subject_reap(const struct subject *subject)
{
	int status;

	CHECK_EQ(waitpid(subject->pid, &status, 0), subject->pid);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child is gone");
}

static void check_end(const struct subject *subject, const char *name, unsigned int id)
{
	struct pinwatch_test_read read = sub_read(subject->fd, id);
	struct pinwatch_test_begin begin = sub_begin(subject->fd, id);

	test_check(read.events & EVENT_RELEASE && read.events & EVENT_UNMAP,
		   "%s: saw RELEASE and UNMAP (%#x)", name, read.events);
	test_check(!begin.time.sleeps, "%s: read_begin does not sleep", name);
	test_check(sub_retry(subject->fd, id, begin.seq), "%s: each section must retry",
		   name);
	test_check(!sub_del(subject->fd, id).sleeps, "%s: remove does not sleep", name);
}

static void *cut_off(void *arg)
{
	const struct subject *subject = arg;

	CHECK_EQ(ftruncate(subject->memfd, 0), 0);
	return NULL;
}

/* The child dies while another task is between start and end in the child's mm. */
TEST(engine_exit_in_truncate)
{
	struct pinwatch_stats before = pw_stats(), after;
	struct subject subject;
	pthread_t cutter;

	subject_start(&subject);
	CHECK_EQ(pthread_create(&cutter, NULL, cut_off, &subject), 0);
	sub_wait(subject.fd, HELD, 1);
	kill(subject.pid, SIGKILL);
	sub_release(subject.fd, PINWATCH_TEST_STALL);
	/* RELEASE is called back while the truncate's callback is still held. */
	sub_wait(subject.fd, HELD, 2);
	test_check(sub_read(subject.fd, HELD).events & EVENT_RELEASE,
		   "release came during the truncate");
	sub_release(subject.fd, HELD);
	pthread_join(cutter, NULL);
	subject_reap(&subject);

	check_end(&subject, "held", HELD);
	check_end(&subject, "slow", SLOW);
	check_end(&subject, "counting", COUNTING);
	test_check(sub_read(subject.fd, KERNEL).events & EVENT_RELEASE,
		   "the kernel's own notifier saw RELEASE");
	test_check(!sub_del(subject.fd, KERNEL).sleeps, "... and remove returns");
	after = pw_stats();
	test_check(after.nr_subscriptions == before.nr_subscriptions,
		   "no subscription is left");
	close(subject.fd);
}
