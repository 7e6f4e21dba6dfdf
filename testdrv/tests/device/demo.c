// SPDX-License-Identifier: MIT
/*
 * The verdict of a case of the demonstration, with the real device: an operation must
 * fail if its effect, event or cause differs from its entry in the table of operations.
 * tests/demo/demo_verdict_test.c tests the verdicts missed and false without a device.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "demo_case.h"
#include "device.h"
#include "ops.h"

static int act_munmap(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, munmap(s->addr, s->length));
}

static int act_nothing(struct actor *actor)
{
	return ACT(actor, 0);
}

static int act_fails(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, munmap(s->addr + 1, s->length));
}

/* The generation of the control range changes; pagemap.h sees no change of its pages. */
static int act_free_control(struct actor *actor)
{
	struct subject *s = actor->subject;

	if (madvise(s->control, s->length, MADV_FREE))
		return -errno;
	return act_munmap(actor);
}

static const struct demo_op right = {
	.name = "munmap", .map = subject_map_written, .act = act_munmap,
	.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
};

static struct demo_result result_of(const struct demo_op *op)
{
	struct demo_result result = { .operation = op->name, .told_ns = -1 };
	struct demo_options options = { 0 };
	struct subject *subject;

	subject = mmap(NULL, sizeof(*subject), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(subject != MAP_FAILED);
	demo_case_run(op, subject, &options, &result);
	return result;
}

/* @note: A part of the expected note. */
static void check_result(const struct demo_op *op, enum demo_verdict verdict, const char *note)
{
	struct demo_result result = result_of(op);

	if (result.verdict != verdict || !strstr(result.note, note))
		FAIL("%s: %s", demo_verdict_name(result.verdict), result.note);
}

TEST(demo_right_is_observed)
{
	struct demo_result result = result_of(&right);

	CHECK_EQ(result.verdict, DEMO_OBSERVED);
	CHECK(result.performed);
	CHECK_EQ(result.events, PINWATCH_EVENT_UNMAP);
	CHECK_EQ(result.nr_invalidations, result.generation_after - result.generation_before);
	CHECK(result.told_ns >= 0);
	CHECK_EQ(result.page.change, PAGE_GONE);
}

TEST(demo_wrong_event_fails)
{
	struct demo_op op = right;

	op.events = ~(uint32_t)PINWATCH_EVENT_UNMAP;
	check_result(&op, DEMO_FAILED, "an event that");
}

static uint32_t no_events(void)
{
	return 0;
}

TEST(demo_wrong_event_of_this_kernel_fails)
{
	struct demo_op op = right;

	op.events_here = no_events;
	check_result(&op, DEMO_FAILED, "an event that");
}

TEST(demo_wrong_cause_fails)
{
	struct demo_op op = right;

	op.cause = ~(uint64_t)PINWATCH_CAUSE_MUNMAP;
	check_result(&op, DEMO_FAILED, "a cause that");
}

TEST(demo_wrong_effect_fails)
{
	struct demo_op op = right;

	op.watch = MUST_PROTECT;
	check_result(&op, DEMO_FAILED, "did not change as");
}

TEST(demo_no_effect_fails)
{
	struct demo_op op = right;

	op.act = act_nothing;
	check_result(&op, DEMO_FAILED, "did not change as");
	op.watch = MUST_NOTIFY;
	check_result(&op, DEMO_FAILED, "did not change as");
}

TEST(demo_error_fails)
{
	struct demo_op op = right;

	op.act = act_fails;
	check_result(&op, DEMO_FAILED, "the operation: Invalid argument");
}

TEST(demo_control_told_is_false)
{
	struct demo_op op = right;

	op.act = act_free_control;
	check_result(&op, DEMO_FALSE, "control");
}
