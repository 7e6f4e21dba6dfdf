/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits on the resources that users can make the module hold, and live counters
 *
 * A user is a real uid. The watches and pins of a file are charged to the user that opened
 * the file or called BIND last. A page of generations is charged to the user that used it
 * first.
 *
 * A user who has subordinate IDs can open the device as each of these, in a user
 * namespace. So the owner of the user namespace is charged as well, and the owner of each
 * parent namespace. Root of the initial namespace is not charged as an owner, because one
 * container that root runs would use up the share of root.
 */
#ifndef _PW_LIMITS_H
#define _PW_LIMITS_H

#include <linux/atomic.h>

struct cred;
struct mm_struct;
struct pw_share;
struct pw_user;

/**
 * struct pw_counters - live objects of the whole module
 * @nr_files: Open file descriptions.
 * @nr_watches: Watches, including watches that are being added.
 * @pinned_pages: Pages charged to mm->pinned_vm for watches.
 */
struct pw_counters {
	atomic_long_t nr_files;
	atomic_long_t nr_watches;
	atomic_long_t pinned_pages;
};

extern struct pw_counters pw_counters;

/**
 * pw_limits_max_watches() - return the maximum number of watches of a new file
 *
 * The administrator may change the module parameter at any time. A file keeps the value
 * that it was opened with, because the length of its generations depends on the value.
 *
 * Context: any. Does not sleep.
 * Return: 1 to %PW_LIMITS_MAX_WATCHES.
 */
unsigned int pw_limits_max_watches(void);

#define PW_LIMITS_MAX_WATCHES	1048576U

/**
 * pw_limits_max_overlap() - return the maximum number of watches of a user and a page
 *
 * Context: any. Does not sleep.
 * Return: number of watches, not negative.
 */
int pw_limits_max_overlap(void);

/**
 * pw_limits_max_pin_pages() - return the maximum number of pages that a watch may pin
 *
 * Context: any. Does not sleep.
 * Return: number of pages; an array of so many pointers is within kvmalloc()'s limit.
 */
unsigned long pw_limits_max_pin_pages(void);

/**
 * pw_limits_init() - give max_pin_pages_per_user its default, half of the memory
 *
 * Context: module init, before the first open.
 */
void pw_limits_init(void);

/**
 * pw_limits_charge_pin() - charge a user and an address space for pinned pages
 * @user: The user.
 * @mm: The address space. The caller holds mm_count.
 * @nr: Number of pages, charged to mm->pinned_vm, as RDMA does. pinned_vm is used and
 *	not locked_vm, because pinned_vm needs no lock.
 *
 * CAP_IPC_LOCK of current exempts from both limits. The pages are charged all the same.
 *
 * Context: process context. Does not sleep.
 * Return: 0; -ENOBUFS if @mm would exceed RLIMIT_MEMLOCK of current; -EDQUOT if @user
 * would exceed max_pin_pages_per_user.
 */
int pw_limits_charge_pin(struct pw_user *user, struct mm_struct *mm, unsigned long nr);

/**
 * pw_limits_uncharge_pin() - undo pw_limits_charge_pin()
 * @user: The user.
 * @mm: The address space.
 * @nr: Number of pages.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_uncharge_pin(struct pw_user *user, struct mm_struct *mm, unsigned long nr);

/**
 * pw_limits_get_user() - allocate the user that a file is charged to
 * @cred: Credentials of the task that opens the device or calls BIND.
 *
 * Context: process context, may sleep.
 * Return: the user, with a reference for pw_limits_put_user(); NULL if there is no
 * memory. The limits bind all results for the same user ID together.
 */
struct pw_user *pw_limits_get_user(const struct cred *cred);

/**
 * pw_limits_put_user() - drop a reference
 * @user: From pw_limits_get_user(). The caller has undone its charges.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_put_user(struct pw_user *user);

/**
 * pw_limits_hold_user() - take another reference
 * @user: The user. The caller holds a reference.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_hold_user(struct pw_user *user);

/**
 * pw_limits_nr_events() - locate the number of netlink events of a user in the ring
 * @user: The user.
 *
 * All user IDs of a user namespace count as the owner of the outermost user namespace
 * that root of the initial namespace does not own.
 *
 * Context: any. Does not sleep.
 * Return: the number, which ring.lock protects, valid as long as @user.
 */
unsigned int *pw_limits_nr_events(struct pw_user *user);

/**
 * pw_limits_share() - identify the user ID of a user
 * @user: The user.
 *
 * Context: any. Does not sleep.
 * Return: the same address for all users with the same user ID, valid as long as @user.
 */
const struct pw_share *pw_limits_share(const struct pw_user *user);

/**
 * pw_limits_charge() - charge a user for a watch
 * @user: The user.
 *
 * Context: process context. Does not sleep.
 * Return: 0; -EDQUOT if @user has max_watches_per_user watches already.
 */
int pw_limits_charge(struct pw_user *user);

/**
 * pw_limits_uncharge() - undo pw_limits_charge()
 * @user: The user.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_uncharge(struct pw_user *user);

/**
 * pw_limits_charge_page() - charge a user for a page of generations
 * @user: The user.
 *
 * Context: process context. Does not sleep.
 * Return: 0; -EDQUOT if @user is charged already for as many pages as the generations of
 * max_watches_per_user watches fill.
 */
int pw_limits_charge_page(struct pw_user *user);

/**
 * pw_limits_uncharge_pages() - undo pw_limits_charge_page()
 * @user: The user.
 * @nr: Number of pages.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_uncharge_pages(struct pw_user *user, int nr);

#endif /* _PW_LIMITS_H */
