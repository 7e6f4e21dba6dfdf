// SPDX-License-Identifier: MIT
/* Backtraces with names. See mr.h. */
#include <dlfcn.h>
#include <execinfo.h>
#include <stdint.h>
#include <stdio.h>

#include "mr.h"

#define NR_FRAMES	24

static size_t frame_print(char *text, size_t size, const void *frame, const Dl_info *info)
{
	size_t offset = (size_t)((const char *)frame - (const char *)info->dli_fbase);
	int length;

	if (info->dli_sname)
		length = snprintf(text, size, "%s+0x%tx (%s+0x%zx)\n", info->dli_sname,
				  (const char *)frame - (const char *)info->dli_saddr,
				  info->dli_fname, offset);
	else
		length = snprintf(text, size, "%s+0x%zx\n", info->dli_fname, offset);
	return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

/* A return address: the call is before it. */
static bool frame_find(const char *frame, Dl_info *info)
{
	return dladdr(frame - 1, info) && info->dli_fname;
}

void mr_where(char *text, size_t size)
{
	void *frames[NR_FRAMES];
	int i, nr = backtrace(frames, NR_FRAMES);
	Dl_info own, info;
	size_t length;

	text[0] = '\0';
	if (!dladdr((const void *)(uintptr_t)mr_where, &own))
		return;
	for (i = 0; i < nr; i++) {
		if (!frame_find(frames[i], &info) || info.dli_fbase == own.dli_fbase)
			continue;
		length = frame_print(text, size, frames[i], &info);
		/* A line that does not fit is left out. */
		text[length] = '\0';
		text += length;
		size -= length;
	}
}
