// SPDX-License-Identifier: GPL-2.0-only
/*
 * basic: the page filter: which pages subscriptions cover (module/core/filter.h)
 *
 * Each start that skips its walk is checked against the tree (pw_skip_check()), and check()
 * compares all counts of the filter with the trees.
 */
#include <linux/mmu_notifier.h>
#include "driver.h"

#define REGION		512u		/* pages that a leaf of level 0 covers */

/* The filter is in use from the first subscription on. */
static struct pw_mm *use_filter(struct driver *first, unsigned int page)
{
	pw_filter_from = 1;
	CHECK(!insert(first, page, 1));
	return check();
}

static bool covers(struct pw_mm *pm, unsigned int page, unsigned int pages)
{
	return pw_filter_covers(&pm->filter, PG(page), PG(page + pages) - 1);
}

static int insert_at(struct driver *d, unsigned long start, unsigned long last)
{
	memset(d, 0, sizeof(*d));
	shim_wq_init(&d->wq);
	return pinwatch_interval_notifier_insert(&d->sub, mm, start, last - start + 1, &ops);
}

/* Insert a page in each gap of @step pages, without the validation of insert(). */
static void insert_many(struct driver *d, unsigned int nr, unsigned int step)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		CHECK(!insert_at(&d[i], PG(i * step), PG(i * step + 1) - 1));
}

static void remove_many(struct driver *d, unsigned int nr)
{
	while (nr--)
		pinwatch_interval_notifier_remove(&d[nr].sub);
}

/* Return: the number of pages, two pages behind each subscription, that the filter covers. */
static unsigned int nr_gaps_covered(struct pw_mm *pm, unsigned int nr, unsigned int step)
{
	unsigned int i, covered = 0;

	for (i = 0; i < nr; i++)
		covered += covers(pm, i * step + 2, 1);
	return covered;
}

FIBER_TEST(filter_covers_subscriptions_only)
{
	static struct driver d[300];
	struct pw_mm *pm;
	unsigned int i;

	insert_many(d, 255, 4);
	pm = check();
	CHECK(!pm->filter.levels && covers(pm, 2, 1));
	insert_many(d + 255, 1, 4);	/* a second one on page 0 */
	CHECK(pm->filter.levels);
	check();
	for (i = 0; i < 255; i++)
		CHECK(covers(pm, 4 * i, 1));
	CHECK(!nr_gaps_covered(pm, 255, 4));
	CHECK(covers(pm, 1, 7) && !covers(pm, 1, 3));
	remove_many(d, 256);
	CHECK(!covers(check(), 0, 1));
}

/* The start before an insert reads the filter, and not a hole. */
FIBER_TEST(filter_does_not_hide_an_insert)
{
	struct driver far, d;
	struct mmu_notifier_range r;

	use_filter(&far, 300);
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!insert(&d, 5, 1));
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	start(&r, 5, 1);
	CHECK(d.calls == 1 && !far.calls);
	end(&r);
	remove_sub(&d);
	remove_sub(&far);
}

/*
 * After PW_COVERED_MAX hits, start searches the tree without the filter. If nothing overlaps after
 * all, start finds the hole in the tree, and reads the filter again from then on.
 */
FIBER_TEST(filter_is_not_read_for_hits)
{
	struct driver d, far;
	struct pw_record *rec;
	unsigned int i;

	use_filter(&d, 5);
	CHECK(!insert(&far, 300, 1));
	rec = pw_record_nr(check(), 0);
	for (i = 0; i < 2 * PW_COVERED_MAX; i++)
		event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d.calls == 2 * PW_COVERED_MAX && rec->covered == PW_COVERED_MAX);
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!rec->covered && rec->hole_before == PG(6) - 1 && rec->hole_next == PG(300));
	event(300, 1, MMU_NOTIFY_CLEAR, NULL);
	event(4, 2, MMU_NOTIFY_CLEAR, NULL);
	CHECK(far.calls == 1 && d.calls == 2 * PW_COVERED_MAX + 1 && rec->covered == 2);
	event(3, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!rec->covered && rec->hole_before == PG(3) - 1 && rec->hole_next == PG(4));
	remove_sub(&d);
	remove_sub(&far);
}

