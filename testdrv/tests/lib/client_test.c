// SPDX-License-Identifier: MIT
/*
 * A program and a library that were compiled with other versions of <linux/pinwatch.h>.
 * Built twice: in newer_library_test the structures of the library are longer than those
 * of this file, in newer_client_test they are shorter.
 */
#include <stddef.h>
#include <string.h>

#include "client.h"
#include "test.h"

#define CANARY	0x5a
#define NR	3

/* A structure of the program, with bytes before and after that nobody may write. */
#define GUARDED(name) struct { char before[64]; struct name s; char after[128]; }
#define GUARD(guarded) memset(&(guarded), CANARY, sizeof(guarded))
#define CHECK_GUARDED(guarded) do {					\
	CHECK(bytes_are((guarded).before, sizeof((guarded).before), CANARY)); \
	CHECK(bytes_are((guarded).after, sizeof((guarded).after), CANARY)); \
} while (0)
/* The members of the longer header alone are 0. */
#define CHECK_SIZE(structure, name) do {				\
	CHECK((structure).size && (structure).size <= sizeof(structure)); \
	CHECK_EQ((structure).size, client_size_min(sizeof(structure),	\
						   client_library_size(name))); \
	CHECK(bytes_are((const char *)&(structure) + (structure).size,	\
			sizeof(structure) - (structure).size, 0));	\
} while (0)

static bool bytes_are(const char *bytes, size_t nr, char value)
{
	while (nr && *bytes == value)
		bytes++, nr--;
	return !nr;
}

static size_t client_size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

TEST(client_get_info)
{
	struct pinwatch *dev = client_open();
	GUARDED(pinwatch_info) info;

	GUARD(info);
	CHECK_EQ(pinwatch_get_info(dev, &info.s), 0);
	CHECK_GUARDED(info);
	CHECK_SIZE(info.s, CLIENT_INFO);
	CHECK_EQ(info.s.abi_major, PINWATCH_ABI_MAJOR);
	client_close(dev);
}

TEST(client_get_stats)
{
	struct pinwatch *dev = client_open();
	GUARDED(pinwatch_stats) stats;

	GUARD(stats);
	CHECK_EQ(pinwatch_get_stats(dev, &stats.s), 0);
	CHECK_GUARDED(stats);
	CHECK_SIZE(stats.s, CLIENT_STATS);
	client_close(dev);
}

TEST(client_query)
{
	struct pinwatch *dev = client_open();
	GUARDED(pinwatch_watch_query) figures;
	uint32_t next = 0;

	GUARD(figures);
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures.s), 1);
	CHECK_GUARDED(figures);
	CHECK_SIZE(figures.s, CLIENT_QUERY);
	GUARD(figures);
	CHECK_EQ(pinwatch_watch_query(dev, 0, &figures.s), 0);
	CHECK_GUARDED(figures);
	CHECK_SIZE(figures.s, CLIENT_QUERY);
	CHECK_EQ(figures.s.cookie, CLIENT_COOKIE);
	client_close(dev);
}

TEST(client_verify)
{
	struct pinwatch *dev = client_open();
	GUARDED(pinwatch_watch_verify) result;

	GUARD(result);
	CHECK_EQ(pinwatch_watch_verify(dev, 0, 0, 1, NULL, &result.s), 0);
	CHECK_GUARDED(result);
	CHECK_SIZE(result.s, CLIENT_VERIFY);
	CHECK_EQ(result.s.verdict, PINWATCH_VERDICT_GONE);
	client_close(dev);
}

TEST(client_stack)
{
	struct pinwatch *dev = client_open();
	GUARDED(pinwatch_watch_stack) stack;

	GUARD(stack);
	CHECK_EQ(pinwatch_watch_stack(dev, 0, &stack.s), 0);
	CHECK_GUARDED(stack);
	CHECK_SIZE(stack.s, CLIENT_STACK);
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
	CHECK_GUARDED(events);
	for (i = 0; i < NR; i++) {
		CHECK_EQ(events.s[i].id, i);
		CHECK_SIZE(events.s[i], CLIENT_EVENT);
	}
	client_close(dev);
}

/* What is frozen has one size on both sides. */
TEST(client_frozen)
{
	CHECK_EQ(sizeof(struct pinwatch_gen), client_library_size(CLIENT_GEN));
	CHECK_EQ(sizeof(struct pinwatch_watch), client_library_size(CLIENT_WATCH));
}
