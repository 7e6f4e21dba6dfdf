// SPDX-License-Identifier: MIT
/*
 * engine: the end of a process whose memory is subscribed to
 *
 * The file is the parent's, so that it can look on, and let go of what it holds,
 * when the child is gone.
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

/* The child's subscriptions, by id: in the order of their insertion. */
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
	if (shared == MAP_FAILED)
		die("mmap");
	shared[0] = 1;
	lab_add(subject->fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, shared, 4 * PAGE);
	lab_add_slow(subject->fd, PINWATCH_TEST_PINWATCH, private, 4 * PAGE, 20000);
	lab_add(subject->fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING,
		private + 4 * PAGE, 4 * PAGE);
	lab_add(subject->fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING, private,
		8 * PAGE);
}

/* The child subscribes, and then stalls where only its parent can get it out. */
static void subject_start(struct subject *subject)
{
	subject->fd = lab_open();
	subject->memfd = memfd_create("engine", MFD_CLOEXEC);
	if (subject->memfd < 0 || ftruncate(subject->memfd, 4 * PAGE))
		die("memfd");
	subject->pid = fork();
	if (subject->pid < 0)
		die("fork");
	if (subject->pid)
		return lab_wait(subject->fd, PINWATCH_TEST_STALL, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	subject_subscribe(subject);
	ioctl(subject->fd, PINWATCH_TEST_IOC_STALL);
	_exit(1);
}

static void subject_reap(const struct subject *subject)
{
	int status;

	if (waitpid(subject->pid, &status, 0) != subject->pid)
		die("waitpid");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child is gone");
}

static void check_end(const struct subject *subject, const char *name, unsigned int id)
{
	struct pinwatch_test_read read = lab_read(subject->fd, id);
	struct pinwatch_test_begin begin = lab_begin(subject->fd, id);

	check(read.events & EVENT_RELEASE && read.events & EVENT_UNMAP,
	      "%s: saw RELEASE and UNMAP (%#x)", name, read.events);
	check(!begin.time.sleeps, "%s: read_begin does not sleep any more", name);
	check(lab_retry(subject->fd, id, begin.seq), "%s: no section is good any more",
	      name);
	check(!lab_del(subject->fd, id).sleeps, "%s: remove does not sleep", name);
}

static void *cut_off(void *arg)
{
	const struct subject *subject = arg;

	if (ftruncate(subject->memfd, 0))
		die("ftruncate");
	return NULL;
}

/* It dies while another task is between start and end in its mm. */
void engine_exit_in_truncate(void)
{
	struct pinwatch_stats before = pw_stats(), after;
	struct subject subject;
	pthread_t cutter;

	subject_start(&subject);
	if (pthread_create(&cutter, NULL, cut_off, &subject))
		die("pthread_create");
	lab_wait(subject.fd, HELD, 1);
	kill(subject.pid, SIGKILL);
	lab_release(subject.fd, PINWATCH_TEST_STALL);
	/* RELEASE is called back while the truncate's callback is still held. */
	lab_wait(subject.fd, HELD, 2);
	check(lab_read(subject.fd, HELD).events & EVENT_RELEASE,
	      "release came during the truncate");
	lab_release(subject.fd, HELD);
	pthread_join(cutter, NULL);
	subject_reap(&subject);

	check_end(&subject, "held", HELD);
	check_end(&subject, "slow", SLOW);
	check_end(&subject, "counting", COUNTING);
	check(lab_read(subject.fd, KERNEL).events & EVENT_RELEASE,
	      "the kernel's own notifier saw RELEASE");
	check(!lab_del(subject.fd, KERNEL).sleeps, "... and its remove returns");
	after = pw_stats();
	check(after.nr_subscriptions == before.nr_subscriptions,
	      "no subscription is left");
	close(subject.fd);
}
