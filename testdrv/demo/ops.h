/* SPDX-License-Identifier: MIT */
/* One operation of the demonstration. ops.c says how to add an operation. */
#ifndef OPS_H
#define OPS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

#include "subject.h"

/* The process that makes the change. The parent acts as DEMO_BY_OTHER and DEMO_BY_KERNEL. */
enum demo_by {
	DEMO_BY_SELF,
	DEMO_BY_OTHER,
	DEMO_BY_KERNEL,
};

/* The effect to be found with pagemap.h. With a different effect the operation fails. */
enum demo_expect {
	MUST_CHANGE,	/* a page has left the address */
	MUST_PROTECT,	/* the pages stay, and the next write to a page faults */
	MUST_NOTIFY,	/* the generation changes; the pages may stay */
	MAY_KEEP,	/* the page and the generation may stay, because of the pin */
};

/* How the operation ends for the subject. */
enum demo_end {
	DEMO_RETURNS,
	DEMO_DIES,	/* the process exits */
	DEMO_EXECS,	/* exec() replaces the address space */
	DEMO_HELD,	/* killed, but stopped in exit by a tracer */
};

struct demo_op {
	const char *name;
	enum demo_by by;
	enum demo_end end;
	bool by_subject;	/* the subject calls act although by is not DEMO_BY_SELF */
	bool global;		/* affects the whole machine: only with --global */
	bool unshares;		/* empties a shared page table of hugetlb: the pages stay */
	bool pin_control;	/* the operation moves every page, so pin the control range */
	enum demo_expect watch;
	enum demo_expect pin;
	uint32_t pin_flags;	/* PINWATCH_WATCH_F_* of the pinned watch */
	/* PINWATCH_EVENT_*: if the generation changes, at least one bit must be reported. */
	uint32_t events;
	uint32_t (*events_here)(void);	/* replaces events where the kernel version matters */
	uint64_t cause;		/* PINWATCH_CAUSE_*: at least one must be reported, if any is */
	/* In the subject: make the watched range. 0 or -errno. */
	int (*map)(struct subject *subject);
	/* In the actor: perform the operation with ACT(). 0 or -errno. */
	int (*act)(struct actor *actor);
	/* In the parent, may be NULL: returns the name of a missing feature, or NULL. */
	const char *(*lacks)(void);
	/* In the parent, may be NULL: called before the subject is forked. 0 or -errno. */
	int (*prepare)(void);
	/* In the parent, may be NULL: called after the subject exited, also after an error. */
	void (*cleanup)(void);
};

/* Does the subject call act? */
static inline bool op_in_subject(const struct demo_op *op)
{
	return op->by == DEMO_BY_SELF || op->by_subject;
}

#define PIN_READ	PINWATCH_WATCH_F_PIN
#define PIN_WRITE	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)

/* For several tables: write to the second page; fork. */
int op_write(struct actor *actor);
int op_fork(struct actor *actor);

/* An entry without a name ends each table. */
extern const struct demo_op ops_map[];		/* munmap, mremap, brk, mprotect */
extern const struct demo_op ops_advise[];	/* madvise */
extern const struct demo_op ops_cow[];		/* copy-on-write, fork */
extern const struct demo_op ops_remote[];	/* writes by other processes */
extern const struct demo_op ops_file[];		/* shared and private files */
extern const struct demo_op ops_userfault[];	/* userfaultfd, soft-dirty */
extern const struct demo_op ops_huge[];		/* transparent huge pages */
extern const struct demo_op ops_hugetlb[];	/* reserved huge pages */
extern const struct demo_op ops_migrate[];	/* NUMA nodes */
extern const struct demo_op ops_memory[];	/* compaction, memory hot-remove */
extern const struct demo_op ops_reclaim[];	/* swap */
extern const struct demo_op ops_ksm[];		/* same-page merging */
extern const struct demo_op ops_reap[];		/* memory of killed processes */
extern const struct demo_op ops_process[];	/* uprobes, exec, exit */
extern const struct demo_op ops_poison[];	/* memory failure; runs last: loses pages */

/* The operation @index of all tables, in the order in which they run; NULL after the last. */
const struct demo_op *op_get(size_t index);

#endif /* OPS_H */
