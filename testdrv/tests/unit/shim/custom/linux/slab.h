/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: the C allocator, counted, poisoned on free, failing on demand */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H
#include <linux/rculist.h>

typedef unsigned int gfp_t;
#define GFP_KERNEL		1u
#define GFP_KERNEL_ACCOUNT	1u
#define GFP_NOWAIT		2u
#define GFP_ATOMIC		2u
#define __GFP_NOMEMALLOC	4u
#define __GFP_NOWARN		8u
#define __GFP_ACCOUNT		16u

void *kmalloc(size_t size, gfp_t flags);
void *kzalloc(size_t size, gfp_t flags);
void kfree(void *ptr);
#define kvzalloc(size, flags)	kzalloc(size, flags)
#define kvfree(ptr)		kfree(ptr)
#endif
