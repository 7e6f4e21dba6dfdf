// SPDX-License-Identifier: MIT
/* Which interval notifier ib_core calls, and what pinwatch counts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "odp.h"

#define COUNTERS	"/sys/kernel/debug/pinwatch/counters"
#define SETTLE_NS	(5 * NS_PER_S)

bool engine_is_pinwatch(void)
{
	const char *engine = getenv("ODP_ENGINE");

	CHECK(engine);
	if (!strcmp(engine, "pinwatch"))
		return true;
	CHECK(!strcmp(engine, "kernel"));
	return false;
}

uint64_t engine_counter(const char *name)
{
	FILE *file = fopen(COUNTERS, "re");
	char word[32];
	uint64_t value;

	CHECK(file);
	while (fscanf(file, "%31s %" SCNu64, word, &value) == 2) {
		if (strcmp(word, name))
			continue;
		fclose(file);
		return value;
	}
	FAIL("pinwatch has no counter %s", name);
}

uint64_t engine_callbacks(void)
{
	return engine_counter("callbacks");
}

void engine_called_since(uint64_t before)
{
	uint64_t callbacks = engine_callbacks() - before;

	if (engine_is_pinwatch())
		CHECK(callbacks > 0);
	else
		CHECK_EQ(callbacks, 0);
}

bool engine_has_subscriptions(uint64_t expected)
{
	uint64_t deadline = now_ns() + SETTLE_NS;

	if (!engine_is_pinwatch())
		expected = 0;
	while (engine_counter("nr_subscriptions") != expected) {
		if (now_ns() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}
