/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adding and repinning watches: WATCH_ADD and WATCH_REPIN
 */
#ifndef _PW_WATCH_PIN_H
#define _PW_WATCH_PIN_H

struct pinwatch_watch_add;
struct pinwatch_watch_repin;
struct pw_file;
struct pw_watch;

/**
 * pw_watch_add() - PINWATCH_IOC_WATCH_ADD
 * @file: The file.
 * @args: What is asked for; the results are filled in.
 *
 * Context: process context, may sleep; no lock held.
 * Return: the active watch with a reference; an ERR_PTR of what the ABI lists.
 */
struct pw_watch *pw_watch_add(struct pw_file *file, struct pinwatch_watch_add *args);

/**
 * pw_watch_repin() - PINWATCH_IOC_WATCH_REPIN
 * @watch: The watch, with a reference of the caller's.
 * @args: The results are filled in.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0, or what the ABI lists.
 */
int pw_watch_repin(struct pw_watch *watch, struct pinwatch_watch_repin *args);

#endif /* _PW_WATCH_PIN_H */
