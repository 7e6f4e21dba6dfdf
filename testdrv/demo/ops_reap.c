// SPDX-License-Identifier: MIT
/*
 * The OOM reaper and process_mrelease(2) free the memory of a killed process before the
 * process has exited. Only these two invalidate without being allowed to sleep.
 *
 * The parent traces the subject, which therefore stops in its exit, with its memory
 * still in place.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "ops.h"
#include "sysfs.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

/* The limit of the cgroup: too low for the subject and the hog together. */
#define GROUP_MAX	"8388608"
#define HOG_BYTES	(16UL << 20)

#define EXIT_TIMEOUT_NS	(20ULL * 1000000000)
#define EXIT_POLL_US	1000

#define OOM_SCORE	"/proc/self/oom_score_adj"
#define CONSOLE_LEVEL	"/proc/sys/kernel/printk"

static const char *lacks_mrelease(void)
{
	return syscall(SYS_process_mrelease, -1, 0) && errno == ENOSYS ?
		"process_mrelease(2) (5.15)" : NULL;
}

/* Make the subject stop in exit. 0 or -errno. */
static int subject_trace(const struct subject *subject)
{
	return ptrace(PTRACE_SEIZE, subject->pid, NULL, PTRACE_O_TRACEEXIT) ? -errno : 0;
}

static int subject_wait_exit(const struct subject *subject)
{
	uint64_t deadline = now_ns() + EXIT_TIMEOUT_NS;
	int ret, status;

	while (!(ret = waitpid(subject->pid, &status, WNOHANG)) && now_ns() < deadline)
		usleep(EXIT_POLL_US);
	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8) ? 0 : -EPROTO;
}

static int subject_hold(const struct subject *subject)
{
	int ret = subject_trace(subject);

	if (ret)
		return ret;
	return kill(subject->pid, SIGKILL) ? -errno : subject_wait_exit(subject);
}

/* The same calls as a userspace OOM killer makes. */
static int act_mrelease(struct actor *actor)
{
	int ret, pidfd = (int)syscall(SYS_pidfd_open, actor->subject->pid, 0);

	if (pidfd < 0)
		return -errno;
	ret = subject_hold(actor->subject);
	if (!ret)
		ret = ACT(actor, syscall(SYS_process_mrelease, pidfd, 0));
	close(pidfd);
	return ret;
}

/* Make the cgroup, and keep the report of the OOM killer off the console. */
static int oom_prepare(void)
{
	int ret = cgroup_make("memory");

	if (!ret)
		ret = cgroup_write("memory.max", GROUP_MAX);
	if (!ret && cgroup_has("memory.swap.max"))
		ret = cgroup_write("memory.swap.max", "0");
	return ret ? ret : sysfs_set(CONSOLE_LEVEL, "1");
}

static void oom_cleanup(void)
{
	sysfs_restore();
	cgroup_remove();
}

static const char *lacks_oom(void)
{
	const char *lacks = oom_prepare() ? "control groups (v2) with memory" : NULL;

	oom_cleanup();
	return lacks;
}

/* The subject is the first choice of the OOM killer. */
static int map_victim(struct subject *subject)
{
	int ret = cgroup_join();

	if (!ret)
		ret = sysfs_write(OOM_SCORE, "1000");
	return ret ? ret : subject_map_written(subject);
}

/* The hog exceeds the limit. The kernel kills the subject, then the hog. */
static void hog_main(void)
{
	char *addr = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (addr != MAP_FAILED && !cgroup_join() && !sysfs_write(OOM_SCORE, "-900"))
		range_write(addr, HOG_BYTES);
	_exit(1);
}

/*
 * The kernel kills no second process while a victim has its memory. So once the hog is
 * killed, the subject has been reaped.
 */
static int hog_run(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		hog_main();
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -EPROTO;
}

static int act_oom(struct actor *actor)
{
	int ret = subject_trace(actor->subject);

	if (ret)
		return ret;
	ret = ACT_ERRNO(actor, hog_run());
	return ret ? ret : subject_wait_exit(actor->subject);
}

/* The event of both reapers depends on the kernel version. */
static uint32_t reaper_events(void)
{
	if (kernel_running() <= KERNEL(6, 12))
		return PINWATCH_EVENT_UNMAP;
	if (kernel_running() >= KERNEL(7, 3))
		return PINWATCH_EVENT_CLEAR;
	return PINWATCH_EVENT_UNMAP | PINWATCH_EVENT_CLEAR;
}

const struct demo_op ops_reap[] = {
	{
		.name = "process_mrelease of one killed", .by = DEMO_BY_OTHER, .end = DEMO_HELD,
		.map = subject_map_written, .act = act_mrelease, .lacks = lacks_mrelease,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events_here = reaper_events, .cause = PINWATCH_CAUSE_REAP,
	}, {
		.name = "reaped by the OOM killer", .by = DEMO_BY_KERNEL, .end = DEMO_HELD,
		.global = true, .map = map_victim, .act = act_oom, .lacks = lacks_oom,
		.prepare = oom_prepare, .cleanup = oom_cleanup,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events_here = reaper_events, .cause = PINWATCH_CAUSE_REAP,
	},
	{ .name = NULL },
};
