// SPDX-License-Identifier: MIT
/*
 * A program and a library that were compiled with other versions of <linux/pinwatch.h>.
 * Built twice: in newer_library_test the structures of the library are longer than those
 * of this file, in newer_client_test they are shorter.
 */
#include <stddef.h>
#include <string.h>

#include "client.h"
#include "pinwatch_cache.h"
#include "test.h"

#define CANARY	0x5a
#define NR	3

/* A structure of the program, with bytes before and after that the library must not write. */
#define GUARDED(name)							\
	struct guarded_##name {						\
		char before[64];					\
		struct name s;						\
		char after[512];					\
	}

GUARDED(pinwatch_info);
GUARDED(pinwatch_stats);
GUARDED(pinwatch_watch_query);
GUARDED(pinwatch_watch_verify);
GUARDED(pinwatch_watch_stack);
GUARDED(pinwatch_cache_stats);

#define GUARD(guarded)		memset(&(guarded), CANARY, sizeof(guarded))

static bool bytes_are(const char *bytes, size_t nr, char value)
{
	while (nr && *bytes == value)
		bytes++, nr--;
	return !nr;
}

/* Check the bytes before and after the structure @s of @size bytes. */
static void check_guards(const void *s, size_t size)
{
	const char *bytes = s;

	CHECK(bytes_are(bytes - 64, 64, CANARY));
	CHECK(bytes_are(bytes + size, 512, CANARY));
}

/* The members that only the longer header has are 0. */
static void check_size(const void *s, size_t size, enum client_struct name)
{
	size_t library_size = client_library_size(name);
	uint32_t set;

	memcpy(&set, s, sizeof(set));
	CHECK_EQ(set, size < library_size ? size : library_size);
	CHECK(bytes_are((const char *)s + set, size - set, 0));
}

TEST(client_get_info)
{
	struct pinwatch *dev = client_open();
	struct guarded_pinwatch_info info;

	GUARD(info);
	CHECK_EQ(pinwatch_get_info(dev, &info.s), 0);
	check_guards(&info.s, sizeof(info.s));
	check_size(&info.s, sizeof(info.s), CLIENT_INFO);
	CHECK_EQ(info.s.abi_major, PINWATCH_ABI_MAJOR);
	client_close(dev);
}

TEST(client_get_stats)
{
	struct pinwatch *dev = client_open();
	struct guarded_pinwatch_stats stats;

	GUARD(stats);
	CHECK_EQ(pinwatch_get_stats(dev, &stats.s), 0);
	check_guards(&stats.s, sizeof(stats.s));
	check_size(&stats.s, sizeof(stats.s), CLIENT_STATS);
	client_close(dev);
}

TEST(client_query)
{
	struct pinwatch *dev = client_open();
	struct guarded_pinwatch_watch_query figures;
	uint32_t next = 0;

	GUARD(figures);
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures.s), 1);
	check_guards(&figures.s, sizeof(figures.s));
	check_size(&figures.s, sizeof(figures.s), CLIENT_QUERY);
	GUARD(figures);
	CHECK_EQ(pinwatch_watch_query(dev, 0, &figures.s), 0);
	check_guards(&figures.s, sizeof(figures.s));
	check_size(&figures.s, sizeof(figures.s), CLIENT_QUERY);
	CHECK_EQ(figures.s.cookie, CLIENT_COOKIE);
	client_close(dev);
}

TEST(client_verify)
{
	struct pinwatch *dev = client_open();
	struct guarded_pinwatch_watch_verify result;

	GUARD(result);
	CHECK_EQ(pinwatch_watch_verify(dev, 0, 0, 1, NULL, &result.s), 0);
	check_guards(&result.s, sizeof(result.s));
	check_size(&result.s, sizeof(result.s), CLIENT_VERIFY);
	CHECK_EQ(result.s.verdict, PINWATCH_VERDICT_GONE);
	client_close(dev);
}

TEST(client_stack)
{
	struct pinwatch *dev = client_open();
	struct guarded_pinwatch_watch_stack stack;

	GUARD(stack);
	CHECK_EQ(pinwatch_watch_stack(dev, 0, &stack.s), 0);
	check_guards(&stack.s, sizeof(stack.s));
	check_size(&stack.s, sizeof(stack.s), CLIENT_STACK);
	CHECK_EQ(stack.s.entries[0], 42);
	client_close(dev);
}

/* The records of the module have the size that the library knows. */
TEST(client_read_events)
{
	struct pinwatch *dev = client_open();
	struct {
		char before[64];
		struct pinwatch_event s[NR];
		char after[512];
	} events;
	uint32_t i;

	GUARD(events);
	for (i = 0; i < NR; i++)
		client_send_event(i);
	CHECK_EQ(pinwatch_read_events(dev, events.s, NR), NR);
	check_guards(events.s, sizeof(events.s));
	for (i = 0; i < NR; i++) {
		CHECK_EQ(events.s[i].id, i);
		check_size(&events.s[i], sizeof(events.s[i]), CLIENT_EVENT);
	}
	client_close(dev);
}

/* What is frozen has one size on both sides. */
static void remove_nothing(void *arg, struct pinwatch_cache_region *region)
{
	(void)arg;
	(void)region;
}

TEST(client_cache)
{
	const struct pinwatch_cache_ops ops = { .remove = remove_nothing };
	const struct pinwatch_cache_region *region;
	struct pinwatch *dev = client_open();
	struct guarded_pinwatch_cache_stats stats;
	struct pinwatch_cache *cache;

	CHECK_EQ(pinwatch_cache_create(&cache, dev, 1 << 20, 0), 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	CHECK_EQ(pinwatch_cache_get(cache, client_page(), 1, PINWATCH_CACHE_READ, &region), 0);
	GUARD(stats);
	pinwatch_cache_get_stats(cache, &stats.s);
	check_guards(&stats.s, sizeof(stats.s));
	CHECK_EQ(stats.s.nr_regions, 1);
	pinwatch_cache_put(cache, region);
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	client_close(dev);
}

TEST(client_frozen)
{
	CHECK_EQ(sizeof(struct pinwatch_gen), client_library_size(CLIENT_GEN));
	CHECK_EQ(sizeof(struct pinwatch_watch), client_library_size(CLIENT_WATCH));
}