/* A subscription with an event filter has a tree of its own, which start searches as well. */
FIBER_TEST(filter_is_not_read_for_hits_of_a_class)
{
	struct pinwatch_interval_notifier_ops o = ops;
	struct driver d, filtered;
	struct pw_record *rec;
	unsigned int i;

	use_filter(&d, 5);
	o.ignore_events = BIT(MMU_NOTIFY_SOFT_DIRTY);
	CHECK(!insert_ops(&filtered, 300, 1, &o));
	rec = pw_record_nr(check(), 0);
	for (i = 0; i < 2 * PW_COVERED_MAX; i++)
		event(300, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(filtered.calls == 2 * PW_COVERED_MAX && rec->covered == PW_COVERED_MAX);
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!rec->covered && rec->hole_before == PG(6) - 1 && rec->hole_next == PG(300));
	remove_sub(&d);
	remove_sub(&filtered);
}

/* 4,000 inserts and removes of one page leave no page covered. */
FIBER_TEST(filter_stays_exact_after_probes)
{
	static struct driver d[10000];
	struct driver probe;
	struct pw_mm *pm;
	unsigned int i, before;

	insert_many(d, ARRAY_SIZE(d), 4);
	pm = check();
	before = nr_gaps_covered(pm, ARRAY_SIZE(d), 4);
	for (i = 0; i < 4000; i++) {
		unsigned int page = shim_rand(4 * ARRAY_SIZE(d));

		CHECK(!insert_at(&probe, PG(page), PG(page + 1) - 1));
		pinwatch_interval_notifier_remove(&probe.sub);
	}
	CHECK(!before && !nr_gaps_covered(check(), ARRAY_SIZE(d), 4));
	remove_many(d, ARRAY_SIZE(d));
}

/* More subscriptions of a page than a count can hold. Each remove leaves the others. */
FIBER_TEST(filter_counts_many_on_a_page)
{
	struct driver d[6], wide, far;
	struct pw_mm *pm = use_filter(&far, 5000);
	unsigned int i;

	for (i = 0; i < 6; i++)
		CHECK(!insert(&d[i], 8, 1 + i));
	CHECK(!insert(&wide, 0, 40));	/* counted at another level */
	for (i = 6; i--;) {
		CHECK(covers(pm, 8, 1));
		remove_sub(&d[i]);
	}
	CHECK(!pw_filter_levels_cover(&pm->filter, BIT(0), PG(8), PG(9) - 1));
	CHECK(covers(pm, 8, 1));
	remove_sub(&wide);
	CHECK(!covers(pm, 8, 1));
	remove_sub(&far);
}

/* Insert subscriptions that cover pages 0 to 31 and are counted at another level. */
static void insert_wide(struct driver *wide, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		CHECK(!insert(&wide[i], 0, 40 + i));
}

/* A recount gives up among subscriptions of other levels. The page is exact again later. */
FIBER_TEST(filter_recount_is_bounded)
{
	static struct driver wide[300], d[4];
	struct driver far;
	struct pw_mm *pm = use_filter(&far, 5000);
	unsigned int i;

	insert_wide(wide, ARRAY_SIZE(wide));
	for (i = 0; i < 4; i++)
		CHECK(!insert(&d[i], 8, 1));
	for (i = 0; i < 4; i++)
		remove_sub(&d[i]);
	CHECK(pm->filter.inexact);
	CHECK(!pw_filter_levels_cover(&pm->filter, BIT(0), PG(8), PG(9) - 1));
	for (i = 0; i < ARRAY_SIZE(wide); i++)
		remove_sub(&wide[i]);
	remove_sub(&far);
	CHECK(!covers(check(), 8, 1));
}

/* The bound is for all pages of a remove together. */
FIBER_TEST(filter_recount_of_many_pages_is_bounded)
{
	static struct driver wide[24], d[4];
	struct driver far;
	struct pw_mm *pm = use_filter(&far, 5000);
	unsigned int i;

	insert_wide(wide, ARRAY_SIZE(wide));
	for (i = 0; i < 4; i++)
		CHECK(!insert(&d[i], 0, 32));
	CHECK(!pm->filter.inexact);
	remove_sub(&d[0]);
	CHECK(pm->filter.inexact && !pm->filter.recount_left);
	for (i = 1; i < 4; i++)
		remove_sub(&d[i]);
	CHECK(!pw_filter_levels_cover(&pm->filter, BIT(0), PG(0), PG(32) - 1));
	remove_many(wide, ARRAY_SIZE(wide));
	remove_sub(&far);
}

