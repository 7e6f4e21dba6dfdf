/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: on the compiler's builtins, sequentially consistent */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H
#include <linux/compiler.h>

typedef struct { int v; } atomic_t;
typedef struct { long v; } atomic64_t;
typedef atomic64_t atomic_long_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }
#define shim_add(a, i)		({ shim_point(); \
				   __atomic_add_fetch(&(a)->v, i, __ATOMIC_SEQ_CST); })
#define atomic_read(a)		READ_ONCE((a)->v)
#define atomic_set(a, i)	WRITE_ONCE((a)->v, i)
#define atomic_inc(a)		((void)shim_add(a, 1))
#define atomic_dec(a)		((void)shim_add(a, -1))
#define atomic_inc_return(a)	shim_add(a, 1)
#define atomic_dec_and_test(a)	(shim_add(a, -1) == 0)
#define atomic64_read(a)	READ_ONCE((a)->v)
#define atomic_long_read(a)	READ_ONCE((a)->v)
#define atomic_long_inc(a)	((void)shim_add(a, 1))
#define atomic_long_dec_and_test(a) (shim_add(a, -1) == 0)
#define atomic64_fetch_add(i, a) ((u64)shim_add(a, i) - (i))

static inline bool atomic_inc_not_zero(atomic_t *a)
{
	int old = atomic_read(a);

	while (old)
		if (__atomic_compare_exchange_n(&a->v, &old, old + 1, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static inline bool atomic_add_unless(atomic_t *a, int i, int unless)
{
	int old = atomic_read(a);

	while (old != unless)
		if (__atomic_compare_exchange_n(&a->v, &old, old + i, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return false;
}
#endif
