// SPDX-License-Identifier: MIT
/* Sums of `pinwatch watch`. See watch.h. */
#include <stdlib.h>
#include <string.h>

#include "watch.h"

static bool sum_is_of(const struct watch_sum *sum, const struct watch_record *record)
{
	return sum->causes == record->event.causes &&
	       !strncmp(sum->comm, record->event.comm, sizeof(sum->comm)) &&
	       !strcmp(sum->mapping, record->mapping);
}

static struct watch_sum *sum_new(struct watch_tally *tally, const struct watch_record *record)
{
	struct watch_sum *more = realloc(tally->sums, (tally->nr + 1) * sizeof(*more));
	char *mapping;

	if (!more)
		return NULL;
	tally->sums = more;
	mapping = strdup(record->mapping);
	if (!mapping)
		return NULL;
	more += tally->nr++;
	*more = (struct watch_sum){ .causes = record->event.causes, .mapping = mapping };
	memcpy(more->comm, record->event.comm, sizeof(more->comm));
	return more;
}

bool watch_tally_add(struct watch_tally *tally, const struct watch_record *record)
{
	struct watch_sum *sum = NULL;
	size_t i;

	for (i = 0; i < tally->nr && !sum; i++)
		if (sum_is_of(&tally->sums[i], record))
			sum = &tally->sums[i];
	if (!sum)
		sum = sum_new(tally, record);
	if (!sum)
		return false;
	sum->records++;
	sum->invalidations += record->event.count;
	tally->records++;
	tally->invalidations += record->event.count;
	return true;
}

static int sum_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct watch_sum *)a)->invalidations;
	uint64_t y = ((const struct watch_sum *)b)->invalidations;

	return x < y ? 1 : x > y ? -1 : 0;
}

void watch_tally_sort(struct watch_tally *tally)
{
	if (tally->nr)
		qsort(tally->sums, tally->nr, sizeof(*tally->sums), sum_compare);
}

void watch_tally_free(struct watch_tally *tally)
{
	size_t i;

	for (i = 0; i < tally->nr; i++)
		free(tally->sums[i].mapping);
	free(tally->sums);
}