FIBER_TEST(filter_of_large_intervals)
{
	static struct driver large[5], d;
	unsigned long gib = 1UL << 30, allocs;
	struct driver far;
	struct pw_mm *pm = use_filter(&far, 0);
	unsigned int i;

	allocs = shim_nr_allocs();
	for (i = 0; i < 5; i++)
		CHECK(!insert_at(&large[i], gib << (2 * i + 1), (gib << (2 * i + 1)) + (gib << i)));
	CHECK(!insert_at(&d, 0, ULONG_MAX - 1));
	CHECK(shim_nr_allocs() <= (long)allocs + 2 * (5 * 2 + 2));
	check();
	pinwatch_interval_notifier_remove(&d.sub);
	CHECK(pw_filter_covers(&pm->filter, 2 * gib + gib / 2, 2 * gib + gib / 2));
	CHECK(!pw_filter_covers(&pm->filter, gib, gib));
	CHECK(!pw_filter_covers(&pm->filter, 4 * gib, 4 * gib));
	/* A range of many leaves: the tree is searched. */
	CHECK(pw_filter_covers(&pm->filter, gib, gib + gib / 2));
	remove_many(large, 5);
	remove_sub(&far);
}

/* insert works without memory, and then every page may be covered, until its remove. */
FIBER_TEST(filter_without_memory)
{
	struct driver d, first, split;
	struct mmu_notifier_range r;
	struct pw_mm *pm = use_filter(&first, 30);

	CHECK(!covers(pm, 1, 1));
	shim_fail_nowait = 256;
	CHECK(!insert(&d, 5 * REGION, 1));
	shim_fail_nowait = 0;
	CHECK(d.sub.state & PW_SUB_UNCOUNTED);
	CHECK(covers(pm, 1, 1));
	start(&r, 5 * REGION, 1);
	CHECK(d.calls == 1);
	end(&r);
	/* Others are counted meanwhile. */
	CHECK(!insert(&split, 9 * REGION - BASE / PAGE_SIZE - 2, 4));
	CHECK(!(split.sub.state & PW_SUB_UNCOUNTED));
	remove_sub(&d);
	CHECK(!covers(pm, 1, 1) && covers(pm, 9 * REGION - BASE / PAGE_SIZE - 1, 1));
	remove_sub(&split);
	remove_sub(&first);
}

/* The filter is used again when memory is there, although there was none at its first use. */
FIBER_TEST(filter_without_memory_at_first_use)
{
	struct driver first, d;
	struct pw_mm *pm;

	pw_filter_from = 1;
	shim_fail_nowait = 256;
	CHECK(!insert(&first, 30, 1));
	shim_fail_nowait = 0;
	pm = check();
	CHECK(covers(pm, 1, 1));
	CHECK(!insert(&d, 5, 1));
	remove_sub(&first);
	CHECK(!covers(check(), 1, 1) && covers(pm, 5, 1));
	remove_sub(&d);
}

/* Without memory for a larger table, a table takes a few leaves more. */
FIBER_TEST(filter_without_memory_for_a_larger_table)
{
	static struct driver d[PW_FILTER_NR_TABLES * 7];
	unsigned int i, nr_counted = 0;
	struct driver first;
	struct pw_mm *pm = use_filter(&first, 1);

	pw_filter_table_max = 8;
	insert_many(d, ARRAY_SIZE(d), REGION);
	for (i = 0; i < ARRAY_SIZE(d); i++)
		nr_counted += !(d[i].sub.state & PW_SUB_UNCOUNTED);
	test_note("%u of %zu counted", nr_counted, ARRAY_SIZE(d));
	CHECK(nr_counted > PW_FILTER_NR_TABLES * 6);
	pw_filter_check(pm);
	remove_many(d, ARRAY_SIZE(d));
	remove_sub(&first);
}

