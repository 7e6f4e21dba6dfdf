// SPDX-License-Identifier: MIT
/*
 * What other processes and the kernel do to an address space, and its end.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "oracle.h"

#define MOVE_PAGES_F_ALL	(1 << 2)	/* MPOL_MF_MOVE_ALL */

static const char *lacks_two_nodes(void)
{
	struct stat st;

	return stat("/sys/devices/system/node/node1", &st) ? "a second NUMA node" : NULL;
}

/* A page that was just written to is soft-dirty, where the kernel has that. */
static const char *lacks_soft_dirty(void)
{
	static char page[2 * 65536];
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *addr = (char *)(((uintptr_t)page + page_size - 1) & ~(page_size - 1));
	struct oracle_snapshot snapshot;
	struct oracle oracle;
	int ret;

	*(volatile char *)addr = 1;
	if (oracle_open(&oracle, getpid()))
		return NULL;
	ret = oracle_look(&oracle, addr, page_size, &snapshot);
	oracle_close(&oracle);
	return ret || snapshot.pages[0].soft_dirty ? NULL :
		"soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)";
}

static int act_vm_writev(struct actor *actor)
{
	struct subject *s = actor->subject;
	char byte = 'v';
	struct iovec local = { .iov_base = &byte, .iov_len = 1 };
	struct iovec remote = { .iov_base = s->addr + s->page_size, .iov_len = 1 };

	return ACT(actor, process_vm_writev(s->pid, &local, 1, &remote, 1, 0));
}

/* A debugger writes to a mapping that its owner cannot write to. */
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

static int act_soft_dirty(struct actor *actor)
{
	char path[64];
	int ret, fd;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", actor->subject->pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = ACT(actor, write(fd, "4", 1));
	close(fd);
	return ret;
}

static int act_move_pages(struct actor *actor)
{
	struct subject *s = actor->subject;
	void *pages[SUBJECT_PAGES];
	int nodes[SUBJECT_PAGES], status[SUBJECT_PAGES];
	int i;

	for (i = 0; i < SUBJECT_PAGES; i++)
		pages[i] = s->addr + (size_t)i * s->page_size;
	if (syscall(SYS_move_pages, s->pid, SUBJECT_PAGES, pages, NULL, status, 0))
		return -errno;
	for (i = 0; i < SUBJECT_PAGES; i++)
		nodes[i] = !status[i];
	/* A positive value counts pages that did not move: pinned ones. */
	return ACT(actor, syscall(SYS_move_pages, s->pid, SUBJECT_PAGES, pages, nodes,
				  status, MOVE_PAGES_F_ALL));
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

const struct demo_op ops_process[] = {
	{
		.name = "process_vm_writev to a zero page", .who = DEMO_OTHER,
		.map = subject_map_zero, .act = act_vm_writev,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
	}, {
		.name = "process_vm_writev after fork", .who = DEMO_OTHER,
		.map = subject_map_forked, .act = act_vm_writev,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
	}, {
		.name = "ptrace write to a read-only page", .who = DEMO_OTHER,
		.map = subject_map_read_only, .act = act_poke,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
	}, {
		.name = "soft-dirty reset by clear_refs", .who = DEMO_OTHER,
		.map = subject_map_written, .act = act_soft_dirty, .lacks = lacks_soft_dirty,
		/* The kernel leaves the entry of a pinned page as it is. */
		.watch = MUST_PROTECT, .pin = MUST_TELL, .pin_flags = PIN_WRITE,
	}, {
		.name = "move_pages to another node", .who = DEMO_OTHER,
		.map = subject_map_written, .act = act_move_pages, .lacks = lacks_two_nodes,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
	}, {
		.name = "exec", .end = DEMO_EXECS,
		.map = subject_map_written, .act = act_exec,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "exit", .end = DEMO_DIES,
		.map = subject_map_written, .act = act_exit,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "killed (SIGKILL)", .who = DEMO_OTHER, .end = DEMO_DIES,
		.map = subject_map_written, .act = act_kill,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	},
	{ .name = NULL },
};
