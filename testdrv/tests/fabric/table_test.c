// SPDX-License-Identifier: MIT
/* The table of the plugin on the fake device, without a reader: each step by hand. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fake.h"
#include "table.h"
#include "test.h"

#define MAX_RANGES	4

static struct pinwatch *dev;
static struct pw_table *table;
static size_t nr_wakes;

static void wake(void *arg)
{
	CHECK(arg == &nr_wakes);
	nr_wakes++;
}

static void begin(void)
{
	dev = fake_open();
	CHECK_EQ(pw_table_create(&table, dev, MAX_RANGES, wake, &nr_wakes), 0);
}

static void end(void)
{
	pw_table_destroy(table);
	fake_close(dev);
}

static void subscribe(size_t page)
{
	CHECK_EQ(pw_table_subscribe(table, fake_page(page), FAKE_PAGE), 0);
}

static bool valid(size_t page)
{
	return pw_table_valid(table, fake_page(page), FAKE_PAGE);
}

static uint64_t cookie_of(size_t page)
{
	uint32_t id;

	for (id = 0; id < FAKE_MAX_WATCHES; id++)
		if (fake.watches[id].used && fake.watches[id].start == (uintptr_t)fake_page(page))
			return fake.watches[id].cookie;
	FAIL("page %zu has no watch", page);
}

/* Change the mapping, and deliver the event. */
static void hit(size_t page)
{
	uint64_t cookie = cookie_of(page);

	fake_invalidate(fake_page(page), FAKE_PAGE);
	pw_table_hit(table, cookie);
}

/* Returns the page that is purged. */
static size_t purge_begin(struct pw_purge *purge)
{
	CHECK(pw_table_purge_begin(table, purge));
	CHECK_EQ(purge->length, FAKE_PAGE);
	return (size_t)((const char *)purge->addr - fake_page(0)) / FAKE_PAGE;
}

static void purge(size_t page)
{
	struct pw_purge range;

	CHECK_EQ(purge_begin(&range), page);
	pw_table_purge_end(table, &range);
}

static bool purge_pending(void)
{
	struct pw_purge range;

	return pw_table_purge_begin(table, &range);
}

TEST(unknown_range_is_not_valid)
{
	begin();
	CHECK(!valid(0));
	subscribe(0);
	CHECK(valid(0));
	CHECK(!valid(1));
	CHECK(!pw_table_valid(table, fake_page(0), 2 * FAKE_PAGE));
	CHECK_EQ(pw_table_get_stats(table).unknown, 3);
	end();
}

TEST(watch_has_flag_pages_and_no_pin)
{
	begin();
	CHECK_EQ(pw_table_subscribe(table, fake_page(3) + 7, 100), 0);
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_PAGES);
	CHECK_EQ(fake.last.add.addr, (uintptr_t)fake_page(3) + 7);
	CHECK_EQ(fake.last.add.length, 100);
	CHECK_EQ(fake.last.add.ignore_events, 0);
	end();
}

TEST(hit_range_is_not_valid_before_event)
{
	begin();
	subscribe(0);
	subscribe(1);
	fake_invalidate(fake_page(0), FAKE_PAGE);
	CHECK(!valid(0));
	CHECK(valid(1));
	end();
}

/* The event may come before the subscription or after. */
TEST(subscribe_does_not_refresh_hit_range)
{
	begin();
	subscribe(0);
	fake_invalidate(fake_page(0), FAKE_PAGE);
	subscribe(0);
	CHECK(!valid(0));
	pw_table_hit(table, cookie_of(0));
	subscribe(0);
	CHECK(!valid(0));
	CHECK_EQ(fake.nr_adds, 1);
	purge(0);
	CHECK(!valid(0));
	subscribe(0);
	CHECK(valid(0));
	end();
}

TEST(subscribe_during_purge_purges_again)
{
	struct pw_purge range;

	begin();
	subscribe(0);
	hit(0);
	CHECK_EQ(purge_begin(&range), 0);
	subscribe(0);
	CHECK(!valid(0));
	pw_table_purge_end(table, &range);
	subscribe(0);
	CHECK(!valid(0));
	purge(0);
	CHECK(!purge_pending());
	subscribe(0);
	CHECK(valid(0));
	end();
}

TEST(event_of_forgotten_range_is_ignored)
{
	uint64_t cookie;

	begin();
	subscribe(0);
	cookie = cookie_of(0);
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	CHECK_EQ(fake.nr_watches, 0);
	subscribe(0);
	CHECK(cookie_of(0) != cookie);
	pw_table_hit(table, cookie);
	CHECK(valid(0));
	CHECK(!purge_pending());
	end();
}

