/* SPDX-License-Identifier: MIT */
/*
 * The interval notifier that the driver calls: pinwatch's, or, as the control, the kernel's
 * own. The environment says which: ENGINE=pinwatch or ENGINE=kernel. What the driver does must
 * be the same; the counters of pinwatch must count every callback, or none.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is the driver bound to pinwatch? */
bool engine_is_pinwatch(void);
/* A counter of pinwatch in debugfs. */
uint64_t engine_counter(const char *name);
/* The callbacks so far. */
uint64_t engine_callbacks(void);
/* Since @before at least one callback ran, if pinwatch is the engine; otherwise none. */
void engine_called_since(uint64_t before);
/* Wait until pinwatch has @expected subscriptions, or 0 if it is not the engine. */
bool engine_has_subscriptions(uint64_t expected);
/*
 * process_mrelease(2) of a process that is killed, but still has its memory, fails with EAGAIN:
 * it must not sleep, and the callback of the driver does. No callback runs, and pinwatch counts
 * a veto.
 */
void engine_refuses_mrelease(pid_t pid);
/* Trace a child process of the caller, kill it, and hold it in its exit, with its memory. */
void engine_hold(pid_t pid);
/* Let the held process exit, and wait for that. */
void engine_release(pid_t pid);

#endif /* ENGINE_H */
