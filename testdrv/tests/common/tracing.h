/* SPDX-License-Identifier: MIT */
/*
 * Enable trace events, and read the trace buffer, through tracefs. A function that returns
 * void or a count fails the test unless it succeeds.
 */
#ifndef TRACING_H
#define TRACING_H

#include <stdbool.h>
#include <stddef.h>

/* Mount tracefs unless it is mounted. False: this kernel has no tracefs. */
bool tracing_mount(void);
/* @event of the system "pinwatch"; "" means all events. */
void tracing_enable(const char *event, bool on);
void tracing_clear(void);
/* Count the lines with all @words, which end in NULL. @line: Out, the last such line. */
size_t tracing_count(const char *const *words, char *line, size_t size);
/* @value: Out, the text after "NAME=" in @line. False: @line has no such field. */
bool tracing_field(const char *line, const char *name, char *value, size_t size);

#endif /* TRACING_H */