TEST(last_unsubscribe_forgets_range)
{
	begin();
	subscribe(0);
	subscribe(0);
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	CHECK(valid(0));
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	CHECK(!valid(0));
	CHECK_EQ(fake.nr_watches, 0);
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	end();
}

/* In each state: watched, queued, notified. */
TEST(unsubscribe_in_each_state)
{
	struct pw_purge range;

	begin();
	subscribe(0);
	hit(0);
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	CHECK(!purge_pending());
	subscribe(0);
	CHECK(valid(0));
	hit(0);
	CHECK_EQ(purge_begin(&range), 0);
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	subscribe(0);
	pw_table_purge_end(table, &range);
	CHECK(valid(0));
	end();
}

TEST(oldest_look_up_is_evicted_at_cap)
{
	size_t i;

	begin();
	for (i = 0; i < MAX_RANGES; i++)
		subscribe(i);
	CHECK(valid(0));
	CHECK_EQ(nr_wakes, 0);
	subscribe(MAX_RANGES);
	CHECK_EQ(nr_wakes, 1);
	CHECK_EQ(fake.nr_watches, MAX_RANGES);
	CHECK(valid(0));
	CHECK(!valid(1));
	for (i = 2; i <= MAX_RANGES; i++)
		CHECK(valid(i));
	CHECK_EQ(pw_table_get_stats(table).evicted, 1);
	end();
}

/* Another cache may rely on the range, whose mapping changed while it had no watch. */
TEST(evicted_range_is_not_valid_before_purge)
{
	size_t i;

	begin();
	for (i = 0; i <= MAX_RANGES; i++)
		subscribe(i);
	CHECK(!valid(0));
	subscribe(0);
	CHECK(!valid(0));
	purge(0);
	subscribe(0);
	CHECK(valid(0));
	end();
}

static void limit_evicts(uint32_t *limit)
{
	begin();
	*limit = 2;
	subscribe(0);
	subscribe(1);
	CHECK(valid(0));
	subscribe(2);
	CHECK_EQ(fake.nr_watches, 2);
	CHECK(valid(0));
	CHECK(!valid(1));
	CHECK(valid(2));
	purge(1);
	*limit = 0;
	CHECK_EQ(pw_table_subscribe(table, fake_page(3), FAKE_PAGE),
		 limit == &fake.max_watches ? -ENOSPC : -EDQUOT);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK(!valid(3));
	end();
}

TEST(limit_of_descriptor_evicts)
{
	limit_evicts(&fake.max_watches);
}

TEST(limit_of_user_evicts)
{
	limit_evicts(&fake.user_watches);
}

TEST(failed_subscribe_leaves_range_unknown)
{
	begin();
	fake.fail = -ENOMEM;
	CHECK_EQ(pw_table_subscribe(table, fake_page(0), FAKE_PAGE), -ENOMEM);
	fake.fail = 0;
	CHECK(!valid(0));
	CHECK_EQ(pw_table_get_stats(table).unknown, 1);
	CHECK_EQ(pw_table_get_stats(table).refused, 1);
	end();
}

/* Without a reader, a range that becomes known is never purged. */
TEST(no_range_becomes_known_after_stop)
{
	begin();
	subscribe(0);
	hit(0);
	CHECK(!pw_table_stop(table));
	CHECK(!purge_pending());
	CHECK_EQ(pw_table_subscribe(table, fake_page(1), FAKE_PAGE), -ENODEV);
	end();
}

TEST(stop_reports_purge)
{
	struct pw_purge range;

	begin();
	subscribe(0);
	hit(0);
	CHECK_EQ(purge_begin(&range), 0);
	CHECK(pw_table_stop(table));
	pw_table_purge_end(table, &range);
	CHECK(!pw_table_stop(table));
	end();
}

static void expect(size_t page)
{
	pw_table_set_strict();
	pw_table_expect(table, fake_page(page), FAKE_PAGE);
}

TEST(expected_range_is_not_valid)
{
	begin();
	expect(0);
	CHECK_EQ(fake.nr_watches, 1);
	CHECK(!valid(0));
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	pw_table_unexpect(table, fake_page(0), FAKE_PAGE);
	CHECK_EQ(fake.nr_watches, 0);
	end();
}

TEST(subscribe_takes_expected_watch_over)
{
	begin();
	expect(0);
	subscribe(0);
	CHECK(valid(0));
	CHECK_EQ(fake.nr_adds, 1);
	pw_table_unexpect(table, fake_page(0), FAKE_PAGE);
	CHECK(valid(0));
	end();
}

/* The reader may read the event before the subscription or after. */
TEST(change_during_registration_is_noticed)
{
	begin();
	expect(0);
	fake_invalidate(fake_page(0), FAKE_PAGE);
	pw_table_hit(table, cookie_of(0));
	subscribe(0);
	CHECK(!valid(0));
	CHECK_EQ(nr_wakes, 1);
	purge(0);
	expect(0);
	subscribe(0);
	CHECK(valid(0));
	end();
}

