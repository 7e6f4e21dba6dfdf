/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What users can make the module hold, and how much it holds now
 *
 * A user is the real uid that opened the device; a file that was passed on is
 * still charged to the one who opened it.
 */
#ifndef _PW_LIMITS_H
#define _PW_LIMITS_H

#include <linux/atomic.h>
#include <linux/uidgid.h>

struct pw_user;

/**
 * struct pw_counters - live objects of the whole module
 * @nr_files: Open file descriptions.
 * @nr_watches: Watches, those that are being added included.
 * @pinned_pages: Pages that watches have accounted to pin.
 */
struct pw_counters {
	atomic_long_t nr_files;
	atomic_long_t nr_watches;
	atomic_long_t pinned_pages;
};

extern struct pw_counters pw_counters;

/**
 * pw_limits_max_watches() - the most watches that a new file may hold
 *
 * The administrator may change it at any time; a file keeps what it was opened
 * with, because the length of its generations depends on it.
 *
 * Context: any. Does not sleep.
 * Return: 1 to %PW_LIMITS_MAX_WATCHES.
 */
unsigned int pw_limits_max_watches(void);

#define PW_LIMITS_MAX_WATCHES	1048576U

/**
 * pw_limits_max_pin_pages() - the most pages that one watch may pin
 *
 * Context: any. Does not sleep.
 * Return: pages; an array of pointers to so many can be allocated.
 */
unsigned long pw_limits_max_pin_pages(void);

/**
 * pw_limits_get_user() - the record of a user's share
 * @uid: The user.
 *
 * Context: process context, may sleep.
 * Return: the record with a reference for pw_limits_put_user(), NULL when
 * memory is short.
 */
struct pw_user *pw_limits_get_user(kuid_t uid);

/**
 * pw_limits_put_user() - give a reference back
 * @user: From pw_limits_get_user(); with nothing charged by the caller.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_put_user(struct pw_user *user);

/**
 * pw_limits_charge() - one watch more
 * @user: Who pays.
 *
 * Context: process context. Does not sleep.
 * Return: 0, -EDQUOT when @user has max_watches_per_user already.
 */
int pw_limits_charge(struct pw_user *user);

/**
 * pw_limits_uncharge() - one watch less
 * @user: Who paid.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_uncharge(struct pw_user *user);

/**
 * pw_limits_hold_user() - another reference
 * @user: Of which the caller has one.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_hold_user(struct pw_user *user);

/**
 * pw_limits_charge_page() - one page more of generations
 * @user: Who opened the device.
 *
 * As many as the words of max_watches_per_user watches fill.
 *
 * Context: process context. Does not sleep.
 * Return: 0, -EDQUOT.
 */
int pw_limits_charge_page(struct pw_user *user);

/**
 * pw_limits_uncharge_pages() - pages less
 * @user: Who paid.
 * @nr: How many.
 *
 * Context: process context. Does not sleep.
 */
void pw_limits_uncharge_pages(struct pw_user *user, int nr);

#endif /* _PW_LIMITS_H */
