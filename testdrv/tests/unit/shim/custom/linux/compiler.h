/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: types, annotations, and every atomic access of the core, each of them
 * a point at which the fiber scheduler may switch (shim_point()).
 */
#ifndef _SHIM_COMPILER_H
#define _SHIM_COMPILER_H
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#undef static_assert
#define static_assert(expr)	_Static_assert(expr, #expr)

#define CONFIG_DEBUG_ATOMIC_SLEEP 1
#define IS_ENABLED(option)	(option)

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define __releases(x)
#define __acquires(x)
#define __must_hold(x)
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define noinline	__attribute__((__noinline__))
#undef __always_inline
#ifdef SHIM_COVERAGE	/* a function has one copy, so gcov counts each of its branches once */
#define __always_inline	inline
#else
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#define __maybe_unused	__attribute__((__unused__))
#define __read_mostly
#define __init
#define __exit
#define ____cacheline_aligned_in_smp __attribute__((__aligned__(64)))
#define ____cacheline_aligned	____cacheline_aligned_in_smp
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(c)	static_assert(!(c))
#define container_of(ptr, type, member) ({				\
	void *_mptr = (void *)(ptr);					\
	(type *)((char *)_mptr - offsetof(type, member)); })

#if defined(__SANITIZE_THREAD__)
#define SHIM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHIM_TSAN 1
#endif
#endif

extern bool shim_pointed;
void shim_point_slow(void);

static inline void shim_point(void)
{
	if (shim_pointed)
		shim_point_slow();
}

/* TSan knows no fences: a read-modify-write of one word orders more than one. */
extern int shim_fence_word;
#ifdef SHIM_TSAN
#define shim_fence()	((void)__atomic_fetch_add(&shim_fence_word, 0, __ATOMIC_SEQ_CST))
#else
#define shim_fence()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#define smp_mb()	do { shim_point(); shim_fence(); shim_point(); } while (0)
#define smp_wmb()	smp_mb()
#define smp_rmb()	smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#define smp_mb__before_atomic()	smp_mb()
#define smp_mb__after_spinlock() smp_mb()
#define OPTIMIZER_HIDE_VAR(var)	__asm__("" : "=r" (var) : "0" (var))
#define U64_MAX	UINT64_MAX
#define U32_MAX	UINT32_MAX
#define barrier()	__asm__ __volatile__("" ::: "memory")

#define READ_ONCE(x) ({							\
	shim_point(); __atomic_load_n(&(x), __ATOMIC_RELAXED); })
#define WRITE_ONCE(x, v) ({						\
	shim_point(); __atomic_store_n(&(x), (v), __ATOMIC_RELAXED); })
#define smp_load_acquire(p) ({						\
	shim_point(); __atomic_load_n(p, __ATOMIC_ACQUIRE); })
#define smp_store_release(p, v) ({					\
	shim_point(); __atomic_store_n(p, v, __ATOMIC_RELEASE); })
#define smp_store_mb(x, v)	do { WRITE_ONCE(x, v); smp_mb(); } while (0)
#define xchg(p, v) ({							\
	shim_point(); __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); })
#define cmpxchg(p, old, new) ({						\
	__typeof__(*(p)) _old = (old);					\
	shim_point();							\
	__atomic_compare_exchange_n(p, &_old, (new), false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	_old; })
#define try_cmpxchg(p, oldp, new) ({					\
	shim_point();							\
	__atomic_compare_exchange_n(p, oldp, (new), false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); })

/* As every header of the kernel brings them along. */
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#endif
