// SPDX-License-Identifier: MIT
/* Another process writes to the subject's memory, which breaks copy-on-write. */
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"

static int act_vm_writev(struct actor *actor)
{
	struct subject *s = actor->subject;
	char byte = 'v';
	struct iovec local = { .iov_base = &byte, .iov_len = 1 };
	struct iovec remote = { .iov_base = s->addr + s->page_size, .iov_len = 1 };

	return ACT(actor, process_vm_writev(s->pid, &local, 1, &remote, 1, 0));
}

/* A debugger can write to a read-only mapping. */
static int act_poke(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, status;

	if (ptrace(PTRACE_SEIZE, s->pid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, s->pid, NULL, NULL) ||
	    waitpid(s->pid, &status, 0) != s->pid)
		return -errno;
	ret = ACT(actor, ptrace(PTRACE_POKEDATA, s->pid, s->addr + s->page_size, 1L));
	if (ptrace(PTRACE_DETACH, s->pid, NULL, NULL) && !ret)
		ret = -errno;
	return ret;
}

static int act_proc_mem(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, fd = actor_proc_open(actor, "mem", O_RDWR);

	if (fd < 0)
		return fd;
	ret = ACT(actor, pwrite(fd, "m", 1, (off_t)(uintptr_t)(s->addr + s->page_size)));
	close(fd);
	return ret;
}

const struct demo_op ops_remote[] = {
	{
		.name = "process_vm_writev to a zero page", .by = DEMO_BY_OTHER,
		.map = subject_map_zero, .act = act_vm_writev,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_REMOTE_WRITE,
	}, {
		.name = "process_vm_writev after fork", .by = DEMO_BY_OTHER,
		.map = subject_map_forked, .act = act_vm_writev,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_REMOTE_WRITE,
	}, {
		.name = "write by /proc/PID/mem after fork", .by = DEMO_BY_OTHER,
		.map = subject_map_forked, .act = act_proc_mem,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_REMOTE_WRITE,
	}, {
		.name = "ptrace write to a read-only page", .by = DEMO_BY_OTHER,
		.map = subject_map_read_only, .act = act_poke,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_REMOTE_WRITE,
	},
	{ .name = NULL },
};
