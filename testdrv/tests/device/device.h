/* SPDX-License-Identifier: MIT */
/*
 * What the device tests share. x_something() must succeed, or the test fails;
 * __something() returns 0 (or a value) or -errno.
 *
 * They use the ABI directly, not the library.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/pinwatch.h>

#include "test.h"

#define WATCH	0U
#define PIN	PINWATCH_WATCH_F_PIN
#define PIN_RW	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)

int __device_ioctl(int fd, unsigned long cmd, void *arg);
int __add(int fd, const void *addr, size_t length, uint32_t flags, uint64_t cookie,
	  struct pinwatch_watch_add *add);
int __del(int fd, uint32_t id);
/* @generation: Out, on success. */
int __repin(int fd, uint32_t id, uint64_t *generation);
int __query(int fd, uint32_t id, struct pinwatch_watch_query *query);
/* The whole watch. @verdicts: Out, a byte a page; or NULL. */
int __verify(int fd, uint32_t id, uint8_t *verdicts, struct pinwatch_watch_verify *verify);
int __attach(int fd, pid_t pid);
int __read_events(int fd, struct pinwatch_event *events, size_t nr_events);

int x_open(int flags);		/* open(2) flags beside O_RDWR and O_CLOEXEC */
struct pinwatch_watch_add x_add(int fd, const void *addr, size_t length, uint32_t flags,
				uint64_t cookie);
uint64_t x_repin(int fd, uint32_t id);	/* the new generation */
struct pinwatch_watch_query x_query(int fd, uint32_t id);
struct pinwatch_event x_read_event(int fd);
struct pinwatch_info x_info(int fd);
struct pinwatch_stats x_stats(void);
const struct pinwatch_gen *x_map(int fd);

/* Private anonymous pages, small ones, written. */
char *x_pages(size_t nr_pages);
void x_dontneed(char *addr, size_t length);
/* Wait for @pid and check that it exited with 0. */
void x_wait(pid_t pid);
/* fork() with the checks */
pid_t x_fork(void);

uint64_t generation(const struct pinwatch_gen *word);
size_t page_size(void);

/* A module parameter. */
unsigned long x_param_get(const char *name);
void x_param_set(const char *name, unsigned long value);

/* Wait, at most some seconds, until the module has @expected pages pinned. */
void x_wait_pinned_pages(uint64_t expected);

#endif /* DEVICE_H */
