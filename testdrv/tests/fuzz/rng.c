// SPDX-License-Identifier: MIT
/* See rng.h. This is splitmix64. */
#include "rng.h"

uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct rng rng_make(uint64_t seed, uint64_t stream, uint64_t index)
{
	struct rng rng = { seed };

	rng.state = rng_next(&rng) ^ stream;
	rng.state = rng_next(&rng) ^ index;
	return rng;
}

uint64_t rng_below(struct rng *rng, uint64_t limit)
{
	return rng_next(rng) % limit;
}

uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high)
{
	uint64_t span = high - low + 1;

	return span ? low + rng_below(rng, span) : rng_next(rng);
}

bool rng_one_in(struct rng *rng, unsigned int n)
{
	return rng_below(rng, n) == 0;
}
