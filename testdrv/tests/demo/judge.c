// SPDX-License-Identifier: MIT
/*
 * Is the demonstration able to fail? It is run on a device that tells nothing,
 * and on one that tells what did not happen. Needs root and no module.
 */
#include <stdbool.h>
#include <string.h>

#include "demo.h"
#include "judge_fake.h"
#include "ktap.h"

/*
 * Each operation must have been seen by the oracle. With nothing pinned, those
 * that only a pin prevents are missed in the pinned row too. Where there is nothing
 * for the oracle to see, as of MADV_FREE, a row whose effect is only told fails.
 */
static void row_must_be_missed(const struct demo_row *row, void *data)
{
	(void)data;
	if (row->verdict == DEMO_SKIPPED || (row->only_told && row->verdict == DEMO_FAILED))
		return;
	if (row->verdict != DEMO_MISSED)
		ktap_fail(__FILE__, __LINE__, "%s, %s: %s %s", row->operation,
			  row->pin ? "pin" : "watch", demo_verdict_name(row->verdict), row->note);
}

static void test_silent_is_missed(void)
{
	struct demo_options options = { 0 };
	struct demo_summary summary;

	CHECK_EQ(demo_run(&options, row_must_be_missed, NULL, &summary), 0);
	CHECK_EQ(summary.nr_rows[DEMO_OBSERVED], 0);
	CHECK_EQ(summary.nr_rows[DEMO_FALSE], 0);
	CHECK_EQ(summary.nr_observed, 0);
	CHECK(summary.nr_rows[DEMO_MISSED] >= 60);
	CHECK(!demo_passed(&summary));
}

static void row_must_be_false(const struct demo_row *row, void *data)
{
	(void)data;
	if (row->verdict != DEMO_SKIPPED && row->verdict != DEMO_FALSE)
		ktap_fail(__FILE__, __LINE__, "%s, %s: %s %s", row->operation,
			  row->pin ? "pin" : "watch", demo_verdict_name(row->verdict), row->note);
}

static void test_noise_is_false(void)
{
	struct demo_options options = { .only = "munmap" };
	struct demo_summary summary;

	fake_noise = true;
	CHECK_EQ(demo_run(&options, row_must_be_false, NULL, &summary), 0);
	CHECK(summary.nr_rows[DEMO_FALSE] > 0);
	CHECK(!demo_passed(&summary));
}

static void test_summary(void)
{
	struct demo_summary good = {
		.nr_operations = 2, .nr_observed = 2, .nr_rows = { [DEMO_OBSERVED] = 2 },
	};
	struct demo_summary bad;

	CHECK(demo_passed(&good));
	CHECK(!demo_passed(&(struct demo_summary){ 0 }));
	bad = good;
	bad.nr_observed--;
	CHECK(!demo_passed(&bad));
	bad = good;
	bad.nr_rows[DEMO_MISSED]++;
	CHECK(!demo_passed(&bad));
	bad = good;
	bad.nr_rows[DEMO_FALSE]++;
	CHECK(!demo_passed(&bad));
	bad = good;
	bad.nr_rows[DEMO_FAILED]++;
	CHECK(!demo_passed(&bad));
}

int main(int argc, char **argv)
{
	static const struct ktap_test tests[] = {
		{ "demo_silent_device_is_missed", test_silent_is_missed },
		{ "demo_noisy_device_is_false", test_noise_is_false },
		{ "demo_summary", test_summary },
		{ NULL, NULL },
	};

	/* The operation "exec" starts the program that it is in. */
	if (argc > 1 && !strcmp(argv[1], "version"))
		return 0;
	return ktap_main(tests);
}
