/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Driver models: private interface between the models and the programs that run them
 *
 * Each model has a node of its own, /dev/pinwatch_NAME. A software device stands for the
 * hardware: MODEL_IOC_ACCESS makes the device read or write a word of the opener's memory.
 * An open file belongs to the address space of its opener; in another one, each ioctl
 * fails with EXDEV.
 */
#ifndef _MODEL_ABI_H
#define _MODEL_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct model_range - MODEL_IOC_ADD: let the device use a range
 * @addr: First byte; a multiple of the page size.
 * @length: Bytes; a multiple of the page size, at most MODEL_MAX_LENGTH.
 */
struct model_range {
	__aligned_u64 addr;
	__aligned_u64 length;
};

#define MODEL_MAX_LENGTH	(1U << 20)

#define MODEL_ACCESS_WRITE	(1U << 0)

/**
 * struct model_access - MODEL_IOC_ACCESS: the device reads or writes a word
 * @addr: A multiple of 8.
 * @value: In (write) or out (read).
 * @flags: MODEL_ACCESS_WRITE.
 * @reserved: 0.
 *
 * EFAULT: the device has no entry for @addr, as after an invalidation of a pinned buffer.
 * EAGAIN: an invalidation collided with the access; the caller may try again.
 */
struct model_access {
	__aligned_u64 addr;
	__aligned_u64 value;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct model_info - MODEL_IOC_INFO: what the open file holds
 * @nr_pinned: Pages that are pinned now, after pending work is done.
 * @nr_taken: How often pages of user memory were taken.
 * @nr_invalidated: Objects that invalidations made invalid.
 * @nr_stopped: Objects that wait for their pages to be taken again.
 */
struct model_info {
	__aligned_u64 nr_pinned;
	__aligned_u64 nr_taken;
	__aligned_u64 nr_invalidated;
	__aligned_u64 nr_stopped;
};

#define MODEL_IOC_ADD		_IOW('m', 1, struct model_range)
/* The id of the next object that became invalid. ENODATA: there is none. */
#define MODEL_IOC_NEXT		_IOR('m', 2, __u32)
#define MODEL_IOC_ACCESS	_IOWR('m', 3, struct model_access)
#define MODEL_IOC_INFO		_IOR('m', 4, struct model_info)

/*
 * /sys/module/pinwatch_model/parameters/fault: makes every model wrong on purpose, which
 * proves that the tests notice.
 *
 * MODEL_FAULT_RETRY: pinwatch_interval_read_retry() always returns false.
 * MODEL_FAULT_DEAF: The callbacks of objects that are added from now on do nothing.
 */
#define MODEL_FAULT_RETRY	(1U << 0)
#define MODEL_FAULT_DEAF	(1U << 1)

/*
 * /sys/module/pinwatch_model/parameters/window: after a model has taken pages, it sleeps
 * for so many milliseconds before it takes its lock. This is the window in which an
 * invalidation collides with the read section.
 */

#endif /* _MODEL_ABI_H */
