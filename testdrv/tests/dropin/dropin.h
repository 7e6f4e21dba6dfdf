/* SPDX-License-Identifier: MIT */
/*
 * dropin: the kernel's lib/test_hmm.c, on pinwatch through pinwatch_dropin.h
 *
 * test_hmm.c mirrors the page tables of a process by an mmu_interval_notifier, without
 * references to the pages, and reads and writes memory like a device. A read must never
 * return contents that the memory had only before the read.
 */
#ifndef DROPIN_H
#define DROPIN_H

#include <stddef.h>
#include <stdint.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define PAGE	4096UL

/* From the kernel's lib/test_hmm_uapi.h, which is in no installed header. */
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
/* @buffer: source of a write, destination of a read. Returns 0 or -errno. */
int mirror(int fd, unsigned long command, const void *addr, void *buffer, size_t npages);
/* The first word of a page as the device reads the page. The read must succeed. */
uint64_t mirror_word(int fd, unsigned long command, const void *addr);
/* Map new anonymous pages; at @addr, in place of the old pages, unless @addr is NULL. */
void *map_pages(void *addr, size_t npages);

#endif /* DROPIN_H */
