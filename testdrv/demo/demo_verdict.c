// SPDX-License-Identifier: MIT
/* The verdict of a case and of the whole demonstration; demo.h defines the verdicts. */
#include "demo_case.h"
#include "ops.h"
#include "sysfs.h"

bool demo_finding_false(const struct demo_finding *finding)
{
	return finding->generation_changed && finding->page.change == PAGE_SAME;
}

bool demo_finding_missed(const struct demo_finding *finding)
{
	return !finding->generation_changed && finding->page.change != PAGE_SAME;
}

/* A page of the range was removed or exchanged. An unshared page stays in its file. */
static bool page_left(const struct demo_op *op, const struct demo_finding *watch)
{
	if (op->unshares && watch->page.change == PAGE_NOT_PRESENT)
		return false;
	return watch->page.change >= PAGE_NOT_PRESENT;
}

/* The events that a watch with PINWATCH_WATCH_F_PAGES ignores */
static uint32_t events_of_protection(const struct demo_result *result)
{
	uint32_t events = PINWATCH_EVENT_PROTECT_PAGE | PINWATCH_EVENT_SOFT_DIRTY;

	/* Before 5.14, a huge page without a pin may be exchanged after PROTECT. */
	if (result->pin || kernel_running() >= KERNEL(5, 14))
		events |= PINWATCH_EVENT_PROTECT;
	return events;
}

static bool effect_matches(enum demo_expect expect, const struct demo_finding *watch)
{
	switch (expect) {
	case MUST_CHANGE:
		return watch->page.change >= PAGE_NOT_PRESENT;
	case MUST_PROTECT:
		return watch->page.change > PAGE_SAME && watch->page.change <= PAGE_READ_ONLY;
	case MUST_NOTIFY:
		return watch->generation_changed;
	case MAY_KEEP:
		return true;
	}
	return false;
}

static bool events_match(const struct demo_op *op, uint32_t events)
{
	return events & (op->events_here ? op->events_here() : op->events);
}

/* More causes than @op lists are fine, but no unknown cause. */
static bool causes_match(const struct demo_op *op, uint64_t causes)
{
	return causes & op->cause && !(causes & PINWATCH_CAUSE_UNKNOWN);
}

/* The reason why the operation failed, or NULL. */
static const char *failure(const struct demo_op *op, const struct demo_result *result,
			   const struct demo_finding *watch)
{
	if (!effect_matches(result->pin ? op->pin : op->watch, watch))
		return "the pages did not change as the table of operations states";
	if (watch->generation_changed && !events_match(op, result->events))
		return "reported with an event that the table of operations does not state";
	if (watch->generation_changed && !causes_match(op, result->causes))
		return "reported with a cause that the table of operations does not state";
	return NULL;
}

enum demo_verdict demo_case_verdict(const struct demo_op *op, const struct demo_result *result,
				    const struct demo_finding *watch,
				    const struct demo_finding *control, const char **reason)
{
	*reason = "the pages changed, their generation did not";
	if (demo_finding_missed(watch))
		return DEMO_MISSED;
	*reason = "the control range changed, its generation did not";
	if (demo_finding_missed(control))
		return DEMO_MISSED;
	*reason = "the generation of the control range changed, its pages did not";
	if (demo_finding_false(control))
		return DEMO_FALSE;
	*reason = "a page was removed or exchanged, the generation with F_PAGES did not change";
	if (!result->pages_hit && page_left(op, watch))
		return DEMO_MISSED;
	*reason = "only the protection changed, and the generation with F_PAGES did";
	if (result->pages_hit && !(result->events & ~events_of_protection(result)))
		return DEMO_FALSE;
	*reason = failure(op, result, watch);
	if (*reason)
		return DEMO_FAILED;
	*reason = "";
	return watch->generation_changed ? DEMO_OBSERVED : DEMO_KEPT;
}

bool demo_passed(const struct demo_summary *summary)
{
	return summary->nr_operations &&
	       summary->nr_observed == summary->nr_operations &&
	       !summary->nr_results[DEMO_MISSED] && !summary->nr_results[DEMO_FALSE] &&
	       !summary->nr_results[DEMO_FAILED];
}

const char *demo_verdict_name(enum demo_verdict verdict)
{
	static const char *const names[DEMO_NR_VERDICTS] = {
		[DEMO_OBSERVED] = "observed",
		[DEMO_KEPT] = "kept",
		[DEMO_MISSED] = "MISSED",
		[DEMO_FALSE] = "FALSE",
		[DEMO_FAILED] = "FAILED",
		[DEMO_SKIPPED] = "skipped",
	};

	return names[verdict];
}
