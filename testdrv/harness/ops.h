/* SPDX-License-Identifier: MIT */
/* One operation of the demonstration; see demo.h for what is done with it. */
#ifndef OPS_H
#define OPS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>

#include "subject.h"

/* Whose system call it is; the harness makes those that are not the subject's. */
enum demo_who {
	DEMO_SELF,
	DEMO_OTHER,
	DEMO_KERNEL,
};

/* What the oracle has to find, or else the operation did not happen. */
enum demo_expect {
	MUST_CHANGE,	/* a page leaves its address */
	MUST_PROTECT,	/* the pages stay, but can be written to no more (without a fault) */
	MUST_TELL,	/* the pages may stay, but the generation changes */
	MAY_KEEP,	/* because it is pinned: the page and the generation may stay */
};

/* How the operation ends for the subject. */
enum demo_end {
	DEMO_RETURNS,
	DEMO_DIES,	/* the process ends */
	DEMO_EXECS,	/* its address space ends */
};

struct demo_op {
	const char *name;
	enum demo_who who;
	enum demo_end end;
	bool global;		/* turns a knob that others feel: not with --host */
	enum demo_expect watch;
	enum demo_expect pin;
	uint32_t pin_flags;	/* PINWATCH_WATCH_F_* of the pinned watch */
	/* In the subject: makes the watched range. 0 or -errno. */
	int (*map)(struct subject *subject);
	/* In the actor: the operation, by way of ACT(). 0 or -errno. */
	int (*act)(struct actor *actor);
	/* In the harness, may be NULL: what this machine lacks, or NULL. */
	const char *(*lacks)(void);
};

#define PIN_READ	PINWATCH_WATCH_F_PIN
#define PIN_WRITE	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)

/* Each ends with an entry without a name. */
extern const struct demo_op ops_map[];		/* munmap, mremap, brk, mprotect */
extern const struct demo_op ops_advise[];	/* madvise */
extern const struct demo_op ops_cow[];		/* copy-on-write, fork */
extern const struct demo_op ops_file[];		/* shared and private files */
extern const struct demo_op ops_process[];	/* other processes, exec, exit */
extern const struct demo_op ops_kernel[];	/* the kernel's own threads */

#endif /* OPS_H */
