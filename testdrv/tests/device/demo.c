// SPDX-License-Identifier: MIT
/*
 * The judgement of a row of the demonstration, of a real device: operations whose
 * effect, event or cause is not what their entry in the table states must fail.
 * tests/judge.c has what is missed and what is false.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "device.h"
#include "ops.h"
#include "row.h"

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

/* Told, but nothing that an oracle sees. */
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

static struct demo_row row_of(const struct demo_op *op)
{
	struct demo_row row = { .operation = op->name, .change_ns = -1, .told_ns = -1 };
	struct demo_options options = { 0 };
	struct subject *subject;

	subject = mmap(NULL, sizeof(*subject), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(subject != MAP_FAILED);
	row_run(op, subject, &options, &row);
	return row;
}

/* @note: a part of the reason. */
static void check_row(const struct demo_op *op, enum demo_verdict verdict, const char *note)
{
	struct demo_row row = row_of(op);

	if (row.verdict != verdict || !strstr(row.note, note))
		FAIL("%s: %s", demo_verdict_name(row.verdict), row.note);
}

TEST(demo_right_is_observed)
{
	struct demo_row row = row_of(&right);

	CHECK_EQ(row.verdict, DEMO_OBSERVED);
	CHECK(row.performed);
	CHECK_EQ(row.events, PINWATCH_EVENT_UNMAP);
	CHECK_EQ(row.nr_told, row.generation_after - row.generation_before);
	CHECK(row.told_ns >= 0);
	CHECK(row.change_ns >= 0);
	CHECK_EQ(row.page.change, ORACLE_GONE);
}

TEST(demo_wrong_event_fails)
{
	struct demo_op op = right;

	op.events = ~(uint32_t)PINWATCH_EVENT_UNMAP;
	check_row(&op, DEMO_FAILED, "another event");
}

static uint32_t no_events(void)
{
	return 0;
}

TEST(demo_wrong_event_of_this_kernel_fails)
{
	struct demo_op op = right;

	op.events_here = no_events;
	check_row(&op, DEMO_FAILED, "another event");
}

TEST(demo_wrong_cause_fails)
{
	struct demo_op op = right;

	op.cause = ~(uint64_t)PINWATCH_CAUSE_MUNMAP;
	check_row(&op, DEMO_FAILED, "another cause");
}

TEST(demo_wrong_effect_fails)
{
	struct demo_op op = right;

	op.watch = MUST_PROTECT;
	check_row(&op, DEMO_FAILED, "not the effect");
}

TEST(demo_no_effect_fails)
{
	struct demo_op op = right;

	op.act = act_nothing;
	check_row(&op, DEMO_FAILED, "not the effect");
	op.watch = MUST_TELL;
	check_row(&op, DEMO_FAILED, "not the effect");
}

TEST(demo_error_fails)
{
	struct demo_op op = right;

	op.act = act_fails;
	check_row(&op, DEMO_FAILED, "the operation: Invalid argument");
}

TEST(demo_control_told_is_false)
{
	struct demo_op op = right;

	op.act = act_free_control;
	check_row(&op, DEMO_FALSE, "control");
}
