/* SPDX-License-Identifier: MIT */
/* Knobs of the kernel, under /proc and /sys; and which kernel it is. */
#ifndef KNOB_H
#define KNOB_H

#include <stdbool.h>
#include <stddef.h>

/* A number, or -1 when there is none. */
long knob_read(const char *path);

/* The first line, or "" when there is none. */
void knob_read_text(const char *path, char *text, size_t size);

/* 0 or -errno. */
int knob_write(const char *path, const char *value);

/* The same, to a knob with a number that knobs_restore() sets back. */
int knob_set(const char *path, const char *value);

/* Undo each knob_set() of this process. */
void knobs_restore(void);

#define KERNEL(major, minor)	((major) << 8 | (minor))

/* The running kernel, as KERNEL() has it. Only for what is expected of it. */
unsigned int kernel_running(void);

/* Does it know this madvise(2)? */
bool kernel_has_advice(int advice);

#endif /* KNOB_H */
