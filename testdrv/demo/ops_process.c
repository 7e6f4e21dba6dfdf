// SPDX-License-Identifier: MIT
/* Breakpoints in the text of a program (uprobes), exec and exit. */
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"
#include "sysfs.h"

#define UPROBE_TYPE	"/sys/bus/event_source/devices/uprobe/type"

#define NOP		0x90	/* of x86 */

/* The descriptor of the breakpoint, in the actor. */
static int probe = -1;

static const char *lacks_uprobes(void)
{
	return sysfs_read(UPROBE_TYPE) < 0 ? "uprobes (CONFIG_UPROBE_EVENTS)" : NULL;
}

/* The text of a program: a private, executable mapping of a file. */
static int map_text(struct subject *subject)
{
	int ret = subject_map_shared(subject);

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
 * Set a breakpoint in the second page of the subject's text, for process @pid. The
 * kernel removes the breakpoint when the returned descriptor is closed. -1 and errno on
 * failure.
 */
static int uprobe_open(const struct subject *subject, pid_t pid)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", subject->pid, subject->fd);
	attr.type = (uint32_t)sysfs_read(UPROBE_TYPE);
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
 * Execute this program again, with the argument "version", after which the program exits.
 * The parent notices that exec() closed the channel.
 */
static int act_exec(struct actor *actor)
{
	char *argv[] = { "pinwatch-demo", "version", NULL };
	char *envp[] = { NULL };
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	actor_begin(actor);
	execve("/proc/self/exe", argv, envp);
	return -errno;
}

const struct demo_op ops_process[] = {
	{
		.name = "uprobe set", .by = DEMO_BY_OTHER, .map = map_text, .act = act_uprobe,
		.lacks = lacks_uprobes, .cleanup = uprobe_close,
		/* MAY_KEEP: newer kernels write to an exclusive page in place. */
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_UPROBE,
	}, {
		.name = "uprobe removed", .map = map_probed, .act = act_uprobe_remove,
		.lacks = lacks_uprobes,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_UPROBE,
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
		.name = "killed (SIGKILL)", .by = DEMO_BY_OTHER, .end = DEMO_DIES,
		.map = subject_map_written, .act = act_kill,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_RELEASE, .cause = PINWATCH_CAUSE_EXIT,
	},
	{ .name = NULL },
};
