/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: a warning ends the test */
#ifndef _SHIM_BUG_H
#define _SHIM_BUG_H
#include <linux/compiler.h>

__attribute__((__noreturn__, __format__(__printf__, 1, 2)))
void shim_die(const char *fmt, ...);
extern unsigned long shim_nr_warned;

#define WARN_ONCE(c, ...) ({ bool _c = !!(c); if (_c) shim_die(__VA_ARGS__); _c; })
#define WARN(c, ...)		WARN_ONCE(c, __VA_ARGS__)
#define WARN_ON_ONCE(c)		WARN_ONCE(c, "%s:%d: " #c, __FILE__, __LINE__)
#define WARN_ON(c)		WARN_ON_ONCE(c)
/* Counted, not printed: its format may use the kernel's own %p's. */
#define pr_warn_once(fmt, ...)	((void)__atomic_fetch_add(&shim_nr_warned, 1, __ATOMIC_RELAXED))
#endif
