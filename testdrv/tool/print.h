/* SPDX-License-Identifier: MIT */
#ifndef PRINT_H
#define PRINT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Print @json and drop it; NULL: there was no memory to make it. A status. */
int print_json(json_t *json);
/* The same on one line, for a stream of them. */
int print_json_line(json_t *json);

/* The names of the bits, an array. */
json_t *print_events_to_json(uint32_t events);
json_t *print_causes_to_json(uint64_t causes);

/*
 * Other processes' names for themselves: whatever is not printable ASCII becomes a
 * question mark, so that it can harm neither a terminal nor JSON.
 */
void print_clean(char *text, size_t size);

#endif /* PRINT_H */
