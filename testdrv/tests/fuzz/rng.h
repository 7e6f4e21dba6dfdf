/* SPDX-License-Identifier: MIT */
/* Random numbers that a seed repeats: splitmix64. */
#ifndef RNG_H
#define RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* The numbers of a seed for program @index of worker @worker. */
static inline struct rng rng_make(uint64_t seed, uint64_t worker, uint64_t index)
{
	struct rng rng = { seed };

	rng.state = rng_next(&rng) ^ worker;
	rng.state = rng_next(&rng) ^ index;
	return rng;
}

/* From 0 to @limit - 1; @limit is not 0. */
static inline uint64_t rng_below(struct rng *rng, uint64_t limit)
{
	return rng_next(rng) % limit;
}

/* From @low to @high, inclusive; not all 64-bit values. */
static inline uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high)
{
	return low + rng_below(rng, high - low + 1);
}

/* True with a probability of 1 / @n. */
static inline bool rng_one_in(struct rng *rng, unsigned int n)
{
	return rng_below(rng, n) == 0;
}

#endif /* RNG_H */