/* Without memory for the second of two leaves, the first is not counted either. */
FIBER_TEST(filter_with_little_memory)
{
	static struct driver d[200];
	unsigned int i, missing = 0, edge = REGION - BASE / PAGE_SIZE % REGION;
	struct driver first;
	struct pw_mm *pm = use_filter(&first, 1);

	shim_fail_nowait = 128;
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		CHECK(!insert(&d[i], edge + (2 * i + 2) * REGION - 2, 4));
		missing += !!(d[i].sub.state & PW_SUB_UNCOUNTED);
	}
	shim_fail_nowait = 0;
	CHECK(missing > 20 && missing < 180);
	for (i = 0; i < ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
	CHECK(!covers(pm, edge + 2 * REGION - 2, 4));
	remove_sub(&first);
}

/* The memory for many regions is bounded, and is given back. */
FIBER_TEST(filter_memory_is_bounded)
{
	static struct driver d[3000];
	unsigned int nr = ARRAY_SIZE(d), max = PW_FILTER_NR_TABLES * (28 + 1);
	struct driver first;
	struct pw_mm *pm = use_filter(&first, 1);
	long allocs = shim_nr_allocs();

	pw_filter_table_max = 32;
	insert_many(d, nr, REGION);
	shim_settle();
	CHECK(pm->filter.nr_missing > nr / 4);
	CHECK(shim_nr_allocs() - allocs <= max);
	check();
	remove_many(d, nr);
	shim_settle();
	CHECK(!pm->filter.nr_missing && !covers(pm, 0, 1));
	CHECK(shim_nr_allocs() - allocs < max / 4);
	test_note("%ld allocations are left", shim_nr_allocs() - allocs);
	check();
	remove_sub(&first);
}

FIBER_TEST(filter_of_each_mm)
{
	struct mm_struct *other;
	struct driver d, e;
	struct pw_mm *pm = use_filter(&d, 5), *pm_other;

	other = mm;
	mm = shim_mm_alloc();
	pm_other = use_filter(&e, 9);
	CHECK(covers(pm, 5, 1) && !covers(pm, 9, 1));
	CHECK(!covers(pm_other, 5, 1) && covers(pm_other, 9, 1));
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!d.calls && !e.calls);
	remove_sub(&e);
	release();
	mmdrop(mm);
	mm = other;
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d.calls == 1);
	remove_sub(&d);
}

/* ---- random inserts and removes, against the tree ---- */

static unsigned long random_place(void)
{
	static const unsigned long bases[] = { 0, BASE, 0x7f0000000000, -(64 * PAGE_SIZE) };
	unsigned long base = bases[shim_rand(ARRAY_SIZE(bases))];

	return base + shim_rand(64) * PAGE_SIZE + shim_rand(2) * 100;
}

static unsigned long random_length(void)
{
	unsigned long length = 1 + shim_rand(3 * PAGE_SIZE);

	return shim_rand(4) ? length : length << shim_rand(40);
}

static void random_interval(unsigned long *start, unsigned long *last)
{
	*start = random_place();
	*last = *start + random_length() - 1;
	if (*last < *start)
		*last = ULONG_MAX;
}

static bool tree_covers(struct pw_mm *pm, unsigned long start, unsigned long last)
{
	return pw_tree_first(&pm->classes[0].tree, start & PAGE_MASK, last | ~PAGE_MASK);
}

static void random_queries(struct pw_mm *pm, unsigned int *nr, unsigned int *wrong)
{
	unsigned long start, last;
	unsigned int i;

	for (i = 0; i < 32; i++) {
		random_interval(&start, &last);
		if (!pw_filter_covers(&pm->filter, start, last))
			CHECK(!tree_covers(pm, start, last));
		start = random_place();
		if (tree_covers(pm, start, start))
			continue;
		++*nr;
		*wrong += pw_filter_covers(&pm->filter, start, start);
	}
}

RACE_TEST(filter_against_the_tree, 12)
{
	static struct driver d[24];
	unsigned int i, k, nr = 0, wrong = 0;
	bool linked[ARRAY_SIZE(d)] = {};
	unsigned long start, last;
	struct driver first;
	struct pw_mm *pm = use_filter(&first, 1u << 20);

	shim_fail_nowait = shim_rand(2) * 16;
	for (k = 0; k < 300; k++) {
		i = shim_rand(ARRAY_SIZE(d));
		if (linked[i]) {
			pinwatch_interval_notifier_remove(&d[i].sub);
		} else {
			random_interval(&start, &last);
			CHECK(!insert_at(&d[i], start, last));
		}
		linked[i] = !linked[i];
		if (!(k % 8))
			check();
		random_queries(pm, &nr, &wrong);
	}
	shim_fail_nowait = 0;
	for (i = 0; i < ARRAY_SIZE(d); i++)
		if (linked[i])
			pinwatch_interval_notifier_remove(&d[i].sub);
	remove_sub(&first);
}

