/* SPDX-License-Identifier: GPL-2.0-only */
/* dup: as the kernel's hash_64() */
#ifndef _SHIM_HASH_H
#define _SHIM_HASH_H
#include <linux/compiler.h>

#define GOLDEN_RATIO_64	0x61C8864680B583EBull

static inline u32 hash_ptr(const void *ptr, unsigned int bits)
{
	return (u64)(unsigned long)ptr * GOLDEN_RATIO_64 >> (64 - bits);
}
#endif
