/* SPDX-License-Identifier: MIT */
/* Random numbers that a seed repeats. */
#ifndef RNG_H
#define RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* The stream number @stream.@index of a seed. */
struct rng rng_make(uint64_t seed, uint64_t stream, uint64_t index);
uint64_t rng_next(struct rng *rng);
/* From 0 to below @limit; @limit is not 0. */
uint64_t rng_below(struct rng *rng, uint64_t limit);
/* Both ends included. */
uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high);
/* True once in @n. */
bool rng_one_in(struct rng *rng, unsigned int n);

#endif /* RNG_H */