/* ---- races ---- */

/* A start without the validation of start(), whose steps would be most of the test. */
static void start_page_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	shim_self()->cpu = 0;
	*r = (struct mmu_notifier_range){
		.mm = mm, .start = PG(5), .end = PG(6), .event = MMU_NOTIFY_CLEAR,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
	mmu_notifier_invalidate_range_start(r);
}

/* The start of page 5 has called @d, or insert has marked @d. */
static void check_invalidated(struct driver *d)
{
	unsigned long seq = 0;

	CHECK(d->calls <= 1);
	CHECK(pinwatch_interval_read_begin_timeout(&d->sub, &seq, 0) == -EBUSY);
}

static void insert_page_main(void *arg)
{
	struct driver *d = arg;

	CHECK(!insert_at(d, PG(5), PG(6) - 1));
}

/* The record of CPU 0 has a current gen, and a hole at another page: start reads the filter. */
RACE_TEST(filter_races_with_insert, 800)
{
	struct mmu_notifier_range r;
	struct driver d, far;

	use_filter(&far, 300);
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	shim_spawn("invalidator", start_page_main, &r);
	insert_page_main(&d);
	shim_settle();
	check_invalidated(&d);
	end_other(&r);
	remove_sub(&d);
	remove_sub(&far);
}

/* Another task makes the gen of the record current again, after the insert. */
static void insert_and_invalidate_main(void *arg)
{
	insert_page_main(arg);
	shim_self()->cpu = 0;
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
}

SWITCH_TEST(filter_is_read_while_a_page_is_inserted)
{
	struct mmu_notifier_range r;
	struct driver d, far;

	use_filter(&far, 300);
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	shim_spawn("inserter", insert_and_invalidate_main, &d);
	start_page_main(&r);
	shim_settle();
	check_invalidated(&d);
	end(&r);
	remove_sub(&d);
	remove_sub(&far);
}

static unsigned int table_of_page(unsigned int page)
{
	return pw_filter_table_nr(pw_filter_hash(pw_filter_key(PG(page) >> PAGE_SHIFT, 0)));
}

/* Insert pages of other leaves that are in the table of page 5. Return: the last one. */
static unsigned int insert_in_table(struct driver *d, unsigned int nr, unsigned int page)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		do
			page += REGION;
		while (table_of_page(page) != table_of_page(5));
		CHECK(!insert_at(&d[i], PG(page), PG(page + 1) - 1));
	}
	return page;
}

/* A table is rebuilt, larger and smaller, while start reads it. */
SWITCH_TEST(filter_is_read_while_a_table_is_rebuilt)
{
	struct mmu_notifier_range r;
	struct driver d[6], old;
	unsigned int page;

	use_filter(&old, 5);
	page = insert_in_table(d, 5, 5);
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	shim_spawn("invalidator", start_page_main, &r);
	insert_in_table(d + 5, 1, page);
	remove_many(d, ARRAY_SIZE(d));
	shim_settle();
	CHECK(old.calls == 1);
	end_other(&r);
	remove_sub(&old);
}

/* The filter comes into use while start reads it. The first insert counts as two. */
SWITCH_TEST(filter_is_read_while_it_comes_into_use)
{
	struct mmu_notifier_range r;
	struct driver old, other, d;

	pw_filter_from = 3;
	CHECK(!insert(&old, 5, 1) && !insert(&other, 300, 1));
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!pw_filter_in_use(&check()->filter));
	shim_spawn("invalidator", start_page_main, &r);
	CHECK(!insert_at(&d, PG(400), PG(401) - 1));
	shim_settle();
	CHECK(old.calls == 1);
	end_other(&r);
	remove_sub(&d);
	remove_sub(&other);
	remove_sub(&old);
}
