/* SPDX-License-Identifier: GPL-2.0-only */
/* Results as TAP. A crash or a hang is reported as a failure of the current test. */
#ifndef _UNIT_TAP_H
#define _UNIT_TAP_H
#include <stdbool.h>

/* Install the watchdog and the handlers; @seconds for the whole program. */
void tap_begin(const char *program, unsigned int seconds);
void tap_test(const char *name);		/* begin a test */
__attribute__((format(printf, 2, 3)))
bool tap_ok(bool ok, const char *fmt, ...);
extern unsigned long tap_seed;			/* printed when a test dies */
int tap_end(void);				/* the exit status */

#define ok(cond)	tap_ok(cond, "%s", #cond)
#endif
