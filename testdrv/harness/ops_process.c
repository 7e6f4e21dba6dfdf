// SPDX-License-Identifier: MIT
/* Breakpoints in a program's text, and the end of a program. */
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "knob.h"
#include "ops.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

#define UPROBE_TYPE	"/sys/bus/event_source/devices/uprobe/type"

#define NOP		0x90	/* of x86, as is all that this runs on */

/* The breakpoint's descriptor, in the process that set it. */
static int probe = -1;

static const char *lacks_uprobes(void)
{
	return knob_read(UPROBE_TYPE) < 0 ? "uprobes (CONFIG_UPROBE_EVENTS)" : NULL;
}

/* A program's text: a file that is mapped privately, and executable. */
static int map_text(struct subject *subject)
{
	int ret;

	subject->fd = memfd_create("pinwatch-demo", MFD_CLOEXEC);
	if (subject->fd < 0 || ftruncate(subject->fd, (off_t)subject->length))
		return -errno;
	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			subject->fd);
	if (ret)
		return ret;
	memset(subject->addr, NOP, subject->length);
	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_EXEC, MAP_PRIVATE,
			subject->fd);
	if (!ret)
		range_read(subject->addr, subject->length);
	return ret;
}

/*
 * A breakpoint in the second page of the subject's text, which is there as long
 * as the descriptor is open. @pid: who is to have it. -1, with errno, on failure.
 */
static int uprobe_open(const struct subject *subject, pid_t pid)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", subject->pid, subject->fd);
	attr.type = (uint32_t)knob_read(UPROBE_TYPE);
	attr.config1 = (uintptr_t)path;
	attr.config2 = subject->page_size;
	return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static int act_uprobe(struct actor *actor)
{
	return ACT(actor, probe = uprobe_open(actor->subject, actor->subject->pid));
}

static void uprobe_close(void)
{
	if (probe >= 0)
		close(probe);
	probe = -1;
}

static int map_probed(struct subject *subject)
{
	int ret = map_text(subject);

	if (ret)
		return ret;
	probe = uprobe_open(subject, 0);
	return probe < 0 ? -errno : 0;
}

static int act_uprobe_remove(struct actor *actor)
{
	return ACT(actor, close(probe));
}

static int act_exit(struct actor *actor)
{
	actor_begin(actor);
	_exit(0);
}

static int act_kill(struct actor *actor)
{
	actor_begin(actor);
	return kill(actor->subject->pid, SIGKILL) ? -errno : 0;
}

/*
 * This program, which has to know "version" and end; the harness sees that the
 * channel is closed.
 */
static int act_exec(struct actor *actor)
{
	char *argv[] = { "pinwatch", "version", NULL };
	char *envp[] = { NULL };
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	actor_begin(actor);
	execve("/proc/self/exe", argv, envp);
	return -errno;
}

static const char *lacks_mrelease(void)
{
	return syscall(SYS_process_mrelease, -1, 0) && errno == ENOSYS ?
		"process_mrelease(2) (5.15)" : NULL;
}

/*
 * Kill the subject, and stop it on its way out, when it still has its memory. A
 * pidfd, or -errno.
 */
static int subject_hold(const struct subject *subject)
{
	int status, pidfd = (int)syscall(SYS_pidfd_open, subject->pid, 0);

	if (pidfd < 0)
		return -errno;
	if (!ptrace(PTRACE_SEIZE, subject->pid, NULL, PTRACE_O_TRACEEXIT) &&
	    !kill(subject->pid, SIGKILL) &&
	    waitpid(subject->pid, &status, 0) == subject->pid) {
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			return pidfd;
		errno = EPROTO;
	}
	status = -errno;
	close(pidfd);
	return status;
}

/* As a memory killer does to the one that it killed, and which is slow to die. */
static int act_mrelease(struct actor *actor)
{
	int ret, pidfd = subject_hold(actor->subject);

	if (pidfd < 0)
		return pidfd;
	ret = ACT(actor, syscall(SYS_process_mrelease, pidfd, 0));
	close(pidfd);
	return ret;
}

/* The kernel's two reapers do the same; what they call it has changed. */
static uint32_t reaper_events(void)
{
	if (kernel_running() <= KERNEL(6, 12))
		return PINWATCH_EVENT_UNMAP;
	if (kernel_running() >= KERNEL(7, 3))
		return PINWATCH_EVENT_CLEAR;
	return PINWATCH_EVENT_UNMAP | PINWATCH_EVENT_CLEAR;
}

const struct demo_op ops_process[] = {
	{
		.name = "uprobe set", .who = DEMO_OTHER, .map = map_text, .act = act_uprobe,
		.lacks = lacks_uprobes, .cleanup = uprobe_close,
		/* A page that was copied to be pinned is written to in place, by newer ones. */
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_UPROBE,
	}, {
		.name = "uprobe removed", .map = map_probed, .act = act_uprobe_remove,
		.lacks = lacks_uprobes,
		.watch = MUST_TELL, .pin = MUST_TELL, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_UPROBE,
	}, {
		/* Told by an invalidation that must not sleep. */
		.name = "process_mrelease of one killed", .who = DEMO_OTHER, .end = DEMO_HELD,
		.map = subject_map_written, .act = act_mrelease, .lacks = lacks_mrelease,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events_here = reaper_events, .cause = PINWATCH_CAUSE_REAP,
	}, {
		.name = "exec", .end = DEMO_EXECS,
		.map = subject_map_written, .act = act_exec,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_RELEASE, .cause = PINWATCH_CAUSE_EXEC,
	}, {
		.name = "exit", .end = DEMO_DIES,
		.map = subject_map_written, .act = act_exit,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_RELEASE, .cause = PINWATCH_CAUSE_EXIT,
	}, {
		.name = "killed (SIGKILL)", .who = DEMO_OTHER, .end = DEMO_DIES,
		.map = subject_map_written, .act = act_kill,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_RELEASE, .cause = PINWATCH_CAUSE_EXIT,
	},
	{ .name = NULL },
};
