/* SPDX-License-Identifier: MIT */
/*
 * dropin: the kernel's lib/test_hmm.c, on pinwatch through pinwatch_dropin.h
 *
 * It mirrors a process's page tables by an mmu_interval_notifier, without
 * references to the pages, and reads and writes memory as a device would. What it
 * reads must never be older than the memory.
 */
#ifndef DROPIN_H
#define DROPIN_H

#include <stddef.h>
#include <stdint.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define PAGE	4096UL

/* The kernel's lib/test_hmm_uapi.h, as far as it is used; no installed header has it. */
struct mirror_cmd {
	__u64 addr;
	__u64 ptr;
	__u64 npages;
	__u64 cpages;
	__u64 faults;
};

#define MIRROR_READ		_IOWR('H', 0x00, struct mirror_cmd)
#define MIRROR_WRITE		_IOWR('H', 0x01, struct mirror_cmd)
#define MIRROR_TO_DEVICE	_IOWR('H', 0x02, struct mirror_cmd)
#define MIRROR_SNAPSHOT		_IOWR('H', 0x04, struct mirror_cmd)
#define MIRROR_EXCLUSIVE	_IOWR('H', 0x05, struct mirror_cmd)
#define MIRROR_READ_UNLOCKED	_IOWR('H', 0x09, struct mirror_cmd)

#define MIRROR_PROT_ERROR	0xff
#define MIRROR_PROT_NONE	0x00
#define MIRROR_PROT_READ	0x01
#define MIRROR_PROT_WRITE	0x02
#define MIRROR_PROT_ZERO	0x10

int mirror_open(void);
/* 0 or -errno. @buffer: what is written, or where to read to. */
int mirror(int fd, unsigned long command, const void *addr, void *buffer, size_t npages);
/* The first word of a page as the device sees it; the test fails if it cannot. */
uint64_t mirror_word(int fd, unsigned long command, const void *addr);
/* New pages, anonymous; at @addr if that is given, in place of what is there. */
void *map_pages(void *addr, size_t npages);

/* dropin_race.c */
void hmm_held_read(void);
void hmm_held_read_unlocked(void);
void hmm_reap(void);
void hmm_race_dontneed(void);
void hmm_race_munmap(void);
void hmm_race_write(void);

#endif /* DROPIN_H */
