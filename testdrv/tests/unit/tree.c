// SPDX-License-Identifier: GPL-2.0-only
/* tree: the interval tree against an array, with queries after each change. */
#include <stdio.h>
#include <stdlib.h>
#include "core.h"
#include "test.h"

#define NR	40
#define SPAN	64

static struct interval_tree_node nodes[NR];
static bool linked[NR];
static struct rb_root root;
static u64 rng = 1;

static unsigned int rnd(unsigned int n)
{
	rng = rng * 6364136223846793005ull + 1442695040888963407ull;
	return (rng >> 33) % n;
}

/* Half of the positions lie at each end of the address space. */
static unsigned long place(unsigned int i)
{
	return i < SPAN / 2 ? i : ULONG_MAX - (SPAN - 1 - i);
}

static bool overlaps(unsigned int i, unsigned long start, unsigned long last)
{
	return linked[i] && nodes[i].start <= last && nodes[i].last >= start;
}

static void check_walk(unsigned long start, unsigned long last)
{
	struct interval_tree_node *node, *next, *prev = NULL;
	unsigned int i, nr = 0;

	for (i = 0; i < NR; i++)
		nr += overlaps(i, start, last);
	for (node = pw_tree_first(&root, start, last); node; node = next) {
		next = pw_tree_next(node, start, last);
		CHECK(next == pw_tree_following(node, start, last));
		CHECK(overlaps(node - nodes, start, last));
		CHECK(!prev || prev->start <= node->start);
		prev = node;
		nr--;
	}
	CHECK(!nr);
}

static void check_hole(unsigned long start, unsigned long last)
{
	unsigned long lo = 0, hi = ULONG_MAX;
	unsigned long before = 0, next = ULONG_MAX;
	struct interval_tree_node *first;
	bool free = true, any = false;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		free &= !overlaps(i, start, last);
		any |= linked[i] && nodes[i].start <= last;
		if (linked[i] && nodes[i].last < start && nodes[i].last + 1 > lo)
			lo = nodes[i].last + 1;
		if (linked[i] && nodes[i].start > last && nodes[i].start - 1 < hi)
			hi = nodes[i].start - 1;
	}
	first = pw_tree_search(&root, start, last, &before, &next);
	CHECK(first == pw_tree_first(&root, start, last));
	CHECK(!first == free);
	if (!free)
		return;
	CHECK(any ? before == lo - 1 : before == 0);
	CHECK(next == (hi == ULONG_MAX ? hi : hi + 1));
}

static void change(void)
{
	unsigned int i = rnd(NR), a = rnd(SPAN), b = a + rnd(rnd(4) ? 4 : SPAN);

	if (linked[i]) {
		pw_tree_erase(&root, &nodes[i]);
	} else {
		nodes[i].start = place(a);
		nodes[i].last = place(b < SPAN ? b : SPAN - 1);
		pw_tree_insert(&root, &nodes[i]);
	}
	linked[i] = !linked[i];
}

TEST(first_next_hole_against_an_array)
{
	unsigned int round, a, b;

	for (round = 0; round < 2000; round++) {
		change();
		for (a = 0; a < SPAN; a += 1 + rnd(3)) {
			b = a + rnd(SPAN - a);
			check_walk(place(a), place(b));
			check_hole(place(a), place(b));
		}
	}
}
