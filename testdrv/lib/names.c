// SPDX-License-Identifier: MIT
/* Names of event bits, cause bits and verdicts. */
#include <string.h>

#include "libpinwatch.h"

struct name {
	uint64_t bit;
	const char *name;
};

static const struct name event_names[] = {
	{ PINWATCH_EVENT_UNMAP,		"unmap" },
	{ PINWATCH_EVENT_CLEAR,		"clear" },
	{ PINWATCH_EVENT_PROTECT,	"protect" },
	{ PINWATCH_EVENT_PROTECT_PAGE,	"protect-page" },
	{ PINWATCH_EVENT_SOFT_DIRTY,	"soft-dirty" },
	{ PINWATCH_EVENT_RELEASE,	"release" },
	{ PINWATCH_EVENT_MIGRATE,	"migrate" },
	{ PINWATCH_EVENT_EXCLUSIVE,	"exclusive" },
	{ PINWATCH_EVENT_OTHER,		"other" },
	{ 0, NULL }
};

static const struct name cause_names[] = {
	{ PINWATCH_CAUSE_UNKNOWN,	"unknown" },
	{ PINWATCH_CAUSE_MUNMAP,	"munmap" },
	{ PINWATCH_CAUSE_MREMAP,	"mremap" },
	{ PINWATCH_CAUSE_MMAP,		"mmap" },
	{ PINWATCH_CAUSE_MADVISE,	"madvise" },
	{ PINWATCH_CAUSE_MPROTECT,	"mprotect" },
	{ PINWATCH_CAUSE_FORK,		"fork" },
	{ PINWATCH_CAUSE_COW,		"cow" },
	{ PINWATCH_CAUSE_REMOTE_WRITE,	"remote-write" },
	{ PINWATCH_CAUSE_FAULT,		"fault" },
	{ PINWATCH_CAUSE_NUMA_BALANCE,	"numa-balance" },
	{ PINWATCH_CAUSE_MIGRATE,	"migrate" },
	{ PINWATCH_CAUSE_COMPACT,	"compact" },
	{ PINWATCH_CAUSE_RECLAIM,	"reclaim" },
	{ PINWATCH_CAUSE_TRUNCATE,	"truncate" },
	{ PINWATCH_CAUSE_WRITEBACK,	"writeback" },
	{ PINWATCH_CAUSE_KSM,		"ksm" },
	{ PINWATCH_CAUSE_THP,		"thp" },
	{ PINWATCH_CAUSE_USERFAULT,	"userfault" },
	{ PINWATCH_CAUSE_SOFT_DIRTY,	"soft-dirty" },
	{ PINWATCH_CAUSE_UPROBE,	"uprobe" },
	{ PINWATCH_CAUSE_REAP,		"reap" },
	{ PINWATCH_CAUSE_POISON,	"poison" },
	{ PINWATCH_CAUSE_OFFLINE,	"offline" },
	{ PINWATCH_CAUSE_EXIT,		"exit" },
	{ PINWATCH_CAUSE_EXEC,		"exec" },
	{ PINWATCH_CAUSE_DEVICE,	"device" },
	{ 0, NULL }
};

_Static_assert(sizeof(cause_names) / sizeof(cause_names[0]) == PINWATCH_NR_CAUSES + 1,
	       "each cause has a name");

static const char *const verdict_names[] = {
	[PINWATCH_VERDICT_SAME]		= "same",
	[PINWATCH_VERDICT_READ_ONLY]	= "read-only",
	[PINWATCH_VERDICT_UNKNOWN]	= "unknown",
	[PINWATCH_VERDICT_NOT_PRESENT]	= "not-present",
	[PINWATCH_VERDICT_MOVED]	= "moved",
	[PINWATCH_VERDICT_GONE]		= "gone",
};

_Static_assert(sizeof(verdict_names) / sizeof(verdict_names[0]) == PINWATCH_NR_VERDICTS,
	       "each verdict has a name");

static void string_append(char *buf, size_t size, const char *s)
{
	if (buf[0])
		strncat(buf, "+", size - strlen(buf) - 1);
	strncat(buf, s, size - strlen(buf) - 1);
}

static const char *bits_string(const struct name *name, uint64_t bits, char *buf, size_t size)
{
	buf[0] = '\0';
	for (; name->name; name++) {
		if (bits & name->bit)
			string_append(buf, size, name->name);
		bits &= ~name->bit;
	}
	if (bits)
		string_append(buf, size, "?");
	if (!buf[0])
		string_append(buf, size, "-");
	return buf;
}

const char *pinwatch_events_string(uint32_t events, char *buf, size_t size)
{
	return bits_string(event_names, events, buf, size);
}

const char *pinwatch_causes_string(uint64_t causes, char *buf, size_t size)
{
	return bits_string(cause_names, causes, buf, size);
}

const char *pinwatch_verdict_string(uint32_t verdict)
{
	return verdict < PINWATCH_NR_VERDICTS ? verdict_names[verdict] : "?";
}
