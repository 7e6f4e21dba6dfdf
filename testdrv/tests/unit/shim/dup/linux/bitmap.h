/* SPDX-License-Identifier: GPL-2.0-only */
/* dup: as the kernel's, bit by bit */
#ifndef _SHIM_BITMAP_H
#define _SHIM_BITMAP_H
#include <linux/bits.h>
#include <linux/compiler.h>

static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

static inline unsigned long hweight_long(unsigned long word)
{
	return __builtin_popcountl(word);
}

static inline bool test_bit(unsigned int nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

static inline void __set_bit(unsigned int nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] |= BIT(nr % BITS_PER_LONG);
}

static inline bool __test_and_set_bit(unsigned int nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__set_bit(nr, map);
	return was;
}

static inline void __clear_bit(unsigned int nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] &= ~BIT(nr % BITS_PER_LONG);
}

static inline unsigned int find_next_bit(const unsigned long *map,
					 unsigned int size, unsigned int from)
{
	while (from < size && !test_bit(from, map))
		from++;
	return from;
}

#define for_each_set_bit(bit, map, size)				\
	for ((bit) = find_next_bit(map, size, 0); (bit) < (size);	\
	     (bit) = find_next_bit(map, size, (bit) + 1))

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzl(x) : 0;
}

#define roundup_pow_of_two(n)	(1UL << fls64((n) - 1))
#endif
