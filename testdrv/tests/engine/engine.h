/* SPDX-License-Identifier: MIT */
/*
 * engine: tests of the engine through /dev/pinwatch_test
 *
 * Each test runs in a process of its own. Nothing sleeps to order events: a test
 * waits until a callback is inside (lab_wait), until a counter of the module
 * says that somebody waits (await_*), or for a thread's end.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../module/pinwatch_test.h"
#include "../../../uapi/linux/pinwatch.h"

#define PAGE	4096UL

/* enum mmu_notifier_event, as bits of pinwatch_test_read.events */
#define EVENT_UNMAP	(1U << 0)
#define EVENT_CLEAR	(1U << 1)
#define EVENT_PROTECT	(1U << 2)
#define EVENT_PROTECT_PAGE (1U << 3)
#define EVENT_RELEASE	(1U << 5)

/* engine.c: a verdict; a line of context; the end of a test that cannot go on */
void check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* engine_lab.c: the lab's calls; they die when they fail. */
int lab_open(void);
void lab_release_all(void);
int lab_try_add(int fd, struct pinwatch_test_add *add);
struct pinwatch_test_add lab_add(int fd, unsigned int engine, unsigned int behaviour,
				 char *start, size_t length);
unsigned int lab_add_with(int fd, struct pinwatch_test_add add);
unsigned int lab_add_slow(int fd, unsigned int engine, char *start, size_t length,
			  unsigned int sleep_us);
struct pinwatch_test_time lab_del(int fd, unsigned int id);
struct pinwatch_test_read lab_read(int fd, unsigned int id);
struct pinwatch_test_begin lab_begin(int fd, unsigned int id);
int lab_begin_how(int fd, struct pinwatch_test_begin *begin);
bool lab_retry(int fd, unsigned int id, uint64_t seq);
void lab_wait(int fd, unsigned int id, unsigned int inside);
void lab_release(int fd, unsigned int id);

struct pinwatch_stats pw_stats(void);
bool pw_settles(void);
void await_waits(uint64_t more_than);
void await_remove_waits(uint64_t more_than);

char *map_pages(size_t nr);
uint64_t now_us(void);

/*
 * A thread, of those that tasks_prepare() has made, that does one thing:
 * MADV_DONTNEED, or a call of the lab. @flag, if any, is copied to @flag_after
 * when that has returned.
 */
struct task {
	pthread_t thread;
	int fd;
	unsigned int id;
	char *addr;
	size_t length;
	struct pinwatch_test_begin begin;
	struct pinwatch_test_time del;
	const int *flag;
	int flag_after;
};

void tasks_prepare(unsigned int nr);
void task_dontneed(struct task *task, char *addr, size_t length);
void task_begin(struct task *task, int fd, unsigned int id, const int *flag);
void task_del(struct task *task, int fd, unsigned int id, const int *flag);
void task_join(struct task *task);

/*
 * Another driver's real mmu_interval_notifier in this mm, which must keep
 * working whatever the test does.
 */
struct neighbour {
	int fd;
	unsigned int id;
	char *page;
};

void neighbour_add(struct neighbour *neighbour, int fd);
void neighbour_check(const struct neighbour *neighbour);

/* The tests */
void engine_overlap_waits(void);
void engine_insert_during_invalidation(void);
void engine_remove_waits_for_own_callback(void);
void engine_two_invalidations(void);
void engine_rejected_invalidation(void);
void engine_stranger_pinwatch(void);
void engine_stranger_kernel(void);
void engine_remote_write(void);
void engine_remote_truncate(void);
void engine_exit_in_truncate(void);
void engine_register_signal(void);
void engine_register_fork(void);
void engine_register_locked(void);
void engine_many_invalidations(void);
void engine_reap(void);
void engine_differential(void);
void engine_reap_sleeper_removed(void);
void engine_reap_sleeper_exits(void);
void engine_oom(void);
void engine_two_pass_overlaps(void);
void engine_two_pass_remove_waits(void);
void engine_two_pass_no_object(void);
void engine_filter_events(void);
void engine_filter_refused(void);
void engine_filter_in_flight(void);
void engine_begin_killable(void);
void engine_begin_timeout(void);
void engine_put(void);
void engine_put_itself(void);
void engine_dying_release(void);
void engine_dying_race(void);
void engine_crowd(void);
void engine_unload_refused(void);
void engine_device_killable(void);

#endif
