/* SPDX-License-Identifier: MIT */
/* A fake libibverbs.so.1, which registers nothing: for tests of fabric/{ibverbs,mr}.c. */
#ifndef FAKE_VERBS_H
#define FAKE_VERBS_H

#include <infiniband/verbs.h>

/* Tests may set any member between calls. */
struct fake_verbs {
	void (*on_register)(void);	/* called in each registration */
	int error;			/* unless 0: registrations fail with this errno */
	int rereg;			/* what ibv_rereg_mr() returns */
	unsigned int nr_posts;		/* work requests that have come here */
	uint32_t last_lkey;
};

extern struct fake_verbs fake_verbs;

/* In verbs_plugin.c */
struct ibv_mr *plugin_register(struct ibv_pd *pd, void *addr, size_t length, int access);
int plugin_deregister(struct ibv_mr *mr);
struct fake_verbs *plugin_fake(void);

#endif /* FAKE_VERBS_H */
