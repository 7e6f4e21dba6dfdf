// SPDX-License-Identifier: MIT
/*
 * Can the demonstration fail? Runs the demonstration on a device that reports nothing,
 * and on a device that reports changes that did not happen (fake_libpinwatch.c).
 * Needs root, but no module. tests/device/demo.c has the verdict "failed".
 */
#include <string.h>

#include "demo.h"
#include "test.h"

static void result_fail(const struct demo_result *result)
{
	FAIL("%s, %s: %s %s", result->operation, result->pin ? "pin" : "watch",
	     demo_verdict_name(result->verdict), result->note);
}

/*
 * The fake device pins nothing. So an operation that only a pin prevents is missed in
 * the pinned case too. The exception is an operation that pagemap.h cannot see, such as
 * MADV_FREE: without an event such an operation fails.
 */
static void result_must_be_missed(const struct demo_result *result, void *data)
{
	(void)data;
	if (result->verdict == DEMO_SKIPPED ||
	    (result->only_notified && result->verdict == DEMO_FAILED))
		return;
	if (result->verdict != DEMO_MISSED)
		result_fail(result);
}

TEST(demo_silent_device_is_missed)
{
	struct demo_options options = { .device = "silent" };
	struct demo_summary summary;

	CHECK_EQ(demo_run(&options, result_must_be_missed, NULL, &summary), 0);
	CHECK_EQ(summary.nr_results[DEMO_OBSERVED], 0);
	CHECK_EQ(summary.nr_results[DEMO_FALSE], 0);
	CHECK_EQ(summary.nr_observed, 0);
	CHECK(summary.nr_results[DEMO_MISSED] >= 60);
	CHECK(!demo_passed(&summary));
}

static void result_must_be_false(const struct demo_result *result, void *data)
{
	(void)data;
	if (result->verdict != DEMO_SKIPPED && result->verdict != DEMO_FALSE)
		result_fail(result);
}

TEST(demo_noisy_device_is_false)
{
	struct demo_options options = { .device = "noisy", .only = "munmap" };
	struct demo_summary summary;

	CHECK_EQ(demo_run(&options, result_must_be_false, NULL, &summary), 0);
	CHECK(summary.nr_results[DEMO_FALSE] > 0);
	CHECK(!demo_passed(&summary));
}

TEST(demo_summary)
{
	struct demo_summary good = {
		.nr_operations = 2, .nr_observed = 2, .nr_results = { [DEMO_OBSERVED] = 2 },
	};
	struct demo_summary bad;

	CHECK(demo_passed(&good));
	CHECK(!demo_passed(&(struct demo_summary){ 0 }));
	bad = good;
	bad.nr_observed--;
	CHECK(!demo_passed(&bad));
	bad = good;
	bad.nr_results[DEMO_MISSED]++;
	CHECK(!demo_passed(&bad));
	bad = good;
	bad.nr_results[DEMO_FALSE]++;
	CHECK(!demo_passed(&bad));
	bad = good;
	bad.nr_results[DEMO_FAILED]++;
	CHECK(!demo_passed(&bad));
}

int main(int argc, char **argv)
{
	/* The operation "exec" runs the same program with the argument "version". */
	if (argc > 1 && !strcmp(argv[1], "version"))
		return 0;
	return test_main(argc, argv);
}
