/* SPDX-License-Identifier: MIT */
/*
 * The kernel's trace buffer, through tracefs: events are enabled, and what they left
 * is read. x_something() must succeed, or the test fails.
 */
#ifndef TRACING_H
#define TRACING_H

#include <stdbool.h>
#include <stddef.h>

/* Mount tracefs unless that was done. False: this kernel has none. */
bool tracing_mount(void);
/* An event of the system "pinwatch", or all of them for "". */
void x_tracing_enable(const char *event, bool on);
void x_tracing_clear(void);
/* How many lines have all of @words, which ends in NULL; the last is left in @line. */
size_t x_tracing_count(const char *const *words, char *line, size_t size);
/* The value after "NAME=" in @line, as text. False: it is not there. */
bool tracing_field(const char *line, const char *name, char *value, size_t size);

#endif /* TRACING_H */
