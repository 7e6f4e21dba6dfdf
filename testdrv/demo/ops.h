/* SPDX-License-Identifier: MIT */
/* One operation of the demonstration; see demo.h for what is done with it. */
#ifndef OPS_H
#define OPS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

#include "subject.h"

/* Whose system call it is; the harness makes those that are not the subject's. */
enum demo_by {
	DEMO_BY_SELF,
	DEMO_BY_OTHER,
	DEMO_BY_KERNEL,
};

/* What the oracle has to find, or else the operation did not happen. */
enum demo_expect {
	MUST_CHANGE,	/* a page leaves its address */
	MUST_PROTECT,	/* the pages stay, but can be written to no more (without a fault) */
	MUST_NOTIFY,	/* the pages may stay, but the generation changes */
	MAY_KEEP,	/* because it is pinned: the page and the generation may stay */
};

/* How the operation ends for the subject. */
enum demo_end {
	DEMO_RETURNS,
	DEMO_DIES,	/* the process ends */
	DEMO_EXECS,	/* its address space ends */
	DEMO_HELD,	/* it is killed, but the harness traces it and holds it at its exit */
};

struct demo_op {
	const char *name;
	enum demo_by by;
	enum demo_end end;
	bool by_subject;	/* the subject makes the calls, although it is not who does it */
	bool global;		/* others feel it, as they do a knob: only with --global */
	bool pin_control;	/* it is after every page: keeps the control range out of it */
	enum demo_expect watch;
	enum demo_expect pin;
	uint32_t pin_flags;	/* PINWATCH_WATCH_F_* of the pinned watch */
	/* If anything is told, then one of these at least: PINWATCH_EVENT_*. */
	uint32_t events;
	uint32_t (*events_here)(void);	/* instead, where it depends on the kernel */
	uint64_t cause;		/* PINWATCH_CAUSE_* that may be named: one or more */
	/* In the subject: makes the watched range. 0 or -errno. */
	int (*map)(struct subject *subject);
	/* In the actor: the operation, by way of ACT(). 0 or -errno. */
	int (*act)(struct actor *actor);
	/* In the harness, may be NULL: what this machine lacks, or NULL. */
	const char *(*lacks)(void);
	/* In the harness, may be NULL: before the subject is made (0 or -errno), ... */
	int (*prepare)(void);
	/* ... and when it is gone, also if prepare or anything after it failed. */
	void (*cleanup)(void);
};

/* Is it the subject's process that calls act? */
static inline bool op_in_subject(const struct demo_op *op)
{
	return op->by == DEMO_BY_SELF || op->by_subject;
}

#define PIN_READ	PINWATCH_WATCH_F_PIN
#define PIN_WRITE	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)

/* Operations of several tables: a byte is written to the second page; fork. */
int op_write(struct actor *actor);
int op_fork(struct actor *actor);

/* Each ends with an entry without a name. */
extern const struct demo_op ops_map[];		/* munmap, mremap, brk, mprotect */
extern const struct demo_op ops_advise[];	/* madvise */
extern const struct demo_op ops_cow[];		/* copy-on-write, fork */
extern const struct demo_op ops_remote[];	/* writes by other processes */
extern const struct demo_op ops_file[];		/* shared and private files */
extern const struct demo_op ops_userfault[];	/* userfaultfd, soft-dirty */
extern const struct demo_op ops_huge[];		/* transparent huge pages */
extern const struct demo_op ops_hugetlb[];	/* reserved huge pages */
extern const struct demo_op ops_migrate[];	/* from node to node */
extern const struct demo_op ops_memory[];	/* compaction, memory that goes away */
extern const struct demo_op ops_reclaim[];	/* swap */
extern const struct demo_op ops_ksm[];		/* equal pages */
extern const struct demo_op ops_reap[];		/* the memory of who was killed */
extern const struct demo_op ops_process[];	/* uprobes, exec, exit */
extern const struct demo_op ops_poison[];	/* bad memory; last, for it is lost */

/* The operation @index of all tables, in the order in which they run; NULL after the last. */
const struct demo_op *op_get(size_t index);

#endif /* OPS_H */
