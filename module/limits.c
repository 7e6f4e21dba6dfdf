// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: module parameters, the charges of each user, live counters
 */
#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/pinwatch.h>
#include "limits.h"

static unsigned int max_watches_per_file = 65536;
module_param(max_watches_per_file, uint, 0644);
MODULE_PARM_DESC(max_watches_per_file,
		 "watches that a file descriptor opened from now on can hold (1 to 1048576)");

static unsigned int max_watches_per_user = 262144;
module_param(max_watches_per_user, uint, 0644);
MODULE_PARM_DESC(max_watches_per_user,
		 "watches that all file descriptors opened by one user can hold together");

static unsigned long max_pin_pages = 1UL << 20;
module_param(max_pin_pages, ulong, 0644);
MODULE_PARM_DESC(max_pin_pages,
		 "pages that one pinned watch can have, beside RLIMIT_MEMLOCK");

#define HALF_OF_MEMORY	ULONG_MAX	/* pw_limits_init() replaces this */

static unsigned long max_pin_pages_per_user = HALF_OF_MEMORY;
module_param(max_pin_pages_per_user, ulong, 0644);
MODULE_PARM_DESC(max_pin_pages_per_user,
		 "pages that all file descriptors opened by one user can hold pinned together (default: half of the memory)");

struct pw_counters pw_counters;

/**
 * struct pw_user - the charges of a user
 * @node: Under users_lock. In the table of users.
 * @uid: Constant.
 * @refs: Under users_lock. References of files and of sets of generations.
 * @nr_watches: Watches in files that the user opened.
 * @nr_pages: Pages of generations of these files and their mappings, without the first
 *	page of each file.
 * @nr_pinned: Pages that pins of these files hold, as pw_limits_charge_pin() counts them.
 */
struct pw_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned int refs;
	atomic_t nr_watches;
	atomic_t nr_pages;
	atomic_long_t nr_pinned;
};

static DEFINE_SPINLOCK(users_lock);
static DEFINE_HASHTABLE(users, 6);

unsigned int pw_limits_max_watches(void)
{
	return clamp(READ_ONCE(max_watches_per_file), 1U, PW_LIMITS_MAX_WATCHES);
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
			return -ENOMEM;
	} while (!atomic64_try_cmpxchg(&mm->pinned_vm, &pinned, pinned + nr));
	return 0;
}

static int charge_pinned(struct pw_user *user, unsigned long nr)
{
	unsigned long max = READ_ONCE(max_pin_pages_per_user);
	long pinned = atomic_long_read(&user->nr_pinned);

	do {
		if (pinned + nr > max && !capable(CAP_IPC_LOCK))
			return -EDQUOT;
	} while (!atomic_long_try_cmpxchg(&user->nr_pinned, &pinned, pinned + nr));
	return 0;
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
	atomic_long_sub(nr, &user->nr_pinned);
	atomic_long_sub(nr, &pw_counters.pinned_pages);
}

static struct pw_user *users_find(kuid_t uid)
{
	struct pw_user *user;

	lockdep_assert_held(&users_lock);
	hash_for_each_possible(users, user, node, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid)) {
			user->refs++;
			return user;
		}
	}
	return NULL;
}

struct pw_user *pw_limits_get_user(kuid_t uid)
{
	struct pw_user *user, *fresh;

	spin_lock(&users_lock);
	user = users_find(uid);
	spin_unlock(&users_lock);
	if (user)
		return user;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	fresh->refs = 1;

	spin_lock(&users_lock);
	user = users_find(uid);
	if (!user) {
		hash_add(users, &fresh->node, __kuid_val(uid));
		user = fresh;
	}
	spin_unlock(&users_lock);
	if (user != fresh)
		kfree(fresh);
	return user;
}

void pw_limits_put_user(struct pw_user *user)
{
	bool last;

	spin_lock(&users_lock);
	last = !--user->refs;
	if (last)
		hash_del(&user->node);
	spin_unlock(&users_lock);
	if (!last)
		return;
	WARN_ON_ONCE(atomic_read(&user->nr_watches) || atomic_read(&user->nr_pages) ||
		     atomic_long_read(&user->nr_pinned));
	kfree(user);
}

void pw_limits_hold_user(struct pw_user *user)
{
	spin_lock(&users_lock);
	user->refs++;
	spin_unlock(&users_lock);
}

static int charge(atomic_t *counter, int max)
{
	int nr = atomic_read(counter);

	do {
		if (nr >= max)
			return -EDQUOT;
	} while (!atomic_try_cmpxchg(counter, &nr, nr + 1));
	return 0;
}

static int max_per_user(void)
{
	return min_t(unsigned int, READ_ONCE(max_watches_per_user), INT_MAX);
}

int pw_limits_charge(struct pw_user *user)
{
	return charge(&user->nr_watches, max_per_user());
}

void pw_limits_uncharge(struct pw_user *user)
{
	atomic_dec(&user->nr_watches);
}

int pw_limits_charge_page(struct pw_user *user)
{
	unsigned int words = PAGE_SIZE / sizeof(struct pinwatch_gen);

	return charge(&user->nr_pages, DIV_ROUND_UP((unsigned int)max_per_user(), words));
}

void pw_limits_uncharge_pages(struct pw_user *user, int nr)
{
	atomic_sub(nr, &user->nr_pages);
}
