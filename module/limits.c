// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: module parameters, the charges of each user, live counters
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/overflow.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>
#include <linux/pinwatch.h>
#include "limits.h"

static unsigned int max_watches_per_file = 65536;
module_param(max_watches_per_file, uint, 0644);
MODULE_PARM_DESC(max_watches_per_file,
		 "watches that a file descriptor opened from now on can hold (1 to 1048576)");

static unsigned int max_watches_per_user = 262144;
module_param(max_watches_per_user, uint, 0644);
MODULE_PARM_DESC(max_watches_per_user,
		 "watches that all file descriptors charged to one user can hold together");

static unsigned long max_pin_pages = 1UL << 20;
module_param(max_pin_pages, ulong, 0644);
MODULE_PARM_DESC(max_pin_pages,
		 "pages that one pinned watch can have, beside RLIMIT_MEMLOCK");

static unsigned int max_watches_per_page = 1024;
module_param(max_watches_per_page, uint, 0644);
MODULE_PARM_DESC(max_watches_per_page,
		 "watches of one user that can overlap a page of an address space");
#define HALF_OF_MEMORY	ULONG_MAX	/* pw_limits_init() replaces this */

static unsigned long max_pin_pages_per_user = HALF_OF_MEMORY;
module_param(max_pin_pages_per_user, ulong, 0644);
MODULE_PARM_DESC(max_pin_pages_per_user,
		 "pages that all files charged to one user can pin together (default: half of the memory)");

struct pw_counters pw_counters;

enum pw_resource {
	WATCHES,
	GENERATION_PAGES,	/* of files and their mappings, without the first page of each */
	PINNED_PAGES,		/* as pw_limits_charge_pin() counts them */
	NR_RESOURCES,
};

/**
 * struct pw_share - what a user ID is charged with
 * @node: Under shares_lock. In the table of all shares.
 * @uid: Constant.
 * @refs: Under shares_lock. References of struct pw_user.
 * @charged: Number of each resource.
 * @nr_events: Under ring.lock. Number of events in the ring of hits for listeners.
 */
struct pw_share {
	struct hlist_node node;
	kuid_t uid;
	unsigned int refs;
	atomic_long_t charged[NR_RESOURCES];
	unsigned int nr_events;
};

/**
 * struct pw_user - the user IDs that a file is charged to
 * @refs: References of files, of sets of generations, of compound pages, and of events in
 *	the ring of hits for listeners.
 * @outermost: Share of the owner of the outermost user namespace that has a share; without
 *	one, of the user's own ID. In @shares; constant.
 * @nr: Number of @shares; constant.
 * @shares: No two are the same; constant.
 */
struct pw_user {
	refcount_t refs;
	struct pw_share *outermost;
	unsigned int nr;
	struct pw_share *shares[];
};

static DEFINE_SPINLOCK(shares_lock);
static DEFINE_HASHTABLE(shares, 6);

unsigned int pw_limits_max_watches(void)
{
	return clamp(READ_ONCE(max_watches_per_file), 1U, PW_LIMITS_MAX_WATCHES);
}

int pw_limits_max_overlap(void)
{
	return min_t(unsigned int, READ_ONCE(max_watches_per_page), INT_MAX);
}

void pw_limits_init(void)
{
	if (max_pin_pages_per_user == HALF_OF_MEMORY)
		max_pin_pages_per_user = totalram_pages() / 2;
}

unsigned long pw_limits_max_pin_pages(void)
{
	/* kvmalloc() fails above INT_MAX bytes. */
	return min(READ_ONCE(max_pin_pages), (unsigned long)INT_MAX / sizeof(void *));
}

static int charge_mm(struct mm_struct *mm, unsigned long nr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	s64 pinned = atomic64_read(&mm->pinned_vm);

	/* Never exceed the limit, not even briefly: other drivers charge pinned_vm, too. */
	do {
		if (pinned + nr > limit && !capable(CAP_IPC_LOCK))
			return -ENOBUFS;
	} while (!atomic64_try_cmpxchg(&mm->pinned_vm, &pinned, pinned + nr));
	return 0;
}

static int share_charge(atomic_long_t *charged, unsigned long nr, unsigned long max)
{
	long old = atomic_long_read(charged);

	do {
		if (old + nr > max)
			return -EDQUOT;
	} while (!atomic_long_try_cmpxchg(charged, &old, old + nr));
	return 0;
}

static void user_uncharge(struct pw_user *user, enum pw_resource resource, unsigned long nr)
{
	unsigned int i;

	for (i = 0; i < user->nr; i++)
		atomic_long_sub(nr, &user->shares[i]->charged[resource]);
}

/* Charge all shares of @user, or none. */
static int user_charge(struct pw_user *user, enum pw_resource resource, unsigned long nr,
		       unsigned long max)
{
	unsigned int i;

	for (i = 0; i < user->nr; i++)
		if (share_charge(&user->shares[i]->charged[resource], nr, max))
			goto err_uncharge;
	return 0;

err_uncharge:
	while (i--)
		atomic_long_sub(nr, &user->shares[i]->charged[resource]);
	return -EDQUOT;
}

