// SPDX-License-Identifier: MIT
/*
 * pinwatch_cache against a list of what must be in it, over random requests.
 * Usage: model [SEED]; the seed is printed.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "ktap.h"
#include "pinwatch_cache.h"

#define NR_STEPS	60000
#define NR_PAGES	3000
#define MAX_LENGTH	40
#define MAX_MODEL	FAKE_MAX_WATCHES

/* One that was put into the cache, and must be there unless it is stale. */
struct entry {
	size_t first, last;
	unsigned int intent;
	bool stale;
};

static struct entry model[MAX_MODEL];
static size_t nr_model;
static unsigned int state;
static struct pinwatch *dev;
static struct pinwatch_cache *cache;

static size_t below(size_t n)
{
	return (size_t)rand_r(&state) % n;
}

static char *page(size_t nr)
{
	return (char *)0x10000000 + nr * FAKE_PAGE;
}

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

/* The new one takes the place of those that it covers. */
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

	CHECK_EQ(pinwatch_cache_get(cache, page(want->first),
				    (want->last - want->first + 1) * FAKE_PAGE, want->intent,
				    &got), 0);
	CHECK_EQ(fake.nr_adds == nr_adds, hit);
	CHECK(pinwatch_valid(&got->watch));
	CHECK(got->addr <= page(want->first));
	CHECK(got->addr + got->length >= page(want->last + 1));
	CHECK(got->intent >= want->intent);
	pinwatch_cache_put(cache, got);
	if (!hit)
		model_add(want);
}

static void step_invalidate(const struct entry *what)
{
	size_t i;

	fake_invalidate(page(what->first), (what->last - what->first + 1) * FAKE_PAGE);
	for (i = 0; i < nr_model; i++)
		if (model[i].first <= what->last && model[i].last >= what->first)
			model[i].stale = true;
}

static void step_flush(const struct entry *what)
{
	size_t i = 0;

	pinwatch_cache_flush(cache, page(what->first),
			     (what->last - what->first + 1) * FAKE_PAGE);
	while (i < nr_model) {
		if (model[i].first <= what->last && model[i].last >= what->first)
			model_remove(i);
		else
			i++;
	}
}

/* What the model has and is not stale, and nothing else, is pinned. */
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
	struct entry what = { .first = below(NR_PAGES), .intent = (unsigned int)below(2) };
	size_t kind = below(1000);

	what.last = what.first + below(MAX_LENGTH);
	if (kind < 900)
		step_get(&what);
	else if (kind < 980)
		step_invalidate(&what);
	else if (kind < 990)
		step_flush(&what);
	else
		step_reap();
}

static void test_random(void)
{
	struct pinwatch_cache_stats stats;
	int i;

	dev = fake_open();
	CHECK_EQ(pinwatch_cache_create(&cache, dev, UINT64_MAX, 0), 0);
	for (i = 0; i < NR_STEPS; i++)
		step();
	pinwatch_cache_get_stats(cache, &stats);
	ktap_note("%llu hits, %llu misses, %llu stale, %llu regions at the end",
		  (unsigned long long)stats.hits, (unsigned long long)stats.misses,
		  (unsigned long long)stats.stale, (unsigned long long)stats.nr_regions);
	/* It was about something. */
	CHECK(stats.hits > NR_STEPS / 10 && stats.misses > NR_STEPS / 10);
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	pinwatch_close(dev);
	fake_check_clean();
}

int main(int argc, char **argv)
{
	static const struct ktap_test tests[] = {
		{ "random_requests", test_random },
		{ NULL, NULL }
	};

	state = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 1;
	ktap_note("seed %u", state);
	return ktap_main(tests);
}