TEST(strict_subscribe_without_watch_fails)
{
	begin();
	expect(0);
	CHECK_EQ(pw_table_subscribe(table, fake_page(1), FAKE_PAGE), -EAGAIN);
	CHECK(!valid(1));
	fake.fail = -ENOMEM;
	expect(2);
	fake.fail = 0;
	CHECK_EQ(pw_table_subscribe(table, fake_page(2), FAKE_PAGE), -EAGAIN);
	end();
}

static void *thread_expect(void *arg)
{
	expect(0);
	return arg;
}

static void *thread_subscribe(void *arg)
{
	expect(0);
	subscribe(0);
	return arg;
}

static void on_thread(void *(*run)(void *arg))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Another thread has registered the range later, with a watch of its own. */
TEST(newer_watch_is_refused)
{
	begin();
	expect(0);
	pw_table_unexpect(table, fake_page(0), FAKE_PAGE);
	on_thread(thread_expect);
	CHECK_EQ(pw_table_subscribe(table, fake_page(0), FAKE_PAGE), -EAGAIN);
	on_thread(thread_subscribe);
	CHECK(valid(0));
	CHECK_EQ(pw_table_subscribe(table, fake_page(0), FAKE_PAGE), -EAGAIN);
	pw_table_unsubscribe(table, fake_page(0), FAKE_PAGE);
	CHECK(valid(0));
	expect(0);
	subscribe(0);
	end();
}

/* The registration began before there was a table, so no watch is older. */
TEST(registration_before_the_table_is_refused)
{
	pw_table_set_strict();
	begin();
	CHECK_EQ(pw_table_subscribe(table, fake_page(0), FAKE_PAGE), -EAGAIN);
	CHECK(!valid(0));
	expect(0);
	subscribe(0);
	CHECK(valid(0));
	end();
}

TEST(expected_watches_are_limited)
{
	size_t i;

	begin();
	for (i = 0; i < 1000; i++)
		expect(i);
	CHECK_EQ(fake.nr_watches, 256);
	CHECK_EQ(pw_table_subscribe(table, fake_page(0), FAKE_PAGE), -EAGAIN);
	subscribe(999);
	CHECK(valid(999));
	end();
}

#define NR_RANDOM	20000
#define NR_PAGES	12

/* What a cache would hold: it has registered the page when it had this version. */
static uint64_t registered[2][NR_PAGES];
static uint64_t versions[NR_PAGES];
static uint64_t cookies[NR_PAGES];

static void random_subscribe(unsigned int cache, size_t page)
{
	registered[cache][page] = 0;
	if (pw_table_subscribe(table, fake_page(page), FAKE_PAGE))
		return;
	registered[cache][page] = versions[page];
	if (valid(page))
		cookies[page] = cookie_of(page);
}

static void random_purge(uint64_t *seed)
{
	struct pw_purge range;
	size_t page;

	if (!pw_table_purge_begin(table, &range))
		return;
	page = (size_t)((const char *)range.addr - fake_page(0)) / FAKE_PAGE;
	registered[0][page] = 0;
	if (random_below(seed, 2))
		random_subscribe(0, page);
	registered[1][page] = 0;
	if (random_below(seed, 2))
		random_subscribe(1, page);
	pw_table_purge_end(table, &range);
}

/* If a cache holds the page and the table says that it is valid, it has the last version. */
static void random_check(unsigned int cache, size_t page)
{
	if (registered[cache][page] && valid(page))
		CHECK_EQ(registered[cache][page], versions[page]);
}

static void random_step(uint64_t *seed)
{
	size_t page = random_below(seed, NR_PAGES);
	unsigned int cache = random_below(seed, 2);

	switch (random_below(seed, 6)) {
	case 0:
	case 1:
		random_check(cache, page);
		random_subscribe(cache, page);
		break;
	case 2:
		versions[page]++;
		fake_invalidate(fake_page(page), FAKE_PAGE);
		break;
	case 3:
		pw_table_hit(table, cookies[page]);
		break;
	case 4:
		random_purge(seed);
		break;
	case 5:
		random_check(cache, page);
	}
}

/* As libfabric before 2.1, which never unsubscribes. */
TEST(random_steps_of_two_caches)
{
	uint64_t seed = test_seed();
	size_t i;

	for (i = 0; i < NR_PAGES; i++)
		versions[i] = 1;
	begin();
	for (i = 0; i < NR_RANDOM; i++)
		random_step(&seed);
	CHECK(pw_table_get_stats(table).valid > 0);
	CHECK(pw_table_get_stats(table).evicted > 0);
	CHECK(pw_table_get_stats(table).purged > 0);
	end();
}