static int charge_pinned(struct pw_user *user, unsigned long nr)
{
	int err = user_charge(user, PINNED_PAGES, nr, READ_ONCE(max_pin_pages_per_user));

	if (err && capable(CAP_IPC_LOCK))
		err = user_charge(user, PINNED_PAGES, nr, ULONG_MAX);
	return err;
}

int pw_limits_charge_pin(struct pw_user *user, struct mm_struct *mm, unsigned long nr)
{
	int err;

	if (!nr)
		return 0;
	err = charge_mm(mm, nr);
	if (err)
		return err;
	err = charge_pinned(user, nr);
	if (err)
		atomic64_sub(nr, &mm->pinned_vm);
	else
		atomic_long_add(nr, &pw_counters.pinned_pages);
	return err;
}

void pw_limits_uncharge_pin(struct pw_user *user, struct mm_struct *mm, unsigned long nr)
{
	atomic64_sub(nr, &mm->pinned_vm);
	user_uncharge(user, PINNED_PAGES, nr);
	atomic_long_sub(nr, &pw_counters.pinned_pages);
}

static struct pw_share *shares_find(kuid_t uid)
{
	struct pw_share *share;

	lockdep_assert_held(&shares_lock);
	hash_for_each_possible(shares, share, node, __kuid_val(uid)) {
		if (uid_eq(share->uid, uid)) {
			share->refs++;
			return share;
		}
	}
	return NULL;
}

static struct pw_share *share_get(kuid_t uid)
{
	struct pw_share *share, *fresh;

	spin_lock(&shares_lock);
	share = shares_find(uid);
	spin_unlock(&shares_lock);
	if (share)
		return share;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	fresh->refs = 1;

	spin_lock(&shares_lock);
	share = shares_find(uid);
	if (!share) {
		hash_add(shares, &fresh->node, __kuid_val(uid));
		share = fresh;
	}
	spin_unlock(&shares_lock);
	if (share != fresh)
		kfree(fresh);
	return share;
}

static void share_put(struct pw_share *share)
{
	unsigned int i;
	bool last;

	spin_lock(&shares_lock);
	last = !--share->refs;
	if (last)
		hash_del(&share->node);
	spin_unlock(&shares_lock);
	if (!last)
		return;
	for (i = 0; i < NR_RESOURCES; i++)
		WARN_ON_ONCE(atomic_long_read(&share->charged[i]));
	kfree(share);
}

/* Charge @uid as well, as the outermost so far. Return: false if there is no memory. */
static bool user_add_share(struct pw_user *user, kuid_t uid)
{
	unsigned int i;

	for (i = 0; i < user->nr; i++)
		if (uid_eq(user->shares[i]->uid, uid))
			break;
	if (i == user->nr) {
		user->shares[i] = share_get(uid);
		if (!user->shares[i])
			return false;
		user->nr++;
	}
	user->outermost = user->shares[i];
	return true;
}

struct pw_user *pw_limits_get_user(const struct cred *cred)
{
	struct user_namespace *ns = cred->user_ns;
	struct pw_user *user;
	bool added;

	user = kzalloc(struct_size(user, shares, ns->level + 1), GFP_KERNEL_ACCOUNT);
	if (!user)
		return NULL;
	refcount_set(&user->refs, 1);
	added = user_add_share(user, cred->uid);
	for (; added && ns->parent; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			added = user_add_share(user, ns->owner);
	if (added)
		return user;
	pw_limits_put_user(user);
	return NULL;
}

void pw_limits_put_user(struct pw_user *user)
{
	if (!refcount_dec_and_test(&user->refs))
		return;
	while (user->nr)
		share_put(user->shares[--user->nr]);
	kfree(user);
}

unsigned int *pw_limits_nr_events(struct pw_user *user)
{
	return &user->outermost->nr_events;
}

/* The first share is that of the user's own ID. */
const struct pw_share *pw_limits_share(const struct pw_user *user)
{
	return user->shares[0];
}

void pw_limits_hold_user(struct pw_user *user)
{
	refcount_inc(&user->refs);
}

int pw_limits_charge(struct pw_user *user)
{
	return user_charge(user, WATCHES, 1, READ_ONCE(max_watches_per_user));
}

void pw_limits_uncharge(struct pw_user *user)
{
	user_uncharge(user, WATCHES, 1);
}

int pw_limits_charge_page(struct pw_user *user)
{
	unsigned int words = PAGE_SIZE / sizeof(struct pinwatch_gen);
	unsigned int max = READ_ONCE(max_watches_per_user);

	/* The round-up in DIV_ROUND_UP() could overflow. */
	return user_charge(user, GENERATION_PAGES, 1, max / words + !!(max % words));
}

void pw_limits_uncharge_pages(struct pw_user *user, int nr)
{
	user_uncharge(user, GENERATION_PAGES, nr);
}
