/* SPDX-License-Identifier: MIT */
/*
 * Calls of the ABI, without the library, for the tests of the device. try_add() returns 0
 * or -errno. add() fails the test unless the call succeeds. The same for other names.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/pinwatch.h>

#include "test.h"

#define WATCH	0U
#define PIN	PINWATCH_WATCH_F_PIN
#define PIN_RW	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)

int try_ioctl(int fd, unsigned long cmd, void *arg);
int try_add(int fd, const void *addr, size_t length, uint32_t flags, uint64_t cookie,
	    struct pinwatch_watch_add *add);
int try_del(int fd, uint32_t id);
/* The watch of @id that has, or had, @generation. */
int try_del_since(int fd, uint32_t id, uint64_t generation);
int try_repin_since(int fd, uint32_t id, uint64_t generation);
/* @generation: Out, on success. */
int try_repin(int fd, uint32_t id, uint64_t *generation);
int try_query(int fd, uint32_t id, struct pinwatch_watch_query *query);
/* Verify all pages of the watch. @verdicts: Out, a byte for each page; or NULL. */
int try_verify(int fd, uint32_t id, uint8_t *verdicts, struct pinwatch_watch_verify *verify);
int try_attach(int fd, pid_t pid);
int try_bind(int fd);
int try_read_events(int fd, struct pinwatch_event *events, size_t nr_events);

int open_device(int flags);	/* @flags of open(2), besides O_RDWR and O_CLOEXEC */
int open_device_of(unsigned int max_watches, int flags);	/* with so many ids */
struct pinwatch_watch_add add(int fd, const void *addr, size_t length, uint32_t flags,
			      uint64_t cookie);
/* Watch one page @nr times, with the cookies 0 to @nr - 1, whatever max_watches_per_page is. */
void add_many(int fd, const char *page, size_t nr);
uint32_t nth_id(size_t nr);	/* the id of the watch that was added after @nr others */
uint64_t repin(int fd, uint32_t id);	/* the new generation */
struct pinwatch_watch_query query(int fd, uint32_t id);
struct pinwatch_event read_event(int fd);
struct pinwatch_info get_info(int fd);
struct pinwatch_stats get_stats(void);
const struct pinwatch_gen *map_generations(int fd);

/* Map private anonymous memory without huge pages, and write to each page. */
char *map_pages(size_t nr_pages);
/* Pages with a hole behind each: each has a mapping and a lock (anon_vma) of its own. */
char *map_apart(size_t nr);
void dontneed(char *addr, size_t length);
/* Send SIGALRM to this process each @interval_us; 0: no more. @flags of sigaction(2). */
void timer_start(int flags, long interval_us);
/* Wait for @pid and check that the process exited with 0. */
void wait_child(pid_t pid);
pid_t fork_child(void);
/* @channel: Out, in both processes: the end of this process (channel.h). */
pid_t fork_peer(int *channel);
/* End the first thread of this process. Then, another thread calls @run(@data) and exits. */
void first_thread_exit(void (*run)(void *data), void *data) __attribute__((noreturn));

uint64_t generation(const struct pinwatch_gen *word);
size_t page_size(void);
bool kernel_before(unsigned int major, unsigned int minor);

/* A module parameter. */
unsigned long param_get(const char *name);
void param_set(const char *name, unsigned long value);

/* Wait, at most some seconds, until the module has @expected pages pinned. */
void wait_pinned_pages(uint64_t expected);

#endif /* DEVICE_H */
