/* SPDX-License-Identifier: MIT */
/*
 * engine: tests of the engine, through the subscriptions of /dev/pinwatch_test
 *
 * No test sleeps to order events. A test waits until a callback is inside (sub_wait), until
 * a counter of the module says that a task waits (await_*), or for the end of a thread.
 * Functions without a result that says otherwise fail the test unless they succeed.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <pthread.h>
#include "../module/pinwatch_test.h"
#include "../../../uapi/linux/pinwatch.h"
#include "test.h"

#define PAGE	4096UL

/* enum mmu_notifier_event, as bits of pinwatch_test_read.events */
#define EVENT_UNMAP	(1U << 0)
#define EVENT_CLEAR	(1U << 1)
#define EVENT_PROTECT	(1U << 2)
#define EVENT_PROTECT_PAGE (1U << 3)
#define EVENT_RELEASE	(1U << 5)

/* engine.c */
struct pinwatch_stats pw_stats(void);
/* Wait until more than @count calls of read_begin have begun to sleep, or of remove. */
void await_waits(uint64_t count);
void await_remove_waits(uint64_t count);
/* Private anonymous memory whose pages are present */
char *map_pages(size_t nr);

/* sub.c: an open file of the module, and the subscriptions in the file */
int driver_open(void);
int sub_try_add(int fd, struct pinwatch_test_add *add);
struct pinwatch_test_add sub_add(int fd, unsigned int engine, unsigned int behaviour,
				 char *start, size_t length);
unsigned int sub_add_with(int fd, struct pinwatch_test_add add);
unsigned int sub_add_slow(int fd, unsigned int engine, char *start, size_t length,
			  unsigned int sleep_us);
struct pinwatch_test_time sub_del(int fd, unsigned int id);
struct pinwatch_test_read sub_read(int fd, unsigned int id);
struct pinwatch_test_begin sub_begin(int fd, unsigned int id);
/* The kind of read_begin is @begin->how. 0 or -errno. */
int sub_try_begin(int fd, struct pinwatch_test_begin *begin);
bool sub_retry(int fd, unsigned int id, uint64_t seq);
void sub_wait(int fd, unsigned int id, unsigned int inside);
void sub_release(int fd, unsigned int id);

/* A subscription of the kernel's mmu_interval_notifier in the same mm */
struct native {
	int fd;
	unsigned int id;
	char *page;
};

void native_add(struct native *native, int fd);
void native_check(const struct native *native);

/**
 * struct task - a thread that makes one call: MADV_DONTNEED, read_begin, or remove
 * @flag: Copied to @flag_after when the call has returned; or NULL.
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

/* task.c. tasks_prepare() makes the threads of all later tasks. */
void tasks_prepare(unsigned int nr);
void task_dontneed(struct task *task, char *addr, size_t length);
void task_begin(struct task *task, int fd, unsigned int id, const int *flag);
void task_del(struct task *task, int fd, unsigned int id, const int *flag);
void task_join(struct task *task);

#endif
