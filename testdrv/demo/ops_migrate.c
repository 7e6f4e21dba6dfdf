// SPDX-License-Identifier: MIT
/* Pages migrate between NUMA nodes, and NUMA balancing scans for pages to migrate. */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "ops.h"
#include "placement.h"
#include "sysfs.h"

#define MAX_NODES	64	/* bits of a mask */
#define BALANCING	"/proc/sys/kernel/numa_balancing"
#define SCAN_TIMEOUT_NS	(30ULL * 1000000000)

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
	/* A positive return value counts pinned pages, which did not move. */
	return ACT(actor, syscall(SYS_move_pages, s->pid, SUBJECT_PAGES, pages, nodes,
				  status, MPOL_MF_MOVE_ALL));
}

/* There are two nodes: the mask of the node without the page. */
static unsigned long other_node(int node)
{
	return node ? 1UL : 2UL;
}

/* mbind() also succeeds if a page cannot move. */
static int act_mbind(struct actor *actor)
{
	struct subject *s = actor->subject;
	int node = placement_node(0, s->addr);
	unsigned long mask = other_node(node);

	if (node < 0)
		return node;
	return ACT(actor, syscall(SYS_mbind, s->addr, s->length, MPOL_BIND, &mask, MAX_NODES,
				  MPOL_MF_MOVE));
}

/* migrate_pages() moves the whole process, so the control range may move too. */
static int act_migrate_pages(struct actor *actor)
{
	struct subject *s = actor->subject;
	int node = placement_node(s->pid, s->addr);
	unsigned long from, to = other_node(node);

	if (node < 0)
		return node;
	from = 1UL << node;
	return ACT(actor, syscall(SYS_migrate_pages, s->pid, MAX_NODES, &from, &to));
}

static int cpuset_make(void)
{
	int ret = cgroup_make("cpuset");

	return ret ? ret : cgroup_write("cpuset.mems", "0");
}

static const char *lacks_cpuset(void)
{
	const char *lacks = lacks_two_nodes();

	if (lacks)
		return lacks;
	/* Older kernels do not move the pages, and have no sign of the difference. */
	if (kernel_running() < KERNEL(5, 16))
		return "control groups (v2) that move memory (5.16)";
	if (cpuset_make())
		lacks = "control groups (v2) with cpuset";
	cgroup_remove();
	return lacks;
}

static int map_in_cpuset(struct subject *subject)
{
	int ret = cgroup_join();

	return ret ? ret : subject_map_written(subject);
}

static int act_cpuset(struct actor *actor)
{
	return ACT_ERRNO(actor, cgroup_write("cpuset.mems", "1"));
}

static const char *lacks_balancing(void)
{
	if (sysfs_read(BALANCING))
		return "NUMA balancing that is not on already";
	return lacks_two_nodes();
}

static int balancing_on(void)
{
	return sysfs_set(BALANCING, "1");
}

/*
 * NUMA balancing scans pages that have no policy and are on another node than the
 * processor of the subject. The mapping has one page after the watched range, which act
 * touches.
 */
static int map_remote(struct subject *subject)
{
	size_t length = subject->length + subject->page_size;
	unsigned int cpu, node;
	unsigned long mask;
	int ret = subject_stay();

	if (ret)
		return ret;
	if (syscall(SYS_getcpu, &cpu, &node, NULL))
		return -errno;
	mask = other_node((int)node);
	ret = range_map_anonymous(subject->addr, length);
	if (ret)
		return ret;
	if (syscall(SYS_mbind, subject->addr, length, MPOL_BIND, &mask, MAX_NODES, 0))
		return -errno;
	range_write(subject->addr, length);
	mask = 1UL << node;
	if (syscall(SYS_mbind, subject->addr, length, MPOL_DEFAULT, NULL, 0, 0) ||
	    syscall(SYS_mbind, subject->control, subject->length, MPOL_BIND, &mask,
		    MAX_NODES, 0) ||
	    syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0))
		return -errno;
	return subject_settle(subject);
}

static long nr_faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? -1 : usage.ru_minflt;
}

/*
 * Use the processor until the kernel has scanned the address space. After the scan, the
 * unpinned page behind the range faults.
 */
static int act_balance(struct actor *actor)
{
	struct subject *s = actor->subject;
	volatile char *page = s->addr + s->length;
	uint64_t deadline = now_ns() + SCAN_TIMEOUT_NS;
	long before;

	actor_begin(actor);
	(void)*page;
	for (before = nr_faults(); nr_faults() == before; (void)*page)
		if (now_ns() > deadline)
			return -ETIMEDOUT;
	actor_end(actor, 0);
	return 0;
}

const struct demo_op ops_migrate[] = {
	{
		.name = "move_pages to another node", .by = DEMO_BY_OTHER,
		.map = subject_map_written, .act = act_move_pages, .lacks = lacks_two_nodes,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MIGRATE,
	}, {
		.name = "mbind MPOL_MF_MOVE", .map = subject_map_written, .act = act_mbind,
		.lacks = lacks_two_nodes,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MIGRATE,
	}, {
		.name = "migrate_pages", .by = DEMO_BY_OTHER, .map = subject_map_written,
		.act = act_migrate_pages, .lacks = lacks_two_nodes,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MIGRATE,
	}, {
		.name = "cpuset.mems changed", .by = DEMO_BY_OTHER, .global = true,
		.map = map_in_cpuset, .act = act_cpuset, .lacks = lacks_cpuset,
		.prepare = cpuset_make, .cleanup = cgroup_remove,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MIGRATE,
	}, {
		.name = "NUMA balancing scan", .by = DEMO_BY_KERNEL, .by_subject = true,
		.global = true, .map = map_remote, .act = act_balance,
		.lacks = lacks_balancing, .prepare = balancing_on, .cleanup = sysfs_restore,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_NUMA_BALANCE,
	},
	{ .name = NULL },
};
