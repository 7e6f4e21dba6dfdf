// SPDX-License-Identifier: MIT
/* pinwatch_cache, under random requests, compared with a list of the expected regions. */
#include "cache_setup.h"

#define NR_STEPS	60000
#define NR_PAGES	3000
#define MAX_LENGTH	40
#define MAX_MODEL	FAKE_MAX_WATCHES

/* A region in the cache, which must be found unless stale. */
struct entry {
	size_t first, last;
	unsigned int intent;
	bool stale;
};

static struct entry model[MAX_MODEL];
static size_t nr_model;
static uint64_t state;

static bool covers(const struct entry *have, const struct entry *want)
{
	return have->first <= want->first && have->last >= want->last &&
	       have->intent >= want->intent;
}

static bool model_hit(const struct entry *want)
{
	size_t i;

	for (i = 0; i < nr_model; i++)
		if (!model[i].stale && covers(&model[i], want))
			return true;
	return false;
}

static void model_remove(size_t i)
{
	model[i] = model[--nr_model];
}

/* @new replaces the covered regions. */
static void model_add(const struct entry *new)
{
	size_t i = 0;

	while (i < nr_model) {
		if (covers(new, &model[i]))
			model_remove(i);
		else
			i++;
	}
	CHECK(nr_model < MAX_MODEL);
	model[nr_model++] = *new;
}

static void step_get(const struct entry *want)
{
	size_t nr_adds = fake.nr_adds;
	const struct pinwatch_cache_region *got;
	bool hit = model_hit(want);

	CHECK_EQ(pinwatch_cache_get(cache, fake_page(want->first),
				    (want->last - want->first + 1) * FAKE_PAGE, want->intent,
				    &got), 0);
	CHECK_EQ(fake.nr_adds == nr_adds, hit);
	CHECK(pinwatch_valid(&got->watch));
	CHECK(got->addr <= fake_page(want->first));
	CHECK(got->addr + got->length >= fake_page(want->last + 1));
	CHECK(got->intent >= want->intent);
	pinwatch_cache_put(cache, got);
	if (!hit)
		model_add(want);
}

static void step_invalidate(const struct entry *what)
{
	size_t i;

	fake_invalidate(fake_page(what->first), (what->last - what->first + 1) * FAKE_PAGE);
	for (i = 0; i < nr_model; i++)
		if (model[i].first <= what->last && model[i].last >= what->first)
			model[i].stale = true;
}

static void step_flush(const struct entry *what)
{
	size_t i = 0;

	pinwatch_cache_flush(cache, fake_page(what->first),
			     (what->last - what->first + 1) * FAKE_PAGE);
	while (i < nr_model) {
		if (model[i].first <= what->last && model[i].last >= what->first)
			model_remove(i);
		else
			i++;
	}
}

/* After a reap, exactly the valid regions of the model are pinned. */
static void step_reap(void)
{
	size_t i = 0;

	pinwatch_cache_reap(cache);
	while (i < nr_model) {
		if (model[i].stale)
			model_remove(i);
		else
			i++;
	}
	CHECK_EQ(fake.nr_watches, nr_model);
}

static void step(void)
{
	struct entry what = {
		.first = random_below(&state, NR_PAGES), .intent = random_below(&state, 2),
	};
	size_t kind = random_below(&state, 1000);

	what.last = what.first + random_below(&state, MAX_LENGTH);
	if (kind < 900)
		step_get(&what);
	else if (kind < 980)
		step_invalidate(&what);
	else if (kind < 990)
		step_flush(&what);
	else
		step_reap();
}

TEST(random_requests)
{
	struct pinwatch_cache_stats now;
	int i;

	state = test_seed();
	begin(UINT64_MAX, 0);
	for (i = 0; i < NR_STEPS; i++)
		step();
	now = stats();
	test_note("%llu hits, %llu misses, %llu stale, %llu regions at the end",
		  (unsigned long long)now.hits, (unsigned long long)now.misses,
		  (unsigned long long)now.stale, (unsigned long long)now.nr_regions);
	/* The requests were neither all hits nor all misses. */
	CHECK(now.hits > NR_STEPS / 10 && now.misses > NR_STEPS / 10);
	end();
}
